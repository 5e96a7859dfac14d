//! L2 and L3: the built binary beside a real API server, with exactly the chart's rights, driven by kubectl.
//!
//! Needs the environment of `scripts/control-plane run` and ORDAIN_BIN; `make test` gives both.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod bad_input;
#[path = "../house/cases/mod.rs"]
mod cases;
mod corridor;
mod crds;
mod endings;
mod inventory;
mod kubectl;
mod neighbours;
mod plan;
mod rights;
mod status;
#[path = "../sim/support/status_lint.rs"]
#[allow(dead_code, reason = "the simulation reads histories, too")]
mod status_lint;
mod stores;
mod support;
mod tenancy;
mod traces;
