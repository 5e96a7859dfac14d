//! What the system answers, decoded without trust (vendor sheet sections 3, 4, 6 and 7).
//!
//! One struct per endpoint, every member optional, names exact: the system spells its keys in every way there is.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::canonical;
use crate::model::{Entry, ExternalId, LeafPath, Mark, MemberKind, ObservedItem, Provenance};

/// An `ErrorCode` that is not a success, and what is said with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// As text, however it was spelled.
    pub code: String,
    /// May be empty.
    pub text: String,
}

/// What an answer refuses, if anything: the code at its top decides (sheet section 7).
///
/// A list has no place for a code; some refuse with one element that holds nothing else.
pub fn refusal(value: &Value) -> Option<Refusal> {
    let told = match value.as_array().map(Vec::as_slice) {
        None => value,
        Some([lone]) if ["id", "ID", "GroupId"].iter().all(|name| lone.get(name).and_then(id).is_none()) => {
            lone
        }
        Some(_) => return None,
    };
    let code = told.get("ErrorCode").and_then(code)?;
    let text = told.get("ErrorMessage").and_then(Value::as_str).unwrap_or_default();
    Some(Refusal { code, text: text.trim().to_owned() })
}

/// A code that is no success: null, `""`, 0 and `"0"` are.
fn code(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    (!text.is_empty() && text.parse() != Ok(0)).then_some(text)
}

/// How many of the objects below the top carry a code: worth a warning, no refusal (sheet section 7).
pub fn nested_codes(value: &Value) -> usize {
    let below: Vec<&Value> = match value {
        Value::Array(list) => list.iter().collect(),
        Value::Object(members) => members.values().collect(),
        _ => return 0,
    };
    let own = |inner: &Value| usize::from(inner.get("ErrorCode").and_then(code).is_some());
    below.into_iter().map(|inner| own(inner) + nested_codes(inner)).sum()
}

/// An id: text, also where it comes as a number. Never a float, which cannot hold 18 digits.
fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        _ => None,
    }
}

/// Rows of a list: a bare array, or an object with one array in it; and whether the object tells of more of them.
pub fn rows(value: &Value) -> Option<(&[Value], bool)> {
    if let Some(list) = value.as_array() {
        return Some((list, true));
    }
    let members = value.as_object()?;
    let mut lists = members.values().filter_map(Value::as_array);
    let (Some(list), None) = (lists.next(), lists.next()) else { return None };
    let counts = |name: &str| ["total", "count"].iter().any(|word| name.to_lowercase().contains(word));
    let told = members.iter().filter(|(name, _)| counts(name)).filter_map(|(_, count)| count.as_u64());
    let whole = told.max().is_none_or(|count| u64::try_from(list.len()).is_ok_and(|held| held >= count));
    Some((list, whole))
}

/// Answer of `DoLogin` (sheet section 3.1).
#[derive(Deserialize)]
pub struct LoggedIn {
    /// Null where the login is refused.
    #[serde(rename = "LoginSession")]
    pub session: Option<LoginSession>,
    /// Who it is.
    #[serde(rename = "LoginUser")]
    pub user: Option<LoginUser>,
}

/// The session itself.
#[derive(Deserialize)]
pub struct LoginSession {
    /// Opaque.
    #[serde(rename = "SessionToken")]
    pub token: Option<String>,
    /// ISO 8601 with offset; spelled like that.
    #[serde(rename = "SessionExpir")]
    pub expires: Option<String>,
}

/// What of the user counts.
#[derive(Deserialize)]
pub struct LoginUser {
    #[serde(rename = "isAdmin")]
    admin: Option<bool>,
    #[serde(rename = "isSuperAdmin")]
    super_admin: Option<bool>,
}

impl LoginUser {
    /// Whether the account may manage; `None` where that is not told.
    pub fn is_admin(&self) -> Option<bool> {
        match (self.admin, self.super_admin) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (None, None) => None,
            _ => Some(false),
        }
    }
}

/// Answer of `CheckSession` (sheet section 3.2).
#[derive(Deserialize)]
pub struct Checked {
    /// The verdict.
    #[serde(rename = "IsValid")]
    pub valid: Option<bool>,
}

#[derive(Deserialize)]
struct Policy {
    #[serde(rename = "Name")]
    name: Option<String>,
    #[serde(rename = "Description")]
    description: Option<String>,
    #[serde(rename = "isActive")]
    active: Option<bool>,
    #[serde(rename = "Constraints")]
    constraints: Option<Vec<Value>>,
    #[serde(rename = "Groups")]
    groups: Option<Vec<Value>>,
    #[serde(rename = "Users")]
    users: Option<Vec<Value>>,
    #[serde(rename = "CreatedDate")]
    created: Option<String>,
    #[serde(rename = "ModifiedDate")]
    modified: Option<String>,
    #[serde(rename = "CreatedBy")]
    created_by: Option<Person>,
    #[serde(rename = "ModifiedBy")]
    modified_by: Option<Person>,
}

