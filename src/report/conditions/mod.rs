//! Facts → conditions: the table of product.md section 7, and what is worth writing. Pure.
//!
//! Holds for every status made here: Ready is always there; Reconciling and Stalled are there only
//! while True, and never both; `observedGeneration` stands on the status and on each condition;
//! `lastTransitionTime` moves only with a condition's status; lists are sorted and bounded.

mod assignment;
mod backend;
mod standing;
mod worth;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

pub use assignment::assignment_status;
pub use backend::backend_status;
pub use standing::{UNRESOLVED_GRACE, ripens_at};
pub use worth::{DETAILS_EVERY, SHOWN_AFTER, Since, Worth, worth_writing};

use super::memo::{Brief, Memo};
use crate::api::{Condition, ConditionStatus, ConditionType, Reason, limits};

/// How Ready and the abnormal one of Reconciling and Stalled come out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Status of Ready.
    pub ready: ConditionStatus,
    /// Reason of Ready.
    pub reason: Reason,
    /// Message of Ready and of the abnormal one.
    pub message: String,
    /// The abnormal condition that is True, with its reason.
    pub abnormal: Option<(ConditionType, Reason)>,
}

impl Verdict {
    /// Ready.
    pub fn ready(reason: Reason) -> Self {
        Self { ready: ConditionStatus::True, reason, message: reason.meaning().to_owned(), abnormal: None }
    }

    /// Not Ready, without an abnormal condition.
    pub fn resting(ready: ConditionStatus, reason: Reason, message: impl Into<String>) -> Self {
        Self { ready, reason, message: message.into(), abnormal: None }
    }

    /// Not Ready; goes on by itself.
    pub fn reconciling(reason: Reason, message: impl Into<String>) -> Self {
        Self::abnormal(ConditionType::Reconciling, reason, message)
    }

    /// Not Ready; a human must act.
    pub fn stalled(reason: Reason, message: impl Into<String>) -> Self {
        Self::abnormal(ConditionType::Stalled, reason, message)
    }

    fn abnormal(type_: ConditionType, reason: Reason, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { ready: ConditionStatus::False, reason, message, abnormal: Some((type_, reason)) }
    }
}

/// Conditions in the making.
pub(super) struct Draft<'a> {
    generation: i64,
    before: Option<&'a Memo>,
    now: Timestamp,
    conditions: Vec<Condition>,
}

impl<'a> Draft<'a> {
    /// None yet; they will speak of this generation.
    pub fn new(generation: i64, before: Option<&'a Memo>, now: Timestamp) -> Self {
        Self { generation, before, now: whole_seconds(now), conditions: Vec::with_capacity(6) }
    }

    /// Adds a condition; one without a message gets the meaning of its reason.
    pub fn add(&mut self, type_: ConditionType, status: ConditionStatus, reason: Reason, message: &str) {
        let message = if message.trim().is_empty() { reason.meaning() } else { message };
        self.conditions.push(Condition {
            type_,
            status,
            reason,
            message: limits::clip(message, limits::MESSAGE),
            observed_generation: Some(self.generation),
            last_transition_time: Time(self.since(type_, status)),
        });
    }

    /// Adds Ready and the abnormal one.
    pub fn verdict(&mut self, verdict: &Verdict) {
        self.add(ConditionType::Ready, verdict.ready, verdict.reason, &verdict.message);
        if let Some((type_, reason)) = verdict.abnormal {
            self.add(type_, ConditionStatus::True, reason, &verdict.message);
        }
    }

    /// The conditions, in the order of the documentation.
    pub fn finish(mut self) -> Vec<Condition> {
        self.conditions.sort_by_key(|condition| condition.type_);
        self.conditions
    }

    /// The beginning of time stands in the default that the CRD gives; nobody was there to see it.
    fn since(&self, type_: ConditionType, status: ConditionStatus) -> Timestamp {
        let before = self.before.and_then(|before| before.find(type_));
        before.filter(|before| before.status == status).and_then(Brief::since).unwrap_or(self.now)
    }
}

/// Kubernetes writes times to the second.
fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// A short text of a status, `None` where there is nothing to say.
fn short(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| limits::clip(text, limits::STATUS_TEXT))
}
