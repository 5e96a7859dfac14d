//! When to say what: one status per converge (promise 7).
//!
//! Work in progress is not told for 30 s (R21), except what a person would wait for: a task, a hold, a human's turn.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    Worker,
    look::Look,
    ports::{Event, Regarding},
};
use crate::{
    api::{EventReason, conditions::Reason},
    index::{AssignmentView, Desired},
    model::{ItemKey, ObjectName},
    plan::{ItemVerdict, drift::Drift},
    report::facts::Standing,
};

/// Quick work is not worth a status of its own.
const QUIET: Duration = Duration::from_secs(30);
/// How often the account as a whole is looked over while a pass goes on: each time all of its items are walked.
const LOOKED_OVER_EVERY: Duration = Duration::from_secs(5);

/// Who has something new to say, and who is still at work.
#[derive(Debug, Default)]
pub struct Pace {
    dirty: BTreeSet<ObjectName>,
    /// Since when, and whether that was told.
    working: BTreeMap<ObjectName, (Duration, bool)>,
    /// Whose task was told of: how it goes on is quiet work again.
    tasks: BTreeSet<ObjectName>,
    /// Who was told to be Stalled, or to become so in time.
    stalled: BTreeSet<ObjectName>,
    told_all: bool,
    outage: Option<String>,
    account: Account,
}

/// When the account as a whole was told last.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Account {
    /// No pass was begun.
    #[default]
    New,
    /// Not told, since the first pass is under way from then on.
    Begun(Duration),
    Told(Duration),
}

impl Account {
    /// Whether to tell it now, at the end of a pass or in the midst of one. What the first pass finds comes with what is
    /// told first, so that nobody reads Ready beside counts of nothing; but nobody waits for it longer than [`QUIET`].
    fn tells(&mut self, ended: bool, now: Duration) -> bool {
        let tells = ended
            || match *self {
                Self::New => false,
                Self::Begun(since) => now.saturating_sub(since) >= QUIET,
                Self::Told(at) => now.saturating_sub(at) >= LOOKED_OVER_EVERY,
            };
        match self {
            _ if tells => *self = Self::Told(now),
            Self::New => *self = Self::Begun(now),
            Self::Begun(_) | Self::Told(_) => {}
        }
        tells
    }
}

impl Pace {
    /// These may stand differently now.
    pub fn touch(&mut self, names: impl IntoIterator<Item = ObjectName>) {
        self.dirty.extend(names);
    }

    /// Whether this is another state of a task that was told of.
    fn task_goes_on(&mut self, name: &ObjectName, standing: &Standing) -> bool {
        if matches!(standing, Standing::Working(Reason::TaskPending | Reason::TaskStarted, _)) {
            return !self.tasks.insert(name.clone());
        }
        self.tasks.remove(name);
        false
    }

    /// How it was told that this one stands.
    fn told(&mut self, name: &ObjectName, standing: &Standing) {
        match standing {
            Standing::Stalled(..) | Standing::Unresolved(..) => drop(self.stalled.insert(name.clone())),
            _ => drop(self.stalled.remove(name)),
        }
    }

    /// In how long somebody has been at work for long enough to say so.
    pub fn next(&self, now: Duration) -> Option<Duration> {
        let untold = self.working.values().filter(|(_, told)| !told);
        untold.map(|(since, _)| (*since + QUIET).saturating_sub(now)).min()
    }
}

/// Whether a standing is told at once although it will pass by itself.
fn worth_telling(standing: &Standing) -> bool {
    match standing {
        Standing::Working(reason, _) => {
            matches!(
                reason,
                Reason::TaskPending | Reason::TaskStarted | Reason::StoreUnavailable | Reason::HeldByGuard
            )
        }
        Standing::Terminating { stalled, .. } => *stalled,
        _ => true,
    }
}

impl Worker {
    /// Reports and measures what changed: assignments that were touched, and the account once a pass has `ended`, else now
    /// and then (equal statuses are not written). The account goes first: who sees that an assignment is in force looks at
    /// what is counted.
    pub(super) fn say(&mut self, desired: &Desired, ended: bool) {
        let now = self.house.clock.monotonic();
        if self.pace.account.tells(ended, now) {
            self.measure_account(desired);
            self.house.reporter.backend(self.backend_facts(desired));
        }
        let outage = self.outage.as_ref().map(|o| o.error.message.clone());
        if !self.pace.told_all || self.pace.outage != outage {
            self.pace.touch(desired.assignments.keys().cloned());
            self.pace.told_all = true;
            self.pace.outage = outage;
        }
        let working: Vec<_> = self.pace.working.keys().cloned().collect();
        self.pace.touch(working);
        for name in std::mem::take(&mut self.pace.dirty) {
            let Some(view) = desired.assignments.get(&name) else {
                self.pace.working.remove(&name);
                continue;
            };
            self.say_one(desired, view, now);
        }
    }

