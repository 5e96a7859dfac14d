//! R17: one order per account, shared with objects that are not ours.
//!
//! Managed objects permute only the slots they already hold; unmanaged ids are never listed; where the order is right
//! nothing is sent.

use std::collections::BTreeMap;

use crate::model::{ExternalId, ItemKey, MemberKind, ObservedItem};

/// A managed object and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Which item.
    pub item: ItemKey,
    /// Its id.
    pub id: ExternalId,
    /// Sorts first what shall stand first.
    pub rank: (i64, String),
    /// Where it stands now.
    pub slot: i64,
    /// Where it stood before a PUT, as journalled.
    pub recorded: Option<i64>,
}

impl Placed {
    /// The slot it holds: old cores reset it to 0 on every PUT, which is not a place anybody gave it.
    fn held(&self) -> i64 {
        if self.slot > 0 { self.slot } else { self.recorded.unwrap_or(self.slot) }
    }
}

/// An object and the place it is to be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// Which item.
    pub item: ItemKey,
    /// Its id.
    pub id: ExternalId,
    /// Its new place.
    pub slot: i64,
}

/// The objects to move; empty where the order is right.
pub fn moves(mut placed: Vec<Placed>) -> Vec<Move> {
    let mut slots: Vec<i64> = placed.iter().map(Placed::held).collect();
    slots.sort_unstable();
    placed.sort_by(|a, b| a.rank.cmp(&b.rank));
    placed
        .into_iter()
        .zip(slots)
        .filter(|(object, slot)| object.slot != *slot)
        .map(|(object, slot)| Move { item: object.item, id: object.id, slot })
        .collect()
}

/// An active unmanaged object standing above ours that reaches whoever ours reaches: ours has no effect there.
pub fn shadowed_by<'a>(ours: &ObservedItem, foreign: &[&'a ObservedItem]) -> Option<&'a ObservedItem> {
    foreign
        .iter()
        .filter(|other| other.enabled == Some(true) && other.slot < ours.slot)
        .find(|other| same_platform(ours, other) && covers(other, ours))
        .copied()
}

fn same_platform(a: &ObservedItem, b: &ObservedItem) -> bool {
    let platform = |item: &ObservedItem| {
        item.leaves.iter().find(|(path, _)| &*path.0 == "platform").map(|(_, value)| value.clone())
    };
    platform(a) == platform(b)
}

/// Whether everybody `inner` reaches is certainly reached by `outer`, too.
fn covers(outer: &ObservedItem, inner: &ObservedItem) -> bool {
    let restricted = |item: &ObservedItem| -> BTreeMap<MemberKind, Vec<String>> {
        item.members
            .iter()
            .filter(|(_, names)| !names.is_empty() && !names.contains("ANY"))
            .map(|(kind, names)| (*kind, names.iter().map(|n| n.to_lowercase()).collect()))
            .collect()
    };
    let inner = restricted(inner);
    restricted(outer).iter().all(|(kind, names)| {
        inner.get(kind).is_some_and(|theirs| theirs.iter().all(|name| names.contains(name)))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn placed(rank: i64, slot: i64, recorded: Option<i64>) -> Placed {
        let name = format!("{rank}-{slot}");
        Placed {
            item: ItemKey(name.as_str().into()),
            id: ExternalId(name.as_str().into()),
            rank: (rank, name),
            slot,
            recorded,
        }
    }

    #[test]
    fn moves_only_what_stands_wrong() {
        let cases: &[(&str, Vec<Placed>, Vec<(&str, i64)>)] = &[
            ("nothing to do where the order is right", vec![placed(1, 2, None), placed(2, 5, None)], vec![]),
            (
                "two swap the slots they hold",
                vec![placed(2, 2, None), placed(1, 5, None)],
                vec![("1-5", 2), ("2-2", 5)],
            ),
            (
                "a slot reset by a PUT is given back",
                vec![placed(1, 0, Some(3)), placed(2, 7, None)],
                vec![("1-0", 3)],
            ),
            ("alone, it stays where it is", vec![placed(9, 4, Some(2))], vec![]),
        ];
        for (reason, objects, expected) in cases {
            let got: Vec<_> = moves(objects.clone()).into_iter().map(|m| (m.id, m.slot)).collect();
            let expected: Vec<_> =
                expected.iter().map(|(id, slot)| (ExternalId((*id).into()), *slot)).collect();
            assert_eq!(got, expected, "{reason}");
        }
    }

    proptest! {
        #[test]
        fn applying_the_moves_gives_the_order_and_no_further_moves(slots in proptest::collection::btree_set(1i64..500, 1..40), seed: u64) {
            let slots: Vec<_> = slots.into_iter().collect();
            let mut objects: Vec<_> = slots.iter().enumerate()
                .map(|(i, slot)| placed(i64::try_from((i as u64).wrapping_mul(seed | 1) % 97).unwrap(), *slot, None)).collect();
            for Move { id, slot, .. } in moves(objects.clone()) {
                objects.iter_mut().find(|o| o.id == id).unwrap().slot = slot;
            }
            prop_assert!(moves(objects.clone()).is_empty());
            let mut held: Vec<_> = objects.iter().map(|o| o.slot).collect();
            held.sort_unstable();
            prop_assert_eq!(held, slots, "only slots held before are used");
        }
    }
}
