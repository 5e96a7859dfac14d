//! What a pass found out, before it becomes conditions.
//!
//! The worker fills these; `report::conditions` turns them into statuses and is the only place
//! that knows the table of product.md section 7.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    api::conditions::Reason,
    model::{BackendId, ObjectName, Provenance, SourcesDigest, Uid, memory::TaskState},
};

/// A condition's status with its reason and message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// `Some(true)` True, `Some(false)` False, `None` Unknown.
    pub status: Option<bool>,
    /// Machine-readable.
    pub reason: Reason,
    /// For people: what, which field, what is allowed, what to do.
    pub message: String,
}

/// Where an assignment stands (the classes of product.md section 7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Everything proven at this generation.
    InStep,
    /// Observe mode.
    Observing,
    /// `spec.suspend`; Ready as before.
    Suspended,
    /// Work is under way or will be tried again by itself: Ready False, Reconciling True.
    Working(Reason, String),
    /// A human must act: Ready False, Stalled True.
    Stalled(Reason, String),
    /// Unresolved includes or zero targets, since then: Working for ten minutes, then Stalled.
    Unresolved(Reason, String, Timestamp),
    /// The backend is out of reach. With work pending: `BackendUnavailable`; in step: Ready as before (R21).
    Unavailable {
        /// Whether something is waiting to be pushed.
        pending_work: bool,
        /// The backend's trouble in a sentence.
        message: String,
    },
    /// Has a deletionTimestamp. Stalled with the unblock command in the message where a human must act.
    Terminating {
        /// Why it is still there.
        reason: Reason,
        /// In words.
        message: String,
        /// Whether it waits for a human.
        stalled: bool,
    },
}

/// `status.targets`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TargetCounts {
    /// Targets the spec comes to.
    pub desired: u32,
    /// Proven.
    pub accepted: u32,
    /// Under way.
    pub pending: u32,
    /// Refused or stalled.
    pub failed: u32,
    /// Not readable.
    pub unknown: u32,
    /// Members at the vendor that are not ours.
    pub foreign: u32,
}

/// `status.problems[]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The target, e.g. `640F…/Servers/win`.
    pub target: String,
    /// Machine-readable.
    pub reason: Reason,
    /// For people.
    pub message: String,
}

/// `status.objects[]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectFact {
    /// `android/roles`.
    pub key: String,
    /// Vendor id, empty for documents.
    pub id: String,
    /// Vendor name.
    pub name: String,
    /// The system's switch, where known.
    pub active: Option<bool>,
    /// Who and when, if told.
    pub provenance: Provenance,
}

/// `status.operations.oldest` and the count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationsFact {
    /// Open tasks.
    pub in_flight: u32,
    /// Id of the oldest.
    pub id: String,
    /// Its state.
    pub state: TaskState,
    /// Since when.
    pub since: Timestamp,
    /// Targets it writes.
    pub targets: u32,
}

/// `status.plan`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlanFact {
    /// Objects to create.
    pub create: u32,
    /// Objects or documents to change.
    pub update: u32,
    /// Removals (R2's sense).
    pub remove: u32,
    /// One line a person reads.
    pub summary: String,
}

/// Everything the status of one `PolicyAssignment` is made from.
#[derive(Debug, Clone, PartialEq)]
pub struct AssignmentFacts {
    /// Which.
    pub name: ObjectName,
    /// Guards the write.
    pub uid: Uid,
    /// Generation these facts speak of.
    pub generation: i64,
    /// Generation of the Policy, if there is one.
    pub policy_generation: Option<i64>,
    /// The Policy and the TargetGroups these facts speak of.
    pub sources: SourcesDigest,
    /// Echoed into `status.lastHandledReconcileAt` once a pass has handled it.
    pub handled_request: Option<String>,
    /// The class.
    pub standing: Standing,
    /// Condition `TargetsResolved`.
    pub targets_resolved: Fact,
    /// Condition `Accepted`.
    pub accepted: Fact,
    /// Condition `InSync`; its message names at most 20 paths.
    pub in_sync: Fact,
    /// Condition `Overridden` while not empty: lines `item path`, at most 20.
    pub overridden: Vec<String>,
    /// Counts.
    pub targets: TargetCounts,
    /// Sorted, at most 20.
    pub problems: Vec<Problem>,
    /// Sorted by key, at most 16.
    pub objects: Vec<ObjectFact>,
    /// Open tasks, if any.
    pub operations: Option<OperationsFact>,
    /// In Observe, or while something is held.
    pub plan: Option<PlanFact>,
    /// The mode in force.
    pub mode: crate::api::Mode,
    /// The policy in force, spelled out where it was defaulted.
    pub release_policy: crate::api::ReleasePolicy,
}

/// Where a backend stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackendStanding {
    /// Probed, session works.
    Ready,
    /// Trying; nothing wrong yet, or trouble that heals by itself (Unreachable, throttled).
    Working(Reason, String),
    /// A human must act.
    Stalled(Reason, String),
    /// `spec.suspend`.
    Suspended,
    /// Has a deletionTimestamp and assignments still hang on it.
    Terminating(String),
}

/// Everything the status of one Backend is made from.
#[derive(Debug, Clone, PartialEq)]
pub struct BackendFacts {
    /// Which.
    pub id: BackendId,
    /// Guards the write.
    pub uid: Uid,
    /// Generation these facts speak of.
    pub generation: i64,
    /// Echoed once handled.
    pub handled_request: Option<String>,
    /// The class.
    pub standing: BackendStanding,
    /// Condition `PendingDeployment` while True.
    pub pending_deployment: Option<(Reason, String)>,
    /// Condition `Held` while True: the message has both numbers.
    pub held: Option<String>,
    /// `status.account`: system, api, version, fingerprint, tenant.
    pub account: Option<[String; 5]>,
    /// `status.capabilities`: name → Allowed | Denied | Unknown.
    pub capabilities: BTreeMap<String, String>,
    /// `status.objects`: managed, drifted, pending, orphaned, inert leftovers.
    pub objects: [u32; 5],
    /// `status.memory.since`.
    pub memory_since: Option<Timestamp>,
    /// `status.memory.lost`.
    pub memory_lost: Vec<String>,
}
