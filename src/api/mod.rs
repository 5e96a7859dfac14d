//! The API of Ordain: group `ordain.dev`, five kinds, their conditions and reasons.
//!
//! The types are what the API server serves; [`crds`] renders their schemas, [`validate`] holds
//! every rule of those schemas again in code, for objects written before a rule existed (F15).
//! Words only: nothing here talks to a cluster or to a policy system.

#[macro_use]
mod words;

mod access;
mod assignment;
mod assignment_status;
mod backend;
mod backend_status;
pub mod conditions;
pub mod crds;
mod event_reasons;
mod known;
pub mod limits;
pub(crate) mod member;
mod policy;
mod reach;
mod reasons;
mod refs;
pub mod schema;
mod systems;
mod target_group;
mod targets;
#[cfg(test)]
mod tests;
pub mod validate;
mod values;

pub use access::{
    Access, AccessTargets, Adoption, All, LabelRequirement, LabelSelector, Namespaces, Operator,
    PriorityRange,
};
pub use assignment::{
    Adopt, AssignmentTargets, Compliance, Mode, Ownership, PolicyAssignment, PolicyAssignmentSpec,
    ReleasePolicy, Wso2Options,
};
pub use assignment_status::{
    ExternalObject, OldestOperation, Operations, PlanSummary, PolicyAssignmentStatus, Problem, TargetCounts,
    TaskState,
};
pub use backend::{
    Backend, BackendSpec, ClusterBackend, ClusterBackendSpec, Correction, Drift, EffectiveGuard,
    EffectiveLimits, Guard, Limits,
};
pub use backend_status::{
    Account, BackendStatus, Capability, CapabilityState, LostMemory, Memory, ObjectCounts,
};
pub use conditions::{Condition, ConditionStatus, ConditionType};
pub use event_reasons::EventReason;
pub use policy::{
    AppShieldFacet, AssignmentCounts, Content, ContentType, Document, Feature, Os, Policy, PolicySpec,
    PolicyStatus, Profile, ReplicateFrom, Scope, SecretLeaf, SymphonyFacet, TachyonFacet, ViolationAction,
    WfbssFacet, Wso2Facet,
};
pub use reasons::Reason;
pub use refs::{BackendKind, BackendRef, CaKind, CaRef, Id, IdOrName, LocalRef, Name, SecretKeyRef};
pub use systems::{
    AppShield, AppShieldPaths, Deploy, DeployMode, DeviceLinks, Execution, ForeignChanges, Generation,
    Naming, Resend, Symphony, SystemName, SystemSpec, Tachyon, UngroupedDevices, Wfbss, Wso2, Wso2Api,
};
pub use target_group::{TargetGroup, TargetGroupSpec, TargetGroupStatus};
pub use targets::{
    AppShieldTargets, Customer, GroupScope, Selector, TachyonTargets, TargetSpec, WfbssTargets, Wso2Targets,
};
pub use values::{FreeForm, GoDuration};

/// The API group of all kinds.
pub const GROUP: &str = "ordain.dev";
/// The only version so far.
pub const VERSION: &str = "v1alpha1";
/// `apiVersion` of every object.
pub const API_VERSION: &str = "ordain.dev/v1alpha1";
/// The category: `kubectl get ordain`.
pub const CATEGORY: &str = "ordain";
/// Who writes, in `managedFields`.
pub const FIELD_MANAGER: &str = "ordain";

/// On a `PolicyAssignment` from before its first effect until what it put anywhere is released.
pub const FINALIZER_RELEASE: &str = "ordain.dev/release";
/// On a Backend while an assignment with [`FINALIZER_RELEASE`] names it.
pub const FINALIZER_IN_USE: &str = "ordain.dev/in-use";

/// Set by a person or a tool, any new value: look again now, read credentials again.
/// Echoed in `status.lastHandledReconcileAt`.
pub const ANNOTATION_RECONCILE: &str = "ordain.dev/reconcile-requested-at";
/// On a Backend: the fingerprint of the account that may replace the known one (R7).
pub const ANNOTATION_ACCEPT_ACCOUNT: &str = "ordain.dev/accept-account";
/// On a Backend: the exact number of held removals to let through, spent once (R2).
pub const ANNOTATION_APPROVE_REMOVALS: &str = "ordain.dev/approve-removals";
/// On a `PolicyAssignment` or `Policy`: `<id>.<key id>.<mac>`, the recorded `AppShield` id (R15).
pub const ANNOTATION_EXTERNAL_ID: &str = "ordain.dev/external-id";

/// On Secrets and `ConfigMaps` that may be read; value [`USE_CREDENTIALS`] or [`USE_CONTENT`] (R24).
pub const LABEL_USE: &str = "ordain.dev/use";
/// Value of [`LABEL_USE`]: credentials of a Backend, or its certificate authority.
pub const USE_CREDENTIALS: &str = "credentials";
/// Value of [`LABEL_USE`]: secret leaves of a Policy.
pub const USE_CONTENT: &str = "content";
