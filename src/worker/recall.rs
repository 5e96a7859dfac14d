//! What a lost store took and can be told again from the assignments themselves (R13).

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{Worker, record, round::Halt};
use crate::{
    api::ReleasePolicy,
    drivers::{Facts, connect::translate},
    index::{AssignmentView, Desired},
    model::{
        Contribution, Shape, Uid,
        memory::{ItemRecord, Origin, Write},
    },
    plan::release::effective,
    store::StoreError,
};

/// How far the clock of the API server, which says when an assignment was made, may go ahead of ours, which says since
/// when a memory is.
const CLOCKS: SignedDuration = SignedDuration::from_mins(1);

/// Whether what was made then, by the clock of the API server, may have been there when a memory began, by ours.
fn may_be_older(created: Timestamp, since: Timestamp) -> bool {
    created <= since.checked_add(CLOCKS).unwrap_or(Timestamp::MAX)
}

/// What says of an assignment that it is known to bear our finalizer, acted on or not: a generation that none has.
pub(super) fn noted(uid: &Uid) -> Write {
    Write::Seen(uid.clone(), 0)
}

/// What is lost of a system's account, in the words of `status.memory.lost`.
fn words(facts: Facts) -> impl Iterator<Item = String> {
    let words = [
        (true, "PreImages"),
        (facts.deploys, super::answer::DEPLOY_PROVENANCE),
        // Only documents are copied (R27).
        (facts.documents, "SeedRevisions"),
        (facts.additive, "GroupProvenance"),
    ];
    words.into_iter().filter(|(holds, _)| *holds).map(|(_, word)| word.to_owned())
}

/// What an assignment that is being deleted may have left in the system, unknown to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgotten {
    /// Nothing: what it refers to is known, and looked for.
    Nothing,
    /// That is found out once the system's names are listed.
    NotYetKnown,
    /// What it refers to is gone, so that cannot be told.
    Something,
}

impl Worker {
    /// After a lost store an assignment that cannot be compiled (yet) may have left something behind (R13).
    pub(super) fn may_have_forgotten(&self, view: &AssignmentView) -> Forgotten {
        let origin = self.is_document_system().then_some(Origin::Document);
        let keeps = effective(view.release_policy, origin) == ReleasePolicy::Orphan;
        let names_gone =
            || self.stakes.get(&view.name).is_some_and(|kept| kept.targets == 0 && kept.left_out().is_some());
        let refused = || self.stakes.get(&view.name).is_some_and(|kept| kept.refused().is_some());
        if keeps || self.memory.lost.is_empty() || self.is_wholly_remembered(view) {
            Forgotten::Nothing
        } else if view.binding().is_none() {
            Forgotten::Something
        } else if self.session.is_none() || self.memory.catalogue.is_none() {
            Forgotten::NotYetKnown
        } else if names_gone() || refused() {
            Forgotten::Something
        } else {
            Forgotten::Nothing
        }
    }

    /// It was made since this memory began, and given our finalizer under it.
    fn is_wholly_remembered(&self, view: &AssignmentView) -> bool {
        !self.was_made_before(view) && self.memory.seen.contains_key(&view.uid)
    }

    /// Whether the memory of what was done for this assignment may be lost.
    pub(super) fn is_older_than_memory(&self, view: &AssignmentView) -> bool {
        !self.memory.lost.is_empty() && self.was_made_before(view)
    }

    fn was_made_before(&self, view: &AssignmentView) -> bool {
        self.memory.since.is_none_or(|since| may_be_older(view.created, since))
    }

    /// Marks whoever bears our finalizer and is not known to this memory; if that holds nothing either, it was worked on
    /// under another memory, and what that knew is lost: it was that of the installation whose namespace this was, or ours
    /// (R13). A finalizer is put on once the account is known and the assignment noted, so a process that died in between
    /// leaves none of these.
    ///
    /// Where the account is known already nobody is judged: a finalizer is no proof, since anybody may copy one, and a
    /// ClusterBackend would be lost for all of its tenants.
    pub(super) fn meet_assignments(&mut self, desired: &Desired) -> Result<(), StoreError> {
        let unknown = |view: &&Arc<AssignmentView>| {
            self.finalized.is_on(view)
                && !self.memory.seen.contains_key(&view.uid)
                && !self.finalized.is_taken_off(view)
        };
        let unknown: Vec<_> = desired.assignments.values().filter(unknown).collect();
        let mut writes: Vec<_> = unknown.iter().map(|view| noted(&view.uid)).collect();
        let strange = unknown.iter().any(|view| !self.memory.claims.holds(&view.name));
        if strange && self.memory.since.is_none() {
            writes.push(self.lost(desired));
            tracing::warn!(
                backend = %self.id,
                "what was done here before is not remembered; objects are found again by mark and name"
            );
        }
        self.commit(writes)
    }

    /// A memory of this Backend's system is lost, besides what was before.
    pub(super) fn lost(&self, desired: &Desired) -> Write {
        let facts = translate(&desired.backend.system).facts();
        Write::Lost(words(facts).chain(self.memory.lost.iter().cloned()).collect())
    }

    /// Whoever bears our finalizer now, to be noted where everything else is forgotten.
    pub(super) fn known(&self, desired: &Desired) -> Vec<Write> {
        let held = desired.assignments.values().filter(|view| self.finalized.is_on(view));
        held.map(|view| noted(&view.uid)).collect()
    }

    /// A deleted assignment still claims what it compiles to: else its values would stay, and nobody be told that
    /// they could not be restored (R11).
    pub(super) fn recall_claims(&mut self, desired: &Desired) -> Result<(), Halt> {
        let Some(session) = &self.session else { return Ok(()) };
        let driver = session.driver.clone();
        let mut writes = Vec::new();
        for view in desired.assignments.values().filter(|view| view.deleting && view.finalizer) {
            let keeps = effective(view.release_policy, Some(Origin::Document)) == ReleasePolicy::Orphan;
            if keeps || !self.is_older_than_memory(view) {
                continue;
            }
            let compiled = self.compile_one(desired, view).unwrap_or_default();
            for part in compiled.contributions.iter().filter(|part| part.shape == Shape::Document) {
                let key = (part.item.clone(), view.name.clone());
                if self.memory.claims.contains_key(&key) || self.recalled.contains(&key) {
                    continue;
                }
                let policy = view.binding().map_or(0, |b| b.policy_generation);
                let claim = record::claim(part, view.generation, policy, driver.translate(), &self.digester);
                writes.extend(self.unknown_document(part));
                writes.push(Write::Claim(key.0.clone(), key.1.clone(), Some(claim)));
                self.recalled.insert(key);
            }
        }
        Ok(self.commit(writes)?)
    }

    fn unknown_document(&self, part: &Contribution) -> Option<Write> {
        let known = self.memory.items.contains_key(&part.item);
        (!known).then(|| {
            let record = ItemRecord::new(Origin::Document, None, None, &part.title, &part.status_key);
            Write::Item(part.item.clone(), Some(Box::new(record)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_been_made_before_a_memory_began_counts_as_older() {
        let at = |second| Timestamp::from_second(second).unwrap_or_default();
        for (why, created, older) in [
            ("long before", 0, true),
            ("at the same time", 1_000, true),
            ("just after, by a clock that may go ahead of ours", 1_059, true),
            ("later than clocks differ", 1_061, false),
        ] {
            assert_eq!(may_be_older(at(created), at(1_000)), older, "{why}");
        }
    }
}
