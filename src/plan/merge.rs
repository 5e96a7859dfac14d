//! R12: several assignments, one item. Merges what they contribute, per leaf path.
//!
//! | top priority says | value that stands | outcome |
//! |---|---|---|
//! | one value | any | it wins; lower, different ones are overridden |
//! | different values | one of them | that one stays, the others conflict |
//! | different values | none of them | nobody writes, all conflict |
//!
//! A *held* stake (suspended or frozen assignment) keeps its place in this order but is never pushed.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    drivers::DesiredItem,
    model::{Contribution, Digest, ItemKey, LeafPath, LeafValue, ObjectName, Shape, memory::ClaimRecord},
};

/// What one assignment holds of one item.
#[derive(Debug, Clone, Copy)]
pub enum Stake<'a> {
    /// Compiled just now, to be pushed.
    Live(&'a Contribution),
    /// Last contributed and kept, not pushed.
    Held {
        /// By whom.
        assignment: &'a ObjectName,
        /// Of which item.
        item: &'a ItemKey,
        /// What.
        claim: &'a ClaimRecord,
    },
}

impl Stake<'_> {
    fn item(&self) -> &ItemKey {
        match self {
            Self::Live(contribution) => &contribution.item,
            Self::Held { item, .. } => item,
        }
    }

    fn assignment(&self) -> &ObjectName {
        match self {
            Self::Live(contribution) => &contribution.assignment,
            Self::Held { assignment, .. } => assignment,
        }
    }

    fn priority(&self) -> i32 {
        match self {
            Self::Live(contribution) => contribution.priority,
            Self::Held { claim, .. } => claim.priority,
        }
    }
}

/// A leaf some assignment does not get.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lost {
    /// In which item.
    pub item: ItemKey,
    /// Which leaf.
    pub path: LeafPath,
    /// To whom: named to users only within the same namespace (R12).
    pub to: ObjectName,
}

/// The outcome of merging.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Merged {
    /// Full desired state per item.
    pub items: BTreeMap<ItemKey, DesiredItem>,
    /// Leaves an assignment loses to a higher priority, by loser.
    pub overridden: BTreeMap<ObjectName, BTreeSet<Lost>>,
    /// Leaves an assignment cannot have because another of equal priority wants another value.
    pub conflicts: BTreeMap<ObjectName, BTreeSet<Lost>>,
}

struct Candidate<'a> {
    assignment: &'a ObjectName,
    priority: i32,
    digest: Digest,
    value: Option<&'a LeafValue>,
}

/// Merges all stakes. `digest` is the digest of a leaf's canonical value; `stands` that of the value at the vendor,
/// as far as known.
pub fn merge(
    stakes: &[Stake<'_>],
    digest: &dyn Fn(&LeafPath, &LeafValue) -> Digest,
    stands: &dyn Fn(&ItemKey, &LeafPath) -> Option<Digest>,
) -> Merged {
    let mut by_item: BTreeMap<&ItemKey, Vec<&Stake<'_>>> = BTreeMap::new();
    for stake in stakes {
        by_item.entry(stake.item()).or_default().push(stake);
    }
    let mut merged = Merged::default();
    for (key, stakes) in by_item {
        let leaves = merge_leaves(key, &stakes, digest, stands, &mut merged);
        if let Some(item) = combine(key, &stakes, leaves) {
            merged.items.insert(key.clone(), item);
        }
    }
    merged
}

fn merge_leaves(
    key: &ItemKey,
    stakes: &[&Stake<'_>],
    digest: &dyn Fn(&LeafPath, &LeafValue) -> Digest,
    stands: &dyn Fn(&ItemKey, &LeafPath) -> Option<Digest>,
    merged: &mut Merged,
) -> BTreeMap<LeafPath, LeafValue> {
    let mut leaves = BTreeMap::new();
    for (path, mut candidates) in candidates(stakes, digest) {
        candidates.sort_by(|a, b| b.priority.cmp(&a.priority).then_with(|| a.assignment.cmp(b.assignment)));
        let winner = choose(&candidates, stands(key, path));
        record_losers(key, path, &candidates, winner, merged);
        if let Some(value) = winner.and_then(|digest| value_of(&candidates, digest)) {
            leaves.insert(path.clone(), value.clone());
        }
    }
    leaves
}

fn candidates<'a>(
    stakes: &[&'a Stake<'a>],
    digest: &dyn Fn(&LeafPath, &LeafValue) -> Digest,
) -> BTreeMap<&'a LeafPath, Vec<Candidate<'a>>> {
    let mut by_path: BTreeMap<&LeafPath, Vec<Candidate<'a>>> = BTreeMap::new();
    // What an object holds comes from the Policy alone (R5): an older state of it does not compete.
    let is_object = stakes.iter().any(|s| matches!(s, Stake::Live(c) if c.shape != Shape::Document));
    for stake in stakes {
        let (assignment, priority) = (stake.assignment(), stake.priority());
        let mut add = |path, digest, value| {
            by_path.entry(path).or_default().push(Candidate { assignment, priority, digest, value });
        };
        match stake {
            Stake::Live(contribution) => {
                for (path, value) in &contribution.leaves {
                    add(path, digest(path, value), Some(value));
                }
            }
            Stake::Held { .. } if is_object => {}
            Stake::Held { claim, .. } => {
                for (path, digest) in &claim.leaves {
                    add(path, *digest, None);
                }
            }
        }
    }
    by_path
}

/// The value in force among candidates sorted by priority, `None` where equals disagree and none stands.
fn choose(candidates: &[Candidate<'_>], stands: Option<Digest>) -> Option<Digest> {
    let first = candidates.first()?;
    let mut top = candidates.iter().take_while(|c| c.priority == first.priority);
    if top.clone().all(|c| c.digest == first.digest) {
        return Some(first.digest);
    }
    top.find(|c| Some(c.digest) == stands).map(|c| c.digest)
}

/// The winning value, if a live stake holds it: a held one keeps its place but is not pushed.
fn value_of<'a>(candidates: &[Candidate<'a>], digest: Digest) -> Option<&'a LeafValue> {
    let top = candidates.first()?.priority;
    candidates.iter().take_while(|c| c.priority == top).filter(|c| c.digest == digest).find_map(|c| c.value)
}

