//! R2: the guard. Nothing drafted is applied before it has passed here.
//!
//! It looks at the whole outstanding plan of the account plus what was executed within the window, before any
//! slicing: cutting a wipe into small slices does not slip it through, and while a part of the plan is still unread no
//! removal goes, nor does an approval count. Over the limit removals hold and additions go on; an approval naming the
//! exact count lets them through once.

use std::time::Duration;

use jiff::Timestamp;

use super::{Approved, Drafted, Plan};
use crate::model::memory::{ApprovalRecord, RemovalRecord};

/// Limits and state the guard judges by.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits<'a> {
    /// `guard.maxRemovals`.
    pub max_removals: u32,
    /// Whether what is outstanding is known whole: everything whose desired state changed was read.
    pub whole: bool,
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
    /// Not all is read yet: removals wait for the rest to be counted.
    Counting,
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
        let (waiting, were) = (waiting(*outstanding), if *executed == 1 { "was" } else { "were" });
        Some(format!(
            "{outstanding}{waiting}and {executed} {were} made within the window; guard.maxRemovals allows \
             {limit}. Raise it, or set annotation ordain.dev/approve-removals: \"{outstanding}\" (one that stands there \
             already is spent: remove it first). To keep what would be removed, set releasePolicy: Orphan and re-apply"
        ))
    }
}

/// What follows the number in [`Verdict::message`]; the actions of Argo CD look for it as well.
fn waiting(outstanding: u32) -> &'static str {
    if outstanding == 1 { " removal is waiting " } else { " removals are waiting " }
}

/// The removals that wait, out of a message of `Held=True`: what [`Verdict::message`] wrote there, and none where it was
/// written by anybody else.
pub fn outstanding(message: &str) -> Option<u32> {
    let (count, rest) = message.split_once(' ')?;
    let count = count.parse().ok()?;
    rest.starts_with(waiting(count).trim_start()).then_some(count)
}

/// Removals that still count at `now`.
pub fn within_window(executed: &[RemovalRecord], window: Duration, now: Timestamp) -> Vec<RemovalRecord> {
    let window = jiff::SignedDuration::try_from(window).unwrap_or(jiff::SignedDuration::MAX);
    executed.iter().filter(|r| now.duration_since(r.at) < window).cloned().collect()
}

/// Judges so many removals of the account.
pub fn verdict(outstanding: u32, limits: &Limits<'_>) -> Verdict {
    let executed = within_window(limits.executed, limits.window, limits.now)
        .iter()
        .map(|r| r.count)
        .fold(0, u32::saturating_add);
    if outstanding == 0 {
        Verdict::Pass
    } else if !limits.whole {
        Verdict::Counting
    } else if outstanding.saturating_add(executed) <= limits.max_removals {
        Verdict::Pass
    } else if let Some(approval) = approval(limits, outstanding) {
        Verdict::Approved(approval)
    } else {
        Verdict::Held { outstanding, executed, limit: limits.max_removals }
    }
}

/// Judges a drafted plan as a part of all removals `outstanding` on the account, its own among them.
pub fn judge(plan: Plan<Drafted>, outstanding: u32, limits: &Limits<'_>) -> (Plan<Approved>, Verdict) {
    let verdict = verdict(outstanding, limits);
    let hold = matches!(verdict, Verdict::Held { .. } | Verdict::Counting);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{ExternalId, ItemKey},
        plan::{Change, ChangeKind, Stage},
    };

    /// A plan that takes so many objects away.
    fn plan(removals: u32) -> Plan<Drafted> {
        let change = |n: u32| Change {
            item: ItemKey(format!("{n:03}").into()),
            assignments: std::collections::BTreeSet::new(),
            kind: ChangeKind::Retire {
                observed: Box::default(),
                id: ExternalId(n.to_string().into()),
                stage: Stage::SwitchOff,
                counted: false,
            },
            why: String::new(),
            held: false,
        };
        Plan::draft((0..removals).map(change).collect())
    }

    #[test]
    fn the_number_that_waits_is_read_out_of_the_message_again() {
        for outstanding in [1, 11, u32::MAX] {
            let held = Verdict::Held { outstanding, executed: 3, limit: 10 };
            assert_eq!(super::outstanding(&held.message().unwrap_or_default()), Some(outstanding));
        }
        assert_eq!(super::outstanding("somebody else's words"), None);
        assert_eq!(super::outstanding("2 friends are waiting and 0 were made"), None);
    }

    #[test]
    fn one_removal_is_told_as_one() {
        let told = |outstanding, executed| Verdict::Held { outstanding, executed, limit: 0 }.message();
        let begins = |told: Option<String>, words: &str| told.is_some_and(|told| told.starts_with(words));
        assert!(begins(told(1, 0), "1 removal is waiting and 0 were made within the window;"));
        assert!(begins(told(2, 1), "2 removals are waiting and 1 was made within the window;"));
    }

    #[test]
    fn what_goes_and_what_is_held() {
        let executed = |count| vec![RemovalRecord { at: Timestamp::UNIX_EPOCH, count, approved: 0 }];
        let held = |outstanding, executed| Verdict::Held { outstanding, executed, limit: 10 };
        let taken = |text: &str, left| ApprovalRecord { text: text.to_owned(), left };
        // Removals here, elsewhere, executed; whether that is all; annotation and what of it is left.
        let cases = [
            ("nothing goes", (0, 0, 99), true, None, None, Verdict::Pass),
            ("nothing goes here while others wait", (0, 5, 6), true, None, None, held(5, 6)),
            ("at the limit", (10, 0, 0), true, None, None, Verdict::Pass),
            ("over it", (11, 0, 0), true, None, None, held(11, 0)),
            ("over it with what went before", (4, 0, 7), true, None, None, held(4, 7)),
            ("over it with other slices", (4, 7, 0), true, None, None, held(11, 0)),
            ("not all is read", (1, 0, 0), false, None, None, Verdict::Counting),
            ("not all is read, however many", (99, 99, 0), false, None, None, Verdict::Counting),
            ("an approval of a part", (11, 0, 0), false, Some("11"), None, Verdict::Counting),
            ("approved", (4, 7, 0), true, Some("11"), None, Verdict::Approved(taken("11", 11))),
            ("another number", (4, 7, 0), true, Some("12"), None, held(11, 0)),
            ("no number", (4, 7, 0), true, Some("all"), None, held(11, 0)),
            (
                "the rest of an approval",
                (11, 0, 9),
                true,
                Some("20"),
                Some(taken("20", 11)),
                Verdict::Approved(taken("20", 11)),
            ),
            ("more than its rest", (12, 0, 9), true, Some("20"), Some(taken("20", 11)), held(12, 9)),
        ];
        for (why, (here, elsewhere, before), whole, approval, taken, expected) in cases {
            let limits = Limits {
                max_removals: 10,
                whole,
                window: Duration::from_hours(1),
                executed: &executed(before),
                approval,
                taken: taken.as_ref(),
                now: Timestamp::UNIX_EPOCH,
            };
            let (approved, verdict) = judge(plan(here), here + elsewhere, &limits);
            assert_eq!(verdict, expected, "{why}");
            let goes = matches!(verdict, Verdict::Pass | Verdict::Approved(_));
            let left: u32 = approved.changes.iter().map(Change::removals).sum();
            assert_eq!(left, if goes { here } else { 0 }, "{why}: what is held is taken out");
        }
    }
}
