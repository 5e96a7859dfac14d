//! Whether an effect may start now.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{model::Clock, worker::ports::Fence};

/// The end of our lease on our own monotonic clock, in milliseconds; zero: not held.
pub struct LeaseFence {
    end: AtomicU64,
    clock: Arc<dyn Clock>,
}

impl LeaseFence {
    /// A fence that lets nothing through yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { end: AtomicU64::new(0), clock }
    }

    /// The lease holds at least until then.
    pub(super) fn extend(&self, end: Duration) {
        self.end.fetch_max(millis(end), Ordering::SeqCst);
    }

    /// Nothing goes through any more.
    pub(super) fn end(&self) {
        self.end.store(0, Ordering::SeqCst);
    }

    /// Whether the end has come.
    pub fn is_over(&self) -> bool {
        !self.allows(Duration::ZERO)
    }
}

impl Fence for LeaseFence {
    /// An effect with timeout t starts only if now + t is before our lease's end (R28).
    fn allows(&self, timeout: Duration) -> bool {
        millis(self.clock.monotonic() + timeout) < self.end.load(Ordering::SeqCst)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
