//! Dialect B and its traps.

use serde_json::{Value, json};

use super::{B, Bench, android};
use crate::sandbox::{
    Double as _,
    wso2::{DateLocale, Dialect, Wso2Options},
};

fn policies(query: &str) -> String {
    format!("{B}/policies{query}")
}

fn ids(got: &super::Got) -> Vec<i64> {
    got.json()["policies"].as_array().unwrap().iter().map(|p| p["id"].as_i64().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn created_policy_comes_back_with_id_and_relative_location() {
    let bench = Bench::of(Dialect::DeviceMgtV1).await;
    let got = bench.post(&policies(""), &android("k8s-pin", json!({"minLength": 6}))).await;
    assert_eq!(got.status, 201);
    assert_eq!(got.headers["location"], "/policies/3");
    let policy = got.json();
    assert_eq!(policy["id"], 3);
    assert_eq!(policy["priorityId"], 3, "at the end of the one order of the tenant");
    assert_eq!((&policy["active"], &policy["updated"]), (&json!(false), &json!(false)));
    assert_eq!(policy["tenantId"], -1234);
    assert_eq!(policy["profile"]["createdDate"], "Tue, 3 Mar 2026 09:15:00 +0000");
    let feature = &policy["profile"]["profileFeaturesList"][0];
    assert_eq!(feature["content"], r#"{"minLength":6.0}"#, "numbers become doubles");
    assert_eq!(feature["deviceType"], "android");
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_is_not_what_is_stored() {
    let bench = Bench::of(Dialect::DeviceMgtV1).await;
    let id = bench.create(&android("null", json!({"a": null, "b": 1}))).await;
    assert_eq!(bench.policy(id)["contents"]["PASSCODE_POLICY"], json!({"b": 1.0}), "null members vanish");
    let id = bench.create(&android("string", json!("{\"b\":1}"))).await;
    assert_eq!(
        bench.policy(id)["contents"]["PASSCODE_POLICY"],
        json!("{\"b\":1}"),
        "a string is encoded twice"
    );
    bench.option("doublesInContent", json!(false));
    let id = bench.create(&android("number", json!({"b": 1}))).await;
    assert_eq!(bench.policy(id)["contents"]["PASSCODE_POLICY"], json!({"b": 1}));
}

#[tokio::test(start_paused = true)]
async fn list_without_limit_is_empty_and_its_limit_is_bounded() {
    let bench = Bench::of(Dialect::DeviceMgtV1).await;
    let got = bench.get(&policies("")).await.json();
    assert_eq!(got, json!({"count": 2, "policies": []}), "no default limit, despite the documentation");
    assert_eq!(ids(&bench.get(&policies("?limit=1&offset=1")).await), [2]);
    assert_eq!(ids(&bench.get(&policies("?limit=100&offset=7")).await), [0_i64; 0], "offset beyond the end");
    let cases = [("?limit=101", 400), ("?limit=-1", 400), ("?offset=-1&limit=5", 400), ("?limit=x", 404)];
    for (query, status) in cases {
        assert_eq!(bench.get(&policies(query)).await.status, status, "{query}");
    }
    bench.option("limitOmitted", json!("Everything"));
    assert_eq!(ids(&bench.get(&policies("")).await), [1, 2], "the other reading");
}

#[tokio::test(start_paused = true)]
async fn lists_may_lie() {
    let bench = Bench::new(Wso2Options { list_delay: 60, ..Wso2Options::default() }).await;
    let id = bench.create(&android("late", json!({}))).await;
    let got = bench.get(&policies("?limit=100")).await;
    assert_eq!((ids(&got), &got.json()["count"]), (vec![1, 2], &json!(2)), "F22: not listed yet");
    assert_eq!(bench.get(&policies(&format!("/{id}"))).await.status, 200, "but there");
    super::seconds(60).await;
    assert_eq!(ids(&bench.get(&policies("?limit=100")).await), [1, 2, 3]);

    bench.option("duplicateOnPage", json!(true));
    let mut seen = Vec::new();
    for offset in 0..3 {
        seen.extend(ids(&bench.get(&policies(&format!("?limit=1&offset={offset}"))).await));
    }
    assert_eq!(seen, [1, 1, 2], "F23: one twice, one never, and the count agrees");
    bench.patch(json!({"options": {"duplicateOnPage": false, "listCut": 1, "countSkew": 2}}));
    let got = bench.get(&policies("?limit=100")).await;
    assert_eq!((ids(&got), &got.json()["count"]), (vec![1], &json!(5)), "F23: cut, count off");
}

#[tokio::test(start_paused = true)]
async fn another_node_may_be_stale() {
    let bench = Bench::new(Wso2Options { stale_reads: 30, ..Wso2Options::default() }).await;
    assert_eq!(ids(&bench.get(&policies("?limit=9")).await), [1, 2]);
    let id = bench.create(&android("new", json!({}))).await;
    bench.post(&policies("/deactivate-policy"), &json!([1])).await;
    let read = policies(&format!("/{id}"));
    assert_eq!(bench.get(&read).await.status, 404, "not there yet");
    assert_eq!(bench.get(&policies("/1")).await.json()["active"], true, "not yet");
    super::seconds(30).await;
    assert_eq!(bench.get(&read).await.status, 200);
    assert_eq!(bench.get(&policies("/1")).await.json()["active"], false);
    assert_eq!(ids(&bench.get(&policies("?limit=9")).await), [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn unknown_ids() {
    let bench = Bench::of(Dialect::DeviceMgtV1).await;
    let got = bench.get(&policies("/99")).await;
    assert_eq!(
        (got.status, got.json()["message"].as_str().unwrap()),
        (404, "No policy found with the id '99'")
    );
    let got = bench.put(&policies("/99"), &android("x", json!({}))).await;
    assert_eq!((got.status, got.json()), (404, json!("Policy not found.")));
    let got = bench.post(&policies("/remove-policy"), &json!([1, 99])).await;
    assert_eq!(got.status, 400);
    assert_eq!(bench.order(), [1, 2], "all or nothing");
    let got = bench.post(&policies("/deactivate-policy"), &json!([99, 1])).await;
    assert_eq!(got.status, 200, "one existed, the other is skipped");
    assert_eq!(bench.policy(1)["active"], false);
    assert_eq!(bench.post(&policies("/activate-policy"), &json!([99])).await.status, 404);
    assert_eq!(bench.post(&policies("/activate-policy"), &json!([])).await.status, 400);
    assert_eq!(bench.post(&policies("/remove-policy"), &json!([1])).await.status, 200);
    assert_eq!(bench.get(&policies("/activate-policy")).await.status, 405);
    assert_eq!(bench.get(&policies("/nonsense")).await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn cache_off_crashes_on_unknown_ids_and_forgets_members() {
    let bench = Bench::of(Dialect::DeviceMgtV1).await;
    assert_eq!(bench.get(&policies("/1")).await.json()["ownershipType"], "ANY");
    bench.option("cacheEnabled", json!(false));
    let policy = bench.get(&policies("/1")).await.json();
    for member in ["ownershipType", "deviceGroups", "policyCriterias"] {
        assert_eq!(policy[member], Value::Null, "{member}");
    }
    assert_eq!(bench.get(&policies("/99")).await.status, 500);
    assert_eq!(bench.post(&policies("/activate-policy"), &json!([99])).await.status, 500);
}

#[tokio::test(start_paused = true)]
async fn bodies_are_validated_parsed_or_crash() {
    let bench = Bench::of(Dialect::DeviceMgtV1).await;
    let with = |path: &str, value: Value| {
        let mut body = android("ok", json!({}));
        *body.pointer_mut(path).unwrap() = value;
        body
    };
    let mut dated = android("ok", json!({}));
    dated["profile"]["createdDate"] = json!("2026-03-03T09:15:00Z");
    let mut read_back = android("ok", json!({}));
    read_back["profile"]["createdDate"] = json!("Tue, 3 Mar 2026 09:15:00 +0000");
    let mut group = android("ok", json!({}));
    group["deviceGroups"] = json!([{"name": "Finance laptops"}]);
    let cases = [
        (with("/policyName", json!("x".repeat(45))), 201, "45 characters"),
        (with("/policyName", json!("x".repeat(46))), 400, "46 characters"),
        (with("/description", json!("x".repeat(1001))), 400, "description too long"),
        (with("/compliance", json!("x".repeat(101))), 400, "compliance too long"),
        (with("/ownershipType", json!("x".repeat(46))), 400, "ownership too long"),
        (with("/ownershipType", json!("NOBODY")), 201, "ownership is no enum"),
        (with("/roles", json!(["nobody-has-it"])), 201, "unknown roles are accepted"),
        (with("/users", json!(["ghost"])), 201, "unknown users too"),
        (with("/roles", json!("engineer")), 400, "a string is no list"),
        (with("/profile", Value::Null), 500, "no profile"),
        (with("/profile/profileFeaturesList", Value::Null), 500, "no features"),
        (with("/profile/profileFeaturesList", json!([])), 201, "an empty list is fine"),
        (with("/profile/profileName", json!("x".repeat(46))), 500, "the column is shorter"),
        (with("/profile/deviceType", json!({"id": 1})), 400, "dialect A's device type"),
        (dated, 400, "a date in another format"),
        (read_back, 201, "the server's own format"),
        (group, 500, "a group goes by id"),
        (Value::Null, 400, "no policy at all"),
    ];
    for (body, status, why) in cases {
        let got = bench.post(&policies(""), &body).await;
        assert_eq!(got.status, status, "{why}: {}", got.text);
    }
    let got = bench.post(&policies(""), &with("/policyName", json!("x".repeat(46)))).await.json();
    assert_eq!(got["errorItems"][0]["code"], "400_policyName");
    assert_eq!(got["description"], "Validation Error");
    let bearer = bench.bearer();
    assert_eq!(bench.send("POST", &policies(""), Some("{"), &bearer, "application/json").await.status, 400);
    assert_eq!(bench.send("POST", &policies(""), Some("{}"), &bearer, "text/plain").await.status, 415);
}

#[tokio::test(start_paused = true)]
async fn put_keeps_what_is_absent_only_for_roles_and_users() {
    let bench = Bench::of(Dialect::DeviceMgtV1).await;
    let mut body = android("full", json!({"minLength": "6"}));
    body["roles"] = json!(["engineer"]);
    body["users"] = json!(["jdoe"]);
    body["deviceGroups"] = json!([{"id": 2, "name": "whatever"}]);
    body["deviceIdentifiers"] = json!([{"id": "a-1001", "type": "android"}]);
    let id = bench.create(&body).await;
    let policy = bench.policy(id);
    assert_eq!(policy["deviceGroups"][0]["name"], "Field tablets", "the id counts");
    assert_eq!(policy["devices"][0]["deviceIdentifier"], "a-1001");
    let feature = policy["profile"]["profileFeaturesList"][0]["id"].clone();

    let mut put = android("renamed", json!({}));
    let object = put.as_object_mut().unwrap();
    for member in ["roles", "users", "deviceGroups", "description"] {
        object.remove(member);
    }
    put["active"] = json!(true);
    put["profile"]["profileFeaturesList"] = json!([
        {"featureCode": "passcode_policy", "content": {"minLength": "8"}},
        {"featureCode": "CAMERA", "content": {"enabled": false}}
    ]);
    super::seconds(60).await;
    assert_eq!(bench.put(&policies(&format!("/{id}")), &put).await.status, 200);
    let policy = bench.policy(id);
    assert_eq!((&policy["roles"], &policy["users"]), (&json!(["engineer"]), &json!(["jdoe"])), "kept");
    assert_eq!((&policy["deviceGroups"], &policy["devices"]), (&json!([]), &json!([])), "lost");
    assert_eq!(policy["description"], Value::Null, "replaced by nothing");
    assert_eq!(policy["active"], false, "a PUT never activates");
    assert_eq!(policy["updated"], true);
    assert_eq!(policy["priorityId"], 3, "B keeps the priority");
    assert_eq!(policy["profile"]["updatedDate"], "Tue, 3 Mar 2026 09:16:00 +0000");
    let features = policy["profile"]["profileFeaturesList"].as_array().unwrap();
    assert_eq!((features.len(), &features[0]["id"]), (2, &feature), "matched by code, whatever its case");

    put["roles"] = json!([]);
    bench.put(&policies(&format!("/{id}")), &put).await;
    assert_eq!(bench.policy(id)["roles"], json!([]), "an empty list clears");
    bench.option("priorityResetOnPut", json!(true));
    bench.put(&policies(&format!("/{id}")), &put).await;
    assert_eq!(bench.order(), [id, 1, 2], "cores up to 3.0.0 put it first");
}

#[tokio::test(start_paused = true)]
async fn priorities_are_written_unchecked() {
    let bench = Bench::of(Dialect::DeviceMgtV1).await;
    let got = bench.put(&policies("/priorities"), &json!([{"id": 2, "priority": 1}])).await;
    assert_eq!(got.status, 200);
    assert_eq!(bench.policy(2)["priorityId"], 1);
    assert_eq!(bench.policy(1)["priorityId"], 1, "twice the same: nobody checks");
    assert_eq!((&bench.policy(2)["updated"], &bench.policy(1)["updated"]), (&json!(true), &json!(false)));
    let body = json!([{"id": 1, "priority": 9}, {"id": 99, "priority": 1}]);
    assert_eq!(bench.put(&policies("/priorities"), &body).await.status, 500);
    assert_eq!(bench.policy(1)["priorityId"], 1, "undone");
    bench.option("prioritiesAtomic", json!(false));
    assert_eq!(bench.put(&policies("/priorities"), &body).await.status, 500);
    assert_eq!(bench.policy(1)["priorityId"], 9, "the other reading");
}

#[tokio::test(start_paused = true)]
async fn names_repeat_and_profiles_can_be_shared() {
    let bench = Bench::of(Dialect::DeviceMgtV1).await;
    let first = bench.create(&android("same", json!({"minLength": "4"}))).await;
    let mut body = android("same", json!({"minLength": "9"}));
    body["profile"]["profileId"] = bench.policy(first)["profileId"].clone();
    let second = bench.create(&body).await;
    assert_ne!(first, second);
    assert_eq!(
        bench.policy(second)["contents"],
        bench.policy(first)["contents"],
        "the existing profile, not the sent one"
    );
    bench.post(&policies("/remove-policy"), &json!([first])).await;
    assert_eq!(bench.policy(second)["contents"]["PASSCODE_POLICY"]["minLength"], "4", "still there");
    body["profile"]["profileId"] = json!(99);
    assert_eq!(bench.post(&policies(""), &body).await.status, 500, "no such profile");
}

#[tokio::test(start_paused = true)]
async fn new_policies_come_last_and_gaps_stay() {
    let bench = Bench::of(Dialect::DeviceMgtV1).await;
    let a = bench.create(&android("a", json!({}))).await;
    let b = bench.create(&android("b", json!({}))).await;
    bench.post(&policies("/remove-policy"), &json!([a])).await;
    assert_eq!(bench.policy(b)["priorityId"], 4, "a gap");
    let c = bench.create(&android("c", json!({}))).await;
    assert_eq!(bench.policy(c)["priorityId"], 5, "maximum + 1");
    assert!(c > b, "ids are never used again");
    bench.option("priorityRace", json!(true));
    let d = bench.create(&android("d", json!({}))).await;
    assert_eq!(bench.policy(d)["priorityId"], 5, "two creates at once read the same maximum");
}

#[tokio::test(start_paused = true)]
async fn one_device_is_checked_for_access_several_are_not() {
    let bench = Bench::of(Dialect::DeviceMgtV1).await;
    bench.patch(json!({"users": {"policy-operator": ["Internal/devicemgt-user"]}}));
    let mut body = android("device", json!({}));
    body["deviceIdentifiers"] = json!([{"id": "a-1001", "type": "android"}]);
    assert_eq!(bench.post(&policies(""), &body).await.status, 401);
    body["deviceIdentifiers"] =
        json!([{"id": "a-1001", "type": "android"}, {"id": "a-1002", "type": "android"}]);
    assert_eq!(bench.post(&policies(""), &body).await.status, 201);
    body["deviceIdentifiers"] = json!([{"id": "nope", "type": "android"}]);
    assert_eq!(bench.post(&policies(""), &body).await.status, 500, "no such device");
}

#[tokio::test(start_paused = true)]
async fn directory_lists() {
    let bench = Bench::of(Dialect::DeviceMgtV1).await;
    let got = bench.get(&format!("{B}/groups?offset=0&limit=2")).await.json();
    assert_eq!((&got["count"], got["deviceGroups"].as_array().unwrap().len()), (&json!(3), 2));
    bench.option("groupListKey", json!("groups"));
    assert!(bench.get(&format!("{B}/groups?limit=5")).await.json()["groups"].is_array());
    let roles = bench.get(&format!("{B}/roles")).await.json();
    assert_eq!(
        roles,
        json!({"count": 3, "roles": ["admin", "engineer", "sales"]}),
        "internal ones are left out"
    );
    bench.option("internalRolesListed", json!(true));
    let roles = bench.get(&format!("{B}/roles")).await.json();
    assert!(roles["roles"].as_array().unwrap().contains(&json!("Internal/devicemgt-user")));
    let users = bench.get(&format!("{B}/users?offset=1&limit=1")).await.json();
    assert_eq!((&users["count"], &users["users"][0]["username"]), (&json!(8), &json!("asmith")));
    let types = bench.get(&format!("{B}/device-types")).await.json();
    assert_eq!(types["deviceTypes"], json!(["android", "windows", "ios"]));
    let features = bench.get(&format!("{B}/device-types/windows/features")).await.json();
    assert_eq!(features[0]["code"], "CAMERA");
    assert_eq!(bench.get(&format!("{B}/device-types/toaster/features")).await.status, 404);
    assert_eq!(bench.get("/mdm-admin/policies").await.status, 404, "the other dialect is not here");
}

#[tokio::test(start_paused = true)]
async fn older_cores_activate_by_put() {
    let bench = Bench::of(Dialect::DeviceMgtV1Put).await;
    assert_eq!(bench.post(&policies("/activate-policy"), &json!([1])).await.status, 405);
    assert_eq!(bench.put(&policies("/deactivate-policy"), &json!([1])).await.status, 200);
    assert_eq!(bench.policy(1)["active"], false);
    let effective = bench.get(&policies("/effective-policy/android/a-1001")).await;
    assert_eq!(effective.status, 404, "not before core 3.0");
    assert_eq!(bench.double.backend("http://127.0.0.1:1")["api"], "DeviceMgtV1");
}

#[tokio::test(start_paused = true)]
async fn texts_and_dates_depend_on_the_server() {
    let mut options = Wso2Options::of(Dialect::DeviceMgtV1);
    (options.quoted_texts, options.date_locale, options.html_error_page) = (false, DateLocale::De, true);
    let bench = Bench::new(options).await;
    let got = bench.post(&policies("/activate-policy"), &json!([1])).await;
    assert_eq!((got.content_type(), got.text.starts_with('"')), ("text/plain", false));
    let got = bench.get(&policies("/1")).await.json();
    assert_eq!(got["profile"]["createdDate"], "Di, 3 Mär 2026 09:15:00 +0000");
    let got = bench.post(&policies(""), &json!({"policyName": "no profile"})).await;
    assert_eq!((got.status, got.content_type()), (500, "text/html;charset=utf-8"));
}
