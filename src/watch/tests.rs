//! What comes over the wire, in every order and shape.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use kube::core::{ObjectList, WatchEvent};
use serde_json::{Value, json};

use super::decode::{Arrived, Incoming};
use crate::{
    api::{Policy, PolicyAssignment, PolicyAssignmentStatus},
    index::{Object, Undecodable},
    report::memo::Memo,
};

fn assignment() -> Value {
    json!({
        "apiVersion": "ordain.dev/v1alpha1", "kind": "PolicyAssignment",
        "metadata": {
            "name": "a", "namespace": "team", "uid": "u", "generation": 3, "resourceVersion": "12",
            "creationTimestamp": "2026-03-01T00:00:00Z", "labels": {"app": "x"},
            "annotations": {"ordain.dev/reconcile-requested-at": "now", "kubectl.kubernetes.io/last-applied-configuration": "{}"},
            "finalizers": ["ordain.dev/release"],
            "managedFields": [{"manager": "kubectl", "fieldsV1": {"f:spec": {"f:priority": {}}}}],
        },
        "spec": {"policyRef": {"name": "p"}, "backendRef": {"name": "b"}, "priority": 7, "targets": {"everyone": true}},
        "status": {"observedGeneration": 2, "conditions": []},
        "unheard-of": {"by": "this version"},
    })
}

fn decode(object: &Value) -> Incoming<PolicyAssignment> {
    serde_json::from_str(&object.to_string()).unwrap()
}

fn undecodable<K>(incoming: Incoming<K>) -> Undecodable {
    match incoming.arrived {
        Arrived::Undecodable(object) => *object,
        Arrived::Object(object) => panic!("it decodes: {object:?}"),
    }
}

#[test]
fn an_object_is_pruned_and_its_status_set_apart() {
    let incoming = decode(&assignment());
    let meta = incoming.arrived.metadata().clone();
    assert_eq!((meta.managed_fields.as_ref(), meta.labels.as_ref()), (None, None));
    assert_eq!(meta.annotations.as_ref().unwrap().len(), 1);
    assert_eq!((meta.generation, meta.resource_version.as_deref()), (Some(3), Some("12")));
    assert_eq!(meta.finalizers.as_deref().unwrap(), ["ordain.dev/release"]);
    assert_eq!(incoming.status.unwrap().observed_generation(), Some(2));
    let Arrived::Object(Object::Assignment(object)) = incoming.arrived else { panic!() };
    assert_eq!(object.spec.priority, Some(7));
    assert!(object.status.is_none());
}

