//! Changes as made by hand: in the vendor's console, at a device, in the user store.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::{
    Inner, content,
    rows::{Crash, Device, DeviceId, Draft, GroupLink, Moment},
    store::Store,
};

/// What `patch_state` understands; every member is optional.
///
/// ```json
/// {"options": {"applyDelay": 30},
///  "policies": [{"name": "VPN for sales", "features": {"VPN": {"serverPort": "1194"}, "CAMERA": null}},
///               {"id": 3, "delete": true}],
///  "add": [{"name": "Kiosk", "deviceType": "android", "features": {"CAMERA": {"enabled": false}}, "active": true}],
///  "devices": [{"id": "a-7", "type": "android", "owner": "mlee", "violations": ["CAMERA"]}],
///  "users": {"jdoe": ["sales"]}, "removeGroups": ["Finance"], "applyChanges": true}
/// ```
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Change {
    options: Option<Value>,
    policies: Vec<PolicyChange>,
    add: Vec<NewPolicy>,
    devices: Vec<DeviceChange>,
    /// Roles of users; a new name is a new user.
    users: BTreeMap<String, BTreeSet<String>>,
    /// New passwords.
    passwords: BTreeMap<String, String>,
    /// Device groups, by name; no policy may name one of them any more.
    remove_groups: Vec<String>,
    /// Someone presses "Apply changes".
    apply_changes: bool,
}

/// One policy, by `id`, or by `name` if only one has it. Edits mark it updated as the console does.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PolicyChange {
    id: Option<i64>,
    name: Option<String>,
    rename: Option<String>,
    description: Option<String>,
    compliance: Option<String>,
    ownership_type: Option<String>,
    roles: Option<Vec<String>>,
    users: Option<Vec<String>>,
    device_groups: Option<Vec<String>>,
    active: Option<bool>,
    priority: Option<i64>,
    /// The flag itself, after all else: `true` is a pending change nobody applied.
    updated: Option<bool>,
    /// Contents by code; null removes the feature.
    #[serde(default)]
    features: BTreeMap<String, Value>,
    #[serde(default)]
    delete: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewPolicy {
    name: String,
    device_type: String,
    #[serde(default)]
    features: BTreeMap<String, Value>,
    description: Option<String>,
    #[serde(default)]
    active: bool,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    users: Vec<String>,
    #[serde(default)]
    device_groups: Vec<String>,
    compliance: Option<String>,
}

/// A device changes hands, reports, or is enrolled if it is new.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DeviceChange {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    owner: Option<String>,
    ownership: Option<String>,
    groups: Option<BTreeSet<String>>,
    violations: Option<BTreeSet<String>>,
    #[serde(default)]
    unenrol: bool,
}

/// Performs a change; nothing of it if one part is not understood, except what stands before.
pub(super) fn patch(inner: &mut Inner, change: Value, now: Moment) -> Result<(), String> {
    inner.store.settle(&inner.options, now);
    let change: Change = serde_json::from_value(change).map_err(|e| e.to_string())?;
    if let Some(options) = &change.options {
        inner.options = inner.options.patched(options)?;
    }
    for (name, roles) in change.users {
        inner.store.users.entry(name).or_default().roles = roles;
    }
    for (name, password) in change.passwords {
        let user = inner.store.users.get_mut(&name).ok_or_else(|| format!("passwords: no user {name:?}"))?;
        user.password = password;
    }
    for new in change.add {
        add(inner, new, now)?;
    }
    for edit in change.policies {
        edit_policy(inner, edit, now)?;
    }
    for device in change.devices {
        edit_device(inner, device, now);
    }
    for name in change.remove_groups {
        inner.store.groups.remove(&name).ok_or_else(|| format!("removeGroups: no group {name:?}"))?;
    }
    if change.apply_changes {
        let outcome = inner.next_outcome();
        let applied = inner.store.apply_changes(&inner.options, outcome, now);
        applied.map_err(|_| "applyChanges: the previous run has not ended".to_owned())?;
    }
    Ok(())
}

fn links(store: &Store, names: Vec<String>) -> Result<Vec<GroupLink>, String> {
    names
        .into_iter()
        .map(|name| {
            let id = store
                .groups
                .get(&name)
                .map(|g| g.id)
                .ok_or_else(|| format!("deviceGroups: no group {name:?}"))?;
            Ok(GroupLink { id, name })
        })
        .collect()
}

