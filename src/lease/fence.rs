//! Whether an effect may start now.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use crate::{model::Clock, worker::ports::Fence};

/// A moment, by both clocks of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    monotonic: Duration,
    wall: Timestamp,
}

impl Moment {
    pub(super) fn now(clock: &dyn Clock) -> Self {
        Self { monotonic: clock.monotonic(), wall: clock.now() }
    }

    fn after(self, time: Duration) -> Self {
        let wall = SignedDuration::try_from(time).ok().and_then(|time| self.wall.checked_add(time).ok());
        Self { monotonic: self.monotonic + time, wall: wall.unwrap_or(Timestamp::MAX) }
    }
}

/// The end of our lease, counted from before the PUT that renewed it was sent.
///
/// By the monotonic clock, which alone decides when the lease is lost. The wall clock may only forbid: a machine that
/// was suspended may wake up with a monotonic clock that stood still meanwhile. A wall clock that was merely set
/// forward holds effects back until the next renewal.
pub struct LeaseFence {
    end: Mutex<Option<Moment>>,
    /// Our Lease was gone, and whether somebody else came in is not known yet.
    doubted: AtomicBool,
    clock: Arc<dyn Clock>,
}

impl LeaseFence {
    /// A fence that lets nothing through yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { end: Mutex::new(None), doubted: AtomicBool::new(false), clock }
    }

    /// A PUT sent at `started` went through: the lease holds for this long from then.
    pub(super) fn extend(&self, started: Moment, keeps: Duration) {
        *self.end() = Some(started.after(keeps));
    }

    /// Nothing goes through until [`Self::trust`]; the lease is not over for that.
    pub(super) fn doubt(&self) {
        self.doubted.store(true, Ordering::SeqCst);
    }

    /// The lease keeps everybody else out.
    pub(super) fn trust(&self) {
        self.doubted.store(false, Ordering::SeqCst);
    }

    /// Nothing goes through any more.
    pub(super) fn close(&self) {
        *self.end() = None;
    }

    /// How long the lease still holds by the monotonic clock.
    pub fn left(&self) -> Duration {
        let end = self.end().map(|end| end.monotonic);
        end.map_or(Duration::ZERO, |end| end.saturating_sub(self.clock.monotonic()))
    }

    fn end(&self) -> MutexGuard<'_, Option<Moment>> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fence for LeaseFence {
    /// An effect with timeout t starts only if now + t is before our lease's end (R28).
    fn allows(&self, timeout: Duration) -> bool {
        let over = Moment::now(self.clock.as_ref()).after(timeout);
        let trusted = !self.doubted.load(Ordering::SeqCst);
        trusted && self.end().is_some_and(|end| over.monotonic < end.monotonic && over.wall < end.wall)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine whose clocks can be set apart.
    #[derive(Default)]
    struct Machine {
        monotonic: Mutex<u64>,
        ahead: Mutex<i64>,
    }

    impl Machine {
        fn pass(&self, seconds: u64) {
            *self.monotonic.lock().unwrap_or_else(PoisonError::into_inner) += seconds;
        }

        fn set_wall(&self, seconds: i64) {
            *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) += seconds;
        }
    }

    impl Clock for Machine {
        fn now(&self) -> Timestamp {
            let ahead = SignedDuration::from_secs(*self.ahead.lock().unwrap_or_else(PoisonError::into_inner));
            Timestamp::UNIX_EPOCH + self.monotonic() + ahead
        }

        fn monotonic(&self) -> Duration {
            Duration::from_secs(*self.monotonic.lock().unwrap_or_else(PoisonError::into_inner))
        }
    }

    fn held(machine: &Arc<Machine>) -> LeaseFence {
        let fence = LeaseFence::new(machine.clone());
        fence.extend(Moment::now(machine.as_ref()), Duration::from_secs(54));
        fence
    }

    const CALL: Duration = Duration::from_secs(30);

    #[test]
    fn a_call_starts_only_if_it_ends_within_the_lease() {
        let machine = Arc::new(Machine::default());
        let fence = held(&machine);
        for (second, allowed) in [(0, true), (23, true), (24, false), (53, false), (60, false)] {
            machine.pass(second - machine.monotonic().as_secs());
            assert_eq!(fence.allows(CALL), allowed, "second {second}");
        }
        assert_eq!(fence.left(), Duration::ZERO);
    }

    #[test]
    fn nothing_goes_through_before_and_after_leadership() {
        let machine = Arc::new(Machine::default());
        assert!(!LeaseFence::new(machine.clone()).allows(Duration::ZERO));
        let fence = held(&machine);
        fence.close();
        assert!(!fence.allows(Duration::ZERO));
    }

    #[test]
    fn while_it_is_doubted_nothing_starts_and_nothing_is_given_up() {
        let machine = Arc::new(Machine::default());
        let fence = held(&machine);
        fence.doubt();
        assert!(!fence.allows(Duration::ZERO));
        assert_eq!(fence.left(), Duration::from_secs(54));
        fence.trust();
        assert!(fence.allows(CALL));
    }

    #[test]
    fn a_machine_that_slept_does_not_trust_its_stopwatch() {
        let machine = Arc::new(Machine::default());
        let fence = held(&machine);
        machine.set_wall(3600);
        assert!(!fence.allows(Duration::ZERO), "the wall clock says that an hour passed");
        assert_eq!(fence.left(), Duration::from_secs(54), "but the lease is not given up for it");
        fence.extend(Moment::now(machine.as_ref()), Duration::from_secs(54));
        assert!(fence.allows(CALL), "renewed, it holds again");
    }

    #[test]
    fn a_wall_clock_set_back_gains_nothing() {
        let machine = Arc::new(Machine::default());
        let fence = held(&machine);
        machine.set_wall(-3600);
        machine.pass(54);
        assert!(!fence.allows(Duration::ZERO));
    }
}
