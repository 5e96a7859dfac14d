//! Numbers of an account for `/metrics`: what was found, what was put back, what is held, what is proven.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{Worker, apply::Applied};
use crate::{
    api::conditions::Reason,
    index::Desired,
    model::ItemKey,
    plan::{
        ItemVerdict,
        draft::{DRIFT, Draft},
        drift::Drift,
    },
};

/// What drifts counts once, from when it is found until it is in step again.
fn drifting(draft: &Draft) -> BTreeSet<ItemKey> {
    let corrected = draft.plan.changes.iter().filter(|change| change.why == DRIFT).map(|change| &change.item);
    let reported = draft
        .verdicts
        .iter()
        .filter(|(_, verdict)| matches!(verdict, ItemVerdict::Blocked(Reason::DriftDetected, _)))
        .map(|(item, _)| item);
    corrected.chain(reported).cloned().collect()
}

/// What drifts, from when it is found until it is in step again.
#[derive(Debug, Default)]
pub(super) struct Drifting {
    /// A write has begun to put it back.
    written: bool,
    /// What was changed and by whom, as the last look before that write showed it: afterwards the system names us.
    pub told: Option<Drift>,
}

impl Worker {
    /// Counts what a look found changed by nobody's order.
    pub(super) fn measure_drift(&mut self, desired: &Desired, draft: &Draft) {
        let now = drifting(draft);
        let found = now.iter().filter(|item| !self.drifting.contains_key(*item)).count();
        let in_step = |item: &ItemKey| draft.verdicts.get(item) == Some(&ItemVerdict::InStep);
        let (over, open) =
            std::mem::take(&mut self.drifting).into_iter().partition(|(item, _)| in_step(item));
        let over: BTreeMap<ItemKey, Drifting> = over;
        self.drifting = open;
        self.drifting.retain(|item, _| self.stakes.is_pushed(item));
        for item in now {
            let told = draft.drift.get(&item).cloned();
            let drifting = self.drifting.entry(item).or_default();
            if !drifting.written {
                drifting.told = told;
            }
        }
        let corrected = over.values().filter(|drifting| drifting.written).count();
        let (system, metrics) = (desired.backend.system.name(), &self.house.metrics);
        if found > 0 {
            metrics.drift_found(system, found as u64);
        }
        if corrected > 0 {
            metrics.drift_corrected(system, corrected as u64);
        }
    }

    /// Items that a first write has begun to put back; a correction may take several.
    pub(super) fn begun_to_correct(&mut self, applied: &Applied) -> BTreeSet<ItemKey> {
        let written = applied.done.iter().filter(|(_, why)| why == DRIFT).map(|(item, _)| item);
        written
            .filter(|item| {
                let drifting = self.drifting.entry((*item).clone()).or_default();
                !std::mem::replace(&mut drifting.written, true)
            })
            .cloned()
            .collect()
    }

    /// The account as a pass left it.
    pub(super) fn measure_pass(&self, desired: &Desired, took: Duration) {
        let metrics = &self.house.metrics;
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let held = self.verdicts.values().filter(|verdict| **verdict == ItemVerdict::Held).count();
        let open = self.memory.operations.values().filter(|task| task.state.is_open()).count();
        metrics.pass(desired.backend.system.name(), took);
        metrics.holds(&self.id, count(held));
        metrics.operations(&self.id, count(open));
    }

    /// Everything was read and is as Git says.
    pub(super) fn measure_proof(&self) {
        if self.outage.is_none() && self.verdicts.values().all(|verdict| *verdict == ItemVerdict::InStep) {
            self.house.metrics.proven(&self.id);
        }
    }
}
