//! A service provider's cluster: many assignments, a policy per namespace, one backend for all of them.

use serde_json::{Value, json};

/// Namespaces, each with a policy of its own.
pub const NAMESPACES: usize = 200;

/// As `kubectl apply --server-side` and the operator's status leave it on a real API server.
pub fn assignment(i: usize) -> Value {
    let guid = |k: usize| format!("{:08X}-5118-4D79-8221-A35D0DE2{:04X}", i * 31 + k, k);
    let customers: Vec<_> =
        (0..3).map(|k| json!({"id": guid(k), "groups": [{"name": "Servers"}, {"id": "2"}]})).collect();
    json!({
        "apiVersion": "ordain.dev/v1alpha1", "kind": "PolicyAssignment",
        "metadata": {
            "name": format!("customer-{i:05}-laptops"), "namespace": namespace(i),
            "uid": format!("{i:08x}-0000-4000-8000-000000000000"), "resourceVersion": i.to_string(), "generation": 1,
            "creationTimestamp": "2026-03-01T00:00:00Z", "finalizers": ["ordain.dev/release"],
            "labels": {"app.kubernetes.io/managed-by": "argocd"}, "managedFields": managed_fields(),
        },
        "spec": {
            "policyRef": {"name": "laptop-baseline"}, "backendRef": {"kind": "ClusterBackend", "name": "trend"},
            "targets": {"include": [{"wfbss": {"customers": customers}}]}, "priority": 10, "releasePolicy": "Orphan",
        },
        "status": status(),
    })
}

/// The namespace of the `i`th assignment.
pub fn namespace(i: usize) -> String {
    format!("tenant-{:03}", i % NAMESPACES)
}

/// As a real API server keeps them for `kubectl apply`, the operator's finalizer and its status.
fn managed_fields() -> Value {
    let leaves = |names: &[&str]| {
        let leaf = |name: &&str| (format!("f:{name}"), json!({}));
        let mut leaves: serde_json::Map<String, Value> = names.iter().map(leaf).collect();
        leaves.insert(".".into(), json!({}));
        Value::Object(leaves)
    };
    let owned = leaves(&["lastTransitionTime", "message", "observedGeneration", "reason", "status", "type"]);
    let entry = |manager: &str, operation: &str, subresource: Option<&str>, fields: Value| {
        let mut entry = json!({
            "manager": manager, "operation": operation, "apiVersion": "ordain.dev/v1alpha1",
            "time": "2026-03-01T00:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": fields,
        });
        if let Some(subresource) = subresource {
            entry["subresource"] = subresource.into();
        }
        entry
    };
    let spec = json!({
        "f:policyRef": leaves(&["name"]), "f:backendRef": leaves(&["kind", "name"]), "f:priority": {},
        "f:releasePolicy": {}, "f:targets": leaves(&["include"]),
    });
    let counts = leaves(&["accepted", "desired", "failed", "foreign", "pending", "unknown"]);
    json!([
        entry(
            "kubectl",
            "Apply",
            None,
            json!({"f:metadata": {"f:labels": leaves(&["app.kubernetes.io/managed-by"])}, "f:spec": spec})
        ),
        entry(
            "ordain",
            "Update",
            None,
            json!({"f:metadata": {"f:finalizers": {".": {}, "v:\"ordain.dev/release\"": {}}}})
        ),
        entry(
            "ordain",
            "Update",
            Some("status"),
            json!({"f:status": {
                "f:conditions": {
                    "k:{\"type\":\"Accepted\"}": owned, "k:{\"type\":\"InSync\"}": owned,
                    "k:{\"type\":\"Ready\"}": owned, "k:{\"type\":\"TargetsResolved\"}": owned,
                },
                "f:mode": {}, "f:observedGeneration": {}, "f:observedSources": {}, "f:policyGeneration": {}, "f:releasePolicy": {}, "f:targets": counts,
            }})
        ),
    ])
}

fn status() -> Value {
    let condition = |kind: &str, reason: &str| {
        json!({
            "type": kind, "status": "True", "reason": reason, "message": "the system holds what this generation says",
            "observedGeneration": 1, "lastTransitionTime": "2026-03-01T00:00:00Z",
        })
    };
    json!({
        "observedGeneration": 1, "policyGeneration": 1, "observedSources": "0123456789abcdef",
        "conditions": [
            condition("TargetsResolved", "Resolved"), condition("Accepted", "Accepted"),
            condition("InSync", "InStep"), condition("Ready", "InStep"),
        ],
        "targets": {"desired": 6, "accepted": 6, "pending": 0, "failed": 0, "unknown": 0, "foreign": 0},
    })
}

/// The policy of a namespace.
pub fn policy(namespace: &str) -> Value {
    let documents = json!([{"os": "win", "settings": {"behavior_monitoring": {"enabled": true}}}]);
    json!({
        "apiVersion": "ordain.dev/v1alpha1", "kind": "Policy", "metadata": meta("laptop-baseline", namespace.into()),
        "spec": {"content": {"wfbss": {"documents": documents}}},
    })
}

/// The backend every namespace may use.
pub fn backend() -> Value {
    let everywhere =
        json!({"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "Exists"}]});
    json!({
        "apiVersion": "ordain.dev/v1alpha1", "kind": "ClusterBackend", "metadata": meta("trend", json!(null)),
        "spec": {
            "system": {"wfbss": {"url": "https://cspi.example.com", "credentialsRef": {"name": "trend"}}},
            "access": [{
                "name": "all", "namespaces": {"selector": everywhere}, "targets": {"all": true},
                "priority": {"min": 0, "max": 99},
            }],
        },
    })
}

fn meta(name: &str, namespace: Value) -> Value {
    let uid = format!("{namespace}{name}");
    json!({"name": name, "namespace": namespace, "uid": uid, "resourceVersion": "1", "generation": 1})
}
