use serde_json::{Value, json};

use super::{ALDER, BIRCH, Bench, CEDAR, DOGWOOD};
use crate::sandbox::wfbss::{WfbssDouble, WfbssOptions};

fn column<'a>(list: &'a Value, name: &str) -> Vec<&'a Value> {
    list.as_array().unwrap().iter().map(|entry| &entry[name]).collect()
}

#[tokio::test(start_paused = true)]
async fn customers_are_listed_with_the_vendors_types() {
    let bench = Bench::new();
    let all = bench.get("customers?page=1&limit=100").await;
    assert_eq!(all["paging"], json!({"total": 4, "limit": 100, "page": 1}));
    assert_eq!(column(&all["customers"], "id"), [ALDER, BIRCH, DOGWOOD, CEDAR], "the expired one too");
    let alder = &all["customers"][0];
    assert_eq!((&alder["license_type"], &alder["name"]), (&json!("1"), &json!("Alder Clinic")));
    let expire = all["customers"][2]["expire"].as_str().unwrap();
    assert!(expire < "2023-11-14T22:13:20Z" && expire.ends_with('Z') && expire.len() == 20, "{expire}");
    let found = bench.get("customers?q=clinic").await;
    assert_eq!(column(&found["customers"], "id"), [ALDER], "a keyword, any case");
}

#[tokio::test(start_paused = true)]
async fn pages_are_cut_as_documented() {
    let bench = Bench::new();
    let second = bench.get("customers?page=2&limit=3").await;
    assert_eq!(
        (column(&second["customers"], "id"), &second["paging"]["total"]),
        (vec![&json!(CEDAR)], &json!(4))
    );
    let beyond = bench.get("customers?page=3&limit=3").await;
    assert_eq!(beyond["customers"], json!([]));

    let groups = bench.get("customers/groups?limit=1").await;
    assert_eq!(groups["paging"]["total"], 3, "customers are counted, not groups");
    assert_eq!(
        column(&groups["customers"][0]["groups"], "name"),
        ["Device (Default)", "Server (Default)", "Servers", "Laptops"]
    );

    let entries = bench.get(&format!("policies?cids={ALDER}&limit=3&page=2")).await;
    assert_eq!(entries["paging"], json!({"total": 4, "limit": 3, "page": 2}));
    assert_eq!(entries["customers"][0]["policies"][0]["gid"], json!([4]));

    let devices = bench.get(&format!("customers/computers?cids={ALDER},{BIRCH}&limit=5&page=2")).await;
    assert_eq!(devices["paging"]["total"], 16, "devices are counted");
    assert_eq!(column(&devices["customers"], "id"), [ALDER, BIRCH], "a customer spans pages");
    assert_eq!(devices["customers"][0]["total"], 8);
}

#[tokio::test(start_paused = true)]
async fn an_expired_customer_is_listed_and_404_elsewhere() {
    let bench = Bench::new();
    for resource in [
        "customers/groups",
        "policies",
        "global_settings",
        "customers/computers",
        "components",
        "customers/usage",
    ] {
        let (status, _) = bench.call("GET", &format!("{resource}?cids={DOGWOOD}"), &Value::Null).await;
        assert_eq!(status, 404, "{resource}");
    }
    bench.patch(
        json!({"renewCustomer": {"customer": "Dogwood Books"}, "expireCustomer": {"customer": ALDER}}),
    );
    bench.get(&format!("policies?cids={DOGWOOD}")).await;
    let (status, _) = bench.call("GET", &format!("policies?cids={ALDER}"), &Value::Null).await;
    assert_eq!(status, 404);
}

#[tokio::test(start_paused = true)]
async fn a_new_group_gets_a_gid_of_its_own_in_each_customer() {
    let bench = Bench::new();
    let (status, made) =
        bench.call("POST", &format!("groups?cids={ALDER},{BIRCH}&name=Test%20Group"), &Value::Null).await;
    assert_eq!(
        (status, made),
        (200, json!({"customers": [{"gid": 5, "id": ALDER}, {"gid": 6, "id": BIRCH}]}))
    );
    let groups = bench.get(&format!("customers/groups?cids={ALDER}")).await;
    assert_eq!(groups["customers"][0]["groups"][4], json!({"id": 5, "name": "Test Group", "type": 1}));
    bench.get(&format!("policies?cids={ALDER}&gids=5&os=ios")).await;
    let (_, again) =
        bench.call("POST", &format!("groups?cids={ALDER}&name=Test%20Group"), &Value::Null).await;
    assert_eq!(again["customers"][0]["gid"], 6, "not idempotent");
    let (status, _) = bench.call("POST", "groups?name=x", &Value::Null).await;
    assert_eq!(status, 400, "cids are required");
}

#[tokio::test(start_paused = true)]
async fn devices_tell_their_group_and_unknown_ones_are_passed_over() {
    let bench = Bench::new();
    let devices = bench.get(&format!("customers/computers?cids={CEDAR}&limit=100")).await;
    let first = &devices["customers"][0]["computers"][0];
    let id = first["cid"].as_str().unwrap();
    assert!(id.len() == 32 && first["gid"] == 1);
    let details = bench.get(&format!("components?cids={CEDAR}&ccids={id},nobody&fields=platform")).await;
    let expected = json!([{"cid": id, "name": "PC-101", "platform": "Windows 11"}]);
    assert_eq!(details["customers"][0]["computers"], expected);
    let (status, _) = bench.call("GET", &format!("components?cids={CEDAR},{ALDER}"), &Value::Null).await;
    assert_eq!(status, 400, "exactly one customer");
}

#[tokio::test(start_paused = true)]
async fn the_other_calls_answer_and_commands_are_tasks() {
    let bench = Bench::new();
    for resource in [
        "customers/livestatus",
        "notifications",
        "report",
        "notif_settings/default",
        "domains",
        "customers/usage",
    ] {
        bench.get(&format!("{resource}?cids={ALDER}")).await;
    }
    let (_, task) = bench.call("POST", &format!("commands/update?cids={ALDER}"), &Value::Null).await;
    assert_eq!(task["task"]["status"], "PENDING");
    let (status, _) = bench.call("POST", &format!("commands/scan?cids={ALDER}"), &Value::Null).await;
    assert_eq!(status, 400, "type is required");
    let (status, _) = bench.call("POST", &format!("initialize?cids={ALDER}"), &Value::Null).await;
    assert_eq!(status, 200);
    bench.put(&format!("notif_settings?cids={ALDER}&sync=true"), &json!({})).await;
    let (status, _) = bench.call("DELETE", "groups?cids=x", &Value::Null).await;
    assert_eq!(status, 405);
    let (status, _) = bench.call("GET", "nonsense", &Value::Null).await;
    assert_eq!(status, 404);
}

#[tokio::test(start_paused = true)]
async fn an_estate_of_any_size_can_be_had() {
    let clock = crate::sandbox::support::TokioClock::shared();
    let double = WfbssDouble::with_estate(250, 5, WfbssOptions::default(), clock.clone());
    let bench = Bench::of(double, clock);
    let third = bench.get("customers/groups?page=3&limit=100").await;
    assert_eq!((column(&third["customers"], "id").len(), &third["paging"]["total"]), (50, &json!(250)));
    assert_eq!(column(&third["customers"][0]["groups"], "id"), [1, 2, 3, 4, 5]);
}
