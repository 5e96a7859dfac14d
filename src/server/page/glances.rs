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
    time::{Instant, sleep, timeout},
};

use crate::{index::Scope, overview::Overview, watch};

/// How long a look is shown again.
const FRESH: Duration = Duration::from_secs(3);
/// How long a look may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many may wait for one.
const WAITING: usize = 16;

/// Whoever can look.
#[async_trait]
pub trait Onlooker: Send + Sync {
    /// What there is to see now.
    async fn look(&self) -> Overview;
}

/// The API server, in these namespaces.
pub struct ApiServer {
    /// With the operator's rights.
    pub client: Client,
    /// Where the operator works.
    pub scope: Scope,
}

#[async_trait]
impl Onlooker for ApiServer {
    async fn look(&self) -> Overview {
        Overview::of(&watch::look(&self.client, &self.scope).await, Timestamp::now())
    }
}

/// Looks, shared.
#[derive(Clone)]
pub struct Glances(Arc<Inner>);

struct Inner {
    onlooker: Box<dyn Onlooker>,
    last: Mutex<Option<(Instant, Arc<Overview>)>>,
    seats: Semaphore,
}

impl Glances {
    /// Of what this one sees.
    pub fn new(onlooker: impl Onlooker + 'static) -> Self {
        let (last, seats) = (Mutex::new(None), Semaphore::new(WAITING));
        Self(Arc::new(Inner { onlooker: Box::new(onlooker), last, seats }))
    }

    /// What was seen within [`FRESH`], else what is seen now.
    ///
    /// # Errors
    /// Too many ask, or the API server takes too long; in words of ours.
    pub(super) async fn now(&self) -> Result<Arc<Overview>, &'static str> {
        let _seat = self.0.seats.try_acquire().map_err(|_| "too many are looking; try again in a moment")?;
        let mut last = self.0.last.lock().await;
        if let Some((_, overview)) = last.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return Ok(Arc::clone(overview));
        }
        *last = None;
        let looked = timeout(PATIENCE, self.0.onlooker.look()).await;
        let overview =
            Arc::new(looked.map_err(|_| "the API server takes too long to answer; try again later")?);
        *last = Some((Instant::now(), Arc::clone(&overview)));
        drop(last);
        self.forget_later();
        Ok(overview)
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
