//! Everything the double holds, for assertions.

use serde_json::{Map, Value, json};

use super::{
    Inner, dates,
    evaluate::effective,
    render,
    rows::{Device, Moment, Policy, Profile},
};

/// Policies in full, in priority order, each with `contents`: what its features hold, parsed;
/// devices with what they were told and what they should have been told.
pub(super) fn whole(inner: &mut Inner, now: Moment) -> Value {
    inner.store.settle(&inner.options, now);
    let inner = &*inner;
    let store = &inner.store;
    let rows = store.by_priority().filter_map(|id| store.policies.get(&id));
    let policies: Vec<Value> = rows
        .filter_map(|policy| Some(in_full(inner, policy, store.profiles.get(&policy.profile_id)?)))
        .collect();
    let devices: Vec<Value> = store.devices.iter().map(|d| device(inner, d)).collect();
    json!({
        "options": inner.options,
        "policies": policies,
        "devices": devices,
        "applyRunning": store.run.is_some(),
        "counters": store.counters,
        "sessions": inner.accounts.summary(now),
        "roles": store.roles.keys().collect::<Vec<_>>(),
        "users": store.users.iter().map(|(n, u)| (n.clone(), json!(u.roles))).collect::<Map<_, _>>(),
        "groups": store.groups.iter().map(|(n, g)| (n.clone(), json!(g.id))).collect::<Map<_, _>>(),
    })
}

fn in_full(inner: &Inner, policy: &Policy, profile: &Profile) -> Value {
    let mut out = render::policy(&inner.store, &inner.options, policy, profile);
    let contents: Map<String, Value> = profile
        .features
        .iter()
        .map(|f| (f.code.clone(), serde_json::from_str(&f.content).unwrap_or_default()))
        .collect();
    if let Some(object) = out.as_object_mut() {
        object.insert("contents".to_owned(), Value::Object(contents));
    }
    out
}

fn device(inner: &Inner, device: &Device) -> Value {
    let delivered = device.delivered.as_ref();
    let due = effective(&inner.store, &inner.options, device);
    json!({
        "id": device.id.id,
        "type": device.id.kind,
        "name": device.name,
        "owner": device.owner,
        "ownership": device.ownership,
        "groups": device.groups,
        "violations": device.violations,
        "pushes": device.pushes,
        "delivered": delivered.map(|d| in_full(inner, &d.policy, &d.profile)),
        "deliveredPolicyId": delivered.map(|d| d.policy.id),
        "deliveredAt": delivered.map(|d| dates::text(&inner.options, d.at.wall)),
        "effectivePolicyId": due.map(|(policy, _)| policy.id),
    })
}
