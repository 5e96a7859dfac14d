#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    drivers::wso2::{
        canonical::tests::any_json,
        wire::{self, TypeNames},
    },
    inventory::testing::Bench,
    model::{Catalogue, Entry, EntryKind},
};

fn catalogue() -> Catalogue {
    let named = |names: &[&str]| {
        let entry = |(i, name): (usize, &&str)| Entry {
            id: i.to_string(),
            name: (*name).into(),
            parent: None,
            unusable: None,
        };
        names.iter().enumerate().map(entry).collect::<Vec<_>>()
    };
    let mut catalogue = Catalogue::default();
    catalogue.entries.insert(EntryKind::DeviceType, named(&["android", "windows", "ios"]));
    catalogue.entries.insert(EntryKind::Role, named(&["admin", "engineer", "Sales", "sales"]));
    catalogue.entries.insert(EntryKind::User, named(&["jdoe", "Max"]));
    catalogue.entries.insert(EntryKind::Group, named(&["Finance", "Twin", "Twin", "any"]));
    catalogue
}

fn bench(more: &Value) -> Bench {
    let mut settings = json!({"url": "https://emm.example:9443", "api": "DeviceMgtV1",
        "deploy": {"mode": "Automatic", "foreignChanges": "Hold"}});
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Bench::new(json!({ "wso2": settings }), catalogue())
}

/// A policy as listed, with these members changed.
fn policy(more: &Value) -> Value {
    let mut policy = json!({"id": 2, "policyName": "VPN for sales", "description": "made in the console",
        "compliance": "enforce", "ownershipType": "ANY", "active": true, "updated": false, "priorityId": 1,
        "roles": ["sales"], "users": [], "deviceGroups": [], "devices": [],
        "profile": {"deviceType": "android", "profileFeaturesList": [
            {"featureCode": "CAMERA", "content": "{\"enabled\":false}"}]}});
    policy.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    policy
}

fn read(policy: &Value) -> ObservedItem {
    wire::policy(policy, &TypeNames::new()).unwrap()
}

fn holding(code: &str, content: &Value) -> Value {
    json!({"profile": {"deviceType": "android",
        "profileFeaturesList": [{"featureCode": code, "content": content}]}})
}

#[test]
fn what_is_found_is_said_in_our_words() {
    let entry = bench(&json!({})).entry(&read(&policy(&json!({"description": "made in the console  "}))));
    let manifests = entry.manifests.unwrap();
    assert_eq!(
        serde_json::to_value(&manifests.policy.spec).unwrap(),
        json!({"displayName": "VPN for sales", "description": "made in the console", "enabled": true,
            "content": {"wso2": {"profiles": [{"platform": "android", "features": [
                {"code": "CAMERA", "content": {"enabled": false}}]}]}}})
    );
    assert_eq!(
        serde_json::to_value(&manifests.assignment.spec).unwrap(),
        json!({"policyRef": {"name": "system-vpn-for-sales-2"}, "backendRef": {"name": "system"},
            "targets": {"include": [{"wso2": {"roles": ["sales"]}}]}, "mode": "Observe", "priority": -1,
            "wso2": {"compliance": "Enforce", "ownership": "Any"}, "adopt": {"id": "2"}})
    );
    assert_eq!((entry.notes.len(), entry.targets.as_str()), (0, "roles sales"));
}

#[test]
fn what_our_words_cannot_say_is_no_manifest_and_says_why() {
    let accepts = json!({"ungroupedDevices": "Accept"});
    let links = json!({"deviceLinks": "Evaluated"});
    let device = json!({"devices": [{"type": "android", "deviceIdentifier": "a-1"}]});
    let none = json!({});
    let all = |one: Value| [policy(&one), one][0].clone();
    let cases = [
        (&none, all(json!({"roles": ["ANY"]})), None, "everybody"),
        (&none, all(json!({"roles": []})), None, "no restriction is everybody"),
        (&none, all(json!({"roles": [], "users": ["jdoe"]})), None, "users"),
        (&none, all(json!({"users": ["jdoe"]})), Some("all name"), "roles and users restrict together"),
        (&none, all(json!({"roles": ["sales", "ANY"]})), Some("everybody and somebody"), "ANY among others"),
        (&none, all(json!({"roles": ["gone"]})), Some("no role"), "a role that the system does not list"),
        (&none, all(json!({"roles": [], "deviceGroups": [{"id": 0}]})), Some("ungroupedDevices"), "groups"),
        (&accepts, all(json!({"roles": [], "deviceGroups": [{"id": 0}]})), None, "groups, where accepted"),
        (
            &accepts,
            all(json!({"roles": [], "deviceGroups": [{"id": 9}]})),
            Some("no such group"),
            "a group gone",
        ),
        (&none, all(device.clone()), None, "links that the system does not look at"),
        (&links, all(device), Some("linked"), "links that count"),
        (&none, all(json!({"compliance": "block"})), None, "an unknown word stays as it is"),
        (&none, all(json!({"description": "x\u{7}"})), None, "a description we may not write stays"),
        (&none, all(json!({"policyName": " VPN"})), Some("blanks"), "a name we may not write"),
        (&none, all(json!({"policyName": "x".repeat(46)})), Some("45"), "a name longer than the column"),
        (&none, all(holding("CAMERA", &json!("on"))), Some("not an object"), "content that is no object"),
        (&none, all(holding("CAMERA", &json!({"a": [null]}))), Some("null"), "null in a list"),
        (&none, all(holding("WIPE_DATA", &json!({}))), Some("operation"), "an operation"),
        (
            &none,
            all(holding("WIFI", &json!({"ssid": "a", "password": "s3ll"}))),
            Some("Secret"),
            "a password",
        ),
        (&none, all(holding("PASSCODE_POLICY", &json!({"passwordMinLength": 8}))), None, "a number is none"),
        (
            &none,
            all(json!({"profile": {"deviceType": "beos", "profileFeaturesList": [
            {"featureCode": "CAMERA", "content": {}}]}})),
            Some("no platform"),
            "an unknown platform",
        ),
        (&none, all(json!({"profile": {"deviceType": "android"}})), Some("no features"), "nothing in it"),
    ];
    for (settings, policy, expected, why) in cases {
        let said = bench(settings).applied(&read(&policy)).err();
        let fits = match (&said, expected) {
            (None, None) => true,
            (Some(said), Some(word)) => said.contains(word),
            _ => false,
        };
        assert!(fits, "{why}: {said:?}");
    }
}

