#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::model::{Identity, ObjectName};

fn owner() -> OwnerId {
    OwnerId::new("a cluster")
}

fn mark() -> Mark {
    let object = ObjectName::new("team", "cards");
    Identity { owner: owner(), kind: "Policy", object, variant: "policy".into() }.suffix()
}

fn listed() -> Value {
    json!({
        "policyId": "65a1", "name": format!(" Cards{} ", mark()), "type": "BLOCK", "contentTypes": ["ROOMMETA", "Messages"],
        "scopes": ["External"], "active": true, "version": "1.10", "creatorId": "7696581544487", "new": {"x": 1},
        "dictionaryRefs": [{"dictId": "d2", "name": "b", "version": "1.0"}, {"dictId": "d1"}],
        "creationDate": 1_764_000_000_000_i64, "lastUpdatedDate": "1764000050000",
    })
}

fn leaf(item: &ObservedItem, path: &str) -> Value {
    item.leaves.get(&LeafPath(path.into())).cloned().unwrap_or_default()
}

#[test]
fn a_policy_reads_as_leaves_switch_and_mark() {
    let item = policy(&listed(), Some(&owner())).unwrap();
    assert_eq!(item.id, Some(ExternalId("65a1".into())));
    assert_eq!((item.name.as_str(), item.mark), ("Cards", Some(mark())));
    assert_eq!(item.enabled, Some(true));
    let item = policy(&listed(), Some(&owner())).unwrap();
    let expected = [
        ("name", json!("Cards")),
        ("type", json!("Block")),
        ("contentTypes", json!(["Messages", "RoomMeta"])),
        ("scopes", json!(["External"])),
        ("dictionaries", json!(["d1", "d2"])),
    ];
    for (path, value) in expected {
        assert_eq!(leaf(&item, path), value, "{path}");
    }
    assert_eq!(item.leaves.len(), 5);
    let Provenance { version, created_at, created_by, modified_at, modified_by } = item.provenance;
    assert_eq!(created_by, "7696581544487", "who made it is told, who changed it is not");
    assert_eq!((version.as_str(), created_at.as_str()), ("1.10", "2025-11-24T16:00:00Z"));
    assert_eq!((modified_at.as_str(), modified_by.as_str()), ("2025-11-24T16:00:50Z", ""));
    assert_eq!(item.raw, listed());
}

#[test]
fn a_name_that_stands_as_written_has_no_mark() {
    let item = policy(&listed(), None).unwrap();
    assert_eq!((item.name, item.mark), (format!("Cards{}", mark()), None));
}

#[test]
fn the_later_of_two_dates_is_the_last_change() {
    let mut value = listed();
    let modified = |value: &Value| policy(value, None).unwrap().provenance.modified_at;
    value["lastDisabledDate"] = json!(1_764_000_060_000_i64);
    assert_eq!(modified(&value), "2025-11-24T16:01:00Z", "disabled after the last edit");
    value["lastDisabledDate"] = json!(1_764_000_000_000_i64);
    assert_eq!(modified(&value), "2025-11-24T16:00:50Z", "edited since");
    value["lastUpdatedDate"] = json!("soon");
    assert_eq!(modified(&value), "2025-11-24T16:00:00Z", "what is no date is none");
}

#[test]
fn what_cannot_be_understood_is_named() {
    let cases = [
        ("policyId", None, "without an id nothing can be done to it"),
        ("policyId", Some(json!("")), "no id"),
        ("policyId", Some(json!(7)), "ids are texts"),
        ("name", None, "required"),
        ("type", Some(json!(null)), "required"),
        ("contentTypes", None, "required"),
        ("scopes", Some(json!("External")), "a list"),
        ("scopes", Some(json!([1])), "of texts"),
        ("dictionaryRefs", None, "never taken for an empty list"),
        ("dictionaryRefs", Some(json!([{"name": "x"}])), "a reference without id is no reference less"),
        ("active", None, "on or off is not known"),
        ("active", Some(json!("true")), "on or off is not known"),
    ];
    for (member, value, why) in cases {
        let mut row = listed();
        match value {
            Some(value) => row[member] = value,
            None => drop(row.as_object_mut().unwrap().remove(member)),
        }
        let problem = policy(&row, Some(&owner())).unwrap_err();
        assert!(problem.contains(member), "{member}: {why}: {problem}");
    }
    for member in ["version", "creatorId", "creationDate", "lastUpdatedDate", "new"] {
        let mut row = listed();
        row.as_object_mut().unwrap().remove(member);
        assert!(policy(&row, Some(&owner())).is_ok(), "{member} may be absent");
    }
}

