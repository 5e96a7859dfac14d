//! Saying the truth: facts of a pass → conditions (pure) → one writer of statuses, events, metrics.

pub mod facts;
