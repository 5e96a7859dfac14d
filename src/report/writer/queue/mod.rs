//! What is to be written, in which order. Synchronous and without I/O: time comes in, steps go out.

mod decide;
mod outcome;
mod view;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::oneshot;
use tracing::Span;

pub use view::Observed;
pub(super) use view::{Pins, Seen};

use super::object::{Key, Rendered, Report};
use crate::{
    model::{ObjectName, Uid},
    report::{memo::Memo, metrics::Metrics},
    worker::ports::WriteError,
};
use decide::Next;
use view::Entry;

/// Every so many steps one is taken from the bulk, so that it moves on under any load.
const BULK_SHARE: u32 = 8;

/// The time, on both clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    pub wall: Timestamp,
    pub monotonic: Duration,
}

/// Whom to tell when a finalizer is there, or gone.
pub(super) type Waiter = oneshot::Sender<Result<(), WriteError>>;

/// Putting our finalizer on, or taking it off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pin {
    Add,
    Remove,
}

/// Which work goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    /// Finalizers, which effects wait for, and answers to what somebody just did to this object.
    Interactive,
    /// The rest.
    Bulk,
}

/// One call to make.
#[derive(Debug)]
pub(super) struct Step {
    pub key: Key,
    pub uid: Uid,
    pub action: Action,
    /// The change that it ends, for its trace.
    pub cause: Span,
    /// Tells this step from one on a job that has ended meanwhile.
    ticket: u64,
}

#[derive(Debug)]
pub(super) enum Action {
    Status(Box<Rendered>),
    Pin(Pin, Option<Pins>),
    /// The recorded id of the object in the system, as an annotation (R15).
    Annotate(String),
}

/// What came of a step.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Done; the object has this version now and, where known, these finalizers.
    Done { version: u64, pins: Option<Pins> },
    /// The object is gone, or a namesake stands there.
    Gone,
    /// Failed; the API server may have said when to come back.
    Failed { error: WriteError, after: Option<Duration> },
}

/// Open work on one object.
struct Job {
    uid: Uid,
    report: Option<Report>,
    /// The change the report comes from, for its trace; what is written again after a failure has none.
    cause: Span,
    /// Since when the report says something else than the cluster.
    differs: Option<Duration>,
    add: Vec<Waiter>,
    /// The annotation wanted, and who waits for it.
    note: Option<(String, Vec<Waiter>)>,
    remove: Vec<Waiter>,
    /// Failures in a row.
    attempts: u32,
    /// The status last sent, while there is no answer: perhaps the cluster holds it.
    perhaps: Option<Memo>,
    /// The last attempt at the status failed: a finalizer does not wait for it.
    failed_status: bool,
    /// A step is under way.
    busy: bool,
    /// It is one on a finalizer.
    pinning: bool,
    ticket: u64,
    /// Stands in a lane.
    queued: bool,
    /// Stands in `Queue::due` at this time.
    due: Option<Duration>,
    /// Rests until then after a failure.
    resting: Option<Duration>,
}

impl Job {
    fn new(uid: Uid) -> Self {
        Self {
            uid,
            report: None,
            cause: Span::none(),
            differs: None,
            add: vec![],
            note: None,
            remove: vec![],
            attempts: 0,
            perhaps: None,
            failed_status: false,
            busy: false,
            pinning: false,
            ticket: 0,
            queued: false,
            due: None,
            resting: None,
        }
    }
}

impl Job {
    /// Everybody who waits for a finalizer or an annotation.
    fn waiters(&mut self) -> Vec<Waiter> {
        let note = self.note.take().map(|(_, waiters)| waiters).unwrap_or_default();
        self.add.drain(..).chain(note).chain(self.remove.drain(..)).collect()
    }
}

/// See the module.
pub(super) struct Queue {
    /// Boxed, since half of the places in the tree stay empty where objects come in order.
    entries: BTreeMap<Key, Box<Entry>>,
    jobs: BTreeMap<Key, Job>,
    interactive: VecDeque<Key>,
    bulk: VecDeque<Key>,
    due: BTreeSet<(Duration, Key)>,
    picked: u32,
    tickets: u64,
    changed: BTreeSet<ObjectName>,
    metrics: Metrics,
    closed: bool,
}

