//! `status` of a `PolicyAssignment`.

use std::hash::{Hash, Hasher};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Condition, Mode, Reason, ReleasePolicy, conditions, known, limits, schema};

/// What is known of a `PolicyAssignment`.
#[derive(Debug, Clone, Default, PartialEq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyAssignmentStatus {
    /// Generation of the spec that the conditions speak of; -1 before anything has looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::generation")]
    pub observed_generation: Option<i64>,
    /// Generation of the Policy that the conditions speak of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::generation")]
    pub policy_generation: Option<i64>,
    /// Digest of the uid and generation of the Policy and of each TargetGroup that the conditions speak of. Equal as long
    /// as these are what they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::status_text")]
    pub observed_sources: Option<String>,
    /// The last handled value of the annotation `ordain.dev/reconcile-requested-at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::status_text")]
    pub last_handled_reconcile_at: Option<String>,
    /// `TargetsResolved`, `Accepted`, `InSync`, `Ready`; `Overridden`, `Reconciling` and `Stalled` while `True`.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "known::conditions")]
    #[schemars(schema_with = "conditions::list")]
    pub conditions: Vec<Condition>,
    /// The mode in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// The release policy in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_policy: Option<ReleasePolicy>,
    /// Targets, counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<TargetCounts>,
    /// Targets with a problem, sorted, at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::PROBLEMS), extend("x-kubernetes-list-type" = "atomic"))]
    pub problems: Vec<Problem>,
    /// Objects in the system that this assignment stands behind, at most 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::OBJECTS), extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["key"],
    ))]
    pub objects: Vec<ExternalObject>,
    /// Tasks under way in the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operations: Option<Operations>,
    /// What would be done, in `Observe` or while something is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanSummary>,
}

/// Targets of an assignment, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct TargetCounts {
    /// Those the assignment means.
    #[serde(default)]
    #[schemars(schema_with = "schema::count")]
    pub desired: i64,
    /// Those for which the system holds the policy.
    #[serde(default)]
    #[schemars(schema_with = "schema::count")]
    pub accepted: i64,
    /// Those still being worked on.
    #[serde(default)]
    #[schemars(schema_with = "schema::count")]
    pub pending: i64,
    /// Those the system refused.
    #[serde(default)]
    #[schemars(schema_with = "schema::count")]
    pub failed: i64,
    /// Those nothing is known about.
    #[serde(default)]
    #[schemars(schema_with = "schema::count")]
    pub unknown: i64,
    /// Members that somebody else added, left alone.
    #[serde(default)]
    #[schemars(schema_with = "schema::count")]
    pub foreign: i64,
}

/// What is wrong with one target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// The target, in the system's own words.
    #[schemars(schema_with = "schema::status_text")]
    pub target: String,
    /// Which problem; the reference documents every reason.
    #[schemars(schema_with = "schema::reason")]
    pub reason: Reason,
    /// What is wrong, and what to do.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(schema_with = "schema::message")]
    pub message: String,
}

/// An object in the system.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExternalObject {
    /// Which of the objects of this assignment, such as `android/roles`.
    #[schemars(schema_with = "schema::status_text")]
    pub key: String,
    /// Its id in the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::status_text")]
    pub id: Option<String>,
    /// Its name in the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::status_text")]
    pub name: Option<String>,
    /// Its version, where the system keeps versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::status_text")]
    pub version: Option<String>,
    /// Whether it is in force, where the system says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// When it was made, as the system says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::status_text")]
    pub created_at: Option<String>,
    /// Who made it, as the system says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::status_text")]
    pub created_by: Option<String>,
    /// When it was last changed, as the system says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::status_text")]
    pub modified_at: Option<String>,
    /// Who changed it last, as the system says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::status_text")]
    pub modified_by: Option<String>,
}

words! {
    /// State of a task in the system.
    pub enum TaskState {
        /// It waits.
        Pending = "Pending",
        /// It runs.
        Started = "Started",
    }
}

/// Tasks under way in the system.
#[derive(Debug, Clone, Default, PartialEq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Operations {
    /// How many tasks the system has not finished.
    #[serde(default)]
    #[schemars(schema_with = "schema::count")]
    pub in_flight: i64,
    /// The oldest of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<OldestOperation>,
}

/// The oldest task under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OldestOperation {
    /// Its id in the system.
    #[schemars(schema_with = "schema::status_text")]
    pub id: String,
    /// `Pending` or `Started`.
    pub state: TaskState,
    /// When the system took it on.
    #[schemars(schema_with = "schema::time")]
    pub since: Time,
    /// How many targets it concerns.
    #[serde(default)]
    #[schemars(schema_with = "schema::count")]
    pub targets: i64,
}

impl Hash for OldestOperation {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self { id, state: task, since, targets } = self;
        (id, task, conditions::second(since), targets).hash(state);
    }
}

/// What would be done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct PlanSummary {
    /// Things that would be created.
    #[serde(default)]
    #[schemars(schema_with = "schema::count")]
    pub create: i64,
    /// Things that would be changed.
    #[serde(default)]
    #[schemars(schema_with = "schema::count")]
    pub update: i64,
    /// Things that would be removed.
    #[serde(default)]
    #[schemars(schema_with = "schema::count")]
    pub remove: i64,
    /// The same in words, with the first differences.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(schema_with = "schema::message")]
    pub summary: String,
}
