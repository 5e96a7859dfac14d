//! Time as an argument: decisions never read it themselves, so that tests can hold it still.

use std::time::{Duration, Instant};

use jiff::Timestamp;

/// Where time comes from.
///
/// Two clocks, because they answer different questions: `now` is what people and vendors call the
/// time and may jump (F47); `monotonic` only ever grows and is what every deadline is measured by.
pub trait Clock: Send + Sync {
    /// Wall-clock time.
    fn now(&self) -> Timestamp;
    /// Time since some fixed moment of this process.
    fn monotonic(&self) -> Duration;
}

/// The machine's clocks.
#[derive(Debug, Clone)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// A clock whose monotonic reading starts at zero now.
    pub fn new() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }
}
