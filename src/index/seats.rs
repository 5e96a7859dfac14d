//! Desired state per backend, kept up to date one stale object at a time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    backends,
    desired::{AssignmentView, BackendView, Desired, Input},
    entry::Assignment,
    links::{Links, beside, named},
    object::Kind,
    tables::{Index, backend_id, kind_of},
};
use crate::model::{BackendId, BackendKind, ObjectName, SourcesDigest};

/// What a batch of changes came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dirty {
    /// Their [`Desired`] may differ; that of all others is the same.
    pub backends: BTreeSet<BackendId>,
    /// They have a [`Desired`] now and had none before.
    pub appeared: BTreeSet<BackendId>,
    /// They had one and have none any more.
    pub gone: BTreeSet<BackendId>,
    /// Objects that are gone, whether a watch said so or a list lacked them.
    pub removed: BTreeSet<(Kind, ObjectName)>,
    /// The status of these Policies may have to be made anew.
    pub policies: BTreeSet<ObjectName>,
    /// The status of these TargetGroups may have to be made anew.
    pub groups: BTreeSet<ObjectName>,
    /// Assignments that may have no worker and may need a verdict ([`Index::unbound_assignment`]).
    pub unbound: BTreeSet<ObjectName>,
    /// The same for backends ([`Index::unbound_backend`]).
    pub unbound_backends: BTreeSet<BackendId>,
}

impl Dirty {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What one backend's worker gets.
#[derive(Debug, Default)]
pub(super) struct Seat {
    backend: Option<Arc<BackendView>>,
    pub assignments: Arc<BTreeMap<ObjectName, Arc<AssignmentView>>>,
    version: u64,
}

impl Index {
    /// Resolves what has become stale and tells what differs since the last time.
    pub fn settle(&mut self) -> Dirty {
        for id in std::mem::take(&mut self.stale.backends) {
            self.settle_backend(id);
        }
        let noted = std::mem::take(&mut self.stale.assignments);
        if std::mem::take(&mut self.stale.all_assignments) {
            let all: Vec<_> = self.assignments.keys().cloned().collect();
            all.iter().for_each(|name| self.settle_assignment(name));
        } else {
            noted.iter().for_each(|name| self.settle_assignment(name));
        }
        let mut dirty = std::mem::take(&mut self.dirty);
        dirty.removed.retain(|(kind, name)| self.uid(*kind, name).is_none());
        if !dirty.backends.is_empty() {
            self.tick += 1;
        }
        for id in &dirty.backends {
            if let Some(seat) = self.seats.get_mut(id) {
                seat.version = self.tick;
            }
        }
        self.seats.retain(|_, seat| seat.backend.is_some() || !seat.assignments.is_empty());
        dirty
    }

    /// What is desired of a backend as of the last [`Index::settle`]; `None` where it does not exist, not even its
    /// system can be read, or its [gate](Index::gate) is closed.
    pub fn desired(&self, id: &BackendId) -> Option<Desired> {
        let seat = self.seats.get(id)?;
        Some(Desired {
            backend: Arc::clone(seat.backend.as_ref()?),
            assignments: Arc::clone(&seat.assignments),
            undecodable: self.undecodable_for(id),
            version: seat.version,
        })
    }

    /// Every backend that has a [`Desired`].
    pub fn with_desired(&self) -> impl Iterator<Item = &BackendId> {
        self.seats.iter().filter(|(_, seat)| seat.backend.is_some()).map(|(id, _)| id)
    }

    /// Whether a worker speaks for the assignments of this backend.
    pub(super) fn has_worker(&self, id: &BackendId) -> bool {
        self.seats.get(id).is_some_and(|seat| seat.backend.is_some())
    }

    fn settle_backend(&mut self, id: BackendId) {
        let slot = self.backends.get(&id);
        let view = slot.and_then(|slot| backends::view(&id, slot)).filter(|_| self.gate(&id));
        if slot.is_some() && view.is_none() {
            self.dirty.unbound_backends.insert(id.clone());
        }
        let seat = self.seats.entry(id.clone()).or_default();
        if seat.backend.as_deref() == view.as_ref() {
            return;
        }
        match (&seat.backend, &view) {
            (None, Some(_)) => self.dirty.appeared.insert(id.clone()),
            (Some(_), None) => {
                self.dirty.unbound.extend(seat.assignments.keys().cloned());
                self.dirty.gone.insert(id.clone())
            }
            _ => false,
        };
        seat.backend = view.map(Arc::new);
        self.dirty.backends.insert(id);
    }