impl Queue {
    pub fn new(metrics: Metrics) -> Self {
        Self {
            entries: BTreeMap::new(),
            jobs: BTreeMap::new(),
            interactive: VecDeque::new(),
            bulk: VecDeque::new(),
            due: BTreeSet::new(),
            picked: 0,
            tickets: 0,
            changed: BTreeSet::new(),
            metrics,
            closed: false,
        }
    }

    /// Nothing is written any more: whoever waits, or will ask, is told.
    pub fn close(&mut self) {
        self.closed = true;
        let stopped = Err(WriteError::Unavailable("the writer has stopped".to_owned()));
        for mut job in std::mem::take(&mut self.jobs).into_values() {
            answer(job.waiters(), &stopped);
        }
    }

    /// Replaces what was last reported of the object.
    pub fn report(&mut self, mut report: Report, now: Now) {
        if self.closed {
            return;
        }
        let (key, uid) = (report.key(), report.uid().clone());
        let job = self.job(&key, &uid);
        if let Some(earlier) = &job.report {
            report.remember(earlier);
            if earlier.generation() != report.generation() {
                job.resting = None;
            }
        }
        job.report = Some(report);
        let cause = Span::current();
        if !cause.is_none() {
            job.cause = cause;
        }
        self.settle(&key, now);
    }

    /// Wants our finalizer on or off, and somebody told; one who is not told learns it by the waiter's end.
    pub fn pin(&mut self, key: &Key, uid: &Uid, pin: Pin, waiter: Waiter, now: Now) {
        if self.is_pinned_so(key, uid, pin) {
            // Whoever stopped waiting needs no answer.
            let _ = waiter.send(Ok(()));
            return;
        }
        if self.closed {
            return;
        }
        let job = self.job(key, uid);
        if job.failed_status {
            job.resting = None;
        }
        match pin {
            Pin::Add => job.add.push(waiter),
            Pin::Remove => job.remove.push(waiter),
        }
        self.settle(key, now);
    }

    /// Wants the annotation with the recorded id to be this, and somebody told.
    pub fn annotate(&mut self, key: &Key, uid: &Uid, text: String, waiter: Waiter, now: Now) {
        if self.closed {
            return;
        }
        let job = self.job(key, uid);
        let mut waiters = job.note.take().map(|(_, waiters)| waiters).unwrap_or_default();
        waiters.push(waiter);
        job.note = Some((text, waiters));
        self.settle(key, now);
    }

    /// Whether the finalizer is known to stand as wanted; while one is on its way off or on, nothing is known.
    fn is_pinned_so(&self, key: &Key, uid: &Uid, pin: Pin) -> bool {
        let moving = self
            .jobs
            .get(key)
            .is_some_and(|job| job.pinning || !job.add.is_empty() || !job.remove.is_empty());
        let ours = self.pins(key, uid).map(|pins| pins.ours);
        !moving && ours == Some(pin == Pin::Add)
    }

    /// Whether a step is ready to be taken.
    pub fn is_ready(&self) -> bool {
        !self.interactive.is_empty() || !self.bulk.is_empty()
    }

    /// The next step, which is under way until [`Queue::done`].
    pub fn take(&mut self, now: Now) -> Option<Step> {
        while let Some(key) = self.pick() {
            let Some(job) = self.jobs.get_mut(&key).filter(|job| job.queued && !job.busy) else { continue };
            job.queued = false;
            let Next::Step(action, _) = self.next(&key, now) else {
                self.settle(&key, now);
                continue;
            };
            let job = self.jobs.get_mut(&key)?;
            (job.busy, job.pinning) = (true, matches!(action, Action::Pin(..)));
            let cause = match &action {
                Action::Status(rendered) => {
                    job.perhaps = Some(rendered.memo.clone());
                    std::mem::replace(&mut job.cause, Span::none())
                }
                _ => Span::none(),
            };
            self.tickets += 1;
            job.ticket = self.tickets;
            return Some(Step { uid: job.uid.clone(), key, action, cause, ticket: self.tickets });
        }
        None
    }

