//! A double of Symphony's data loss prevention: pod, key manager and Agent of one company.
//!
//! Written from the vendor sheet; section numbers in these files are the sheet's. It verifies
//! signed logins, ends sessions, keeps every version, and keeps the traps: an update with an empty
//! list of dictionaries turns enforcement off, a new policy is not enforced, only a disabled one
//! can be deleted, a renamed dictionary raises versions of policies nobody touched. What the sheet
//! leaves open is a member of [`SymphonyOptions`], so that a client can be tried under every
//! reading. Faults of its own, besides the common ones: `revokeSession` (`tokens`: session,
//! keyManager; at once, or with `match`, `skip` or `times` just before those requests),
//! `foreignEdit` (`change`: as for `PATCH`, made just before the request), `partialWrite` (a create
//! or update is half done and answers 500) and `pageAnomaly` (`anomaly`: repeat, empty, short,
//! countLow, countHigh).
//!
//! One server plays all three services, told apart by their paths: `/login` and `/sessionauth`,
//! `/relay` and `/keyauth`, `/agent`. Violations (section 11) are not played: nothing is sent here
//! that could violate a policy.

mod accounts;
mod agent;
mod answer;
mod console;
mod dictionaries;
mod draft;
mod estate;
mod force;
mod inner;
mod jwt;
mod login;
mod multipart;
mod names;
mod options;
mod pages;
mod policies;
mod render;
mod rules;
mod seed;
mod state;
mod switches;
mod terms;
#[cfg(test)]
mod tests;
mod version;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::State,
};
use http::{HeaderValue, Request, Response, header};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use self::{
    answer::respond,
    estate::Estate,
    force::Force,
    inner::{Call, Inner},
};
use super::{Double, faults::When};
use crate::model::Clock;

pub use self::options::*;

/// The double; see the [module](self).
pub struct SymphonyDouble {
    clock: Arc<dyn Clock>,
    inner: Mutex<Inner>,
}

impl SymphonyDouble {
    /// A pod with two service accounts, and with dictionaries and policies that a compliance
    /// officer made. `clock` drives logins, sessions and dates.
    pub fn new(options: SymphonyOptions, clock: Arc<dyn Clock>) -> Arc<Self> {
        let estate = seed::estate(clock.now());
        Self::with(estate, options, clock)
    }

    /// The same with so many more policies and dictionaries nobody manages, for load.
    pub fn crowded(
        policies: usize,
        dictionaries: usize,
        options: SymphonyOptions,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        let mut estate = seed::estate(clock.now());
        seed::crowd(&mut estate, policies, dictionaries, clock.now());
        Self::with(estate, options, clock)
    }

    fn with(estate: Estate, options: SymphonyOptions, clock: Arc<dyn Clock>) -> Arc<Self> {
        let accounts = seed::accounts();
        let (forced, recent) = (Vec::new(), VecDeque::new());
        let inner = Inner { options, estate, accounts, forced, recent };
        Arc::new(Self { clock, inner: Mutex::new(inner) })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server's clocks: the wall clock may be off by an option.
    fn time(&self, inner: &Inner) -> (Timestamp, Duration) {
        let offset = SignedDuration::from_secs(inner.options.clock_offset_secs);
        let now = self.clock.now();
        (now.saturating_add(offset).unwrap_or(now), self.clock.monotonic())
    }

    fn answer(&self, request: Request<()>, body: bytes::Bytes) -> Response<Body> {
        let mut inner = self.lock();
        let (now, elapsed) = self.time(&inner);
        let (parts, ()) = request.into_parts();
        let outcome = inner.handle(&mut Call::new(parts, body, now, elapsed));
        let mut response = respond(outcome, &inner.options);
        // A client whose logins are refused can check its own clock against it.
        let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now);
        if let Some(date) = date.ok().and_then(|date| HeaderValue::from_str(&date).ok()) {
            response.headers_mut().insert(header::DATE, date);
        }
        response
    }
}

async fn entry(State(double): State<Arc<SymphonyDouble>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    // The service around it has already limited the body.
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    double.answer(Request::from_parts(parts, ()), body)
}

impl Double for SymphonyDouble {
    fn system(&self) -> &'static str {
        "symphony"
    }

    fn router(self: Arc<Self>) -> Router {
        Router::new().fallback(entry).with_state(self)
    }

    fn state(&self) -> Value {
        let inner = self.lock();
        state::show(&inner, self.clock.monotonic())
    }

    fn patch_state(&self, change: Value) -> Result<(), String> {
        let mut inner = self.lock();
        let (now, elapsed) = self.time(&inner);
        console::patch(&mut inner, change, now, elapsed)
    }

    fn fault(&self, kind: &str, spec: &Value) -> Option<Result<(), String>> {
        let mut settings = spec.as_object().cloned().unwrap_or_default();
        settings.remove("kind");
        let planned = ["match", "skip", "times"].iter().any(|name| settings.contains_key(*name));
        let when = match When::take_from(&mut settings) {
            Ok(when) => when,
            Err(problem) => return Some(Err(problem)),
        };
        let force = Force::parse(kind, settings)?;
        Some(force.map(|force| match force {
            Force::RevokeSession(kinds) if !planned => self.lock().accounts.revoke(&kinds),
            force => self.lock().forced.push((when, force)),
        }))
    }

    fn clear_faults(&self) {
        self.lock().forced.clear();
    }

    fn credentials(&self) -> BTreeMap<&'static str, String> {
        let key = match self.lock().options.key_form {
            KeyForm::Pkcs8 => include_str!("keys/sandbox.pem"),
            KeyForm::Pkcs1 => include_str!("keys/sandbox.pkcs1.pem"),
        };
        BTreeMap::from([("username", seed::USERNAME.to_owned()), ("privateKey", key.to_owned())])
    }

    fn backend(&self, base: &str) -> Value {
        let inner = self.lock();
        let root = match inner.options.context_prefix.as_str() {
            "" => base.to_owned(),
            prefix => format!("{}/{prefix}", base.trim_end_matches('/')),
        };
        let generation = match inner.options.generation {
            Generation::V1 => "V1",
            Generation::V3 => "V3",
        };
        json!({"podUrl": root, "keyManagerUrl": root, "agentUrl": root, "generation": generation})
    }
}
