//! `/livez`, `/readyz` and `/metrics`: read only, no secrets, nothing to configure.

use std::time::Duration;

use axum::{Router, extract::State, http::StatusCode, routing::get};
use tokio::{net::TcpListener, sync::watch};

use crate::report::metrics::Metrics;

/// What the pages tell of.
#[derive(Clone)]
pub struct Pages {
    /// What is not ready; empty: ready.
    pub readiness: watch::Receiver<Vec<String>>,
    /// Measures.
    pub metrics: Metrics,
}

/// Serves until dropped.
///
/// # Errors
/// The listener failed for good.
pub async fn serve(listener: TcpListener, pages: Pages) -> std::io::Result<()> {
    axum::serve(listener, router(pages)).await
}

/// The pages, for tests without a socket.
pub fn router(pages: Pages) -> Router {
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(pages)
}

/// Alive: the runtime answers, and a task that sleeps wakes up again.
async fn livez() -> &'static str {
    tokio::time::sleep(Duration::from_millis(1)).await;
    "ok\n"
}

async fn readyz(State(pages): State<Pages>) -> (StatusCode, String) {
    let missing = pages.readiness.borrow().clone();
    if missing.is_empty() {
        return (StatusCode::OK, "ok\n".into());
    }
    (StatusCode::SERVICE_UNAVAILABLE, missing.join("\n") + "\n")
}

/// `OpenMetrics` text.
async fn metrics(State(pages): State<Pages>) -> ([(axum::http::HeaderName, &'static str); 1], String) {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(axum::http::header::CONTENT_TYPE, kind)], pages.metrics.encode())
}
