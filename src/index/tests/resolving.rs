//! Every outcome of resolving an assignment, each with its reason.

use serde_json::json;

use super::*;
use crate::drivers::{Finding, Severity};

fn cluster() -> [Manifest; 4] {
    [policy("p"), wso2("b"), assignment("a", "p", "b"), group("g", &["engineer"])]
}

/// The cluster with one object put in place of its namesake, or beside the others.
fn with(manifest: Manifest) -> Vec<Manifest> {
    let mut all = cluster().to_vec();
    all.retain(|one| (one.kind, one.name()) != (manifest.kind, manifest.name()));
    all.push(manifest);
    all
}

fn including(selectors: serde_json::Value) -> Manifest {
    assignment("a", "p", "b").spec("targets", json!({"include": selectors}))
}

#[test]
fn what_is_complete_is_bound_with_defaults_filled_in() {
    let index = index(&cluster());
    let Input::Bound { binding, findings, .. } = input(&index) else { panic!() };
    assert_eq!(findings, []);
    assert_eq!(&*binding.display_name, "p");
    assert_eq!(binding.policy_generation, 1);
    assert_eq!(binding.reach.include.len(), 1);
    assert_eq!(&*binding.reach.include[0].0, "spec.targets.include[0]");
    assert!(!binding.reach.everyone);
    let settings = index.desired(&backend("b")).unwrap().backend.settings.clone();
    assert_eq!(settings.credentials, "emm");
    assert_eq!((settings.max_targets, settings.max_removals), (500, 10));
    assert_eq!(settings.drift_interval, std::time::Duration::from_mins(30));
    assert!(settings.correct_drift);
}

#[test]
fn each_thing_missing_or_wrong_freezes_with_its_reason() {
    let wfbss_group = Manifest::new(Kind::TargetGroup, "g", json!({"wfbss": {"customers": []}}));
    let by_group = including(json!([{"targetGroupRef": {"name": "g"}}]));
    let mut mismatched = with(wfbss_group);
    mismatched.retain(|one| one.kind != Kind::PolicyAssignment);
    mismatched.push(by_group);
    let filter = json!({"type": "Block", "contentTypes": ["Messages"], "scopes": ["External"], "dictionaries": [{"name": "d"}]});
    let dlp = policy("p").spec("content", json!({"symphony": filter}));
    let mut symphony_with_targets = with(symphony("b"));
    symphony_with_targets.retain(|one| one.kind != Kind::Policy);
    symphony_with_targets.push(dlp);
    let cases: Vec<(&str, Vec<Manifest>, Reason, &str)> = vec![
        ("no policy", cluster()[1..].to_vec(), Reason::PolicyNotFound, "Policy p does not exist"),
        (
            "a facet for another system",
            with(policy("p").spec("content", json!({"tachyon": {"rules": []}}))),
            Reason::FacetMissing,
            "spec.content.wso2",
        ),
        (
            "a policy that breaks a rule",
            with(policy("p").spec("displayName", json!(" padded "))),
            Reason::Invalid,
            "spec.displayName",
        ),
        (
            "an assignment that breaks a rule",
            with(assignment("a", "p", "b").spec("priority", json!(5000))),
            Reason::Invalid,
            "spec.priority: is 5000; -1000 to 1000 is allowed",
        ),
        (
            "targets in other words",
            with(including(json!([{"wfbss": {"customers": []}}]))),
            Reason::SystemMismatch,
            "spec.targets.include[0]: in the words of wfbss, but the backend is wso2",
        ),
        (
            "a group in other words",
            mismatched,
            Reason::SystemMismatch,
            "TargetGroup g is in the words of wfbss",
        ),
        (
            "no targets at all",
            with(assignment("a", "p", "b").spec("targets", json!(null))),
            Reason::TargetsRequired,
            "spec.targets is missing",
        ),
        ("targets for symphony", symphony_with_targets, Reason::TargetsNotApplicable, "remove it"),
    ];
    for (why, cluster, reason, text) in cases {
        let found = input(&index(&cluster));
        let (found, message) = frozen(&found);
        assert_eq!(found, reason, "{why}: {message}");
        assert!(message.contains(text), "{why}: {message}");
    }
}

