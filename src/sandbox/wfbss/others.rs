//! Calls a policy client has no need of, and the invented task query.
//!
//! Of most of them only the parameters are documented; the bodies here are believable inventions.

use serde_json::{Value, json};

use super::{
    answer::{Answer, Failure},
    directory::{eid, listed},
    estate::Customer,
    inner::{Call, Inner},
    names::{CustomerId, guid},
    options::UnknownTask,
    policies::{is_sync, targets},
    write::{Subject, Write},
};

fn per_customer(
    inner: &Inner,
    ids: &[CustomerId],
    show: impl Fn(&CustomerId, &Customer) -> Value,
) -> Vec<Value> {
    let entry = |id: &CustomerId| {
        let mut shown = show(id, inner.estate.customers.get(id)?);
        if let Value::Object(members) = &mut shown {
            members.insert("id".to_owned(), json!(id));
            members.insert("eid".to_owned(), json!(eid(id)));
        }
        Some(shown)
    };
    ids.iter().filter_map(entry).collect()
}

/// GET `/customers/livestatus`.
///
/// # Errors
/// See [`super::query`]; 403, 404 for a named customer.
pub fn live_status(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let page = call.query.page(25)?;
    let ids = listed(inner, call, 10)?;
    let (ids, paging) = inner.page(call, ids, page);
    let customers = per_customer(
        inner,
        &ids,
        |_, customer| json!({"events": [], "device_count": customer.computers.len()}),
    );
    Ok(Answer::Json(json!({"customers": customers, "paging": paging})))
}

/// GET `/notifications`; times are strings, as in the vendor's sample.
///
/// # Errors
/// See [`super::query`]; 403, 404 for a named customer.
pub fn notifications(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let page = call.query.page(25)?;
    let ids = listed(inner, call, 10)?;
    let (ids, paging) = inner.page(call, ids, page);
    let time = (call.now.as_second() - 3600).to_string();
    let customers = per_customer(
        inner,
        &ids,
        |_, _| json!({"notifications": [{"event_time": time, "event_id": 1, "level": 1}]}),
    );
    Ok(Answer::Json(json!({"customers": customers, "paging": paging})))
}

/// GET `/customers/usage`: up to 20 customers, not 10.
///
/// # Errors
/// See [`super::query`]; 403, 404 for customers.
pub fn usage(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let ids = call.query.required_customers(20)?;
    check(inner, call, &ids)?;
    let customers = per_customer(
        inner,
        &ids,
        |_, customer| json!({"seat_count": customer.seat_count, "seat_used": customer.computers.len()}),
    );
    Ok(Answer::Json(json!({"customers": customers})))
}

fn check(inner: &Inner, call: &Call, ids: &[CustomerId]) -> Result<(), Failure> {
    ids.iter().try_for_each(|id| inner.estate.reachable(id, call.now, &inner.options).map(|_| ()))
}

/// GET `/report`.
///
/// # Errors
/// See [`super::query`]; 403, 404 for customers.
pub fn report(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let ids = call.query.required_customers(10)?;
    check(inner, call, &ids)?;
    let customers =
        per_customer(inner, &ids, |_, _| json!({"reports": [{"rtid": 1, "name": "Weekly", "gids": [1, 2]}]}));
    Ok(Answer::Json(json!({"customers": customers})))
}

/// GET `/notif_settings/default`.
///
/// # Errors
/// See [`super::query`]; 403, 404 for customers.
pub fn notification_defaults(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let ids = call.query.required_customers(10)?;
    check(inner, call, &ids)?;
    let customers =
        per_customer(inner, &ids, |_, _| json!({"notif_setting": {"virus_detected": {"enabled": 1}}}));
    Ok(Answer::Json(json!({"customers": customers})))
}

/// PUT `/notif_settings`: accepted, but not kept.
///
/// # Errors
/// As PUT `/policies`.
pub fn write_notifications(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let (customers, scoped) = targets(inner, call)?;
    inner.unscoped_writes += u64::from(!scoped);
    let sync = is_sync(inner, call)?;
    inner.take(call, Write { customers, subject: Subject::Settings, steps: Vec::new() }, sync)
}

/// POST `/initialize`.
///
/// # Errors
/// See [`super::query`]; 404 for customers that are not there.
pub fn initialize(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    for id in call.query.required_customers(10)? {
        match inner.estate.customers.get_mut(&id) {
            Some(customer) => customer.initialized = true,
            None => {
                return Err(Failure::not_found("CustomerNotFound", format!("customer {id} does not exist")));
            }
        }
    }
    Ok(Answer::Json(json!({})))
}

/// GET `/domains`.
///
/// # Errors
/// See [`super::query`]; 403, 404 for customers.
pub fn domains(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let ids = call.query.required_customers(10)?;
    check(inner, call, &ids)?;
    let link = |id: &CustomerId| format!("https://wfbs-svc.example/download/{}", guid(&format!("link {id}")));
    let domains =
        per_customer(inner, &ids, |id, customer| json!({"name": customer.name, "magic_link": link(id)}));
    Ok(Answer::Json(json!({"domains": domains})))
}

/// GET `/tasks/{id}`: invented, and off unless `taskQuery` is on (section 5).
///
/// # Errors
/// 404 while it is off, and for unknown tasks where those are refused.
pub fn task(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let id = call.resource.strip_prefix("tasks/").unwrap_or_default();
    if !inner.options.task_query {
        return Err(Failure::not_found("UnknownResource", format!("{:?} does not exist", call.resource)));
    }
    let status = match (inner.tasks.status(id, call.elapsed), inner.options.unknown_task) {
        (Some(status), _) => status,
        (None, UnknownTask::Pending) => "PENDING",
        (None, UnknownTask::NotFound) => {
            return Err(Failure::not_found("TaskNotFound", format!("task {id:?} does not exist")));
        }
    };
    Ok(Answer::Json(json!({"task": {"id": id, "status": status}})))
}
