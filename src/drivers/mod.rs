//! The port of a driver: few verbs, wire formats and vendor rules behind them.
//!
//! A driver never schedules, never retries a whole change, never knows Kubernetes, and never
//! decides *whether* something is done: `plan` decides, the worker calls. Where the vendor sheet
//! leaves a fact unknown a driver is safe under both readings.

pub mod connect;
pub mod error;
pub mod http;
pub mod wfbss;
pub mod wso2;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use serde_json::Value;

use crate::{
    api::conditions::Reason,
    model::{
        Catalogue, Contribution, Digester, ExternalId, ItemKey, LeafPath, LeafValue, MemberKind, ObjectName,
        Observation, ObservedItem, OwnerId, Secret, Uid,
        memory::{AccountRecord, TaskState},
    },
};

pub use error::{Class, DriverError};

/// What a system is and cannot be; the generated capability matrix and generic code read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// As spelled in `spec.system`.
    pub system: &'static str,
    /// One `observe` reads every object of the account (a list snapshot), whatever the scope.
    pub snapshot: bool,
    /// Changes reach devices only after an account-wide deploy (R18).
    pub deploys: bool,
    /// Objects stand in one account-wide order (R17).
    pub ordered: bool,
    /// Objects can carry our mark.
    pub marks: bool,
    /// `releasePolicy: Delete` means something.
    pub deletes: bool,
}

/// `deploy` of a backend's system (R18).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeploySettings {
    /// `mode: Automatic`; otherwise a human deploys.
    pub automatic: bool,
    /// `foreignChanges: Hold`; otherwise they are published along.
    pub hold_foreign: bool,
}

/// Whether writes wait for their result or become tasks (R20).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Execution {
    /// Waits, as the vendor's sheet recommends.
    Auto,
    /// Always wait.
    Sync,
    /// Always a task.
    Async,
}

/// What `probe` found out.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// Dialect, version, tenant, evidence, fingerprint, capabilities. `probed_at` is the driver's clock.
    pub account: AccountRecord,
}

/// One assignment with everything it refers to: the input of `compile`.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    /// The assignment.
    pub assignment: ObjectName,
    /// Its uid.
    pub uid: Uid,
    /// Its generation.
    pub generation: i64,
    /// The Policy's generation.
    pub policy_generation: i64,
    /// `metadata.name` of the Policy.
    pub policy_name: Arc<str>,
    /// `displayName`, or its default (product.md section 2).
    pub display_name: String,
    /// The Policy: content, description, enabled.
    pub policy: Arc<crate::api::PolicySpec>,
    /// The assignment: priority, adopt, options of one system.
    pub spec: Arc<crate::api::PolicyAssignmentSpec>,
    /// Reach: everyone, or the union of includes.
    pub reach: Reach,
}

/// Targets after resolving TargetGroups; still names, not ids.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reach {
    /// `everyone: true`.
    pub everyone: bool,
    /// Included target sections with the field they come from, e.g. `spec.targets.include[0]`.
    pub include: Vec<(String, Arc<crate::api::TargetSpec>)>,
    /// Excluded ones.
    pub exclude: Vec<(String, Arc<crate::api::TargetSpec>)>,
    /// `allowEmpty`.
    pub allow_empty: bool,
}

/// What compiling needs besides the binding.
pub struct CompileContext<'a> {
    /// Names and ids of the account.
    pub catalogue: &'a Catalogue,
    /// This installation, for marks.
    pub owner: &'a OwnerId,
    /// Digests.
    pub digester: &'a Digester,
    /// Content secrets of the assignment's namespace, by (secret, key); what is missing is a finding.
    pub secrets: &'a BTreeMap<(String, String), Secret>,
}

/// What one binding comes to. Pure: the same input gives the same output.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Compiled {
    /// What is wanted, per item.
    pub contributions: Vec<Contribution>,
    /// Documents to be copied once per revision, before their settings (R27).
    pub seeds: BTreeMap<ItemKey, Seed>,
    /// What is wrong or left out.
    pub findings: Vec<Finding>,
    /// How many targets the assignment reaches (`status.targets.desired`).
    pub targets: u32,
}

/// A group whose document is copied (R27).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seed {
    /// Customer and group, as [`Step::Seed`] takes them.
    pub from: (String, String),
    /// `replicateFrom.revision`; compare with `ItemRecord::seeded`.
    pub revision: i64,
}

