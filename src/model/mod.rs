//! Words of the domain: no I/O, no Kubernetes client, no HTTP.

pub mod clock;
pub mod secret;

pub use clock::{Clock, SystemClock};
pub use secret::Secret;
