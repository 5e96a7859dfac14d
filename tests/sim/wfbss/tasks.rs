//! R20: writes that become tasks.

use super::*;

/// Tasks can be asked for, too.
fn with_task_query() -> Rig {
    let rig = with_tasks();
    set_system(&rig, "taskPath", json!("tasks/{id}"));
    rig.by_hand("wfbss", json!({"options": {"taskQuery": true}}));
    rig
}

fn wants(level: u8) -> Value {
    settings(&json!({"wtp": {"level": level}}))
}

fn one(rig: &Rig, level: u8) {
    rig.assign("one", wants(level), to_servers(&json!({})));
}

fn outcome(rig: &Rig, outcome: &str, times: u32) {
    fault(rig, &json!({"kind": "taskOutcome", "outcome": outcome, "times": times}));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_can_be_asked_for_is_told_once_and_proven_by_reading() {
    let mut rig = with_task_query();
    rig.by_hand("wfbss", json!({"options": {"taskStartMs": 4_000, "taskFinishMs": 12_000}}));
    one(&rig, 3);
    rig.start();
    rig.pass(120).await;
    assert_eq!((level(&rig), effects(&rig).len()), (json!(3), 1));
    let told: Vec<_> = rig.cluster.facts("one").into_iter().map(|facts| facts.standing).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told.last(), Some(&Standing::InStep));
    assert!(rig.vendors.calls("wfbss").iter().any(|call| call.contains("tasks/")));
}

/// What takes long is told in the end.
#[tokio::test(start_paused = true)]
async fn a_slow_task_is_told_to_have_started() {
    let mut rig = with_task_query();
    rig.by_hand("wfbss", json!({"options": {"taskStartMs": 4_000, "taskFinishMs": 300_000}}));
    one(&rig, 3);
    rig.start();
    rig.pass(200).await;
    let last = rig.cluster.facts("one").pop().unwrap();
    assert!(matches!(last.standing, Standing::Working(Reason::TaskStarted, _)), "{:?}", last.standing);
    assert_eq!(last.operations.map(|operations| operations.in_flight), Some(1));
    rig.pass(200).await;
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep));
    assert!(rig.cluster.facts("one").len() <= 4, "{:#?}", rig.cluster.facts("one"));
    assert_eq!(effects(&rig).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failed_task_is_sent_once_more_and_then_a_human_must_look() {
    let mut rig = with_task_query();
    outcome(&rig, "FAILURE", 2);
    one(&rig, 3);
    rig.start();
    rig.pass(600).await;
    assert_eq!((level(&rig), effects(&rig).len()), (json!(1), 2), "{:?}", effects(&rig));
    let (reason, message) = stalled(&rig, "one").expect("stalled");
    assert!(reason == Reason::TaskFailed && message.contains("task "), "{message}");
    one(&rig, 2);
    rig.pass(60).await;
    assert_eq!((level(&rig), effects(&rig).len()), (json!(2), 3), "an edit is sent at once");
}

#[tokio::test(start_paused = true)]
async fn one_failure_heals_by_itself_also_over_a_restart() {
    for restart in [false, true] {
        let mut rig = with_task_query();
        outcome(&rig, "FAILURE", 1);
        one(&rig, 3);
        rig.start();
        rig.pass(2).await;
        if restart {
            rig.kill().await;
            rig.start();
        }
        rig.pass(120).await;
        assert_eq!((level(&rig), effects(&rig).len()), (json!(3), 2), "{restart}");
        assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep));
    }
}

#[tokio::test(start_paused = true)]
async fn a_revoked_task_is_not_resent_but_on_request() {
    let mut rig = with_task_query();
    outcome(&rig, "REVOKED", 1);
    one(&rig, 3);
    rig.start();
    rig.pass(600).await;
    for restart in [false, true] {
        if restart {
            rig.kill().await;
            rig.start();
        }
        rig.pass(2 * 1800).await;
        assert_eq!((level(&rig), effects(&rig).len()), (json!(1), 1), "{restart}");
        assert_eq!(stalled(&rig, "one").map(|(reason, _)| reason), Some(Reason::TaskRevoked), "{restart}");
    }
    assert!(rig.cluster.facts("one").pop().unwrap().operations.is_none(), "nothing is under way");
    rig.edit("one", |view| view.requested_at = Some("now".into()));
    rig.pass(60).await;
    assert_eq!((level(&rig), effects(&rig).len()), (json!(3), 2));
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_ends_late_is_noticed_and_not_sent_again() {
    let mut rig = with_tasks();
    outcome(&rig, "late", 1);
    one(&rig, 3);
    rig.start();
    rig.pass(16 * 60).await;
    assert_eq!(stalled(&rig, "one").map(|(reason, _)| reason), Some(Reason::TaskOverdue));
    rig.pass(10 * 60).await;
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep), "re-read after 1, 5 and 30 minutes");
    rig.pass(2 * 3600).await;
    assert_eq!((level(&rig), effects(&rig).len()), (json!(3), 1));
}

