//! What is expected of a store, and what opening it comes to.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What is known of the store from elsewhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expected {
    /// The epoch on the Lease, if one was ever written there.
    pub epoch: Option<u64>,
    /// Another installation may have worked where this store says what stands.
    pub outdated: bool,
}

/// How far a store has got. Grows with every commit, over all files that followed each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Raised by every opening.
    pub epoch: u64,
    /// Transactions since the file was made.
    pub commits: u64,
}

impl Position {
    pub(super) fn next_epoch(self) -> Self {
        Self { epoch: self.epoch + 1, commits: self.commits + 1 }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epoch {}, commit {}", self.epoch, self.commits)
    }
}

/// What opening came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The first store here: nobody remembers another.
    Fresh,
    /// Everything committed is there.
    Continued,
    /// There was a store and it cannot be used (R13); this one is empty.
    Lost(Why),
}

/// Why a store counts as lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// The file is gone, or nothing is in it.
    Missing,
    /// The file is older than what the Lease remembers.
    OlderEpoch {
        /// In the file.
        found: u64,
        /// On the Lease.
        expected: u64,
    },
    /// The file lacks commits that were durable.
    CommitsMissing {
        /// In the file.
        found: Position,
        /// In the lock file.
        noted: Position,
    },
    /// The file is damaged.
    Corrupt(String),
    /// The operator's secret is another one than the store was made with (R22).
    KeysChanged,
    /// Others were not kept out all the time.
    Outdated,
}

impl Why {
    /// All answers of [`Why::word`].
    pub(super) const WORDS: [&'static str; 5] = ["missing", "older", "corrupt", "keys", "outdated"];

    /// Names a file put aside.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::OlderEpoch { .. } | Self::CommitsMissing { .. } => "older",
            Self::Corrupt(_) => "corrupt",
            Self::KeysChanged => "keys",
            Self::Outdated => "outdated",
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("the store's file is gone or empty"),
            Self::OlderEpoch { found, expected } => {
                write!(f, "the store's file is an old one: epoch {found}, the Lease remembers {expected}")
            }
            Self::CommitsMissing { found, noted } => {
                write!(f, "the store's file lacks commits: it ends at {found}, {noted} was recorded")
            }
            Self::Corrupt(what) => write!(f, "the store's file is damaged: {what}"),
            Self::KeysChanged => {
                f.write_str("the operator's secret is not the one the store was made with; put the former one back if it still exists")
            }
            Self::Outdated => f.write_str(
                "the Lease that kept other operators out of these namespaces was deleted or restored meanwhile, so \
                 the systems may hold something else than the store's file says",
            ),
        }
    }
}

/// A loss that the present file followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// When it was noticed.
    pub at: Timestamp,
    /// Why, for people.
    pub why: String,
}
