//! Texts of others made plain, and times in the words of kubectl.

use jiff::Timestamp;

use crate::api::{limits, validate::shown};

/// A name or id in a row, in characters.
const NAME: usize = 256;

/// A text of others on one line, as long as a status may make it.
pub(super) fn line(text: &str) -> String {
    limits::clip(&shown(text.trim()), limits::MESSAGE)
}

/// A name of others on one line.
pub(super) fn name(text: &str) -> String {
    limits::clip(&shown(text), NAME)
}

/// The same where it may be absent; empty is absent.
pub(super) fn named(text: Option<&String>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(|text| name(text))
}

/// How long ago, as kubectl says it: `45s`, `12m`, `5h`, `3d`. What lies ahead is `0s`.
pub fn age(since: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(since).as_secs().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (seconds, minutes, hours) {
        (0..=119, _, _) => format!("{seconds}s"),
        (_, 0..=119, _) => format!("{minutes}m"),
        (_, _, 0..=47) => format!("{hours}h"),
        _ => format!("{days}d"),
    }
}
