//! L1: the whole operator in one process, on a paused clock, between a fake API server and doubles.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod conformance;
mod counts;
mod harness;
mod hostile;
mod inventory;
mod report;
mod support;
mod systems;
mod watch;
mod wfbss;
mod whole;
mod worker;
mod wso2;
