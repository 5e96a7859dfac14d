//! What goes wrong on the way.

use super::*;

fn on(method: &str, path: &str, mut fault: Value) -> Value {
    fault["match"] = json!({"method": method, "path": path});
    fault["times"] = json!(1);
    fault
}

/// Faults after which the effect has happened, though nobody says so.
fn losses() -> Vec<Value> {
    vec![
        json!({"kind": "dropAfter"}),
        json!({"kind": "truncate", "bytes": 5}),
        json!({"kind": "truncate", "clean": true}),
        json!({"kind": "delay", "ms": 60_000, "after": true}),
        json!({"kind": "status", "code": 500, "effect": true}),
        json!({"kind": "status", "code": 502, "effect": true}),
        json!({"kind": "status", "code": 504, "effect": true}),
        json!({"kind": "html", "effect": true}),
        json!({"kind": "endless", "effect": true}),
        json!({"kind": "slow"}),
        json!({"kind": "redirect", "location": "https://login.example/", "code": 303, "effect": true}),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_answer_is_lost_is_found_by_its_mark() {
    for loss in losses() {
        let world = World::new();
        let desired = world.desired(&cards()).await;
        world.fault(&on("POST", "dlp/policies", loss.clone()));
        let error = world.execute(&Step::Create(Box::new(desired.clone()))).await.unwrap_err();
        assert_eq!(error.class, Class::Ambiguous, "{loss}: {error}");
        assert_eq!(world.converge(&desired).await, 1, "{loss}: only switched on");
        assert_eq!(world.counter("policiesCreated"), json!(1), "{loss}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_any_other_effect_is_made_good_by_looking() {
    for loss in losses().into_iter().chain([json!({"kind": "dropBefore"})]) {
        let world = World::new();
        let mut desired = world.desired(&cards()).await;
        world.converge(&desired).await;
        set(&mut desired, "type", json!("Warn"));
        let observed = Box::new(world.find(&desired).await.unwrap());
        let id = observed.id.clone().unwrap();
        let before = usize::from(loss["kind"] == "dropBefore");
        world.fault(&on("PUT", "policies", loss.clone()));
        let step = Step::Replace { desired: Box::new(desired.clone()), observed };
        assert_eq!(world.execute(&step).await.unwrap_err().class, Class::Ambiguous, "{loss}");
        assert_eq!(world.converge(&desired).await, before, "{loss}");
        world.fault(&on("POST", "disable", loss.clone()));
        let off = Step::SetEnabled { ids: vec![id.clone()], enabled: false };
        assert_eq!(world.execute(&off).await.unwrap_err().class, Class::Ambiguous, "{loss}");
        assert_eq!(world.ours().unwrap()["active"], json!(before == 1), "{loss}");
        world.execute(&off).await.unwrap();
        world.fault(&on("DELETE", "policies", loss.clone()));
        let gone = Step::Delete(vec![id]);
        assert_eq!(world.execute(&gone).await.unwrap_err().class, Class::Ambiguous, "{loss}");
        world.execute(&gone).await.unwrap();
        assert_eq!(world.ours(), None, "{loss}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_done_by_half_is_seen_and_finished() {
    let world = World::new();
    let desired = world.desired(&cards()).await;
    world.fault(&on("POST", "dlp/policies", json!({"kind": "partialWrite"})));
    let error = world.execute(&Step::Create(Box::new(desired.clone()))).await.unwrap_err();
    assert_eq!(error.class, Class::Ambiguous, "{error}");
    assert_eq!(world.ours().unwrap()["dictionaries"], json!([]));
    assert_eq!(world.converge(&desired).await, 2, "filled, and switched on only then");
    assert_eq!(world.ours().unwrap()["dictionaries"], json!(["card-patterns", "project-names"]));
    let mut changed = desired.clone();
    let ids = desired.leaves[&LeafPath("dictionaries".into())].value[0].clone();
    set(&mut changed, "dictionaries", json!([ids]));
    set(&mut changed, "type", json!("Warn"));
    let observed = Box::new(world.find(&desired).await.unwrap());
    world.fault(&on("PUT", "policies", json!({"kind": "partialWrite"})));
    let step = Step::Replace { desired: Box::new(changed.clone()), observed };
    assert_eq!(world.execute(&step).await.unwrap_err().class, Class::Ambiguous);
    assert_eq!(world.converge(&changed).await, 1);
    assert_eq!(world.counter("emptied"), json!(0), "nothing of it switched enforcement off");
}

#[tokio::test(start_paused = true)]
async fn somebody_who_edits_between_read_and_write_is_overwritten_and_seen_by_the_next_read() {
    let world = World::new();
    let mut desired = world.desired(&cards()).await;
    world.converge(&desired).await;
    set(&mut desired, "type", json!("Warn"));
    let observed = Box::new(world.find(&desired).await.unwrap());
    let id = world.ours().unwrap()["policyId"].clone();
    let change = json!({"editPolicies": [{"policy": id, "dictionaries": []}]});
    world.fault(&on("PUT", "policies", json!({"kind": "foreignEdit", "change": change})));
    world.execute(&Step::Replace { desired: Box::new(desired.clone()), observed }).await.unwrap();
    let ours = world.ours().unwrap();
    assert_eq!(
        (&ours["active"], &ours["type"]),
        (&json!(false), &json!("Warn")),
        "the system disabled it meanwhile"
    );
    assert_eq!(world.converge(&desired).await, 1, "which the next read tells");
}

#[tokio::test(start_paused = true)]
async fn the_system_may_ask_to_slow_down() {
    let world = World::new();
    world.observe().await;
    world.fault(&json!({"kind": "status", "code": 429, "retryAfter": "2", "times": 1}));
    assert!(world.observe().await.complete, "a read waits a little and goes on");
    world.fault(&json!({"kind": "status", "code": 429, "retryAfter": "60", "times": 1}));
    let error = world.driver.observe(&Scope::default()).await.unwrap_err();
    assert_eq!(
        (error.class, error.reason),
        (Class::Throttled { after: Some(Duration::from_secs(60)) }, Reason::Throttled)
    );
    let seen = world.calls().len();
    let error = world.execute(&Step::Delete(vec![ExternalId("x".into())])).await.unwrap_err();
    assert!(matches!(error.class, Class::Throttled { .. }), "{error:?}");
    assert_eq!(world.calls().len(), seen, "nothing is sent meanwhile");
    let strict = World::with(&json!({"requestsPerMinute": 2}), &json!({}));
    let error = strict.driver.observe(&Scope::default()).await.unwrap_err();
    assert!(matches!(error.class, Class::Throttled { .. }), "without a word about how long: {error:?}");
}

#[tokio::test(start_paused = true)]
async fn no_fault_of_a_read_looks_like_an_empty_pod() {
    let faults = [
        (json!({"kind": "status", "code": 500}), Some(Class::Transient)),
        (json!({"kind": "status", "code": 503}), Some(Class::Transient)),
        (json!({"kind": "status", "code": 404}), Some(Class::Transient)),
        (json!({"kind": "status", "code": 403}), Some(Class::Rejected)),
        (json!({"kind": "status", "code": 401}), Some(Class::Unauthorized)),
        (json!({"kind": "status", "code": 200, "body": ""}), Some(Class::Transient)),
        (json!({"kind": "status", "code": 200, "body": {}}), Some(Class::Transient)),
        (json!({"kind": "html"}), Some(Class::Transient)),
        (json!({"kind": "dropBefore"}), Some(Class::Transient)),
        (json!({"kind": "dropAfter"}), Some(Class::Transient)),
        (json!({"kind": "truncate"}), Some(Class::Transient)),
        (json!({"kind": "truncate", "clean": true}), Some(Class::Transient)),
        (json!({"kind": "endless"}), Some(Class::Transient)),
        (json!({"kind": "gzipBomb", "megabytes": 8}), Some(Class::Transient)),
        (json!({"kind": "delay", "ms": 60_000}), Some(Class::Transient)),
        (json!({"kind": "slow"}), Some(Class::Transient)),
        (json!({"kind": "redirect", "location": "https://evil.example/"}), Some(Class::Transient)),
        (json!({"kind": "rewrite", "remove": ["/policies", "/items"]}), Some(Class::Transient)),
        (json!({"kind": "rewrite", "set": {"/policies": null, "/items": null}}), Some(Class::Transient)),
        (json!({"kind": "rewrite", "set": {"/policies": {}, "/items": {}}}), Some(Class::Transient)),
        (json!({"kind": "rewrite", "remove": ["/policies/0/policyId", "/items/0/dictRef"]}), None),
        (json!({"kind": "rewrite", "set": {"/policies/0/active": "yes", "/items/0/dictRef/name": 7}}), None),
        (
            json!({"kind": "rewrite", "set": {"/policies/0/dictionaryRefs": {}, "/items/0/dictRef/dictId": ""}}),
            None,
        ),
        (json!({"kind": "rewrite", "set": {"/pageCount": 7}}), None),
        (json!({"kind": "rewrite", "set": {"/page": 3}}), None),
    ];
    for (fault, class) in faults {
        let world = World::new();
        world.observe().await;
        let mut fault = fault.clone();
        fault["match"] = json!({"method": "GET", "path": "dlp"});
        world.fault(&fault);
        match world.driver.observe(&Scope::default()).await {
            Err(error) => {
                assert_eq!(Some(error.class), class, "{fault}: {error}");
                assert!(error.message.contains("/agent/v1/dlp/policies"), "{fault}: {error}");
            }
            Ok(view) => assert!(class.is_none() && !view.complete, "{fault}: {} policies", view.items.len()),
        }
        match world.driver.catalogue().await {
            Err(error) => assert!(class.is_some(), "{fault}: {error}"),
            Ok(catalogue) => {
                assert!(!catalogue.is_complete(crate::model::EntryKind::Dictionary), "{fault}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_while_removing_never_removes_more_or_lies() {
    for fault in [
        json!({"kind": "dropAfter"}),
        json!({"kind": "dropBefore"}),
        json!({"kind": "status", "code": 500}),
        json!({"kind": "status", "code": 404}),
        json!({"kind": "status", "code": 400}),
    ] {
        let world = World::new();
        let desired = world.desired(&cards()).await;
        world.converge(&desired).await;
        let id = world.find(&desired).await.unwrap().id.unwrap();
        world.execute(&Step::SetEnabled { ids: vec![id.clone()], enabled: false }).await.unwrap();
        world.fault(&on("DELETE", "policies", fault.clone()));
        let result = world.execute(&Step::Delete(vec![id])).await;
        let lost = fault["kind"] == "dropAfter";
        assert_eq!(result.is_ok() || lost, world.ours().is_none(), "{fault}: {result:?}");
        assert_eq!(world.observe().await.items.len(), if lost { 3 } else { 4 }, "{fault}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_known_calls_are_ever_made() {
    let world = World::new();
    world.driver.probe().await.unwrap();
    let desired = world.desired(&cards()).await;
    world.converge(&desired).await;
    let id = world.find(&desired).await.unwrap().id.unwrap();
    world.execute(&Step::SetEnabled { ids: vec![id.clone()], enabled: false }).await.unwrap();
    world.execute(&Step::Delete(vec![id])).await.unwrap();
    for line in world.calls() {
        let reads = line.starts_with("GET /agent/v1/dlp/") || line == "GET /agent/v1/info";
        let writes = line.contains(" /agent/v1/dlp/policies") && !line.contains('?');
        assert!(reads || writes, "dictionaries are read only, nothing else is touched: {line}");
    }
    for body in world.bodies() {
        let members: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["contentTypes", "dictionaryIds", "name", "scopes", "type"], "never left out");
    }
}
