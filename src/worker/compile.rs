//! Which assignment holds which item, kept up to date with as little compiling as possible.
//!
//! Compiled contributions are not kept: per assignment only the items and a digest of what it contributes to each.
//! That is enough to tell in-step from changed; contributions are compiled again for the few items of a round.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{Worker, record::claim};
use crate::{
    api::{Adopt, Reason},
    drivers::{CompileContext, Compiled, Finding, Seed, Severity, Translate},
    index::{AssignmentView, Desired, Input},
    model::{
        Catalogue, Contribution, Digest, Digester, ItemKey, ObjectName, Shape,
        memory::{ClaimRecord, Memory},
        reckoned,
    },
    plan::diff::leaf_digest,
};

/// What is kept of one compiled assignment.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The view it was compiled from; a new view is a new `Arc`.
    pub view: Arc<AssignmentView>,
    /// Catalogue it was compiled with.
    catalogue_at: Option<Timestamp>,
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
}

impl Kept {
    /// Whether this is what that view comes to: of what was edited since, nothing is known.
    pub fn is_of(&self, view: &AssignmentView) -> bool {
        (self.view.generation, self.view.named) == (view.generation, view.named)
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

/// All assignments of an account, compiled.
#[derive(Debug, Default)]
pub struct Stakes {
    kept: BTreeMap<ObjectName, Kept>,
    holders: BTreeMap<ItemKey, Vec<(ObjectName, Digest)>>,
}

/// Compiles an assignment with everything it refers to.
pub fn compile(
    view: &AssignmentView,
    driver: &dyn Translate,
    context: &CompileContext<'_>,
) -> Option<Compiled> {
    match &view.input {
        Input::Bound { binding, findings, .. } => {
            let mut compiled = driver.compile(binding, context);
            let left_out = findings.iter().any(|finding| finding.severity == Severity::LeftOut);
            if left_out && compiled.findings.iter().any(|finding| finding.reason == Reason::NoTargets) {
                // Nobody is left since an include is left out: that is to be mended, and `allowEmpty` would not mend it.
                compiled.findings.retain(|finding| finding.reason != Reason::NoTargets);
                compiled.contributions.clear();
            }
            compiled.findings.extend(findings.iter().cloned());
            compiled.findings.sort();
            compiled.findings.dedup();
            if compiled.findings.iter().any(|f| f.severity == Severity::Refused) {
                compiled.contributions.clear();
            }
            Some(compiled)
        }
        Input::Frozen { .. } => None,
    }
}

impl Stakes {
    /// Brings the stakes up to date; returns the assignments that changed or went.
    ///
    /// `compile_one` compiles with the content secrets of the assignment's namespace.
    pub fn update(
        &mut self,
        assignments: &BTreeMap<ObjectName, Arc<AssignmentView>>,
        driver: &dyn Translate,
        digester: &Digester,
        memory: &Memory,
        compile_one: &dyn Fn(&AssignmentView) -> Option<Compiled>,
    ) -> BTreeSet<ObjectName> {
        let catalogue_at = memory.catalogue.as_ref().map(|c| c.at);
        let mut changed = BTreeSet::new();
        let gone: Vec<_> =
            self.kept.keys().filter(|name| !assignments.contains_key(*name)).cloned().collect();
        for name in gone {
            self.remove(&name);
            changed.insert(name);
        }
        for (name, view) in assignments {
            let same = self
                .kept
                .get(name)
                .is_some_and(|kept| Arc::ptr_eq(&kept.view, view) && kept.catalogue_at == catalogue_at);
            if same {
                continue;
            }
            let kept = keep(view, catalogue_at, compile_one(view), driver, digester, memory);
            if self.insert(name, kept) {
                changed.insert(name.clone());
            }
        }
        changed
    }

    /// Forgets what an assignment was compiled to, so that the next update compiles it again (rotated content secret).
    pub fn invalidate(&mut self, name: &ObjectName) {
        if let Some(kept) = self.kept.get_mut(name) {
            kept.catalogue_at = Some(Timestamp::MIN);
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    fn remove(&mut self, name: &ObjectName) {
        let Some(kept) = self.kept.remove(name) else { return };
        for (item, _) in kept.items.into_iter().chain(kept.held) {
            if let Some(holders) = self.holders.get_mut(&item) {
                holders.retain(|(who, _)| who != name);
                if holders.is_empty() {
                    self.holders.remove(&item);
                }
            }
        }
    }

    /// Whether the view or what it comes to differs from before.
    fn insert(&mut self, name: &ObjectName, kept: Kept) -> bool {
        let same = self.kept.get(name).is_some_and(|old| {
            Arc::ptr_eq(&old.view, &kept.view)
                && old.items == kept.items
                && old.held == kept.held
                && old.findings == kept.findings
                && old.targets == kept.targets
        });
        self.remove(name);
        if !kept.view.observe_only && !kept.view.deleting {
            for (item, digest) in kept.items.iter().chain(&kept.held) {
                let holders = self.holders.entry(item.clone()).or_default();
                holders.push((name.clone(), *digest));
                holders.sort_by(|a, b| a.0.cmp(&b.0));
            }
        }
        self.kept.insert(name.clone(), kept);
        !same
    }

    /// What is kept of an assignment.
    pub fn get(&self, name: &ObjectName) -> Option<&Kept> {
        self.kept.get(name)
    }

    /// All assignments.
    pub fn iter(&self) -> impl Iterator<Item = (&ObjectName, &Kept)> {
        self.kept.iter()
    }

    /// All items somebody holds.
    pub fn items(&self) -> impl Iterator<Item = &ItemKey> {
        self.holders.keys()
    }

    /// Who holds an item.
    pub fn holders(&self, item: &ItemKey) -> &[(ObjectName, Digest)] {
        self.holders.get(item).map_or(&[], Vec::as_slice)
    }

    /// Whether somebody pushes this item; one that is only held is neither read nor written.
    pub fn is_pushed(&self, item: &ItemKey) -> bool {
        let pushes = |kept: &Kept| kept.pushes() && !kept.held.iter().any(|(held, _)| held == item);
        self.holders(item).iter().any(|(who, _)| self.kept.get(who).is_some_and(pushes))
    }

    /// Place of an item's objects in the account's order (R17), as `DesiredItem::rank`.
    pub fn rank(&self, item: &ItemKey) -> (i64, String) {
        let priority = |who: &ObjectName| {
            let view = &self.kept.get(who)?.view;
            view.binding().map(|binding| i64::from(binding.spec.priority()))
        };
        let top = self.holders(item).iter().filter_map(|(who, _)| priority(who)).max().unwrap_or_default();
        (-top, item.0.to_string())
    }

    /// Digest of everything contributed to an item: what `ObservedRecord::proves` is compared with.
    pub fn inputs(&self, item: &ItemKey, digester: &Digester) -> Digest {
        let mut text = String::new();
        for (who, digest) in self.holders(item) {
            text.push_str(&who.namespace);
            text.push('/');
            text.push_str(&who.name);
            text.push_str(&digest.to_string());
        }
        digester.bytes(text.as_bytes())
    }
}

impl Worker {
    /// Compiles what changed.
    pub(super) fn update_stakes(&mut self, desired: &Desired) -> BTreeSet<ObjectName> {
        let Some(session) = &self.session else { return BTreeSet::new() };
        let driver = session.driver.clone();
        let mut stakes = std::mem::take(&mut self.stakes);
        let compile_one = |view: &AssignmentView| self.compile_one(desired, view);
        let changed = stakes.update(
            &desired.assignments,
            driver.translate(),
            &self.digester,
            &self.memory,
            &compile_one,
        );
        self.stakes = stakes;
        self.pace.touch(changed.iter().cloned());
        changed
    }

    /// What an assignment comes to now. What reaches further than the guard allows comes to nothing, and lets go of
    /// nothing either (R2).
    pub(super) fn compile_one(&self, desired: &Desired, view: &AssignmentView) -> Option<Compiled> {
        let driver = self.session.as_ref()?.driver.clone();
        let empty = Catalogue::default();
        let catalogue = self.memory.catalogue.as_ref().map_or(&empty, |c| &c.catalogue);
        let secrets = self.secrets_for(view);
        let context = CompileContext {
            catalogue,
            owner: &self.house.owner,
            digester: &self.digester,
            secrets: &secrets,
        };
        let mut compiled = compile(view, driver.translate(), &context)?;
        let max_targets = desired.backend.settings.max_targets;
        // A deletion reaches nobody anew: what it is to take back must be known, also beyond a limit lowered since.
        if !view.deleting && compiled.targets > max_targets {
            compiled.findings.push(too_far(compiled.targets, max_targets));
            compiled.contributions.clear();
        }
        Some(compiled)
    }
}

fn too_far(targets: u32, limit: u32) -> Finding {
    Finding {
        severity: Severity::Refused,
        reason: Reason::TargetsHeld,
        subject: "spec.targets".into(),
        message: format!(
            "this assignment reaches {}; the backend's guard.maxTargets allows {limit}. Narrow the targets, or raise the \
             limit if this is meant",
            reckoned(targets, "target")
        ),
    }
}

fn keep(
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
    let edited =
        suspended.map(|compiled| edited(view, compiled, driver, digester, memory)).unwrap_or_default();
    let targets = compiled.as_ref().map_or(0, |c| c.targets);
    let findings = compiled.map(|c| c.findings).unwrap_or_default();
    Kept { view: Arc::clone(view), catalogue_at, items, held, edited, findings, targets }
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
