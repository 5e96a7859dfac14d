//! What the cluster wants, resolved and split by account. Synchronous and pure.
//!
//! Watches feed it (`apply`, `delete`, `reset` per kind); it answers with a [`desired::Desired`]
//! per backend, tells which backends a change makes dirty, and speaks for the objects no worker owns.

pub mod desired;

pub use desired::{AssignmentView, BackendView, Desired, Input};
