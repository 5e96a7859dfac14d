//! A double as one service: recorder, then faults, then the vendor's API.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
};
use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture};
use http::{Request, Response, request::Parts};
use tower::{Service, ServiceExt};

use super::{
    Double,
    faults::{Faults, Kind},
    play,
    recorder::Recorder,
};
use crate::model::Clock;

/// Larger requests are dropped; no vendor takes as much.
const MAX_BODY: usize = 64 << 20;

/// The connection was closed without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Dropped {
    /// The request had no effect.
    #[error("connection closed before the request had any effect")]
    BeforeEffect,
    /// The request was carried out.
    #[error("connection closed after the effect, before the answer")]
    AfterEffect,
}

/// A double with its recorder and faults, as one [`Service`].
///
/// Served over TCP by [`server::serve`](super::server::serve), and called directly by tests on a
/// paused clock: all its waiting is by `tokio::time`. Clones share everything.
#[derive(Clone)]
pub struct DoubleService {
    double: Arc<dyn Double>,
    router: Router,
    recorder: Recorder,
    faults: Arc<Faults>,
}

impl DoubleService {
    /// Wraps `double`; `clock` stamps the recorded requests.
    pub fn new(double: Arc<dyn Double>, clock: Arc<dyn Clock>) -> Self {
        let router = double.clone().router();
        Self { double, router, recorder: Recorder::new(clock), faults: Arc::default() }
    }

    /// The double behind the service.
    pub fn double(&self) -> &Arc<dyn Double> {
        &self.double
    }

    /// The requests seen so far.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// The HTTP-level faults.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Posts a fault of any kind, as the control port does.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it, or which kinds there are.
    pub fn add_fault(&self, spec: &serde_json::Value) -> Result<(), String> {
        match self.faults.add(spec) {
            Err(unknown @ super::faults::FaultError::UnknownKind(_)) => {
                let kind = spec.get("kind").and_then(serde_json::Value::as_str).unwrap_or_default();
                self.double.fault(kind, spec).unwrap_or_else(|| {
                    Err(format!("{unknown}, and system {} adds none of that name", self.double.system()))
                })
            }
            other => other.map_err(|error| error.to_string()),
        }
    }

    /// No faults again, neither the common ones nor the double's own.
    pub fn clear_faults(&self) {
        self.faults.clear();
        self.double.clear_faults();
    }

    async fn handle(self, request: Request<Body>) -> Result<Response<Body>, Dropped> {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, MAX_BODY).await.map_err(|_| Dropped::BeforeEffect)?;
        let seq = self.recorder.arrived(&parts, &body);
        let struck = self.faults.strike(&parts.method, &parts.uri);
        if !struck.is_empty() {
            self.recorder.faulted(seq, struck.iter().map(Kind::name).collect());
        }
        let response = self.answer(parts, body, struck).await?;
        self.recorder.answered(seq, response.status().as_u16());
        Ok(response)
    }

    async fn answer(&self, parts: Parts, body: Bytes, struck: Vec<Kind>) -> Result<Response<Body>, Dropped> {
        let (mut before, mut after, mut decisive) = (Duration::ZERO, Duration::ZERO, None);
        for kind in struck {
            match kind {
                Kind::Delay { ms, after: false } => before += Duration::from_millis(ms),
                Kind::Delay { ms, after: true } => after += Duration::from_millis(ms),
                other => decisive = Some(other),
            }
        }
        wait(before).await;
        let answer = self.play(parts, body, decisive).await;
        wait(after).await;
        answer
    }

    async fn play(&self, parts: Parts, body: Bytes, kind: Option<Kind>) -> Result<Response<Body>, Dropped> {
        let Some(kind) = kind else { return Ok(self.real(parts, body).await) };
        let real = if kind.has_effect() { Some(self.real(parts, body).await) } else { None };
        match kind {
            Kind::DropBefore {} => Err(Dropped::BeforeEffect),
            Kind::DropAfter {} => Err(Dropped::AfterEffect),
            kind => Ok(play::play(kind, real).await),
        }
    }

    async fn real(&self, parts: Parts, body: Bytes) -> Response<Body> {
        let request = Request::from_parts(parts, Body::from(body));
        match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// Not even a yield where there is nothing to wait for.
async fn wait(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

impl Service<Request<Body>> for DoubleService {
    type Response = Response<Body>;
    type Error = Dropped;
    type Future = BoxFuture<'static, Result<Response<Body>, Dropped>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Dropped>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.clone().handle(request).boxed()
    }
}