fn add(inner: &mut Inner, new: NewPolicy, now: Moment) -> Result<(), String> {
    let doubles = inner.options.doubles_in_content;
    let features =
        new.features.into_iter().map(|(code, c)| (code, content::stored(&c, doubles), None)).collect();
    let draft = Draft {
        profile_name: Some(new.name.clone()),
        name: new.name,
        description: new.description,
        compliance: Some(new.compliance.unwrap_or_else(|| "enforce".to_owned())),
        ownership: Some("ANY".to_owned()),
        active: new.active,
        roles: Some(new.roles),
        users: Some(new.users),
        groups: links(&inner.store, new.device_groups)?,
        device_type: new.device_type,
        features,
        ..Draft::default()
    };
    let created = inner.store.create(draft, now, inner.options.list_delay, false);
    created.map(|_| ()).map_err(|Crash| "add: a name is too long".to_owned())
}

fn find(store: &Store, edit: &PolicyChange) -> Result<i64, String> {
    if let Some(id) = edit.id {
        return store.policies.contains_key(&id).then_some(id).ok_or_else(|| format!("policies: no id {id}"));
    }
    let name = edit.name.as_deref().ok_or("policies: give `id` or `name`")?;
    let named: Vec<i64> = store.policies.values().filter(|p| p.name == name).map(|p| p.id).collect();
    match named.as_slice() {
        [id] => Ok(*id),
        [] => Err(format!("policies: none is named {name:?}")),
        many => Err(format!("policies: {name:?} is the name of {many:?}; give `id`")),
    }
}

fn edit_policy(inner: &mut Inner, edit: PolicyChange, now: Moment) -> Result<(), String> {
    let Inner { options, store, .. } = inner;
    let id = find(store, &edit)?;
    if edit.delete {
        return store.remove(id).map_err(|Crash| format!("policies: no id {id}"));
    }
    let groups = edit.device_groups.map(|names| links(store, names)).transpose()?;
    edit_features(store, id, &edit.features, options.doubles_in_content, now);
    if let Some(priority) = edit.priority {
        store.set_priority(id, priority);
    }
    let Some(policy) = store.policies.get_mut(&id) else { return Ok(()) };
    let before = policy.clone();
    set(&mut policy.name, edit.rename);
    set(&mut policy.roles, edit.roles);
    set(&mut policy.users, edit.users);
    set(&mut policy.groups, groups);
    set(&mut policy.active, edit.active);
    set(&mut policy.description, edit.description.map(Some));
    set(&mut policy.compliance, edit.compliance.map(Some));
    set(&mut policy.ownership, edit.ownership_type.map(Some));
    let edited = *policy != before || !edit.features.is_empty() || edit.priority.is_some();
    policy.updated = edit.updated.unwrap_or(policy.updated || edited);
    Ok(())
}

fn set<T>(field: &mut T, wanted: Option<T>) {
    if let Some(value) = wanted {
        *field = value;
    }
}

fn edit_features(store: &mut Store, id: i64, wanted: &BTreeMap<String, Value>, doubles: bool, now: Moment) {
    let profile = store.policies.get(&id).map(|p| p.profile_id);
    let Some(old) = profile.and_then(|id| store.profiles.get(&id)).filter(|_| !wanted.is_empty()) else {
        return;
    };
    let is = |code: &str| wanted.keys().any(|w| w.eq_ignore_ascii_case(code));
    let kept = old.features.iter().filter(|f| !is(&f.code));
    let mut features: Vec<(String, String, Option<Value>)> =
        kept.map(|f| (f.code.clone(), f.content.clone(), f.corrective_actions.clone())).collect();
    let set = wanted.iter().filter(|(_, content)| !content.is_null());
    features.extend(set.map(|(code, c)| (code.clone(), content::stored(c, doubles), None)));
    store.rewrite_features(old.id, &features, now);
}

fn edit_device(inner: &mut Inner, edit: DeviceChange, now: Moment) {
    let Inner { options, store, .. } = inner;
    let id = DeviceId { id: edit.id, kind: edit.kind };
    let old = store.devices.iter().position(|d| d.id == id);
    let mut device = match old {
        Some(index) => store.devices.remove(index),
        None => Device::new(id),
    };
    if edit.unenrol {
        return;
    }
    set(&mut device.owner, edit.owner);
    set(&mut device.ownership, edit.ownership);
    set(&mut device.groups, edit.groups);
    set(&mut device.violations, edit.violations);
    if let Some(index) = old {
        return store.devices.insert(index, device);
    }
    // A newly enrolled device gets what is active without any apply-changes (section 6).
    store.tell(options, &mut device, now);
    store.devices.push(device);
}
