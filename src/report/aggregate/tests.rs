//! R9, case by case.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::api::conditions::find;

const GENERATION: i64 = 7;

/// What an assignment names, at this generation.
fn named(generation: i64) -> SourcesDigest {
    SourcesDigest::of([(&Uid("p".into()), generation)])
}

fn proven() -> Said {
    Said { generation: Some(1), sources: Some(named(GENERATION)), ready: true, stalled: None }
}

/// Stalled at [`now`], less so many seconds.
fn stalled_for(seconds: i64) -> Said {
    Said { ready: false, stalled: Some(now() - SignedDuration::from_secs(seconds)), ..proven() }
}

fn now() -> Timestamp {
    "2026-03-03T09:15:00Z".parse().unwrap()
}

fn assignment(name: &str, said: Said) -> AssignmentSummary {
    AssignmentSummary {
        name: ObjectName::new("team-a", name),
        generation: 1,
        named: named(GENERATION),
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
        tally: Tally::of(assignments),
    };
    policy_status(&facts, None, now())
}

fn summary(status: &PolicyStatus) -> String {
    let words: Vec<_> =
        status.conditions.iter().map(|c| format!("{}={} {}", c.type_, c.status, c.reason)).collect();
    words.join(", ")
}

#[test]
fn ready_is_what_everybody_who_counts_has_proven() {
    let ready = "Ready=True AllAssignmentsReady";
    let stalled = "Ready=True StalledAssignments";
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
            one(|b| b.said = Said { sources: Some(named(6)), ..proven() }),
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
        ("a stalled one does not count", one(|b| b.said = stalled_for(15)), stalled),
        ("but as long as somebody may not have seen it", one(|b| b.said = stalled_for(14)), waiting),
        (
            "whatever was said of it before it was known",
            one(|b| b.said.stalled = Some(Timestamp::UNIX_EPOCH)),
            stalled,
        ),
        (
            "one that was stalled before the Policy was edited may be mended",
            one(|b| b.said = Said { sources: Some(named(6)), ..stalled_for(900) }),
            waiting,
        ),
        (
            "one that was stalled before it was edited itself, too",
            one(|b| b.said = Said { generation: Some(0), ..stalled_for(900) }),
            waiting,
        ),
        (
            "a suspended one that is stalled is not waited for",
            one(|b| (b.said, b.suspended) = (stalled_for(0), true)),
            stalled,
        ),
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
    all.push(assignment("s", stalled_for(900)));
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

/// Nobody tells when the moment has come: the writer looks again by itself.
#[test]
fn a_stalled_one_is_waited_for_until_it_has_settled() {
    let at = |seconds| now() + SignedDuration::from_secs(seconds);
    let fresh = [assignment("a", stalled_for(0)), assignment("b", stalled_for(5)), assignment("c", proven())];
    let tally = Tally::of(&fresh);
    assert_eq!(tally.ripens_at(now()), Some(at(15)), "the last of them");
    assert_eq!(tally.ripens_at(at(15)), None);
    let working = assignment("d", Said { ready: false, ..proven() });
    assert_eq!(Tally::of(fresh.iter().chain([&working])).ripens_at(now()), None, "others are waited for");
    assert_eq!(Tally::of([&working]).ripens_at(now()), None);
}

#[test]
fn a_target_group_waits_for_those_who_have_not_taken_it_into_account() {
    let status = |said| {
        let facts = TargetGroupFacts {
            name: ObjectName::new("team-a", "tier-1"),
            uid: Uid("g".into()),
            generation: 3,
            validity: Validity::Valid,
            tally: Tally::of(&[assignment("a", said)]),
        };
        target_group_status(&facts, None, now()).conditions[0].reason
    };
    assert_eq!(status(proven()), Reason::AllAssignmentsReady);
    let older = Said { sources: Some(named(GENERATION - 1)), ..proven() };
    assert_eq!(status(older), Reason::AssignmentsNotReady);
    let unknown = Said { sources: None, ..proven() };
    assert_eq!(status(unknown), Reason::AssignmentsNotReady, "of what it was proven, it does not say");
}
