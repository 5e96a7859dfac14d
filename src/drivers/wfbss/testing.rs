//! Makes documents and changes for the unit tests of this driver.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{canonical, ids::DocumentId};
use crate::{
    drivers::{DesiredItem, DocumentChange},
    model::{ItemKey, LeafPath, LeafValue, ObservedItem, Provenance, Shape},
};

/// A customer.
pub const A: &str = "640FE47F-5118-4D79-8221-A35D0DE2EE2C";
/// Another customer.
pub const B: &str = "AEE6F73D-6AFC-44CC-8C44-AC54A7A1E163";

/// `<customer>/<gid>/<os>`.
pub fn key(text: &str) -> ItemKey {
    ItemKey(text.into())
}

/// `<customer>/<gid>/<os>`, parsed.
pub fn document(text: &str) -> DocumentId {
    DocumentId::parse(&key(text)).unwrap()
}

/// A leaf's path.
pub fn path(text: &str) -> LeafPath {
    LeafPath(text.into())
}

/// A document as read: `raw`, and what stands at the given paths.
pub fn observed(key: &ItemKey, raw: Value, paths: &[&str]) -> ObservedItem {
    let leaf = |p: &&str| Some((path(p), canonical::canonicalise(p, raw.pointer(p)?)));
    ObservedItem {
        key: Some(key.clone()),
        id: None,
        mark: None,
        name: String::new(),
        leaves: paths.iter().filter_map(leaf).collect(),
        members: BTreeMap::new(),
        enabled: None,
        pending: false,
        slot: None,
        shared_with: vec![],
        provenance: Provenance::default(),
        raw,
    }
}

/// A change of one document: what is wanted at which path, against what was read; what differs is derived.
pub fn change(document: &str, raw: Value, leaves: &[(&str, Value)]) -> DocumentChange {
    let key = key(document);
    let paths: Vec<&str> = leaves.iter().map(|(p, _)| *p).collect();
    let observed = observed(&key, raw, &paths);
    let differs = |(p, v): &&(&str, Value)| observed.leaves.get(&path(p)) != Some(&canonical::canonicalise(p, v));
    DocumentChange {
        differing: leaves.iter().filter(differs).map(|(p, _)| path(p)).collect(),
        desired: DesiredItem {
            key,
            shape: Shape::Document,
            title: document.to_owned(),
            status_key: document.to_owned(),
            leaves: leaves.iter().map(|(p, v)| (path(p), LeafValue { value: v.clone(), secret: false })).collect(),
            members: BTreeMap::new(),
            enabled: None,
            rank: (0, String::new()),
            contributors: BTreeSet::new(),
        },
        restore: BTreeMap::new(),
        observed,
    }
}
