//! Secrets that Policies refer to: read seldom, and by everybody who refers to them (R24).

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{Worker, ports::SecretError};
use crate::{
    index::{AssignmentView, Desired},
    model::{ObjectName, Secret},
};

/// How often one is read that lacks something.
const PAUSE: Duration = Duration::from_mins(1);

/// Namespace and name of a Secret.
type Place = (String, String);

/// The content Secrets of an account.
#[derive(Default)]
pub struct Contents {
    read: BTreeMap<Place, Content>,
    lacking: bool,
}

/// A Secret as last read.
struct Content {
    at: Duration,
    keys: Result<BTreeMap<String, Secret>, SecretError>,
}

impl Contents {
    /// In how long to look again because something that is referred to is missing.
    pub fn next(&self) -> Option<Duration> {
        self.lacking.then_some(PAUSE)
    }

    fn has(&self, place: &Place, keys: &BTreeSet<String>) -> bool {
        let read = self.read.get(place).and_then(|content| content.keys.as_ref().ok());
        read.is_some_and(|read| keys.iter().all(|key| read.contains_key(key)))
    }

    fn is_fresh(&self, place: &Place, wanted: &Wanted, interval: Duration, now: Duration) -> bool {
        let limit = if self.has(place, &wanted.keys) { interval } else { interval.min(PAUSE) };
        let outdated = |at: Duration| wanted.asked.is_some_and(|asked| at < asked);
        self.read
            .get(place)
            .is_some_and(|content| now.saturating_sub(content.at) < limit && !outdated(content.at))
    }
}

/// Who refers to a Secret, to which of its keys, and since when somebody asks for it to be read anew.
#[derive(Default)]
struct Wanted {
    keys: BTreeSet<String>,
    by: BTreeSet<ObjectName>,
    asked: Option<Duration>,
}

impl Worker {
    /// Reads the content Secrets that bindings refer to: once a drift interval each, those that lack something once a
    /// minute. Whoever refers to one that changed is compiled again.
    pub(super) async fn read_content_secrets(&mut self, desired: &Desired) {
        let (now, interval) = (self.house.clock.monotonic(), desired.backend.settings.drift_interval);
        let wanted = self.wanted_secrets(desired);
        for (place, wanted) in &wanted {
            if self.content.is_fresh(place, wanted, interval, now) {
                continue;
            }
            let keys = self.house.secrets.secret(&place.0, &place.1, "content").await;
            let before = self.content.read.insert(place.clone(), Content { at: now, keys });
            let after = self.content.read.get(place).and_then(|content| content.keys.as_ref().ok());
            if before.is_none_or(|before| before.keys.as_ref().ok() != after) {
                wanted.by.iter().for_each(|name| self.stakes.invalidate(name));
            }
        }
        self.content.lacking = wanted.iter().any(|(place, wanted)| !self.content.has(place, &wanted.keys));
    }

    fn wanted_secrets(&self, desired: &Desired) -> BTreeMap<Place, Wanted> {
        let mut all: BTreeMap<Place, Wanted> = BTreeMap::new();
        let Some(driver) = self.session.as_ref().map(|s| s.driver.clone()) else { return all };
        for view in desired.assignments.values() {
            let Some(binding) = view.binding() else { continue };
            for (name, key) in driver.translate().secret_refs(&binding.policy) {
                let wanted = all.entry((view.name.namespace.to_string(), name)).or_default();
                wanted.keys.insert(key);
                wanted.by.insert(view.name.clone());
                let since = self.requests.since(&view.name.to_string(), view.requested_at.as_deref());
                wanted.asked = wanted.asked.max(since);
            }
        }
        all
    }

    /// Secrets an assignment may use, by (secret, key).
    pub(super) fn secrets_for(&self, view: &AssignmentView) -> BTreeMap<(String, String), Secret> {
        let mut secrets = BTreeMap::new();
        for ((namespace, name), content) in &self.content.read {
            if **namespace == *view.name.namespace
                && let Ok(keys) = &content.keys
            {
                secrets.extend(keys.iter().map(|(key, value)| ((name.clone(), key.clone()), value.clone())));
            }
        }
        secrets
    }
}
