//! Labels and their words. Every word is out of a fixed list, but for the backend's name.

use prometheus_client::encoding::EncodeLabelSet;

macro_rules! words {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$inner:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$inner])* $variant,)+ }

        impl $name {
            /// Every word, in the order of the documentation.
            pub const ALL: &[&'static str] = &[$($word,)+];

            pub(super) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    };
}

words! {
    /// How a call to a policy system ended.
    pub enum CallOutcome {
        /// As asked.
        Ok = "ok",
        /// The system refused the content.
        Rejected = "rejected",
        /// The system asked to slow down.
        Throttled = "throttled",
        /// The system refused the credentials or a permission.
        Unauthorized = "unauthorized",
        /// The system, or the way to it, is in trouble.
        Unavailable = "unavailable",
        /// Nobody knows whether it took effect.
        Ambiguous = "ambiguous",
    }
}

words! {
    /// How a write to the API server ended.
    pub enum WriteOutcome {
        /// Written.
        Ok = "ok",
        /// The object was gone.
        Gone = "gone",
        /// Refused.
        Refused = "refused",
        /// The API server was in trouble.
        Unavailable = "unavailable",
        /// Given up: the queue was full, or the news too old.
        Dropped = "dropped",
    }
}

/// Lanes of the writer.
pub const WRITER_LANES: &[&str] = &["interactive", "bulk"];
/// Why items are looked at, as [`Lane`](crate::worker::schedule::Lane) and in its order.
pub const WORK_LANES: [&str; 5] = ["open", "release", "interactive", "new", "drift"];
/// The kinds.
pub const KINDS: &[&str] = &["Policy", "PolicyAssignment", "TargetGroup", "Backend", "ClusterBackend"];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct BySystem {
    pub system: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByCall {
    pub system: &'static str,
    pub outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByCondition {
    pub kind: &'static str,
    pub condition: &'static str,
    pub status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByReason {
    pub kind: &'static str,
    pub condition: &'static str,
    pub reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByWrite {
    pub kind: &'static str,
    pub outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByOutcome {
    pub outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ByLane {
    pub lane: &'static str,
}
