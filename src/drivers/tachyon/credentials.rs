//! What logs in: a token made elsewhere, or a certificate whose key signs assertions (vendor sheet section 2).

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::HeaderValue;
use jiff::Timestamp;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use serde_json::json;
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _};

use super::life;
use crate::{
    api::Reason,
    drivers::{
        connect::{optional_key, required_key},
        error::{Class, DriverError},
        signer::{Algorithm, Signer},
    },
    model::Secret,
};

/// As the vendor's clients ask for it.
const LIFE: i64 = 3600;
const KEYS: [&str; 3] = ["applicationId", "certificate", "privateKey"];

/// Who we are.
pub enum Login {
    /// `token`: used as it is, nobody can renew it here.
    Ready(Secret),
    /// `applicationId`, `certificate`, `privateKey`.
    Application(Box<Application>),
}

/// An application that is registered at the system with its certificate.
pub struct Application {
    id: String,
    /// base64url of the SHA-1 of the certificate, by which the system knows the key.
    thumbprint: String,
    signer: Signer,
}

impl Login {
    /// Reads the Secret: the three keys of an application, or `token`.
    ///
    /// # Errors
    /// `CredentialsInvalid`, naming the key, what is wrong with it and what is allowed.
    pub fn new(credentials: &BTreeMap<String, Secret>) -> Result<Self, DriverError> {
        if KEYS.iter().any(|key| optional_key(credentials, key).is_some()) {
            return Application::new(credentials).map(|application| Self::Application(Box::new(application)));
        }
        let Some(token) = optional_key(credentials, "token") else {
            let message = "the Secret in credentialsRef has neither the keys applicationId, certificate and privateKey \
                           nor the key token, or they are empty";
            return Err(invalid(message.to_owned()));
        };
        let text = text(token, "token")?.trim();
        if text.is_empty() || HeaderValue::from_str(text).is_err() {
            let message = "key token of the Secret in credentialsRef is blank or holds characters that no header can hold; \
                           allowed is the token on one line";
            return Err(invalid(message.to_owned()));
        }
        Ok(Self::Ready(Secret::new(text)))
    }
}

impl Application {
    fn new(credentials: &BTreeMap<String, Secret>) -> Result<Self, DriverError> {
        let id = text(required_key(credentials, "applicationId")?, "applicationId")?.trim().to_owned();
        let certificate = required_key(credentials, "certificate")?;
        let signer = Signer::parse(required_key(credentials, "privateKey")?)?;
        let der = certificate_der(certificate)?;
        // A certificate for this key holds it byte by byte.
        let key = signer.public_key();
        if !der.windows(key.len()).any(|window| window == key) {
            let message = "key privateKey of the Secret in credentialsRef does not belong to the certificate in key certificate; \
                           store the two that were made together";
            return Err(invalid(message.to_owned()));
        }
        let thumbprint = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &der));
        Ok(Self { id, thumbprint, signer })
    }

    /// A signed assertion for one login, with an id of its own.
    ///
    /// # Errors
    /// As for [`Signer::jwt`].
    pub fn assertion(&self, audience: &str, now: Timestamp) -> Result<Secret, DriverError> {
        let issued = now.as_second();
        let header = [("typ", "JWT"), ("x5t", &self.thumbprint), ("kid", &self.thumbprint)];
        let claims = json!({
            "aud": audience, "iss": self.id, "sub": self.id, "jti": uuid::Uuid::new_v4().to_string(),
            "iat": issued, "exp": issued.saturating_add(LIFE),
        });
        self.signer.jwt(Algorithm::Rs256, &header, &claims)
    }
}

/// When the certificate, or the token where there is none, ends; `None` where it does not tell or cannot be read.
pub fn expiry(credentials: &BTreeMap<String, Secret>) -> Option<Timestamp> {
    let Some(certificate) = optional_key(credentials, "certificate") else {
        return life::end(optional_key(credentials, "token")?.expose_str()?.trim());
    };
    let der = certificate_der(certificate).ok()?;
    let (_, certificate) = X509Certificate::from_der(&der).ok()?;
    Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
}

fn certificate_der(pem: &Secret) -> Result<CertificateDer<'static>, DriverError> {
    let allowed = "allowed is the certificate of the application as PEM (BEGIN CERTIFICATE)";
    let wrong = |problem: &str| {
        invalid(format!("key certificate of the Secret in credentialsRef {problem}; {allowed}"))
    };
    let text = pem.expose_str().ok_or_else(|| wrong("is binary (DER?), no PEM text"))?;
    CertificateDer::from_pem_slice(text.as_bytes())
        .map_err(|_| wrong("holds no PEM certificate, or a damaged one"))
}

fn text<'a>(secret: &'a Secret, key: &str) -> Result<&'a str, DriverError> {
    secret
        .expose_str()
        .ok_or_else(|| invalid(format!("key {key} of the Secret in credentialsRef is not UTF-8 text")))
}

fn invalid(message: String) -> DriverError {
    DriverError::new(Class::Rejected, Reason::CredentialsInvalid, message)
}

#[cfg(test)]
mod tests;
