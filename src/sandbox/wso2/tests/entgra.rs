//! Section 2.3: what dialect C does differently.

use serde_json::{Value, json};

use super::{B, Bench, android};
use crate::sandbox::wso2::Dialect;

fn policies(rest: &str) -> String {
    format!("{B}/policies{rest}")
}

async fn bench() -> Bench {
    Bench::of(Dialect::Entgra).await
}

#[tokio::test(start_paused = true)]
async fn list_without_limit_is_everything() {
    let bench = bench().await;
    let got = bench.get(&policies("?offset=0&limit=0")).await.json();
    assert_eq!(got["policies"].as_array().unwrap().len(), 2);
    assert_eq!(bench.get(&policies("?offset=1")).await.json()["policies"], json!([]), "only from the start");
}

#[tokio::test(start_paused = true)]
async fn searching() {
    let bench = bench().await;
    let mut body = android("Default kiosk", json!({}));
    body["policyType"] = json!("GENERAL");
    let id = bench.create(&body).await;
    let names = |got: Value| -> Vec<String> {
        let all = got["policies"].as_array().unwrap().iter();
        all.map(|p| p["policyName"].as_str().unwrap().to_owned()).collect()
    };
    let got = bench.get(&policies("/list?name=default&offset=0&limit=10")).await.json();
    assert_eq!(got["count"], 3, "the overall number");
    assert_eq!(names(got), ["Default passcode", "Default kiosk"]);
    let cases = [
        ("/list?status=INACTIVE", vec!["Default kiosk"]),
        ("/list?deviceType=windows", vec!["Default passcode"]),
        ("/list?type=GENERAL", vec!["Default kiosk"]),
        ("/type/GENERAL", vec!["Default kiosk"]),
        ("/type/CORRECTIVE", vec![]),
    ];
    for (path, want) in cases {
        assert_eq!(names(bench.get(&policies(path)).await.json()), want, "{path}");
    }
    assert_eq!(bench.policy(id)["policyType"], "GENERAL");
}

#[tokio::test(start_paused = true)]
async fn features_are_validated_first() {
    let bench = bench().await;
    bench.option("payloadRejects", json!(["WIFI"]));
    let feature = |code: &str, kind: &str| json!({"featureCode": code, "deviceType": kind, "content": {}});
    let cases = [
        (json!([]), 400, true, "empty"),
        (json!([feature("CAMERA", " ")]), 400, true, "blank device type"),
        (json!([feature("CAMERA", "ios"), feature("CAMERA", "android")]), 400, true, "mixed"),
        (json!([feature("WIFI", "android")]), 400, false, "the payload validator says no"),
        (json!([feature("CAMERA", "android")]), 200, true, "fine"),
    ];
    for (features, status, is_json, why) in cases {
        let got = bench.post(&policies("/validate"), &features).await;
        assert_eq!(got.status, status, "{why}: {}", got.text);
        assert_eq!(serde_json::from_str::<Value>(&got.text).is_ok(), is_json, "{why}");
        let mut body = android("x", json!({}));
        body["profile"]["profileFeaturesList"] = features;
        let created = bench.post(&policies(""), &body).await.status;
        assert_eq!(created == 201, status == 200, "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn extra_members_and_plain_texts() {
    let bench = bench().await;
    let mut body = android("x", json!({}));
    body["payloadVersion"] = json!("2.0");
    body["correctiveActions"] = json!([{"actionType": "EMAIL"}]);
    let id = bench.create(&body).await;
    let policy = bench.get(&policies(&format!("/{id}"))).await.json();
    assert_eq!(
        (&policy["policyPayloadVersion"], &policy["correctiveActions"][0]["actionType"]),
        (&json!("2.0"), &json!("EMAIL"))
    );
    body["payloadVersion"] = json!("x".repeat(46));
    assert_eq!(bench.post(&policies(""), &body).await.status, 400);
    for (got, status) in [
        (bench.get(&policies("/99")).await, 404),
        (bench.post(&policies("/activate-policy"), &json!([99])).await, 404),
        (bench.post(&policies("/remove-policy"), &json!([99])).await, 400),
    ] {
        assert_eq!((got.status, got.content_type()), (status, "text/plain"));
    }
    let types = bench.get(&format!("{B}/device-types")).await.json();
    assert_eq!(types["deviceTypes"][0], json!({"id": 1, "name": "android"}));
}
