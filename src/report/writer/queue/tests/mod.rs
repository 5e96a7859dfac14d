//! Order, lanes, delays: without I/O.
#![allow(clippy::unwrap_used, clippy::panic)]

mod failures;

use super::*;
use crate::{
    api::{Mode, PolicyAssignmentStatus, Reason, ReleasePolicy},
    model::SourcesDigest,
    report::{
        conditions::assignment_status,
        facts::{AssignmentFacts, Fact, Standing, TargetCounts},
        memo::Memo,
    },
};

struct Bench {
    queue: Queue,
    at: Duration,
}

fn bench() -> Bench {
    Bench { queue: Queue::new(Metrics::new()), at: Duration::from_secs(1000) }
}

impl Bench {
    fn now(&self) -> Now {
        let wall = Timestamp::from_second(1_700_000_000).unwrap() + self.at;
        Now { wall, monotonic: self.at }
    }

    fn pass(&mut self, seconds: u64) {
        self.at += Duration::from_secs(seconds);
        let now = self.now();
        self.queue.wake(now);
    }

    fn report(&mut self, facts: AssignmentFacts) {
        let now = self.now();
        self.queue.report(Report::Assignment(Box::new(facts)), now);
    }

    fn pin(&mut self, name: &str, pin: Pin) -> oneshot::Receiver<Result<(), WriteError>> {
        let (waiter, answer) = oneshot::channel();
        let now = self.now();
        self.queue.pin(&key(name), &uid(), pin, waiter, now);
        answer
    }

    fn annotate(&mut self, name: &str, text: &str) -> oneshot::Receiver<Result<(), WriteError>> {
        let (waiter, answer) = oneshot::channel();
        let now = self.now();
        self.queue.annotate(&key(name), &uid(), text.into(), waiter, now);
        answer
    }

    fn take(&mut self) -> Option<Step> {
        let now = self.now();
        self.queue.take(now)
    }

    fn done(&mut self, step: Step, outcome: Outcome) {
        let now = self.now();
        self.queue.done(step, outcome, now);
    }

    /// Takes all steps there are, with success; what they were.
    fn drain(&mut self) -> Vec<String> {
        let mut taken = vec![];
        while let Some(step) = self.take() {
            taken.push(word(&step));
            self.done(step, ok());
        }
        taken
    }

    fn observe(&mut self, name: &str, version: u64, status: Option<&PolicyAssignmentStatus>) -> Observed {
        let now = self.now();
        let seen = Seen { uid: uid(), version, pins: None, memo: status.map(Memo::of) };
        self.queue.observed(&key(name), seen, now)
    }
}

fn ok() -> Outcome {
    Outcome::Done { version: 50, pins: None }
}

fn unavailable() -> Outcome {
    Outcome::Failed { error: WriteError::Unavailable("x".into()), after: None }
}

fn uid() -> Uid {
    Uid("u".into())
}

fn key(name: &str) -> Key {
    Key::Assignment(ObjectName::new("ns", name))
}

fn word(step: &Step) -> String {
    let what = match &step.action {
        Action::Status(_) => "status",
        Action::Pin(Pin::Add, _) => "add",
        Action::Pin(Pin::Remove, _) => "remove",
        Action::Annotate(_) => "annotate",
    };
    format!("{what} {}", step.key.name())
}

fn facts(name: &str, standing: Standing) -> AssignmentFacts {
    let fact = |reason| Fact { status: Some(true), reason, message: String::new() };
    AssignmentFacts {
        name: ObjectName::new("ns", name),
        uid: uid(),
        generation: 1,
        policy_generation: Some(1),
        sources: SourcesDigest::of([]),
        handled_request: None,
        standing,
        targets_resolved: fact(Reason::Resolved),
        accepted: fact(Reason::Accepted),
        in_sync: fact(Reason::InStep),
        overridden: vec![],
        targets: TargetCounts { desired: 1, accepted: 1, ..TargetCounts::default() },
        problems: vec![],
        objects: vec![],
        operations: None,
        plan: None,
        mode: Mode::Apply,
        release_policy: ReleasePolicy::Delete,
    }
}

fn in_step(name: &str) -> AssignmentFacts {
    facts(name, Standing::InStep)
}

fn applying(name: &str) -> AssignmentFacts {
    facts(name, Standing::Working(Reason::Applying, String::new()))
}

fn stalled(name: &str) -> AssignmentFacts {
    facts(name, Standing::Stalled(Reason::NameConflict, String::new()))
}

