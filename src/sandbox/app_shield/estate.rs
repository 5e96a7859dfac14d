//! One installation: its policies, groups and people (sections 1 and 6).

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::dates;
use crate::model::Secret;

/// The hidden group everybody is in (section 1); its id is invented.
pub const ALL_USERS: &str = "3";

/// A policy row. Dates are kept as the texts they were saved as.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    pub id: String,
    pub name: Option<String>,
    pub description: Option<String>,
    pub active: bool,
    /// Elements of unknown shape (section 5).
    pub constraints: Vec<Value>,
    pub groups: Vec<String>,
    pub users: Vec<String>,
    /// Ids of users.
    pub created_by: String,
    pub modified_by: String,
    pub created: String,
    pub modified: String,
    /// On the monotonic clock: not in lists before.
    pub listed_from: Duration,
    /// How often it was stored.
    pub saves: u64,
}

/// A security group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub name: String,
    pub created: String,
}

/// A contact, as the API calls people.
#[derive(Clone)]
pub struct User {
    pub login: String,
    pub first: String,
    pub last: String,
    pub admin: bool,
    pub super_admin: bool,
    pub two_factor: bool,
    pub password: Secret,
    pub groups: BTreeSet<String>,
    pub created: String,
}

/// Everything stored, by id.
#[derive(Clone, Default)]
pub struct Estate {
    pub policies: BTreeMap<String, Policy>,
    pub groups: BTreeMap<String, Group>,
    pub users: BTreeMap<String, User>,
}

impl Estate {
    /// The id of something made now: local ticks (section 8), one more for each made in the same tick.
    pub fn new_id(&self, zone_minutes: i32, at: Timestamp) -> String {
        let first = dates::ticks(zone_minutes, at);
        let taken = |id: &String| self.policies.contains_key(id) || self.users.contains_key(id);
        (first..=i64::MAX).map(|ticks| ticks.to_string()).find(|id| !taken(id)).unwrap_or_default()
    }

    /// The user of a login name, with the id.
    pub fn by_login(&self, login: &str) -> Option<(&String, &User)> {
        self.users.iter().find(|(_, user)| user.login == login)
    }

    /// Whether `user` may do what administrators may.
    pub fn is_admin(&self, user: &str) -> bool {
        self.users.get(user).is_some_and(|user| user.admin || user.super_admin)
    }

    /// The policies that filter what `user` sees: active, and naming the user or a group of theirs.
    pub fn filters(&self, user: &str) -> Vec<Value> {
        let groups = self.users.get(user).map(|user| &user.groups);
        let is_in = |group: &String| group == ALL_USERS || groups.is_some_and(|all| all.contains(group));
        self.policies
            .values()
            .filter(|policy| policy.active)
            .filter(|policy| policy.users.iter().any(|id| id == user) || policy.groups.iter().any(is_in))
            .map(|policy| json!({"id": policy.id, "constraints": policy.constraints}))
            .collect()
    }
}

/// Ids as people count: shorter ones first.
pub fn in_order<'a>(ids: impl Iterator<Item = &'a String>) -> Vec<&'a String> {
    let mut ids: Vec<_> = ids.collect();
    ids.sort_by_key(|id| (id.len(), *id));
    ids
}
