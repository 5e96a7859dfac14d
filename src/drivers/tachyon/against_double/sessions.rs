//! Logins, and what a 401 means.

use super::*;

#[tokio::test(start_paused = true)]
async fn one_login_serves_until_the_token_ends_or_is_revoked() {
    let world = World::new();
    world.observe().await;
    world.observe().await;
    assert_eq!(world.logins(), 1);
    world.fault(&json!({"kind": "revokeSession"}));
    let scope = Scope::default();
    let all = futures::future::join_all((0..4).map(|_| world.driver.observe(&scope))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(world.logins(), 2, "four refused calls, one login");
    tokio::time::sleep(Duration::from_secs(3400)).await;
    world.observe().await;
    assert_eq!(world.logins(), 3, "renewed before it ends");
    world.driver.close().await;
    let sessions = world.state()["sessions"].clone();
    let out = world.service.recorder().since(0).into_iter().filter(|s| s.path.ends_with("/Logout")).count();
    assert_eq!(out, 1, "{sessions}");
}

#[tokio::test(start_paused = true)]
async fn every_call_names_the_consumer_and_nothing_leaves_the_host() {
    let world = World::new();
    world.driver.probe().await.unwrap();
    world.observe().await;
    world.driver.catalogue().await.unwrap();
    assert!(
        world
            .service
            .recorder()
            .since(0)
            .iter()
            .all(|seen| seen.status < Some(400) || seen.path.contains("information"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_right_that_is_missing_is_named_and_does_not_loop_logins() {
    let world = World::new();
    let desired = world.desired(&usb(), &GROUPS).await;
    world.converge(&desired).await;
    let id = world.find(&desired).await.unwrap().id.unwrap();
    let cases = [
        (
            "GuaranteedState/Write",
            Step::SetEnabled { ids: vec![id.clone()], enabled: false },
            "GuaranteedState/Write",
        ),
        ("GuaranteedState/Delete", Step::Delete(vec![id]), "GuaranteedState/Delete"),
        ("PolicyDeployment/Execute", Step::Deploy, "PolicyDeployment/Execute"),
    ];
    for (permission, step, says) in cases {
        world.fault(&json!({"kind": "permissionRemoved", "permission": permission}));
        let before = world.logins();
        for _ in 0..5 {
            let error = world.execute(&step).await.unwrap_err();
            assert_eq!(
                (error.class, error.reason),
                (Class::Rejected, Reason::Forbidden),
                "{permission}: {error}"
            );
            assert!(error.message.contains(says) && error.message.contains("Ordain"), "{error}");
        }
        assert!(world.logins() <= before + 1, "{permission}");
        world.service.clear_faults();
    }
    assert!(world.logins() <= 3, "three a minute");
    assert_eq!(world.converge(&desired).await, 0, "and all of it works again");
}

#[tokio::test(start_paused = true)]
async fn reading_without_the_right_is_forbidden_not_an_empty_server() {
    for permission in ["GuaranteedState/Read", "PolicyDeployment/Execute"] {
        for login in ["tokenFlow", "readyToken"] {
            let world = World::with(&json!({ "login": login }));
            world.fault(&json!({"kind": "permissionRemoved", "permission": permission}));
            let error = world.driver.observe(&Scope::default()).await.unwrap_err();
            let unsure = login == "readyToken" && permission == "GuaranteedState/Read";
            let expected = if unsure {
                (Class::Unauthorized, Reason::Unauthorized)
            } else {
                (Class::Rejected, Reason::Forbidden)
            };
            assert_eq!((error.class, error.reason), expected, "{permission} {login}: {error}");
            assert!(error.message.contains(permission), "{error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_ready_token_that_ends_is_unauthorized_and_nobody_logs_in() {
    let world = World::with(&json!({"login": "readyToken"}));
    world.observe().await;
    world.fault(&json!({"kind": "revokeSession"}));
    for _ in 0..5 {
        let error = world.driver.observe(&Scope::default()).await.unwrap_err();
        assert_eq!((error.class, error.reason), (Class::Unauthorized, Reason::Unauthorized), "{error}");
        assert!(error.message.contains("key token"), "{error}");
    }
    assert_eq!(world.logins(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_is_not_enabled_is_named() {
    let world = World::new();
    world.observe().await;
    world.fault(&json!({"kind": "consumerDisabled", "match": {"path": "Consumer"}}));
    let error = world.driver.observe(&Scope::default()).await.unwrap_err();
    assert_eq!((error.class, error.reason), (Class::Rejected, Reason::Forbidden), "{error}");
    assert!(error.message.contains("consumer Ordain is not registered"), "{error}");
    let fresh = World::new();
    fresh.patch(json!({"consumers": [{"consumer": "Ordain", "enabled": false}]}));
    let error = fresh.driver.observe(&Scope::default()).await.unwrap_err();
    assert_eq!(error.reason, Reason::Unauthorized, "{error}");
    assert!(error.message.contains("consumer"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_application_that_is_not_registered_is_unauthorized_three_times_a_minute() {
    let service = World::new().service;
    let world = World::at(service, &[("applicationId", "somebody-else")]);
    for _ in 0..10 {
        let error = world.driver.probe().await.unwrap_err();
        assert_eq!((error.class, error.reason), (Class::Unauthorized, Reason::Unauthorized), "{error}");
        assert!(error.message.contains("client assertion id"), "{error}");
    }
    assert_eq!(world.logins(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_off_is_told_by_the_refusal() {
    let world = World::with(&json!({"clockOffsetSecs": 7200}));
    let error = world.driver.probe().await.unwrap_err();
    assert_eq!(error.class, Class::Unauthorized, "{error}");
}
