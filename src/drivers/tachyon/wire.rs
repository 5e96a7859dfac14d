//! What the system answers, decoded without trust: names of members are inferred and their case does not count (vendor
//! sheet sections 1, 5, 6, 7).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{calls::Id, canonical};
use crate::model::{Entry, ExternalId, LeafPath, Mark, MemberKind, ObservedItem, Provenance};

/// `UsableId` of All Devices (sheet section 6.6).
pub const EVERYONE: &str = "global";
/// What people call it.
const ALL_DEVICES: &str = "all devices";
/// What a member may be called that tells whether anything waits for a deployment: the call is `Pending/Changes`.
const PENDING: [&str; 8] = [
    "Pending",
    "IsPending",
    "HasPending",
    "PendingChanges",
    "HasPendingChanges",
    "ChangesPending",
    "HasChanges",
    "Changes",
];
/// The most groups of which names are told in a sentence.
const SHOWN: usize = 5;

/// A member, however its name is spelled.
pub fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let members = value.as_object()?;
    members.get(name).or_else(|| {
        members.iter().find(|(spelled, _)| spelled.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    })
}

/// A text member.
pub fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    member(value, name).and_then(Value::as_str)
}

/// An id member.
pub fn id(value: &Value, name: &str) -> Option<Id> {
    member(value, name).and_then(Id::of)
}

/// `true`, also as a text.
pub fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// The mark that a policy bears, in full or in outline.
pub fn mark(policy: &Value) -> Option<Mark> {
    Mark::split(text(policy, "Description").unwrap_or_default()).1
}

/// The rows of a list: bare, or in `Items`.
pub fn rows(value: &Value) -> Option<&Vec<Value>> {
    value.as_array().or_else(|| member(value, "Items")?.as_array())
}

/// Whether an answer of unknown form says yes: a boolean, an object that holds one, a list or number that is not empty.
/// Of several booleans only those that are called like the question answer it.
///
/// The forms of `Pending/Changes` and of the permission check are unknown (sheet sections 3 and 12).
pub fn says_yes(value: &Value) -> Option<bool> {
    match value {
        Value::Array(list) => Some(!list.is_empty()),
        Value::Number(number) => number.as_f64().map(|number| number > 0.0),
        Value::Object(members) => {
            let flags = members.iter().filter_map(|(name, value)| Some((name.as_str(), flag(value)?)));
            match flags.collect::<Vec<_>>()[..] {
                [] => {}
                [(_, alone)] => return Some(alone),
                ref several => return verdict(several),
            }
            let counted = |value: &&Value| matches!(value, Value::Array(_) | Value::Number(_));
            let found: Vec<bool> = members.values().filter(counted).filter_map(says_yes).collect();
            (members.is_empty() || !found.is_empty()).then(|| found.contains(&true))
        }
        other => flag(other),
    }
}

/// What the flags say that are called like the question; nothing where none is.
fn verdict(flags: &[(&str, bool)]) -> Option<bool> {
    let asked = |name: &str| PENDING.iter().any(|known| known.eq_ignore_ascii_case(name));
    let told: Vec<bool> = flags.iter().filter(|(name, _)| asked(name)).map(|(_, flag)| *flag).collect();
    (!told.is_empty()).then(|| told.contains(&true))
}

/// Management groups by name, as policies in outline tell them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GroupNames {
    /// Folded name to id; `None` where several bear it.
    by_name: BTreeMap<String, Option<Id>>,
}

impl GroupNames {
    /// From the group list.
    pub fn new(groups: &[Group]) -> Self {
        let mut by_name = BTreeMap::new();
        for group in groups {
            let name = fold(&group.name);
            by_name.entry(name).and_modify(|id| *id = None).or_insert(Some(group.id));
        }
        Self { by_name }
    }

    fn id(&self, name: &str) -> Option<Id> {
        self.by_name.get(&fold(name)).copied().flatten()
    }
}

/// Upper and lower case do not count in names (sheet section 4.7).
pub fn fold(name: &str) -> String {
    name.trim().to_lowercase()
}

/// A management group as listed.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Its id.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// It is the one that reaches everyone, by the id that is the same on every server.
    pub global: bool,
    /// It may reach everyone: never to be named as a group.
    pub everyone: bool,
}

/// A group of the list; `None` for what is none.
pub fn group(value: &Value) -> Option<Group> {
    let name = text(value, "Name").map(str::trim).filter(|name| !name.is_empty())?.to_owned();
    let global = text(value, "UsableId").is_some_and(|usable| usable.eq_ignore_ascii_case(EVERYONE));
    // Its number of devices is told as -1.
    let uncounted = member(value, "TachyonDeviceCount").and_then(Value::as_i64) == Some(-1);
    let everyone = global || uncounted || fold(&name) == ALL_DEVICES;
    Some(Group { id: id(value, "Id")?, name, global, everyone })
}

/// A rule of the list.
pub fn rule(value: &Value) -> Option<Entry> {
    let name = text(value, "Name").map(str::trim).filter(|name| !name.is_empty())?.to_owned();
    Some(Entry { id: id(value, "Id")?.to_string(), name, parent: None, unusable: None })
}

/// A policy as read, and the names of its groups that lead to no id.
#[derive(Debug)]
pub struct Read {
    /// What is known of it.
    pub item: ObservedItem,
    /// Groups it reaches that cannot be told.
    pub unresolved: BTreeSet<String>,
}

