//! The client assertion of the token flow (section 2): RS256, `x5t` and `kid` of the certificate.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rustls::SignatureScheme;
use serde::Deserialize;

use super::people::Certificate;

/// How far a client's clock may be ahead, in seconds.
const SKEW: i64 = 60;

#[derive(Deserialize)]
struct Header {
    alg: String,
    x5t: String,
    kid: String,
}

/// What an assertion claims.
#[derive(Debug, Deserialize)]
pub struct Claims {
    aud: String,
    iss: String,
    /// The application.
    pub sub: String,
    iat: i64,
    exp: i64,
    /// Never used twice.
    pub jti: String,
}

/// What an assertion is held against.
pub struct Wanted<'a> {
    /// The token endpoint of the metadata.
    pub audience: &'a str,
    /// The server's wall clock.
    pub now: i64,
    /// Longest life.
    pub life: i64,
}

/// The claims of an assertion that is in order; whether its `jti` is new is for the caller to say.
///
/// # Errors
/// What is wrong with it, in words.
pub fn check<'k>(
    token: &str,
    wanted: &Wanted<'_>,
    certificate_of: impl Fn(&str) -> Option<&'k Certificate>,
) -> Result<Claims, &'static str> {
    let mut parts = token.split('.');
    let (Some(header), Some(claims), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("the assertion is no JWT");
    };
    let header: Header = decoded(header, "the header lacks alg, x5t or kid")?;
    let claims: Claims = decoded(claims, "a claim is missing: aud, iss, sub, iat, exp, jti")?;
    if header.alg != "RS256" {
        return Err("the assertion is not signed with RS256");
    }
    let certificate =
        certificate_of(&claims.sub).ok_or("no certificate is registered for the application")?;
    if header.x5t != certificate.thumbprint || header.kid != certificate.thumbprint {
        return Err("x5t and kid are not the thumbprint of the registered certificate");
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| "the signature is not base64url")?;
    let signed = token.rsplit_once('.').map_or("", |(signed, _)| signed);
    if !certificate.key.verify(SignatureScheme::RSA_PKCS1_SHA256, signed.as_bytes(), &signature) {
        return Err("the signature does not fit the registered certificate");
    }
    timely(&claims, wanted)?;
    Ok(claims)
}

fn timely(claims: &Claims, wanted: &Wanted<'_>) -> Result<(), &'static str> {
    let checks = [
        (claims.iss != claims.sub, "iss and sub differ"),
        (claims.aud != wanted.audience, "aud is not the token endpoint"),
        (claims.jti.is_empty(), "jti is empty"),
        (claims.iat > wanted.now.saturating_add(SKEW), "iat is in the future"),
        (claims.exp <= wanted.now, "the assertion has expired"),
        (claims.exp.saturating_sub(claims.iat) > wanted.life, "the assertion lives too long"),
    ];
    checks.into_iter().find(|(wrong, _)| *wrong).map_or(Ok(()), |(_, why)| Err(why))
}

fn decoded<T: for<'de> Deserialize<'de>>(part: &str, lacking: &'static str) -> Result<T, &'static str> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| "the assertion is not base64url")?;
    serde_json::from_slice(&bytes).map_err(|_| lacking)
}
