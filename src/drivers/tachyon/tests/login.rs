use super::*;

const TOKEN: &str = "token-canary-0815-abcdef";

/// A portal at `root` with its identity provider elsewhere.
fn portal(seen: &Seen, root: &str) -> Option<Reply> {
    let place = format!("{} {}", seen.line, seen.origin);
    let host = "https://tachyon.example";
    let idp = "GET /tenant/.well-known/openid-configuration?v=2 https://idp.example";
    if place == idp {
        return Some(Reply::json(200, &json!({"token_endpoint": "https://idp.example/token"})));
    }
    match place.strip_suffix(host)?.trim_end().split_once(root)? {
        ("GET ", "/information") => Some(Reply::json(200, &json!({"Version": "9"}))),
        ("GET ", "/Authentication/metadataendpoint") => {
            Some(Reply::text(200, " \"https://idp.example/tenant/.well-known/openid-configuration?v=2\"\r\n"))
        }
        ("POST ", "/Authentication/RequestJwtAuthentication") => {
            Some(Reply::text(200, &format!("\"{TOKEN}\"\n")))
        }
        ("GET ", "/Authentication/Logout") => Some(Reply::text(200, "")),
        _ => None,
    }
}

fn not_found() -> Reply {
    Reply::text(404, "<!DOCTYPE html><p>nothing here")
}

