#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use base64::{Engine, prelude::BASE64_STANDARD};
use tokio::time::Instant;

use super::*;

fn empty_page(_: &Seen) -> Reply {
    Reply::json(200, &json!({"count": 0, "policies": []}))
}

async fn observe(driver: &Arc<dyn Driver>) -> Result<Observation, DriverError> {
    driver.observe(&Scope::default()).await
}

#[tokio::test(start_paused = true)]
async fn dialect_b_registers_a_client_and_logs_in_once() {
    let server = Server::new("DeviceMgtV1", empty_page);
    assert!(observe(&server.driver).await.unwrap().complete);
    observe(&server.driver).await.unwrap();
    let seen = server.transport.seen();
    let lines: Vec<_> = seen.iter().map(|s| s.line.as_str()).collect();
    let list = "GET /api/device-mgt/v1.0/policies?offset=0&limit=100";
    assert_eq!(lines, ["POST /api-application-registration/register", "POST /token", list, list]);
    let user = format!("Basic {}", BASE64_STANDARD.encode(format!("admin:{PASSWORD}")));
    assert_eq!(seen[0].headers["authorization"], user.as_str());
    let owner = OwnerId::new("o");
    let name = format!("ordain_{}", owner.as_str());
    assert_eq!(seen[0].json(), json!({"applicationName": name, "tags": ["device_management"]}));
    let client = format!("Basic {}", BASE64_STANDARD.encode("cid:client-secret-canary"));
    assert_eq!(seen[1].headers["authorization"], client.as_str());
    assert!(
        seen[1].body.starts_with(&format!("grant_type=password&username=admin&password={PASSWORD}&scope="))
    );
    for scope in ["perm%3Apolicies%3Amanage", "perm%3Apolicies%3Apriorities", "perm%3Apolicies%3Aget-details"]
    {
        assert!(seen[1].body.contains(scope), "{scope} must be asked for");
    }
    assert_eq!(seen[2].headers["authorization"], "Bearer access-token-0001");
    assert_eq!(seen[2].headers["accept"], "application/json");
}

#[tokio::test(start_paused = true)]
async fn dialect_a_has_other_endpoints() {
    let server = Server::new("MdmAdmin", |seen| {
        let list =
            if seen.line.ends_with("types") { json!([{"id": 1, "name": "android"}]) } else { json!([]) };
        Reply::json(200, &wrapped(200, Some(list)))
    });
    assert!(observe(&server.driver).await.unwrap().complete);
    let seen = server.transport.seen();
    assert_eq!(seen[0].line, "POST /dynamic-client-web/register");
    assert_eq!((&seen[0].json()["owner"], &seen[0].json()["saasApp"]), (&json!("admin"), &json!(true)));
    assert_eq!(seen[1].line, "POST /oauth2/token");
    assert_eq!(server.calls(), ["GET /mdm-admin/devices/types", "GET /mdm-admin/policies"]);
}

