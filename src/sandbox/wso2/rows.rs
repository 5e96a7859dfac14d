//! Rows of one tenant, and what a request wants of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One reading of both clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub wall: Timestamp,
    pub mono: Duration,
}

impl Moment {
    /// The moment when the monotonic clock showed `mono`.
    pub fn back_to(self, mono: Duration) -> Self {
        let ago = self.mono.saturating_sub(mono);
        Self { wall: self.wall.checked_sub(ago).unwrap_or(self.wall), mono }
    }
}

/// A setting of a profile. `content` is the stored string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Feature {
    pub id: i64,
    pub code: String,
    pub content: String,
    pub corrective_actions: Option<Value>,
}

/// Features for one device type. Usually, but not always, owned by one policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Profile {
    pub id: i64,
    pub name: Option<String>,
    pub device_type: String,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub features: Vec<Feature>,
}

/// A link to a group. `name` is kept for `ANY`, which has no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GroupLink {
    pub id: i64,
    pub name: String,
}

/// A device as requests name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct DeviceId {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
}

/// What a request sets: everything but id, priority and the `updated` flag.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    pub name: String,
    pub description: Option<String>,
    pub compliance: Option<String>,
    pub ownership: Option<String>,
    pub active: bool,
    /// `None`: absent, an update keeps the old rows.
    pub roles: Option<Vec<String>>,
    /// `None`: absent, an update keeps the old rows.
    pub users: Option<Vec<String>>,
    pub devices: Vec<DeviceId>,
    pub groups: Vec<GroupLink>,
    /// Not 0: no profile is stored, the policy points at this one.
    pub profile_id: i64,
    pub profile_name: Option<String>,
    pub device_type: String,
    pub features: Vec<(String, String, Option<Value>)>,
    /// Members only dialect C knows, as they are returned.
    pub extra: BTreeMap<&'static str, Value>,
}

/// A policy row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Policy {
    pub id: i64,
    pub priority: i64,
    pub profile_id: i64,
    pub name: String,
    pub description: Option<String>,
    pub compliance: Option<String>,
    pub ownership: Option<String>,
    pub roles: Vec<String>,
    pub users: Vec<String>,
    pub devices: Vec<DeviceId>,
    pub groups: Vec<GroupLink>,
    pub active: bool,
    pub updated: bool,
    pub extra: BTreeMap<&'static str, Value>,
}

/// What an agent was last told.
#[derive(Debug, Clone)]
pub(super) struct Delivered {
    pub policy: Policy,
    pub profile: Profile,
    pub at: Moment,
}

/// An enrolled device.
#[derive(Debug, Clone)]
pub(super) struct Device {
    pub id: DeviceId,
    pub name: String,
    pub owner: String,
    pub ownership: String,
    pub groups: BTreeSet<String>,
    pub delivered: Option<Delivered>,
    /// How often content was sent to it.
    pub pushes: u64,
    /// Feature codes the agent reports as violated.
    pub violations: BTreeSet<String>,
}

impl Device {
    /// A device that belongs to nobody yet.
    pub fn new(id: DeviceId) -> Self {
        Self {
            name: id.id.clone(),
            id,
            owner: String::new(),
            ownership: "BYOD".to_owned(),
            groups: BTreeSet::new(),
            delivered: None,
            pushes: 0,
            violations: BTreeSet::new(),
        }
    }
}

/// A person who may own devices or log in.
#[derive(Debug, Clone, Default)]
pub(super) struct User {
    pub first: String,
    pub last: String,
    pub email: String,
    pub roles: BTreeSet<String>,
    pub password: String,
}

/// A group of devices, by its name in the directory.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub id: i64,
    pub owner: String,
    pub description: String,
}

/// A platform with its numeric id (dialect A) and feature codes.
#[derive(Debug, Clone)]
pub(super) struct DeviceType {
    pub id: i64,
    pub name: String,
    pub features: BTreeMap<String, String>,
}

/// How often what happened, for assertions.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Counters {
    pub creates: u64,
    pub updates: u64,
    pub removes: u64,
    pub activations: u64,
    pub deactivations: u64,
    pub priority_calls: u64,
    pub apply_calls: u64,
    pub apply_refused: u64,
    pub apply_runs: u64,
    pub pushes: u64,
    pub revocations: u64,
    pub lists: u64,
    pub gets: u64,
}

/// An exception nobody maps: a null, a foreign key, a column too short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Crash;
