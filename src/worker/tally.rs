//! R2 over slices: everything that changed is read, and what it would remove is counted, before anything of it is removed.
//!
//! ```text
//! changed ─▶ read: counted, its removals wait ─▶ all that changed is read: the guard judges the sum
//!    ├─ within the limit, or approved ─▶ cleared: each goes when its slice comes again, and is counted until it went
//!    └─ held ─▶ rests for a drift interval; judged again whenever the sum, the limit or the approval changes
//! ```
//!
//! What drifts is not waited for, since drift comes all the time, nor what cannot be read now: both are judged when they
//! are read, together with what went within the window.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::schedule::{Due, Lane};
use crate::{
    model::{Digest, ItemKey},
    plan::guard::Verdict,
};

/// What was read of one item.
#[derive(Debug, Clone, Copy)]
pub struct Counted {
    /// Removals it is about.
    pub removals: u32,
    /// What was wanted of it then.
    pub inputs: Digest,
    /// Whether something of it was to be let go of.
    pub released: bool,
    /// When it was read.
    pub at: Timestamp,
    /// Nothing else is to be done with it: it is not looked at again before the whole is judged.
    pub rests: bool,
}

/// What is known of the sum.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Phase {
    #[default]
    Counting,
    Held,
    Cleared,
}

/// Items read and not yet done with.
#[derive(Debug, Default)]
pub struct Tally {
    items: BTreeMap<ItemKey, Counted>,
    phase: Phase,
}

impl Tally {
    /// Whether looking at the item again leads nowhere yet. What is held is read anew if it was read before `oldest`.
    pub fn rests(&self, item: &ItemKey, oldest: Timestamp) -> bool {
        self.items.get(item).is_some_and(|counted| match self.phase {
            Phase::Counting => counted.rests,
            Phase::Held => counted.rests && counted.at > oldest,
            Phase::Cleared => false,
        })
    }

    /// What rests.
    pub fn waiting(&self) -> impl Iterator<Item = &ItemKey> {
        let resting = self.items.iter().filter(|(_, counted)| counted.rests);
        resting.filter(|_| self.phase != Phase::Cleared).map(|(item, _)| item)
    }

    /// Whether this rests.
    pub fn is_waiting(&self, item: &ItemKey) -> bool {
        self.phase != Phase::Cleared && self.items.get(item).is_some_and(|counted| counted.rests)
    }

    /// Whether the sum is known, and not allowed.
    pub fn is_held(&self) -> bool {
        self.phase == Phase::Held
    }

    /// Whether the item is due because something else is wanted of it, and was not read since.
    pub fn is_unread(&self, item: &ItemKey, lane: Lane) -> bool {
        matches!(lane, Lane::Release | Lane::Interactive | Lane::New) && !self.items.contains_key(item)
    }

    /// Whether with these items everything is read whose desired state changed.
    pub fn is_whole_with(&self, round: &BTreeSet<ItemKey>, due: &Due) -> bool {
        !due.items.iter().any(|(item, lane)| !round.contains(item) && self.is_unread(item, *lane))
    }

    /// Whether what waits to be judged waits for nothing any more: what was unread is not wanted now, or cannot be read.
    pub fn waits_for_nothing(&self, due: &Due) -> bool {
        let unread = due.items.iter().any(|(item, lane)| self.is_unread(item, *lane));
        self.phase == Phase::Counting && !unread && self.waiting().next().is_some()
    }

    /// Removals counted on items other than these.
    pub fn elsewhere(&self, here: &BTreeMap<ItemKey, u32>) -> u32 {
        let others = self.items.iter().filter(|(item, _)| !here.contains_key(*item));
        others.map(|(_, counted)| counted.removals).fold(0, u32::saturating_add)
    }

    /// Removals counted on this item.
    pub fn removals(&self, item: &ItemKey) -> u32 {
        self.items.get(item).map_or(0, |counted| counted.removals)
    }

    /// Everything counted.
    pub fn sum(&self) -> u32 {
        self.elsewhere(&BTreeMap::new())
    }

    /// What was read, and what the guard says of the sum with it.
    pub fn judged(&mut self, verdict: &Verdict, read: impl IntoIterator<Item = (ItemKey, Counted)>) {
        self.items.extend(read);
        self.phase = match verdict {
            Verdict::Counting => Phase::Counting,
            Verdict::Held { .. } => Phase::Held,
            Verdict::Pass | Verdict::Approved(_) => Phase::Cleared,
        };
    }

    /// Their removals are journalled: they count as executed from here on.
    pub fn executed(&mut self, items: &[ItemKey]) {
        for item in items {
            if let Some(counted) = self.items.get_mut(item) {
                counted.removals = 0;
            }
        }
    }

    /// Forgets what is no longer so.
    pub fn retain(&mut self, still: impl Fn(&ItemKey, &Counted) -> bool) {
        self.items.retain(|item, counted| still(item, counted));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{ExternalId, memory::RemovalRecord},
        plan::{
            Change, ChangeKind, Plan, Stage,
            guard::{self, Limits},
        },
    };

    fn key(name: &str) -> ItemKey {
        ItemKey(name.into())
    }

    fn counted(removals: u32) -> Counted {
        Counted {
            removals,
            inputs: Digest(1),
            released: false,
            at: Timestamp::UNIX_EPOCH,
            rests: removals > 0,
        }
    }

