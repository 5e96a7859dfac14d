//! Secrets that policies take values from (R24).

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::Worker;
use crate::{
    index::{AssignmentView, Desired},
    model::{ObjectName, Secret},
    worker::ports::SecretError,
};

/// A Secret that does not help is read again this often.
const MISSING: Duration = Duration::from_mins(1);

/// A content Secret as last read.
pub(super) struct Content {
    read: Duration,
    keys: Result<BTreeMap<String, Secret>, SecretError>,
}

/// Namespace and name.
type Key = (String, String);

impl Worker {
    /// Reads the content Secrets that bindings refer to, at most once a drift interval each, missing ones once a minute;
    /// at once for an assignment whose reconcile was requested. Whoever uses one that changed is compiled anew.
    pub(super) async fn read_content_secrets(&mut self, desired: &Desired) {
        let users = self.users_of_secrets(desired);
        let now = self.house.clock.monotonic();
        let interval = desired.backend.settings.drift_interval;
        for (key, users) in users {
            if self.is_fresh(desired, &key, &users, interval) {
                continue;
            }
            let keys = self.house.secrets.secret(&key.0, &key.1, "content").await;
            let before = self.content.get(&key);
            let changed = before.is_none_or(|content| content.keys.as_ref().ok() != keys.as_ref().ok());
            self.content.insert(key, Content { read: now, keys });
            if changed {
                users.iter().for_each(|user| self.stakes.invalidate(user));
            }
        }
    }

    fn users_of_secrets(&self, desired: &Desired) -> BTreeMap<Key, BTreeSet<ObjectName>> {
        let mut users: BTreeMap<Key, BTreeSet<ObjectName>> = BTreeMap::new();
        let Some(session) = &self.session else { return users };
        for (name, view) in desired.assignments.iter() {
            let Some(binding) = view.binding() else { continue };
            for (secret, _) in session.driver.secret_refs(&binding.policy) {
                users.entry((name.namespace.to_string(), secret)).or_default().insert(name.clone());
            }
        }
        users
    }

    fn is_fresh(
        &self,
        desired: &Desired,
        key: &Key,
        users: &BTreeSet<ObjectName>,
        interval: Duration,
    ) -> bool {
        let Some(content) = self.content.get(key) else { return false };
        let asked = users.iter().filter_map(|user| desired.assignments.get(user)).any(|view| {
            self.requests.outdates(&view.name.to_string(), view.requested_at.as_deref(), content.read)
        });
        let limit = if content.keys.is_ok() { interval } else { MISSING };
        !asked && self.house.clock.monotonic().saturating_sub(content.read) < limit
    }

    /// Secrets an assignment may use, by (secret, key).
    pub(super) fn secrets_for(&self, view: &AssignmentView) -> BTreeMap<(String, String), Secret> {
        let mut secrets = BTreeMap::new();
        for ((namespace, name), content) in &self.content {
            if **namespace == *view.name.namespace
                && let Ok(keys) = &content.keys
            {
                secrets.extend(keys.iter().map(|(key, value)| ((name.clone(), key.clone()), value.clone())));
            }
        }
        secrets
    }
}
