//! What goes wrong on the way, and who may not do what.

use super::*;
use crate::{api::Reason, drivers::error::Class};

fn on(method: &str, path: &str, mut fault: Value) -> Value {
    fault["match"] = json!({"method": method, "path": path});
    fault["times"] = json!(1);
    fault
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_answer_is_lost_is_found_by_its_mark() {
    let losses = [
        json!({"kind": "dropAfter"}),
        json!({"kind": "truncate", "bytes": 5}),
        json!({"kind": "delay", "ms": 60_000, "after": true}),
        json!({"kind": "status", "code": 504, "effect": true}),
        json!({"kind": "status", "code": 500, "effect": true}),
        json!({"kind": "html", "effect": true}),
        json!({"kind": "endless", "effect": true}),
        json!({"kind": "redirect", "location": "https://login.example/", "code": 303, "effect": true}),
    ];
    for dialect in ALL {
        for loss in &losses {
            let world = World::new(dialect);
            let desired = world.desired(&baseline(), &engineers()).await;
            world.fault(&on("POST", "policies", loss.clone()));
            let error = world.execute(&Step::Create(Box::new(desired.clone()))).await.unwrap_err();
            assert_eq!(error.class, Class::Ambiguous, "{dialect:?} {loss}: {error}");
            assert_eq!(world.converge(&desired).await, 1, "{dialect:?} {loss}: only switched on");
            assert_eq!(world.ours().len(), 1, "{dialect:?} {loss}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_a_put_is_made_good_by_looking() {
    for dialect in ALL {
        for loss in ["dropAfter", "dropBefore"] {
            let world = World::new(dialect);
            let mut desired = world.desired(&baseline(), &engineers()).await;
            world.converge(&desired).await;
            desired.leaves.get_mut(&LeafPath("name".into())).unwrap().value = "Renamed".into();
            let observed = world.find(&desired).await.unwrap();
            world.fault(&on("PUT", "policies", json!({ "kind": loss })));
            let step = Step::Replace { desired: Box::new(desired.clone()), observed: Box::new(observed) };
            assert_eq!(world.execute(&step).await.unwrap_err().class, Class::Ambiguous, "{dialect:?} {loss}");
            assert_eq!(
                world.converge(&desired).await,
                usize::from(loss == "dropBefore"),
                "{dialect:?} {loss}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_revoked_session_costs_one_login_and_nothing_else() {
    for dialect in ALL {
        for clients in [false, true] {
            let world = World::new(dialect);
            let desired = world.desired(&baseline(), &engineers()).await;
            tokio::time::sleep(Duration::from_secs(120)).await;
            world.fault(&json!({"kind": "revokeSession", "clients": clients}));
            let first = world.execute(&Step::Create(Box::new(desired.clone()))).await;
            if first.is_err() {
                // Refresh, password and registration are more than a minute's budget.
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
            world.converge(&desired).await;
            assert_eq!(world.ours().len(), 1, "{dialect:?} clients forgotten: {clients}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_expires_is_renewed_in_time() {
    for dialect in ALL {
        let world = World::with(dialect, &json!({"tokenLifetime": 120}), &json!({}));
        for _ in 0..10 {
            world.observe().await;
            tokio::time::sleep(Duration::from_secs(50)).await;
        }
        let refused =
            world.service.recorder().since(0).into_iter().filter(|seen| seen.status == Some(401)).count();
        assert_eq!(refused, 0, "{dialect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn wrong_passwords_are_unauthorized_under_every_status() {
    for dialect in ALL {
        for status in [400, 401] {
            let options = json!({ "wrongPasswordStatus": status });
            let world = World::as_user(dialect, &options, &json!({}), Some(("policy-operator", "wrong")));
            let error = world.driver.probe().await.unwrap_err();
            assert_eq!(
                (error.class, error.reason),
                (Class::Unauthorized, Reason::Unauthorized),
                "{dialect:?}: {error}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_may_only_read_is_told_what_is_missing_and_keeps_his_session() {
    for dialect in ALL {
        let world = World::as_user(dialect, &json!({}), &json!({}), Some(("auditor", "auditor-Pass-1")));
        let desired = world.desired(&baseline(), &engineers()).await;
        let error = world.execute(&Step::Create(Box::new(desired))).await.unwrap_err();
        assert_eq!((error.class, error.reason), (Class::Rejected, Reason::Forbidden), "{dialect:?}: {error}");
        world.observe().await;
        let logins =
            world.service.recorder().since(0).into_iter().filter(|s| s.path.ends_with("/token")).count();
        assert_eq!(logins, 1, "{dialect:?}: a new token would not have helped");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unsubscribed_client_is_a_missing_right() {
    let world = World::with(Dialect::DeviceMgtV1, &json!({"subscribed": false}), &json!({}));
    let error = world.driver.probe().await.unwrap_err();
    assert_eq!((error.class, error.reason), (Class::Rejected, Reason::Forbidden), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_gateway_may_throttle() {
    let world = World::new(Dialect::DeviceMgtV1);
    world.observe().await;
    world.fault(&json!({"kind": "throttle", "times": 1}));
    assert!(world.observe().await.complete, "a read waits a little and goes on");
    world.fault(&json!({"kind": "status", "code": 429, "retryAfter": "60", "times": 1}));
    let error = world.driver.observe(&Scope::default()).await.unwrap_err();
    assert_eq!(error.class, Class::Throttled { after: Some(Duration::from_secs(60)) });
    let seen = world.calls().len();
    let error = world.execute(&Step::Deploy).await.unwrap_err();
    assert!(matches!(error.class, Class::Throttled { .. }), "{error:?}");
    assert_eq!(world.calls().len(), seen, "nothing is sent meanwhile");
}

#[tokio::test(start_paused = true)]
async fn no_fault_of_a_read_looks_like_an_empty_tenant() {
    let faults = [
        json!({"kind": "status", "code": 500}),
        json!({"kind": "status", "code": 404}),
        json!({"kind": "status", "code": 200, "body": ""}),
        json!({"kind": "status", "code": 200, "body": {}}),
        json!({"kind": "html"}),
        json!({"kind": "dropBefore"}),
        json!({"kind": "dropAfter"}),
        json!({"kind": "truncate"}),
        json!({"kind": "truncate", "clean": true}),
        json!({"kind": "endless"}),
        json!({"kind": "delay", "ms": 60_000}),
        json!({"kind": "slow"}),
        json!({"kind": "redirect", "location": "https://evil.example/"}),
        json!({"kind": "rewrite", "remove": ["/policies", "/responseContent"]}),
        json!({"kind": "rewrite", "set": {"/policies": null, "/responseContent": null}}),
        json!({"kind": "rewrite", "set": {"/policies": {}, "/responseContent": {}}}),
        json!({"kind": "rewrite", "remove": ["/policies/0/id", "/responseContent/0/id"]}),
        json!({"kind": "rewrite", "remove": ["/policies/0/profile", "/responseContent/0/profile"]}),
        json!({"kind": "rewrite", "set": {"/policies/0/active": "yes", "/responseContent/0/active": 7}}),
    ];
    for dialect in ALL {
        for fault in &faults {
            let world = World::new(dialect);
            world.observe().await;
            let mut fault = fault.clone();
            fault["match"] = json!({"method": "GET", "path": "policies"});
            world.fault(&fault);
            match world.driver.observe(&Scope::default()).await {
                Err(error) => assert!(!error.message.is_empty()),
                Ok(view) => assert!(!view.complete, "{dialect:?} {fault}: {} policies", view.items.len()),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_while_removing_never_removes_more_or_lies() {
    for dialect in ALL {
        for fault in [
            json!({"kind": "dropAfter"}),
            json!({"kind": "dropBefore"}),
            json!({"kind": "status", "code": 500}),
        ] {
            let world = World::new(dialect);
            let desired = world.desired(&baseline(), &engineers()).await;
            world.converge(&desired).await;
            let id = world.find(&desired).await.unwrap().id.unwrap();
            world.fault(&on("POST", "remove", fault.clone()));
            let result = world.execute(&Step::Delete(vec![id])).await;
            assert_eq!(result.is_ok(), world.ours().is_empty(), "{dialect:?} {fault}: {result:?}");
            assert_eq!(world.policies().len() - world.ours().len(), 2, "{dialect:?} {fault}");
        }
    }
}
