//! The page for people who would rather look: plain HTML, made on the server, read only.
//!
//! ```text
//! request ─▶ gate: method, host, path, query ─▶ glances: one list at a time, kept for seconds ─▶ view: bounded, shared
//! ```
//!
//! It is off by default, listens on loopback, and is reached by `kubectl port-forward`: whoever may do that sees all that
//! the operator watches. It has no scripts, no cookies, takes no input but a query out of a short list, and writes nothing.

mod asked;
mod gate;
mod glances;
#[cfg(test)]
mod large;
#[cfg(test)]
mod tests;
mod view;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, mpsc},
    thread,
};

use axum::{
    Router,
    extract::{RawQuery, State},
    http::{StatusCode, header},
    middleware,
    response::{IntoResponse as _, Response},
    routing::get,
};
use tokio::{net::TcpListener, runtime::Builder};

pub use glances::{ApiServer, Glances, Onlooker};

/// The style sheet; the page has no other parts.
const STYLE: &str = include_str!("../../../templates/style.css");

/// Serves the page from now on, in a thread of its own, until the process ends: ten thousand objects take a while to be
/// read and summed up, in which nobody who works is to wait.
///
/// `glances` is called within that thread: a client that is made there has connections of its own, which nobody else waits
/// on, and which end with the page alone.
///
/// # Errors
/// The listener cannot be used, there is no thread to be had, or what `glances` says.
pub fn start(
    listener: std::net::TcpListener,
    glances: impl FnOnce() -> io::Result<Glances> + Send + 'static,
    hosts: Vec<String>,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    listener.set_nonblocking(true)?;
    let (begins, begun) = mpsc::sync_channel(1);
    thread::Builder::new().name("page".to_owned()).spawn(move || {
        let made = Builder::new_current_thread().enable_all().build().and_then(|runtime| {
            let parts = async { Ok((TcpListener::from_std(listener)?, router(address, glances()?, hosts))) };
            runtime.block_on(parts).map(|parts| (parts, runtime))
        });
        let ((listener, router), runtime) = match made {
            Ok(made) => made,
            Err(error) => return drop(begins.send(Err(error))),
        };
        drop(begins.send(Ok(())));
        if let Err(error) = runtime.block_on(axum::serve(listener, router).into_future()) {
            tracing::error!(%error, "the page is no longer served");
        }
    })?;
    begun.recv().unwrap_or_else(|_| Err(io::Error::other("its thread ended before it was served")))
}

/// The page as it answers on this address, also under these names.
pub fn router(address: SocketAddr, glances: Glances, hosts: Vec<String>) -> Router {
    let gate = Arc::new(gate::Gate::new(address, hosts));
    Router::new()
        .route("/", get(page))
        .route("/style.css", get(style))
        .fallback(|| async { refused(StatusCode::NOT_FOUND, "there is one page, at /") })
        .method_not_allowed_fallback(|| async {
            refused(StatusCode::METHOD_NOT_ALLOWED, "this page is read only: GET and HEAD are allowed")
        })
        .with_state(glances)
        .layer(middleware::from_fn_with_state(gate, gate::keep))
}

async fn page(State(glances): State<Glances>, RawQuery(query): RawQuery) -> Response {
    let asked = match asked::Asked::of(query.as_deref().unwrap_or_default()) {
        Ok(asked) => asked,
        Err(refusal) => return refused(StatusCode::BAD_REQUEST, refusal),
    };
    match glances.page(asked).await {
        Ok(page) => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response(),
        Err(why) => refused(StatusCode::SERVICE_UNAVAILABLE, why),
    }
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

/// In words of ours alone: nothing of a request comes back.
fn refused(status: StatusCode, why: &'static str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{why}\n")).into_response()
}
