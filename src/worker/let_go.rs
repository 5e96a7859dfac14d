//! Letting go: who witnesses it, what needs no call, when the finalizer goes (R3, R11).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{Worker, ports::Event, recall::Forgotten, record, round::Halt};
use crate::{
    api::{EventReason, ReleasePolicy},
    drivers::Compiled,
    index::{AssignmentView, Desired},
    model::{ItemKey, ObjectName, Uid, memory::Write},
    plan::{
        ItemVerdict,
        release::{Release, Witness, releases},
    },
};

impl Worker {
    /// R3: what living witnesses let go of. Only assignments that may have dropped something are compiled for it.
    pub(super) fn witness(&mut self, desired: &Desired, changed: &BTreeSet<ObjectName>) -> Vec<Release> {
        self.let_go.retain(|(_, who)| desired.assignments.get(who).is_some_and(|view| view.deleting));
        let dropped = |item: &ItemKey, who: &ObjectName| {
            self.stakes.get(who).is_some_and(|kept| {
                let other = kept.items.iter().find(|(key, _)| key == item);
                other.is_none() || changed.contains(who) || !self.is_proven(item)
            })
        };
        let candidates: BTreeSet<&ObjectName> = self
            .memory
            .claims
            .iter()
            .map(|(claim, _)| claim)
            .filter(|(item, who)| dropped(item, who))
            .map(|(_, who)| who)
            .chain(desired.assignments.iter().filter(|(_, view)| view.deleting).map(|(name, _)| name))
            .collect();
        let compiled: BTreeMap<&ObjectName, Option<Compiled>> = candidates
            .iter()
            .filter(|name| !self.is_outdated(desired, name))
            .filter_map(|name| Some((*name, self.compile_one(desired, desired.assignments.get(*name)?))))
            .collect();
        let witnesses: BTreeMap<ObjectName, Witness<'_>> = compiled
            .iter()
            .filter_map(|(name, compiled)| {
                let view = desired.assignments.get(*name)?;
                Some(((*name).clone(), Witness { view, compiled: compiled.as_ref() }))
            })
            .collect();
        let mut releases = releases(&witnesses, &self.memory);
        releases.retain(|release| {
            let key = (release.item.clone(), release.by.clone());
            !self.let_go.contains(&key) || self.memory.claims.contains_key(&key)
        });
        releases
    }

    /// Orphan never needs a call (R11); what is left needs a look at the system.
    pub(super) async fn let_go_without_a_call(
        &mut self,
        desired: &Desired,
        released: Vec<Release>,
    ) -> Result<Vec<Release>, Halt> {
        let (orphaned, rest): (Vec<_>, Vec<_>) =
            released.into_iter().partition(|release| release.how == ReleasePolicy::Orphan);
        for release in &orphaned {
            // An element leaving a living object is taken out by the object's next write, not by letting go.
            self.forget_release(release)?;
        }
        self.drop_finalizers(desired, &rest).await;
        Ok(rest)
    }

    /// Nothing is held any more by what was let go of.
    pub(super) fn forget_release(&mut self, release: &Release) -> Result<(), Halt> {
        let (item, by) = (&release.item, &release.by);
        let writes = record::forget(&self.memory, item, by, release.leaves.as_ref(), release.how);
        self.commit(writes)?;
        self.released.remove(item);
        self.pace.touch([by.clone()]);
        Ok(())
    }

    /// Releases that came to an end are forgotten and told, and finalizers go that can.
    pub(super) async fn conclude(
        &mut self,
        desired: &Desired,
        released: &BTreeMap<ItemKey, ItemVerdict>,
        rest: &[Release],
    ) -> Result<(), Halt> {
        let mut open = Vec::new();
        for release in rest {
            if released.get(&release.item) != Some(&ItemVerdict::InStep) {
                open.push(release.clone());
                self.pace.touch([release.by.clone()]);
                continue;
            }
            self.forget_release(release)?;
            if release.deleting {
                self.let_go.insert((release.item.clone(), release.by.clone()));
            }
            // A part of what is still held went, as Git says: the status tells that.
            let kept = self.stakes.get(&release.by).filter(|_| !release.deleting);
            if kept.is_some_and(|kept| kept.items.iter().any(|(item, _)| *item == release.item)) {
                continue;
            }
            self.tell(desired, &release.by, |regarding| Event {
                regarding,
                reason: EventReason::Released,
                action: "Release",
                note: format!("{} was released", release.item),
                series: None,
            });
        }
        self.drop_finalizers(desired, &open).await;
        Ok(())
    }

