//! Calls that fail, or whose answer is lost.

use super::*;

/// The status that a step writes.
fn text(step: &Step) -> String {
    let Action::Status(rendered) = &step.action else { panic!("a status") };
    rendered.text.clone()
}

#[test]
fn failures_are_tried_again_with_growing_delays_and_hold_up_nobody() {
    let mut bench = bench();
    bench.report(in_step("a"));
    let mut delays = vec![];
    for _ in 0..12 {
        let step = bench.take().unwrap();
        bench.done(step, unavailable());
        let due = bench.queue.next_due().unwrap();
        delays.push(due.saturating_sub(bench.at).as_secs());
        bench.report(in_step("b"));
        bench.report(in_step("a"));
        assert!(bench.drain().iter().all(|step| step == "status b"), "only the other one is free");
        bench.at = due;
        bench.pass(0);
    }
    let (growing, longest) = delays.split_at(9);
    assert!(growing.is_sorted() && growing.first() == Some(&1), "{delays:?}");
    assert!(longest.iter().all(|delay| (300..=375).contains(delay)), "{delays:?}");
    assert_eq!(bench.drain(), ["status a"]);
}

#[test]
fn an_edit_does_not_wait_for_the_failures_of_its_predecessor() {
    let mut bench = bench();
    bench.report(stalled("a"));
    let step = bench.take().unwrap();
    bench.done(step, Outcome::Failed { error: WriteError::Refused("no".into()), after: None });
    bench.report(AssignmentFacts { generation: 2, ..in_step("a") });
    assert_eq!(bench.drain(), ["status a"]);
}

#[test]
fn a_write_without_an_answer_is_repeated_to_the_letter_unless_the_watch_shows_it() {
    let mut bench = bench();
    bench.observe("a", 10, Some(&PolicyAssignmentStatus::default()));
    bench.report(in_step("a"));
    let step = bench.take().unwrap();
    let (first, written) = (text(&step), assignment_status(&in_step("a"), None, bench.now().wall));
    bench.done(step, unavailable());
    bench.pass(5);
    let step = bench.take().unwrap();
    assert_eq!(text(&step), first, "times included");
    bench.done(step, unavailable());
    assert_eq!(bench.observe("a", 20, Some(&written)), Observed::Known);
    bench.pass(10);
    assert_eq!(bench.drain(), Vec::<String>::new(), "it had arrived");
}

#[test]
fn the_watch_may_be_faster_than_the_answer() {
    let mut bench = bench();
    bench.observe("a", 10, Some(&PolicyAssignmentStatus::default()));
    bench.report(in_step("a"));
    let step = bench.take().unwrap();
    let written = assignment_status(&in_step("a"), None, bench.now().wall);
    assert_eq!(bench.observe("a", 50, Some(&written)), Observed::Known, "our own write is no foreign one");
    bench.done(step, ok());
    assert_eq!(bench.drain(), Vec::<String>::new());
}

#[test]
fn what_perhaps_stands_there_is_replaced_by_what_stood_before() {
    let mut bench = bench();
    bench.report(in_step("a"));
    bench.drain();
    bench.report(stalled("a"));
    let step = bench.take().unwrap();
    bench.done(step, unavailable());
    bench.report(in_step("a"));
    bench.pass(10);
    assert_eq!(bench.drain(), ["status a"], "nobody knows whether the other one arrived");
}

#[test]
fn the_api_server_decides_when_to_come_back() {
    let mut bench = bench();
    bench.report(in_step("a"));
    let step = bench.take().unwrap();
    let after = Some(Duration::from_secs(17));
    bench.done(step, Outcome::Failed { error: WriteError::Unavailable("busy".into()), after });
    assert_eq!(bench.queue.next_due(), Some(bench.at + Duration::from_secs(17)));
}

#[test]
fn who_waits_for_a_finalizer_is_told_when_it_will_not_come() {
    let mut bench = bench();
    let mut refused = bench.pin("a", Pin::Add);
    let step = bench.take().unwrap();
    bench.done(step, Outcome::Failed { error: WriteError::Refused("no".into()), after: None });
    assert_eq!(refused.try_recv().unwrap(), Err(WriteError::Refused("no".into())));

    let mut unlucky = bench.pin("b", Pin::Add);
    for _ in 0..3 {
        bench.pass(10);
        let step = bench.take().unwrap();
        bench.done(step, unavailable());
    }
    assert_eq!(unlucky.try_recv().unwrap(), Err(WriteError::Unavailable("x".into())));

    let mut gone = bench.pin("c", Pin::Add);
    let step = bench.take().unwrap();
    bench.done(step, Outcome::Gone);
    assert_eq!(gone.try_recv().unwrap(), Err(WriteError::Gone));
    assert!(bench.queue.jobs.is_empty());
}

#[test]
fn a_status_that_fails_does_not_hold_up_a_finalizer() {
    let mut bench = bench();
    bench.report(in_step("a"));
    let mut removed = bench.pin("a", Pin::Remove);
    let step = bench.take().unwrap();
    bench.done(step, Outcome::Failed { error: WriteError::Refused("no".into()), after: None });
    let step = bench.take().unwrap();
    assert_eq!(word(&step), "remove a");
    bench.done(step, Outcome::Gone);
    assert_eq!(removed.try_recv().unwrap(), Ok(()), "gone counts as done");
}
