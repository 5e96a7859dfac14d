//! The table of product.md section 7: where an assignment stands → Ready, Reconciling, Stalled.

use jiff::{SignedDuration, Timestamp};

use super::Verdict;
use crate::{
    api::{ConditionStatus, ConditionType, Reason},
    model::reckoned,
    report::{
        facts::{AssignmentFacts, Fact, Standing, TargetCounts},
        memo::Memo,
    },
};

/// How long unresolved includes or zero targets count as work in progress.
pub const UNRESOLVED_GRACE: SignedDuration = SignedDuration::from_mins(10);

/// Ready, Reconciling and Stalled of an assignment whose counts have been made to add up.
pub(super) fn verdict(
    facts: &AssignmentFacts,
    counts: &TargetCounts,
    before: Option<&Memo>,
    now: Timestamp,
) -> Verdict {
    match &facts.standing {
        Standing::InStep => doubt(facts, Some(counts)).unwrap_or_else(|| Verdict::ready(Reason::InStep)),
        Standing::Observing => observing(facts),
        Standing::Suspended => suspended(facts, before),
        Standing::Working(reason, message) => Verdict::reconciling(*reason, message),
        Standing::Stalled(reason, message) => Verdict::stalled(*reason, message),
        Standing::Unresolved(reason, message, since) => {
            let ripe = now.duration_since(*since) >= UNRESOLVED_GRACE || is_stalled(facts, before, *reason);
            let make = if ripe { Verdict::stalled } else { Verdict::reconciling };
            make(*reason, message.clone())
        }
        Standing::Unavailable { pending_work: true, message } => {
            Verdict::reconciling(Reason::BackendUnavailable, message)
        }
        Standing::Unavailable { pending_work: false, message } => unavailable(facts, before, message),
        Standing::Terminating { reason, message, stalled } => {
            let make = if *stalled { Verdict::stalled } else { Verdict::reconciling };
            Verdict { reason: Reason::Terminating, ..make(*reason, message.clone()) }
        }
    }
}

/// Whether patience has ended already, with the same trouble at the same generations.
fn is_stalled(facts: &AssignmentFacts, before: Option<&Memo>, reason: Reason) -> bool {
    let stalled =
        before.filter(|before| speaks_of(before, facts)).and_then(|b| b.find(ConditionType::Stalled));
    stalled.is_some_and(|stalled| stalled.status == ConditionStatus::True && stalled.reason == reason)
}

/// When the same facts come out differently by time alone.
pub fn ripens_at(facts: &AssignmentFacts, now: Timestamp) -> Option<Timestamp> {
    match &facts.standing {
        Standing::Unresolved(_, _, since) => {
            since.checked_add(UNRESOLVED_GRACE).ok().filter(|ripe| *ripe > now)
        }
        _ => None,
    }
}

/// Why an assignment that is said to be in step is not Ready: its own facts say otherwise (I5).
fn doubt(facts: &AssignmentFacts, counts: Option<&TargetCounts>) -> Option<Verdict> {
    let refused =
        [&facts.targets_resolved, &facts.accepted].into_iter().find(|fact| fact.status == Some(false));
    let unproven = (!proven(&facts.in_sync)).then_some(&facts.in_sync);
    if let Some(fact) = refused.or(unproven) {
        return Some(Verdict::reconciling(fact.reason, &fact.message));
    }
    let open = counts.map_or(0, |counts| counts.pending.saturating_add(counts.failed));
    (open > 0).then(|| {
        Verdict::reconciling(Reason::Verifying, format!("not proven yet: {}", reckoned(open, "target")))
    })
}

/// `InSync` True, or the one Unknown that nothing can ever lift.
fn proven(in_sync: &Fact) -> bool {
    match in_sync.status {
        Some(in_sync) => in_sync,
        None => in_sync.reason == Reason::NotReadable,
    }
}

/// Nothing was read since the start, which says nothing against what was read before.
pub(super) fn not_read(facts: &AssignmentFacts) -> bool {
    facts.in_sync.status.is_none() && facts.in_sync.reason == Reason::NotObserved
}

/// Ready whatever the differences are, once they are known.
fn observing(facts: &AssignmentFacts) -> Verdict {
    let unread = facts.in_sync.status.is_none() && !proven(&facts.in_sync);
    if unread {
        Verdict::reconciling(facts.in_sync.reason, &facts.in_sync.message)
    } else {
        Verdict::ready(Reason::Observing)
    }
}

/// As before, which is what was proven: True while reading proves it, and never by suspending alone. Where nothing was
/// read since the start, what was said of the same generations stands.
fn suspended(facts: &AssignmentFacts, before: Option<&Memo>) -> Verdict {
    let Some(doubt) = doubt(facts, None) else { return Verdict::ready(Reason::Suspended) };
    let said = before.filter(|before| speaks_of(before, facts) && not_read(facts));
    if said.is_some_and(|before| before.is_true(ConditionType::Ready)) {
        return Verdict::ready(Reason::Suspended);
    }
    let ready = before.and_then(|before| before.find(ConditionType::Ready));
    match ready.map_or(ConditionStatus::Unknown, |ready| ready.status) {
        ConditionStatus::Unknown => Verdict::resting(ConditionStatus::Unknown, Reason::Suspended, ""),
        ConditionStatus::True | ConditionStatus::False => {
            let why = if doubt.message.is_empty() { doubt.reason.meaning() } else { &doubt.message };
            let message = format!("suspended, and not in step: {why}");
            Verdict::resting(ConditionStatus::False, Reason::Suspended, message)
        }
    }
}

/// As before where that speaks of the same generations (R21), else not proven.
fn unavailable(facts: &AssignmentFacts, before: Option<&Memo>, message: &str) -> Verdict {
    let kept = before.filter(|before| speaks_of(before, facts)).and_then(keep);
    let proven = || doubt(facts, None).is_none().then(|| Verdict::ready(Reason::InStep));
    let was_true = before.is_some_and(|before| before.is_true(ConditionType::Ready));
    kept.or_else(|| was_true.then(proven).flatten())
        .unwrap_or_else(|| Verdict::reconciling(Reason::BackendUnavailable, message))
}

/// Whether a status speaks of the same generations as the facts, of the same objects.
pub(super) fn speaks_of(before: &Memo, facts: &AssignmentFacts) -> bool {
    before.observed_generation() == Some(facts.generation) && before.sources() == Some(facts.sources)
}

/// The verdict that stands in a status; none if nothing has looked yet.
fn keep(before: &Memo) -> Option<Verdict> {
    let ready = before.find(ConditionType::Ready).filter(|ready| ready.reason != Reason::Pending)?;
    let abnormal = [ConditionType::Stalled, ConditionType::Reconciling]
        .into_iter()
        .filter_map(|type_| before.find(type_))
        .find(|condition| condition.status == ConditionStatus::True)
        .map(|condition| (condition.type_, condition.reason));
    let message = before.ready_message().unwrap_or_else(|| ready.reason.meaning()).to_owned();
    Some(Verdict { ready: ready.status, reason: ready.reason, message, abnormal })
}
