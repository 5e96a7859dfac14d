//! Section 2: the token flow, tokens, consumers; and the order of checks (section 11).

use http::Request;
use serde_json::{Value, json};

use super::{Bench, ROOT, THUMBPRINT, but, header, jwt, seconds};
use crate::sandbox::{
    Double,
    support::{read, request},
    tachyon::seed,
};

const OTHER: &str = include_str!("keys/other.pem");
const OTHER_CERTIFICATE: &str = include_str!("keys/other.crt");
const OTHER_THUMBPRINT: &str = include_str!("keys/other.thumbprint");

#[tokio::test(start_paused = true)]
async fn the_flow_goes_from_the_portal_to_the_metadata_and_back() {
    for (why, options, root) in [
        ("9.x and 23.x", json!({}), "/Tachyon/api"),
        ("from 24.1", json!({"portalRoot": "api", "version": "24.1"}), "/api"),
        ("text in quotes", json!({"textForm": "quoted"}), "/Tachyon/api"),
    ] {
        let bench = Bench::logged_out(options);
        let get = |path: &str| {
            let mut request = request("GET", path, &Value::Null);
            request.headers_mut().insert("host", "tachyon.example:8443".parse().unwrap());
            request
        };
        let (status, url) =
            read(bench.send(get(&format!("{root}/Authentication/metadataendpoint"))).await.unwrap()).await;
        let url = url.as_str().unwrap().trim().trim_matches('"').to_owned();
        assert_eq!(status, 200, "{why}");
        let path = url.strip_prefix("https://tachyon.example:8443").unwrap();
        let (_, metadata) = read(bench.send(get(path)).await.unwrap()).await;
        let claims = but(&bench.claims("1"), &json!({"aud": metadata["token_endpoint"]}));
        let assertion = jwt(&header(), &claims, &bench.double.credentials()["privateKey"]);
        let mut login = get(&format!("{root}/Authentication/RequestJwtAuthentication"));
        *login.method_mut() = http::Method::POST;
        *login.body_mut() = json!(assertion).to_string().into();
        login.headers_mut().insert("X-Tachyon-Consumer", seed::CONSUMER.parse().unwrap());
        let (status, token) = read(bench.send(login).await.unwrap()).await;
        assert_eq!(status, 200, "{why}: {token}");
        let (status, version) = read(bench.send(get(&format!("{root}/information"))).await.unwrap()).await;
        assert_eq!((status, version["Version"].is_string()), (200, true), "{why}");
        let other = if root == "/api" { "/Tachyon/api" } else { "/api" };
        let (status, _) = read(bench.send(get(&format!("{other}/information"))).await.unwrap()).await;
        assert_eq!(status, 404, "{why}: the other root is not there");
    }
}

#[tokio::test(start_paused = true)]
async fn an_assertion_is_fresh_signed_and_used_once() {
    let bench = Bench::new().await;
    let (own, now) = (bench.double.credentials()["privateKey"].clone(), bench.clock.now().as_second());
    let with = |jti: &str, change: Value| jwt(&header(), &but(&bench.claims(jti), &change), &own);
    let headed = |jti: &str, change: Value| jwt(&but(&header(), &change), &bench.claims(jti), &own);
    let good = with("good", json!({}));
    let cases = [
        ("as documented", good.clone(), 200),
        ("once more: jti was used", good.clone(), 401),
        ("a shorter life", with("a", json!({"exp": now + 60})), 200),
        ("a client that is a little ahead", with("b", json!({"iat": now + 59, "exp": now + 3600})), 200),
        ("iat far in the future", with("c", json!({"iat": now + 61, "exp": now + 3600})), 401),
        ("too long a life", with("d", json!({"exp": now + 3601})), 401),
        ("expired", with("e", json!({"iat": now - 10, "exp": now})), 401),
        ("another audience", with("f", json!({"aud": "http://localhost/idp"})), 401),
        ("iss is not sub", with("g", json!({"iss": "somebody"})), 401),
        ("unknown application", with("h", json!({"iss": "nobody", "sub": "nobody"})), 401),
        ("an empty jti", with("", json!({})), 401),
        ("no jti", with("i", json!({"jti": null})), 401),
        ("no aud", with("i", json!({"aud": null})), 401),
        ("no iat", with("i", json!({"iat": null})), 401),
        ("no exp", with("i", json!({"exp": null})), 401),
        ("no x5t", headed("i", json!({"x5t": null})), 401),
        ("no kid", headed("i", json!({"kid": null})), 401),
        ("x5t of another certificate", headed("i", json!({"x5t": OTHER_THUMBPRINT})), 401),
        ("kid of another certificate", headed("i", json!({"kid": OTHER_THUMBPRINT})), 401),
        ("another algorithm", headed("i", json!({"alg": "RS512"})), 401),
        ("alg none", headed("i", json!({"alg": "none"})), 401),
        ("another key", jwt(&header(), &bench.claims("i"), OTHER), 401),
        ("no signature", format!("{}.", good.rsplit_once('.').unwrap().0), 401),
        ("no JWT", "x".to_owned(), 401),
        ("a refused jti is not used up", with("i", json!({})), 200),
    ];
    let refused = cases.iter().filter(|(_, _, expected)| *expected == 401).count();
    for (why, assertion, expected) in cases {
        let (status, answer) = bench.authenticate(&assertion).await;
        assert_eq!(status, expected, "{why}: {answer}");
    }
    let path = format!("{ROOT}/RequestJwtAuthentication");
    let mut bare = bench.signed("POST", &path, &Value::Null);
    *bare.body_mut() = with("j", json!({})).into();
    assert_eq!(read(bench.send(bare).await.unwrap()).await.0, 400, "the body is a JSON string");
    let consumerless = request("POST", &path, &json!(with("k", json!({}))));
    let (status, answer) = read(bench.send(consumerless).await.unwrap()).await;
    assert_eq!((status, &answer[0]["ErrorCode"]), (401, &json!("Consumer.Missing")));
    assert_eq!(bench.state()["sessions"]["loginsRefused"], refused);
    let recorded = serde_json::to_string(&bench.service.recorder().since(0)).unwrap();
    assert!(!recorded.contains("eyJ") && !recorded.contains(&bench.token), "neither assertion nor token");
}

