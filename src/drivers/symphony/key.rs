//! The key of the service account, and the claims it logs in with (vendor sheet section 3.1).

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::{
    drivers::{
        error::DriverError,
        signer::{Algorithm, Signer},
    },
    model::Secret,
};

/// How long a login may be used: the system allows five minutes, the vendor's client leaves room for a clock that is off.
const LIFE: SignedDuration = SignedDuration::from_secs(240);

/// An RSA key that signs logins.
pub struct Key(Signer);

impl Key {
    /// Reads the PEM text in `privateKey`.
    ///
    /// # Errors
    /// As for [`Signer::parse`].
    pub fn parse(pem: &Secret) -> Result<Self, DriverError> {
        Signer::parse(pem).map(Self)
    }

    /// The JWT that logs `user` in at `now`: `alg` RS512, `sub` and `exp`, nothing else.
    ///
    /// # Errors
    /// `InternalError`, if signing fails.
    pub fn claims(&self, user: &str, now: Timestamp) -> Result<Secret, DriverError> {
        let until = now.saturating_add(LIFE).unwrap_or(Timestamp::MAX).as_second();
        self.0.jwt(Algorithm::Rs512, &[], &json!({"sub": user, "exp": until}))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
    use serde_json::Value;

    use super::*;

    const PKCS8: &str = include_str!("../../sandbox/symphony/keys/sandbox.pem");

    #[test]
    fn claims_hold_a_user_and_four_minutes_and_nothing_else() {
        let key = Key::parse(&Secret::new(PKCS8)).map_err(|e| e.message).unwrap();
        let claims = key.claims("ä\"user", Timestamp::from_second(1_700_000_000).unwrap()).unwrap();
        let parts: Vec<&str> = claims.expose_str().unwrap().split('.').collect();
        let json = |part: &str| -> Value {
            serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
        };
        assert_eq!(parts.len(), 3);
        assert_eq!(json(parts[0]), json!({"alg": "RS512"}));
        assert_eq!(json(parts[1]), json!({"sub": "ä\"user", "exp": 1_700_000_240}));
    }
}
