#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use base64::prelude::BASE64_STANDARD;
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512, UnparsedPublicKey, VerificationAlgorithm,
};
use serde_json::json;

use super::*;

const PKCS8: &str = include_str!("../../sandbox/symphony/keys/sandbox.pem");
const PKCS1: &str = include_str!("../../sandbox/symphony/keys/sandbox.pkcs1.pem");
const PUBLIC: &str = include_str!("../../sandbox/symphony/keys/sandbox.pub.pem");

fn signer(pem: &str) -> Signer {
    Signer::parse(&Secret::new(pem)).map_err(|error| error.message).unwrap()
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
        let error = Signer::parse(&Secret::new(pem.clone())).err().unwrap();
        assert_eq!((error.class, error.reason), (Class::Rejected, Reason::CredentialsInvalid));
        let message = error.message;
        assert!(message.contains("privateKey") && message.contains("2048, 3072 or 4096"), "{message}");
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
    let token = |pem: &str| {
        let token = signer(pem).jwt(Algorithm::Rs512, &[], &json!({"sub": "a"})).unwrap();
        token.expose_str().unwrap().to_owned()
    };
    // PKCS#1 signatures are deterministic.
    assert_eq!(token(PKCS8), token(PKCS1));
    assert_eq!(token(PKCS8), token(&with_more));
}

#[test]
fn a_token_holds_what_is_given_and_its_algorithm_and_verifies() {
    let algorithms: [(Algorithm, &str, &'static dyn VerificationAlgorithm); 2] = [
        (Algorithm::Rs256, "RS256", &RSA_PKCS1_2048_8192_SHA256),
        (Algorithm::Rs512, "RS512", &RSA_PKCS1_2048_8192_SHA512),
    ];
    for (algorithm, word, verification) in algorithms {
        let signer = signer(PKCS8);
        let claims = json!({"sub": "ä\"user", "exp": 1_700_000_240});
        let token = signer.jwt(algorithm, &[("kid", "k")], &claims).unwrap();
        let parts: Vec<&str> = token.expose_str().unwrap().split('.').collect();
        let decoded = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap();
        let json = |part: &str| serde_json::from_slice::<Value>(&decoded(part)).unwrap();
        assert_eq!(parts.len(), 3);
        assert_eq!(json(parts[0]), json!({"alg": word, "kid": "k"}));
        assert_eq!(json(parts[1]), claims);
        let public = UnparsedPublicKey::new(verification, signer.public_key());
        let signed = format!("{}.{}", parts[0], parts[1]);
        public.verify(signed.as_bytes(), &decoded(parts[2])).unwrap();
    }
}