#[tokio::test(start_paused = true)]
async fn another_certificate_can_be_registered() {
    let bench = Bench::new().await;
    let registered = json!({
        "principal": seed::APPLICATION, "certificate": OTHER_CERTIFICATE, "thumbprint": OTHER_THUMBPRINT
    });
    bench.patch(json!({ "principals": [registered] }));
    let head = json!({"alg": "RS256", "x5t": OTHER_THUMBPRINT, "kid": OTHER_THUMBPRINT});
    let (status, _) = bench.authenticate(&jwt(&head, &bench.claims("new"), OTHER)).await;
    assert_eq!(status, 200, "rotated");
    let (status, _) = bench.authenticate(&bench.assertion("old")).await;
    assert_eq!(status, 401, "the old one is not registered any more");
    assert_ne!(THUMBPRINT, OTHER_THUMBPRINT);
    bench.patch(json!({"principals": [{"principal": seed::APPLICATION, "enabled": false}]}));
    bench.refused("GET", "/Policies", Value::Null, 401, "Authentication.InvalidToken").await;
}

#[tokio::test(start_paused = true)]
async fn a_token_ends_by_the_clock_or_by_logging_out() {
    let mut bench = Bench::with(json!({"tokenSecs": 600})).await;
    seconds(599).await;
    bench.get("/Policies").await;
    seconds(1).await;
    bench.refused("GET", "/Policies", Value::Null, 401, "Authentication.InvalidToken").await;
    bench.token = bench.log_in().await;
    let logout = |bench: &Bench| bench.signed("GET", &format!("{ROOT}/Logout"), &Value::Null);
    assert_eq!(read(bench.send(logout(&bench)).await.unwrap()).await.0, 200);
    bench.refused("GET", "/Policies", Value::Null, 401, "Authentication.InvalidToken").await;
    assert_eq!(read(bench.send(logout(&bench)).await.unwrap()).await.0, 401, "nobody is logged in");
}

#[tokio::test(start_paused = true)]
async fn a_token_tells_its_end_in_one_of_two_forms_or_not() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    for (form, segment, member) in [("expiration", 0, "Expiration"), ("jwt", 1, "exp")] {
        let bench = Bench::with(json!({"tokenForm": form})).await;
        let part = bench.token.split('.').nth(segment).unwrap().to_owned();
        let json: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        assert!(!json[member].is_null(), "{form}: {json}");
        bench.get("/Policies").await;
    }
    assert!(!Bench::new().await.token.contains('.'), "opaque");
}

#[tokio::test(start_paused = true)]
async fn a_ready_token_is_handed_out_in_place_of_keys() {
    let mut bench = Bench::logged_out(json!({"login": "readyToken"}));
    let credentials = bench.double.credentials();
    assert_eq!(credentials.keys().copied().collect::<Vec<_>>(), ["token"]);
    bench.token = credentials["token"].clone();
    bench.get("/Policies").await;
    assert_eq!(bench.double.credentials()["token"], bench.token, "the same while it lives");
    assert!(!bench.state().to_string().contains(&bench.token), "never shown");
    bench.fault(json!({"kind": "revokeSession"}));
    bench.refused("GET", "/Policies", Value::Null, 401, "Authentication.InvalidToken").await;
    bench.token = bench.double.credentials()["token"].clone();
    bench.get("/Policies").await;
}

