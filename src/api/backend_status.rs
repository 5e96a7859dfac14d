//! `status` of a `Backend` or `ClusterBackend`.

use std::hash::{Hash, Hasher};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Condition, SystemName, conditions, known, limits, schema};

/// What is known of a backend. Counts and conditions only; rates and times are metrics.
#[derive(Debug, Clone, Default, PartialEq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackendStatus {
    /// Generation of the spec that the conditions speak of; -1 before anything has looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::generation")]
    pub observed_generation: Option<i64>,
    /// `Ready`; `Reconciling`, `Stalled`, `PendingDeployment` and `Held` while `True`.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "known::conditions")]
    #[schemars(schema_with = "conditions::list")]
    pub conditions: Vec<Condition>,
    /// The last handled value of the annotation `ordain.dev/reconcile-requested-at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::status_text")]
    pub last_handled_reconcile_at: Option<String>,
    /// The account that was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// What the account may do, found out by trying.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::CAPABILITIES), extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["name"],
    ))]
    pub capabilities: Vec<Capability>,
    /// Objects in the system, counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objects: Option<ObjectCounts>,
    /// Since when the backing store remembers, and what was lost with an older one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
}

/// An account of a policy system.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// Which kind of system.
    pub system: SystemName,
    /// Which of its APIs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::status_text")]
    pub api: Option<String>,
    /// Version of the system, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::status_text")]
    pub version: Option<String>,
    /// What tells this account from others; the value for the annotation `ordain.dev/accept-account`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::status_text")]
    pub fingerprint: Option<String>,
    /// Tenant, where the system has tenants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::status_text")]
    pub tenant: Option<String>,
}

words! {
    /// Whether the account may do something.
    pub enum CapabilityState {
        /// It may.
        Allowed = "Allowed",
        /// It may not.
        Denied = "Denied",
        /// Nothing has shown it yet.
        Unknown = "Unknown",
    }
}

/// Something the account may or may not do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Capability {
    /// Which capability.
    #[schemars(schema_with = "schema::reason")]
    pub name: String,
    /// `Allowed`, `Denied` or `Unknown`.
    pub state: CapabilityState,
}

/// Objects in the system, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectCounts {
    /// Those we keep.
    #[serde(default)]
    #[schemars(schema_with = "schema::count")]
    pub managed: i64,
    /// Those that hold something else than Git says.
    #[serde(default)]
    #[schemars(schema_with = "schema::count")]
    pub drifted: i64,
    /// Those still being worked on.
    #[serde(default)]
    #[schemars(schema_with = "schema::count")]
    pub pending: i64,
    /// Those that bear our mark though nothing claims them; left alone.
    #[serde(default)]
    #[schemars(schema_with = "schema::count")]
    pub orphaned: i64,
    /// Inactive, empty twins that a lost answer may have left behind (AppShield).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::count")]
    pub inert_leftovers: Option<i64>,
}

words! {
    /// What cannot be found again in the systems after the store was lost.
    pub enum LostMemory {
        /// Values that stood before ours: `Restore` is incomplete.
        PreImages = "PreImages",
        /// Which management groups we added.
        GroupProvenance = "GroupProvenance",
        /// Whose changes wait for a deployment.
        DeployProvenance = "DeployProvenance",
        /// Which revision of `replicateFrom` was copied.
        SeedRevisions = "SeedRevisions",
    }
}

/// The backing store's memory of this account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Memory {
    /// Since when this memory lasts: the first start, or the last time the store was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub since: Option<Time>,
    /// What was lost with an older store: `PreImages`, `GroupProvenance`, `DeployProvenance`, `SeedRevisions`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 4), extend("x-kubernetes-list-type" = "set"))]
    pub lost: Vec<LostMemory>,
}

impl Hash for Memory {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self { since, lost } = self;
        (since.as_ref().map(conditions::second), lost).hash(state);
    }
}
