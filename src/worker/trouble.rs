//! Items that must rest after a failure, and for how long.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::{
    api::conditions::Reason,
    drivers::{Class, DriverError},
    model::{Digest, ItemKey},
    plan::ItemVerdict,
};

/// A failed item.
#[derive(Debug, Clone, PartialEq)]
pub struct Trouble {
    /// The inputs that failed; other inputs are tried at once.
    pub inputs: Digest,
    /// What to say meanwhile.
    pub verdict: ItemVerdict,
    /// When to try again; `None`: only other inputs help.
    pub until: Option<Timestamp>,
    attempts: u32,
}

/// Failures by item, in memory only: after a restart everything may be tried once more.
#[derive(Debug, Default)]
pub struct Troubles(BTreeMap<ItemKey, Trouble>);

const FIRST_DELAY: i64 = 2;
const LONGEST_DELAY: i64 = 300;

impl Troubles {
    /// A step on this item failed.
    pub fn failed(&mut self, item: &ItemKey, inputs: Digest, error: &DriverError, now: Timestamp) {
        let before = self.0.get(item).filter(|t| t.inputs == inputs).map_or(0, |t| t.attempts);
        let attempts = before + 1;
        let (verdict, until) = match error.class {
            Class::Rejected => (ItemVerdict::Blocked(error.reason, error.message.clone()), None),
            // The state is unknown or stale: look again at once, but not for ever.
            Class::Conflict | Class::Gone | Class::Ambiguous if attempts <= 2 => {
                (ItemVerdict::Waiting(error.reason, error.message.clone()), Some(now))
            }
            Class::Throttled { after: Some(after) } => {
                let delay =
                    SignedDuration::try_from(after).unwrap_or(SignedDuration::from_secs(LONGEST_DELAY));
                (ItemVerdict::Waiting(error.reason, error.message.clone()), now.checked_add(delay).ok())
            }
            _ => (ItemVerdict::Waiting(error.reason, error.message.clone()), Some(backoff(now, attempts))),
        };
        self.0.insert(item.clone(), Trouble { inputs, verdict, until, attempts });
    }

    /// A human must act, or time must pass.
    pub fn blocked(
        &mut self,
        item: &ItemKey,
        inputs: Digest,
        reason: Reason,
        message: String,
        until: Option<Timestamp>,
    ) {
        let verdict = ItemVerdict::Blocked(reason, message);
        self.0.insert(item.clone(), Trouble { inputs, verdict, until, attempts: 0 });
    }

    /// Whether it rests already for these inputs.
    pub fn is_resting(&self, item: &ItemKey, inputs: Digest, now: Timestamp) -> bool {
        self.0
            .get(item)
            .is_some_and(|trouble| trouble.inputs == inputs && trouble.until.is_none_or(|until| until > now))
    }

    /// Items whose last step failed with these inputs, whether they rest or are tried again.
    pub fn failing(&self, inputs: &dyn Fn(&ItemKey) -> Option<Digest>) -> BTreeSet<ItemKey> {
        let same = |(item, trouble): &(&ItemKey, &Trouble)| Some(trouble.inputs) == inputs(item);
        self.0.iter().filter(same).map(|(item, _)| item.clone()).collect()
    }

    /// It worked.
    pub fn settled(&mut self, item: &ItemKey) {
        self.0.remove(item);
    }

    /// Everything may be tried again: other credentials, another spec, a requested reconcile.
    pub fn forgive(&mut self) {
        self.0.clear();
    }

    /// Items that rest, given their inputs now.
    pub fn resting(&self, inputs: &dyn Fn(&ItemKey) -> Digest, now: Timestamp) -> BTreeMap<ItemKey, Trouble> {
        self.0
            .iter()
            .filter(|(item, trouble)| {
                trouble.inputs == inputs(item) && trouble.until.is_none_or(|until| until > now)
            })
            .map(|(item, trouble)| (item.clone(), trouble.clone()))
            .collect()
    }
}

/// 2 s, 4 s, … 5 min.
pub fn backoff(now: Timestamp, attempts: u32) -> Timestamp {
    let seconds = FIRST_DELAY.saturating_pow(attempts.min(10)).min(LONGEST_DELAY);
    now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}
