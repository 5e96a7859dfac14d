//! Section 13: what goes wrong between a client and this system.

use std::time::Duration;

use http::header;
use serde_json::{Value, json};

use super::{Bench, V1, V3, but};
use crate::sandbox::{Dropped, support::read};

const NONE: Value = Value::Null;

#[tokio::test(start_paused = true)]
async fn somebody_else_edits_between_read_and_write() {
    let bench = Bench::new().await;
    let path = bench.enabled("Mine").await;
    let edit = json!({"editPolicies": [{"policy": "Mine", "type": "Warn", "rename": "Theirs"}]});
    bench.fault(json!({"kind": "foreignEdit", "match": {"method": "PUT"}, "times": 1, "change": edit}));
    assert_eq!(bench.get(&path).await["data"]["version"], "1.0");
    let written = &bench.ok("PUT", &path, &bench.cards("Mine")).await["data"];
    assert_eq!(
        (&written["version"], &written["type"]),
        (&json!("1.2"), &json!("Block")),
        "1.1 was theirs, and is lost"
    );
    assert_eq!(bench.get(&format!("{path}?policyVersion=1.1")).await["data"]["name"], "Theirs");
}

#[tokio::test(start_paused = true)]
async fn a_broken_contract_leaves_half_of_the_work() {
    let bench = Bench::new().await;
    bench.fault(json!({"kind": "partialWrite", "times": 1}));
    bench.refused("POST", V1, &bench.cards("Mine"), 500, "not completed").await;
    assert_eq!(bench.policy("Mine")["dictionaries"], json!([]), "made, but it looks for nothing");

    for (root, update) in [(V1, ""), (V3, "/update")] {
        let body = |name: &str| if root == V1 { bench.cards(name) } else { bench.projects(name) };
        let name = format!("Mine {root}").chars().take(30).collect::<String>();
        let path = bench.create(root, &body(&name)).await;
        bench.ok("POST", &format!("{path}/enable"), &NONE).await;
        bench.fault(json!({"kind": "partialWrite", "times": 1}));
        let method = if root == V1 { "PUT" } else { "POST" };
        let mut change = but(&body("Half"), &json!({"scopes": ["Internal"]}));
        if root == V1 {
            change["dictionaryIds"] = json!([]);
        } else {
            change["appliesTo"][0]["action"] = json!("Block");
        }
        bench.refused(method, &format!("{path}{update}"), &change, 500, "not completed").await;
        let stored = &bench.get(&path).await["data"];
        assert_eq!((&stored["name"], &stored["active"]), (&json!("Half"), &json!(true)), "{root}");
        bench.patch(
            json!({"editPolicies": [{"policy": "Half", "rename": "Done"}], "removePolicies": ["Done"]}),
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_a_create_leaves_a_policy_to_find_by_name() {
    let bench = Bench::new().await;
    bench.fault(json!({"kind": "dropAfter", "match": {"method": "POST", "path": "policies"}, "times": 1}));
    let lost = bench.send(bench.signed("POST", V1, &bench.cards("Mine"))).await.unwrap_err();
    assert_eq!(lost, Dropped::AfterEffect);
    bench.refused("POST", V1, &bench.cards("Mine"), 400, "exists already").await;
    assert!(bench.get(V1).await.to_string().contains("\"Mine\""));
    assert_eq!(bench.state()["counters"]["policiesCreated"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_create_without_its_enable_is_a_disabled_policy() {
    let bench = Bench::new().await;
    let path = bench.create(V1, &bench.cards("Mine")).await;
    bench.fault(json!({"kind": "dropBefore", "match": {"path": "enable"}, "times": 1}));
    let lost = bench.send(bench.signed("POST", &format!("{path}/enable"), &NONE)).await.unwrap_err();
    assert_eq!((lost, &bench.policy("Mine")["active"]), (Dropped::BeforeEffect, &json!(false)));
}

#[tokio::test(start_paused = true)]
async fn throttling_with_and_without_advice() {
    for (advice, expected) in [(json!("7"), Some("7")), (NONE, None)] {
        let bench = Bench::with(json!({"requestsPerMinute": 4, "retryAfter": advice})).await;
        bench.get(V1).await;
        bench.get(V1).await;
        let response = bench.send(bench.signed("GET", V1, &NONE)).await.unwrap();
        assert_eq!(response.status(), 429, "logins count too");
        assert_eq!(response.headers().get(header::RETRY_AFTER).map(|v| v.to_str().unwrap()), expected);
        tokio::time::advance(Duration::from_mins(1)).await;
        bench.get(V1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn errors_come_in_any_dress() {
    for (dress, expected) in [
        ("embedded", "{\"code\":400,\"message\":\"400 Bad Request: {"),
        ("plain", "{\"code\":400,\"message\":\"policy x can not"),
        ("html", "<html>"),
        ("empty", ""),
    ] {
        let bench = Bench::with(json!({"errorBody": dress})).await;
        let (status, answer) = bench.call("GET", &format!("{V1}/x"), &NONE).await;
        let text = answer.as_str().map_or_else(|| answer.to_string(), str::to_owned).replace("null", "");
        assert!(status == 400 && text.starts_with(expected), "{dress}: {text}");
        assert_eq!(dress == "empty", text.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_fault_is_refused_by_name() {
    let bench = Bench::new().await;
    for (fault, named) in [
        (json!({"kind": "meteor"}), "meteor"),
        (json!({"kind": "revokeSession", "tokens": ["cookie"]}), "cookie"),
        (json!({"kind": "revokeSession", "times": "x"}), "times"),
        (json!({"kind": "foreignEdit"}), "change"),
        (json!({"kind": "foreignEdit", "change": {"paint": 1}}), "paint"),
        (json!({"kind": "partialWrite", "reach": 1}), "reach"),
        (json!({"kind": "pageAnomaly", "anomaly": "upside down"}), "upside down"),
    ] {
        let problem = bench.service.add_fault(&fault).unwrap_err();
        assert!(problem.contains(named), "{fault}: {problem}");
    }
}

#[tokio::test(start_paused = true)]
async fn recorded_requests_hold_no_credential() {
    let bench = Bench::new().await;
    bench.create(V1, &bench.cards("Mine")).await;
    let seen = bench.service.recorder().since(0);
    let log = serde_json::to_string(&seen).unwrap();
    assert!(log.contains("pubkey/authenticate") && log.contains("dictionaryIds"));
    assert!(
        !log.contains(&bench.session) && !log.contains(&bench.key_manager) && !log.contains("eyJ"),
        "{log}"
    );
    let (status, _) = read(bench.send(bench.signed("GET", V1, &NONE)).await.unwrap()).await;
    assert_eq!((status, bench.service.recorder().since(3)[0].status), (200, Some(200)));
}
