//! One round of a pass: from what is wanted now to at most one batch of effects.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{
    Asked, Worker, compile,
    facts::Behind,
    look::Look,
    recall::Forgotten,
    record,
    schedule::{self, Lane, Situation},
};
use crate::{
    api::{ReleasePolicy, conditions::Reason},
    drivers::{CompileContext, Compiled, DriverError, Finding, Severity},
    index::{AssignmentView, Desired},
    model::{
        ItemKey, ObjectName,
        memory::{Memory, Write},
    },
    plan::release::{Release, Witness, releases},
    store::StoreError,
};

/// What a round came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Something was done, or may be: look again.
    Again,
    /// Nothing before then.
    At(Timestamp),
    /// Nothing until something changes.
    OnChange,
}

/// Why a round stopped.
#[derive(Debug)]
pub enum Halt {
    /// The account is out of reach.
    Account(DriverError),
    /// The store cannot remember.
    Store(StoreError),
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Documents looked at in one round; small enough for a newer change to come soon, large enough to pack.
const SLICE: usize = 100;

impl Worker {
    pub(super) async fn round(&mut self, desired: &Desired, asked: Asked<'_>) -> Result<Next, Halt> {
        self.free_backend(desired).await;
        if desired.assignments.values().any(|view| view.deleting) {
            // Orphan must go through also where the system or its credentials are gone for good (R8, R11).
            let released = self.witness(desired, &BTreeSet::new());
            self.let_go_without_a_call(desired, released).await?;
        }
        if desired.backend.settings.suspend || desired.backend.invalid.is_some() {
            // Not a single call (R23).
            return Ok(Next::OnChange);
        }
        let requested = self.take_up_requests(desired)?;
        self.ensure_driver(desired, requested).await?;
        self.read_content_secrets(desired).await;
        let changed = self.update_stakes(desired);
        self.recall_losers(desired);
        self.recall_claims(desired)?;
        let released = self.witness(desired, &changed);
        let rest = self.let_go_without_a_call(desired, released).await?;
        if self.is_behind(desired)? {
            return Ok(Next::OnChange);
        }
        let due = self.due(desired, &rest);
        let watching = self.watching_due(desired);
        let listing = self.catalogue_due(desired);
        let list_now = listing.is_some_and(|at| at <= self.now());
        let idle = due.items.is_empty() && watching.is_empty() && !self.is_publishing();
        if idle && !list_now && !self.needs_probe() {
            self.finish_requests(desired);
            let waiting = [due.next, listing, self.outage.as_ref().map(|outage| outage.until)];
            return Ok(waiting.into_iter().flatten().min().map_or(Next::OnChange, Next::At));
        }
        self.ensure_account(desired).await?;
        if list_now {
            self.refresh_catalogue().await?;
            self.reached();
            return Ok(Next::Again);
        }
        if idle {
            self.reached();
            return Ok(Next::Again);
        }
        let round = self.choose(&due);
        let here: Vec<Release> =
            rest.iter().filter(|release| round.contains(&release.item)).cloned().collect();
        let look = self.look(desired, round, &here, &watching).await?;
        self.observe_watching(desired, &watching, &look);
        let outcome = self.act(desired, &look, &here, &rest, asked).await?;
        self.reached();
        if outcome == Next::Again {
            return Ok(Next::Again);
        }
        self.finish_requests(desired);
        let due = self.due(desired, &rest);
        if due.items.is_empty() {
            self.measure_proof();
        }
        Ok(earlier(outcome, self.after_looking(&due, &look)))
    }

    /// I7, F11: an assignment older than one already acted on comes from a stale list, and a newer one is on its way: then
    /// nothing is done on the account. Where none comes, the cluster was restored from a backup; a request on the Backend,
    /// made after this was told, says that what stands there now is meant.
    fn is_behind(&mut self, desired: &Desired) -> Result<bool, StoreError> {
        let seen = |view: &AssignmentView| self.memory.seen.get(&view.uid).copied();
        let older: Vec<_> = desired
            .assignments
            .values()
            .filter_map(|view| Some((view, seen(view).filter(|seen| *seen > view.generation)?)))
            .collect();
        let told = self.account.behind.take();
        let Some((first, applied)) = older.first() else { return Ok(false) };
        let requested = &desired.backend.requested_at;
        if told.as_ref().is_some_and(|told| requested.is_some() && told.requested_then != *requested) {
            // From here on what is acted on next counts.
            self.commit(older.iter().map(|(view, _)| Write::Unseen(view.uid.clone())).collect())?;
            return Ok(false);
        }
        let message = format!(
            "{} of its assignments are older here than what was already applied ({}: generation {}, applied {applied}), \
             so nothing is written. A lagging API server mends itself; if the cluster was restored from a backup and \
             this state is meant, set annotation ordain.dev/reconcile-requested-at on the backend to a new value",
            older.len(),
            first.name,
            first.generation
        );
        let requested_then = told.map_or_else(|| requested.clone(), |told| told.requested_then);
        self.account.behind = Some(Behind { message, requested_then });
        Ok(true)
    }

