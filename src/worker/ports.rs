//! What a worker needs from the rest of the house, as small ports that tests can hold.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::watch;

use crate::{
    api::{EventReason, SystemSpec},
    drivers::{Driver, DriverError},
    index::{BackendView, Desired},
    model::{BackendId, Cause, ObjectName, Secret, Uid},
    report::facts::{AssignmentFacts, BackendFacts},
};

/// Where desired state comes from.
pub trait DesiredSource: Send + Sync {
    /// The account's desired state now; `None` once the Backend is gone.
    fn desired(&self, backend: &BackendId) -> Option<Desired>;
    /// Ticks whenever `desired` may have changed.
    fn changes(&self, backend: &BackendId) -> watch::Receiver<u64>;
    /// Whether all kinds have been listed, so that what is absent is absent (start-up gate).
    fn synced(&self) -> bool;
    /// What the last tick came from, once, where traces are made.
    fn cause(&self, _backend: &BackendId) -> Option<Cause> {
        None
    }
    /// Assignments whose statuses somebody else wrote, each once: they are to say again how they stand.
    fn overwritten(&self, _backend: &BackendId) -> BTreeSet<ObjectName> {
        BTreeSet::new()
    }
}

/// Why a write to the API server failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The object is gone, or a namesake with another uid stands in its place.
    #[error("the object is gone")]
    Gone,
    /// Refused by RBAC, admission or validation; tried again with growing delays.
    #[error("{0}")]
    Refused(String),
    /// The API server did not answer; tried again with growing delays.
    #[error("{0}")]
    Unavailable(String),
}

/// The one writer of custom resources, as a worker sees it.
#[async_trait]
pub trait Reporter: Send + Sync {
    /// Replaces what was last reported of this assignment; written when different, latest wins.
    fn assignment(&self, facts: AssignmentFacts);
    /// The same for a backend.
    fn backend(&self, facts: BackendFacts);
    /// Says something happened. Never fails a pass, none in the steady state.
    fn event(&self, event: Event);
    /// Puts `ordain.dev/release` on an assignment and returns once the API server has it (before the first effect).
    ///
    /// # Errors
    /// [`WriteError`]; without the finalizer no effect may follow.
    async fn ensure_finalizer(&self, assignment: &ObjectName, uid: &Uid) -> Result<(), WriteError>;
    /// Writes `ordain.dev/external-id` on an assignment and returns once the API server has it (R15).
    ///
    /// # Errors
    /// [`WriteError`]; the id is then known to the store only.
    async fn note_external_id(
        &self,
        assignment: &ObjectName,
        uid: &Uid,
        value: &str,
    ) -> Result<(), WriteError>;
    /// Takes it off, after everything reported before was written. Gone counts as done.
    ///
    /// # Errors
    /// [`WriteError`], except `Gone`.
    async fn remove_finalizer(&self, assignment: &ObjectName, uid: &Uid) -> Result<(), WriteError>;
    /// Puts `ordain.dev/in-use` on a backend, before the first assignment of it gets its finalizer.
    ///
    /// # Errors
    /// [`WriteError`]; without it the backend may vanish under what was applied.
    async fn ensure_in_use(&self, backend: &BackendId, uid: &Uid) -> Result<(), WriteError>;
    /// Takes it off, once no assignment with our finalizer names the backend. Gone counts as done.
    ///
    /// # Errors
    /// [`WriteError`], except `Gone`.
    async fn remove_in_use(&self, backend: &BackendId, uid: &Uid) -> Result<(), WriteError>;
}

/// Something worth telling once (events.k8s.io/v1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// About which object.
    pub regarding: Regarding,
    /// What it tells, in one word of a fixed list.
    pub reason: EventReason,
    /// What was done, CamelCase: `Apply`, `Release`, `Observe`, …
    pub action: &'static str,
    /// For people.
    pub note: String,
    /// What makes another one the same news although its note tells more, as who did it and when; `None`: the note.
    pub series: Option<String>,
}

/// The object an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Regarding {
    /// A PolicyAssignment.
    Assignment(ObjectName, Uid),
    /// A Backend or ClusterBackend.
    Backend(BackendId, Uid),
}

/// Why a Secret or ConfigMap cannot be used (R24).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It does not exist.
    #[error("does not exist")]
    Missing,
    /// It lacks the label that allows this use.
    #[error("lacks the label {0}")]
    Unlabelled(&'static str),
    /// RBAC, or the API server is away.
    #[error("cannot be read: {0}")]
    Unreadable(String),
}

/// Reads Secrets, by `get` only, of one namespace.
#[async_trait]
pub trait SecretSource: Send + Sync {
    /// Keys and values of a Secret labelled `ordain.dev/use: <usage>` (`credentials` or `content`).
    ///
    /// # Errors
    /// [`SecretError`].
    async fn secret(
        &self,
        namespace: &str,
        name: &str,
        usage: &'static str,
    ) -> Result<BTreeMap<String, Secret>, SecretError>;
    /// PEM text of a CA bundle in a ConfigMap or Secret.
    ///
    /// # Errors
    /// [`SecretError`].
    async fn ca(&self, namespace: &str, kind: &str, name: &str, key: &str) -> Result<String, SecretError>;
}

/// Makes drivers.
pub trait Connector: Send + Sync {
    /// A driver for this system with these credentials; no call is made.
    ///
    /// # Errors
    /// `Rejected` for missing keys, a bad URL, a system without a driver.
    fn connect(
        &self,
        backend: &BackendView,
        system: &SystemSpec,
        credentials: &BTreeMap<String, Secret>,
        ca_pem: Option<&str>,
    ) -> Result<Arc<dyn Driver>, DriverError>;
}

/// Leadership, asked before every effect (R28).
pub trait Fence: Send + Sync {
    /// Whether an effect that may take `timeout` may start now.
    fn allows(&self, timeout: Duration) -> bool;
}

/// A fence for a process that makes no effect at all (`plan`): the transport itself sends none.
pub struct NoEffects;

impl Fence for NoEffects {
    fn allows(&self, _timeout: Duration) -> bool {
        false
    }
}

/// A fence for a process that cannot have a rival (tests).
pub struct AlwaysLeader;

impl Fence for AlwaysLeader {
    fn allows(&self, _timeout: Duration) -> bool {
        true
    }
}
