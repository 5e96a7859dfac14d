//! The status linter over everything a fake API server ever held.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    FakeApi,
    status_lint::{lint, transitions},
};

/// Lints every status that any object of a kind ever had, each as it was written, and the ways between them.
pub fn lint_history(api: &FakeApi, kind: &str) -> Vec<String> {
    let mut last: BTreeMap<String, Value> = BTreeMap::new();
    let mut found = vec![];
    for object in api.history(kind) {
        let metadata = &object["metadata"];
        let (Some(uid), Some(generation)) = (metadata["uid"].as_str(), metadata["generation"].as_i64())
        else {
            continue;
        };
        let before = last.insert(uid.to_owned(), object["status"].clone()).unwrap_or_default();
        if before == object["status"] {
            continue;
        }
        let mut wrong = lint(kind, &object["status"], generation);
        wrong.extend(transitions(&before, &object["status"]));
        let name =
            format!("{kind} {}/{}", metadata["namespace"].as_str().unwrap_or_default(), metadata["name"]);
        let version = &metadata["resourceVersion"];
        found.extend(wrong.into_iter().map(|wrong| format!("{name} at {version}: {wrong}")));
    }
    found
}

/// Fails with every rule broken by any status of the five kinds.
///
/// # Panics
/// Where one is.
pub fn assert_true_statuses(api: &FakeApi) {
    let kinds = ["PolicyAssignment", "Policy", "TargetGroup", "Backend", "ClusterBackend"];
    let found: Vec<String> = kinds.iter().flat_map(|kind| lint_history(api, kind)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}
