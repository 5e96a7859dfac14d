//! The signed token of a login (3.1): RS512, `sub`, `exp` at most five minutes ahead.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rustls::SignatureScheme;
use serde::Deserialize;

pub use crate::sandbox::rsa::PublicKey;

/// How far ahead `exp` may lie, in seconds.
const LONGEST_LIFE: i64 = 300;

#[derive(Deserialize)]
struct Header {
    alg: String,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: i64,
}

/// The account a token stands for.
///
/// # Errors
/// What is wrong with it, in words; the status is 401 for all of it.
pub fn subject<'k>(
    token: &str,
    key_of: impl Fn(&str) -> Option<&'k PublicKey>,
    now: i64,
) -> Result<String, &'static str> {
    let mut parts = token.split('.');
    let (Some(header), Some(claims), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("the token is no JWT");
    };
    let Header { alg } = decoded(header)?;
    if alg != "RS512" {
        return Err("the token is not signed with RS512");
    }
    let Claims { sub, exp } = decoded(claims)?;
    let key = key_of(&sub).ok_or("no key is registered for the user of the token")?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| "the signature is not base64url")?;
    let signed = token.rsplit_once('.').map_or("", |(signed, _)| signed);
    if !key.verify(SignatureScheme::RSA_PKCS1_SHA512, signed.as_bytes(), &signature) {
        return Err("the signature does not fit the registered key");
    }
    match exp.saturating_sub(now) {
        ..=0 => Err("the token has expired"),
        1..=LONGEST_LIFE => Ok(sub),
        _ => Err("the token expires more than five minutes from now"),
    }
}

fn decoded<T: for<'de> Deserialize<'de>>(part: &str) -> Result<T, &'static str> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| "the token is not base64url")?;
    serde_json::from_slice(&bytes).map_err(|_| "the token lacks alg, sub or exp")
}
