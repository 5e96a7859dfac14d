//! Where a system cannot be read, what it answers to a save is what is known of it.
//!
//! ```text
//! save ─▶ answer ─▶ sealed in the item's record ─▶ the next look takes it for a read, `remembered`
//! delete taken ─▶ the record loses its id: what cannot be listed is gone then
//! ```

use std::collections::BTreeSet;

use super::{Worker, apply::Hand, round::Halt};
use crate::{
    drivers::{DesiredItem, Translate},
    model::{
        ExternalId, ItemKey, Observation, ObservedItem,
        memory::{GONE, IntentRecord, ItemRecord, Memory, Origin, Sealed, Write},
    },
    store::Place,
};

/// The record of an object just made.
pub fn created(
    hand: &Hand<'_>,
    desired: &DesiredItem,
    id: &ExternalId,
    answer: Option<&ObservedItem>,
    memory: &Memory,
) -> ItemRecord {
    let (mark, key) = (desired.mark(), &desired.key);
    let record =
        ItemRecord::new(Origin::Created, Some(id.clone()), mark, &desired.title, &desired.status_key);
    let facts = hand.driver.translate().facts();
    // An earlier create whose answer was lost is found by its mark where objects are listed.
    let tries = memory.intents.get(key).filter(|_| !facts.lists).map_or(0, |intent| intent.tries);
    let answer = answer.filter(|_| !facts.reads).map(|answer| seal(hand, key, answer));
    ItemRecord { answer, leftovers: tries.saturating_sub(1), ..record }
}

/// What is left of an intent after a create that certainly did nothing: earlier ones may have made something all the same.
pub fn one_try_less(hand: &Hand<'_>, item: &ItemKey, memory: &Memory) -> Option<IntentRecord> {
    let intent = memory.intents.get(item).filter(|_| !hand.driver.translate().facts().lists)?;
    (intent.tries > 1).then(|| IntentRecord { tries: intent.tries - 1, ..intent.clone() })
}

/// The record with what the system answered, where nothing can be read. Should it have made another object of a save, that
/// one is ours from now on: else each further save would make one more.
pub fn kept(hand: &Hand<'_>, item: &ItemKey, answer: &ObservedItem, memory: &Memory) -> Option<Write> {
    let facts = hand.driver.translate().facts();
    let before = memory.items.get(item)?;
    let id = answer.id.clone().filter(|_| !facts.lists).or_else(|| before.id.clone());
    let kept = (!facts.reads).then(|| seal(hand, item, answer));
    let record = ItemRecord { id, answer: kept, ..before.clone() };
    if record == *before {
        return None;
    }
    Some(Write::Item(item.clone(), Some(Box::new(record))))
}

/// The record of an object whose removal was taken: the next list that lacks it is the proof (F23), and where there is
/// none it is gone.
pub fn deleted(hand: &Hand<'_>, item: &ItemKey, memory: &Memory) -> Option<Write> {
    let record = memory.items.get(item)?.clone();
    let record = match hand.driver.translate().facts().lists {
        true => ItemRecord { absences: GONE, ..record },
        false => ItemRecord { id: None, answer: None, ..record },
    };
    Some(Write::Item(item.clone(), Some(Box::new(record))))
}

fn seal(hand: &Hand<'_>, item: &ItemKey, answer: &ObservedItem) -> Sealed {
    let text = serde_json::to_vec(answer).unwrap_or_default();
    hand.store.sealer().seal(&Place { account: hand.backend, item, path: None }, &text)
}

/// What a lost store took of deployments, in the words of `status.memory.lost`.
pub const DEPLOY_PROVENANCE: &str = "DeployProvenance";

impl Worker {
    /// Once nothing waits for a deployment any more, nothing of it is lost any more.
    pub(super) fn regain_provenance(&mut self, observation: &Observation) -> Result<(), Halt> {
        let waits = observation.undeployed || observation.items.iter().any(|item| item.pending);
        if waits || !observation.complete || !self.memory.lost.contains(DEPLOY_PROVENANCE) {
            return Ok(());
        }
        let mut lost = self.memory.lost.clone();
        lost.remove(DEPLOY_PROVENANCE);
        Ok(self.commit(vec![Write::Lost(lost)])?)
    }

    /// Adds what is known without reading: answers to the last saves, and which objects a deploy is still to reach.
    pub(super) fn complete_from_memory<'r>(
        &self,
        observation: &mut Observation,
        driver: &dyn Translate,
        round: impl IntoIterator<Item = &'r ItemKey>,
        named: &BTreeSet<ExternalId>,
    ) {
        if !driver.facts().reads {
            observation.items.extend(round.into_iter().filter_map(|item| self.remembered(item)));
            let known: BTreeSet<_> = observation.items.iter().filter_map(|item| item.id.clone()).collect();
            // Adopted by id: whoever names it vouches for it, since nobody can look (product.md R7).
            let adopted = named.difference(&known).map(|id| ObservedItem {
                id: Some(id.clone()),
                remembered: true,
                ..ObservedItem::default()
            });
            observation.items.extend(adopted);
        }
        if observation.undeployed {
            // What a lost store knew of unfinished deployments: any of ours may wait (R13, R18).
            let forgotten =
                self.memory.lost.contains(DEPLOY_PROVENANCE) && self.memory.deploy.ours_since.is_none();
            let touched = self.memory.deploy.items.iter().filter_map(|item| self.memory.items.get(item));
            let ids: Vec<&ExternalId> = touched.filter_map(|record| record.id.as_ref()).collect();
            for item in &mut observation.items {
                let ours = item.mark.as_ref().is_some_and(|m| m.owner.as_ref() == Some(&self.house.owner));
                item.pending |= forgotten && ours;
                item.pending |= item.id.as_ref().is_some_and(|id| ids.contains(&id));
            }
        }
    }

    /// What the system answered last, or, where only the id is known, that nothing else is: then everything differs.
    fn remembered(&self, item: &ItemKey) -> Option<ObservedItem> {
        let record = self.memory.items.get(item)?;
        let id = record.id.clone()?;
        let answer = record.answer.as_ref().and_then(|sealed| self.open_answer(item, sealed));
        let unknown = || ObservedItem { mark: record.mark.clone(), ..ObservedItem::default() };
        Some(ObservedItem { id: Some(id), remembered: true, ..answer.unwrap_or_else(unknown) })
    }

    fn open_answer(&self, item: &ItemKey, sealed: &Sealed) -> Option<ObservedItem> {
        let place = Place { account: &self.id, item, path: None };
        let opened = self.house.store.sealer().open(&place, sealed).ok()?;
        serde_json::from_slice(opened.expose()).ok()
    }

    /// Whether what is known of it is an answer, not a read.
    pub(super) fn is_only_remembered(&self, item: &ItemKey) -> bool {
        let reads = self.session.as_ref().is_some_and(|session| session.driver.translate().facts().reads);
        !reads && self.memory.items.get(item).is_some_and(|record| record.answer.is_some())
    }

    /// Inert twins that creates without an answer may have left (R14).
    pub(super) fn leftovers(&self) -> u32 {
        let lists = self.session.as_ref().is_none_or(|session| session.driver.translate().facts().lists);
        let under_way = self.memory.intents.values().filter(|_| !lists).map(|intent| intent.tries);
        self.memory.items.values().map(|record| record.leftovers).chain(under_way).sum()
    }
}