    /// A request on the Backend is not handled yet.
    fn is_asked(&self, desired: &Desired) -> bool {
        self.requests.is_open(&self.id.to_string(), desired.backend.requested_at.as_deref())
    }

    pub(super) fn commit(&mut self, writes: Vec<Write>) -> Result<(), StoreError> {
        if writes.is_empty() {
            return Ok(());
        }
        self.house.store.commit(&self.id, &writes, &[])?;
        writes.into_iter().for_each(|write| self.memory.apply(write));
        self.account.store_trouble = None;
        Ok(())
    }

    /// Compiles what changed.
    fn update_stakes(&mut self, desired: &Desired) -> BTreeSet<ObjectName> {
        let Some(session) = &self.session else { return BTreeSet::new() };
        let driver = session.driver.clone();
        let mut stakes = std::mem::take(&mut self.stakes);
        let compile_one = |view: &AssignmentView| self.compile_one(desired, view);
        let changed =
            stakes.update(&desired.assignments, driver.as_ref(), &self.digester, &self.memory, &compile_one);
        self.stakes = stakes;
        self.pace.touch(changed.iter().cloned());
        changed
    }

    /// What an assignment comes to now. What reaches further than the guard allows comes to nothing, and lets go of
    /// nothing either (R2).
    pub(super) fn compile_one(&self, desired: &Desired, view: &AssignmentView) -> Option<Compiled> {
        let driver = self.session.as_ref()?.driver.clone();
        let empty = crate::model::Catalogue::default();
        let catalogue = self.memory.catalogue.as_ref().map_or(&empty, |c| &c.catalogue);
        let secrets = self.secrets_for(view);
        let context = CompileContext {
            catalogue,
            owner: &self.house.owner,
            digester: &self.digester,
            secrets: &secrets,
        };
        let mut compiled = compile::compile(view, driver.as_ref(), &context)?;
        let max_targets = desired.backend.settings.max_targets;
        if compiled.targets > max_targets {
            compiled.findings.push(too_far(compiled.targets, max_targets));
            compiled.contributions.clear();
        }
        Some(compiled)
    }

    /// R3: what living witnesses let go of. Only assignments that may have dropped something are compiled for it.
    fn witness(&self, desired: &Desired, changed: &BTreeSet<ObjectName>) -> Vec<Release> {
        let dropped = |item: &ItemKey, who: &ObjectName| {
            self.stakes.get(who).is_some_and(|kept| {
                let other = kept.items.iter().find(|(key, _)| key == item);
                other.is_none() || changed.contains(who) || !self.is_proven(item)
            })
        };
        let candidates: BTreeSet<&ObjectName> = self
            .memory
            .claims
            .keys()
            .filter(|(item, who)| dropped(item, who))
            .map(|(_, who)| who)
            .chain(desired.assignments.iter().filter(|(_, view)| view.deleting).map(|(name, _)| name))
            .collect();
        let compiled: BTreeMap<&ObjectName, Option<Compiled>> = candidates
            .iter()
            .filter_map(|name| Some((*name, self.compile_one(desired, desired.assignments.get(*name)?))))
            .collect();
        let witnesses: BTreeMap<ObjectName, Witness<'_>> = compiled
            .iter()
            .filter_map(|(name, compiled)| {
                let view = desired.assignments.get(*name)?;
                Some(((*name).clone(), Witness { view, compiled: compiled.as_ref() }))
            })
            .collect();
        releases(&witnesses, &self.memory)
    }

    /// The last read showed exactly what is wanted of it now.
    pub(super) fn is_proven(&self, item: &ItemKey) -> bool {
        let observed = self.memory.items.get(item).and_then(|record| record.observed.as_ref());
        observed.is_some_and(|o| o.proves == Some(self.stakes.inputs(item, &self.digester)))
    }

    /// Orphan never needs a call (R11); what is left needs a look at the system.
    async fn let_go_without_a_call(
        &mut self,
        desired: &Desired,
        released: Vec<Release>,
    ) -> Result<Vec<Release>, Halt> {
        let (orphaned, rest): (Vec<_>, Vec<_>) =
            released.into_iter().partition(|release| release.how == ReleasePolicy::Orphan);
        for release in &orphaned {
            // An element leaving a living object is taken out by the object's next write, not by letting go.
            let writes = record::forget(&self.memory, &release.item, &release.by, release.leaves.as_ref());
            self.commit(writes)?;
            self.released.remove(&release.item);
            self.pace.touch([release.by.clone()]);
        }
        self.drop_finalizers(desired, &rest).await;
        Ok(rest)
    }