#[tokio::test(start_paused = true)]
async fn a_token_counts_in_its_own_header_only() {
    for (bearer, expected) in [("ignored", 401), ("honoured", 200)] {
        let bench = Bench::with(json!({ "bearer": bearer })).await;
        let ask = |name: &'static str, value: String| {
            let mut request = request("GET", "/Consumer/Policies", &Value::Null);
            request.headers_mut().insert("X-Tachyon-Consumer", seed::CONSUMER.parse().unwrap());
            request.headers_mut().insert(name, value.parse().unwrap());
            request
        };
        let (status, _) =
            read(bench.send(ask("authorization", format!("Bearer {}", bench.token))).await.unwrap()).await;
        assert_eq!(status, expected, "{bearer}");
        let (status, answer) = read(bench.send(ask("X-API-Key", bench.token.clone())).await.unwrap()).await;
        assert_eq!((status, &answer[0]["ErrorCode"]), (401, &json!("Authentication.NoToken")), "{bearer}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_consumer_is_checked_before_the_caller() {
    let bench = Bench::new().await;
    let ask = |consumer: Option<&str>, token: Option<&str>, path: &str| -> Request<axum::body::Body> {
        let mut request = request("GET", path, &Value::Null);
        for (name, value) in [("X-Tachyon-Consumer", consumer), ("X-Tachyon-Authenticate", token)] {
            if let Some(value) = value {
                request.headers_mut().insert(name, value.parse().unwrap());
            }
        }
        request
    };
    let token = Some(bench.token.as_str());
    for (why, consumer, token, code) in [
        ("both", Some("Ordain"), token, None),
        ("case does not matter", Some("oRDAIN"), token, None),
        ("no consumer", None, token, Some("Consumer.Missing")),
        ("an unknown one", Some("Nobody"), token, Some("Consumer.NotRegistered")),
        ("a disabled one", Some("OldPortal"), token, Some("Consumer.Disabled")),
        ("one without a licence", Some("Trial"), token, Some("Consumer.NotLicensed")),
        ("neither: the consumer comes first", None, None, Some("Consumer.Missing")),
        ("no token", Some("Ordain"), None, Some("Authentication.NoToken")),
        ("another token", Some("Ordain"), Some("x"), Some("Authentication.InvalidToken")),
    ] {
        let (status, answer) =
            read(bench.send(ask(consumer, token, "/Consumer/Policies")).await.unwrap()).await;
        assert_eq!(status, if code.is_some() { 401 } else { 200 }, "{why}: {answer}");
        assert_eq!(answer[0]["ErrorCode"].as_str(), code, "{why}");
    }
    let (status, consumers) = read(bench.send(ask(None, token, "/Consumer/Consumers")).await.unwrap()).await;
    assert_eq!((status, consumers.as_array().unwrap().len()), (200, 4), "not checked here");
    bench.patch(json!({"consumers": [{"consumer": "ordain", "enabled": false}]}));
    bench.refused("GET", "/Policies", Value::Null, 401, "Consumer.Disabled").await;
}

#[tokio::test(start_paused = true)]
async fn paths_ignore_case_and_unknown_ones_are_not_found() {
    let bench = Bench::new().await;
    for (why, method, path, expected) in [
        ("as documented", "GET", "/Consumer/Policies", 200),
        ("as third parties write it", "GET", "/consumer/policies", 200),
        ("no such call", "GET", "/Consumer/Meteors", 404),
        ("no such place", "GET", "/Policies", 404),
        ("another method", "DELETE", "/Consumer/Policies", 405),
        ("no PUT for rules of a policy", "PUT", "/Consumer/Policies/1/Rules", 405),
        ("the deployment is not under its securable type", "POST", "/Consumer/PolicyDeployments", 404),
        ("no id", "GET", "/Consumer/Policies/x", 400),
    ] {
        let (status, answer) =
            read(bench.send(bench.signed(method, path, &Value::Null)).await.unwrap()).await;
        assert_eq!(status, expected, "{why}: {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_clock_refuses_logins() {
    for (offset, expected) in [(0, 200), (-61, 401), (3600, 401), (-60, 200)] {
        let bench = Bench::logged_out(json!({"clockOffsetSecs": offset}));
        assert_eq!(bench.authenticate(&bench.assertion("x")).await.0, expected, "{offset} s ahead");
    }
}