#[test]
fn errors_inside_errors_are_unwrapped() {
    let cases = [
        (json!({"code": 400, "message": "plain"}), Some("plain"), "as it is"),
        (
            json!({"message": "400 Bad Request: {\"message\":\"no such dictionary\"}"}),
            Some("no such dictionary"),
            "once",
        ),
        (
            json!({"message": "a {\"message\":\"b {\\\"message\\\":\\\"c\\\"}\"} d"}),
            Some("c"),
            "twice, with a tail",
        ),
        (json!({"message": "a set {x} is not JSON"}), Some("a set {x} is not JSON"), "a brace is no JSON"),
        (json!({"message": "400: {\"code\":1}"}), Some("400: {\"code\":1}"), "no words inside"),
        (json!({"message": "cut {\"message\":\"b"}), Some("cut {\"message\":\"b"), "cut inside"),
        (json!({"message": " "}), None, "blank"),
        (json!({"code": 400}), None, "both members are optional"),
        (json!([]), None, "no object"),
    ];
    for (body, expected, why) in cases {
        assert_eq!(complaint(&body).as_deref(), expected, "{why}");
    }
}

#[test]
fn a_dictionary_needs_id_and_name() {
    let row = |reference: Value| dictionary(&json!({"dictRef": reference, "type": "Phonetic"}));
    let found = row(json!({"dictId": "d1", "name": " cards ", "version": "1.0"})).unwrap();
    assert_eq!((found.id.as_str(), found.name.as_str()), ("d1", "cards"));
    for broken in
        [json!({"name": "cards"}), json!({"dictId": "d1"}), json!({"dictId": "", "name": "x"}), json!(null)]
    {
        assert_eq!(row(broken.clone()), None, "{broken}");
    }
}

#[test]
fn an_answer_tells_the_id_where_it_can() {
    assert_eq!(answered_id(&json!({"data": {"policyId": "p"}})), Some(ExternalId("p".into())));
    for silent in
        [json!(null), json!({"policyId": "p"}), json!({"data": {"policyId": ""}}), json!({"data": {}})]
    {
        assert_eq!(answered_id(&silent), None, "{silent}");
    }
}

#[test]
fn the_systems_own_switching_off_is_told_from_somebodys() {
    let (before, edited, after) = (1_764_000_000_000_i64, 1_764_000_050_000_i64, 1_764_000_060_000_i64);
    let some = listed()["dictionaryRefs"].clone();
    let cases = [
        (
            false,
            json!([]),
            Some(edited),
            Some("the system itself may have"),
            "the edit that took the last dictionary",
        ),
        (false, json!([]), None, Some("the system itself may have"), "dates may be left out"),
        (
            false,
            some.clone(),
            Some(after),
            Some("somebody switched it off at 2025-11-24T16:01:00Z"),
            "a call",
        ),
        (false, some.clone(), Some(edited), Some("somebody"), "a call that counts as an edit"),
        (false, some.clone(), Some(before), Some("does not tell"), "dictionaries may have come back since"),
        (false, some.clone(), None, None, "it was never on, or no date is told"),
        (true, some, Some(before), None, "it is on"),
    ];
    for (active, dictionaries, disabled, said, why) in cases {
        let mut value = listed();
        value["active"] = active.into();
        value["dictionaryRefs"] = dictionaries;
        value["lastDisabledDate"] = json!(disabled);
        let told = policy(&value, Some(&owner())).unwrap().switched_off;
        assert_eq!(told.is_some(), said.is_some(), "{why}: {told:?}");
        assert!(told.unwrap_or_default().contains(said.unwrap_or_default()), "{why}");
    }
}
