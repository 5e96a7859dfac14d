//! Metrics: how much is done, how fast, and how much of it is true. Never what: no secret, no
//! setting, no target is a label; every label is a word of a fixed list, but for the backend's name.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
    time::Duration,
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, text},
    metrics::{
        counter::Counter,
        family::{Family, MetricConstructor},
        gauge::{ConstGauge, Gauge},
        histogram::Histogram,
        info::Info,
    },
    registry::{Metric, Registry, Unit},
};

use crate::{
    api::{ConditionStatus, ConditionType, SystemName},
    model::{BackendId, Clock},
};

/// What `/metrics` answers with.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BySystem {
    system: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByCall {
    system: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByBackend {
    backend: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByCondition {
    kind: &'static str,
    condition: &'static str,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByWrite {
    kind: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByOutcome {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByLane {
    lane: &'static str,
}

/// How a call to a policy system ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOutcome {
    /// As asked.
    Ok,
    /// The system refused the content.
    Rejected,
    /// The system asked to slow down.
    Throttled,
    /// The system refused the credentials or a permission.
    Unauthorized,
    /// The system, or the way to it, is in trouble.
    Unavailable,
    /// Nobody knows whether it took effect.
    Ambiguous,
}

impl CallOutcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Rejected => "rejected",
            Self::Throttled => "throttled",
            Self::Unauthorized => "unauthorized",
            Self::Unavailable => "unavailable",
            Self::Ambiguous => "ambiguous",
        }
    }
}

/// How a write to the API server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteOutcome {
    /// Written.
    Ok,
    /// The object was gone.
    Gone,
    /// Refused.
    Refused,
    /// The API server was in trouble.
    Unavailable,
    /// Given up: the queue was full, or the news too old.
    Dropped,
}

impl WriteOutcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Gone => "gone",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
            Self::Dropped => "dropped",
        }
    }
}

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
    calls: Family<ByCall, Counter>,
    call_seconds: Family<BySystem, Histogram, Buckets>,
    pass_seconds: Family<BySystem, Histogram, Buckets>,
    drift_found: Family<BySystem, Counter>,
    drift_corrected: Family<BySystem, Counter>,
    objects: Family<ByCondition, Gauge>,
    proofs: Arc<Proofs>,
    holds: Family<ByBackend, Gauge>,
    operations: Family<ByBackend, Gauge>,
    status_writes: Family<ByWrite, Counter>,
    finalizer_writes: Family<ByWrite, Counter>,
    annotation_writes: Family<ByWrite, Counter>,
    waiting: Family<ByLane, Gauge>,
    events: Family<ByOutcome, Counter>,
    store_bytes: Gauge<u64, AtomicU64>,
    leader: Gauge,
}

impl Metrics {
    /// Metrics of a process that has done nothing yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let mut book = Book(Registry::with_prefix("ordain"));
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        book.0.register("build", "Version of this build", build);
        let proofs = Arc::new(Proofs { clock, last: Mutex::default() });
        book.0.register_collector(Box::new(proofs.clone()));
        let all = All {
            calls: book.add("vendor_calls", "Calls to policy systems, by how they ended"),
            call_seconds: book.timed(
                "vendor_call_duration",
                "How long calls to policy systems take",
                Buckets,
            ),
            pass_seconds: book.timed("pass_duration", "How long a pass over an account takes", Buckets),
            drift_found: book.add("drift_found", "Items found to differ from Git by nobody's order"),
            drift_corrected: book.add("drift_corrected", "Items put back to what Git says"),
            objects: book.add("objects", "Custom resources, by the status of their conditions"),
            holds: book.add("guard_holds", "Removals that the guard holds back"),
            operations: book.add("operations_open", "Tasks under way in a policy system"),
            status_writes: book.add("status_writes", "Writes of a status, by how they ended"),
            finalizer_writes: book.add("finalizer_writes", "Writes of a finalizer, by how they ended"),
            annotation_writes: book
                .add("annotation_writes", "Writes of a recorded id as an annotation, by how they ended"),
            waiting: book.add("writes_waiting", "Writes to the API server that wait for their turn"),
            events: book.add("events", "Events published, by how that ended"),
            store_bytes: book.sized("store", "Size of the backing store"),
            leader: book.add("leader", "1 while this process holds the lease"),
            proofs,
            registry: book.0,
        };
        Self(Arc::new(all))
    }

    /// Everything in `OpenMetrics` text; served as [`CONTENT_TYPE`].
    pub fn encode(&self) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail, and every metric encodes itself.
        let _ = text::encode(&mut out, &self.0.registry);
        out
    }

    /// A call to a system ended.
    pub fn call(&self, system: SystemName, outcome: CallOutcome, took: Duration) {
        let system = system.as_str();
        self.0.calls.get_or_create(&ByCall { system, outcome: outcome.as_str() }).inc();
        self.0.call_seconds.get_or_create(&BySystem { system }).observe(took.as_secs_f64());
    }

    /// A pass over an account ended.
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

    /// Everything of a backend was proven just now.
    pub fn proven(&self, backend: &BackendId) {
        self.0.proofs.set(backend.to_string());
    }

    /// Removals held back by the guard.
    pub fn holds(&self, backend: &BackendId, removals: u32) {
        self.0.holds.get_or_create(&ByBackend { backend: backend.to_string() }).set(removals.into());
    }

    /// Tasks under way.
    pub fn operations(&self, backend: &BackendId, open: u32) {
        self.0.operations.get_or_create(&ByBackend { backend: backend.to_string() }).set(open.into());
    }

    /// The backend is gone, and its series with it.
    pub fn forget(&self, backend: &BackendId) {
        let label = ByBackend { backend: backend.to_string() };
        self.0.proofs.remove(&label.backend);
        self.0.holds.remove(&label);
        self.0.operations.remove(&label);
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

/// A registry that hands back what it registers.
struct Book(Registry);

impl Book {
    fn add<M: Metric + Clone + Default>(&mut self, name: &str, help: &str) -> M {
        let metric = M::default();
        self.0.register(name, help, metric.clone());
        metric
    }

    fn sized<M: Metric + Clone + Default>(&mut self, name: &str, help: &str) -> M {
        let metric = M::default();
        self.0.register_with_unit(name, help, Unit::Bytes, metric.clone());
        metric
    }

    fn timed(&mut self, name: &str, help: &str, buckets: Buckets) -> Family<BySystem, Histogram, Buckets> {
        let family = Family::new_with_constructor(buckets);
        self.0.register_with_unit(name, help, Unit::Seconds, family.clone());
        family
    }
}

/// When each backend was last proven; turned into an age when asked.
struct Proofs {
    clock: Arc<dyn Clock>,
    last: Mutex<BTreeMap<String, Duration>>,
}

impl Proofs {
    fn set(&self, backend: String) {
        let now = self.clock.monotonic();
        self.last.lock().unwrap_or_else(PoisonError::into_inner).insert(backend, now);
    }

    fn remove(&self, backend: &str) {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).remove(backend);
    }
}

impl fmt::Debug for Proofs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proofs").field(&self.last).finish()
    }
}

impl Collector for Proofs {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let now = self.clock.monotonic();
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let gauge = ConstGauge::new(0.0_f64);
        let help = "Age of the last proof that the system holds what Git says";
        let mut family = encoder.encode_descriptor("seconds_since_proof", help, None, gauge.metric_type())?;
        for (backend, at) in last.iter() {
            let label = ByBackend { backend: backend.clone() };
            let age = ConstGauge::new(now.saturating_sub(*at).as_secs_f64());
            age.encode(family.encode_family(&label)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
