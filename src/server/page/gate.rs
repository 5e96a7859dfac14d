//! Who may ask, and what browsers are told about every answer.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode, Uri, header, uri::Authority},
    middleware::Next,
    response::Response,
};

use super::refused;

/// Longest path with query, in bytes.
const LONGEST: usize = 2048;

/// Told with every answer: no scripts, no frames, nothing from elsewhere, nothing kept.
const TOLD: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Names under which the page may be asked for.
#[derive(Debug)]
pub(super) struct Gate {
    own: IpAddr,
    names: Vec<String>,
}

impl Gate {
    /// A page on this address, that may be asked for by these names besides.
    pub fn new(address: SocketAddr, names: Vec<String>) -> Self {
        let names = names.iter().map(|name| name.trim().to_ascii_lowercase());
        Self { own: address.ip(), names: names.filter(|name| !name.is_empty()).collect() }
    }

    /// Whether a request for this host is meant for us. A name that somebody else may point here (DNS rebinding) is not:
    /// a page of theirs in a browser beside us could read everything.
    pub fn admits(&self, authority: &str) -> bool {
        let Ok(authority) = authority.parse::<Authority>() else { return false };
        if authority.as_str().contains('@') {
            return false;
        }
        let host = authority.host().to_ascii_lowercase();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        match address {
            Ok(address) => address.is_loopback() || address == self.own || self.own.is_unspecified(),
            Err(_) => host == "localhost" || self.names.contains(&host),
        }
    }
}

/// Lets through what is meant for us, and tells browsers what this is.
pub(super) async fn keep(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let mut response = match checked(&gate, &request) {
        Ok(()) => next.run(request).await,
        Err((status, why)) => refused(status, why),
    };
    let headers = response.headers_mut();
    for (name, value) in TOLD {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn checked(gate: &Gate, request: &Request) -> Result<(), (StatusCode, &'static str)> {
    let hosts: Vec<_> = request.headers().get_all(header::HOST).iter().collect();
    let named = match hosts.as_slice() {
        [host] => host.to_str().is_ok_and(|host| gate.admits(host)),
        _ => false,
    };
    if !named || request.uri().authority().is_some_and(|authority| !gate.admits(authority.as_str())) {
        return Err((
            StatusCode::MISDIRECTED_REQUEST,
            "asked for by another name than localhost or the address it listens on; name others in --page-hosts",
        ));
    }
    if length(request.uri()) > LONGEST {
        return Err((StatusCode::URI_TOO_LONG, "at most 2048 bytes of path and query are allowed"));
    }
    Ok(())
}

fn length(uri: &Uri) -> usize {
    uri.path_and_query().map_or(0, |path| path.as_str().len())
}
