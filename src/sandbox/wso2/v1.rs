//! Dialects A′, B and C: `/api/device-mgt/v1.0/policies` (vendor sheet sections 2.2 and 2.3).

use serde_json::{Value, json};

use super::{
    answer::{self, Answer, error, sentence},
    bean::{self, FeatureBean, PriorityBean},
    call::Call,
    list,
    options::{Dialect, LimitOmitted},
    render,
    route::Op,
    rows::{Crash, DeviceId, Draft},
};

/// Performs `op`.
pub(super) fn answer(call: &mut Call<'_>, op: Op) -> Result<Answer, Answer> {
    match op {
        Op::List => all(call),
        Op::Get(id) => one(call, id),
        Op::Create => create(call),
        Op::Update(id) => update(call, id),
        Op::Remove => remove(call),
        Op::Activate => switch(call, true),
        Op::Deactivate => switch(call, false),
        Op::Apply => apply(call),
        Op::Priorities => priorities(call),
        Op::Search => search(call),
        Op::ByType(kind) => Ok(by_type(call, &kind)),
        Op::Validate => validate(call),
        Op::Compliance(kind, id) => compliance(call, kind, id),
        Op::Applied(kind, id, must_exist) => applied(call, kind, id, must_exist),
        _ => Err(answer::not_found(call.options, &call.request.headers)),
    }
}

fn entgra(call: &Call<'_>) -> bool {
    call.options.dialect == Dialect::Entgra
}

fn plain(status: u16, text: &str) -> Answer {
    Answer::typed(status, "text/plain", text)
}

/// `offset` and `limit`; `None` for `limit`: everything.
pub(super) fn paging(call: &Call<'_>) -> Result<(usize, Option<usize>), Answer> {
    let (offset, limit) = (call.number("offset")?, call.number("limit")?);
    let bad = |text: &str| error(400, Some(400), text);
    let start = usize::try_from(offset).map_err(|_| bad("Request parameter offset is s negative value."))?;
    let size = usize::try_from(limit).map_err(|_| bad("Request parameter limit is a negative value."))?;
    if limit > call.options.max_limit {
        return Err(bad("Request results list should be less than or equal 100 values."));
    }
    let everything = size == 0 && start == 0 && call.options.limit_omitted == LimitOmitted::Everything;
    Ok((start, (!everything).then_some(size)))
}

/// Without a `limit` B lists nothing at all.
fn all(call: &mut Call<'_>) -> Result<Answer, Answer> {
    call.store.counters.lists += 1;
    let (offset, limit) = paging(call)?;
    let ids = limit.map_or_else(|| list::whole(call), |limit| list::page(call, offset, limit));
    Ok(Answer::json(200, &json!({"count": list::count(call), "policies": list::render(call, &ids)})))
}

/// C: matches of name, type, status and device type; `count` stays the overall number.
fn search(call: &mut Call<'_>) -> Result<Answer, Answer> {
    call.store.counters.lists += 1;
    let (offset, limit) = paging(call)?;
    let matches = list::whole(call).into_iter().filter(|id| matches(call, *id));
    let ids: Vec<i64> = matches.skip(offset).take(limit.unwrap_or(usize::MAX)).collect();
    Ok(Answer::json(200, &json!({"count": list::count(call), "policies": list::render(call, &ids)})))
}

fn matches(call: &Call<'_>, id: i64) -> bool {
    let Some(policy) = call.store.policies.get(&id) else { return false };
    let device_type = call.store.profiles.get(&policy.profile_id).map_or("", |p| p.device_type.as_str());
    let kind = policy.extra.get("policyType").and_then(Value::as_str).unwrap_or_default();
    let status = if policy.active { "ACTIVE" } else { "INACTIVE" };
    let name = call.text("name").unwrap_or_default().to_lowercase();
    policy.name.to_lowercase().contains(&name)
        && call.text("type").is_none_or(|t| t.eq_ignore_ascii_case(kind))
        && call.text("status").is_none_or(|s| s.eq_ignore_ascii_case(status))
        && call.text("deviceType").is_none_or(|t| t.eq_ignore_ascii_case(device_type))
}

