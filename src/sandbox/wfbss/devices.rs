//! Devices and the commands to them (section 4.7).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{
    answer::{Answer, Failure},
    directory::{eid, listed},
    estate::Computer,
    inner::{Call, Inner},
    names::CustomerId,
    policies::targets,
    query::wrong,
};

/// GET `/customers/computers`; a record is a device, so a customer may span pages.
///
/// # Errors
/// See [`super::query`]; 403, 404 for a named customer.
pub fn computers(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let page = call.query.page(100)?;
    let ids = listed(inner, call, 10)?;
    let computers =
        |id: &CustomerId| inner.estate.customers.get(id).map(|c| c.computers.clone()).unwrap_or_default();
    let all = ids.iter().flat_map(|id| computers(id).into_iter().map(move |computer| (id.clone(), computer)));
    let (slice, paging) = inner.page(call, all.collect(), page);
    let mut by_customer: BTreeMap<CustomerId, Vec<Value>> = BTreeMap::new();
    for (id, computer) in slice {
        by_customer.entry(id).or_default().push(summary(&computer));
    }
    let entry = |(id, computers): (CustomerId, Vec<Value>)| {
        let total = inner.estate.customers.get(&id).map_or(0, |customer| customer.computers.len());
        json!({"id": id, "eid": eid(&id), "total": total, "computers": computers})
    };
    let customers: Vec<Value> = by_customer.into_iter().map(entry).collect();
    Ok(Answer::Json(json!({"customers": customers, "paging": paging})))
}

fn summary(computer: &Computer) -> Value {
    let Computer { id, gid, name, kind } = computer;
    // The octets are reversed, as in the vendor's sample.
    json!({"cid": id, "gid": gid, "name": name, "type": kind, "ipaddr": "97.0.168.192"})
}

const FIELDS: [&str; 22] = [
    "aa",
    "ip_addr",
    "platform",
    "arch",
    "components",
    "version",
    "scan_mode",
    "ss_service",
    "pop3_scan",
    "virus_detected",
    "spyware_detected",
    "spam_detected",
    "urlfilter_violated",
    "type",
    "status",
    "phone_number",
    "mac_addr",
    "last_connect_time",
    "sched_start_time",
    "sched_complete_time",
    "manual_start_time",
    "manual_complete_time",
];

/// GET `/components`; device ids that are not there are silently passed over.
///
/// # Errors
/// 400 for other than one customer, for 100 device ids and more, and for unknown fields.
pub fn components(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let [id] = <[CustomerId; 1]>::try_from(call.query.required_customers(10)?)
        .map_err(|_| wrong("cids", "has several customers, wanted is one"))?;
    let page = call.query.page(100)?;
    let fields = call.query.fields();
    if let Some(name) = fields.iter().flatten().find(|name| !FIELDS.contains(&name.as_str())) {
        return Err(wrong("fields", &format!("has {name:?}, allowed are {}", FIELDS.join(", "))));
    }
    let wanted: Option<BTreeSet<&str>> = call.query.get("ccids").map(|list| list.split(',').collect());
    if wanted.as_ref().is_some_and(|wanted| wanted.len() >= 100) {
        return Err(wrong("ccids", "has 100 devices or more"));
    }
    let customer = inner.estate.reachable(&id, call.now, &inner.options)?;
    let is_wanted =
        |computer: &&Computer| wanted.as_ref().is_none_or(|wanted| wanted.contains(computer.id.as_str()));
    let last = call.now.as_second() - 600;
    let records: Vec<Value> = customer
        .computers
        .iter()
        .filter(is_wanted)
        .map(|computer| details(computer, fields.as_ref(), last))
        .collect();
    let (computers, paging) = inner.page(call, records, page);
    let customer = json!({"id": id, "eid": eid(&id), "computers": computers});
    Ok(Answer::Json(json!({"customers": [customer], "paging": paging})))
}

fn details(computer: &Computer, fields: Option<&BTreeSet<String>>, last_connect_time: i64) -> Value {
    let known = json!({
        "type": computer.kind,
        "status": 1,
        "platform": if computer.kind == 2 { "Windows Server 2022" } else { "Windows 11" },
        "arch": "x64",
        "ip_addr": "192.168.0.97",
        "version": "6.7.3954",
        "scan_mode": 1,
        "virus_detected": 0,
        "spyware_detected": 0,
        "last_connect_time": last_connect_time,
    });
    let mut shown: Map<String, Value> = known.as_object().cloned().unwrap_or_default();
    shown.retain(|name, _| fields.is_none_or(|fields| fields.contains(name)));
    shown.insert("cid".to_owned(), json!(computer.id));
    shown.insert("name".to_owned(), json!(computer.name));
    Value::Object(shown)
}

/// POST `/commands/update`: a task.
///
/// # Errors
/// As PUT `/policies`.
pub fn update(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    command(inner, call)
}

/// POST `/commands/scan`: a task.
///
/// # Errors
/// As PUT `/policies`, and 400 for another `type` than start and stop.
pub fn scan(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    match call.query.get("type") {
        Some("start" | "stop") => command(inner, call),
        _ => Err(wrong("type", "must be start or stop")),
    }
}

fn command(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    call.query.groups()?;
    let (_, scoped) = targets(inner, call)?;
    inner.unscoped_writes += u64::from(!scoped);
    Ok(inner.start_task(call, None))
}
