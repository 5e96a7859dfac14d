//! The body of a write: everything we own of a document, and nothing else (R19, sheet section 9.2).
//!
//! How deep the system merges is shown to two levels only, so a deeper leaf is sent within its whole second-level
//! value as just read. Whether lists are replaced or appended is not stated, so a list that is already right is
//! not sent.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{canonical, pointer};
use crate::{drivers::DocumentChange, model::LeafPath};

/// Levels to which the system is known to merge.
const MERGED_LEVELS: usize = 2;

/// Why a leaf cannot be written without losing what is not ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    /// The leaf path is no pointer below the document.
    #[error("{0} is not a path of a setting")]
    Path(LeafPath),
    /// The system holds something else where the path leads.
    #[error(
        "the system holds {holds} at {at}, which writing {path} would replace: correct the path or its value"
    )]
    Shape {
        /// The leaf.
        path: LeafPath,
        /// Where the shapes differ.
        at: String,
        /// What stands there.
        holds: &'static str,
    },
    /// Two settings of different policies contradict each other's shape.
    #[error("{0} and another setting cannot both be set: one is a section, the other a value")]
    Contradiction(LeafPath),
}

/// Whether every path that the change writes is within the levels known to be merged: only then may it be packed.
pub fn is_shallow(change: &DocumentChange) -> bool {
    wanted(change).keys().all(|path| pointer::segments(&path.0).is_some_and(|s| s.len() <= MERGED_LEVELS))
}

/// What to send under `policy`; empty where nothing needs sending.
///
/// # Errors
/// Where a leaf would overwrite something that is not ours.
pub fn build(change: &DocumentChange) -> Result<Map<String, Value>, Unwritable> {
    let wanted = wanted(change);
    let changed = changed_parents(change);
    let mut body = Map::new();
    for (path, value) in &wanted {
        let segments = pointer::segments(&path.0).ok_or_else(|| Unwritable::Path((*path).clone()))?;
        check_shape(&change.observed.raw, path, &segments, value)?;
        if let Some((first, [second, _, ..])) = segments.split_first() {
            let parent = parent_of(first, second);
            if !changed.contains(&parent) {
                continue;
            }
            seed_parent(&mut body, &change.observed.raw, &parent, [first, second]);
        } else if is_equal_list(change, path, value) {
            continue;
        }
        let value = as_it_stood(change, path, canonical::sendable(value));
        pointer::set(&mut body, &segments, value).map_err(|_| Unwritable::Contradiction((*path).clone()))?;
    }
    Ok(body)
}

/// Desired leaves, and values to put back where nobody desires another.
fn wanted(change: &DocumentChange) -> BTreeMap<&LeafPath, &Value> {
    let restored = change.restore.iter();
    restored.chain(change.desired.leaves.iter().map(|(path, leaf)| (path, &leaf.value))).collect()
}

/// A value to put back was remembered in canonical form, a number; where a text stands now, a text stood before.
fn as_it_stood(change: &DocumentChange, path: &LeafPath, value: Value) -> Value {
    let raw = &change.observed.raw;
    let restored = !change.desired.leaves.contains_key(path);
    let text = restored && raw.pointer(&path.0).is_some_and(Value::is_string) && holds_number(raw);
    if text && value.is_number() { Value::String(value.to_string()) } else { value }
}

fn parent_of(first: &str, second: &str) -> String {
    pointer::join(&pointer::join("", first), second)
}

/// Second-level values with a reason to be sent at all.
fn changed_parents(change: &DocumentChange) -> BTreeSet<String> {
    let reasons = change.differing.iter().chain(change.restore.keys());
    reasons
        .filter_map(|path| match pointer::segments(&path.0)?.as_slice() {
            [first, second, _, ..] => Some(parent_of(first, second)),
            _ => None,
        })
        .collect()
}

/// Puts the second-level value as read into the body, once, for its deeper leaves to be changed in.
fn seed_parent(body: &mut Map<String, Value>, raw: &Value, parent: &str, [first, second]: [&String; 2]) {
    let section = body.entry(first.clone()).or_insert_with(|| Value::Object(Map::new()));
    if let Some(section) = section.as_object_mut() {
        section.entry(second.clone()).or_insert_with(|| match raw.pointer(parent) {
            Some(value @ Value::Object(_)) => resendable(value, !holds_number(raw)),
            _ => Value::Object(Map::new()),
        });
    }
}

/// A value as read, without what must not be sent back: times that the server sets, `null`, which is undefined, and
/// secrets, which read back empty or as stars and would be overwritten.
///
/// Flags go as integers. A document in which no number is one spells its numbers as texts (sheet section 7.2), and
/// they are numbers again when sent.
fn resendable(value: &Value, spelled: bool) -> Value {
    match value {
        Value::Bool(flag) => u8::from(*flag).into(),
        Value::String(text) if spelled => {
            canonical::numeric(text).map_or_else(|| value.clone(), Value::Number)
        }
        Value::Array(items) => items.iter().map(|item| resendable(item, spelled)).collect(),
        Value::Object(members) => members
            .iter()
            .filter(|(key, value)| {
                let hidden =
                    names_a_secret(key) && value.as_str().is_some_and(|text| text.chars().all(|c| c == '*'));
                !(hidden || value.is_null() || canonical::is_server_owned(key))
            })
            .map(|(key, value)| (key.clone(), resendable(value, spelled)))
            .collect(),
        other => other.clone(),
    }
}

fn holds_number(value: &Value) -> bool {
    match value {
        Value::Number(_) => true,
        Value::Array(items) => items.iter().any(holds_number),
        Value::Object(members) => members.values().any(holds_number),
        _ => false,
    }
}

fn names_a_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["pass", "pwd", "secret", "token", "credential"].iter().any(|word| key.contains(word))
}

fn is_equal_list(change: &DocumentChange, path: &LeafPath, value: &Value) -> bool {
    let canonical = canonical::canonicalise(&path.0, value);
    value.is_array() && change.observed.leaves.get(path) == Some(&canonical)
}

/// Refuses to replace a section by a value, or to make a section of a value or list: more than ours would go.
fn check_shape(raw: &Value, path: &LeafPath, segments: &[String], value: &Value) -> Result<(), Unwritable> {
    let mut at = String::new();
    let mut here = Some(raw);
    for (depth, segment) in segments.iter().enumerate() {
        at = pointer::join(&at, segment);
        here = here.and_then(|section| section.get(segment));
        let last = depth + 1 == segments.len();
        let holds = match here {
            None | Some(Value::Null) => return Ok(()),
            Some(Value::Object(_)) if !last => continue,
            Some(Value::Object(members)) if !members.is_empty() && !value.is_object() => "a section",
            Some(_) if last => return Ok(()),
            Some(Value::Array(items)) if items.is_empty() => return Ok(()),
            Some(Value::Array(_)) => "a list",
            Some(_) => "a value",
        };
        return Err(Unwritable::Shape { path: path.clone(), at, holds });
    }
    Ok(())
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
