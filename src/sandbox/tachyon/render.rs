//! Objects as answers show them (section 6).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    estate::{Estate, Fragment, Group, Policy, Rule, Template},
    people::Sight,
};

/// 0 to 3 fractional digits and `Z` (section 1).
pub fn date(at: Timestamp) -> String {
    let text = at.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let millis = format!("{:03}", at.subsec_millisecond());
    let digits = millis.trim_end_matches('0');
    if digits.is_empty() { format!("{text}Z") } else { format!("{text}.{digits}Z") }
}

/// A policy with whole rules, and the groups the caller sees.
pub fn policy(id: i32, policy: &Policy, estate: &Estate, sight: &Sight, scoped: bool) -> Value {
    let rules = policy.rules.iter().filter_map(|id| Some(rule(*id, estate.rules.get(id)?, estate)));
    let groups = seen(id, estate, sight);
    let groups = groups.into_iter().filter_map(|id| Some(group(id, estate.groups.get(&id)?, scoped)));
    with_lists(id, policy, rules.collect(), groups.collect())
}

/// A policy with ids of rules and names of groups (4.1).
pub fn shallow_policy(id: i32, policy: &Policy, estate: &Estate, sight: &Sight) -> Value {
    let groups = seen(id, estate, sight);
    let names = groups.iter().filter_map(|id| estate.groups.get(id)).map(|group| group.name.clone().into());
    with_lists(id, policy, policy.rules.iter().map(|id| (*id).into()).collect(), names.collect())
}

fn with_lists(id: i32, policy: &Policy, rules: Vec<Value>, groups: Vec<Value>) -> Value {
    json!({
        "Id": id, "Name": policy.name, "Description": policy.description, "Enabled": policy.enabled,
        "Rules": rules, "ManagementGroups": groups, "Notes": policy.notes,
        "CreatedTimestampUtc": date(policy.created), "ModifiedTimestampUtc": date(policy.modified),
    })
}

/// The groups of a policy the caller sees.
pub fn seen(policy: i32, estate: &Estate, sight: &Sight) -> Vec<i32> {
    let mut groups = estate.groups_of(policy);
    groups.retain(|group| sight.sees(*group));
    groups
}

/// A rule, with fragments in outline as everywhere.
pub fn rule(id: i32, rule: &Rule, estate: &Estate) -> Value {
    let mut shown = snapshot(id, rule, estate);
    if let Value::Object(members) = &mut shown {
        members.insert("CreatedTimestampUtc".to_owned(), date(rule.created).into());
        members.insert("ModifiedTimestampUtc".to_owned(), date(rule.modified).into());
    }
    shown
}

/// A rule without its dates, as devices hold it: the versions of its fragments count (8.5).
pub fn snapshot(id: i32, rule: &Rule, estate: &Estate) -> Value {
    let mut shown = json!({
        "Id": id, "Name": rule.name, "Description": rule.description, "Type": rule.kind,
        "Enabled": rule.enabled, "ReadablePayload": readable(rule, estate),
        "Triggers": [], "Preconditions": [], "Check": null, "Fix": null,
    });
    if let Value::Object(members) = &mut shown {
        members.extend(rule.uses.clone());
    }
    shown
}

/// What a rule does, in the words of its fragments.
pub fn readable(rule: &Rule, estate: &Estate) -> String {
    let fragments = rule.fragments();
    let texts = fragments.iter().filter_map(|id| estate.fragments.get(id));
    texts.map(|one| format!("{} (version {})", one.readable, one.version)).collect::<Vec<_>>().join("; ")
}

/// A rule without what its fragments are given.
pub fn shallow_rule(id: i32, rule: &Rule, estate: &Estate) -> Value {
    let outline = |fragment: &i32| {
        let name = estate.fragments.get(fragment).map(|one| one.name.clone());
        json!({"Id": fragment, "Name": name})
    };
    json!({
        "Id": id, "Name": rule.name, "Type": rule.kind, "Enabled": rule.enabled,
        "ReadablePayload": readable(rule, estate),
        "Fragments": rule.fragments().iter().map(outline).collect::<Vec<_>>(),
    })
}

/// A fragment; shallow calls leave the payload out (4.5).
pub fn fragment(id: i32, fragment: &Fragment, shallow: bool) -> Value {
    let mut shown = json!({
        "Id": id, "Name": fragment.name, "Type": fragment.kind, "ReadablePayload": fragment.readable,
        "Version": fragment.version.to_string(), "Parameters": parameters(fragment.parameters),
    });
    if let (false, Value::Object(members)) = (shallow, &mut shown) {
        members.insert("Payload".to_owned(), format!("/* {} */", fragment.name).into());
    }
    shown
}

/// A trigger template.
pub fn template(id: i32, template: &Template) -> Value {
    json!({"Id": id, "Name": template.name, "Parameters": parameters(template.parameters)})
}

fn parameters(names: &[&str]) -> Vec<Value> {
    let one = |name: &&str| json!({"Name": name, "Pattern": format!("%{name}%"), "DataType": "string"});
    names.iter().map(one).collect()
}

/// A group as before 8.0 or since (6.6).
pub fn group(id: i32, group: &Group, scoped: bool) -> Value {
    let hash = blake3::hash(group.devices.join("\n").as_bytes()).to_hex().to_string();
    let count = group.devices.len();
    if !scoped {
        return json!({
            "Id": id, "Name": group.name, "Description": group.description, "Expression": "",
            "Count": count, "UsableId": group.usable_id, "HashOfMembers": hash,
        });
    }
    json!({
        "Id": id, "Name": group.name, "Description": group.description, "Expression": null,
        "TachyonManagementGroupType": i32::from(!group.system),
        "TachyonDeviceCount": if group.system { json!(-1) } else { json!(count) },
        "UsableId": group.usable_id, "HashOfMembers": hash,
        "CreatedTimestampUtc": date(group.created), "ModifiedTimestampUtc": date(group.created),
    })
}
