//! WFBSS: documents that exist anyway. What is ours of one are the leaves that say something else than they did before
//! anybody came; since everything is assigned with Restore, a deletion leaves none.

use std::sync::OnceLock;

use super::*;

const CUSTOMER: &str = "640FE47F-5118-4D79-8221-A35D0DE2EE2C";

/// The leaves that the editions of the policy name.
const LEAVES: [&str; 2] = ["/wtp/level", "/behavior_monitoring/enabled"];

pub fn subject() -> Subject {
    Subject {
        title: "wfbss",
        name: "wfbss",
        rig: systems::wfbss,
        policy: |edition| {
            let settings = match edition {
                1 => json!({"wtp": {"level": 3}}),
                _ => json!({"wtp": {"level": 2}, "behavior_monitoring": {"enabled": 0}}),
            };
            json!({"content": {"wfbss": {"documents": [{"os": "win", "settings": settings}]}}})
        },
        targets: |which| {
            let group = if which == 1 { "Server (Default)" } else { "Laptops" };
            let customer = json!({"id": CUSTOMER, "groups": [{"name": group}]});
            json!({"targets": {"include": [{"wfbss": {"customers": [customer]}}]}, "releasePolicy": "Restore"})
        },
        ours: |rig| {
            changed(rig).into_iter().map(|(at, leaves)| json!({"at": at, "leaves": leaves})).collect()
        },
        others: |rig| {
            // Whose leaves these are is compared as ours.
            let mut customers = rig.state("wfbss")["customers"].clone();
            for (at, _) in changed(rig) {
                for leaf in LEAVES.map(|leaf| format!("{at}{leaf}")) {
                    *customers.pointer_mut(&leaf).unwrap() = former().pointer(&leaf).unwrap().clone();
                }
            }
            customers
        },
        says: |ours, edition| {
            let leaves = &ours["leaves"];
            leaves[0] == json!(if edition == 1 { 3 } else { 2 }) && (edition == 1 || leaves[1] == 0)
        },
        reaches: |ours| ours["at"].clone(),
        by_hand: |rig| {
            let edit = json!({"customer": CUSTOMER, "group": "Server (Default)", "os": "win",
                "path": "/wtp/level", "value": 2});
            rig.by_hand("wfbss", json!({"set": edit}));
        },
        made_by_hand: None,
        gives: |_| {},
        removes: |_, _| {},
        author: "",
        is_effect: |call| !call.starts_with("GET"),
        // Nobody logs in: each call is signed, so each one shows the credentials.
        is_login: |_| true,
        wrong_key: ("secretKey", "wrong"),
        keyed_by_policy: false,
        has_targets: true,
        tells_ids: true,
        deploys: None,
        faults: || Faults {
            at_every_call: vec![json!({"kind": "revokeSession", "times": 1})],
            once: [
                super::anomalies(&["repeat", "empty", "short", "totalLow", "totalHigh"]),
                vec![
                    json!({"kind": "partialWrite", "reach": 0, "times": 1}),
                    json!({"kind": "partialWrite", "reach": 0, "status": 500, "times": 1}),
                    json!({"kind": "partialWrite", "reach": 1, "status": 500, "times": 1}),
                ],
            ]
            .concat(),
        },
    }
}

/// All customers as the double begins with them.
fn former() -> &'static Value {
    static FORMER: OnceLock<Value> = OnceLock::new();
    FORMER.get_or_init(|| systems::wfbss().state("wfbss")["customers"].clone())
}

/// The documents whose leaves are not as they were: the pointer to each below the customers, and its leaves.
fn changed(rig: &Rig) -> Vec<(String, Vec<Value>)> {
    let customers = &rig.state("wfbss")["customers"];
    let mut found = Vec::new();
    for (customer, whole) in customers.as_object().unwrap() {
        for group in whole["groups"].as_object().unwrap().keys() {
            let at = format!("/{customer}/groups/{group}/policies/win");
            let stands = leaves(customers, &at);
            if stands != leaves(former(), &at) {
                found.push((at, stands));
            }
        }
    }
    found
}

fn leaves(customers: &Value, at: &str) -> Vec<Value> {
    LEAVES.iter().map(|leaf| customers.pointer(&format!("{at}{leaf}")).cloned().unwrap_or_default()).collect()
}
