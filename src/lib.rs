//! Ordain keeps the policies of security and device-management systems exactly as Git says.
//!
//! Data flows one way, through one room after the other:
//!
//! ```text
//! watch ─▶ index ─▶ desired ┐
//!                           ├─▶ plan ─▶ guard ─▶ apply ─▶ verify ─▶ report
//! driver.observe ─▶ observed┘                  (worker: one per account)
//! ```

pub mod api;
pub mod cli;
pub mod drivers;
pub mod index;
pub mod inventory;
pub mod lease;
pub mod model;
pub mod operator;
pub mod overview;
pub mod plan;
pub mod preview;
pub mod report;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod server;
pub mod store;
pub mod watch;
pub mod worker;
