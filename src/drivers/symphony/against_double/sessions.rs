//! Logins, tokens, and when they end.

use super::*;

const OTHER: &str = include_str!("../../../sandbox/symphony/tests/keys/other.pem");

#[tokio::test(start_paused = true)]
async fn one_session_serves_everything() {
    let world = World::new();
    world.driver.probe().await.unwrap();
    let desired = world.desired(&cards()).await;
    world.converge(&desired).await;
    assert_eq!((world.sessions("sessionLogins"), world.sessions("keyManagerLogins")), (json!(1), json!(1)));
    world.driver.close().await;
    world.observe().await;
    assert_eq!(world.sessions("sessionLogins"), json!(2), "after closing it logs in again");
}

#[tokio::test(start_paused = true)]
async fn sessions_that_end_cost_one_login_and_nothing_else() {
    for tokens in [json!(["session"]), json!(["keyManager"]), json!(["session", "keyManager"])] {
        let world = World::new();
        let desired = world.desired(&cards()).await;
        let when = json!({"method": "POST", "path": "dlp/policies"});
        world.fault(&json!({"kind": "revokeSession", "tokens": tokens, "times": 1, "match": when}));
        world.execute(&Step::Create(Box::new(desired.clone()))).await.unwrap();
        assert_eq!(world.sessions("sessionLogins"), json!(2), "{tokens}");
        assert_eq!(world.counter("policiesCreated"), json!(1), "{tokens}: a 401 changed nothing");
        assert_eq!(world.converge(&desired).await, 1, "{tokens}");
    }
}

#[tokio::test(start_paused = true)]
async fn sessions_last_as_long_as_the_pod_says() {
    for (session, key_manager) in [(3600, 7200), (7200, 3600)] {
        let options = json!({"sessionSecs": session, "keyManagerSecs": key_manager});
        let world = World::with(&options, &json!({}));
        for _ in 0..8 {
            assert!(world.observe().await.complete);
            tokio::time::sleep(Duration::from_mins(30)).await;
        }
        assert_eq!(world.sessions("sessionLogins"), json!(4), "{options}: only when it is refused");
    }
}

#[tokio::test(start_paused = true)]
async fn the_key_managers_token_is_sent_wherever_it_may_be_wanted() {
    let readings = [
        (json!({"keyManagerToken": "always"}), false),
        (json!({"keyManagerToken": "byVersion"}), true),
        (json!({"keyManagerToken": "byVersion", "agentVersion": "Agent-24.11.0-1"}), false),
        (json!({"keyManagerToken": "byDelivery"}), false),
        (json!({"keyManagerToken": "byDelivery", "simplifiedKeyDelivery": true}), true),
    ];
    for (reading, without) in readings {
        World::with(&reading, &json!({})).driver.probe().await.unwrap();
        let world = World::with(&reading, &json!({"keyManagerUrl": null}));
        let probed = world.driver.probe().await;
        assert_eq!(world.sessions("keyManagerLogins"), json!(0), "{reading}");
        match probed {
            Ok(_) => assert!(without, "{reading}"),
            Err(error) => {
                assert!(!without, "{reading}: {error}");
                assert_eq!((error.class, error.reason), (Class::Unauthorized, Reason::Unauthorized));
                assert!(error.message.contains("set keyManagerUrl"), "{error}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_not_let_in_is_unauthorized_and_does_not_flood_the_pod() {
    let service = || World::new().service;
    let cases = [
        World::at(service(), &json!({}), &[("privateKey", OTHER)]),
        World::at(service(), &json!({}), &[("username", "nobody")]),
        World::with(&json!({"clockOffsetSecs": 600}), &json!({})),
        World::with(&json!({"clockOffsetSecs": -600}), &json!({})),
    ];
    for (number, world) in cases.into_iter().enumerate() {
        for _ in 0..10 {
            let error = world.driver.probe().await.unwrap_err();
            assert_eq!((error.class, error.reason), (Class::Unauthorized, Reason::Unauthorized), "{error}");
            assert_eq!(error.message.contains("its clock is 600 s"), number >= 2, "{error}");
        }
        assert_eq!(world.sessions("loginsRefused"), json!(3), "three a minute");
    }
    for offset in [30, -30] {
        World::with(&json!({ "clockOffsetSecs": offset }), &json!({})).driver.probe().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_closed_while_it_works_is_unauthorized() {
    let world = World::new();
    world.observe().await;
    world.patch(json!({"accounts": [{"username": "dlp-operator", "active": false}]}));
    let error = world.driver.observe(&Scope::default()).await.unwrap_err();
    assert_eq!((error.class, error.reason), (Class::Unauthorized, Reason::Unauthorized), "{error}");
    world.patch(json!({"accounts": [{"username": "dlp-operator", "active": true}]}));
    assert!(world.observe().await.complete, "and works again once it is opened");
}
