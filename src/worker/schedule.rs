//! What to look at next, and when to wake up. Pure.
//!
//! Lanes: open sequences > releases > interactive > new targets > drift; drift keeps a tenth of every slice so that
//! nothing starves.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use super::{compile::Stakes, operations::suspect_read};
use crate::model::{
    Digest, Digester, ItemKey,
    memory::{ItemRecord, Memory},
};

/// Why an item is looked at; the order is the priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// A sequence is open on it: an intent, a task, an undeployed change.
    Open,
    /// It is being let go of.
    Release,
    /// Known, and its desired state changed.
    Interactive,
    /// Never seen before.
    New,
    /// In step when last read, and that is a while ago.
    Drift,
}

/// What is due and when the next thing will be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Due {
    /// Items by lane, sorted.
    pub items: BTreeMap<ItemKey, Lane>,
    /// When the next item becomes due, if none is now.
    pub next: Option<Timestamp>,
}

/// What due-ness depends on.
pub struct Situation<'a> {
    /// Who holds what.
    pub stakes: &'a Stakes,
    /// What is remembered.
    pub memory: &'a Memory,
    /// Items being let go of.
    pub releasing: &'a BTreeSet<ItemKey>,
    /// Items that rest until then (`None`: until their inputs change).
    pub resting: &'a BTreeMap<ItemKey, Option<Timestamp>>,
    /// `drift.interval`.
    pub interval: Duration,
    /// To be looked at now, because somebody asked.
    pub asked: &'a BTreeSet<&'a ItemKey>,
    /// Digests.
    pub digester: &'a Digester,
    /// Now.
    pub now: Timestamp,
}

/// Which items are due.
pub fn due(s: &Situation<'_>) -> Due {
    let mut due = Due::default();
    let candidates: BTreeSet<&ItemKey> =
        s.stakes.items().filter(|item| s.stakes.is_pushed(item)).chain(s.releasing).collect();
    for item in candidates {
        match when(s, item) {
            When::Now(lane) => drop(due.items.insert(item.clone(), lane)),
            When::At(at) => due.next = Some(due.next.map_or(at, |next| next.min(at))),
            When::Never => {}
        }
    }
    due
}

enum When {
    Now(Lane),
    At(Timestamp),
    Never,
}

fn when(s: &Situation<'_>, item: &ItemKey) -> When {
    if s.asked.contains(item) && !s.releasing.contains(item) {
        return When::Now(Lane::Interactive);
    }
    match s.resting.get(item) {
        Some(Some(until)) if *until > s.now => return resting(s, item, *until),
        Some(None) => return drift_only(s, item),
        _ => {}
    }
    let record = s.memory.items.get(item);
    if s.releasing.contains(item) {
        return When::Now(Lane::Release);
    }
    if let Some(at) = poll_at(s, item, record) {
        return if at <= s.now { When::Now(Lane::Open) } else { When::At(at) };
    }
    let Some(observed) = record.and_then(|r| r.observed.as_ref()) else { return When::Now(Lane::New) };
    if observed.proves != Some(s.stakes.inputs(item, s.digester)) {
        return When::Now(Lane::Interactive);
    }
    // Something was written and not yet seen deployed: what was read before that proves nothing (R18).
    if s.memory.deploy.ours_since.is_some_and(|since| observed.at <= since) {
        return When::Now(Lane::Open);
    }
    stale(s, item, observed.at, record)
}

/// It rests; but a suspect document may come right by itself, as a task thought lost ends after all (R20).
fn resting(s: &Situation<'_>, item: &ItemKey, until: Timestamp) -> When {
    let record = s.memory.items.get(item);
    let suspect = record.and_then(|r| suspect_read(r, r.observed.as_ref()?.at, s.now));
    match suspect.filter(|at| *at < until) {
        Some(at) if at <= s.now => When::Now(Lane::Drift),
        Some(at) => When::At(at),
        None => When::At(until),
    }
}

/// A blocked item is still read for drift, so that its status stays true.
fn drift_only(s: &Situation<'_>, item: &ItemKey) -> When {
    let record = s.memory.items.get(item);
    match record.and_then(|r| r.observed.as_ref()) {
        Some(observed) => stale(s, item, observed.at, record),
        None => When::Never,
    }
}

