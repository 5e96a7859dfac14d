//! A double of Yurbi App Shield: row-level filters of a self-hosted BI server.
//!
//! Written from the vendor sheet; section numbers in these files are the sheet's. It keeps the traps:
//! every failure is HTTP 200 with an `ErrorCode` inside, an integer here and a string there; a repeated
//! create makes a twin; names in stubs are null; one client a token, one session an account; ids are
//! the server's local time. What the sheet does not know is a member of [`AppShieldOptions`], so that a
//! driver can be tried under every reading. Calls whose names the vendor does not publish (list, read,
//! delete, reset of the passport) answer 404 until `options.paths` names them.
//!
//! Faults of its own, besides the common ones: `revokeSession`, `errorCode` (`code`: integer, string
//! or null; `message`; `effect`), `partialWrite` (`stored`: all, scalars, nothing), `sourceAddress`
//! (`address`) and `reorderKeys`. A client's network location is the first of `X-Forwarded-For`, as
//! from a proxy in front, or loopback.

mod answer;
mod console;
mod dates;
mod estate;
mod inner;
mod options;
mod present;
mod reads;
mod routes;
mod save;
mod seed;
mod sessions;
mod state;
mod switches;
#[cfg(test)]
mod tests;
mod trouble;

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
use serde_json::{Map, Value, json};

use self::{
    inner::{Counters, Inner, Request},
    sessions::Sessions,
    trouble::Force,
};
use super::Double;
use crate::model::Clock;

pub use self::options::*;

/// One reading of both clocks.
#[derive(Debug, Clone, Copy)]
struct Moment {
    wall: Timestamp,
    mono: Duration,
}

/// The double; see the [module](self).
pub struct AppShieldDouble {
    clock: Arc<dyn Clock>,
    inner: Mutex<Inner>,
}

impl AppShieldDouble {
    /// An installation with its built-in groups, a few of its own, people, and three policies made
    /// in the console. `clock` drives sessions, dates and ids.
    pub fn new(options: AppShieldOptions, clock: Arc<dyn Clock>) -> Arc<Self> {
        Self::crowded(options, clock, 0)
    }

    /// The same with `foreign` more policies nobody manages, for load.
    pub fn crowded(options: AppShieldOptions, clock: Arc<dyn Clock>, foreign: usize) -> Arc<Self> {
        let now = clock.now();
        let mut estate = seed::estate(&options, now);
        seed::crowd(&mut estate, &options, foreign, now);
        let inner = Inner {
            options,
            estate,
            sessions: Sessions::default(),
            forced: Vec::new(),
            counters: Counters::default(),
        };
        Arc::new(Self { clock, inner: Mutex::new(inner) })
    }

    /// The options as they are now.
    pub fn options(&self) -> AppShieldOptions {
        self.lock().options.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server's clocks: the wall clock may be off by an option.
    fn now(&self, inner: &Inner) -> Moment {
        let (offset, wall) = (SignedDuration::from_secs(inner.options.clock_offset_secs), self.clock.now());
        Moment { wall: wall.saturating_add(offset).unwrap_or(wall), mono: self.clock.monotonic() }
    }

    fn answer(&self, parts: Parts, body: bytes::Bytes) -> Response<Body> {
        let request = Request { method: parts.method, uri: parts.uri, headers: parts.headers, body };
        let mut inner = self.lock();
        let now = self.now(&inner);
        let (answer, reordered) = inner.handle(&request, now);
        answer.respond(reordered)
    }
}

async fn entry(State(double): State<Arc<AppShieldDouble>>, request: http::Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    // The service around it has already limited the body.
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    double.answer(parts, body)
}

impl Double for AppShieldDouble {
    fn system(&self) -> &'static str {
        "appShield"
    }

    fn router(self: Arc<Self>) -> Router {
        Router::new().fallback(entry).with_state(self)
    }

    fn state(&self) -> Value {
        let mut inner = self.lock();
        let now = self.now(&inner);
        inner.sessions.settle(now.mono);
        state::show(&inner, now.mono)
    }

    fn patch_state(&self, change: Value) -> Result<(), String> {
        let mut inner = self.lock();
        let now = self.now(&inner);
        inner.sessions.settle(now.mono);
        console::patch(&mut inner, change, now)
    }

    fn fault(&self, kind: &str, spec: &Value) -> Option<Result<(), String>> {
        Some(Force::parse(kind, spec)?.map(|force| self.lock().forced.push(force)))
    }

    fn clear_faults(&self) {
        self.lock().forced.clear();
    }

    fn credentials(&self) -> BTreeMap<&'static str, String> {
        let inner = self.lock();
        let operator = inner.estate.by_login(seed::USERNAME);
        let password = operator.and_then(|(_, user)| user.password.expose_str()).unwrap_or_default();
        BTreeMap::from([("username", seed::USERNAME.to_owned()), ("password", password.to_owned())])
    }

    fn backend(&self, base: &str) -> Value {
        let options = self.options();
        let mut paths = Map::new();
        let chosen = &options.paths;
        for (name, path) in [("list", &chosen.list), ("get", &chosen.get), ("delete", &chosen.delete)] {
            if let Some(path) = path {
                paths.insert(name.to_owned(), json!(path));
            }
        }
        let mut backend = json!({
            "url": format!("{base}{}", options.base), "deepSave": true, "resend": "Never",
            "credentialsRef": {"name": "appshield"}
        });
        if let (false, Some(members)) = (paths.is_empty(), backend.as_object_mut()) {
            members.insert("paths".to_owned(), Value::Object(paths));
        }
        backend
    }
}