#[test]
fn options_of_another_system_freeze() {
    let content = json!({"symphony": {
        "type": "Block", "contentTypes": ["Messages"], "scopes": ["External"], "dictionaries": [{"name": "d"}],
    }});
    let mut spec = assignment("a", "p", "b").spec("wso2", json!({"ownership": "BYOD"}));
    spec.spec.as_object_mut().unwrap().remove("targets");
    let all = [policy("p").spec("content", content), symphony("b"), spec];
    let found = input(&index(&all));
    assert_eq!(frozen(&found).0, Reason::SystemMismatch, "{found:?}");
}

#[test]
fn symphony_reaches_everyone_without_targets() {
    let content = json!({"symphony": {
        "type": "Warn", "contentTypes": ["Messages"], "scopes": ["Internal"], "dictionaries": [{"name": "d"}],
    }});
    let mut bare = assignment("a", "p", "b");
    bare.spec.as_object_mut().unwrap().remove("targets");
    let Input::Bound { binding, .. } =
        input(&index(&[policy("p").spec("content", content), symphony("b"), bare]))
    else {
        panic!()
    };
    assert!(binding.reach.everyone);
    assert!(binding.spec.targets.is_none());
}

fn findings(cluster: &[Manifest]) -> Vec<Finding> {
    match input(&index(cluster)) {
        Input::Bound { findings, .. } => findings,
        Input::Frozen { reason, message } => panic!("{reason}: {message}"),
    }
}

#[test]
fn a_missing_group_is_left_out_of_includes_and_refuses_an_exclude() {
    let include =
        with(including(json!([{"targetGroupRef": {"name": "gone"}}, {"targetGroupRef": {"name": "g"}}])));
    let found = findings(&include);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].severity, found[0].reason), (Severity::LeftOut, Reason::TargetGroupNotFound));
    assert_eq!(found[0].subject, "spec.targets.include[0]");
    let Input::Bound { binding, .. } = input(&index(&include)) else { panic!() };
    assert_eq!(binding.reach.include.len(), 1, "all others proceed");
    assert_eq!(&*binding.reach.include[0].0, "spec.targets.include[1]");

    let targets =
        json!({"include": [{"wso2": {"roles": ["r"]}}], "exclude": [{"targetGroupRef": {"name": "gone"}}]});
    let found = findings(&with(assignment("a", "p", "b").spec("targets", targets)));
    assert_eq!((found[0].severity, found[0].reason), (Severity::Refused, Reason::TargetGroupNotFound));
    assert_eq!(found[0].subject, "spec.targets.exclude[0]");
}

#[test]
fn a_group_that_breaks_a_rule_is_left_out() {
    let mut all = with(group("g", &["ANY"]));
    all.retain(|one| one.kind != Kind::PolicyAssignment);
    all.push(including(json!([{"targetGroupRef": {"name": "g"}}])));
    let found = findings(&all);
    assert_eq!((found[0].severity, found[0].reason), (Severity::LeftOut, Reason::Invalid));
    assert!(
        found[0].message.contains("TargetGroup g is invalid: spec.wso2.roles[0]"),
        "{}",
        found[0].message
    );
}

#[test]
fn everyone_comes_only_from_its_word() {
    let everyone = assignment("a", "p", "b").spec("targets", json!({"everyone": true}));
    let nobody = assignment("a", "p", "b").spec("targets", json!({"include": [], "allowEmpty": true}));
    for (manifest, expected) in [(everyone, true), (nobody, false)] {
        let Input::Bound { binding, .. } = input(&index(&with(manifest))) else { panic!() };
        assert_eq!(binding.reach.everyone, expected);
        assert_eq!(binding.reach.allow_empty, !expected);
        assert!(binding.reach.include.is_empty());
    }
}

