use std::time::Duration;

use serde_json::{Value, json};

use super::{ALDER, BIRCH, Bench, MONITORING, monitoring};

async fn write(bench: &Bench) -> String {
    let answer = bench.put(&format!("policies?cids={ALDER},{BIRCH}&gids=1"), &monitoring(0)).await;
    assert_eq!(answer["task"]["status"], "PENDING");
    answer["task"]["id"].as_str().unwrap().to_owned()
}

async fn status(bench: &Bench, id: &str) -> Value {
    bench.get(&format!("tasks/{id}")).await["task"]["status"].clone()
}

#[tokio::test(start_paused = true)]
async fn an_asynchronous_write_takes_effect_at_success() {
    let bench = Bench::with(&json!({"taskQuery": true}));
    let id = write(&bench).await;
    assert_eq!((status(&bench, &id).await, bench.stored(ALDER, 1, MONITORING)), (json!("PENDING"), json!(1)));
    tokio::time::advance(Duration::from_millis(2999)).await;
    assert_eq!((status(&bench, &id).await, bench.stored(ALDER, 1, MONITORING)), (json!("STARTED"), json!(1)));
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!((status(&bench, &id).await, bench.stored(ALDER, 1, MONITORING)), (json!("SUCCESS"), json!(0)));
    assert_eq!(bench.state()["tasks"][0]["status"], "SUCCESS");
}

#[tokio::test(start_paused = true)]
async fn a_task_can_be_asked_for_only_where_that_is_switched_on() {
    let bench = Bench::new();
    let id = write(&bench).await;
    assert_eq!(bench.call("GET", &format!("tasks/{id}"), &Value::Null).await.0, 404);
    bench.patch(json!({"options": {"taskQuery": true}}));
    assert_eq!(status(&bench, &id).await, "PENDING");
    assert_eq!(status(&bench, "unknown").await, "PENDING", "as Celery says");
    bench.patch(json!({"options": {"unknownTask": "notFound"}}));
    assert_eq!(bench.call("GET", "tasks/unknown", &Value::Null).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn outcomes_can_be_forced_once() {
    let cases = [
        (json!({"outcome": "FAILURE"}), "FAILURE", (1, 1)),
        (json!({"outcome": "FAILURE", "effect": "partial"}), "FAILURE", (0, 1)),
        (json!({"outcome": "REVOKED"}), "REVOKED", (1, 1)),
        (json!({"outcome": "never"}), "STARTED", (1, 1)),
        (json!({"outcome": "late", "afterMs": 60_000}), "STARTED", (1, 1)),
        (json!({"outcome": "lost"}), "PENDING", (1, 1)),
        (json!({"outcome": "lost", "effect": "full"}), "PENDING", (0, 0)),
    ];
    for (mut fault, expected, (alder, birch)) in cases {
        let bench = Bench::with(&json!({"taskQuery": true}));
        fault["kind"] = json!("taskOutcome");
        fault["times"] = json!(1);
        bench.service.add_fault(&fault).unwrap();
        let id = write(&bench).await;
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(status(&bench, &id).await, expected, "{fault}");
        let stored = (bench.stored(ALDER, 1, MONITORING), bench.stored(BIRCH, 1, MONITORING));
        assert_eq!(stored, (json!(alder), json!(birch)), "{fault}");
        let next = write(&bench).await;
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(status(&bench, &next).await, "SUCCESS", "{fault} strikes once");
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_task_overwrites_what_was_written_since() {
    let bench = Bench::new();
    bench.service.add_fault(&json!({"kind": "taskOutcome", "outcome": "late", "times": 1})).unwrap();
    write(&bench).await;
    bench.put(&format!("policies?cids={ALDER}&gids=1&sync=true"), &monitoring(3)).await;
    tokio::time::advance(Duration::from_mins(19)).await;
    assert_eq!(bench.stored(ALDER, 1, MONITORING), 3);
    tokio::time::advance(Duration::from_mins(1)).await;
    assert_eq!(bench.stored(ALDER, 1, MONITORING), 0);
}

#[tokio::test(start_paused = true)]
async fn a_task_can_be_revoked_by_hand_and_an_id_used_again() {
    let bench = Bench::with(&json!({"taskQuery": true}));
    let id = write(&bench).await;
    bench.patch(json!({"revokeTask": {"id": id}}));
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!((status(&bench, &id).await, bench.stored(ALDER, 1, MONITORING)), (json!("REVOKED"), json!(1)));
    bench
        .service
        .add_fault(&json!({"kind": "taskOutcome", "outcome": "SUCCESS", "id": id, "times": 1}))
        .unwrap();
    assert_eq!(write(&bench).await, id);
    assert_eq!(status(&bench, &id).await, "PENDING", "the newest of that id");
}

#[tokio::test(start_paused = true)]
async fn a_packed_write_can_reach_only_some() {
    for (status, silent) in [(Value::Null, true), (json!(500), false)] {
        let bench = Bench::new();
        bench.service.add_fault(&json!({"kind": "partialWrite", "reach": 1, "status": status})).unwrap();
        let (code, _) = bench
            .call("PUT", &format!("policies?cids={ALDER},{BIRCH}&gids=1&sync=true"), &monitoring(0))
            .await;
        assert_eq!(code == 200, silent);
        assert_eq!(
            (bench.stored(ALDER, 1, MONITORING), bench.stored(BIRCH, 1, MONITORING)),
            (json!(0), json!(1))
        );
    }
}
