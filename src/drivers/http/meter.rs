//! How an account's calls are paced at this moment, for whoever measures it.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

/// How an account's calls are paced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// Calls that may be made at once, before the rate slows them down.
    pub tokens: u32,
    /// Calls that wait for their turn.
    pub waiting: u32,
    /// Calls on the wire.
    pub in_flight: u32,
    /// How long the system has asked to be left alone.
    pub paused: Duration,
}

/// Who can tell it.
pub(super) trait Paced: Send + Sync {
    fn level(&self) -> Level;
}

/// Reads the level of the client that was made with it; shared by its clones.
#[derive(Clone, Default)]
pub struct Meter(Arc<Mutex<Option<Weak<dyn Paced>>>>);

impl Meter {
    /// The level; `None` before there is a client, and once it is gone.
    pub fn level(&self) -> Option<Level> {
        let paced = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?.upgrade()?;
        Some(paced.level())
    }

    pub(super) fn attach(&self, paced: Weak<dyn Paced>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(paced);
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Meter").field(&self.level()).finish()
    }
}
