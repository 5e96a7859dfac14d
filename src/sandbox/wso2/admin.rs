//! Dialect A: `/mdm-admin/policies` (vendor sheet section 2.1).

use serde_json::{Value, json};

use super::{
    answer::{self, Answer, mapped_error, payload},
    bean::{self, PriorityBean},
    call::Call,
    list, render,
    route::Op,
    rows::{Crash, DeviceId},
    store::Store,
};

const FAILED: &str = "Policy Management related exception";

/// Performs `op`.
pub(super) fn answer(call: &mut Call<'_>, op: Op) -> Result<Answer, Answer> {
    match op {
        Op::List => Ok(all(call)),
        Op::Get(id) => Ok(one(call, id)),
        Op::Count => Ok(Answer::json(200, &json!(list::count(call)))),
        Op::CreateAs(active) => create(call, active),
        Op::Update(id) => update(call, id),
        Op::Remove => each(call, "Policies have been successfully deleted.", Store::remove),
        Op::Activate => each(call, "Selected policies have been successfully activated.", |store, id| {
            store.set_active(id, true)
        }),
        Op::Deactivate => each(call, "Selected policies have been successfully inactivated.", |store, id| {
            store.set_active(id, false)
        }),
        Op::Apply => Ok(apply(call)),
        Op::Priorities => priorities(call),
        Op::Compliance(kind, id) => Ok(compliance(call, kind, id)),
        Op::Applied(kind, id, _) => Ok(applied(call, kind, id)),
        Op::TaskControl => Ok(payload(200, 200, "Policy monitoring service task was changed.", None)),
        _ => Err(answer::not_found(call.options, &call.request.headers)),
    }
}

fn all(call: &mut Call<'_>) -> Answer {
    call.store.counters.lists += 1;
    let ids = list::whole(call);
    payload(200, 200, "Sending all retrieved device policies.", Some(list::render(call, &ids)))
}

/// An unknown id is HTTP 200 with a 404 in the body.
fn one(call: &mut Call<'_>, id: i64) -> Answer {
    call.store.counters.gets += 1;
    let Some(policy) = list::policy(call, id) else {
        return payload(200, 404, "Policy not found.", None);
    };
    if call.options.wrap_get_by_id {
        return payload(200, 200, "Sending all retrieved device policies.", Some(policy));
    }
    Answer::json(200, &policy)
}

/// No id is returned.
fn create(call: &mut Call<'_>, active: bool) -> Result<Answer, Answer> {
    let mut draft = bean::policy(call.options, call.store, &call.request.body)?;
    draft.active = active;
    let created = call.store.create(draft, call.now, call.options.list_delay, call.options.priority_race);
    created.map_err(|Crash| mapped_error(FAILED))?;
    Ok(payload(call.options.create_http_status, 201, "Policy has been added successfully.", None))
}

fn update(call: &mut Call<'_>, id: i64) -> Result<Answer, Answer> {
    let draft = bean::policy(call.options, call.store, &call.request.body)?;
    let reset = call.options.priority_reset_on_put;
    call.store.update(id, draft, reset, call.now).map_err(|Crash| mapped_error(FAILED))?;
    Ok(payload(200, 201, "Policy has been updated successfully.", None))
}

/// One transaction per id: an unknown one ends the call, what came before it has happened.
fn each(
    call: &mut Call<'_>,
    done: &str,
    act: fn(&mut Store, i64) -> Result<(), Crash>,
) -> Result<Answer, Answer> {
    let ids: Option<Vec<i64>> = bean::parse(call.options, &call.request.body)?;
    for id in ids.ok_or_else(|| answer::crash(call.options))? {
        act(call.store, id).map_err(|Crash| mapped_error(FAILED))?;
    }
    Ok(payload(200, 200, done, None))
}

fn apply(call: &mut Call<'_>) -> Answer {
    match call.store.apply_changes(call.options, call.outcome, call.now) {
        Ok(()) => payload(200, 200, "Changes have been successfully updated.", None),
        Err(_) => mapped_error("Exception in applying changes."),
    }
}

fn priorities(call: &mut Call<'_>) -> Result<Answer, Answer> {
    let sent: Option<Vec<PriorityBean>> = bean::parse(call.options, &call.request.body)?;
    let sent = sent.ok_or_else(|| answer::crash(call.options))?;
    let wanted: Vec<(i64, i64)> = sent.iter().map(|item| (item.id, item.priority)).collect();
    let written = call.store.prioritise(&wanted, call.options.priorities_atomic);
    written.map_err(|Crash| mapped_error("Exception in updating policy priorities."))?;
    Ok(payload(200, 200, "Policy Priorities successfully updated.", None))
}

fn compliance(call: &Call<'_>, kind: String, id: String) -> Answer {
    let Some(device) = call.store.device(&DeviceId { id, kind }) else { return mapped_error(FAILED) };
    let record = render::compliance(call.store, call.options, device, call.now);
    Answer::json(200, &record.unwrap_or_else(no_record))
}

/// Zeros and `false`, as a bean nobody filled.
fn no_record() -> Value {
    json!({"id": 0, "deviceId": 0, "enrolmentId": 0, "policyId": 0, "status": false, "attempts": 0, "completePolicy": false})
}

fn applied(call: &Call<'_>, kind: String, id: String) -> Answer {
    let Some(device) = call.store.device(&DeviceId { id, kind }) else { return mapped_error(FAILED) };
    match &device.delivered {
        Some(d) => Answer::json(200, &render::policy(call.store, call.options, &d.policy, &d.profile)),
        None => Answer::empty(call.options.no_body_status),
    }
}