#[test]
fn the_order_of_members_in_an_event_does_not_matter() {
    let object = assignment();
    for event in [
        format!(r#"{{"type":"MODIFIED","object":{object}}}"#),
        format!(r#"{{"object":{object},"type":"MODIFIED"}}"#),
    ] {
        let event: WatchEvent<Incoming<PolicyAssignment>> = serde_json::from_str(&event).unwrap();
        let WatchEvent::Modified(incoming) = event else { panic!() };
        assert!(matches!(incoming.arrived, Arrived::Object(_)));
    }
}

#[test]
fn free_form_content_keeps_its_text_in_either_order() {
    let object = r#"{"metadata":{"name":"p","namespace":"team"},"spec":{"content":{"wso2":{"profiles":[{"platform":
        "android","features":[{"code":"C","content":{"b":1.50,"a":[1,"x",null,true]}}]}]}}}}"#;
    for event in [
        format!(r#"{{"type":"ADDED","object":{object}}}"#),
        format!(r#"{{"object":{object},"type":"ADDED"}}"#),
    ] {
        let event: WatchEvent<Incoming<Policy>> = serde_json::from_str(&event).unwrap();
        let WatchEvent::Added(incoming) = event else { panic!() };
        let Arrived::Object(Object::Policy(policy)) = incoming.arrived else {
            panic!("{:?}", incoming.arrived)
        };
        let content = policy.spec.content.wso2.unwrap().profiles[0].features[0].content.clone().unwrap();
        assert_eq!(content.as_str(), r#"{"a":[1,"x",null,true],"b":1.5}"#);
    }
}

#[test]
fn what_does_not_decode_says_what_and_where_and_keeps_what_can_be_read() {
    let cases = [
        ("/spec/priority", json!("high"), "spec.priority: invalid type: string \"high\", expected i32"),
        (
            "/spec/targets/everyone",
            json!(1),
            "spec.targets.everyone: invalid type: integer `1`, expected a boolean",
        ),
        ("/spec/policyRef", json!({}), "spec.policyRef: missing field `name`"),
        ("/spec/mode", json!("Maybe"), "spec.mode: unknown variant `Maybe`, expected `Apply` or `Observe`"),
        ("/spec", json!(null), "spec: invalid type: null, expected struct PolicyAssignmentSpec"),
        ("/spec", json!([]), "spec: invalid length 0, expected struct PolicyAssignmentSpec with 9 elements"),
    ];
    for (at, value, error) in cases {
        let mut object = assignment();
        let (parent, member) = at.rsplit_once('/').unwrap();
        object.pointer_mut(parent).unwrap()[member] = value;
        let found = undecodable(decode(&object));
        assert_eq!(found.error, error, "{at}");
        assert_eq!(found.metadata.generation, Some(3), "{at}");
        let readable = at.starts_with("/spec/");
        assert_eq!(found.raw.backend.is_some(), readable, "{at}");
        assert_eq!(found.raw.policy.is_some(), readable && at != "/spec/policyRef", "{at}");
    }
}

#[test]
fn neither_a_bad_status_nor_its_absence_makes_an_object_undecodable() {
    for status in
        [json!(null), json!("ready"), json!({"observedGeneration": "two"}), json!({"conditions": 7})]
    {
        let mut object = assignment();
        object["status"] = status.clone();
        let incoming = decode(&object);
        assert!(incoming.status.is_none(), "{status}");
        assert!(matches!(incoming.arrived, Arrived::Object(_)), "{status}");
    }
}

#[test]
fn a_list_survives_what_nests_deeper_than_the_parser_follows() {
    let mut deep = assignment();
    let abyss = format!("{}1{}", "[".repeat(20_000), "]".repeat(20_000));
    deep["spec"]["extra"] = "HERE".into();
    deep["status"]["extra"] = "HERE".into();
    let deep = deep.to_string().replace("\"HERE\"", &abyss);
    let list = format!(
        r#"{{"apiVersion":"ordain.dev/v1alpha1","kind":"PolicyAssignmentList","metadata":{{"resourceVersion":"1"}},"items":[{deep},{}]}}"#,
        assignment()
    );
    let list: ObjectList<Incoming<PolicyAssignment>> = serde_json::from_str(&list).unwrap();
    let [deep, good] = <[_; 2]>::try_from(list.items).unwrap();
    assert!(deep.status.is_none());
    assert_eq!(undecodable(deep).error, "spec: nests deeper than 64 levels");
    assert!(matches!(good.arrived, Arrived::Object(_)));
}

#[test]
fn a_member_given_twice_is_read_as_before() {
    let text = assignment().to_string().replace("\"priority\":7", "\"priority\":1,\"priority\":7");
    let incoming: Incoming<PolicyAssignment> = serde_json::from_str(&text).unwrap();
    let Arrived::Object(Object::Assignment(object)) = incoming.arrived else { panic!() };
    assert_eq!(object.spec.priority, Some(7), "the last one counts");
}

#[test]
fn half_a_character_makes_one_object_undecodable_and_no_list() {
    let broken = assignment().to_string().replace("\"name\":\"p\"", "\"name\":\"\\ud800\"");
    let list = format!(
        r#"{{"apiVersion":"v1","kind":"List","metadata":{{"resourceVersion":"1"}},"items":[{broken},{}]}}"#,
        assignment()
    );
    let list: ObjectList<Incoming<PolicyAssignment>> = serde_json::from_str(&list).unwrap();
    let [broken, good] = <[_; 2]>::try_from(list.items).unwrap();
    assert!(undecodable(broken).error.starts_with("spec: "));
    assert!(matches!(good.arrived, Arrived::Object(_)));
}

#[test]
fn what_is_wrong_with_a_customer_is_said_with_its_path() {
    let cases = [
        (json!({"groups": []}), "customers[0]: exactly one of id, name is required"),
        (
            json!({"id": "1", "name": "x", "groups": []}),
            "customers[0]: exactly one of id, name is allowed, not both id and name",
        ),
        (
            json!({"id": {}, "groups": []}),
            "customers[0].id: invalid type: map, expected an id: text, or an integer",
        ),
        (
            json!({"id": 1, "groups": [{"name": 1}]}),
            "customers[0].groups[0].name: invalid type: integer `1`, expected a string",
        ),
    ];
    for (customer, error) in cases {
        let mut object = assignment();
        object["spec"]["targets"] = json!({"include": [{"wfbss": {"customers": [customer]}}]});
        let found = undecodable(decode(&object)).error;
        assert_eq!(found, format!("spec.targets.include[0].wfbss.{error}"));
    }
}

#[test]
fn annotations_of_others_are_skipped_whatever_they_hold() {
    let mut object = assignment();
    object["metadata"]["annotations"]["example.com/tree"] = json!({"not": ["even", "a", "string"]});
    let incoming = decode(&object);
    let annotations = incoming.arrived.metadata().annotations.clone().unwrap();
    assert_eq!(
        annotations.into_iter().collect::<Vec<_>>(),
        [("ordain.dev/reconcile-requested-at".to_owned(), "now".to_owned())]
    );
}

#[test]
fn a_status_is_remembered_alike_from_the_wire_and_from_the_writer() {
    let mut object = assignment();
    let condition = json!({
        "type": "Ready", "status": "True", "reason": "InStep", "message": "m", "observedGeneration": 2,
        "lastTransitionTime": "2026-03-01T00:00:00Z",
    });
    object["status"]["conditions"] = json!([condition, {"type": "OfAnotherVersion", "deep": [[]]}]);
    let seen = decode(&object).status.unwrap();
    object["status"]["conditions"] = json!([condition]);
    let written: PolicyAssignmentStatus = serde_json::from_value(object["status"].clone()).unwrap();
    assert!(seen.same(&Memo::of(&written)), "what this version does not know does not count");
    for (at, value) in [
        ("message", json!("n")),
        ("reason", json!("Observing")),
        ("lastTransitionTime", json!("2026-03-01T00:00:01Z")),
    ] {
        let mut other = object.clone();
        other["status"]["conditions"][0][at] = value;
        assert!(!decode(&other).status.unwrap().same(&seen), "another {at} is another status");
    }
}
