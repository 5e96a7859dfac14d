//! Section 3: logins, the life of a token, who ends whose session.

use serde_json::{Value, json};

use super::{Bench, CHECK, GROUPS, LOGIN, LOGOUT, NEW, REFRESH, SAVE, but, login, named, seconds};
use crate::sandbox::Double as _;

const OPERATOR: (&str, &str) = ("policy-operator", "Quiet-Orchard-58");

#[tokio::test(start_paused = true)]
async fn a_login_answers_session_and_user() {
    let bench = Bench::logged_out(json!({}));
    let keys = bench.double.credentials();
    assert_eq!((keys["username"].as_str(), keys["password"].as_str()), OPERATOR);
    let (_, answer) = bench.call(LOGIN, &bench.login_body()).await;
    let session = &answer["LoginSession"];
    assert_eq!((&answer["ErrorCode"], &session["ErrorCode"]), (&json!(0), &json!(0)));
    assert_eq!(session["SessionToken"].as_str().unwrap().len(), 25);
    assert_eq!(session["SessionTimeLeft"], 0, "says nothing, although the session is new");
    assert_eq!(session["SessionExpir"], "2023-11-14T22:33:20.000+00:00", "spelt so, twenty minutes on");
    let user = &answer["LoginUser"];
    assert_eq!((&user["isAdmin"], &user["isSuperAdmin"]), (&json!(true), &json!(false)));
    assert_eq!((&user["AuthType"], &user["twofa"]), (&json!("PIN"), &json!(false)));
    assert_eq!(user["ID"].as_str().unwrap().len(), 18);
    let (_, older) =
        bench.call("/Login/ValidSession", &json!({"sessionToken": session["SessionToken"]})).await;
    assert_eq!(older["LoginUser"], *user, "the older check returns the login again");
}

#[tokio::test(start_paused = true)]
async fn a_login_that_fails_has_a_null_session() {
    let bench = Bench::logged_out(json!({}));
    bench.patch(json!({
        "addUser": {"login": "careful", "admin": true}, "editUser": {"user": "careful", "twoFactor": true}
    }));
    for (why, body, code) in [
        ("wrong password", login(OPERATOR.0, "wrong"), 101),
        ("no such user", login("nobody", "wrong"), 101),
        ("no password", json!({"UserId": OPERATOR.0}), 101),
        ("empty body", json!({}), 101),
        ("a guest", but(bench.login_body(), json!({"isGuest": true})), 101),
        ("another case of the keys", json!({"userid": OPERATOR.0, "userpassword": OPERATOR.1}), 101),
        ("two factors", login("careful", "careful-Pass-1"), 103),
    ] {
        let (status, answer) = bench.call(LOGIN, &body).await;
        assert_eq!((status, &answer["ErrorCode"]), (200, &json!(code)), "{why}");
        assert!(answer["LoginSession"].is_null() && answer["LoginUser"].is_null(), "{why}: {answer}");
    }
    assert_eq!(bench.counter("loginsRefused"), 7);
}

#[tokio::test(start_paused = true)]
async fn a_token_lives_until_it_expires_unless_refreshed() {
    let bench = Bench::with(json!({"sessionSecs": 600})).await;
    seconds(599).await;
    assert!(bench.is_valid().await, "the last second");
    let answer = bench.ask(REFRESH, json!({})).await;
    assert_eq!(answer, json!({"ErrorCode": 0, "ErrorMessage": ""}), "no new token, the old one stays");
    seconds(599).await;
    assert!(bench.is_valid().await, "a check does not extend");
    seconds(1).await;
    assert!(!bench.is_valid().await);
    assert_eq!(bench.ask(REFRESH, json!({})).await["ErrorCode"], 5001, "too late to refresh");
    assert_eq!(bench.ask(SAVE, json!({"policy": named("late")})).await["ErrorCode"], "5001");
    assert_eq!(bench.counter("creates"), 0);
}

