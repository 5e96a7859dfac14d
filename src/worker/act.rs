//! From a look to effects: draft, guard, hold or write, deploy.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use tracing::{Instrument as _, field::Empty};

use super::{
    Asked, Worker, apply,
    look::Look,
    operations,
    order::Order,
    packing,
    round::{Halt, Next},
};
use crate::{
    api::conditions::Reason,
    drivers::{DeploySettings, Step},
    index::Desired,
    model::{
        ExternalId, TRACE, Uid,
        memory::{DeployRecord, Write},
    },
    plan::{
        self, ItemVerdict, Plan,
        deploy::{self, Decision},
        release::Release,
        steps::{PlannedStep, Round, steps},
    },
};

impl Worker {
    /// Plans, judges and applies what the look shows. `whole`: with it everything that changed was read.
    pub(super) async fn act(
        &mut self,
        desired: &Desired,
        look: &Look,
        here: &[Release],
        rest: &[Release],
        whole: bool,
        asked: Asked<'_>,
    ) -> Result<Next, Halt> {
        let planning = tracing::trace_span!(target: TRACE, "plan", differing = Empty);
        let (drafted, order) = planning.in_scope(|| self.draft(desired, look, here))?;
        planning.record("differing", drafted.differences.len());
        drop(planning);
        self.note_external_ids(desired, look).await;
        self.measure_drift(desired, &drafted);
        self.conclude(desired, &drafted.released, rest).await?;
        let plan = tracing::trace_span!(target: TRACE, "guard")
            .in_scope(|| self.judge(desired, drafted.plan, &drafted.removals, here, whole))?;
        let pending = deploy::pending(&look.observation, &|id| {
            self.memory.items.values().any(|record| record.id.as_ref() == Some(id))
        });
        let planned = self.steps(look, plan, order);
        let settings = look.driver.translate().deploy_settings();
        if let (Some(settings), false) = (settings, planned.is_empty())
            && let Err(message) = deploy::may_write(&pending, &self.memory.deploy, settings)
        {
            self.account.deployment = Some((Reason::ForeignPendingChanges, message.clone()));
            self.hold_all(&planned, &message);
            return Ok(Next::At(self.poll_later()));
        }
        if !planned.is_empty() {
            // Whatever was said of a deploy was before this.
            self.account.deployment = None;
            let span = tracing::trace_span!(target: TRACE, "apply", steps = planned.len());
            return self.carry_out(desired, look, planned, asked).instrument(span).await;
        }
        self.deploy(desired, look, &pending, asked).await
    }

    fn steps(&self, look: &Look, plan: Plan<plan::Approved>, order: Order) -> Vec<PlannedStep> {
        let now = self.now();
        let round = Round {
            moves: order.moves,
            moved_by_others: order.drifted,
            execution: look.driver.translate().execution(),
            packing: packing::packing(self.memory.account.as_ref()),
            apart: self.troubles.failing(&|item| look.inputs.get(item).copied()),
            synchronous: operations::synchronous(&self.memory, now),
        };
        steps(plan, look.driver.translate(), &round)
    }

