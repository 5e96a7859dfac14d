//! R6: a ClusterBackend is used by whom it lets in and as far as it says, in every pass; who is let in no longer pushes
//! nothing more and can still let go.

use serde_json::{Value, json};

use crate::support::{
    Installation, apply_text, eventually, kubectl,
    told::{Statuses, Told},
};

const KEY: &str = "ordain.dev/reconcile-requested-at";

fn cluster_backend(installation: &Installation, access: &Value) -> Value {
    let wso2 = json!({"api": "DeviceMgtV1", "url": installation.sandbox.url("wso2"),
        "credentialsRef": {"name": "wso2"}, "deploy": {"mode": "Automatic", "foreignChanges": "Hold"}});
    json!({"apiVersion": "ordain.dev/v1alpha1", "kind": "ClusterBackend",
        "metadata": {"name": installation.team}, "spec": {"system": {"wso2": wso2}, "access": access}})
}

/// The first team by name and for one role, whoever bears a label for everything named.
fn access(team: &str) -> Value {
    json!([
        {"name": "by-name", "namespaces": {"names": [team]}, "targets": {"wso2": {"roles": ["sales"]}},
            "priority": {"min": 0, "max": 9}},
        {"name": "by-label", "namespaces": {"selector": {"matchLabels": {"region": "emea"}}}, "targets": {"all": true}},
    ])
}

fn camera(namespace: &str, enabled: bool) -> Value {
    let feature = json!({"code": "CAMERA", "content": {"enabled": enabled}});
    let content = json!({"wso2": {"profiles": [{"platform": "android", "features": [feature]}]}});
    json!({"apiVersion": "ordain.dev/v1alpha1", "kind": "Policy",
        "metadata": {"name": "camera", "namespace": namespace}, "spec": {"content": content}})
}

fn engineers(namespace: &str) -> Value {
    json!({"apiVersion": "ordain.dev/v1alpha1", "kind": "TargetGroup",
        "metadata": {"name": "engineers", "namespace": namespace}, "spec": {"wso2": {"roles": ["engineer"]}}})
}

fn assignment(namespace: &str, name: &str, backend: &str, targets: &Value, more: &Value) -> Value {
    let mut spec = json!({"policyRef": {"name": "camera"}, "targets": targets,
        "backendRef": {"kind": "ClusterBackend", "name": backend}});
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"apiVersion": "ordain.dev/v1alpha1", "kind": "PolicyAssignment",
        "metadata": {"name": name, "namespace": namespace}, "spec": spec})
}

fn role(name: &str) -> Value {
    json!({"include": [{"wso2": {"roles": [name]}}]})
}

