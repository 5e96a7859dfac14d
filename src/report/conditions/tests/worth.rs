//! What is worth a write, and when.

use std::time::Duration;

use super::*;

fn memo(facts: &AssignmentFacts) -> Memo {
    Memo::of(&assignment_status(facts, None, now()))
}

#[test]
fn what_is_worth_a_write() {
    let seconds = Duration::from_secs;
    let since =
        |written: Option<u64>, differs| Since { written: written.map(seconds), differs: seconds(differs) };
    let working = |reason| drifted(Standing::Working(reason, "x".into()));
    let in_step = memo(&facts(Standing::InStep));
    let edited = |standing| memo(&AssignmentFacts { generation: GENERATION + 1, ..drifted(standing) });
    let task = || Standing::Working(Reason::TaskPending, "x".into());
    let numbers = memo(&AssignmentFacts {
        targets: TargetCounts { desired: 5, accepted: 5, ..TargetCounts::default() },
        ..facts(Standing::InStep)
    });
    let outage =
        |message: &str| memo(&drifted(Standing::Unavailable { pending_work: true, message: message.into() }));
    let handled = memo(&AssignmentFacts { handled_request: Some("now".into()), ..facts(Standing::InStep) });
    let applying = memo(&working(Reason::Applying));
    let stalled = memo(&drifted(Standing::Stalled(Reason::NameConflict, "taken".into())));
    let failing = memo(&working(Reason::Unreachable));
    let cases = [
        ("equal", Some(&in_step), in_step.clone(), since(None, 0), Worth::No),
        ("nothing known", None, in_step.clone(), since(None, 0), Worth::Now),
        ("nothing known, under way", None, applying.clone(), since(None, 0), Worth::After(seconds(30))),
        ("a push begins", Some(&in_step), applying.clone(), since(None, 0), Worth::After(seconds(30))),
        (
            "what was Stalled is at work again",
            Some(&stalled),
            applying.clone(),
            since(Some(0), 0),
            Worth::Now,
        ),
        ("a push lasts", Some(&in_step), applying.clone(), since(None, 30), Worth::Now),
        ("a push fails", Some(&in_step), failing.clone(), since(Some(1), 0), Worth::Now),
        ("a push ends", Some(&applying), in_step.clone(), since(Some(1), 0), Worth::Now),
        (
            "the next failure of the same push",
            Some(&applying),
            failing.clone(),
            since(Some(10), 0),
            Worth::After(seconds(20)),
        ),
        ("a task answers an edit of this object", Some(&in_step), edited(task()), since(None, 0), Worth::Now),
        (
            "a task answers an edit of the Policy",
            Some(&in_step),
            memo(&AssignmentFacts { sources: sources(99), ..drifted(task()) }),
            since(None, 0),
            Worth::Now,
        ),
        (
            "a task corrects drift",
            Some(&in_step),
            memo(&drifted(task())),
            since(None, 0),
            Worth::After(seconds(30)),
        ),
        (
            "a task moves on",
            Some(&edited(task())),
            edited(Standing::Working(Reason::TaskStarted, "x".into())),
            since(Some(2), 0),
            Worth::After(seconds(30)),
        ),
        (
            "numbers that may pass",
            Some(&in_step),
            numbers.clone(),
            since(None, 10),
            Worth::After(seconds(20)),
        ),
        ("numbers that last", Some(&in_step), numbers.clone(), since(None, 30), Worth::Now),
        ("numbers alone, again", Some(&in_step), numbers, since(Some(100), 30), Worth::After(seconds(200))),
        ("an outage in other words", Some(&outage("a")), outage("b"), since(Some(9999), 9999), Worth::No),
        ("a request was handled", Some(&in_step), handled, since(Some(1), 0), Worth::Now),
    ];
    for (why, before, after, since, expected) in cases {
        assert_eq!(worth_writing(before, &after, since), expected, "{why}");
    }
}

/// A Backend with these counts: managed, pending.
fn counting(managed: u32, pending: u32, standing: BackendStanding) -> Memo {
    let facts = BackendFacts {
        id: BackendId { kind: BackendKind::Backend, namespace: "team-a".into(), name: "emm".into() },
        uid: Uid("u".into()),
        generation: GENERATION,
        handled_request: None,
        standing,
        pending_deployment: None,
        held: None,
        account: None,
        capabilities: std::collections::BTreeMap::new(),
        objects: [managed, 0, pending, 0, 0],
        memory_since: None,
        memory_lost: vec![],
    };
    Memo::of(&backend_status(&facts, None, now()))
}

#[test]
fn which_counts_of_a_backend_are_worth_a_write() {
    let ready = |managed, pending| counting(managed, pending, BackendStanding::Ready);
    let just_written = Since { written: Some(Duration::ZERO), differs: Duration::ZERO };
    let at_a_slow_pace = Worth::After(Duration::from_mins(5));
    let cases = [
        ("the first that is kept", ready(0, 0), ready(1, 0), Worth::Now),
        ("the last of it is gone", ready(3, 0), ready(0, 0), Worth::Now),
        ("one more, or one less", ready(3, 0), ready(4, 0), at_a_slow_pace),
        ("work begins", ready(3, 0), ready(3, 1), at_a_slow_pace),
        ("what was told to be under way is done", ready(3, 1), ready(4, 0), Worth::Now),
        ("it was all that there was", ready(3, 3), ready(0, 0), Worth::Now),
        ("work goes on", ready(3, 5), ready(6, 2), at_a_slow_pace),
        (
            "the first of many: the others come within the half minute",
            ready(0, 9),
            ready(1, 8),
            Worth::After(SHOWN_AFTER),
        ),
        ("the same", ready(3, 1), ready(3, 1), Worth::No),
    ];
    for (why, before, after, expected) in cases {
        assert_eq!(worth_writing(Some(&before), &after, just_written), expected, "{why}");
    }
}
