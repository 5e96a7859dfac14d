//! A whole life of a policy, and every reading of the sheet on the way.

use std::collections::BTreeMap;

use super::*;

/// Readings of what the sheet leaves open.
fn readings() -> Vec<Value> {
    vec![
        json!({}),
        json!({"version": "5.1.0"}),
        json!({"version": "5.0.9"}),
        json!({"login": "readyToken"}),
        json!({"portalRoot": "api"}),
        json!({"portalUrl": "host"}),
        json!({"portalUrl": "root", "portalRoot": "api"}),
        json!({"textForm": "quoted"}),
        json!({"tokenForm": "expiration"}),
        json!({"tokenForm": "jwt"}),
        json!({"bearer": "honoured"}),
        json!({"errorShape": "object"}),
        json!({"errorShape": "html"}),
        json!({"errorShape": "empty"}),
        json!({"idForm": "quoted"}),
        json!({"notFoundStatus": 400}),
        json!({"conflictStatus": 409}),
        json!({"createdStatus": 201}),
        json!({"createReply": "id"}),
        json!({"createReply": "empty"}),
        json!({"createReply": "noContent", "createdEnabled": "enabled"}),
        json!({"createReply": "empty", "createdEnabled": "enabled", "newVisibleAfterMs": 1}),
        json!({"updateReply": "empty", "deleteReply": "empty", "deployReply": "empty"}),
        json!({"updateReply": "noContent", "deleteReply": "noContent", "deployReply": "noContent"}),
        json!({"deployReply": "boolean"}),
        json!({"deployReply": "accepted"}),
        json!({"pendingForm": "object"}),
        json!({"pendingForm": "object", "pendingMember": "dirty"}),
        json!({"assignmentsForm": "wrapped"}),
        json!({"permissionForm": "list"}),
        json!({"createdEnabled": "enabled"}),
        json!({"createMembers": "ignored"}),
        json!({"putEnabled": "ignored"}),
        json!({"putEnabled": "absentIsFalse"}),
        json!({"putOmitted": "cleared"}),
        json!({"putOmitted": "listsIgnored"}),
        json!({"putAssignmentsKeepsHidden": true, "deleteAssignmentsKeepsHidden": true}),
        json!({"duplicateAdds": "refused"}),
        json!({"partialAdds": "upToTheFirst"}),
        json!({"removeAbsent": "accepted"}),
        json!({"deletePolicy": "refusedEnabled"}),
        json!({"uniqueNames": "exactCase"}),
        json!({"uniqueNames": "notUnique"}),
        json!({"searchCase": "exact"}),
        json!({"totalCount": "returned"}),
        json!({"pageSize": {"max": 10}}),
        json!({"pageSize": {"max": 10}, "totalCount": "returned"}),
        json!({"listOrder": "newest"}),
        json!({"roleRows": "own"}),
        json!({"roleFlag": "perRole"}),
        json!({"rbacEnabled": false}),
        json!({"assignRight": "assignAlone"}),
        json!({"deployMs": 5000}),
        json!({"deployMs": 5000, "pendingDuring": "clear"}),
        json!({"triggerTemplates": false, "ruleUpdate": "absent"}),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_policy_is_made_changed_deployed_switched_and_removed_under_every_reading() {
    for reading in readings() {
        let world = World::with(&reading);
        let others: Vec<_> =
            ["Windows baseline", "Disk encryption", "Browser baseline"].map(|name| world.held(name)).into();
        let mut desired = world.desired(&usb(), &GROUPS).await;
        world.converge(&desired).await;
        let ours = world.ours().unwrap();
        assert_eq!(ours["name"], "USB lockdown Zürich", "{reading}");
        assert_eq!(ours["rules"], json!(["usb-start-type", "smb1-disabled"]), "{reading}");
        assert_eq!(ours["groups"], json!(["Call centre Zürich", "Finance laptops"]), "{reading}");
        assert_eq!(ours["enabled"], json!(true), "{reading}");
        deployed(&world, &reading).await;
        assert!(world.state()["devices"]["Finance laptops"]["USB lockdown Zürich"].is_array(), "{reading}");
        change(&world, &mut desired);
        assert_eq!(world.converge(&desired).await, 1, "{reading}");
        let ours = world.ours().unwrap();
        assert_eq!(ours["name"], "USB off", "{reading}");
        assert_eq!(ours["rules"], json!(["smb1-disabled", "print-spooler-stopped"]), "{reading}");
        assert_eq!(ours["groups"], json!(["Finance laptops", "Kiosks"]), "{reading}");
        assert_eq!((&ours["enabled"], &ours["notes"]), (&json!(true), &json!(null)), "{reading}");
        assert_eq!(world.converge(&desired).await, 0, "{reading}: nothing is left to do");
        let id = world.find(&desired).await.unwrap().id.unwrap();
        world.execute(&Step::SetEnabled { ids: vec![id.clone()], enabled: false }).await.unwrap();
        deployed(&world, &reading).await;
        assert!(world.state()["devices"]["Kiosks"].get("USB off").is_none(), "{reading}");
        world.execute(&Step::Delete(vec![id.clone()])).await.unwrap();
        assert_eq!((world.ours(), world.observe().await.items.len()), (None, 3), "{reading}");
        world.execute(&Step::Delete(vec![id])).await.unwrap();
        deployed(&world, &reading).await;
        let now: Vec<_> =
            ["Windows baseline", "Disk encryption", "Browser baseline"].map(|name| world.held(name)).into();
        assert_eq!(now, others, "{reading}: others' policies are as they were");
        forbidden_calls_are_never_made(&world, &reading);
    }
}

/// Deploys, and waits until nothing waits.
async fn deployed(world: &World, reading: &Value) {
    assert!(world.observe().await.undeployed, "{reading}");
    world.execute(&Step::Deploy).await.unwrap();
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(!world.observe().await.undeployed, "{reading}");
}

/// The calls that strike what this account did not put there.
fn forbidden_calls_are_never_made(world: &World, about: &Value) {
    for line in world.calls() {
        let (method, path) = line.split_once(' ').unwrap();
        let parts: Vec<&str> = path.split('/').collect();
        let all = matches!(parts.as_slice(), ["Policies", _, "Rules" | "Assignments"]);
        assert!(!(all && method != "POST"), "{about}: {line}");
        assert!(!path.starts_with("PolicyAssignments"), "{about}: {line}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_calls_of_a_life_are_the_smallest_set_in_the_safe_order() {
    let world = World::new();
    let mut desired = world.desired(&usb(), &GROUPS).await;
    let [rule, smb, spooler] =
        ["usb-start-type", "smb1-disabled", "print-spooler-stopped"].map(|name| world.id_of("rules", name));
    let [centre, kiosks] = ["Call centre Zürich", "Kiosks"].map(|name| world.id_of("groups", name));
    let create = world.effects_of(&world.due(&desired).await.unwrap()).await;
    let id = world.ours().unwrap()["id"].to_string();
    let on = |rest: &str| format!("Policies/{id}/{rest}");
    assert_eq!(create, ["POST Policies".to_owned(), format!("POST {}", on("Enable/false"))]);
    assert_eq!(world.ours().unwrap()["enabled"], json!(false), "inert");
    let fill = world.effects_of(&world.due(&desired).await.unwrap()).await;
    assert_eq!(fill, [format!("POST {}", on("Rules")), format!("POST {}", on("Assignments"))], "no PUT");
    let enable = world.effects_of(&world.due(&desired).await.unwrap()).await;
    assert_eq!(enable, [format!("POST {}", on("Enable/true"))]);
    change(&world, &mut desired);
    let all = world.effects_of(&world.due(&desired).await.unwrap()).await;
    let expected = [
        "PUT Policies".to_owned(),
        format!("POST {}", on("Rules")),
        format!("POST {}", on("Assignments")),
        format!("DELETE {}", on(&format!("Rules/{rule}"))),
        format!("DELETE {}", on(&format!("Assignments/ManagementGroups/{centre}"))),
    ];
    assert_eq!(all, expected);
    let sent = |path: &str| {
        let seen = world.service.recorder().since(0).into_iter();
        seen.filter(|s| s.path.ends_with(path)).map(|s| s.body).next_back().unwrap()
    };
    assert_eq!(sent("/Rules"), json!([spooler.parse::<u32>().unwrap()]));
    assert_eq!(sent("/Assignments"), json!([kiosks.parse::<u32>().unwrap()]));
    assert!(smb.parse::<u32>().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_put_sends_everything_as_it_stands() {
    for reading in [json!({}), json!({"putOmitted": "cleared"}), json!({"putEnabled": "absentIsFalse"})] {
        let world = World::with(&reading);
        let mut desired = world.desired(&usb(), &GROUPS).await;
        world.converge(&desired).await;
        let name = "USB lockdown Zürich";
        world.patch(
            json!({"editPolicies": [{"policy": name, "notes": "do not touch", "addGroups": ["Pilot ring"]}]}),
        );
        set(&mut desired, "name", json!("USB off"));
        let observed = world.find(&desired).await.unwrap();
        let pilot = world.id_of("groups", "Pilot ring");
        groups(&mut desired).insert(pilot);
        let effects = world.effects_of(&replace(&desired, observed)).await;
        assert_eq!(effects, ["PUT Policies"], "{reading}");
        let ours = world.ours().unwrap();
        assert_eq!(ours["notes"], "do not touch", "{reading}: what we do not know is kept");
        assert_eq!((&ours["enabled"], &ours["name"]), (&json!(true), &json!("USB off")), "{reading}");
        assert_eq!(ours["rules"], json!(["usb-start-type", "smb1-disabled"]), "{reading}");
        assert_eq!(
            ours["groups"],
            json!(["Call centre Zürich", "Finance laptops", "Pilot ring"]),
            "{reading}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_unlicensed_rule_is_told_before_it_is_switched_on() {
    let world = World::new();
    let mut policy = usb();
    policy["content"]["tachyon"]["rules"] = json!([{"name": "bitlocker-report-only"}]);
    let desired = world.desired(&policy, &GROUPS).await;
    for _ in 0..2 {
        world.execute(&world.due(&desired).await.unwrap()).await.unwrap();
    }
    let observed = world.find(&desired).await.unwrap();
    let rule = world.id_of("rules", "bitlocker-report-only");
    let unfit = observed.unfit.unwrap();
    assert!(unfit.contains(&rule) && unfit.contains("licence"), "{unfit}");
    assert_eq!(observed.enabled, Some(false));
    world.patch(json!({"editFragments": [{"fragment": "1E-GuaranteedState-Windows-Check-BitLockerState", "licensed": true}]}));
    assert_eq!(world.find(&desired).await.unwrap().unfit, None);
    let old = World::with(&json!({"version": "5.0.1"}));
    assert!(old.observe().await.items.iter().all(|item| item.unfit.is_none()), "not told before 5.1");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_was_not_seen_to_be_off_is_switched_off_before_it_gets_rules() {
    let world =
        World::with(&json!({"createReply": "empty", "createdEnabled": "enabled", "newVisibleAfterMs": 1000}));
    let desired = world.desired(&usb(), &GROUPS).await;
    let outcome = world.execute(&world.due(&desired).await.unwrap()).await.unwrap();
    assert_eq!(outcome, Outcome::created(None), "it is not listed yet");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let effects = world.effects_of(&world.due(&desired).await.unwrap()).await;
    assert!(effects[0].ends_with("/Enable/false"), "{effects:?}");
    assert_eq!(world.converge(&desired).await, 1, "only switched on");
}

#[tokio::test(start_paused = true)]
async fn an_adopted_policy_is_put_back_as_it_was() {
    let world = World::new();
    let before = world.held("Disk encryption").unwrap();
    let mut desired = world.desired(&usb(), &["Finance laptops", "Executive tablets"]).await;
    let observation = world.observe().await;
    let observed = observation.items.iter().find(|item| item.name == "Disk encryption").unwrap().clone();
    desired.enabled = None;
    let former = observed.leaves.clone();
    world.execute(&replace(&desired, observed)).await.unwrap();
    assert_eq!(world.ours().unwrap()["rules"], json!(["usb-start-type", "smb1-disabled"]));
    let observed = world.find(&desired).await.unwrap();
    let gone = observed.leaves.keys().filter(|path| !former.contains_key(*path));
    let leaves: BTreeMap<LeafPath, Value> =
        gone.map(|path| (path.clone(), Value::Null)).chain(former.clone()).collect();
    world
        .execute(&Step::Restore { observed: Box::new(observed), leaves, members: BTreeMap::new() })
        .await
        .unwrap();
    let mut after = world.held("Disk encryption").unwrap();
    assert_eq!(world.ours(), None, "our mark is off");
    let sorted = |value: &Value| {
        let names: BTreeSet<_> =
            value.as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect();
        json!(names)
    };
    after["rules"] = sorted(&after["rules"]);
    let expected = {
        let mut it = before.clone();
        it["rules"] = sorted(&it["rules"]);
        it
    };
    assert_eq!(after, expected);
}