fn by_type(call: &mut Call<'_>, kind: &str) -> Answer {
    call.store.counters.lists += 1;
    let of_kind = |id: &i64| {
        let policy = call.store.policies.get(id);
        policy.and_then(|p| p.extra.get("policyType")).and_then(Value::as_str) == Some(kind)
    };
    let ids: Vec<i64> = list::whole(call).into_iter().filter(of_kind).collect();
    Answer::json(200, &json!({"count": ids.len(), "policies": list::render(call, &ids)}))
}

fn one(call: &mut Call<'_>, id: i64) -> Result<Answer, Answer> {
    call.store.counters.gets += 1;
    let Some(policy) = list::policy(call, id) else {
        absent(call)?;
        let text = format!("No policy found with the id '{id}'");
        return Err(if entgra(call) { plain(404, &text) } else { error(404, None, &text) });
    };
    Ok(Answer::json(200, &if call.options.cache_enabled { policy } else { render::uncached(policy) }))
}

fn exists(call: &Call<'_>, id: i64) -> Result<bool, Answer> {
    let known = call.store.policies.contains_key(&id);
    if !known {
        absent(call)?;
    }
    Ok(known)
}

/// With the cache off, asking for an unknown id crashes.
fn absent(call: &Call<'_>) -> Result<(), Answer> {
    if call.options.cache_enabled {
        return Ok(());
    }
    Err(error(500, None, "Error occurred while retrieving policy"))
}

fn create(call: &mut Call<'_>) -> Result<Answer, Answer> {
    let draft = bean::policy(call.options, call.store, &call.request.body)?;
    check_device_access(call, &draft)?;
    let created = call.store.create(draft, call.now, call.options.list_delay, call.options.priority_race);
    let id = created.map_err(|Crash| error(500, Some(500), "Error occurred while adding policy"))?;
    let policy = list::live(call.store, call.options, id).unwrap_or_default();
    Ok(Answer::json(201, &policy).at(format!("/policies/{id}")))
}

/// Only a request with exactly one device asks whether the user may touch it.
fn check_device_access(call: &Call<'_>, draft: &Draft) -> Result<(), Answer> {
    let mut known = Vec::new();
    for id in &draft.devices {
        known.push(call.store.device(id).ok_or_else(|| answer::crash(call.options))?);
    }
    let [device] = known.as_slice() else { return Ok(()) };
    let admin = call.store.users.get(&call.user).is_some_and(|u| u.roles.contains("admin"));
    if admin || device.owner.eq_ignore_ascii_case(&call.user) {
        return Ok(());
    }
    Err(error(401, None, "Current logged in user is not authorized to add policies"))
}

fn update(call: &mut Call<'_>, id: i64) -> Result<Answer, Answer> {
    let draft = bean::policy(call.options, call.store, &call.request.body)?;
    if !exists(call, id)? {
        return Err(sentence(call.options, 404, "Policy not found."));
    }
    let reset = call.options.priority_reset_on_put;
    let updated = call.store.update(id, draft, reset, call.now);
    updated.map_err(|Crash| error(500, None, "Error occurred while updating the policy"))?;
    Ok(sentence(call.options, 200, "Policy has successfully been updated."))
}

fn ids(call: &Call<'_>) -> Result<Vec<i64>, Answer> {
    let ids: Option<Vec<i64>> = bean::parse(call.options, &call.request.body)?;
    ids.filter(|ids| !ids.is_empty()).ok_or_else(|| error(400, Some(400), "Policy Id list is empty."))
}

