//! Writes that become tasks (R20).

use super::*;
use crate::{drivers::Class, model::memory::TaskState};

const ASKING: &str = "tasks/{id}";

/// A world in which one document is to change as a task, and the task's id.
async fn started(options: &Value, fault: Option<Value>) -> (World, Wanted, String) {
    let world = World::new(options, &json!({"taskPath": ASKING}));
    if let Some(fault) = fault {
        world.fault(&fault);
    }
    let wanted = wanted(&[&doc(ALDER, 1)], &json!({"wtp": {"level": 2}}), &[]);
    let mut pass = world.pass(&wanted, true, false, false).await;
    let Some(Ok(Outcome::Pending { operation, state: TaskState::Pending })) = pass.results.pop() else {
        panic!("{:?}", pass.results)
    };
    (world, wanted, operation)
}

async fn later(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

#[tokio::test(start_paused = true)]
async fn a_task_is_followed_to_its_end_and_proven_by_reading() {
    let (world, wanted, operation) = started(&json!({"taskQuery": true}), None).await;
    assert_eq!(world.stored(&doc(ALDER, 1), "/wtp/level"), json!(1), "accepted is not done");
    assert_eq!(world.driver.check(&operation).await, Ok(Some(TaskState::Pending)));
    later(1500).await;
    assert_eq!(world.driver.check(&operation).await, Ok(Some(TaskState::Started)));
    later(2000).await;
    assert_eq!(world.driver.check(&operation).await, Ok(Some(TaskState::Success)));
    assert_eq!(world.pass(&wanted, true, true, false).await.differing, 0);
    assert_eq!(world.writes(), [format!("cids={ALDER}&gids=1&os=win")]);
    world.assert_scoped();
}

#[tokio::test(start_paused = true)]
async fn every_end_of_a_task_is_told() {
    let cases = [
        ("FAILURE", TaskState::Failure, 1),
        ("REVOKED", TaskState::Revoked, 1),
        ("never", TaskState::Started, 1),
        ("late", TaskState::Started, 1),
        ("lost", TaskState::Pending, 1),
        ("SUCCESS", TaskState::Success, 2),
    ];
    for (outcome, state, level) in cases {
        let fault = json!({"kind": "taskOutcome", "outcome": outcome});
        let (world, _, operation) = started(&json!({"taskQuery": true}), Some(fault)).await;
        later(10_000).await;
        assert_eq!(world.driver.check(&operation).await, Ok(Some(state)), "{outcome}");
        assert_eq!(world.stored(&doc(ALDER, 1), "/wtp/level"), json!(level), "{outcome}");
    }
    let lost = json!({"kind": "taskOutcome", "outcome": "lost"});
    let (world, _, operation) =
        started(&json!({"taskQuery": true, "unknownTask": "notFound"}), Some(lost)).await;
    assert_eq!(world.driver.check(&operation).await.unwrap_err().class, Class::Gone);
}

#[tokio::test(start_paused = true)]
async fn without_a_way_to_ask_reading_decides() {
    let world = World::new(&json!({}), &json!({}));
    let wanted = wanted(&[&doc(ALDER, 1)], &json!({"wtp": {"level": 2}}), &[]);
    let pass = world.pass(&wanted, true, false, false).await;
    let Some(Ok(Outcome::Pending { operation, .. })) = pass.results.first() else { panic!("{pass:?}") };
    assert_eq!(world.driver.check(operation).await, Ok(None));
    later(5000).await;
    let seen = world.read(&wanted).await.unwrap();
    assert_eq!(seen.items[0].leaves[&path("/wtp/level")], json!(2));
}

#[tokio::test(start_paused = true)]
async fn a_system_that_answers_tasks_though_it_should_wait_is_believed() {
    let world = World::new(&json!({"syncWrites": "task"}), &json!({}));
    let wanted = wanted(&[&doc(ALDER, 1)], &json!({"wtp": {"level": 2}}), &[]);
    let pass = world.pass(&wanted, true, true, false).await;
    assert!(matches!(pass.results[0], Ok(Outcome::Pending { .. })), "{pass:?}");
    later(5000).await;
    assert_eq!(world.pass(&wanted, true, true, false).await.differing, 0);
}

#[tokio::test(start_paused = true)]
async fn a_write_may_be_read_back_later_than_it_was_answered() {
    let world = World::new(&json!({"syncEffectAfterMs": 5000}), &json!({}));
    let wanted = wanted(&[&doc(ALDER, 1)], &json!({"wtp": {"level": 2}}), &[]);
    assert_eq!(world.pass(&wanted, true, true, false).await.results, [Ok(Outcome::DONE)]);
    let level = |seen: Observation| seen.items[0].leaves[&path("/wtp/level")].clone();
    assert_eq!(level(world.read(&wanted).await.unwrap()), json!(1));
    later(6000).await;
    assert_eq!(level(world.read(&wanted).await.unwrap()), json!(2));
}