    /// Looks again at what has become due.
    pub fn wake(&mut self, now: Now) {
        while let Some((at, key)) = self.due.first().filter(|(at, _)| *at <= now.monotonic).cloned() {
            self.unschedule(&key, Some(at));
            self.settle(&key, now);
        }
    }

    /// When [`Queue::wake`] has something to do.
    pub fn next_due(&self) -> Option<Duration> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Tells everybody who waits for a finalizer, with no call under way, that none will be written.
    pub fn refuse_pins(&mut self, why: &str, now: Now) {
        let waiting =
            |job: &Job| !job.busy && (!job.add.is_empty() || job.note.is_some() || !job.remove.is_empty());
        let keys: Vec<Key> =
            self.jobs.iter().filter(|(_, job)| waiting(job)).map(|(key, _)| key.clone()).collect();
        for key in keys {
            let Some(job) = self.jobs.get_mut(&key) else { continue };
            let waiters = job.waiters();
            answer(waiters, &Err(WriteError::Unavailable(why.to_owned())));
            self.settle(&key, now);
        }
    }

    /// The job of an object; a namesake starts afresh.
    fn job(&mut self, key: &Key, uid: &Uid) -> &mut Job {
        if self.jobs.get(key).is_some_and(|job| job.uid != *uid) {
            self.end(key);
        }
        self.jobs.entry(key.clone()).or_insert_with(|| Job::new(uid.clone()))
    }

    /// Ends a job whose object is gone.
    fn end(&mut self, key: &Key) {
        self.unschedule(key, None);
        if let Some(job) = self.jobs.remove(key) {
            answer(job.add, &Err(WriteError::Gone));
            answer(job.note.map(|(_, waiters)| waiters).unwrap_or_default(), &Err(WriteError::Gone));
            answer(job.remove, &Ok(()));
        }
    }

    /// What is told later, at a slower pace, would keep its trace open until then.
    fn let_trace_end(&mut self, key: &Key) {
        if let Some(job) = self.jobs.get_mut(key) {
            job.cause = Span::none();
        }
    }

    fn pick(&mut self) -> Option<Key> {
        self.picked = self.picked.wrapping_add(1);
        let (first, second) = if self.picked.is_multiple_of(BULK_SHARE) {
            (&mut self.bulk, &mut self.interactive)
        } else {
            (&mut self.interactive, &mut self.bulk)
        };
        let key = first.pop_front().or_else(|| second.pop_front());
        self.count_waiting();
        key
    }

    fn enqueue(&mut self, key: &Key, lane: Lane) {
        self.unschedule(key, None);
        let Some(job) = self.jobs.get_mut(key) else { return };
        job.queued = true;
        match lane {
            Lane::Interactive => self.interactive.push_back(key.clone()),
            Lane::Bulk => self.bulk.push_back(key.clone()),
        }
        self.count_waiting();
    }

    fn schedule(&mut self, key: &Key, at: Duration) {
        self.unschedule(key, None);
        if let Some(job) = self.jobs.get_mut(key) {
            job.due = Some(at);
            self.due.insert((at, key.clone()));
        }
    }

    fn unschedule(&mut self, key: &Key, fired: Option<Duration>) {
        let planned = self.jobs.get_mut(key).and_then(|job| job.due.take());
        for at in planned.into_iter().chain(fired) {
            self.due.remove(&(at, key.clone()));
        }
    }

    fn count_waiting(&self) {
        self.metrics.waiting("interactive", self.interactive.len());
        self.metrics.waiting("bulk", self.bulk.len());
    }
}

/// Gives everybody who still waits the same answer.
fn answer(waiters: Vec<Waiter>, result: &Result<(), WriteError>) {
    for waiter in waiters {
        let _ = waiter.send(result.clone());
    }
}
