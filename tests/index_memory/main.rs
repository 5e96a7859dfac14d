//! How much memory ten thousand assignments take. In a process of its own, so that nothing else counts.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use ordain::index::{Index, Object, Scope};
use serde_json::{Value, json};

const COUNT: usize = 10_000;
/// What product and design allow per assignment of 2.6 kB.
const LIMIT: usize = 2_000;

/// Resident memory in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// As `kubectl apply --server-side` and the operator's status leave it: 2.6 kB on the wire.
fn assignment(i: usize) -> Value {
    let guid = |k: usize| format!("{:08X}-5118-4D79-8221-A35D0DE2{:04X}", i * 31 + k, k);
    let customers: Vec<_> =
        (0..3).map(|k| json!({"id": guid(k), "groups": [{"name": "Servers"}, {"id": "2"}]})).collect();
    let condition = |kind: &str, reason: &str| {
        json!({
            "type": kind, "status": "True", "reason": reason, "message": "the system holds what this generation says",
            "observedGeneration": 1, "lastTransitionTime": "2026-03-01T00:00:00Z",
        })
    };
    let owned = json!({".": {}, "f:status": {}, "f:reason": {}, "f:message": {}, "f:lastTransitionTime": {}});
    json!({
        "apiVersion": "ordain.dev/v1alpha1", "kind": "PolicyAssignment",
        "metadata": {
            "name": format!("customer-{i:05}-laptops"), "namespace": format!("tenant-{:03}", i % 200),
            "uid": format!("{i:08x}-0000-4000-8000-000000000000"), "resourceVersion": i.to_string(), "generation": 1,
            "creationTimestamp": "2026-03-01T00:00:00Z", "finalizers": ["ordain.dev/release"],
            "labels": {"app.kubernetes.io/managed-by": "argocd"},
            "managedFields": [{
                "manager": "kubectl", "operation": "Apply", "apiVersion": "ordain.dev/v1alpha1",
                "time": "2026-03-01T00:00:00Z", "fieldsType": "FieldsV1",
                "fieldsV1": {"f:spec": {"f:policyRef": {}, "f:backendRef": {}, "f:targets": {"f:include": {}}}},
            }, {
                "manager": "ordain", "operation": "Apply", "subresource": "status",
                "apiVersion": "ordain.dev/v1alpha1", "time": "2026-03-01T00:00:00Z", "fieldsType": "FieldsV1",
                "fieldsV1": {"f:status": {"f:conditions": {
                    "k:{\"type\":\"Accepted\"}": owned, "k:{\"type\":\"InSync\"}": owned,
                    "k:{\"type\":\"Ready\"}": owned, "k:{\"type\":\"TargetsResolved\"}": owned,
                }, "f:targets": {}}},
            }],
        },
        "spec": {
            "policyRef": {"name": "laptop-baseline"}, "backendRef": {"kind": "ClusterBackend", "name": "trend"},
            "targets": {"include": [{"wfbss": {"customers": customers}}]}, "priority": 10, "releasePolicy": "Orphan",
        },
        "status": {
            "observedGeneration": 1, "policyGeneration": 1,
            "conditions": [
                condition("TargetsResolved", "Resolved"), condition("Accepted", "Accepted"),
                condition("InSync", "InStep"), condition("Ready", "InStep"),
            ],
            "targets": {"desired": 6, "accepted": 6, "pending": 0, "failed": 0, "unknown": 0, "foreign": 0},
        },
    })
}

fn apply(index: &mut Index, i: usize) {
    let object = assignment(i);
    index.apply(Object::Assignment(serde_json::from_value(object).unwrap()));
}

fn others(index: &mut Index) {
    let meta = |name: &str, namespace: Value| json!({"name": name, "namespace": namespace, "uid": format!("{namespace}{name}"), "resourceVersion": "1", "generation": 1});
    for i in 0..200 {
        let namespace = format!("tenant-{i:03}");
        let documents = json!([{"os": "win", "settings": {"behavior_monitoring": {"enabled": true}}}]);
        let policy = json!({
            "apiVersion": "ordain.dev/v1alpha1", "kind": "Policy", "metadata": meta("laptop-baseline", namespace.into()),
            "spec": {"content": {"wfbss": {"documents": documents}}},
        });
        index.apply(Object::Policy(serde_json::from_value(policy).unwrap()));
    }
    let everywhere =
        json!({"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "Exists"}]});
    let backend = json!({
        "apiVersion": "ordain.dev/v1alpha1", "kind": "ClusterBackend", "metadata": meta("trend", json!(null)),
        "spec": {
            "system": {"wfbss": {"url": "https://cspi.example.com", "credentialsRef": {"name": "trend"}}},
            "access": [{
                "name": "all", "namespaces": {"selector": everywhere}, "targets": {"all": true},
                "priority": {"min": 0, "max": 99},
            }],
        },
    });
    index.apply(Object::ClusterBackend(serde_json::from_value(backend).unwrap()));
    for i in 0..200 {
        let namespace = json!({"name": format!("tenant-{i:03}")});
        index.apply(Object::Namespace(serde_json::from_value(namespace).unwrap()));
    }
}

#[test]
fn ten_thousand_assignments_fit_into_twenty_megabytes() {
    let wire = assignment(7).to_string().len();
    assert!((2_400..2_800).contains(&wire), "the assignment measured has {wire} bytes");
    let mut index = Index::new(Scope::All);
    Scope::All.feeds().iter().for_each(|feed| index.begin(feed));
    others(&mut index);
    // The allocator and the code have their pages once a few have passed.
    (0..200).for_each(|i| apply(&mut index, i));
    let before = resident();
    (200..COUNT + 200).for_each(|i| apply(&mut index, i));
    Scope::All.feeds().iter().for_each(|feed| index.end(feed));
    let dirty = index.settle();
    let each = (resident() - before) / COUNT;
    let backend = dirty.appeared.first().expect("the backend");
    let desired = index.desired(backend).unwrap();
    assert_eq!(desired.assignments.len(), COUNT + 200);
    assert!(desired.assignments.values().all(|view| view.binding().is_some()), "all are bound");
    println!("{each} bytes of memory for each assignment of {wire} bytes");
    assert!(each <= LIMIT, "{each} bytes each, {LIMIT} are allowed");
}
