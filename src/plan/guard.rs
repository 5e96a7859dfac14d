//! R2: the guard. Nothing drafted is applied before it has passed here.
//!
//! It looks at the whole outstanding plan of the account plus what was executed within the window, before any
//! slicing: cutting a wipe into small slices does not slip it through. Over the limit removals hold and additions go
//! on; an approval naming the exact count lets them through once.

use std::time::Duration;

use jiff::Timestamp;

use super::{Approved, Change, Drafted, Plan};
use crate::model::memory::{ApprovalRecord, RemovalRecord};

/// Limits and state the guard judges by.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits<'a> {
    /// `guard.maxRemovals`.
    pub max_removals: u32,
    /// Removals held in this pass on items this round does not look at.
    pub held_elsewhere: u32,
    /// `guard.window`.
    pub window: Duration,
    /// Removals executed lately.
    pub executed: &'a [RemovalRecord],
    /// Annotation `ordain.dev/approve-removals`.
    pub approval: Option<&'a str>,
    /// The approval taken last.
    pub taken: Option<&'a ApprovalRecord>,
    /// Now.
    pub now: Timestamp,
}

/// What the guard said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Within the limit.
    Pass,
    /// Let through by an approval, which is thereby taken.
    Approved(ApprovalRecord),
    /// Removals are held.
    Held {
        /// Removals outstanding.
        outstanding: u32,
        /// Removals executed within the window.
        executed: u32,
        /// The limit.
        limit: u32,
    },
}

impl Verdict {
    /// The message of `Held=True`: both numbers and the ways on.
    pub fn message(&self) -> Option<String> {
        let Self::Held { outstanding, executed, limit } = self else { return None };
        Some(format!(
            "{outstanding} removals are waiting and {executed} were made within the window; guard.maxRemovals allows \
             {limit}. Raise it, or set annotation ordain.dev/approve-removals: \"{outstanding}\". To keep what would \
             be removed, set releasePolicy: Orphan and re-apply"
        ))
    }
}

/// Removals that still count at `now`.
pub fn within_window(executed: &[RemovalRecord], window: Duration, now: Timestamp) -> Vec<RemovalRecord> {
    let window = jiff::SignedDuration::try_from(window).unwrap_or(jiff::SignedDuration::MAX);
    executed.iter().filter(|r| now.duration_since(r.at) < window).cloned().collect()
}

/// Judges a drafted plan, together with what an earlier round of this pass held.
pub fn judge(plan: Plan<Drafted>, limits: &Limits<'_>) -> (Plan<Approved>, Verdict) {
    let outstanding: u32 =
        plan.changes.iter().map(Change::removals).fold(limits.held_elsewhere, u32::saturating_add);
    let executed = within_window(limits.executed, limits.window, limits.now)
        .iter()
        .map(|r| r.count)
        .fold(0, u32::saturating_add);
    let verdict = if outstanding == 0 || outstanding.saturating_add(executed) <= limits.max_removals {
        Verdict::Pass
    } else if let Some(approval) = approval(limits, outstanding) {
        Verdict::Approved(approval)
    } else {
        Verdict::Held { outstanding, executed, limit: limits.max_removals }
    };
    let hold = matches!(verdict, Verdict::Held { .. });
    let changes = plan
        .changes
        .into_iter()
        .map(|change| if hold && change.removals() > 0 { change.without_removals() } else { change })
        .collect();
    (Plan::approved(plan.state, changes), verdict)
}

/// An approval counts once, for the exact number it names; what it let through may take several passes.
fn approval(limits: &Limits<'_>, outstanding: u32) -> Option<ApprovalRecord> {
    let text = limits.approval?;
    match limits.taken {
        Some(taken) if taken.text == text => (outstanding <= taken.left).then(|| taken.clone()),
        _ => (text.trim().parse() == Ok(outstanding))
            .then(|| ApprovalRecord { text: text.to_owned(), left: outstanding }),
    }
}
