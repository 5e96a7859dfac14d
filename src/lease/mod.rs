//! Leadership that fences every effect (R28).
//!
//! ```text
//! get ─▶ given back, or its holder is proven dead ──────▶ PUT ─▶ held ─▶ renew … ─▶ given back (PUT without holder)
//!    └─▶ somebody may hold it ─▶ watch the record by ──▶ PUT        └▶ end reached, or somebody else's ─▶ lost: exit
//!                                our own clock, unchanged
//!                                for as long as it lasts
//! ```
//!
//! Nobody's wall clock is believed: a foreign lease is expired only after its record was seen unchanged for its duration
//! on *our* monotonic clock, and our own end is counted from before the PUT that renewed it was sent. A holder keeps to
//! nine tenths of the duration, so that clocks whose rates differ by less than a tenth do no harm (F14). Every PUT
//! carries the resourceVersion it was read with, so two takers cannot both succeed. A Lease that was deleted counts as
//! held for as long as it lasted.
//!
//! The identity is one process's and never used again. A restart need not wait for its own former lease where the death
//! of the former process is proven: the Lease names the place of the holder's store (machine and lock file), and
//! whoever holds that very lock now knows that its former holder is gone.
//!
//! One Lease is one installation. Two of them, in namespaces of their own, must not work in the same namespaces: see
//! [`Leadership::exclude`].

mod contender;
mod exclusion;
mod fence;
mod installation;
mod neighbours;
mod pulse;
mod record;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, Client, api::PostParams};
use tokio::time::{sleep, timeout};

use crate::{index::Scope, model::Clock};

use contender::{Contender, Verdict};
use fence::Moment;
use installation::{Installation, Stage};
use neighbours::Neighbours;
use record::Record;

pub use fence::LeaseFence;
pub use installation::{LEASE_UID, SERVES, STAGE, WATCHES};
pub use pulse::Pulse;
pub use record::Taker;

/// Annotation with the epoch of the store last opened (R13).
pub const EPOCH: &str = "ordain.dev/store-epoch";
/// Annotation of a Lease whose installation did not keep others out all the time since its store was written (R13).
pub const OUTDATED: &str = "ordain.dev/store-outdated";
/// Annotation with the place of the holder's store.
pub const PLACE: &str = "ordain.dev/store-place";
/// Name of the Lease.
pub const NAME: &str = "ordain";
/// How long a lease holds. Longer than the longest call, so that calls may start at any time while it is renewed.
pub const DURATION: Duration = Duration::from_mins(1);
/// How long its holder relies on it.
const KEPT: Duration = Duration::from_secs(54);
const RENEW: Duration = Duration::from_secs(10);
const RETRY: Duration = Duration::from_secs(2);
const CALL: Duration = Duration::from_secs(5);
/// Giving it back must not hold up the end of the process.
const GIVE_BACK: Duration = Duration::from_secs(2);

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
    me: Taker,
    clock: Arc<dyn Clock>,
    fence: Arc<LeaseFence>,
    pulse: Pulse,
    held: Option<Lease>,
    scope: Scope,
    neighbours: Neighbours,
    /// Our Lease was deleted and is there again: the stage to go back to once nobody else came in.
    unproven: Option<Stage>,
}

