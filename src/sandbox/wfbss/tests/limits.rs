use std::time::Duration;

use http::header;
use serde_json::{Value, json};

use super::{ALDER, Bench, MONITORING, ROOT, monitoring};
use crate::sandbox::{Double, Dropped, support::read};

#[tokio::test(start_paused = true)]
async fn an_unsigned_or_altered_request_is_refused() {
    let bench = Bench::new();
    let target = format!("{ROOT}/customers?page=1&limit=100");
    let altered = format!("{ROOT}/customers?limit=100&page=1");
    let mut request = bench.signed("GET", &target, &Value::Null);
    *request.uri_mut() = altered.parse().unwrap();
    let (status, answer) = read(bench.send(request).await.unwrap()).await;
    assert_eq!((status, &answer["error"]["code"]), (401, &json!("InvalidSignature")));
    let unsigned = crate::sandbox::support::request("GET", &target, &Value::Null);
    assert_eq!(read(bench.send(unsigned).await.unwrap()).await.0, 401);
}

#[tokio::test(start_paused = true)]
async fn a_client_can_tell_a_wrong_clock_by_the_date() {
    let bench = Bench::with(&json!({"clockOffsetSecs": 901}));
    let request = bench.signed("GET", &format!("{ROOT}/customers"), &Value::Null);
    let response = bench.send(request).await.unwrap();
    assert_eq!(response.headers().get(header::DATE).unwrap(), "Tue, 14 Nov 2023 22:28:21 GMT");
    assert_eq!(read(response).await.1["error"]["code"], "TimeSkew");
}

