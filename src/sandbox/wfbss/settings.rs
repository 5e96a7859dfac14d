//! `/global_settings` (section 6).

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    admit::admit,
    answer::{Answer, Failure},
    directory,
    inner::{Call, Inner},
    names::{CustomerId, GLOBAL},
    policies::{check_within, fields, is_sync, steps, targets},
    present, seed,
    write::{Step, Subject, Write},
};

/// GET `/global_settings`.
///
/// # Errors
/// See [`super::query`]; 403, 404 for customers.
pub fn read(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    show(inner, call, false)
}

/// GET `/global_settings/default`.
///
/// # Errors
/// See [`super::query`]; 403, 404 for customers.
pub fn defaults(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    show(inner, call, true)
}

fn show(inner: &Inner, call: &Call, defaults: bool) -> Result<Answer, Failure> {
    let fields = fields(call, Some(&GLOBAL), &inner.options)?;
    let mut customers = Vec::new();
    for id in call.query.required_customers(10)? {
        let customer = inner.estate.reachable(&id, call.now, &inner.options)?;
        let settings = if defaults { seed::global() } else { customer.global.clone() };
        let wanted = |name: &str| fields.as_ref().is_none_or(|fields| fields.contains(name));
        let shown = present::document(&settings, wanted, &inner.options);
        customers.push(json!({"id": id, "eid": directory::eid(&id), "global_setting": shown}));
    }
    Ok(Answer::Json(json!({"customers": customers})))
}

#[derive(Deserialize)]
struct Body {
    global_setting: Option<Map<String, Value>>,
    replicate_from: Option<Source>,
}

#[derive(Deserialize)]
struct Source {
    cid: CustomerId,
}

/// PUT `/global_settings`. Without `cids` it hits every customer.
///
/// # Errors
/// As PUT `/policies`.
pub fn write(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let (customers, scoped) = targets(inner, call)?;
    let body: Body = serde_json::from_slice(&call.body)
        .map_err(|error| Failure::bad("InvalidBody", format!("the body: {error}")))?;
    let patch = match &body.global_setting {
        Some(settings) => Some(admit(settings, &seed::global(), Some(&GLOBAL), &inner.options)?),
        None => None,
    };
    if let Some(from) = &body.replicate_from {
        inner.estate.reachable(&from.cid, call.now, &inner.options)?;
        check_within(&from.cid, &customers, &inner.options)?;
    }
    let copy = body.replicate_from.map(|from| Step::Copy(from.cid, None));
    let steps = steps(patch, copy, &inner.options)?;
    inner.unscoped_writes += u64::from(!scoped);
    let sync = is_sync(inner, call)?;
    inner.take(call, Write { customers, subject: Subject::Settings, steps }, sync)
}
