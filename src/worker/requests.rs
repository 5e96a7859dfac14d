//! Annotation `ordain.dev/reconcile-requested-at`: each new value is taken up once, and handled once a look has come to
//! rest after it.
//!
//! Taking up means: what rests is tried again and Secrets are read anew, at once but not again and again while the work
//! that follows takes several rounds.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::Worker;
use crate::{
    index::Desired,
    model::{
        ItemKey,
        memory::{OperationRecord, Write},
    },
    store::StoreError,
};

/// Requests by the object they stand on.
#[derive(Debug, Default)]
pub struct Requests {
    /// Value and monotonic time.
    taken_up: BTreeMap<String, (String, Duration)>,
    handled: BTreeMap<String, String>,
}

impl Requests {
    /// A value that is not handled yet.
    pub fn is_open(&self, who: &str, requested: Option<&str>) -> bool {
        requested.is_some_and(|value| self.handled.get(who).map(String::as_str) != Some(value))
    }

    /// Takes an open value up; true the first time.
    pub fn take_up(&mut self, who: &str, requested: Option<&str>, now: Duration) -> bool {
        let Some(value) = requested.filter(|_| self.is_open(who, requested)) else { return false };
        let new = self.taken_up.get(who).is_none_or(|(taken, _)| taken != value);
        if new {
            self.taken_up.insert(who.to_owned(), (value.to_owned(), now));
        }
        new
    }

    /// Since when an open value is at work (monotonic); what was read before must be read anew.
    pub fn since(&self, who: &str, requested: Option<&str>) -> Option<Duration> {
        let taken = self.taken_up.get(who).filter(|(value, _)| requested == Some(value));
        taken.filter(|_| self.is_open(who, requested)).map(|(_, at)| *at)
    }

    /// The value handled last, for `status.lastHandledReconcileAt`.
    pub fn handled(&self, who: &str) -> Option<&String> {
        self.handled.get(who)
    }

    fn finish(&mut self, who: String, requested: Option<&String>) {
        if let Some(value) = requested {
            self.taken_up.remove(&who);
            self.handled.insert(who, value.clone());
        }
    }
}

impl Worker {
    /// Takes up what was asked for since; true if it was asked of the Backend. What is asked for may be tried once more,
    /// also what a human was to look at first: a Backend's request means everything of it, an assignment's its own items.
    pub(super) fn take_up_requests(&mut self, desired: &Desired) -> Result<bool, StoreError> {
        let now = self.house.clock.monotonic();
        let of_account =
            self.requests.take_up(&self.id.to_string(), desired.backend.requested_at.as_deref(), now);
        let mut new = Vec::new();
        for view in desired.assignments.values().filter(|view| view.requested_at.is_some()) {
            if self.requests.take_up(&view.name.to_string(), view.requested_at.as_deref(), now) {
                new.push(view.name.clone());
            }
        }
        if !of_account && new.is_empty() {
            return Ok(false);
        }
        let items: BTreeSet<ItemKey> = new
            .iter()
            .filter_map(|name| self.stakes.get(name))
            .flat_map(|kept| kept.items.iter().map(|(item, _)| item.clone()))
            .collect();
        self.pace.touch(new);
        if of_account {
            self.troubles.forgive();
        } else {
            items.iter().for_each(|item| self.troubles.settled(item));
        }
        let asked = |task: &OperationRecord| of_account || task.items.keys().any(|item| items.contains(item));
        let closed = self.memory.operations.iter().filter(|(_, task)| !task.state.is_open() && asked(task));
        self.commit(closed.map(|(id, _)| Write::Operation(id.clone(), None)).collect())?;
        Ok(of_account)
    }

    /// Everything asked for so far has been looked at.
    pub(super) fn finish_requests(&mut self, desired: &Desired) {
        self.requests.finish(self.id.to_string(), desired.backend.requested_at.as_ref());
        for view in desired.assignments.values() {
            self.requests.finish(view.name.to_string(), view.requested_at.as_ref());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_value_is_taken_up_once_and_handled_once() {
        let mut requests = Requests::default();
        assert!(!requests.take_up("a", None, SECOND), "nothing asked");
        assert!(requests.take_up("a", Some("1"), SECOND), "new");
        assert!(!requests.take_up("a", Some("1"), 2 * SECOND), "the same, still at work");
        assert!(requests.is_open("a", Some("1")));
        requests.finish("a".into(), Some(&"1".into()));
        assert!(!requests.is_open("a", Some("1")), "handled");
        assert!(!requests.take_up("a", Some("1"), 3 * SECOND), "handled");
        assert!(requests.take_up("a", Some("2"), 4 * SECOND), "another value");
        assert_eq!(requests.handled("a").map(String::as_str), Some("1"));
    }

    #[test]
    fn a_value_is_at_work_from_taking_up_to_handling() {
        let mut requests = Requests::default();
        assert_eq!(requests.since("a", Some("1")), None, "not taken up yet");
        requests.take_up("a", Some("1"), 2 * SECOND);
        assert_eq!(requests.since("a", Some("1")), Some(2 * SECOND));
        assert_eq!(requests.since("a", Some("2")), None, "another value is not taken up yet");
        requests.finish("a".into(), Some(&"1".into()));
        assert_eq!(requests.since("a", Some("1")), None, "handled");
    }
}