/// What each of the first team asks for, and what it is told.
fn asks() -> Vec<(&'static str, Value, Value, (&'static str, &'static str), &'static [&'static str])> {
    let denied = ("False", "AccessDenied");
    let by_group = json!({"include": [{"targetGroupRef": {"name": "engineers"}}]});
    vec![
        ("within", role("sales"), json!({"priority": 9}), ("True", "InStep"), &[]),
        (
            "beyond",
            role("engineer"),
            json!({}),
            denied,
            &["by-name", "role engineer (spec.targets.include[0])"],
        ),
        (
            "by-group",
            by_group,
            json!({}),
            denied,
            &["role engineer (spec.targets.include[0])", "ask its owner"],
        ),
        (
            "everyone",
            json!({"everyone": true}),
            json!({}),
            denied,
            &["spec.targets.everyone", "ask its owner"],
        ),
        (
            "adopting",
            role("sales"),
            json!({"adopt": {"id": "1"}}),
            ("False", "AdoptionDenied"),
            &["spec.adopt", "ask its owner for `adoption: Allow`"],
        ),
        ("urgent", role("sales"), json!({"priority": 10}), denied, &["spec.priority 10, only 0 to 9"]),
    ]
}

fn ready(name: &str, status: (&'static str, &'static str), says: &[&str]) -> Told {
    Told {
        object: ("policyassignment", name.to_owned()),
        condition: ("Ready", status.0, status.1),
        says: says.iter().map(|&words| words.to_owned()).collect(),
    }
}

fn wait(namespace: &str, all: &[Told]) {
    let mut wrong = Vec::new();
    let told = eventually(|| {
        wrong = Statuses::of(namespace).wrong(all);
        wrong.is_empty()
    });
    assert!(told, "{}", wrong.join("\n"));
}

/// Policies of ours in the console.
fn ours(installation: &Installation) -> Vec<Value> {
    let state = installation.sandbox.state("wso2");
    let all = state["policies"].as_array().cloned().unwrap_or_default();
    all.into_iter().filter(|policy| policy.to_string().contains("[ordain:")).collect()
}

fn shared_installation() -> (Installation, String) {
    let mut installation = Installation::without_operator("access");
    let second = "access-second".to_owned();
    kubectl(&["create", "namespace", &second]);
    kubectl(&["delete", "backends", "--all", "-n", &installation.team]);
    let secret = kubectl(&["get", "secret", "wso2", "-n", &installation.team, "-o", "json"]);
    let mut secret: Value = serde_json::from_str(&secret).unwrap();
    secret["metadata"]["namespace"] = installation.system.clone().into();
    for own in ["uid", "resourceVersion", "managedFields"] {
        secret["metadata"].as_object_mut().unwrap().remove(own);
    }
    apply_text(&secret.to_string());
    installation.start_with(&["--watch-namespaces", &second]);
    (installation, second)
}

#[test]
fn who_is_let_in_goes_as_far_as_that_and_lets_go_when_it_is_withdrawn() {
    let (installation, second) = shared_installation();
    let team = installation.team.clone();
    let mut items = vec![cluster_backend(&installation, &access(&team)), engineers(&team)];
    items.extend([camera(&team, false), camera(&second, false)]);
    items
        .extend(asks().iter().map(|(name, targets, more, ..)| assignment(&team, name, &team, targets, more)));
    items.push(assignment(&second, "labelled", &team, &role("engineer"), &json!({})));
    apply_text(&json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string());
    let expected: Vec<Told> =
        asks().iter().map(|(name, _, _, status, says)| ready(name, *status, says)).collect();
    wait(&team, &expected);
    let outside = ["no access entry", "lets namespace access-second in", "its owner has to add one"];
    wait(&second, &[ready("labelled", ("False", "AccessDenied"), &outside)]);
    assert_eq!(ours(&installation).len(), 1, "only what is allowed: {:#?}", ours(&installation));

    kubectl(&["label", "namespace", &second, "region=emea"]);
    wait(&second, &[ready("labelled", ("True", "InStep"), &[])]);

    apply_text(&cluster_backend(&installation, &json!([])).to_string());
    wait(&team, &[ready("within", ("False", "AccessDenied"), &["lets namespace access in"])]);
    wait(&second, &[ready("labelled", ("False", "AccessDenied"), &["lets namespace access-second in"])]);
    let before = ours(&installation);
    assert_eq!(before.len(), 2, "withdrawing takes nothing away by itself: {before:#?}");
    edits_are_not_pushed(&installation, &team, &before);
    for namespace in [&team, &second] {
        kubectl(&["delete", "policyassignment", "--all", "-n", namespace, "--timeout=60s"]);
    }
    assert_eq!(ours(&installation), Vec::<Value>::new(), "what was applied is released");
}

/// A pass that somebody asks for, over an edited Policy.
fn edits_are_not_pushed(installation: &Installation, team: &str, before: &[Value]) {
    apply_text(&camera(team, true).to_string());
    let at = "2026-01-01T00:00:00Z";
    kubectl(&["annotate", "policyassignment", "within", "-n", team, &format!("{KEY}={at}")]);
    let handled = || {
        let within = installation.get("policyassignment", "within").unwrap_or_default();
        within["status"]["lastHandledReconcileAt"] == at
    };
    assert!(eventually(handled), "it was looked at again");
    assert_eq!(ours(installation), before, "nothing more is pushed");
}
