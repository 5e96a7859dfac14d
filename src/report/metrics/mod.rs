//! Metrics: how much is done, how fast, and how much of it is true. Never what: no secret, no
//! setting, no target is a label; every label is a word of a fixed list, but for the backend's name.

mod accounts;
pub mod catalogue;
mod format;
mod labels;

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use jiff::Timestamp;
use prometheus_client::{
    encoding::{prometheus_text, text},
    metrics::{
        counter::Counter,
        family::{Family, MetricConstructor},
        gauge::Gauge,
        histogram::Histogram,
        info::Info,
    },
    registry::{Metric, Registry},
};

use crate::{
    api::{ConditionStatus, ConditionType, Reason, SystemName},
    drivers::http::Meter,
    model::BackendId,
};

pub use accounts::{Proof, Snapshot};
pub use format::Format;
pub use labels::{CallOutcome, WORK_LANES, WriteOutcome};

use super::corrections::{Correction, Corrections};
use accounts::Accounts;
use catalogue::Spec;
use labels::{ByCall, ByCondition, ByLane, ByOutcome, ByReason, BySystem, ByWrite};

/// From a millisecond to two minutes.
const SECONDS: [f64; 12] = [0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0];

#[derive(Debug, Clone, Copy)]
struct Buckets;

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(SECONDS)
    }
}

/// All metrics of the process; clones are the same ones.
#[derive(Clone)]
pub struct Metrics(Arc<All>);

struct All {
    registry: Registry,
    accounts: Arc<Accounts>,
    calls: Family<ByCall, Counter>,
    call_seconds: Family<BySystem, Histogram, Buckets>,
    pass_seconds: Family<BySystem, Histogram, Buckets>,
    drift_found: Family<BySystem, Counter>,
    drift_corrected: Family<BySystem, Counter>,
    objects: Family<ByCondition, Gauge>,
    abnormal: Family<ByReason, Gauge>,
    status_writes: Family<ByWrite, Counter>,
    finalizer_writes: Family<ByWrite, Counter>,
    annotation_writes: Family<ByWrite, Counter>,
    waiting: Family<ByLane, Gauge>,
    events: Family<ByOutcome, Counter>,
    store_bytes: Gauge<u64, AtomicU64>,
    leader: Gauge,
    /// Not a number: kept beside those that the page shows it with.
    corrections: Corrections,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Metrics of a process that has done nothing yet.
    pub fn new() -> Self {
        let mut book = Book(Registry::with_prefix(catalogue::PREFIX));
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        book.0.register(catalogue::BUILD.base, catalogue::BUILD.help, build);
        let accounts = Arc::new(Accounts::default());
        book.0.register_collector(Box::new(accounts.clone()));
        let all = All {
            calls: book.add(&catalogue::CALLS),
            call_seconds: book.put(&catalogue::CALL_SECONDS, Family::new_with_constructor(Buckets)),
            pass_seconds: book.put(&catalogue::PASSES, Family::new_with_constructor(Buckets)),
            drift_found: book.add(&catalogue::DRIFT_FOUND),
            drift_corrected: book.add(&catalogue::DRIFT_CORRECTED),
            objects: book.add(&catalogue::OBJECTS),
            abnormal: book.add(&catalogue::ABNORMAL),
            status_writes: book.add(&catalogue::STATUS_WRITES),
            finalizer_writes: book.add(&catalogue::FINALIZER_WRITES),
            annotation_writes: book.add(&catalogue::ANNOTATION_WRITES),
            waiting: book.add(&catalogue::WRITES_WAITING),
            events: book.add(&catalogue::EVENTS),
            store_bytes: book.add(&catalogue::STORE),
            leader: book.add(&catalogue::LEADER),
            corrections: Corrections::default(),
            accounts,
            registry: book.0,
        };
        Self(Arc::new(all))
    }

    /// Everything, in the text format of Prometheus.
    pub fn encode(&self) -> String {
        self.encode_as(Format::Prometheus)
    }

