//! One account: observe → plan → guard → apply → verify, again until nothing is left.
//!
//! ```text
//! change or timer ─▶ pass ─▶ round ─▶ round ─▶ … ─▶ nothing to do ─▶ report ─▶ sleep until the next item is due
//!                             │ stakes: who wants what (compile)
//!                             │ releases: what a living witness lets go of; Orphan needs no call
//!                             │ due: which items to look at (schedule)
//!                             │ session: credentials, probe, the same account (R7, R10)
//!                             │ read ─▶ draft ─▶ record ─▶ guard ─▶ apply
//! ```
//!
//! A round starts from what is desired now; a newer change stops a pass between two sequences (R17).

pub mod act;
mod answer;
mod applied;
pub mod apply;
pub mod before;
pub mod compare;
pub mod compile;
pub mod connect;
pub mod content;
mod effect;
mod external_id;
pub mod facts;
mod failed;
mod finalize;
mod glance;
mod in_use;
mod journal;
mod judge;
mod kept;
mod let_go;
pub mod look;
mod measure;
pub mod observers;
mod older;
pub mod operations;
mod order;
pub mod outstanding;
pub mod overlap;
pub mod packing;
mod panics;
mod plain;
pub mod ports;
pub mod preview;
pub mod recall;
pub mod record;
mod requests;
pub mod round;
pub mod say;
pub mod schedule;
pub mod seeds;
pub mod session;
pub mod standing;
mod stretch;
pub mod survey;
mod tally;
pub mod trouble;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tracing::Instrument as _;

use crate::{
    index::Desired,
    model::{BackendId, Clock, Digester, ExternalId, ItemKey, ObjectName, OwnerId, memory::Memory},
    plan::{ItemVerdict, merge::Lost, release::Release},
    report::metrics::Metrics,
    store::{Store, StoreError},
};

use compile::Stakes;
use connect::Outage;
use ports::{Connector, DesiredSource, Fence, Reporter, SecretSource};
use requests::Requests;
use session::{Accounts, Session};
use tally::Tally;
use trouble::Troubles;

/// What all workers of a process share.
pub struct House {
    /// Desired state.
    pub source: Arc<dyn DesiredSource>,
    /// The one writer.
    pub reporter: Arc<dyn Reporter>,
    /// Secrets.
    pub secrets: Arc<dyn SecretSource>,
    /// Makes drivers.
    pub connector: Arc<dyn Connector>,
    /// Leadership.
    pub fence: Arc<dyn Fence>,
    /// Memory on disk.
    pub store: Arc<Store>,
    /// Who works which account.
    pub accounts: Accounts,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// This installation.
    pub owner: OwnerId,
    /// Whether every namespace is watched.
    pub sees_everything: bool,
    /// Where a ClusterBackend's Secrets live.
    pub operator_namespace: String,
    /// How long a system may take to list what was just created (F22).
    pub settle: SignedDuration,
    /// What a lost store cost, said by every account that had something in it (R13).
    pub lost: Option<String>,
    /// Measures.
    pub metrics: Metrics,
}

/// The worker of one account.
pub struct Worker {
    id: BackendId,
    house: Arc<House>,
    digester: Digester,
    memory: Memory,
    stakes: Stakes,
    troubles: Troubles,
    session: Option<Session>,
    outage: Option<Outage>,
    secret_read: Option<Duration>,
    content: content::Contents,
    verdicts: BTreeMap<ItemKey, ItemVerdict>,
    released: BTreeMap<ItemKey, ItemVerdict>,
    overridden: BTreeMap<ObjectName, BTreeSet<Lost>>,
    conflicts: BTreeMap<ObjectName, BTreeSet<Lost>>,
    losers_recalled: bool,
    /// Documents of the first packed write that are not read back yet.
    trial: Option<BTreeSet<ItemKey>>,
    /// Claims of deleted assignments that were told again after a lost store, each once.
    recalled: BTreeSet<(ItemKey, ObjectName)>,
    /// What assignments that are being deleted have let go of already, while the rest of them waits for its slice.
    let_go: BTreeSet<(ItemKey, ObjectName)>,
    /// Releases that wait for a human: until then, unless they change, there is no use in looking again.
    waiting_releases: BTreeMap<ItemKey, (Vec<Release>, Timestamp)>,
    watching: BTreeMap<ObjectName, observers::Watching>,
    glances: glance::Glances,
    account: facts::AccountState,
    pace: say::Pace,
    requests: Requests,
    /// Found to drift and not yet in step again; whether something was written to put it back.
    drifting: BTreeMap<ItemKey, measure::Drifting>,
    /// Further objects with the mark of one of ours, in the last look.
    duplicates: BTreeMap<ItemKey, Vec<ExternalId>>,
    /// Objects of others that stand above ours and reach whoever ours reaches (R17), for people.
    shadows: BTreeMap<ItemKey, String>,
    finalized: finalize::Finalized,
    /// Recorded ids written onto assignments, until the watch shows them (R15).
    noted: BTreeMap<crate::model::Uid, String>,
    settle_polls: u32,
    catalogue_misses: u32,
    /// Somebody asked: names are listed anew, whatever their age.
    relist: bool,
    /// Removals of the slices read so far (R2).
    tally: Tally,
    measured: measure::Measured,
    stretch: stretch::Stretch,
}

/// What a pass came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wake {
    /// Something becomes due then.
    At(Timestamp),
    /// Only a change wakes it.
    OnChange,
    /// The Backend is gone.
    Never,
}

