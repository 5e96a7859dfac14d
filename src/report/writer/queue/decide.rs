//! What is to be done with an object now.

use std::time::Duration;

use super::{Action, Lane, Now, Pin, Queue};
use crate::report::{
    conditions::{Since, Worth, worth_writing},
    memo::Memo,
    writer::object::Key,
};

/// The next thing to do with an object.
pub(super) enum Next {
    /// Make this call.
    Step(Action, Lane),
    /// Look again after this long.
    Later(Duration),
    /// All is said.
    Nothing,
}

impl Queue {
    /// Decides what becomes of an object now: a lane, a later time, or nothing.
    ///
    /// One that is busy or queued is decided again when its turn comes.
    pub(super) fn settle(&mut self, key: &Key, now: Now) {
        let Some(job) = self.jobs.get(key).filter(|job| !job.busy && !job.queued) else { return };
        if let Some(resting) = job.resting.filter(|resting| *resting > now.monotonic) {
            self.let_trace_end(key);
            return self.schedule(key, resting);
        }
        match self.next(key, now) {
            Next::Step(_, lane) => self.enqueue(key, lane),
            Next::Later(wait) => {
                self.let_trace_end(key);
                self.schedule(key, now.monotonic.saturating_add(wait));
            }
            Next::Nothing => self.end(key),
        }
    }

    /// The order of one object: finalizer on → recorded id → status → finalizer off.
    ///
    /// A finalizer does not wait for a status that is not due yet or that failed: deletion finishes.
    pub(super) fn next(&mut self, key: &Key, now: Now) -> Next {
        let Some(job) = self.jobs.get(key) else { return Next::Nothing };
        let pins = self.pins(key, &job.uid);
        if !job.add.is_empty() {
            return Next::Step(Action::Pin(Pin::Add, pins), Lane::Interactive);
        }
        if let Some((text, _)) = &job.note {
            return Next::Step(Action::Annotate(text.clone()), Lane::Interactive);
        }
        let (releasing, failed) = (!job.remove.is_empty(), job.failed_status);
        if releasing && failed {
            return Next::Step(Action::Pin(Pin::Remove, pins), Lane::Interactive);
        }
        match self.status(key, now) {
            Next::Later(_) | Next::Nothing if releasing => {
                Next::Step(Action::Pin(Pin::Remove, pins), Lane::Interactive)
            }
            status => status,
        }
    }

    fn status(&mut self, key: &Key, now: Now) -> Next {
        let Some(job) = self.jobs.get_mut(key) else { return Next::Nothing };
        let Some(report) = &job.report else { return Next::Nothing };
        let entry = self.entries.get(key).filter(|entry| entry.seen.uid == job.uid);
        let before = entry.and_then(|entry| entry.seen.memo.as_ref());
        // What may have been written already is written again to the letter, times included.
        let rendered = report.render(job.perhaps.as_ref().or(before), now.wall);
        let differs = before.is_none_or(|before| !before.same(&rendered.memo));
        job.differs = differs.then(|| job.differs.unwrap_or(now.monotonic));
        let passed = |at: Duration| now.monotonic.saturating_sub(at);
        let since = Since {
            written: entry.and_then(|entry| entry.written).map(passed),
            differs: job.differs.map(passed).unwrap_or_default(),
        };
        let nothing = || report.ripens_in(now.wall).map_or(Next::Nothing, Next::Later);
        let lane = lane(before, &rendered.memo);
        if job.perhaps.is_some() {
            return Next::Step(Action::Status(Box::new(rendered)), lane);
        }
        let details_only = before.is_some_and(|before| before.same_essence(&rendered.memo));
        if details_only && !report.has_details() {
            return nothing();
        }
        match worth_writing(before, &rendered.memo, since) {
            Worth::No => nothing(),
            Worth::After(wait) => Next::Later(report.ripens_in(now.wall).map_or(wait, |ripe| ripe.min(wait))),
            Worth::Now => Next::Step(Action::Status(Box::new(rendered)), lane),
        }
    }
}

/// Somebody edited this very object, or asked for it: they are looking.
fn lane(before: Option<&Memo>, after: &Memo) -> Lane {
    let edited = |before: &Memo| {
        let known = before.observed_generation().is_some_and(|generation| generation > 0);
        known && before.observed_generation() != after.observed_generation() || !before.same_request(after)
    };
    if before.is_some_and(edited) { Lane::Interactive } else { Lane::Bulk }
}
