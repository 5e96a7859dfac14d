//! Texts of others made plain.

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
