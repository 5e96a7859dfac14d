//! What the double holds, for assertions: `customers/<GUID>/groups/<gid>/policies/<os>`.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{estate::Customer, inner::Inner, names::Os};

/// Everything but the secret key. Documents are shown as stored, passwords included.
pub fn show(inner: &Inner, now: Timestamp, elapsed: Duration) -> Value {
    let customers: Map<String, Value> = inner
        .estate
        .customers
        .iter()
        .map(|(id, customer)| (id.to_string(), show_customer(customer, now)))
        .collect();
    json!({
        "options": inner.options,
        "unscopedWrites": inner.unscoped_writes,
        "ungroupedWrites": inner.ungrouped_writes,
        "customers": customers,
        "tasks": inner.tasks.state(elapsed),
    })
}

fn show_customer(customer: &Customer, now: Timestamp) -> Value {
    let mut groups = Map::new();
    for (gid, group) in &customer.groups {
        let documents = Os::ALL
            .into_iter()
            .filter_map(|os| Some((os.name().to_owned(), Value::clone(customer.document(*gid, os)?))));
        let policies: Map<String, Value> = documents.collect();
        groups.insert(gid.to_string(), json!({"name": group.name, "type": group.kind, "policies": policies}));
    }
    let shared: Vec<Value> = Os::ALL
        .into_iter()
        .flat_map(|os| customer.documents(os).into_iter().map(move |(gids, _)| (os, gids)))
        .filter(|(_, gids)| gids.len() > 1)
        .map(|(os, gids)| json!({"os": os, "groups": gids}))
        .collect();
    json!({
        "name": customer.name,
        "expire": customer.expire,
        "expired": customer.expire <= now,
        "forbidden": customer.forbidden,
        "initialized": customer.initialized,
        "groups": groups,
        "sharedDocuments": shared,
        "globalSettings": *customer.global,
        "computers": customer.computers.len(),
    })
}
