//! Leadership that fences every effect (R28).
//!
//! ```text
//! get ─▶ nobody, or us before a restart ─────────────▶ PUT ─▶ held ─▶ renew … ─▶ released (PUT without holder)
//!    └─▶ somebody else ─▶ watch the record with our own clock                 └▶ end reached ─▶ lost: exit
//!                          unchanged for its duration ─▶ PUT
//! ```
//!
//! Nobody's wall clock is believed: a foreign lease is expired only after its record was seen unchanged for its
//! duration on *our* monotonic clock, and our own end is counted from before the PUT that renewed it was sent. Every
//! PUT carries the resourceVersion it was read with, so two takers cannot both succeed.
//!
//! The identity belongs to a store: a process that comes back to the same store takes its own lease over at once. A
//! second process cannot do that behind the back of a living one, because it cannot open the store.

mod fence;
mod record;

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, Client, api::PostParams};
use tokio::time::{sleep, timeout};

use crate::model::Clock;

pub use fence::LeaseFence;
use record::Record;

/// Annotation with the epoch of the store last opened (R13).
pub const EPOCH: &str = "ordain.dev/store-epoch";
/// Name of the Lease.
pub const NAME: &str = "ordain";
/// How long a lease holds. Longer than the longest call, so that calls may start at any time while it is renewed.
pub const DURATION: Duration = Duration::from_secs(60);
const RENEW: Duration = Duration::from_secs(10);
const RETRY: Duration = Duration::from_secs(2);
const CALL: Duration = Duration::from_secs(5);

/// Why leadership ended.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Not renewed in time, or taken by somebody else.
    #[error("lost the lease: {0}")]
    Lost(String),
}

/// The Lease of an installation.
pub struct Leadership {
    api: Api<Lease>,
    namespace: String,
    identity: String,
    clock: Arc<dyn Clock>,
    fence: Arc<LeaseFence>,
    held: Option<Lease>,
}

