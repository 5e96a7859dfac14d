//! Section 4: the life of an EFv2 policy, and its traps.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Bench, DICTIONARIES, V1, but};

const NONE: Value = Value::Null;

#[tokio::test(start_paused = true)]
async fn a_new_policy_is_not_enforced_until_it_is_enabled() {
    let bench = Bench::new().await;
    let answer = bench.ok("POST", V1, &bench.cards("  New one ")).await;
    let policy = &answer["data"];
    let reference =
        json!([{"dictId": bench.dictionary_id("card-patterns"), "name": "card-patterns", "version": "1.1"}]);
    assert_eq!(
        (&policy["name"], &policy["active"], &policy["version"], &policy["dictionaryRefs"]),
        (&json!("New one"), &json!(false), &json!("1.0"), &reference),
        "trimmed, disabled, references instead of ids: {policy}"
    );
    assert_eq!(policy["creatorId"], "7696581544487", "a text in EFv2");
    assert_eq!(policy["creationDate"], 1_700_000_000_000_i64, "milliseconds");
    assert!(policy.get("lastDisabledDate").is_none() && policy.get("dictionaryIds").is_none());
    let path = format!("{V1}/{}", policy["policyId"].as_str().unwrap());
    assert_eq!(bench.ok("POST", &format!("{path}/enable"), &NONE).await["data"]["active"], true);
    assert_eq!(bench.get(&path).await["data"]["active"], true);
}

#[tokio::test(start_paused = true)]
async fn an_empty_list_of_dictionaries_turns_enforcement_off() {
    let bench = Bench::new().await;
    let path = bench.enabled("Mine").await;
    tokio::time::advance(Duration::from_secs(5)).await;
    let body = but(&bench.cards("Mine"), &json!({"dictionaryIds": []}));
    let policy = &bench.ok("PUT", &path, &body).await["data"];
    assert_eq!(
        (&policy["active"], &policy["dictionaryRefs"], &policy["lastDisabledDate"]),
        (&json!(false), &json!([]), &json!(1_700_000_005_000_i64)),
        "a 200 as any other"
    );
    assert!(
        bench.stored("dictionaries", "card-patterns")["name"].is_string(),
        "the dictionary is there still"
    );
    let counters = &bench.state()["counters"];
    assert_eq!((&counters["emptied"], &counters["disabledByEmptying"]), (&json!(1), &json!(1)));
    bench.refused("POST", &format!("{path}/enable"), &NONE, 400, "without dictionaries").await;

    let policy = &bench.ok("PUT", &path, &bench.cards("Mine")).await["data"];
    assert_eq!(
        (&policy["active"], &policy["version"]),
        (&json!(false), &json!("1.2")),
        "refilling does not enable"
    );
    bench.ok("POST", &format!("{path}/enable"), &NONE).await;
    let policy = &bench.ok("PUT", &path, &bench.cards("Mine")).await["data"];
    assert_eq!(policy["active"], true, "a list that is not empty keeps the state");
}

#[tokio::test(start_paused = true)]
async fn only_a_disabled_policy_can_be_deleted() {
    let bench = Bench::new().await;
    let path = bench.enabled("Mine").await;
    bench.refused("DELETE", &path, &NONE, 400, "disable it first").await;
    bench.ok("POST", &format!("{path}/disable"), &NONE).await;
    assert_eq!(bench.ok("DELETE", &path, &NONE).await["data"]["name"], "Mine", "200 with the policy, no 204");
    for (method, path) in
        [("GET", path.clone()), ("DELETE", path.clone()), ("POST", format!("{path}/enable"))]
    {
        bench.refused(method, &path, &NONE, 400, "can not be found").await;
    }
    bench.refused("PUT", &path, &bench.cards("Mine"), 400, "can not be found").await;
    assert_eq!(bench.policy("Mine"), NONE);
}

#[tokio::test(start_paused = true)]
async fn an_update_replaces_everything_but_the_state() {
    let bench = Bench::new().await;
    let path = bench.enabled("Mine").await;
    let other = bench.dictionary_id("project-names");
    let body = json!({
        "name": "Renamed", "type": "Warn", "contentTypes": ["SignalMeta"], "scopes": ["Internal"],
        "dictionaryIds": [other, other], "active": false, "policyId": "x"
    });
    let policy = &bench.ok("PUT", &path, &body).await["data"];
    assert_eq!(policy["active"], true, "a request holds no state");
    assert_eq!(
        (&policy["name"], &policy["type"], &policy["version"]),
        (&json!("Renamed"), &json!("Warn"), &json!("1.1"))
    );
    assert_eq!((&policy["contentTypes"], &policy["scopes"]), (&json!(["SignalMeta"]), &json!(["Internal"])));
    assert_eq!(policy["dictionaryRefs"].as_array().unwrap().len(), 1);
    let old = &bench.get(&format!("{path}?policyVersion=1.0")).await["data"];
    assert_eq!((&old["name"], &old["type"]), (&json!("Mine"), &json!("Block")), "history can be read");
    bench.refused("GET", &format!("{path}?policyVersion=1.7"), &NONE, 400, "this version").await;
    bench.refused("GET", &format!("{path}?policyVersion=new"), &NONE, 400, "major.minor").await;
}

