//! The shape of an overview: what `ordain status --output json` prints, and what the page shows.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{State, Summary, Unlisted};

/// Everything at a glance, worst first. Times are RFC 3339, in UTC.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// When it was made.
    #[serde(serialize_with = "time")]
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Counts, and all of it in one line.
    pub summary: Summary,
    /// Backends and ClusterBackends.
    pub accounts: Vec<Account>,
    /// What the guard holds, account by account.
    pub held: Vec<Held>,
    /// PolicyAssignments.
    pub assignments: Vec<Assignment>,
    /// Policies and TargetGroups that something is wrong with.
    pub others: Vec<Other>,
    /// What somebody changed in a system and was put back, latest first: as long as Events are kept, an hour where nobody
    /// set it otherwise.
    pub corrected: Vec<Corrected>,
    /// Kinds that could not be read: what is shown lacks them.
    pub unlisted: Vec<Unlisted>,
}

/// A Backend or ClusterBackend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// `Backend/<namespace>/<name>` or `ClusterBackend/<name>`.
    pub backend: String,
    /// Namespace; empty for a ClusterBackend.
    pub namespace: String,
    /// As spelled in `spec.system`, with API, version and tenant as far as known.
    pub system: String,
    /// Where it stands.
    pub state: State,
    /// Why, in one word; docs/reference/reasons.md.
    pub reason: String,
    /// The same in words.
    pub message: String,
    /// What to do; absent where nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Since when.
    #[serde(serialize_with = "some_time", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub since: Option<Timestamp>,
    /// When all of it was last proven, at the latest. No status tells it, so the page alone does, which the operator makes.
    #[serde(skip)]
    pub proven: Option<Timestamp>,
    /// Objects that are kept in the system.
    pub managed: i64,
    /// Those that hold something else than Git says.
    pub drifted: i64,
    /// Those still being worked on.
    pub pending: i64,
    /// Those that bear our mark though nothing claims them.
    pub orphaned: i64,
    /// Assignments on it.
    pub assignments: usize,
    /// What else is to be known: a deployment that waits, memory that was lost.
    pub remarks: Vec<String>,
}

/// What the guard holds on one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// `Backend/<namespace>/<name>` or `ClusterBackend/<name>`.
    pub backend: String,
    /// Namespace; empty for a ClusterBackend.
    pub namespace: String,
    /// The numbers, and the ways on.
    pub message: String,
    /// Removals that wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removals: Option<u32>,
    /// The command that approves exactly these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approve: Option<String>,
    /// The command that removes an approval which stands there already and is spent: to be run first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdraw: Option<String>,
    /// Since when.
    #[serde(serialize_with = "some_time", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub since: Option<Timestamp>,
    /// What it would do, assignment by assignment.
    pub parts: Vec<HeldPart>,
    /// What an approval lets happen besides, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beside: Option<String>,
}

/// What would happen to one assignment once it is approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldPart {
    /// `<namespace>/<name>`.
    pub assignment: String,
    /// What would happen, in words.
    pub would: String,
    /// Objects of the assignment in the system.
    pub objects: Vec<String>,
}

/// A PolicyAssignment: what holds, for whom, since when, by which objects of Git.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Assignment {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Where it stands.
    pub state: State,
    /// Why, in one word; docs/reference/reasons.md.
    pub reason: String,
    /// The same in words.
    pub message: String,
    /// What to do; absent where nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Since when.
    #[serde(serialize_with = "some_time", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub since: Option<Timestamp>,
    /// `metadata.generation`, as Git has it.
    pub generation: i64,
    /// Generation that the status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Name of the Policy, in the same namespace.
    pub policy: String,
    /// Generation of the Policy that the status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_generation: Option<i64>,
    /// Name of the policy in the system, where the Policy gives one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// `Backend/<namespace>/<name>` or `ClusterBackend/<name>`.
    pub backend: String,
    /// `Apply` or `Observe`.
    pub mode: String,
    /// What becomes of things no longer wanted, as in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release_policy: Option<String>,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// Whether the system holds what Git says; absent: not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_sync: Option<bool>,
    /// Where they differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub differs: Option<String>,
    /// Targets, counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub targets: Option<Counts>,
    /// Targets named in Git, at most 50.
    pub named: Vec<String>,
    /// Targets named beyond these.
    pub more_named: usize,
    /// Targets with a problem.
    pub problems: Vec<Problem>,
    /// Objects in the system, at most 16.
    pub objects: Vec<Object>,
    /// What would be done, while it observes or is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// What else is to be known: tasks under way, paths that another assignment wins.
    pub remarks: Vec<String>,
}

/// Targets of an assignment, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Those meant.
    pub desired: i64,
    /// Those for which the system holds the policy.
    pub accepted: i64,
    /// Those being worked on.
    pub pending: i64,
    /// Those refused.
    pub failed: i64,
    /// Those nothing is known about.
    pub unknown: i64,
    /// Members that somebody else added, left alone.
    pub foreign: i64,
}

/// What is wrong with one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The target, in the system's own words.
    pub target: String,
    /// Which problem; docs/reference/reasons.md.
    pub reason: String,
    /// The same in words.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// An object in the system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Object {
    /// Which of the assignment's objects.
    pub key: String,
    /// Its name in the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its id in the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its version, where the system keeps versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whether the system has it switched on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// When and by whom it was last changed, as the system says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
}

/// What would be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Things that would be created.
    pub create: i64,
    /// Things that would be changed.
    pub update: i64,
    /// Things that would be removed.
    pub remove: i64,
    /// The same in words.
    pub summary: String,
}

/// A Policy or TargetGroup that something is wrong with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Other {
    /// `Policy` or `TargetGroup`.
    pub kind: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Where it stands.
    pub state: State,
    /// Why, in one word; docs/reference/reasons.md.
    pub reason: String,
    /// The same in words.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// Something that was changed in a system by somebody else, and put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Corrected {
    /// Namespace of the assignment.
    pub namespace: String,
    /// Name of the assignment.
    pub assignment: String,
    /// What was changed, and by whom, as far as the system tells.
    pub message: String,
    /// When it was last put back.
    #[serde(serialize_with = "time")]
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// How often.
    pub times: u32,
}

impl Account {
    pub(super) fn order(&self) -> (State, &str) {
        (self.state, &self.backend)
    }
}

impl Assignment {
    /// Where it differs, if its message does not say so already.
    pub fn difference(&self) -> Option<&str> {
        let told = matches!(self.state, State::Held | State::Drifting);
        self.differs.as_deref().filter(|differs| !told && *differs != self.message)
    }

    pub(super) fn order(&self) -> (State, &str, &str) {
        (self.state, &self.namespace, &self.name)
    }
}

impl Other {
    pub(super) fn order(&self) -> (State, &str, &str, &str) {
        (self.state, &self.kind, &self.namespace, &self.name)
    }
}

/// The JSON schema of [`Overview`], as it is written.
pub fn schema() -> Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<Overview>().to_value()
}

fn time<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

#[allow(clippy::ref_option, reason = "the form that serde calls")]
fn some_time<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => serializer.collect_str(at),
        None => serializer.serialize_none(),
    }
}
