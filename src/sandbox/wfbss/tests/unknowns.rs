//! Section 11 of the sheet: each open question, played both ways.

use std::time::Duration;

use serde_json::{Value, json};

use super::{ALDER, BIRCH, Bench, DOGWOOD, MONITORING, monitoring};

#[tokio::test(start_paused = true)]
async fn a_read_may_put_equal_documents_together() {
    let gids = async |grouping: &str, wanted: &str| {
        let bench = Bench::with(&json!({"grouping": grouping}));
        let read = bench.get(&format!("policies?cids={ALDER}{wanted}")).await;
        let policies = read["customers"][0]["policies"].as_array().unwrap().clone();
        json!(policies.iter().map(|entry| entry["gid"].clone()).collect::<Vec<_>>())
    };
    assert_eq!(gids("perDocument", "").await, json!([[1], [2], [3], [4]]));
    assert_eq!(gids("mergeRequested", "").await, json!([[1, 4], [2, 3]]), "device and server groups");
    assert_eq!(gids("mergeRequested", "&gids=1").await, json!([[1]]));
    assert_eq!(gids("mergeAll", "&gids=1").await, json!([[1, 4]]));
}

#[tokio::test(start_paused = true)]
async fn a_shared_document_shows_all_its_groups_and_changes_or_splits() {
    for (reading, fourth) in [("changeAll", 0), ("split", 1)] {
        let bench = Bench::with(&json!({"sharedWrites": reading}));
        bench.patch(json!({"shareDocument": {"customer": ALDER, "os": "win", "groups": [1, "Laptops"]}}));
        let read = bench.get(&format!("policies?cids={ALDER}&gids=1")).await;
        assert_eq!(
            read["customers"][0]["policies"][0]["gid"],
            json!([1, 4]),
            "although only one was asked for"
        );
        bench.put(&format!("policies?cids={ALDER}&gids=1&sync=true"), &monitoring(0)).await;
        assert_eq!(bench.stored(ALDER, 1, MONITORING), 0);
        assert_eq!(bench.stored(ALDER, 4, MONITORING), fourth, "{reading}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_of_two_customers_is_refused_or_answered() {
    let resource = format!("policies?cids={ALDER},{BIRCH}&gids=1");
    assert_eq!(Bench::new().call("GET", &resource, &Value::Null).await.0, 400);
    let read = Bench::with(&json!({"severalCustomers": "accept"})).get(&resource).await;
    assert_eq!(read["customers"].as_array().unwrap().len(), 2);
    let bench = Bench::with(&json!({"severalCustomers": "accept", "policiesRecord": "customers"}));
    let read = bench.get(&format!("policies?cids={ALDER},{BIRCH}&limit=1&page=2")).await;
    assert_eq!(read["customers"][0]["id"], BIRCH);
    assert_eq!(read["customers"][0]["count"], 4, "all entries of a customer are on its page");
    let bench = Bench::with(&json!({"policiesPaging": "absent"}));
    assert!(bench.get(&format!("policies?cids={ALDER}")).await.get("paging").is_none());
}

#[tokio::test(start_paused = true)]
async fn arrays_may_append() {
    for (reading, expected) in [("replace", json!(["b"])), ("append", json!(["a", "b"]))] {
        let bench = Bench::with(&json!({"arrays": reading}));
        for program in ["a", "b"] {
            let policy = json!({"policy": {"behavior_monitoring": {"approved_programs": [program]}}});
            bench.put(&format!("policies?cids={ALDER}&gids=1&sync=true"), &policy).await;
        }
        assert_eq!(bench.stored(ALDER, 1, "/behavior_monitoring/approved_programs"), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_flag_may_read_back_in_other_types() {
    for (reading, expected) in [("integers", json!(1)), ("strings", json!("1")), ("booleans", json!(true))] {
        let bench = Bench::with(&json!({"numbers": reading}));
        let read = bench.get(&format!("policies?cids={ALDER}&gids=1&fields=wtp")).await;
        assert_eq!(read["customers"][0]["policies"][0]["policy"]["wtp"]["enabled"], expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_group_or_a_bad_customer_fails_all_or_is_passed_over() {
    let packed = format!("policies?cids={ALDER},{BIRCH}&gids=4&sync=true");
    let bench = Bench::new();
    assert_eq!(bench.call("PUT", &packed, &monitoring(0)).await.0, 404);
    assert_eq!(bench.stored(ALDER, 4, MONITORING), 1);
    bench.patch(json!({"options": {"missingGroup": "skip"}}));
    bench.put(&packed, &monitoring(0)).await;
    assert_eq!(bench.stored(ALDER, 4, MONITORING), 0);

    let bad = format!("policies?cids={DOGWOOD},{BIRCH}&gids=1&sync=true");
    let bench = Bench::new();
    assert_eq!(bench.call("PUT", &bad, &monitoring(0)).await.0, 404);
    assert_eq!(bench.stored(BIRCH, 1, MONITORING), 1);
    bench.patch(json!({"options": {"badCustomer": "skip"}}));
    bench.put(&bad, &monitoring(0)).await;
    assert_eq!(bench.stored(BIRCH, 1, MONITORING), 0);
}

#[tokio::test(start_paused = true)]
async fn both_forms_in_one_body_may_mean_three_things() {
    let mut body = monitoring(5);
    body["replicate_from"] = json!({"cid": BIRCH, "gid": 2});
    let resource = format!("policies?cids={ALDER}&gids=1&sync=true");
    for (reading, status, monitored, schedule) in
        [("reject", 400, 1, 12), ("policyOnly", 200, 5, 12), ("replicateThenPolicy", 200, 5, 2)]
    {
        let bench = Bench::with(&json!({"bothForms": reading}));
        assert_eq!(bench.call("PUT", &resource, &body).await.0, status, "{reading}");
        assert_eq!(bench.stored(ALDER, 1, MONITORING), monitored, "{reading}");
        assert_eq!(bench.stored(ALDER, 1, "/schedule/daily_hour"), schedule, "{reading}");
    }
    let bench = Bench::with(&json!({"neitherForm": "accept"}));
    bench.put(&resource, &json!({})).await;
}

#[tokio::test(start_paused = true)]
async fn replication_may_copy_one_os_or_all_and_not_within_a_customer() {
    let copy = json!({"replicate_from": {"cid": BIRCH, "gid": 2}});
    for (reading, mac_hour) in [("requestedOs", 12), ("allOs", 2)] {
        let bench = Bench::with(&json!({"replicateScope": reading}));
        bench.put(&format!("policies?cids={ALDER}&gids=1&sync=true"), &copy).await;
        let mac = bench.get(&format!("policies?cids={ALDER}&gids=1&os=mac")).await;
        assert_eq!(
            mac["customers"][0]["policies"][0]["policy"]["schedule"]["daily_hour"], mac_hour,
            "{reading}"
        );
    }
    let within = format!("policies?cids={BIRCH}&gids=1&sync=true");
    assert_eq!(Bench::new().call("PUT", &within, &copy).await.0, 200);
    assert_eq!(Bench::with(&json!({"replicateWithin": "reject"})).call("PUT", &within, &copy).await.0, 400);
}

#[tokio::test(start_paused = true)]
async fn sync_may_be_ignored_or_be_readable_only_later() {
    let resource = format!("policies?cids={ALDER}&gids=1&sync=true");
    let answer = Bench::with(&json!({"syncWrites": "task"})).put(&resource, &monitoring(0)).await;
    assert_eq!(answer["task"]["status"], "PENDING");
    let bench = Bench::with(&json!({"syncEffectAfterMs": 500}));
    assert_eq!(bench.put(&resource, &monitoring(0)).await, Value::Null);
    assert_eq!(bench.stored(ALDER, 1, MONITORING), 1);
    tokio::time::advance(Duration::from_millis(500)).await;
    assert_eq!(bench.stored(ALDER, 1, MONITORING), 0);
}

#[tokio::test(start_paused = true)]
async fn groups_may_be_unique_late_or_empty() {
    let create = format!("groups?cids={ALDER}&name=Servers");
    let reject = Bench::with(&json!({"duplicateGroup": "reject"}));
    assert_eq!(reject.call("POST", &create, &Value::Null).await.0, 400);
    let existing = Bench::with(&json!({"duplicateGroup": "returnExisting"}));
    assert_eq!(existing.call("POST", &create, &Value::Null).await.1["customers"][0]["gid"], 3);

    let bench = Bench::with(&json!({"newGroupVisibleAfterMs": 500, "newGroup": "empty"}));
    bench.call("POST", &create, &Value::Null).await;
    let listed = async || {
        bench.get(&format!("customers/groups?cids={ALDER}")).await["customers"][0]["groups"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(listed().await, 4);
    tokio::time::advance(Duration::from_millis(500)).await;
    assert_eq!(listed().await, 5);
    assert_eq!(bench.stored(ALDER, 5, ""), json!({}));
    let copy = Bench::with(&json!({"newGroup": "copyOfDevice"}));
    copy.put(&format!("policies?cids={ALDER}&gids=1&sync=true"), &monitoring(9)).await;
    copy.call("POST", &create, &Value::Null).await;
    assert_eq!(copy.stored(ALDER, 5, MONITORING), 9);
}

#[tokio::test(start_paused = true)]
async fn expired_and_uninitialised_customers_may_look_otherwise() {
    let bench = Bench::with(&json!({"expiredInLists": "present"}));
    let groups = bench.get("customers/groups").await;
    assert_eq!(groups["paging"]["total"], 4);

    let bench = Bench::with(&json!({"requireInitialize": true}));
    let elm = "00000000-0000-4000-8000-000000000001";
    bench.patch(json!({"addCustomer": {"name": "Elm Garage", "id": elm}}));
    let resource = format!("policies?cids={elm}");
    assert_eq!(bench.call("GET", &resource, &Value::Null).await.0, 404);
    bench.call("POST", &format!("initialize?cids={elm}"), &Value::Null).await;
    bench.get(&resource).await;
}
