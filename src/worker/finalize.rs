//! Our finalizer on assignments: without it a deletion would not wait for us (product.md section 7).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{Worker, look::Look, recall, trouble::backoff};
use crate::{
    index::{AssignmentView, Desired},
    model::{ItemKey, ObjectName, Uid},
    plan::steps::PlannedStep,
    store::StoreError,
};

/// Assignments that may lack our finalizer.
type Bare = BTreeMap<ObjectName, Arc<AssignmentView>>;

/// What is known of our finalizer beyond what views show.
#[derive(Debug, Default)]
pub(super) struct Finalized {
    /// We put it on, and no view has shown it yet.
    unshown: BTreeSet<Uid>,
    /// We took it off, and a view may show it still.
    taken_off: BTreeSet<Uid>,
    /// It was refused where no effect waits for it: how often, and until when that rests.
    refused: BTreeMap<Uid, (u32, Timestamp)>,
}

impl Finalized {
    /// Whether this one bears it, though its view may not show it yet.
    pub fn is_on(&self, view: &AssignmentView) -> bool {
        view.finalizer || self.unshown.contains(&view.uid)
    }

    /// Nothing is held by this one any more, though its view may not show it yet.
    pub fn take_off(&mut self, uid: &Uid) {
        self.taken_off.insert(uid.clone());
    }

    /// Whether we took it off: it is gone as soon as that is seen.
    pub fn is_taken_off(&self, view: &AssignmentView) -> bool {
        self.taken_off.contains(&view.uid)
    }

    /// A view that shows it decides from then on: what somebody takes off afterwards is off. What is gone is forgotten.
    fn see(&mut self, desired: &Desired) {
        if !self.taken_off.is_empty() {
            let borne = desired.assignments.values().filter(|view| view.finalizer);
            let borne: BTreeSet<&Uid> = borne.map(|view| &view.uid).collect();
            self.taken_off.retain(|uid| borne.contains(uid));
        }
        if self.unshown.is_empty() && self.refused.is_empty() {
            return;
        }
        let bare: BTreeSet<&Uid> =
            desired.assignments.values().filter(|view| !view.finalizer).map(|view| &view.uid).collect();
        self.unshown.retain(|uid| bare.contains(uid));
        self.refused.retain(|uid, _| bare.contains(uid));
    }

    fn rests(&self, view: &AssignmentView, now: Timestamp) -> bool {
        self.refused.get(&view.uid).is_some_and(|(_, until)| *until > now)
    }

    fn refuse(&mut self, uid: &Uid, now: Timestamp) {
        let times = self.refused.get(uid).map_or(0, |(times, _)| *times).saturating_add(1);
        self.refused.insert(uid.clone(), (times, backoff(now, times)));
    }
}

impl Worker {
    /// What this round's views show of finalizers.
    pub(super) fn see_finalizers(&mut self, desired: &Desired) {
        self.finalized.see(desired);
    }

    /// Before the first effect: only steps whose assignments bear our finalizer.
    pub(super) async fn with_finalizers(
        &mut self,
        desired: &Desired,
        look: &Look,
        planned: Vec<PlannedStep>,
    ) -> Result<Vec<PlannedStep>, StoreError> {
        let needs = |item: &ItemKey| look.items.get(item).map(|i| i.contributors.clone()).unwrap_or_default();
        let mut bare = Bare::new();
        for name in planned.iter().flat_map(|step| &step.items).flat_map(needs) {
            let view = desired.assignments.get(&name).filter(|view| self.is_bare(view));
            bare.extend(view.map(|view| (name, Arc::clone(view))));
        }
        let Some(refused) = self.finalize(desired, &bare).await? else {
            tracing::warn!(backend = %self.id, "no finalizer on the backend, so no effect");
            return Ok(Vec::new());
        };
        for assignment in &refused {
            tracing::warn!(%assignment, "no finalizer, so no effect");
        }
        let may = |step: &PlannedStep| {
            !step.items.iter().any(|item| needs(item).iter().any(|name| refused.contains(name)))
        };
        Ok(planned.into_iter().filter(may).collect())
    }

    /// Whoever holds something bears it, also where nothing had to be sent in this assignment's life: what was restored
    /// from a backup, adopted, or let go of and assigned again was found just as Git says. Its deletion waits for us, too
    /// (I3). After each pass, since one that was restored within the drift interval is not looked at for long.
    pub(super) async fn hold_claimants(&mut self, desired: &Desired) {
        let now = self.now();
        let may = |view: &AssignmentView| {
            !view.observe_only && self.is_bare(view) && !self.finalized.rests(view, now)
        };
        let mut bare: BTreeMap<_, _> = desired.assignments.iter().filter(|(_, view)| may(view)).collect();
        if bare.is_empty() {
            return;
        }
        let claimants = self.memory.claims.claimants();
        let holders = claimants.filter_map(|who| Some((who.clone(), Arc::clone(bare.remove(who)?))));
        let holders: Bare = holders.collect();
        let refused = match self.finalize(desired, &holders).await {
            Ok(refused) => refused,
            Err(error) => {
                self.store_trouble(&error);
                None
            }
        };
        for view in holders.values().filter(|view| refused.as_ref().is_none_or(|r| r.contains(&view.name))) {
            tracing::warn!(assignment = %view.name, "it holds something, and its deletion would not wait for us");
            self.finalized.refuse(&view.uid, now);
        }
    }

    /// Not known to bear our finalizer, and it can still get it.
    fn is_bare(&self, view: &AssignmentView) -> bool {
        !view.deleting && !self.finalized.is_on(view)
    }

    /// Puts it on; those that refused it, or `None` if the Backend did (and then none was tried).
    ///
    /// Each is noted first, so that one that bears it and is not known was given it under another memory
    /// ([`Self::meet_assignments`]).
    async fn finalize(
        &mut self,
        desired: &Desired,
        bare: &Bare,
    ) -> Result<Option<BTreeSet<ObjectName>>, StoreError> {
        let mut refused = BTreeSet::new();
        if bare.is_empty() {
            return Ok(Some(refused));
        }
        if !self.hold_backend(desired).await {
            return Ok(None);
        }
        let new = bare.values().filter(|view| !self.memory.seen.contains_key(&view.uid));
        self.commit(new.map(|view| recall::noted(&view.uid)).collect())?;
        let reporter = self.house.reporter.clone();
        let writes = bare.values().map(|view| reporter.ensure_finalizer(&view.name, &view.uid));
        let results = futures::future::join_all(writes).await;
        for (view, result) in bare.values().zip(results) {
            match result {
                Ok(()) => drop(self.finalized.unshown.insert(view.uid.clone())),
                Err(error) => {
                    tracing::warn!(assignment = %view.name, %error, "the finalizer was not put on");
                    refused.insert(view.name.clone());
                }
            }
        }
        Ok(Some(refused))
    }
}
