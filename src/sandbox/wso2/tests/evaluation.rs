//! Section 7: which policy a device should have.

use serde_json::{Value, json};

use super::{Bench, android};
use crate::sandbox::wso2::{Dialect, Wso2Options};

async fn quiet() -> Bench {
    let bench = Bench::of(Dialect::DeviceMgtV1).await;
    bench.patch(json!({"policies": [{"id": 1, "delete": true}, {"id": 2, "delete": true}]}));
    bench
}

fn effective(bench: &Bench, device: &str) -> Value {
    bench.device(device)["effectivePolicyId"].clone()
}

#[tokio::test(start_paused = true)]
async fn filters() {
    let cases = [
        (json!({}), "a-1001", true, "no restriction"),
        (json!({"active": false}), "a-1001", false, "inactive"),
        (json!({}), "w-2001", false, "another platform"),
        (json!({"ownershipType": "BYOD"}), "a-1001", true, "the right ownership"),
        (json!({"ownershipType": "COPE"}), "a-1001", false, "the wrong one"),
        (json!({"ownershipType": null}), "a-1001", true, "none"),
        (json!({"roles": ["engineer"]}), "a-1001", true, "jdoe is an engineer"),
        (json!({"roles": ["sales"]}), "a-1001", false, "and not in sales"),
        (json!({"roles": ["sales", "ANY"]}), "a-1001", false, "ANY counts in the first place only"),
        (json!({"roles": []}), "a-1005", true, "an owner without roles, no roles asked"),
        (json!({"roles": ["engineer"]}), "a-1005", false, "an owner without roles"),
        (json!({"users": ["JDoe"]}), "a-1001", true, "whatever the case"),
        (json!({"users": ["asmith"]}), "a-1001", false, "someone else"),
        (json!({"users": ["asmith", "ANY"]}), "a-1001", true, "ANY anywhere"),
        (json!({"roles": ["sales"], "users": ["jdoe"]}), "a-1001", false, "both lists must match"),
        (json!({"deviceGroups": [{"id": 2}]}), "a-1002", true, "a member"),
        (json!({"deviceGroups": [{"id": 1}]}), "a-1002", false, "not a member"),
        (json!({"deviceGroups": [{"id": 1}]}), "a-1001", true, "a device without groups passes"),
        (json!({"deviceGroups": [{"name": "ANY"}]}), "a-1002", true, "ANY group"),
        (
            json!({"deviceIdentifiers": [{"id": "a-1002", "type": "android"}]}),
            "a-1001",
            true,
            "device links do nothing",
        ),
    ];
    for (change, device, matches, why) in cases {
        let bench = quiet().await;
        let mut body = android("x", json!({}));
        body["active"] = json!(true);
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let id = bench.create(&body).await;
        assert_eq!(effective(&bench, device) == json!(id), matches, "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn device_links_may_count() {
    let bench = quiet().await;
    bench.option("deviceLinksEvaluated", json!(true));
    let mut body = android("x", json!({}));
    body["active"] = json!(true);
    body["deviceIdentifiers"] = json!([{"id": "a-1002", "type": "android"}]);
    let id = bench.create(&body).await;
    assert_eq!((effective(&bench, "a-1001"), effective(&bench, "a-1002")), (Value::Null, json!(id)));
}

#[tokio::test(start_paused = true)]
async fn lowest_priority_wins_or_all_are_merged() {
    let bench = quiet().await;
    let mut first = android("first", json!({"minLength": "4"}));
    let mut second = android("second", json!({"minLength": "9"}));
    (first["active"], second["active"]) = (json!(true), json!(true));
    let camera = json!({"featureCode": "CAMERA", "content": {"enabled": false}});
    second["profile"]["profileFeaturesList"].as_array_mut().unwrap().push(camera);
    let first = bench.create(&first).await;
    let second = bench.create(&second).await;
    assert_eq!(effective(&bench, "a-1001"), first);
    bench.patch(json!({"policies": [{"id": second, "priority": 0}]}));
    assert_eq!(effective(&bench, "a-1001"), second);
    bench.patch(json!({"policies": [{"id": second, "priority": 9}], "options": {"engine": "Merged"}}));
    assert_eq!(effective(&bench, "a-1001"), -1);
    bench.apply().await;
    super::seconds(3).await;
    let delivered = bench.device("a-1001")["delivered"].clone();
    assert_eq!(delivered["policyName"], "Effective-Policy");
    assert_eq!(
        delivered["contents"]["PASSCODE_POLICY"],
        json!({"minLength": "4"}),
        "the higher priority wins"
    );
    assert_eq!(delivered["contents"]["CAMERA"], json!({"enabled": false}), "the rest is added");
}

#[tokio::test(start_paused = true)]
async fn dialect_a_has_no_group_filter() {
    let bench = quiet().await;
    let mut body = android("x", json!({}));
    body["active"] = json!(true);
    body["deviceGroups"] = json!([{"id": 1}]);
    let id = bench.create(&body).await;
    assert_eq!(effective(&bench, "a-1002"), Value::Null);
    bench.option("dialect", json!("MdmAdmin"));
    assert_eq!(effective(&bench, "a-1002"), id);
}

#[tokio::test(start_paused = true)]
async fn a_new_device_gets_what_is_active() {
    let bench = Bench::new(Wso2Options::default()).await;
    bench.patch(json!({"devices": [{"id": "a-9", "type": "android", "owner": "rgarcia"}]}));
    assert_eq!(bench.device("a-9")["delivered"]["policyName"], "VPN for sales", "without apply-changes");
}
