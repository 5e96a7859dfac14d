//! What the system answers: policies, lists and errors, decoded without trust (vendor sheet sections 3, 4, 8).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::canonical;
use crate::model::{ExternalId, LeafPath, Mark, MemberKind, ObservedItem, Provenance};

/// The word that means everybody.
pub const ANY: &str = "ANY";

/// Numeric device types and their names, which dialect A tells apart by number only in some places.
pub type TypeNames = BTreeMap<i64, String>;

/// A policy as listed, or what about it is not understood.
///
/// # Errors
/// A sentence that names the member; the policy then makes the view incomplete.
pub fn policy(value: &Value, types: &TypeNames) -> Result<ObservedItem, String> {
    let id = policy_id(value).ok_or("a policy has no numeric id")?;
    let about = |problem: &str| format!("policy {id}: {problem}");
    let profile =
        value.get("profile").filter(|p| p.is_object()).ok_or_else(|| about("profile is missing"))?;
    let name = text(value, "policyName").ok_or_else(|| about("policyName is missing"))?;
    let (description, mark) = Mark::split(text(value, "description").unwrap_or_default());
    let mut leaves = BTreeMap::new();
    let mut put = |path: &str, value: Value| {
        leaves.insert(LeafPath(path.into()), canonical::leaf(path, &value));
    };
    put("name", name.into());
    put("description", description.into());
    put("platform", platform(profile, types).ok_or_else(|| about("profile.deviceType is missing"))?.into());
    put("compliance", text(value, "compliance").unwrap_or_default().into());
    put("ownership", text(value, "ownershipType").unwrap_or(ANY).into());
    for (code, content) in
        features(profile).ok_or_else(|| about("profile.profileFeaturesList is not a list"))?
    {
        put(&format!("features/{code}"), content);
    }
    Ok(ObservedItem {
        id: Some(ExternalId(id.to_string().into())),
        mark,
        name: name.to_owned(),
        leaves,
        members: members(value),
        enabled: Some(
            value.get("active").and_then(Value::as_bool).ok_or_else(|| about("active is missing"))?,
        ),
        pending: value.get("updated").and_then(Value::as_bool).unwrap_or(false),
        slot: value.get("priorityId").and_then(integer),
        provenance: Provenance {
            version: String::new(),
            created_by: String::new(),
            created_at: text(profile, "createdDate").unwrap_or_default().to_owned(),
            modified_at: text(profile, "updatedDate").unwrap_or_default().to_owned(),
            modified_by: String::new(),
        },
        raw: value.clone(),
        ..ObservedItem::default()
    })
}

/// The id of a policy, wherever the answer says it.
pub fn policy_id(value: &Value) -> Option<i64> {
    value.get("id").and_then(integer).filter(|id| *id >= 0)
}

/// A whole number in any spelling: `12`, `12.0`, `"12"`.
pub fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        // A double holds ids of that size exactly; larger ones are refused.
        #[allow(clippy::cast_possible_truncation)]
        Value::Number(number) => number
            .as_i64()
            .or_else(|| number.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 9e15).map(|f| f as i64)),
        _ => None,
    }
}

/// A text member.
pub fn text<'a>(value: &'a Value, member: &str) -> Option<&'a str> {
    value.get(member).and_then(Value::as_str)
}

fn platform(profile: &Value, types: &TypeNames) -> Option<String> {
    match profile.get("deviceType")? {
        Value::String(name) => Some(name.clone()),
        Value::Object(members) => {
            let named = members.get("name").and_then(Value::as_str).map(str::to_owned);
            named.or_else(|| types.get(&members.get("id").and_then(integer)?).cloned())
        }
        _ => None,
    }
}

/// Code, in capitals since the system matches codes ignoring case, and content of each feature.
fn features(profile: &Value) -> Option<Vec<(String, Value)>> {
    let list = match profile.get("profileFeaturesList") {
        None | Some(Value::Null) => return Some(Vec::new()),
        Some(value) => value.as_array()?,
    };
    list.iter()
        .map(|feature| {
            let code = text(feature, "featureCode")?.to_uppercase();
            Some((code, feature.get("content").cloned().unwrap_or(Value::Null)))
        })
        .collect()
}