#[tokio::test(start_paused = true)]
async fn a_restart_while_a_task_is_open_waits_for_it() {
    let mut rig = with_tasks();
    rig.by_hand("wfbss", json!({"options": {"taskFinishMs": 60_000}}));
    one(&rig, 3);
    rig.start();
    rig.pass(10).await;
    rig.kill().await;
    rig.start();
    rig.pass(20).await;
    assert_eq!(effects(&rig).len(), 1, "{:?}", effects(&rig));
    assert!(matches!(rig.cluster.standing("one"), Some(Standing::Working(Reason::TaskPending, _))));
    rig.pass(120).await;
    assert_eq!((level(&rig), effects(&rig).len()), (json!(3), 1));
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep));
}

/// Nothing else is written meanwhile: neither the next edit nor another assignment's leaf.
#[tokio::test(start_paused = true)]
async fn an_edit_waits_for_the_open_task() {
    let mut rig = with_tasks();
    rig.by_hand("wfbss", json!({"options": {"taskFinishMs": 120_000}}));
    one(&rig, 3);
    rig.start();
    rig.pass(10).await;
    one(&rig, 2);
    rig.assign("two", settings(&json!({"firewall": {"level": 3}})), to_servers(&json!({})));
    rig.pass(60).await;
    assert_eq!(effects(&rig).len(), 1, "{:?}", effects(&rig));
    // Without a way to ask only the deadline tells that the first one is over.
    rig.pass(20 * 60).await;
    assert_eq!((level(&rig), document(&rig)["firewall"]["level"].clone()), (json!(2), json!(3)));
    assert_eq!(effects(&rig).len(), 2, "{:?}", effects(&rig));
    for name in ["one", "two"] {
        assert_eq!(rig.cluster.standing(name), Some(Standing::InStep));
    }
}

/// An edit taken back before its task ran: the task still writes, and that is put right.
#[tokio::test(start_paused = true)]
async fn an_edit_taken_back_under_an_open_task_is_taken_back_in_the_end() {
    let mut rig = with_tasks();
    one(&rig, 2);
    rig.start();
    rig.pass(60).await;
    rig.by_hand("wfbss", json!({"options": {"taskFinishMs": 120_000}}));
    one(&rig, 3);
    rig.pass(10).await;
    assert_eq!(effects(&rig).len(), 2);
    one(&rig, 2);
    rig.pass(30 * 60).await;
    assert_eq!(level(&rig), 2);
    assert_eq!(effects(&rig).len(), 3, "{:?}", effects(&rig));
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep));
}

/// A server may lose a task and do its work all the same (F26), or never have heard of it.
#[tokio::test(start_paused = true)]
async fn a_lost_task_is_judged_by_its_document() {
    let mut rig = with_task_query();
    fault(&rig, &json!({"kind": "taskOutcome", "outcome": "lost", "effect": "full", "times": 1}));
    one(&rig, 3);
    rig.start();
    rig.pass(120).await;
    assert_eq!((level(&rig), effects(&rig).len()), (json!(3), 1));
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep));
}

#[tokio::test(start_paused = true)]
async fn tasks_that_never_end_are_resent_once_an_hour_and_wait() {
    let mut rig = with_tasks();
    outcome(&rig, "never", 1000);
    rig.by_hand("wfbss", json!({"options": {"syncWrites": "task"}}));
    one(&rig, 3);
    rig.start();
    rig.pass(5 * 3600).await;
    let effects = effects(&rig);
    assert!((3..=5).contains(&effects.len()), "{effects:?}");
    assert!(effects[1..].iter().all(|call| call.contains("sync=true")), "{effects:?}");
    assert_eq!(stalled(&rig, "one").map(|(reason, _)| reason), Some(Reason::TaskOverdue));
}
