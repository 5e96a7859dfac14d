//! Pure parts of a plan: what is read, what it is laid over, how it is told.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod laying_over;
mod reading;
mod telling;

use serde_json::{Value, json};

use super::manifest::{Manifest, Source, read};

/// A manifest of the team's.
fn manifest(kind: &str, name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "ordain.dev/v1alpha1", "kind": kind, "spec": spec,
        "metadata": {"name": name, "namespace": "team"},
    })
}

fn policy(level: u8) -> Value {
    let settings = json!({"wtp": {"level": level}});
    json!({"content": {"wfbss": {"documents": [{"os": "win", "settings": settings}]}}})
}

fn assignment(policy: &str) -> Value {
    let customer = json!({"name": "Alder Clinic", "allGroups": true});
    json!({
        "policyRef": {"name": policy}, "backendRef": {"name": "wfbss"},
        "targets": {"include": [{"wfbss": {"customers": [customer]}}]},
    })
}

fn source(text: &str) -> Vec<Source> {
    vec![Source { name: "a.yaml".into(), text: text.into() }]
}

fn parsed(objects: &[Value]) -> Vec<Manifest> {
    let texts: Vec<String> = objects.iter().map(ToString::to_string).collect();
    read(&source(&texts.join("\n---\n")), "other").unwrap().objects
}
