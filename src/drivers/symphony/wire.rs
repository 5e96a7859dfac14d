//! What the system answers: policies, dictionaries and errors, decoded without trust (vendor sheet sections 4.2, 6, 9).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::canonical;
use crate::model::{Entry, ExternalId, LeafPath, Mark, ObservedItem, OwnerId, Provenance};

/// Errors may be wrapped in errors; deeper than this nobody wraps.
const LAYERS: usize = 4;

/// A policy as listed, or what about it is not understood. `marks`: who writes marks at the end of names, if anybody.
///
/// `policyId` and `active` are optional in the vendor's words, but nothing can be decided without them.
///
/// # Errors
/// A sentence that names the member; the policy then makes the view incomplete.
pub fn policy(value: &Value, marks: Option<&OwnerId>) -> Result<ObservedItem, String> {
    let id = text(value, "policyId").filter(|id| !id.is_empty()).ok_or("a policy has no policyId")?;
    let about = |problem: &str| format!("policy {id}: {problem}");
    let missing = |member: &str| about(&format!("{member} is missing or of another type"));
    let sent = text(value, "name").ok_or_else(|| missing("name"))?.trim();
    // Where names stand as written, what looks like a mark is part of the name.
    let (name, mark) = marks.map_or((sent, None), |owner| Mark::split_name(sent, owner));
    let list = |member: &str| value.get(member).and_then(texts).ok_or_else(|| missing(member));
    let dictionaries = references(value).ok_or_else(|| missing("dictionaryRefs"))?;
    let leaves = [
        ("name", name.into()),
        ("type", text(value, "type").ok_or_else(|| missing("type"))?.into()),
        ("contentTypes", json!(list("contentTypes")?)),
        ("scopes", json!(list("scopes")?)),
        ("dictionaries", json!(dictionaries)),
    ];
    let leaves: BTreeMap<LeafPath, Value> = leaves
        .into_iter()
        .map(|(path, value)| (LeafPath(path.into()), canonical::leaf(path, &value)))
        .collect();
    let active = value.get("active").and_then(Value::as_bool).ok_or_else(|| missing("active"))?;
    Ok(ObservedItem {
        id: Some(ExternalId(id.into())),
        mark,
        name: name.to_owned(),
        leaves,
        enabled: Some(active),
        switched_off: if active { None } else { switched_off(value, dictionaries.is_empty()) },
        provenance: provenance(value),
        raw: value.clone(),
        ..ObservedItem::default()
    })
}

/// Disabling may change neither version nor `lastUpdatedDate`, so that the later of the two dates is the last change.
fn provenance(value: &Value) -> Provenance {
    let date = |member: &str| value.get(member).and_then(milliseconds);
    let shown = |date: Option<Timestamp>| date.map(|date| date.to_string()).unwrap_or_default();
    Provenance {
        version: text(value, "version").unwrap_or_default().to_owned(),
        created_at: shown(date("creationDate")),
        created_by: value.get("creatorId").and_then(person).unwrap_or_default(),
        modified_at: shown(date("lastUpdatedDate").max(date("lastDisabledDate"))),
        // The system names who made a policy, not who changed it.
        modified_by: String::new(),
    }
}

/// Whether a policy is off by the system's own doing or by somebody's, as far as its dates tell.
///
/// The system disables what loses its last dictionary, in the edit that takes it away (sheet section 4.3, rule 3), and
/// does not enable it again when it gets one (rule 7). So with dictionaries and without an edit since, it was a call. One
/// without any may never have had one, and somebody may have switched it off.
fn switched_off(value: &Value, empty: bool) -> Option<String> {
    let date = |member: &str| value.get(member).and_then(milliseconds);
    if empty {
        return Some(
            "the system itself may have switched it off, as it does with a policy that loses its last dictionary"
                .into(),
        );
    }
    let at = date("lastDisabledDate")?;
    Some(match date("lastUpdatedDate") {
        Some(edited) if edited > at => format!(
            "it was switched off at {at} and edited since, so that the system does not tell whether somebody did it or \
             the system itself, for want of dictionaries"
        ),
        _ => format!("somebody switched it off at {at}, not the system itself"),
    })
}

/// A number as text in generation V1, and as a number in V3 (sheet section 5).
fn person(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned).or_else(|| value.as_i64().map(|number| number.to_string()))
}

fn milliseconds(value: &Value) -> Option<Timestamp> {
    let number = value.as_i64().or_else(|| value.as_str()?.parse().ok())?;
    Timestamp::from_millisecond(number).ok()
}

/// Whether an entry stands in a list though it is deleted (sheet section 5).
pub fn is_deleted(value: &Value) -> bool {
    value.get("deleted").and_then(Value::as_bool) == Some(true)
}

/// Ids of a policy's dictionaries; `None` where one has none.
fn references(value: &Value) -> Option<BTreeSet<String>> {
    let list = value.get("dictionaryRefs")?.as_array()?;
    list.iter().map(|one| text(one, "dictId").map(str::to_owned)).collect()
}

fn texts(value: &Value) -> Option<Vec<&str>> {
    value.as_array()?.iter().map(Value::as_str).collect()
}

/// A text member.
pub fn text<'a>(value: &'a Value, member: &str) -> Option<&'a str> {
    value.get(member).and_then(Value::as_str)
}

/// A dictionary as listed: names are trimmed by the system.
pub fn dictionary(value: &Value) -> Option<Entry> {
    let reference = value.get("dictRef")?;
    let id = text(reference, "dictId").filter(|id| !id.is_empty())?;
    let name = text(reference, "name").map(str::trim).filter(|name| !name.is_empty())?;
    Some(Entry { id: id.to_owned(), name: name.to_owned(), parent: None, unusable: None })
}

/// The id of what a call was about: every success answers `{"data": Policy}`.
pub fn answered_id(value: &Value) -> Option<ExternalId> {
    let id = value.get("data").and_then(|data| text(data, "policyId")).filter(|id| !id.is_empty())?;
    Some(ExternalId(id.into()))
}

/// What an error body says, for people: the innermost message, since the Agent wraps the words of the service behind
/// it as JSON text in its own (sheet section 9).
pub fn complaint(body: &Value) -> Option<String> {
    let mut words = text(body, "message")?.to_owned();
    for _ in 0..LAYERS {
        let inner = words.find('{').and_then(|at| words.get(at..)).map(first_json);
        match inner.flatten().as_ref().and_then(|inner| text(inner, "message")) {
            Some(inner) => inner.clone_into(&mut words),
            None => break,
        }
    }
    (!words.trim().is_empty()).then(|| words.trim().to_owned())
}

/// The JSON a text begins with, whatever follows it.
fn first_json(text: &str) -> Option<Value> {
    serde_json::Deserializer::from_str(text).into_iter().next()?.ok()
}

#[cfg(test)]
mod tests;
