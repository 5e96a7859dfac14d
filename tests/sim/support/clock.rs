//! Simulated time: tokio's paused clock, seen as a wall clock and as a monotonic one.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ordain::model::Clock;
use tokio::time::Instant;

/// What the wall clock shows when a test begins.
pub const WALL_BASE: &str = "2026-03-03T09:15:00Z";

/// A clock that moves only as tokio's clock does.
///
/// Clones share the wall offset: one machine, one wall clock. [`SimClock::another_machine`] gives
/// one that runs in step but can be set apart (F14).
#[derive(Debug, Clone)]
pub struct SimClock {
    origin: Instant,
    offset_millis: Arc<AtomicI64>,
}

impl SimClock {
    /// A clock that shows [`WALL_BASE`] now.
    pub fn new() -> Self {
        Self { origin: Instant::now(), offset_millis: Arc::default() }
    }

    /// Sets the wall clock forward, or back with a negative step (F47); monotonic time is untouched.
    pub fn jump(&self, by: SignedDuration) {
        let millis = i64::try_from(by.as_millis()).expect("a jump within some thousand years");
        self.offset_millis.fetch_add(millis, Ordering::Relaxed);
    }

    /// The clock of a second machine: the same moment now, its wall clock set on its own.
    pub fn another_machine(&self) -> Self {
        let offset = self.offset_millis.load(Ordering::Relaxed);
        Self { origin: self.origin, offset_millis: Arc::new(AtomicI64::new(offset)) }
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let base: Timestamp = WALL_BASE.parse().expect("a constant in RFC 3339");
        let offset = SignedDuration::from_millis(self.offset_millis.load(Ordering::Relaxed));
        base + self.monotonic() + offset
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }
}
