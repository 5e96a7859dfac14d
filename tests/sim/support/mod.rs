//! The harness: simulated time, numbered I/O with crash points, a fake API server.
#![allow(dead_code, reason = "a harness offers more than the suites of one day use")]

pub mod apiserver;
pub mod clock;
pub mod gate;
pub mod log;
pub mod rig;
pub mod settle;
pub mod status_history;
pub mod status_lint;
pub mod systems;
pub mod vendors;

pub use apiserver::FakeApi;
pub use clock::SimClock;
pub use gate::{IoGate, Moment};
pub use settle::{Settle, settle};
