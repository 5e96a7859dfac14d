//! Saying the truth: facts of a pass → conditions (pure) → one writer of statuses, events, metrics.

pub mod aggregate;
pub mod conditions;
pub mod corrections;
pub mod events;
pub mod facts;
pub mod memo;
pub mod metrics;
pub mod writer;
