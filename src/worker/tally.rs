//! R2 over slices: everything that changed is read, and what it would remove is counted, before anything of it is removed.
//!
//! ```text
//! changed ─▶ read: counted, its removals wait ─▶ all that changed is read: the guard judges the sum
//!    ├─ within the limit, or approved ─▶ cleared: each goes when its slice comes again
//!    └─ held ─▶ rests until the account is looked at anew
//! ```

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::schedule::{Due, Lane};
use crate::model::{Digest, ItemKey};

/// What was read of one item.
#[derive(Debug, Clone, Copy)]
pub struct Counted {
    /// Removals it is about.
    pub removals: u32,
    /// What was wanted of it then.
    pub inputs: Digest,
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
    /// Whether looking at the item again leads nowhere yet.
    pub fn rests(&self, item: &ItemKey) -> bool {
        self.phase != Phase::Cleared && self.items.get(item).is_some_and(|counted| counted.rests)
    }

    /// Whether anything rests.
    pub fn is_waiting(&self) -> bool {
        self.phase != Phase::Cleared && self.items.values().any(|counted| counted.rests)
    }

    /// Whether with these items everything is read whose desired state changed. Drift and sequences under way are not
    /// waited for: the former comes all the time, the latter is counted as executed.
    pub fn is_whole_with(&self, round: &BTreeSet<ItemKey>, due: &Due) -> bool {
        let changed = |lane: Lane| matches!(lane, Lane::Release | Lane::Interactive | Lane::New);
        let unread = |item: &ItemKey| !round.contains(item) && !self.items.contains_key(item);
        !due.items.iter().any(|(item, lane)| changed(*lane) && unread(item))
    }

    /// Removals counted on items other than these.
    pub fn elsewhere(&self, here: &BTreeMap<ItemKey, u32>) -> u32 {
        let others = self.items.iter().filter(|(item, _)| !here.contains_key(*item));
        others.map(|(_, counted)| counted.removals).fold(0, u32::saturating_add)
    }

    /// The sum is not known yet: what was read waits for the rest.
    pub fn count(&mut self, read: impl IntoIterator<Item = (ItemKey, Counted)>) {
        self.phase = Phase::Counting;
        self.items.extend(read);
    }

    /// The sum is not allowed.
    pub fn hold(&mut self, read: impl IntoIterator<Item = (ItemKey, Counted)>) {
        self.phase = Phase::Held;
        self.items.extend(read);
    }

    /// The whole may go: what was read here goes now and counts as executed, the rest when its turn comes.
    pub fn clear(&mut self, read: impl IntoIterator<Item = (ItemKey, Counted)>) {
        self.phase = Phase::Cleared;
        let gone = |(item, counted)| (item, Counted { removals: 0, rests: false, ..counted });
        self.items.extend(read.into_iter().map(gone));
    }

    /// Forgets what is no longer so.
    pub fn retain(&mut self, still: impl Fn(&ItemKey, &Counted) -> bool) {
        self.items.retain(|item, counted| still(item, counted));
    }

    /// The account came to rest: what is held is looked at again with whatever wakes it.
    pub fn came_to_rest(&mut self) {
        if self.phase == Phase::Held {
            *self = Self::default();
        }
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
        Counted { removals, inputs: Digest(1), at: Timestamp::UNIX_EPOCH, rests: removals > 0 }
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
        tally.count([(key("read"), counted(1))]);
        let round = [key("here")].into();
        for (items, expected, reason) in cases {
            let items = items.iter().map(|(name, lane)| (key(name), *lane)).collect();
            assert_eq!(tally.is_whole_with(&round, &Due { items, next: None }), expected, "{reason}");
        }
    }

    #[test]
    fn what_is_cleared_goes_and_what_comes_after_it_is_counted_with_what_is_left() {
        let mut tally = Tally::default();
        tally.count([(key("a"), counted(2)), (key("b"), counted(3)), (key("c"), counted(0))]);
        assert!(tally.rests(&key("a")) && !tally.rests(&key("c")), "only what has nothing else to do rests");
        assert_eq!(tally.elsewhere(&[(key("b"), 3)].into()), 2);
        tally.clear([(key("a"), counted(2))]);
        assert!(!tally.rests(&key("b")) && !tally.is_waiting());
        assert_eq!(tally.elsewhere(&BTreeMap::new()), 3, "b has not gone yet");
        tally.count([(key("d"), counted(4))]);
        assert!(tally.rests(&key("b")), "the sum is another: all of it waits");
        assert_eq!(tally.elsewhere(&BTreeMap::new()), 7);
    }

    /// Plays rounds over so many objects that are to go until nothing is due; returns how many went.
    fn play(objects: usize, slice: usize, limit: u32) -> u32 {
        let mut left: BTreeSet<ItemKey> = (0..objects).map(|n| key(&format!("{n:03}"))).collect();
        let (mut tally, mut executed) = (Tally::default(), 0);
        for _ in 0..4 * objects + 4 {
            let items = left.iter().filter(|item| !tally.rests(item));
            let due = Due { items: items.map(|item| (item.clone(), Lane::Release)).collect(), next: None };
            let round: BTreeSet<ItemKey> = due.items.keys().take(slice).cloned().collect();
            let here: BTreeMap<ItemKey, u32> = round.iter().map(|item| (item.clone(), 1)).collect();
            let limits = Limits {
                max_removals: limit,
                elsewhere: tally.elsewhere(&here),
                whole: tally.is_whole_with(&round, &due),
                window: std::time::Duration::from_hours(1),
                executed: &[RemovalRecord { at: Timestamp::UNIX_EPOCH, count: executed }],
                approval: None,
                taken: None,
                now: Timestamp::UNIX_EPOCH,
            };
            let (_, verdict) = guard::judge(Plan::draft(round.iter().map(doomed).collect()), &limits);
            let read = here.iter().map(|(item, count)| (item.clone(), counted(*count)));
            match verdict {
                guard::Verdict::Counting => tally.count(read),
                guard::Verdict::Held { .. } => tally.hold(read),
                guard::Verdict::Pass | guard::Verdict::Approved(_) => {
                    tally.clear(read);
                    executed += here.values().sum::<u32>();
                    left.retain(|item| !round.contains(item));
                }
            }
        }
        executed
    }

    fn doomed(item: &ItemKey) -> Change {
        let kind =
            ChangeKind::Retire { id: ExternalId(item.0.clone()), stage: Stage::SwitchOff, counted: false };
        Change { item: item.clone(), assignments: BTreeSet::new(), kind, why: String::new(), held: false }
    }

    proptest::proptest! {
        /// R2: however a plan is cut into slices, all of it goes or nothing does.
        #[test]
        fn all_of_a_plan_goes_or_nothing(objects in 1usize..60, slice in 1usize..12, limit in 0u32..80) {
            let total = u32::try_from(objects).unwrap_or(u32::MAX);
            let expected = if total <= limit { total } else { 0 };
            proptest::prop_assert_eq!(play(objects, slice, limit), expected);
        }
    }
}
