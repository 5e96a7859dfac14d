//! Whether a status is worth a write: one costs the API server ten times our own work.

use std::time::Duration;

use crate::{
    api::{ConditionType, Reason},
    report::memo::Memo,
};

/// What passes by itself is shown once it has lasted this long (R21).
pub const SHOWN_AFTER: Duration = Duration::from_secs(30);
/// Numbers and messages alone are written this often at most (R21).
pub const DETAILS_EVERY: Duration = Duration::from_mins(5);

/// How long ago things were, on a clock that only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since {
    /// The last write of this status by this process; `None`: none yet.
    pub written: Option<Duration>,
    /// The first report that said something else than the cluster does and was not written yet.
    pub differs: Duration,
}

/// Whether to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth {
    /// The cluster says it already, or it is not worth saying.
    No,
    /// At once.
    Now,
    /// If it still stands after this long.
    After(Duration),
}

impl Worth {
    fn after(limit: Duration, passed: Duration) -> Self {
        match limit.saturating_sub(passed) {
            Duration::ZERO => Self::Now,
            rest => Self::After(rest),
        }
    }

    /// Once both agree.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::After(a), Self::After(b)) => Self::After(a.max(b)),
            (Self::Now, other) | (other, Self::Now) => other,
            (Self::No, _) | (_, Self::No) => Self::No,
        }
    }
}

/// Decides whether `after` is worth replacing `before`, which the cluster holds (`None`: unknown).
///
/// - equal → no;
/// - work that passes by itself → after it has lasted [`SHOWN_AFTER`], so that a converge costs one
///   write; a task of the system answering an edit of this object is worth showing at once;
/// - Stalled no more → now: Flux and helm give up on what says Stalled, so a mended Policy must not fail by what was said
///   of the broken one;
/// - another generation, request handled, condition, or reason → now, but while it stays
///   Reconciling not more often than every [`SHOWN_AFTER`];
/// - numbers and messages alone → every [`DETAILS_EVERY`], and only those that last: what is open during a converge is
///   not worth one write when it begins and another when it ends; while the backend is out of reach, never;
/// - counts that are the last ones, where the cluster has none of them, or some of work that was still open → now: nobody
///   reads beside Ready that nothing is kept in the system where something is.
pub fn worth_writing(before: Option<&Memo>, after: &Memo, since: Since) -> Worth {
    let lasted = Worth::after(SHOWN_AFTER, since.differs);
    let Some(before) = before else {
        return if passes_by_itself(after) { lasted } else { Worth::Now };
    };
    if before.same(after) {
        return Worth::No;
    }
    if before.is_true(ConditionType::Stalled) && !after.is_true(ConditionType::Stalled) {
        return Worth::Now;
    }
    let still_going = reconciling(before) && reconciling(after) && before.same_generations(after);
    let spaced = |every| since.written.map_or(Worth::Now, |written| Worth::after(every, written));
    let details = || lasted.and(spaced(DETAILS_EVERY));
    if passes_by_itself(after) && before.same_request(after) {
        if is_task(after) && !reconciling(before) && !before.same_generations(after) {
            Worth::Now
        } else {
            lasted
        }
    } else if before.same_essence(after) {
        match (before.counted(), after.counted()) {
            _ if reason(after) == Some(Reason::BackendUnavailable) => Worth::No,
            (then, now) if then != now && !now.open => Worth::Now,
            (then, now) if then.any != now.any => lasted,
            _ => details(),
        }
    } else if still_going && before.same_request(after) {
        spaced(SHOWN_AFTER)
    } else {
        Worth::Now
    }
}

fn reconciling(memo: &Memo) -> bool {
    memo.is_true(ConditionType::Reconciling)
}

fn reason(memo: &Memo) -> Option<Reason> {
    memo.find(ConditionType::Ready).map(|ready| ready.reason)
}

fn is_task(memo: &Memo) -> bool {
    matches!(reason(memo), Some(Reason::TaskPending | Reason::TaskStarted))
}

/// Under way, with nothing wrong.
fn passes_by_itself(memo: &Memo) -> bool {
    let passing = matches!(
        memo.find(ConditionType::Reconciling).map(|reconciling| reconciling.reason),
        Some(
            Reason::Probing
                | Reason::Resolving
                | Reason::Applying
                | Reason::Verifying
                | Reason::Releasing
                | Reason::Terminating
                | Reason::AssignmentsNotReady
                | Reason::Throttled
                | Reason::Conflict
                | Reason::CatalogueIncomplete
                | Reason::NotObserved
                | Reason::DriftDetected
                | Reason::TaskPending
                | Reason::TaskStarted
                | Reason::Deploying
        )
    );
    passing && reconciling(memo)
}