fn record_losers(
    key: &ItemKey,
    path: &LeafPath,
    candidates: &[Candidate<'_>],
    winner: Option<Digest>,
    merged: &mut Merged,
) {
    let Some(first) = candidates.first() else { return };
    let holder = candidates.iter().find(|c| Some(c.digest) == winner).unwrap_or(first);
    for loser in candidates.iter().filter(|c| Some(c.digest) != winner && c.value.is_some()) {
        let other =
            if loser.assignment == holder.assignment { rival(candidates, loser) } else { holder.assignment };
        let lost = Lost { item: key.clone(), path: path.clone(), to: other.clone() };
        let list =
            if loser.priority == first.priority { &mut merged.conflicts } else { &mut merged.overridden };
        list.entry(loser.assignment.clone()).or_default().insert(lost);
    }
}

fn rival<'a>(candidates: &[Candidate<'a>], of: &Candidate<'a>) -> &'a ObjectName {
    candidates.iter().find(|c| c.digest != of.digest).map_or(of.assignment, |c| c.assignment)
}

/// The item around its merged leaves; `None` where nobody pushes anything.
fn combine(
    key: &ItemKey,
    stakes: &[&Stake<'_>],
    leaves: BTreeMap<LeafPath, LeafValue>,
) -> Option<DesiredItem> {
    let live: Vec<&Contribution> = stakes
        .iter()
        .filter_map(|stake| match stake {
            Stake::Live(contribution) => Some(*contribution),
            Stake::Held { .. } => None,
        })
        .collect();
    let first = live
        .iter()
        .max_by(|a, b| a.priority.cmp(&b.priority).then_with(|| b.assignment.cmp(&a.assignment)))?;
    let mut members: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for contribution in &live {
        for (kind, names) in &contribution.members {
            members.entry(*kind).or_default().extend(names.iter().cloned());
        }
    }
    if matches!(first.shape, Shape::Object { .. }) {
        keep_held_members(stakes, &mut members);
    }
    Some(DesiredItem {
        key: key.clone(),
        shape: first.shape.clone(),
        title: first.title.clone(),
        status_key: first.status_key.clone(),
        leaves,
        members,
        enabled: live.iter().find_map(|c| c.enabled),
        rank: (-i64::from(first.priority), key.0.to_string()),
        contributors: live.iter().map(|c| c.assignment.clone()).collect(),
    })
}

/// A suspended contributor keeps the members it last contributed (R5).
fn keep_held_members(
    stakes: &[&Stake<'_>],
    members: &mut BTreeMap<crate::model::MemberKind, BTreeSet<String>>,
) {
    for stake in stakes {
        if let Stake::Held { claim, .. } = stake {
            for (kind, names) in &claim.members {
                members.entry(*kind).or_default().extend(names.iter().cloned());
            }
        }
    }
}
