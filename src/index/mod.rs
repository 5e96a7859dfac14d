//! What the cluster wants, resolved and split by account. Synchronous and pure.
//!
//! ```text
//! apply / undecodable / delete        settle
//! begin … end (a complete list)  ─▶  stale names ─▶ resolve ─▶ Desired per backend, Dirty
//! ```
//!
//! Watches feed it; changes only note what has become stale, [`Index::settle`] resolves each stale
//! object once, however many events touched it. It then answers with a [`Desired`] per backend,
//! tells what a batch changed ([`Dirty`]), and speaks for the objects no worker owns ([`unbound`]).
//!
//! Guarantees: the order of events does not matter; a relist that brings nothing new changes
//! nothing; an older state of an object never replaces a newer one of the same uid (F11); whatever
//! cannot be decoded, found or listed freezes what it touches, and never reads as "not wanted" (R3).

mod access;
mod adoption;
mod arrival;
mod backends;
pub mod desired;
mod entry;
mod intern;
mod links;
mod object;
mod relist;
mod resolve;
mod seats;
mod summaries;
mod tables;
#[cfg(test)]
mod tests;
pub mod unbound;

pub use desired::{AssignmentView, BackendSettings, BackendView, Desired, Input};
pub use object::{Feed, Kind, Object, RawFacts, Scope, Undecodable};
pub use seats::Dirty;
pub use tables::Index;