/// All or nothing.
fn remove(call: &mut Call<'_>) -> Result<Answer, Answer> {
    let ids = ids(call)?;
    let mut unknown = Vec::new();
    for id in &ids {
        if !exists(call, *id)? {
            unknown.push(id.to_string());
        }
    }
    if !unknown.is_empty() {
        let text = format!("Policies with the policy ID {} doesn't exist", unknown.join(","));
        return Err(if entgra(call) { plain(400, &text) } else { error(400, None, &text) });
    }
    for id in ids {
        call.store.remove(id).map_err(|Crash| answer::crash(call.options))?;
    }
    Ok(sentence(call.options, 200, "Policies have been successfully deleted"))
}

/// Unknown ids are skipped, unless there is no other.
fn switch(call: &mut Call<'_>, active: bool) -> Result<Answer, Answer> {
    let word = if active { "activated" } else { "deactivated" };
    let mut any = false;
    for id in ids(call)? {
        if exists(call, id)? {
            call.store.set_active(id, active).map_err(|Crash| answer::crash(call.options))?;
            any = true;
        }
    }
    if any {
        let text = format!("Selected policies have been successfully {word}");
        return Ok(sentence(call.options, 200, &text));
    }
    let text = format!("Selected policies have not been {word}");
    Err(if entgra(call) { plain(404, &text) } else { error(404, None, &text) })
}

fn apply(call: &mut Call<'_>) -> Result<Answer, Answer> {
    let applied = call.store.apply_changes(call.options, call.outcome, call.now);
    applied.map_err(|_| error(500, Some(500), "Exception in applying changes."))?;
    Ok(sentence(call.options, 200, "Changes have been successfully updated."))
}

fn priorities(call: &mut Call<'_>) -> Result<Answer, Answer> {
    let sent: Option<Vec<PriorityBean>> = bean::parse(call.options, &call.request.body)?;
    let sent = sent.ok_or_else(|| answer::crash(call.options))?;
    let wanted: Vec<(i64, i64)> = sent.iter().map(|item| (item.id, item.priority)).collect();
    let written = call.store.prioritise(&wanted, call.options.priorities_atomic);
    written.map_err(|Crash| error(500, None, "Exception in updating policy priorities."))?;
    Ok(sentence(call.options, 200, "Policy Priorities successfully updated."))
}

fn validate(call: &Call<'_>) -> Result<Answer, Answer> {
    let features: Option<Vec<FeatureBean>> = bean::parse(call.options, &call.request.body)?;
    bean::check_features(call.options, &features.unwrap_or_default())?;
    Ok(sentence(call.options, 200, "Valid request"))
}

/// Both path parameters are limited to 45 characters.
fn device_id(kind: String, id: String) -> Result<DeviceId, Answer> {
    let long = |text: &String| text.encode_utf16().count() > 45;
    let named = [("deviceType", &kind), ("deviceId", &id)];
    let items: Vec<(String, String)> = named
        .into_iter()
        .filter(|(_, text)| long(text))
        .map(|(name, _)| (name.to_owned(), "size must be between 0 and 45".to_owned()))
        .collect();
    if items.is_empty() { Ok(DeviceId { id, kind }) } else { Err(answer::validation(&items)) }
}

fn compliance(call: &Call<'_>, kind: String, id: String) -> Result<Answer, Answer> {
    let id = device_id(kind, id)?;
    let device = call.store.device(&id).ok_or_else(|| error(404, None, "No device is found"))?;
    let mut body = json!({ "deviceID": id.id });
    let record = render::compliance(call.store, call.options, device, call.now);
    if let (Some(object), Some(record)) = (body.as_object_mut(), record) {
        object.insert("complianceData".to_owned(), record);
    }
    Ok(Answer::json(200, &body))
}

fn applied(call: &Call<'_>, kind: String, id: String, must_exist: bool) -> Result<Answer, Answer> {
    let id = device_id(kind, id)?;
    let delivered = call.store.device(&id).and_then(|device| device.delivered.as_ref());
    match delivered {
        Some(d) => Ok(Answer::json(200, &render::policy(call.store, call.options, &d.policy, &d.profile))),
        None if must_exist => Err(error(404, None, &format!("No policy found for device ID '{}'", id.id))),
        None => Ok(Answer::empty(call.options.no_body_status)),
    }
}
