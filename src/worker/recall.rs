//! What a lost store took and can be told again from the assignments themselves (R13).

use super::{Worker, record, round::Halt};
use crate::{
    api::ReleasePolicy,
    drivers::Facts,
    index::{AssignmentView, Desired},
    model::{
        Contribution, Shape,
        memory::{ItemRecord, Origin, Write},
    },
    plan::release::effective,
};

/// What of every system is lost, in the words of `status.memory.lost`.
const PRE_IMAGES: &str = "PreImages";

/// Written where a memory is found to be lost before it is known which system it was of.
pub(super) fn lost() -> Write {
    Write::Lost([PRE_IMAGES.to_owned()].into())
}

/// The words of `status.memory.lost` for a system.
pub fn lost_words(facts: Facts) -> Write {
    let words = [
        (true, PRE_IMAGES),
        (facts.deploys, super::answer::DEPLOY_PROVENANCE),
        // Only documents are copied (R27).
        (facts.documents, "SeedRevisions"),
        (facts.additive, "GroupProvenance"),
    ];
    Write::Lost(words.into_iter().filter(|(holds, _)| *holds).map(|(_, word)| word.to_owned()).collect())
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
        let lost = self.house.lost.is_some() || !self.memory.lost.is_empty();
        if keeps || !lost || self.is_wholly_remembered(view) {
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

    /// It was made, and first acted on, since this memory began.
    fn is_wholly_remembered(&self, view: &AssignmentView) -> bool {
        self.memory.since.is_some_and(|since| view.created > since)
            && self.memory.seen.contains_key(&view.uid)
    }

    /// Whether the memory of what was done for this assignment may be lost.
    pub(super) fn is_older_than_memory(&self, view: &AssignmentView) -> bool {
        !self.memory.lost.is_empty() && self.memory.since.is_none_or(|since| view.created <= since)
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