#[tokio::test(start_paused = true)]
async fn a_given_client_and_given_urls_are_used() {
    let transport =
        Scripted::new(|seen| if seen.line.ends_with("/oauth") { token(1) } else { empty_page(seen) });
    let system = system("DeviceMgtV1", json!({"tokenUrl": "https://gateway.example:8243/my/oauth"}));
    let mut credentials = credentials();
    credentials.insert("clientId".into(), Secret::new("mine"));
    credentials.insert("clientSecret".into(), Secret::new("my-secret"));
    let (owner, clock) = (OwnerId::new("o"), Arc::new(SystemClock::new()));
    let shared = Arc::clone(&transport) as SharedTransport;
    let driver = connect(&system, &credentials, &owner, shared, limits(), clock).unwrap();
    observe(&driver).await.unwrap();
    let seen = transport.seen();
    assert_eq!(
        (seen[0].origin.as_str(), seen[0].line.as_str()),
        ("https://gateway.example:8243", "POST /my/oauth")
    );
    let client = format!("Basic {}", BASE64_STANDARD.encode("mine:my-secret"));
    assert_eq!(seen[0].headers["authorization"], client.as_str());
    assert_eq!(seen[1].origin, "https://emm.example:9443");
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_second_waits_for_the_first_login() {
    let transport = Scripted::new(|seen| {
        let reply = match seen.line.as_str() {
            line if line.ends_with("register") => {
                Reply::json(201, &json!({"client_id": "a", "client_secret": "b"}))
            }
            line if line.ends_with("token") => token(1),
            _ => empty_page(seen),
        };
        Reply::Late(Duration::from_secs(1), Box::new(reply))
    });
    let driver = driver_for(Arc::clone(&transport) as SharedTransport, "DeviceMgtV1");
    let all = futures::future::join_all((0..5).map(|_| observe(&driver))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(transport.lines().iter().filter(|line| line.starts_with("POST")).count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_renewed_once_by_the_refresh_token() {
    let fault = r#"{"fault":{"code":900901,"message":"Invalid Credentials"}}"#;
    for refusal in
        [fault, "<ams:fault xmlns:ams=\"x\"><ams:code>900903</ams:code></ams:fault>", "Invalid token", ""]
    {
        let server =
            Server::new("DeviceMgtV1", move |seen| match seen.headers["authorization"].to_str().unwrap() {
                "Bearer access-token-0001" => Reply::text(401, refusal),
                _ => empty_page(seen),
            });
        observe(&server.driver).await.unwrap();
        assert_eq!(server.logins(), 3, "register, password, refresh");
        let refresh = &server.transport.seen()[3];
        assert_eq!(refresh.body, "grant_type=refresh_token&refresh_token=refresh-token-0001");
    }
}

#[tokio::test(start_paused = true)]
async fn several_refused_calls_renew_the_token_once() {
    let server = Server::new("DeviceMgtV1", |seen| match seen.headers["authorization"].to_str().unwrap() {
        "Bearer access-token-0001" => {
            Reply::Late(Duration::from_secs(1), Box::new(Reply::text(401, "expired")))
        }
        _ => empty_page(seen),
    });
    let all = futures::future::join_all((0..4).map(|_| observe(&server.driver))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(server.logins(), 3, "register, password, refresh");
}

#[tokio::test(start_paused = true)]
async fn a_refused_refresh_token_falls_back_to_the_password() {
    let count = Count::default();
    let transport = Scripted::new(move |seen| match seen.line.as_str() {
        line if line.ends_with("register") => {
            Reply::json(201, &json!({"client_id": "a", "client_secret": "b"}))
        }
        line if line.ends_with("token") && seen.body.contains("refresh_token") => {
            Reply::json(400, &json!({"error": "invalid_grant"}))
        }
        line if line.ends_with("token") => token(u32::try_from(count.next()).unwrap()),
        _ if seen.headers["authorization"] == "Bearer access-token-0001" => Reply::text(401, "expired"),
        _ => empty_page(seen),
    });
    let driver = driver_for(Arc::clone(&transport) as SharedTransport, "DeviceMgtV1");
    // Register, password, refresh: the budget of a minute is spent before the password can be tried again.
    let error = observe(&driver).await.unwrap_err();
    let Class::Throttled { after: Some(after) } = error.class else { panic!("{error:?}") };
    tokio::time::sleep(after).await;
    observe(&driver).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_system_that_refuses_every_token_is_not_flooded() {
    let server = Server::new("DeviceMgtV1", |_| Reply::text(401, "no"));
    let started = Instant::now();
    let first = observe(&server.driver).await.unwrap_err();
    assert_eq!((first.class, first.reason), (Class::Unauthorized, Reason::Unauthorized));
    for _ in 0..20 {
        let error = observe(&server.driver).await.unwrap_err();
        assert!(matches!(error.class, Class::Throttled { .. } | Class::Unauthorized), "{error:?}");
    }
    assert!(started.elapsed() < Duration::from_secs(60));
    assert_eq!(server.logins(), 3, "at most three a minute");
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_is_told_from_a_bad_token() {
    let cases = [
        ("MdmAdmin", 401, "Scope validation failed", "the product's own words"),
        ("DeviceMgtV1", 403, r#"{"fault":{"code":900908,"message":"Resource forbidden"}}"#, "forbidden"),
        ("DeviceMgtV1", 401, r#"{"fault":{"code":900910,"message":"scope"}}"#, "scope"),
        ("Entgra", 403, "", "a bare 403"),
    ];
    for (api, status, body, why) in cases {
        let server = Server::new(api, move |_| Reply::text(status, body));
        let error = server.driver.execute(&Step::Deploy).await.unwrap_err();
        assert_eq!((error.class, error.reason), (Class::Rejected, Reason::Forbidden), "{why}");
        assert_eq!(server.logins(), 2, "{why}: a new token would not help");
    }
}

#[tokio::test(start_paused = true)]
async fn the_gateway_throttling_is_no_refusal() {
    let server =
        Server::new("DeviceMgtV1", |_| Reply::text(403, r#"{"fault":{"code":900802,"message":"slow"}}"#));
    let error = server.driver.execute(&Step::Deploy).await.unwrap_err();
    assert_eq!(error.class, Class::Throttled { after: None });
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_before_it_expires() {
    let server = Server::new("DeviceMgtV1", empty_page);
    observe(&server.driver).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3500)).await;
    observe(&server.driver).await.unwrap();
    assert_eq!(server.logins(), 2, "still good");
    tokio::time::sleep(Duration::from_secs(50)).await;
    observe(&server.driver).await.unwrap();
    assert_eq!(server.logins(), 3, "less than a minute left");
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_are_said_without_being_shown() {
    let echo = format!("{{\"error\":\"invalid_grant\",\"error_description\":\"bad password {PASSWORD}\"}}");
    for (register, status) in [(true, 401), (false, 400), (false, 401)] {
        let echo = echo.clone();
        let transport = Scripted::new(move |seen| match seen.line.ends_with("register") {
            true if register => Reply::text(status, &echo),
            true => Reply::json(201, &json!({"client_id": "a", "client_secret": "b"})),
            false => Reply::text(status, &echo),
        });
        let driver = driver_for(transport, "DeviceMgtV1");
        let error = observe(&driver).await.unwrap_err();
        assert_eq!((error.class, error.reason), (Class::Unauthorized, Reason::Unauthorized));
        assert!(error.message.contains("bad password"), "{error}");
        assert!(!error.message.contains(&PASSWORD[..8]), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_that_is_served_elsewhere_is_hinted_at() {
    let transport = Scripted::new(|_| Reply::text(404, "not here"));
    let driver = driver_for(transport, "DeviceMgtV1");
    let error = observe(&driver).await.unwrap_err();
    assert_eq!(error.class, Class::Rejected);
    assert!(error.message.contains("registrationUrl"), "{error}");
    let error = driver.catalogue().await.unwrap_err();
    assert_eq!(error.reason, Reason::VersionUnsupported, "a login that fails is no list that is denied");
}

#[tokio::test(start_paused = true)]
async fn garbage_from_the_login_is_no_login() {
    for body in ["<html>Login</html>", "", "{}", "[]", r#"{"access_token": ""}"#, r#"{"access_token": 7}"#] {
        let transport = Scripted::new(move |seen| match seen.line.ends_with("register") {
            true => Reply::json(201, &json!({"client_id": "a", "client_secret": "b"})),
            false => Reply::text(200, body),
        });
        let error = observe(&driver_for(transport, "DeviceMgtV1")).await.unwrap_err();
        assert_eq!((error.class, error.reason), (Class::Transient, Reason::UnexpectedAnswer), "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_password_is_shown_once_in_each_try() {
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("admin:{PASSWORD}")));
    for (api, judges) in
        [("MdmAdmin", false), ("DeviceMgtV1", false), ("DeviceMgtV1", true), ("Entgra", true)]
    {
        let transport = Scripted::new(move |seen| match seen.line.ends_with("register") {
            true if judges => Reply::text(401, "no"),
            true => Reply::json(201, &json!({"client_id": "a", "client_secret": "b"})),
            false => Reply::json(400, &json!({"error": "invalid_grant"})),
        });
        let driver = driver_for(Arc::clone(&transport) as SharedTransport, api);
        for tries in 1..=4 {
            let error = observe(&driver).await.unwrap_err();
            assert_eq!(error.class, Class::Unauthorized, "{api}: {error}");
            let in_header = |seen: &Seen| seen.headers.get("authorization").is_some_and(|v| *v == *basic);
            let seen = transport.seen();
            let registered = seen.iter().filter(|seen| seen.line.ends_with("register")).count();
            assert_eq!(registered, tries, "{api}: a client that was refused is made anew");
            let judged = seen.iter().filter(|seen| judges || !seen.line.ends_with("register"));
            let shown = judged.filter(|seen| seen.body.contains(PASSWORD) || in_header(seen)).count();
            assert_eq!(shown, tries, "{api}, registration judges: {judges}");
            tokio::time::sleep(Duration::from_secs(61)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_registration_that_was_deleted_is_made_anew() {
    let clients = Count::default();
    let known = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let (registered, deleted) = (Arc::clone(&known), Arc::clone(&known));
    let transport = Scripted::new(move |seen| {
        let number = registered.load(std::sync::atomic::Ordering::SeqCst);
        let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{number}:secret")));
        match seen.line.as_str() {
            line if line.ends_with("register") => {
                let number = clients.next();
                registered.store(number, std::sync::atomic::Ordering::SeqCst);
                Reply::json(201, &json!({"client_id": number.to_string(), "client_secret": "secret"}))
            }
            line if line.ends_with("token") && seen.headers["authorization"] == basic.as_str() => token(1),
            line if line.ends_with("token") => Reply::json(401, &json!({"error": "invalid_client"})),
            _ => empty_page(seen),
        }
    });
    let driver = driver_for(Arc::clone(&transport) as SharedTransport, "DeviceMgtV1");
    observe(&driver).await.unwrap();
    deleted.store(0, std::sync::atomic::Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(3600)).await;
    observe(&driver).await.unwrap();
    let logins: Vec<_> = transport.lines().into_iter().filter(|line| line.starts_with("POST")).collect();
    let (register, token) = ("POST /api-application-registration/register", "POST /token");
    assert_eq!(logins, [register, token, token, register, token], "refused a refresh, then registered anew");
}

/// Registers once, and answers as told from then on; tokens are without a refresh token, and the first one is refused
/// once `revoked`.
fn registering_once(
    again: u16,
    revoked: &Arc<std::sync::atomic::AtomicBool>,
) -> (Arc<Scripted>, Arc<dyn Driver>) {
    let (registered, tokens, revoked) = (Count::default(), Count::default(), Arc::clone(revoked));
    let transport = Scripted::new(move |seen| match seen.line.as_str() {
        line if line.ends_with("register") => match registered.next() {
            1 => Reply::json(201, &json!({"client_id": "a", "client_secret": "b"})),
            _ => Reply::text(again, "not now"),
        },
        line if line.ends_with("token") => {
            let access = format!("access-token-{:04}", tokens.next());
            Reply::json(200, &json!({"access_token": access, "expires_in": 3600}))
        }
        _ if seen.headers["authorization"] == "Bearer access-token-0001"
            && revoked.load(std::sync::atomic::Ordering::SeqCst) =>
        {
            Reply::text(401, "expired")
        }
        _ => empty_page(seen),
    });
    let driver = driver_for(Arc::clone(&transport) as SharedTransport, "DeviceMgtV1");
    (transport, driver)
}

#[tokio::test(start_paused = true)]
async fn a_registration_that_fails_later_leaves_the_client_there_was() {
    let (register, token) = ("POST /api-application-registration/register", "POST /token");
    for (again, wait, why) in [
        (400, 120, "what is registered already is told in many ways"),
        (403, 120, "it may not register any more"),
        (409, 120, "it is registered already"),
        (503, 120, "registrations are down"),
        (201, 5, "the budget of a minute has one call left, and that is for the token"),
    ] {
        let revoked = Arc::default();
        let (transport, driver) = registering_once(again, &revoked);
        observe(&driver).await.unwrap();
        revoked.store(true, std::sync::atomic::Ordering::SeqCst);
        tokio::time::sleep(Duration::from_secs(wait)).await;
        observe(&driver).await.unwrap();
        let logins: Vec<_> = transport.lines().into_iter().filter(|line| line.starts_with("POST")).collect();
        let tried: &[&str] = if wait > 60 { &[register] } else { &[] };
        assert_eq!(logins, [&[register, token], tried, &[token]].concat(), "{why}");
    }
}

/// What a moment's failure of the system's users takes for a refused password costs one try, not the client.
#[tokio::test(start_paused = true)]
async fn a_registration_that_is_refused_the_password_is_followed_by_the_client_there_was() {
    let revoked = Arc::default();
    let (transport, driver) = registering_once(401, &revoked);
    observe(&driver).await.unwrap();
    revoked.store(true, std::sync::atomic::Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(observe(&driver).await.unwrap_err().class, Class::Unauthorized, "shown once in a try");
    tokio::time::sleep(Duration::from_secs(120)).await;
    observe(&driver).await.unwrap();
    let logins: Vec<_> = transport.lines().into_iter().filter(|line| line.starts_with("POST")).collect();
    let (register, token) = ("POST /api-application-registration/register", "POST /token");
    assert_eq!(logins, [register, token, register, token]);
}
