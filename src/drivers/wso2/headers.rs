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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_sent_as_the_rfc_says_or_not_at_all() {
        let cases: [(HeaderMap, Option<&[u8]>, &str); 5] = [
            // The example of RFC 7617, section 2.
            (
                basic("Aladdin", &Secret::new("open sesame")),
                Some(b"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
                "an example",
            ),
            (
                basic("a", &Secret::new(vec![0xFF, b'\n'])),
                Some(b"Basic YTr/Cg=="),
                "any bytes, since they are encoded",
            ),
            (authorization("Bearer ", b"abc.def"), Some(b"Bearer abc.def"), "a token as it is"),
            (authorization("Bearer ", b"abc\r\nx-evil: 1"), None, "no second header"),
            (authorization("Bearer ", b"abc\0"), None, "nothing that ends a header"),
        ];
        for (headers, expected, why) in cases {
            assert_eq!(headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes), expected, "{why}");
            assert_eq!(headers.len(), usize::from(expected.is_some()), "{why}");
        }
    }
}
