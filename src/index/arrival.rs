//! Is what comes in news? By uid, generation and resourceVersion (F10, F11).

use std::{
    collections::{BTreeSet, VecDeque},
    num::NonZeroU64,
};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{
    entry::{self, Head},
    object::Kind,
    tables::{Index, backend_id},
};
use crate::model::{BackendId, BackendKind, ObjectName, Uid};

/// Deleted objects whose late events are still recognised.
const GRAVES: usize = 4096;

/// Uids of objects that are gone; a uid never comes back.
#[derive(Debug, Default)]
pub(super) struct Graves {
    known: BTreeSet<Uid>,
    order: VecDeque<Uid>,
}

impl Graves {
    pub fn add(&mut self, uid: Uid) {
        if self.known.insert(uid.clone()) {
            self.order.push_back(uid);
        }
        if self.order.len() > GRAVES {
            self.order.pop_front().iter().for_each(|oldest| {
                self.known.remove(oldest);
            });
        }
    }
}

impl Index {
    /// The object's name, if its state is news.
    pub(super) fn admit(&mut self, kind: Kind, meta: &ObjectMeta) -> Option<ObjectName> {
        let name =
            self.known_name(kind, meta.namespace.as_deref().unwrap_or_default(), meta.name.as_deref()?);
        self.feeds.seen(kind, &name);
        self.is_news(kind, &name, meta).then_some(name)
    }

    /// The one copy of a name. Assignments have names of their own, which nobody else refers to.
    fn known_name(&mut self, kind: Kind, namespace: &str, name: &str) -> ObjectName {
        if kind != Kind::PolicyAssignment {
            return self.object_name(namespace, name);
        }
        if let Some(name) = self.names.introduced(namespace, name) {
            return name;
        }
        let name = ObjectName::new(self.names.get(namespace), name);
        match self.assignments.get_key_value(&name) {
            Some((known, _)) => known.clone(),
            None => name,
        }
    }

    /// The copies of its name and uid that an object will go by once it is taken in next, so that
    /// whoever remembers it besides needs none of their own.
    pub fn introduce(&mut self, kind: Kind, meta: &ObjectMeta) -> (ObjectName, Uid) {
        let (namespace, name) = (meta.namespace.as_deref(), meta.name.as_deref());
        let name = self.known_name(kind, namespace.unwrap_or_default(), name.unwrap_or_default());
        let uid = self.names.uid(meta.uid.as_deref().unwrap_or_default());
        self.names.introduce(&name);
        (name, uid)
    }

    pub(super) fn admit_backend(&mut self, kind: BackendKind, meta: &ObjectMeta) -> Option<BackendId> {
        let kind = if kind == BackendKind::Backend { Kind::Backend } else { Kind::ClusterBackend };
        self.admit(kind, meta).map(|name| backend_id(kind, &name))
    }

    /// Whether this state is neither known already nor older than what is known.
    fn is_news(&self, kind: Kind, name: &ObjectName, meta: &ObjectMeta) -> bool {
        let uid = meta.uid.as_deref().unwrap_or_default();
        if self.graves.known.contains(uid) {
            return false;
        }
        let Some((head, version)) = self.state(kind, name) else { return true };
        let same_uid = *head.uid.0 == *uid;
        let versions = version.zip(entry::version(meta));
        let older = versions.is_some_and(|(known, new)| new < known);
        let known = same_uid && versions.is_some_and(|(known, new)| new == known);
        let went_back = same_uid && meta.generation.unwrap_or_default() < head.generation;
        !older && !known && !went_back
    }

    fn state(&self, kind: Kind, name: &ObjectName) -> Option<(&Head, Option<NonZeroU64>)> {
        match kind {
            Kind::Namespace => None,
            Kind::Policy => self.policies.get(name).map(|slot| (&slot.head, slot.version)),
            Kind::TargetGroup => self.groups.get(name).map(|slot| (&slot.head, slot.version)),
            Kind::PolicyAssignment => {
                self.assignments.get(name).map(|one| (&one.slot.head, one.slot.version))
            }
            Kind::Backend | Kind::ClusterBackend => {
                self.backends.get(&backend_id(kind, name)).map(|slot| (&slot.head, slot.version))
            }
        }
    }

    pub(super) fn uid(&self, kind: Kind, name: &ObjectName) -> Option<&Uid> {
        self.state(kind, name).map(|(head, _)| &head.uid)
    }
}
