//! Assignments, and selections wherever they stand.

use serde_json::{Value, json};

use super::{Accept, Case, CodeOnly, Refuse, case, object, repeat, with};

const GUID: &str = "640FE47F-5118-4D79-8221-A35D0DE2EE2C";

fn assignment(field: &str, value: Value) -> Value {
    let spec = json!({"policyRef": {"name": "p"}, "backendRef": {"name": "b"}});
    with(object("PolicyAssignment", &spec), &format!("/spec/{field}"), value)
}

fn targets(targets: Value) -> Value {
    assignment("targets", targets)
}

pub fn cases() -> Vec<Case> {
    let complete = json!({
        "policyRef": {"name": "laptop-baseline"},
        "backendRef": {"kind": "ClusterBackend", "name": "emm"},
        "targets": {"include": [{"targetGroupRef": {"name": "tier-1"}}, {"wso2": {"roles": ["sales"]}}], "exclude": [], "allowEmpty": false},
        "priority": 100, "mode": "Apply", "wso2": {"compliance": "Enforce", "ownership": "BYOD"},
        "releasePolicy": "Orphan", "adopt": {"id": "17"}, "suspend": false,
    });
    vec![
        case("every field at once", object("PolicyAssignment", &complete), Accept),
        case("Symphony needs no targets", assignment("mode", "Observe".into()), Accept),
        case(
            "a mode is out of a list",
            assignment("mode", "Audit".into()),
            Refuse("Unsupported value: \"Audit\""),
        ),
        case("priorities end at 1000", assignment("priority", 1000.into()), Accept),
        case(
            "1001 is too much",
            assignment("priority", 1001.into()),
            Refuse("should be less than or equal to 1000"),
        ),
        case(
            "-1001 is too little",
            assignment("priority", (-1001).into()),
            Refuse("should be greater than or equal to -1000"),
        ),
        case(
            "backends are of two kinds",
            assignment("backendRef", json!({"kind": "Secret", "name": "b"})),
            Refuse("Unsupported value: \"Secret\""),
        ),
        case(
            "a reference is a name",
            assignment("policyRef", json!({"name": "Other/Policy"})),
            Refuse("spec.policyRef.name"),
        ),
        case("everyone is said in words", targets(json!({"everyone": true})), Accept),
        case(
            "everyone and some contradict each other",
            targets(json!({"everyone": true, "include": []})),
            Refuse("say everyone: true, or name include, and not both"),
        ),
        case(
            "neither everyone nor some is nobody's wish",
            targets(json!({})),
            Refuse("say everyone: true, or name include, and not both"),
        ),
        case(
            "not everyone, and none named",
            targets(json!({"everyone": false})),
            Refuse("say everyone: true, or name include, and not both"),
        ),
        case("not everyone, but some", targets(json!({"everyone": false, "include": []})), Accept),
        case(
            "adoption names an object",
            assignment("adopt", json!({})),
            Refuse("say id, or byName: true, and not both"),
        ),
        case(
            "adoption names an object one way",
            assignment("adopt", json!({"id": "1", "byName": true})),
            Refuse("say id, or byName: true, and not both"),
        ),
        case("adoption by name", assignment("adopt", json!({"byName": true})), Accept),
        case(
            "by name: false says nothing",
            assignment("adopt", json!({"byName": false})),
            Refuse("say id, or byName: true, and not both"),
        ),
        case("an id may be written as a number", assignment("adopt", json!({"id": 17})), Accept),
        case(
            "64 selections are allowed",
            targets(json!({"include": repeat(64, |i| json!({"targetGroupRef": {"name": format!("g{i}")}}))})),
            Accept,
        ),
        case(
            "65 selections are too many",
            targets(json!({"include": repeat(65, |i| json!({"targetGroupRef": {"name": format!("g{i}")}}))})),
            Refuse("must have at most 64 items"),
        ),
        case(
            "a selection has one form",
            targets(json!({"include": [{"targetGroupRef": {"name": "a"}, "wso2": {"roles": ["r"]}}]})),
            Refuse("exactly one of targetGroupRef, wfbss, appShield, tachyon, wso2 is required"),
        ),
        case(
            "a selection has a form",
            targets(json!({"include": [{}]})),
            Refuse("exactly one of targetGroupRef, wfbss"),
        ),
        case(
            "what is excluded is checked, too",
            targets(json!({"include": [], "exclude": [{"wso2": {"users": ["ANY"]}}]})),
            Refuse("the word ANY means everybody"),
        ),
    ]
}

fn group(targets: &Value) -> Value {
    object("TargetGroup", targets)
}

fn customers(customers: Value) -> Value {
    group(&json!({"wfbss": {"customers": customers}}))
}

fn customer(i: usize, groups: usize) -> Value {
    json!({"name": format!("Customer {i}"), "groups": repeat(groups, |g| json!({"id": g}))})
}

