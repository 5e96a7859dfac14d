//! The table of product.md section 7, row by row, and what holds for every status.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod laws;
mod worth;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::{
    api::{Condition, Mode, PolicyAssignmentStatus, ReleasePolicy, conditions::find},
    model::{BackendId, BackendKind, ObjectName, Provenance, SourcesDigest, Uid},
    report::facts::{
        AssignmentFacts, BackendFacts, BackendStanding, Fact, ObjectFact, Problem, Standing, TargetCounts,
    },
};

const GENERATION: i64 = 3;

fn now() -> Timestamp {
    "2026-03-03T09:15:00.750Z".parse().unwrap()
}

fn later(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

fn fact(status: Option<bool>, reason: Reason) -> Fact {
    Fact { status, reason, message: String::new() }
}

/// Of a Policy at this generation.
fn sources(generation: i64) -> SourcesDigest {
    SourcesDigest::of([(&Uid("p".into()), generation)])
}

fn facts(standing: Standing) -> AssignmentFacts {
    AssignmentFacts {
        name: ObjectName::new("team-a", "laptops"),
        uid: Uid("u".into()),
        generation: GENERATION,
        policy_generation: Some(7),
        sources: sources(7),
        handled_request: None,
        standing,
        targets_resolved: fact(Some(true), Reason::Resolved),
        accepted: fact(Some(true), Reason::Accepted),
        in_sync: fact(Some(true), Reason::InStep),
        overridden: vec![],
        targets: TargetCounts { desired: 4, accepted: 4, ..TargetCounts::default() },
        problems: vec![],
        objects: vec![],
        operations: None,
        plan: None,
        mode: Mode::Apply,
        release_policy: ReleasePolicy::Delete,
    }
}

fn drifted(standing: Standing) -> AssignmentFacts {
    AssignmentFacts { in_sync: fact(Some(false), Reason::DriftDetected), ..facts(standing) }
}

fn unread(standing: Standing) -> AssignmentFacts {
    AssignmentFacts { in_sync: fact(None, Reason::NotObserved), ..facts(standing) }
}

fn down(pending_work: bool) -> Standing {
    Standing::Unavailable { pending_work, message: "connection refused".into() }
}

/// The memo of what these facts came to an hour ago.
fn said(facts: &AssignmentFacts) -> Memo {
    Memo::of(&assignment_status(facts, None, later(-3600)))
}

fn of_generation(generation: i64, standing: Standing) -> AssignmentFacts {
    AssignmentFacts { generation, ..facts(standing) }
}

/// Ready's status and reason, then the abnormal one with its reason: `False Applying, Reconciling Applying`.
fn summary(conditions: &[Condition]) -> String {
    let ready = find(conditions, ConditionType::Ready).unwrap();
    let mut words = vec![format!("{} {}", ready.status, ready.reason)];
    for type_ in [ConditionType::Reconciling, ConditionType::Stalled] {
        if let Some(abnormal) = find(conditions, type_) {
            assert_eq!(abnormal.status, ConditionStatus::True);
            words.push(format!("{type_} {}", abnormal.reason));
        }
    }
    words.join(", ")
}

fn verdict(facts: &AssignmentFacts, before: Option<&Memo>) -> String {
    summary(&assignment_status(facts, before, now()).conditions)
}

#[test]
fn rows_that_do_not_look_back() {
    let unresolved = |ago: i64| Standing::Unresolved(Reason::GroupNotFound, "x".into(), later(-ago));
    let terminating =
        |stalled| Standing::Terminating { reason: Reason::ReleaseBlocked, message: "x".into(), stalled };
    let not_readable =
        AssignmentFacts { in_sync: fact(None, Reason::NotReadable), ..facts(Standing::InStep) };
    let counted = |counts| AssignmentFacts { targets: counts, ..facts(Standing::InStep) };
    let refused =
        AssignmentFacts { accepted: fact(Some(false), Reason::Rejected), ..facts(Standing::InStep) };
    let cases = [
        ("everything proven", facts(Standing::InStep), "True InStep"),
        ("nothing can ever be read", not_readable, "True InStep"),
        (
            "said in step, read otherwise",
            drifted(Standing::InStep),
            "False DriftDetected, Reconciling DriftDetected",
        ),
        ("said in step, never read", unread(Standing::InStep), "False NotObserved, Reconciling NotObserved"),
        ("said in step, refused", refused, "False Rejected, Reconciling Rejected"),
        (
            "said in step, one target open",
            counted(TargetCounts { desired: 4, accepted: 3, pending: 1, ..TargetCounts::default() }),
            "False Verifying, Reconciling Verifying",
        ),
        ("observing, equal", facts(Standing::Observing), "True Observing"),
        ("observing, different", drifted(Standing::Observing), "True Observing"),
        (
            "observing, not read yet",
            unread(Standing::Observing),
            "False NotObserved, Reconciling NotObserved",
        ),
        (
            "working",
            drifted(Standing::Working(Reason::TaskPending, "x".into())),
            "False TaskPending, Reconciling TaskPending",
        ),
        (
            "a human must act",
            facts(Standing::Stalled(Reason::PolicyNotFound, "x".into())),
            "False PolicyNotFound, Stalled PolicyNotFound",
        ),
        (
            "unresolved, patience lasts",
            facts(unresolved(599)),
            "False GroupNotFound, Reconciling GroupNotFound",
        ),
        ("unresolved, patience ends", facts(unresolved(600)), "False GroupNotFound, Stalled GroupNotFound"),
        (
            "down, work pending",
            drifted(down(true)),
            "False BackendUnavailable, Reconciling BackendUnavailable",
        ),
        (
            "down, never proven",
            facts(down(false)),
            "False BackendUnavailable, Reconciling BackendUnavailable",
        ),
        ("suspended, never looked at", unread(Standing::Suspended), "Unknown Suspended"),
        ("suspended, read and found in step", facts(Standing::Suspended), "True Suspended"),
        ("deleting", facts(terminating(false)), "False Terminating, Reconciling ReleaseBlocked"),
        ("deleting, blocked", facts(terminating(true)), "False Terminating, Stalled ReleaseBlocked"),
    ];
    for (why, facts, expected) in cases {
        assert_eq!(verdict(&facts, None), expected, "{why}");
    }
}

#[test]
fn rows_that_say_as_before() {
    let in_step = said(&facts(Standing::InStep));
    let working = said(&drifted(Standing::Working(Reason::Applying, "x".into())));
    let stalled = said(&facts(Standing::Stalled(Reason::NameConflict, "taken".into())));
    let suspended = said(&unread(Standing::Suspended));
    let older = said(&of_generation(GENERATION - 1, Standing::InStep));
    let other_policy = Memo::of(&assignment_status(
        &AssignmentFacts { sources: sources(6), ..facts(Standing::InStep) },
        None,
        now(),
    ));
    let pending: PolicyAssignmentStatus =
        serde_json::from_value(crate::api::conditions::pending_status()).unwrap();
    let pending = Memo::of(&pending);
    let cases = [
        ("down, in step", unread(down(false)), &in_step, "True InStep"),
        ("down, in step at an older generation, still proven", facts(down(false)), &older, "True InStep"),
        (
            "down, in step at an older generation, not proven",
            unread(down(false)),
            &older,
            "False BackendUnavailable, Reconciling BackendUnavailable",
        ),
        (
            "down, in step with an older Policy, not proven",
            unread(down(false)),
            &other_policy,
            "False BackendUnavailable, Reconciling BackendUnavailable",
        ),
        ("down, stalled", facts(down(false)), &stalled, "False NameConflict, Stalled NameConflict"),
        (
            "down, nothing looked yet",
            facts(down(false)),
            &pending,
            "False BackendUnavailable, Reconciling BackendUnavailable",
        ),
        ("suspended, in step", facts(Standing::Suspended), &in_step, "True Suspended"),
        (
            "suspended by an edit that changed nothing else",
            facts(Standing::Suspended),
            &older,
            "True Suspended",
        ),
        ("suspended, changed by hand since", drifted(Standing::Suspended), &in_step, "False Suspended"),
        ("suspended in the middle of work", drifted(Standing::Suspended), &working, "False Suspended"),
        ("suspended, and seen in step since", facts(Standing::Suspended), &suspended, "True Suspended"),
        ("suspended, nothing looked yet", unread(Standing::Suspended), &pending, "Unknown Suspended"),
    ];
    for (why, facts, before, expected) in cases {
        assert_eq!(verdict(&facts, Some(before)), expected, "{why}");
    }
}

#[test]
fn an_outage_changes_nothing_that_was_known() {
    let before = assignment_status(&facts(Standing::InStep), None, later(-3600));
    let mut facts = unread(down(false));
    facts.targets_resolved = fact(None, Reason::NotObserved);
    let after = assignment_status(&facts, Some(&Memo::of(&before)), now());
    assert_eq!(after, before, "R21");
}

#[test]
fn patience_that_has_ended_does_not_begin_again() {
    let unresolved = |ago: i64| facts(Standing::Unresolved(Reason::GroupNotFound, "x".into(), later(-ago)));
    let stalled = said(&unresolved(3600 + 700));
    assert_eq!(verdict(&unresolved(0), Some(&stalled)), "False GroupNotFound, Stalled GroupNotFound");
    let mut edited = unresolved(0);
    edited.generation += 1;
    assert_eq!(verdict(&edited, Some(&stalled)), "False GroupNotFound, Reconciling GroupNotFound");
}

#[test]
fn a_transition_time_moves_with_the_status_only() {
    let working = |reason| drifted(Standing::Working(reason, "x".into()));
    let first = assignment_status(&working(Reason::Applying), None, later(-100));
    let second = assignment_status(&working(Reason::Verifying), Some(&Memo::of(&first)), later(-50));
    let third = assignment_status(&facts(Standing::InStep), Some(&Memo::of(&second)), now());
    let since = |status: &PolicyAssignmentStatus, type_| {
        find(&status.conditions, type_).unwrap().last_transition_time.0.to_string()
    };
    assert_eq!(since(&first, ConditionType::Ready), "2026-03-03T09:13:20Z", "whole seconds");
    assert_eq!(since(&second, ConditionType::Ready), since(&first, ConditionType::Ready));
    assert_eq!(since(&third, ConditionType::Ready), "2026-03-03T09:15:00Z");
    assert_eq!(since(&third, ConditionType::Accepted), since(&first, ConditionType::Accepted));
    assert!(find(&third.conditions, ConditionType::Reconciling).is_none(), "only while True");
}

#[test]
fn counts_add_up_and_never_claim_more_than_was_proven() {
    let counts = |desired, accepted, pending, failed, unknown| TargetCounts {
        desired,
        accepted,
        pending,
        failed,
        unknown,
        foreign: 0,
    };
    let cases = [
        ("they do", counts(10, 4, 3, 2, 1), [4, 3, 2, 1]),
        ("some were forgotten", counts(10, 4, 0, 0, 0), [4, 0, 0, 6]),
        ("too many accepted", counts(3, 5, 0, 0, 0), [3, 0, 0, 0]),
        ("counted twice: the failures stay", counts(3, 3, 0, 2, 0), [1, 0, 2, 0]),
        ("nobody is meant", counts(0, 1, 1, 1, 1), [0, 0, 0, 0]),
    ];
    for (why, targets, expected) in cases {
        let facts =
            AssignmentFacts { targets, ..drifted(Standing::Working(Reason::Applying, String::new())) };
        let counts = assignment_status(&facts, None, now()).targets.unwrap();
        assert_eq!([counts.accepted, counts.pending, counts.failed, counts.unknown], expected, "{why}");
    }
}

#[test]
fn lists_are_sorted_bounded_and_free_of_doubles() {
    let mut facts = facts(Standing::InStep);
    let problem = |n: u32| Problem {
        target: format!("t{:03}", n % 40),
        reason: Reason::GroupNotFound,
        message: "m".repeat(5000),
    };
    facts.problems = (0..80).rev().map(problem).collect();
    let object = |n: u32| ObjectFact {
        key: format!("k{:02}", n % 20),
        id: n.to_string(),
        name: String::new(),
        active: None,
        provenance: Provenance::default(),
    };
    facts.objects = (0..40).rev().map(object).collect();
    facts.overridden = (0..25).rev().map(|n| format!("item /path{n:02}")).collect();
    let status = assignment_status(&facts, None, now());
    assert_eq!(status.problems.len(), 20);
    assert!(status.problems.is_sorted() && status.problems[0].message.chars().count() == 4096);
    let keys: Vec<_> = status.objects.iter().map(|object| object.key.as_str()).collect();
    assert_eq!((keys.len(), keys[0], keys[15]), (16, "k00", "k15"));
    let overridden = find(&status.conditions, ConditionType::Overridden).unwrap();
    assert!(overridden.message.ends_with("item /path19, and 5 more"), "{}", overridden.message);
}

fn backend(standing: BackendStanding) -> BackendFacts {
    BackendFacts {
        id: BackendId { kind: BackendKind::Backend, namespace: "team-a".into(), name: "emm".into() },
        uid: Uid("b".into()),
        generation: 2,
        handled_request: None,
        standing,
        pending_deployment: None,
        held: None,
        account: Some(["wso2", "DeviceMgtV1", "3.3", "f", ""].map(String::from)),
        capabilities: [
            ("Create".to_owned(), "Allowed".to_owned()),
            ("Delete".to_owned(), "Perhaps".to_owned()),
        ]
        .into(),
        objects: [12, 0, 1, 0, 0],
        memory_since: Some(now()),
        memory_lost: vec!["PreImages".into(), "NotAWord".into()],
    }
}

#[test]
fn rows_of_backends() {
    let cases = [
        (BackendStanding::Ready, "True Connected"),
        (
            BackendStanding::Working(Reason::Unreachable, "x".into()),
            "False Unreachable, Reconciling Unreachable",
        ),
        (
            BackendStanding::Stalled(Reason::Unauthorized, "x".into()),
            "False Unauthorized, Stalled Unauthorized",
        ),
        (BackendStanding::Suspended, "False Suspended"),
        (BackendStanding::Terminating("x".into()), "False Terminating, Reconciling Terminating"),
    ];
    for (standing, expected) in cases {
        let status = backend_status(&backend(standing.clone()), None, now());
        assert_eq!(summary(&status.conditions), expected, "{standing:?}");
    }
}

#[test]
fn a_backend_tells_what_waits_for_humans_and_what_was_found() {
    let facts = BackendFacts {
        held: Some("12 of 10".into()),
        pending_deployment: Some((Reason::WaitingForDeployment, "deploy".into())),
        ..backend(BackendStanding::Ready)
    };
    let status = backend_status(&facts, None, now());
    let json = serde_json::to_value(&status).unwrap();
    let types: Vec<_> = status.conditions.iter().map(|c| c.type_.as_str()).collect();
    assert_eq!(types, ["Ready", "PendingDeployment", "Held"]);
    assert_eq!(
        json["account"],
        serde_json::json!({"system": "wso2", "api": "DeviceMgtV1", "version": "3.3", "fingerprint": "f"})
    );
    assert_eq!(json["capabilities"][1], serde_json::json!({"name": "Delete", "state": "Unknown"}));
    assert_eq!(json["memory"], serde_json::json!({"since": "2026-03-03T09:15:00Z", "lost": ["PreImages"]}));
}
