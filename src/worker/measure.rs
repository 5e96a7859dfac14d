//! Numbers of an account for `/metrics`: what was found, what was put back, what is held, what waits, what is proven.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    Worker,
    apply::Applied,
    compile::Stakes,
    schedule::{Due, Lane},
};
use crate::{
    api::conditions::Reason,
    index::{AssignmentView, Desired},
    model::{
        ItemKey, ObjectName,
        memory::{ItemRecord, Memory},
    },
    plan::{
        ItemVerdict,
        draft::{DRIFT, Draft},
        drift::Drift,
        guard,
    },
    report::metrics::{Proof, Snapshot, WORK_LANES},
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

/// What a worker remembers to measure by.
#[derive(Debug, Default)]
pub(super) struct Measured {
    /// Items that wait, by lane.
    due: [u32; WORK_LANES.len()],
    /// Of these, items that something is to be done with and that no look had told of then.
    unread: Vec<ItemKey>,
    /// Since when there is something to prove.
    wanted: Option<Timestamp>,
    /// When all of it was known to be proven last: how old the oldest of these proofs was.
    oldest: Option<Timestamp>,
}

impl Measured {
    /// What waits now, and whether something is known to be open of an item, or nothing.
    pub(super) fn waits(&mut self, due: &Due, is_told: impl Fn(&ItemKey) -> bool) {
        let unread = due.items.iter().filter(|(item, lane)| is_work(**lane) && !is_told(item));
        self.unread = unread.map(|(item, _)| item.clone()).collect();
        self.due = [0; WORK_LANES.len()];
        for lane in due.items.values() {
            if let Some(items) = self.due.get_mut(*lane as usize) {
                *items = items.saturating_add(1);
            }
        }
    }

    /// How old what is known is. A proof that is not known any more, since something differs or is new, leaves the last
    /// that was: it is not younger than any item's own.
    fn proof(&mut self, wanted: Wanted, now: Timestamp) -> Option<Proof> {
        let oldest = match wanted {
            Wanted::Nothing => {
                (self.wanted, self.oldest) = (None, None);
                return None;
            }
            Wanted::Proven(at) => Some(at),
            Wanted::Unknown => self.oldest,
        };
        self.oldest = oldest;
        Some(Proof { wanted: *self.wanted.get_or_insert(now), oldest })
    }
}

/// What is to be proven of an account, and whether it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// Nothing.
    Nothing,
    /// Something that is not proven.
    Unknown,
    /// All of it is proven, the least recent then.
    Proven(Timestamp),
}

/// When an item was last proven to be as Git said then; `None`: it differed, or was never read.
fn proven_at(record: &ItemRecord) -> Option<Timestamp> {
    record.observed.as_ref().filter(|read| read.proves.is_some()).map(|read| read.at)
}

/// What is pushed, walked beside what is remembered: ten thousand items cost a walk, not as many searches. Whether an
/// item is pushed is asked only of one that would change the answer.
fn wanted(stakes: &Stakes, memory: &Memory) -> Wanted {
    let mut records = memory.items.iter().peekable();
    let mut found = Wanted::Nothing;
    for item in stakes.items() {
        while records.next_if(|(key, _)| *key < item).is_some() {}
        let record = records.next_if(|(key, _)| *key == item).map(|(_, record)| record);
        let at = record.and_then(proven_at);
        let is_news = match (found, at) {
            (Wanted::Proven(oldest), Some(at)) => at < oldest,
            _ => true,
        };
        if is_news && stakes.is_pushed(item) {
            let Some(at) = at else { return Wanted::Unknown };
            found = Wanted::Proven(at);
        }
    }
    found
}

/// What a process knows that has not compiled anything yet, since the account is out of reach from the start: of what
/// those who push anything claim.
fn remembered(memory: &Memory, pushes: impl Fn(&ObjectName) -> bool) -> Wanted {
    let counts = |(item, record): &(&ItemKey, &ItemRecord)| {
        !record.is_let_go() && memory.claims.on(item).any(|(who, _)| pushes(who))
    };
    let proofs = memory.items.iter().filter(counts).map(|(_, record)| proven_at(record));
    match proofs.collect::<Option<Vec<_>>>().map(|all| all.into_iter().min()) {
        Some(Some(oldest)) => Wanted::Proven(oldest),
        Some(None) | None => Wanted::Unknown,
    }
}

/// Whether something is to be done with what waits in this lane.
const fn is_work(lane: Lane) -> bool {
    matches!(lane, Lane::Open | Lane::Interactive | Lane::New)
}

/// Whether something is still to be done.
fn is_open(verdict: &ItemVerdict) -> bool {
    !matches!(verdict, ItemVerdict::InStep)
}

