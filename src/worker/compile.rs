//! Which assignment holds which item, kept up to date with as little compiling as possible.
//!
//! Compiled contributions are not kept: per assignment only the items and a digest of what it contributes to each.
//! That is enough to tell in-step from changed; contributions are compiled again for the few items of a round.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{
    Worker,
    kept::{Kept, keep},
};
use crate::{
    api::Reason,
    drivers::{CompileContext, Compiled, Finding, Severity, Translate},
    index::{AssignmentView, Desired, Input},
    model::{Catalogue, Digest, Digester, ItemKey, ObjectName, memory::Memory, reckoned},
};

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
