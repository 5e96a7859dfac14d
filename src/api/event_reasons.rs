//! Reasons of Events: every word that may stand there.

use std::fmt;

/// What an Event tells; its word is stable, e.g. for `kubectl get events --field-selector reason=Released`.
///
/// None is told while nothing changes, nor for a first apply, whose status says it; the same news is one series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventReason {
    /// What somebody changed outside Git was put back.
    DriftCorrected,
    /// Something that an assignment held was let go of.
    Released,
}

impl EventReason {
    /// All of them, in the order of the documentation.
    pub const ALL: &[Self] = &[Self::DriftCorrected, Self::Released];

    /// As it stands in an Event.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DriftCorrected => "DriftCorrected",
            Self::Released => "Released",
        }
    }

    /// Whether it is a Warning; else it is Normal.
    pub const fn warns(self) -> bool {
        match self {
            Self::DriftCorrected => true,
            Self::Released => false,
        }
    }

    /// What it means, for the documentation.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::DriftCorrected => {
                "Somebody changed it outside Git, and it was put back; the note says what, who and when, as far as the system tells."
            }
            Self::Released => "An item that the assignment held was released as its `releasePolicy` says.",
        }
    }

    /// What to do about it.
    pub const fn help(self) -> &'static str {
        match self {
            Self::DriftCorrected => {
                "Ask whoever changed it to do so in Git; set `drift.correction: Report` on the Backend to be told instead."
            }
            Self::Released => "Nothing.",
        }
    }
}

impl fmt::Display for EventReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq<&str> for EventReason {
    fn eq(&self, word: &&str) -> bool {
        self.as_str() == *word
    }
}
