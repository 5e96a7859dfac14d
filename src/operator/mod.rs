//! The operator put together: gates in order, a worker per backend, an orderly end.
//!
//! ```text
//! lock of the store ─▶ lease ─▶ nobody else in our namespaces ─▶ keys, owner ─▶ store (epoch against the Lease)
//! ─▶ kinds listed ─▶ a worker per backend
//! SIGTERM ─▶ no new sequence ─▶ workers end ─▶ writer drained ─▶ store closed ─▶ lease given back, within ten seconds
//! ```
//!
//! Everything runs in tasks owned here: dropping the future stops all of it at once.

mod gates;
mod handover;
mod identity;
mod kube_ports;
mod readiness;
mod rooms;
pub mod skew;
mod supervisor;
mod wire;

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use kube::Client;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use crate::{
    index::Scope,
    lease::{LeaseError, Pulse},
    model::{Clock, OwnerId},
    report::metrics::Metrics,
    store::{StoreError, StoreHook},
    worker::ports::{Connector, Fence},
};

pub use identity::{IdentityError, keys, owner};
pub use kube_ports::{KubeSecrets, RealConnector, limits};
pub use wire::FencedWire;

/// How the operator is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Namespace of the Lease, the keys and a `ClusterBackend`'s Secrets.
    pub namespace: String,
    /// Namespaces it works in.
    pub scope: Scope,
    /// Where the store is.
    pub store: String,
    /// `--owner-id`.
    pub owner_id: Option<String>,
    /// Names this process in events and, with something random, on the Lease: the pod.
    pub instance: String,
    /// How long a system may take to list what was just created (F22).
    pub settle: SignedDuration,
}

/// What it is given.
pub struct Parts {
    /// The API server. Should not retry by itself.
    pub client: Client,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Makes what makes drivers, once it is known who we are and what fences their effects.
    pub connector: Box<dyn FnOnce(OwnerId, Arc<dyn Fence>) -> Arc<dyn Connector> + Send + Sync>,
    /// Measures.
    pub metrics: Metrics,
    /// Sees the commits of the store, in tests.
    pub hook: Option<Arc<dyn StoreHook>>,
    /// What is ready and what is not, for `/readyz`.
    pub readiness: watch::Sender<Vec<String>>,
    /// Sign of life, for `/livez`.
    pub pulse: Pulse,
}

/// Why it ended other than asked.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// Leadership ended.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// The keys or the owner id cannot be had.
    #[error("configuration")]
    Identity(#[from] IdentityError),
    /// The store cannot be used.
    #[error("configuration: the store {0} cannot be used")]
    Store(String, #[source] StoreError),
    /// A part that never ends did.
    #[error("{0} ended by itself, which is a defect; see the log above")]
    Ended(&'static str),
}

/// Calls to the API server before anything runs.
const CALL: Duration = Duration::from_secs(10);
/// Between two attempts at a gate.
const RETRY: Duration = Duration::from_secs(2);

/// Runs until `stop` turns true, then ends within ten seconds.
///
/// # Errors
/// [`OperatorError`]: the process should end, and be started again.
pub async fn run(settings: Settings, parts: Parts, stop: watch::Receiver<bool>) -> Result<(), OperatorError> {
    let gates = gates::Gates { settings: &settings, parts: &parts };
    let led = tokio::select! {
        led = gates.lead() => led?,
        () = until(stop.clone()) => return Ok(()),
    };
    let mut lease = led.lease;
    let opened = tokio::select! {
        // The lease is not renewed while the store is opened; announcing the epoch shows whether it still holds.
        opened = gates.open(&mut lease, led.claim, led.epoch) => opened,
        () = until(stop.clone()) => {
            lease.give_back().await;
            return Ok(());
        }
    };
    match opened {
        Ok(opened) => rooms::Rooms::new(&settings, parts, &lease, opened).live(&mut lease, stop).await,
        Err(error) => {
            lease.give_back().await;
            Err(error)
        }
    }
}

/// A call with an end.
async fn bounded<T>(call: impl Future<Output = Result<T, kube::Error>>) -> Result<T, kube::Error> {
    match timeout(CALL, call).await {
        Ok(answer) => answer,
        Err(_) => Err(kube::Error::Service("no answer within 10 s".into())),
    }
}

/// Between two attempts.
async fn pause() {
    sleep(RETRY).await;
}

/// Resolves once the flag is up, or its owner gone.
async fn until(mut flag: watch::Receiver<bool>) {
    let _ = flag.wait_for(|up| *up).await;
}