impl Leadership {
    /// Leadership of the installation in this namespace, for this identity.
    pub fn new(client: Client, namespace: &str, identity: &str, clock: Arc<dyn Clock>) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            namespace: namespace.to_owned(),
            identity: identity.to_owned(),
            fence: Arc::new(LeaseFence::new(clock.clone())),
            clock,
            held: None,
        }
    }

    /// What every effect asks first.
    pub fn fence(&self) -> Arc<LeaseFence> {
        self.fence.clone()
    }

    /// Waits until the lease is ours; returns the epoch the last holder wrote onto it.
    pub async fn acquire(&mut self) -> Option<u64> {
        let mut seen: Option<(Record, Duration)> = None;
        loop {
            match self.try_acquire(&mut seen).await {
                Ok(Some(lease)) => {
                    let epoch = record::epoch(&lease);
                    self.held = Some(lease);
                    return epoch;
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "the lease cannot be taken yet"),
            }
            sleep(RETRY).await;
        }
    }

    async fn try_acquire(&self, seen: &mut Option<(Record, Duration)>) -> Result<Option<Lease>, kube::Error> {
        let current = bounded(self.api.get_opt(NAME)).await?;
        let now = self.clock.monotonic();
        let Some(current) = current else {
            let lease = record::new(NAME, &self.namespace, &self.identity, self.clock.now());
            return self.put(bounded(self.api.create(&PostParams::default(), &lease)).await, now);
        };
        let found = Record::of(&current);
        if !found.is_free_for(&self.identity) {
            let since = match seen {
                Some((before, since)) if *before == found => *since,
                _ => {
                    tracing::info!(holder = %found.holder, "standing by: somebody else holds the lease");
                    *seen = Some((found, now));
                    return Ok(None);
                }
            };
            if now.saturating_sub(since) < found.duration {
                return Ok(None);
            }
        }
        let lease = record::taken(current, &self.identity, self.clock.now());
        self.put(bounded(self.api.replace(NAME, &PostParams::default(), &lease)).await, now)
    }

    /// A conflict means somebody was faster: look again. The end counts from before the call.
    fn put(
        &self,
        answer: Result<Lease, kube::Error>,
        started: Duration,
    ) -> Result<Option<Lease>, kube::Error> {
        match answer {
            Ok(lease) => {
                self.fence.extend(started + DURATION);
                Ok(Some(lease))
            }
            Err(kube::Error::Api(status)) if status.is_conflict() || status.is_already_exists() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes the epoch of the store just opened, before the first effect.
    ///
    /// # Errors
    /// The lease is lost.
    pub async fn announce_epoch(&mut self, epoch: u64) -> Result<(), LeaseError> {
        if let Some(lease) = &mut self.held {
            record::set_epoch(lease, epoch);
        }
        self.renew_until_written().await
    }

    async fn renew_until_written(&mut self) -> Result<(), LeaseError> {
        loop {
            if self.renew().await? {
                return Ok(());
            }
            sleep(RETRY).await;
        }
    }

    /// Renews until `stop`, then gives the lease back.
    ///
    /// # Errors
    /// The lease is lost: the process must end at once.
    pub async fn hold(&mut self, stop: impl Future<Output = ()>) -> Result<(), LeaseError> {
        let mut stop = std::pin::pin!(stop);
        let mut pause = RENEW;
        loop {
            tokio::select! {
                () = &mut stop => break,
                () = sleep(pause) => {}
            }
            pause = if self.renew().await? { RENEW } else { RETRY };
        }
        self.release().await;
        Ok(())
    }

    /// Whether it was renewed; `false`: not yet, but it still holds.
    async fn renew(&mut self) -> Result<bool, LeaseError> {
        let started = self.clock.monotonic();
        let Some(held) = &self.held else { return Err(LeaseError::Lost("it was never held".into())) };
        let lease = record::renewed(held.clone(), self.clock.now());
        let why = match bounded(self.api.replace(NAME, &PostParams::default(), &lease)).await {
            Ok(lease) => {
                self.fence.extend(started + DURATION);
                self.held = Some(lease);
                return Ok(true);
            }
            Err(kube::Error::Api(status)) if status.is_conflict() || status.is_not_found() => {
                match self.reread().await {
                    Some(holder) if holder != self.identity => {
                        self.fence.end();
                        return Err(LeaseError::Lost(format!("{holder:?} holds it now")));
                    }
                    _ => "somebody wrote it".to_owned(),
                }
            }
            Err(error) => error.to_string(),
        };
        if self.fence.is_over() {
            return Err(LeaseError::Lost(format!("not renewed in time ({why})")));
        }
        tracing::warn!(%why, "the lease was not renewed yet");
        Ok(false)
    }

    /// Who holds it now, where that can be read; a lost answer of our own PUT is ours, too.
    async fn reread(&mut self) -> Option<String> {
        let lease = bounded(self.api.get_opt(NAME)).await.ok()?;
        let Some(mut lease) = lease else {
            self.held.as_mut()?.metadata.resource_version = None;
            let fresh = self.held.clone()?;
            let created = bounded(self.api.create(&PostParams::default(), &record::without_version(fresh)))
                .await
                .ok()?;
            self.held = Some(created);
            return Some(self.identity.clone());
        };
        let holder = Record::of(&lease).holder;
        if holder == self.identity {
            if let Some(epoch) = self.held.as_ref().and_then(record::epoch) {
                record::set_epoch(&mut lease, epoch);
            }
            self.held = Some(lease);
        }
        Some(holder)
    }

    /// Best effort: who comes next need not wait.
    async fn release(&mut self) {
        self.fence.end();
        if let Some(held) = self.held.take() {
            let lease = record::released(held, self.clock.now());
            if let Err(error) = bounded(self.api.replace(NAME, &PostParams::default(), &lease)).await {
                tracing::warn!(%error, "the lease was not given back; it runs out by itself");
            }
        }
    }
}

async fn bounded<T>(call: impl Future<Output = Result<T, kube::Error>>) -> Result<T, kube::Error> {
    match timeout(CALL, call).await {
        Ok(answer) => answer,
        Err(_) => Err(kube::Error::Service("no answer within 5 s".into())),
    }
}
