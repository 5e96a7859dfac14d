//! Who refers to whom: one change makes stale only what depends on it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{
    adoption::adopts,
    backends,
    entry::{Assignment, Fault, Slot, shared},
    object::Kind,
    tables::{Index, kind_of, object_name},
};
use crate::{
    api::{Policy, PolicySpec, TargetGroup, TargetSpec, validate},
    model::{BackendId, BackendKind, ObjectName},
};

/// The label every namespace bears, though an API server older than it may not show it.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// Names of assignments by what they refer to, in the same namespace.
pub(super) type Links = BTreeMap<ObjectName, BTreeSet<ObjectName>>;

impl Index {
    pub(super) fn apply_policy(&mut self, object: Policy) {
        let Some(name) = self.admit(Kind::Policy, &object.metadata) else { return };
        let fault = Fault::invalid(&validate::policy(&object));
        let old = self.policies.get(&name).and_then(|old| old.body.as_ref());
        let spec = shared(object.spec, old);
        self.put_policy(&name, Slot::new(&object.metadata, Some(spec), fault));
    }

    pub(super) fn put_policy(&mut self, name: &ObjectName, new: Slot<Arc<PolicySpec>>) {
        let same = self.policies.get(name).is_some_and(|old| old.same(&new));
        self.exchange(Kind::Policy, name, new.is_undecodable(), |index| {
            index.policies.insert(name.clone(), new);
        });
        if !same {
            self.policy_changed(name);
        }
    }

    pub(super) fn policy_changed(&mut self, name: &ObjectName) {
        self.stale.assignments.extend(named(&self.by_policy, name).cloned());
        self.dirty.policies.insert(name.clone());
    }

    pub(super) fn apply_group(&mut self, object: TargetGroup) {
        let Some(name) = self.admit(Kind::TargetGroup, &object.metadata) else { return };
        let fault = Fault::invalid(&validate::target_group_spec(&object.spec));
        let old = self.groups.get(&name).and_then(|old| old.body.as_ref());
        let targets = shared(object.spec.targets, old);
        self.put_group(&name, Slot::new(&object.metadata, Some(targets), fault));
    }

    pub(super) fn put_group(&mut self, name: &ObjectName, new: Slot<Arc<TargetSpec>>) {
        let same = self.groups.get(name).is_some_and(|old| old.same(&new));
        self.exchange(Kind::TargetGroup, name, new.is_undecodable(), |index| {
            index.groups.insert(name.clone(), new);
        });
        if !same {
            self.group_changed(name);
        }
    }

    pub(super) fn group_changed(&mut self, name: &ObjectName) {
        self.stale.assignments.extend(named(&self.by_group, name).cloned());
        self.dirty.groups.insert(name.clone());
    }

    pub(super) fn put_backend(&mut self, id: BackendId, new: Slot<backends::Body>) {
        let old = self.backends.get(&id);
        let same_for_assignments = old.is_some_and(|old| {
            let bodies = old.body.as_ref().zip(new.body.as_ref());
            old.is_undecodable() == new.is_undecodable()
                && bodies.is_some_and(|(old, new)| old.same_for_assignments(new))
        });
        self.exchange(kind_of(&id), &object_name(&id), new.is_undecodable(), |index| {
            index.backends.insert(id.clone(), new);
        });
        if !same_for_assignments {
            self.stale_seat(&id);
        }
        self.stale.backends.insert(id);
    }

    pub(super) fn stale_seat(&mut self, id: &BackendId) {
        if let Some(seat) = self.seats.get(id) {
            self.stale.assignments.extend(seat.assignments.keys().cloned());
        }
    }

    pub(super) fn remove_backend(&mut self, id: BackendId) {
        self.backends.remove(&id);
        self.stale_seat(&id);
        self.stale.backends.insert(id);
    }

    pub(super) fn put_assignment(&mut self, name: ObjectName, mut new: Assignment) {
        let old = self.assignments.get(&name).map(|old| &**old);
        if let Some(old) = old.filter(|old| old.same_view(&new)) {
            // Nobody settles it again.
            new.named = old.named;
            self.assignments.insert(name, Box::new(new));
            return;
        }
        let is_known = old.is_some();
        let (adopted, adopts) = (old.and_then(adopts).is_some(), adopts(&new).is_some());
        if adopted {
            self.stale_adopters(&name);
        }
        self.exchange(Kind::PolicyAssignment, &name, new.slot.is_undecodable(), |index| {
            if is_known {
                index.unlink(&name, new.backend.as_deref());
            }
            index.link(&name, &new);
            index.note_summaries(&name, &new);
            index.assignments.insert(name.clone(), Box::new(new));
        });
        if adopts {
            self.stale_adopters(&name);
        }
        if !self.stale.all_assignments {
            self.stale.assignments.insert(name);
        }
    }

