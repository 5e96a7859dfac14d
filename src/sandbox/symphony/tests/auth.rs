//! Section 3: logins, sessions, entitlement.

use std::time::Duration;

use http::header;
use serde_json::{Value, json};

use super::{Bench, DICTIONARIES, V1, V3, door, jwt};
use crate::sandbox::{
    Double,
    support::{read, request},
    symphony::{accounts::Kind, seed},
};

const OTHER: &str = include_str!("keys/other.pem");
const OTHER_PUBLIC: &str = include_str!("keys/other.pub.pem");
const BOTH: [Kind; 2] = [Kind::Session, Kind::KeyManager];

#[tokio::test(start_paused = true)]
async fn a_login_is_a_fresh_rs512_token_of_a_registered_key() {
    let bench = Bench::new().await;
    let (own, now) = (bench.double.credentials()["privateKey"].clone(), bench.clock.now().as_second());
    let claims = |sub: &str, exp: i64| json!({"sub": sub, "exp": exp});
    let rs512 = json!({"alg": "RS512"});
    let good = jwt(&rs512, &claims(seed::USERNAME, now + 240), &own);
    let (signed, _) = good.rsplit_once('.').unwrap();
    let other = jwt(&rs512, &claims(seed::ARCHIVE, now + 240), &own);
    let (_, stolen) = other.rsplit_once('.').unwrap();
    let cases = [
        ("240 s as the BDK has it", good.clone(), 200),
        ("a token may be used again: nothing forbids it", good.clone(), 200),
        ("five minutes are allowed", jwt(&rs512, &claims(seed::USERNAME, now + 300), &own), 200),
        (
            "more claims do no harm",
            jwt(&rs512, &json!({"sub": seed::USERNAME, "exp": now + 9, "iat": 1}), &own),
            200,
        ),
        ("more than five minutes", jwt(&rs512, &claims(seed::USERNAME, now + 301), &own), 401),
        ("milliseconds", jwt(&rs512, &claims(seed::USERNAME, (now + 240) * 1000), &own), 401),
        ("expired", jwt(&rs512, &claims(seed::USERNAME, now - 1), &own), 401),
        ("expires now", jwt(&rs512, &claims(seed::USERNAME, now), &own), 401),
        ("no exp", jwt(&rs512, &json!({"sub": seed::USERNAME}), &own), 401),
        ("no sub", jwt(&rs512, &json!({"exp": now + 240}), &own), 401),
        ("unknown user", jwt(&rs512, &claims("nobody", now + 240), &own), 401),
        ("another key", jwt(&rs512, &claims(seed::USERNAME, now + 240), OTHER), 401),
        (
            "another algorithm in the header",
            jwt(&json!({"alg": "RS256"}), &claims(seed::USERNAME, now + 240), &own),
            401,
        ),
        ("alg none", jwt(&json!({"alg": "none"}), &claims(seed::USERNAME, now + 240), &own), 401),
        ("no signature", format!("{signed}."), 401),
        ("the signature of another token", format!("{signed}.{stolen}"), 401),
        ("no JWT", "x".to_owned(), 401),
        ("four parts", format!("{good}.x"), 401),
    ];
    for (why, token, expected) in cases {
        for kind in BOTH {
            let (status, answer) = bench.authenticate(kind, &token).await;
            assert_eq!(status, expected, "{why}: {answer}");
            assert!(expected == 200 || answer["code"] == 401, "{why}: {answer}");
        }
    }
    let (status, _) = bench.plain("POST", door(Kind::Session), &json!({"jwt": good})).await;
    assert_eq!(status, 401, "no member token");
    assert_eq!(bench.plain("GET", door(Kind::Session), &Value::Null).await.0, 405);
    assert!(bench.state()["sessions"]["loginsRefused"].as_u64().unwrap() > 20);
}

#[tokio::test(start_paused = true)]
async fn the_answer_names_the_header_and_may_carry_a_beta_member() {
    for (option, present) in [(true, true), (false, false)] {
        let bench = Bench::with(json!({"authorizationToken": option})).await;
        let claims = json!({"sub": seed::USERNAME, "exp": bench.clock.now().as_second() + 240});
        let token = jwt(&json!({"alg": "RS512"}), &claims, &bench.double.credentials()["privateKey"]);
        let (_, answer) = bench.authenticate(Kind::Session, &token).await;
        assert_eq!(answer.get("authorizationToken").is_some(), present, "{answer}");
        assert!(!answer.to_string().contains("expires"), "no member tells how long it lives");
    }
}

