//! Traces of one change, from the event to the proof: what their spans are called, and what begins one.
//!
//! Spans stand at the level `trace` under a target of their own, so that a log at `info` and a process without a collector
//! make none: a call site that nobody listens to costs one look at a flag. They name objects, verbs, settings' names and
//! paths, never a value.

use std::time::Instant;

use tracing::{Level, Span};

use super::BackendId;

/// The target of all spans that are exported, and of nothing else.
pub const TRACE: &str = "ordain::trace";

/// Whether anybody listens.
pub fn is_traced() -> bool {
    tracing::enabled!(target: TRACE, Level::TRACE)
}

/// On a span: how many microseconds before its making it began. Whoever exports it puts it there.
pub const BEGAN_BEFORE: &str = "began_before_us";
/// On a span: how many microseconds before its end it was over.
pub const ENDED_BEFORE: &str = "ended_before_us";

/// What made a worker look, if it wants something else since: the beginning of a trace.
///
/// It has no span yet: most of what comes is what we wrote ourselves, and begins nothing.
#[derive(Debug, Clone)]
pub struct Cause {
    object: String,
    others: usize,
    at: Instant,
}

impl Cause {
    /// Something of the account changed in the cluster: `object`, as `Kind namespace/name`, arrived with `others` more.
    pub fn watched(object: &str, others: usize) -> Self {
        Self { object: object.to_owned(), others, at: Instant::now() }
    }

    /// The worker takes it up: the span of the whole change, begun when the event came, with what lies behind it.
    pub fn begin(self, backend: &BackendId) -> Span {
        let Self { object, others, at } = self;
        let waited = i64::try_from(at.elapsed().as_micros()).unwrap_or(i64::MAX);
        let change = tracing::trace_span!(
            target: TRACE, parent: None, "change", %backend, object, others, began_before_us = waited
        );
        tracing::trace_span!(
            target: TRACE, parent: &change, "watch", object, began_before_us = waited, ended_before_us = waited
        )
        .in_scope(|| {});
        tracing::trace_span!(target: TRACE, parent: &change, "queued", began_before_us = waited)
            .in_scope(|| {});
        change
    }
}