    /// Takes the finalizer off assignments that are being deleted and hold nothing any more.
    pub(super) async fn drop_finalizers(&mut self, desired: &Desired, open: &[Release]) {
        for (name, view) in desired.assignments.iter().filter(|(_, view)| view.deleting && view.finalizer) {
            let holds = self.memory.claims.keys().any(|(_, who)| who == name);
            let waits = open.iter().any(|release| release.by == *name);
            if holds || waits || self.may_have_forgotten(view) != Forgotten::Nothing {
                continue;
            }
            if let Err(error) = self.house.reporter.remove_finalizer(name, &view.uid).await {
                tracing::warn!(assignment = %name, %error, "finalizer not removed yet");
            }
        }
    }

    fn due(&self, desired: &Desired, releases: &[Release]) -> schedule::Due {
        let inputs = |item: &ItemKey| self.stakes.inputs(item, &self.digester);
        let resting = self.troubles.resting(&inputs, self.now());
        let resting =
            resting.into_iter().filter(|(_, t)| !t.unseen).map(|(item, t)| (item, t.until)).collect();
        let all = desired
            .assignments
            .values()
            .any(|v| self.requests.is_open(&v.name.to_string(), v.requested_at.as_deref()))
            || self.is_asked(desired);
        let (releasing, waiting) = self.releasing(releases, all);
        let mut due = schedule::due(&Situation {
            stakes: &self.stakes,
            memory: &self.memory,
            releasing: &releasing,
            resting: &resting,
            interval: desired.backend.settings.drift_interval,
            all,
            digester: &self.digester,
            now: self.now(),
        });
        due.next = due.next.into_iter().chain(waiting).min();
        due.items.retain(|item, _| !self.holding.contains_key(item));
        if !self.holding.is_empty() {
            let interval =
                SignedDuration::try_from(desired.backend.settings.drift_interval).unwrap_or_default();
            let again = self.now().checked_add(interval).unwrap_or(Timestamp::MAX);
            due.next = Some(due.next.map_or(again, |next| next.min(again)));
        }
        due
    }

    /// Items to be let go of now, and when one that waits for a human is looked at again.
    fn releasing(&self, releases: &[Release], all: bool) -> (BTreeSet<ItemKey>, Option<Timestamp>) {
        let (mut now, mut later) = (BTreeSet::new(), None);
        for of_item in releases.chunk_by(|a, b| a.item == b.item) {
            let Some(item) = of_item.first().map(|release| &release.item) else { continue };
            match self.waiting_releases.get(item) {
                Some((same, until)) if same == of_item && *until > self.now() && !all => {
                    later = later.into_iter().chain([*until]).min();
                }
                _ => drop(now.insert(item.clone())),
            }
        }
        (now, later)
    }

    /// Something of ours was changed and is not known to be published: a sequence of the whole account is open (R18),
    /// whatever became of the items it began with.
    fn is_publishing(&self) -> bool {
        self.memory.deploy.ours_since.is_some()
    }

    /// Which items this round looks at. A snapshot shows everything anyway, so what is due for drift is due together,
    /// and what is published is published together.
    fn choose(&self, due: &schedule::Due) -> BTreeSet<ItemKey> {
        let snapshot = self.session.as_ref().is_some_and(|s| s.driver.facts().snapshot);
        if !snapshot {
            return schedule::slice(due, SLICE);
        }
        if self.is_publishing() || due.items.values().any(|lane| *lane == Lane::Drift) {
            return self.stakes.items().chain(due.items.keys()).cloned().collect();
        }
        due.items.keys().cloned().collect()
    }

    /// When to look again at items that were read and are not settled.
    fn after_looking(&mut self, due: &schedule::Due, look: &Look) -> Next {
        let unsettled =
            due.items.keys().any(|item| look.items.contains_key(item) || look.releasing.contains(item));
        if !unsettled {
            self.settle_polls = 0;
            let more = !due.items.is_empty();
            return if more { Next::Again } else { due.next.map_or(Next::OnChange, Next::At) };
        }
        Next::At(self.poll_later())
    }
}

fn too_far(targets: u32, limit: u32) -> Finding {
    Finding {
        severity: Severity::Refused,
        reason: Reason::TargetsHeld,
        subject: "spec.targets".into(),
        message: format!(
            "this assignment reaches {targets} targets; the backend's guard.maxTargets allows {limit}. Narrow the \
             targets, or raise the limit if this is meant"
        ),
    }
}

fn earlier(a: Next, b: Next) -> Next {
    match (a, b) {
        (Next::Again, _) | (_, Next::Again) => Next::Again,
        (Next::At(a), Next::At(b)) => Next::At(a.min(b)),
        (Next::At(at), Next::OnChange) | (Next::OnChange, Next::At(at)) => Next::At(at),
        (Next::OnChange, Next::OnChange) => Next::OnChange,
    }
}

/// Whether memory holds anything of an assignment.
pub fn holds_anything(memory: &Memory, name: &ObjectName) -> bool {
    memory.claims.keys().any(|(_, who)| who == name)
}
