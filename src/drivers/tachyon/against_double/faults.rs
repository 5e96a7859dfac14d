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
        json!({"kind": "delay", "ms": 60_000, "after": true}),
        json!({"kind": "status", "code": 500, "effect": true}),
        json!({"kind": "status", "code": 502, "effect": true}),
        json!({"kind": "status", "code": 504, "effect": true}),
        json!({"kind": "html", "effect": true}),
        json!({"kind": "endless", "effect": true}),
        json!({"kind": "redirect", "location": "https://login.example/", "code": 303, "effect": true}),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_answer_is_lost_is_found_by_its_mark() {
    for loss in losses() {
        let world = World::new();
        let desired = world.desired(&usb(), &GROUPS).await;
        world.fault(&on("POST", "Consumer/Policies", loss.clone()));
        let error = world.execute(&Step::Create(Box::new(desired.clone()))).await.unwrap_err();
        assert_eq!(error.class, Class::Ambiguous, "{loss}: {error}");
        world.converge(&desired).await;
        assert!(world.ours().is_some(), "{loss}: once");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_any_call_of_a_step_is_made_good_by_looking() {
    let calls = [
        ("PUT", "Policies"),
        ("POST", "/Rules"),
        ("POST", "/Assignments"),
        ("DELETE", "/Rules/"),
        ("DELETE", "/ManagementGroups/"),
    ];
    for loss in losses().into_iter().chain([json!({"kind": "dropBefore"})]) {
        for (method, path) in calls {
            let world = World::new();
            let mut desired = world.desired(&usb(), &GROUPS).await;
            world.converge(&desired).await;
            change(&world, &mut desired);
            let step = world.due(&desired).await.unwrap();
            world.fault(&on(method, path, loss.clone()));
            let error = world.execute(&step).await.unwrap_err();
            assert_eq!(error.class, Class::Ambiguous, "{loss} {method} {path}: {error}");
            world.converge(&desired).await;
            let ours = world.ours().unwrap();
            assert_eq!((&ours["name"], &ours["enabled"]), (&json!("USB off"), &json!(true)), "{loss} {path}");
            assert_eq!(ours["rules"], json!(["smb1-disabled", "print-spooler-stopped"]), "{loss} {path}");
            assert_eq!(ours["groups"], json!(["Finance laptops", "Kiosks"]), "{loss} {path}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_counts_as_nothing_done_only_if_it_is_the_first_call() {
    let refusals = [
        (json!({"kind": "status", "code": 400}), Class::Rejected),
        (json!({"kind": "status", "code": 403}), Class::Rejected),
        (json!({"kind": "status", "code": 409}), Class::Rejected),
        (json!({"kind": "status", "code": 422}), Class::Rejected),
        (json!({"kind": "status", "code": 404}), Class::Rejected),
        (
            json!({"kind": "status", "code": 429, "retryAfter": "60"}),
            Class::Throttled { after: Some(Duration::from_secs(60)) },
        ),
    ];
    for (refusal, alone) in refusals {
        for first in [true, false] {
            let world = World::new();
            let mut desired = world.desired(&usb(), &GROUPS).await;
            world.converge(&desired).await;
            change(&world, &mut desired);
            let step = world.due(&desired).await.unwrap();
            let (method, path) = if first { ("PUT", "Policies") } else { ("POST", "/Rules") };
            world.fault(&on(method, path, refusal.clone()));
            let error = world.execute(&step).await.unwrap_err();
            let expected = if first { alone } else { Class::Ambiguous };
            assert_eq!(error.class, expected, "{refusal} first: {first}: {error}");
            assert_eq!(
                world.ours().unwrap()["groups"],
                json!(["Call centre Zürich", "Finance laptops"]),
                "stops there"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_is_said_with_its_holder() {
    for shape in ["array", "object", "html", "empty"] {
        for status in [400, 409] {
            let world = World::with(&json!({"errorShape": shape, "conflictStatus": status}));
            let mut policy = usb();
            policy["displayName"] = json!("windows BASELINE");
            let desired = world.desired(&policy, &GROUPS).await;
            let error = world.execute(&Step::Create(Box::new(desired))).await.unwrap_err();
            assert_eq!(
                (error.class, error.reason),
                (Class::Rejected, Reason::NameConflict),
                "{shape}: {error}"
            );
            let holder = world.held("Windows baseline").unwrap()["id"].to_string();
            assert!(error.message.contains(&holder) && error.message.contains("adopt"), "{error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_is_gone_only_if_a_whole_list_says_so() {
    for status in [404, 400] {
        let world = World::with(&json!({ "notFoundStatus": status }));
        let mut desired = world.desired(&usb(), &GROUPS).await;
        world.converge(&desired).await;
        let observed = world.find(&desired).await.unwrap();
        let id = observed.id.clone().unwrap();
        change(&world, &mut desired);
        world.patch(json!({"removePolicies": ["USB lockdown Zürich"]}));
        let gone = (Class::Gone, Reason::ExternalObjectGone);
        let error = world.execute(&replace(&desired, observed.clone())).await.unwrap_err();
        assert_eq!((error.class, error.reason), gone, "{status}: {error}");
        let switch = Step::SetEnabled { ids: vec![id.clone()], enabled: true };
        let error = world.execute(&switch).await.unwrap_err();
        assert_eq!((error.class, error.reason), gone, "{status}: {error}");
        world.execute(&Step::Delete(vec![id.clone()])).await.unwrap();
        world.fault(&json!({"kind": "pageAnomaly", "anomaly": "countHigh"}));
        let error = world.execute(&switch).await.unwrap_err();
        assert_eq!(error.class, Class::Transient, "{status}: a cut list proves nothing: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_that_became_hidden_is_said_to_be_so() {
    for status in [404, 400] {
        let world = World::with(&json!({"hiddenStatus": status}));
        let mut desired = world.desired(&usb(), &["Finance laptops"]).await;
        world.converge(&desired).await;
        let kiosks = world.id_of("groups", "Kiosks");
        groups(&mut desired).insert(kiosks);
        let step = world.due(&desired).await.unwrap();
        world.fault(&json!({"kind": "hideGroups", "groups": ["Kiosks"]}));
        let error = world.execute(&step).await.unwrap_err();
        assert_eq!((error.class, error.reason), (Class::Rejected, Reason::Rejected), "{error}");
        assert!(error.message.contains("does not see"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_refused_does_not_keep_the_others() {
    let world = World::with(&json!({"deletePolicy": "refusedEnabled"}));
    let desired = world.desired(&usb(), &GROUPS).await;
    world.converge(&desired).await;
    let id = world.find(&desired).await.unwrap().id.unwrap();
    let enabled = ExternalId(world.held("Windows baseline").unwrap()["id"].to_string().into());
    world.execute(&Step::SetEnabled { ids: vec![id.clone()], enabled: false }).await.unwrap();
    let error = world.execute(&Step::Delete(vec![enabled.clone(), id])).await.unwrap_err();
    assert_eq!(error.class, Class::Ambiguous, "one of them is gone: {error}");
    assert_eq!(world.ours(), None);
    let error = world.execute(&Step::Delete(vec![enabled])).await.unwrap_err();
    assert_eq!((error.class, error.reason), (Class::Rejected, Reason::Rejected), "now it says why: {error}");
}

#[tokio::test(start_paused = true)]
async fn what_was_done_by_half_is_seen_and_finished() {
    for (method, path) in [("POST", "/Rules"), ("POST", "/Assignments"), ("PUT", "Policies")] {
        let world = World::new();
        let mut desired = world.desired(&usb(), &GROUPS).await;
        world.converge(&desired).await;
        set(&mut desired, "name", json!("USB off"));
        for rule in ["print-spooler-stopped", "browser-home-page"] {
            let path = LeafPath(format!("rules/{}", world.id_of("rules", rule)).into());
            let on = desired.leaves.values().next_back().unwrap().clone();
            desired.leaves.insert(path, on);
        }
        for group in ["Kiosks", "Pilot ring"] {
            let id = world.id_of("groups", group);
            groups(&mut desired).insert(id);
        }
        let step = world.due(&desired).await.unwrap();
        world.fault(&on(method, path, json!({"kind": "partialWrite"})));
        assert_eq!(world.execute(&step).await.unwrap_err().class, Class::Ambiguous, "{method} {path}");
        world.converge(&desired).await;
        let ours = world.ours().unwrap();
        assert_eq!(ours["rules"].as_array().unwrap().len(), 4, "{path}");
        assert_eq!(ours["groups"].as_array().unwrap().len(), 4, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn somebody_who_edits_between_read_and_put_keeps_what_he_added() {
    let world = World::new();
    let mut desired = world.desired(&usb(), &GROUPS).await;
    world.converge(&desired).await;
    set(&mut desired, "name", json!("USB off"));
    let observed = world.find(&desired).await.unwrap();
    let edit = json!({"policy": "USB lockdown Zürich", "addGroups": ["Quarantine"], "addRules": ["agent-log-present"]});
    world.patch(json!({"editPolicies": [edit]}));
    world.execute(&replace(&desired, observed)).await.unwrap();
    let ours = world.ours().unwrap();
    assert_eq!(ours["groups"], json!(["Call centre Zürich", "Finance laptops", "Quarantine"]));
    assert_eq!(ours["rules"].as_array().unwrap().len(), 3, "the next read tells about the rule");
}

#[tokio::test(start_paused = true)]
async fn no_fault_of_a_read_looks_like_an_empty_server() {
    let faults = [
        (json!({"kind": "status", "code": 500}), Class::Transient),
        (json!({"kind": "status", "code": 503}), Class::Transient),
        (json!({"kind": "status", "code": 403}), Class::Rejected),
        (json!({"kind": "status", "code": 200, "body": ""}), Class::Transient),
        (json!({"kind": "status", "code": 200, "body": {}}), Class::Transient),
        (json!({"kind": "html"}), Class::Transient),
        (json!({"kind": "dropBefore"}), Class::Transient),
        (json!({"kind": "dropAfter"}), Class::Transient),
        (json!({"kind": "truncate"}), Class::Transient),
        (json!({"kind": "endless"}), Class::Transient),
        (json!({"kind": "gzipBomb", "megabytes": 8}), Class::Transient),
        (json!({"kind": "delay", "ms": 60_000}), Class::Transient),
        (json!({"kind": "redirect", "location": "https://evil.example/"}), Class::Transient),
        (json!({"kind": "rewrite", "remove": ["/Items"]}), Class::Transient),
        (json!({"kind": "rewrite", "set": {"/Items": {}}}), Class::Transient),
    ];
    for (fault, class) in faults {
        let world = World::new();
        world.observe().await;
        let mut fault = fault.clone();
        fault["match"] = json!({"path": "ShallowSearch"});
        world.fault(&fault);
        let error = world.driver.observe(&Scope::default()).await.unwrap_err();
        assert_eq!(error.class, class, "{fault}: {error}");
        assert!(error.message.contains("ShallowSearch"), "{fault}: {error}");
    }
    let unreadable = [
        json!({"remove": ["/Items/0/Id"]}),
        json!({"remove": ["/Items/0/Rules"]}),
        json!({"remove": ["/Items/0/ManagementGroups"]}),
        json!({"set": {"/Items/0/Enabled": "perhaps"}}),
        json!({"set": {"/Items/0/Name": 7}}),
        json!({"set": {"/Items/0/Rules": ["x"]}}),
        json!({"set": {"/TotalCount": 7}}),
    ];
    for mut fault in unreadable {
        let world = World::new();
        fault["kind"] = json!("rewrite");
        fault["match"] = json!({"path": "ShallowSearch"});
        world.fault(&fault);
        assert!(!world.observe().await.complete, "{fault}");
    }
    let world = World::new();
    world.fault(&json!({"kind": "rewrite", "set": {"/Items/0/ManagementGroups": ["Unheard of"]}, "match": {"path": "ShallowSearch"}}));
    let observation = world.observe().await;
    assert!(observation.partial.unwrap().contains("Unheard of"), "a name that leads nowhere");
    assert!(observation.items.iter().all(|item| !item.fixed.is_empty()));
}

#[tokio::test(start_paused = true)]
async fn without_the_search_everything_is_read_at_once() {
    let world = World::new();
    let expected = world.observe().await;
    for code in [404, 405, 501] {
        world.fault(&json!({"kind": "status", "code": code, "match": {"path": "ShallowSearch"}}));
        let observation = world.observe().await;
        assert_eq!(observation, expected, "{code}");
        world.service.clear_faults();
    }
    assert!(world.calls().contains(&"GET Policies".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_fails_says_why() {
    let cases = [
        (json!({"kind": "status", "code": 400}), Class::Rejected),
        (json!({"kind": "status", "code": 404}), Class::Rejected),
        (json!({"kind": "status", "code": 500}), Class::Ambiguous),
        (json!({"kind": "dropAfter"}), Class::Ambiguous),
    ];
    for (fault, class) in cases {
        let world = World::new();
        world.patch(json!({"touchPolicies": ["Browser baseline"]}));
        world.fault(&on("POST", "Consumer/Policy", fault.clone()));
        assert_eq!(world.execute(&Step::Deploy).await.unwrap_err().class, class, "{fault}");
    }
    let world = World::new();
    world.patch(json!({"touchPolicies": ["Browser baseline"]}));
    world.fault(&on("POST", "Consumer/Policy", json!({"kind": "deploymentLost"})));
    world.execute(&Step::Deploy).await.unwrap();
    assert!(world.observe().await.undeployed, "answered well, and nothing happened: still pending");
}
