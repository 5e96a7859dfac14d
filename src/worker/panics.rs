//! The worker that follows one which panicked (F5): it says so on the Backend, and rests before it tries.

use std::time::Duration;

use tokio::sync::watch;

use super::{Outage, Wake, Worker, trouble::backoff};
use crate::{
    api::conditions::Reason,
    drivers::{Class, DriverError},
};

/// Something that is changed meanwhile may be the remedy, but not more often than this.
const AT_LEAST: Duration = Duration::from_secs(10);
/// The first pause is 16 seconds, the longest five minutes.
const FIRST: u32 = 3;

const MESSAGE: &str = "the worker of this account panicked, which is a defect of Ordain; it is started again after a \
                       pause. Please report it with the operator's log";

impl Worker {
    /// A worker that follows one which panicked, for the so manieth time in a row.
    #[must_use]
    pub fn after_panic(mut self, times: u32) -> Self {
        let now = self.now();
        let error = DriverError::new(Class::Transient, Reason::InternalError, MESSAGE);
        let until = backoff(now, times.saturating_sub(1).saturating_add(FIRST + 1));
        self.outage = Some(Outage { error, since: now, until, attempts: times });
        self
    }

    /// Rests where it has to.
    pub(super) async fn rest(
        &mut self,
        changes: &mut watch::Receiver<u64>,
        stop: &mut watch::Receiver<bool>,
    ) {
        let Some(until) = self.outage.as_ref().map(|outage| outage.until) else { return };
        if let Some(desired) = self.house.source.desired(&self.id) {
            self.house.reporter.backend(self.backend_facts(&desired));
        }
        let changed = async {
            tokio::time::sleep(AT_LEAST).await;
            // An index that is gone changes nothing any more; `run` ends then.
            let _ = changes.changed().await;
        };
        tokio::select! {
            () = tokio::time::sleep(self.sleep(Wake::At(until))) => {}
            () = changed => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
        self.outage = None;
    }
}
