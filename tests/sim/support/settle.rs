//! Running the simulation until nothing happens any more.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};

use super::gate::IoGate;

/// Why the system did not come to rest.
#[derive(Debug, PartialEq, Eq)]
pub enum Unsettled {
    /// A planned crash happened first.
    Crashed,
    /// I/O after I/O without any time passing; the last of them.
    HotLoop(Vec<String>),
    /// Still busy when the bound was reached; the last I/Os that counted.
    Restless(Vec<String>),
}

/// What counts as rest.
#[derive(Debug, Clone, Copy)]
pub struct Settle {
    /// No I/O for this long.
    pub quiet: Duration,
    /// Not longer than this.
    pub bound: Duration,
    /// Which I/Os count, by their label.
    pub counts: fn(&str) -> bool,
}

impl Default for Settle {
    /// Two minutes without I/O, within six hours; the Lease and watches that are only re-opened do
    /// not count, since they never end.
    fn default() -> Self {
        Self { quiet: Duration::from_mins(2), bound: Duration::from_hours(6), counts: is_work }
    }
}

/// Whether an I/O is work rather than the pulse of an idle operator.
pub fn is_work(label: &str) -> bool {
    !label.starts_with("watch ") && !label.contains(" leases ")
}

impl Settle {
    /// Waits for rest and tells how much simulated time passed until the last I/O that counted.
    ///
    /// # Errors
    /// See [`Unsettled`]; a crash ends the wait at once.
    pub async fn wait(self, gate: &IoGate) -> Result<Duration, Unsettled> {
        let start = Instant::now();
        let rest = self.rest(gate, start);
        let outcome = tokio::select! {
            biased;
            () = gate.crashed() => {
                return Err(if gate.was_hot() { Unsettled::HotLoop(self.tail(gate)) } else { Unsettled::Crashed })
            }
            outcome = timeout(self.bound, rest) => outcome,
        };
        outcome.map_err(|_| Unsettled::Restless(self.tail(gate)))
    }

    async fn rest(self, gate: &IoGate, start: Instant) -> Duration {
        loop {
            let last = gate.last_io(self.counts).map_or(start, |last| last.max(start));
            sleep_until(last + self.quiet).await;
            if gate.last_io(self.counts).is_none_or(|now| now <= last) {
                return last - start;
            }
        }
    }

    fn tail(self, gate: &IoGate) -> Vec<String> {
        let mut counted: Vec<_> =
            gate.journal().iter().filter(|io| (self.counts)(&io.label)).map(ToString::to_string).collect();
        counted.split_off(counted.len().saturating_sub(20))
    }
}

/// [`Settle::wait`] with the defaults.
///
/// # Errors
/// See [`Unsettled`].
pub async fn settle(gate: &IoGate) -> Result<Duration, Unsettled> {
    Settle::default().wait(gate).await
}
