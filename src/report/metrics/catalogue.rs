//! Every metric there is: what it is called, what it tells, which labels it bears. What is registered is made from this,
//! and so is `docs/reference/metrics.md`; rules and dashboards are tested against it.

use std::fmt::Write as _;

use prometheus_client::registry::Unit;

use super::labels::{CallOutcome, KINDS, WORK_LANES, WRITER_LANES, WriteOutcome};
use crate::api::{ConditionStatus, ConditionType, Reason, SystemName};

/// What stands before every name.
pub const PREFIX: &str = "ordain";

/// Type of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Only rises, until the process starts anew.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Counts by size.
    Histogram,
    /// Always 1; its labels are the news.
    Info,
}

/// Base unit of a metric, part of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Plain numbers.
    Number,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
}

/// A label of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// `Backend/NAMESPACE/NAME` or `ClusterBackend/NAME`: one word for each backend there is.
    Backend,
    /// The system, as `spec.system` spells it.
    System,
    /// How a call ended.
    CallOutcome,
    /// How a write ended.
    WriteOutcome,
    /// Kind of the object.
    Kind,
    /// Type of the condition.
    Condition,
    /// Status of the condition.
    Status,
    /// Reason, as it stands in a status.
    Reason,
    /// Lane of the writer.
    WriterLane,
    /// Why an item is to be looked at.
    WorkLane,
    /// Version of the build.
    Version,
}

impl Label {
    /// Every label.
    pub const ALL: &[Self] = &[
        Self::Backend,
        Self::System,
        Self::CallOutcome,
        Self::WriteOutcome,
        Self::Kind,
        Self::Condition,
        Self::Status,
        Self::Reason,
        Self::WriterLane,
        Self::WorkLane,
        Self::Version,
    ];

    /// Its name in the series.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Backend => "backend",
            Self::System => "system",
            Self::CallOutcome | Self::WriteOutcome => "outcome",
            Self::Kind => "kind",
            Self::Condition => "condition",
            Self::Status => "status",
            Self::Reason => "reason",
            Self::WriterLane | Self::WorkLane => "lane",
            Self::Version => "version",
        }
    }

    /// Every word it may have; `None` where a user or a build chooses it.
    pub fn words(self) -> Option<Vec<&'static str>> {
        Some(match self {
            Self::Backend | Self::Version => return None,
            Self::System => SystemName::ALL.iter().map(|word| word.as_str()).collect(),
            Self::CallOutcome => CallOutcome::ALL.to_vec(),
            Self::WriteOutcome => WriteOutcome::ALL.to_vec(),
            Self::Kind => KINDS.to_vec(),
            Self::Condition => ConditionType::ALL.iter().map(|word| word.as_str()).collect(),
            Self::Status => ConditionStatus::ALL.iter().map(|word| word.as_str()).collect(),
            Self::Reason => Reason::ALL.iter().map(|word| word.as_str()).collect(),
            Self::WriterLane => WRITER_LANES.to_vec(),
            Self::WorkLane => WORK_LANES.to_vec(),
        })
    }
}

/// A metric.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// Name without prefix, unit and suffix of the type.
    pub(super) base: &'static str,
    /// Type.
    pub type_: Type,
    /// Unit.
    pub measure: Measure,
    /// Labels.
    pub labels: &'static [Label],
    /// What it tells, as one sentence without its full stop.
    pub help: &'static str,
}

impl Spec {
    /// The name of its series, as rules and dashboards write it; a histogram's bears a further suffix.
    pub fn name(&self) -> String {
        let unit = match self.measure {
            Measure::Number => "",
            Measure::Seconds => "_seconds",
            Measure::Bytes => "_bytes",
        };
        let suffix = match self.type_ {
            Type::Counter => "_total",
            Type::Info => "_info",
            Type::Gauge | Type::Histogram => "",
        };
        format!("{PREFIX}_{}{unit}{suffix}", self.base)
    }

    /// Whether its series bear the suffixes of a histogram.
    pub fn is_histogram(&self) -> bool {
        self.type_ == Type::Histogram
    }

    pub(super) fn unit(&self) -> Option<Unit> {
        match self.measure {
            Measure::Number => None,
            Measure::Seconds => Some(Unit::Seconds),
            Measure::Bytes => Some(Unit::Bytes),
        }
    }
}

