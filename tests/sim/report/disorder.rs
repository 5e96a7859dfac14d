//! Outages, restarts and death at any moment: in the end every status is there, and true.

use std::time::Duration;

use ordain::{report::facts::Standing, worker::ports::Reporter};

use super::{Desk, name, seconds, stalled, working};
use crate::support::{
    Moment,
    apiserver::{Fault, FaultKind},
    status_history::assert_true_statuses,
};

#[tokio::test(start_paused = true)]
async fn after_ten_minutes_without_an_api_server_all_is_written_once() {
    let desk = Desk::new();
    for n in 0..100 {
        desk.assignment(&format!("n{n:03}"));
    }
    desk.api.shut_down();
    for n in 0..100 {
        desk.say(&format!("n{n:03}"), stalled());
    }
    seconds(600).await;
    for n in 0..100 {
        desk.say(&format!("n{n:03}"), Standing::InStep);
    }
    let tried = desk.api.gate().count();
    assert!(tried < 100 * 15, "{tried} attempts: growing delays");
    desk.api.come_back();
    seconds(400).await;
    assert_eq!(desk.status_writes(), 100);
    assert!((0..100).all(|n| desk.ready(&format!("n{n:03}")) == "True InStep"));
    assert_true_statuses(&desk.api);
}

#[tokio::test(start_paused = true)]
async fn every_other_call_fails_and_nothing_is_lost() {
    let kinds = [
        FaultKind::Conflict,
        FaultKind::ForeignWrite,
        FaultKind::Reset,
        FaultKind::TimeoutAfterCommit,
        FaultKind::Cut,
        FaultKind::Status { code: 500, retry_after: None },
        FaultKind::Status { code: 429, retry_after: Some("3".into()) },
    ];
    for (seed, kind) in (1..).zip(kinds) {
        let desk = Desk::new();
        desk.api.fault(Fault::new(kind.clone()).percent(50, seed));
        for n in 0..20 {
            let one = format!("n{n:02}");
            let uid = desk.assignment(&one);
            while desk.handle.ensure_finalizer(&name(&one), &uid).await.is_err() {}
            desk.say(&one, stalled());
            seconds(1).await;
            desk.say(&one, Standing::InStep);
        }
        seconds(1200).await;
        for n in 0..20 {
            let one = format!("n{n:02}");
            assert_eq!(desk.ready(&one), "True InStep", "{one} after {kind:?}");
            assert_eq!(desk.finalizers(&one)[0], "ordain.dev/release", "{one} after {kind:?}");
        }
        assert_true_statuses(&desk.api);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_due_is_written_before_the_process_ends_and_what_is_not_is_left() {
    let mut desk = Desk::new();
    for n in 0..40 {
        desk.assignment(&format!("n{n:02}"));
        desk.say(&format!("n{n:02}"), Standing::InStep);
    }
    desk.assignment("working");
    desk.say("working", working());
    desk.api.latency(Duration::from_millis(100));
    let took = desk.stop().await;
    assert_eq!(desk.status_writes(), 40);
    assert_eq!(desk.ready("working"), "Unknown Pending");
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn the_end_does_not_wait_for_an_api_server_that_does_not_answer() {
    let mut desk = Desk::new();
    desk.assignment("a");
    desk.say("a", Standing::InStep);
    desk.api.latency(Duration::from_mins(1));
    let took = desk.stop().await;
    assert!(took <= Duration::from_secs(4), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn who_waits_when_the_writer_ends_is_told() {
    let mut desk = Desk::new();
    let uid = desk.assignment("a");
    desk.api.latency(Duration::from_mins(1));
    let handle = desk.handle.clone();
    let waiting = async move { handle.ensure_finalizer(&name("a"), &uid).await };
    let (told, _) = tokio::join!(waiting, desk.stop());
    assert!(told.is_err());
}

/// One life: what a worker does with one assignment from its creation to its end.
async fn live(desk: &Desk) {
    let Some(object) = desk.api.get("PolicyAssignment", "team-a", "a") else { return };
    desk.see("a");
    let uid = desk.uid("a");
    if object["metadata"]["deletionTimestamp"].is_null() {
        desk.handle.ensure_finalizer(&name("a"), &uid).await.unwrap();
        desk.say("a", Standing::InStep);
        seconds(2).await;
        desk.api.delete("PolicyAssignment", "team-a", "a");
    }
    desk.say("a", stalled());
    desk.handle.remove_finalizer(&name("a"), &uid).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn killed_at_any_call_and_restarted_it_comes_to_the_same_end() {
    let desk = Desk::new();
    desk.assignment("a");
    live(&desk).await;
    let calls = desk.api.gate().count();
    assert_eq!(calls, 4, "finalizer, status, status, finalizer");
    for number in 1..=calls {
        for moment in [Moment::Before, Moment::After] {
            let desk = Desk::new();
            desk.assignment("a");
            desk.api.gate().crash_at(number, moment);
            let gate = desk.api.gate().clone();
            tokio::select! {
                biased;
                () = gate.crashed() => {}
                () = live(&desk) => panic!("call {number} was never made"),
            }
            let desk = desk.restart();
            live(&desk).await;
            assert_eq!(desk.api.get("PolicyAssignment", "team-a", "a"), None, "{number} {moment:?}");
            assert_true_statuses(&desk.api);
        }
    }
}
