//! The life of one policy: made inert, switched on, drifted, emptied, adopted, removed.

use std::collections::BTreeMap;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_policy_settles_under_every_reading_of_the_sheet() {
    let readings = [
        json!({}),
        json!({"keyForm": "pkcs1"}),
        json!({"wordCase": "upper", "arrayOrder": "reversed"}),
        json!({"arrayOrder": "sorted", "listOrder": "updated"}),
        json!({"listOrder": "name", "otherGeneration": "shown"}),
        json!({"stateVersions": "raise", "unchangedWrites": "keep"}),
        json!({"dictionaryRefs": "pinned", "nameCase": "insensitive"}),
        json!({"nameLength": "utf16", "enableEmpty": "accept"}),
        json!({"repeatedState": "reject", "absentDictionaries": "reject"}),
        json!({"keyManagerToken": "byVersion", "authorizationToken": false}),
        json!({"contextPrefix": "app"}),
        json!({"omit": ["version", "creatorId", "creationDate", "lastUpdatedDate", "page"]}),
        json!({"omit": ["pageCount"]}),
        json!({"overLimit": "reject", "negativePages": "reject"}),
    ];
    for reading in &readings {
        let world = World::with(reading, &json!({}));
        let desired = world.desired(&cards()).await;
        assert_eq!(world.converge(&desired).await, 2, "{reading}: create, switch on");
        let ours = world.ours().unwrap();
        let name = format!("PCI & Karten Übersicht{}", desired.mark().unwrap());
        assert_eq!(
            (&ours["active"], &ours["name"], &ours["type"]),
            (&json!(true), &json!(name), &json!("Block"))
        );
        assert_eq!(ours["dictionaries"], json!(["card-patterns", "project-names"]), "{reading}");
        let before = world.effects().len();
        assert_eq!(world.converge(&desired).await, 0, "{reading}: in step");
        assert_eq!(world.effects().len(), before);
        assert_eq!(world.counter("emptied"), 0, "{reading}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_policy_is_inert_until_it_is_switched_on() {
    let world = World::new();
    let desired = world.desired(&cards()).await;
    let outcome = world.execute(&Step::Create(Box::new(desired.clone()))).await.unwrap();
    let made = world.find(&desired).await.unwrap();
    assert_eq!(made.enabled, Some(false));
    assert_eq!(outcome, Outcome::created(made.id.clone()));
    assert_eq!(world.effects(), ["POST /agent/v1/dlp/policies"], "nothing is switched on along with it");
    let off = World::new();
    let mut policy = cards();
    policy["enabled"] = json!(false);
    assert_eq!(off.converge(&off.desired(&policy).await).await, 1, "and stays so where that is wanted");
}

#[tokio::test(start_paused = true)]
async fn drift_of_every_kind_is_seen_and_undone() {
    let world = World::new();
    let desired = world.desired(&cards()).await;
    world.converge(&desired).await;
    let drifts = [
        (json!({"rename": "Other"}), 1),
        (json!({"rename": format!("Other{}", desired.mark().unwrap())}), 1),
        (json!({"type": "Warn"}), 1),
        (json!({"scopes": ["Internal"]}), 1),
        (json!({"contentTypes": ["Messages", "RoomMeta", "SignalMeta"]}), 1),
        (json!({"dictionaries": ["project-names"]}), 1),
        (json!({"dictionaries": ["card-patterns", "project-names", "Old campaigns"]}), 1),
        (json!({"enabled": false}), 1),
        (json!({"enabled": false, "type": "Warn"}), 2),
        (json!({"dictionaries": []}), 2),
    ];
    let id = world.ours().unwrap()["policyId"].clone();
    for (drift, effects) in drifts {
        let mut change = drift.clone();
        change["policy"] = id.clone();
        world.patch(json!({ "editPolicies": [change] }));
        let by_id = world
            .observe()
            .await
            .items
            .into_iter()
            .find(|item| item.id.as_ref().unwrap().0 == id.as_str().unwrap().into());
        let diff = world.difference(&desired, &by_id.clone().unwrap());
        assert!(!diff.is_empty(), "{drift}");
        if diff.unmarked {
            // By its recorded id: the suffix is gone with the name.
            let (desired, observed) = (Box::new(desired.clone()), Box::new(by_id.unwrap()));
            world.execute(&Step::Replace { desired, observed }).await.unwrap();
            assert_eq!(world.converge(&desired_again(&world).await).await, 0, "{drift}");
            continue;
        }
        assert_eq!(world.converge(&desired).await, effects, "{drift}");
        let ours = world.ours().unwrap();
        assert_eq!((&ours["active"], &ours["policyId"]), (&json!(true), &id), "{drift}: the same, enforced");
    }
}

async fn desired_again(world: &World) -> DesiredItem {
    world.desired(&cards()).await
}

#[tokio::test(start_paused = true)]
async fn a_disabling_by_the_system_is_seen_beside_its_cause() {
    let world = World::new();
    let desired = world.desired(&cards()).await;
    world.converge(&desired).await;
    let before = world.find(&desired).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let id = world.ours().unwrap()["policyId"].clone();
    world.patch(json!({"editPolicies": [{"policy": id, "enabled": false}]}));
    let human = world.find(&desired).await.unwrap();
    assert_eq!((human.enabled, leaf(&human, "dictionaries")), (Some(false), leaf(&before, "dictionaries")));
    assert!(human.provenance.modified_at > before.provenance.modified_at, "though no version was made of it");
    assert_eq!(human.provenance.version, before.provenance.version);
    world.converge(&desired).await;
    world.patch(json!({"editPolicies": [{"policy": id, "dictionaries": []}]}));
    let system = world.find(&desired).await.unwrap();
    assert_eq!((system.enabled, leaf(&system, "dictionaries")), (Some(false), &json!([])));
}

#[tokio::test(start_paused = true)]
async fn a_version_that_rises_by_itself_is_no_drift() {
    for refs in ["current", "pinned"] {
        let world = World::with(&json!({"dictionaryRefs": refs}), &json!({}));
        let desired = world.desired(&cards()).await;
        world.converge(&desired).await;
        let before = world.find(&desired).await.unwrap();
        world.patch(
            json!({"editDictionaries": [{"dictionary": "card-patterns", "rename": "cards", "terms": ["x"]}]}),
        );
        let after = world.find(&desired).await.unwrap();
        assert_ne!(before.provenance.version, after.provenance.version);
        assert_eq!(world.converge(&desired).await, 0, "{refs}: the id is what counts");
        // Its name, however, is gone: nothing of the Policy is sent, what was applied stays.
        let compiled = world.compile(&cards()).await;
        assert_eq!(
            (compiled.contributions.len(), compiled.findings[0].reason),
            (0, Reason::DictionaryNotFound)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_list_is_sent_only_where_it_is_said() {
    for enable_empty in ["accept", "reject"] {
        for detached in ["survive", "deleted"] {
            let world = World::with(&json!({"enableEmpty": enable_empty, "detached": detached}), &json!({}));
            let mut policy = cards();
            let filled = world.desired(&policy).await;
            world.converge(&filled).await;
            assert!(world.bodies().iter().all(|body| !body["dictionaryIds"].as_array().unwrap().is_empty()));
            policy["content"]["symphony"]["dictionaries"] = json!([]);
            let refused = world.compile(&policy).await;
            assert!(refused.contributions.is_empty(), "nobody said that it is meant");
            policy["content"]["symphony"]["allowEmptyDictionaries"] = json!(true);
            let empty = world.desired(&policy).await;
            assert_eq!(empty.enabled, None);
            assert_eq!(world.converge(&empty).await, 1, "the system throws the switch by itself");
            let ours = world.ours().unwrap();
            assert_eq!((&ours["active"], &ours["dictionaries"]), (&json!(false), &json!([])));
            assert_eq!(world.counter("emptied"), 1);
            if detached == "survive" {
                assert_eq!(world.converge(&filled).await, 2, "filled again it must be switched on again");
                assert_eq!(world.ours().unwrap()["active"], json!(true));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_adopted_policy_is_given_back_as_it_was() {
    for naming in ["Suffixed", "Exact"] {
        let world = World::with(&json!({}), &json!({ "naming": naming }));
        let before = world.held("PCI card numbers").unwrap();
        let items = world.observe().await.items;
        let foreign = items.into_iter().find(|item| item.name == "PCI card numbers").unwrap();
        let mut policy = cards();
        policy["displayName"] = json!("Cards");
        let desired = world.desired(&policy).await;
        let step = Step::Replace { desired: Box::new(desired.clone()), observed: Box::new(foreign.clone()) };
        world.execute(&step).await.unwrap();
        let taken = world.find(&desired).await.unwrap();
        assert_eq!((&taken.id, taken.enabled), (&foreign.id, Some(true)), "an edit keeps the switch");
        let (observed, leaves) = (Box::new(taken), foreign.leaves.clone());
        world.execute(&Step::Restore { observed, leaves, members: BTreeMap::new() }).await.unwrap();
        let after = world.held("PCI card numbers").unwrap();
        for member in ["name", "type", "contentTypes", "scopes", "active", "dictionaries", "policyId"] {
            assert_eq!(after[member], before[member], "{naming}: {member}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn removing_takes_the_policy_away_and_again_is_no_error() {
    let readings = [
        json!({}),
        json!({"unknownIdStatus": 404}),
        json!({"deletedPolicies": "readable"}),
        json!({"repeatedState": "reject", "errorBody": "html"}),
        json!({"repeatedState": "reject", "forbiddenStateStatus": 404, "unknownIdStatus": 404}),
        json!({"repeatedState": "reject", "forbiddenStateStatus": 409, "errorBody": "empty"}),
    ];
    for reading in &readings {
        let world = World::with(reading, &json!({}));
        let desired = world.desired(&cards()).await;
        world.converge(&desired).await;
        let id = world.find(&desired).await.unwrap().id.unwrap();
        let error = world.execute(&Step::Delete(vec![id.clone()])).await.unwrap_err();
        assert_eq!(error.class, Class::Rejected, "{reading}: an enabled one cannot be deleted: {error}");
        let off = Step::SetEnabled { ids: vec![id.clone()], enabled: false };
        world.execute(&off).await.unwrap();
        world.execute(&off).await.unwrap();
        world.execute(&Step::Delete(vec![id.clone()])).await.unwrap();
        assert_eq!(world.ours(), None, "{reading}");
        world.execute(&Step::Delete(vec![id.clone(), id])).await.unwrap();
        assert_eq!(world.observe().await.items.len(), 3, "{reading}: others are untouched");
    }
}

#[tokio::test(start_paused = true)]
async fn effects_on_what_is_gone_say_so_and_make_nothing() {
    for status in [400, 404] {
        let world = World::with(&json!({ "unknownIdStatus": status }), &json!({}));
        let desired = world.desired(&cards()).await;
        world.converge(&desired).await;
        let observed = world.find(&desired).await.unwrap();
        let id = observed.id.clone().unwrap();
        world.patch(json!({ "removePolicies": [&*id.0] }));
        let steps = [
            Step::Replace { desired: Box::new(desired.clone()), observed: Box::new(observed) },
            Step::SetEnabled { ids: vec![id], enabled: true },
        ];
        for step in steps {
            let error = world.execute(&step).await.unwrap_err();
            assert_eq!(error.class, Class::Gone, "{status} {step:?}: {error}");
        }
        assert_eq!(world.ours(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_is_a_conflict_under_every_reading() {
    for status in [400, 404, 409] {
        for case in ["sensitive", "insensitive"] {
            let options = json!({"duplicateNameStatus": status, "nameCase": case});
            let world = World::with(&options, &json!({"naming": "Exact"}));
            let mut policy = cards();
            policy["displayName"] = json!("PCI card numbers");
            let desired = world.desired(&policy).await;
            let error = world.execute(&Step::Create(Box::new(desired))).await.unwrap_err();
            assert_eq!(
                (error.class, error.reason),
                (Class::Rejected, Reason::NameConflict),
                "{status}: {error}"
            );
            let holder = world.held("PCI card numbers").unwrap();
            assert!(error.message.contains(holder["policyId"].as_str().unwrap()), "{error}");
        }
    }
    let world = World::with(&json!({"deletedNames": "taken"}), &json!({"naming": "Exact"}));
    world.patch(json!({"removePolicies": ["PCI card numbers"]}));
    let mut policy = cards();
    policy["displayName"] = json!("PCI card numbers");
    let desired = world.desired(&policy).await;
    let error = world.execute(&Step::Create(Box::new(desired))).await.unwrap_err();
    assert_eq!((error.class, error.reason), (Class::Rejected, Reason::Rejected), "nobody can see its holder");
    assert!(error.message.contains("exists already"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_limit_nobody_publishes_is_said_in_the_systems_words() {
    let world = World::with(&json!({"limits": {"policies": 3}}), &json!({}));
    let desired = world.desired(&cards()).await;
    let error = world.execute(&Step::Create(Box::new(desired))).await.unwrap_err();
    assert_eq!((error.class, error.reason), (Class::Rejected, Reason::Rejected));
    assert!(error.message.ends_with("answered 400: there are too many policies"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_enabled_without_dictionaries_is_said() {
    for (reading, good) in [("reject", false), ("accept", true)] {
        let world = World::with(&json!({ "enableEmpty": reading }), &json!({}));
        let desired = world.desired(&cards()).await;
        world.converge(&desired).await;
        let id = world.find(&desired).await.unwrap().id.unwrap();
        world.patch(json!({"editPolicies": [{"policy": &*id.0, "dictionaries": []}]}));
        let on = world.execute(&Step::SetEnabled { ids: vec![id], enabled: true }).await;
        assert_eq!(on.is_ok(), good, "{reading}");
        assert!(
            on.err().is_none_or(|error| error.message.contains("without dictionaries cannot be enabled"))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn names_may_stand_exactly_as_written() {
    let world = World::with(&json!({}), &json!({"naming": "Exact"}));
    let desired = world.desired(&cards()).await;
    assert_eq!((desired.mark(), world.converge(&desired).await), (None, 2));
    assert!(world.held("PCI & Karten Übersicht").is_some());
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_too_many_are_refused_by_the_system_and_never_cut() {
    let world = World::with(&json!({"nameLength": "bytes"}), &json!({}));
    let mut policy = cards();
    policy["displayName"] = json!("äöüäöüäöüäöüäöüäöüäöüäö");
    let desired = world.desired(&policy).await;
    let error = world.execute(&Step::Create(Box::new(desired))).await.unwrap_err();
    assert_eq!((error.class, error.reason), (Class::Rejected, Reason::Rejected));
    assert!(error.message.contains("name must not be longer"), "{error}");
    assert_eq!(world.ours(), None);
}

#[tokio::test(start_paused = true)]
async fn an_enabled_policy_that_may_not_be_edited_stays_enforced() {
    let world = World::with(&json!({"editEnabled": "reject"}), &json!({}));
    let mut desired = world.desired(&cards()).await;
    world.converge(&desired).await;
    set(&mut desired, "type", json!("Warn"));
    let observed = Box::new(world.find(&desired).await.unwrap());
    let step = Step::Replace { desired: Box::new(desired.clone()), observed };
    let error = world.execute(&step).await.unwrap_err();
    assert_eq!((error.class, error.reason), (Class::Rejected, Reason::Rejected));
    assert!(error.message.contains("set enabled: false"), "{error}");
    let ours = world.ours().unwrap();
    assert_eq!((&ours["active"], &ours["type"]), (&json!(true), &json!("Block")));
    let id = ours["policyId"].as_str().unwrap();
    world.execute(&Step::SetEnabled { ids: vec![ExternalId(id.into())], enabled: false }).await.unwrap();
    assert_eq!(world.converge(&desired).await, 2, "changed, switched on again");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_dictionary_is_refused_with_the_inner_words() {
    for (body, says) in [
        ("embedded", "can not be found in database"),
        ("plain", "can not be found"),
        ("html", "400"),
        ("empty", "without a body"),
    ] {
        for status in [400, 404, 422] {
            let options = json!({"errorBody": body, "invalidValueStatus": status});
            let world = World::with(&options, &json!({}));
            let mut desired = world.desired(&cards()).await;
            world.converge(&desired).await;
            set(&mut desired, "dictionaries", json!(["65a1f0c2d7e94b0012ab34cd"]));
            let observed = Box::new(world.find(&desired).await.unwrap());
            let step = Step::Replace { desired: Box::new(desired), observed };
            let error = world.execute(&step).await.unwrap_err();
            assert_eq!(
                (error.class, error.reason),
                (Class::Rejected, Reason::Rejected),
                "{body} {status}: {error}"
            );
            let says = if body == "html" { status.to_string() } else { says.to_owned() };
            assert!(error.message.contains(&says) && !error.message.contains("{\""), "{error}");
            assert_eq!(world.ours().unwrap()["dictionaries"], json!(["card-patterns", "project-names"]));
        }
    }
}