#[test]
fn one_object_is_written_in_order_and_never_twice_at_once() {
    let mut bench = bench();
    let _added = bench.pin("a", Pin::Add);
    bench.report(in_step("a"));
    let _removed = bench.pin("a", Pin::Remove);
    let first = bench.take().unwrap();
    assert_eq!((word(&first), bench.take().is_none()), ("add a".into(), true));
    bench.done(first, ok());
    assert_eq!(bench.drain(), ["status a", "remove a"]);
    assert!(bench.queue.jobs.is_empty(), "nothing is left over");
}

#[test]
fn a_recorded_id_comes_between_and_only_the_last_one_counts() {
    let mut bench = bench();
    let _added = bench.pin("a", Pin::Add);
    let mut earlier = bench.annotate("a", "1");
    bench.report(in_step("a"));
    let mut later = bench.annotate("a", "2");
    assert_eq!(bench.drain(), ["add a", "annotate a", "status a"]);
    assert_eq!((earlier.try_recv().unwrap(), later.try_recv().unwrap()), (Ok(()), Ok(())));
    let mut under_way = bench.annotate("a", "3");
    let step = bench.take().unwrap();
    let mut next = bench.annotate("a", "4");
    bench.done(step, ok());
    assert!(under_way.try_recv().is_err() && next.try_recv().is_err(), "another one is wanted by now");
    assert_eq!(bench.drain(), ["annotate a"]);
    assert_eq!(next.try_recv().unwrap(), Ok(()));
}

#[test]
fn a_recorded_id_that_is_refused_is_told_and_holds_up_nothing() {
    let mut bench = bench();
    let mut waiting = bench.annotate("a", "1");
    let step = bench.take().unwrap();
    let error = WriteError::Refused("no".into());
    bench.done(step, Outcome::Failed { error: error.clone(), after: None });
    assert_eq!(waiting.try_recv().unwrap(), Err(error));
    bench.report(in_step("a"));
    assert_eq!(bench.drain(), ["status a"]);
}

#[test]
fn only_the_latest_report_is_written_and_an_equal_one_not_at_all() {
    let mut bench = bench();
    bench.report(stalled("a"));
    bench.report(in_step("a"));
    let step = bench.take().unwrap();
    let Action::Status(rendered) = &step.action else { panic!("a status") };
    assert!(rendered.text.contains("InStep"));
    bench.report(in_step("a"));
    bench.done(step, ok());
    assert_eq!(bench.drain(), Vec::<String>::new(), "reported again while it was written");
    bench.report(in_step("a"));
    assert_eq!(bench.drain(), Vec::<String>::new());
}

#[test]
fn a_quick_push_costs_one_write_and_a_slow_one_two() {
    let mut bench = bench();
    bench.report(applying("a"));
    bench.pass(20);
    bench.report(applying("a"));
    assert!(bench.take().is_none(), "not yet worth showing");
    bench.report(in_step("a"));
    assert_eq!(bench.drain(), ["status a"]);
    bench.report(applying("a"));
    bench.pass(30);
    assert_eq!(bench.drain(), ["status a"], "it lasts");
    bench.report(in_step("a"));
    assert_eq!(bench.drain(), ["status a"]);
}

#[test]
fn a_status_that_is_not_due_does_not_hold_up_a_removal() {
    let mut bench = bench();
    bench.report(applying("a"));
    let _removed = bench.pin("a", Pin::Remove);
    assert_eq!(bench.drain(), ["remove a"]);
}

#[test]
fn edits_come_before_the_bulk_and_the_bulk_moves_on() {
    let mut bench = bench();
    for n in 0..20 {
        let (edited, bulk) = (format!("edit{n:02}"), format!("bulk{n:02}"));
        let standing = assignment_status(&in_step(&edited), None, bench.now().wall);
        bench.observe(&edited, 10, Some(&standing));
        bench.report(in_step(&bulk));
        bench.report(AssignmentFacts { generation: 2, ..in_step(&edited) });
    }
    let order = bench.drain();
    let bulk = |steps: &[String]| steps.iter().filter(|step| step.starts_with("status bulk")).count();
    assert_eq!((order.len(), bulk(order.get(..16).unwrap())), (40, 2), "{order:?}");
}

#[test]
fn a_namesake_starts_afresh() {
    let mut bench = bench();
    let mut waiting = bench.pin("a", Pin::Add);
    let mut namesake = in_step("a");
    namesake.uid = Uid("v".into());
    bench.report(namesake);
    assert_eq!(waiting.try_recv().unwrap(), Err(WriteError::Gone));
    let step = bench.take().unwrap();
    assert_eq!((word(&step), step.uid), ("status a".into(), Uid("v".into())));
}

