//! The API server of the tests, filled and reachable from another process.

use std::net::SocketAddr;

use axum::{Router, body::Body, extract::Request, response::Response};
use http::StatusCode;
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    manifests,
    support::{FakeApi, SimClock},
};

/// A server that holds so many assignments, all of them resolvable.
pub fn filled(count: usize) -> FakeApi {
    let api = FakeApi::new(SimClock::new());
    for i in 0..manifests::NAMESPACES {
        let namespace = manifests::namespace(i);
        api.namespace(&namespace, &[]);
        api.stored_raw("Policy", &namespace, "laptop-baseline", manifests::policy(&namespace));
    }
    api.stored_raw("ClusterBackend", "", "trend", manifests::backend());
    for i in 0..count {
        let object = manifests::assignment(i);
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        api.stored_raw("PolicyAssignment", &manifests::namespace(i), &name, object);
    }
    api
}

/// Serves it on a port of its own, as long as `tasks` live.
pub async fn serve(api: &FakeApi, tasks: &mut JoinSet<()>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port on loopback");
    let address = listener.local_addr().expect("it is bound");
    let client = api.client();
    let forward = move |request: Request| {
        let client = client.clone();
        // Who watches sends no bodies.
        async move { answer(client.send(request.map(|_| kube::client::Body::empty())).await) }
    };
    tasks.spawn(async move {
        axum::serve(listener, Router::new().fallback(forward))
            .await
            .expect("serving ends with its task only");
    });
    address
}

fn answer(outcome: Result<Response<kube::client::Body>, kube::Error>) -> Response {
    match outcome {
        Ok(response) => response.map(Body::new),
        Err(error) => {
            let mut response = Response::new(Body::from(error.to_string()));
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        }
    }
}
