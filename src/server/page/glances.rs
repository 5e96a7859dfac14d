//! Where the page takes its data from: the API server, listed while somebody looks.
//!
//! The operator keeps of an object what it needs to work, some hundred bytes; for the page that is too little, and keeping
//! more for the few who look would cost everybody. So a look is a list, with the rights the operator has anyway: one at a
//! time, shared by all who ask within [`FRESH`], and forgotten afterwards. So are the pages made of it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use kube::Client;
use tokio::{
    sync::{Mutex, OwnedMutexGuard, Semaphore},
    task::spawn_blocking,
    time::{Instant, sleep, timeout_at},
};

use super::{asked::Asked, view};
use crate::{index::Scope, overview::Overview, report::metrics::Metrics, watch};

/// How long a look is shown again, or that it failed is told again.
const FRESH: Duration = Duration::from_secs(3);
/// How long anybody waits for a look, from when he asks.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many may wait for one.
const WAITING: usize = 16;
/// Pages that are kept of a look; of more the oldest goes.
const PAGES: usize = 16;

/// Told where the fault is ours.
const BROKEN: &str = "the page cannot be made; see the log of the operator";
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
    /// With the operator's rights, and made where the page is served: a client's connections live and die with the thread
    /// that asks.
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
            BROKEN
        })
    }
}

/// What a look came to.
type Looked = Result<Arc<Sight>, &'static str>;

/// The last look, and when it ended; none once it is forgotten.
type Last = Option<(Instant, Looked)>;

/// What was seen, and the pages made of it.
struct Sight {
    overview: Overview,
    pages: Mutex<Vec<(Asked, Bytes)>>,
}

impl Sight {
    fn new(overview: Overview) -> Self {
        Self { overview, pages: Mutex::default() }
    }

    /// The page that is asked for. All who ask for the same share it; others are made one at a time.
    async fn page(&self, asked: Asked) -> Result<Bytes, &'static str> {
        let mut pages = self.pages.lock().await;
        if let Some((_, page)) = pages.iter().find(|(made, _)| *made == asked) {
            return Ok(page.clone());
        }
        let page = view::page(&self.overview, asked.clone()).map_err(|error| {
            tracing::error!(%error, "the page cannot be made");
            BROKEN
        })?;
        let page = Bytes::from(page);
        if pages.len() >= PAGES {
            pages.remove(0);
        }
        pages.push((asked, page.clone()));
        Ok(page)
    }
}

/// Looks, shared.
#[derive(Clone)]
pub struct Glances(Arc<Inner>);

struct Inner {
    onlooker: Box<dyn Onlooker>,
    last: Arc<Mutex<Last>>,
    seats: Semaphore,
}

impl Glances {
    /// Of what this one sees.
    pub fn new(onlooker: impl Onlooker + 'static) -> Self {
        let (last, seats) = (Arc::default(), Semaphore::new(WAITING));
        Self(Arc::new(Inner { onlooker: Box::new(onlooker), last, seats }))
    }

    /// The page that is asked for, of what was seen within [`FRESH`], else of what is seen now. Nobody waits longer than
    /// [`PATIENCE`] for either.
    ///
    /// # Errors
    /// Too many ask, or the API server takes too long; in words of ours.
    pub(super) async fn page(&self, asked: Asked) -> Result<Bytes, &'static str> {
        let _seat = self.0.seats.try_acquire().map_err(|_| "too many are looking; try again in a moment")?;
        self.now(Instant::now() + PATIENCE).await?.page(asked).await
    }

    async fn now(&self, deadline: Instant) -> Looked {
        let last = timeout_at(deadline, self.0.last.clone().lock_owned()).await.map_err(|_| SLOW)?;
        if let Some((_, looked)) = last.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return looked.clone();
        }
        // Whoever asked may leave. What he began goes on, and holds the lock, so that nobody begins another beside it.
        let look = tokio::spawn(self.clone().look(last, deadline));
        look.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a look for the page broke off");
            Err(BROKEN)
        })
    }

    async fn look(self, mut last: OwnedMutexGuard<Last>, deadline: Instant) -> Looked {
        *last = None;
        let looked = timeout_at(deadline, self.0.onlooker.look()).await.unwrap_or(Err(SLOW));
        let looked = looked.map(|overview| Arc::new(Sight::new(overview)));
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
