//! Who we are, proven per request (sheet section 2).

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderValue, Method};
use jiff::Timestamp;
use md5::{Digest as _, Md5};
use sha2::Sha256;

use crate::model::Secret;

/// Media type of every request, also of those without a body (sheet section 2.1).
pub const CONTENT_TYPE: &str = "application/json; charset=utf-8";

/// Furthest that our clock may be from the server's, in seconds, before every request is refused (sheet section 2.1).
pub const SKEW_LIMIT: i64 = 15 * 60;

/// The pair that a partner generates in Remote Manager.
pub struct Credentials {
    token: HeaderValue,
    key: Secret,
}

impl Credentials {
    /// Takes the pair from a Secret's keys `accessToken` and `secretKey` (interfaces.md section 2).
    ///
    /// White space around either is cut: a trailing newline is the commonest way to spoil a Secret.
    ///
    /// # Errors
    /// A sentence that names the key at fault, without its content.
    pub fn new(access_token: &Secret, secret_key: &Secret) -> Result<Self, String> {
        let mut token = HeaderValue::from_str(text("accessToken", access_token)?).map_err(|_| {
            "key accessToken of the Secret holds characters that no access token has".to_owned()
        })?;
        token.set_sensitive(true);
        Ok(Self { token, key: Secret::new(text("secretKey", secret_key)?) })
    }

    /// The headers that prove one request: it must go out with exactly this method, target and body.
    ///
    /// `target` is path and query as they stand on the wire. A retry needs new headers.
    pub fn headers(&self, now: Timestamp, method: &Method, target: &str, body: &[u8]) -> HeaderMap {
        let time = now.as_second();
        let mut headers = HeaderMap::new();
        headers.insert("x-access-token", self.token.clone());
        headers.insert("x-posix-time", time.into());
        let texts = [
            ("x-signature", signature(self.key.expose(), time, method.as_str(), target, body)),
            ("x-traceid", uuid::Uuid::new_v4().to_string()),
        ];
        for (name, value) in texts {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        headers
    }
}

fn text<'a>(name: &str, secret: &'a Secret) -> Result<&'a str, String> {
    let text =
        secret.expose_str().ok_or_else(|| format!("key {name} of the Secret is not UTF-8 text"))?.trim();
    if text.is_empty() {
        return Err(format!("key {name} of the Secret is missing or empty"));
    }
    Ok(text)
}

/// `base64(HMAC-SHA256(key, time ++ METHOD ++ target ++ base64(MD5(body))))`; nothing is appended for an empty body.
pub fn signature(key: &[u8], time: i64, method: &str, target: &str, body: &[u8]) -> String {
    let mut message = format!("{time}{}{target}", method.to_uppercase());
    if !body.is_empty() {
        message.push_str(&BASE64_STANDARD.encode(Md5::digest(body)));
    }
    // HMAC takes keys of any length, so the other branch does not exist.
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mut mac) => {
            mac.update(message.as_bytes());
            BASE64_STANDARD.encode(mac.finalize().into_bytes())
        }
        Err(_) => String::new(),
    }
}

/// What a refused request should tell about the clocks: `None` while they agree to a minute.
///
/// `date` is the answer's `Date` header.
pub fn skew(now: Timestamp, date: Option<&str>) -> Option<String> {
    let server = jiff::fmt::rfc2822::parse(date?).ok()?.timestamp();
    let ahead = now.as_second() - server.as_second();
    let direction = if ahead > 0 { "ahead of" } else { "behind" };
    (ahead.abs() > 60).then(|| {
        format!(
            "the clock here is {} s {direction} the server's, and requests more than {SKEW_LIMIT} s off are refused: \
             check the clock of this node",
            ahead.abs()
        )
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    const KEY: &[u8] = b"example-secret-key";

    #[test]
    fn signatures_equal_the_sheets_vectors() {
        let get = "/SMPI/v2.8/service/wfbss/api/customers?page=1&limit=100";
        let put = "/SMPI/v2.8/service/wfbss/api/policies?cids=640FE47F-5118-4D79-8221-A35D0DE2EE2C&gids=1&os=win&sync=true";
        let body = br#"{"policy":{"behavior_monitoring":{"enabled":1}}}"#;
        let cases: [(&str, &str, &[u8], &str); 3] = [
            ("GET", get, b"", "tBI5q//DG9rO0jfAnb1n9b/LhbXlsxeTXcwx8UQLrIQ="),
            ("put", put, body, "VYr4jjcukB4fXvzUWE9P7kZ0QrQ+EKAAHsEmzb5pVLs="),
            ("PUT", put, body, "VYr4jjcukB4fXvzUWE9P7kZ0QrQ+EKAAHsEmzb5pVLs="),
        ];
        for (method, target, body, expected) in cases {
            assert_eq!(signature(KEY, 1_700_000_000, method, target, body), expected, "{method}");
        }
    }

    #[test]
    fn every_request_carries_the_compulsory_headers_and_its_own_trace() {
        let pair = Credentials::new(&Secret::new("tok\n"), &Secret::new("example-secret-key\n")).unwrap();
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let target = "/SMPI/v2.8/service/wfbss/api/customers?page=1&limit=100";
        let [one, two] = [(); 2].map(|()| pair.headers(now, &Method::GET, target, b""));
        assert_eq!(one["x-access-token"], "tok", "the newline of the Secret is not sent");
        assert!(one["x-access-token"].is_sensitive());
        assert_eq!(one["x-posix-time"], "1700000000");
        assert_eq!(one["x-signature"], "tBI5q//DG9rO0jfAnb1n9b/LhbXlsxeTXcwx8UQLrIQ=");
        assert_ne!(one["x-traceid"], two["x-traceid"]);
    }

    #[test]
    fn unusable_credentials_name_the_key_and_never_its_content() {
        let good = Secret::new("fine");
        let cases = [
            (Secret::new(""), good.clone(), "accessToken"),
            (Secret::new("ca\nnary"), good.clone(), "accessToken"),
            (good.clone(), Secret::new(" \n"), "secretKey"),
            (good.clone(), Secret::new(vec![0xff, 0xfe]), "secretKey"),
        ];
        for (token, key, named) in cases {
            let error = Credentials::new(&token, &key).err().unwrap();
            assert!(error.contains(named) && !error.contains("nary"), "{error}");
        }
    }

    #[test]
    fn skew_is_told_only_where_it_may_be_the_cause() {
        let now = Timestamp::from_second(1_700_000_000).unwrap(); // Tue, 14 Nov 2023 22:13:20 GMT
        let cases = [
            (None, None),
            (Some("yesterday"), None),
            (Some("Tue, 14 Nov 2023 22:13:00 GMT"), None),
            (Some("Tue, 14 Nov 2023 21:53:20 GMT"), Some("1200 s ahead of")),
            (Some("Tue, 14 Nov 2023 22:33:20 GMT"), Some("1200 s behind")),
        ];
        for (date, expected) in cases {
            let said = skew(now, date);
            assert_eq!(said.is_some(), expected.is_some(), "{date:?}");
            assert!(expected.is_none_or(|words| said.unwrap().contains(words)), "{date:?}");
        }
    }
}
