#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    drivers::wso2::canonical::tests::any_json,
    model::{Identity, ObjectName, OwnerId},
};

fn sample() -> Value {
    json!({
        "id": 12, "priorityId": 3,
        "profile": {
            "profileId": 12, "profileName": "k8s-camera", "tenantId": -1234, "deviceType": "android",
            "createdDate": "Tue, 3 Mar 2026 09:15:00 +0000", "updatedDate": "Wed, 4 Mar 2026 09:15:00 +0000",
            "profileFeaturesList": [
                {"id": 31, "featureCode": "CAMERA", "profileId": 12, "deviceType": "android", "content": "{\"enabled\":false}"},
                {"id": 32, "featureCode": "passcode_policy", "content": "{\"minLength\":6.0}"},
            ],
        },
        "policyName": "k8s-camera", "generic": false, "roles": ["engineer"], "ownershipType": "ANY", "devices": [],
        "users": [], "active": true, "updated": true, "description": "managed", "compliance": "Enforce",
        "policyCriterias": [], "tenantId": -1234, "profileId": 12, "deviceGroups": [],
    })
}

fn read(value: &Value) -> ObservedItem {
    policy(value, &TypeNames::new()).unwrap()
}

fn leaf<'a>(item: &'a ObservedItem, path: &str) -> &'a Value {
    &item.leaves[&LeafPath(path.into())]
}

#[test]
fn a_policy_of_dialect_b_is_read_whole() {
    let item = read(&sample());
    assert_eq!(item.id, Some(ExternalId("12".into())));
    assert_eq!((item.enabled, item.pending, item.slot), (Some(true), true, Some(3)));
    assert_eq!(leaf(&item, "platform"), "android");
    assert_eq!(leaf(&item, "compliance"), "enforce");
    assert_eq!(leaf(&item, "features/CAMERA"), &json!({"enabled": false}));
    assert_eq!(
        leaf(&item, "features/PASSCODE_POLICY"),
        &json!({"minLength": 6}),
        "codes match ignoring case"
    );
    assert_eq!(item.provenance.modified_at, "Wed, 4 Mar 2026 09:15:00 +0000");
    assert_eq!(item.members[&MemberKind::Role], BTreeSet::from(["engineer".to_owned()]));
    assert!(item.members[&MemberKind::Group].is_empty());
    assert_eq!(item.raw, sample());
}

#[test]
fn the_mark_is_split_off() {
    let mark = Identity {
        owner: OwnerId::new("o"),
        kind: "PolicyAssignment",
        object: ObjectName::new("a", "b"),
        variant: "android/roles".into(),
    }
    .mark();
    let mut value = sample();
    value["description"] = mark.append_to("managed").into();
    let item = read(&value);
    assert_eq!(item.mark, Some(mark.clone()));
    assert_eq!(leaf(&item, "description"), "managed");
    value["description"] = mark.to_string().into();
    assert_eq!(leaf(&read(&value), "description"), "", "a mark alone is no description");
}

#[test]
fn dialect_a_tells_the_platform_by_object_or_number() {
    let types = TypeNames::from([(2, "windows".to_owned())]);
    let cases = [
        (json!({"id": 1, "name": "android"}), Some("android")),
        (json!({"id": 2}), Some("windows")),
        (json!({"id": 2.0}), Some("windows")),
        (json!({"id": 9}), None),
        (json!("iOS"), Some("ios")),
        (json!(null), None),
    ];
    for (device_type, expected) in cases {
        let mut value = sample();
        value["profile"]["deviceType"] = device_type.clone();
        let platform = policy(&value, &types).ok().map(|item| leaf(&item, "platform").clone());
        assert_eq!(platform, expected.map(Value::from), "{device_type}");
    }
}

#[test]
fn what_reaches_the_same_people_reads_the_same() {
    let groups = json!([{"id": 4, "name": "Finance"}]);
    let cases = [
        (json!(["ANY"]), json!([]), json!([]), ["ANY", "", ""], "everyone, as we write it"),
        (json!([]), json!([]), json!([]), ["ANY", "", ""], "no restriction at all is everyone too"),
        (json!(null), json!(null), json!(null), ["ANY", "", ""], "also where members are left out"),
        (
            json!(["ANY"]),
            json!(["ANY"]),
            json!([{"id": 0, "name": "ANY"}]),
            ["ANY", "", ""],
            "said three times",
        ),
        (json!(["ANY", "x"]), json!([]), json!([]), ["ANY", "", ""], "the first entry decides"),
        (json!(["engineer"]), json!(["ANY"]), json!([]), ["engineer", "", ""], "users do not restrict"),
        (json!(["ANY"]), json!(["jdoe"]), json!([]), ["", "jdoe", ""], "roles do not restrict"),
        (json!([]), json!([]), groups, ["", "", "4"], "only groups restrict"),
        (json!(["b", "a", "b"]), json!([]), json!([]), ["a,b", "", ""], "order and repetition mean nothing"),
        (json!(["x", "ANY"]), json!([]), json!([]), ["ANY,x", "", ""], "not first: a role of that name"),
    ];
    for (roles, users, groups, expected, why) in cases {
        let mut value = sample();
        value["roles"] = roles;
        value["users"] = users;
        value["deviceGroups"] = groups;
        let item = read(&value);
        let joined = |kind| item.members[&kind].iter().cloned().collect::<Vec<_>>().join(",");
        assert_eq!(
            [joined(MemberKind::Role), joined(MemberKind::User), joined(MemberKind::Group)],
            expected,
            "{why}"
        );
    }
}

