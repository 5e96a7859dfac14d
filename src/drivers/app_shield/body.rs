//! What a save sends (vendor sheet section 4.2): the whole policy, and both lists beside it.

use std::collections::BTreeMap;

use jiff::{Timestamp, Zoned, tz::TimeZone};
use serde_json::{Map, Value, json};

use crate::{
    drivers::{DesiredItem, Members},
    model::{LeafPath, LeafValue, Mark, MemberKind, ObservedItem},
};

/// A new policy that filters nobody yet (R14): inactive, without groups and users.
pub fn create(desired: &DesiredItem, deep: bool, now: Timestamp) -> Value {
    let leaves = values(&desired.leaves);
    let mut policy = blank(now);
    write(&mut policy, &leaves, desired.mark().as_ref());
    policy.insert("isActive".to_owned(), false.into());
    save(policy, deep, &Members::new())
}

/// A policy as read, with our fields changed; what is not ours goes back as it stands.
pub fn replace(desired: &DesiredItem, observed: &ObservedItem, deep: bool, now: Timestamp) -> Value {
    let mut leaves = observed.leaves.clone();
    leaves.extend(values(&desired.leaves));
    let mut members = observed.members.clone();
    members.extend(desired.members.clone());
    let mut policy = echoed(observed, now);
    write(&mut policy, &named(&leaves, observed, &desired.leaves), desired.mark().as_ref());
    policy.insert("isActive".to_owned(), desired.enabled.or(observed.enabled).unwrap_or(false).into());
    save(policy, deep, &members)
}

/// A policy as read, with former values and members and without our mark.
pub fn restore(
    observed: &ObservedItem,
    former: &BTreeMap<LeafPath, Value>,
    members: &Members,
    deep: bool,
    now: Timestamp,
) -> Value {
    let mut leaves = observed.leaves.clone();
    leaves.extend(former.clone());
    let mut policy = echoed(observed, now);
    let former =
        former.iter().map(|(path, value)| (path.clone(), LeafValue { value: value.clone(), secret: false }));
    write(&mut policy, &named(&leaves, observed, &former.collect()), None);
    policy.insert("isActive".to_owned(), observed.enabled.unwrap_or(false).into());
    let mut reached = observed.members.clone();
    reached.extend(members.clone());
    save(policy, deep, &reached)
}

fn values(leaves: &BTreeMap<LeafPath, LeafValue>) -> BTreeMap<LeafPath, Value> {
    leaves.iter().map(|(path, leaf)| (path.clone(), leaf.value.clone())).collect()
}

/// Constraints that are not ours keep the spelling of the system, which `leaves` no longer have.
fn named(
    leaves: &BTreeMap<LeafPath, Value>,
    observed: &ObservedItem,
    ours: &BTreeMap<LeafPath, LeafValue>,
) -> BTreeMap<LeafPath, Value> {
    let constraints = LeafPath("constraints".into());
    let mut named = leaves.clone();
    if let (false, Some(stands)) = (ours.contains_key(&constraints), observed.raw.get("Constraints")) {
        named.insert(constraints, stands.clone());
    }
    named
}

/// What `NewPolicy` would give (sheet section 4.1). The server puts its own dates in place of these.
fn blank(now: Timestamp) -> Map<String, Value> {
    let now = Zoned::new(now, TimeZone::UTC);
    let fields = json!({
        "id": null, "Name": "", "Description": "", "isActive": false, "Constraints": [],
        "Groups": null, "Users": null, "CreatedBy": null, "ModifiedBy": null,
        "CreatedDate": now.strftime("%Y-%m-%dT%H:%M:%S.%6f%:z").to_string(),
        "ModifiedDate": now.strftime("%-m/%-d/%Y %-I:%M:%S %p").to_string(),
        "ErrorCode": null, "ErrorMessage": null,
    });
    if let Value::Object(fields) = fields { fields } else { Map::new() }
}

/// The object as last answered. Its lists of stubs and its codes are null in requests.
fn echoed(observed: &ObservedItem, now: Timestamp) -> Map<String, Value> {
    let mut policy = blank(now);
    policy.extend(observed.raw.as_object().cloned().unwrap_or_default());
    for name in ["Groups", "Users", "CreatedBy", "ModifiedBy", "ErrorCode", "ErrorMessage"] {
        policy.insert(name.to_owned(), Value::Null);
    }
    policy.insert("id".to_owned(), observed.id.as_ref().map(|id| id.0.to_string()).into());
    policy
}

fn write(policy: &mut Map<String, Value>, leaves: &BTreeMap<LeafPath, Value>, mark: Option<&Mark>) {
    let leaf = |path: &str| leaves.get(&LeafPath(path.into()));
    let text = leaf("description").and_then(Value::as_str).unwrap_or_default();
    let described = mark.map_or_else(|| text.to_owned(), |mark| mark.append_to(text));
    policy.insert("Description".to_owned(), described.into());
    for (name, path) in [("Name", "name"), ("Constraints", "constraints")] {
        if let Some(value) = leaf(path) {
            policy.insert(name.to_owned(), value.clone());
        }
    }
}

/// The lists are always sent, and whole: what leaving them out does is not known (sheet section 9).
fn save(policy: Map<String, Value>, deep: bool, members: &Members) -> Value {
    let ids = |kind| members.get(&kind).cloned().unwrap_or_default();
    json!({
        "policy": policy, "isDeepSave": deep, "groups": ids(MemberKind::Group), "users": ids(MemberKind::User),
    })
}

#[cfg(test)]
mod tests;
