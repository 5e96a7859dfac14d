//! Customers and their groups (sections 4.5 and 4.6).

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    answer::{Answer, Failure},
    estate::{Customer, Group},
    inner::{Call, Inner},
    names::{CustomerId, guid},
    options::{DuplicateGroup, ExpiredInLists},
    query::{Scope, wrong},
};

/// The vendor's internal id of a customer, to be ignored.
pub fn eid(id: &CustomerId) -> String {
    guid(&format!("eid {id}")).to_ascii_uppercase()
}

/// GET `/customers`: also the expired ones (9.5, rule 23).
///
/// # Errors
/// See [`super::query`].
pub fn customers(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let page = call.query.page(100)?;
    let scope = call.query.customers(10, inner.options.empty_cids)?;
    let keyword = call.query.get("q").unwrap_or_default().to_lowercase();
    let wanted = |id: &CustomerId, customer: &Customer| {
        let listed = match &scope {
            Scope::All => true,
            Scope::Listed(ids) => ids.contains(id),
        };
        listed && customer.name.to_lowercase().contains(&keyword)
    };
    let all = inner.estate.customers.iter().filter(|(id, customer)| wanted(id, customer));
    let records: Vec<Value> = all.map(|(id, customer)| record(id, customer)).collect();
    let (customers, paging) = inner.page(call, records, page);
    Ok(Answer::Json(json!({"customers": customers, "paging": paging})))
}

fn record(id: &CustomerId, customer: &Customer) -> Value {
    json!({
        "id": id,
        "eid": eid(id),
        "name": customer.name,
        "time_zone": customer.time_zone,
        "seat_count": customer.seat_count,
        "expire": customer.expire.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "license_type": customer.license_type.to_string(),
        "license_period": 12,
        "auto_renewal": 1,
        "sp_subscription": "monthly EMEA",
    })
}

/// The customers of a list call: those named, or all that can be read.
///
/// # Errors
/// 400 for a bad `cids`; 403, 404 for a named customer.
pub fn listed(inner: &Inner, call: &Call, max: usize) -> Result<Vec<CustomerId>, Failure> {
    match call.query.customers(max, inner.options.empty_cids)? {
        Scope::All => {
            Ok(inner.estate.customers.keys().filter(|id| is_listed(inner, call, id)).cloned().collect())
        }
        Scope::Listed(ids) => {
            for id in &ids {
                inner.estate.reachable(id, call.now, &inner.options)?;
            }
            Ok(ids)
        }
    }
}

fn is_listed(inner: &Inner, call: &Call, id: &CustomerId) -> bool {
    match inner.estate.reachable(id, call.now, &inner.options) {
        Ok(_) => true,
        Err(failure) => {
            failure.code == "CustomerExpired" && inner.options.expired_in_lists == ExpiredInLists::Present
        }
    }
}

/// GET `/customers/groups`; a record is a customer with all its groups.
///
/// # Errors
/// See [`super::query`]; 403, 404 for a named customer.
pub fn groups(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let page = call.query.page(100)?;
    let ids = listed(inner, call, 10)?;
    let (ids, paging) = inner.page(call, ids, page);
    let customers: Vec<Value> = ids
        .iter()
        .filter_map(|id| {
            let customer = inner.estate.customers.get(id)?;
            let visible = customer.groups.iter().filter(|(_, group)| group.visible_from <= call.elapsed);
            let groups: Vec<Value> = visible.map(|(gid, group)| group_record(*gid, group)).collect();
            Some(json!({"id": id, "eid": eid(id), "groups": groups}))
        })
        .collect();
    Ok(Answer::Json(json!({"customers": customers, "paging": paging})))
}

fn group_record(gid: u32, group: &Group) -> Value {
    json!({"id": gid, "name": group.name, "type": group.kind})
}

/// POST `/groups`: one new group in each customer, each with its own gid.
///
/// # Errors
/// 400 without `cids` or `name`, and for a name that exists where that is refused; 403, 404 for customers.
pub fn create_group(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let ids = call.query.required_customers(10)?;
    let name = call
        .query
        .get("name")
        .filter(|name| !name.trim().is_empty())
        .ok_or_else(|| wrong("name", "is required"))?;
    for id in &ids {
        let customer = inner.estate.reachable(id, call.now, &inner.options)?;
        if inner.options.duplicate_group == DuplicateGroup::Reject && gid_named(customer, name).is_some() {
            return Err(Failure::bad("DuplicateGroup", format!("customer {id} has a group {name:?}")));
        }
    }
    let visible_from = match inner.options.new_group_visible_after_ms {
        0 => Duration::ZERO,
        ms => call.elapsed + Duration::from_millis(ms),
    };
    let mut created = Vec::new();
    for id in ids {
        let Some(customer) = inner.estate.customers.get_mut(&id) else { continue };
        let existing = match inner.options.duplicate_group {
            DuplicateGroup::ReturnExisting => gid_named(customer, name),
            DuplicateGroup::Create | DuplicateGroup::Reject => None,
        };
        let gid =
            existing.unwrap_or_else(|| customer.create_group(name, inner.options.new_group, visible_from));
        created.push(json!({"gid": gid, "id": id}));
    }
    Ok(Answer::Json(json!({"customers": created})))
}

fn gid_named(customer: &Customer, name: &str) -> Option<u32> {
    customer.groups.iter().find(|(_, group)| group.name == name).map(|(gid, _)| *gid)
}
