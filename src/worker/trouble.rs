//! What must rest, and for how long: items after a failure, effects that are accepted and do not stay, a refused deploy.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::{
    api::conditions::Reason,
    drivers::{Class, DriverError},
    model::{Digest, ItemKey},
    plan::{ItemVerdict, deploy::Refused},
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
    /// Something was accepted and not looked at since: it is read once more before it rests.
    unseen: bool,
    attempts: u32,
}

/// How often each kind of effect was accepted by the system for an item that has not been found settled since.
#[derive(Debug, Clone)]
struct Accepted {
    inputs: Digest,
    times: BTreeMap<&'static str, u32>,
}

/// Failures, in memory only: after a restart everything may be tried once more.
#[derive(Debug, Default)]
pub struct Troubles {
    items: BTreeMap<ItemKey, Trouble>,
    accepted: BTreeMap<ItemKey, Accepted>,
    /// With the refusals in a row.
    deploy: Option<(Refused, u32)>,
}

const FIRST_DELAY: i64 = 2;
const LONGEST_DELAY: i64 = 300;
/// An effect accepted this often without being seen is for a human to look at. The pauses before add up to a minute, in
/// which a list may lag (F22).
const NOT_STICKING: u32 = 6;

impl Troubles {
    /// A step on this item failed.
    pub fn failed(&mut self, item: &ItemKey, inputs: Digest, error: &DriverError, now: Timestamp) {
        let before = self.items.get(item).filter(|t| t.inputs == inputs).map_or(0, |t| t.attempts);
        let attempts = before + 1;
        let (verdict, until) = match error.class {
            // A permission may be granted at any time, and nothing here tells of it.
            Class::Rejected if error.reason == Reason::Forbidden => {
                let until = now.checked_add(SignedDuration::from_mins(10)).ok();
                (ItemVerdict::Blocked(error.reason, error.message.clone()), until)
            }
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
        self.items.insert(item.clone(), Trouble { inputs, verdict, until, unseen: false, attempts });
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
        self.items.insert(item.clone(), Trouble { inputs, verdict, until, unseen: false, attempts: 0 });
    }

    /// Whether it rests already for these inputs.
    pub fn is_resting(&self, item: &ItemKey, inputs: Digest, now: Timestamp) -> bool {
        self.items
            .get(item)
            .is_some_and(|trouble| trouble.inputs == inputs && trouble.until.is_none_or(|until| until > now))
    }

    /// Whether what is known to be wrong with it is wrong with something else than these inputs.
    pub fn is_of_other_inputs(&self, item: &ItemKey, inputs: Digest) -> bool {
        self.items.get(item).is_some_and(|trouble| trouble.inputs != inputs)
    }

    /// It was read.
    pub fn was_read(&mut self, item: &ItemKey) {
        if let Some(trouble) = self.items.get_mut(item) {
            trouble.unseen = false;
        }
    }

    /// Until when an item rests, if time alone ends it.
    pub fn until(&self, item: &ItemKey) -> Option<Timestamp> {
        self.items.get(item)?.until
    }

    /// Items whose last step failed with these inputs, whether they rest or are tried again.
    pub fn failing(&self, inputs: &dyn Fn(&ItemKey) -> Option<Digest>) -> BTreeSet<ItemKey> {
        let same = |(item, trouble): &(&ItemKey, &Trouble)| Some(trouble.inputs) == inputs(item);
        self.items.iter().filter(same).map(|(item, _)| item.clone()).collect()
    }

    /// A step on it worked.
    pub fn step_worked(&mut self, item: &ItemKey) {
        self.items.remove(item);
    }

    /// It stands where it should, if not yet deployed: others that come may move it again. What else was accepted counts
    /// until it is deployed, for a deploy may undo it.
    pub fn is_in_place(&mut self, item: &ItemKey) {
        if let Some(accepted) = self.accepted.get_mut(item) {
            accepted.times.remove("reorder");
        }
    }

    /// It was read as it should be, or may be tried afresh.
    pub fn came_right(&mut self, item: &ItemKey) {
        self.items.remove(item);
        self.accepted.remove(item);
    }

    /// The system accepted a switch, a place, a removal or a former value. What it accepts again and again without
    /// showing it rests, so that a console that ignores us is not called without a pause.
    ///
    /// Content is counted in the item's record, over restarts (`SentRecord`).
    pub fn effect_accepted(&mut self, item: &ItemKey, inputs: Digest, effect: &'static str, now: Timestamp) {
        let afresh = Accepted { inputs, times: BTreeMap::new() };
        let before = self.accepted.entry(item.clone()).or_insert_with(|| afresh.clone());
        if before.inputs != inputs {
            *before = afresh;
        }
        let times = before.times.entry(effect).or_default();
        *times = times.saturating_add(1);
        let times = *times;
        if times < 2 {
            return;
        }
        let (verdict, until) = if times < NOT_STICKING {
            let message = format!("the system took \"{effect}\" and does not show it yet");
            (ItemVerdict::Waiting(Reason::Verifying, message), backoff(now, times))
        } else {
            let message = format!(
                "the system accepted \"{effect}\" {NOT_STICKING} times and still shows the former state; it is tried \
                 again every 5 minutes. Look at the object in the console for what undoes or ignores it"
            );
            (ItemVerdict::Blocked(Reason::WriteNotSticking, message), backoff(now, u32::MAX))
        };
        self.items
            .insert(item.clone(), Trouble { inputs, verdict, until: Some(until), unseen: true, attempts: 0 });
    }

    /// A deploy was refused, or its answer was lost.
    pub fn deploy_failed(&mut self, error: &DriverError, now: Timestamp) {
        let attempts = self.deploy.as_ref().map_or(0, |(_, attempts)| *attempts).saturating_add(1);
        let refused = Refused { why: error.message.clone(), until: backoff(now, attempts) };
        self.deploy = Some((refused, attempts));
    }

    /// A deploy was taken.
    pub fn deploy_worked(&mut self) {
        self.deploy = None;
    }

    /// The last deploy, if it was refused.
    pub fn refused_deploy(&self) -> Option<&Refused> {
        self.deploy.as_ref().map(|(refused, _)| refused)
    }

    /// Everything may be tried again: other credentials, another spec, a requested reconcile.
    pub fn forgive(&mut self) {
        *self = Self::default();
    }

    /// Until when items are left alone, given their inputs now; what was accepted and not looked at since is read first.
    pub fn left_alone(
        &self,
        inputs: &dyn Fn(&ItemKey) -> Digest,
        now: Timestamp,
    ) -> BTreeMap<ItemKey, Option<Timestamp>> {
        let seen = self.resting(inputs, now).into_iter().filter(|(_, trouble)| !trouble.unseen);
        seen.map(|(item, trouble)| (item, trouble.until)).collect()
    }

    /// Items that rest, given their inputs now.
    pub fn resting(&self, inputs: &dyn Fn(&ItemKey) -> Digest, now: Timestamp) -> BTreeMap<ItemKey, Trouble> {
        self.items
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn item() -> ItemKey {
        ItemKey("a/b/c".into())
    }

    /// What is said of the item, and for how long it rests from now.
    fn rests(troubles: &Troubles, inputs: u128, now: i64) -> Option<(Option<Reason>, i64)> {
        let trouble = troubles.resting(&|_| Digest(inputs), at(now)).remove(&item())?;
        let reason = match trouble.verdict {
            ItemVerdict::Blocked(reason, _) | ItemVerdict::Waiting(reason, _) => Some(reason),
            _ => None,
        };
        Some((reason, trouble.until?.duration_since(at(now)).as_secs()))
    }

    #[test]
    fn what_is_accepted_and_never_seen_rests_longer_and_longer() {
        let mut troubles = Troubles::default();
        troubles.effect_accepted(&item(), Digest(1), "enable", at(0));
        assert_eq!(rests(&troubles, 1, 0), None, "the next look shows whether it stays");
        troubles.effect_accepted(&item(), Digest(1), "enable", at(0));
        assert_eq!(rests(&troubles, 1, 0), Some((Some(Reason::Verifying), 4)), "a list may be stale");
        for (now, pause) in [(4, 8), (12, 16), (28, 32)] {
            troubles.effect_accepted(&item(), Digest(1), "enable", at(now));
            assert_eq!(rests(&troubles, 1, now), Some((Some(Reason::Verifying), pause)), "{now}");
        }
        troubles.effect_accepted(&item(), Digest(1), "enable", at(60));
        assert_eq!(rests(&troubles, 1, 60), Some((Some(Reason::WriteNotSticking), 300)), "for a human");
        troubles.step_worked(&item());
        troubles.effect_accepted(&item(), Digest(1), "enable", at(304));
        assert_eq!(rests(&troubles, 1, 304), Some((Some(Reason::WriteNotSticking), 300)), "still not");
        assert_eq!(rests(&troubles, 2, 304), None, "other inputs are tried at once");
    }

    #[test]
    fn each_effect_is_counted_by_itself_until_it_is_seen() {
        let mut troubles = Troubles::default();
        for effect in ["create", "reorder", "enable", "disable", "delete"] {
            troubles.effect_accepted(&item(), Digest(1), effect, at(0));
            assert_eq!(rests(&troubles, 1, 0), None, "{effect} is the next stage, not the same again");
        }
        for _ in 0..5 {
            troubles.effect_accepted(&item(), Digest(1), "enable", at(0));
            troubles.came_right(&item());
            troubles.effect_accepted(&item(), Digest(1), "reorder", at(0));
            troubles.is_in_place(&item());
        }
        assert_eq!(rests(&troubles, 1, 0), None, "each was seen");
    }

    #[test]
    fn a_refused_deploy_rests_longer_each_time() {
        let mut troubles = Troubles::default();
        let error = DriverError::new(Class::Transient, Reason::Applying, "busy");
        let mut pauses = Vec::new();
        for _ in 0..10 {
            troubles.deploy_failed(&error, at(0));
            pauses.push(troubles.refused_deploy().unwrap().until.duration_since(at(0)).as_secs());
        }
        assert_eq!(pauses, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        troubles.deploy_worked();
        assert_eq!(troubles.refused_deploy(), None);
    }
}
