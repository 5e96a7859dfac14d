//! The user's side: apply, edit, delete, namespaces, restores.

use kube::ResourceExt;
use serde_json::json;

use super::{policies, policy, server};

#[tokio::test(start_paused = true)]
async fn apply_removes_what_the_manifest_no_longer_names_and_keeps_the_rest() {
    let api = server();
    let mut manifest = policy("p", "one");
    manifest["spec"]["description"] = "d".into();
    api.apply(manifest);
    api.edit("Policy", "team-a", "p", |p| {
        p["metadata"]["finalizers"] = json!(["ordain.dev/release"]);
        p["status"] = json!({"observedGeneration": 1});
    });
    let after = api.apply(policy("p", "two"));
    assert_eq!(after["spec"], json!({"displayName": "two"}));
    assert_eq!(after["metadata"]["finalizers"], json!(["ordain.dev/release"]));
    assert_eq!(after["status"], json!({"observedGeneration": 1}));
    assert_eq!(after["metadata"]["generation"], 2);
}

#[tokio::test(start_paused = true)]
async fn yaml_may_hold_several_documents() {
    let api = server();
    let applied = api.apply_yaml(
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: team-b}\n---\n\
         apiVersion: ordain.dev/v1alpha1\nkind: ClusterBackend\nmetadata: {name: trend}\nspec: {}\n",
    );
    assert_eq!(applied.len(), 2);
    assert_eq!(api.get("ClusterBackend", "", "trend").unwrap()["metadata"]["generation"], 1);
    api.annotate("ClusterBackend", "", "trend", "ordain.dev/reconcile-requested-at", Some("now"));
    let annotations = &api.get("ClusterBackend", "", "trend").unwrap()["metadata"]["annotations"];
    assert_eq!(annotations["ordain.dev/reconcile-requested-at"], "now");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_made_where_there_is_no_namespace() {
    let api = server();
    let mut lost = policy("p", "one");
    lost["metadata"]["namespace"] = "nowhere".into();
    assert_eq!(api.try_apply(lost).unwrap_err().code, 404);
}

#[tokio::test(start_paused = true)]
async fn a_namespace_takes_its_content_along_and_waits_for_finalizers() {
    let api = server();
    api.apply(policy("free", "one"));
    let mut held = policy("held", "one");
    held["metadata"]["finalizers"] = json!(["ordain.dev/release"]);
    api.apply(held);
    assert!(api.delete("Namespace", "", "team-a"));
    assert!(api.get("Policy", "team-a", "free").is_none());
    assert!(api.get("Policy", "team-a", "held").unwrap()["metadata"]["deletionTimestamp"].is_string());
    assert_eq!(api.try_apply(policy("late", "one")).unwrap_err().code, 403);
    assert_eq!(api.get("Namespace", "", "team-a").unwrap()["status"]["phase"], "Terminating");
    api.edit("Policy", "team-a", "held", |p| p["metadata"]["finalizers"] = json!([]));
    assert!(api.get("Namespace", "", "team-a").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_restore_brings_the_same_objects_under_other_uids() {
    let api = server();
    api.apply(policy("p", "one"));
    api.apply(policy("p", "two"));
    api.edit("Policy", "team-a", "p", |p| p["status"] = json!({"observedGeneration": 2}));
    let before = api.get("Policy", "team-a", "p").unwrap();
    tokio::time::sleep(std::time::Duration::from_mins(1)).await;
    api.restore_with_new_uids();
    let after = api.get("Policy", "team-a", "p").unwrap();
    assert_eq!(after["spec"], before["spec"]);
    assert_ne!(after["metadata"]["uid"], before["metadata"]["uid"]);
    assert_eq!(after["metadata"]["generation"], 1);
    assert_eq!(after["status"]["observedGeneration"], -1);
    assert_eq!(after["metadata"]["creationTimestamp"], "2026-03-03T09:16:00Z");
}

#[tokio::test(start_paused = true)]
async fn anything_can_be_stored_past_the_checks() {
    let api = server();
    api.stored_raw("Policy", "team-a", "odd", json!({"spec": "not even an object"}));
    let read = policies(&api).get("odd").await.unwrap();
    assert_eq!(read.data["spec"], "not even an object");
    assert!(read.uid().is_some());
}

#[tokio::test(start_paused = true)]
async fn force_takes_finalizers_off_and_history_keeps_every_state() {
    let api = server();
    let mut held = policy("p", "one");
    held["metadata"]["finalizers"] = json!(["ordain.dev/release"]);
    api.apply(held);
    assert_eq!(
        api.condition("Policy", "team-a", "p", "Ready"),
        Some(("Unknown".to_owned(), "Pending".to_owned()))
    );
    assert_eq!(api.condition("Policy", "team-a", "p", "Stalled"), None);
    assert!(api.force_delete("Policy", "team-a", "p"));
    assert!(!api.force_delete("Policy", "team-a", "p"));
    let finalizers: Vec<_> =
        api.history("Policy").iter().map(|p| p["metadata"].get("finalizers").is_some()).collect();
    assert_eq!(finalizers, [true, false]);
}