#[tokio::test(start_paused = true)]
async fn the_servers_clock_may_be_off() {
    let bench = Bench::logged_out(json!({"clockOffsetSecs": -1800}));
    let (_, answer) = bench.call(LOGIN, &bench.login_body()).await;
    let session = &answer["LoginSession"];
    assert_eq!(session["SessionExpir"], "2023-11-14T22:03:20.000+00:00", "over already, by our clock");
    seconds(1199).await;
    let (_, check) = bench.call(CHECK, &json!({"sessionToken": session["SessionToken"]})).await;
    assert_eq!(check["IsValid"], true, "it lives as long all the same");
}

#[tokio::test(start_paused = true)]
async fn use_may_extend_a_session() {
    for (why, extends, valid) in [("it does not", false, false), ("it does", true, true)] {
        let bench = Bench::with(json!({"sessionSecs": 600, "useExtends": extends})).await;
        seconds(400).await;
        bench.ask(GROUPS, json!({})).await;
        seconds(400).await;
        assert_eq!(bench.is_valid().await, valid, "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_logout_ends_the_session() {
    let bench = Bench::new().await;
    assert_eq!(bench.ask(LOGOUT, json!({})).await, json!({"ErrorCode": 0, "ErrorMessage": null}));
    assert!(!bench.is_valid().await);
    assert_eq!(bench.ask(LOGOUT, json!({})).await["ErrorCode"], 0, "nobody to log out");
    bench.patch(json!({"options": {"logoutOfNobody": "refused"}}));
    assert_eq!(bench.ask(LOGOUT, json!({})).await["ErrorCode"], 5001);
    assert_eq!(bench.state()["sessions"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn an_invalid_check_may_carry_a_code() {
    for (reading, expected) in [
        ("zero", json!({"IsValid": false, "ErrorCode": 0, "ErrorMessage": null})),
        ("coded", json!({"IsValid": false, "ErrorCode": 5001, "ErrorMessage": "Session is not valid."})),
    ] {
        let bench = Bench::logged_out(json!({"invalidCheck": reading}));
        assert_eq!(bench.call(CHECK, &json!({"sessionToken": "x"})).await.1, expected, "{reading}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_login_ends_the_first() {
    for (why, options, force, first_lives, second_lives) in [
        ("forced", json!({}), true, false, true),
        ("forced, without consequence", json!({"forcedLogin": "keepsOthers"}), true, true, true),
        ("not forced", json!({}), false, true, true),
        ("not forced, refused", json!({"unforcedLogin": "refused"}), false, true, false),
    ] {
        let bench = Bench::with(options).await;
        let (_, second) = bench.call(LOGIN, &but(bench.login_body(), json!({"bolForceLogin": force}))).await;
        assert_eq!(bench.is_valid().await, first_lives, "{why}");
        assert_eq!(second["LoginSession"].is_object(), second_lives, "{why}: {second}");
        assert_ne!(second["LoginSession"]["SessionToken"], json!(bench.token), "{why}: a new token");
    }
    let bench = Bench::new().await;
    bench.patch(json!({"logIn": {"user": OPERATOR.0}}));
    assert!(!bench.is_valid().await, "a person who borrows the account throws us out");
    let bench = Bench::new().await;
    bench.patch(json!({"logIn": {"user": "mara.holt"}}));
    assert!(bench.is_valid().await, "another account does not");
}

#[tokio::test(start_paused = true)]
async fn a_token_used_from_elsewhere_is_no_longer_ours() {
    for (why, reading, there, here) in [
        ("the session ends", "ends", false, false),
        ("the session moves", "moves", true, false),
        ("nobody cares", "ignored", true, true),
    ] {
        let bench = Bench::with(json!({"secondLocation": reading})).await;
        let body = json!({"sessionToken": bench.token});
        assert!(bench.is_valid().await, "{why}: from where it was opened");
        let (_, answer) = bench.call_from(Some("10.9.8.7, 10.0.0.1"), CHECK, &body).await;
        assert_eq!(answer["IsValid"], there, "{why}");
        assert_eq!(bench.is_valid().await, here, "{why}");
        let (_, answer) = bench.call_from(Some("10.9.8.7"), CHECK, &body).await;
        assert_eq!(answer["IsValid"], there, "{why}: our vain attempt did not bring it back");
    }
}

#[tokio::test(start_paused = true)]
async fn wrong_passwords_may_lock_an_account_without_saying_so() {
    let bench = Bench::logged_out(json!({"lockoutAfter": 2, "lockoutSecs": 300}));
    for attempt in 1..=2 {
        let (_, answer) = bench.call(LOGIN, &login(OPERATOR.0, "wrong")).await;
        assert_eq!(answer["ErrorCode"], 101, "attempt {attempt}");
    }
    let (_, answer) = bench.call(LOGIN, &bench.login_body()).await;
    assert_eq!(answer["ErrorCode"], 101, "the right one looks wrong while locked");
    seconds(300).await;
    bench.log_in().await;
    let (_, answer) = bench.call(LOGIN, &login(OPERATOR.0, "wrong")).await;
    assert_eq!(answer["ErrorCode"], 101);
    bench.log_in().await;
}

#[tokio::test(start_paused = true)]
async fn managing_needs_an_administrator() {
    for (why, rights, code) in [("enforced", "enforced", "5002"), ("ignored", "ignored", "0")] {
        let mut bench = Bench::logged_out(json!({"rights": rights}));
        let (_, answer) = bench.call(LOGIN, &login("report-reader", "report-reader-Pass-1")).await;
        assert_eq!(answer["ErrorCode"], 0, "{why}: who is no administrator can log in all the same");
        assert_eq!((&answer["LoginUser"]["isAdmin"]), &json!(false), "{why}");
        bench.token = answer["LoginSession"]["SessionToken"].as_str().unwrap().to_owned();
        let answer = bench.save(json!({"policy": named("x")})).await;
        assert_eq!(answer["ErrorCode"], code, "{why}");
        assert!(bench.is_valid().await, "{why}: no reason to log in again");
    }
    let bench = Bench::new().await;
    bench.patch(json!({"editUser": {"user": OPERATOR.0, "admin": false}}));
    assert_eq!(bench.ask(NEW, json!({})).await["ErrorCode"], "5002", "taken away while logged in");
    bench.patch(json!({"removeUser": {"user": OPERATOR.0}}));
    assert!(!bench.is_valid().await, "no user, no session");
}

#[tokio::test(start_paused = true)]
async fn a_changed_policy_reaches_who_is_logged_in_with_the_next_passport() {
    let reset = "/Session/ResetPassport";
    for (why, options, before, after, valid) in [
        ("by the passport", json!({"paths": {"resetPassport": reset}}), 0, 1, true),
        ("at once", json!({"policyEffect": "atOnce", "paths": {"resetPassport": reset}}), 1, 1, true),
        (
            "and the reset may end the session",
            json!({"passportLogsOut": true, "paths": {"resetPassport": reset}}),
            0,
            0,
            false,
        ),
    ] {
        let bench = Bench::with(options).await;
        let me = bench.user(OPERATOR.0);
        bench.save(super::deep(named("mine"), json!([]), json!([me]))).await;
        let filters = || {
            let state = bench.state();
            state["sessions"][0]["filters"].as_array().map_or(0, Vec::len)
        };
        assert_eq!(
            bench.state()["users"][&me]["filters"].as_array().unwrap().len(),
            1,
            "{why}: it is stored"
        );
        assert_eq!(filters(), before, "{why}");
        bench.ask(reset, json!({})).await;
        assert_eq!((filters(), bench.is_valid().await), (after, valid), "{why}");
    }
    let (status, _) = Bench::new().await.call(reset, &Value::Null).await;
    assert_eq!(status, 404, "its name is not published");
}
