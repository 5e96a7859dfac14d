//! How long a test waits for what must come.

use std::time::{Duration, Instant};

/// Longer than anything here may take; only a broken test waits for it.
const PATIENCE: Duration = Duration::from_secs(240);

/// Polls until it holds; `false` after much more time than it may take.
pub fn eventually(mut holds: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if holds() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    false
}
