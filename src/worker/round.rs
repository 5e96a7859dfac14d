//! One round of a pass: from what is wanted now to at most one batch of effects.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use tracing::Instrument as _;

use super::{
    Asked, Worker, compile,
    facts::Behind,
    look::Look,
    schedule::{self, Lane, Situation},
};
use crate::{
    api::conditions::Reason,
    drivers::{CompileContext, Compiled, DriverError, Finding, Severity},
    index::{AssignmentView, Desired},
    model::{ItemKey, ObjectName, TRACE, Uid, is_traced, memory::Write, reckoned},
    plan::release::Release,
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

/// An object that was acted on in a later generation than it has here.
pub(super) struct Older {
    uid: Uid,
    generation: i64,
    applied: i64,
}

/// Documents looked at in one round; small enough for a newer change to come soon, large enough to pack.
const SLICE: usize = 100;

impl Worker {
    pub(super) async fn round(&mut self, desired: &Desired, asked: Asked<'_>) -> Result<Next, Halt> {
        self.tend_backend(desired).await?;
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
        self.say_mended(desired, &changed);
        if self.is_behind(desired)? {
            return Ok(Next::OnChange);
        }
        self.begin_requests(desired, &rest)?;
        self.recount(desired, &rest)?;
        let mut due = self.due(desired, &rest);
        if self.tally.waits_for_nothing(&due) {
            self.judge_what_waits(desired)?;
            due = self.due(desired, &rest);
        }
        self.measure_due(&due);
        let watching = self.watching_due(desired);
        let listing = self.catalogue_due(desired);
        let list_now = listing.is_some_and(|at| at <= self.now() || self.lists_before(desired, &due));
        let nothing_to_see = watching.is_empty() && self.glances_due().is_empty();
        let idle = due.items.is_empty() && nothing_to_see && !self.is_publishing();
        if idle && !list_now && !self.needs_probe() {
            self.finish_requests(desired, &due)?;
            let waiting = [due.next, listing, self.outage_ends()];
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
        let span = self.round_span(due.items.len());
        self.work(desired, &due, &rest, &watching, asked).instrument(span).await
    }

    /// Looks at what is due, does what follows from it, and tells when to look again.
    async fn work(
        &mut self,
        desired: &Desired,
        due: &schedule::Due,
        rest: &[Release],
        watching: &BTreeSet<ObjectName>,
        asked: Asked<'_>,
    ) -> Result<Next, Halt> {
        let round = self.choose(due);
        let whole = self.tally.is_whole_with(&round, due);
        let here: Vec<Release> =
            rest.iter().filter(|release| round.contains(&release.item)).cloned().collect();
        let unproven: Vec<ItemKey> = if is_traced() {
            round.iter().filter(|item| !self.is_proven(item)).cloned().collect()
        } else {
            Vec::new()
        };
        let unread = self.unread_in(&round, due);
        let read = tracing::trace_span!(target: TRACE, "read", items = round.len());
        let look = self.look(desired, round, &here, watching).instrument(read).await?;
        self.observe_watching(desired, watching, &look);
        let glances = self.glances_due();
        let glanced = !glances.is_empty();
        self.glance(glances, &look.observation);
        let outcome = self.act(desired, &look, &here, rest, whole, asked).await;
        self.measure_read(&unread);
        let outcome = outcome?;
        self.trace_proofs(&unproven);
        self.reached();
        if look.observation.complete || !look.driver.translate().facts().lists {
            self.requests.looked_at(look.inputs.keys());
        }
        if outcome == Next::Again || glanced {
            return Ok(Next::Again);
        }
        let due = self.due(desired, rest);
        self.measure_due(&due);
        self.finish_requests(desired, &due)?;
        Ok(earlier(outcome, self.after_looking(&due, &look)))
    }

    /// I7, F11: an assignment older than one already acted on comes from a stale list, and a newer one is on its way: then
    /// nothing is done on the account. Where none comes, the cluster was restored from a backup; a request on the Backend,
    /// made after this was told, says that what stands there now is meant.
    fn is_behind(&mut self, desired: &Desired) -> Result<bool, StoreError> {
        let older: BTreeMap<Uid, (&ObjectName, Older)> = desired
            .assignments
            .iter()
            .flat_map(|(name, view)| {
                self.older_sources(view).map(move |older| (older.uid.clone(), (name, older)))
            })
            .collect();
        let told = self.account.behind.take();
        let Some((first, example)) = older.values().next() else { return Ok(false) };
        let requested = &desired.backend.requested_at;
        // One that was handled before is no answer: it may just have come ahead of the assignments.
        let open = self.requests.is_open(&self.id.to_string(), requested.as_deref());
        if open && told.as_ref().is_some_and(|told| told.requested_then != *requested) {
            // From here on what is acted on next counts.
            self.commit(older.into_keys().map(Write::Unseen).collect())?;
            return Ok(false);
        }
        let message = format!(
            "older here than what was already applied: {}, counting the Policies and TargetGroups they name ({first}: \
             generation {}, applied {}), so nothing is written. A lagging API server mends itself; if the cluster was \
             restored from a backup and this state is meant, set annotation ordain.dev/reconcile-requested-at on the \
             backend to a new value",
            reckoned(older.len(), "assignment"),
            example.generation,
            example.applied
        );
        let requested_then = told.map_or_else(|| requested.clone(), |told| told.requested_then);
        self.account.behind = Some(Behind { message, requested_then });
        Ok(true)
    }

    /// Whether something it is made of was already acted on in a later generation than it has here.
    pub(super) fn is_older(&self, view: &AssignmentView) -> bool {
        self.older_sources(view).next().is_some()
    }

    /// Of the assignment, its Policy and its TargetGroups those that were.
    fn older_sources<'a>(&'a self, view: &'a AssignmentView) -> impl Iterator<Item = Older> + 'a {
        view.sources().filter_map(|(uid, generation)| {
            let applied = self.memory.seen.get(uid).copied().filter(|seen| *seen > generation)?;
            Some(Older { uid: uid.clone(), generation, applied })
        })
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
    pub(super) fn update_stakes(&mut self, desired: &Desired) -> BTreeSet<ObjectName> {
        let Some(session) = &self.session else { return BTreeSet::new() };
        let driver = session.driver.clone();
        let mut stakes = std::mem::take(&mut self.stakes);
        let compile_one = |view: &AssignmentView| self.compile_one(desired, view);
        let changed = stakes.update(
            &desired.assignments,
            driver.translate(),
            &self.digester,
            &self.memory,
            &compile_one,
        );
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
        let mut compiled = compile::compile(view, driver.translate(), &context)?;
        let max_targets = desired.backend.settings.max_targets;
        // A deletion reaches nobody anew: what it is to take back must be known, also beyond a limit lowered since.
        if !view.deleting && compiled.targets > max_targets {
            compiled.findings.push(too_far(compiled.targets, max_targets));
            compiled.contributions.clear();
        }
        Some(compiled)
    }

    /// The last read showed exactly what is wanted of it now.
    pub(super) fn is_proven(&self, item: &ItemKey) -> bool {
        let observed = self.memory.items.get(item).and_then(|record| record.observed.as_ref());
        observed.is_some_and(|o| o.proves == Some(self.stakes.inputs(item, &self.digester)))
    }

    fn due(&self, desired: &Desired, releases: &[Release]) -> schedule::Due {
        let inputs = |item: &ItemKey| self.stakes.inputs(item, &self.digester);
        let resting = self.troubles.left_alone(&inputs, self.now());
        let asked = self.requests.asked();
        let (releasing, waiting) = self.releasing(releases, &asked);
        let mut due = schedule::due(&Situation {
            stakes: &self.stakes,
            memory: &self.memory,
            releasing: &releasing,
            resting: &resting,
            interval: desired.backend.settings.drift_interval,
            asked: &asked,
            digester: &self.digester,
            now: self.now(),
        });
        due.next = due.next.into_iter().chain(waiting).min();
        let interval = SignedDuration::try_from(desired.backend.settings.drift_interval).unwrap_or_default();
        let oldest = self.now().checked_sub(interval).unwrap_or(Timestamp::MIN);
        due.items.retain(|item, _| asked.contains(item) || !self.tally.rests(item, oldest));
        if self.tally.waiting().next().is_some() {
            let again = self.now().checked_add(interval).unwrap_or(Timestamp::MAX);
            due.next = Some(due.next.map_or(again, |next| next.min(again)));
        }
        due
    }

    /// Something of ours was changed and is not known to be published: a sequence of the whole account is open (R18),
    /// whatever became of the items it began with.
    fn is_publishing(&self) -> bool {
        self.memory.deploy.ours_since.is_some()
    }

    /// Which items this round looks at. A snapshot shows everything anyway, so what is due for drift is due together,
    /// and what is published is published together.
    fn choose(&self, due: &schedule::Due) -> BTreeSet<ItemKey> {
        let snapshot = self.session.as_ref().is_some_and(|s| s.driver.translate().facts().snapshot);
        if !snapshot {
            return schedule::slice(&self.unread_first(due), SLICE);
        }
        if self.is_publishing() || due.items.values().any(|lane| *lane == Lane::Drift) {
            return self.stakes.items().chain(due.items.keys()).cloned().collect();
        }
        due.items.keys().cloned().collect()
    }

    /// While something that changed was not read, what was read and is not settled waits for it (R2).
    fn unread_first(&self, due: &schedule::Due) -> schedule::Due {
        let unread = |item: &ItemKey, lane: &Lane| self.tally.is_unread(item, *lane);
        let mut chosen = due.clone();
        if due.items.iter().any(|(item, lane)| unread(item, lane)) {
            chosen.items.retain(|item, lane| matches!(lane, Lane::Open | Lane::Drift) || unread(item, lane));
        }
        chosen
    }

    /// When to look again at items that were read and are not settled.
    fn after_looking(&mut self, due: &schedule::Due, look: &Look) -> Next {
        let unsettled =
            due.items.keys().any(|item| look.items.contains_key(item) || look.releasing.contains(item));
        let unread = due.items.iter().any(|(item, lane)| self.tally.is_unread(item, *lane));
        if !unsettled || unread {
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
            "this assignment reaches {}; the backend's guard.maxTargets allows {limit}. Narrow the targets, or raise the \
             limit if this is meant",
            reckoned(targets, "target")
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
