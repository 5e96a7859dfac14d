//! What a worker finds around it during a plan: a store that is thrown away, and nobody to report to.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;

use super::{SETTLE, Setup};
use crate::{
    index::{Desired, Scope},
    model::{BackendId, ObjectName, Uid},
    report::facts::{AssignmentFacts, BackendFacts},
    store::Store,
    worker::{
        House,
        ports::{DesiredSource, Event, NoEffects, Reporter, WriteError},
        session::Accounts,
    },
};

/// The surroundings of all workers of a plan.
pub(crate) fn house(setup: &Setup, store: Store) -> House {
    House {
        source: Arc::new(Nothing),
        reporter: Arc::new(Mute),
        secrets: setup.secrets.clone(),
        connector: setup.connector.clone(),
        fence: Arc::new(NoEffects),
        store: Arc::new(store),
        accounts: Accounts::default(),
        clock: setup.clock.clone(),
        owner: setup.owner.clone(),
        sees_everything: setup.scope == Scope::All,
        operator_namespace: setup.operator_namespace.clone(),
        settle: SETTLE,
        lost: None,
        metrics: setup.metrics.clone(),
    }
}

/// Desired state is handed to a preview; nothing changes while it runs.
struct Nothing;

impl DesiredSource for Nothing {
    fn desired(&self, _: &BackendId) -> Option<Desired> {
        None
    }

    fn changes(&self, _: &BackendId) -> watch::Receiver<u64> {
        watch::Sender::new(0).subscribe()
    }

    fn synced(&self) -> bool {
        false
    }
}

/// Writes nothing to the API server.
struct Mute;

#[async_trait]
impl Reporter for Mute {
    fn assignment(&self, _: AssignmentFacts) {}

    fn backend(&self, _: BackendFacts) {}

    fn event(&self, _: Event) {}

    async fn ensure_finalizer(&self, _: &ObjectName, _: &Uid) -> Result<(), WriteError> {
        Err(refused())
    }

    async fn note_external_id(&self, _: &ObjectName, _: &Uid, _: &str) -> Result<(), WriteError> {
        Err(refused())
    }

    async fn remove_finalizer(&self, _: &ObjectName, _: &Uid) -> Result<(), WriteError> {
        Err(refused())
    }

    async fn ensure_in_use(&self, _: &BackendId, _: &Uid) -> Result<(), WriteError> {
        Err(refused())
    }

    async fn remove_in_use(&self, _: &BackendId, _: &Uid) -> Result<(), WriteError> {
        Err(refused())
    }
}

fn refused() -> WriteError {
    WriteError::Refused("a plan writes nothing".into())
}
