//! Device types, features, roles, users and groups: what a policy refers to.
//!
//! Dialect A answers types and features bare and roles and users in its payload. In B and C the
//! lists of roles, users and groups are inferred from the public API's beans; what differs between
//! releases is a switch of the options.

use serde_json::{Value, json};

use super::{
    answer::{Answer, crash, error, payload},
    call::Call,
    route::Op,
    v1::paging,
};

/// Used for users when no `limit` is given.
const DEFAULT_PAGE: usize = 50;

/// Performs `op`.
pub(super) fn answer(call: &Call<'_>, op: &Op) -> Result<Answer, Answer> {
    match op {
        Op::DeviceTypes => Ok(types(call)),
        Op::Features(kind) => features(call, kind),
        Op::Roles => roles(call),
        Op::Users => users(call),
        _ => groups(call),
    }
}

fn admin(call: &Call<'_>) -> bool {
    call.options.dialect.is_admin()
}

fn types(call: &Call<'_>) -> Answer {
    let objects = admin(call) || call.options.device_types_as_objects;
    let one = |t: &super::rows::DeviceType| {
        if objects { json!({"id": t.id, "name": t.name}) } else { json!(t.name) }
    };
    let types: Value = call.store.types.iter().map(one).collect();
    if admin(call) {
        return Answer::json(200, &types);
    }
    Answer::json(200, &json!({"count": call.store.types.len(), "deviceTypes": types}))
}

fn features(call: &Call<'_>, kind: &str) -> Result<Answer, Answer> {
    let Some(found) = call.store.types.iter().find(|t| t.name == kind) else {
        let text = format!("No feature manager is registered with the given type '{kind}'");
        return Err(if admin(call) { crash(call.options) } else { error(404, None, &text) });
    };
    let features: Value = found
        .features
        .iter()
        .map(|(code, name)| {
            json!({"code": code, "name": name, "description": name, "deviceType": kind, "metadataEntries": []})
        })
        .collect();
    Ok(Answer::json(200, &features))
}

fn roles(call: &Call<'_>) -> Result<Answer, Answer> {
    let internal = |role: &&String| role.starts_with("Internal/");
    let shown = call.store.roles.keys().filter(|role| call.options.internal_roles_listed || !internal(role));
    let names: Vec<&String> = shown.collect();
    if admin(call) {
        return Ok(payload(200, 200, "All user roles were successfully retrieved.", Some(json!(names))));
    }
    let count = names.len();
    let (offset, limit) = if call.options.roles_paged { paging(call)? } else { (0, None) };
    let limit = limit.filter(|l| *l > 0).unwrap_or(usize::MAX);
    let page: Vec<&String> = names.into_iter().skip(offset).take(limit).collect();
    Ok(Answer::json(200, &json!({"count": count, "roles": page})))
}

fn users(call: &Call<'_>) -> Result<Answer, Answer> {
    let all: Vec<Value> = call
        .store
        .users
        .iter()
        .filter(|(name, _)| call.text("filter").is_none_or(|prefix| name.starts_with(prefix)))
        .map(|(name, user)| {
            json!({"username": name, "firstname": user.first, "lastname": user.last, "emailAddress": user.email})
        })
        .collect();
    if admin(call) {
        let text = format!("All users were successfully retrieved. Obtained user count: {}", all.len());
        return Ok(payload(200, 200, &text, Some(Value::Array(all))));
    }
    let (offset, limit) = paging(call)?;
    let count = all.len();
    let limit = limit.filter(|l| *l > 0).unwrap_or(DEFAULT_PAGE);
    let page: Vec<Value> = all.into_iter().skip(offset).take(limit).collect();
    Ok(Answer::json(200, &json!({"count": count, "users": page})))
}

fn groups(call: &Call<'_>) -> Result<Answer, Answer> {
    let (offset, limit) = paging(call)?;
    let named = |name: &str| call.text("name").is_none_or(|part| name.contains(part));
    let all: Vec<Value> = call
        .store
        .groups
        .iter()
        .filter(|(name, _)| named(name))
        .map(|(name, g)| json!({"id": g.id, "name": name, "owner": g.owner, "description": g.description}))
        .collect();
    if all.is_empty() && call.options.empty_groups404 {
        return Ok(Answer::empty(404));
    }
    let count = all.len();
    let limit = limit.filter(|l| *l > 0).unwrap_or(usize::MAX);
    let page: Vec<Value> = all.into_iter().skip(offset).take(limit).collect();
    let mut body = json!({ "count": count });
    if let Some(object) = body.as_object_mut() {
        object.insert(call.options.group_list_key.clone(), Value::Array(page));
    }
    Ok(Answer::json(200, &body))
}
