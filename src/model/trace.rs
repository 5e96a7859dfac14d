//! Traces of one change, from the event to the proof: what their spans are called, and what begins one.
//!
//! Spans stand at the level `trace` under a target of their own, so that a log at `info` and a process without a collector
//! make none: a call site that nobody listens to costs one look at a flag. They name objects, verbs, settings' names and
//! paths, never a value.

use tracing::{Level, Span};

use super::BackendId;

/// The target of all spans that are exported, and of nothing else.
pub const TRACE: &str = "ordain::trace";

/// Whether anybody listens.
pub fn is_traced() -> bool {
    tracing::enabled!(target: TRACE, Level::TRACE)
}

/// What made a worker look: the beginning of a trace.
#[derive(Debug)]
pub struct Cause {
    /// The whole of it, until the last status of it is written.
    pub change: Span,
    /// From the event until the worker takes it up.
    pub queued: Span,
}

impl Cause {
    /// Something of the account changed in the cluster: `object`, as `Kind namespace/name`, arrived with `others` more.
    pub fn watched(backend: &BackendId, object: &str, others: usize) -> Self {
        let change = tracing::trace_span!(target: TRACE, parent: None, "change", %backend, object, others);
        tracing::trace_span!(target: TRACE, parent: &change, "watch", object).in_scope(|| {});
        let queued = tracing::trace_span!(target: TRACE, parent: &change, "queued");
        Self { change, queued }
    }
}