impl Worker {
    /// Notes what waits.
    pub(super) fn measure_due(&mut self, due: &Due) {
        let mut measured = std::mem::take(&mut self.measured);
        measured.waits(due, |item| self.is_told(item));
        self.measured = measured;
    }

    /// One that somebody asked for may be proven, and one with a verdict is counted by that.
    fn is_told(&self, item: &ItemKey) -> bool {
        self.verdicts.get(item).is_some_and(is_open) || self.is_proven(item)
    }

    /// Items that are still being worked on, each counted once: what a round has read since counts by its verdict, also
    /// where that round ended in a failure.
    pub(super) fn pending(&self) -> usize {
        let unread = self.measured.unread.iter().filter(|item| !self.is_told(item)).count();
        self.verdicts.values().filter(|verdict| is_open(verdict)).count() + unread
    }

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

    /// The account as a round left it.
    pub(super) fn measure_account(&mut self, desired: &Desired) {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let wanted = self.wanted(desired);
        let proof = self.measured.proof(wanted, self.now());
        let open = || self.memory.operations.values().filter(|task| task.state.is_open());
        // Suspended, it is not out of reach: nobody tries.
        let outage = self.outage.as_ref().filter(|_| !desired.backend.settings.suspend);
        let snapshot = Snapshot {
            system: desired.backend.system.name(),
            drift_interval: desired.backend.settings.drift_interval,
            proof,
            due: self.measured.due,
            breaker: outage.map(|outage| outage.error.reason),
            // The number that people are told, and that an approval must name.
            holds: self.account.held.as_deref().and_then(guard::outstanding).unwrap_or_default(),
            operations: count(open().count()),
            oldest_operation: open().map(|task| task.since).min(),
        };
        self.house.metrics.account(&self.id, snapshot);
    }

    /// Where nothing is written, or nothing can be read, nobody waits for a proof.
    fn wanted(&self, desired: &Desired) -> Wanted {
        let facts = self.session.as_ref().map(|session| session.driver.translate().facts());
        let pushes = |view: &AssignmentView| !view.deleting && !view.suspended && !view.observe_only;
        let is_pushing = |who: &ObjectName| desired.assignments.get(who).is_some_and(|view| pushes(view));
        match facts {
            _ if desired.backend.settings.suspend => Wanted::Nothing,
            Some(facts) if !facts.reads => Wanted::Nothing,
            Some(_) => wanted(&self.stakes, &self.memory),
            None if !desired.assignments.values().any(|view| pushes(view)) => Wanted::Nothing,
            // Nothing was read since: what was known then is still what is known.
            None if self.measured.oldest.is_some() => Wanted::Unknown,
            None => remembered(&self.memory, is_pushing),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn lanes_are_counted_under_their_own_names() {
        for lane in [Lane::Open, Lane::Release, Lane::Interactive, Lane::New, Lane::Drift] {
            let mut measured = Measured::default();
            let items = [(ItemKey("a".into()), lane), (ItemKey("b".into()), lane)];
            measured.waits(&Due { items: items.into(), next: None }, |item| &*item.0 == "b");
            let counted: Vec<_> =
                WORK_LANES.iter().zip(measured.due).filter(|(_, items)| *items > 0).collect();
            let name = format!("{lane:?}").to_lowercase();
            assert_eq!(counted, [(&name.as_str(), 2)], "{lane:?}");
            let is_work = !matches!(lane, Lane::Release | Lane::Drift);
            let unread: Vec<&str> = measured.unread.iter().map(|item| &*item.0).collect();
            let expected: &[&str] = if is_work { &["a"] } else { &[] };
            assert_eq!(unread, expected, "{lane:?}: what is told of is counted there");
        }
    }

    #[test]
    fn a_proof_that_is_lost_is_no_younger_than_the_last_one() {
        let at = |second| Timestamp::from_second(second).unwrap_or_default();
        let told = |wanted, oldest| Some(Proof { wanted: at(wanted), oldest });
        let steps = [
            (Wanted::Unknown, 100, told(100, None), "nothing is proven yet"),
            (Wanted::Proven(at(110)), 120, told(100, Some(at(110))), "all of it"),
            (Wanted::Unknown, 130, told(100, Some(at(110))), "something differs"),
            (Wanted::Proven(at(115)), 140, told(100, Some(at(115))), "it was put back"),
            (Wanted::Nothing, 150, None, "nothing is wanted any more"),
            (Wanted::Unknown, 160, told(160, None), "something else is wanted, and was never proven"),
        ];
        let mut measured = Measured::default();
        for (wanted, now, expected, why) in steps {
            assert_eq!(measured.proof(wanted, at(now)), expected, "{why}");
        }
    }
}