    /// Finalizers first, then the calls (product.md section 7).
    async fn carry_out(
        &mut self,
        desired: &Desired,
        look: &Look,
        planned: Vec<PlannedStep>,
        asked: Asked<'_>,
    ) -> Result<Next, Halt> {
        let planned = self.with_finalizers(desired, look, planned).await?;
        if planned.is_empty() {
            return Ok(Next::At(self.poll_later()));
        }
        self.remember_generations(desired, look, &planned)?;
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
            assignments: &desired.assignments,
            inputs: &look.inputs,
            seeds: &look.seeds,
            stop: asked,
            now: &now,
        };
        let trial = packing::trial(self.memory.account.as_ref(), look.driver.translate(), &planned);
        let applied = apply::apply(&hand, planned, &mut self.memory, &mut self.troubles).await?;
        self.tally.executed(&applied.tried);
        if applied.effects > 0 {
            self.settle_polls = 0;
            self.reached();
        }
        self.note_failures(look);
        self.begin_trial(trial, &applied);
        let corrected = self.begun_to_correct(&applied);
        self.tell_corrections(desired, look, &corrected);
        match applied.outage {
            Some(error) => Err(Halt::Account(error)),
            None if applied.calls == 0 => Ok(Next::At(self.poll_later())),
            None => Ok(Next::Again),
        }
    }

    /// What just failed and rests is said now: it may not be looked at again for long.
    fn note_failures(&mut self, look: &Look) {
        for (item, verdict) in self.resting_verdicts(look) {
            if look.items.contains_key(&item) {
                self.verdicts.insert(item.clone(), verdict);
            } else if look.releasing.contains(&item) {
                self.released.insert(item.clone(), verdict);
            }
            let claimants = self.memory.claims.on(&item).map(|(who, _)| who.clone());
            self.pace.touch(claimants);
        }
    }

    /// What is acted on is remembered first, so that no older generation is acted on later (I7).
    fn remember_generations(
        &mut self,
        desired: &Desired,
        look: &Look,
        planned: &[PlannedStep],
    ) -> Result<(), Halt> {
        let contributors = planned
            .iter()
            .flat_map(|step| &step.items)
            .filter_map(|item| look.items.get(item))
            .flat_map(|item| &item.contributors);
        let newer =
            |(uid, generation): &(&Uid, i64)| self.memory.seen.get(*uid).is_none_or(|seen| seen < generation);
        let sources: BTreeSet<(&Uid, i64)> = contributors
            .filter_map(|name| desired.assignments.get(name))
            .flat_map(|view| view.sources())
            .filter(newer)
            .collect();
        let writes =
            sources.into_iter().map(|(uid, generation)| Write::Seen(uid.clone(), generation)).collect();
        Ok(self.commit(writes)?)
    }

    async fn deploy(
        &mut self,
        desired: &Desired,
        look: &Look,
        pending: &deploy::Pending,
        asked: Asked<'_>,
    ) -> Result<Next, Halt> {
        let Some(settings) = look.driver.translate().deploy_settings() else { return Ok(Next::OnChange) };
        let now = self.now();
        if let Some(why) = self.is_unfit_and_on(look) {
            self.account.deployment = Some((Reason::UnlicensedFragments, why));
            return Ok(Next::At(self.poll_later()));
        }
        self.account.deployment = None;
        let mut decision = self.decide_deploy(pending, settings);
        if decision == Decision::Deploy {
            let why = "deploy".to_owned();
            let step = PlannedStep { step: Step::Deploy, items: Vec::new(), removals: 0, why };
            let span = tracing::trace_span!(target: TRACE, "apply", steps = 1);
            self.carry_out(desired, look, vec![step], asked).instrument(span).await?;
            decision = self.decide_deploy(pending, settings);
        }
        match decision {
            Decision::Settled => {
                if self.memory.deploy != DeployRecord::default() {
                    self.commit(vec![Write::Deploy(DeployRecord::default())])?;
                }
                self.troubles.deploy_worked();
                Ok(Next::OnChange)
            }
            // It was not sent: we lead no more, or something newer goes first.
            Decision::Deploy => Ok(Next::At(self.poll_later())),
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

    /// R30: what we changed and must not be on, and is on all the same, is not brought to devices by us.
    fn is_unfit_and_on(&self, look: &Look) -> Option<String> {
        let ours = |id: &ExternalId| {
            let touched = self.memory.deploy.items.iter().filter_map(|item| self.memory.items.get(item));
            touched.filter_map(|record| record.id.as_ref()).any(|touched| touched == id)
        };
        let on = look.observation.items.iter().filter(|item| item.enabled == Some(true));
        on.filter(|item| item.id.as_ref().is_some_and(ours)).find_map(|item| {
            let why = item.unfit.as_ref()?;
            Some(format!(
                "{}: {why}; it was on before, and is not deployed so. Remove the rule, or license it",
                item.name
            ))
        })
    }

    fn decide_deploy(&self, pending: &deploy::Pending, settings: DeploySettings) -> Decision {
        let refused = self.troubles.refused_deploy();
        deploy::decide(pending, &self.memory.deploy, refused, settings, self.now())
    }

    /// 1, 2, 4, 8, 15 s, after minutes every minute: how long a thing that comes by itself is waited for before the
    /// next look.
    pub(super) fn poll_later(&mut self) -> Timestamp {
        self.settle_polls = self.settle_polls.saturating_add(1);
        let seconds = match self.settle_polls {
            polls @ 1..=4 => 1i64 << (polls - 1),
            5..=30 => 15,
            _ => 60,
        };
        self.now().checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
    }

    fn hold_all(&mut self, planned: &[PlannedStep], message: &str) {
        for item in planned.iter().flat_map(|step| &step.items) {
            let verdict = ItemVerdict::Blocked(Reason::ForeignPendingChanges, message.to_owned());
            self.verdicts.insert(item.clone(), verdict);
        }
    }
}
