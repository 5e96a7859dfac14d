//! What one system has and no other: stories of Symphony, App Shield and Tachyon that the suite cannot tell.

mod app_shield;
mod symphony;
mod tachyon;

use ordain::{api::Reason, report::facts::Standing};
use serde_json::Value;

use crate::support::rig::Rig;

/// The policy of a double's state whose name begins so.
fn named(rig: &Rig, system: &str, name: &str) -> Option<Value> {
    let state = rig.state(system);
    let policies = state["policies"].as_object().unwrap();
    let is = |policy: &&Value| {
        policy["name"].as_str().is_some_and(|text| text.starts_with(name)) && policy["deleted"] != true
    };
    policies.values().find(is).cloned()
}

/// Why an assignment is not in step.
fn reason(rig: &Rig, name: &str) -> Option<Reason> {
    match rig.cluster.standing(name)? {
        Standing::Stalled(reason, _) | Standing::Working(reason, _) | Standing::Unresolved(reason, ..) => {
            Some(reason)
        }
        _ => None,
    }
}
