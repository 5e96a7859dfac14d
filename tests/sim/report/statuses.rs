//! Statuses: how many writes, of what, and that they are true.

use std::time::Duration;

use ordain::{
    api::Reason,
    model::{BackendKind, ObjectName, SourcesDigest, Uid},
    report::{
        aggregate::{AssignmentSummary, PolicyFacts, Tally, TargetGroupFacts, Validity},
        facts::Standing,
        writer::Observed,
    },
    worker::ports::Reporter,
};
use serde_json::json;
use tokio::time::Instant;

use super::{Desk, backend_facts, key, name, seconds, stalled, working};
use crate::support::{
    apiserver::{Fault, FaultKind, Part},
    status_history::assert_true_statuses,
    status_lint::{Kstatus, kstatus},
};

#[tokio::test(start_paused = true)]
async fn a_converge_costs_one_finalizer_and_one_status_and_silence_costs_nothing() {
    let desk = Desk::new();
    let uid = desk.assignment("a");
    desk.say("a", working());
    desk.handle.ensure_finalizer(&name("a"), &uid).await.unwrap();
    seconds(5).await;
    desk.say("a", Standing::InStep);
    seconds(3600).await;
    for _ in 0..10 {
        desk.see("a");
        desk.say("a", Standing::InStep);
        seconds(600).await;
    }
    let labels = desk.api.gate().labels(1);
    assert_eq!(labels, ["patch policyassignments team-a/a", "patch policyassignments/status team-a/a"]);
    assert_eq!(desk.ready("a"), "True InStep");
    assert!(desk.api.writes().no_ops().is_empty());
    assert!(desk.api.writes().iter().all(|entry| entry.query["fieldManager"] == "ordain"));
    let object = desk.api.get("PolicyAssignment", "team-a", "a").unwrap();
    assert_eq!(kstatus(&object), Kstatus::Current);
    assert_true_statuses(&desk.api);
}

#[tokio::test(start_paused = true)]
async fn a_slow_push_and_a_failing_one_are_shown() {
    let desk = Desk::new();
    desk.assignment("slow");
    desk.assignment("failing");
    desk.say("slow", working());
    desk.say("failing", Standing::Working(Reason::Unreachable, "503".into()));
    seconds(1).await;
    assert_eq!(
        (desk.ready("slow"), desk.ready("failing")),
        ("Unknown Pending".into(), "False Unreachable".into())
    );
    seconds(30).await;
    assert_eq!(desk.ready("slow"), "False Applying");
    assert_eq!(desk.status_writes(), 2);
    assert_true_statuses(&desk.api);
}

