//! R3 and R11: what is let go of, and how.
//!
//! Nothing is ever released because it is absent from a list. A release needs a *living witness*: an assignment that
//! is present and decodes, and either bears a deletionTimestamp, or resolves completely and no longer names the thing.
//!
//! ```text
//! claim in memory ─┬─ assignment not present ───────────── left alone (orphaned)
//!                  ├─ frozen, refused or left out ──────── left alone
//!                  ├─ deleting ─────────────────────────── Release, whole item
//!                  ├─ no longer names the item ─────────── Release, whole item
//!                  └─ no longer names these leaves ─────── Release, these leaves
//! ```

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    api::ReleasePolicy,
    drivers::{Compiled, Severity},
    index::{AssignmentView, Input},
    model::{
        ItemKey, LeafPath, ObjectName, Shape,
        memory::{ClaimRecord, Memory, Origin},
    },
};

/// One assignment letting go of an item, or of some of its leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The witness.
    pub by: ObjectName,
    /// Of which item.
    pub item: ItemKey,
    /// `None`: the whole item.
    pub leaves: Option<BTreeSet<LeafPath>>,
    /// How.
    pub how: ReleasePolicy,
    /// The witness has a deletionTimestamp.
    pub deleting: bool,
}

/// The witness of a release as planning sees it.
#[derive(Debug, Clone, Copy)]
pub struct Witness<'a> {
    /// The assignment.
    pub view: &'a AssignmentView,
    /// What it compiles to now; `None` while it cannot be compiled.
    pub compiled: Option<&'a Compiled>,
}

/// The releasePolicy in force: as written, else Orphan for documents and adopted objects, else Delete (R11).
pub fn effective(written: Option<ReleasePolicy>, origin: Option<Origin>) -> ReleasePolicy {
    written.unwrap_or(match origin {
        Some(Origin::Document | Origin::Adopted) => ReleasePolicy::Orphan,
        Some(Origin::Created) | None => ReleasePolicy::Delete,
    })
}

/// Everything released, sorted by item and witness.
pub fn releases(witnesses: &BTreeMap<ObjectName, Witness<'_>>, memory: &Memory) -> Vec<Release> {
    let mut releases: Vec<_> =
        witnesses.values().flat_map(|witness| unremembered(*witness, memory)).collect();
    releases.extend(remembered(witnesses, memory));
    releases.sort_by(|a, b| (&a.item, &a.by).cmp(&(&b.item, &b.by)));
    releases
}

/// A deleting assignment whose claims a lost store took: what it compiles to now stands for them (R13).
fn unremembered(witness: Witness<'_>, memory: &Memory) -> Vec<Release> {
    let view = witness.view;
    let Some(compiled) = witness.compiled.filter(|_| view.deleting && view.finalizer) else {
        return Vec::new();
    };
    let adopts = view.binding().is_some_and(|binding| binding.spec.adopt.is_some());
    compiled
        .contributions
        .iter()
        .filter(|c| !memory.claims.contains_key(&(c.item.clone(), view.name.clone())))
        .map(|contribution| {
            let origin = match contribution.shape {
                Shape::Document => Origin::Document,
                Shape::Object { .. } if adopts => Origin::Adopted,
                Shape::Object { .. } => Origin::Created,
            };
            Release {
                by: view.name.clone(),
                item: contribution.item.clone(),
                leaves: None,
                how: effective(view.release_policy, Some(origin)),
                deleting: true,
            }
        })
        .collect()
}

fn remembered(witnesses: &BTreeMap<ObjectName, Witness<'_>>, memory: &Memory) -> Vec<Release> {
    memory
        .claims
        .iter()
        .filter_map(|((item, who), claim)| {
            let witness = witnesses.get(who)?;
            let leaves = released_leaves(*witness, item, claim)?;
            let origin = memory.items.get(item).map(|record| record.origin);
            Some(Release {
                by: who.clone(),
                item: item.clone(),
                leaves,
                how: effective(witness.view.release_policy, origin),
                deleting: witness.view.deleting,
            })
        })
        .collect()
}

/// `None`: nothing is released; `Some(None)`: the whole item; `Some(Some(paths))`: these leaves.
#[allow(clippy::option_option)] // three outcomes, named in the line above
fn released_leaves(
    witness: Witness<'_>,
    item: &ItemKey,
    claim: &ClaimRecord,
) -> Option<Option<BTreeSet<LeafPath>>> {
    let view = witness.view;
    if view.deleting {
        return Some(None);
    }
    let compiled = witness.compiled.filter(|_| resolves_completely(witness))?;
    if view.suspended || view.observe_only {
        return None;
    }
    let Some(named) = compiled.contributions.iter().find(|c| c.item == *item) else { return Some(None) };
    let dropped: BTreeSet<_> = claim
        .leaves
        .iter()
        .map(|(path, _)| path)
        .filter(|path| !named.leaves.contains_key(*path))
        .cloned()
        .collect();
    (!dropped.is_empty()).then_some(Some(dropped))
}

/// Whether "not named" can be believed: everything it refers to was found.
pub fn resolves_completely(witness: Witness<'_>) -> bool {
    let findings = match &witness.view.input {
        Input::Bound { findings, .. } => findings,
        Input::Frozen { .. } => return false,
    };
    let compiled = witness.compiled.map(|c| c.findings.as_slice()).unwrap_or_default();
    findings.iter().chain(compiled).all(|finding| finding.severity == Severity::Note)
}

/// Several contributors leaving an object in one pass: the mildest way wins (R5).
pub fn mildest(ways: impl IntoIterator<Item = ReleasePolicy>) -> Option<ReleasePolicy> {
    ways.into_iter().min_by_key(|way| match way {
        ReleasePolicy::Orphan => 0,
        ReleasePolicy::Restore => 1,
        ReleasePolicy::Delete => 2,
    })
}