    pub(super) fn remove_assignment(&mut self, name: &ObjectName) {
        self.stale_adopters(name);
        self.unlink(name, None);
        self.assignments.remove(name);
        self.stale.assignments.remove(name);
        self.dirty.unbound.remove(name);
    }

    fn link(&mut self, name: &ObjectName, entry: &Assignment) {
        if let Some(policy) = &entry.policy {
            self.by_policy.entry(policy.clone()).or_default().insert(name.clone());
        }
        for group in entry.groups() {
            self.by_group.entry(beside(name, group)).or_default().insert(name.clone());
        }
    }

    /// Takes an assignment out of the reverse indexes, and off its seat unless it stays there.
    fn unlink(&mut self, name: &ObjectName, stays: Option<&BackendId>) {
        let Some(old) = self.assignments.get(name) else { return };
        let policy = old.policy.clone();
        let groups: Vec<_> = old.groups().map(|group| beside(name, group)).collect();
        let seat = old.backend.clone().filter(|backend| Some(&**backend) != stays);
        if let Some(policy) = policy {
            forget(&mut self.by_policy, &policy, name);
            self.dirty.policies.insert(policy);
        }
        for group in groups {
            forget(&mut self.by_group, &group, name);
            self.dirty.groups.insert(group);
        }
        if let Some(backend) = seat {
            self.unseat(&backend, name);
        }
    }

    /// What an assignment says is news to the objects it names.
    fn note_summaries(&mut self, name: &ObjectName, entry: &Assignment) {
        self.dirty.policies.extend(entry.policy.clone());
        self.dirty.groups.extend(entry.groups().map(|group| beside(name, group)));
    }

    pub(super) fn apply_namespace(&mut self, meta: &ObjectMeta) {
        let Some(name) = meta.name.as_deref() else { return };
        let name = self.object_name("", name);
        self.feeds.seen(Kind::Namespace, &name);
        let mut labels = meta.labels.clone().unwrap_or_default();
        labels.entry(NAME_LABEL.into()).or_insert_with(|| name.name.to_string());
        if self.namespaces.get(&name.name) != Some(&labels) {
            self.namespaces.insert(Arc::clone(&name.name), labels);
            self.stale_tenants(&name.name);
        }
    }

    pub(super) fn remove_namespace(&mut self, name: &Arc<str>) {
        self.namespaces.remove(name);
        self.stale_tenants(name);
    }

    /// The assignments of a namespace that use a ClusterBackend.
    fn stale_tenants(&mut self, namespace: &Arc<str>) {
        let tenants = self.in_namespace(namespace).filter(|(_, entry)| {
            entry.backend.as_ref().is_none_or(|backend| backend.kind == BackendKind::ClusterBackend)
        });
        let tenants: Vec<_> = tenants.map(|(name, _)| name.clone()).collect();
        self.stale.assignments.extend(tenants);
    }

    pub(super) fn in_namespace<'a>(
        &'a self,
        namespace: &'a Arc<str>,
    ) -> impl Iterator<Item = (&'a ObjectName, &'a Box<Assignment>)> {
        let first = ObjectName::new(Arc::clone(namespace), "");
        self.assignments.range(first..).take_while(move |(name, _)| name.namespace == *namespace)
    }
}

/// An object of the same namespace.
pub(super) fn beside(name: &ObjectName, other: &Arc<str>) -> ObjectName {
    ObjectName::new(Arc::clone(&name.namespace), Arc::clone(other))
}

pub(super) fn named<'a>(map: &'a Links, of: &ObjectName) -> impl Iterator<Item = &'a ObjectName> {
    map.get(of).into_iter().flatten()
}

fn forget(map: &mut Links, of: &ObjectName, name: &ObjectName) {
    if let Some(names) = map.get_mut(of) {
        names.remove(name);
        if names.is_empty() {
            map.remove(of);
        }
    }
}