/// A policy, in full or in outline, or what about it is not understood.
///
/// # Errors
/// A sentence that names the member; the policy then makes the view incomplete.
pub fn policy(value: &Value, groups: &GroupNames) -> Result<Read, String> {
    let id = id(value, "Id").ok_or("a policy has no Id")?;
    let missing = |member: &str| format!("policy {id}: {member} is missing or of another type");
    let name = text(value, "Name").ok_or_else(|| missing("Name"))?.trim();
    let enabled = member(value, "Enabled").and_then(flag).ok_or_else(|| missing("Enabled"))?;
    let (description, mark) = Mark::split(text(value, "Description").unwrap_or_default());
    let rules = rule_ids(value).ok_or_else(|| missing("Rules"))?;
    let listed =
        member(value, "ManagementGroups").and_then(elements).ok_or_else(|| missing("ManagementGroups"))?;
    let (members, unresolved) = members(&listed, groups);
    let texts = [("name", json!(name)), ("description", json!(description))];
    let leaves = texts
        .into_iter()
        .map(|(path, value)| (path.to_owned(), canonical::leaf(path, &value)))
        .chain(rules.iter().map(|rule| (format!("rules/{rule}"), true.into())))
        .map(|(path, value)| (LeafPath(path.into()), value))
        .collect();
    let item = ObservedItem {
        id: Some(ExternalId(id.to_string().into())),
        mark,
        name: name.to_owned(),
        leaves,
        members: BTreeMap::from([(MemberKind::ManagementGroup, members)]),
        enabled: Some(enabled),
        provenance: provenance(value),
        ..ObservedItem::default()
    };
    Ok(Read { item, unresolved })
}

/// Ids of a policy's rules.
pub fn rule_ids(value: &Value) -> Option<BTreeSet<Id>> {
    elements(member(value, "Rules")?)?.into_iter().map(own_id).collect()
}

/// Ids of a policy's groups, where it is read in full.
pub fn group_ids(value: &Value) -> Option<BTreeSet<Id>> {
    elements(member(value, "ManagementGroups")?)?.into_iter().map(own_id).collect()
}

/// The groups of a policy as it tells them, by name or else by id, whether or not they lead to anything.
pub fn reached(policy: &Value) -> Option<BTreeSet<String>> {
    let told = |group: &Value| match group.as_str().or_else(|| text(group, "Name")) {
        Some(name) => Some(fold(name)),
        None => own_id(group).map(|id| id.to_string()),
    };
    elements(member(policy, "ManagementGroups")?)?.into_iter().map(told).collect()
}

/// A list, where none may be told as null.
fn elements(value: &Value) -> Option<Vec<&Value>> {
    match value {
        Value::Null => Some(Vec::new()),
        other => other.as_array().map(|list| list.iter().collect()),
    }
}

/// The id an element is, or has.
fn own_id(value: &Value) -> Option<Id> {
    Id::of(value).or_else(|| id(value, "Id"))
}

fn members(listed: &[&Value], groups: &GroupNames) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut known, mut unresolved) = (BTreeSet::new(), BTreeSet::new());
    for element in listed {
        let name = element.as_str().or_else(|| text(element, "Name"));
        // A group may be called 41, so that a text is a name first.
        match name.and_then(|name| groups.id(name)).or_else(|| id_of_object(element)) {
            Some(id) => drop(known.insert(id.to_string())),
            None => drop(unresolved.insert(name.map_or_else(|| element.to_string(), str::to_owned))),
        }
    }
    (known, unresolved)
}

fn id_of_object(value: &Value) -> Option<Id> {
    if value.is_string() { None } else { own_id(value) }
}

fn provenance(value: &Value) -> Provenance {
    let told = |name: &str| text(value, name).unwrap_or_default().to_owned();
    Provenance {
        version: String::new(),
        created_at: told("CreatedTimestampUtc"),
        // The sheet names neither (6.1); where a version tells who changed it, that is taken.
        created_by: String::new(),
        modified_at: told("ModifiedTimestampUtc"),
        modified_by: told("ModifiedBy"),
    }
}

/// Names for a sentence.
pub fn shown(names: &BTreeSet<String>) -> String {
    let first: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    let more = names.len().saturating_sub(SHOWN);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{rest}", first.join(", "))
}

/// What an error body says, and its codes: an array of errors, one of them, or an error of the framework (sheet
/// section 7).
pub fn complaint(body: &Value) -> (Vec<&str>, String) {
    let one = std::slice::from_ref(body);
    let errors: &[Value] = body.as_array().map_or(one, Vec::as_slice);
    let codes: Vec<&str> = errors.iter().filter_map(|error| text(error, "ErrorCode")).collect();
    let words = errors.iter().filter_map(|error| {
        let said = ["Message", "ExceptionMessage"].map(|name| text(error, name).map(str::trim));
        let said: Vec<&str> = said.into_iter().flatten().filter(|words| !words.is_empty()).collect();
        let code = text(error, "ErrorCode").map(|code| format!(" ({code})")).unwrap_or_default();
        let line = format!("{}{code}", said.join(": "));
        (!line.trim().is_empty()).then(|| line.trim().to_owned())
    });
    let words: Vec<String> = words.collect();
    (codes, words.join("; "))
}

#[cfg(test)]
mod tests;
