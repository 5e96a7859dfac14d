//! Which trace a round belongs to: one change, from the event until everything of it is proven.

use jiff::{SignedDuration, Timestamp};
use tracing::Span;

use super::Worker;
use crate::{
    index::Desired,
    model::{ItemKey, TRACE, is_traced},
};

/// What takes longer goes on in another trace: an account under steady change has no end.
const LONGEST: SignedDuration = SignedDuration::from_mins(15);

/// The trace that is open, if somebody listens.
#[derive(Default)]
pub(super) struct Stretch {
    open: Option<(Span, Timestamp)>,
    /// What was wanted at the last look, as a digest: what comes back of our own finalizers and annotations begins
    /// nothing.
    wanted: Option<u64>,
}

impl Stretch {
    /// The span that the next round, and what is said of it, stand under; none while nothing is open.
    pub fn span(&self) -> Span {
        self.open.as_ref().map_or_else(Span::none, |(span, _)| span.clone())
    }

    fn begin(&mut self, span: Span, now: Timestamp) {
        if let Some((earlier, _)) = &self.open {
            span.follows_from(earlier);
        }
        self.open = Some((span, now));
    }
}

impl Worker {
    /// Takes up what the watch brought, if something else is wanted since.
    pub(super) fn take_up_cause(&mut self, desired: &Desired) {
        if !is_traced() {
            self.stretch = Stretch::default();
            return;
        }
        let cause = self.house.source.cause(&self.id);
        let wish = Some(desired.wish());
        if let Some(cause) = cause.filter(|_| self.stretch.wanted != wish) {
            let now = self.now();
            self.stretch.begin(cause.begin(&self.id), now);
        }
        self.stretch.wanted = wish;
    }

    /// The span of a round with something to look at: of the change that is open, else of a check that time asked for.
    pub(super) fn round_span(&mut self, items: usize) -> Span {
        if !is_traced() {
            return Span::none();
        }
        if self.stretch.open.is_none() {
            let check = tracing::trace_span!(target: TRACE, parent: None, "check", backend = %self.id);
            let now = self.now();
            self.stretch.begin(check, now);
        }
        tracing::trace_span!(target: TRACE, parent: &self.stretch.span(), "round", items)
    }

    /// Closes the trace once everything was settled: nothing is waited for, and the account is within reach. What is
    /// still to be written of it holds it open.
    pub(super) fn end_stretch(&mut self) {
        let Some((_, since)) = &self.stretch.open else { return };
        let settled = self.settle_polls == 0 && self.outage.is_none();
        if settled || self.now().duration_since(*since) > LONGEST {
            self.stretch.open = None;
        }
    }

    /// A span of no length for each item that this round proved: the end of what a change is about.
    pub(super) fn trace_proofs(&self, before: &[ItemKey]) {
        for item in before.iter().filter(|item| self.is_proven(item)) {
            tracing::trace_span!(target: TRACE, "proof", object = %item).in_scope(|| {});
        }
    }
}
