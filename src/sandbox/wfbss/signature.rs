//! The signature of a request (section 2.2 of the sheet), and the five headers (2.1).

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, Method, StatusCode};
use md5::{Digest, Md5};
use sha2::Sha256;

use super::answer::Failure;
use crate::model::Secret;

/// The key pair a partner makes in Remote Manager.
#[derive(Clone)]
pub struct Keys {
    /// A GUID, in the clear.
    pub access_token: String,
    /// Used as text, never decoded.
    pub secret_key: Secret,
}

/// What is checked about a request, as it came over the wire.
pub struct Signed<'a> {
    /// The method.
    pub method: &'a Method,
    /// The raw path and query.
    pub target: &'a str,
    /// All headers.
    pub headers: &'a HeaderMap,
    /// The raw body.
    pub body: &'a [u8],
}

/// How strict the check is.
#[derive(Clone, Copy)]
pub struct Strictness {
    /// The server's time, Unix seconds.
    pub now: i64,
    /// How far the request's time may be off, in seconds.
    pub skew: i64,
    /// The status of a refusal.
    pub status: StatusCode,
}

/// Checks all five headers, the time and the signature.
///
/// # Errors
/// The refusal to answer with.
pub fn verify(request: &Signed<'_>, keys: &Keys, strictness: Strictness) -> Result<(), Failure> {
    let refuse = |code, message: &str| Failure::new(strictness.status, code, message);
    let token = header(request.headers, "x-access-token")
        .ok_or_else(|| refuse("MissingToken", "x-access-token is missing"))?;
    if !token.eq_ignore_ascii_case(&keys.access_token) {
        return Err(refuse("InvalidToken", "x-access-token is unknown or revoked"));
    }
    let time = header(request.headers, "x-posix-time")
        .ok_or_else(|| refuse("MissingTime", "x-posix-time is missing"))?;
    let seconds =
        posix_time(time).ok_or_else(|| refuse("InvalidTime", "x-posix-time is not 1 to 10 digits"))?;
    if (strictness.now - seconds).abs() > strictness.skew {
        return Err(refuse("TimeSkew", "x-posix-time is too far from the server's time"));
    }
    let signature = header(request.headers, "x-signature")
        .ok_or_else(|| refuse("MissingSignature", "x-signature is missing"))?;
    let genuine = STANDARD
        .decode(signature)
        .is_ok_and(|given| mac(&keys.secret_key, time, request).verify_slice(&given).is_ok());
    if !genuine {
        return Err(refuse("InvalidSignature", "x-signature does not fit the request"));
    }
    rest(request.headers)
}