#[tokio::test(start_paused = true)]
async fn a_restart_writes_nothing_where_all_is_said() {
    let desk = Desk::new();
    desk.assignment("a");
    desk.say("a", Standing::InStep);
    seconds(1).await;
    let desk = desk.restart();
    assert_eq!(desk.see("a"), Observed::New);
    let mark = desk.api.mark();
    desk.say("a", Standing::InStep);
    seconds(60).await;
    assert_eq!(desk.api.requests_since(mark).len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_status_somebody_else_wrote_is_noticed_and_put_right() {
    let desk = Desk::new();
    desk.assignment("a");
    desk.say("a", Standing::InStep);
    seconds(1).await;
    assert_eq!(desk.see("a"), Observed::Known);
    let forged =
        |object: &mut serde_json::Value| object["status"]["conditions"][0]["status"] = "False".into();
    desk.api.edit("PolicyAssignment", "team-a", "a", forged);
    assert_eq!(desk.see("a"), Observed::Foreign);
    desk.say("a", Standing::InStep);
    seconds(1).await;
    assert_eq!(desk.ready("a"), "True InStep");
}

#[tokio::test(start_paused = true)]
async fn a_namesake_is_not_written_to() {
    let desk = Desk::new();
    let old = desk.assignment("a");
    desk.api.force_delete("PolicyAssignment", "team-a", "a");
    desk.api.apply(json!({
        "apiVersion": "ordain.dev/v1alpha1", "kind": "PolicyAssignment",
        "metadata": {"name": "a", "namespace": "team-a"}, "spec": {},
    }));
    desk.handle.assignment(super::facts("a", old, stalled()));
    seconds(600).await;
    assert_eq!(desk.ready("a"), "Unknown Pending");
    assert_eq!(desk.api.requests().len(), 2, "tried, looked, and let go");
}

#[tokio::test(start_paused = true)]
async fn eight_calls_are_under_way_at_once_and_edits_go_first() {
    let desk = Desk::new();
    desk.assignment("edited");
    desk.say("edited", Standing::InStep);
    seconds(1).await;
    desk.api.edit("PolicyAssignment", "team-a", "edited", |object| object["spec"]["suspend"] = true.into());
    desk.see("edited");
    desk.api.latency(Duration::from_secs(1));
    for n in 0..80 {
        desk.assignment(&format!("n{n:02}"));
        desk.say(&format!("n{n:02}"), Standing::InStep);
    }
    desk.say("edited", Standing::Suspended);
    let start = Instant::now();
    while desk.ready("edited") == "True InStep" {
        seconds(1).await;
    }
    assert!(start.elapsed() <= Duration::from_secs(2), "{:?}", start.elapsed());
    seconds(12 - start.elapsed().as_secs()).await;
    assert_eq!(desk.status_writes(), 82, "80 and one take eleven rounds of eight");
    assert_true_statuses(&desk.api);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_holds_up_nobody_and_is_written_once_it_may_be() {
    let desk = Desk::new();
    desk.api.deny("patch", "policyassignments/status");
    desk.assignment("a");
    desk.say("a", Standing::InStep);
    desk.api.apply(json!({
        "apiVersion": "ordain.dev/v1alpha1", "kind": "Backend",
        "metadata": {"name": "emm", "namespace": "team-a"}, "spec": {},
    }));
    let backend = desk.api.get("Backend", "team-a", "emm").unwrap();
    let uid = backend["metadata"]["uid"].as_str().unwrap();
    desk.handle.backend(backend_facts(BackendKind::Backend, uid, 1));
    seconds(3600).await;
    let attempts = desk.api.requests().answered(403).len();
    assert!((10..30).contains(&attempts), "{attempts} attempts in an hour");
    assert_eq!(desk.api.condition("Backend", "team-a", "emm", "Ready").unwrap().1, "Connected");
    desk.api.allow("patch", "policyassignments/status");
    seconds(400).await;
    assert_eq!(desk.ready("a"), "True InStep");
    let metrics = desk.metrics.encode();
    let line =
        format!("ordain_status_writes_total{{kind=\"PolicyAssignment\",outcome=\"refused\"}} {attempts}");
    assert!(metrics.contains(&line), "{metrics}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_comes_is_not_waited_for() {
    let desk = Desk::new();
    desk.assignment("a");
    desk.api.fault(Fault::new(FaultKind::LostAnswer(Duration::from_mins(10))).to("policyassignments/status"));
    desk.say("a", Standing::InStep);
    seconds(10).await;
    assert_eq!(desk.ready("a"), "True InStep");
    assert_eq!(desk.api.writes().touching(Part::Status).len(), 1, "the second attempt changed nothing");
}

#[tokio::test(start_paused = true)]
async fn object_counts_of_a_backend_are_written_every_five_minutes_at_most_but_the_first() {
    let desk = Desk::new();
    desk.api.apply(json!({
        "apiVersion": "ordain.dev/v1alpha1", "kind": "ClusterBackend", "metadata": {"name": "emm"}, "spec": {},
    }));
    let object = desk.api.get("ClusterBackend", "", "emm").unwrap();
    let uid = object["metadata"]["uid"].as_str().unwrap();
    for count in 0..60 {
        desk.handle.backend(backend_facts(BackendKind::ClusterBackend, uid, count));
        seconds(10).await;
    }
    assert_eq!(desk.status_writes(), 3, "R21: at once, the first that is kept, and after five minutes");
    let mut held = backend_facts(BackendKind::ClusterBackend, uid, 60);
    held.held = Some("12 removals, 10 allowed".into());
    desk.handle.backend(held);
    seconds(1).await;
    assert_eq!(desk.status_writes(), 4, "a condition takes the counts along");
    let status = &desk.api.get("ClusterBackend", "", "emm").unwrap()["status"];
    assert_eq!(status["objects"]["managed"], 60);
    assert_true_statuses(&desk.api);
}

#[tokio::test(start_paused = true)]
async fn policies_and_target_groups_follow_their_assignments() {
    let desk = Desk::new();
    desk.assignment("a");
    for (kind, spec) in [("Policy", json!({"content": {}})), ("TargetGroup", json!({}))] {
        desk.api.apply(json!({
            "apiVersion": "ordain.dev/v1alpha1", "kind": kind,
            "metadata": {"name": "shared", "namespace": "team-a"}, "spec": spec,
        }));
    }
    let uid = |kind| {
        let object = desk.api.get(kind, "team-a", "shared").unwrap();
        Uid(object["metadata"]["uid"].as_str().unwrap().into())
    };
    let changes = desk.handle.changes();
    desk.say("a", Standing::InStep);
    seconds(1).await;
    assert!(changes.has_changed().unwrap());
    assert_eq!(desk.handle.take_changed(), [name("a")].into());
    let summary = AssignmentSummary {
        name: name("a"),
        generation: 1,
        named: SourcesDigest::of([]),
        suspended: false,
        observe: false,
        said: desk.handle.said(&name("a")).unwrap(),
    };
    desk.handle.policy(PolicyFacts {
        name: ObjectName::new("team-a", "shared"),
        uid: uid("Policy"),
        generation: 1,
        validity: Validity::Valid,
        facets: vec!["wso2"],
        tally: Tally::of([&summary]),
    });
    desk.handle.target_group(TargetGroupFacts {
        name: ObjectName::new("team-a", "shared"),
        uid: uid("TargetGroup"),
        generation: 1,
        validity: Validity::Invalid("spec.wso2.roles: `any` is not a role".into()),
        tally: Tally::of([&summary]),
    });
    seconds(1).await;
    let ready = |kind| desk.api.condition(kind, "team-a", "shared", "Ready").unwrap();
    assert_eq!(ready("Policy"), ("True".into(), "AllAssignmentsReady".into()));
    assert_eq!(ready("TargetGroup"), ("False".into(), "Invalid".into()));
    let policy = &desk.api.get("Policy", "team-a", "shared").unwrap()["status"];
    assert_eq!(policy["assignments"], json!({"total": 1, "ready": 1, "stalled": 0}));
    assert_true_statuses(&desk.api);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_gone_is_forgotten() {
    let desk = Desk::new();
    desk.assignment("a");
    desk.say("a", Standing::InStep);
    seconds(1).await;
    desk.api.delete("PolicyAssignment", "team-a", "a");
    desk.handle.gone(&key("a"));
    assert_eq!(desk.handle.said(&name("a")), None);
}
