//! What goes wrong on the way.

use super::*;
use crate::{api::Reason, drivers::error::Class};

fn on(path: &str, fault: &Value) -> Value {
    let mut fault = fault.clone();
    fault["match"] = json!({"method": "POST", "path": path});
    fault["times"] = json!(1);
    fault
}

/// Ways in which an answer gets lost after the effect.
fn losses() -> [Value; 12] {
    [
        json!({"kind": "dropAfter"}),
        json!({"kind": "truncate", "bytes": 5}),
        json!({"kind": "truncate", "bytes": 5, "clean": true}),
        json!({"kind": "delay", "ms": 60_000, "after": true}),
        json!({"kind": "status", "code": 504, "effect": true}),
        json!({"kind": "html", "effect": true}),
        json!({"kind": "endless", "effect": true}),
        json!({"kind": "gzipBomb", "megabytes": 8, "effect": true}),
        json!({"kind": "slow"}),
        json!({"kind": "redirect", "location": "https://evil.example/", "code": 303, "effect": true}),
        json!({"kind": "status", "code": 500, "body": {"ErrorCode": "7", "ErrorMessage": "x"}, "effect": true}),
        json!({"kind": "rewrite", "set": {"/id": null}}),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_answer_is_lost_leaves_an_inert_policy_that_its_mark_finds() {
    for loss in losses() {
        for paths in all_paths() {
            let world = World::new(&paths);
            let desired = world.desired(&rows(), &acme()).await;
            world.fault(&on("SaveAppShieldPolicy", &loss));
            let error = world.create(&desired).await.unwrap_err();
            assert_eq!(error.class, Class::Ambiguous, "{paths} {loss}: {error}");
            let made = world.ours();
            assert_eq!((made.len(), world.saves().len()), (1, 1), "{paths} {loss}: not sent twice");
            let inert = &made[0];
            assert_eq!(
                (&inert["isActive"], &inert["groups"], &inert["users"]),
                (&json!(false), &json!([]), &json!([]))
            );
            if world.driver.translate().facts().lists {
                assert_eq!(world.converge(&desired).await, 1, "{paths} {loss}: found and filled");
                assert_eq!(world.ours().len(), 1);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_save_whose_answer_is_lost_is_made_good_by_looking() {
    for loss in losses() {
        let world = World::new(&everything());
        world.converge(&world.desired(&rows(), &acme()).await).await;
        let mut policy = rows();
        policy["displayName"] = json!("Renamed");
        let desired = world.desired(&policy, &acme()).await;
        let stands = world.find(&desired).await.unwrap();
        world.fault(&on("SaveAppShieldPolicy", &loss));
        let error = world.replace(&desired, stands).await.unwrap_err();
        assert_eq!(error.class, Class::Ambiguous, "{loss}: {error}");
        assert_eq!(world.converge(&desired).await, 0, "{loss}: it had been saved");
    }
}

#[tokio::test(start_paused = true)]
async fn a_save_that_never_arrived_is_not_ambiguous_about_anything_but_itself() {
    let world = World::new(&everything());
    let desired = world.desired(&rows(), &acme()).await;
    world.fault(&on("SaveAppShieldPolicy", &json!({"kind": "dropBefore"})));
    let error = world.create(&desired).await.unwrap_err();
    assert_eq!(error.class, Class::Ambiguous, "nobody can tell: {error}");
    assert!(world.ours().is_empty());
    assert_eq!(world.converge(&desired).await, 2);
}

#[tokio::test(start_paused = true)]
async fn codes_of_every_spelling_are_refusals_and_null_is_none() {
    for code in [json!(5004), json!("5004")] {
        let world = World::new(&json!({}));
        let desired = world.desired(&rows(), &acme()).await;
        let fault = json!({"kind": "errorCode", "code": code, "message": "Name already exists."});
        world.fault(&on("SaveAppShieldPolicy", &fault));
        let error = world.create(&desired).await.unwrap_err();
        assert_eq!((error.class, error.reason), (Class::Rejected, Reason::Rejected), "{code}: {error}");
        assert!(error.message.contains("ErrorCode 5004: Name already exists."), "{error}");
        assert_eq!(
            (world.count("CheckSession"), world.counter("logins")),
            (1, 1),
            "{code}: asked, and alive"
        );
    }
    for effect in [true, false] {
        let world = World::new(&json!({}));
        let desired = world.desired(&rows(), &acme()).await;
        let fault = json!({"kind": "errorCode", "code": null, "effect": effect});
        world.fault(&on("SaveAppShieldPolicy", &fault));
        let error = world.create(&desired).await.unwrap_err();
        assert_eq!(
            (error.class, error.reason),
            (Class::Ambiguous, Reason::UnexpectedAnswer),
            "no id: {error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_another_order_is_the_same_answer() {
    let world = World::new(&everything());
    world.fault(&json!({"kind": "reorderKeys"}));
    let desired = world.desired(&rows(), &acme()).await;
    assert_eq!(world.converge(&desired).await, 2);
    assert_eq!(world.converge(&desired).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_save_that_stores_less_than_it_answers_is_found_by_reading() {
    for (stored, saves) in [("scalars", 2), ("nothing", 2)] {
        let world = World::new(&everything());
        let desired = world.desired(&rows(), &acme()).await;
        world.create(&desired).await.unwrap();
        world.fault(&on("SaveAppShieldPolicy", &json!({"kind": "partialWrite", "stored": stored})));
        assert_eq!(world.converge(&desired).await, saves, "{stored}: once in vain, once for good");
    }
}

#[tokio::test(start_paused = true)]
async fn throttling_is_obeyed() {
    let world = World::new(&everything());
    let desired = world.desired(&rows(), &acme()).await;
    let fault = json!({"kind": "status", "code": 429, "retryAfter": "60"});
    world.fault(&on("SaveAppShieldPolicy", &fault));
    let error = world.create(&desired).await.unwrap_err();
    assert_eq!(error.class, Class::Throttled { after: Some(Duration::from_secs(60)) });
    let calls = world.calls().len();
    assert!(matches!(world.observe().await.unwrap_err().class, Class::Throttled { .. }));
    assert_eq!(world.calls().len(), calls, "nothing is sent meanwhile");
    let fault = json!({"kind": "status", "code": 503, "retryAfter": "3"});
    tokio::time::sleep(Duration::from_secs(61)).await;
    world.fault(&on("GetPolicies", &fault));
    assert!(world.observe().await.unwrap().complete, "a read waits a little and goes on");
}

#[tokio::test(start_paused = true)]
async fn no_fault_of_a_read_looks_like_an_account_without_policies() {
    let faults = [
        json!({"kind": "status", "code": 500}),
        json!({"kind": "status", "code": 404}),
        json!({"kind": "status", "code": 200, "body": ""}),
        json!({"kind": "status", "code": 200, "body": {}}),
        json!({"kind": "status", "code": 200, "body": {"ErrorCode": 0}}),
        json!({"kind": "status", "code": 200, "body": [null]}),
        json!({"kind": "status", "code": 200, "body": [{}]}),
        json!({"kind": "html"}),
        json!({"kind": "dropBefore"}),
        json!({"kind": "dropAfter"}),
        json!({"kind": "truncate"}),
        json!({"kind": "truncate", "clean": true}),
        json!({"kind": "endless"}),
        json!({"kind": "gzipBomb", "megabytes": 8}),
        json!({"kind": "delay", "ms": 60_000}),
        json!({"kind": "slow"}),
        json!({"kind": "redirect", "location": "https://evil.example/"}),
        json!({"kind": "rewrite", "remove": ["/0/id"]}),
        json!({"kind": "rewrite", "set": {"/0/isActive": "yes"}}),
        json!({"kind": "rewrite", "set": {"/0/Groups": [{"GroupName": "x"}]}}),
        json!({"kind": "errorCode", "code": 5002, "message": "no"}),
    ];
    for fault in &faults {
        for paths in &all_paths()[2..] {
            let world = World::new(paths);
            world.observe().await.unwrap();
            let mut fault = fault.clone();
            fault["match"] = json!({"path": "GetPolicies"});
            world.fault(&fault);
            match world.observe().await {
                Err(error) => assert!(!error.message.is_empty()),
                Ok(view) => assert!(!view.complete, "{paths} {fault}: {} policies", view.items.len()),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_without_policies_is_believed_if_its_groups_are_shown() {
    let world = World::new(&all_paths()[2]);
    for policy in world.policies() {
        world.patch(json!({"removePolicy": {"id": policy["id"]}}));
    }
    let view = world.observe().await.unwrap();
    assert!(view.complete && view.items.is_empty());
    world.fault(
        &json!({"kind": "status", "code": 200, "body": [], "match": {"path": "GetAllSecurityGroups"}}),
    );
    assert!(!world.observe().await.unwrap().complete, "who shows no groups may hide policies");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_url_is_named() {
    let world = World::new(&json!({}));
    world.patch(json!({"options": {"base": "/elsewhere"}}));
    let error = world.driver.probe().await.unwrap_err();
    assert_eq!((error.class, error.reason), (Class::Rejected, Reason::Invalid));
    assert!(
        error.message.contains("/api/login/DoLogin") && error.message.contains("appShield.url"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_account_is_known_by_where_it_is() {
    let world = World::new(&everything());
    let account = world.driver.probe().await.unwrap().account;
    assert_eq!(account.fingerprint, "bi.example:443/api");
    assert_eq!(account.capabilities["ListPolicies"], "Allowed");
    assert_eq!(account.capabilities["SavePolicies"], "Allowed");
    let bare = World::new(&json!({})).driver.probe().await.unwrap().account;
    assert_eq!(
        (&bare.evidence, &bare.capabilities["ListPolicies"]),
        (&account.evidence, &"Unknown".to_owned())
    );
    assert_eq!(world.counter("creates") + world.counter("updates") + world.counter("deletes"), 0);
}

#[tokio::test(start_paused = true)]
async fn no_message_and_no_record_shows_a_secret() {
    let world = World::new(&everything());
    let password = world.service.double().credentials()["password"].clone();
    let faults = [
        json!({"kind": "truncate", "bytes": 120, "clean": true}),
        json!({"kind": "truncate", "bytes": 140, "clean": true}),
        json!({"kind": "html"}),
        json!({"kind": "rewrite", "remove": ["/LoginSession/SessionToken"]}),
        json!({"kind": "rewrite", "set": {"/LoginSession/SessionExpir": 7}}),
    ];
    for fault in &faults {
        world.driver.close().await;
        world.fault(&on("DoLogin", fault));
        let error = world.driver.probe().await.unwrap_err();
        let token =
            error.message.split(|c: char| !(c.is_ascii_uppercase() || c == '[')).any(|word| word.len() > 8);
        assert!(!token && !error.message.contains(&password), "{fault}: {error}");
    }
}
