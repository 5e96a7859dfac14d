#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use serde_json::json;

use super::*;
use crate::model::{Identity, ItemKey, LeafValue, ObjectName, OwnerId};
use std::collections::BTreeSet;

fn leaf_path(path: &str) -> LeafPath {
    LeafPath(path.into())
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

fn members(roles: &[&str], users: &[&str], groups: &[&str]) -> Members {
    Members::from([
        (MemberKind::Role, set(roles)),
        (MemberKind::User, set(users)),
        (MemberKind::Group, set(groups)),
    ])
}

fn identity() -> Identity {
    Identity {
        owner: OwnerId::new("o"),
        kind: "PolicyAssignment",
        object: ObjectName::new("team", "laptops"),
        variant: "android/roles".into(),
    }
}

fn desired(leaves: Value, members: Members) -> DesiredItem {
    let leaves = leaves.as_object().unwrap().iter();
    DesiredItem {
        key: ItemKey("team/laptops/android/roles".into()),
        shape: Shape::Object { mark: Some(identity().mark()) },
        title: "Laptops".into(),
        status_key: "android/roles".into(),
        leaves: leaves
            .map(|(path, value)| (leaf_path(path), LeafValue { value: value.clone(), secret: false }))
            .collect(),
        members,
        enabled: Some(true),
        rank: (0, String::new()),
        contributors: BTreeSet::new(),
    }
}

fn laptops() -> Value {
    json!({"name": "Laptops", "platform": "android", "features/CAMERA": {"enabled": false}})
}

fn names() -> Names {
    Names {
        types: BTreeMap::from([("android".to_owned(), 1), ("windows".to_owned(), 2)]),
        groups: BTreeMap::from([("4".to_owned(), "Finance".to_owned())]),
    }
}

fn standing() -> Value {
    json!({
        "id": 12, "priorityId": 3, "policyName": "Old", "description": "theirs", "compliance": "WARN",
        "ownershipType": "BYOD", "active": true, "updated": false, "roles": ["admin"], "users": [],
        "devices": [{"deviceIdentifier": "x1", "type": "android", "name": "Phone"}],
        "deviceGroups": [{"id": 9, "name": "Old group", "owner": "admin"}],
        "policyType": "GENERAL", "policyPayloadVersion": "2", "correctiveActions": [{"actionType": "POLICY"}],
        "profile": {"profileId": 12, "profileName": "old-profile", "deviceType": "Android", "createdDate": "x",
            "profileFeaturesList": [
                {"id": 31, "featureCode": "camera", "content": "{\"enabled\":true}", "correctiveActions": [1]},
                {"id": 32, "featureCode": "WIFI", "content": "{\"ssid\":\"corp\"}"},
            ]},
    })
}

fn observed(raw: &Value) -> ObservedItem {
    wire::policy(raw, &wire::TypeNames::new()).unwrap()
}

#[test]
fn a_new_policy_of_dialect_b() {
    let wanted = desired(laptops(), members(&["engineer"], &[], &[]));
    let body = create(Dialect::DeviceMgtV1, &wanted, &names()).unwrap();
    let expected = json!({
        "policyName": "Laptops", "description": identity().mark().to_string(), "compliance": "enforce",
        "ownershipType": "ANY", "active": false,
        "profile": {"profileName": "Laptops", "deviceType": "android", "profileFeaturesList": [
            {"featureCode": "CAMERA", "deviceType": "android", "content": {"enabled": false}},
        ]},
        "roles": ["engineer"], "users": [], "deviceGroups": [], "deviceIdentifiers": [],
    });
    assert_eq!(body, expected);
}

#[test]
fn a_new_policy_of_dialect_a_tells_the_platform_by_number() {
    let wanted = desired(laptops(), members(&[], &["jdoe"], &[]));
    let body = create(Dialect::MdmAdmin, &wanted, &names()).unwrap();
    assert_eq!(body["profile"]["deviceType"], json!({"id": 1}));
    let feature = json!({"featureCode": "CAMERA", "deviceTypeId": 1, "content": {"enabled": false}});
    assert_eq!(body["profile"]["profileFeaturesList"][0], feature);
    assert_eq!((&body["roles"], &body["users"]), (&json!([]), &json!(["jdoe"])), "both lists are said");
    assert_eq!(body.get("deviceGroups"), None);
    let error = create(Dialect::MdmAdmin, &wanted, &Names::default()).unwrap_err();
    assert_eq!((error.class, error.reason), (Class::Rejected, Reason::Unsupported));
}

#[test]
fn replacing_keeps_what_is_not_ours_and_clears_what_is() {
    let mut leaves = laptops();
    leaves["description"] = "Camera off".into();
    let wanted = desired(leaves, members(&[], &[], &["4"]));
    let body = replace(Dialect::Entgra, &wanted, &observed(&standing()), &names()).unwrap();
    assert_eq!(body["policyName"], "Laptops");
    assert_eq!(body["description"], identity().mark().append_to("Camera off"));
    assert_eq!(
        (&body["compliance"], &body["ownershipType"]),
        (&json!("warn"), &json!("BYOD")),
        "not named, not ours"
    );
    assert_eq!((&body["roles"], &body["users"]), (&json!([]), &json!([])), "cleared on purpose");
    assert_eq!(body["deviceGroups"], json!([{"id": 4, "name": "Finance"}]));
    assert_eq!(
        body["deviceIdentifiers"],
        json!([{"id": "x1", "type": "android"}]),
        "else the PUT deletes them"
    );
    assert_eq!(body["profile"]["profileName"], "old-profile");
    assert_eq!(body["profile"]["deviceType"], "Android", "as the system spells it");
    let features = body["profile"]["profileFeaturesList"].as_array().unwrap();
    assert_eq!(features.len(), 1, "the list is exact");
    assert_eq!(features[0]["featureCode"], "camera", "the row that stands is meant");
    assert_eq!(features[0]["correctiveActions"], json!([1]));
    assert_eq!((&body["policyType"], &body["payloadVersion"]), (&json!("GENERAL"), &json!("2")));
}

#[test]
fn replacing_without_own_features_or_members_sends_those_that_stand() {
    let wanted = desired(json!({"name": "Laptops"}), Members::new());
    let body = replace(Dialect::DeviceMgtV1, &wanted, &observed(&standing()), &names()).unwrap();
    let contents: Vec<_> = body["profile"]["profileFeaturesList"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["content"].clone())
        .collect();
    assert_eq!(contents, [json!({"enabled": true}), json!({"ssid": "corp"})], "objects, never strings");
    assert_eq!(body["roles"], json!(["admin"]));
    assert_eq!(body["deviceGroups"], json!([{"id": 9, "name": "Old group"}]));
    assert_eq!(body["description"], identity().mark().append_to("theirs"));
}

#[test]
fn restoring_takes_our_mark_off_and_our_features_out() {
    let mut raw = standing();
    raw["description"] = identity().mark().append_to("ours").into();
    let former = Leaves::from([
        (leaf_path("description"), json!("before")),
        (leaf_path("name"), json!("Before")),
        (leaf_path("features/CAMERA"), Value::Null),
    ]);
    let body = restore(Dialect::DeviceMgtV1, &observed(&raw), &former, &Members::new(), &names()).unwrap();
    assert_eq!((&body["policyName"], &body["description"]), (&json!("Before"), &json!("before")));
    assert_eq!(body["roles"], json!(["admin"]));
    let features = body["profile"]["profileFeaturesList"].as_array().unwrap();
    assert_eq!(features.iter().map(|f| &f["featureCode"]).collect::<Vec<_>>(), ["WIFI"]);
}

#[test]
fn nothing_that_reaches_everybody_unasked_is_ever_sent() {
    let (a, b) = (Dialect::MdmAdmin, Dialect::DeviceMgtV1);
    let cases: Vec<(Dialect, Members, Option<Reason>, &str)> = vec![
        (b, members(&["ANY"], &[], &[]), None, "everyone, as compiled from everyone: true"),
        (b, members(&[], &[], &[]), Some(Reason::NoTargets), "no restriction is everybody"),
        (b, Members::new(), Some(Reason::NoTargets), "nor is silence"),
        (
            b,
            members(&["ANY", "engineer"], &[], &[]),
            Some(Reason::MatchesEveryone),
            "the first entry would decide",
        ),
        (b, members(&["any"], &[], &[]), Some(Reason::MatchesEveryone), "whatever its case"),
        (b, members(&[], &["ANY"], &[]), Some(Reason::MatchesEveryone), "as a user"),
        (b, members(&["ANY"], &["ANY"], &[]), Some(Reason::MatchesEveryone), "not said like this"),
        (a, members(&[], &[], &["4"]), Some(Reason::TargetKindUnsupported), "groups are dropped by A"),
        (a, members(&["engineer"], &[], &[]), None, "roles are not"),
        (
            b,
            [(MemberKind::Device, set(&["android/x1"]))].into(),
            None,
            "devices, where our rules say they count",
        ),
        (
            a,
            [(MemberKind::Device, set(&["android/x1"]))].into(),
            Some(Reason::TargetKindUnsupported),
            "never in A",
        ),
    ];
    for (dialect, members, expected, why) in cases {
        let result = create(dialect, &desired(laptops(), members), &names());
        assert_eq!(result.err().map(|e| e.reason), expected, "{why}");
    }
    let mut raw = standing();
    raw["roles"] = json!([]);
    raw["deviceGroups"] = json!([]);
    let wanted = desired(laptops(), members(&[], &[], &[]));
    let result = replace(b, &wanted, &observed(&raw), &names());
    assert_eq!(
        result.err().map(|e| e.reason),
        Some(Reason::TargetKindUnsupported),
        "device links narrow nothing"
    );
}

/// The system takes all kinds empty together for everybody, whichever of them a Restore empties.
#[test]
fn restoring_reaches_nobody_who_was_not_meant() {
    let b = Dialect::DeviceMgtV1;
    let roles = |names: &[&str]| Members::from([(MemberKind::Role, set(names))]);
    // Whom it reaches now; what is put back.
    let cases = [
        (
            members(&["eng"], &[], &[]),
            roles(&[]),
            Some(Reason::NoTargets),
            "its former users were taken out since",
        ),
        (members(&["eng"], &["u1"], &[]), roles(&[]), None, "its former users stand there"),
        (members(&["eng"], &[], &["9"]), roles(&[]), None, "its former group does"),
        (members(&["eng"], &[], &[]), roles(&["ANY"]), None, "it reached everybody before"),
        (
            members(&["eng"], &[], &[]),
            roles(&["ANY", "x"]),
            Some(Reason::MatchesEveryone),
            "one entry would decide",
        ),
        (members(&[], &[], &[]), Members::new(), None, "who it reaches is left alone"),
    ];
    for (stand, back, expected, why) in cases {
        let mut raw = standing();
        raw["roles"] = json!(stand[&MemberKind::Role]);
        raw["users"] = json!(stand[&MemberKind::User]);
        let groups = stand[&MemberKind::Group].iter().map(|_| json!({"id": 9, "name": "Old group"}));
        raw["deviceGroups"] = groups.collect();
        raw["devices"] = json!([]);
        let result = restore(b, &observed(&raw), &Leaves::new(), &back, &names());
        assert_eq!(result.err().map(|error| error.reason), expected, "{why}");
    }
}

#[test]
fn what_no_call_can_keep_is_not_overwritten() {
    let mut raw = standing();
    raw["policyCriterias"] = json!([{"name": "TIME"}]);
    let wanted = desired(laptops(), members(&["engineer"], &[], &[]));
    let error = replace(Dialect::DeviceMgtV1, &wanted, &observed(&raw), &names()).unwrap_err();
    assert_eq!((error.class, error.reason), (Class::Rejected, Reason::Unsupported));
    let error = create(
        Dialect::DeviceMgtV1,
        &desired(json!({"name": "x", "platform": "android"}), members(&["a"], &[], &[])),
        &names(),
    );
    assert_eq!(error.unwrap_err().reason, Reason::Invalid, "no feature");
    let wanted = desired(laptops(), members(&[], &[], &["77"]));
    let error = replace(Dialect::DeviceMgtV1, &wanted, &observed(&standing()), &names()).unwrap_err();
    assert_eq!((error.class, error.reason), (Class::Conflict, Reason::GroupNotFound));
}
