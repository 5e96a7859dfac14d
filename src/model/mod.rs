//! Words of the domain: no I/O, no Kubernetes client, no HTTP.

mod ago;
pub mod catalogue;
pub mod clock;
pub mod digest;
mod in_full;
pub mod item;
pub mod memory;
pub mod names;
mod reckoned;
pub mod secret;
mod sources;
pub mod trace;

pub use ago::{age, spoken};
pub use catalogue::{Catalogue, Entry, EntryKind};
pub use clock::{Clock, SystemClock};
pub use digest::{Digest, Digester};
pub use in_full::in_full;
pub use item::{
    Contribution, ItemKey, LeafPath, LeafValue, MemberKind, Observation, ObservedItem, Provenance, Shape,
};
pub use names::{BackendId, BackendKind, ExternalId, Identity, Mark, ObjectName, OwnerId, Uid};
pub use reckoned::reckoned;
pub use secret::Secret;
pub use sources::SourcesDigest;
pub use trace::{BEGAN_BEFORE, Cause, ENDED_BEFORE, TRACE, is_traced};