#[tokio::test(start_paused = true)]
async fn both_tokens_are_needed_and_of_one_account() {
    let bench = Bench::new().await;
    let archive = bench.token(Kind::KeyManager, seed::ARCHIVE).await;
    let (session, keys) = (bench.session.as_str(), bench.key_manager.as_str());
    for (why, session, keys, expected) in [
        ("both", Some(session), Some(keys), 200),
        ("no session", None, Some(keys), 401),
        ("no key manager", Some(session), None, 401),
        ("neither", None, None, 401),
        ("the wrong way round", Some(keys), Some(session), 401),
        ("of two accounts", Some(session), Some(archive.as_str()), 401),
        ("unknown", Some("x"), Some(keys), 401),
    ] {
        let mut request = request("GET", V1, &Value::Null);
        for (name, value) in [("sessionToken", session), ("keyManagerToken", keys)] {
            if let Some(value) = value {
                request.headers_mut().insert(name, value.parse().unwrap());
            }
        }
        let (status, answer) = read(bench.send(request).await.unwrap()).await;
        assert_eq!(status, expected, "{why}: {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn sessions_end_after_their_life_each_on_its_own() {
    let mut bench = Bench::with(json!({"sessionSecs": 3600, "keyManagerSecs": 7200})).await;
    tokio::time::advance(Duration::from_secs(3599)).await;
    bench.get(V1).await;
    tokio::time::advance(Duration::from_secs(1)).await;
    bench.refused("GET", V1, &Value::Null, 401, "sessionToken is unknown or expired").await;
    bench.session = bench.token(Kind::Session, seed::USERNAME).await;
    bench.get(V1).await;
    tokio::time::advance(Duration::from_secs(3600)).await;
    bench.session = bench.token(Kind::Session, seed::USERNAME).await;
    bench.refused("GET", V1, &Value::Null, 401, "keyManagerToken is unknown or expired").await;
    let sessions = &bench.state()["sessions"];
    assert_eq!((&sessions["sessionLogins"], &sessions["keyManagerSessions"]), (&json!(3), &json!(0)));
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_by_logging_out() {
    let bench = Bench::new().await;
    for (path, token) in
        [("/sessionauth/v1/logout", "sessionToken"), ("/keyauth/v1/logout", "keyManagerToken")]
    {
        assert!(bench.ok("POST", path, &Value::Null).await["message"].is_string());
        bench.refused("POST", path, &Value::Null, 401, token).await;
    }
    bench.refused("GET", V1, &Value::Null, 401, "sessionToken").await;
}

#[tokio::test(start_paused = true)]
async fn certificate_logins_refuse_a_body_and_never_succeed_without_tls() {
    let bench = Bench::new().await;
    for path in ["/sessionauth/v1/authenticate", "/keyauth/v1/authenticate"] {
        assert_eq!(bench.plain("POST", path, &Value::Null).await.0, 403);
        assert_eq!(bench.plain("POST", path, &json!({})).await.0, 401, "an empty JSON body (3.2)");
    }
}

#[tokio::test(start_paused = true)]
async fn when_the_key_manager_token_may_be_missing() {
    let new = "Agent-24.12.3-99-linux";
    for (why, needed, version, claim, expected) in [
        ("older Agents need it", "always", new, true, 401),
        ("OpenAPI: optional from 24.12", "byVersion", new, false, 200),
        ("OpenAPI: an older Agent", "byVersion", "Agent-24.11.0-1-linux", true, 401),
        ("a version that cannot be read counts as old", "byVersion", "unknown", true, 401),
        ("24.2 is older than 24.12", "byVersion", "Agent-24.2.0-1", true, 401),
        ("BDK: both conditions", "byDelivery", new, true, 200),
        ("BDK: no claim", "byDelivery", new, false, 401),
        ("BDK: old Agent", "byDelivery", "Agent-23.9.1-1", true, 401),
    ] {
        let options =
            json!({"keyManagerToken": needed, "agentVersion": version, "simplifiedKeyDelivery": claim});
        let bench = Bench::with(options).await;
        let mut request = bench.signed("GET", V1, &Value::Null);
        request.headers_mut().remove("keyManagerToken");
        assert_eq!(read(bench.send(request).await.unwrap()).await.0, expected, "{why}");

        let (status, info) = bench.plain("GET", "/agent/v1/info", &Value::Null).await;
        assert_eq!((status, info["version"].as_str()), (200, Some(version)), "no token needed");
        let claims = bench.session.split('.').nth(1).unwrap();
        let claims = base64::Engine::decode(&super::URL_SAFE_NO_PAD, claims).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims["canUseSimplifiedKeyDelivery"], claim, "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_role_or_feature_every_call_is_forbidden() {
    let role = json!({"accounts": [{"username": seed::USERNAME, "policyManagement": false}]});
    let export = json!({
        "options": {"contentExportRequired": true},
        "accounts": [{"username": seed::USERNAME, "contentExport": false}]
    });
    for (why, change, expected) in [
        ("all is there", json!({}), [200, 200, 200]),
        ("no role", role, [403, 403, 403]),
        ("no content export user", export, [403, 403, 403]),
        ("no EFv2", json!({"options": {"v1Licensed": false}}), [403, 200, 200]),
        ("no EFv3", json!({"options": {"v3Licensed": false}}), [200, 403, 200]),
        ("neither", json!({"options": {"v1Licensed": false, "v3Licensed": false}}), [403, 403, 403]),
        ("EFv2 is no longer served", json!({"options": {"v1Served": false}}), [404, 200, 200]),
    ] {
        let bench = Bench::new().await;
        bench.patch(change);
        for (path, expected) in [V1, V3, DICTIONARIES].into_iter().zip(expected) {
            let (status, answer) = bench.call("GET", path, &Value::Null).await;
            assert_eq!(status, expected, "{why}: {path}: {answer}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_without_the_role_can_log_in_all_the_same() {
    let mut bench = Bench::new().await;
    bench.session = bench.token(Kind::Session, seed::ARCHIVE).await;
    bench.key_manager = bench.token(Kind::KeyManager, seed::ARCHIVE).await;
    bench.refused("GET", V1, &Value::Null, 403, "lacks the role").await;
}

#[tokio::test(start_paused = true)]
async fn keys_are_exchanged_and_accounts_deactivated_in_the_portal() {
    let bench = Bench::new().await;
    let claims = json!({"sub": seed::USERNAME, "exp": bench.clock.now().as_second() + 240});
    let rs512 = json!({"alg": "RS512"});
    let (old, new) =
        (jwt(&rs512, &claims, &bench.double.credentials()["privateKey"]), jwt(&rs512, &claims, OTHER));
    bench.patch(json!({"accounts": [{"username": seed::USERNAME, "publicKey": OTHER_PUBLIC}]}));
    assert_eq!(bench.authenticate(Kind::Session, &old).await.0, 401);
    assert_eq!(bench.authenticate(Kind::Session, &new).await.0, 200);
    bench.get(V1).await;
    bench.patch(json!({"accounts": [{"username": seed::USERNAME, "active": false}]}));
    bench.refused("GET", V1, &Value::Null, 401, "sessionToken").await;
    assert_eq!(bench.authenticate(Kind::Session, &new).await.0, 401);
    assert!(!bench.state().to_string().contains("KEY"), "no key in the state");
}

#[tokio::test(start_paused = true)]
async fn both_forms_of_the_private_key_are_the_same_key() {
    for (form, head) in [("pkcs8", "BEGIN PRIVATE KEY"), ("pkcs1", "BEGIN RSA PRIVATE KEY")] {
        let bench = Bench::with(json!({"keyForm": form})).await;
        assert!(bench.double.credentials()["privateKey"].contains(head));
        bench.get(V1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_can_tell_a_wrong_clock_by_the_date() {
    let bench = Bench::new().await;
    bench.patch(json!({"options": {"clockOffsetSecs": 600}}));
    let claims = json!({"sub": seed::USERNAME, "exp": bench.clock.now().as_second() + 240});
    let token = jwt(&json!({"alg": "RS512"}), &claims, &bench.double.credentials()["privateKey"]);
    let response =
        bench.send(request("POST", door(Kind::Session), &json!({ "token": token }))).await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers().get(header::DATE).unwrap(), "Tue, 14 Nov 2023 22:23:20 GMT");
}

#[tokio::test(start_paused = true)]
async fn sessions_are_revoked_at_once_or_mid_run() {
    let mut bench = Bench::new().await;
    bench.fault(json!({"kind": "revokeSession"}));
    bench.refused("GET", V1, &Value::Null, 401, "sessionToken").await;
    bench.log_in().await;
    bench.fault(json!({"kind": "revokeSession", "tokens": ["keyManager"], "skip": 1, "times": 1}));
    bench.get(V1).await;
    bench.refused("GET", V1, &Value::Null, 401, "keyManagerToken").await;
    bench.key_manager = bench.token(Kind::KeyManager, seed::USERNAME).await;
    bench.get(V1).await;
    bench.fault(json!({"kind": "revokeSession", "match": {"path": "/agent"}}));
    for _ in 0..2 {
        bench.log_in().await;
        bench.refused("GET", V1, &Value::Null, 401, "sessionToken").await;
    }
    bench.service.clear_faults();
    bench.log_in().await;
    bench.get(V1).await;
}
