//! Double of `WSO2` EMM 2, `WSO2` `IoT` Server and Entgra: the device policy API of one tenant.
//!
//! Written from the vendor sheet; section numbers in these files are the sheet's. What it does not
//! know is a member of [`Wso2Options`], so that a driver can be tried under every reading.
//!
//! Nothing runs in the background: what the asynchronous apply-changes task would have done by now
//! is done when somebody next looks, measured by the clock's monotonic reading.

mod admin;
mod answer;
mod apply;
mod auth;
mod bean;
mod call;
mod console;
mod content;
mod dates;
mod directory;
mod evaluate;
mod list;
mod options;
mod render;
mod route;
mod rows;
mod seed;
mod state;
mod store;
#[cfg(test)]
mod tests;
mod v1;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
};
use http::request::Parts;
use serde_json::{Value, json};

use self::{answer::Answer, apply::Outcome, auth::Accounts, call::Request, rows::Moment, store::Store};
use super::{Double, faults::When};
use crate::model::Clock;

pub use self::options::{
    DateLocale, Dialect, Engine, FaultFormat, LimitOmitted, UnauthorizedTexts, Wso2Options,
};

/// The double: one tenant behind one host.
pub struct Wso2Double {
    clock: Arc<dyn Clock>,
    inner: Mutex<Inner>,
}

struct Inner {
    options: Wso2Options,
    store: Store,
    accounts: Accounts,
    /// How runs of apply-changes end from now on, and how many of them (`None`: all).
    outcome: Outcome,
    outcome_times: Option<u64>,
    /// How many calls the gateway still throttles.
    throttled: u64,
    /// Just before which requests all tokens die.
    revocations: Vec<When>,
}

impl Inner {
    /// How the run that is asked for now will end. A call refused as busy uses none up.
    fn next_outcome(&mut self) -> Outcome {
        if self.store.busy(&self.options) {
            return Outcome::Done;
        }
        let outcome = self.outcome;
        if let Some(times) = self.outcome_times.as_mut() {
            *times = times.saturating_sub(1);
            if *times == 0 {
                (self.outcome, self.outcome_times) = (Outcome::Done, None);
            }
        }
        outcome
    }
}

impl Wso2Double {
    /// A tenant with people, groups, devices and two policies made in the console.
    pub fn new(options: Wso2Options, clock: Arc<dyn Clock>) -> Arc<Self> {
        Self::crowded(options, clock, 0)
    }

    /// The same with `foreign` more policies nobody manages, for load.
    pub fn crowded(options: Wso2Options, clock: Arc<dyn Clock>, foreign: usize) -> Arc<Self> {
        let now = moment(&*clock);
        let mut store = seed::tenant(&options, now);
        seed::crowd(&mut store, &options, foreign, now);
        let inner = Inner {
            options,
            store,
            accounts: Accounts::default(),
            outcome: Outcome::Done,
            outcome_times: None,
            throttled: 0,
            revocations: Vec::new(),
        };
        Arc::new(Self { clock, inner: Mutex::new(inner) })
    }

    /// The options as they are now.
    pub fn options(&self) -> Wso2Options {
        self.lock().options.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, parts: &Parts, body: Vec<u8>) -> Answer {
        let now = moment(&*self.clock);
        let mut inner = self.lock();
        if inner.revocations.iter_mut().any(|when| when.strikes(&parts.method, &parts.uri)) {
            inner.accounts.revoke_all();
        }
        inner.revocations.retain(|when| !when.is_spent());
        call::serve(&mut inner, &Request::new(parts, body), now)
    }
}

fn moment(clock: &dyn Clock) -> Moment {
    Moment { wall: clock.now(), mono: clock.monotonic() }
}

async fn handle(State(double): State<Arc<Wso2Double>>, request: axum::extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    match axum::body::to_bytes(body, usize::MAX).await {
        Ok(body) => double.answer(&parts, body.into()).into_response(),
        Err(_) => Answer::empty(400).into_response(),
    }
}

impl Double for Wso2Double {
    fn system(&self) -> &'static str {
        "wso2"
    }

    fn router(self: Arc<Self>) -> Router {
        Router::new().fallback(handle).with_state(self)
    }

    fn state(&self) -> Value {
        let now = moment(&*self.clock);
        state::whole(&mut self.lock(), now)
    }

    fn patch_state(&self, change: Value) -> Result<(), String> {
        let now = moment(&*self.clock);
        console::patch(&mut self.lock(), change, now)
    }

    /// - `revokeSession`: all tokens die, now or, with `match`, `skip` or `times`, just before those requests;
    ///   `{"clients": true}` forgets the registered clients too, now
    /// - `taskOutcome`: `{"outcome": "done" | "lost" | "stuck" | "undelivered", "times": 1}` for the
    ///   next runs of apply-changes; without `times` for all
    /// - `throttle`: `{"times": 3}`, so many calls get the gateway's 429
    fn fault(&self, kind: &str, spec: &Value) -> Option<Result<(), String>> {
        let mut inner = self.lock();
        let times = spec.get("times").and_then(Value::as_u64);
        match kind {
            "revokeSession" if ["match", "skip", "times"].iter().any(|name| spec.get(name).is_some()) => {
                let mut settings = spec.as_object().cloned().unwrap_or_default();
                match When::take_from(&mut settings) {
                    Ok(when) => inner.revocations.push(when),
                    Err(problem) => return Some(Err(problem)),
                }
            }
            "revokeSession" => {
                inner.accounts.revoke_all();
                if spec.get("clients").and_then(Value::as_bool) == Some(true) {
                    inner.accounts.forget_clients();
                }
            }
            "taskOutcome" => {
                let wanted = spec.get("outcome").cloned().unwrap_or_default();
                match serde_json::from_value(wanted) {
                    Ok(outcome) => (inner.outcome, inner.outcome_times) = (outcome, times),
                    Err(e) => return Some(Err(format!("outcome: {e}"))),
                }
            }
            "throttle" => inner.throttled = times.unwrap_or(1),
            _ => return None,
        }
        Some(Ok(()))
    }

    fn clear_faults(&self) {
        let mut inner = self.lock();
        (inner.outcome, inner.outcome_times, inner.throttled) = (Outcome::Done, None, 0);
        inner.revocations.clear();
        inner.store.drop_stuck_run();
    }

    fn credentials(&self) -> BTreeMap<&'static str, String> {
        BTreeMap::from([("username", seed::USERNAME.to_owned()), ("password", seed::PASSWORD.to_owned())])
    }

    fn backend(&self, base: &str) -> Value {
        json!({
            "url": base,
            "api": self.lock().options.dialect.api(),
            "deploy": {"mode": "Automatic", "foreignChanges": "Hold"},
            "credentialsRef": {"name": "wso2"},
        })
    }
}
