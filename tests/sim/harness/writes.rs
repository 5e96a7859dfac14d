//! What writes do to objects.

use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::{code, generation, policies, policy, server, version};
use crate::support::apiserver::{Part, pending_status};

fn object(value: Value) -> DynamicObject {
    serde_json::from_value(value).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_new_object_gets_what_the_server_owns_and_no_status_but_the_default() {
    let api = server();
    let mut given = policy("p", "one");
    given["status"] = json!({"observedGeneration": 7});
    given["metadata"]["generation"] = 9.into();
    let made = policies(&api).create(&PostParams::default(), &object(given)).await.unwrap();
    assert_eq!(generation(&made), 1);
    assert!(made.uid().is_some());
    assert_eq!(made.creation_timestamp().unwrap().0.to_string(), "2026-03-03T09:15:00Z");
    assert_eq!(made.data["status"], pending_status());
    let again = policies(&api).create(&PostParams::default(), &object(policy("p", "two"))).await.unwrap_err();
    assert!(matches!(again, kube::Error::Api(status) if status.is_already_exists()));
}

#[tokio::test(start_paused = true)]
async fn generation_follows_content_and_nothing_else() {
    let api = server();
    api.apply(policy("p", "one"));
    let client = policies(&api);
    let merge = |body: Value| {
        let client = client.clone();
        async move { client.patch("p", &PatchParams::default(), &Patch::Merge(body)).await.unwrap() }
    };
    assert_eq!(generation(&merge(json!({"metadata": {"labels": {"a": "b"}}})).await), 1);
    assert_eq!(generation(&merge(json!({"metadata": {"finalizers": ["ordain.dev/release"]}})).await), 1);
    assert_eq!(generation(&merge(json!({"status": {"observedGeneration": 5}})).await), 1);
    assert_eq!(client.get("p").await.unwrap().data["status"], pending_status());
    assert_eq!(generation(&merge(json!({"spec": {"displayName": "two"}})).await), 2);
}

#[tokio::test(start_paused = true)]
async fn the_status_endpoint_changes_status_alone() {
    let api = server();
    let before = api.apply(policy("p", "one"));
    let body = json!({
        "metadata": {"labels": {"a": "b"}},
        "spec": {"displayName": "two"},
        "status": {"observedGeneration": 1, "conditions": []},
    });
    let patched =
        policies(&api).patch_status("p", &PatchParams::default(), &Patch::Merge(body)).await.unwrap();
    assert_eq!(patched.data["spec"], before["spec"]);
    assert_eq!(patched.metadata.labels, None);
    assert_eq!(patched.data["status"], json!({"observedGeneration": 1, "conditions": []}));
    assert_eq!(api.writes().to("policies/status").touching(Part::Status).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_changes_nothing_is_answered_and_leaves_no_trace() {
    let api = server();
    let before = api.apply(policy("p", "one"));
    let revision = api.revision();
    let body = json!({"spec": {"displayName": "one"}});
    let same = policies(&api).patch("p", &PatchParams::default(), &Patch::Merge(body)).await.unwrap();
    assert_eq!(version(&same), before["metadata"]["resourceVersion"]);
    assert_eq!(api.revision(), revision);
    assert_eq!(api.requests().no_ops().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn versions_guard_put_and_patch() {
    let api = server();
    api.apply(policy("p", "one"));
    let client = policies(&api);
    let stale = client.get("p").await.unwrap();
    api.apply(policy("p", "two"));
    let put = client.replace("p", &PostParams::default(), &stale).await.unwrap_err();
    assert!(matches!(&put, kube::Error::Api(status) if status.is_conflict()));
    let guarded = json!({"metadata": {"resourceVersion": version(&stale)}, "status": {}});
    let patch = client.patch_status("p", &PatchParams::default(), &Patch::Merge(guarded)).await.unwrap_err();
    assert_eq!(code(&patch), 409);
    let mut blind = stale.clone();
    blind.metadata.resource_version = None;
    let put = client.replace("p", &PostParams::default(), &blind).await.unwrap_err();
    assert_eq!(code(&put), 422, "custom resources know no unconditional PUT");
}

/// As kube-apiserver 1.37 does it: PUT conflicts, PATCH of the object is invalid, and PATCH of a
/// custom resource's status does not look at the uid at all.
#[tokio::test(start_paused = true)]
async fn a_foreign_uid_is_refused_but_not_by_a_merge_patch_of_status() {
    let api = server();
    api.apply(policy("p", "one"));
    let client = policies(&api);
    let other = "11111111-1111-4111-8111-111111111111";
    let body = |status: i64| json!({"metadata": {"uid": other}, "status": {"observedGeneration": status}});
    let main = client.patch("p", &PatchParams::default(), &Patch::Merge(body(1))).await.unwrap_err();
    assert_eq!(code(&main), 422);
    client.patch_status("p", &PatchParams::default(), &Patch::Merge(body(1))).await.unwrap();
    let mut namesake = client.get("p").await.unwrap();
    namesake.metadata.uid = Some(other.into());
    assert_eq!(code(&client.replace_status("p", &PostParams::default(), &namesake).await.unwrap_err()), 409);
    let guarded = serde_json::from_value(json!([
        {"op": "test", "path": "/metadata/uid", "value": other},
        {"op": "replace", "path": "/status/observedGeneration", "value": 2},
    ]));
    let patch = Patch::<()>::Json(guarded.unwrap());
    assert_eq!(code(&client.patch_status("p", &PatchParams::default(), &patch).await.unwrap_err()), 422);
    assert_eq!(api.get("Policy", "team-a", "p").unwrap()["status"]["observedGeneration"], 1);
}

#[tokio::test(start_paused = true)]
async fn deletion_waits_for_the_last_finalizer() {
    let api = server();
    let mut manifest = policy("p", "one");
    manifest["metadata"]["finalizers"] = json!(["ordain.dev/release"]);
    api.apply(manifest);
    let client = policies(&api);
    let marked = client.delete("p", &DeleteParams::default()).await.unwrap().left().expect("it waits");
    assert!(marked.metadata.deletion_timestamp.is_some());
    assert_eq!(generation(&marked), 2, "the deletion mark raises the generation");
    let twice = client.delete("p", &DeleteParams::default()).await.unwrap().left().unwrap();
    assert_eq!(version(&twice), version(&marked));

    let more = json!({"metadata": {"finalizers": ["ordain.dev/release", "late"]}});
    let late = client.patch("p", &PatchParams::default(), &Patch::Merge(more)).await.unwrap_err();
    assert_eq!(code(&late), 422, "no finalizer can be added any more");

    let none = serde_json::from_value(json!([
        {"op": "test", "path": "/metadata/finalizers/0", "value": "ordain.dev/release"},
        {"op": "remove", "path": "/metadata/finalizers/0"},
    ]));
    client.patch("p", &PatchParams::default(), &Patch::<()>::Json(none.unwrap())).await.unwrap();
    assert!(client.get_opt("p").await.unwrap().is_none());
    assert_eq!(api.writes().touching(Part::Finalizers).touching(Part::Removed).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn deletion_honours_preconditions() {
    let api = server();
    api.apply(policy("p", "one"));
    let wrong = Preconditions { uid: Some("somebody-else".into()), resource_version: None };
    let params = DeleteParams { preconditions: Some(wrong), ..DeleteParams::default() };
    assert_eq!(code(&policies(&api).delete("p", &params).await.unwrap_err()), 409);
    assert!(policies(&api).delete("p", &DeleteParams::default()).await.unwrap().is_right());
    assert_eq!(code(&policies(&api).delete("p", &DeleteParams::default()).await.unwrap_err()), 404);
}

#[tokio::test(start_paused = true)]
async fn server_side_apply_keeps_appliers_apart() {
    let api = server();
    let client = policies(&api);
    let apply = |manager: &'static str, spec: Value, force: bool| {
        let client = client.clone();
        let mut manifest = policy("p", "one");
        manifest["spec"] = spec;
        let mut params = PatchParams::apply(manager);
        params.force = force;
        async move { client.patch("p", &params, &Patch::Apply(manifest)).await }
    };
    apply("git", json!({"displayName": "one", "description": "d"}), false).await.unwrap();
    apply("other", json!({"enabled": true}), false).await.unwrap();
    let without = apply("git", json!({"displayName": "one"}), false).await.unwrap();
    assert_eq!(without.data["spec"], json!({"displayName": "one", "enabled": true}));
    assert_eq!(code(&apply("other", json!({"displayName": "two"}), false).await.unwrap_err()), 409);
    let forced = apply("other", json!({"displayName": "two"}), true).await.unwrap();
    assert_eq!(forced.data["spec"], json!({"displayName": "two"}));
    assert_eq!(generation(&forced), 4);
}

#[tokio::test(start_paused = true)]
async fn conditions_of_two_appliers_merge_by_type() {
    let api = server();
    api.apply(policy("p", "one"));
    let client = policies(&api);
    for (manager, condition) in [("a", "Ready"), ("b", "Held")] {
        let mut body = policy("p", "one");
        body["status"] = json!({"conditions": [{"type": condition, "status": "True"}]});
        client.patch_status("p", &PatchParams::apply(manager).force(), &Patch::Apply(body)).await.unwrap();
    }
    let status = &api.get("Policy", "team-a", "p").unwrap()["status"];
    let types: Vec<_> = status["conditions"].as_array().unwrap().iter().map(|c| c["type"].clone()).collect();
    assert_eq!(types, ["Ready", "Held"]);
}

#[tokio::test(start_paused = true)]
async fn leases_can_be_put_only_on_the_version_seen() {
    use k8s_openapi::api::coordination::v1::Lease;
    let api = server();
    let leases: Api<Lease> = Api::namespaced(api.client(), "team-a");
    let lease: Lease = serde_json::from_value(json!({"metadata": {"name": "ordain"}, "spec": {}})).unwrap();
    let made = leases.create(&PostParams::default(), &lease).await.unwrap();
    let mut mine = made.clone();
    mine.spec.as_mut().unwrap().holder_identity = Some("a".into());
    leases.replace("ordain", &PostParams::default(), &mine).await.unwrap();
    let lost = leases.replace("ordain", &PostParams::default(), &made).await.unwrap_err();
    assert_eq!(code(&lost), 409);
    api.delete("Lease", "team-a", "ordain");
    let gone = leases.replace("ordain", &PostParams::default(), &made).await.unwrap_err();
    assert!(matches!(gone, kube::Error::Api(status) if status.code == 409), "its uid is no more");
    assert_eq!(api.writes().len(), 0, "the Lease is no work");
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_answers_and_stores_nothing() {
    let api = server();
    let params = PostParams { dry_run: true, ..PostParams::default() };
    policies(&api).create(&params, &object(policy("p", "one"))).await.unwrap();
    assert!(api.list("Policy").is_empty());
}
