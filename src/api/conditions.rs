//! Conditions, as kstatus, Flux, Argo CD and helm read them.

use std::hash::{Hash, Hasher};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use super::reasons::Reason;
use super::{limits, schema};

words! {
    /// Types of conditions.
    ///
    /// Facts: `TargetsResolved`, `Accepted`, `InSync`, `Overridden`, `PendingDeployment`, `Held`.
    /// Derived from them for tools: `Ready`, `Reconciling`, `Stalled`. The abnormal ones
    /// (`Overridden`, `PendingDeployment`, `Held`, `Reconciling`, `Stalled`) are there only while `True`.
    pub enum ConditionType {
        /// The system holds what this generation says, proven by a read or a finished task.
        Ready = "Ready",
        /// Work is under way, or waits for something that needs no human.
        Reconciling = "Reconciling",
        /// Nothing goes on until a human acts; the message says what to do.
        Stalled = "Stalled",
        /// Every target named was found in the system.
        TargetsResolved = "TargetsResolved",
        /// The system can hold the policy, and took it.
        Accepted = "Accepted",
        /// What the system holds equals what Git says; the message names at most 20 paths that differ.
        InSync = "InSync",
        /// Another assignment of higher priority wins some of the paths.
        Overridden = "Overridden",
        /// Changes wait for a deployment in the system.
        PendingDeployment = "PendingDeployment",
        /// Removals wait for a human, because they exceed the guard.
        Held = "Held",
    }
}

words! {
    /// Whether a condition holds.
    pub enum ConditionStatus {
        /// It holds.
        True = "True",
        /// It does not.
        False = "False",
        /// Nothing can be said.
        Unknown = "Unknown",
    }
}

impl ConditionType {
    /// What the condition says while it is `True`.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Ready => "The system holds what this generation says, proven by a read or a finished task.",
            Self::Reconciling => "Work is under way, or waits for something that needs no human.",
            Self::Stalled => "Nothing goes on until a human acts; the message says what to do.",
            Self::TargetsResolved => "Every target named was found in the system.",
            Self::Accepted => "The system can hold the policy, and took it.",
            Self::InSync => "What the system holds equals what Git says.",
            Self::Overridden => "Another assignment of higher priority wins some of the paths.",
            Self::PendingDeployment => "Changes wait for a deployment in the system.",
            Self::Held => "Removals wait for a human, because they exceed the guard.",
        }
    }

    /// Whether the condition is listed only while it is `True`.
    pub const fn only_while_true(self) -> bool {
        matches!(
            self,
            Self::Reconciling | Self::Stalled | Self::Overridden | Self::PendingDeployment | Self::Held
        )
    }
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Type of the condition.
    #[serde(rename = "type")]
    #[schemars(schema_with = "schema::reason")]
    pub type_: ConditionType,
    /// `True`, `False` or `Unknown`.
    pub status: ConditionStatus,
    /// Why, in one word; the reference documents every reason.
    #[schemars(schema_with = "schema::reason")]
    pub reason: Reason,
    /// What is wrong, which field, what is allowed, what to do.
    #[serde(default)]
    #[schemars(schema_with = "schema::message")]
    pub message: String,
    /// Generation that this condition speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::generation")]
    pub observed_generation: Option<i64>,
    /// When `status` last changed.
    #[schemars(schema_with = "schema::time")]
    pub last_transition_time: Time,
}

impl Hash for Condition {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self { type_, status, reason, message, observed_generation, last_transition_time } = self;
        (type_, status, reason, message, observed_generation, second(last_transition_time)).hash(state);
    }
}

/// A time as it stands in a status: to the second.
pub(super) fn second(time: &Time) -> i64 {
    time.0.as_second()
}

/// Schema of `status.conditions`.
pub fn list(generator: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({
        "type": "array",
        "maxItems": limits::CONDITIONS,
        "items": generator.subschema_for::<Condition>(),
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
    })
}

/// The status that the API server gives an object nothing has looked at yet. Without it Flux and
/// helm call the object ready at once.
pub fn pending_status() -> Value {
    json!({
        "observedGeneration": -1,
        "conditions": [{
            "type": ConditionType::Ready,
            "status": ConditionStatus::Unknown,
            "reason": Reason::Pending,
            "message": "waiting for the operator",
            "lastTransitionTime": "1970-01-01T00:00:00Z",
        }],
    })
}

/// The condition of a type.
pub fn find(conditions: &[Condition], type_: ConditionType) -> Option<&Condition> {
    conditions.iter().find(|condition| condition.type_ == type_)
}
