//! What the cluster holds, as far as the next write depends on it.

use std::{collections::BTreeSet, time::Duration};

use super::{Now, Queue};
use crate::{
    api::{ConditionStatus, ConditionType},
    model::{ObjectName, Uid},
    report::{
        aggregate::Said,
        memo::{Brief, Memo},
        writer::object::Key,
    },
};

/// Which finalizers an object bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report::writer) struct Pins {
    pub ours: bool,
    pub others: bool,
}

/// An object as the watch last showed it, or as we last wrote it.
#[derive(Debug, Clone)]
pub(in crate::report::writer) struct Seen {
    pub uid: Uid,
    /// `metadata.resourceVersion` as a number; 0 where it is none.
    pub version: u64,
    pub pins: Option<Pins>,
    pub memo: Option<Memo>,
}

/// What an observation means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observed {
    /// Nothing new: what we wrote, or older than that.
    Known,
    /// An object not seen before.
    New,
    /// Somebody else wrote the status: report the object again, so that it says the truth again.
    Foreign,
}

pub(super) struct Entry {
    pub seen: Seen,
    /// When this process last wrote the status.
    pub written: Option<Duration>,
    /// Version at which this process last wrote a finalizer: older sights of them do not count.
    pub pinned: u64,
}

impl Queue {
    /// Takes in what the watch shows.
    pub fn observed(&mut self, key: &Key, mut seen: Seen, now: Now) -> Observed {
        let before = self.entries.get(key).filter(|entry| entry.seen.uid == seen.uid);
        let verdict = match before {
            None => Observed::New,
            Some(entry) if seen.version != 0 && seen.version <= entry.seen.version => return Observed::Known,
            Some(entry) if same(entry.seen.memo.as_ref(), seen.memo.as_ref()) => Observed::Known,
            Some(_) if self.has_arrived(key, seen.memo.as_ref()) => Observed::Known,
            Some(_) => Observed::Foreign,
        };
        let (written, pinned) = before.map_or((None, 0), |entry| (entry.written, entry.pinned));
        if let Some(entry) = before.filter(|_| seen.version < pinned) {
            seen.pins = entry.seen.pins;
        }
        if self.has_arrived(key, seen.memo.as_ref())
            && let Some(job) = self.jobs.get_mut(key)
        {
            job.perhaps = None;
        }
        self.put(key, Entry { seen, written, pinned });
        self.settle(key, now);
        verdict
    }

    /// Whether this is the status that was sent and has no answer yet.
    fn has_arrived(&self, key: &Key, seen: Option<&Memo>) -> bool {
        let sent = self.jobs.get(key).and_then(|job| job.perhaps.as_ref());
        sent.is_some_and(|sent| seen.is_some_and(|seen| seen.same(sent)))
    }

    /// The object is gone.
    pub fn forget(&mut self, key: &Key) {
        if let Some(entry) = self.entries.remove(key) {
            self.count_conditions(key, entry.seen.memo.as_ref(), -1);
            self.note(key);
        }
        self.end(key);
    }

    /// What the status of an assignment says.
    pub fn said(&self, name: &ObjectName) -> Option<Said> {
        let entry = self.entries.get(&Key::Assignment(name.clone()))?;
        entry.seen.memo.as_ref().map(Said::from)
    }

    /// Whether [`Queue::take_changed`] has something to give.
    pub fn has_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Assignments whose status says something else since this was last asked.
    pub fn take_changed(&mut self) -> BTreeSet<ObjectName> {
        std::mem::take(&mut self.changed)
    }

    /// Finalizers of an object, if they are known.
    pub(super) fn pins(&self, key: &Key, uid: &Uid) -> Option<Pins> {
        self.entries.get(key).filter(|entry| entry.seen.uid == *uid).and_then(|entry| entry.seen.pins)
    }

    /// We wrote a status.
    pub(super) fn wrote(&mut self, key: &Key, uid: &Uid, version: u64, memo: Memo, at: Duration) {
        let pins = self.pins(key, uid);
        let pinned = self.entries.get(key).map_or(0, |entry| entry.pinned);
        let seen = Seen { uid: uid.clone(), version, pins, memo: Some(memo) };
        self.put(key, Entry { seen, written: Some(at), pinned });
    }

    /// We wrote a finalizer.
    pub(super) fn pinned(&mut self, key: &Key, uid: &Uid, version: u64, pins: Option<Pins>) {
        if let Some(entry) = self.entries.get_mut(key).filter(|entry| entry.seen.uid == *uid) {
            entry.seen.pins = pins;
            entry.pinned = version;
        }
    }

    fn put(&mut self, key: &Key, entry: Entry) {
        self.count_conditions(key, entry.seen.memo.as_ref(), 1);
        let after = entry.seen.memo.as_ref().map(Said::from);
        let before = self.entries.insert(key.clone(), Box::new(entry)).and_then(|entry| entry.seen.memo);
        self.count_conditions(key, before.as_ref(), -1);
        if before.as_ref().map(Said::from) != after {
            self.note(key);
        }
    }

    fn note(&mut self, key: &Key) {
        if let Key::Assignment(name) = key {
            self.changed.insert(name.clone());
        }
    }

    fn count_conditions(&self, key: &Key, memo: Option<&Memo>, by: i64) {
        for condition in memo.map(Memo::conditions).unwrap_or_default() {
            if condition.type_ == ConditionType::Ready || condition.type_.only_while_true() {
                self.metrics.objects(key.kind(), condition.type_, condition.status, by);
            }
            if is_abnormal(*condition) {
                self.metrics.abnormal(key.kind(), condition.type_, condition.reason, by);
            }
        }
    }
}

/// Whether a condition says that something is wrong. A fact that is Unknown is no more than not known.
fn is_abnormal(condition: Brief) -> bool {
    match condition.type_ {
        ConditionType::Ready => condition.status != ConditionStatus::True,
        type_ if type_.only_while_true() => condition.status == ConditionStatus::True,
        _ => condition.status == ConditionStatus::False,
    }
}

fn same(a: Option<&Memo>, b: Option<&Memo>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.same(b),
        (None, None) => true,
        _ => false,
    }
}
