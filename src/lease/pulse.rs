//! A sign of life of the lease loop, for `/livez`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::model::Clock;

/// When the loop last turned; clones are the same pulse.
#[derive(Clone)]
pub struct Pulse {
    last: Arc<AtomicU64>,
    clock: Arc<dyn Clock>,
}

impl Pulse {
    /// A pulse that beats now.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let pulse = Self { last: Arc::default(), clock };
        pulse.beat();
        pulse
    }

    /// The loop turns.
    pub fn beat(&self) {
        self.last.store(self.now(), Ordering::Relaxed);
    }

    /// How long ago it last did.
    pub fn age(&self) -> Duration {
        Duration::from_millis(self.now().saturating_sub(self.last.load(Ordering::Relaxed)))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.clock.monotonic().as_millis()).unwrap_or(u64::MAX)
    }
}
