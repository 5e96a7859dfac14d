//! Desired state of one account, as the index hands it to the worker.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use jiff::Timestamp;

use crate::{
    api::{SystemSpec, conditions::Reason},
    drivers::{Binding, Finding},
    model::{BackendId, ObjectName, SourcesDigest, Uid},
};

/// Everything that names one backend, at one moment. Cheap to clone: the views are shared.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// The backend itself.
    pub backend: Arc<BackendView>,
    /// Assignments that name it, allowed or not; those of a ClusterBackend come from many namespaces.
    pub assignments: Arc<BTreeMap<ObjectName, Arc<AssignmentView>>>,
    /// Objects that may concern this account and cannot be decoded, as `Kind namespace/name`. While there is one,
    /// no removal is made on the account (R3).
    pub undecodable: BTreeSet<String>,
    /// Grows with every change of any of the above.
    pub version: u64,
}

/// A Backend or ClusterBackend.
#[derive(Debug, Clone, PartialEq)]
pub struct BackendView {
    /// Kind, namespace, name.
    pub id: BackendId,
    /// `metadata.uid`.
    pub uid: Uid,
    /// `metadata.generation`.
    pub generation: i64,
    /// `metadata.creationTimestamp`, for R10.
    pub created: Timestamp,
    /// Has a deletionTimestamp.
    pub deleting: bool,
    /// Bears `ordain.dev/in-use`.
    pub finalizer: bool,
    /// The one system.
    pub system: Arc<SystemSpec>,
    /// Everything else a pass needs of the spec.
    pub settings: BackendSettings,
    /// Annotation `ordain.dev/accept-account`.
    pub accept_account: Option<String>,
    /// Annotation `ordain.dev/approve-removals`.
    pub approve_removals: Option<String>,
    /// Annotation `ordain.dev/reconcile-requested-at`.
    pub requested_at: Option<String>,
    /// The spec is invalid (a CRD rule was bypassed): what is wrong. Nothing is called then.
    pub invalid: Option<String>,
}

/// Backend settings with their defaults filled in (product.md section 2).
#[derive(Debug, Clone, PartialEq)]
pub struct BackendSettings {
    /// `credentialsRef.name`; the namespace is the Backend's, or the operator's for a ClusterBackend (R24).
    pub credentials: String,
    /// `caRef`: kind, name, key.
    pub ca: Option<(String, String, String)>,
    /// `drift.interval`.
    pub drift_interval: std::time::Duration,
    /// `drift.correction: Correct`.
    pub correct_drift: bool,
    /// `limits`.
    pub requests_per_minute: u32,
    /// `limits.burst`.
    pub burst: u32,
    /// `limits.inFlight`.
    pub in_flight: u32,
    /// `guard.maxTargets`.
    pub max_targets: u32,
    /// `guard.maxRemovals`.
    pub max_removals: u32,
    /// `guard.window`.
    pub guard_window: std::time::Duration,
    /// `suspend`.
    pub suspend: bool,
}

/// Uid and generation of objects.
pub type Sources = Arc<[(Uid, i64)]>;

/// A PolicyAssignment with what it refers to.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own, none excludes another")]
pub struct AssignmentView {
    /// Namespace and name.
    pub name: ObjectName,
    /// `metadata.uid`.
    pub uid: Uid,
    /// `metadata.generation`.
    pub generation: i64,
    /// `metadata.creationTimestamp`.
    pub created: Timestamp,
    /// Has a deletionTimestamp.
    pub deleting: bool,
    /// Bears `ordain.dev/release`.
    pub finalizer: bool,
    /// `spec.suspend`.
    pub suspended: bool,
    /// `spec.mode: Observe`.
    pub observe_only: bool,
    /// `spec.releasePolicy`, as written.
    pub release_policy: Option<crate::api::ReleasePolicy>,
    /// Annotation `ordain.dev/reconcile-requested-at`.
    pub requested_at: Option<Box<str>>,
    /// Annotation `ordain.dev/external-id`: the recorded id, as this or another installation wrote it (R15).
    pub external_id: Option<Box<str>>,
    /// The Policy and the TargetGroups that it names, as they are, whatever it comes to.
    pub named: SourcesDigest,
    /// What it comes to.
    pub input: Input,
}

