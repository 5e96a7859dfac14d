//! The service provider's cluster spread over many accounts, with something amiss in one of ten assignments.

use serde_json::{Value, json};

#[path = "../../tests/index_memory/manifests.rs"]
mod plain;

pub use plain::{NAMESPACES, namespace, policy};

/// Accounts that the assignments are spread over.
pub const ACCOUNTS: usize = 50;
/// When all of it happened.
const THEN: &str = "2026-03-01T00:00:00Z";
/// As long as the messages of the operator are.
const MESSAGE: &str = "12 removals are waiting and 0 were made within the window; guard.maxRemovals allows 10. Raise it, or \
    approve exactly these with the annotation ordain.dev/approve-removals";

/// The `i`th assignment: two objects in the system, and every tenth in some trouble.
pub fn assignment(i: usize) -> Value {
    let mut object = plain::assignment(i);
    object["spec"]["backendRef"]["name"] = account(i % ACCOUNTS).into();
    let held = |k: usize| {
        json!({"key": format!("{k}/Servers/win"), "id": format!("{i:08X}-5118-4D79-8221-{k:012}"), "name": format!("Customer {i} servers {k}"),
            "version": "3", "active": true, "modifiedAt": THEN, "modifiedBy": "console-operator"})
    };
    object["status"]["objects"] = json!([held(0), held(1)]);
    let (reason, abnormal) = match i % 50 {
        7 | 17 => ("HeldByGuard", "Reconciling"),
        27 => ("GroupNotFound", "Stalled"),
        37 => ("DriftDetected", "Reconciling"),
        47 => ("TaskPending", "Reconciling"),
        _ => return object,
    };
    object["status"]["conditions"][3] = condition("Ready", "False", reason);
    let conditions = object["status"]["conditions"].as_array_mut().expect("a list");
    conditions.push(condition(abnormal, "True", reason));
    let problem = |k: usize| json!({"target": format!("customer {i} / group {k}"), "reason": "GroupNotFound", "message": MESSAGE});
    object["status"]["problems"] = (0..3).map(problem).collect();
    object["status"]["plan"] = json!({"create": 0, "update": 2, "remove": 3, "summary": MESSAGE});
    object
}

/// The account that assignments of namespaces outside the cluster would use.
pub fn backend() -> Value {
    plain::backend()
}

/// The `k`th account, which holds removals back.
pub fn backend_of(k: usize) -> Value {
    let mut object = plain::backend();
    object["metadata"]["name"] = account(k).into();
    object["metadata"]["uid"] = format!("uid-{k}").into();
    object["status"] = json!({"observedGeneration": 1, "objects": {"managed": 400, "drifted": 1, "pending": 2, "orphaned": 0},
        "account": {"system": "wfbss", "api": "v2.8", "version": "6.7", "fingerprint": "f"},
        "conditions": [condition("Ready", "True", "Connected"), condition("Held", "True", "HeldByGuard")]});
    object
}

/// Name of the `k`th account.
pub fn account(k: usize) -> String {
    format!("trend-{k:02}")
}

fn condition(kind: &str, status: &str, reason: &str) -> Value {
    json!({"type": kind, "status": status, "reason": reason, "message": MESSAGE, "observedGeneration": 1,
        "lastTransitionTime": THEN})
}
