//! Dialect A and its traps.

use serde_json::{Value, json};

use super::{A, Bench, android_a};
use crate::sandbox::wso2::{Dialect, Wso2Options};

fn policies(rest: &str) -> String {
    format!("{A}/policies{rest}")
}

async fn bench() -> Bench {
    Bench::of(Dialect::MdmAdmin).await
}

async fn create(bench: &Bench, name: &str) -> i64 {
    let got = bench.post(&policies("/inactive-policy"), &android_a(name, json!({"minLength": 6}))).await;
    assert_eq!((got.status, &got.json()["statusCode"]), (200, &json!(201)), "{}", got.text);
    *bench.order().iter().max().unwrap()
}

#[tokio::test(start_paused = true)]
async fn create_tells_no_id_and_its_status_is_contested() {
    let bench = bench().await;
    let got = bench.post(&policies("/inactive-policy"), &android_a("k8s-pin", json!({}))).await;
    assert_eq!((got.status, got.json().as_object().unwrap().len()), (200, 2), "code and message only");
    bench.option("createHttpStatus", json!(201));
    let got = bench.post(&policies("/active-policy"), &android_a("k8s-pin", json!({}))).await;
    assert_eq!((got.status, &got.json()["statusCode"]), (201, &json!(201)));
    let policies = bench.get(&policies("")).await.json()["responseContent"].clone();
    let named: Vec<&Value> =
        policies.as_array().unwrap().iter().filter(|p| p["policyName"] == "k8s-pin").collect();
    assert_eq!(named.len(), 2, "names are not unique");
    let flags = |p: &Value| (p["active"] == true, p["updated"] == true);
    assert_eq!((flags(named[0]), flags(named[1])), ((false, false), (true, true)));
}

