use super::*;

fn nothing(seen: &Seen) -> Reply {
    page(seen, "policies", &[])
}

fn header(seen: &Seen, name: &str) -> Option<String> {
    seen.headers.get(name).map(|value| value.to_str().unwrap().to_owned())
}

#[tokio::test(start_paused = true)]
async fn it_logs_in_at_pod_and_key_manager_once_for_all_calls() {
    let server = Server::new(nothing);
    assert!(server.observe().await.unwrap().complete);
    server.observe().await.unwrap();
    let seen = server.transport.seen();
    let lines: Vec<_> = seen.iter().map(|s| format!("{} {}", s.line, s.origin)).collect();
    let list = "GET /agent/v1/dlp/policies?page=0&limit=50 https://agent.example";
    assert_eq!(
        lines,
        [
            "POST /login/pubkey/authenticate https://pod.example",
            "POST /app/relay/pubkey/authenticate https://km.example:8443",
            list,
            list
        ]
    );
    for login in &seen[..2] {
        assert_eq!(header(login, "content-type").unwrap(), "application/json");
        assert_eq!(login.json().as_object().unwrap().keys().collect::<Vec<_>>(), ["token"]);
        assert_eq!(login.json()["token"].as_str().unwrap().split('.').count(), 3, "a JWT");
        assert_eq!((header(login, "sessiontoken"), header(login, "keymanagertoken")), (None, None));
    }
    for call in &seen[2..] {
        assert_eq!(header(call, "sessiontoken").unwrap(), "token-canary-01");
        assert_eq!(header(call, "keymanagertoken").unwrap(), "token-canary-02");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_key_manager_there_is_one_token() {
    let server = Server::with(&json!({"keyManagerUrl": null}), nothing);
    server.observe().await.unwrap();
    assert_eq!(server.logins(), 1);
    let call = server.transport.seen().pop().unwrap();
    assert_eq!(
        (header(&call, "sessiontoken").unwrap().as_str(), header(&call, "keymanagertoken")),
        ("token-canary-01", None)
    );
}

#[tokio::test(start_paused = true)]
async fn several_refused_calls_log_in_once() {
    let server = Server::new(|seen| {
        let reply = match header(seen, "sessiontoken").unwrap().as_str() {
            "token-canary-01" => Reply::json(401, &json!({"message": "expired"})),
            _ => nothing(seen),
        };
        Reply::Late(Duration::from_secs(1), Box::new(reply))
    });
    let all = futures::future::join_all((0..4).map(|_| server.observe())).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(server.logins(), 4, "two tokens, twice");
}

#[tokio::test(start_paused = true)]
async fn a_second_401_is_final_and_the_pod_is_not_flooded() {
    for (extra, hint) in [(json!({}), false), (json!({"keyManagerUrl": null}), true)] {
        let server =
            Server::with(&extra, |_| Reply::json(401, &json!({"message": "keyManagerToken is missing"})));
        let error = server.observe().await.unwrap_err();
        assert_eq!((error.class, error.reason), (Class::Unauthorized, Reason::Unauthorized), "{error}");
        assert!(error.message.contains("keyManagerToken is missing"), "{error}");
        assert_eq!(error.message.contains("set keyManagerUrl"), hint, "{error}");
        for _ in 0..20 {
            let class = server.observe().await.unwrap_err().class;
            assert!(matches!(class, Class::Unauthorized | Class::Throttled { .. }), "{class:?}");
        }
        let each = if hint { 1 } else { 2 };
        assert_eq!(server.logins(), 3 * each, "three logins a minute");
        tokio::time::sleep(Duration::from_secs(61)).await;
        server.observe().await.unwrap_err();
        assert_eq!(server.logins(), 5 * each, "one because there was no session, one because it was refused");
    }
}

#[tokio::test(start_paused = true)]
async fn refused_logins_are_unauthorized_and_say_so_without_asking_again() {
    for status in [400, 401, 403] {
        let transport =
            Scripted::new(move |_| Reply::json(status, &json!({"message": "no key is registered"})));
        let driver =
            connected(&json!({}), &credentials(), Arc::clone(&transport) as SharedTransport).unwrap();
        for _ in 0..10 {
            let error = driver.observe(&Scope::default()).await.unwrap_err();
            assert_eq!((error.class, error.reason), (Class::Unauthorized, Reason::Unauthorized), "{status}");
            assert!(error.message.contains("no key is registered"), "{error}");
        }
        assert_eq!(transport.seen().len(), 3, "{status}: three logins a minute");
    }
}

#[tokio::test(start_paused = true)]
async fn clocks_that_differ_are_told_where_a_login_is_refused() {
    // Our clock begins at 2023-11-14T22:13:20Z.
    let cases = [
        ("Tue, 14 Nov 2023 22:23:20 GMT", Some("600 s ahead of")),
        ("Tue, 14 Nov 2023 22:03:20 GMT", Some("600 s behind")),
        ("Tue, 14 Nov 2023 22:13:30 GMT", None),
        ("yesterday", None),
    ];
    for (date, says) in cases {
        let transport = Scripted::new(move |_| Reply::json(401, &json!({})).with("date", date));
        let driver = connected(&json!({}), &credentials(), transport as SharedTransport).unwrap();
        let error = driver.observe(&Scope::default()).await.unwrap_err();
        assert_eq!(error.message.contains("its clock is"), says.is_some(), "{error}");
        assert!(says.is_none_or(|says| error.message.contains(says)), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_that_nobody_judged_is_tried_again() {
    let troubles = [
        (Reply::text(503, "later"), Class::Transient, Reason::Unreachable),
        (Reply::Lost { sent: true }, Class::Transient, Reason::Unreachable),
        (Reply::text(200, "<html>login</html>"), Class::Transient, Reason::UnexpectedAnswer),
        (Reply::json(200, &json!({"name": "sessionToken"})), Class::Transient, Reason::UnexpectedAnswer),
    ];
    for (trouble, class, reason) in troubles {
        let reply = trouble.clone();
        let mut calls = 0;
        let transport = Scripted::new(move |seen| {
            calls += 1;
            match is_login(&seen.line) {
                true if calls <= 5 => reply.clone(),
                true => Reply::json(200, &json!({"token": "t"})),
                false => nothing(seen),
            }
        });
        let driver = connected(&json!({}), &credentials(), transport as SharedTransport).unwrap();
        for _ in 0..5 {
            let error = driver.observe(&Scope::default()).await.unwrap_err();
            assert_eq!((error.class, error.reason), (class, reason), "{trouble:?}: {error}");
        }
        assert!(driver.observe(&Scope::default()).await.is_ok(), "{trouble:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_without_logins_is_a_wrong_url() {
    let answer = |seen: &Seen| match seen.line.contains("/relay/") {
        true => Reply::text(404, "nothing here"),
        false => Reply::json(200, &json!({"token": "t"})),
    };
    let driver = connected(&json!({}), &credentials(), Scripted::new(answer) as SharedTransport).unwrap();
    let error = driver.probe().await.unwrap_err();
    assert_eq!((error.class, error.reason), (Class::Rejected, Reason::VersionUnsupported));
    assert!(error.message.contains("set keyManagerUrl"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn nothing_secret_is_ever_said() {
    let transport = Scripted::new(|seen| {
        let login = is_login(&seen.line);
        let known = seen.headers.get("sessiontoken").map(|t| t.to_str().unwrap().to_owned());
        let echo = json!({"message": format!("refused: {known:?} {} {PEM}", seen.body)});
        match (login, seen.line.contains("/relay/")) {
            (true, false) => Reply::json(200, &json!({"token": "session-canary-0815"})),
            (true, true) => Reply::json(200, &json!({"token": "key-manager-canary-4711"})),
            _ => Reply::json(400, &echo),
        }
    });
    let driver = connected(&json!({}), &credentials(), transport as SharedTransport).unwrap();
    let error = driver.observe(&Scope::default()).await.unwrap_err();
    assert!(error.message.contains("refused:"), "{error}");
    let line = PEM.lines().nth(1).unwrap();
    for secret in ["session-canary", "key-manager-canary", line] {
        assert!(!error.message.contains(secret), "{error}");
    }
    let echo = Scripted::new(|seen| Reply::json(401, &json!({"message": seen.body})));
    let driver = connected(&json!({}), &credentials(), Arc::clone(&echo) as SharedTransport).unwrap();
    let error = driver.observe(&Scope::default()).await.unwrap_err();
    let jwt = echo.seen()[0].json()["token"].as_str().unwrap().to_owned();
    assert!(!error.message.contains(&jwt[..40]), "{error}");
}