/// How far a finding reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The whole assignment is refused: nothing of it is sent, what was applied stays.
    Refused,
    /// One target is left out, all others proceed (R16); no removal while it lasts.
    LeftOut,
    /// Said in `problems`, nothing changes.
    Note,
}

/// Something the system cannot express, or a target that does not resolve.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// How far it reaches.
    pub severity: Severity,
    /// Machine-readable.
    pub reason: Reason,
    /// The target or field it is about, e.g. `640F…/Servers/win` or `spec.content.wso2.profiles[0]`.
    pub subject: String,
    /// What is wrong, what is allowed, what to do.
    pub message: String,
}

impl Finding {
    /// Whether listing the system again may make it go away: a name may appear, a list may be whole next time.
    pub fn may_resolve(&self) -> bool {
        matches!(
            self.reason,
            Reason::CustomerNotFound
                | Reason::GroupNotFound
                | Reason::RoleNotFound
                | Reason::UserNotFound
                | Reason::RuleNotFound
                | Reason::DictionaryNotFound
                | Reason::TargetNotFound
                | Reason::ExcludeNotFound
                | Reason::AmbiguousName
                | Reason::CustomerExpired
                | Reason::CatalogueIncomplete
                | Reason::NoTargets
        )
    }
}

/// What to read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scope {
    /// Documents, with the leaves that matter; ignored by drivers whose `Facts::snapshot` is true.
    pub documents: BTreeMap<ItemKey, BTreeSet<LeafPath>>,
}

/// The full desired state of one item, merged from all contributions (output of `plan::merge`).
#[derive(Debug, Clone, PartialEq)]
pub struct DesiredItem {
    /// Which item.
    pub key: ItemKey,
    /// Object or document.
    pub shape: crate::model::Shape,
    /// For people.
    pub title: String,
    /// `status.objects[].key`.
    pub status_key: String,
    /// Leaves that won, and may be written.
    pub leaves: BTreeMap<LeafPath, LeafValue>,
    /// Union of the contributors' members.
    pub members: BTreeMap<MemberKind, BTreeSet<String>>,
    /// The switch.
    pub enabled: Option<bool>,
    /// Place among managed objects: sorts before what is larger (R17).
    pub rank: (i64, String),
    /// Who contributes.
    pub contributors: BTreeSet<ObjectName>,
}

impl DesiredItem {
    /// The mark it bears, for objects.
    pub fn mark(&self) -> Option<crate::model::Mark> {
        match &self.shape {
            crate::model::Shape::Object { identity } => Some(identity.mark()),
            crate::model::Shape::Document => None,
        }
    }
}

/// One write to one document.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentChange {
    /// The whole desired state.
    pub desired: DesiredItem,
    /// The leaves that differ, the reason for the write.
    pub differing: BTreeSet<LeafPath>,
    /// Values to put back (Restore), outside `desired`.
    pub restore: BTreeMap<LeafPath, Value>,
    /// As just read.
    pub observed: ObservedItem,
}

/// One effect on the system. Absolute wherever the system allows; `Create` is journalled by the worker before it runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Make an object, inert (inactive), with its mark (R14).
    Create(Box<DesiredItem>),
    /// Bring an object's leaves and members to the desired state; `observed` was read in this pass (R7).
    Replace {
        /// Wanted.
        desired: Box<DesiredItem>,
        /// As read, to resend what we do not model.
        observed: Box<ObservedItem>,
    },
    /// Put an adopted object's former leaves back and take our mark off (Restore).
    Restore {
        /// Which object.
        observed: Box<ObservedItem>,
        /// Former values by path.
        leaves: BTreeMap<LeafPath, Value>,
    },
    /// Turn objects on or off by the system's own calls.
    SetEnabled {
        /// Which.
        ids: Vec<ExternalId>,
        /// On or off.
        enabled: bool,
    },
    /// Give objects these places; only ids we manage (R17).
    Reorder(Vec<(ExternalId, i64)>),
    /// Remove objects that are disabled and deployed.
    Delete(Vec<ExternalId>),
    /// Write documents in one call: all share OS and body (R19).
    Write {
        /// At most `customersPerWrite` of them.
        changes: Vec<DocumentChange>,
        /// Wait for the result instead of taking a task (R20).
        synchronous: bool,
    },
    /// Copy another group's document here, once (R27).
    Seed {
        /// Which document.
        item: ItemKey,
        /// `{customer, group}` to copy from, resolved to ids.
        from: (String, String),
    },
    /// Publish everything pending in the account (R18).
    Deploy,
}

