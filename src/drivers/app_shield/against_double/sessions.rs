//! Sessions under every reading of the sheet (section 3).

use super::*;
use crate::{api::Reason, drivers::error::Class, model::EntryKind};

#[tokio::test(start_paused = true)]
async fn a_session_that_dies_is_replaced_whatever_the_system_says_of_it() {
    let readings = [
        json!({}),
        json!({"invalidCheck": "coded"}),
        json!({"refusedSave": "bare", "policyCodes": "integer"}),
        json!({"refusedList": "emptyArray"}),
        json!({"refusedList": "faultyElement"}),
        json!({"invalidSessionStatus": 401}),
        json!({"invalidSessionStatus": 403}),
        json!({"invalidSessionStatus": 400}),
        json!({"contactList": "wrapped", "policyList": "wrapped"}),
        json!({"forcedLogin": "keepsOthers"}),
        json!({"unforcedLogin": "refused"}),
        json!({"tokenLength": 23}),
    ];
    for reading in &readings {
        for paths in all_paths() {
            let world = World::with(&paths, reading);
            let desired = world.desired(&rows(), &acme()).await;
            // Before a save, a list, and whatever else comes.
            for _ in 0..2 {
                world.fault(&json!({"kind": "revokeSession"}));
                world.converge(&desired).await;
                tokio::time::sleep(Duration::from_secs(700)).await;
            }
            world.fault(&json!({"kind": "revokeSession", "match": {"path": "GetAllSecurityGroups"}}));
            world.fault(&json!({"kind": "revokeSession", "match": {"path": "GetContactList"}}));
            let catalogue = world.driver.catalogue().await.unwrap();
            let whole = catalogue.is_complete(EntryKind::Group) && catalogue.is_complete(EntryKind::User);
            assert!(whole, "{paths} {reading}");
            assert_eq!(world.ours().len(), 1, "{paths} {reading}: a refused save was repeated once");
            assert_eq!(world.converge(&desired).await, 0, "{paths} {reading}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_session_that_looks_like_a_failing_server_is_replaced_and_the_save_is_not_repeated() {
    for paths in all_paths() {
        let world = World::with(&paths, &json!({"invalidSessionStatus": 500}));
        let desired = world.desired(&rows(), &acme()).await;
        world.fault(&json!({"kind": "revokeSession", "match": {"path": "SaveAppShieldPolicy"}, "times": 1}));
        let error = world.create(&desired).await.unwrap_err();
        assert_eq!((error.class, world.saves().len()), (Class::Ambiguous, 1), "{paths}: {error}");
        assert_eq!(world.converge(&desired).await, 2, "{paths}: the session is a living one");
        assert_eq!(world.ours().len(), 1, "{paths}");
    }
}

#[tokio::test(start_paused = true)]
async fn sessions_are_renewed_before_they_end_also_by_a_wrong_clock() {
    let readings = [
        (json!({"sessionSecs": 300}), true),
        (json!({"sessionSecs": 300, "useExtends": true}), true),
        (json!({"sessionSecs": 300, "clockOffsetSecs": 3600}), false),
        (json!({"sessionSecs": 300, "clockOffsetSecs": -3600}), false),
        (json!({"sessionSecs": 300, "zoneMinutes": -480}), true),
    ];
    for (reading, in_time) in &readings {
        let world = World::with(&everything(), reading);
        for _ in 0..20 {
            let view = world.observe().await.unwrap();
            assert!(view.complete && view.items.len() == 3, "{reading}");
            tokio::time::sleep(Duration::from_secs(100)).await;
        }
        assert_eq!(world.counter("invalidSessions") == 0, *in_time, "{reading}");
        assert!(world.counter("logins") <= 11, "{reading}: {}", world.counter("logins"));
    }
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_login_is_answered_once_and_then_left_alone() {
    let world = World::new(&everything());
    let other = || world.patch(json!({"logIn": {"user": "policy-operator"}}));
    world.observe().await.unwrap();
    other();
    assert!(world.observe().await.unwrap().complete, "one login may be an accident");
    let mut contested = None;
    for _ in 0..5 {
        other();
        if let Err(error) = world.observe().await {
            contested = Some(error);
        }
    }
    let error = contested.unwrap();
    assert_eq!(error.reason, Reason::SessionContested, "{error}");
    assert!(matches!(error.class, Class::Throttled { after: Some(_) }), "nothing was done: {error:?}");
    let logins = world.counter("logins");
    for _ in 0..10 {
        other();
        world.observe().await.unwrap_err();
        tokio::time::sleep(Duration::from_secs(20)).await;
    }
    assert_eq!(world.counter("logins"), logins, "we do not fight");
    tokio::time::sleep(Duration::from_secs(200)).await;
    assert!(world.observe().await.unwrap().complete, "and come back when it is quiet");
}

#[tokio::test(start_paused = true)]
async fn logins_that_leave_each_other_alone_are_no_quarrel() {
    let world = World::with(&everything(), &json!({"forcedLogin": "keepsOthers"}));
    for _ in 0..10 {
        world.patch(json!({"logIn": {"user": "policy-operator"}}));
        assert!(world.observe().await.unwrap().complete);
    }
    assert_eq!(world.counter("invalidSessions"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_second_address_is_survived_once() {
    for (reading, survives) in [("ends", true), ("moves", true), ("ignored", true)] {
        let world = World::with(&everything(), &json!({ "secondLocation": reading }));
        world.observe().await.unwrap();
        world.fault(&json!({"kind": "sourceAddress", "address": "192.0.2.9", "times": 1}));
        assert_eq!(world.observe().await.is_ok(), survives, "{reading}");
        assert!(world.observe().await.unwrap().complete, "{reading}");
        assert!(world.counter("logins") <= 3, "{reading}: {}", world.counter("logins"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_that_changes_with_every_call_is_contested_not_fought() {
    let world = World::new(&everything());
    world.fault(&json!({"kind": "sourceAddress", "address": "192.0.2.9", "match": {"path": "GetPolicies"}}));
    let mut last = None;
    for _ in 0..20 {
        last = world.observe().await.err();
    }
    assert_eq!(last.unwrap().reason, Reason::SessionContested);
}

#[tokio::test(start_paused = true)]
async fn wrong_passwords_do_not_lock_the_account() {
    let world = World::as_user(
        &everything(),
        &json!({"lockoutAfter": 3}),
        &json!({}),
        Some(("policy-operator", "wrong")),
    );
    for _ in 0..20 {
        let error = world.driver.probe().await.unwrap_err();
        assert_eq!((error.class, error.reason), (Class::Unauthorized, Reason::Unauthorized), "{error}");
        assert!(error.message.contains("101"), "{error}");
    }
    assert_eq!(world.counter("loginsRefused"), 1);
}

#[tokio::test(start_paused = true)]
async fn accounts_that_cannot_work_say_why() {
    let world = World::new(&everything());
    world.patch(json!({"editUser": {"user": "policy-operator", "twoFactor": true}}));
    let error = world.driver.probe().await.unwrap_err();
    assert_eq!(error.class, Class::Unauthorized);
    assert!(error.message.contains("Two-factor"), "{error}");
    for rights in ["enforced", "ignored"] {
        let reader = Some(("mara.holt", "mara.holt-Pass-1"));
        let world = World::as_user(&everything(), &json!({ "rights": rights }), &json!({}), reader);
        let error = world.driver.probe().await.unwrap_err();
        assert_eq!((error.class, error.reason), (Class::Rejected, Reason::Forbidden), "{error}");
        assert_eq!((world.counter("logins"), world.counter("logouts")), (1, 1), "{rights}");
    }
}

#[tokio::test(start_paused = true)]
async fn rights_that_are_taken_away_look_like_nothing_else() {
    for refused in ["envelope", "emptyArray", "faultyElement"] {
        for status in [200, 400] {
            let world = World::with(&everything(), &json!({"refusedList": refused, "refusalStatus": status}));
            let desired = world.desired(&rows(), &acme()).await;
            world.converge(&desired).await;
            world.patch(json!({"editUser": {"user": "policy-operator", "admin": false}}));
            let about = format!("{refused} {status}");
            match world.observe().await {
                Err(error) => assert_eq!(error.class, Class::Rejected, "{about}: {error}"),
                Ok(view) => assert!(!view.complete, "{about}: no account without policies"),
            }
            let catalogue = world.driver.catalogue().await.unwrap();
            assert!(!catalogue.is_complete(EntryKind::Group), "{about}");
            let error = world.create(&desired).await.unwrap_err();
            assert_eq!((error.class, error.reason), (Class::Rejected, Reason::Rejected), "{about}: {error}");
            assert!(error.message.contains("permission"), "{error}");
            assert_eq!(world.counter("logins"), 1, "{about}: a login would not help");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_is_left_behind_by_nobody() {
    for reading in ["accepted", "refused"] {
        let world = World::with(&everything(), &json!({ "logoutOfNobody": reading }));
        world.observe().await.unwrap();
        world.driver.close().await;
        assert_eq!(world.service.double().state()["sessions"], json!([]), "{reading}");
        world.observe().await.unwrap();
        world.fault(&json!({"kind": "revokeSession"}));
        world.driver.close().await;
        assert_eq!(world.service.double().state()["sessions"], json!([]), "{reading}: dead already");
    }
}
