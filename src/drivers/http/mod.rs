//! One HTTP stack for all systems.
//!
//! Limits on time, bytes (also decompressed), requests per minute and calls in flight; no
//! redirects; path segments and queries encoded by type; credentials bound to one origin; refused
//! addresses (R24); errors classed and redacted. Drivers say *what* to call, never *how*.

pub mod address;
mod bucket;
mod classify;
mod client;
pub mod effects;
mod meter;
pub mod real;
mod redact;
mod retry_after;
#[cfg(test)]
pub mod scripted;
pub mod target;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};

pub use client::{CallInfo, HttpClient};
pub use meter::{Level, Meter};
pub use retry_after::LONGEST as LONGEST_RETRY_AFTER;

/// Carries one request to the wire, or to a double in the same process.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends the request and returns the head with a body still to be read.
    ///
    /// # Errors
    /// [`TransportError`] tells whether the request may have reached the system.
    async fn send(&self, request: Request<Bytes>) -> Result<Response<BodyStream>, TransportError>;
}

/// A body as it comes in, already decompressed.
pub type BodyStream = futures::stream::BoxStream<'static, Result<Bytes, TransportError>>;

/// A request that got no complete answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TransportError {
    /// Whether bytes may have reached the system, so that an effect may have happened.
    pub maybe_sent: bool,
    /// In words, without any secret.
    pub message: String,
}

/// How one account may be called.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Token bucket: refill.
    pub requests_per_minute: u32,
    /// Token bucket: size.
    pub burst: u32,
    /// Calls at the same time.
    pub in_flight: u32,
    /// Longest time for one call, head and body.
    pub timeout: Duration,
    /// Longest answer, decompressed.
    pub max_body: usize,
    /// Tells how far they are used.
    pub meter: Meter,
}

/// One call, as a driver says it.
pub struct Call<'a> {
    /// GET, PUT, …
    pub method: Method,
    /// Path segments below the origin; each is encoded, none may be empty.
    pub path: &'a [&'a str],
    /// Query in the order given; values are encoded (`,` stays literal, blank is `%20`).
    pub query: &'a [(&'a str, &'a str)],
    /// Fixed headers.
    pub headers: HeaderMap,
    /// Body and content type.
    pub body: Option<(Bytes, &'static str)>,
    /// Whether the call may change something: then a lost answer is `Ambiguous`, not `Transient`.
    pub effect: bool,
    /// Adds what proves who we are, once per attempt, from method, request target and body as they go on the wire.
    #[allow(clippy::type_complexity)]
    pub authorise: Option<&'a (dyn Fn(&Method, &str, &[u8]) -> HeaderMap + Send + Sync)>,
}

/// A complete answer within the limits.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
    /// Whether the call may have changed something: then an answer nobody can read is `Ambiguous`.
    pub effect: bool,
    /// Method, host and path of the call, redacted, for messages.
    pub call: String,
}

/// Where a transport comes from: the real one, or doubles in tests.
pub type SharedTransport = Arc<dyn Transport>;
