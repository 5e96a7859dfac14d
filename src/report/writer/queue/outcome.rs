//! What follows from the answer to a step.

use std::time::Duration;

use super::{Action, Now, Outcome, Pin, Pins, Queue, Step, answer};
use crate::{
    report::{metrics::WriteOutcome, writer::object::Key},
    worker::ports::WriteError,
};

/// Attempts at a finalizer before whoever waits is told; a status is tried for ever.
const PIN_ATTEMPTS: u32 = 3;
const FIRST_DELAY: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = Duration::from_mins(5);

impl Queue {
    /// A step has ended.
    pub fn done(&mut self, step: Step, outcome: Outcome, now: Now) {
        let Step { key, action, ticket, .. } = step;
        self.count_outcome(&key, &action, &outcome);
        let Some(job) = self.jobs.get_mut(&key).filter(|job| job.ticket == ticket) else { return };
        (job.busy, job.pinning) = (false, false);
        match outcome {
            Outcome::Done { version, pins } => self.succeeded(&key, action, version, pins, now),
            Outcome::Gone => return self.forget(&key),
            Outcome::Failed { error, after } => self.failed(&key, &action, &error, after, now),
        }
        self.settle(&key, now);
    }

    fn succeeded(&mut self, key: &Key, action: Action, version: u64, pins: Option<Pins>, now: Now) {
        let Some(job) = self.jobs.get_mut(key) else { return };
        (job.attempts, job.resting) = (0, None);
        let uid = job.uid.clone();
        match action {
            Action::Status(rendered) => {
                (job.differs, job.perhaps, job.failed_status) = (None, None, false);
                self.wrote(key, &uid, version, rendered.memo, now.monotonic);
            }
            Action::Pin(pin, _) => {
                let waiters = match pin {
                    Pin::Add => std::mem::take(&mut job.add),
                    Pin::Remove => std::mem::take(&mut job.remove),
                };
                answer(waiters, &Ok(()));
                self.pinned(key, &uid, version, pins);
            }
            Action::Annotate(written) => {
                // Another one may be wanted meanwhile.
                if let Some((_, waiters)) = job.note.take_if(|(text, _)| *text == written) {
                    answer(waiters, &Ok(()));
                }
            }
        }
    }

    fn failed(&mut self, key: &Key, action: &Action, error: &WriteError, after: Option<Duration>, now: Now) {
        let Some(job) = self.jobs.get_mut(key) else { return };
        job.attempts = job.attempts.saturating_add(1);
        let delay = after.unwrap_or_else(|| backoff(key, job.attempts));
        job.resting = Some(now.monotonic.saturating_add(delay));
        let given_up = matches!(error, WriteError::Refused(_)) || job.attempts >= PIN_ATTEMPTS;
        match action {
            Action::Status(_) => {
                job.failed_status = true;
                if !matches!(error, WriteError::Unavailable(_)) {
                    job.perhaps = None;
                }
                tracing::warn!(object = %key, %error, attempts = job.attempts, "status not written");
                if !job.remove.is_empty() || !job.add.is_empty() || job.note.is_some() {
                    job.resting = None;
                }
            }
            Action::Pin(pin, _) if given_up => {
                let waiters = match pin {
                    Pin::Add => std::mem::take(&mut job.add),
                    Pin::Remove => std::mem::take(&mut job.remove),
                };
                (job.attempts, job.resting) = (0, None);
                answer(waiters, &Err(error.clone()));
            }
            Action::Annotate(_) if given_up => {
                let waiters = job.note.take().map(|(_, waiters)| waiters).unwrap_or_default();
                (job.attempts, job.resting) = (0, None);
                answer(waiters, &Err(error.clone()));
            }
            Action::Pin(..) | Action::Annotate(_) => {}
        }
    }

    fn count_outcome(&self, key: &Key, action: &Action, outcome: &Outcome) {
        let word = match outcome {
            Outcome::Done { .. } => WriteOutcome::Ok,
            Outcome::Gone | Outcome::Failed { error: WriteError::Gone, .. } => WriteOutcome::Gone,
            Outcome::Failed { error: WriteError::Refused(_), .. } => WriteOutcome::Refused,
            Outcome::Failed { error: WriteError::Unavailable(_), .. } => WriteOutcome::Unavailable,
        };
        match action {
            Action::Status(_) => self.metrics.status_write(key.kind(), word),
            Action::Pin(..) => self.metrics.finalizer_write(key.kind(), word),
            Action::Annotate(_) => self.metrics.annotation_write(key.kind(), word),
        }
    }
}

/// 1 s, 2 s, … 5 min, each up to a quarter longer: different for different objects, so that they
/// do not come back together, and the same in every run.
fn backoff(key: &Key, attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(16);
    let delay = FIRST_DELAY.saturating_mul(1 << doublings).min(LONGEST_DELAY);
    let hash = blake3::hash(format!("{attempts} {key}").as_bytes());
    let share = u32::from(hash.as_bytes().first().copied().unwrap_or_default());
    delay + delay * share / 1024
}
