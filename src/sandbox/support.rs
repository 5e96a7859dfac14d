//! What the doubles' tests share: a clock that stands still unless told, and short ways to ask.

#![allow(clippy::unwrap_used)]

use std::{sync::Arc, time::Duration};

use axum::body::{Body, to_bytes};
use http::{Request, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::time::Instant;

use crate::model::Clock;

/// Tokio's clock, which tests may pause, read as wall clock from a fixed moment on.
pub struct TokioClock {
    origin: Instant,
}

/// Where every [`TokioClock`] begins: the time of the sheet's test vectors.
pub const ORIGIN: i64 = 1_700_000_000;

impl TokioClock {
    pub fn shared() -> Arc<dyn Clock> {
        Arc::new(Self { origin: Instant::now() })
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        let start = Timestamp::from_second(ORIGIN).unwrap();
        start + SignedDuration::try_from(self.origin.elapsed()).unwrap()
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }
}

/// The status and the body; `null` for an empty one, text where it is no JSON.
pub async fn read(response: Response<Body>) -> (u16, Value) {
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), 1 << 24).await.unwrap();
    let text = || Value::String(String::from_utf8_lossy(&body).into_owned());
    let value =
        if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap_or_else(|_| text()) };
    (status, value)
}

/// A request with a JSON body, or none for `null`.
pub fn request(method: &str, uri: &str, body: &Value) -> Request<Body> {
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    Request::builder().method(method).uri(uri).body(body).unwrap()
}