/// Whom a policy reaches, in one spelling for all that the system evaluates alike (sheet section 7).
///
/// A dimension that does not restrict is empty; where none restricts, the role `ANY` stands for everyone.
fn members(value: &Value) -> BTreeMap<MemberKind, BTreeSet<String>> {
    let roles = strings(value, "roles");
    let users = strings(value, "users");
    let groups = objects(value, "deviceGroups");
    let unrestricted_group = groups.first().is_some_and(|g| text(g, "name") == Some(ANY));
    let mut roles = if roles.first().is_some_and(|r| r == ANY) { BTreeSet::new() } else { set(roles) };
    let users = if users.iter().any(|u| u == ANY) { BTreeSet::new() } else { set(users) };
    let groups = if unrestricted_group {
        BTreeSet::new()
    } else {
        groups.iter().filter_map(|g| group_id(g)).collect()
    };
    if roles.is_empty() && users.is_empty() && groups.is_empty() {
        roles.insert(ANY.to_owned());
    }
    let devices = objects(value, "devices").iter().filter_map(|d| device(d)).collect();
    BTreeMap::from([
        (MemberKind::Role, roles),
        (MemberKind::User, users),
        (MemberKind::Group, groups),
        (MemberKind::Device, devices),
    ])
}

fn set(list: Vec<String>) -> BTreeSet<String> {
    list.into_iter().collect()
}

fn strings(value: &Value, member: &str) -> Vec<String> {
    let list = value.get(member).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// A list of objects, empty where it is absent.
pub fn objects<'a>(value: &'a Value, member: &str) -> Vec<&'a Value> {
    let list = value.get(member).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    list.iter().filter(|v| v.is_object()).collect()
}

/// The id of a group as text; older builds call it `groupId`.
pub fn group_id(group: &Value) -> Option<String> {
    group.get("id").or_else(|| group.get("groupId")).and_then(integer).map(|id| id.to_string())
}

/// `type/id` of a device bean.
fn device(device: &Value) -> Option<String> {
    Some(format!("{}/{}", text(device, "type")?, text(device, "deviceIdentifier")?))
}

/// An answer of dialect A without its wrapper, or as it is where there is none.
pub fn unwrapped(value: &Value) -> &Value {
    value.get("responseContent").unwrap_or(value)
}

/// The status inside an answer of dialect A, which may contradict the one outside.
pub fn inner_status(value: &Value) -> Option<u16> {
    let wrapper = value.get("statusCode").and_then(integer)?;
    u16::try_from(wrapper).ok()
}

/// Rows of a list answer (bare, wrapped, or under one of the names) and the total it claims.
pub fn rows(value: &Value, names: &[&str]) -> Option<(Vec<Value>, Option<usize>)> {
    let inner = unwrapped(value);
    if let Some(list) = inner.as_array() {
        return Some((list.clone(), None));
    }
    let count = inner.get("count").and_then(integer).and_then(|n| usize::try_from(n).ok());
    let named = names.iter().find_map(|name| inner.get(*name));
    match named {
        Some(Value::Array(list)) => Some((list.clone(), count)),
        // Gson leaves out a list that is null.
        None | Some(Value::Null) if count == Some(0) => Some((Vec::new(), count)),
        _ => None,
    }
}

/// What an error body says, for people: `ErrorResponse` (B, C), `errorMessage` and wrapper (A), gateway fault.
pub fn complaint(value: &Value) -> Option<String> {
    let fault = value.get("fault").unwrap_or(value);
    let members =
        ["errorMessage", "messageFromServer", "message", "description", "error_description", "error"];
    let mut parts: Vec<String> = members.iter().filter_map(|m| text(fault, m)).map(str::to_owned).collect();
    parts.extend(
        objects(value, "errorItems").iter().filter_map(|item| text(item, "message")).map(str::to_owned),
    );
    parts.retain(|part| !part.trim().is_empty());
    parts.dedup();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// The API manager's fault code, in JSON or XML (sheet section 1).
pub fn fault_code(body: &[u8]) -> Option<i64> {
    let text = String::from_utf8_lossy(body.get(..4096).unwrap_or(body));
    if let Ok(value) = serde_json::from_str::<Value>(&text) {
        return value.get("fault")?.get("code").and_then(integer);
    }
    let after = text.split_once("code>")?.1;
    after.split('<').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests;
