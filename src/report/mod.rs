//! Saying the truth: facts of a pass → conditions (pure) → one writer of statuses, events, metrics.

pub mod conditions;
pub mod facts;
pub mod memo;