#[tokio::test(start_paused = true)]
async fn the_root_is_found_and_the_identity_provider_learns_nothing() {
    let page = || Reply::text(200, "<!DOCTYPE html><title>1E</title>");
    for (root, extra) in [
        ("/Tachyon/api", json!({})),
        ("/api", json!({})),
        ("/sso/api", json!({"portalUrl": "https://tachyon.example/sso/api"})),
        ("/sso/api", json!({"portalUrl": "https://tachyon.example/sso"})),
    ] {
        let transport = Scripted::new(move |seen| {
            portal(seen, root).or_else(|| reading(seen, &[policy()])).unwrap_or_else(page)
        });
        let driver = connected(&extra, &application(), Arc::clone(&transport) as SharedTransport).unwrap();
        driver.observe(&Scope::default()).await.unwrap();
        driver.close().await;
        let seen = transport.seen();
        for call in &seen {
            let ours = call.origin == "https://tachyon.example";
            assert_eq!(header(call, "x-tachyon-consumer").is_some(), ours, "{}", call.line);
            let proven = call.line.contains("/Consumer/") || call.line.ends_with("/Logout");
            let expected = proven.then(|| TOKEN.to_owned());
            assert_eq!(header(call, "x-tachyon-authenticate"), expected, "{}", call.line);
            assert_eq!(header(call, "authorization"), None, "{}", call.line);
        }
        let posted: Vec<_> = seen.iter().filter(|call| call.line.contains("RequestJwt")).collect();
        assert_eq!(posted.len(), 1);
        assert_eq!(posted[0].line, format!("POST {root}/Authentication/RequestJwtAuthentication"));
        assert_eq!(posted[0].json().as_str().unwrap().split('.').count(), 3, "a JWT as a JSON string");
        assert_eq!(seen.last().unwrap().line, format!("GET {root}/Authentication/Logout"));
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_portal_may_answer_instead_is_told_without_secrets() {
    let metadata = "/Authentication/metadataendpoint";
    let login = "/Authentication/RequestJwtAuthentication";
    let cases = [
        ("/information", not_found(), Class::Rejected, "set portalUrl"),
        ("/information", Reply::text(500, ""), Class::Transient, "information"),
        (metadata, not_found(), Class::Rejected, "set portalUrl"),
        (metadata, Reply::text(200, "<html>log in"), Class::Transient, "without an address"),
        (metadata, Reply::text(200, ""), Class::Transient, "without an address"),
        (metadata, Reply::text(200, "http://idp.example/x"), Class::Rejected, "identity provider"),
        (metadata, Reply::text(200, "https://169.254.169.254/x"), Class::Rejected, "identity provider"),
        (metadata, Reply::text(200, "not-a-url"), Class::Transient, "without an address"),
        ("openid-configuration", Reply::json(200, &json!({})), Class::Transient, "token_endpoint"),
        ("openid-configuration", Reply::text(200, "<html>"), Class::Transient, "markup"),
        (login, Reply::json(401, &json!([{"Message": "unknown key"}])), Class::Unauthorized, "unknown key"),
        (login, Reply::text(400, ""), Class::Unauthorized, "client assertion id"),
        (login, Reply::json(200, &json!({"token": TOKEN})), Class::Transient, "without a token"),
        (login, Reply::text(200, "<html>"), Class::Transient, "without a token"),
        (login, Reply::text(200, ""), Class::Transient, "without a token"),
        (login, Reply::Lost { sent: true }, Class::Transient, "RequestJwtAuthentication"),
    ];
    for (place, reply, class, says) in cases {
        let shown = format!("{place} {reply:?}");
        let transport = Scripted::new(move |seen| match seen.line.contains(place) {
            true => reply.clone(),
            false => portal(seen, "/Tachyon/api").unwrap_or_else(not_found),
        });
        let driver =
            connected(&json!({}), &application(), Arc::clone(&transport) as SharedTransport).unwrap();
        let error = driver.observe(&Scope::default()).await.unwrap_err();
        assert_eq!(error.class, class, "{shown}: {error}");
        assert!(error.message.contains(says), "{shown}: {error}");
        let sent = transport.seen().into_iter().find(|seen| seen.line.contains("RequestJwt"));
        let assertion = sent.map(|seen| seen.json().as_str().unwrap().to_owned());
        assert!(assertion.is_none_or(|assertion| !error.message.contains(&assertion[..20])), "{error}");
        assert!(!error.message.contains("token-canary"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_assertion_goes_to_the_portal_only_whatever_the_metadata_says() {
    let evil = json!({"token_endpoint": "https://evil.example/token"});
    let transport = Scripted::new(move |seen| match seen.origin.contains("idp") {
        true => Reply::json(200, &evil),
        false => portal(seen, "/Tachyon/api").or_else(|| reading(seen, &[])).unwrap_or_else(not_found),
    });
    let driver = connected(&json!({}), &application(), Arc::clone(&transport) as SharedTransport).unwrap();
    driver.observe(&Scope::default()).await.unwrap();
    assert!(transport.seen().iter().all(|seen| !seen.origin.contains("evil")));
    let posted = transport.seen().into_iter().find(|seen| seen.line.contains("RequestJwt")).unwrap();
    assert_eq!(posted.origin, "https://tachyon.example");
}

#[tokio::test(start_paused = true)]
async fn a_ready_token_needs_no_portal_and_is_never_said() {
    let transport = Scripted::new(|seen| {
        let echo = header(seen, "x-tachyon-authenticate").unwrap();
        Reply::json(401, &json!([{"Message": format!("bad token {echo}")}]))
    });
    let token = [("token", "ready-token-canary-4711\n")];
    let driver = connected(&json!({}), &token, Arc::clone(&transport) as SharedTransport).unwrap();
    let error = driver.probe().await.unwrap_err();
    assert_eq!((error.class, error.reason), (Class::Unauthorized, Reason::Unauthorized), "{error}");
    assert!(error.message.contains("<redacted>") && !error.message.contains("canary-4711"), "{error}");
    assert!(transport.lines().iter().all(|line| line.contains("/Consumer/")), "{:?}", transport.lines());
    driver.close().await;
    assert_eq!(
        transport.lines().len(),
        2,
        "the question and its witness; a token that is not ours is not ended"
    );
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_refused_again_and_again_do_not_flood_the_portal() {
    let transport = Scripted::new(|seen| {
        portal(seen, "/Tachyon/api").unwrap_or_else(|| Reply::json(401, &json!([{"Message": "no"}])))
    });
    let driver = connected(&json!({}), &application(), Arc::clone(&transport) as SharedTransport).unwrap();
    for _ in 0..20 {
        let error = driver.observe(&Scope::default()).await.unwrap_err();
        assert_eq!((error.class, error.reason), (Class::Rejected, Reason::Forbidden), "{error}");
        assert!(error.message.contains("PolicyDeployment/Execute"), "{error}");
    }
    let logins = || transport.lines().into_iter().filter(|line| line.contains("RequestJwt")).count();
    assert_eq!(logins(), 2, "one because there was no token, one because it was refused");
    tokio::time::sleep(Duration::from_secs(700)).await;
    driver.observe(&Scope::default()).await.unwrap_err();
    assert_eq!(logins(), 3, "after ten minutes it may be another reason");
}

#[tokio::test(start_paused = true)]
async fn another_product_is_told_and_a_version_that_is_not_told_is_taken_for_a_recent_one() {
    let transport = Scripted::new(|_| not_found());
    let driver = connected(&json!({}), &[("token", "t0ken")], transport as SharedTransport).unwrap();
    let error = driver.probe().await.unwrap_err();
    assert_eq!((error.class, error.reason), (Class::Rejected, Reason::VersionUnsupported), "{error}");
    assert!(error.message.contains("not the Consumer API"), "{error}");
    let transport = Scripted::new(|seen| match seen.line.ends_with("/Information") {
        true => not_found(),
        false => reading(seen, &[policy()]).unwrap_or_else(not_found),
    });
    let driver = connected(&json!({}), &[("token", "t0ken")], transport as SharedTransport).unwrap();
    assert!(driver.observe(&Scope::default()).await.unwrap().partial.is_some());
    assert_eq!(driver.probe().await.unwrap().account.version, "");
}
