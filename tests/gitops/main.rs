//! The tools our users work with, run for real: helm, Flux, Argo CD and the linters of charts, against a real API server.
//!
//! Needs the environment that `make test-gitops` gives: ORDAIN_BIN, ORDAIN_ASSETS, ORDAIN_BROWSER and the tools in PATH.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod argocd;
mod book;
mod browser;
mod chart;
mod cluster;
mod figures;
mod flux;
mod helm;
mod kubelet;
mod metrics;
mod page;
#[path = "../e2e/support/pages.rs"]
mod pages;
#[path = "../e2e/support/patience.rs"]
mod patience;
#[path = "../e2e/support/programs.rs"]
#[allow(dead_code, reason = "the end-to-end tests need more of it")]
mod programs;
mod site;
mod steady;
mod upgrade;
#[path = "../e2e/support/vendors.rs"]
#[allow(dead_code, reason = "the end-to-end tests need more of it")]
mod vendors;

use patience::eventually;
