//! The audit log of the API server: what somebody asked of it.

use serde_json::Value;

use super::programs::path_of;

/// A request about an object or a kind of objects.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    /// `get`, `list`, `watch`, `patch`, …
    pub verb: String,
    /// API group; empty for the core.
    pub group: String,
    /// Resource, with its subresource.
    pub resource: String,
    /// Empty: of the cluster, or of all namespaces.
    pub namespace: String,
    /// Empty: all of them.
    pub name: String,
    /// Answered 403.
    pub forbidden: bool,
}

/// Everything a user asked until now.
pub fn asked(user: &str) -> Vec<Asked> {
    let log = std::fs::read_to_string(path_of("ORDAIN_AUDIT_LOG")).unwrap();
    // The last line may still be being written.
    let entries = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    entries.filter(|entry| entry["user"]["username"] == user).filter_map(|entry| request(&entry)).collect()
}

fn request(entry: &Value) -> Option<Asked> {
    let object = entry["objectRef"].as_object()?;
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let resource = match text("subresource") {
        sub if sub.is_empty() => text("resource"),
        sub => format!("{}/{sub}", text("resource")),
    };
    Some(Asked {
        verb: entry["verb"].as_str().unwrap_or_default().to_owned(),
        group: text("apiGroup"),
        resource,
        namespace: text("namespace"),
        name: text("name"),
        forbidden: entry["responseStatus"]["code"] == 403,
    })
}