    #[test]
    fn it_is_whole_once_everything_that_changed_was_read() {
        use Lane::{Drift, Interactive, New, Open, Release};
        let cases: [(&[(&str, Lane)], bool, &str); 6] = [
            (&[], true, "nothing is due"),
            (&[("here", Release), ("read", New)], true, "read now, or before"),
            (&[("other", Release)], false, "a release was not read"),
            (&[("here", Release), ("other", Interactive)], false, "nor an edit"),
            (&[("other", New)], false, "nor something new"),
            (&[("other", Drift), ("another", Open)], true, "what comes all the time, and what was counted"),
        ];
        let mut tally = Tally::default();
        tally.judged(&Verdict::Counting, [(key("read"), counted(1))]);
        let round = [key("here")].into();
        for (items, expected, reason) in cases {
            let items = items.iter().map(|(name, lane)| (key(name), *lane)).collect();
            assert_eq!(tally.is_whole_with(&round, &Due { items, next: None }), expected, "{reason}");
        }
    }

    #[test]
    fn what_is_cleared_counts_until_it_went_and_waits_again_with_what_comes_after() {
        let (mut tally, early) = (Tally::default(), Timestamp::MIN);
        let all = [(key("a"), counted(2)), (key("b"), counted(3)), (key("c"), counted(0))];
        tally.judged(&Verdict::Counting, all);
        assert!(
            tally.rests(&key("a"), early) && !tally.rests(&key("c"), early),
            "nothing else to do, or something"
        );
        assert_eq!(tally.elsewhere(&[(key("b"), 3)].into()), 2);
        tally.judged(&Verdict::Pass, []);
        assert!(!tally.rests(&key("a"), early));
        assert_eq!(tally.sum(), 5, "nothing has gone yet");
        tally.executed(&[key("a")]);
        assert_eq!(tally.sum(), 3);
        tally.judged(&Verdict::Counting, [(key("d"), counted(4))]);
        assert!(tally.rests(&key("b"), early), "the sum is another: all of it waits");
        assert_eq!(tally.sum(), 7);
        tally.judged(&Verdict::Held { outstanding: 7, executed: 2, limit: 1 }, []);
        assert!(
            tally.rests(&key("b"), early) && !tally.rests(&key("b"), Timestamp::UNIX_EPOCH),
            "it is read anew"
        );
    }

    /// Plays rounds over so many objects that are to go until nothing is due, each round cut off after `cut` removals;
    /// returns how many went.
    fn play(objects: usize, slice: usize, cut: usize, limit: u32) -> u32 {
        let mut left: BTreeSet<ItemKey> = (0..objects).map(|n| key(&format!("{n:03}"))).collect();
        let (mut tally, mut executed) = (Tally::default(), 0);
        for _ in 0..objects * (objects + 4) {
            let items = left.iter().filter(|item| !tally.rests(item, Timestamp::MIN));
            let due = Due { items: items.map(|item| (item.clone(), Lane::Release)).collect(), next: None };
            let unread =
                due.items.iter().filter(|(item, lane)| tally.is_unread(item, **lane)).map(|(item, _)| item);
            let read = due.items.keys().filter(|item| !tally.is_unread(item, Lane::Release));
            let round: BTreeSet<ItemKey> = unread.chain(read).take(slice).cloned().collect();
            let here: BTreeMap<ItemKey, u32> = round.iter().map(|item| (item.clone(), 1)).collect();
            let limits = Limits {
                max_removals: limit,
                whole: tally.is_whole_with(&round, &due),
                window: std::time::Duration::from_hours(1),
                executed: &[RemovalRecord { at: Timestamp::UNIX_EPOCH, count: executed, approved: 0 }],
                approval: None,
                taken: None,
                now: Timestamp::UNIX_EPOCH,
            };
            let outstanding = tally.elsewhere(&here) + here.values().sum::<u32>();
            let (plan, verdict) =
                guard::judge(Plan::draft(round.iter().map(doomed).collect()), outstanding, &limits);
            tally.judged(&verdict, here.iter().map(|(item, count)| (item.clone(), counted(*count))));
            let gone: Vec<ItemKey> = plan
                .changes
                .iter()
                .filter(|change| !change.held)
                .take(cut)
                .map(|change| change.item.clone())
                .collect();
            executed += u32::try_from(gone.len()).unwrap_or(u32::MAX);
            tally.executed(&gone);
            left.retain(|item| !gone.contains(item));
        }
        executed
    }

    fn doomed(item: &ItemKey) -> Change {
        let kind = ChangeKind::Retire {
            id: ExternalId(item.0.clone()),
            observed: Box::default(),
            stage: Stage::SwitchOff,
            counted: false,
        };
        Change { item: item.clone(), assignments: BTreeSet::new(), kind, why: String::new(), held: false }
    }

    proptest::proptest! {
        /// R2: however a plan is cut into slices and interrupted, all of it goes or nothing does.
        #[test]
        fn all_of_a_plan_goes_or_nothing(
            objects in 1usize..40, slice in 1usize..12, cut in 1usize..12, limit in 0u32..60,
        ) {
            let total = u32::try_from(objects).unwrap_or(u32::MAX);
            let expected = if total <= limit { total } else { 0 };
            proptest::prop_assert_eq!(play(objects, slice, cut, limit), expected);
        }
    }
}
