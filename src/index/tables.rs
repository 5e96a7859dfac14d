//! The index: what is there, who refers to whom, and what has become stale.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    arrival::Graves,
    backends,
    entry::{Assignment, Fault, Slot},
    intern::Interner,
    links::Links,
    object::{Kind, Object, Scope, Undecodable},
    relist::Feeds,
    seats::{Dirty, Seat},
};
use crate::{
    api::{PolicySpec, TargetSpec},
    model::{BackendId, BackendKind, ObjectName, Uid},
};

/// Names of objects of one kind; cluster-scoped ones have an empty namespace.
pub(super) type Names = BTreeSet<ObjectName>;

/// What the cluster wants. See the [module](super) for what it guarantees.
#[derive(Debug, Default)]
pub struct Index {
    pub(super) scope: Scope,
    pub(super) feeds: Feeds,
    pub(super) names: Interner,
    pub(super) policies: BTreeMap<ObjectName, Slot<Arc<PolicySpec>>>,
    pub(super) groups: BTreeMap<ObjectName, Slot<Arc<TargetSpec>>>,
    pub(super) assignments: BTreeMap<ObjectName, Box<Assignment>>,
    pub(super) backends: BTreeMap<BackendId, Slot<backends::Body>>,
    pub(super) namespaces: BTreeMap<Arc<str>, BTreeMap<String, String>>,
    pub(super) by_policy: Links,
    pub(super) by_group: Links,
    pub(super) seats: BTreeMap<BackendId, Seat>,
    pub(super) broken: BTreeSet<(Kind, ObjectName)>,
    pub(super) stale: Stale,
    pub(super) dirty: Dirty,
    pub(super) tick: u64,
    pub(super) graves: Graves,
}

/// What has to be resolved again.
#[derive(Debug, Default)]
pub(super) struct Stale {
    /// All assignments, whatever their names: as after each of the first lists, when noting them
    /// one by one would take as much memory as keeping them.
    pub all_assignments: bool,
    pub assignments: Names,
    pub backends: BTreeSet<BackendId>,
}

impl Index {
    /// An empty index for these namespaces. Nothing is `listed` yet.
    pub fn new(scope: Scope) -> Self {
        let feeds = Feeds::new(&scope);
        Self { scope, feeds, ..Self::default() }
    }

    /// Takes over an object as the API server holds it now. Call [`Index::settle`] after the last of a batch.
    pub fn apply(&mut self, object: Object) {
        match object {
            Object::Policy(object) => self.apply_policy(*object),
            Object::TargetGroup(object) => self.apply_group(*object),
            Object::Assignment(object) => {
                let Some(name) = self.admit(Kind::PolicyAssignment, &object.metadata) else { return };
                let old = self.assignments.get(&name).map(|old| &**old);
                let new = Assignment::of(*object, &name, old, &mut self.names);
                self.put_assignment(name, new);
            }
            Object::Backend(object) => {
                let Some(id) = self.admit_backend(BackendKind::Backend, &object.metadata) else { return };
                let new = backends::backend(*object, self.backends.get(&id));
                self.put_backend(id, new);
            }
            Object::ClusterBackend(object) => {
                let Some(id) = self.admit_backend(BackendKind::ClusterBackend, &object.metadata) else {
                    return;
                };
                let new = backends::cluster_backend(*object, self.backends.get(&id));
                self.put_backend(id, new);
            }
            Object::Namespace(meta) => self.apply_namespace(&meta),
        }
    }

