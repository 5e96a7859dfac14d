#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use serde_json::json;

use super::*;
use crate::{
    drivers::{
        Driver,
        http::scripted::{Reply, Scripted},
        wfbss::testing::{A, B, change, driver, key, path, session},
    },
    model::LeafValue,
};

fn flag(document: &str) -> DocumentChange {
    change(document, json!({}), &[("/behavior_monitoring/enabled", json!(true))])
}

fn write_of(changes: Vec<DocumentChange>, synchronous: bool) -> Step {
    Step::Write { changes, synchronous }
}

fn doc(customer: &str, group: u64) -> String {
    format!("{customer}/{group}/win")
}

#[tokio::test(start_paused = true)]
async fn a_write_is_the_sheets_example_byte_for_byte() {
    let (session, wire) = session(vec![Reply::text(200, "")]);
    let outcome = execute(&session, &write_of(vec![flag(&doc(A, 1))], true)).await.unwrap();
    assert_eq!(outcome, Outcome::DONE);
    let sent = &wire.seen()[0];
    assert_eq!(
        sent.line,
        format!("PUT /SMPI/v2.8/service/wfbss/api/policies?cids={A}&gids=1&os=win&sync=true")
    );
    assert_eq!(sent.body, r#"{"policy":{"behavior_monitoring":{"enabled":1}}}"#);
    assert_eq!(sent.headers["x-signature"], "VYr4jjcukB4fXvzUWE9P7kZ0QrQ+EKAAHsEmzb5pVLs=");
    assert_eq!(sent.headers["content-type"], "application/json; charset=utf-8");
}

#[tokio::test(start_paused = true)]
async fn what_would_reach_other_documents_is_not_sent() {
    let deep = |document: &str| change(document, json!({}), &[("/a/b/c", json!(1))]);
    let other = change(&doc(B, 1), json!({}), &[("/behavior_monitoring/enabled", json!(0))]);
    let eleven = (0..11).map(|n| flag(&format!("640FE47F-5118-4D79-8221-A35D0DE2{n:04X}/1/win"))).collect();
    let cases = [
        ("nothing at all", vec![]),
        ("a foreign key", vec![flag("team/policy")]),
        ("different groups", vec![flag(&doc(A, 1)), flag(&doc(B, 2))]),
        ("different bodies", vec![flag(&doc(A, 1)), other]),
        ("different platforms", vec![flag(&doc(A, 1)), flag(&format!("{A}/1/mac"))]),
        ("eleven customers", eleven),
        ("deep paths of two customers", vec![deep(&doc(A, 1)), deep(&doc(B, 1))]),
        ("a section by a value", vec![change(&doc(A, 1), json!({"wtp": {"x": 1}}), &[("/wtp", json!(1))])]),
    ];
    for (why, changes) in cases {
        let (session, wire) = session(vec![]);
        let error = execute(&session, &write_of(changes, true)).await.unwrap_err();
        assert_eq!(error.class, Class::Rejected, "{why}");
        assert!(wire.lines().is_empty(), "{why}: {:?}", wire.lines());
    }
    for step in [Step::Deploy, Step::Delete(vec![]), Step::Reorder(vec![])] {
        assert_eq!(execute(&session(vec![]).0, &step).await.unwrap_err().class, Class::Rejected);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_to_send_sends_nothing() {
    let equal = change(&doc(A, 1), json!({"x": {"list": [1]}}), &[("/x/list", json!([1]))]);
    let (session, wire) = session(vec![]);
    assert_eq!(execute(&session, &write_of(vec![equal], true)).await, Ok(Outcome::DONE));
    assert!(wire.lines().is_empty());
}

#[tokio::test(start_paused = true)]
async fn successes_are_done_or_pending_and_garbled_ones_ambiguous() {
    let task = |status: &str| Reply::json(200, &json!({"task": {"status": status, "id": "0e41dc95"}}));
    let pending = |state| Ok(Outcome::Pending { operation: "0e41dc95".into(), state });
    let cases = [
        ("empty", Reply::text(200, ""), Ok(Outcome::DONE)),
        ("blank", Reply::text(204, " \n"), Ok(Outcome::DONE)),
        ("a task", task("PENDING"), pending(TaskState::Pending)),
        ("a running task", task("started"), pending(TaskState::Started)),
        ("a task that failed at once", task("FAILURE"), pending(TaskState::Failure)),
        ("a task that is over", task("SUCCESS"), Ok(Outcome::DONE)),
        (
            "a task nobody can ask for",
            Reply::json(200, &json!({"task": {"status": "PENDING"}})),
            Ok(Outcome::DONE),
        ),
        ("some JSON", Reply::json(200, &json!({})), Ok(Outcome::DONE)),
        ("an error within", Reply::json(200, &json!({"error": {"code": "x"}})), Err(Class::Ambiguous)),
        ("a page", Reply::text(200, "<html>"), Err(Class::Ambiguous)),
        ("half an answer", Reply::Cut(200, "{\"task\"".into()), Err(Class::Ambiguous)),
    ];
    for (why, reply, expected) in cases {
        let (session, wire) = session(vec![reply]);
        let outcome = execute(&session, &write_of(vec![flag(&doc(A, 1))], false)).await;
        assert_eq!(outcome.map_err(|error| error.class), expected, "{why}");
        assert!(!wire.lines()[0].contains("sync"), "a task was asked for");
    }
}

#[tokio::test(start_paused = true)]
async fn failures_are_classed_by_what_may_have_happened() {
    use Class::{Ambiguous, Conflict, Gone, Rejected, Transient, Unauthorized};
    let cases = [
        ("refused content", Reply::text(400, "bad section"), Rejected, Ambiguous),
        ("expired or unknown", Reply::text(404, ""), Gone, Ambiguous),
        ("no rights", Reply::text(403, ""), Rejected, Ambiguous),
        ("credentials", Reply::text(401, ""), Unauthorized, Unauthorized),
        ("conflict", Reply::text(409, ""), Conflict, Ambiguous),
        (
            "slow down",
            Reply::text(429, ""),
            Class::Throttled { after: None },
            Class::Throttled { after: None },
        ),
        ("broken within", Reply::text(500, ""), Ambiguous, Ambiguous),
        ("not now", Reply::text(503, ""), Transient, Ambiguous),
        ("lost before", Reply::Lost { sent: false }, Transient, Transient),
        ("lost after", Reply::Lost { sent: true }, Ambiguous, Ambiguous),
    ];
    for (why, reply, alone, packed) in cases {
        let one = execute(&session(vec![reply.clone()]).0, &write_of(vec![flag(&doc(A, 1))], true)).await;
        let error = one.unwrap_err();
        assert_eq!(error.class, alone, "{why}, one customer");
        if why == "expired or unknown" {
            assert!(error.message.contains("licence has expired"), "{}", error.message);
        }
        let two = write_of(vec![flag(&doc(A, 1)), flag(&doc(B, 1))], true);
        let error = execute(&session(vec![reply]).0, &two).await.unwrap_err();
        assert_eq!(error.class, packed, "{why}, two customers");
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_setting_is_sent_and_never_told() {
    let canary = "canary-9f8e7d6c5b4a";
    let mut change = flag(&doc(A, 1));
    change.desired.leaves.insert(path("/agent/password"), LeafValue { value: canary.into(), secret: true });
    let (session, wire) = session(vec![Reply::text(400, &format!("password {canary} is too short"))]);
    let error = execute(&session, &write_of(vec![change], true)).await.unwrap_err();
    assert_eq!(wire.seen()[0].json()["policy"]["agent"]["password"], canary);
    assert!(error.message.contains("too short") && !error.message.contains("canary"), "{}", error.message);
}

#[tokio::test(start_paused = true)]
async fn a_seed_is_a_call_of_its_own_to_one_document() {
    let (session, wire) = session(vec![Reply::text(200, "")]);
    let seed = |customer: &str, group: &str| Step::Seed {
        item: key(&doc(A, 7)),
        from: (customer.into(), group.into()),
    };
    assert_eq!(execute(&session, &seed(&B.to_lowercase(), "2")).await, Ok(Outcome::DONE));
    let sent = &wire.seen()[0];
    assert_eq!(
        sent.line,
        format!("PUT /SMPI/v2.8/service/wfbss/api/policies?cids={A}&gids=7&os=win&sync=true")
    );
    assert_eq!(sent.json(), json!({"replicate_from": {"cid": B, "gid": 2}}));
    for (customer, group) in [("Acme", "2"), (B, "Servers"), ("", "")] {
        assert_eq!(execute(&session, &seed(customer, group)).await.unwrap_err().class, Class::Rejected);
    }
    assert_eq!(wire.lines().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_task_is_asked_for_only_where_the_backend_says_how() {
    let wire = Scripted::list(vec![
        Reply::json(200, &json!({"task": {"id": "t/1", "status": "STARTED"}})),
        Reply::text(404, ""),
        Reply::json(200, &json!({"what": 1})),
    ]);
    let asking = driver(wire.clone(), &json!({"taskPath": "/tasks/{id}/state"}));
    assert_eq!(asking.check("t/1").await, Ok(Some(TaskState::Started)));
    assert_eq!(asking.check("t2").await.unwrap_err().class, Class::Gone);
    assert_eq!(asking.check("t3").await.unwrap_err().class, Class::Transient);
    assert_eq!(wire.lines()[0], "GET /SMPI/v2.8/service/wfbss/api/tasks/t%2F1/state");
    let silent = driver(Scripted::list(vec![]), &json!({}));
    assert_eq!(silent.check("t1").await, Ok(None));
}
