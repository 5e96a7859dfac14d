#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::type_complexity,
    clippy::needless_pass_by_value
)]
use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::{
    drivers::{
        Reach,
        wfbss::testing::{A, B, catalogue, key},
    },
    model::{Digester, ObjectName, OwnerId, Secret},
};

fn binding(policy: Value, assignment: Value, groups: Value) -> Binding {
    let targets = json!({"wfbss": {"customers": [{"id": A, "groups": groups}]}});
    let mut spec = json!({"policyRef": {"name": "p"}, "backendRef": {"name": "b"}});
    spec.as_object_mut().unwrap().extend(assignment.as_object().unwrap().clone());
    Binding {
        assignment: ObjectName::new("team", "laptops"),
        policy_generation: 1,
        policy_name: "p".into(),
        display_name: "p".into(),
        policy: Arc::new(serde_json::from_value(policy).unwrap()),
        spec: Arc::new(serde_json::from_value(spec).unwrap()),
        reach: Reach {
            include: vec![(
                "spec.targets.include[0]".into(),
                Arc::new(serde_json::from_value(targets).unwrap()),
            )],
            ..Reach::default()
        },
    }
}

fn run(binding: &Binding) -> Compiled {
    let secrets = BTreeMap::from([(("s".to_owned(), "k".to_owned()), Secret::new("x"))]);
    let (catalogue, owner, digester) = (catalogue(), OwnerId::new("o"), Digester::new([0; 32]));
    compile(
        binding,
        &CompileContext { catalogue: &catalogue, owner: &owner, digester: &digester, secrets: &secrets },
    )
}

fn policy(documents: Value) -> Value {
    json!({"content": {"wfbss": {"documents": documents}}})
}

fn wtp(os: &str) -> Value {
    json!({"os": os, "settings": {"wtp": {"enabled": true}}})
}

#[test]
fn each_group_and_platform_is_a_document_with_a_title_for_people() {
    let binding = binding(
        policy(json!([wtp("win"), wtp("mac")])),
        json!({"priority": 7}),
        json!([{"id": 1}, {"name": "kiosks"}]),
    );
    let compiled = run(&binding);
    assert_eq!((compiled.targets, compiled.findings.len(), compiled.seeds.len()), (4, 0, 0));
    let mut shown: Vec<_> =
        compiled.contributions.iter().map(|c| (c.item.clone(), c.title.as_str())).collect();
    shown.sort();
    let expected = [
        (key(&format!("{A}/1/mac")), "Acme/Device (Default)/mac"),
        (key(&format!("{A}/1/win")), "Acme/Device (Default)/win"),
        (key(&format!("{A}/3/mac")), "Acme/Kiosks/mac"),
        (key(&format!("{A}/3/win")), "Acme/Kiosks/win"),
    ];
    assert_eq!(shown, expected);
    let one = &compiled.contributions[0];
    assert_eq!((one.priority, one.enabled, &one.shape, one.members.len()), (7, None, &Shape::Document, 0));
    assert_eq!(one.status_key, one.item.to_string());
    assert_eq!(run(&binding), compiled, "the same input gives the same output");
}

#[test]
fn a_refusal_leaves_no_contribution() {
    let one = json!([{"id": 1}]);
    let seeded = json!([{"os": "win", "replicateFrom": {"customer": B, "group": "2", "revision": 1}}]);
    let misnamed = json!([{"os": "win", "replicateFrom": {"customer": "Acme", "group": "2", "revision": 1}}]);
    let null = json!([{"os": "win", "settings": {"wtp": null}}, wtp("mac")]);
    let cases = [
        ("no facet", json!({"content": {}}), json!({}), Reason::FacetMissing),
        ("a platform twice", policy(json!([wtp("win"), wtp("win")])), json!({}), Reason::Invalid),
        ("null in one platform", policy(null), json!({}), Reason::Invalid),
        (
            "a switch",
            json!({"enabled": true, "content": {"wfbss": {"documents": [wtp("win")]}}}),
            json!({}),
            Reason::Invalid,
        ),
        (
            "deleting documents",
            policy(json!([wtp("win")])),
            json!({"releasePolicy": "Delete"}),
            Reason::RestoreUnsupported,
        ),
        (
            "a copy that is to be taken back",
            policy(seeded),
            json!({"releasePolicy": "Restore"}),
            Reason::SeedNeedsOrphan,
        ),
        ("a copy from a name", policy(misnamed), json!({}), Reason::Invalid),
    ];
    for (why, policy, assignment, reason) in cases {
        let compiled = run(&binding(policy, assignment, one.clone()));
        let refused: Vec<_> = compiled.findings.iter().filter(|f| f.severity == Severity::Refused).collect();
        assert_eq!(refused.iter().map(|f| f.reason).collect::<Vec<_>>(), [reason], "{why}");
        assert!(compiled.contributions.is_empty() && compiled.seeds.is_empty(), "{why}");
    }
}

#[test]
fn a_missing_group_leaves_the_others() {
    let compiled =
        run(&binding(policy(json!([wtp("win")])), json!({}), json!([{"name": "Servers"}, {"id": 1}])));
    assert_eq!(compiled.contributions.len(), 1);
    assert_eq!(
        (compiled.findings[0].severity, compiled.findings[0].reason),
        (Severity::LeftOut, Reason::GroupNotFound)
    );
    assert_eq!(compiled.findings[0].subject, format!("{A}/Servers/win"));
}

#[test]
fn seeds_name_source_and_revision_and_never_the_document_itself() {
    let from =
        json!({"os": "win", "replicateFrom": {"customer": A.to_lowercase(), "group": 2, "revision": 4}});
    let compiled = run(&binding(policy(json!([from])), json!({}), json!([{"id": 1}, {"id": 2}])));
    assert_eq!(compiled.contributions.len(), 2);
    let expected = Seed { from: (A.to_owned(), "2".to_owned()), revision: 4 };
    assert_eq!(compiled.seeds, BTreeMap::from([(key(&format!("{A}/1/win")), expected)]));
}

#[test]
fn all_secrets_of_the_facet_are_referred_to() {
    let secret = |path: &str, key: &str| json!({"path": path, "secretKeyRef": {"name": "s", "key": key}});
    let documents = json!([
        {"os": "win", "secrets": [secret("/a/b", "k"), secret("/a/c", "k")]},
        {"os": "mac", "secrets": [secret("/a/b", "l")]},
    ]);
    let policy: PolicySpec = serde_json::from_value(policy(documents)).unwrap();
    let refs = [("s".to_owned(), "k".to_owned()), ("s".to_owned(), "l".to_owned())];
    assert_eq!(secret_refs(&policy), BTreeSet::from(refs));
}
