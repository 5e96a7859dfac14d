//! A service on a loopback socket, where refusing to answer closes the connection.

use std::{error::Error, time::Duration};

use axum::body::Body;
use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tower::{Service, ServiceExt};

/// Serves HTTP/1.1 until dropped; dropping also kills every open connection.
///
/// An error of the service closes its connection without an answer: that is how a double plays a
/// server that dies. (`axum::serve` takes only services that cannot fail.)
pub async fn serve<S>(listener: TcpListener, service: S)
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Error + Send + Sync + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => { connections.spawn(connection(stream, service.clone())); }
                // Out of sockets or memory: others will be freed.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection<S>(stream: TcpStream, service: S)
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Error + Send + Sync + 'static,
{
    // Only latency would suffer from the failure.
    let _ = stream.set_nodelay(true);
    let answer =
        service_fn(move |request: Request<Incoming>| service.clone().oneshot(request.map(Body::new)));
    if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await {
        tracing::debug!(%error, "connection ended");
    }
}
