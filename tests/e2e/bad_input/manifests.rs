//! What users write, as JSON.

use serde_json::{Value, json};

use crate::support::Installation;

/// An object of ours.
pub fn object(kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "ordain.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

/// A Secret; its data as text.
pub fn secret(name: &str, labels: &Value, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "labels": labels}, "stringData": data})
}

/// A Secret with credentials.
pub fn credentials(name: &str, data: &Value) -> Value {
    secret(name, &json!({"ordain.dev/use": "credentials"}), data)
}

/// A Backend of WSO2.
pub fn wso2_backend(name: &str, url: &str, secret: &str) -> Value {
    let wso2 = json!({"api": "DeviceMgtV1", "url": url, "credentialsRef": {"name": secret},
        "deploy": {"mode": "Automatic", "foreignChanges": "Hold"}});
    object("Backend", name, &json!({"system": {"wso2": wso2}}))
}

/// One of the sandbox's Backends under another name, with what differs in its system.
pub fn backend_like(installation: &Installation, system: &str, name: &str, differs: &Value) -> Value {
    let known = installation.get("backend", &system.to_lowercase()).unwrap();
    let mut settings = known["spec"]["system"][system].clone();
    settings.as_object_mut().unwrap().extend(differs.as_object().unwrap().clone());
    object("Backend", name, &json!({"system": {system: settings}}))
}

/// A Policy with one WSO2 feature.
pub fn policy(name: &str, platform: &str, feature: &Value) -> Value {
    let profiles = json!([{"platform": platform, "features": [feature]}]);
    object("Policy", name, &json!({"content": {"wso2": {"profiles": profiles}}}))
}

/// A Policy with that content, by the system's name.
pub fn policy_of(name: &str, display: &str, content: &Value) -> Value {
    object("Policy", name, &json!({"displayName": display, "content": content}))
}

/// Content that switches the camera off, and would be fine.
pub fn camera() -> Value {
    let feature = json!({"code": "CAMERA", "content": {"enabled": false}});
    json!({"wso2": {"profiles": [{"platform": "android", "features": [feature]}]}})
}

/// Content of one rule.
pub fn rule(name: &str) -> Value {
    json!({"tachyon": {"rules": [{"name": name}]}})
}

/// Content of one dictionary.
pub fn dictionary(name: &str) -> Value {
    json!({"symphony": {"type": "Block", "contentTypes": ["Messages"], "scopes": ["External"],
        "dictionaries": [{"name": name}]}})
}

/// Content without constraints.
pub fn rows() -> Value {
    json!({"appShield": {"constraints": [
        {"AppField": "Sales.Region", "Operator": "in", "Value": "DE", "Join": "AND"}]}})
}

/// An assignment to one selection.
pub fn assignment(name: &str, policy: &str, backend: &str, include: &Value) -> Value {
    let spec = json!({"policyRef": {"name": policy}, "backendRef": {"name": backend},
        "targets": {"include": [include]}});
    object("PolicyAssignment", name, &spec)
}

/// An assignment to a system without targets.
pub fn assignment_of_all(name: &str, policy: &str, backend: &str) -> Value {
    let spec = json!({"policyRef": {"name": policy}, "backendRef": {"name": backend}});
    object("PolicyAssignment", name, &spec)
}

/// Roles of WSO2.
pub fn roles(names: &[&str]) -> Value {
    json!({"wso2": {"roles": names}})
}

/// A group of a customer, by their names.
pub fn customer(name: &str, group: &str) -> Value {
    json!({"wfbss": {"customers": [{"name": name, "groups": [{"name": group}]}]}})
}

/// A management group.
pub fn management_group(name: &str) -> Value {
    json!({"tachyon": {"managementGroups": [{"name": name}]}})
}

/// Groups or users of App Shield.
pub fn people(dimension: &str, name: &str) -> Value {
    json!({"appShield": {dimension: [{"name": name}]}})
}

/// Content that switches behavior monitoring on.
pub fn scanner() -> Value {
    json!({"wfbss": {"documents": [{"os": "win", "settings": {"behavior_monitoring": {"enabled": true}}}]}})
}