/// Whether an assignment can be compiled.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Everything it refers to is there; `findings` tell of TargetGroups left out (R16).
    Bound {
        /// Input of `compile`.
        binding: Box<Binding>,
        /// Found while resolving references.
        findings: Vec<Finding>,
        /// Uid and generation of the Policy and the TargetGroups it was resolved from.
        sources: Sources,
    },
    /// Something is missing or forbidden: what was applied stays as it is (a freeze), nothing is removed.
    /// Releasing on deletion stays possible.
    Frozen {
        /// `PolicyNotFound`, `FacetMissing`, `AccessDenied`, …
        reason: Reason,
        /// What to do.
        message: String,
    },
}

/// What of an assignment is wanted of the system. Finalizers and annotations of our own are not: they come back as changes,
/// too. The spec of the assignment, its Policy and its TargetGroups is told by their generations.
#[derive(PartialEq, Hash)]
struct Wish<'a> {
    uid: &'a Uid,
    generation: i64,
    deleting: bool,
    requested_at: Option<&'a str>,
    /// What it is made of and what was found amiss with it, or why it is frozen.
    input: Result<(&'a [(Uid, i64)], &'a [Finding]), Reason>,
}

impl Desired {
    /// What is wanted besides the assignments.
    fn of_account(&self) -> impl PartialEq + Hash {
        let BackendView { generation, deleting, approve_removals, requested_at, .. } = &*self.backend;
        (generation, deleting, approve_removals, requested_at, &self.undecodable)
    }

    /// Whether nothing a running sequence depends on differs from `later`.
    pub fn wants_the_same(&self, later: &Self) -> bool {
        self.of_account() == later.of_account()
            && self.assignments.len() == later.assignments.len()
            && self.assignments.iter().zip(later.assignments.iter()).all(
                |((name, view), (later_name, later))| {
                    name == later_name && (Arc::ptr_eq(view, later) || view.wish() == later.wish())
                },
            )
    }

    /// A digest of the same, for who only asks whether that changed and must not keep the views alive: it holds within
    /// this process.
    pub fn wish(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.of_account().hash(&mut hasher);
        self.assignments.iter().for_each(|(name, view)| (name, view.wish()).hash(&mut hasher));
        hasher.finish()
    }
}

impl AssignmentView {
    /// The assignment itself, its Policy and its TargetGroups: everything that says what is applied, with the generation
    /// it has here.
    pub fn sources(&self) -> impl Iterator<Item = (&Uid, i64)> {
        let named = match &self.input {
            Input::Bound { sources, .. } => &**sources,
            Input::Frozen { .. } => &[],
        };
        std::iter::once((&self.uid, self.generation))
            .chain(named.iter().map(|(uid, generation)| (uid, *generation)))
    }

    /// Whether what was made of that view holds of this one, too: nothing was edited in between, neither the assignment
    /// nor what it names.
    pub fn is_unedited_since(&self, then: &Self) -> bool {
        (self.generation, self.named) == (then.generation, then.named)
    }

    fn wish(&self) -> Wish<'_> {
        let input = match &self.input {
            Input::Bound { findings, sources, .. } => Ok((&**sources, findings.as_slice())),
            Input::Frozen { reason, .. } => Err(*reason),
        };
        let requested_at = self.requested_at.as_deref();
        Wish { uid: &self.uid, generation: self.generation, deleting: self.deleting, requested_at, input }
    }

    /// The binding, where there is one.
    pub fn binding(&self) -> Option<&Binding> {
        match &self.input {
            Input::Bound { binding, .. } => Some(binding),
            Input::Frozen { .. } => None,
        }
    }
}
