#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;

fn names(faults: &Faults, method: &Method, uri: &'static str) -> Vec<&'static str> {
    faults.strike(method, &Uri::from_static(uri)).iter().map(Kind::name).collect()
}

#[test]
fn a_fault_strikes_what_matches_as_often_as_asked() {
    let faults = Faults::default();
    let matching = json!({"method": "put", "path": "policies", "query": "gids=1"});
    faults.add(&json!({"kind": "dropAfter", "match": matching, "skip": 1, "times": 2})).unwrap();
    let hit = "/api/policies?cids=A&gids=1";
    assert_eq!(names(&faults, &Method::GET, hit), [""; 0], "another method");
    assert_eq!(names(&faults, &Method::PUT, "/api/groups?gids=1"), [""; 0], "another path");
    assert_eq!(names(&faults, &Method::PUT, "/api/policies?gids=2"), [""; 0], "another query");
    assert_eq!(names(&faults, &Method::PUT, hit), [""; 0], "the first is skipped");
    assert_eq!(names(&faults, &Method::PUT, hit), ["dropAfter"]);
    assert_eq!(names(&faults, &Method::PUT, hit), ["dropAfter"]);
    assert_eq!(names(&faults, &Method::PUT, hit), [""; 0], "twice is enough");
    assert_eq!(faults.list(), json!([]), "a spent fault is forgotten");
}

#[test]
fn delays_add_up_and_the_first_other_fault_decides() {
    let faults = Faults::default();
    for spec in [
        json!({"kind": "status", "code": 500, "times": 1}),
        json!({"kind": "delay", "ms": 5}),
        json!({"kind": "html", "times": 1}),
        json!({"kind": "delay", "ms": 7, "times": 1}),
    ] {
        faults.add(&spec).unwrap();
    }
    assert_eq!(names(&faults, &Method::GET, "/"), ["delay", "delay", "status"]);
    assert_eq!(names(&faults, &Method::GET, "/"), ["delay", "html"]);
    assert_eq!(names(&faults, &Method::GET, "/"), ["delay"]);
    faults.clear();
    assert_eq!(names(&faults, &Method::GET, "/"), [""; 0]);
}

#[test]
fn a_wrong_fault_is_refused_with_the_member_named() {
    let cases = [
        (json!(7), "kind"),
        (json!({"code": 500}), "kind"),
        (json!({"kind": "status"}), "code"),
        (json!({"kind": "status", "code": 42}), "200 to 599"),
        (json!({"kind": "status", "code": 429, "retryafter": 1}), "retryafter"),
        (json!({"kind": "status", "code": 429, "retryAfter": "a\nb"}), "header"),
        (json!({"kind": "delay", "ms": "5"}), "expected u64"),
        (json!({"kind": "delay", "ms": 5, "times": -1}), "times"),
        (json!({"kind": "html", "match": {"host": "x"}}), "host"),
    ];
    for (spec, named) in cases {
        let problem = Faults::default().add(&spec).unwrap_err();
        assert!(matches!(problem, FaultError::Invalid(_)), "{spec}");
        assert!(problem.to_string().contains(named), "{spec}: {problem}");
    }
    let unknown = Faults::default().add(&json!({"kind": "taskOutcome"}));
    assert_eq!(unknown, Err(FaultError::UnknownKind("taskOutcome".into())));
}

#[test]
fn retry_after_may_be_a_number_or_any_text() {
    for given in [json!(3), json!("3"), json!("soon")] {
        let faults = Faults::default();
        faults.add(&json!({"kind": "status", "code": 429, "retryAfter": given})).unwrap();
        let text = given.as_str().map_or_else(|| given.to_string(), str::to_owned);
        let expected = Kind::Status { code: 429, retry_after: Some(text), body: None, effect: false };
        assert_eq!(faults.strike(&Method::GET, &Uri::from_static("/")), [expected]);
    }
}
