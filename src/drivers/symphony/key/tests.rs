#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use base64::prelude::BASE64_STANDARD;
use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA512, UnparsedPublicKey};
use serde_json::Value;

use super::*;

const PKCS8: &str = include_str!("../../../sandbox/symphony/keys/sandbox.pem");
const PKCS1: &str = include_str!("../../../sandbox/symphony/keys/sandbox.pkcs1.pem");
const PUBLIC: &str = include_str!("../../../sandbox/symphony/keys/sandbox.pub.pem");

fn problem(pem: impl Into<Vec<u8>>) -> String {
    let error = Key::parse(&Secret::new(pem)).err().unwrap();
    assert_eq!((error.class, error.reason), (Class::Rejected, Reason::CredentialsInvalid));
    assert!(error.message.contains("privateKey") && error.message.contains("2048, 3072 or 4096"), "{error}");
    error.message
}

#[test]
fn a_key_that_cannot_be_used_is_named_by_what_it_is() {
    let body: String = PKCS8.lines().filter(|line| !line.starts_with("---")).collect();
    let der = BASE64_STANDARD.decode(&body).unwrap();
    let relabelled = PKCS8.replace("PRIVATE KEY", "RSA PRIVATE KEY");
    let cases: [(Vec<u8>, &str); 14] = [
        (der, "binary (DER?)"),
        (include_str!("encrypted.pem").into(), "encrypted with a passphrase"),
        (include_str!("encrypted.pkcs1.pem").into(), "encrypted with a passphrase"),
        (include_str!("weak.pem").into(), "less than 2048 bits"),
        (include_str!("weak.pkcs1.pem").into(), "less than 2048 bits"),
        (include_str!("sec1.pem").into(), "EC key"),
        (rcgen::KeyPair::generate().unwrap().serialize_pem().into(), "no RSA key"),
        (PUBLIC.into(), "public key, not the private one"),
        (relabelled.into(), "damaged"),
        (PKCS8.replacen('\n', "\n!!", 1).into(), "damaged"),
        (PKCS8.split("-----END").next().unwrap().into(), "damaged PEM"),
        (body.into(), "no PEM private key"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n".into(), "OpenSSH"),
        ("garbage".into(), "no PEM private key"),
    ];
    for (pem, says) in cases {
        let message = problem(pem.clone());
        assert!(message.contains(says), "{says}: {message}");
        let text = String::from_utf8_lossy(&pem);
        let leaked = text.lines().filter(|line| line.len() > 30 && !line.starts_with('-'));
        assert!(leaked.clone().all(|line| !message.contains(line)), "the key itself is never said");
    }
}

#[test]
fn both_forms_of_pem_are_one_key() {
    let mut with_more = String::from("# from the vault\r\n");
    with_more.push_str(&PKCS8.replace('\n', "\r\n"));
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    let claims = |pem: &str| {
        let key = Key::parse(&Secret::new(pem)).map_err(|e| e.message).unwrap();
        key.claims("dlp-operator", now).unwrap().expose_str().unwrap().to_owned()
    };
    // PKCS#1 signatures are deterministic.
    assert_eq!(claims(PKCS8), claims(PKCS1));
    assert_eq!(claims(PKCS8), claims(&with_more));
}

#[test]
fn claims_hold_a_user_and_four_minutes_and_nothing_else() {
    let key = Key::parse(&Secret::new(PKCS8)).map_err(|e| e.message).unwrap();
    let claims = key.claims("ä\"user", Timestamp::from_second(1_700_000_000).unwrap()).unwrap();
    let parts: Vec<&str> = claims.expose_str().unwrap().split('.').collect();
    let decoded = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap();
    let json = |part: &str| serde_json::from_slice::<Value>(&decoded(part)).unwrap();
    assert_eq!(parts.len(), 3);
    assert_eq!(json(parts[0]), json!({"alg": "RS512"}));
    assert_eq!(json(parts[1]), json!({"sub": "ä\"user", "exp": 1_700_000_240}));
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA512, key.0.public_key().as_ref());
    let signed = format!("{}.{}", parts[0], parts[1]);
    public.verify(signed.as_bytes(), &decoded(parts[2])).unwrap();
}
