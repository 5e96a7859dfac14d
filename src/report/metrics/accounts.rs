//! What `/metrics` tells of single accounts: gauges, read from the latest snapshot of each when somebody asks. A backend
//! that is gone is one entry less.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::gauge::ConstGauge,
};

use super::{
    catalogue::{self as c, Label, Spec},
    labels::WORK_LANES,
};
use crate::{
    api::{Reason, SystemName},
    drivers::http::{Level, Meter},
};

/// An account as a round left it.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Whose it is.
    pub system: SystemName,
    /// `spec.drift.interval`.
    pub drift_interval: Duration,
    /// `None`: nothing is to be proven.
    pub proof: Option<Proof>,
    /// Items that wait, in the order of [`WORK_LANES`].
    pub due: [u32; WORK_LANES.len()],
    /// Why the account as a whole is left alone.
    pub breaker: Option<Reason>,
    /// Removals that the guard holds back, as the Backend tells them.
    pub holds: u32,
    /// Tasks under way.
    pub operations: u32,
    /// When the oldest of them was started.
    pub oldest_operation: Option<Timestamp>,
}

/// How old what is known of an account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// Since when this process has something to prove.
    pub wanted: Timestamp,
    /// When the least recently proven item was proven; `None`: not known of all of them.
    pub oldest: Option<Timestamp>,
}

#[derive(Debug, Default)]
struct Account {
    snapshot: Option<Snapshot>,
    meter: Meter,
    expiry: Option<Timestamp>,
}

/// All accounts, by backend.
#[derive(Debug, Default)]
pub(super) struct Accounts(Mutex<BTreeMap<String, Account>>);

impl Accounts {
    /// A driver was made for the account.
    pub(super) fn connected(&self, backend: String, meter: Meter, expiry: Option<Timestamp>) {
        let mut accounts = self.all();
        let account = accounts.entry(backend).or_default();
        (account.meter, account.expiry) = (meter, expiry);
    }

    /// A round ended.
    pub(super) fn snapshot(&self, backend: String, snapshot: Snapshot) {
        self.all().entry(backend).or_default().snapshot = Some(snapshot);
    }

    /// When the least recently proven item of each was proven, as of when all were last.
    pub(super) fn proven(&self) -> BTreeMap<String, Timestamp> {
        let oldest = |account: &Account| account.snapshot.as_ref()?.proof?.oldest;
        self.all().iter().filter_map(|(backend, of)| Some((backend.clone(), oldest(of)?))).collect()
    }

    /// The backend is gone.
    pub(super) fn forget(&self, backend: &str) {
        self.all().remove(backend);
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Account>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A value and, where there is one, the label beside the backend's.
type Sample = (Option<(Label, &'static str)>, f64);

/// The gauges, each with what it says of an account.
const GAUGES: [(Spec, fn(&Account) -> Vec<Sample>); 14] = [
    (c::BACKEND, |account| of(account, |s| vec![(Some((Label::System, s.system.as_str())), 1.0)])),
    (c::INTERVAL, |account| of(account, |s| one(s.drift_interval.as_secs_f64()))),
    (c::WANTED, |account| of(account, |s| maybe(s.proof.map(|proof| second(proof.wanted))))),
    (c::PROOF, |account| of(account, |s| maybe(s.proof.and_then(|proof| proof.oldest).map(second)))),
    (c::DUE, |account| of(account, due)),
    (c::BREAKER, |account| of(account, breaker)),
    (c::HOLDS, |account| of(account, |s| one(s.holds.into()))),
    (c::OPERATIONS, |account| of(account, |s| one(s.operations.into()))),
    (c::OLDEST, |account| of(account, |s| maybe(s.oldest_operation.map(second)))),
    (c::EXPIRY, |account| maybe(account.expiry.map(second))),
    (c::TOKENS, |account| level(account, |level| level.tokens.into())),
    (c::CALLS_WAITING, |account| level(account, |level| level.waiting.into())),
    (c::CALLS_OPEN, |account| level(account, |level| level.in_flight.into())),
    (c::PAUSE, |account| level(account, |level| level.paused.as_secs_f64())),
];

fn of(account: &Account, samples: impl Fn(&Snapshot) -> Vec<Sample>) -> Vec<Sample> {
    account.snapshot.as_ref().map(samples).unwrap_or_default()
}

fn level(account: &Account, value: impl Fn(Level) -> f64) -> Vec<Sample> {
    maybe(account.meter.level().map(value))
}

fn one(value: f64) -> Vec<Sample> {
    vec![(None, value)]
}

fn maybe(value: Option<f64>) -> Vec<Sample> {
    value.map(one).unwrap_or_default()
}

fn due(snapshot: &Snapshot) -> Vec<Sample> {
    let lanes = WORK_LANES.iter().zip(snapshot.due);
    lanes.map(|(lane, items)| (Some((Label::WorkLane, *lane)), items.into())).collect()
}

fn breaker(snapshot: &Snapshot) -> Vec<Sample> {
    snapshot.breaker.map(|reason| (Some((Label::Reason, reason.as_str())), 1.0)).into_iter().collect()
}

/// Seconds since 1970, as Prometheus writes times.
fn second(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}

impl Collector for Accounts {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let accounts = self.all();
        for (spec, samples) in GAUGES {
            let samples: Vec<_> = accounts
                .iter()
                .flat_map(|(backend, account)| samples(account).into_iter().map(move |one| (backend, one)))
                .collect();
            if samples.is_empty() {
                continue;
            }
            let gauge = ConstGauge::new(0.0_f64);
            let (help, unit) = (format!("{}.", spec.help), spec.unit());
            let mut family =
                encoder.encode_descriptor(spec.base, &help, unit.as_ref(), gauge.metric_type())?;
            for (backend, (label, value)) in samples {
                let mut labels = vec![(Label::Backend.name(), backend.as_str())];
                labels.extend(label.map(|(label, word)| (label.name(), word)));
                ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}