    fn settle_assignment(&mut self, name: &ObjectName) {
        let Some(named) = self.assignments.get(name).map(|entry| self.named(name, entry)) else { return };
        self.names_now(name, named);
        let Some(entry) = self.assignments.get(name) else { return };
        let Some(id) = entry.backend.clone() else {
            self.dirty.unbound.insert(name.clone());
            return;
        };
        let mut view = self.view(name, entry);
        if let Input::Bound { binding, sources, .. } = &mut view.input {
            // Mostly the default, which is the same for all assignments of a policy.
            binding.display_name = self.names.get(&binding.display_name);
            *sources = self.names.sources(sources);
        }
        let seat = self.seats.entry((*id).clone()).or_default();
        if seat.assignments.get(name).is_some_and(|old| **old == view) {
            return;
        }
        if seat.backend.is_none() {
            self.dirty.unbound.insert(name.clone());
        }
        Arc::make_mut(&mut seat.assignments).insert(name.clone(), Arc::new(view));
        self.dirty.backends.insert((*id).clone());
    }

    /// An edit of a group is one of what its Policies have proven, and the other way round: both are told.
    fn names_now(&mut self, name: &ObjectName, named: SourcesDigest) {
        let Some(entry) = self.assignments.get_mut(name).filter(|entry| entry.named != named) else { return };
        entry.named = named;
        let (policy, groups) = (entry.policy.clone(), entry.groups().map(|group| beside(name, group)));
        self.dirty.groups.extend(groups);
        self.dirty.policies.extend(policy);
    }

    fn view(&self, name: &ObjectName, entry: &Assignment) -> AssignmentView {
        let head = &entry.slot.head;
        AssignmentView {
            name: name.clone(),
            uid: head.uid.clone(),
            generation: head.generation,
            created: head.created,
            deleting: head.deleting,
            finalizer: head.finalizer,
            suspended: entry.suspended,
            observe_only: entry.observe_only,
            release_policy: entry.release_policy,
            requested_at: head.requested_at.clone(),
            external_id: head.external_id.clone(),
            named: entry.named,
            input: self.resolve(name, entry),
        }
    }

    pub(super) fn unseat(&mut self, id: &BackendId, name: &ObjectName) {
        if let Some(seat) = self.seats.get_mut(id).filter(|seat| seat.assignments.contains_key(name)) {
            Arc::make_mut(&mut seat.assignments).remove(name);
            self.dirty.backends.insert(id.clone());
        }
    }

    /// Undecodable objects that may concern the backend, as `Kind namespace/name`.
    fn undecodable_for(&self, id: &BackendId) -> BTreeSet<String> {
        let concerning = self.broken.iter().filter(|(kind, name)| self.concerns(*kind, name, id));
        let words = concerning.map(|(kind, name)| match &*name.namespace {
            "" => format!("{kind} {}", name.name),
            _ => format!("{kind} {name}"),
        });
        words.collect()
    }

    pub(super) fn mark_concerned(&mut self, kind: Kind, name: &ObjectName) {
        let concerned: Vec<_> =
            self.seats.keys().filter(|id| self.concerns(kind, name, id)).cloned().collect();
        self.dirty.backends.extend(concerned);
    }

    /// Whether an object may have a say in what is desired of a backend.
    fn concerns(&self, kind: Kind, name: &ObjectName, id: &BackendId) -> bool {
        let any = |links: &Links| {
            named(links, name)
                .any(|user| self.assignments.get(user).is_some_and(|entry| may_name(entry, user, id)))
        };
        match kind {
            Kind::Namespace => false,
            Kind::Policy => any(&self.by_policy),
            Kind::TargetGroup => any(&self.by_group),
            Kind::PolicyAssignment => {
                self.assignments.get(name).is_some_and(|entry| may_name(entry, name, id))
            }
            Kind::Backend | Kind::ClusterBackend => kind_of(id) == kind && backend_id(kind, name) == *id,
        }
    }

    /// Undecodable objects of every kind.
    pub fn undecodable_objects(&self) -> impl Iterator<Item = (Kind, &ObjectName)> {
        self.broken.iter().map(|(kind, name)| (*kind, name))
    }

    /// Names of all assignments.
    pub fn assignment_names(&self) -> impl Iterator<Item = &ObjectName> {
        self.assignments.keys()
    }

    /// Names of the assignments that name a backend.
    pub fn assignments_of(&self, backend: &BackendId) -> impl Iterator<Item = &ObjectName> {
        self.seats.get(backend).into_iter().flat_map(|seat| seat.assignments.keys())
    }

    /// The backend an assignment names.
    pub fn backend_of(&self, assignment: &ObjectName) -> Option<&BackendId> {
        self.assignments.get(assignment)?.backend.as_deref()
    }
}

/// Whether an assignment names the backend, or may, where its reference cannot be read.
fn may_name(entry: &Assignment, name: &ObjectName, id: &BackendId) -> bool {
    match &entry.backend {
        Some(backend) => **backend == *id,
        None => id.kind == BackendKind::ClusterBackend || id.namespace == name.namespace,
    }
}