#[tokio::test(start_paused = true)]
async fn keys_can_be_revoked_and_made_anew() {
    let bench = Bench::new();
    bench.service.add_fault(&json!({"kind": "revokeSession", "times": 1})).unwrap();
    assert_eq!(bench.call("GET", "customers", &Value::Null).await.0, 401);
    assert_eq!(bench.call("GET", "customers", &Value::Null).await.0, 200);
    let old = bench.signed("GET", &format!("{ROOT}/customers"), &Value::Null);
    bench.patch(json!({"credentials": {"accessToken": "new-token", "secretKey": "new-key"}}));
    assert_eq!(read(bench.send(old).await.unwrap()).await.0, 401);
    assert_eq!(bench.call("GET", "customers", &Value::Null).await.0, 200, "with the new pair");
    assert!(!bench.state().to_string().contains("new-key"));
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_can_be_switched_on() {
    let bench = Bench::with(&json!({"requestsPerMinute": 2, "retryAfter": "7"}));
    for expected in [200, 200, 429] {
        assert_eq!(bench.call("GET", "customers", &Value::Null).await.0, expected);
    }
    let request = bench.signed("GET", &format!("{ROOT}/customers"), &Value::Null);
    assert_eq!(bench.send(request).await.unwrap().headers().get(header::RETRY_AFTER).unwrap(), "7");
    tokio::time::advance(Duration::from_mins(1)).await;
    assert_eq!(bench.call("GET", "customers", &Value::Null).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn errors_come_in_any_dress() {
    for (dress, expected) in [("json", "{"), ("html", "<html>"), ("text", "GroupNotFound"), ("empty", "")] {
        let bench = Bench::with(&json!({"errorBody": dress}));
        let (status, answer) =
            bench.call("GET", &format!("policies?cids={ALDER}&gids=99"), &Value::Null).await;
        let text = answer.as_str().map_or_else(|| answer.to_string(), str::to_owned).replace("null", "");
        assert!(status == 404 && text.starts_with(expected), "{dress}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn http_faults_strike_before_or_after_the_effect() {
    let target = format!("policies?cids={ALDER}&gids=1&sync=true");
    let cases = [
        (json!({"kind": "dropBefore"}), Err(Dropped::BeforeEffect), 1),
        (json!({"kind": "dropAfter"}), Err(Dropped::AfterEffect), 0),
        (json!({"kind": "status", "code": 503}), Ok(503), 1),
        (json!({"kind": "status", "code": 504, "effect": true}), Ok(504), 0),
        (json!({"kind": "html"}), Ok(200), 1),
        (json!({"kind": "delay", "ms": 30_000}), Ok(200), 0),
        (json!({"kind": "delay", "ms": 30_000, "after": true}), Ok(200), 0),
    ];
    for (fault, expected, monitored) in cases {
        let bench = Bench::new();
        bench.service.add_fault(&fault).unwrap();
        let request = bench.signed("PUT", &format!("{ROOT}/{target}"), &monitoring(0));
        let outcome = bench.send(request).await.map(|response| response.status().as_u16());
        assert_eq!(outcome, expected, "{fault}");
        assert_eq!(bench.stored(ALDER, 1, MONITORING), monitored, "{fault}");
        let seen = bench.service.recorder().since(0);
        assert_eq!((seen[0].status, seen[0].faults[0]), (expected.ok(), fault["kind"].as_str().unwrap()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_gives_up_may_have_had_its_effect() {
    for (after, monitored) in [(false, 1), (true, 0)] {
        let bench = Bench::new();
        bench.service.add_fault(&json!({"kind": "delay", "ms": 60_000, "after": after})).unwrap();
        let resource = format!("{ROOT}/policies?cids={ALDER}&gids=1&sync=true");
        let call = bench.send(bench.signed("PUT", &resource, &monitoring(0)));
        assert!(tokio::time::timeout(Duration::from_secs(30), call).await.is_err());
        tokio::time::advance(Duration::from_mins(2)).await;
        assert_eq!(bench.stored(ALDER, 1, MONITORING), monitored, "waiting after the effect: {after}");
        assert_eq!(bench.service.recorder().since(0)[0].status, None);
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_fault_is_refused_by_name() {
    let bench = Bench::new();
    for (fault, named) in [
        (json!({"kind": "meteor"}), "meteor"),
        (json!({"kind": "taskOutcome", "outcome": "MAYBE"}), "MAYBE"),
        (json!({"kind": "taskOutcome", "outcome": "LATE", "after": 1}), "after"),
        (json!({"kind": "partialWrite", "reach": 1, "times": "x"}), "times"),
        (json!({"kind": "revokeSession", "user": 1}), "revokeSession"),
    ] {
        let problem = bench.service.add_fault(&fault).unwrap_err();
        assert!(problem.contains(named), "{fault}: {problem}");
    }
}

#[tokio::test(start_paused = true)]
async fn pages_can_go_wrong() {
    let cases = [
        ("repeat", 2, 4, "Alder Clinic"),
        ("empty", 0, 4, ""),
        ("short", 1, 4, "Dogwood Books"),
        ("totalLow", 2, 3, "Dogwood Books"),
        ("totalHigh", 2, 5, "Dogwood Books"),
    ];
    for (anomaly, len, total, first) in cases {
        let bench = Bench::new();
        bench.service.add_fault(&json!({"kind": "pageAnomaly", "anomaly": anomaly, "times": 1})).unwrap();
        let page = bench.get("customers?page=2&limit=2").await;
        assert_eq!(
            (page["customers"].as_array().unwrap().len(), &page["paging"]["total"]),
            (len, &json!(total)),
            "{anomaly}"
        );
        assert_eq!(page["customers"][0]["name"].as_str().unwrap_or_default(), first, "{anomaly}");
        assert_eq!(bench.get("customers?page=2&limit=2").await["paging"]["total"], 4, "once");
    }
}

#[tokio::test(start_paused = true)]
async fn a_patch_is_made_whole_or_not_at_all() {
    let bench = Bench::new();
    let before = bench.state();
    for (change, named) in [
        (json!({"paint": 1}), "paint"),
        (json!({"options": {"arrays": "append"}, "removeGroup": {"customer": ALDER, "group": 99}}), "99"),
        (json!({"removeCustomer": {"customer": "Nobody"}}), "Nobody"),
        (json!({"set": {"customer": ALDER, "group": 1, "os": "win", "path": "wtp", "value": 1}}), "pointer"),
        (
            json!({"set": {"customer": ALDER, "group": 1, "os": "win", "path": "/wtp/level/x", "value": 1}}),
            "no object",
        ),
        (json!({"set": {"customer": ALDER, "group": 1, "path": "/wtp/level", "value": 1}}), "both"),
        (json!({"revokeTask": {"id": "x"}}), "no open task"),
    ] {
        let problem = bench.double.patch_state(change.clone()).unwrap_err();
        assert!(problem.contains(named), "{change}: {problem}");
    }
    assert_eq!(bench.state(), before);
}

#[tokio::test(start_paused = true)]
async fn the_console_changes_what_a_person_could() {
    let bench = Bench::new();
    bench.patch(json!({
        "set": [
            {"customer": "Alder Clinic", "group": "Servers", "os": "win", "path": MONITORING, "value": 5},
            {"customer": ALDER, "group": 3, "os": "win", "path": "/wtp/level"},
            {"customer": ALDER, "path": "/help_desk/label", "value": "IT"},
        ],
        "renameGroup": {"customer": ALDER, "group": 4, "name": "Notebooks"},
        "addGroup": {"customer": ALDER, "name": "Kiosks", "type": 2},
        "removeGroup": {"customer": ALDER, "group": 1},
        "removeCustomer": {"customer": "Cedar Logistics"},
        "addCustomer": {"name": "Elm Garage"},
        "rights": {"customer": "Birch Dental", "forbidden": true},
    }));
    assert_eq!(bench.stored(ALDER, 3, MONITORING), 5);
    assert_eq!(
        bench.stored(ALDER, 3, "/wtp").as_object().unwrap().keys().collect::<Vec<_>>(),
        ["enable_bes", "enabled"]
    );
    let groups = bench.get(&format!("customers/groups?cids={ALDER}")).await;
    let names: Vec<_> =
        groups["customers"][0]["groups"].as_array().unwrap().iter().map(|g| g["name"].clone()).collect();
    assert_eq!(names, ["Server (Default)", "Servers", "Notebooks", "Kiosks"]);
    assert_eq!(bench.state()["customers"][ALDER]["globalSettings"]["help_desk"]["label"], "IT");
    let listed = bench.get("customers").await;
    let names: Vec<_> = listed["customers"].as_array().unwrap().iter().map(|c| c["name"].clone()).collect();
    assert!(names.contains(&json!("Elm Garage")) && !names.contains(&json!("Cedar Logistics")), "{names:?}");
    assert_eq!(bench.call("GET", &format!("policies?cids={}", super::BIRCH), &Value::Null).await.0, 403);
}
