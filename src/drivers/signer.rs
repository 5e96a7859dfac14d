//! RSA private keys of service accounts, read from PEM, and the JSON Web Tokens they sign (symphony, tachyon).

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    error::KeyRejected,
    rand::SystemRandom,
    signature::{KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaEncoding, RsaKeyPair},
};
use rustls::pki_types::{
    PrivateKeyDer,
    pem::{Error as PemError, PemObject as _},
};
use serde_json::{Map, Value};
use zeroize::Zeroize as _;

use crate::{
    api::Reason,
    drivers::error::{Class, DriverError},
    model::Secret,
};

const ALLOWED: &str = "allowed is an RSA key of 2048, 3072 or 4096 bits as unencrypted PEM, PKCS#8 (BEGIN PRIVATE KEY) or PKCS#1 \
     (BEGIN RSA PRIVATE KEY)";

/// How a token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
}

impl Algorithm {
    const fn word(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs512 => "RS512",
        }
    }

    fn encoding(self) -> &'static dyn RsaEncoding {
        match self {
            Self::Rs256 => &RSA_PKCS1_SHA256,
            Self::Rs512 => &RSA_PKCS1_SHA512,
        }
    }
}

/// An RSA key that signs logins. Without `Debug`: it is a secret.
pub struct Signer(RsaKeyPair);

impl Signer {
    /// Reads the PEM text in `privateKey`.
    ///
    /// # Errors
    /// `CredentialsInvalid`, saying what it is instead and what is allowed.
    pub fn parse(pem: &Secret) -> Result<Self, DriverError> {
        parse(pem).map_err(|problem| {
            let message = format!("key privateKey of the Secret in credentialsRef {problem}; {ALLOWED}");
            DriverError::new(Class::Rejected, Reason::CredentialsInvalid, message)
        })
    }

    /// The public key that belongs to it, as a certificate for it holds it (DER of RFC 8017 `RSAPublicKey`).
    pub fn public_key(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    /// The signed token: a header of `alg` and what is given, and the claims.
    ///
    /// # Errors
    /// `InternalError`, if signing fails.
    pub fn jwt(
        &self,
        algorithm: Algorithm,
        header: &[(&str, &str)],
        claims: &Value,
    ) -> Result<Secret, DriverError> {
        let alg = [("alg", algorithm.word())];
        let header: Map<String, Value> =
            alg.iter().chain(header).map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        let part = |json: String| BASE64_URL_SAFE_NO_PAD.encode(json);
        let mut token = format!("{}.{}", part(Value::Object(header).to_string()), part(claims.to_string()));
        let mut signature = vec![0; self.0.public().modulus_len()];
        let signed =
            self.0.sign(algorithm.encoding(), &SystemRandom::new(), token.as_bytes(), &mut signature);
        signed.map_err(|_| {
            let message = "the login could not be signed with the private key";
            DriverError::new(Class::Transient, Reason::InternalError, message)
        })?;
        token.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(Secret::new(token))
    }
}

fn parse(pem: &Secret) -> Result<Signer, &'static str> {
    let text = pem.expose_str().ok_or("is binary (DER?), no PEM text")?;
    if text.contains("ENCRYPTED") {
        return Err("is encrypted with a passphrase, which nobody can enter here; store it decrypted");
    }
    let mut der = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|error| not_pem(text, &error))?;
    let pair = match &der {
        PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).map_err(|e| rejected(&e)),
        PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()).map_err(|e| rejected(&e)),
        _ => Err("is an EC key, no RSA key"),
    };
    der.zeroize();
    pair.map(Signer)
}

/// Names what stands there instead, never its content.
fn not_pem(text: &str, error: &PemError) -> &'static str {
    let begins = |label: &str| text.contains(&format!("-----BEGIN {label}"));
    match error {
        PemError::NoItemsFound if begins("OPENSSH PRIVATE KEY") => "is in the format of OpenSSH",
        PemError::NoItemsFound if begins("PUBLIC KEY") || begins("RSA PUBLIC KEY") => {
            "holds the public key, not the private one"
        }
        PemError::NoItemsFound if begins("CERTIFICATE") => "holds a certificate and no private key",
        PemError::NoItemsFound => "holds no PEM private key",
        _ => "is damaged PEM",
    }
}

/// ring tells its reasons apart by words only.
fn rejected(error: &KeyRejected) -> &'static str {
    match error.to_string().as_str() {
        "TooSmall" => "is an RSA key of less than 2048 bits",
        "TooLarge" => "is an RSA key of more than 4096 bits",
        "PrivateModulusLenNotMultipleOf512Bits" => "is an RSA key of an unusual length",
        "WrongAlgorithm" => "is no RSA key",
        _ => "is no RSA private key, or a damaged one",
    }
}

#[cfg(test)]
mod tests;