    /// Takes note of an object that cannot be decoded. It keeps its claims and freezes removals on every account it
    /// may concern (R3).
    pub fn undecodable(&mut self, object: &Undecodable) {
        let (meta, error, raw) = (&object.metadata, object.error.as_str(), &object.raw);
        let fault = || Some(Fault::undecodable(error));
        match object.kind {
            Kind::Namespace => self.apply_namespace(meta),
            Kind::Policy => {
                let Some(name) = self.admit(Kind::Policy, meta) else { return };
                self.put_policy(&name, Slot::new(meta, None, fault()));
            }
            Kind::TargetGroup => {
                let Some(name) = self.admit(Kind::TargetGroup, meta) else { return };
                self.put_group(&name, Slot::new(meta, None, fault()));
            }
            Kind::PolicyAssignment => {
                let Some(name) = self.admit(Kind::PolicyAssignment, meta) else { return };
                let new = Assignment::undecodable(meta, error, raw, &name, &mut self.names);
                self.put_assignment(name, new);
            }
            Kind::Backend | Kind::ClusterBackend => {
                let cluster = object.kind == Kind::ClusterBackend;
                let kind = if cluster { BackendKind::ClusterBackend } else { BackendKind::Backend };
                let Some(id) = self.admit_backend(kind, meta) else { return };
                self.put_backend(id, backends::undecodable(meta, error, raw, cluster));
            }
        }
    }

    /// Takes note that an object is gone. One of the same name under another uid stays.
    pub fn delete(&mut self, kind: Kind, namespace: &str, name: &str, uid: &Uid) {
        self.graves.add(uid.clone());
        let name = self.object_name(namespace, name);
        if kind == Kind::Namespace || self.uid(kind, &name).is_some_and(|known| known == uid) {
            self.remove(kind, &name);
        }
    }

    /// Forgets an object.
    pub(super) fn remove(&mut self, kind: Kind, name: &ObjectName) {
        if kind != Kind::Namespace {
            self.dirty.removed.insert((kind, name.clone()));
        }
        self.exchange(kind, name, false, |index| match kind {
            Kind::Namespace => index.remove_namespace(&name.name),
            Kind::Policy => {
                index.policies.remove(name);
                index.policy_changed(name);
            }
            Kind::TargetGroup => {
                index.groups.remove(name);
                index.group_changed(name);
            }
            Kind::PolicyAssignment => index.remove_assignment(name),
            Kind::Backend | Kind::ClusterBackend => index.remove_backend(backend_id(kind, name)),
        });
    }

    /// Makes a change of an object, and marks the accounts that may be concerned if it cannot be
    /// decoded before or after.
    pub(super) fn exchange(
        &mut self,
        kind: Kind,
        name: &ObjectName,
        undecodable: bool,
        change: impl FnOnce(&mut Self),
    ) {
        let key = (kind, name.clone());
        if self.broken.contains(&key) {
            self.mark_concerned(kind, name);
        }
        change(self);
        if undecodable {
            self.broken.insert(key);
            self.mark_concerned(kind, name);
        } else {
            self.broken.remove(&key);
        }
    }

    /// Names of all objects of a kind.
    pub(super) fn all(&self, kind: Kind) -> Names {
        match kind {
            Kind::Namespace => {
                self.namespaces.keys().map(|name| ObjectName::new("", Arc::clone(name))).collect()
            }
            Kind::Policy => self.policies.keys().cloned().collect(),
            Kind::TargetGroup => self.groups.keys().cloned().collect(),
            Kind::PolicyAssignment => self.assignments.keys().cloned().collect(),
            Kind::Backend | Kind::ClusterBackend => {
                self.backends.keys().filter(|id| kind_of(id) == kind).map(object_name).collect()
            }
        }
    }

    pub(super) fn object_name(&mut self, namespace: &str, name: &str) -> ObjectName {
        ObjectName::new(self.names.get(namespace), self.names.get(name))
    }
}

pub(super) fn backend_id(kind: Kind, name: &ObjectName) -> BackendId {
    let kind = if kind == Kind::ClusterBackend { BackendKind::ClusterBackend } else { BackendKind::Backend };
    BackendId { kind, namespace: Arc::clone(&name.namespace), name: Arc::clone(&name.name) }
}

pub(super) fn object_name(id: &BackendId) -> ObjectName {
    ObjectName::new(Arc::clone(&id.namespace), Arc::clone(&id.name))
}

pub(super) fn kind_of(id: &BackendId) -> Kind {
    match id.kind {
        BackendKind::Backend => Kind::Backend,
        BackendKind::ClusterBackend => Kind::ClusterBackend,
    }
}
