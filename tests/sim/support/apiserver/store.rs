//! The etcd of the fake API server: one revision for everything, a history, compaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::resource::Resource;

/// Where an object is stored. Ordered as etcd orders: by `namespace/name` as one string.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Plural name of the resource.
    pub resource: &'static str,
    /// `namespace/name`, or the name alone.
    pub path: String,
}

impl Key {
    /// The key of an object; `namespace` is empty for cluster-scoped ones.
    pub fn new(resource: &'static Resource, namespace: &str, name: &str) -> Self {
        let path = if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") };
        Self { resource: resource.plural, path }
    }

    /// The namespace, empty for cluster-scoped objects.
    pub fn namespace(&self) -> &str {
        self.path.split_once('/').map_or("", |(namespace, _)| namespace)
    }

    /// The name.
    pub fn name(&self) -> &str {
        self.path.split_once('/').map_or(&self.path, |(_, name)| name)
    }
}

/// One revision of history.
#[derive(Debug, Clone)]
pub struct Change {
    /// The revision.
    pub revision: u64,
    /// What changed.
    pub key: Key,
    /// As it was; `None` for a creation.
    pub before: Option<Arc<Value>>,
    /// As it is; `None` for a removal.
    pub after: Option<Arc<Value>>,
}

/// The field-sets server-side appliers hold on one object.
pub type Owners = BTreeMap<(String, String), Value>;

/// All objects, now and before.
#[derive(Debug)]
pub struct Store {
    revision: u64,
    floor: u64,
    live: BTreeMap<Key, Arc<Value>>,
    history: Vec<Change>,
    owners: BTreeMap<Key, Owners>,
}

impl Store {
    /// An empty store. The first revision is not 1, so that nobody mistakes it for a generation.
    pub fn new() -> Self {
        Self { revision: 100, floor: 0, live: BTreeMap::new(), history: vec![], owners: BTreeMap::new() }
    }

    /// The newest revision.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The oldest revision that can still be read or watched from.
    pub fn floor(&self) -> u64 {
        self.floor
    }

    /// Forgets history up to now.
    pub fn compact(&mut self) {
        self.floor = self.revision;
    }

    /// One object as it is now.
    pub fn get(&self, key: &Key) -> Option<&Arc<Value>> {
        self.live.get(key)
    }

    /// The objects of one resource as they are now.
    pub fn all(&self, resource: &'static str) -> impl Iterator<Item = (&Key, &Arc<Value>)> {
        let from = Key { resource, path: String::new() };
        self.live.range(from..).take_while(move |(key, _)| key.resource == resource)
    }

    /// Every object as it is now.
    pub fn everything(&self) -> impl Iterator<Item = (&Key, &Arc<Value>)> {
        self.live.iter()
    }

    /// The objects of one resource as they were at `revision`.
    pub fn at(&self, resource: &'static str, revision: u64) -> BTreeMap<Key, Arc<Value>> {
        let mut objects: BTreeMap<_, _> = self.all(resource).map(|(k, v)| (k.clone(), v.clone())).collect();
        let undone = self.history.iter().rev().take_while(|change| change.revision > revision);
        for change in undone.filter(|change| change.key.resource == resource) {
            match &change.before {
                Some(before) => objects.insert(change.key.clone(), before.clone()),
                None => objects.remove(&change.key),
            };
        }
        objects
    }

    /// What happened after `from`, up to and including `until`.
    pub fn changes(&self, from: u64, until: u64) -> &[Change] {
        let start = self.history.partition_point(|change| change.revision <= from);
        let end = self.history.partition_point(|change| change.revision <= until);
        &self.history[start..end.max(start)]
    }

    /// Stores an object under the next revision.
    pub fn put(&mut self, key: Key, mut object: Value) -> Arc<Value> {
        self.revision += 1;
        object["metadata"]["resourceVersion"] = self.revision.to_string().into();
        let after = Arc::new(object);
        let before = self.live.insert(key.clone(), after.clone());
        self.history.push(Change { revision: self.revision, key, before, after: Some(after.clone()) });
        after
    }

    /// Removes an object; what its watchers see is the last stored state at the new revision.
    pub fn remove(&mut self, key: &Key) -> Option<Arc<Value>> {
        let before = self.live.remove(key)?;
        self.owners.remove(key);
        self.revision += 1;
        self.history.push(Change {
            revision: self.revision,
            key: key.clone(),
            before: Some(before.clone()),
            after: None,
        });
        Some(before)
    }

    /// What server-side appliers hold on an object.
    pub fn owners(&self, key: &Key) -> Owners {
        self.owners.get(key).cloned().unwrap_or_default()
    }

    /// Replaces what server-side appliers hold on an object.
    pub fn set_owners(&mut self, key: Key, owners: Owners) {
        self.owners.insert(key, owners);
    }
}
