//! What conditions come to: the one place that turns them into a [`State`].

use jiff::Timestamp;

use super::{State, words::line};
use crate::api::{Condition, ConditionStatus, ConditionType, Reason, conditions::find};

/// Where an object stands, in the operator's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    pub state: State,
    pub reason: Reason,
    pub message: String,
    pub since: Option<Timestamp>,
}

impl Standing {
    /// What to do; nothing where all is well, or where only waiting helps anyway.
    pub fn help(&self) -> Option<String> {
        let amiss = !self.state.is_fine();
        amiss
            .then(|| self.reason.help())
            .filter(|help| !matches!(*help, "Wait." | "Nothing."))
            .map(str::to_owned)
    }

    fn of(state: State, condition: &Condition) -> Self {
        Self {
            state,
            reason: condition.reason,
            message: line(&condition.message),
            since: transition(condition),
        }
    }

    /// Nothing is known, or only of what stood there before.
    fn unseen(state: State, message: &str) -> Self {
        Self { state, reason: Reason::Pending, message: message.to_owned(), since: None }
    }
}

/// When the status of a condition last changed. The beginning of time stands in what the API server gives an object
/// nobody has looked at.
fn transition(condition: &Condition) -> Option<Timestamp> {
    Some(condition.last_transition_time.0).filter(|at| *at > Timestamp::UNIX_EPOCH)
}

/// The condition, if it is True.
pub(super) fn holding(conditions: &[Condition], type_: ConditionType) -> Option<&Condition> {
    find(conditions, type_).filter(|condition| condition.status == ConditionStatus::True)
}

/// Where an object stands. `generation` is what Git has now: a status that speaks of another one proves nothing.
pub(super) fn standing(conditions: &[Condition], generation: i64) -> Standing {
    let Some(ready) = find(conditions, ConditionType::Ready) else {
        return Standing::unseen(State::Unknown, Reason::Pending.meaning());
    };
    if ready.reason == Reason::Pending && ready.status == ConditionStatus::Unknown {
        return Standing::of(State::Unknown, ready);
    }
    if let Some(seen) = ready.observed_generation.filter(|seen| *seen != generation) {
        let message = format!("generation {generation} is not proven yet; the operator speaks of {seen}");
        return Standing::unseen(State::Working, &message);
    }
    let stalled = holding(conditions, ConditionType::Stalled);
    if let Some(stalled) = stalled.filter(|stalled| !is_drift(stalled.reason) && !is_held(stalled.reason)) {
        return Standing::of(State::Stalled, stalled);
    }
    let waits = stalled.or_else(|| holding(conditions, ConditionType::Reconciling));
    if let Some(waits) = waits {
        return Standing::of(waiting(waits.reason), waits);
    }
    match (ready.status, ready.reason) {
        (_, Reason::Suspended | Reason::Observing) => Standing::of(State::Resting, ready),
        (ConditionStatus::True, _) => in_force(conditions, ready),
        (ConditionStatus::False | ConditionStatus::Unknown, _) => Standing::of(State::Unknown, ready),
    }
}

fn in_force(conditions: &[Condition], ready: &Condition) -> Standing {
    let differs =
        find(conditions, ConditionType::InSync).filter(|in_sync| in_sync.status == ConditionStatus::False);
    match differs {
        Some(differs) => Standing::of(State::Drifting, differs),
        None => Standing::of(State::InForce, ready),
    }
}

const fn waiting(reason: Reason) -> State {
    match reason {
        reason if is_held(reason) => State::Held,
        reason if is_drift(reason) => State::Drifting,
        _ => State::Working,
    }
}

/// The guard waits for an approval. There is none for too many targets, nor for removals that wait for a repair.
const fn is_held(reason: Reason) -> bool {
    matches!(reason, Reason::HeldByGuard)
}

/// Somebody else changes it in the system.
const fn is_drift(reason: Reason) -> bool {
    matches!(reason, Reason::DriftDetected | Reason::Contested)
}
