//! What the double holds, for assertions: `policies/<id>`, `devices/<group name>`.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    deploy::{Devices, Edit},
    estate::Estate,
    force,
    inner::Inner,
    render,
};

/// Everything but keys and tokens, as stored, whatever the options do to answers.
pub fn show(inner: &Inner, elapsed: Duration) -> Value {
    let Inner { options, estate, people, forced } = inner;
    let policies = estate.policies.keys().map(|id| (id.to_string(), policy(estate, *id)));
    let rules = estate.rules.iter().map(|(id, one)| (id.to_string(), render::rule(*id, one, estate)));
    let groups = estate.groups.iter().map(|(id, one)| {
        let shown = json!({"name": one.name, "usableId": one.usable_id, "devices": one.devices});
        (id.to_string(), shown)
    });
    let fragments = estate.fragments.iter().map(|(id, one)| {
        let shown = json!({"name": one.name, "licensed": one.licensed, "version": one.version});
        (id.to_string(), shown)
    });
    let consumers = people
        .consumers
        .values()
        .map(|one| (one.name.clone(), json!({"enabled": one.enabled, "licensed": one.licensed})));
    let fleet = &estate.fleet;
    let log = fleet.log.iter().map(|done| {
        json!({"id": done.id, "by": done.by, "shipped": done.shipped.iter().map(edit).collect::<Vec<_>>()})
    });
    json!({
        "options": options,
        "consumers": consumers.collect::<Map<_, _>>(),
        "principals": principals(inner),
        "sessions": people.sessions(elapsed),
        "groups": groups.collect::<Map<_, _>>(),
        "fragments": fragments.collect::<Map<_, _>>(),
        "rules": rules.collect::<Map<_, _>>(),
        "policies": policies.collect::<Map<_, _>>(),
        "pending": {"dirty": fleet.dirty, "edits": fleet.edits.values().map(edit).collect::<Vec<_>>()},
        "deploying": fleet.running(),
        "deployments": log.collect::<Vec<_>>(),
        "devices": devices(estate, &fleet.devices),
        "synchronised": estate.synchronised,
        "faults": force::show(forced),
    })
}

fn policy(estate: &Estate, id: i32) -> Value {
    let Some(policy) = estate.policies.get(&id) else { return Value::Null };
    let rules = policy.rules.iter().filter_map(|id| estate.rules.get(id)).map(|rule| &rule.name);
    let mut groups: Vec<String> =
        estate.groups_of(id).into_iter().map(|group| group_name(estate, group)).collect();
    groups.sort_unstable();
    json!({
        "id": id, "name": policy.name, "description": policy.description, "enabled": policy.enabled,
        "notes": policy.notes, "rules": rules.collect::<Vec<_>>(), "groups": groups,
        "unlicensed": estate.is_unlicensed(policy),
    })
}

fn group_name(estate: &Estate, id: i32) -> String {
    estate.groups.get(&id).map_or_else(|| id.to_string(), |group| group.name.clone())
}

fn edit(edit: &Edit) -> Value {
    json!({"policy": edit.name, "change": edit.kind.word(), "by": edit.by, "at": render::date(edit.at)})
}

/// Group → policy → names of its rules.
fn devices(estate: &Estate, devices: &Devices) -> Value {
    let held = devices.iter().map(|(group, policies)| {
        let policies = policies.values().map(|held| {
            let rules: Vec<&Value> = held.rules.values().filter_map(|rule| rule.get("Name")).collect();
            (held.name.clone(), json!(rules))
        });
        (group_name(estate, *group), Value::Object(policies.collect()))
    });
    Value::Object(held.collect())
}

fn principals(inner: &Inner) -> Value {
    let people = &inner.people;
    let shown = people.principals.iter().map(|(id, principal)| {
        let held = people.grants.values().filter(|grant| grant.principal == *id);
        let roles = held.filter_map(|grant| {
            let role = people.roles.get(&grant.role)?;
            Some(json!({"role": role.name, "group": group_name(&inner.estate, grant.group)}))
        });
        let shown = json!({
            "id": id, "enabled": principal.enabled, "applicationId": principal.application,
            "roles": roles.collect::<Vec<_>>(),
        });
        (principal.name.clone(), shown)
    });
    Value::Object(shown.collect())
}
