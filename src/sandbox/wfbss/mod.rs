//! A double of Trend Micro Worry-Free Business Security Services, Service Management API.
//!
//! Written from the vendor sheet: it enforces headers, signature, limits and scopes, keeps the
//! traps (a PUT without `cids` hits every customer), and plays either reading of what the vendor
//! leaves open ([`WfbssOptions`]). Faults of its own, besides the common ones: `taskOutcome`
//! (`outcome`: SUCCESS, FAILURE, REVOKED, never, late, lost; `afterMs`, `effect`: none, partial,
//! full; `id`, `repeatAfterMs`), `partialWrite` (`reach`, `status`), `pageAnomaly` (`anomaly`:
//! repeat, empty, short, totalLow, totalHigh) and `revokeSession`.

mod admit;
mod answer;
mod console;
mod devices;
mod directory;
mod estate;
mod inner;
mod merge;
mod names;
mod options;
mod others;
mod policies;
mod present;
mod query;
mod routes;
mod seed;
mod settings;
mod signature;
mod state;
mod switches;
mod tasks;
#[cfg(test)]
mod tests;
mod urls;
mod write;

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
    answer::{Failure, respond},
    estate::Estate,
    inner::{Call, Force, Inner},
    query::Query,
    signature::Keys,
    tasks::Tasks,
};
use super::{Double, faults::When};
use crate::model::{Clock, Secret};

pub use self::options::*;

/// The double; see the [module](self).
pub struct WfbssDouble {
    clock: Arc<dyn Clock>,
    inner: Mutex<Inner>,
}

impl WfbssDouble {
    /// Four customers with their default groups and a few more, one of them expired. `clock` drives
    /// tasks, signatures, licences and the times of URLs.
    pub fn new(options: WfbssOptions, clock: Arc<dyn Clock>) -> Arc<Self> {
        let estate = seed::estate(clock.now());
        Self::with(estate, options, clock)
    }

    /// So many customers, each with so many groups (at least the two default ones), for load tests.
    pub fn with_estate(
        customers: u32,
        groups: u32,
        options: WfbssOptions,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        let estate = seed::large_estate(customers, groups, clock.now());
        Self::with(estate, options, clock)
    }

    fn with(estate: Estate, options: WfbssOptions, clock: Arc<dyn Clock>) -> Arc<Self> {
        let inner = Inner {
            options,
            estate,
            tasks: Tasks::default(),
            keys: Keys {
                access_token: "11111111-2222-3333-4444-555555555555".to_owned(),
                secret_key: Secret::new("example-secret-key"),
            },
            unscoped_writes: 0,
            ungrouped_writes: 0,
            forced: Vec::new(),
            recent: VecDeque::new(),
        };
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
        let outcome = match place(parts.uri.path()) {
            None => {
                Err(Failure::not_found("UnknownResource", format!("{} does not exist", parts.uri.path())))
            }
            Some((version, resource)) => inner.handle(&mut Call {
                version: version.to_owned(),
                resource: resource.to_owned(),
                method: parts.method,
                uri: parts.uri.clone(),
                headers: parts.headers,
                body,
                now,
                elapsed,
                query: Query::default(),
            }),
        };
        let mut response = respond(outcome, inner.options.error_body);
        // Clients check their own clock against it (section 8).
        let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now);
        if let Some(date) = date.ok().and_then(|date| HeaderValue::from_str(&date).ok()) {
            response.headers_mut().insert(header::DATE, date);
        }
        response
    }
}

/// The version and the resource of `/SMPI/{version}/service/wfbss/api/{resource}`; the version may
/// be left out (section 1).
fn place(path: &str) -> Option<(&str, &str)> {
    let rest = path.strip_prefix("/SMPI/")?;
    if let Some(resource) = rest.strip_prefix("service/wfbss/api/") {
        return Some(("", resource));
    }
    let (version, rest) = rest.split_once('/')?;
    Some((version, rest.strip_prefix("service/wfbss/api/")?))
}

async fn entry(State(double): State<Arc<WfbssDouble>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    // The service around it has already limited the body.
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    double.answer(Request::from_parts(parts, ()), body)
}

impl Double for WfbssDouble {
    fn system(&self) -> &'static str {
        "wfbss"
    }

    fn router(self: Arc<Self>) -> Router {
        Router::new().fallback(entry).with_state(self)
    }

    fn state(&self) -> Value {
        let mut inner = self.lock();
        let (now, elapsed) = self.time(&inner);
        inner.settle(now, elapsed);
        state::show(&inner, now, elapsed)
    }

    fn patch_state(&self, change: Value) -> Result<(), String> {
        let mut inner = self.lock();
        let (now, elapsed) = self.time(&inner);
        inner.settle(now, elapsed);
        console::patch(&mut inner, change, now, elapsed)
    }

    fn fault(&self, kind: &str, spec: &Value) -> Option<Result<(), String>> {
        let mut settings = spec.as_object().cloned().unwrap_or_default();
        settings.remove("kind");
        let when = match When::take_from(&mut settings) {
            Ok(when) => when,
            Err(problem) => return Some(Err(problem)),
        };
        let force = Force::parse(kind, settings)?;
        Some(force.map(|force| self.lock().forced.push((when, force))))
    }

    fn clear_faults(&self) {
        self.lock().forced.clear();
    }

    fn credentials(&self) -> BTreeMap<&'static str, String> {
        let inner = self.lock();
        let secret = inner.keys.secret_key.expose_str().unwrap_or_default().to_owned();
        BTreeMap::from([("accessToken", inner.keys.access_token.clone()), ("secretKey", secret)])
    }

    fn backend(&self, base: &str) -> Value {
        json!({"url": base, "version": "v2.8", "execution": "Auto"})
    }
}
