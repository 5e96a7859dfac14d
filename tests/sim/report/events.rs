//! Events: told once, never in the way.

use ordain::{
    api::EventReason,
    model::{BackendId, BackendKind, Uid},
    report::facts::Standing,
    worker::ports::{Event, Regarding, Reporter},
};

use super::{Desk, name, seconds};
use crate::support::apiserver::Fault;

fn corrected(note: &str) -> Event {
    Event {
        regarding: Regarding::Assignment(name("a"), Uid("u".into())),
        reason: EventReason::DriftCorrected,
        action: "Apply",
        note: note.into(),
        series: None,
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_news_is_one_event_with_a_count() {
    let desk = Desk::new();
    for _ in 0..5 {
        desk.handle.event(corrected("android/roles was changed outside Git"));
        seconds(61).await;
    }
    let stored = desk.api.list("Event");
    assert_eq!(stored.len(), 1);
    let event = &stored[0];
    assert_eq!(event["series"]["count"], 5);
    assert_eq!((&event["type"], &event["reason"]), (&"Warning".into(), &"DriftCorrected".into()));
    assert_eq!(event["regarding"]["kind"], "PolicyAssignment");
    assert_eq!(event["reportingController"], "ordain.dev/operator");
    assert_eq!(event["reportingInstance"], "ordain-0");
    assert_eq!(event["metadata"]["namespace"], "team-a");
    assert_eq!(desk.api.writes().len(), 0, "events are no work");
}

#[tokio::test(start_paused = true)]
async fn two_runs_give_the_same_names() {
    let mut names = vec![];
    for _ in 0..2 {
        let desk = Desk::new();
        desk.handle.event(corrected("x"));
        seconds(1).await;
        names.push(desk.api.list("Event")[0]["metadata"]["name"].clone());
    }
    assert_eq!(names[0], names[1]);
}

#[tokio::test(start_paused = true)]
async fn events_about_cluster_scoped_objects_go_to_default() {
    let desk = Desk::new();
    let id = BackendId { kind: BackendKind::ClusterBackend, namespace: "".into(), name: "emm".into() };
    desk.handle.event(Event { regarding: Regarding::Backend(id, Uid("u".into())), ..corrected("x") });
    seconds(1).await;
    assert_eq!(desk.api.list("Event")[0]["metadata"]["namespace"], "default");
}

#[tokio::test(start_paused = true)]
async fn trouble_with_events_holds_up_no_status_and_is_counted() {
    let desk = Desk::new();
    desk.assignment("a");
    desk.api.deny("create", "events");
    for n in 0..1000 {
        desk.handle.event(corrected(&n.to_string()));
    }
    desk.say("a", Standing::InStep);
    seconds(60).await;
    assert_eq!(desk.ready("a"), "True InStep");
    let metrics = desk.metrics.encode();
    for line in
        ["ordain_events_total{outcome=\"dropped\"} 744", "ordain_events_total{outcome=\"refused\"} 256"]
    {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_in_trouble_is_asked_again_and_a_lost_answer_tells_nothing_twice() {
    use crate::support::apiserver::FaultKind;
    let desk = Desk::new();
    desk.api.fault(Fault::status(503).to("events"));
    desk.api.fault(Fault::new(FaultKind::TimeoutAfterCommit).to("events"));
    desk.handle.event(corrected("x"));
    seconds(10).await;
    assert_eq!(desk.api.list("Event").len(), 1);
    assert_eq!(desk.api.requests().to("events").len(), 3);
}
