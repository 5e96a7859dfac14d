//! What the tests of all drivers share.

use async_trait::async_trait;
use axum::body::Body;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use http::{Request, Response};
use tower::ServiceExt as _;

use super::http::{BodyStream, Transport, TransportError};
use crate::sandbox::{DoubleService, Dropped};

/// Hands requests to a double as the wire would.
pub struct InProcess(pub DoubleService);

#[async_trait]
impl Transport for InProcess {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<BodyStream>, TransportError> {
        // A client cannot tell whether a closed connection had an effect.
        let lost = |message: String| TransportError { maybe_sent: true, message };
        let answer = self.0.clone().oneshot(request.map(Body::from)).await;
        let answer = answer.map_err(|dropped: Dropped| lost(dropped.to_string()))?;
        Ok(answer.map(|body| body.into_data_stream().map_err(move |e| lost(e.to_string())).boxed()))
    }
}
