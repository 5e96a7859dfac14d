//! Section 1, dialect B: registration, tokens, scopes, the gateway's faults.

use serde_json::{Value, json};

use super::{B, Bench, SCOPES, basic, seconds};
use crate::sandbox::{
    Double as _,
    wso2::{Dialect, Wso2Options},
};

const OPERATOR: (&str, &str) = ("policy-operator", "Harbour-Lantern-42");

fn list() -> String {
    format!("{B}/policies?limit=5")
}

async fn registering(bench: &Bench, auth: &str, body: Value) -> u16 {
    let path = "/api-application-registration/register";
    bench.send("POST", path, Some(&body.to_string()), auth, "application/json").await.status
}

#[tokio::test(start_paused = true)]
async fn registration() {
    let bench = Bench::logged_out(Wso2Options::default());
    let credentials = bench.double.credentials();
    assert_eq!((credentials["username"].as_str(), credentials["password"].as_str()), OPERATOR);
    let good = json!({"applicationName": "x", "tags": ["device_management"]});
    let auth = basic(OPERATOR.0, OPERATOR.1);
    assert_eq!(registering(&bench, &auth, good.clone()).await, 201);
    assert_eq!(registering(&bench, &basic(OPERATOR.0, "wrong"), good.clone()).await, 401);
    assert_eq!(registering(&bench, "", good).await, 401);
    assert_eq!(registering(&bench, &auth, json!({"applicationName": "x", "tags": []})).await, 406);
    assert_eq!(registering(&bench, &auth, json!({"applicationName": "x", "tags": ["pizza"]})).await, 406);
    assert_eq!(bench.register().await, bench.register().await, "the same name gets the same client");
}

#[tokio::test(start_paused = true)]
async fn grants() {
    let bench = Bench::logged_out(Wso2Options::default());
    let (id, secret) = bench.register().await;
    let wrong = bench.password_grant(&id, &secret, OPERATOR.0, "wrong", SCOPES).await;
    assert_eq!((wrong.status, &wrong.json()["error"]), (400, &json!("invalid_grant")));
    bench.option("wrongPasswordStatus", json!(401));
    assert_eq!(bench.password_grant(&id, &secret, OPERATOR.0, "wrong", SCOPES).await.status, 401);
    let client = bench.password_grant(&id, "wrong", OPERATOR.0, OPERATOR.1, SCOPES).await;
    assert_eq!((client.status, &client.json()["error"]), (401, &json!("invalid_client")));
    let odd = bench.form(&id, &secret, "grant_type=authorization_code").await;
    assert_eq!(odd.json()["error"], "unsupported_grant_type");
    let got = bench.password_grant(&id, &secret, OPERATOR.0, OPERATOR.1, "perm:policies:update").await.json();
    assert_eq!((&got["expires_in"], &got["scope"]), (&json!(3600), &json!("perm:policies:update")));
    assert_eq!((&got["token_type"], got["refresh_token"].is_string()), (&json!("Bearer"), true));
    let got = bench.password_grant(&id, &secret, "jdoe", "jdoe-Pass-1", SCOPES).await.json();
    assert_eq!(got["scope"], "default", "scopes the user has no permission for are left out");
}

#[tokio::test(start_paused = true)]
async fn tokens_expire_and_are_refreshed_once() {
    let mut bench = Bench::logged_out(Wso2Options::default());
    let (id, secret) = bench.register().await;
    let got = bench.login().await;
    bench.token = got["access_token"].as_str().unwrap().to_owned();
    let refresh =
        format!("grant_type=refresh_token&refresh_token={}", got["refresh_token"].as_str().unwrap());
    seconds(3599).await;
    assert_eq!(bench.get(&list()).await.status, 200);
    seconds(1).await;
    let expired = bench.get(&list()).await;
    assert_eq!((expired.status, &expired.json()["fault"]["code"]), (401, &json!(900_903)));
    let renewed = bench.form(&id, &secret, &refresh).await;
    assert_eq!(renewed.status, 200);
    assert_eq!(bench.form(&id, &secret, &refresh).await.status, 400, "used up");
    bench.token = renewed.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(bench.get(&list()).await.status, 200);
    let late = renewed.json()["refresh_token"].as_str().unwrap().to_owned();
    seconds(86_400).await;
    let late = bench.form(&id, &secret, &format!("grant_type=refresh_token&refresh_token={late}")).await;
    assert_eq!(late.status, 400, "the refresh token has a life too");
}

