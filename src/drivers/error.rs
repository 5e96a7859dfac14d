//! How calls fail, and the class that decides what happens next.

use std::time::Duration;

use thiserror::Error;

use crate::api::conditions::Reason;

/// What a failure means for whoever made the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Try again later with growing delays.
    Transient,
    /// Slow down; the system may have said until when.
    Throttled {
        /// From `Retry-After`, capped by the HTTP stack.
        after: Option<Duration>,
    },
    /// Credentials were refused. Read the Secret again, at most once a minute (R24).
    Unauthorized,
    /// The system refuses this content: only a changed spec helps. Never retried as it is.
    Rejected,
    /// Somebody else changed it in between: observe again, then decide anew.
    Conflict,
    /// The object is not there (any more).
    Gone,
    /// The answer was lost after the request may have had its effect: observe before anything else.
    Ambiguous,
}

/// A failed call, in words a user can act on. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct DriverError {
    /// What to do.
    pub class: Class,
    /// For conditions and events.
    pub reason: Reason,
    /// What happened, redacted and bounded (500 characters of any answer).
    pub message: String,
}

impl DriverError {
    /// An error of this class.
    pub fn new(class: Class, reason: Reason, message: impl Into<String>) -> Self {
        Self { class, reason, message: message.into() }
    }
}
