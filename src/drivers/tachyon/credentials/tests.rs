#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing)]

use serde_json::Value;

use super::*;

const KEY: &str = include_str!("../../../sandbox/tachyon/keys/sandbox.pem");
const CERTIFICATE: &str = include_str!("../../../sandbox/tachyon/keys/sandbox.crt");
const THUMBPRINT: &str = include_str!("../../../sandbox/tachyon/keys/sandbox.thumbprint");
const OTHER: &str = include_str!("../../../sandbox/tachyon/tests/keys/other.pem");
const WEAK: &str = include_str!("../../signer/weak.pem");
const ENCRYPTED: &str = include_str!("../../signer/encrypted.pem");

fn login(keys: &[(&str, &[u8])]) -> Result<Login, DriverError> {
    Login::new(&keys.iter().map(|(key, value)| ((*key).to_owned(), Secret::new(*value))).collect())
}

fn application<'a>(certificate: &'a [u8], key: &'a [u8]) -> [(&'static str, &'a [u8]); 3] {
    [("applicationId", b"app" as &[u8]), ("certificate", certificate), ("privateKey", key)]
}

#[test]
fn what_is_wrong_with_a_key_is_said_and_never_its_content() {
    let (key, certificate) = (KEY.as_bytes(), CERTIFICATE.as_bytes());
    let missing = |skip: usize| -> Vec<(&str, &[u8])> {
        let all = application(certificate, key).into_iter().enumerate();
        all.filter(|(at, _)| *at != skip).map(|(_, one)| one).collect()
    };
    let cases: Vec<(Vec<(&str, &[u8])>, &[&str])> = vec![
        (vec![], &["applicationId, certificate and privateKey", "token"]),
        (vec![("token", b"")], &["or they are empty"]),
        (vec![("token", b"  ")], &["key token", "blank"]),
        (vec![("token", b"two\nlines")], &["key token", "no header"]),
        (vec![("token", b"\xff\xfe")], &["key token", "UTF-8"]),
        (missing(0), &["applicationId", "missing"]),
        (missing(1), &["certificate", "missing"]),
        (missing(2), &["privateKey", "missing"]),
        (vec![("token", b"t"), ("applicationId", b"a")], &["certificate", "missing"]),
        (application(key, key).into(), &["key certificate", "no PEM certificate", "BEGIN CERTIFICATE"]),
        (application(&[0x30, 0x82, 0xff], key).into(), &["key certificate", "DER"]),
        (application(certificate, certificate).into(), &["privateKey", "a certificate and no private key"]),
        (
            application(certificate, OTHER.as_bytes()).into(),
            &["privateKey", "does not belong to the certificate"],
        ),
        (application(certificate, WEAK.as_bytes()).into(), &["privateKey", "less than 2048 bits"]),
        (application(certificate, ENCRYPTED.as_bytes()).into(), &["privateKey", "passphrase"]),
        (application(certificate, &[0x30, 0x82, 0xff]).into(), &["privateKey", "DER"]),
    ];
    for (keys, says) in cases {
        let error = login(&keys).err().unwrap();
        assert_eq!((error.class, error.reason), (Class::Rejected, Reason::CredentialsInvalid), "{error}");
        assert!(says.iter().all(|says| error.message.contains(says)), "{says:?}: {error}");
        assert!(!error.message.contains("MII"), "{error}");
    }
}

#[test]
fn an_application_comes_before_a_token_and_a_token_may_end_in_a_line() {
    let (key, certificate) = (KEY.as_bytes(), CERTIFICATE.as_bytes());
    let mut keys = application(certificate, key).to_vec();
    keys.push(("token", b"t"));
    assert!(matches!(login(&keys), Ok(Login::Application(_))));
    let Ok(Login::Ready(token)) = login(&[("token", b" t0ken\n")]) else { panic!("a token") };
    assert_eq!(token.expose_str(), Some("t0ken"));
}

#[test]
fn an_assertion_is_what_the_sheet_says_and_never_the_same_twice() {
    let Ok(Login::Application(app)) = login(&application(CERTIFICATE.as_bytes(), KEY.as_bytes())) else {
        panic!("an application")
    };
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    let decoded = || {
        let assertion = app.assertion("https://idp.example/token", now).unwrap();
        let parts: Vec<Value> = assertion
            .expose_str()
            .unwrap()
            .split('.')
            .take(2)
            .map(|part| serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap())
            .collect();
        parts
    };
    let (first, second) = (decoded(), decoded());
    let thumbprint = THUMBPRINT.trim();
    assert_eq!(first[0], json!({"alg": "RS256", "typ": "JWT", "x5t": thumbprint, "kid": thumbprint}));
    let mut claims = first[1].clone();
    let id = claims.as_object_mut().unwrap().remove("jti").unwrap();
    assert_eq!(
        claims,
        json!({"aud": "https://idp.example/token", "iss": "app", "sub": "app", "iat": 1_700_000_000, "exp": 1_700_003_600})
    );
    assert_ne!(id, second[1]["jti"]);
}

#[test]
fn credentials_that_tell_when_they_end_are_believed_and_others_tell_nothing() {
    let segment = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    let jwt = format!("{}.{}.c2ln", segment(r#"{"alg":"RS256"}"#), segment(r#"{"exp":1900000000}"#));
    let ends = "2126-11-05T09:38:05Z";
    let cases: [(&[(&str, &[u8])], Option<&str>, &str); 6] = [
        (&application(CERTIFICATE.as_bytes(), KEY.as_bytes()), Some(ends), "a certificate"),
        (&[("token", jwt.as_bytes())], Some("2030-03-17T17:46:40Z"), "a token with an end"),
        (&[("token", b"opaque")], None, "a token without one"),
        (&application(KEY.as_bytes(), KEY.as_bytes()), None, "no certificate at all"),
        (
            &[("certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")],
            None,
            "a damaged one",
        ),
        (&[], None, "nothing"),
    ];
    for (keys, end, why) in cases {
        let keys = keys.iter().map(|(key, value)| ((*key).to_owned(), Secret::new(*value))).collect();
        assert_eq!(expiry(&keys).map(|end| end.to_string()).as_deref(), end, "{why}");
    }
}
