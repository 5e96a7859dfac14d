//! From a document read whole to the settings somebody would have written for it: the reverse of `translate`.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Map, Value};

use super::{
    canonical,
    ids::{CustomerId, DocumentId, GroupId},
    pointer,
};
use crate::{
    api::{
        self, AssignmentTargets, Content, Customer, Document, IdOrName, PolicySpec, Selector, WfbssFacet,
        WfbssTargets,
    },
    drivers::{Described, is_telling, names_a_secret, only},
    model::{Catalogue, Entry, EntryKind, ItemKey, LeafPath, ObservedItem},
};

/// Every document that may exist: of each group, each platform. Customers that are listed but not usable are left out.
pub fn documents(catalogue: &Catalogue) -> BTreeSet<ItemKey> {
    let usable = |id: &CustomerId| {
        let is_it = |entry: &&Entry| CustomerId::parse(&entry.id).as_ref() == Some(id);
        catalogue.of(EntryKind::Customer).iter().find(is_it).is_none_or(|entry| entry.unusable.is_none())
    };
    let coordinates = |entry: &Entry| {
        let customer = CustomerId::parse(entry.parent.as_deref()?).filter(usable)?;
        Some((customer, GroupId::parse(&entry.id)?))
    };
    let groups = catalogue.of(EntryKind::Group).iter().filter_map(coordinates);
    groups
        .flat_map(|(customer, group)| {
            let of = move |os: &api::Os| DocumentId { customer: customer.clone(), group, os: *os }.key();
            api::Os::ALL.iter().map(of).collect::<Vec<_>>()
        })
        .collect()
}

/// Every leaf a document holds, as a facet would name it.
pub fn leaves(document: &Value) -> BTreeSet<LeafPath> {
    let mut found = BTreeSet::new();
    walk("", document, &mut found);
    found
}

fn walk(at: &str, value: &Value, found: &mut BTreeSet<LeafPath>) {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(key, _)| !canonical::is_server_owned(key))
            .for_each(|(key, value)| walk(&pointer::join(at, key), value, found)),
        Value::Null => {}
        _ => {
            found.insert(LeafPath(at.into()));
        }
    }
}

/// Describes one document: whatever can be written, of the one group of one customer.
///
/// # Errors
/// It holds nothing that can be written.
pub fn describe(observed: &ObservedItem) -> Result<Described, String> {
    let id = observed.key.as_ref().and_then(DocumentId::parse).ok_or("it is no document of this system")?;
    let mut settings = Map::new();
    let mut notes = Vec::new();
    for path in observed.leaves.keys() {
        match written(&observed.raw, path) {
            Ok((segments, value)) => {
                // Leaves of one tree never stand in each other's way.
                let _ = pointer::set(&mut settings, &segments, value);
            }
            Err(why) => notes.push(format!("{path} is left out and stays as it is: {why}")),
        }
    }
    if settings.is_empty() {
        return Err("it holds no setting that can be written".to_owned());
    }
    let document = Document {
        os: id.os,
        settings: Some(Value::Object(settings).into()),
        secrets: Vec::new(),
        replicate_from: None,
    };
    let policy = PolicySpec {
        content: Content { wfbss: Some(WfbssFacet { documents: vec![document] }), ..Content::default() },
        ..PolicySpec::default()
    };
    Ok(Described { policy, targets: Some(target(&id)), notes, ..Described::default() })
}

/// As it was read, not as it is compared: what is applied later shall change nothing, not even a spelling.
fn written(document: &Value, path: &LeafPath) -> Result<(Vec<String>, Value), &'static str> {
    let segments = pointer::segments(&path.0).ok_or("its name is malformed")?;
    let value = document.pointer(&path.0).ok_or("it was not read")?;
    let key = segments.last().map(String::as_str).unwrap_or_default();
    let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    // Passwords read back empty (sheet rule 12): written back they would be emptied.
    if is_telling(key, value) || names_a_secret(key) && (value.is_string() || value.is_array()) {
        return Err("it may be a secret");
    }
    if !segments.first().is_some_and(|section| !section.is_empty() && section.bytes().all(word)) {
        return Err("its section has no name that can be asked for");
    }
    if holds(value, &|key, value| value.is_null() || is_telling(key, value)) {
        return Err("the list holds null, or what may be a secret");
    }
    Ok((segments, value.clone()))
}

fn holds(value: &Value, what: &dyn Fn(&str, &Value) -> bool) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| what("", item) || holds(item, what)),
        Value::Object(members) => members.iter().any(|(key, value)| what(key, value) || holds(value, what)),
        _ => false,
    }
}

fn target(id: &DocumentId) -> AssignmentTargets {
    let groups: Arc<[IdOrName]> = [IdOrName::id(id.group.to_string())].into();
    let customer =
        Customer { customer: IdOrName::id(id.customer.as_str()), groups: Some(groups), all_groups: None };
    only(Selector::Wfbss(WfbssTargets { customers: vec![customer] }))
}

/// What people call the customer, the group and the platform of a document.
pub fn title(observed: &ObservedItem, catalogue: &Catalogue) -> Option<String> {
    let id = DocumentId::parse(observed.key.as_ref()?)?;
    let of_customer = |entry: &&Entry| CustomerId::parse(&entry.id).as_ref() == Some(&id.customer);
    let customer = catalogue.of(EntryKind::Customer).iter().find(of_customer)?;
    let of_group = |entry: &&Entry| {
        let parent = entry.parent.as_deref().and_then(CustomerId::parse);
        parent.as_ref() == Some(&id.customer) && GroupId::parse(&entry.id) == Some(id.group)
    };
    let group = catalogue.of(EntryKind::Group).iter().find(of_group)?;
    Some(format!("{}/{}/{}", super::targets::label(customer), super::targets::label(group), id.os))
}

#[cfg(test)]
#[path = "describe_tests.rs"]
mod tests;
