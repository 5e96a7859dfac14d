//! Our finalizer on assignments: without it a deletion would not wait for us (product.md section 7).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Worker, look::Look};
use crate::{
    index::{AssignmentView, Desired},
    model::{ItemKey, ObjectName, Uid},
    plan::steps::PlannedStep,
};

/// Assignments that may lack our finalizer.
type Bare = BTreeMap<ObjectName, Arc<AssignmentView>>;

impl Worker {
    /// Before the first effect: only steps whose assignments bear our finalizer.
    pub(super) async fn with_finalizers(
        &mut self,
        desired: &Desired,
        look: &Look,
        planned: Vec<PlannedStep>,
    ) -> Vec<PlannedStep> {
        let needs = |item: &ItemKey| look.items.get(item).map(|i| i.contributors.clone()).unwrap_or_default();
        let mut bare = Bare::new();
        for name in planned.iter().flat_map(|step| &step.items).flat_map(needs) {
            let view = desired.assignments.get(&name).filter(|view| self.is_bare(view));
            bare.extend(view.map(|view| (name, Arc::clone(view))));
        }
        let Some(refused) = self.finalize(desired, bare).await else { return Vec::new() };
        planned
            .into_iter()
            .filter(|step| {
                !step.items.iter().any(|item| needs(item).iter().any(|name| refused.contains(name)))
            })
            .collect()
    }

    /// Whoever holds something bears it, also where nothing had to be sent in this assignment's life: what was restored
    /// from a backup, adopted, or let go of and assigned again was found just as Git says. Its deletion waits for us, too
    /// (I3). After each pass, since one that was restored within the drift interval is not looked at for long.
    pub(super) async fn hold_claimants(&mut self, desired: &Desired) {
        let may = |view: &AssignmentView| !view.observe_only && self.is_bare(view);
        let mut bare: BTreeMap<_, _> = desired.assignments.iter().filter(|(_, view)| may(view)).collect();
        if bare.is_empty() {
            return;
        }
        let holders = self
            .memory
            .claims
            .keys()
            .filter_map(|(_, who)| Some((who.clone(), Arc::clone(bare.remove(who)?))));
        let holders = holders.collect();
        // Refused ones are tried again after the next pass.
        drop(self.finalize(desired, holders).await);
    }

    /// Ours is known to be on it by the write alone only until the watch shows it: what is seen without it afterwards lost it
    /// to somebody else, a `kubectl replace` say, and gets it again (I3).
    pub(super) fn see_finalizers(&mut self, desired: &Desired) {
        if self.finalized.is_empty() {
            return;
        }
        let bare: BTreeSet<&Uid> =
            desired.assignments.values().filter(|view| !view.finalizer).map(|view| &view.uid).collect();
        self.finalized.retain(|uid| bare.contains(uid));
    }

    /// Not known to bear our finalizer, and it can still get it.
    fn is_bare(&self, view: &AssignmentView) -> bool {
        !view.finalizer && !view.deleting && !self.finalized.contains(&view.uid)
    }

    /// Puts it on; those that refused it, or `None` if the Backend did (and then none was tried).
    async fn finalize(&mut self, desired: &Desired, bare: Bare) -> Option<BTreeSet<ObjectName>> {
        let mut refused = BTreeSet::new();
        if bare.is_empty() {
            return Some(refused);
        }
        if !self.hold_backend(desired).await {
            return None;
        }
        let reporter = self.house.reporter.clone();
        let writes = bare.values().map(|view| reporter.ensure_finalizer(&view.name, &view.uid));
        let results = futures::future::join_all(writes).await;
        for (view, result) in bare.values().zip(results) {
            match result {
                Ok(()) => drop(self.finalized.insert(view.uid.clone())),
                Err(error) => {
                    tracing::warn!(assignment = %view.name, %error, "no finalizer, so no effect");
                    refused.insert(view.name.clone());
                }
            }
        }
        Some(refused)
    }
}