impl Leadership {
    /// Leadership of the installation in this namespace, which works in `scope`.
    pub fn new(
        client: Client,
        namespace: &str,
        scope: Scope,
        me: Taker,
        clock: Arc<dyn Clock>,
        pulse: Pulse,
    ) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            namespace: namespace.to_owned(),
            me,
            fence: Arc::new(LeaseFence::new(clock.clone())),
            clock,
            pulse,
            held: None,
            scope,
            neighbours: Neighbours::default(),
            unproven: None,
        }
    }

    /// What every effect asks first.
    pub fn fence(&self) -> Arc<LeaseFence> {
        self.fence.clone()
    }

    /// Waits until the lease is ours; returns the epoch the last holder wrote onto it. `first`: nothing of this
    /// installation was there before. `tell` is told what it waits for, whenever that changes.
    pub async fn acquire(&mut self, first: bool, tell: impl Fn(&str)) -> Option<u64> {
        let mut contender = Contender::new(self.me.clone(), first);
        let mut told = String::new();
        loop {
            self.pulse.beat();
            let waits = match self.try_acquire(&mut contender).await {
                Ok(Taken::Ours(lease)) => {
                    let epoch = record::epoch(&lease);
                    self.held = Some(*lease);
                    return epoch;
                }
                Ok(Taken::Not(holder)) => format!("standing by: {holder} holds the lease"),
                Err(error) => format!("standing by: the lease cannot be taken: {error}"),
            };
            if waits != told {
                tracing::info!("{waits}");
                tell(&waits);
                told = waits;
            }
            sleep(RETRY).await;
        }
    }

    async fn try_acquire(&self, contender: &mut Contender) -> Result<Taken, kube::Error> {
        let current = bounded(self.api.get_opt(NAME)).await?;
        let started = Moment::now(self.clock.as_ref());
        let found = current.as_ref().map(Record::of);
        let holder = named(found.as_ref().map_or("", |record| &record.holder)).to_owned();
        let Verdict::Take(why) = contender.look(found.as_ref(), self.clock.monotonic()) else {
            return Ok(Taken::Not(holder));
        };
        let now = self.clock.now();
        let before = current.as_ref().and_then(Installation::ours);
        let exists = current.is_some();
        let mut lease = match current {
            None => record::new(NAME, &self.namespace, &self.me, now),
            Some(current) => record::taken(current, &self.me, now),
        };
        self.resume(&mut lease, before.as_ref());
        let answer = if exists {
            self.put(&lease).await
        } else {
            bounded(self.api.create(&PostParams::default(), &lease)).await
        };
        match answer {
            Ok(lease) => {
                self.fence.extend(started, KEPT);
                tracing::info!(?why, former = holder, "took the lease");
                Ok(Taken::Ours(Box::new(lease)))
            }
            // Somebody was faster: look again.
            Err(error) if is_overtaken(&error) => Ok(Taken::Not("somebody".to_owned())),
            Err(error) => Err(error),
        }
    }

    /// Writes what counts of our former Lease.
    fn resume(&self, lease: &mut Lease, before: Option<&Installation>) {
        let (stage, served) = installation::resumed(before, &self.scope);
        installation::set_served(lease, served.as_ref());
        installation::write(lease, &self.scope, stage);
        if installation::outdates(before) {
            record::set_outdated(lease);
        }
    }

    /// Whether others were kept out ever since the store was written, so that what it says is believed.
    pub fn kept_others_out(&self) -> bool {
        self.held.as_ref().is_some_and(|lease| !record::is_outdated(lease))
    }

    /// Tells of a namespace whether somebody else may have worked there since our store spoke of it last; `None`: that is so
    /// of none. To be asked once [`Self::exclude`] has returned, and before [`Self::announce_epoch`]: from then on all are ours.
    pub fn regained(&self) -> Option<impl Fn(&str) -> bool + use<>> {
        let mine = self.held.as_ref().and_then(Installation::ours).filter(Installation::regains_any)?;
        Some(move |namespace: &str| mine.regains(namespace))
    }

    /// Writes the epoch of the store just opened, and that we serve, before the first effect.
    ///
    /// # Errors
    /// The lease is lost.
    pub async fn announce_epoch(&mut self, epoch: u64) -> Result<(), LeaseError> {
        if let Some(lease) = &mut self.held {
            record::set_epoch(lease, epoch);
        }
        self.enter(Stage::Serving).await
    }

    /// Writes what we hold, for as long as it takes.
    async fn write_through(&mut self) -> Result<(), LeaseError> {
        loop {
            match timeout(self.fence.left(), self.renew()).await {
                Ok(Ok(true)) => return Ok(()),
                Ok(outcome) => drop(outcome?),
                Err(_) => return Err(self.lost("it was not renewed in time")),
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
            self.pulse.beat();
            let end = sleep(self.fence.left());
            tokio::select! {
                biased;
                () = &mut stop => break,
                renewed = self.renew_after(pause) => pause = if renewed? { RENEW } else { RETRY },
                () = end => return Err(self.lost("it was not renewed in time")),
            }
        }
        self.give_back().await;
        Ok(())
    }

    async fn renew_after(&mut self, pause: Duration) -> Result<bool, LeaseError> {
        sleep(pause).await;
        self.renew().await
    }

    /// Whether it was renewed; `false`: not yet.
    async fn renew(&mut self) -> Result<bool, LeaseError> {
        if !self.is_proven().await? {
            return Ok(false);
        }
        let Some(held) = self.held.clone() else { return Err(self.lost("it was never held")) };
        let started = Moment::now(self.clock.as_ref());
        match self.put(&record::renewed(held, self.clock.now())).await {
            Ok(lease) => {
                self.written(lease, started);
                Ok(true)
            }
            Err(error) if is_overtaken(&error) => {
                self.reread().await?;
                self.is_proven().await.map(|_| false)
            }
            Err(error) => {
                tracing::warn!(%error, left = ?self.fence.left(), "the lease was not renewed yet");
                Ok(false)
            }
        }
    }

    fn written(&mut self, lease: Lease, started: Moment) {
        self.fence.extend(started, KEPT);
        self.fence.trust();
        self.held = Some(lease);
    }

    /// Somebody wrote onto it, or deleted it, or our own last answer was lost.
    async fn reread(&mut self) -> Result<(), LeaseError> {
        match bounded(self.api.get_opt(NAME)).await {
            Ok(Some(lease)) => self.recognise(lease),
            Ok(None) => {
                self.put_back().await;
                Ok(())
            }
            Err(error) => {
                tracing::warn!(%error, left = ?self.fence.left(), "the lease cannot be read");
                Ok(())
            }
        }
    }

    fn recognise(&mut self, mut lease: Lease) -> Result<(), LeaseError> {
        let holder = Record::of(&lease).holder;
        if holder != self.me.identity {
            return Err(self.lost(&format!("{} holds it now", named(&holder))));
        }
        let Some(held) = &self.held else { return Err(self.lost("it was never held")) };
        record::keep_notes(held, &mut lease);
        // Put back by us, and the answer was lost.
        let (made_again, stage) = (lease.metadata.uid != held.metadata.uid, self.stage());
        self.held = Some(lease);
        if made_again {
            self.doubt(stage);
        }
        Ok(())
    }

    /// A deleted Lease is still ours: everybody else of this installation waits for as long as it lasts. Another one may
    /// have seen nobody, so that it counts from when that is ruled out ([`Self::prove`]).
    async fn put_back(&mut self) {
        self.fence.doubt();
        self.mistrust_parts();
        let Some(held) = self.held.clone() else { return };
        let (mut lease, stage) = (record::anew(record::renewed(held, self.clock.now())), self.stage());
        installation::set_served(&mut lease, None);
        installation::write(&mut lease, &self.scope, stage.min(Stage::Entering));
        match bounded(self.api.create(&PostParams::default(), &lease)).await {
            Ok(lease) => {
                tracing::warn!("the Lease was deleted and is there again");
                self.held = Some(lease);
                self.doubt(stage);
            }
            Err(error) => tracing::warn!(%error, "the Lease was deleted and is not there again yet"),
        }
    }

    /// Lets go of it, best effort and within two seconds: who comes next need not wait.
    pub async fn give_back(&mut self) {
        self.fence.close();
        if !matches!(timeout(GIVE_BACK, self.write_given_back()).await, Ok(Ok(()))) {
            tracing::warn!("the lease was not given back; it runs out by itself");
        }
    }

    async fn write_given_back(&mut self) -> Result<(), kube::Error> {
        self.mistrust_unproven();
        let Some(held) = self.held.take() else { return Ok(()) };
        match self.put(&record::released(held, self.clock.now())).await {
            // A renewal that was under way may have gone through unheard.
            Err(error) if is_overtaken(&error) => match self.api.get_opt(NAME).await? {
                Some(lease) if Record::of(&lease).holder == self.me.identity => {
                    self.put(&record::released(lease, self.clock.now())).await.map(drop)
                }
                _ => Ok(()),
            },
            answer => answer.map(drop),
        }
    }

    fn lost(&self, why: &str) -> LeaseError {
        self.fence.close();
        LeaseError::Lost(why.to_owned())
    }

    async fn put(&self, lease: &Lease) -> Result<Lease, kube::Error> {
        bounded(self.api.replace(NAME, &PostParams::default(), lease)).await
    }
}

/// What an attempt to take it came to.
enum Taken {
    Ours(Box<Lease>),
    Not(String),
}

fn named(holder: &str) -> &str {
    if holder.is_empty() { "nobody" } else { holder }
}

/// Somebody else wrote, made or deleted it in between.
fn is_overtaken(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.is_conflict() || status.is_already_exists() || status.is_not_found())
}

async fn bounded<T>(call: impl Future<Output = Result<T, kube::Error>>) -> Result<T, kube::Error> {
    match timeout(CALL, call).await {
        Ok(answer) => answer,
        Err(_) => Err(kube::Error::Service("no answer within 5 s".into())),
    }
}
