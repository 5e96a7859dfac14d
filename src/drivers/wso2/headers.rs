//! Headers of calls: what is accepted, and who asks.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderValue, header};
use zeroize::Zeroizing;

use crate::model::Secret;

/// JSON is asked for.
pub fn accept_json() -> HeaderMap {
    HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("application/json"))])
}

/// The `Basic` header of a user, or of a client, and its secret (RFC 7617).
pub fn basic(user: &str, password: &Secret) -> HeaderMap {
    let mut plain = Zeroizing::new(format!("{user}:").into_bytes());
    plain.extend_from_slice(password.expose());
    let encoded = Zeroizing::new(BASE64_STANDARD.encode(plain.as_slice()));
    authorization("Basic ", encoded.as_bytes())
}

/// An `Authorization` header; empty where the credential holds what no header can, which the system then refuses.
pub fn authorization(scheme: &str, credential: &[u8]) -> HeaderMap {
    let bytes = Zeroizing::new([scheme.as_bytes(), credential].concat());
    HeaderValue::from_bytes(&bytes).map(|value| (header::AUTHORIZATION, value)).into_iter().collect()
}