    fn say_one(&mut self, desired: &Desired, view: &AssignmentView, now: Duration) {
        let facts = self.assignment_facts(desired, view);
        let goes_on = self.pace.task_goes_on(&view.name, &facts.standing);
        if worth_telling(&facts.standing) && !goes_on {
            self.pace.working.remove(&view.name);
        } else {
            let (since, told) = self.pace.working.entry(view.name.clone()).or_insert((now, false));
            if now.saturating_sub(*since) < QUIET {
                return;
            }
            *told = true;
        }
        self.pace.told(&view.name, &facts.standing);
        self.house.reporter.assignment(facts);
    }

    /// Who was told to be Stalled and is not any more, by an edit of a Policy, say. It is told before the first call:
    /// Flux and helm look once, right after applying, and give up on what says Stalled.
    pub(super) fn say_mended(&mut self, desired: &Desired, changed: &BTreeSet<ObjectName>) {
        let mended: Vec<_> = changed.intersection(&self.pace.stalled).cloned().collect();
        self.drop_outdated(&mended);
        for view in mended.iter().filter_map(|name| desired.assignments.get(name)) {
            let facts = self.assignment_facts(desired, view);
            if matches!(facts.standing, Standing::Working(..)) {
                self.pace.told(&view.name, &facts.standing);
                self.house.reporter.assignment(facts);
            }
        }
    }

    /// What was refused of these was something else than is wanted now.
    fn drop_outdated(&mut self, names: &[ObjectName]) {
        let held = names.iter().filter_map(|name| self.stakes.get(name)).flat_map(|kept| &kept.items);
        for (item, _) in held {
            let inputs = self.stakes.inputs(item, &self.digester);
            let blocked = matches!(self.verdicts.get(item), Some(ItemVerdict::Blocked(..)));
            if blocked && self.troubles.is_of_other_inputs(item, inputs) {
                self.verdicts.remove(item);
            }
        }
    }

    /// Events for effects people want to know of; none for a first apply, whose status says it.
    pub(super) fn tell_corrections(&self, desired: &Desired, look: &Look, corrected: &BTreeSet<ItemKey>) {
        for item in corrected {
            let contributors = look.items.get(item).map(|i| i.contributors.clone()).unwrap_or_default();
            for name in contributors {
                let told = self.drifting.get(item).and_then(|drifting| drifting.told.as_ref());
                let how = told.map_or_else(|| "changed outside Git".to_owned(), Drift::sentence);
                let note = format!("{item} has been corrected: {how}");
                self.tell(desired, &name, |regarding| Event {
                    regarding,
                    reason: EventReason::DriftCorrected,
                    action: "Apply",
                    note,
                    // Whoever changes it, and whenever: one series.
                    series: Some(item.to_string()),
                });
            }
        }
    }

    pub(super) fn tell(&self, desired: &Desired, name: &ObjectName, event: impl FnOnce(Regarding) -> Event) {
        if let Some(view) = desired.assignments.get(name) {
            self.house.reporter.event(event(Regarding::Assignment(name.clone(), view.uid.clone())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_looked_over_when_a_pass_ends_and_now_and_then_within_one() {
        let cases: [(&[(u64, bool)], &[bool], &str); 4] = [
            (
                &[(0, false), (1, false), (2, true)],
                &[false, false, true],
                "what the first pass finds is told with it",
            ),
            (
                &[(0, false), (29, false), (30, false), (31, false)],
                &[false, false, true, false],
                "a first pass that lasts is told of",
            ),
            (
                &[(0, true), (1, false), (4, false), (5, false), (6, false), (10, false)],
                &[true, false, false, true, false, true],
                "a hundred slices in ten seconds walk all items twice",
            ),
            (
                &[(0, true), (0, true), (0, true)],
                &[true; 3],
                "passes that come to nothing have little to walk",
            ),
        ];
        for (looks, expected, why) in cases {
            let mut account = Account::default();
            let told: Vec<bool> =
                looks.iter().map(|(at, ended)| account.tells(*ended, Duration::from_secs(*at))).collect();
            assert_eq!(told, expected, "{why}");
        }
    }

    #[test]
    fn what_a_person_waits_for_is_told_at_once_and_quick_work_is_not() {
        let cases = [
            (Reason::HeldByGuard, true, "somebody has to approve it: it does not pass by itself"),
            (Reason::TaskPending, true, "a task of the system may last"),
            (Reason::StoreUnavailable, true, "nothing is sent until a person mends it"),
            (Reason::Applying, false, "it is over in a moment"),
            (Reason::Deploying, false, "so is this"),
            (Reason::WaitingForDeployment, false, "an automatic one comes by itself"),
        ];
        for (reason, at_once, why) in cases {
            assert_eq!(worth_telling(&Standing::Working(reason, String::new())), at_once, "{why}");
        }
    }
}
