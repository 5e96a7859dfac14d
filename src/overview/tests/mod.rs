#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod hostile;
mod shown;
mod sources;
mod standing;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{BackendGlance, Cluster, Overview, PolicyGlance, Seen};
use crate::{
    api::{PolicyAssignmentSpec, SystemName},
    model::{BackendId, BackendKind, ObjectName},
};

fn now() -> Timestamp {
    "2026-11-29T12:00:00Z".parse().unwrap()
}

/// A condition since 11:30, of generation 1.
fn condition(type_: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({"type": type_, "status": status, "reason": reason, "message": message, "observedGeneration": 1,
        "lastTransitionTime": "2026-11-29T11:30:00Z"})
}

fn seen<S, T: serde::de::DeserializeOwned>(spec: S, status: &Value) -> Seen<S, T> {
    let status = serde_json::from_value(status.clone()).unwrap();
    Seen {
        uid: crate::model::Uid("u".into()),
        generation: 1,
        deleting: None,
        spec: Ok(spec),
        status: Some(status),
    }
}

/// Assignments by name, each with its status; all of Policy `pin` on Backend `emm` for the role `sales`.
fn cluster(assignments: &[(&str, Value)]) -> Cluster {
    let spec: PolicyAssignmentSpec = serde_json::from_value(json!({
        "policyRef": {"name": "pin"}, "backendRef": {"name": "emm"},
        "targets": {"include": [{"wso2": {"roles": ["sales"]}}]},
    }))
    .unwrap();
    let mut cluster = Cluster::default();
    for (name, status) in assignments {
        cluster.assignments.insert(ObjectName::new("mobile", *name), seen(spec.clone(), status));
    }
    let glance = PolicyGlance { display_name: Some("PIN".into()) };
    let status = json!({"observedGeneration": 1, "conditions": [condition("Ready", "True", "Valid", "")]});
    cluster.policies.insert(ObjectName::new("mobile", "pin"), seen(glance, &status));
    cluster
}

fn emm() -> BackendId {
    BackendId { kind: BackendKind::Backend, namespace: "mobile".into(), name: "emm".into() }
}

fn with_backend(mut cluster: Cluster, conditions: Value) -> Cluster {
    let status = json!({"observedGeneration": 1, "conditions": conditions,
        "account": {"system": "wso2", "api": "DeviceMgtV1", "version": "3.3", "tenant": "-1234"},
        "objects": {"managed": 12, "drifted": 1, "pending": 0, "orphaned": 0}});
    cluster.backends.insert(emm(), seen(BackendGlance { system: SystemName::Wso2 }, &status));
    cluster
}

fn overview(cluster: &Cluster) -> Overview {
    Overview::of(cluster, now())
}

fn in_force() -> Value {
    json!({"observedGeneration": 1, "policyGeneration": 1, "mode": "Apply", "releasePolicy": "Delete",
        "conditions": [condition("Ready", "True", "InStep", ""), condition("InSync", "True", "InStep", "")],
        "targets": {"desired": 1, "accepted": 1},
        "objects": [{"key": "android/roles", "id": "7", "name": "PIN", "active": true,
            "modifiedAt": "2026-11-29", "modifiedBy": "ordain"}]})
}
