#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    drivers::app_shield::wire,
    inventory::testing::Bench,
    model::{Catalogue, Entry, EntryKind},
};

fn bench() -> Bench {
    let entry =
        |id: &str, name: &str| Entry { id: id.into(), name: name.into(), parent: None, unusable: None };
    let mut catalogue = Catalogue::default();
    let groups =
        vec![entry("1", "All Users"), entry("2", "Anonymous"), entry("16", "tenant-acme"), entry("17", "t")];
    catalogue.entries.insert(EntryKind::Group, groups);
    catalogue.entries.insert(EntryKind::User, vec![entry("638500000000000001", "mara.holt")]);
    let system =
        json!({"appShield": {"url": "https://bi.example/api", "paths": {"list": "/AppShield/GetPolicies"}}});
    Bench::new(system, catalogue)
}

fn policy(more: &Value) -> Value {
    let mut policy = json!({"id": "639057069300123456", "Name": "Rows", "Description": "By hand", "isActive": true,
        "Constraints": [{"AppField": "Sales.Region", "Value": "DE"}], "Groups": [{"GroupId": "16"}], "Users": []});
    policy.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    policy
}

fn read(policy: &Value) -> ObservedItem {
    wire::policy(policy).unwrap()
}

#[test]
fn what_is_found_is_said_in_our_words() {
    let entry = bench().entry(&read(&policy(&json!({}))));
    let manifests = entry.manifests.unwrap();
    assert_eq!(
        serde_json::to_value(&manifests.policy.spec).unwrap(),
        json!({"displayName": "Rows", "description": "By hand", "enabled": true, "content": {"appShield":
            {"constraints": [{"AppField": "Sales.Region", "Value": "DE"}]}}})
    );
    assert_eq!(
        serde_json::to_value(&manifests.assignment.spec.targets).unwrap(),
        json!({"include": [{"appShield": {"groups": [{"id": "16"}]}}]})
    );
}

#[test]
fn what_our_words_cannot_say_is_no_manifest_and_says_why() {
    let cases = [
        (json!({"Groups": [{"GroupId": 1}]}), None, "everybody"),
        (json!({"Groups": []}), None, "nobody, which must be asked for"),
        (json!({"Constraints": null}), None, "no constraints"),
        (json!({"Constraints": [{"Password": "x"}]}), None, "constraints with a secret stay unnamed"),
        (json!({"Description": null}), None, "no description"),
        (json!({"Groups": [{"GroupId": "1"}, {"GroupId": "16"}]}), Some("besides"), "everybody and somebody"),
        (json!({"Groups": [{"GroupId": "2"}]}), Some("built-in"), "whoever is not logged in"),
        (json!({"Groups": [{"GroupId": "99"}]}), Some("no group"), "a group gone"),
        (json!({"Users": ["7"]}), Some("no user"), "a user gone"),
        (json!({"Name": null}), Some("0 characters"), "no name"),
    ];
    for (more, expected, why) in cases {
        let said = bench().applied(&read(&policy(&more))).err();
        let fits = match (&said, expected) {
            (None, None) => true,
            (Some(said), Some(word)) => said.contains(word),
            _ => false,
        };
        assert!(fits, "{why}: {said:?}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(".*", inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn states() -> impl Strategy<Value = ObservedItem> {
    let text = prop_oneof![4 => "[ -~äß]{1,20}".prop_map(Value::from), 1 => ".{0,60}".prop_map(Value::from),
        1 => Just(Value::Null)];
    let group = prop::sample::select(&["1", "2", "16", "17", "99"][..]);
    let constraints = prop_oneof![
        3 => prop::collection::vec(any_json(), 0..4).prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    let told = (
        any::<u64>(),
        text.clone(),
        text,
        constraints,
        prop_oneof![3 => prop::collection::vec(prop::sample::select(&["16", "17"][..]), 0..3),
            1 => prop::collection::vec(group, 0..3)],
        any::<[bool; 2]>(),
    );
    told.prop_map(|(id, name, description, constraints, groups, [active, user])| {
        let groups: Vec<Value> = groups.into_iter().map(|id| json!({ "GroupId": id })).collect();
        let users = if user { json!([{"ID": "638500000000000001"}]) } else { json!([]) };
        let more = json!({"id": id.to_string(), "Name": name, "Description": description, "isActive": active,
            "Constraints": constraints, "Groups": groups, "Users": users});
        read(&policy(&more))
    })
}

#[test]
fn of_a_thousand_policies_none_would_be_changed() {
    bench().law(states(), 200);
}
