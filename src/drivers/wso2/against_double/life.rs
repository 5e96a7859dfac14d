//! The life of one policy: made inert, filled, switched, ordered, published, removed.

use std::collections::BTreeMap;

use super::*;
use crate::{api::Reason, drivers::error::Class, model::ExternalId, plan::order};

#[tokio::test(start_paused = true)]
async fn a_policy_settles_after_being_made_and_switched_on() {
    let readings = [
        json!({}),
        json!({"createHttpStatus": 201}),
        json!({"doublesInContent": false}),
        json!({"quotedTexts": false}),
        json!({"cacheEnabled": false}),
        json!({"gateway": false}),
        json!({"listDelay": 0, "noBodyStatus": 200}),
    ];
    for dialect in ALL {
        for reading in &readings {
            let world = World::with(dialect, reading, &json!({}));
            let desired = world.desired(&baseline(), &engineers()).await;
            assert_eq!(world.converge(&desired).await, 2, "{dialect:?} {reading}: create, switch on");
            assert_eq!(world.ours().len(), 1);
            let ours = &world.ours()[0];
            assert_eq!((&ours["active"], &ours["policyName"]), (&json!(true), &json!("Laptop baseline")));
            assert_eq!(ours["contents"]["CAMERA"], json!({"enabled": false}), "not encoded twice");
            assert_eq!(ours["roles"], json!(["engineer"]));
            let before = world.effects().len();
            assert_eq!(world.converge(&desired).await, 0, "{dialect:?} {reading}: in step");
            assert_eq!(world.effects().len(), before);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_policy_is_inert_until_it_is_switched_on() {
    for dialect in ALL {
        let world = World::new(dialect);
        let desired = world.desired(&baseline(), &engineers()).await;
        let outcome = world.execute(&Step::Create(Box::new(desired.clone()))).await.unwrap();
        let made = world.find(&desired).await.unwrap();
        assert_eq!(made.enabled, Some(false), "{dialect:?}");
        let told = (dialect != Dialect::MdmAdmin).then(|| made.id.clone().unwrap());
        assert_eq!(outcome, Outcome::created(told), "{dialect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn drift_of_every_kind_is_seen_and_undone_by_one_put() {
    let drifts = [
        json!({"rename": "Other"}),
        json!({"compliance": "monitor"}),
        json!({"ownershipType": "BYOD"}),
        json!({"roles": ["engineer", "sales"]}),
        json!({"roles": []}),
        json!({"users": ["jdoe"]}),
        json!({"features": {"CAMERA": {"enabled": true}}}),
        json!({"features": {"CAMERA": null}}),
        json!({"features": {"WIFI": {"ssid": "guest"}}}),
        json!({"features": {"PASSCODE_POLICY": {"minLength": "6"}}}),
    ];
    for dialect in ALL {
        let world = World::new(dialect);
        let desired = world.desired(&baseline(), &engineers()).await;
        world.converge(&desired).await;
        for drift in &drifts {
            let id = world.ours()[0]["id"].clone();
            let mut change = drift.clone();
            change["id"] = id;
            world.patch(json!({ "policies": [change] }));
            assert_eq!(world.converge(&desired).await, 1, "{dialect:?} {drift}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn moving_from_one_dimension_to_another_never_passes_through_everybody() {
    for dialect in [Dialect::DeviceMgtV1, Dialect::Entgra, Dialect::MdmAdmin] {
        let world = World::with(dialect, &json!({}), &json!({"ungroupedDevices": "Accept"}));
        let mut desired = world.desired(&baseline(), &engineers()).await;
        world.converge(&desired).await;
        let users = world.desired(&baseline(), &json!({"users": ["jdoe", "asmith"]})).await;
        // As if a later version keyed them alike: the members of a standing policy change altogether.
        desired.members = users.members;
        assert_eq!(world.converge(&desired).await, 1);
        let ours = &world.ours()[0];
        assert_eq!((&ours["roles"], &ours["users"]), (&json!([]), &json!(["asmith", "jdoe"])), "{dialect:?}");
        if dialect != Dialect::MdmAdmin {
            desired.members =
                world.desired(&baseline(), &json!({"groups": [{"name": "Lab phones"}]})).await.members;
            assert_eq!(world.converge(&desired).await, 1);
            let ours = &world.ours()[0];
            assert_eq!(
                (&ours["users"], &ours["deviceGroups"][0]["name"]),
                (&json!([]), &json!("Lab phones"))
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_made_is_resent_as_it_stands() {
    let world = World::with(Dialect::DeviceMgtV1, &json!({}), &json!({}));
    world.patch(json!({"policies": [{"id": 2, "deviceGroups": ["Field tablets"], "users": ["asmith"]}]}));
    let foreign = world.observe().await.items.into_iter().find(|item| item.name == "VPN for sales").unwrap();
    let mut desired = world.desired(&baseline(), &engineers()).await;
    desired.leaves.retain(|path, _| &*path.0 == "name");
    desired.members.clear();
    let step = Step::Replace { desired: Box::new(desired), observed: Box::new(foreign.clone()) };
    world.execute(&step).await.unwrap();
    let after = world.policies().into_iter().find(|p| p["id"] == 2).unwrap();
    assert_eq!(after["policyName"], "Laptop baseline");
    assert_eq!((&after["roles"], &after["users"]), (&json!(["sales"]), &json!(["asmith"])));
    assert_eq!(after["deviceGroups"][0]["name"], "Field tablets");
    assert_eq!(after["contents"]["VPN"]["sharedSecret"], "s3ll-m0re");
    assert_eq!(after["priorityId"], 2);
}

#[tokio::test(start_paused = true)]
async fn an_adopted_policy_is_given_back_as_it_was() {
    for dialect in ALL {
        let world = World::new(dialect);
        let before =
            world.observe().await.items.into_iter().find(|item| item.name == "VPN for sales").unwrap();
        let desired = world.desired(&baseline(), &engineers()).await;
        let step = Step::Replace { desired: Box::new(desired.clone()), observed: Box::new(before.clone()) };
        world.execute(&step).await.unwrap();
        let ours = world.find(&desired).await.unwrap();
        assert_eq!(ours.id, before.id);
        let mut former = before.leaves.clone();
        for path in ours.leaves.keys().filter(|path| !before.leaves.contains_key(path)) {
            former.insert(path.clone(), Value::Null);
        }
        world
            .execute(&Step::Restore { observed: Box::new(ours), leaves: former, members: BTreeMap::new() })
            .await
            .unwrap();
        let after = world.observe().await.items.into_iter().find(|item| item.id == before.id).unwrap();
        assert_eq!((&after.leaves, &after.mark), (&before.leaves, &None), "{dialect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_place_lost_by_a_put_is_given_back() {
    for (dialect, reset) in
        [(Dialect::MdmAdmin, true), (Dialect::DeviceMgtV1, true), (Dialect::DeviceMgtV1, false)]
    {
        let world = World::with(dialect, &json!({ "priorityResetOnPut": reset }), &json!({}));
        let mut desired = world.desired(&baseline(), &engineers()).await;
        world.converge(&desired).await;
        let placed = world.find(&desired).await.unwrap();
        assert_eq!(placed.slot, Some(3));
        desired.leaves.get_mut(&LeafPath("description".into())).unwrap().value = "other".into();
        world.converge(&desired).await;
        let moved = world.find(&desired).await.unwrap();
        assert_eq!(moved.slot, Some(if reset { 0 } else { 3 }));
        let moves = order::moves(vec![order::Placed {
            item: desired.key.clone(),
            id: moved.id.clone().unwrap(),
            rank: (0, String::new()),
            slot: moved.slot.unwrap(),
            recorded: placed.slot,
        }]);
        let moves = moves.into_iter().map(|m| (m.id, m.slot)).collect();
        world.execute(&Step::Reorder(moves)).await.unwrap();
        assert_eq!(world.find(&desired).await.unwrap().slot, Some(3));
        let order: Vec<_> = world.policies().iter().map(|p| p["policyName"].clone()).collect();
        assert_eq!(order, ["Default passcode", "VPN for sales", "Laptop baseline"], "{dialect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn publishing_clears_pending_and_reaches_devices() {
    for dialect in ALL {
        let world = World::new(dialect);
        let desired = world.desired(&baseline(), &engineers()).await;
        world.converge(&desired).await;
        assert!(world.find(&desired).await.unwrap().pending);
        world.execute(&Step::Deploy).await.unwrap();
        let busy = world.execute(&Step::Deploy).await.unwrap_err();
        assert_eq!((busy.class, busy.reason), (Class::Transient, Reason::Deploying), "{dialect:?}");
        assert!(world.find(&desired).await.unwrap().pending, "it works on after it has answered");
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert!(!world.find(&desired).await.unwrap().pending, "{dialect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn removing_takes_the_policy_away_and_again_is_no_error() {
    for dialect in ALL {
        for cache in [true, false] {
            let world = World::with(dialect, &json!({ "cacheEnabled": cache }), &json!({}));
            let desired = world.desired(&baseline(), &engineers()).await;
            world.converge(&desired).await;
            let id = world.find(&desired).await.unwrap().id.unwrap();
            world.execute(&Step::SetEnabled { ids: vec![id.clone()], enabled: false }).await.unwrap();
            world.deploy().await;
            world.execute(&Step::Delete(vec![id.clone()])).await.unwrap();
            assert_eq!(world.ours(), Vec::<Value>::new(), "{dialect:?}");
            world.execute(&Step::Delete(vec![id.clone(), id])).await.unwrap();
            assert_eq!(world.policies().len(), 2, "others are untouched");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_unknown_id_does_not_keep_the_others_from_being_removed_or_switched() {
    for dialect in ALL {
        let world = World::new(dialect);
        let desired = world.desired(&baseline(), &engineers()).await;
        world.converge(&desired).await;
        let id = world.find(&desired).await.unwrap().id.unwrap();
        let ghost = ExternalId("99".into());
        let off = Step::SetEnabled { ids: vec![id.clone(), ghost.clone()], enabled: false };
        // Dialect B skips ids it does not know; the read that follows tells.
        if let Err(error) = world.execute(&off).await {
            assert_eq!(error.class, Class::Gone, "{dialect:?} {error}");
        }
        assert_eq!(world.find(&desired).await.unwrap().enabled, Some(false), "{dialect:?}");
        world.execute(&Step::Delete(vec![ghost, id])).await.unwrap();
        assert_eq!(world.ours().len(), 0, "{dialect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn effects_on_what_is_gone_say_so() {
    for dialect in ALL {
        for options in [json!({}), json!({"cacheEnabled": false}), json!({"quotedTexts": false})] {
            let world = World::with(dialect, &options, &json!({}));
            let desired = world.desired(&baseline(), &engineers()).await;
            world.converge(&desired).await;
            let observed = world.find(&desired).await.unwrap();
            let id = observed.id.clone().unwrap();
            world.execute(&Step::Delete(vec![id.clone()])).await.unwrap();
            let steps = [
                Step::Replace { desired: Box::new(desired.clone()), observed: Box::new(observed) },
                Step::SetEnabled { ids: vec![id.clone()], enabled: true },
                Step::Reorder(vec![(id, 1)]),
            ];
            for step in steps {
                let error = world.execute(&step).await.unwrap_err();
                assert_eq!(error.class, Class::Gone, "{dialect:?} {options} {step:?}: {error}");
            }
            assert_eq!(world.ours().len(), 0, "nothing is made by the way");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn calls_with_hidden_effects_are_never_made() {
    for dialect in ALL {
        let world = World::new(dialect);
        world.driver.probe().await.unwrap();
        let desired = world.desired(&baseline(), &engineers()).await;
        world.converge(&desired).await;
        world.deploy().await;
        let id = world.find(&desired).await.unwrap().id.unwrap();
        world.execute(&Step::Delete(vec![id])).await.unwrap();
        for line in world.calls() {
            assert!(!line.contains("-task"), "{line}");
            assert!(!line.contains("active-policy") || line.contains("inactive-policy"), "{line}");
            assert!(!line.starts_with("DELETE"), "{line}");
        }
    }
}
