//! Section 2: paths, method, content type, where the token goes; and what is no answer of the API.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use super::{Bench, CHECK, GROUPS, LOGIN, NEW, SAVE, deep, named};
use crate::sandbox::{Double as _, support::read};

fn post(path: &str, content_type: Option<&str>, body: String) -> Request<Body> {
    let request = Request::builder().method("POST").uri(path);
    let request = match content_type {
        Some(content_type) => request.header("content-type", content_type),
        None => request,
    };
    request.body(Body::from(body)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_base_is_configurable_and_case_does_not_matter() {
    for (why, base, path, status) in [
        ("Linux", "/api", "/api/Session/CheckSession", 200),
        ("case", "/api", "/API/session/checksession", 200),
        ("Windows", "/yurbi/api", "/yurbi/api/Session/CheckSession", 200),
        ("old installation", "/yurbimidtier/api", "/yurbimidtier/api/Session/CheckSession", 200),
        ("a wrong base", "/yurbi/api", "/api/Session/CheckSession", 404),
        ("no such call", "/api", "/api/AppShield/DeletePolicy", 404),
        ("a list nobody named", "/api", "/api/AppShield/GetPolicies", 404),
    ] {
        let bench = Bench::with(json!({"base": base})).await;
        let body = json!({"sessionToken": bench.token}).to_string();
        let (got, _) = read(bench.send(post(path, Some("application/json"), body)).await.unwrap()).await;
        assert_eq!(got, status, "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_json_objects_posted_as_json_reach_a_call() {
    let bench = Bench::new().await;
    let token = json!({"sessionToken": bench.token}).to_string();
    let form = format!("sessionToken={}", bench.token);
    for (why, content_type, body, status) in [
        ("with a charset", Some("application/json; charset=utf-8"), token.clone(), 200),
        ("in capitals", Some("Application/JSON"), token.clone(), 200),
        ("a form, as the vendor's own sample sends", Some("application/x-www-form-urlencoded"), form, 415),
        ("JSON that does not say so", None, token.clone(), 415),
        ("no JSON", Some("application/json"), "{".to_owned(), 400),
        ("no object", Some("application/json"), "[]".to_owned(), 400),
        ("nothing", Some("application/json"), String::new(), 400),
    ] {
        let answer = bench.send(post("/api/Session/CheckSession", content_type, body)).await.unwrap();
        assert_eq!(read(answer).await.0, status, "{why}");
    }
    for method in ["GET", "PUT", "DELETE"] {
        let request = Request::builder().method(method).uri("/api/Session/CheckSession");
        let answer = bench.send(request.body(Body::from(token.clone())).unwrap()).await.unwrap();
        assert_eq!(read(answer).await.0, 405, "{method}: every call is POST");
    }
}

#[tokio::test(start_paused = true)]
async fn the_token_counts_only_in_the_body_under_its_exact_name() {
    let bench = Bench::new().await;
    for (why, body, valid) in [
        ("as documented", json!({"sessionToken": bench.token}), true),
        ("in another case", json!({"SessionToken": bench.token}), false),
        ("absent", json!({}), false),
        ("null", json!({"sessionToken": null}), false),
        ("somebody else's", json!({"sessionToken": "QWERTZUIOPASDFGHJKLYXCV[B"}), false),
    ] {
        assert_eq!(bench.call(CHECK, &body).await.1["IsValid"], valid, "{why}");
    }
    let request = Request::post("/api/Session/CheckSession?sessionToken=x")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {}", bench.token))
        .header("cookie", format!("sessionToken={}", bench.token));
    let answer = bench.send(request.body(Body::from("{}")).unwrap()).await.unwrap();
    assert_eq!(read(answer).await.1["IsValid"], false, "no header, no cookie, no query");
}

#[tokio::test(start_paused = true)]
async fn failures_are_http_200_with_the_code_in_the_shape_of_each_call() {
    let bench = Bench::logged_out(json!({}));
    for (why, path, code) in [
        ("a session's code is an integer", "/Session/RefreshSession", json!(5001)),
        ("the older form too", "/Login/ValidSession", json!(5001)),
        ("a policy's code is a string", SAVE, json!("5001")),
        ("also that of the template, null when all is well", NEW, json!("5001")),
        ("a bare array has no envelope: an object comes instead", GROUPS, json!(5001)),
    ] {
        let (status, answer) = bench.call(path, &deep(named("x"), json!([]), json!([]))).await;
        assert_eq!((status, &answer["ErrorCode"]), (200, &code), "{why}: {answer}");
    }
    assert_eq!(bench.counter("creates"), 0);
    assert_eq!(bench.counter("savesRefused"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_field_of_another_type_makes_the_body_unreadable() {
    let bench = Bench::new().await;
    let id = bench.create("typed").await;
    let number: u64 = id.parse().unwrap();
    for (why, body) in [
        ("an id as a number loses digits in many languages", json!({"policy": {"id": number}})),
        ("a flag as text", json!({"policy": {"isActive": "true"}})),
        ("one group instead of a list", json!({"policy": {}, "groups": "16"})),
        ("a group id as a number", json!({"policy": {}, "groups": [16]})),
        ("constraints as an object", json!({"policy": {"Constraints": {}}})),
    ] {
        let (status, answer) = bench.call(SAVE, &bench.body(body)).await;
        assert_eq!(status, 400, "{why}: {answer}");
        assert!(answer["Message"].is_string(), "the framework's words, no ErrorCode: {answer}");
    }
    let (status, _) = bench.call(LOGIN, &json!({"UserId": 7})).await;
    assert_eq!(status, 400, "the same at login");
    assert_eq!(bench.stored(&id)["saves"], 1);
}

#[tokio::test(start_paused = true)]
async fn tokens_and_passwords_are_not_recorded() {
    let bench = Bench::new().await;
    bench.create("quiet").await;
    let seen = serde_json::to_string(&bench.service.recorder().since(0)).unwrap();
    let keys = bench.double.credentials();
    for secret in [&bench.token, &keys["password"]] {
        assert!(!seen.contains(secret), "{seen}");
    }
    let state = bench.state().to_string();
    assert!(!state.contains(&bench.token) && !state.contains(&keys["password"]));
    assert_eq!(bench.service.recorder().since(1)[0].body["policy"]["Name"], "quiet", "the rest is");
}

#[tokio::test(start_paused = true)]
async fn refusals_may_have_another_status() {
    let bench = Bench::with(json!({"invalidSessionStatus": 401, "refusalStatus": 500})).await;
    let (status, _) = bench.call(SAVE, &json!({"policy": {}})).await;
    assert_eq!(status, 401, "no session");
    let (status, answer) = bench.call(SAVE, &bench.body(json!({"policy": {"id": "1"}}))).await;
    assert_eq!((status, &answer["ErrorCode"]), (500, &json!("5003")), "no such policy");
    let (status, answer) = bench.call(LOGIN, &super::login("policy-operator", "wrong")).await;
    assert_eq!((status, &answer["ErrorCode"], &answer["LoginSession"]), (200, &json!(101), &Value::Null));
}
