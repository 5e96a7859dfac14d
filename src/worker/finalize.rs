//! Our finalizer on assignments: without it a deletion would not wait for us (product.md section 7).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Worker, look::Look};
use crate::{
    api::ReleasePolicy,
    index::{AssignmentView, Desired},
    model::{
        ItemKey, ObjectName,
        memory::{ItemRecord, Origin},
    },
    plan::{release::effective, steps::PlannedStep},
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
            bare.extend(self.bare(desired, &name).map(|view| (name, view)));
        }
        let Some(refused) = self.finalize(desired, bare).await else { return Vec::new() };
        planned
            .into_iter()
            .filter(|step| {
                !step.items.iter().any(|item| needs(item).iter().any(|name| refused.contains(name)))
            })
            .collect()
    }

    /// What was found to stand as wanted, with no effect of this assignment's life (a cluster restored from its manifests,
    /// a Policy let go of and assigned again), is let go of like everything else: its deletion waits for us, too (I3).
    /// Not where nothing would have to be done then (R11).
    pub(super) async fn hold_what_stands(&mut self, desired: &Desired, look: &Look) {
        let mut bare = Bare::new();
        for (item, looked) in &look.items {
            let Some(record) = self.memory.items.get(item).filter(|record| stands(record)) else { continue };
            for name in &looked.contributors {
                let view = self.bare(desired, name).filter(|view| {
                    effective(view.release_policy, Some(record.origin)) != ReleasePolicy::Orphan
                        && self.memory.claims.contains_key(&(item.clone(), name.clone()))
                });
                bare.extend(view.map(|view| (name.clone(), view)));
            }
        }
        // Refused ones are tried again with the next look.
        drop(self.finalize(desired, bare).await);
    }

    /// The assignment, if it is not known to bear our finalizer and can still get it.
    fn bare(&self, desired: &Desired, name: &ObjectName) -> Option<Arc<AssignmentView>> {
        let view = desired.assignments.get(name)?;
        let bare = !view.finalizer && !view.deleting && !self.finalized.contains(&view.uid);
        bare.then(|| Arc::clone(view))
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

/// Whether there is something to let go of.
fn stands(record: &ItemRecord) -> bool {
    record.id.is_some() || record.origin == Origin::Document
}
