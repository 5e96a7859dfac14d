//! A token bucket on tokio's clock, so that simulated time drives it too.

use std::{sync::Mutex, time::Duration};

use tokio::time::{Instant, sleep_until};

/// Lets calls through at a steady rate with some burst; can be paused for everybody.
#[derive(Debug)]
pub struct Bucket {
    /// Held while waiting, so that callers are served in the order they came.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    interval: Duration,
    burst: u32,
}

#[derive(Debug)]
struct State {
    /// When the bucket will be full: tokens are counted in time, which needs no fractions.
    full_at: Instant,
    paused_until: Instant,
}

impl Bucket {
    /// A full bucket of `burst` tokens, refilled `per_minute`; zero counts as one.
    pub fn new(per_minute: u32, burst: u32) -> Self {
        let now = Instant::now();
        Self {
            turn: tokio::sync::Mutex::default(),
            state: Mutex::new(State { full_at: now, paused_until: now }),
            interval: Duration::from_secs(60) / per_minute.max(1),
            burst: burst.max(1),
        }
    }

    /// Waits for a token, first come first served.
    ///
    /// Cancel safe: whoever stops waiting takes nothing.
    pub async fn take(&self) {
        let _turn = self.turn.lock().await;
        while let Err(ready_at) = self.try_take(Instant::now()) {
            sleep_until(ready_at).await;
        }
    }

    /// Nobody gets a token before `until`; a pause never gets shorter.
    pub fn pause(&self, until: Instant) {
        let mut state = self.state();
        state.paused_until = state.paused_until.max(until);
    }

    /// How long the pause still lasts.
    pub fn paused_for(&self) -> Duration {
        self.state().paused_until.saturating_duration_since(Instant::now())
    }

    /// How many calls may be made at once, a pause left aside.
    pub fn tokens(&self) -> u32 {
        let wait = self.state().full_at.saturating_duration_since(Instant::now());
        let missing = wait.as_nanos().div_ceil(self.interval.as_nanos().max(1));
        self.burst.saturating_sub(u32::try_from(missing).unwrap_or(u32::MAX))
    }

    fn try_take(&self, now: Instant) -> Result<(), Instant> {
        let mut state = self.state();
        if state.paused_until > now {
            return Err(state.paused_until);
        }
        let full_at = state.full_at.max(now) + self.interval;
        let latest = now + self.interval * self.burst;
        if full_at > latest {
            return Err(now + (full_at - latest));
        }
        state.full_at = full_at;
        Ok(())
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // Nothing can panic while the lock is held, and a half-written state would still be a state.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    async fn taken_within(bucket: &Bucket, time: Duration) -> u32 {
        let mut taken = 0;
        let _ = tokio::time::timeout(time, async {
            loop {
                bucket.take().await;
                taken += 1;
            }
        })
        .await;
        taken
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_then_the_steady_rate() {
        let bucket = Bucket::new(60, 5);
        assert_eq!(taken_within(&bucket, Duration::from_millis(10)).await, 5);
        assert_eq!(taken_within(&bucket, Duration::from_secs(10)).await, 10);
    }

    #[tokio::test(start_paused = true)]
    async fn tokens_are_told_as_they_are_taken_and_come_back() {
        let bucket = Bucket::new(60, 5);
        assert_eq!(bucket.tokens(), 5, "full");
        bucket.take().await;
        bucket.take().await;
        assert_eq!(bucket.tokens(), 3, "two were taken");
        tokio::time::sleep(Duration::from_millis(999)).await;
        assert_eq!(bucket.tokens(), 3, "half a token is none");
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(bucket.tokens(), 4, "one a second");
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(bucket.tokens(), 5, "never more than the burst");
    }

    #[tokio::test(start_paused = true)]
    async fn idling_never_saves_more_than_the_burst() {
        let bucket = Bucket::new(60, 3);
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert_eq!(taken_within(&bucket, Duration::from_millis(10)).await, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_everybody_and_never_shrinks() {
        let bucket = Arc::new(Bucket::new(6000, 100));
        bucket.pause(Instant::now() + Duration::from_secs(30));
        bucket.pause(Instant::now() + Duration::from_secs(10));
        assert_eq!(taken_within(&bucket, Duration::from_secs(29)).await, 0);
        assert_eq!(bucket.paused_for(), Duration::from_secs(1));
        bucket.take().await;
        assert_eq!(bucket.paused_for(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_set_while_somebody_waits_counts_for_him_too() {
        let bucket = Arc::new(Bucket::new(60, 1));
        bucket.take().await;
        let started = Instant::now();
        let ((), ()) = tokio::join!(bucket.take(), async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            bucket.pause(Instant::now() + Duration::from_secs(20));
        });
        assert!(started.elapsed() >= Duration::from_millis(20_500));
    }

    #[tokio::test(start_paused = true)]
    async fn nonsense_limits_still_let_calls_through() {
        let bucket = Bucket::new(0, 0);
        bucket.take().await;
        let started = Instant::now();
        bucket.take().await;
        assert_eq!(started.elapsed(), Duration::from_secs(60));
    }
}