#[tokio::test(start_paused = true)]
async fn policies_look_as_in_dialect_a() {
    let bench = bench().await;
    let id = create(&bench, "k8s-pin").await;
    let policy = bench.get(&policies(&format!("/{id}"))).await.json()["responseContent"].clone();
    assert_eq!(policy["profile"]["deviceType"], json!({"id": 1, "name": "android"}));
    assert_eq!(policy["profile"]["updatedDate"], "Mar 3, 2026 9:15:00 AM", "no zone");
    let feature = &policy["profile"]["profileFeaturesList"][0];
    assert_eq!((&feature["deviceTypeId"], &feature["content"]), (&json!(1), &json!(r#"{"minLength":6.0}"#)));
    assert_eq!(policy["deviceGroups"], Value::Null, "A knows no groups");
    assert_eq!(bench.get(&policies("/count")).await.text, "3");
}

#[tokio::test(start_paused = true)]
async fn not_found_hides_under_200() {
    let bench = bench().await;
    let got = bench.get(&policies("/99")).await;
    assert_eq!((got.status, &got.json()["statusCode"]), (200, &json!(404)));
    assert_eq!(got.json()["responseContent"], Value::Null);
    bench.option("wrapGetById", json!(false));
    assert_eq!(
        bench.get(&policies("/1")).await.json()["policyName"],
        "Default passcode",
        "documentation's reading"
    );
}

#[tokio::test(start_paused = true)]
async fn put_resets_the_priority() {
    let bench = bench().await;
    let id = create(&bench, "k8s-pin").await;
    let got = bench.put(&policies(&format!("/{id}")), &android_a("k8s-pin", json!({}))).await;
    assert_eq!((got.status, &got.json()["statusCode"]), (200, &json!(201)));
    assert_eq!(bench.policy(id)["priorityId"], 0);
    assert_eq!(bench.order(), [id, 1, 2], "sorts before all others");
    let order = json!([{"id": 1, "priority": 1}, {"id": 2, "priority": 2}, {"id": id, "priority": 3}]);
    assert_eq!(bench.put(&policies("/priorities"), &order).await.status, 200);
    assert_eq!(bench.order(), [1, 2, id]);
    bench.option("priorityResetOnPut", json!(false));
    bench.put(&policies(&format!("/{id}")), &android_a("k8s-pin", json!({}))).await;
    assert_eq!(bench.order(), [1, 2, id], "a patched core");
}

#[tokio::test(start_paused = true)]
async fn unknown_ids_end_a_call_half_done() {
    let bench = bench().await;
    let got = bench.put(&policies("/inactivate"), &json!([1, 99, 2])).await;
    assert_eq!(got.status, 500);
    assert!(got.json()["errorMessage"].is_string());
    assert_eq!((&bench.policy(1)["active"], &bench.policy(2)["active"]), (&json!(false), &json!(true)));
    assert_eq!(bench.post(&policies("/bulk-remove"), &json!([1, 99, 2])).await.status, 500);
    assert_eq!(bench.order(), [2], "the first is gone");
    assert_eq!(bench.put(&policies("/activate"), &json!([])).await.status, 200, "nothing to do is fine");
    assert_eq!(bench.put(&policies("/99"), &android_a("x", json!({}))).await.status, 500);
    assert_eq!(bench.put(&policies("/priorities"), &json!([{"id": 99, "priority": 1}])).await.status, 500);
    let delete = bench.send("DELETE", &policies("/2"), None, &bench.bearer(), "").await;
    assert_eq!(delete.status, 405, "no single delete");
}

#[tokio::test(start_paused = true)]
async fn bodies_crash_instead_of_being_validated() {
    let bench = bench().await;
    let mut no_type = android_a("x", json!({}));
    no_type["profile"]["deviceType"] = json!({"name": "android"});
    let mut unknown_type = android_a("x", json!({}));
    unknown_type["profile"]["deviceType"] = json!({"id": 77});
    let mut dated = android_a("x", json!({}));
    dated["profile"]["createdDate"] = json!("Tue, 3 Mar 2026 09:15:00 +0000");
    let cases = [
        (json!({"policyName": "x"}), "no profile"),
        (no_type, "no device type id"),
        (unknown_type, "an id nobody has"),
        (dated, "another dialect's date"),
        (android_a(&"x".repeat(46), json!({})), "the column is shorter"),
        (json!({"policyName": 7}), "wrong type"),
    ];
    for (body, why) in cases {
        assert_eq!(bench.post(&policies("/inactive-policy"), &body).await.status, 500, "{why}");
    }
    let got = bench.post(&policies("/inactive-policy"), &json!({})).await;
    assert!(got.text.starts_with("<html>"), "a container page");
    bench.option("htmlErrorPage", json!(false));
    let got = bench.post(&policies("/inactive-policy"), &json!({})).await;
    assert!(got.json()["errorMessage"].is_string(), "or JSON, nobody knows");
}

#[tokio::test(start_paused = true)]
async fn devices_groups_and_active_are_not_read() {
    let bench = bench().await;
    let mut body = android_a("x", json!({}));
    body["devices"] = json!([{"id": "a-1001", "type": "android"}]);
    body["deviceGroups"] = json!([{"id": 99}]);
    body["active"] = json!(true);
    assert_eq!(bench.post(&policies("/inactive-policy"), &body).await.status, 200);
    let policy = bench.policy(3);
    assert_eq!((&policy["devices"], &policy["active"]), (&json!([]), &json!(false)));
}

#[tokio::test(start_paused = true)]
async fn directory_and_devices() {
    let bench = bench().await;
    let types = bench.get(&format!("{A}/devices/types")).await.json();
    assert_eq!(
        types,
        json!([{"id": 1, "name": "android"}, {"id": 2, "name": "windows"}, {"id": 3, "name": "ios"}])
    );
    let features = bench.get(&format!("{A}/features/ios")).await.json();
    assert!(features.as_array().unwrap().iter().any(|f| f["code"] == "RESTRICTION"));
    let roles = bench.get(&format!("{A}/roles")).await.json();
    assert_eq!(roles["responseContent"], json!(["admin", "engineer", "sales"]));
    let users = bench.get(&format!("{A}/users")).await.json();
    assert_eq!(users["responseContent"].as_array().unwrap().len(), 8);
    let applied = bench.get(&policies("/android/a-1002/active-policy")).await.json();
    assert_eq!(applied["policyName"], "VPN for sales");
    assert_eq!(bench.get(&policies("/ios/i-3001/active-policy")).await.status, 204);
    bench.option("noBodyStatus", json!(200));
    let none = bench.get(&policies("/ios/i-3001/active-policy")).await;
    assert_eq!((none.status, none.text.as_str()), (200, ""));
    let record = bench.get(&policies("/ios/i-3001")).await.json();
    assert_eq!(
        (&record["id"], &record["status"]),
        (&json!(0), &json!(false)),
        "zeros where there is no record"
    );
}

#[tokio::test(start_paused = true)]
async fn tokens_fail_with_a_text() {
    let mut bench = Bench::logged_out(Wso2Options::of(Dialect::MdmAdmin));
    let (id, secret) = bench.register().await;
    let got = bench.send("GET", &policies(""), None, "", "").await;
    assert_eq!((got.status, got.content_type()), (401, "application/json"), "the type echoes Accept");
    assert!(!got.text.starts_with('{'), "the body is text all the same");
    bench.accept = "*/*";
    assert_eq!(bench.get(&policies("")).await.content_type(), "application/xml");
    let got = bench.password_grant(&id, &secret, "auditor", "auditor-Pass-1", "default").await.json();
    bench.token = got["access_token"].as_str().unwrap().to_owned();
    assert_eq!(bench.get(&policies("")).await.status, 200, "may list");
    let got = bench.post(&policies("/inactive-policy"), &android_a("x", json!({}))).await;
    assert_eq!((got.status, got.text.as_str()), (401, "Scope validation failed"), "and no more");
    let put = bench.put(&policies("/1"), &android_a("x", json!({}))).await;
    assert_eq!(put.status, 200, "but the validator ignores the method: same URL, same permission");
    super::seconds(3600).await;
    assert_eq!(bench.get(&policies("")).await.text, "Access token has expired");
}