fn stale(s: &Situation<'_>, item: &ItemKey, read: Timestamp, record: Option<&ItemRecord>) -> When {
    let at = later(read, jittered(s.interval, s.digester.bytes(item.0.as_bytes())));
    let at = record.and_then(|r| suspect_read(r, read, s.now)).map_or(at, |suspect| suspect.min(at));
    if at <= s.now { When::Now(Lane::Drift) } else { When::At(at) }
}

/// When an item with an open task is read next: 1 s after it was started, then at twice its age, at most a minute apart.
fn poll_at(s: &Situation<'_>, item: &ItemKey, record: Option<&ItemRecord>) -> Option<Timestamp> {
    let (_, task) = s.memory.operation_on(item)?;
    let read = record.and_then(|r| r.observed.as_ref()).map_or(task.since, |o| o.at.max(task.since));
    let age = read.duration_since(task.since).as_secs().clamp(1, 60);
    Some(later(read, Duration::from_secs(age.unsigned_abs())))
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| at.checked_add(by).ok()).unwrap_or(Timestamp::MAX)
}

/// The interval less up to a tenth, the same tenth for the same item: reads spread out by themselves.
pub fn jittered(interval: Duration, seed: Digest) -> Duration {
    let tenth = u32::try_from(seed.0 % 100).unwrap_or_default();
    interval.saturating_sub(interval * tenth / 1000)
}

/// Cuts a slice of at most `size` items, lanes in order, a tenth of it kept for drift; releases, which may wait for
/// something for long, leave half of it to what is wanted. Items of one customer are neighbours by key, so a slice keeps
/// them together.
pub fn slice(due: &Due, size: usize) -> BTreeSet<ItemKey> {
    let of = |wanted: &dyn Fn(Lane) -> bool| -> Vec<&ItemKey> {
        let mut items: Vec<_> = due.items.iter().filter(|(_, lane)| wanted(**lane)).collect();
        items.sort_by_key(|(item, lane)| (**lane, (*item).clone()));
        items.into_iter().map(|(item, _)| item).collect()
    };
    let drift = of(&|lane| lane == Lane::Drift);
    let releases = of(&|lane| lane == Lane::Release);
    let others = of(&|lane| lane != Lane::Drift && lane != Lane::Release);
    let room = size - drift.len().min(size / 10);
    let for_releases = releases.len().min((room / 2).max(room.saturating_sub(others.len())));
    let for_others = others.len().min(room - for_releases);
    let for_drift = size - for_releases - for_others;
    let chosen = others.into_iter().take(for_others).chain(releases.into_iter().take(for_releases));
    chosen.chain(drift.into_iter().take(for_drift)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(lanes: &[(Lane, usize)]) -> Due {
        let items = lanes.iter().flat_map(|(lane, count)| {
            (0..*count).map(move |n| (ItemKey(format!("{lane:?}{n:04}").into()), *lane))
        });
        Due { items: items.collect(), next: None }
    }

    fn counts(due: &Due) -> [usize; 5] {
        let slice = slice(due, 100);
        let count = |lane| slice.iter().filter(|item| due.items.get(*item) == Some(&lane)).count();
        [Lane::Open, Lane::Release, Lane::Interactive, Lane::New, Lane::Drift].map(count)
    }

    #[test]
    fn no_lane_starves() {
        use Lane::{Drift, Interactive, New, Open, Release};
        let cases: [(&[(Lane, usize)], [usize; 5], &str); 7] = [
            (&[(Drift, 500)], [0, 0, 0, 0, 100], "only drift: all of it"),
            (&[(Release, 500)], [0, 100, 0, 0, 0], "only releases: all of it"),
            (&[(New, 500)], [0, 0, 0, 100, 0], "only new ones: all of it"),
            (&[(Release, 500), (Interactive, 500)], [0, 50, 50, 0, 0], "waiting releases leave half"),
            (&[(Release, 500), (Interactive, 3)], [0, 97, 3, 0, 0], "what is not needed goes to releases"),
            (&[(Open, 500), (Release, 500), (Drift, 500)], [45, 45, 0, 0, 10], "a tenth for drift"),
            (&[(Open, 20), (Interactive, 20), (New, 500), (Drift, 2)], [20, 0, 20, 58, 2], "lanes in order"),
        ];
        for (lanes, expected, reason) in cases {
            assert_eq!(counts(&due(lanes)), expected, "{reason}");
        }
    }
}
