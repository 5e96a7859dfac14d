//! Doubles of the policy systems, with their traps (`ordain sandbox`, and in-process in tests).
//!
//! Each double is written from the vendor's sheet, never from our driver: it enforces what the
//! system enforces and misbehaves where the system does. The shell around them is common:
//! [`DoubleService`] records every request, plays HTTP-level faults and then asks the double's
//! router; [`server`] puts that on loopback, [`control`] lets tests look behind the scenes.

pub mod app_shield;
pub mod control;
pub mod faults;
mod options;
mod play;
pub mod recorder;
mod redact;
mod rsa;
pub mod server;
pub mod service;
#[cfg(test)]
pub(crate) mod support;
mod switch;
pub mod symphony;
pub mod tachyon;
pub mod wfbss;

pub use recorder::{Recorder, Seen};
pub use service::{DoubleService, Dropped};

pub mod wso2;

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use crate::model::Clock;

/// One double: a vendor's HTTP API plus what tests may see and do behind its back.
pub trait Double: Send + Sync + 'static {
    /// As spelled in `spec.system`: `wfbss`, `symphony`, `appShield`, `tachyon`, `wso2`.
    fn system(&self) -> &'static str;
    /// The vendor's API. Called once per server; all servers share this double's state.
    fn router(self: Arc<Self>) -> axum::Router;
    /// Everything the double holds, for assertions.
    fn state(&self) -> Value;
    /// A change as made by hand in the vendor's console.
    ///
    /// # Errors
    /// A sentence that says what in `change` is not understood.
    fn patch_state(&self, change: Value) -> Result<(), String>;
    /// A fault only this double can play (`revokeSession`, `taskOutcome`, …); `None`: unknown kind.
    fn fault(&self, kind: &str, spec: &Value) -> Option<Result<(), String>>;
    /// Back to no double-specific faults.
    fn clear_faults(&self);
    /// Keys and values of the Secret that logs in here (interfaces.md section 2).
    fn credentials(&self) -> BTreeMap<&'static str, String>;
    /// The member of `spec.system` for a Backend that points at `base`, e.g. `{"url": base, …}`.
    fn backend(&self, base: &str) -> Value;
}

/// Every double whose system has a driver, freshly seeded, in the order of `spec.system`.
pub fn all(clock: &Arc<dyn Clock>) -> Vec<Arc<dyn Double>> {
    vec![
        wfbss::WfbssDouble::new(wfbss::WfbssOptions::default(), clock.clone()),
        symphony::SymphonyDouble::new(symphony::SymphonyOptions::default(), clock.clone()),
        app_shield::AppShieldDouble::new(app_shield::AppShieldOptions::default(), clock.clone()),
        tachyon::TachyonDouble::new(tachyon::TachyonOptions::default(), clock.clone()),
        wso2::Wso2Double::new(wso2::Wso2Options::default(), clock.clone()),
    ]
}
