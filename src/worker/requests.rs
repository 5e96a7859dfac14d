//! Annotation `ordain.dev/reconcile-requested-at`: each new value is taken up once, and handled once a look has come to
//! rest after it.
//!
//! Taking up means: what rests is tried again and Secrets are read anew, at once but not again and again while the work
//! that follows takes several rounds.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{Worker, schedule::Due};
use crate::{
    index::Desired,
    model::{
        ItemKey, ObjectName,
        memory::{OperationRecord, Write},
    },
    plan::release::Release,
    store::StoreError,
};

/// Requests by the object they stand on.
#[derive(Debug, Default)]
pub struct Requests {
    taken_up: BTreeMap<String, TakenUp>,
    handled: BTreeMap<String, String>,
}

/// A request at work.
#[derive(Debug)]
struct TakenUp {
    value: String,
    /// Monotonic time.
    at: Duration,
    /// What it asks for and was not looked at since; `None`: not worked out yet.
    left: Option<BTreeSet<ItemKey>>,
}

impl Requests {
    /// With what was handled before the process began.
    pub fn new(handled: BTreeMap<String, String>) -> Self {
        Self { taken_up: BTreeMap::new(), handled }
    }

    /// A value that is not handled yet.
    pub fn is_open(&self, who: &str, requested: Option<&str>) -> bool {
        requested.is_some_and(|value| self.handled.get(who).map(String::as_str) != Some(value))
    }

    /// Takes an open value up; true the first time.
    pub fn take_up(&mut self, who: &str, requested: Option<&str>, now: Duration) -> bool {
        let Some(value) = requested.filter(|_| self.is_open(who, requested)) else { return false };
        let new = self.taken_up.get(who).is_none_or(|taken| taken.value != value);
        if new {
            self.taken_up.insert(who.to_owned(), TakenUp { value: value.to_owned(), at: now, left: None });
        }
        new
    }

    /// Since when an open value is at work (monotonic); what was read before must be read anew.
    pub fn since(&self, who: &str, requested: Option<&str>) -> Option<Duration> {
        let taken = self.taken_up.get(who).filter(|taken| requested == Some(&taken.value));
        taken.filter(|_| self.is_open(who, requested)).map(|taken| taken.at)
    }

    /// The value handled last, for `status.lastHandledReconcileAt`.
    pub fn handled(&self, who: &str) -> Option<&String> {
        self.handled.get(who)
    }

    /// Items that are to be looked at because somebody asked.
    pub fn asked(&self) -> BTreeSet<&ItemKey> {
        self.taken_up.values().filter_map(|taken| taken.left.as_ref()).flatten().collect()
    }

    /// These were looked at.
    pub fn looked_at<'a>(&mut self, items: impl Iterator<Item = &'a ItemKey> + Clone) {
        for left in self.taken_up.values_mut().filter_map(|taken| taken.left.as_mut()) {
            items.clone().for_each(|item| {
                left.remove(item);
            });
        }
    }

    fn any_unscoped(&self) -> bool {
        self.taken_up.values().any(|taken| taken.left.is_none())
    }

    fn is_unscoped(&self, who: &str) -> bool {
        self.taken_up.get(who).is_some_and(|taken| taken.left.is_none())
    }

    /// What each asks for; those whose object is gone ask for nothing any more.
    fn scope(&mut self, scopes: Vec<(String, BTreeSet<ItemKey>)>) {
        for (who, items) in scopes {
            if let Some(taken) = self.taken_up.get_mut(&who) {
                taken.left = Some(items);
            }
        }
        self.taken_up.retain(|_, taken| taken.left.is_some());
    }

    /// Forgets those of objects that are gone; tells of which a value was handled.
    fn retain(&mut self, is_here: &dyn Fn(&str) -> bool) -> Vec<String> {
        self.taken_up.retain(|who, _| is_here(who));
        let gone: Vec<String> = self.handled.keys().filter(|who| !is_here(who)).cloned().collect();
        self.handled.retain(|who, _| is_here(who));
        gone
    }

    fn is_empty(&self) -> bool {
        self.taken_up.is_empty() && self.handled.is_empty()
    }

    /// Handled, unless something it asks for is still due; true if it was open before.
    fn finish(&mut self, who: &str, requested: Option<&str>, is_due: &dyn Fn(&ItemKey) -> bool) -> bool {
        let Some(value) = requested.filter(|_| self.is_open(who, requested)) else { return false };
        let done = self
            .taken_up
            .get(who)
            .is_some_and(|taken| taken.left.as_ref().is_some_and(|left| !left.iter().any(is_due)));
        if done {
            self.taken_up.remove(who);
            self.handled.insert(who.to_owned(), value.to_owned());
        }
        done
    }
}

impl Worker {
    /// Takes up what was asked for since; true if it was asked of the Backend.
    pub(super) fn take_up_requests(&mut self, desired: &Desired) -> Result<bool, StoreError> {
        self.forget_requests_of_the_gone(desired)?;
        let now = self.house.clock.monotonic();
        for view in desired.assignments.values().filter(|view| view.requested_at.is_some()) {
            if self.requests.take_up(&view.name.to_string(), view.requested_at.as_deref(), now) {
                self.pace.touch([view.name.clone()]);
            }
        }
        Ok(self.requests.take_up(&self.id.to_string(), desired.backend.requested_at.as_deref(), now))
    }

