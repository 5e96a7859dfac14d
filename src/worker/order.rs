//! R17 in a round: which objects of ours stand in wrong places, and which of them are given theirs now.
//!
//! An object that stands in a wrong place is not in step, whatever else is equal: only then does a process that is killed
//! between reading and ordering come back to it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Worker, look::Look};
use crate::{
    model::{ExternalId, ItemKey, ObservedItem, Provenance},
    plan::{
        ChangeKind, ItemVerdict,
        draft::{Draft, Inputs, is_drift},
        drift::{Drift, author, left_alone},
        identify::{Identified, called},
        order::{Move, Placed, moves, shadowed_by},
    },
};

/// Objects to move, and whether somebody else put them where they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Order {
    /// Places to give.
    pub moves: Vec<Move>,
    /// All of them were in place before.
    pub drifted: bool,
}

/// Items of ours without effect, because an active object of somebody else stands above and reaches the same (R17).
pub(super) fn shadows(look: &Look, identified: &Identified<'_>) -> BTreeMap<ItemKey, String> {
    if !look.driver.translate().facts().ordered {
        return BTreeMap::new();
    }
    let ours = identified.found.iter().filter(|(item, _)| look.items.contains_key(*item));
    ours.filter_map(|(item, observed)| {
        let above = shadowed_by(observed, &identified.foreign)?;
        let id = above.id.as_ref().map(ToString::to_string).unwrap_or_default();
        Some((item.clone(), format!("{} ({id})", called(above))))
    })
    .collect()
}

/// A place in the order is nothing that systems tell the author of.
fn out_of_place() -> ItemVerdict {
    let author = author(&Provenance::default(), None);
    left_alone(&Drift { places: vec!["priority".into()], author })
}

impl Worker {
    /// Tells the moves of this round, and corrects the verdicts of what stands in a wrong place.
    pub(super) fn order(&self, look: &Look, inputs: &Inputs<'_>, draft: &mut Draft) -> Order {
        if !look.driver.translate().facts().ordered {
            return Order::default();
        }
        let placed = self.placed(look, inputs);
        let wrong: BTreeSet<ItemKey> = moves(placed.clone()).into_iter().map(|m| m.item).collect();
        let drifted = |item: &ItemKey| is_drift(inputs, item, self.memory.items.get(item));
        let resting: BTreeMap<&ItemKey, ItemVerdict> = wrong
            .iter()
            .filter_map(|item| {
                let reported = (!inputs.correct_drift && drifted(item)).then(out_of_place);
                Some((item, inputs.resting.get(item).cloned().or(reported)?))
            })
            .collect();
        let free = placed.into_iter().filter(|placed| !resting.contains_key(&placed.item)).collect();
        let mut moves = moves(free);
        let moved = |item: &ItemKey| moves.iter().any(|m| m.item == *item);
        for (item, verdict) in &mut draft.verdicts {
            if !wrong.contains(item) || !matches!(verdict, ItemVerdict::InStep | ItemVerdict::Undeployed) {
                continue;
            }
            if let Some(resting) = resting.get(item) {
                *verdict = resting.clone();
            } else if moved(item) {
                *verdict = ItemVerdict::Differs(vec!["priority".into()]);
            }
        }
        let drifted = !moves.is_empty() && moves.iter().all(|m| drifted(&m.item));
        for back in self.given_back(look, inputs) {
            // Still ours until it stands where it stood.
            draft
                .plan
                .changes
                .retain(|change| change.item != back.item || !matches!(change.kind, ChangeKind::Forget));
            if matches!(draft.released.get(&back.item), Some(ItemVerdict::InStep | ItemVerdict::Undeployed)) {
                draft.released.insert(back.item.clone(), ItemVerdict::Differs(vec!["priority".into()]));
                moves.push(back);
            }
        }
        Order { moves, drifted }
    }

    /// Objects of ours that were just read: found in this round, or recorded and without somebody else's mark (R7).
    /// One that is let go of is no part of the order any more.
    fn placed(&self, look: &Look, inputs: &Inputs<'_>) -> Vec<Placed> {
        let by_id: BTreeMap<&ExternalId, &ObservedItem> =
            look.observation.items.iter().filter_map(|item| Some((item.id.as_ref()?, item))).collect();
        let mut ours: BTreeMap<&ItemKey, &ObservedItem> = BTreeMap::new();
        for (item, record) in &self.memory.items {
            let observed = record.id.as_ref().and_then(|id| by_id.get(id));
            ours.extend(observed.filter(|o| o.mark.is_none() || o.mark == record.mark).map(|o| (item, *o)));
        }
        ours.extend(inputs.identified.found.iter().map(|(item, observed)| (item, *observed)));
        ours.into_iter()
            .filter(|(item, _)| self.stakes.is_pushed(item))
            .filter_map(|(item, observed)| {
                Some(Placed {
                    item: item.clone(),
                    rank: self.stakes.rank(item),
                    slot: observed.slot?,
                    recorded: self.memory.items.get(item).and_then(|record| record.slot),
                    id: observed.id.clone()?,
                })
            })
            .collect()
    }

    /// Adopted ones that are given back and lost their place to our last write, as old cores do: it is theirs.
    fn given_back(&self, look: &Look, inputs: &Inputs<'_>) -> Vec<Move> {
        let lost = |item: &ItemKey| {
            let observed = inputs.identified.found.get(item).filter(|o| o.slot == Some(0))?;
            let slot = self.memory.items.get(item)?.slot.filter(|slot| *slot > 0)?;
            Some(Move { item: item.clone(), id: observed.id.clone()?, slot })
        };
        look.releasing.iter().filter(|item| !self.stakes.is_pushed(item)).filter_map(lost).collect()
    }
}
