//! The signed token of a login (3.1): RS512, `sub`, `exp` at most five minutes ahead.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rustls::{
    SignatureScheme,
    pki_types::{SubjectPublicKeyInfoDer, pem::PemObject as _},
};
use serde::Deserialize;

/// How far ahead `exp` may lie, in seconds.
const LONGEST_LIFE: i64 = 300;

/// What stands behind the four bytes of outer length in every RSA `SubjectPublicKeyInfo`: the
/// algorithm `rsaEncryption` with its NULL.
const RSA: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// An RSA public key as an account registers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(Vec<u8>);

impl PublicKey {
    /// Reads `BEGIN PUBLIC KEY`, 2048 to 8192 bits.
    ///
    /// # Errors
    /// A sentence if it is anything else.
    pub fn from_pem(pem: &str) -> Result<Self, String> {
        let spki = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes())
            .map_err(|error| format!("publicKey: no PEM public key: {error}"))?;
        // 30 82 LL LL, the algorithm, 03 82 LL LL 00: the lengths of such keys take two bytes each.
        let inner = spki
            .get(4..19)
            .filter(|algorithm| *algorithm == RSA)
            .and_then(|_| spki.get(19..24))
            .filter(|head| matches!(head, [0x03, 0x82, _, _, 0x00]))
            .and_then(|_| spki.get(24..));
        match inner {
            Some(key) => Ok(Self(key.to_vec())),
            None => Err("publicKey: no RSA key of 2048 to 8192 bits".to_owned()),
        }
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let provider = rustls::crypto::ring::default_provider();
        let schemes = provider.signature_verification_algorithms.mapping;
        let rs512 = schemes.iter().filter(|(scheme, _)| *scheme == SignatureScheme::RSA_PKCS1_SHA512);
        rs512
            .flat_map(|(_, algorithms)| algorithms.iter())
            .any(|algorithm| algorithm.verify_signature(&self.0, message, signature).is_ok())
    }
}

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
    if !key.verify(signed.as_bytes(), &signature) {
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
