//! `TargetGroup`: a selection with a name, for several assignments.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Condition, TargetSpec, conditions, known, schema};

/// Whom policies reach, in the words of one system. Assignments of the same namespace include it by name.
#[derive(CustomResource, Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "ordain.dev",
    version = "v1alpha1",
    kind = "TargetGroup",
    plural = "targetgroups",
    shortname = "ortg",
    category = "ordain",
    namespaced,
    status = "TargetGroupStatus",
    derive = "PartialEq",
    doc = "Whom policies reach, in the words of one system. Assignments of the same namespace include it by name; it removes nothing by being deleted.",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        priority = 1
    )
)]
pub struct TargetGroupSpec {
    /// The selection.
    #[serde(flatten)]
    pub targets: TargetSpec,
}

/// What is known of a `TargetGroup`.
#[derive(Debug, Clone, Default, PartialEq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TargetGroupStatus {
    /// Generation of the spec that the conditions speak of; -1 before anything has looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::generation")]
    pub observed_generation: Option<i64>,
    /// `Ready` and `Reconciling`.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "known::conditions")]
    #[schemars(schema_with = "conditions::list")]
    pub conditions: Vec<Condition>,
}
