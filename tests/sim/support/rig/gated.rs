//! What the worker writes besides vendor calls, numbered and stopped with the process: commits and the API server.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use ordain::{
    model::{BackendId, ObjectName, Uid},
    report::facts::{AssignmentFacts, BackendFacts},
    store::{StoreError, StoreHook},
    worker::ports::{Event, Reporter, WriteError},
};

use super::Cluster;
use crate::support::gate::Process;

/// Commits as numbered I/Os. A dead process commits nothing more.
pub struct Commits {
    process: Process,
    number: AtomicU64,
}

impl Commits {
    pub fn new(process: Process) -> Self {
        Self { process, number: AtomicU64::new(0) }
    }
}

fn dead() -> StoreError {
    StoreError::Io("the process is dead".into())
}

impl StoreHook for Commits {
    fn before_commit(&self, label: &str) -> Result<(), StoreError> {
        let number = self.process.begin(format!("store {label}")).ok_or_else(dead)?;
        self.number.store(number, Ordering::Relaxed);
        Ok(())
    }

    fn after_commit(&self, _: &str) -> Result<(), StoreError> {
        if self.process.end(self.number.load(Ordering::Relaxed)) { Ok(()) } else { Err(dead()) }
    }
}

/// The cluster as one process writes to it: finalizers are I/Os, a dead process says nothing.
pub struct Gated {
    pub cluster: Arc<Cluster>,
    pub process: Process,
}

#[async_trait]
impl Reporter for Gated {
    fn assignment(&self, facts: AssignmentFacts) {
        if !self.process.is_dead() {
            self.cluster.assignment(facts);
        }
    }

    fn backend(&self, facts: BackendFacts) {
        if !self.process.is_dead() {
            self.cluster.backend(facts);
        }
    }

    fn event(&self, event: Event) {
        if !self.process.is_dead() {
            self.cluster.event(event);
        }
    }

    async fn ensure_finalizer(&self, name: &ObjectName, uid: &Uid) -> Result<(), WriteError> {
        self.process.pass(format!("finalize {name}"), self.cluster.ensure_finalizer(name, uid)).await
    }

    async fn note_external_id(&self, name: &ObjectName, uid: &Uid, value: &str) -> Result<(), WriteError> {
        self.process.pass(format!("note {name}"), self.cluster.note_external_id(name, uid, value)).await
    }

    async fn remove_finalizer(&self, name: &ObjectName, uid: &Uid) -> Result<(), WriteError> {
        self.process.pass(format!("unfinalize {name}"), self.cluster.remove_finalizer(name, uid)).await
    }

    async fn ensure_in_use(&self, backend: &BackendId, uid: &Uid) -> Result<(), WriteError> {
        if self.cluster.is_held() {
            return Ok(());
        }
        self.process.pass("finalizer on the backend", self.cluster.ensure_in_use(backend, uid)).await
    }

    async fn remove_in_use(&self, backend: &BackendId, uid: &Uid) -> Result<(), WriteError> {
        if !self.cluster.is_held() {
            return Ok(());
        }
        self.process.pass("finalizer off the backend", self.cluster.remove_in_use(backend, uid)).await
    }
}