    /// What an older generation does not name was perhaps named since (R3, I7). A deletion stands in every later one, too.
    fn is_outdated(&self, desired: &Desired, name: &ObjectName) -> bool {
        let view = desired.assignments.get(name).filter(|view| !view.deleting);
        view.is_some_and(|view| self.is_older(view))
    }

    /// Takes the finalizer off assignments that are being deleted and hold nothing any more.
    pub(super) async fn drop_finalizers(&mut self, desired: &Desired, open: &[Release]) {
        let waiting: BTreeSet<&ObjectName> = open.iter().map(|release| &release.by).collect();
        let may_go = |(name, view): &(&ObjectName, &Arc<AssignmentView>)| {
            view.deleting
                && view.finalizer
                && !self.memory.claims.holds(name)
                && !waiting.contains(name)
                && self.may_have_forgotten(view) == Forgotten::Nothing
        };
        let done: Vec<_> = desired.assignments.iter().filter(may_go).collect();
        let mut uses = if done.is_empty() { Uses::default() } else { Uses::of(desired) };
        for (name, view) in done {
            match self.house.reporter.remove_finalizer(name, &view.uid).await {
                Ok(()) => {
                    self.finalized.take_off(&view.uid);
                    self.forget_object(&mut uses, view);
                }
                Err(error) => tracing::warn!(assignment = %name, %error, "finalizer not removed yet"),
            }
        }
    }

    /// Nothing is kept of an object that is gone, nor of what none but it was resolved from. What cannot be forgotten now
    /// costs a row, no more.
    fn forget_object(&mut self, uses: &mut Uses<'_>, view: &AssignmentView) {
        let unused = view.sources().map(|(uid, _)| uid).filter(|uid| uses.fewer(uid));
        let known = unused.filter(|uid| self.memory.seen.contains_key(*uid));
        let gone = known.map(|uid| Write::Unseen(uid.clone())).collect();
        if let Err(error) = self.commit(gone) {
            self.store_trouble(&error);
        }
    }

    /// Items to be let go of now, and when one that waits for a human is looked at again.
    pub(super) fn releasing(
        &self,
        releases: &[Release],
        asked: &BTreeSet<&ItemKey>,
    ) -> (BTreeSet<ItemKey>, Option<Timestamp>) {
        let (mut now, mut later) = (BTreeSet::new(), None);
        for of_item in releases.chunk_by(|a, b| a.item == b.item) {
            let Some(item) = of_item.first().map(|release| &release.item) else { continue };
            match self.waiting_releases.get(item) {
                Some((same, until)) if same == of_item && *until > self.now() && !asked.contains(item) => {
                    later = later.into_iter().chain([*until]).min();
                }
                _ => drop(now.insert(item.clone())),
            }
        }
        (now, later)
    }
}

/// By how many assignments each object is still needed.
#[derive(Default)]
struct Uses<'a>(BTreeMap<&'a Uid, usize>);

impl<'a> Uses<'a> {
    fn of(desired: &'a Desired) -> Self {
        let mut uses = BTreeMap::new();
        for (uid, _) in desired.assignments.values().flat_map(|view| view.sources()) {
            *uses.entry(uid).or_default() += 1;
        }
        Self(uses)
    }

    /// One less needs it; whether nobody does any more.
    fn fewer(&mut self, uid: &Uid) -> bool {
        self.0.get_mut(uid).is_none_or(|uses| {
            *uses = uses.saturating_sub(1);
            *uses == 0
        })
    }
}
