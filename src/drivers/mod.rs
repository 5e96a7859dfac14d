//! The port of a driver: few verbs, wire formats and vendor rules behind them.
//!
//! A driver never schedules, never retries a whole change, never knows Kubernetes, and never
//! decides *whether* something is done: `plan` decides, the worker calls. Where the vendor sheet
//! leaves a fact unknown a driver is safe under both readings.

pub mod app_shield;
mod compile;
pub mod connect;
mod describe;
pub mod error;
pub mod http;
mod logins;
mod promise;
mod readings;
mod signer;
mod step;
pub mod symphony;
pub mod tachyon;
#[cfg(test)]
mod testing;
pub mod wfbss;
pub mod wso2;

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::Value;

use crate::model::{
    Catalogue, ItemKey, LeafPath, MemberKind, Observation, ObservedItem,
    memory::{AccountRecord, TaskState},
};

pub use compile::{Binding, CompileContext, Compiled, Finding, Reach, Seed, Severity};
pub use describe::{Described, is_telling, names_a_secret, only, telling};
pub use error::{Class, DriverError};
pub use promise::Promise;
pub use step::{DesiredItem, DocumentChange, Members, Outcome, Scope, Step};

/// What a system is and cannot be; the generated capability matrix and generic code read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// As spelled in `spec.system`.
    pub system: &'static str,
    /// It has documents that exist anyway, instead of objects that we make.
    pub documents: bool,
    /// One `observe` reads every object of the account (a list snapshot), whatever the scope.
    pub snapshot: bool,
    /// Changes reach devices only after an account-wide deploy (R18).
    pub deploys: bool,
    /// Objects stand in one account-wide order (R17).
    pub ordered: bool,
    /// Objects can carry our mark.
    pub marks: bool,
    /// The switch has calls of its own; otherwise it travels with the content, in `Step::Replace`.
    pub switches: bool,
    /// Only reading an object with its new content tells whether it may be switched on ([`ObservedItem::unfit`], R30).
    ///
    /// [`ObservedItem::unfit`]: crate::model::ObservedItem::unfit
    pub vets: bool,
    /// Members that others gave an object are theirs: only those we gave are ever removed (R5).
    pub additive: bool,
    /// Objects can be listed; otherwise the recorded id is the only way to one.
    pub lists: bool,
    /// Objects can be read; otherwise the answer to a save is all that is known of them.
    pub reads: bool,
    /// `releasePolicy: Delete` means something.
    pub deletes: bool,
    /// What the system tells of who made or changed an object and when, for people ([`ObservedItem::provenance`]).
    pub tells: &'static str,
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

/// What an account has shown of writes to several customers at once (R19).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// Nothing yet: one such write may be tried.
    Untried,
    /// One was verified for all its documents.
    Proven,
    /// One was accepted and did not reach all of them.
    Failed,
}

/// What `probe` found out.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// Dialect, version, tenant, evidence, fingerprint, capabilities. `probed_at` is the driver's clock.
    pub account: AccountRecord,
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
    fn pack(&self, changes: Vec<DocumentChange>, packing: Packing) -> Vec<Vec<DocumentChange>> {
        let _ = packing;
        changes.into_iter().map(|change| vec![change]).collect()
    }

    /// Whether one write of these documents is a packed one in the sense of [`Packing`].
    fn is_packed(&self, items: &[ItemKey]) -> bool {
        let _ = items;
        false
    }

    /// Whether the catalogue still lists what an item belongs to; `None` where it cannot tell, or is not complete.
    fn is_listed(&self, item: &ItemKey, catalogue: &Catalogue) -> Option<bool> {
        let _ = (item, catalogue);
        None
    }

    /// Whether the catalogue, complete, lacks whom an object reached once, so that a save that names it again would be
    /// refused; `false` where it cannot tell.
    fn is_member_gone(&self, kind: MemberKind, name: &str, catalogue: &Catalogue) -> bool {
        let _ = (kind, name, catalogue);
        false
    }

    /// The reverse of [`Translate::compile`] for one object or document: what somebody would have written for it.
    ///
    /// Pure. Whoever prints it proves first that it compiles to nothing but what stands there.
    ///
    /// # Errors
    /// Why it cannot be said in the words of a Policy and a PolicyAssignment; of a system whose driver does not
    /// describe, that.
    fn describe(&self, observed: &ObservedItem, catalogue: &Catalogue) -> Result<Described, String> {
        let _ = (observed, catalogue);
        Err(format!("objects of {} cannot be described yet", self.facts().system))
    }

    /// Every document that may exist, by what the catalogue lists; none on a system of objects.
    fn documents(&self, catalogue: &Catalogue) -> BTreeSet<ItemKey> {
        let _ = catalogue;
        BTreeSet::new()
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

    /// Whether what cannot be read is sent again at every drift interval (`spec.system.appShield.resend`).
    fn resends(&self) -> bool {
        false
    }

    /// `metadata.name` and key of every Secret the facet of this binding refers to.
    fn secret_refs(&self, policy: &crate::api::PolicySpec) -> BTreeSet<(String, String)>;
}

/// One account of one system: I/O.
///
/// Every call may be repeated; what must not be repeated blindly is said at [`Step`]. Errors carry
/// a [`Class`] that decides what happens next.
#[async_trait]
pub trait Driver: Send + Sync {
    /// What is known of the system without a call: the only way from a driver to it, so that no driver repeats it
    /// method by method and none can forget one that has a default.
    fn translate(&self) -> &dyn Translate;

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