#[derive(Deserialize)]
struct Person {
    #[serde(rename = "ID")]
    id: Option<Value>,
    #[serde(rename = "LoginName")]
    login: Option<String>,
}

impl Person {
    /// The login name, else the id.
    fn called(self) -> Option<String> {
        self.login.or_else(|| self.id.as_ref().and_then(id))
    }
}

/// The id of a policy, as soon as there is one.
pub fn policy_id(value: &Value) -> Option<ExternalId> {
    value.get("id").and_then(id).map(|id| ExternalId(id.into()))
}

/// Whether a policy is shown without anything but its scalar fields, as lists may do.
pub fn is_stub(value: &Value) -> bool {
    ["Constraints", "Groups", "Users"].iter().all(|name| value.get(name).is_none_or(Value::is_null))
}

/// Whether this tells of no policy at all: null, a list of none, or a policy as it is before it has an id.
pub fn is_nobody(value: &Value) -> bool {
    let none = || rows(value).is_some_and(|(rows, _)| rows.is_empty());
    value.is_null() || (policy_id(value).is_none() && (value.get("id").is_some() || none()))
}

/// A policy as answered to a save, a list or a read, or what about it is not understood.
///
/// # Errors
/// A sentence that names the member.
pub fn policy(value: &Value) -> Result<ObservedItem, String> {
    let id = policy_id(value).ok_or("a policy has no id")?;
    let about = |problem: &str| format!("policy {id}: {problem}");
    // The text of a type error may quote the value.
    let told =
        Policy::deserialize(value).map_err(|_| about("a member is of another type than documented"))?;
    let (description, mark) = Mark::split(told.description.as_deref().unwrap_or_default());
    let leaves = BTreeMap::from([
        leaf("name", told.name.as_deref().into()),
        leaf("description", description.into()),
        leaf("constraints", told.constraints.into()),
    ]);
    let groups = members(told.groups, "GroupId").ok_or_else(|| about("an entry of Groups has no GroupId"))?;
    let users = members(told.users, "ID").ok_or_else(|| about("an entry of Users has no ID"))?;
    Ok(ObservedItem {
        name: told.name.unwrap_or_default(),
        mark,
        leaves,
        members: BTreeMap::from([(MemberKind::Group, groups), (MemberKind::User, users)]),
        enabled: Some(told.active.ok_or_else(|| about("isActive is missing"))?),
        provenance: Provenance {
            version: String::new(),
            created_at: told.created.unwrap_or_default(),
            created_by: told.created_by.and_then(Person::called).unwrap_or_default(),
            modified_at: told.modified.unwrap_or_default(),
            modified_by: told.modified_by.and_then(Person::called).unwrap_or_default(),
        },
        raw: without_people(value),
        id: Some(id),
        ..ObservedItem::default()
    })
}

fn leaf(path: &str, value: Value) -> (LeafPath, Value) {
    (LeafPath(path.into()), canonical::leaf(path, &value))
}

/// Ids of stubs, or bare ids. `None` where one has none: then the list cannot be sent back whole.
fn members(list: Option<Vec<Value>>, member: &str) -> Option<BTreeSet<String>> {
    let one = |entry: &Value| id(entry).or_else(|| entry.get(member).and_then(id));
    list.unwrap_or_default().iter().map(one).collect()
}

/// Whole contact objects stand behind `CreatedBy` and `ModifiedBy`: large, personal, and null in requests (4.2).
fn without_people(value: &Value) -> Value {
    let mut kept = value.clone();
    for name in ["CreatedBy", "ModifiedBy"] {
        if let Some(person) = kept.get_mut(name) {
            *person = Value::Null;
        }
    }
    kept
}

#[derive(Deserialize)]
struct Group {
    #[serde(rename = "GroupId")]
    id: Option<Value>,
    #[serde(rename = "GroupName")]
    name: Option<String>,
}

/// A group that can be named.
pub fn group(value: &Value) -> Option<Entry> {
    let told = Group::deserialize(value).ok()?;
    entry(told.id.as_ref().and_then(id)?, told.name)
}

#[derive(Deserialize)]
struct Contact {
    #[serde(rename = "ID")]
    id: Option<Value>,
    #[serde(rename = "LoginName")]
    login: Option<String>,
}

/// A user, called by the login name: full names are not unique.
pub fn contact(value: &Value) -> Option<Entry> {
    let told = Contact::deserialize(value).ok()?;
    entry(told.id.as_ref().and_then(id)?, told.login)
}

#[allow(clippy::unnecessary_wraps)] // Both callers end with it.
fn entry(id: String, name: Option<String>) -> Option<Entry> {
    Some(Entry { id, name: name.unwrap_or_default(), parent: None, unusable: None })
}

#[cfg(test)]
mod tests;