    /// Everything, in this format. Waits for nothing that is done meanwhile: what is told was noted when it happened.
    pub fn encode_as(&self, format: Format) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail, and every metric encodes itself.
        let _ = match format {
            Format::Prometheus => prometheus_text::encode(&mut out, &self.0.registry),
            Format::OpenMetrics => text::encode(&mut out, &self.0.registry),
        };
        out
    }

    /// A call to a system ended.
    pub fn call(&self, system: SystemName, outcome: CallOutcome, took: Duration) {
        let system = system.as_str();
        self.0.calls.get_or_create(&ByCall { system, outcome: outcome.as_str() }).inc();
        self.0.call_seconds.get_or_create(&BySystem { system }).observe(took.as_secs_f64());
    }

    /// A round over an account ended.
    pub fn pass(&self, system: SystemName, took: Duration) {
        self.0.pass_seconds.get_or_create(&BySystem { system: system.as_str() }).observe(took.as_secs_f64());
    }

    /// Items were found to differ.
    pub fn drift_found(&self, system: SystemName, items: u64) {
        self.0.drift_found.get_or_create(&BySystem { system: system.as_str() }).inc_by(items);
    }

    /// Items were put back.
    pub fn drift_corrected(&self, system: SystemName, items: u64) {
        self.0.drift_corrected.get_or_create(&BySystem { system: system.as_str() }).inc_by(items);
    }

    /// A driver was made for an account: how its calls are paced, and when its credentials end, if they tell.
    pub fn connected(&self, backend: &BackendId, meter: Meter, expiry: Option<Timestamp>) {
        self.0.accounts.connected(backend.to_string(), meter, expiry);
    }

    /// An account as a round left it.
    pub fn account(&self, backend: &BackendId, snapshot: Snapshot) {
        self.0.accounts.snapshot(backend.to_string(), snapshot);
    }

    /// When all of an account was last proven: the time of the least recent proof, by what a backend is called. It stays
    /// while something differs or is new. An account that was never known to be proven as a whole, or has nothing to prove,
    /// is not among them.
    pub fn proven(&self) -> BTreeMap<String, Timestamp> {
        self.0.accounts.proven()
    }

    /// Somebody's change in a system was put back. The same `series` is the same news.
    pub(super) fn corrected(&self, series: &str, correction: Correction) {
        self.0.corrections.note(series, correction);
    }

    /// What this process put back last, oldest first.
    pub fn corrections(&self) -> Vec<Correction> {
        self.0.corrections.latest()
    }

    /// The backend is gone, and its series with it.
    pub fn forget(&self, backend: &BackendId) {
        self.0.accounts.forget(&backend.to_string());
    }

    /// Size of the backing store.
    pub fn store_bytes(&self, bytes: u64) {
        self.0.store_bytes.set(bytes);
    }

    /// Whether this process holds the lease.
    pub fn leader(&self, leads: bool) {
        self.0.leader.set(leads.into());
    }

    /// `by` more objects (fewer, where negative) of a kind have a condition in a status.
    pub(super) fn objects(&self, kind: &'static str, type_: ConditionType, status: ConditionStatus, by: i64) {
        let label = ByCondition { kind, condition: type_.as_str(), status: status.as_str() };
        self.0.objects.get_or_create(&label).inc_by(by);
    }

    /// `by` more objects (fewer, where negative) of a kind have a condition that says that something is wrong.
    pub(super) fn abnormal(&self, kind: &'static str, type_: ConditionType, reason: Reason, by: i64) {
        let label = ByReason { kind, condition: type_.as_str(), reason: reason.as_str() };
        self.0.abnormal.get_or_create(&label).inc_by(by);
    }

    /// A write of a status ended.
    pub(super) fn status_write(&self, kind: &'static str, outcome: WriteOutcome) {
        self.0.status_writes.get_or_create(&ByWrite { kind, outcome: outcome.as_str() }).inc();
    }

    /// A write of a finalizer ended.
    pub(super) fn finalizer_write(&self, kind: &'static str, outcome: WriteOutcome) {
        self.0.finalizer_writes.get_or_create(&ByWrite { kind, outcome: outcome.as_str() }).inc();
    }

    /// A write of a recorded id as an annotation ended.
    pub(super) fn annotation_write(&self, kind: &'static str, outcome: WriteOutcome) {
        self.0.annotation_writes.get_or_create(&ByWrite { kind, outcome: outcome.as_str() }).inc();
    }

    /// Writes that wait in a lane.
    pub(super) fn waiting(&self, lane: &'static str, writes: usize) {
        let writes = i64::try_from(writes).unwrap_or(i64::MAX);
        self.0.waiting.get_or_create(&ByLane { lane }).set(writes);
    }

    /// Publishing an event ended.
    pub(super) fn event(&self, outcome: WriteOutcome) {
        self.0.events.get_or_create(&ByOutcome { outcome: outcome.as_str() }).inc();
    }
}

/// A registry that hands back what it registers, under the name the catalogue gives it.
struct Book(Registry);

impl Book {
    fn add<M: Metric + Clone + Default>(&mut self, spec: &Spec) -> M {
        self.put(spec, M::default())
    }

    fn put<M: Metric + Clone>(&mut self, spec: &Spec, metric: M) -> M {
        match spec.unit() {
            Some(unit) => self.0.register_with_unit(spec.base, spec.help, unit, metric.clone()),
            None => self.0.register(spec.base, spec.help, metric.clone()),
        }
        metric
    }
}

#[cfg(test)]
mod tests;