/// The page of the reference that lists every metric.
pub fn page() -> String {
    let mut page = String::from(
        "# Metrics\n\nWhat `/metrics` tells. Made from the code by `make generate`. Every label is a word of a fixed list, but for \
         `backend`, which is `Backend/NAMESPACE/NAME` or `ClusterBackend/NAME`; a backend that is gone takes its series along. \
         Times are seconds since 1970. [Alerts](../alerts.md) are made of these.\n\n| metric | type | labels | meaning |\n\
         |---|---|---|---|\n",
    );
    for spec in ALL {
        let type_ = format!("{:?}", spec.type_).to_lowercase();
        let labels: Vec<_> = spec.labels.iter().map(|label| format!("`{}`", label.name())).collect();
        let _ = writeln!(page, "| `{}` | {type_} | {} | {} |", spec.name(), labels.join(", "), spec.help);
    }
    page.push_str("\n## Labels\n\n| label | of | words |\n|---|---|---|\n");
    for label in Label::ALL {
        let Some(words) = label.words().filter(|_| *label != Label::Reason) else { continue };
        let of =
            ALL.iter().filter(|spec| spec.labels.contains(label)).map(|spec| format!("`{}`", spec.name()));
        let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
        let _ = writeln!(
            page,
            "| `{}` | {} | {} |",
            label.name(),
            of.collect::<Vec<_>>().join(", "),
            words.join(", ")
        );
    }
    page.push_str("\n`reason` is a word of [reasons.md](reasons.md).\n");
    page
}

macro_rules! catalogue {
    ($($name:ident: $type_:ident, $measure:ident, $base:literal, [$($label:ident),*], $help:literal;)+) => {
        $(pub(super) const $name: Spec = Spec {
            base: $base,
            type_: Type::$type_,
            measure: Measure::$measure,
            labels: &[$(Label::$label),*],
            help: $help,
        };)+

        /// Every metric, in the order of the documentation.
        pub const ALL: &[Spec] = &[$($name,)+];
    };
}

catalogue! {
    BUILD: Info, Number, "build", [Version], "Version of this build";
    LEADER: Gauge, Number, "leader", [], "1 while this process holds the lease, and so may change something";
    OBJECTS: Gauge, Number, "objects", [Kind, Condition, Status], "Custom resources, by the status of their conditions";
    ABNORMAL: Gauge, Number, "objects_abnormal", [Kind, Condition, Reason],
        "Custom resources with which something is wrong, by the condition that says so and its reason";
    BACKEND: Gauge, Number, "backend_info", [Backend, System], "1 for each backend that is worked on, with its system";
    INTERVAL: Gauge, Seconds, "drift_interval", [Backend], "How often everything is read again, spec.drift.interval";
    WANTED: Gauge, Seconds, "proof_wanted_timestamp", [Backend],
        "Since when this process has something to prove on the account; absent where nothing is to be proven";
    PROOF: Gauge, Seconds, "oldest_proof_timestamp", [Backend],
        "When the least recently proven item of the account was proven to be as Git says; absent until all of them were";
    DUE: Gauge, Number, "items_due", [Backend, WorkLane], "Items that wait to be looked at, by why";
    BREAKER: Gauge, Number, "breaker_open", [Backend, Reason],
        "1 while the account as a whole is left alone after a failure, with its reason; absent while it works";
    HOLDS: Gauge, Number, "guard_holds", [Backend],
        "Removals that the guard holds back, the number that ordain.dev/approve-removals must name";
    OPERATIONS: Gauge, Number, "operations_open", [Backend], "Tasks under way in the system";
    OLDEST: Gauge, Seconds, "oldest_operation_timestamp", [Backend],
        "When the oldest task under way was started; absent while there is none";
    EXPIRY: Gauge, Seconds, "credentials_expiry_timestamp", [Backend],
        "When the credentials end; absent where they do not tell";
    DRIFT_FOUND: Counter, Number, "drift_found", [System], "Items found to differ from Git by nobody's order";
    DRIFT_CORRECTED: Counter, Number, "drift_corrected", [System], "Items put back to what Git says";
    PASSES: Histogram, Seconds, "pass_duration", [System], "How long a round over an account takes";
    CALLS: Counter, Number, "vendor_calls", [System, CallOutcome], "Calls to policy systems, by how they ended";
    CALL_SECONDS: Histogram, Seconds, "vendor_call_duration", [System], "How long calls to policy systems take";
    TOKENS: Gauge, Number, "vendor_call_tokens", [Backend],
        "Calls that may be made at once, of spec.limits.burst, before spec.limits.requestsPerMinute slows them down";
    CALLS_WAITING: Gauge, Number, "vendor_calls_waiting", [Backend], "Calls that wait for their turn";
    CALLS_OPEN: Gauge, Number, "vendor_calls_in_flight", [Backend], "Calls without an answer yet";
    PAUSE: Gauge, Seconds, "vendor_pause", [Backend], "How long the system has asked not to be called any more";
    STATUS_WRITES: Counter, Number, "status_writes", [Kind, WriteOutcome], "Writes of a status, by how they ended";
    FINALIZER_WRITES: Counter, Number, "finalizer_writes", [Kind, WriteOutcome],
        "Writes of a finalizer, by how they ended";
    ANNOTATION_WRITES: Counter, Number, "annotation_writes", [Kind, WriteOutcome],
        "Writes of a recorded id as an annotation, by how they ended";
    WRITES_WAITING: Gauge, Number, "writes_waiting", [WriterLane], "Writes to the API server that wait for their turn";
    EVENTS: Counter, Number, "events", [WriteOutcome], "Events published, by how that ended";
    STORE: Gauge, Bytes, "store", [], "Size of the backing store";
}
