//! R15: an id that stands on an assignment is believed only where this installation wrote it for that very object.

use serde_json::{Value, json};

use super::{
    manifests::{assignment, object, people, policy_of, rows},
    told,
};
use crate::support::{
    Installation, apply_text, eventually, kubectl,
    told::{Statuses, Told},
    vendors::Sandbox,
};

const TEAM: &str = "annotations";
const OTHER: &str = "annotations-other";
const KEY: &str = "ordain.dev/external-id";

/// An account for both teams, and another one for the first.
struct Scene {
    installation: Installation,
    other_account: Sandbox,
    _folder: tempfile::TempDir,
}

fn scene() -> Scene {
    let mut installation = Installation::without_operator(TEAM);
    let folder = tempfile::tempdir().unwrap();
    let other_account = Sandbox::start(folder.path());
    kubectl(&["create", "namespace", OTHER]);
    let own = installation.get("backend", "appshield").unwrap()["spec"]["system"].clone();
    let access = json!([{"name": "both", "namespaces": {"names": [TEAM, OTHER]}, "targets": {"all": true}}]);
    let shared = object("ClusterBackend", TEAM, &json!({"system": own, "access": access}));
    let mut elsewhere = own.clone();
    elsewhere["appShield"]["url"] = own["appShield"]["url"]
        .as_str()
        .unwrap()
        .replace(installation.sandbox.url("appShield"), other_account.url("appShield"))
        .into();
    let second = object("Backend", "elsewhere", &json!({"system": elsewhere}));
    let secret = kubectl(&["get", "secret", "appshield", "-n", TEAM, "-o", "json"]);
    let mut secret: Value = serde_json::from_str(&secret).unwrap();
    let labels = secret["metadata"]["labels"].clone();
    secret["metadata"] = json!({"name": "appshield", "namespace": installation.system, "labels": labels});
    kubectl(&["delete", "backends", "--all", "-n", TEAM]);
    apply_text(
        &json!({"apiVersion": "v1", "kind": "List", "items": [shared, in_namespace(TEAM, second), secret]})
            .to_string(),
    );
    installation.start_with(&["--watch-namespaces", OTHER]);
    Scene { installation, other_account, _folder: folder }
}

fn in_namespace(namespace: &str, mut object: Value) -> Value {
    object["metadata"]["namespace"] = namespace.into();
    object
}

/// An assignment that bears an id.
fn bearing(namespace: &str, name: &str, policy: &str, backend: &Value, annotation: Option<&str>) -> Value {
    let mut object = in_namespace(namespace, assignment(name, policy, "", &people("groups", "tenant-acme")));
    object["spec"]["backendRef"] = backend.clone();
    if let Some(annotation) = annotation {
        object["metadata"]["annotations"] = json!({KEY: annotation});
    }
    object
}

fn ours(sandbox: &Sandbox) -> usize {
    let state = sandbox.state("appShield");
    let all = state["policies"].as_object().unwrap();
    all.values().filter(|p| p.to_string().contains("[ordain:")).count()
}

#[test]
fn an_id_that_was_not_written_for_this_object_is_not_believed() {
    let scene = scene();
    let shared = json!({"kind": "ClusterBackend", "name": TEAM});
    let elsewhere = json!({"kind": "Backend", "name": "elsewhere"});
    let rows_of = |namespace: &str, name: &str| in_namespace(namespace, policy_of(name, name, &rows()));
    let first = [
        rows_of(TEAM, "rows"),
        rows_of(TEAM, "forged"),
        rows_of(OTHER, "rows"),
        bearing(TEAM, "origin", "rows", &shared, None),
    ];
    apply_text(&json!({"apiVersion": "v1", "kind": "List", "items": first}).to_string());
    let written = || {
        let origin = scene.installation.get("policyassignment", "origin").unwrap_or_default();
        origin["metadata"]["annotations"][KEY].as_str().map(str::to_owned)
    };
    assert!(eventually(|| written().is_some()), "the id is written: {}", scene.installation.logs());
    let genuine = written().unwrap();
    let id = genuine.split('.').next().unwrap();
    let forged = genuine.replace(&genuine[genuine.len() - 4..], "0000");
    let copies = [
        bearing(TEAM, "forged", "forged", &shared, Some(&forged)),
        bearing(OTHER, "copied", "rows", &shared, Some(&genuine)),
        bearing(TEAM, "of-another-account", "rows", &elsewhere, Some(&genuine)),
    ];
    apply_text(&json!({"apiVersion": "v1", "kind": "List", "items": copies}).to_string());
    let says = [KEY, "is not believed", "spec.adopt.id", "remove the annotation"];
    let row = |name: &str| told("policyassignment", name, ("Accepted", "AdoptionRequired"), &says);
    told_in(TEAM, &[row("forged"), row("of-another-account")]);
    told_in(OTHER, &[row("copied")]);
    assert_eq!((ours(&scene.installation.sandbox), ours(&scene.other_account)), (1, 0), "{id}: none is made");
}

fn told_in(namespace: &str, all: &[Told]) {
    let mut wrong = Vec::new();
    let told = eventually(|| {
        wrong = Statuses::of(namespace).wrong(all);
        wrong.is_empty()
    });
    assert!(told, "{}", wrong.join("\n"));
}