#[test]
fn a_default_display_name_bears_the_namespace_on_a_cluster_backend_and_must_fit() {
    let access =
        json!([{"name": "all", "namespaces": {"names": [NS]}, "targets": {"all": true}, "everyone": true}]);
    let shared = |one: Manifest| {
        let mut shared = Manifest::new(Kind::ClusterBackend, "c", one.spec).spec("access", access.clone());
        shared.meta["uid"] = "c".into();
        shared
    };
    let named = assignment("a", "p", "c").spec("backendRef", json!({"kind": "ClusterBackend", "name": "c"}));
    let all = index(&[policy("p"), shared(wso2("c")), named]);
    let desired = all.desired(&cluster_backend("c")).unwrap();
    assert_eq!(&*desired.assignments[&team("a")].binding().unwrap().display_name, "team-p");

    let content = json!({"symphony": {
        "type": "Block", "contentTypes": ["Messages"], "scopes": ["External"], "dictionaries": [{"name": "d"}],
    }});
    let name = "nineteen-characters";
    let mut bare =
        assignment("a", name, "c").spec("backendRef", json!({"kind": "ClusterBackend", "name": "c"}));
    bare.spec.as_object_mut().unwrap().remove("targets");
    let all = index(&[policy(name).spec("content", content), shared(symphony("c")), bare]);
    let desired = all.desired(&cluster_backend("c")).unwrap();
    let (reason, message) = frozen(&desired.assignments[&team("a")].input);
    assert_eq!(reason, Reason::Invalid);
    assert!(message.contains("team-nineteen-characters has more than 23 characters"), "{message}");
}

#[test]
fn annotations_and_marks_of_deletion_reach_the_views() {
    let marked = assignment("a", "p", "b")
        .with("annotations", json!({"ordain.dev/reconcile-requested-at": "now"}))
        .with("deletionTimestamp", "2026-03-02T00:00:00Z")
        .with("finalizers", json!(["example.com/other", "ordain.dev/release"]))
        .spec("mode", json!("Observe"))
        .spec("suspend", json!(true))
        .spec("releasePolicy", json!("Orphan"));
    let account = wso2("b").with(
        "annotations",
        json!({"ordain.dev/accept-account": "f", "ordain.dev/approve-removals": "12", "ordain.dev/reconcile-requested-at": "x"}),
    );
    let index = index(&[policy("p"), account, marked]);
    let desired = index.desired(&backend("b")).unwrap();
    let view = &desired.assignments[&team("a")];
    assert!(view.deleting && view.finalizer && view.suspended && view.observe_only);
    assert_eq!(view.release_policy, Some(crate::api::ReleasePolicy::Orphan));
    assert_eq!(view.requested_at.as_deref(), Some("now"));
    assert_eq!(desired.backend.accept_account.as_deref(), Some("f"));
    assert_eq!(desired.backend.approve_removals.as_deref(), Some("12"));
    assert_eq!(desired.backend.requested_at.as_deref(), Some("x"));
}

#[test]
fn an_invalid_backend_has_a_view_that_says_so() {
    let mut bad = wso2("b");
    bad.spec["system"]["wso2"]["url"] = "http://emm.example.com".into();
    let index = index(&with(bad));
    let desired = index.desired(&backend("b")).unwrap();
    assert!(desired.backend.invalid.as_deref().unwrap().starts_with("spec.system.wso2.url"));
    assert!(desired.assignments[&team("a")].binding().is_some(), "what it wants is known nevertheless");
}

#[test]
fn a_wish_is_another_one_where_something_else_is_wanted() {
    let requested = json!({"ordain.dev/reconcile-requested-at": "now"});
    let recorded = json!({"ordain.dev/external-id": "7"});
    let grouped = including(json!([{"targetGroupRef": {"name": "g"}}]));
    let cases: Vec<(&str, Vec<Manifest>, bool)> = vec![
        ("nothing", cluster().to_vec(), true),
        (
            "a finalizer of ours",
            with(assignment("a", "p", "b").with("finalizers", json!(["ordain.dev/release"]))),
            true,
        ),
        ("an id of ours", with(assignment("a", "p", "b").with("annotations", recorded)), true),
        ("somebody asks", with(assignment("a", "p", "b").with("annotations", requested.clone())), false),
        ("somebody asks of the account", with(wso2("b").with("annotations", requested)), false),
        ("another assignment", with(assignment("other", "p", "b")), false),
        ("none", [policy("p"), wso2("b")].to_vec(), false),
        ("the policy was edited", with(policy("p").at(2, 2)), false),
        ("the backend was edited", with(wso2("b").at(2, 2)), false),
        ("other targets", with(grouped.at(2, 2)), false),
        ("it freezes", cluster()[1..].to_vec(), false),
    ];
    let desired = |all: &[Manifest]| index(all).desired(&backend("b")).unwrap();
    let before = desired(&cluster());
    for (why, all, same) in cases {
        let later = desired(&all);
        assert_eq!(before.wish() == later.wish(), same, "{why}");
        assert_eq!(before.wants_the_same(&later), same, "{why}: as a running sequence sees it");
    }
}
