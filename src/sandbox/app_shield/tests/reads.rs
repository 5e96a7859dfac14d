//! Section 6: groups and people; section 4: reads and deletes under names a test chose.

use serde_json::{Value, json};

use super::{Bench, CONTACTS, GROUPS, deep, named, seconds};
use crate::sandbox::Double as _;

const LIST: &str = "/AppShield/GetPolicies";
const GET: &str = "/AppShield/GetPolicy";
const DELETE: &str = "/AppShield/DeletePolicy";

fn paths() -> Value {
    json!({"list": LIST, "get": GET, "delete": DELETE})
}

/// A bench whose unpublished calls have names.
async fn named_calls(mut options: Value) -> Bench {
    options["paths"] = paths();
    Bench::with(options).await
}

fn ids(list: &Value, key: &str) -> Vec<String> {
    let list = list.as_array().unwrap_or_else(|| panic!("no array: {list}"));
    list.iter().map(|element| element[key].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn groups_are_a_bare_array_without_all_users() {
    let bench = Bench::new().await;
    let groups = bench.ask(GROUPS, json!({})).await;
    assert_eq!(ids(&groups, "GroupId"), ["1", "2", "11", "16", "17", "21", "22"]);
    assert_eq!(
        (&groups[0]["GroupName"], &groups[1]["GroupName"]),
        (&json!("Administrators"), &json!("Anonymous"))
    );
    let same: Vec<_> =
        groups.as_array().unwrap().iter().filter(|g| g["GroupName"] == "Contractors").collect();
    assert_eq!(same.len(), 2, "nothing says that names are unique");
    let role = &groups[0]["GroupRoles"][0];
    assert_eq!((&role["RoleId"], &role["RoleName"]), (&json!("1"), &json!("Admin")));
    bench.patch(json!({"options": {"allUsers": "listed"}}));
    assert!(ids(&bench.ask(GROUPS, json!({})).await, "GroupId").contains(&"3".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn people_are_listed_in_full_without_their_pins() {
    let bench = Bench::new().await;
    let people = bench.ask(CONTACTS, json!({})).await;
    assert_eq!((&people[0]["ID"], &people[0]["isSuperAdmin"]), (&json!("1"), &json!(true)));
    let logins = ids(&people, "LoginName");
    assert!(logins.contains(&"policy-operator".to_owned()) && logins.len() == 7, "{logins:?}");
    for person in people.as_array().unwrap() {
        assert_eq!((&person["Pin"], person.get("PIN")), (&Value::Null, None));
    }
    let wrapped = Bench::with(json!({"contactList": "wrapped", "listKey": "Contacts"})).await;
    assert_eq!(wrapped.ask(CONTACTS, json!({})).await["Contacts"], people);
}

#[tokio::test(start_paused = true)]
async fn a_refused_list_may_look_empty() {
    let refusal = json!({"ErrorCode": 5001, "ErrorMessage": "Session is not valid."});
    for (reading, expected) in
        [("envelope", refusal.clone()), ("emptyArray", json!([])), ("faultyElement", json!([refusal]))]
    {
        let bench = Bench::logged_out(json!({"refusedList": reading}));
        for path in [GROUPS, CONTACTS] {
            assert_eq!(
                bench.call(path, &json!({"sessionToken": "x"})).await,
                (200, expected.clone()),
                "{reading}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn lists_may_end_early_or_lag_behind() {
    let bench = named_calls(json!({"listCut": 2})).await;
    for path in [GROUPS, CONTACTS, LIST] {
        assert_eq!(bench.ask(path, json!({})).await.as_array().unwrap().len(), 2, "{path}");
    }
    let bench = named_calls(json!({"listDelaySecs": 60})).await;
    let id = bench.create("fresh").await;
    let listed = async || ids(&bench.ask(LIST, json!({})).await, "id").contains(&id);
    assert!(!listed().await);
    assert_eq!(bench.ask(GET, json!({"id": id})).await["Name"], "fresh", "although it can be read");
    seconds(60).await;
    assert!(listed().await);
}

#[tokio::test(start_paused = true)]
async fn policies_can_be_listed_and_read_where_a_test_says_how() {
    let bench = named_calls(json!({})).await;
    let saved = bench.save(deep(named("mine"), json!(["16"]), json!([]))).await;
    let listed = bench.ask(LIST, json!({})).await;
    assert_eq!(listed.as_array().unwrap().len(), 4, "with three nobody of ours made");
    assert_eq!(listed[3], saved, "the newest has the highest id");
    for member in ["id", "policyId"] {
        assert_eq!(bench.ask(GET, json!({member: saved["id"]})).await, saved, "{member}");
    }
    for (why, body) in [("unknown", json!({"id": "1"})), ("none", json!({})), ("a number", json!({"id": 1}))]
    {
        let answer = bench.ask(GET, body).await;
        assert_eq!((&answer["id"], &answer["ErrorCode"]), (&Value::Null, &json!("5003")), "{why}");
    }
    bench.patch(json!({"options": {"listedPolicies": "stubs", "policyList": "wrapped"}}));
    let stub = &bench.ask(LIST, json!({})).await["Items"][3];
    assert_eq!(
        (&stub["Name"], &stub["Groups"], &stub["Constraints"]),
        (&json!("mine"), &Value::Null, &Value::Null)
    );
    let backend = bench.double.backend("http://127.0.0.1:9");
    assert_eq!(backend["paths"], paths(), "a Backend is told the names");
    bench.patch(json!({"options": {"idMembers": ["PolicyID"]}}));
    assert_eq!(bench.ask(GET, json!({"id": saved["id"]})).await["ErrorCode"], "5003", "under another member");
    assert_eq!(bench.ask(GET, json!({"PolicyID": saved["id"]})).await, saved);
}

#[tokio::test(start_paused = true)]
async fn policies_can_be_deleted_where_a_test_says_how() {
    let bench = named_calls(json!({})).await;
    let id = bench.create("short-lived").await;
    assert_eq!(bench.ask(DELETE, json!({"id": id})).await, json!({"ErrorCode": "0", "ErrorMessage": ""}));
    assert_eq!(bench.stored(&id), Value::Null);
    assert_eq!(bench.ask(DELETE, json!({"id": id})).await["ErrorCode"], 5003, "nobody has it any more");
    bench.patch(json!({"options": {"deleteAbsent": "success"}}));
    assert_eq!(bench.ask(DELETE, json!({"id": id})).await["ErrorCode"], "0");
    assert_eq!(bench.counter("deletes"), 1);
}
