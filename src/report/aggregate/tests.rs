//! R9, case by case.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::api::conditions::find;

const GENERATION: i64 = 7;

fn proven() -> Said {
    Said { generation: Some(1), policy_generation: Some(GENERATION), ready: true, stalled: false }
}

fn assignment(name: &str, said: Said) -> AssignmentSummary {
    AssignmentSummary {
        name: ObjectName::new("team-a", name),
        policy: "baseline".into(),
        groups: [("tier-1".into(), Some(GENERATION))].into(),
        generation: 1,
        suspended: false,
        observe: false,
        said,
    }
}

fn policy(validity: Validity, assignments: &[AssignmentSummary]) -> PolicyStatus {
    let facts = PolicyFacts {
        name: ObjectName::new("team-a", "baseline"),
        uid: Uid("p".into()),
        generation: GENERATION,
        validity,
        facets: vec!["wfbss", "wso2"],
        tally: Tally::of_policy(GENERATION, assignments),
    };
    policy_status(&facts, None, Timestamp::UNIX_EPOCH)
}

fn summary(status: &PolicyStatus) -> String {
    let words: Vec<_> =
        status.conditions.iter().map(|c| format!("{}={} {}", c.type_, c.status, c.reason)).collect();
    words.join(", ")
}

#[test]
fn ready_is_what_everybody_who_counts_has_proven() {
    let ready = "Ready=True AllAssignmentsReady";
    let waiting = "Ready=False AssignmentsNotReady, Reconciling=True AssignmentsNotReady";
    let one = |change: fn(&mut AssignmentSummary)| {
        let mut one = assignment("b", Said { ready: false, ..proven() });
        change(&mut one);
        vec![assignment("a", proven()), one]
    };
    let cases = [
        ("nobody names it", vec![], "Ready=True NotAssigned"),
        ("all have proven it", vec![assignment("a", proven()), assignment("b", proven())], ready),
        ("one is at work", one(|_| ()), waiting),
        (
            "one has proven an older generation of the Policy",
            one(|b| b.said = Said { policy_generation: Some(6), ..proven() }),
            waiting,
        ),
        (
            "one has proven an older generation of itself",
            one(|b| (b.said, b.generation) = (proven(), 2)),
            waiting,
        ),
        ("one was never looked at", one(|b| b.said = Said::default()), waiting),
        ("a suspended one does not count", one(|b| b.suspended = true), ready),
        ("an observing one does not count", one(|b| b.observe = true), ready),
        ("a stalled one does not count", one(|b| b.said.stalled = true), ready),
    ];
    for (why, assignments, expected) in cases {
        assert_eq!(summary(&policy(Validity::Valid, &assignments)), expected, "{why}");
    }
}

#[test]
fn an_invalid_policy_is_stalled_whoever_was_ready_before() {
    let status = policy(Validity::Invalid("spec.displayName: too long".into()), &[assignment("a", proven())]);
    assert_eq!(summary(&status), "Ready=False Invalid, Stalled=True Invalid");
    assert_eq!(status.conditions[0].message, "spec.displayName: too long");
}

#[test]
fn counts_and_words() {
    let mut all: Vec<_> =
        (0..7).map(|n| assignment(&format!("w{n}"), Said { ready: false, ..proven() })).collect();
    all.push(assignment("s", Said { stalled: true, ready: false, ..proven() }));
    all.push(AssignmentSummary { observe: true, ..assignment("o", proven()) });
    let status = policy(Validity::Valid, &all);
    let counts = status.assignments.unwrap();
    assert_eq!((counts.total, counts.ready, counts.stalled), (9, 1, 1));
    assert_eq!(status.facets.as_deref(), Some("wfbss,wso2"));
    assert_eq!(
        find(&status.conditions, ConditionType::Ready).unwrap().message,
        "1 of 9 assignments are ready (1 stalled, 1 suspended or observing); \
         not proven by w0, w1, w2, w3, w4 and 2 more"
    );
}

#[test]
fn a_target_group_waits_for_those_who_have_not_taken_it_into_account() {
    let status = |assignments: &[AssignmentSummary]| {
        let facts = TargetGroupFacts {
            name: ObjectName::new("team-a", "tier-1"),
            uid: Uid("g".into()),
            generation: GENERATION,
            validity: Validity::Valid,
            tally: Tally::of_group("tier-1", GENERATION, assignments),
        };
        target_group_status(&facts, None, Timestamp::UNIX_EPOCH).conditions[0].reason
    };
    let seen = |generation| AssignmentSummary {
        groups: [("tier-1".into(), generation)].into(),
        ..assignment("a", proven())
    };
    assert_eq!(status(&[seen(Some(GENERATION))]), Reason::AllAssignmentsReady);
    assert_eq!(status(&[seen(Some(GENERATION - 1))]), Reason::AssignmentsNotReady);
    assert_eq!(status(&[seen(None)]), Reason::AllAssignmentsReady, "unknown: its own Ready decides");
}