#[test]
fn a_secret_in_clear_is_printed_nowhere() {
    let read = read(&policy(&holding("VPN", &json!({"serverAddress": "x", "sharedSecret": "s3ll-m0re"}))));
    let entry = bench(&json!({})).entry(&read);
    assert!(!format!("{entry:?}").contains("s3ll-m0re"), "{entry:?}");
}

fn names(pool: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(pool), 0..3)
}

fn words(pool: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(pool)
}

fn features() -> impl Strategy<Value = Value> {
    let code = words(&[
        "CAMERA",
        "camera",
        "PASSCODE_POLICY",
        "WIFI",
        "DISALLOW_SMS",
        "APN",
        "VPN",
        "EMAIL",
        "LDAP",
        "WIPE_DATA",
    ]);
    let object = || {
        let members = prop::collection::btree_map("[a-zA-Z]{1,8}|.{0,4}", any_json(), 0..4);
        members.prop_map(|members| Value::Object(members.into_iter().collect()))
    };
    let content = prop_oneof![
        9 => object().prop_map(|content| Value::String(content.to_string())),
        5 => object(),
        1 => any_json(),
    ];
    let feature =
        (code, content).prop_map(|(code, content)| json!({"featureCode": code, "content": content}));
    prop::collection::vec(feature, 1..3).prop_map(Value::Array)
}

fn whom() -> impl Strategy<Value = Value> {
    let devices =
        prop_oneof![9 => Just(json!([])), 1 => Just(json!([{"type": "ios", "deviceIdentifier": "i"}]))];
    let of = |roles: Vec<&str>, users: Vec<&str>, groups: Vec<i64>| {
        let groups: Vec<Value> = groups.into_iter().map(|id| json!({ "id": id })).collect();
        json!({"roles": roles, "users": users, "deviceGroups": groups})
    };
    let all = (
        names(&["ANY", "sales", "engineer", "gone", "Internal/x"]),
        names(&["ANY", "jdoe", "Max"]),
        prop::collection::vec(0..4_i64, 0..3),
    );
    let whom = prop_oneof![
        2 => names(&["sales", "engineer", "admin"]).prop_map(move |roles| of(roles, vec![], vec![])),
        1 => names(&["jdoe", "Max"]).prop_map(move |users| of(vec![], users, vec![])),
        1 => prop::collection::vec(0..3_i64, 0..3).prop_map(move |groups| of(vec![], vec![], groups)),
        1 => all.prop_map(move |(roles, users, groups)| of(roles, users, groups)),
    ];
    (whom, devices).prop_map(|(mut whom, devices)| {
        whom["devices"] = devices;
        whom
    })
}

fn states() -> impl Strategy<Value = ObservedItem> {
    let text = prop_oneof![4 => "[ -~äß]{1,20}", 1 => ".{0,60}"];
    let told = (
        1..1_000_000_i64,
        text.clone(),
        prop_oneof![3 => text, 1 => Just(String::new())],
        words(&["enforce", "Warning", "MONITOR", "block", ""]),
        words(&["ANY", "byod", "COPE", "other"]),
        any::<[bool; 2]>(),
        words(&["android", "android", "Windows", "Windows", "beos"]),
    );
    (told, features(), whom()).prop_map(|(told, features, whom)| {
        let (id, name, description, compliance, ownership, [active, updated], platform) = told;
        let mut policy = policy(&whom);
        let changes = json!({"id": id, "policyName": name.trim(), "description": description,
            "compliance": compliance, "ownershipType": ownership, "active": active, "updated": updated,
            "profile": {"deviceType": platform, "profileFeaturesList": features}});
        policy.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        read(&policy)
    })
}

#[test]
fn of_a_thousand_policies_none_would_be_changed() {
    bench(&json!({})).law(states(), 150);
    bench(&json!({"ungroupedDevices": "Accept", "deviceLinks": "Evaluated"})).law(states(), 150);
}