#[test]
fn what_is_not_understood_is_said() {
    let cases: [(&str, Value); 6] = [
        ("id", json!("x")),
        ("id", json!(-3)),
        ("profile", json!([])),
        ("policyName", json!(7)),
        ("active", json!("yes")),
        ("profile", json!({"deviceType": "android", "profileFeaturesList": "none"})),
    ];
    for (member, garbage) in cases {
        let mut value = sample();
        value[member] = garbage;
        assert!(policy(&value, &TypeNames::new()).is_err(), "{member}");
    }
}

#[test]
fn lists_come_in_many_wrappers() {
    let row = json!({"id": 1});
    let cases = [
        (json!([row]), Some((1, None)), "bare"),
        (json!({"statusCode": 200, "responseContent": [row]}), Some((1, None)), "wrapped"),
        (json!({"count": 3, "policies": [row]}), Some((1, Some(3))), "a page"),
        (json!({"count": 3.0, "policies": [row]}), Some((1, Some(3))), "a count as double"),
        (json!({"count": 0}), Some((0, Some(0))), "an empty list left out"),
        (json!({"count": 2}), None, "two, and none of them there"),
        (json!({"error": "x"}), None, "something else"),
        (json!("text"), None, "text"),
    ];
    for (value, expected, why) in cases {
        assert_eq!(rows(&value, &["policies"]).map(|(list, count)| (list.len(), count)), expected, "{why}");
    }
}

#[test]
fn faults_are_read_in_json_and_xml() {
    let cases: [(&str, Option<i64>); 6] = [
        (r#"{"fault":{"code":900901,"message":"Invalid Credentials"}}"#, Some(900_901)),
        (r#"{"fault":{"code":"900902"}}"#, Some(900_902)),
        ("<ams:fault xmlns:ams=\"x\"><ams:code>900904</ams:code></ams:fault>", Some(900_904)),
        ("<html>no</html>", None),
        (r#"{"code":404}"#, None),
        ("", None),
    ];
    for (body, expected) in cases {
        assert_eq!(fault_code(body.as_bytes()), expected, "{body}");
    }
}

#[test]
fn complaints_are_put_into_words() {
    let cases = [
        (json!({"errorMessage": "boom"}), Some("boom")),
        (
            json!({"code": 400, "message": "Bad Request", "description": "Validation Error", "moreInfo": "",
            "errorItems": [{"code": "400_policyName", "message": "policyName: size"}]}),
            Some("Bad Request; Validation Error; policyName: size"),
        ),
        (json!({"fault": {"code": 900_908, "message": "Resource forbidden"}}), Some("Resource forbidden")),
        (json!({"a": 1}), None),
        (json!([1]), None),
    ];
    for (value, expected) in cases {
        assert_eq!(complaint(&value).as_deref(), expected);
    }
}

proptest! {
    #[test]
    fn garbage_never_panics(value in any_json(), bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = policy(&value, &TypeNames::new());
        let _ = rows(&value, &["policies"]);
        let _ = complaint(&value);
        let _ = (unwrapped(&value), inner_status(&value), fault_code(&bytes));
    }

    #[test]
    fn a_policy_with_any_member_replaced_by_garbage_never_panics(
        member in prop::sample::select(vec![
            "id", "priorityId", "profile", "policyName", "roles", "users", "deviceGroups", "devices", "active",
            "updated", "description", "compliance", "ownershipType",
        ]),
        inner in prop::option::of(prop::sample::select(vec!["deviceType", "profileFeaturesList", "createdDate"])),
        garbage in any_json(),
    ) {
        let mut value = sample();
        match inner {
            Some(inner) => value["profile"][inner] = garbage,
            None => value[member] = garbage,
        }
        if let Ok(item) = policy(&value, &TypeNames::new()) {
            for (path, leaf) in &item.leaves {
                prop_assert_eq!(&canonical::leaf(&path.0, leaf), leaf, "observed leaves are canonical");
            }
        }
    }
}