/// What a step came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Done. `id` where the system told the id of what it created.
    Applied {
        /// Id of a created object.
        id: Option<ExternalId>,
    },
    /// Accepted as a task.
    Pending {
        /// The vendor's task id.
        operation: String,
        /// Its state.
        state: TaskState,
    },
}

impl Outcome {
    /// Done, with nothing to tell.
    pub const DONE: Self = Self::Applied { id: None };
}

/// Pure knowledge about a system.
pub trait Translate: Send + Sync {
    /// What the system is.
    fn facts(&self) -> Facts;

    /// Whether two sets of evidence speak of the same account (R7).
    fn same_account(&self, known: &BTreeSet<String>, found: &BTreeSet<String>) -> bool {
        known == found
    }

    /// Compiles an assignment into contributions, refusing what cannot be proven narrower than meant (R1).
    fn compile(&self, binding: &Binding, context: &CompileContext<'_>) -> Compiled;

    /// The spelling of a leaf's value that compares equal for all spellings the system treats alike.
    ///
    /// Idempotent. Applied to desired and observed values before they are compared or digested.
    fn canonicalise(&self, path: &LeafPath, value: &Value) -> Value;

    /// Packs document changes into as few writes as is proven safe (R19); the default is one each.
    ///
    /// `packed_proven`: the account has shown a packed write verified for all its documents.
    fn pack(&self, changes: Vec<DocumentChange>, packed_proven: bool) -> Vec<Vec<DocumentChange>> {
        let _ = packed_proven;
        changes.into_iter().map(|change| vec![change]).collect()
    }

    /// Prefixes of leaf paths that form an exact list on objects: an observed leaf below one that is not desired is
    /// an element to remove (`features/`).
    fn exact_lists(&self) -> &'static [&'static str] {
        &[]
    }

    /// How this account deploys, where `Facts::deploys` (R18).
    fn deploy_settings(&self) -> Option<DeploySettings> {
        None
    }

    /// `spec.system.wfbss.execution`; `Auto` where the system has no tasks.
    fn execution(&self) -> Execution {
        Execution::Auto
    }

    /// `metadata.name` and key of every Secret the facet of this binding refers to.
    fn secret_refs(&self, policy: &crate::api::PolicySpec) -> BTreeSet<(String, String)>;
}

/// One account of one system: I/O.
///
/// Every call may be repeated; what must not be repeated blindly is said at [`Step`]. Errors carry
/// a [`Class`] that decides what happens next.
#[async_trait]
pub trait Driver: Translate {
    /// Logs in and finds out what the account is: no effect.
    ///
    /// # Errors
    /// `Unauthorized` for refused credentials, `Transient` for an unreachable or garbled system, `Rejected` where
    /// the answer shows that this is another product.
    async fn probe(&self) -> Result<Probe, DriverError>;

    /// Lists what can be named. Reads only.
    ///
    /// # Errors
    /// As for [`Driver::observe`].
    async fn catalogue(&self) -> Result<Catalogue, DriverError>;

    /// Reads what the scope names (or everything, for a snapshot system).
    ///
    /// # Errors
    /// `Transient`, `Throttled`, `Unauthorized`; a cut or contradictory list is not an error but an incomplete observation.
    async fn observe(&self, scope: &Scope) -> Result<Observation, DriverError>;

    /// Carries out one step.
    ///
    /// # Errors
    /// `Ambiguous` where the effect may have happened (lost answer): the worker observes before anything else.
    async fn execute(&self, step: &Step) -> Result<Outcome, DriverError>;

    /// Asks for a task; `None` where the system offers no way to ask.
    ///
    /// # Errors
    /// As for [`Driver::observe`]; `Gone` where the system no longer knows the id.
    async fn check(&self, operation: &str) -> Result<Option<TaskState>, DriverError>;

    /// Logs out, best effort, bounded by the HTTP stack's time limit.
    async fn close(&self);
}