#[test]
fn an_answer_that_comes_after_the_object_went_changes_nothing() {
    let mut bench = bench();
    bench.report(in_step("a"));
    let late = bench.take().unwrap();
    bench.queue.forget(&key("a"));
    bench.report(stalled("a"));
    bench.done(late, ok());
    assert_eq!(bench.drain(), ["status a"]);
    assert!(bench.queue.said(&ObjectName::new("ns", "a")).unwrap().stalled.is_some());
}

#[test]
fn the_watch_is_believed_where_it_is_newer() {
    let mut bench = bench();
    let ours = assignment_status(&in_step("a"), None, bench.now().wall);
    let theirs = assignment_status(&stalled("a"), None, bench.now().wall);
    assert_eq!(bench.observe("a", 10, Some(&theirs)), Observed::New);
    bench.report(in_step("a"));
    assert_eq!(bench.drain(), ["status a"], "written at version 50");
    assert_eq!(bench.observe("a", 30, Some(&theirs)), Observed::Known, "older than our write");
    bench.report(in_step("a"));
    assert_eq!(bench.drain(), Vec::<String>::new());
    assert_eq!(bench.observe("a", 60, Some(&ours)), Observed::Known, "somebody changed the spec");
    assert_eq!(bench.observe("a", 70, Some(&theirs)), Observed::Foreign);
    bench.report(in_step("a"));
    assert_eq!(bench.drain(), ["status a"], "the truth comes back");
}

#[test]
fn what_assignments_say_is_told_once_when_it_changes() {
    let mut bench = bench();
    bench.report(in_step("a"));
    bench.drain();
    assert_eq!(bench.queue.take_changed(), [ObjectName::new("ns", "a")].into());
    let said = bench.queue.said(&ObjectName::new("ns", "a")).unwrap();
    assert!(said.ready && said.stalled.is_none() && said.sources == Some(SourcesDigest::of([])));
    assert!(!bench.queue.has_changed());
    bench.queue.forget(&key("a"));
    assert!(bench.queue.has_changed());
}

#[test]
fn unresolved_targets_stall_by_time_alone() {
    let mut bench = bench();
    let since = bench.now().wall;
    let unresolved = |since| facts("a", Standing::Unresolved(Reason::GroupNotFound, String::new(), since));
    bench.report(unresolved(since));
    assert_eq!(bench.drain(), ["status a"]);
    bench.pass(300);
    let later = bench.now().wall;
    bench.report(unresolved(later));
    assert_eq!(bench.drain(), Vec::<String>::new(), "the same trouble, since the same moment");
    bench.pass(300);
    assert_eq!(bench.drain(), ["status a"]);
    assert!(bench.queue.said(&ObjectName::new("ns", "a")).unwrap().stalled.is_some());
}

#[test]
fn without_the_lease_nobody_waits_for_a_finalizer() {
    let mut bench = bench();
    let mut waiting = bench.pin("a", Pin::Add);
    bench.report(in_step("a"));
    let now = bench.now();
    bench.queue.refuse_pins("not the leader", now);
    assert_eq!(waiting.try_recv().unwrap(), Err(WriteError::Unavailable("not the leader".into())));
    assert_eq!(bench.drain(), ["status a"], "the report waits");
}

#[test]
fn objects_are_counted_by_condition() {
    let mut bench = bench();
    bench.report(in_step("a"));
    bench.report(stalled("b"));
    bench.drain();
    bench.report(in_step("b"));
    bench.drain();
    let text = bench.queue.metrics.encode();
    let line = |condition: &str, status: &str, count: i64| {
        format!(
            "ordain_objects{{kind=\"PolicyAssignment\",condition=\"{condition}\",status=\"{status}\"}} {count}"
        )
    };
    let wrong = |condition: &str| {
        let label = format!("kind=\"PolicyAssignment\",condition=\"{condition}\"");
        text.lines()
            .filter(|l| l.starts_with("ordain_objects_abnormal") && l.contains(&label))
            .collect::<Vec<_>>()
    };
    for condition in ["Ready", "Stalled"] {
        let told = wrong(condition);
        assert!(
            !told.is_empty() && told.iter().all(|l| l.ends_with(" 0")),
            "none is wrong any more: {told:?}"
        );
    }
    for line in [line("Ready", "True", 2), line("Ready", "False", 0), line("Stalled", "True", 0)] {
        assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
    }
    assert!(text.contains("ordain_status_writes_total{kind=\"PolicyAssignment\",outcome=\"ok\"} 3"));
}
