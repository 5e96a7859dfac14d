//! `/livez`, `/readyz` and `/metrics`: read only, no secrets, nothing to configure. The page for people is another server.

pub mod page;

use std::time::Duration;

use axum::{
    Router,
    extract::State,
    http::{HeaderName, StatusCode, header::CONTENT_TYPE as CONTENT_TYPE_HEADER},
    routing::get,
};
use tokio::{net::TcpListener, sync::watch};

use crate::{
    lease::Pulse,
    report::metrics::{CONTENT_TYPE, Metrics},
};

/// Without a turn of the lease loop for so long, the process hangs. It turns every few seconds, also while it stands
/// by and while the API server is away.
const HANGS: Duration = Duration::from_mins(1);

/// What the pages tell of.
#[derive(Clone)]
pub struct Pages {
    /// What is not ready; empty: ready.
    pub readiness: watch::Receiver<Vec<String>>,
    /// Measures.
    pub metrics: Metrics,
    /// Sign of life of the lease loop.
    pub pulse: Pulse,
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

/// Alive: the runtime answers, a task that sleeps wakes up again, and the lease loop turns.
async fn livez(State(pages): State<Pages>) -> (StatusCode, String) {
    tokio::time::sleep(Duration::from_millis(1)).await;
    let age = pages.pulse.age();
    if age < HANGS {
        return (StatusCode::OK, "ok\n".into());
    }
    (StatusCode::SERVICE_UNAVAILABLE, format!("the lease loop has not turned for {} s\n", age.as_secs()))
}

async fn readyz(State(pages): State<Pages>) -> (StatusCode, String) {
    let missing = pages.readiness.borrow().clone();
    if missing.is_empty() {
        return (StatusCode::OK, "ok\n".into());
    }
    (StatusCode::SERVICE_UNAVAILABLE, missing.join("\n") + "\n")
}

async fn metrics(State(pages): State<Pages>) -> ([(HeaderName, &'static str); 1], String) {
    ([(CONTENT_TYPE_HEADER, CONTENT_TYPE)], pages.metrics.encode())
}
