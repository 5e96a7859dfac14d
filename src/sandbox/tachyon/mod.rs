//! A double of 1E Tachyon's Guaranteed State: Consumer API, Portal and identity provider of one server.
//!
//! Written from the vendor sheet; section numbers in these files are the sheet's. It verifies signed
//! logins, checks the consumer before the caller, and keeps the traps: a deployment is global and
//! ships other people's unfinished edits, management groups are hidden from whoever holds no role on
//! them, a PUT of assignments replaces all of them, 401 also means "not permitted". What the sheet
//! leaves open is a member of [`TachyonOptions`], so that a client can be tried under every reading.
//!
//! Faults of its own, besides the common ones: `revokeSession` (at once, or with `match`, `skip` or
//! `times` just before those requests), `consumerDisabled`, `permissionRemoved` (`permission`),
//! `hideGroups` (`groups`: by name or id), `foreignEdit` (`change`: as for `PATCH`, made just before
//! the request), `partialWrite` (the first half of a write, then 500), `deploymentLost` (answered
//! well, and nothing happens) and `pageAnomaly` (`anomaly`: repeat, empty, short, countLow,
//! countHigh). Windows authentication (section 2) and devices that are offline are not played.

// A table of handlers wants them of one type, whether they can refuse or not.
#![allow(clippy::unnecessary_wraps)]

mod answer;
mod assignments;
mod body;
mod changes;
mod console;
mod deploy;
mod estate;
mod force;
mod groups;
mod inner;
mod jwt;
mod options;
mod parts;
mod people;
mod policies;
mod portal;
mod render;
mod responses;
mod rights;
mod routes;
mod rules;
mod search;
mod seed;
mod ship;
mod state;
mod switches;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::State,
};
use http::{Response, request::Parts};
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
pub struct TachyonDouble {
    clock: Arc<dyn Clock>,
    inner: Mutex<Inner>,
}

impl TachyonDouble {
    /// A server with a dozen groups, the vendor's fragments, rules and three policies of other
    /// people, all deployed. `clock` drives logins, tokens, deployments and dates.
    pub fn new(options: TachyonOptions, clock: Arc<dyn Clock>) -> Arc<Self> {
        let estate = seed::estate(clock.now());
        Self::with(estate, options, clock)
    }

    /// The same with so many more policies nobody manages, for load.
    pub fn crowded(policies: usize, options: TachyonOptions, clock: Arc<dyn Clock>) -> Arc<Self> {
        let mut estate = seed::estate(clock.now());
        seed::crowd(&mut estate, policies, clock.now());
        Self::with(estate, options, clock)
    }

    fn with(mut estate: Estate, options: TachyonOptions, clock: Arc<dyn Clock>) -> Arc<Self> {
        let people = seed::people(&mut estate);
        let inner = Inner { options, estate, people, forced: Vec::new() };
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

    fn answer(&self, parts: Parts, body: bytes::Bytes) -> Response<Body> {
        let mut inner = self.lock();
        let (now, elapsed) = self.time(&inner);
        let outcome = inner.handle(&mut Call::new(parts, body, now, elapsed));
        respond(outcome, &inner.options)
    }
}

async fn entry(State(double): State<Arc<TachyonDouble>>, request: http::Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    // The service around it has already limited the body.
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    double.answer(parts, body)
}

impl Double for TachyonDouble {
    fn system(&self) -> &'static str {
        "tachyon"
    }

    fn router(self: Arc<Self>) -> Router {
        Router::new().fallback(entry).with_state(self)
    }

    fn state(&self) -> Value {
        let mut inner = self.lock();
        let elapsed = self.clock.monotonic();
        inner.estate.fleet.settle(elapsed);
        state::show(&inner, elapsed)
    }

    fn patch_state(&self, change: Value) -> Result<(), String> {
        let mut inner = self.lock();
        let (now, elapsed) = self.time(&inner);
        inner.estate.fleet.settle(elapsed);
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
            Force::RevokeSession if !planned => self.lock().people.revoke(),
            force => self.lock().forced.push((when, force)),
        }))
    }

    fn clear_faults(&self) {
        self.lock().forced.clear();
    }

    fn credentials(&self) -> BTreeMap<&'static str, String> {
        let mut inner = self.lock();
        if inner.options.login == Login::TokenFlow {
            return BTreeMap::from([
                ("applicationId", seed::APPLICATION.to_owned()),
                ("certificate", include_str!("keys/sandbox.crt").to_owned()),
                ("privateKey", include_str!("keys/sandbox.pem").to_owned()),
            ]);
        }
        let time = self.time(&inner);
        let Inner { options, people, .. } = &mut *inner;
        let operator = people.application(seed::APPLICATION).map(|(id, _)| id);
        let token = operator.map(|id| people.ready(id, options, time));
        BTreeMap::from([("token", token.unwrap_or_default())])
    }

    fn backend(&self, base: &str) -> Value {
        let options = self.lock().options.clone();
        let base = base.trim_end_matches('/');
        let mut backend = json!({
            "url": base,
            "consumer": seed::CONSUMER,
            "deploy": {"mode": "Automatic", "foreignChanges": "Hold"},
            "credentialsRef": {"name": "tachyon"},
        });
        let portal = match options.portal_url {
            PortalUrl::Absent => return backend,
            PortalUrl::Host => base.to_owned(),
            PortalUrl::Root => format!("{base}{}", options.portal_root.path()),
        };
        if let Some(members) = backend.as_object_mut() {
            members.insert("portalUrl".to_owned(), portal.into());
        }
        backend
    }
}
