//! Changes by hand, and what `state` tells.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{B, Bench, PausedClock, android, seconds};
use crate::sandbox::{
    Double as _,
    wso2::{Dialect, Wso2Double, Wso2Options},
};

#[tokio::test(start_paused = true)]
async fn seeded_tenant() {
    let bench = Bench::of(Dialect::DeviceMgtV1).await;
    let state = bench.double.state();
    let policies = state["policies"].as_array().unwrap();
    assert_eq!(policies.len(), 2);
    assert!(policies.iter().all(|p| p["active"] == true && p["updated"] == false), "made and applied before");
    assert_eq!(state["groups"]["Finance laptops"], 1);
    assert!(state["roles"].as_array().unwrap().contains(&json!("Internal/devicemgt-user")));
    assert_eq!(bench.device("w-2001")["delivered"]["policyName"], "Default passcode");
    assert_eq!(bench.counter("creates"), 0, "history is not counted");
    assert_eq!(bench.double.system(), "wso2");
    let backend = bench.double.backend("http://127.0.0.1:9");
    assert_eq!(
        (&backend["api"], &backend["deploy"]["foreignChanges"]),
        (&json!("DeviceMgtV1"), &json!("Hold"))
    );
}

#[tokio::test(start_paused = true)]
async fn edits_mark_a_policy_as_the_console_does() {
    let bench = Bench::of(Dialect::DeviceMgtV1).await;
    let cases = [
        json!({"features": {"CAMERA": {"enabled": false}}}),
        json!({"features": {"VPN": null}}),
        json!({"description": "changed by hand"}),
        json!({"roles": ["engineer"]}),
        json!({"deviceGroups": ["Field tablets"]}),
        json!({"active": false}),
        json!({"priority": 1}),
        json!({"rename": "Renamed"}),
        json!({"updated": true}),
    ];
    for change in cases {
        bench.patch(json!({"policies": [{"id": 2, "updated": false}]}));
        assert_eq!(bench.policy(2)["updated"], false);
        let mut edit = change.clone();
        edit["id"] = json!(2);
        bench.patch(json!({"policies": [edit]}));
        assert_eq!(bench.policy(2)["updated"], true, "{change}");
    }
    let policy = bench.policy(2);
    assert_eq!(policy["contents"], json!({"CAMERA": {"enabled": false}}));
    assert_eq!((&policy["policyName"], &policy["priorityId"]), (&json!("Renamed"), &json!(1)));
    assert_eq!(policy["deviceGroups"][0]["id"], 2);
    bench.patch(json!({"policies": [{"name": "Renamed", "delete": true}]}));
    assert_eq!(bench.policy(2), Value::Null);
}

#[tokio::test(start_paused = true)]
async fn foreign_policies_people_and_the_apply_button() {
    let bench = Bench::of(Dialect::DeviceMgtV1).await;
    bench.patch(json!({
        "users": {"jdoe": ["sales"]},
        "add": [{"name": "Kiosk", "deviceType": "android", "features": {"KIOSK_APPS": {"whitelistedApplications": "a.b"}},
                 "active": true, "roles": ["sales"]}],
        "policies": [{"name": "Kiosk", "priority": 0}],
        "applyChanges": true
    }));
    assert_eq!(bench.policy(3)["updated"], true);
    seconds(3).await;
    assert_eq!(bench.policy(3)["updated"], false);
    assert_eq!(bench.device("a-1001")["deliveredPolicyId"], 3);
    let client = bench.register().await;
    bench.patch(json!({"passwords": {"policy-operator": "another"}}));
    let (id, secret) = client;
    let old = bench.password_grant(&id, &secret, "policy-operator", "Harbour-Lantern-42", "").await;
    assert_eq!(old.json()["error"], "invalid_grant", "the old password");
    assert_eq!(bench.password_grant(&id, &secret, "policy-operator", "another", "").await.status, 200);
    bench.patch(json!({"devices": [{"id": "a-1001", "type": "android", "unenrol": true}]}));
    assert!(!bench.double.state()["devices"].as_array().unwrap().iter().any(|d| d["id"] == "a-1001"));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_understood_is_said() {
    let bench = Bench::of(Dialect::DeviceMgtV1).await;
    bench.create(&android("VPN for sales", json!({}))).await;
    let cases = [
        (json!({"polices": []}), "polices"),
        (json!({"options": {"aplyDelay": 3}}), "aplyDelay"),
        (json!({"options": {"applyDelay": "soon"}}), "applyDelay"),
        (json!({"policies": [{"id": 99}]}), "99"),
        (json!({"policies": [{"name": "Nobody"}]}), "Nobody"),
        (json!({"policies": [{"name": "VPN for sales"}]}), "[2, 3]"),
        (json!({"policies": [{"delete": true}]}), "`id` or `name`"),
        (json!({"policies": [{"id": 2, "deviceGroups": ["Nowhere"]}]}), "Nowhere"),
        (json!({"passwords": {"ghost": "x"}}), "ghost"),
    ];
    for (change, names) in cases {
        let error = bench.double.patch_state(change.clone()).unwrap_err();
        assert!(error.contains(names), "{change}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_crowd_is_paged() {
    let clock = Arc::new(PausedClock(Instant::now()));
    let double = Wso2Double::crowded(Wso2Options::default(), clock, 250);
    let mut bench =
        Bench { router: double.clone().router(), double, token: String::new(), accept: "application/json" };
    bench.token = bench.login().await["access_token"].as_str().unwrap().to_owned();
    let mut names = std::collections::BTreeSet::new();
    for offset in [0, 100, 200] {
        let got = bench.get(&format!("{B}/policies?limit=100&offset={offset}")).await.json();
        assert_eq!(got["count"], 252);
        names.extend(got["policies"].as_array().unwrap().iter().map(|p| p["policyName"].to_string()));
    }
    assert_eq!(names.len(), 252);
}