#[tokio::test(start_paused = true)]
async fn a_live_token_may_be_answered_again() {
    let bench = Bench::new(Wso2Options { reuse_active_token: true, ..Wso2Options::default() }).await;
    seconds(600).await;
    let again = bench.login().await;
    assert_eq!(
        (again["access_token"].as_str().unwrap(), &again["expires_in"]),
        (bench.token.as_str(), &json!(3000))
    );
    bench.double.fault("revokeSession", &Value::Null).unwrap().unwrap();
    assert_ne!(bench.login().await["access_token"].as_str().unwrap(), bench.token, "but not a revoked one");
}

#[tokio::test(start_paused = true)]
async fn each_call_needs_its_scope() {
    let mut bench = Bench::logged_out(Wso2Options::default());
    let (id, secret) = bench.register().await;
    let scope = "perm:policies:get-details";
    let got = bench.password_grant(&id, &secret, OPERATOR.0, OPERATOR.1, scope).await.json();
    bench.token = got["access_token"].as_str().unwrap().to_owned();
    assert_eq!(bench.get(&list()).await.status, 200);
    let one = bench.get(&format!("{B}/policies/1")).await;
    assert_eq!((one.status, &one.json()["fault"]["code"]), (403, &json!(900_910)));
    assert_eq!(bench.apply().await.status, 403);
    assert_eq!(bench.counter("applyCalls"), 0, "a refused call never reaches the server");
    bench.option("enforceScopes", json!(false));
    assert_eq!(bench.get(&format!("{B}/policies/1")).await.status, 200);
    bench.option("subscribed", json!(false));
    assert_eq!(bench.get(&list()).await.json()["fault"]["code"], 900_908);
}

#[tokio::test(start_paused = true)]
async fn faults_of_the_gateway() {
    let mut bench = Bench::of(Dialect::DeviceMgtV1).await;
    let token = std::mem::take(&mut bench.token);
    let got = bench.send("GET", &list(), None, "", "").await;
    assert_eq!((got.status, &got.json()["fault"]["code"]), (401, &json!(900_902)));
    bench.token = "nobody-issued-it".to_owned();
    assert_eq!(bench.get(&list()).await.json()["fault"]["code"], 900_901);
    bench.accept = "*/*";
    let got = bench.get(&list()).await;
    assert_eq!(got.content_type(), "application/xml");
    assert!(got.text.contains("<ams:code>900901</ams:code>"));
    (bench.accept, bench.token) = ("application/json", token);
    bench.double.fault("throttle", &json!({"times": 2})).unwrap().unwrap();
    assert_eq!(bench.get(&list()).await.status, 429);
    assert_eq!(bench.get(&list()).await.status, 429);
    assert_eq!(bench.get(&list()).await.status, 200);
    bench.double.fault("revokeSession", &json!({"clients": true})).unwrap().unwrap();
    let got = bench.get(&list()).await;
    assert_eq!((got.status, &got.json()["fault"]["code"]), (401, &json!(900_904)));
    assert_eq!(bench.double.state()["sessions"]["activeTokens"], 0);
    assert!(bench.double.fault("earthquake", &Value::Null).is_none());
    assert!(bench.double.fault("taskOutcome", &json!({"outcome": "fine"})).unwrap().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_session_may_die_just_before_a_call() {
    let bench = Bench::of(Dialect::DeviceMgtV1).await;
    let dying = json!({"match": {"method": "GET"}, "skip": 1, "times": 1});
    bench.double.fault("revokeSession", &dying).unwrap().unwrap();
    assert_eq!(bench.get(&list()).await.status, 200, "it is skipped");
    assert_eq!(bench.get(&list()).await.status, 401);
    let wrong = bench.double.fault("revokeSession", &json!({"times": "often"})).unwrap();
    assert!(wrong.is_err(), "{wrong:?}");
}

#[tokio::test(start_paused = true)]
async fn without_the_gateway() {
    let bench = Bench::new(Wso2Options { gateway: false, ..Wso2Options::default() }).await;
    assert_eq!(bench.get(&list()).await.status, 200);
    let got = bench.send("GET", &list(), None, "", "").await;
    assert_eq!((got.status, got.text.starts_with('{')), (401, false), "a plain text");
    bench.option("directAcceptsTokens", json!(false));
    assert_eq!(bench.get(&list()).await.status, 401, "some releases refuse");
}

#[tokio::test(start_paused = true)]
async fn no_secret_in_the_state() {
    let bench = Bench::of(Dialect::DeviceMgtV1).await;
    let state = bench.double.state().to_string();
    assert!(!state.contains(&bench.token) && !state.contains(OPERATOR.1));
}