#[tokio::test(start_paused = true)]
async fn what_a_request_must_hold() {
    let bench = Bench::new().await;
    let path = bench.create(V1, &bench.cards("Mine")).await;
    let unknown = "invalid dictionaries that can not be found in database";
    let cases = [
        ("no name", json!({"name": null}), "name must not be empty"),
        ("blanks are no name", json!({"name": "   "}), "name must not be empty"),
        ("31 characters", json!({"name": "x".repeat(31)}), "30"),
        ("the name of another", json!({"name": " PCI card numbers "}), "exists already"),
        ("no type", json!({"type": null}), "type is"),
        ("the case of violations", json!({"type": "BLOCK"}), "type is"),
        ("an action of EFv3", json!({"type": "LogOnly"}), "type is"),
        ("no content types", json!({"contentTypes": []}), "contentTypes must not be empty"),
        ("a data type of EFv3", json!({"contentTypes": ["FileContent"]}), "contentTypes is"),
        ("content types left out", json!({"contentTypes": null}), "contentTypes must not be empty"),
        ("no scopes", json!({"scopes": []}), "scopes must not be empty"),
        ("scopes left out", json!({"scopes": null}), "scopes must not be empty"),
        ("unknown scope", json!({"scopes": ["Everywhere"]}), "scopes is"),
        ("unknown dictionary", json!({"dictionaryIds": ["65a1f0c2d7e94b0012ab34cd"]}), unknown),
        ("names are no ids", json!({"dictionaryIds": ["card-patterns"]}), unknown),
        ("a list that is none", json!({"dictionaryIds": "x"}), "invalid type"),
    ];
    let before = bench.state();
    for (why, change, words) in cases {
        for (method, path, name) in [("POST", V1, "Another"), ("PUT", &path, "Mine")] {
            let body = but(&bench.cards(name), &change);
            let (status, answer) = bench.call(method, path, &body).await;
            let message = answer["message"].as_str().unwrap_or_default();
            assert!(status == 400 && message.contains(words), "{why}: {method}: {status} {answer}");
        }
    }
    assert_eq!(bench.state(), before, "a 40x means that nothing changed");
    let longest = but(&bench.cards(""), &json!({"name": format!("  {}  ", "ü".repeat(30))}));
    bench.ok("PUT", &path, &longest).await;
}

#[tokio::test(start_paused = true)]
async fn errors_of_the_service_are_json_inside_json() {
    let bench = Bench::new().await;
    let body = but(&bench.cards("Mine"), &json!({"dictionaryIds": ["x"]}));
    let (status, answer) = bench.call("POST", V1, &body).await;
    let expected = "400 Bad Request: {\"message\":\"Request contains invalid dictionaries that can not be found in database\"}";
    assert_eq!((status, answer), (400, json!({"code": 400, "message": expected})));
}

#[tokio::test(start_paused = true)]
async fn the_last_writer_wins() {
    let bench = Bench::new().await;
    let path = bench.enabled("Mine").await;
    let mut request = bench.signed("PUT", &path, &bench.cards("First"));
    request.headers_mut().insert("if-match", "\"1.0\"".parse().unwrap());
    let response = bench.send(request).await.unwrap();
    assert!(response.headers().get("etag").is_none());
    let mut request = bench.signed("PUT", &path, &bench.cards("Second"));
    request.headers_mut().insert("if-match", "\"1.0\"".parse().unwrap());
    assert_eq!(bench.send(request).await.unwrap().status(), 200, "nobody looks at a version");
    assert_eq!(bench.policy("Second")["version"], "1.2");
}

#[tokio::test(start_paused = true)]
async fn versions_roll_over_after_999() {
    let bench = Bench::new().await;
    let path = bench.create(V1, &bench.cards("Mine")).await;
    for number in 1..=1000 {
        let name = format!("Mine {number}");
        bench.patch(json!({"editPolicies": [{"policy": path.rsplit('/').next(), "rename": name}]}));
    }
    assert_eq!(bench.policy("Mine 1000")["version"], "2.0");
    assert_eq!(bench.get(&format!("{path}?policyVersion=1.999")).await["data"]["name"], "Mine 999");
}

#[tokio::test(start_paused = true)]
async fn ways_that_do_not_exist() {
    let bench = Bench::new().await;
    let id = bench.policy_id("PCI card numbers");
    for (method, path, expected, why) in [
        ("GET", "/agent/v2/dlp/policies".to_owned(), 404, "EFv2 has no path v2"),
        ("PUT", V1.to_owned(), 405, "PUT cannot create"),
        ("PATCH", format!("{V1}/{id}"), 405, "no partial update"),
        ("POST", format!("{V1}/{id}/delete"), 404, "EFv2 deletes by DELETE"),
        ("GET", format!("{V1}/{id}/enable"), 405, "enabling is a POST"),
        ("GET", format!("{V1}/{id}/x/y"), 404, "deeper than anything"),
        ("GET", format!("{DICTIONARIES}/{id}"), 400, "the id of a policy is none of a dictionary"),
        ("GET", "/pod/v1/x".to_owned(), 404, "another API"),
    ] {
        let (status, answer) = bench.call(method, &path, &NONE).await;
        assert_eq!(status, expected, "{why}: {method} {path}: {answer}");
    }
}