/// The headers that take no part in the signature but are compulsory.
fn rest(headers: &HeaderMap) -> Result<(), Failure> {
    if header(headers, "x-traceid").is_none_or(str::is_empty) {
        return Err(Failure::bad("MissingTraceId", "x-traceid is missing"));
    }
    let content_type = header(headers, "content-type").unwrap_or_default().to_ascii_lowercase();
    let mut parts = content_type.split(';').map(str::trim);
    let utf8 = |parameter: &str| {
        !parameter.starts_with("charset=") || parameter.trim_matches('"').ends_with("utf-8")
    };
    if parts.next() == Some("application/json") && parts.all(utf8) {
        return Ok(());
    }
    Err(Failure::bad(
        "InvalidContentType",
        "content-type must be application/json; charset=utf-8, also on GET",
    ))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn posix_time(text: &str) -> Option<i64> {
    let digits = (1..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// `time ++ METHOD ++ target ++ (body empty ? "" : base64(MD5(body)))`, keyed with the secret's text.
fn mac(secret: &Secret, time: &str, request: &Signed<'_>) -> Hmac<Sha256> {
    #[allow(clippy::expect_used)]
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose()).expect("HMAC takes keys of any length");
    mac.update(time.as_bytes());
    mac.update(request.method.as_str().to_ascii_uppercase().as_bytes());
    mac.update(request.target.as_bytes());
    if !request.body.is_empty() {
        mac.update(STANDARD.encode(Md5::digest(request.body)).as_bytes());
    }
    mac
}

/// The value of `x-signature` for a request, as the vendor's clients compute it.
#[cfg(test)]
pub fn sign(secret: &Secret, time: &str, method: &Method, target: &str, body: &[u8]) -> String {
    let headers = HeaderMap::new();
    let request = Signed { method, target, headers: &headers, body };
    STANDARD.encode(mac(secret, time, &request).finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Headers set to another value, or left out.
    type Changes = &'static [(&'static str, Option<&'static str>)];

    const TOKEN: &str = "11111111-2222-3333-4444-555555555555";
    const TARGET: &str = "/SMPI/v2.8/service/wfbss/api/policies?cids=640FE47F-5118-4D79-8221-A35D0DE2EE2C&gids=1&os=win&sync=true";
    const BODY: &[u8] = br#"{"policy":{"behavior_monitoring":{"enabled":1}}}"#;
    const SIGNATURE: &str = "VYr4jjcukB4fXvzUWE9P7kZ0QrQ+EKAAHsEmzb5pVLs=";

    fn keys() -> Keys {
        Keys { access_token: TOKEN.to_owned(), secret_key: Secret::new("example-secret-key") }
    }

    fn headers(changes: &[(&'static str, Option<&str>)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-access-token", TOKEN),
            ("x-posix-time", "1700000000"),
            ("x-signature", SIGNATURE),
            ("x-traceid", "0d5a2a9e-6a0e-4f0e-9a53-6d1d0a5a7f10"),
            ("content-type", "application/json; charset=utf-8"),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        for (name, value) in changes {
            headers.remove(*name);
            if let Some(value) = value {
                headers.insert(*name, value.parse().unwrap());
            }
        }
        headers
    }

    fn verdict(headers: &HeaderMap, target: &str, body: &[u8], now: i64) -> Result<(), &'static str> {
        let request = Signed { method: &Method::PUT, target, headers, body };
        let strictness = Strictness { now, skew: 900, status: StatusCode::UNAUTHORIZED };
        verify(&request, &keys(), strictness).map_err(|failure| failure.code)
    }

    #[test]
    fn the_sheets_test_vectors_hold() {
        let secret = Secret::new("example-secret-key");
        let get = "/SMPI/v2.8/service/wfbss/api/customers?page=1&limit=100";
        assert_eq!(
            sign(&secret, "1700000000", &Method::GET, get, b""),
            "tBI5q//DG9rO0jfAnb1n9b/LhbXlsxeTXcwx8UQLrIQ="
        );
        assert_eq!(sign(&secret, "1700000000", &Method::PUT, TARGET, BODY), SIGNATURE);
        assert_eq!(STANDARD.encode(Md5::digest(BODY)), "nf7m8oxvCcobUFQf/ch4cg==");
    }

    #[test]
    fn every_header_counts() {
        let cases: [(&str, Changes, Result<(), &str>); 12] = [
            ("as documented", &[], Ok(())),
            ("plain JSON works too", &[("content-type", Some("application/json"))], Ok(())),
            ("no token", &[("x-access-token", None)], Err("MissingToken")),
            (
                "another token",
                &[("x-access-token", Some("22222222-2222-3333-4444-555555555555"))],
                Err("InvalidToken"),
            ),
            ("no time", &[("x-posix-time", None)], Err("MissingTime")),
            ("milliseconds", &[("x-posix-time", Some("1700000000000"))], Err("InvalidTime")),
            ("signed", &[("x-posix-time", Some("-5"))], Err("InvalidTime")),
            ("another second than signed", &[("x-posix-time", Some("1700000001"))], Err("InvalidSignature")),
            ("no signature", &[("x-signature", None)], Err("MissingSignature")),
            ("no base64", &[("x-signature", Some("%%%"))], Err("InvalidSignature")),
            ("no trace id", &[("x-traceid", None)], Err("MissingTraceId")),
            ("no content type", &[("content-type", None)], Err("InvalidContentType")),
        ];
        for (why, changes, expected) in cases {
            assert_eq!(verdict(&headers(changes), TARGET, BODY, 1_700_000_000), expected, "{why}");
        }
    }

    #[test]
    fn target_body_and_time_are_bound_to_the_signature() {
        let headers = headers(&[]);
        let swapped = TARGET.replace("&gids=1&os=win", "&os=win&gids=1");
        assert_eq!(
            verdict(&headers, &swapped, BODY, 1_700_000_000),
            Err("InvalidSignature"),
            "order of parameters"
        );
        assert_eq!(verdict(&headers, TARGET, b"{}", 1_700_000_000), Err("InvalidSignature"), "another body");
        assert_eq!(verdict(&headers, TARGET, b"", 1_700_000_000), Err("InvalidSignature"), "no body");
        for (now, expected) in
            [(-900, Ok(())), (900, Ok(())), (901, Err("TimeSkew")), (-901, Err("TimeSkew"))]
        {
            assert_eq!(verdict(&headers, TARGET, BODY, 1_700_000_000 + now), expected, "{now} s off");
        }
    }
}
