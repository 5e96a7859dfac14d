//! Section 11: faults of this double, and the common ones where the sheet asks for them.

use serde_json::{Value, json};

use super::{Bench, CHECK, GROUPS, LOGIN, SAVE, deep, named, without};
use crate::sandbox::{Double as _, support::read};

#[tokio::test(start_paused = true)]
async fn an_error_code_comes_as_integer_string_or_null() {
    let bench = Bench::new().await;
    let stored = bench.names().len();
    for (why, code, shown) in [
        ("an integer is written as policies write it", json!(7), json!("7")),
        ("a string as it is", json!("5001"), json!("5001")),
        ("null, although nothing is stored", json!(null), json!(null)),
        ("success, although nothing is stored", json!("0"), json!("0")),
    ] {
        bench.fault(json!({"kind": "errorCode", "code": code, "message": "odd", "times": 1}));
        let answer = bench.save(deep(named(why), json!([]), json!([]))).await;
        assert_eq!((&answer["ErrorCode"], &answer["id"]), (&shown, &Value::Null), "{why}");
        assert_eq!(answer["ErrorMessage"], "odd", "{why}");
    }
    assert_eq!(bench.names().len(), stored);
    bench.fault(
        json!({"kind": "errorCode", "code": 9, "effect": true, "match": {"path": "Save"}, "times": 1}),
    );
    let answer = bench.save(deep(named("done all the same"), json!([]), json!([]))).await;
    assert_eq!(answer["ErrorCode"], "9");
    assert_eq!(bench.names().len(), stored + 1, "the effect happened");
    bench.fault(json!({"kind": "errorCode", "code": 9, "times": 1}));
    assert_eq!(bench.ask(GROUPS, json!({})).await["ErrorCode"], 9, "an integer elsewhere");
    bench.fault(json!({"kind": "errorCode", "code": 101, "times": 1}));
    let (_, answer) = bench.call(LOGIN, &bench.login_body()).await;
    assert_eq!((&answer["ErrorCode"], &answer["LoginSession"]), (&json!(101), &Value::Null));
}

#[tokio::test(start_paused = true)]
async fn a_session_dies_in_the_middle_of_things() {
    let mut bench = Bench::new().await;
    bench.fault(json!({"kind": "revokeSession", "skip": 1}));
    bench.create("before").await;
    let answer = bench.save(deep(named("during"), json!([]), json!([]))).await;
    assert_eq!(answer["ErrorCode"], "5001");
    bench.token = bench.log_in().await;
    bench.create("after").await;
    assert!(bench.is_valid().await, "once is enough, unless told otherwise");
    assert!(!bench.names().contains(&"during".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_save_is_answered_in_full_and_stored_in_part() {
    for (why, stored, present, groups) in
        [("the lists are lost", "scalars", true, json!([])), ("all is lost", "nothing", false, Value::Null)]
    {
        let bench = Bench::new().await;
        bench.fault(json!({"kind": "partialWrite", "stored": stored, "times": 1}));
        let answer = bench.save(deep(named("part"), json!(["16"]), json!([]))).await;
        assert_eq!(
            (&answer["ErrorCode"], &answer["Groups"][0]["GroupId"]),
            (&json!("0"), &json!("16")),
            "{why}"
        );
        assert_eq!(bench.names().contains(&"part".to_owned()), present, "{why}");
        assert_eq!(bench.stored(answer["id"].as_str().unwrap())["groups"], groups, "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_seems_to_come_from_elsewhere() {
    let bench = Bench::new().await;
    bench.fault(
        json!({"kind": "sourceAddress", "address": "10.9.8.7", "match": {"path": "Save"}, "times": 1}),
    );
    assert!(bench.is_valid().await);
    assert_eq!(bench.save(json!({"policy": named("x")})).await["ErrorCode"], "5001", "another way out");
    assert!(!bench.is_valid().await, "and the session is gone");
}

#[tokio::test(start_paused = true)]
async fn members_come_in_another_order() {
    let bench = Bench::new().await;
    let raw = async |bench: &Bench| {
        let mut request =
            crate::sandbox::support::request("POST", &format!("/api{CHECK}"), &bench.body(json!({})));
        request.headers_mut().insert("content-type", "application/json".parse().unwrap());
        let response = bench.send(request).await.unwrap();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    };
    assert_eq!(raw(&bench).await, r#"{"ErrorCode":0,"ErrorMessage":null,"IsValid":true}"#);
    bench.fault(json!({"kind": "reorderKeys"}));
    assert_eq!(raw(&bench).await, r#"{"IsValid":true,"ErrorMessage":null,"ErrorCode":0}"#);
    let id = bench.create("reordered").await;
    bench.double.clear_faults();
    assert_eq!(bench.stored(&id)["name"], "reordered");
    assert_eq!(bench.state()["faults"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn common_faults_play_the_rest() {
    let bench = Bench::new().await;
    bench.fault(json!({"kind": "html", "code": 500, "effect": true, "match": {"path": "Save"}, "times": 1}));
    let (status, page) = bench.call(SAVE, &bench.body(deep(named("unseen"), json!([]), json!([])))).await;
    assert!(status == 500 && page.as_str().unwrap().contains("<html>"), "{page}");
    assert!(bench.names().contains(&"unseen".to_owned()), "a page in place of the id");

    let set = json!({"/Groups/0/ErrorCode": 77});
    bench.fault(json!({"kind": "rewrite", "set": set, "match": {"path": "Save"}, "times": 1}));
    let answer = bench.save(deep(named("nested"), json!(["16"]), json!([]))).await;
    assert_eq!((&answer["ErrorCode"], &answer["Groups"][0]["ErrorCode"]), (&json!("0"), &json!(77)));

    bench.fault(json!({"kind": "delay", "ms": 90_000, "after": true, "match": {"path": "Save"}, "times": 1}));
    let start = tokio::time::Instant::now();
    bench.create("slow").await;
    assert_eq!(start.elapsed().as_secs(), 90, "a client that waits less never learns the id");

    let get = http::Request::get("/api/nowhere").body(axum::body::Body::empty()).unwrap();
    let (status, page) = read(bench.send(get).await.unwrap()).await;
    assert!(status == 404 && page.as_str().unwrap().contains("<html>"), "the web server's own page");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_fault_is_refused_with_a_sentence() {
    let bench = Bench::new().await;
    for (why, fault, named) in [
        ("no such kind", json!({"kind": "meteor"}), "appShield"),
        ("a setting too many", json!({"kind": "revokeSession", "clients": true}), "revokeSession"),
        ("a code of no type codes have", json!({"kind": "errorCode", "code": [1]}), "errorCode"),
        ("no such part", json!({"kind": "partialWrite", "stored": "half"}), "half"),
        ("no address", json!({"kind": "sourceAddress"}), "address"),
        ("a wrong count", json!({"kind": "reorderKeys", "times": "x"}), "times"),
    ] {
        let problem = bench.service.add_fault(&fault).unwrap_err();
        assert!(problem.contains(named), "{why}: {problem}");
    }
    let spec = without(json!({"kind": "errorCode", "code": 1}), "code");
    assert!(bench.service.add_fault(&spec).is_err(), "a code must be named, null is one");
    assert_eq!(bench.state()["faults"], json!([]));
}
