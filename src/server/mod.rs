//! `/livez`, `/readyz` and `/metrics`: read only, no secrets, nothing to configure. The page for people is another server.

pub mod page;

use std::{io, net::SocketAddr, thread, time::Duration};

use axum::{
    Router,
    extract::State,
    http::{
        HeaderMap, HeaderName, StatusCode,
        header::{ACCEPT, CONTENT_TYPE},
    },
    routing::get,
};
use tokio::{net::TcpListener, sync::watch};

use crate::{
    lease::Pulse,
    report::metrics::{Format, Metrics},
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

/// Serves from now on, in a thread of its own, until the process ends: a commit that waits for its disk blocks whoever
/// makes it, and must not keep anybody from reading how things stand. Returns where it listens.
///
/// # Errors
/// The address is taken, or may not be used.
pub fn start(address: SocketAddr, pages: Pages) -> io::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new().name("pages".to_owned()).spawn(move || {
        let served = runtime.block_on(async { serve(TcpListener::from_std(listener)?, pages).await });
        if let Err(error) = served {
            tracing::error!(%error, "the pages are no longer served");
        }
    })?;
    Ok(address)
}

/// Serves until dropped.
///
/// # Errors
/// The listener failed for good.
pub async fn serve(listener: TcpListener, pages: Pages) -> io::Result<()> {
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

/// Alive: the lease loop turns, in the runtime that everything else runs in, and wakes up when it slept.
async fn livez(State(pages): State<Pages>) -> (StatusCode, String) {
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

async fn metrics(
    State(pages): State<Pages>,
    headers: HeaderMap,
) -> ([(HeaderName, &'static str); 1], String) {
    let accept: Vec<_> = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let format = Format::of(&accept.join(","));
    ([(CONTENT_TYPE, format.content_type())], pages.metrics.encode_as(format))
}

#[cfg(test)]
mod tests;