pub fn targets_of_people() -> Vec<Case> {
    let roles = |roles: Value| group(&json!({"wso2": {"roles": roles}}));
    let devices = |devices: Value| group(&json!({"wso2": {"devices": devices}}));
    vec![
        case(
            "a union of three dimensions",
            group(
                &json!({"wso2": {"roles": ["engineer"], "users": ["jdoe"], "groups": [{"name": "Finance laptops"}]}}),
            ),
            Accept,
        ),
        case("a selection of nobody can be meant", group(&json!({"wso2": {}})), Accept),
        case(
            "a group speaks of one system",
            group(&json!({"wso2": {}, "tachyon": {}})),
            Refuse("exactly one of wfbss, appShield, tachyon, wso2 is required"),
        ),
        case(
            "a group speaks of a system",
            group(&json!({})),
            Refuse("exactly one of wfbss, appShield, tachyon, wso2 is required"),
        ),
        case(
            "ANY is everybody",
            roles(json!(["sales", "ANY"])),
            Refuse("the word ANY means everybody to the system"),
        ),
        case(
            "ANY is everybody in any case",
            roles(json!(["aNy"])),
            Refuse("the word ANY means everybody to the system"),
        ),
        case("ANY with blanks might be read as ANY", roles(json!([" any "])), Refuse("roles[0]")),
        case("a role may be called anything", roles(json!(["anything"])), Accept),
        case("a role stands once", roles(json!(["a", "a"])), Refuse("Duplicate value")),
        case("500 roles are allowed", roles(repeat(500, |i| format!("role {i}").into())), Accept),
        case(
            "501 roles are too many",
            roles(repeat(501, |i| format!("role {i}").into())),
            Refuse("must have at most 500 items"),
        ),
        case("a device is type and id", devices(json!(["android/4711"])), Accept),
        case("a device without type is none", devices(json!(["4711"])), Refuse("devices[0]")),
        case(
            "users of App Shield have ids",
            group(&json!({"appShield": {"users": [{"id": "639057069300123456"}], "groups": [{"id": 16}]}})),
            Accept,
        ),
        case(
            "501 management groups are too many",
            group(&json!({"tachyon": {"managementGroups": repeat(501, |i| json!({"id": i}))}})),
            Refuse("must have at most 500 items"),
        ),
        case(
            "the same group twice is a slip, too",
            group(&json!({"tachyon": {"managementGroups": [{"name": "a"}, {"name": "a"}]}})),
            CodeOnly,
        ),
    ]
}

pub fn targets_of_customers() -> Vec<Case> {
    vec![
        case("all groups of a customer", customers(json!([{"id": GUID, "allGroups": true}])), Accept),
        case(
            "some groups of a customer",
            customers(json!([{"name": "Acme", "groups": [{"id": 1}, {"name": "Servers"}]}])),
            Accept,
        ),
        case("no group of a customer", customers(json!([{"name": "Acme", "groups": []}])), Accept),
        case(
            "a customer is named one way",
            customers(json!([{"id": GUID, "name": "Acme", "allGroups": true}])),
            Refuse("must validate one and only one schema (oneOf)"),
        ),
        case(
            "a customer is named",
            customers(json!([{"allGroups": true}])),
            Refuse("must validate one and only one schema (oneOf)"),
        ),
        case(
            "no groups named is not all of them",
            customers(json!([{"id": GUID}])),
            Refuse("name groups, or say allGroups: true"),
        ),
        case(
            "some groups are not all of them",
            customers(json!([{"id": GUID, "groups": [], "allGroups": true}])),
            Refuse("name groups, or say allGroups: true"),
        ),
        case(
            "allGroups: false names no groups",
            customers(json!([{"id": GUID, "allGroups": false}])),
            Refuse("name groups, or say allGroups: true"),
        ),
        case(
            "a customer's id is a GUID",
            customers(json!([{"id": "640FE47F", "allGroups": true}])),
            Refuse("customers[0].id"),
        ),
        case(
            "a customer stands once, whatever the case of its GUID",
            customers(
                json!([{"id": GUID, "allGroups": true}, {"id": GUID.to_lowercase(), "allGroups": true}]),
            ),
            CodeOnly,
        ),
        case(
            "101 groups of a customer are too many",
            customers(json!([customer(0, 101)])),
            Refuse("must have at most 100 items"),
        ),
        case("2000 targets are allowed", customers(repeat(20, |i| customer(i, 100))), Accept),
        case(
            "2001 targets are too many",
            customers(repeat(21, |i| customer(i, if i == 20 { 1 } else { 100 }))),
            Refuse("at most 2000 targets"),
        ),
        case("1000 customers are allowed", customers(repeat(1000, |i| customer(i, 1))), Accept),
        case(
            "1001 customers are too many",
            customers(repeat(1001, |i| customer(i, 1))),
            Refuse("must have at most 1000 items"),
        ),
    ]
}
