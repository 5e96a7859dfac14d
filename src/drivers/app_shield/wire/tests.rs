#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use serde_json::json;

use super::*;

fn sample() -> Value {
    json!({
        "id": "639057069300123456", "Name": "tenant-acme-rows",
        "Description": "Rows of Acme [ordain:aaaaaaaa/bbbbbbbbbbbbbbbb]", "isActive": true,
        "Constraints": [{"AppField": "Sales.Region", "Extra": null}],
        "Groups": [{"GroupId": "16", "GroupName": null, "ErrorCode": 0}],
        "Users": [{"ID": "638500000000000001", "LoginName": null}],
        "CreatedBy": {"ID": "1", "LoginName": "admin", "EmailAddress": "admin@example.com"},
        "ModifiedBy": {"ID": "1", "LoginName": "admin", "EmailAddress": "admin@example.com"},
        "CreatedDate": "2026-02-03T09:15:30.0123456+01:00", "ModifiedDate": "2/3/2026 9:15:30 AM",
        "ErrorCode": "0", "ErrorMessage": "", "NewInSomeVersion": 7,
    })
}

#[test]
fn a_policy_reads_as_it_stands() {
    let item = policy(&sample()).unwrap();
    assert_eq!(item.id, Some(ExternalId("639057069300123456".into())));
    assert_eq!((item.name.as_str(), item.enabled), ("tenant-acme-rows", Some(true)));
    assert_eq!(item.mark.unwrap().to_string(), "[ordain:aaaaaaaa/bbbbbbbbbbbbbbbb]");
    let leaf = |path: &str| item.leaves[&LeafPath(path.into())].clone();
    assert_eq!(leaf("description"), json!("Rows of Acme"));
    assert_eq!(leaf("constraints"), json!([{"AppField": "Sales.Region"}]), "canonical");
    assert_eq!(item.raw["Constraints"], json!([{"AppField": "Sales.Region", "Extra": null}]), "as read");
    assert_eq!(item.members[&MemberKind::Group], BTreeSet::from(["16".to_owned()]));
    assert_eq!(item.members[&MemberKind::User], BTreeSet::from(["638500000000000001".to_owned()]));
    assert_eq!((&*item.provenance.created_by, &*item.provenance.modified_by), ("admin", "admin"));
    assert_eq!(item.raw["NewInSomeVersion"], json!(7), "unknown fields are kept");
    assert!(!item.raw.to_string().contains("example.com"), "people are not kept");
}

#[test]
fn other_shapes_read_alike() {
    let cases = [
        ("Groups", json!(["16"]), "bare ids"),
        ("Groups", json!([{"GroupId": 16}]), "ids as numbers"),
        ("ModifiedBy", json!(null), "nobody"),
        ("Constraints", json!(null), "no constraints"),
        ("Description", json!(null), "no description"),
        ("ErrorCode", json!(0), "another spelling of success"),
    ];
    for (member, value, why) in cases {
        let mut told = sample();
        told[member] = value;
        let item = policy(&told).unwrap();
        assert_eq!(item.members[&MemberKind::Group], BTreeSet::from(["16".to_owned()]), "{why}");
    }
    let mut number = sample();
    number["id"] = json!(639_057_069_300_123_456_i64);
    assert_eq!(policy(&number).unwrap().id, policy(&sample()).unwrap().id, "18 digits as a number");
}

#[test]
fn what_is_not_understood_is_said() {
    let cases = [
        ("id", json!(null), "no id"),
        ("id", json!(""), "no id"),
        ("id", json!(6.39e17), "no id"),
        ("isActive", json!("yes"), "another type"),
        ("isActive", json!(null), "isActive"),
        ("Groups", json!([{"GroupName": "x"}]), "GroupId"),
        ("Users", json!([{"ID": null}]), "ID"),
        ("Constraints", json!({}), "another type"),
    ];
    for (member, value, words) in cases {
        let mut told = sample();
        told[member] = value.clone();
        let problem = policy(&told).unwrap_err();
        assert!(problem.contains(words), "{member}: {value}: {problem}");
    }
}

#[test]
fn a_code_is_a_refusal_however_it_is_spelled() {
    let cases = [
        (json!({"ErrorCode": null}), None, "template"),
        (json!({"ErrorCode": ""}), None, "empty"),
        (json!({"ErrorCode": 0}), None, "number"),
        (json!({"ErrorCode": "0"}), None, "text"),
        (json!({}), None, "none at all"),
        (json!([]), None, "a list has none"),
        (json!({"ErrorCode": 101, "ErrorMessage": "Failed"}), Some(("101", "Failed")), "number"),
        (json!({"ErrorCode": "5001", "ErrorMessage": null}), Some(("5001", "")), "text"),
        (json!({"ErrorCode": -1}), Some(("-1", "")), "negative"),
        (json!({"ErrorCode": "E12"}), Some(("E12", "")), "a word"),
        (json!({"ErrorCode": "0", "Groups": [{"ErrorCode": 7}]}), None, "the top decides"),
        (json!([{"ErrorCode": 5001, "ErrorMessage": "x"}]), Some(("5001", "x")), "a list that refuses"),
        (json!([{"GroupId": "1", "ErrorCode": 5001}]), None, "an element with an id is one"),
        (json!([{"ErrorCode": 5001}, {"GroupId": "1"}]), None, "one of several"),
    ];
    for (value, expected, why) in cases {
        let told = refusal(&value);
        assert_eq!(told.as_ref().map(|it| (it.code.as_str(), it.text.as_str())), expected, "{why}: {value}");
    }
    assert_eq!(nested_codes(&json!({"ErrorCode": 3, "Groups": [{"ErrorCode": 7}, {"ErrorCode": 0}]})), 1);
}

#[test]
fn a_list_is_found_and_its_end_believed_only_if_nothing_speaks_against_it() {
    let one = json!([{"id": "1"}]);
    let cases = [
        (one.clone(), Some((1, true)), "bare"),
        (json!({"ErrorCode": 0, "Items": one}), Some((1, true)), "wrapped under any name"),
        (json!({"Items": one, "TotalCount": 1}), Some((1, true)), "counted"),
        (json!({"Items": one, "TotalCount": 2}), Some((1, false)), "cut"),
        (json!({"Items": one, "count": 0}), Some((1, true)), "a count of something else"),
        (json!({"Items": one, "More": []}), None, "which of the two?"),
        (json!({"ErrorCode": 0}), None, "none"),
        (json!("text"), None, "no list"),
    ];
    for (value, expected, why) in cases {
        assert_eq!(rows(&value).map(|(rows, whole)| (rows.len(), whole)), expected, "{why}");
    }
}

#[test]
fn rights_are_known_only_if_they_are_told() {
    let cases = [
        (json!({"isAdmin": true, "isSuperAdmin": false}), Some(true)),
        (json!({"isAdmin": false, "isSuperAdmin": true}), Some(true)),
        (json!({"isAdmin": false, "isSuperAdmin": false}), Some(false)),
        (json!({"isAdmin": false}), Some(false)),
        (json!({}), None),
    ];
    for (user, expected) in cases {
        assert_eq!(LoginUser::deserialize(&user).unwrap().is_admin(), expected, "{user}");
    }
}

#[test]
fn only_a_policy_without_any_list_is_a_stub() {
    assert!(is_stub(&json!({"id": "1", "Constraints": null, "Users": null})));
    assert!(!is_stub(&json!({"id": "1", "Constraints": [], "Groups": null, "Users": null})));
}
