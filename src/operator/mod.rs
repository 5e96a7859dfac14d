//! The operator put together: gates in order, a worker per backend, an orderly end.
//!
//! ```text
//! lease ─▶ keys, owner ─▶ store (epoch against the Lease) ─▶ kinds listed ─▶ a worker per backend
//! SIGTERM ─▶ no new sequence ─▶ workers end ─▶ writer drained ─▶ store closed ─▶ lease given back
//! ```
//!
//! Everything runs in tasks owned here: dropping the future stops all of it at once.

mod identity;
mod kube_ports;
mod supervisor;

use std::{sync::Arc, time::Duration};

use futures::future::Either;
use jiff::SignedDuration;
use kube::Client;
use tokio::{sync::watch, task::JoinSet};

use crate::{
    index::Scope,
    lease::{Leadership, LeaseError},
    model::{Clock, OwnerId},
    report::{
        metrics::Metrics,
        writer::{StatusWriter, WriterHandle},
    },
    store::{Expected, Opened, Store, StoreError, StoreHook},
    watch::{Announcer, IndexHandle, echo},
    worker::{House, ports::Connector, session::Accounts},
};

pub use identity::{IdentityError, keys, owner};
pub use kube_ports::{KubeSecrets, RealConnector};
use supervisor::Supervisor;

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
    /// Who holds the lease; belongs to the store (see [`crate::lease`]).
    pub identity: String,
    /// How long a system may take to list what was just created (F22).
    pub settle: SignedDuration,
}

/// What it is given.
pub struct Parts {
    /// The API server. Should not retry by itself.
    pub client: Client,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Makes what makes drivers, once it is known who we are.
    pub connector: Box<dyn FnOnce(OwnerId) -> Arc<dyn Connector> + Send>,
    /// Measures.
    pub metrics: Metrics,
    /// Sees the commits of the store, in tests.
    pub hook: Option<Arc<dyn StoreHook>>,
    /// What is ready and what is not, for `/readyz`.
    pub readiness: watch::Sender<Vec<String>>,
}

/// Why it ended other than asked.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// Leadership ended.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// The keys or the owner id cannot be had.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The store cannot be used.
    #[error("the store {0} cannot be used")]
    Store(String, #[source] StoreError),
    /// A part that never ends did.
    #[error("{0} ended by itself")]
    Ended(&'static str),
}

/// Ending takes at most this long beyond running calls.
const ENDING: Duration = Duration::from_secs(5);

/// Runs until `stop` turns true.
///
/// # Errors
/// [`OperatorError`]: the process should end, and be started again.
pub async fn run(
    settings: Settings,
    parts: Parts,
    mut stop: watch::Receiver<bool>,
) -> Result<(), OperatorError> {
    let ready = |what: &str| parts.readiness.send_replace(vec![what.to_owned()]);
    ready("standing by for the lease");
    let mut lease =
        Leadership::new(parts.client.clone(), &settings.namespace, &settings.identity, parts.clock.clone());
    let epoch = tokio::select! {
        epoch = lease.acquire() => epoch,
        _ = stop.wait_for(|stop| *stop) => return Ok(()),
    };
    ready("opening the store");
    let keys = keys(&parts.client, &settings.namespace).await?;
    let owner = owner(&parts.client, settings.owner_id.as_deref()).await?;
    let opened = open(&settings, &parts, keys, epoch)?;
    lease.announce_epoch(opened.epoch).await?;
    parts.metrics.leader(true);

    let (writer, pen) = StatusWriter::new(
        parts.client.clone(),
        parts.clock.clone(),
        lease.fence(),
        &parts.metrics,
        &settings.identity,
    );
    let (announcer, news) = Announcer::new(writer.clone());
    let index = IndexHandle::new(settings.scope.clone(), Arc::new(announcer));
    let house = Arc::new(House {
        source: Arc::new(index.clone()),
        reporter: Arc::new(writer.clone()),
        secrets: Arc::new(KubeSecrets::new(parts.client.clone())),
        connector: (parts.connector)(owner.clone()),
        fence: lease.fence(),
        lost: opened.store.loss().map(|loss| loss.why.clone()),
        store: Arc::new(opened.store),
        accounts: Accounts::default(),
        clock: parts.clock.clone(),
        owner,
        operator_namespace: settings.namespace.clone(),
        settle: settings.settle,
    });
    let rooms = Rooms { index, writer, pen, news, house, client: parts.client.clone() };
    rooms.live(&mut lease, &parts.readiness, stop).await
}

fn open(
    settings: &Settings,
    parts: &Parts,
    keys: crate::store::Keys,
    epoch: Option<u64>,
) -> Result<Opened, OperatorError> {
    let failed = |e| OperatorError::Store(settings.store.clone(), e);
    let (clock, expected) = (parts.clock.clone(), Expected { epoch });
    let opened = match &parts.hook {
        Some(hook) => Store::open_hooked(&settings.store, keys, expected, clock, hook.clone()),
        None => Store::open(&settings.store, keys, expected, clock),
    };
    let opened = opened.map_err(failed)?;
    if let crate::store::Outcome::Lost(why) = &opened.outcome {
        tracing::error!(%why, aside = ?opened.aside, "the store is lost; objects are found again by mark and name");
    }
    Ok(opened)
}

/// Everything that lives while the lease holds.
struct Rooms {
    index: IndexHandle,
    writer: WriterHandle,
    pen: StatusWriter,
    news: tokio::sync::mpsc::UnboundedReceiver<crate::watch::News>,
    house: Arc<House>,
    client: Client,
}

impl Rooms {
    async fn live(
        self,
        lease: &mut Leadership,
        readiness: &watch::Sender<Vec<String>>,
        stop: watch::Receiver<bool>,
    ) -> Result<(), OperatorError> {
        let Self { index, writer, pen, news, house, client } = self;
        let mut streams = JoinSet::new();
        let watching = index.clone();
        streams.spawn(async move {
            crate::watch::run(client, watching).await;
        });
        streams.spawn(echo(index.clone(), writer.clone()));
        streams.spawn(tell_readiness(index.clone(), readiness.clone()));
        let (ink, dry) = watch::channel(false);
        let mut writing = JoinSet::new();
        writing.spawn(pen.run(until(dry)));
        let supervisor = Supervisor::new(house, index, writer);
        let (end, ended) = watch::channel(false);
        let work = async {
            let outcome = supervisor.run(news, stop).await;
            streams.shutdown().await;
            let _ = ink.send(true);
            let _ = tokio::time::timeout(ENDING, writing.join_next()).await;
            let _ = end.send(true);
            outcome
        };
        let hold = std::pin::pin!(lease.hold(until(ended)));
        let work = std::pin::pin!(work);
        // A lost lease drops everything that is under way, at once.
        match futures::future::select(hold, work).await {
            Either::Left((held, _)) => {
                held?;
                Err(OperatorError::Ended("the lease"))
            }
            Either::Right((outcome, hold)) => {
                hold.await?;
                outcome
            }
        }
    }
}

/// Resolves once the flag is up, or its owner gone.
async fn until(mut flag: watch::Receiver<bool>) {
    let _ = flag.wait_for(|up| *up).await;
}

/// Names what is not ready, a few times a second at most.
async fn tell_readiness(index: IndexHandle, readiness: watch::Sender<Vec<String>>) {
    loop {
        let troubles = index.troubles();
        readiness.send_if_modified(|told| {
            let changed = *told != troubles;
            told.clone_from(&troubles);
            changed
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
