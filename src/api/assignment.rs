//! `PolicyAssignment`: a policy, a backend, and whom it reaches there.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BackendRef, Id, LocalRef, PolicyAssignmentStatus, Selector, limits, schema};

/// A policy, the backend whose system should hold it, and whom it reaches there.
#[derive(CustomResource, Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "ordain.dev",
    version = "v1alpha1",
    kind = "PolicyAssignment",
    plural = "policyassignments",
    shortname = "orpa",
    category = "ordain",
    namespaced,
    status = "PolicyAssignmentStatus",
    derive = "PartialEq",
    doc = "A policy, the backend whose system should hold it, and whom it reaches there.",
    selectable = ".spec.policyRef.name",
    selectable = ".spec.backendRef.name",
    selectable = ".spec.mode",
    printcolumn(name = "Policy", type_ = "string", json_path = ".spec.policyRef.name"),
    printcolumn(name = "Backend", type_ = "string", json_path = ".spec.backendRef.name"),
    printcolumn(name = "Targets", type_ = "integer", json_path = ".status.targets.desired"),
    printcolumn(
        name = "InSync",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"InSync\")].status"
    ),
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
    printcolumn(name = "Accepted", type_ = "integer", json_path = ".status.targets.accepted", priority = 1),
    printcolumn(name = "Failed", type_ = "integer", json_path = ".status.targets.failed", priority = 1),
    printcolumn(name = "Mode", type_ = "string", json_path = ".status.mode", priority = 1),
    printcolumn(name = "Release", type_ = "string", json_path = ".status.releasePolicy", priority = 1),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        priority = 1
    )
)]
#[serde(rename_all = "camelCase")]
pub struct PolicyAssignmentSpec {
    /// The Policy, of the same namespace. Immutable.
    #[schemars(extend("x-kubernetes-validations" = schema::rules(&[(
        "self == oldSelf",
        "policyRef is immutable: create another assignment",
    )])))]
    pub policy_ref: LocalRef,
    /// The backend whose system should hold the policy. Immutable.
    #[schemars(extend("x-kubernetes-validations" = schema::rules(&[(
        "self.name == oldSelf.name && (has(self.kind) ? self.kind : 'Backend') == (has(oldSelf.kind) ? oldSelf.kind : 'Backend')",
        "backendRef is immutable: create another assignment",
    )])))]
    pub backend_ref: BackendRef,
    /// Whom the policy reaches: `everyone: true`, or `include`. Absent only on a Symphony backend,
    /// whose reach is the policy's scopes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<AssignmentTargets>,
    /// Where two assignments meet the higher one wins; from -1000 to 1000. Absent: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1000, max = 1000))]
    pub priority: Option<i32>,
    /// `Apply`: the system is made to hold the policy. `Observe`: nothing is written, the
    /// differences are shown in `status.plan`. Absent: `Apply`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Options of WSO2 EMM, IoT Server and Entgra. Absent: their defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wso2: Option<Wso2Options>,
    /// What becomes of things this assignment no longer wants (it is deleted, or a target, leaf or
    /// element is dropped): `Delete`, `Orphan` (they stay as they are) or `Restore` (what stood there
    /// before comes back: settings of WFBSS, an adopted object as it was; a created object goes).
    /// Absent: `Orphan` for WFBSS and adopted objects, else `Delete`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_policy: Option<ReleasePolicy>,
    /// Takes over an object that exists in the system. Absent: a new one is created. Read only
    /// until an id is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopt: Option<Adopt>,
    /// `true`: nothing is written for this assignment; deleting it still releases. Absent: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
}

impl PolicyAssignmentSpec {
    /// The priority, 0 where none is named.
    pub fn priority(&self) -> i32 {
        self.priority.unwrap_or(0)
    }

    /// The mode, `Apply` where none is named.
    pub fn mode(&self) -> Mode {
        self.mode.unwrap_or(Mode::Apply)
    }

    /// Whether it is suspended.
    pub fn suspended(&self) -> bool {
        self.suspend.unwrap_or(false)
    }
}

words! {
    /// Whether an assignment writes.
    pub enum Mode {
        /// The system is made to hold the policy.
        Apply = "Apply",
        /// Nothing is written, differences are shown.
        Observe = "Observe",
    }
}

words! {
    /// What becomes of things no longer wanted (R11), mildest first.
    pub enum ReleasePolicy {
        /// They stay as they are; never needs a call.
        Orphan = "Orphan",
        /// What stood there before comes back.
        Restore = "Restore",
        /// They are deleted.
        Delete = "Delete",
    }
}

/// Whom a policy reaches: everyone, or what is included less what is excluded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = schema::rules(&[(
    "(has(self.everyone) && self.everyone) != has(self.include)",
    "say everyone: true, or name include, and not both",
)])))]
pub struct AssignmentTargets {
    /// `true`: everybody the system knows. Instead of `include`; on a ClusterBackend its `access` must allow it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub everyone: Option<bool>,
    /// Selections, at most 64; together they are a union. An empty list reaches nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::INCLUDE), extend("x-kubernetes-list-type" = "atomic"))]
    pub include: Option<Vec<Selector>>,
    /// Selections taken out again, at most 64, only where the system can subtract. Absent: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::INCLUDE), extend("x-kubernetes-list-type" = "atomic"))]
    pub exclude: Vec<Selector>,
    /// `true`: reaching nobody is fine. Absent: then the assignment is not Ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_empty: Option<bool>,
}

impl AssignmentTargets {
    /// Whether everybody is meant. Never true together with `include`.
    pub fn everyone(&self) -> bool {
        self.everyone == Some(true) && self.include.is_none()
    }

    /// The selections, none where `include` is absent.
    pub fn include(&self) -> &[Selector] {
        self.include.as_deref().unwrap_or_default()
    }

    /// The TargetGroups that are named: those of `include`, then those of `exclude`, in which order
    /// `status.observedSources` is made.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.include().iter().chain(&self.exclude).filter_map(|one| match one {
            Selector::TargetGroupRef(of) => Some(of.name.as_str()),
            _ => None,
        })
    }

    /// Whether reaching nobody is fine.
    pub fn allow_empty(&self) -> bool {
        self.allow_empty.unwrap_or(false)
    }
}

words! {
    /// What a device that does not comply meets with.
    pub enum Compliance {
        /// The settings are sent again.
        Enforce = "Enforce",
        /// The device is marked.
        Warning = "Warning",
        /// Nothing happens.
        Monitor = "Monitor",
    }
}

words! {
    /// Whose devices are meant.
    pub enum Ownership {
        /// Everybody's.
        Any = "Any",
        /// The employees' own.
        Byod = "BYOD",
        /// The company's.
        Cope = "COPE",
    }
}

/// Options of WSO2 EMM, IoT Server and Entgra.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Wso2Options {
    /// On a device that does not comply: `Enforce` sends the settings again, `Warning` marks it,
    /// `Monitor` does nothing. Absent: `Enforce` on objects we create, not ours on adopted ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compliance: Option<Compliance>,
    /// Whose devices are meant: `Any`, `BYOD` (the employees' own), `COPE` (the company's).
    /// Absent: `Any` on objects we create, not ours on adopted ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ownership: Option<Ownership>,
}

/// Which existing object is taken over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = schema::rules(&[(
    "has(self.id) != (has(self.byName) && self.byName)",
    "say id, or byName: true, and not both",
)])))]
pub struct Adopt {
    /// The object with this id in the system. Instead of `byName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Id>,
    /// `true`: the one object that bears our name. Instead of `id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_name: Option<bool>,
}
