//! When a lease may be taken. Pure.

use std::time::Duration;

use super::{
    DURATION,
    record::{Record, Taker},
};

/// What a process that wants the lease has seen of it, by its own monotonic clock. Nobody's wall clock is believed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Contender {
    me: Taker,
    /// Nothing of this installation was ever there, so that a missing Lease is not a deleted one.
    first: bool,
    seen: Option<Seen>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Seen {
    /// `None`: no Lease.
    record: Option<Record>,
    since: Duration,
    /// Until it counts as expired.
    lasts: Duration,
}

/// What to do about the lease as it was just read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Write ourselves onto it, with the resourceVersion it was read with.
    Take(Why),
    /// Somebody may hold it.
    Wait,
}

/// Why it may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// There never was one.
    First,
    /// It was given back.
    GivenBack,
    /// It is ours: the answer to our own write was lost.
    Ours,
    /// Its holder held the lock that we hold now, on the same machine, and held it to its end: it is dead.
    HolderIsDead,
    /// Unchanged for as long as it lasts, by our own clock.
    Expired,
}

impl Contender {
    /// A contender that has seen nothing yet.
    pub fn new(me: Taker, first: bool) -> Self {
        Self { me, first, seen: None }
    }

    /// Decides about what was just read; `now` is taken after the answer came.
    pub fn look(&mut self, found: Option<&Record>, now: Duration) -> Verdict {
        if let Some(why) = self.free(found) {
            return Verdict::Take(why);
        }
        match &self.seen {
            Some(seen) if seen.record.as_ref() == found => {
                let expired = now.saturating_sub(seen.since) >= seen.lasts;
                if expired { Verdict::Take(Why::Expired) } else { Verdict::Wait }
            }
            before => {
                // A Lease that went away lasted as long as we saw it say, else as long as ours do.
                let known = before.as_ref().map_or(DURATION, |seen| seen.lasts);
                let lasts = found.map_or(known, |record| record.duration);
                self.seen = Some(Seen { record: found.cloned(), since: now, lasts });
                Verdict::Wait
            }
        }
    }

    fn free(&self, found: Option<&Record>) -> Option<Why> {
        let Some(record) = found else { return (self.first && self.seen.is_none()).then_some(Why::First) };
        if record.holder == self.me.identity {
            return Some(Why::Ours);
        }
        if record.is_given_back() {
            return Some(Why::GivenBack);
        }
        let dead = record.place.is_some() && record.place == self.me.place;
        dead.then_some(Why::HolderIsDead)
    }
}