    /// Assignments that are gone, or on another Backend by now, leave no row. One that comes back with an old request is
    /// looked at once more.
    fn forget_requests_of_the_gone(&mut self, desired: &Desired) -> Result<(), StoreError> {
        if self.requests.is_empty() {
            return Ok(());
        }
        let account = self.id.to_string();
        let here: BTreeSet<String> = desired.assignments.keys().map(ToString::to_string).collect();
        let gone = self.requests.retain(&|who| who == account || here.contains(who));
        self.commit(gone.into_iter().map(|who| Write::Handled(who, None)).collect())
    }

    /// What is asked for may be tried once more, also what a human was to look at first: a Backend's request means
    /// everything of it, an assignment's its own items.
    pub(super) fn begin_requests(
        &mut self,
        desired: &Desired,
        releases: &[Release],
    ) -> Result<(), StoreError> {
        if !self.requests.any_unscoped() {
            return Ok(());
        }
        let account = self.id.to_string();
        let of_account = self.requests.is_unscoped(&account);
        let mut items = BTreeSet::new();
        let mut scopes = Vec::new();
        let unscoped = |name: &&ObjectName| self.requests.is_unscoped(&name.to_string());
        let names: Vec<_> = desired.assignments.keys().filter(unscoped).collect();
        for name in names {
            let own = self.items_of(name, releases);
            items.extend(own.iter().cloned());
            scopes.push((name.to_string(), own));
        }
        if of_account {
            let all = desired.assignments.keys().flat_map(|name| self.items_of(name, releases)).collect();
            scopes.push((account, all));
        }
        let asked = |task: &OperationRecord| of_account || task.items.keys().any(|item| items.contains(item));
        let closed = self.memory.operations.iter().filter(|(_, task)| !task.state.is_open() && asked(task));
        self.commit(closed.map(|(id, _)| Write::Operation(id.clone(), None)).collect())?;
        if of_account {
            self.troubles.forgive();
        }
        items.iter().for_each(|item| self.troubles.came_right(item));
        self.requests.scope(scopes);
        self.relist = true;
        Ok(())
    }

    fn items_of(&self, name: &ObjectName, releases: &[Release]) -> BTreeSet<ItemKey> {
        let held = self.stakes.get(name).into_iter().flat_map(|kept| kept.items.iter().map(|(item, _)| item));
        let released = releases.iter().filter(|release| release.by == *name).map(|release| &release.item);
        held.chain(released).cloned().collect()
    }

    /// What was asked for and is not due any more has been looked at.
    pub(super) fn finish_requests(&mut self, desired: &Desired, due: &Due) -> Result<(), StoreError> {
        let is_due = |item: &ItemKey| due.items.contains_key(item);
        let mut handled = Vec::new();
        for view in desired.assignments.values().filter(|view| view.requested_at.is_some()) {
            let who = view.name.to_string();
            if self.requests.finish(&who, view.requested_at.as_deref(), &is_due) {
                handled.push(Write::Handled(who, view.requested_at.as_deref().map(str::to_owned)));
                self.pace.touch([view.name.clone()]);
            }
        }
        let (who, value) = (self.id.to_string(), &desired.backend.requested_at);
        if self.requests.finish(&who, value.as_deref(), &is_due) {
            handled.push(Write::Handled(who, value.clone()));
        }
        self.commit(handled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn item(name: &str) -> ItemKey {
        ItemKey(name.into())
    }

    #[test]
    fn a_value_is_taken_up_once_and_handled_once() {
        let mut requests = Requests::default();
        assert!(!requests.take_up("a", None, SECOND), "nothing asked");
        assert!(requests.take_up("a", Some("1"), SECOND), "new");
        assert!(!requests.take_up("a", Some("1"), 2 * SECOND), "the same, still at work");
        assert!(requests.is_open("a", Some("1")));
        assert!(!requests.finish("a", Some("1"), &|_| false), "what it means is not known yet");
        requests.scope(vec![("a".into(), BTreeSet::from([item("x"), item("y")]))]);
        assert!(!requests.finish("a", Some("1"), &|due| *due == item("y")), "y is still to be looked at");
        requests.looked_at([item("y")].iter());
        assert_eq!(requests.asked(), BTreeSet::from([&item("x")]));
        assert!(requests.finish("a", Some("1"), &|due| *due == item("y")), "x is not to be had");
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
        requests.scope(vec![("a".into(), BTreeSet::new())]);
        assert!(requests.finish("a", Some("1"), &|_| false));
        assert_eq!(requests.since("a", Some("1")), None, "handled");
    }

    #[test]
    fn a_request_of_what_is_gone_is_new_when_it_comes_back() {
        let mut requests = Requests::default();
        for who in ["handled", "at work"] {
            requests.take_up(who, Some("1"), SECOND);
            requests.scope(vec![(who.into(), BTreeSet::from([item("x")]))]);
        }
        assert!(requests.finish("handled", Some("1"), &|_| false));
        assert_eq!(requests.retain(&|_| true), [""; 0], "both are here");
        assert_eq!(requests.retain(&|_| false), ["handled"]);
        for who in ["handled", "at work"] {
            assert!(requests.take_up(who, Some("1"), SECOND), "{who} is looked at");
        }
    }
}
