//! Sessions: logging in, losing them, and not fighting over them.

use super::*;

#[tokio::test(start_paused = true)]
async fn the_token_travels_in_the_body_and_nowhere_else() {
    let server = Server::new(&json!({}), |_| Reply::json(200, &groups()));
    server.driver.probe().await.unwrap();
    server.driver.close().await;
    let seen = server.transport.seen();
    let lines: Vec<_> = seen.iter().map(|seen| seen.line.as_str()).collect();
    assert_eq!(
        lines,
        [
            "POST /yurbi/api/login/DoLogin",
            "POST /yurbi/api/Group/GetAllSecurityGroups",
            "POST /yurbi/api/Login/DoLogout",
        ]
    );
    assert_eq!(
        seen[0].json(),
        json!({"bolForceLogin": true, "isGuest": false, "UserId": "policy-operator", "UserPassword": PASSWORD})
    );
    for seen in &seen[1..] {
        assert_eq!(seen.json(), json!({ "sessionToken": token(1) }));
        assert_eq!(seen.headers["content-type"], "application/json");
        assert!(!format!("{:?}", seen.headers).contains("CANARY"));
    }
    server.driver.close().await;
    assert_eq!(server.transport.seen().len(), 3, "nobody logs out twice");
}

#[tokio::test(start_paused = true)]
async fn a_login_that_fails_says_why_and_never_shows_a_secret() {
    let cases = [
        (
            Reply::json(
                200,
                &json!({"ErrorCode": 101, "ErrorMessage": "Login Failed", "LoginSession": null}),
            ),
            Class::Unauthorized,
            "ErrorCode 101: Login Failed",
        ),
        (
            Reply::json(
                200,
                &json!({"ErrorCode": "103", "ErrorMessage": "Two-factor", "LoginSession": null}),
            ),
            Class::Unauthorized,
            "ErrorCode 103: Two-factor",
        ),
        (
            Reply::json(200, &json!({"ErrorCode": 0, "LoginSession": null, "LoginUser": null})),
            Class::Unauthorized,
            "without a session",
        ),
        (Reply::text(401, "who?"), Class::Unauthorized, "401"),
        (Reply::text(404, "<html>no</html>"), Class::Rejected, "correct spec.system.appShield.url"),
        (Reply::json(200, &json!({"hello": "world"})), Class::Transient, "without a SessionToken"),
        (Reply::json(200, &json!({"LoginSession": {"SessionToken": ""}})), Class::Transient, "SessionToken"),
        (Reply::text(200, "<html>welcome</html>"), Class::Transient, "markup"),
        (Reply::text(500, "<html>oops</html>"), Class::Transient, "500"),
        (
            Reply::text(200, &login(1).to_string().replace("\"LoginUser\"", "\"LoginUser")),
            Class::Transient,
            "not understood",
        ),
        (
            Reply::json(200, &json!({"LoginSession": {"SessionToken": token(1), "SessionExpir": 7}})),
            Class::Transient,
            "not the answer of a login",
        ),
        (Reply::Lost { sent: true }, Class::Transient, "reset"),
    ];
    for (reply, class, words) in cases {
        let about = format!("{reply:?}");
        let server = Server::bare(&json!({}), move |_| reply.clone());
        let error = server.driver.probe().await.unwrap_err();
        assert_eq!(error.class, class, "{about}: {error}");
        assert!(error.message.contains(words), "{about}: {error}");
        assert!(!error.message.contains("CANARYTOKEN") && !error.message.contains(PASSWORD), "{error}");
        assert_eq!(server.count("GetAllSecurityGroups"), 0, "{about}");
    }
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_are_not_tried_again_for_a_while() {
    let refused = json!({"ErrorCode": 101, "ErrorMessage": "Login Failed", "LoginSession": null});
    let server = Server::bare(&json!({}), move |_| Reply::json(200, &refused));
    for _ in 0..5 {
        assert_eq!(server.driver.probe().await.unwrap_err().class, Class::Unauthorized);
        tokio::time::sleep(Duration::from_secs(100)).await;
    }
    assert_eq!(server.count("DoLogin"), 1, "each wrong try may count towards a lock");
    tokio::time::sleep(Duration::from_secs(120)).await;
    server.driver.probe().await.unwrap_err();
    assert_eq!(server.count("DoLogin"), 2);
}

#[tokio::test(start_paused = true)]
async fn who_is_no_administrator_is_told_and_logged_out() {
    let mut login = login(1);
    login["LoginUser"]["isAdmin"] = json!(false);
    let server = Server::bare(&json!({}), move |_| Reply::json(200, &login));
    let error = server.driver.probe().await.unwrap_err();
    assert_eq!((error.class, error.reason), (Class::Rejected, Reason::Forbidden), "{error}");
    assert_eq!(server.calls(), ["DoLogin", "DoLogout"]);
    let untold = Server::new(&json!({}), |_| Reply::json(200, &groups()));
    untold.driver.probe().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_dead_session_costs_one_login_and_the_call_is_repeated_once() {
    let refusals = [
        Reply::json(200, &dead()),
        Reply::json(200, &json!({"ErrorCode": "5001", "id": null})),
        Reply::json(401, &dead()),
        Reply::text(401, ""),
        Reply::text(403, "<html>no</html>"),
        Reply::json(400, &dead()),
        Reply::json(500, &dead()),
        Reply::json(200, &json!([])),
        Reply::json(200, &json!([dead()])),
    ];
    for refusal in refusals {
        let about = format!("{refusal:?}");
        let server = Server::new(&json!({}), move |seen| match seen.json()["sessionToken"].as_str() {
            Some(sent) if sent == token(1) && seen.line.ends_with("/CheckSession") => valid(false),
            Some(sent) if sent == token(1) => refusal.clone(),
            _ => Reply::json(200, &groups()),
        });
        let catalogue = server.driver.catalogue().await.unwrap();
        assert!(catalogue.is_complete(crate::model::EntryKind::Group), "{about}");
        let calls = server.calls();
        let expected = ["DoLogin", "GetAllSecurityGroups", "CheckSession", "DoLogin", "GetAllSecurityGroups"];
        assert_eq!(calls[..5], expected, "{about}");
        assert_eq!(server.count("DoLogin"), 2, "{about}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_way_of_saying_that_a_session_is_dead_is_understood() {
    let checks = [
        (valid(false), true, "as documented"),
        (Reply::json(200, &json!({"IsValid": false, "ErrorCode": 5001})), true, "with a code"),
        (Reply::json(200, &dead()), true, "a code alone"),
        (Reply::text(401, ""), true, "a status alone"),
        (valid(true), false, "it lives"),
        (Reply::json(200, &json!({"ErrorCode": 0})), false, "nothing speaks against it"),
    ];
    for (check, is_dead, why) in checks {
        let server = Server::new(&json!({}), move |seen| {
            let old = seen.json()["sessionToken"] == token(1);
            match seen.line.rsplit('/').next() {
                Some("CheckSession") => check.clone(),
                _ if old => Reply::json(200, &dead()),
                _ => Reply::json(200, &groups()),
            }
        });
        server.driver.catalogue().await.unwrap();
        assert_eq!(server.count("DoLogin"), 1 + usize::from(is_dead), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_that_fails_leaves_the_question_open() {
    let server = Server::new(&json!({}), |seen| {
        let check = seen.line.ends_with("/CheckSession");
        if check { Reply::text(502, "<html>") } else { Reply::json(200, &dead()) }
    });
    let error = server.driver.catalogue().await.unwrap_err();
    assert_eq!(error.class, Class::Transient, "{error}");
    assert_eq!(server.count("DoLogin"), 1, "a login would end the sessions of others for nothing");
}

#[tokio::test(start_paused = true)]
async fn many_calls_at_once_log_in_once() {
    let server = Server::new(&json!({}), |seen| {
        let old = seen.json()["sessionToken"] == token(1);
        let answer = match seen.line.rsplit('/').next() {
            Some("CheckSession") => valid(!old),
            _ if old => Reply::json(200, &dead()),
            _ => Reply::json(200, &groups()),
        };
        Reply::Late(Duration::from_millis(50), Box::new(answer))
    });
    let calls = (0..4).map(|_| server.driver.catalogue());
    for result in futures::future::join_all(calls).await {
        result.unwrap();
    }
    assert_eq!(server.count("DoLogin"), 2, "one to begin, one when the session was dead");
}

/// A session that is dead each time it is used.
fn fought_over() -> Server {
    Server::new(&json!({}), |seen| {
        let check = seen.line.ends_with("/CheckSession");
        if check { valid(false) } else { Reply::json(200, &dead()) }
    })
}

#[tokio::test(start_paused = true)]
async fn nobody_fights_over_a_session() {
    let server = fought_over();
    let error = server.driver.probe().await.unwrap_err();
    assert_eq!(error.reason, Reason::SessionContested, "{error}");
    assert_eq!(error.class, Class::Throttled { after: Some(Duration::from_secs(300)) });
    assert!(error.message.contains("bi.example") && error.message.contains("account of its own"), "{error}");
    assert_eq!(server.count("DoLogin"), 2, "one login after the first, and no more");
    for _ in 0..28 {
        tokio::time::sleep(Duration::from_secs(10)).await;
        let error = server.driver.probe().await.unwrap_err();
        assert_eq!(error.reason, Reason::SessionContested);
        assert!(
            matches!(error.class, Class::Throttled { after: Some(left) } if left < Duration::from_secs(300))
        );
    }
    assert_eq!(server.count("DoLogin"), 2, "nothing is sent while we rest");
    tokio::time::sleep(Duration::from_secs(30)).await;
    server.driver.probe().await.unwrap_err();
    assert_eq!(server.count("DoLogin"), 4, "then it is tried once more");
}

#[tokio::test(start_paused = true)]
async fn sessions_that_end_early_again_and_again_are_contested_too() {
    // Each session serves one call and is dead at the second.
    let mut used = BTreeSet::new();
    let server = Server::new(&json!({}), move |seen| {
        let token = seen.json()["sessionToken"].to_string();
        match seen.line.rsplit('/').next() {
            Some("CheckSession") => valid(false),
            _ if used.insert(token) => Reply::json(200, &groups()),
            _ => Reply::json(200, &dead()),
        }
    });
    let mut served = 0;
    for _ in 0..20 {
        match server.driver.probe().await {
            Ok(_) => served += 1,
            Err(error) => assert_eq!(error.reason, Reason::SessionContested, "{error}"),
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    assert_eq!((served, server.count("DoLogin")), (3, 3), "the third loss within ten minutes ends it");
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_time_is_up_is_no_quarrel() {
    let server = Server::bare(&json!({}), {
        let (clock, mut logins) = (TokioClock::shared(), 0);
        move |seen| {
            if !seen.line.ends_with("/login/DoLogin") {
                return Reply::json(200, &groups());
            }
            logins += 1;
            let mut login = login(logins);
            let expires = clock.now() + jiff::SignedDuration::from_secs(120);
            login["LoginSession"]["SessionExpir"] = json!(expires.to_string().replace('Z', "+00:00"));
            Reply::json(200, &login)
        }
    });
    for _ in 0..40 {
        server.driver.probe().await.unwrap();
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
    assert!((10..=14).contains(&server.count("DoLogin")), "{}", server.count("DoLogin"));
    assert_eq!(server.count("CheckSession"), 0, "it is renewed before it is refused");
}