/// A newer change may come at any time; this many rounds are made before looking at the clock again.
const ROUNDS: usize = 64;
/// Reports and polls never sleep longer than this.
const LONGEST_SLEEP: Duration = Duration::from_hours(24);

impl Worker {
    /// A worker that remembers what the store holds of this account.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn new(id: BackendId, house: Arc<House>) -> Result<Self, StoreError> {
        let memory = house.store.load(&id)?;
        let digester = house.store.digester();
        let requests = Requests::new(memory.handled.clone());
        Ok(Self {
            id,
            digester,
            memory,
            house,
            stakes: Stakes::default(),
            troubles: Troubles::default(),
            session: None,
            outage: None,
            secret_read: None,
            content: content::Contents::default(),
            verdicts: BTreeMap::new(),
            released: BTreeMap::new(),
            overridden: BTreeMap::new(),
            conflicts: BTreeMap::new(),
            losers_recalled: false,
            trial: None,
            recalled: BTreeSet::new(),
            let_go: BTreeSet::new(),
            waiting_releases: BTreeMap::new(),
            watching: BTreeMap::new(),
            glances: glance::Glances::new(),
            account: facts::AccountState::default(),
            pace: say::Pace::default(),
            requests,
            drifting: BTreeMap::new(),
            duplicates: BTreeMap::new(),
            shadows: BTreeMap::new(),
            finalized: finalize::Finalized::default(),
            noted: BTreeMap::new(),
            settle_polls: 0,
            catalogue_misses: 0,
            relist: false,
            tally: Tally::default(),
            measured: measure::Measured::default(),
            stretch: stretch::Stretch::default(),
        })
    }

    /// Works until `stop` says so or the Backend is gone, then logs out.
    pub async fn run(mut self, mut stop: tokio::sync::watch::Receiver<bool>) {
        let mut changes = self.house.source.changes(&self.id);
        self.rest(&mut changes, &mut stop).await;
        while !*stop.borrow() {
            changes.borrow_and_update();
            let wake = self.pass(&changes, &stop).await;
            if wake == Wake::Never {
                break;
            }
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { break },
                _ = stop.changed() => {}
                () = tokio::time::sleep(self.sleep(wake)) => {}
            }
        }
        self.house.accounts.leave(&self.id);
        if let Some(session) = self.session.take() {
            session.driver.close().await;
        }
    }

    fn now(&self) -> Timestamp {
        self.house.clock.now()
    }

    fn sleep(&self, wake: Wake) -> Duration {
        let until = match wake {
            Wake::At(at) => Duration::try_from(at.duration_since(self.now())).unwrap_or_default(),
            Wake::OnChange | Wake::Never => LONGEST_SLEEP,
        };
        let report = self.pace.next(self.house.clock.monotonic());
        let secret = self.content.next();
        let sooner = report.into_iter().chain(secret).min().unwrap_or(LONGEST_SLEEP);
        until.min(sooner).clamp(Duration::from_millis(1), LONGEST_SLEEP)
    }

    async fn pass(
        &mut self,
        changes: &tokio::sync::watch::Receiver<u64>,
        stop: &tokio::sync::watch::Receiver<bool>,
    ) -> Wake {
        for _ in 0..ROUNDS {
            if !self.house.source.synced() {
                return Wake::OnChange;
            }
            let Some(desired) = self.house.source.desired(&self.id) else { return Wake::Never };
            self.see_finalizers(&desired);
            self.take_up_cause(&desired);
            self.pace.touch(self.house.source.overwritten(&self.id));
            let (source, id) = (self.house.source.clone(), self.id.clone());
            let asked = || {
                *stop.borrow()
                    || changes.has_changed().unwrap_or(true) && is_overtaken(&desired, source.as_ref(), &id)
            };
            let since = self.house.clock.monotonic();
            let change = self.stretch.span();
            let came_to = self.round(&desired, &asked).instrument(change).await;
            let took = self.house.clock.monotonic().saturating_sub(since);
            self.house.metrics.pass(desired.backend.system.name(), took);
            let wake = match came_to {
                Ok(round::Next::Again) if !*stop.borrow() => {
                    self.stretch.span().in_scope(|| self.say(&desired, false));
                    continue;
                }
                Ok(round::Next::Again) => return Wake::OnChange,
                Ok(round::Next::At(at)) => Wake::At(at),
                Ok(round::Next::OnChange) => Wake::OnChange,
                Err(round::Halt::Account(error)) => Wake::At(self.halt(error)),
                Err(round::Halt::Store(error)) => Wake::At(self.store_trouble(&error)),
            };
            self.hold_claimants(&desired).await;
            self.stretch.span().in_scope(|| self.say(&desired, true));
            self.end_stretch();
            return wake;
        }
        Wake::At(self.now())
    }

    fn store_trouble(&mut self, error: &StoreError) -> Timestamp {
        tracing::error!(backend = %self.id, %error, "the store cannot remember, so nothing is sent");
        self.account.store_trouble = Some(error.to_string());
        trouble::backoff(self.now(), 3)
    }
}

/// Whether something other is wanted than when the round began.
fn is_overtaken(desired: &Desired, source: &dyn DesiredSource, id: &BackendId) -> bool {
    source.desired(id).is_none_or(|later| !desired.wants_the_same(&later))
}

/// Convenience for passes: what a pass knows of the desired state.
type Asked<'a> = &'a (dyn Fn() -> bool + Sync);
