//! One round of a pass: from what is wanted now to at most one batch of effects.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{
    Asked, Worker, apply, compile,
    look::Look,
    operations,
    order::Order,
    record,
    schedule::{self, Lane, Situation},
};
use crate::{
    api::{ReleasePolicy, conditions::Reason},
    drivers::{CompileContext, Compiled, DriverError, Finding, Severity, Step},
    index::{AssignmentView, Desired},
    model::{
        ItemKey, ObjectName,
        memory::{Memory, Write},
    },
    plan::{
        self, ItemVerdict, Plan,
        deploy::{self, Decision},
        guard,
        release::{Release, Witness, releases},
        steps::{PlannedStep, Round, steps},
    },
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
/// Documents of a cold start are many and nobody waits in between.
const LONGEST_POLL: i64 = 15;

impl Worker {
    pub(super) async fn round(&mut self, desired: &Desired, asked: Asked<'_>) -> Result<Next, Halt> {
        if let Some(next) = self.resting(desired) {
            return Ok(next);
        }
        self.ensure_driver(desired).await?;
        self.read_content_secrets(desired).await;
        let changed = self.update_stakes(desired);
        let released = self.witness(desired, &changed);
        let rest = self.let_go_without_a_call(desired, released).await?;
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
            return Ok(Next::Again);
        }
        if idle {
            return Ok(Next::Again);
        }
        let round = self.choose(&due);
        let look = self.look(desired, round, &rest, &watching).await?;
        self.observe_watching(desired, &watching, &look)?;
        let outcome = self.act(desired, &look, &rest, asked).await?;
        if outcome == Next::Again {
            return Ok(Next::Again);
        }
        self.finish_requests(desired);
        let due = self.due(desired, &rest);
        Ok(earlier(outcome, self.after_looking(&due, &look)))
    }

    /// Suspended, invalid or deleted backends make no call at all (R23).
    fn resting(&self, desired: &Desired) -> Option<Next> {
        let backend = &desired.backend;
        (backend.settings.suspend || backend.invalid.is_some()).then_some(Next::OnChange)
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

    /// Compiles what changed. Also refuses what reaches further than the guard allows (R2).
    fn update_stakes(&mut self, desired: &Desired) -> BTreeSet<ObjectName> {
        let Some(session) = &self.session else { return BTreeSet::new() };
        let driver = session.driver.clone();
        let empty = crate::model::Catalogue::default();
        let catalogue = self.memory.catalogue.as_ref().map_or(&empty, |c| &c.catalogue);
        let max_targets = desired.backend.settings.max_targets;
        let mut stakes = std::mem::take(&mut self.stakes);
        let compile_one = |view: &AssignmentView| {
            let secrets = self.secrets_for(view);
            let context = CompileContext {
                catalogue,
                owner: &self.house.owner,
                digester: &self.digester,
                secrets: &secrets,
            };
            let mut compiled = compile::compile(view, driver.as_ref(), &context)?;
            if compiled.targets > max_targets {
                compiled.findings.push(too_far(compiled.targets, max_targets));
                compiled.contributions.clear();
            }
            Some(compiled)
        };
        let changed =
            stakes.update(&desired.assignments, driver.as_ref(), &self.digester, &self.memory, &compile_one);
        self.stakes = stakes;
        self.pace.touch(changed.iter().cloned());
        changed
    }

    pub(super) fn compile_one(&self, view: &AssignmentView) -> Option<Compiled> {
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
        compile::compile(view, driver.as_ref(), &context)
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
            .filter_map(|name| Some((*name, self.compile_one(desired.assignments.get(*name)?))))
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

    fn is_proven(&self, item: &ItemKey) -> bool {
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
            if holds || waits || self.may_have_forgotten(view) {
                continue;
            }
            if let Err(error) = self.house.reporter.remove_finalizer(name, &view.uid).await {
                tracing::warn!(assignment = %name, %error, "finalizer not removed yet");
            }
        }
    }

    /// After a lost store an assignment that cannot be compiled may have left something behind (R13).
    pub(super) fn may_have_forgotten(&self, view: &AssignmentView) -> bool {
        let orphaned = view.release_policy == Some(ReleasePolicy::Orphan);
        self.house.lost.is_some() && view.binding().is_none() && !orphaned
    }

    fn due(&self, desired: &Desired, releases: &[Release]) -> schedule::Due {
        let releasing: BTreeSet<ItemKey> = releases.iter().map(|release| release.item.clone()).collect();
        let inputs = |item: &ItemKey| self.stakes.inputs(item, &self.digester);
        let resting =
            self.troubles.resting(&inputs, self.now()).into_iter().map(|(item, t)| (item, t.until)).collect();
        let all = desired
            .assignments
            .values()
            .any(|v| self.is_asked(&v.name.to_string(), v.requested_at.as_deref()))
            || self.is_asked(&self.id.to_string(), desired.backend.requested_at.as_deref());
        schedule::due(&Situation {
            stakes: &self.stakes,
            memory: &self.memory,
            releasing: &releasing,
            resting: &resting,
            interval: desired.backend.settings.drift_interval,
            all,
            digester: &self.digester,
            now: self.now(),
        })
    }

    /// Something of ours was changed and is not known to be published: a sequence of the whole account is open (R18).
    /// A change of places touches objects that are themselves in step.
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

    pub(super) fn is_asked(&self, who: &str, requested: Option<&str>) -> bool {
        requested.is_some_and(|value| self.handled.get(who).map(String::as_str) != Some(value))
    }

    fn finish_requests(&mut self, desired: &Desired) {
        let mut done = |who: String, requested: Option<&String>| {
            if let Some(value) = requested {
                self.handled.insert(who, value.clone());
            }
        };
        done(self.id.to_string(), desired.backend.requested_at.as_ref());
        for view in desired.assignments.values() {
            done(view.name.to_string(), view.requested_at.as_ref());
        }
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
        self.settle_polls = self.settle_polls.saturating_add(1);
        let seconds =
            1i64.checked_shl(self.settle_polls.min(8) - 1).unwrap_or(LONGEST_POLL).min(LONGEST_POLL);
        Next::At(self.now().checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX))
    }

    /// Plans, judges and applies what the look shows.
    async fn act(
        &mut self,
        desired: &Desired,
        look: &Look,
        rest: &[Release],
        asked: Asked<'_>,
    ) -> Result<Next, Halt> {
        let (drafted, order) = self.draft(desired, look, rest)?;
        self.conclude(desired, look, &drafted.released, rest).await?;
        let (plan, verdict) = self.judge(desired, drafted.plan)?;
        let removals_held = verdict.message();
        self.note_holds(&plan, removals_held.as_deref());
        self.account.held = removals_held;
        let pending = deploy::pending(&look.observation, &|id| {
            self.memory.items.values().any(|record| record.id.as_ref() == Some(id))
        });
        let planned = self.steps(look, plan, order);
        let settings = look.driver.deploy_settings();
        if let (Some(settings), false) = (settings, planned.is_empty())
            && let Err(message) = deploy::may_write(&pending, &self.memory.deploy, settings)
        {
            self.account.deployment = Some((Reason::ForeignPendingChanges, message.clone()));
            self.hold_all(&planned, &message);
            return Ok(Next::At(self.poll_later()));
        }
        if !planned.is_empty() {
            return self.carry_out(desired, look, planned, asked).await;
        }
        self.deploy(desired, look, &pending, asked).await
    }

    fn judge(
        &mut self,
        desired: &Desired,
        plan: Plan<plan::Drafted>,
    ) -> Result<(Plan<plan::Approved>, guard::Verdict), Halt> {
        let settings = &desired.backend.settings;
        let now = self.now();
        if desired.backend.approve_removals.is_none() && self.memory.approval.is_some() {
            self.commit(vec![Write::Approval(None)])?;
        }
        let (plan, verdict) = guard::judge(
            plan,
            &guard::Limits {
                max_removals: settings.max_removals,
                window: settings.guard_window,
                executed: &self.memory.removals,
                approval: desired.backend.approve_removals.as_deref(),
                taken: self.memory.approval.as_ref(),
                now,
            },
        );
        let mut writes = Vec::new();
        if let guard::Verdict::Approved(approval) = &verdict
            && self.memory.approval.as_ref() != Some(approval)
        {
            writes.push(Write::Approval(Some(approval.clone())));
        }
        let counting = guard::within_window(&self.memory.removals, settings.guard_window, now);
        if counting != self.memory.removals {
            writes.push(Write::Removals(counting));
        }
        self.commit(writes)?;
        Ok((plan, verdict))
    }

    fn steps(&self, look: &Look, plan: Plan<plan::Approved>, order: Order) -> Vec<PlannedStep> {
        let now = self.now();
        let round = Round {
            moves: order.moves,
            moved_by_others: order.drifted,
            execution: look.driver.execution(),
            packed_proven: self
                .memory
                .account
                .as_ref()
                .is_some_and(|a| a.capabilities.contains_key(super::facts::PACKED)),
            synchronous: operations::synchronous(&self.memory, now),
        };
        steps(plan, look.driver.as_ref(), &round)
    }

    /// Finalizers first, then the calls (product.md section 7).
    async fn carry_out(
        &mut self,
        desired: &Desired,
        look: &Look,
        planned: Vec<PlannedStep>,
        asked: Asked<'_>,
    ) -> Result<Next, Halt> {
        let planned = self.with_finalizers(desired, look, planned).await;
        if planned.is_empty() {
            return Ok(Next::At(self.poll_later()));
        }
        let clock = self.house.clock.clone();
        let now = move || clock.now();
        let house = self.house.clone();
        let hand = apply::Hand {
            backend: &self.id,
            driver: &look.driver,
            store: &house.store,
            fence: house.fence.as_ref(),
            in_flight: usize::try_from(desired.backend.settings.in_flight).unwrap_or(1),
            claims: &look.claims,
            inputs: &look.inputs,
            stop: asked,
            now: &now,
        };
        let applied = apply::apply(&hand, planned, &mut self.memory, &mut self.troubles).await?;
        self.settle_polls = 0;
        self.tell_effects(desired, look, &applied);
        match applied.outage {
            Some(error) => Err(Halt::Account(error)),
            None if applied.calls == 0 => Ok(Next::At(self.poll_later())),
            None => Ok(Next::Again),
        }
    }

    async fn deploy(
        &mut self,
        desired: &Desired,
        look: &Look,
        pending: &deploy::Pending,
        asked: Asked<'_>,
    ) -> Result<Next, Halt> {
        let Some(settings) = look.driver.deploy_settings() else { return Ok(Next::OnChange) };
        let now = self.now();
        self.account.deployment = None;
        match deploy::decide(pending, &self.memory.deploy, settings, now) {
            Decision::Settled => {
                if self.memory.deploy != crate::model::memory::DeployRecord::default() {
                    self.commit(vec![Write::Deploy(crate::model::memory::DeployRecord::default())])?;
                }
                Ok(Next::OnChange)
            }
            Decision::Deploy => {
                let why = "deploy".to_owned();
                let step = PlannedStep { step: Step::Deploy, items: Vec::new(), removals: 0, why };
                match self.carry_out(desired, look, vec![step], asked).await {
                    Ok(_) => Ok(Next::At(self.poll_later())),
                    Err(halt) => Err(halt),
                }
            }
            Decision::HoldForeign(message) => {
                self.account.deployment = Some((Reason::ForeignPendingChanges, message));
                Ok(Next::At(self.poll_later()))
            }
            Decision::Wait(reason, message) => {
                self.account.deployment = Some((reason, message));
                Ok(Next::At(self.poll_later()))
            }
            Decision::Overdue(message) => {
                self.account.deployment = Some((Reason::DeploymentOverdue, message));
                Ok(Next::At(now.checked_add(SignedDuration::from_mins(1)).unwrap_or(Timestamp::MAX)))
            }
        }
    }

    /// 1, 2, 4, 8, 15 s: how long a thing that comes by itself is waited for before the next look.
    pub(super) fn poll_later(&mut self) -> Timestamp {
        self.settle_polls = self.settle_polls.saturating_add(1);
        let seconds =
            1i64.checked_shl(self.settle_polls.min(8) - 1).unwrap_or(LONGEST_POLL).min(LONGEST_POLL);
        self.now().checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
    }

    fn hold_all(&mut self, planned: &[PlannedStep], message: &str) {
        for item in planned.iter().flat_map(|step| &step.items) {
            let verdict = ItemVerdict::Blocked(Reason::ForeignPendingChanges, message.to_owned());
            self.verdicts.insert(item.clone(), verdict);
        }
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
