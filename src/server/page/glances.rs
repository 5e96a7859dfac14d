//! Where the page takes its data from: the API server, listed while somebody looks.
//!
//! The operator keeps of an object what it needs to work, some hundred bytes; for the page that is too little, and keeping
//! more for the few who look would cost everybody. So a look is a list, with the rights the operator has anyway: one at a
//! time, shared by all who ask within [`FRESH`], and forgotten afterwards.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use kube::Client;
use tokio::{
    sync::{Mutex, Semaphore},
    task::spawn_blocking,
    time::{Instant, sleep, timeout_at},
};

use crate::{index::Scope, overview::Overview, report::metrics::Metrics, watch};

/// How long a look is shown again, or that it failed is told again.
const FRESH: Duration = Duration::from_secs(3);
/// How long anybody waits for a look, from when he asks.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many may wait for one.
const WAITING: usize = 16;

/// Told where a look takes longer.
const SLOW: &str = "the API server takes too long to answer; try again later";

/// Whoever can look.
#[async_trait]
pub trait Onlooker: Send + Sync {
    /// What there is to see now.
    ///
    /// # Errors
    /// Why nothing can be shown, in words of ours.
    async fn look(&self) -> Result<Overview, &'static str>;
}

/// The API server, in these namespaces.
pub struct ApiServer {
    /// With the operator's rights.
    pub client: Client,
    /// Where the operator works.
    pub scope: Scope,
    /// What the operator knows besides: when an account was proven, and what was put back.
    pub metrics: Metrics,
}

#[async_trait]
impl Onlooker for ApiServer {
    async fn look(&self) -> Result<Overview, &'static str> {
        let mut cluster = watch::look(&self.client, &self.scope).await;
        (cluster.proven, cluster.corrections) = (self.metrics.proven(), self.metrics.corrections());
        // A large cluster takes a while, in which the operator has other things to do.
        let overview = spawn_blocking(move || Overview::of(&cluster, Timestamp::now())).await;
        overview.map_err(|error| {
            tracing::error!(%error, "what was listed cannot be summed up");
            "the page cannot be made; see the log of the operator"
        })
    }
}

/// What a look came to.
type Looked = Result<Arc<Overview>, &'static str>;

/// Looks, shared.
#[derive(Clone)]
pub struct Glances(Arc<Inner>);

struct Inner {
    onlooker: Box<dyn Onlooker>,
    last: Mutex<Option<(Instant, Looked)>>,
    seats: Semaphore,
}

impl Glances {
    /// Of what this one sees.
    pub fn new(onlooker: impl Onlooker + 'static) -> Self {
        let (last, seats) = (Mutex::new(None), Semaphore::new(WAITING));
        Self(Arc::new(Inner { onlooker: Box::new(onlooker), last, seats }))
    }

    /// What was seen within [`FRESH`], else what is seen now. Nobody waits longer than [`PATIENCE`].
    ///
    /// # Errors
    /// Too many ask, or the API server takes too long; in words of ours.
    pub(super) async fn now(&self) -> Looked {
        let _seat = self.0.seats.try_acquire().map_err(|_| "too many are looking; try again in a moment")?;
        let deadline = Instant::now() + PATIENCE;
        let mut last = timeout_at(deadline, self.0.last.lock()).await.map_err(|_| SLOW)?;
        if let Some((_, looked)) = last.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return looked.clone();
        }
        *last = None;
        let looked = timeout_at(deadline, self.0.onlooker.look()).await.unwrap_or(Err(SLOW)).map(Arc::new);
        *last = Some((Instant::now(), looked.clone()));
        drop(last);
        self.forget_later();
        looked
    }

    /// Nobody looks for long: its memory is needed for other things.
    fn forget_later(&self) {
        let inner = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            sleep(FRESH).await;
            let Some(inner) = inner.upgrade() else { return };
            let mut last = inner.last.lock().await;
            if last.as_ref().is_some_and(|(at, _)| at.elapsed() >= FRESH) {
                *last = None;
            }
        });
    }
}
