//! What is kept of one compiled assignment: items and digests instead of contributions.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::record::claim;
use crate::{
    api::Adopt,
    drivers::{Compiled, Finding, Seed, Severity, Translate},
    index::AssignmentView,
    model::{
        Contribution, Digest, Digester, ItemKey, Shape,
        memory::{ClaimRecord, Memory},
    },
    plan::diff::leaf_digest,
};

/// What is kept of one compiled assignment.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The view it was compiled from; a new view is a new `Arc`.
    pub view: Arc<AssignmentView>,
    /// Catalogue it was compiled with.
    pub(super) catalogue_at: Option<Timestamp>,
    /// Items it has a stake in, with the digest of its part.
    pub items: Vec<(ItemKey, Digest)>,
    /// Items it no longer names while something does not resolve: it holds its last claims there (R16).
    pub held: Vec<(ItemKey, Digest)>,
    /// Items of a suspended one of which Git says something else now than when they were applied.
    pub edited: Box<[ItemKey]>,
    /// What is wrong or left out.
    pub findings: Vec<Finding>,
    /// Targets it reaches.
    pub targets: u32,
    /// Whether a suspended one is to be switched on, where its system has a switch: the same for all that a Policy comes to.
    pub switch: Option<bool>,
}

impl Kept {
    /// Whether this is what that view comes to: of what was edited since, nothing is known.
    pub fn is_of(&self, view: &AssignmentView) -> bool {
        view.is_unedited_since(&self.view)
    }

    /// Whether it has a stake in the item, or holds on to it until everything resolves.
    pub fn names(&self, item: &ItemKey) -> bool {
        self.items.iter().chain(&self.held).any(|(named, _)| named == item)
    }

    /// Nothing of it may be sent.
    pub fn refused(&self) -> Option<&Finding> {
        self.findings.iter().find(|f| f.severity == Severity::Refused)
    }

    /// Some targets are left out until they resolve (R16).
    pub fn left_out(&self) -> Option<&Finding> {
        self.findings.iter().find(|f| f.severity == Severity::LeftOut)
    }

    /// Why something of this generation is not sent.
    pub fn unsent(&self) -> Option<&Finding> {
        self.refused().or_else(|| self.left_out())
    }

    /// Whether it pushes what it contributes.
    pub fn pushes(&self) -> bool {
        let view = &self.view;
        !view.deleting
            && !view.suspended
            && !view.observe_only
            && view.binding().is_some()
            && self.refused().is_none()
    }
}

/// What is kept of an assignment that compiles to this; `None` where it cannot be compiled.
pub(super) fn keep(
    view: &Arc<AssignmentView>,
    catalogue_at: Option<Timestamp>,
    compiled: Option<Compiled>,
    driver: &dyn Translate,
    digester: &Digester,
    memory: &Memory,
) -> Kept {
    let live = compiled
        .as_ref()
        .filter(|c| !view.suspended && !c.findings.iter().any(|f| f.severity == Severity::Refused));
    let items = match live {
        Some(compiled) => {
            let adopt = view.binding().and_then(|binding| binding.spec.adopt.as_ref());
            let part = |c: &Contribution| part(c, adopt, compiled.seeds.get(&c.item), driver, digester);
            compiled.contributions.iter().map(|c| (c.item.clone(), part(c))).collect()
        }
        None => memory
            .claims
            .of(&view.name)
            .map(|(item, claim)| (item.clone(), claim_part(claim, digester)))
            .collect(),
    };
    let held = live.map(|compiled| held_back(view, compiled, digester, memory)).unwrap_or_default();
    let suspended = compiled.as_ref().filter(|_| view.suspended);
    let switch = suspended.and_then(|compiled| compiled.contributions.first()?.enabled);
    let edited =
        suspended.map(|compiled| edited(view, compiled, driver, digester, memory)).unwrap_or_default();
    let targets = compiled.as_ref().map_or(0, |c| c.targets);
    let findings = compiled.map(|c| c.findings).unwrap_or_default();
    Kept { view: Arc::clone(view), catalogue_at, items, held, edited, findings, targets, switch }
}

/// Items that were applied otherwise than they are wanted now, or not at all, or that are not wanted any more.
fn edited(
    view: &AssignmentView,
    compiled: &Compiled,
    driver: &dyn Translate,
    digester: &Digester,
    memory: &Memory,
) -> Box<[ItemKey]> {
    let mut applied: BTreeMap<&ItemKey, &ClaimRecord> = memory.claims.of(&view.name).collect();
    let mut edited = Vec::new();
    for wanted in &compiled.contributions {
        let now = claim(wanted, 0, 0, driver, digester);
        let same = applied.remove(&wanted.item).is_some_and(|then| {
            (&then.leaves, &then.members, then.priority) == (&now.leaves, &now.members, now.priority)
        });
        if !same {
            edited.push(wanted.item.clone());
        }
    }
    edited.extend(applied.into_keys().cloned());
    edited.into()
}

/// R16: what an include last led to stays its own until everything resolves.
fn held_back(
    view: &AssignmentView,
    compiled: &Compiled,
    digester: &Digester,
    memory: &Memory,
) -> Vec<(ItemKey, Digest)> {
    if !compiled.findings.iter().any(|finding| finding.severity == Severity::LeftOut) {
        return Vec::new();
    }
    let named: BTreeSet<_> = compiled.contributions.iter().map(|c| &c.item).collect();
    memory
        .claims
        .of(&view.name)
        .filter(|(item, _)| !named.contains(item))
        .map(|(item, claim)| (item.clone(), claim_part(claim, digester)))
        .collect()
}

/// Digest of one contribution: leaves in canonical spelling, members, switch, priority, and what is copied first; for
/// objects also `adopt`, so that correcting it is tried at once.
fn part(
    contribution: &Contribution,
    adopt: Option<&Adopt>,
    seed: Option<&Seed>,
    driver: &dyn Translate,
    digester: &Digester,
) -> Digest {
    use std::fmt::Write as _;
    let mut text = format!("{:?}{}", contribution.enabled, contribution.priority);
    if let (Shape::Object { .. }, Some(adopt)) = (&contribution.shape, adopt) {
        let _ = write!(text, "|{adopt:?}");
    }
    for (path, leaf) in &contribution.leaves {
        let _ = write!(text, "|{path}={}", leaf_digest(driver, digester, path, leaf));
    }
    for (kind, names) in &contribution.members {
        let _ = write!(text, "|{kind:?}={names:?}");
    }
    if let Some(seed) = seed {
        let _ = write!(text, "|copy={seed:?}");
    }
    digester.bytes(text.as_bytes())
}

fn claim_part(claim: &ClaimRecord, digester: &Digester) -> Digest {
    use std::fmt::Write as _;
    let mut text = format!("held{}", claim.priority);
    for (path, digest) in &claim.leaves {
        let _ = write!(text, "|{path}={digest}");
    }
    digester.bytes(text.as_bytes())
}
