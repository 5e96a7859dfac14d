//! What the sheet leaves open (section 12), under every reading the double can play.

use super::*;
use crate::{
    api::Reason,
    drivers::{Severity, error::Class},
    model::{EntryKind, catalogue::Lookup},
};

#[tokio::test(start_paused = true)]
async fn a_policy_settles_under_every_reading_that_lets_it() {
    let readings = [
        json!({"base": "/yurbi/api"}),
        json!({"base": "/yurbimidtier/api"}),
        json!({"zoneMinutes": -480}),
        json!({"idMembers": ["id"]}),
        json!({"idMembers": ["policyId"]}),
        json!({"policyEffect": "atOnce"}),
        json!({"policyCodes": "integer"}),
        json!({"missingLists": "keep"}),
        json!({"missingFields": "keep"}),
        json!({"nestedLists": "used"}),
        json!({"nestedLists": "refused"}),
        json!({"activeOnCreate": "ignored"}),
        json!({"activeOnCreate": "refused"}),
        json!({"duplicateNames": "refused"}),
        json!({"duplicateNames": "refusedFolded"}),
        json!({"unknownMembers": "refused"}),
        json!({"unknownMembers": "dropped"}),
        json!({"memberOrder": "sorted"}),
        json!({"createdDate": "fromRequest"}),
        json!({"nameLimit": 40, "descriptionLimit": 200, "listLimit": 20}),
        json!({"contactList": "wrapped", "listKey": "Contacts"}),
        json!({"policyList": "wrapped"}),
        json!({"allUsers": "listed"}),
        json!({"shallowSave": "everything"}),
        json!({"passportLogsOut": true}),
        json!({"rights": "ignored"}),
        json!({"lists": "merge"}),
        json!({"unknownId": "create"}),
    ];
    for reading in &readings {
        for paths in all_paths() {
            let world = World::with(&paths, reading);
            let desired = world.desired(&rows(), &acme()).await;
            assert_eq!(world.converge(&desired).await, 2, "{paths} {reading}: made, filled");
            let ours = world.ours()[0].clone();
            assert_eq!((&ours["isActive"], &ours["groups"]), (&json!(true), &json!(["11", "16"])));
            assert_eq!(world.converge(&desired).await, 0, "{paths} {reading}: in step");
            let view = world.observe().await.unwrap();
            assert_eq!(view.complete, world.driver.translate().facts().lists, "{paths} {reading}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_shallow_save_stores_lists_or_says_that_it_does_not() {
    for (reading, stored) in [("everything", true), ("scalarsOnly", false)] {
        let world = World::as_user(
            &everything(),
            &json!({ "shallowSave": reading }),
            &json!({"deepSave": false}),
            None,
        );
        let desired = world.desired(&rows(), &acme()).await;
        world.create(&desired).await.unwrap();
        let made = world.find(&desired).await.unwrap();
        world.replace(&desired, made).await.unwrap();
        assert!(world.saves().iter().all(|save| save["isDeepSave"] == json!(false)));
        let left = world.difference(&desired, &world.find(&desired).await.unwrap());
        assert_eq!(left.is_empty(), stored, "{reading}: {left:?}");
        assert_eq!(left.add.len(), if stored { 0 } else { 2 }, "{reading}");
    }
}

/// What does not stick is told by the answer, and by every read after it.
#[tokio::test(start_paused = true)]
async fn what_the_system_does_not_keep_stays_a_difference() {
    let constraints = || BTreeSet::from([LeafPath("constraints".into())]);
    let cases = [
        (json!({"constraintSaves": "ignored"}), constraints(), "constraints are dropped"),
        (
            json!({"constraintElements": "decorated"}),
            constraints(),
            "constraints come back with more in them",
        ),
        (
            json!({"descriptionLimit": 30, "overlong": "cut"}),
            BTreeSet::from([LeafPath("description".into())]),
            "the mark is cut off",
        ),
        (
            json!({"nameLimit": 4, "overlong": "cut"}),
            BTreeSet::from([LeafPath("name".into())]),
            "a name is cut",
        ),
    ];
    for (reading, leaves, why) in cases {
        for paths in all_paths() {
            let world = World::with(&paths, &reading);
            let desired = world.desired(&rows(), &acme()).await;
            world.create(&desired).await.unwrap();
            for _ in 0..2 {
                let stands = world.find(&desired).await.unwrap();
                world.replace(&desired, stands).await.unwrap();
                let left = world.difference(&desired, &world.find(&desired).await.unwrap());
                assert_eq!(left.leaves, leaves, "{paths} {why}");
            }
            assert_eq!(world.policies().len(), 4, "{paths} {why}: one policy, whatever it looks like");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn members_that_are_kept_or_dropped_against_our_will_are_told() {
    let merging = World::with(&everything(), &json!({"lists": "merge"}));
    merging.converge(&merging.desired(&rows(), &acme()).await).await;
    let fewer = merging.desired(&rows(), &json!({"groups": [{"name": "tenant-acme"}]})).await;
    let stands = merging.find(&fewer).await.unwrap();
    merging.replace(&fewer, stands).await.unwrap();
    let left = merging.difference(&fewer, &merging.find(&fewer).await.unwrap());
    assert_eq!(left.remove[&MemberKind::Group], set(&["11"]), "merged instead of replaced");
    for (reading, expected) in [("accepted", Ok(0)), ("dropped", Ok(1)), ("refused", Err(Class::Rejected))] {
        let world = World::with(&json!({}), &json!({ "unknownMembers": reading }));
        let mut desired = world.desired(&rows(), &acme()).await;
        desired.members.insert(MemberKind::Group, set(&["16", "999"]));
        world.create(&desired).await.unwrap();
        let stands = world.find(&desired).await.unwrap();
        let result = world.replace(&desired, stands).await.map_err(|error| error.class);
        let stands = world.find(&desired).await.unwrap();
        let left =
            || world.difference(&desired, &stands).add.get(&MemberKind::Group).map_or(0, BTreeSet::len);
        assert_eq!(result.map(|_| left()), expected, "{reading}: a group nobody has");
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_are_told_in_the_words_of_the_system() {
    let long = json!({"nameLimit": 4});
    let cases = [
        (json!({"constraintSaves": "refused"}), "Constraints cannot be set"),
        (json!({"descriptionLimit": 10}), "Description is too long"),
        (json!({"listLimit": 1}), "Too many"),
        (long, "Name is too long"),
    ];
    for (reading, words) in cases {
        for (shape, code, status) in
            [("policy", "text", 200), ("bare", "integer", 200), ("policy", "text", 400)]
        {
            let mut options = reading.clone();
            options["refusedSave"] = json!(shape);
            options["policyCodes"] = json!(code);
            options["refusalStatus"] = json!(status);
            let world = World::with(&everything(), &options);
            let desired = world.desired(&rows(), &acme()).await;
            let error = world.create(&desired).await.unwrap_err();
            assert_eq!(
                (error.class, error.reason),
                (Class::Rejected, Reason::Rejected),
                "{options}: {error}"
            );
            assert!(error.message.contains(words), "{options}: {error}");
            assert_eq!((world.ours().len(), world.counter("logins")), (0, 1), "{options}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_is_refused_where_the_system_minds() {
    for (reading, refused) in [("allowed", false), ("refused", false), ("refusedFolded", true)] {
        let world = World::with(&everything(), &json!({ "duplicateNames": reading }));
        let mut policy = rows();
        policy["displayName"] = json!("trial FILTER");
        let desired = world.desired(&policy, &acme()).await;
        assert_eq!(world.create(&desired).await.is_err(), refused, "{reading}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_id_nobody_has_leaves_no_twin_behind() {
    for (reading, made) in [("error", 0), ("create", 1), ("createAsSent", 1), ("ignore", 0)] {
        let world = World::with(&json!({}), &json!({ "unknownId": reading }));
        let desired = world.desired(&rows(), &acme()).await;
        world.converge(&desired).await;
        let last = world.find(&desired).await.unwrap();
        world.patch(json!({"removePolicy": {"id": world.ours()[0]["id"]}}));
        let result = world.replace(&desired, last.clone()).await;
        assert_eq!(world.ours().len(), made, "{reading}: {result:?}");
        match (reading, result) {
            ("error", result) => assert_eq!(result.unwrap_err().class, Class::Rejected),
            ("create", Ok(Outcome::Applied { id: Some(id), answer: Some(answer) })) => {
                assert_eq!((Some(&id), json!(&*id.0)), (answer.id.as_ref(), world.ours()[0]["id"].clone()));
                let last = world.find(&desired).await.unwrap();
                world.replace(&desired, last).await.unwrap();
                assert_eq!(world.ours().len(), 1, "the new id is the one from now on");
            }
            (_, result) => assert!(matches!(result, Ok(Outcome::Applied { id: None, .. })), "{reading}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_shows_no_content_needs_a_call_that_does() {
    let stubs = json!({"listedPolicies": "stubs"});
    let world = World::with(&everything(), &stubs);
    let desired = world.desired(&rows(), &acme()).await;
    world.converge(&desired).await;
    let view = world.observe().await.unwrap();
    assert!(view.complete && view.items.len() == 4);
    assert_eq!(world.converge(&desired).await, 0, "read one by one");
    let world = World::with(&all_paths()[2], &stubs);
    let error = world.observe().await.unwrap_err();
    assert_eq!((error.class, error.reason), (Class::Rejected, Reason::Invalid));
    assert!(error.message.contains("paths.get") && error.message.contains("paths.list"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_lags_or_is_cut_makes_nothing_look_gone() {
    for paths in &all_paths()[2..] {
        let world = World::with(paths, &json!({"listDelaySecs": 120}));
        let desired = world.desired(&rows(), &acme()).await;
        world.create(&desired).await.unwrap();
        assert!(!world.observe().await.unwrap().complete, "{paths}: it was saved just now");
        tokio::time::sleep(Duration::from_secs(130)).await;
        assert_eq!(world.converge(&desired).await, 1, "{paths}: no second one");
        assert!(world.observe().await.unwrap().complete, "{paths}");
    }
    let readable = World::new(&everything());
    let desired = readable.desired(&rows(), &acme()).await;
    readable.patch(json!({"options": {"listCut": 3}}));
    readable.converge(&desired).await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    let view = readable.observe().await.unwrap();
    assert_eq!((view.complete, view.items.len()), (false, 4), "cut off, and read by its id");
    let cut = World::new(&all_paths()[2]);
    let desired = cut.desired(&rows(), &acme()).await;
    cut.converge(&desired).await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    cut.patch(
        json!({"addPolicy": (0..20).map(|n| json!({"name": format!("by hand {n}")})).collect::<Vec<_>>()}),
    );
    cut.patch(json!({"options": {"listCut": 20}}));
    let view = cut.observe().await.unwrap();
    let there = view.items.iter().any(|item| item.mark.is_some());
    assert!(there || !view.complete, "twenty are no proof");
}

#[tokio::test(start_paused = true)]
async fn the_catalogue_is_the_same_under_every_reading() {
    let readings = [
        json!({}),
        json!({"contactList": "wrapped"}),
        json!({"contactList": "wrapped", "listKey": "Result"}),
        json!({"base": "/yurbi/api"}),
    ];
    for reading in &readings {
        let world = World::with(&json!({}), reading);
        let catalogue = world.driver.catalogue().await.unwrap();
        assert!(catalogue.partial.is_empty(), "{reading}");
        let found = |kind, name: &str| catalogue.lookup(kind, None, |entry| entry.name == name);
        let group = found(EntryKind::Group, "tenant-acme");
        assert!(matches!(group, Lookup::Found(entry) if entry.id == "16"), "{reading}");
        let user = found(EntryKind::User, "mara.holt");
        assert!(matches!(user, Lookup::Found(entry) if entry.id.len() == 18), "{reading}");
        assert_eq!(found(EntryKind::Group, "Contractors"), Lookup::Ambiguous(2), "{reading}");
    }
    let many: Vec<_> = (0..50).map(|n| json!({"login": format!("user{n}")})).collect();
    let world = World::with(&json!({}), &json!({"listCut": 50}));
    world.patch(json!({ "addUser": many }));
    let catalogue = world.driver.catalogue().await.unwrap();
    assert!(!catalogue.is_complete(EntryKind::User), "fifty may be a page");
}

#[tokio::test(start_paused = true)]
async fn everyone_is_said_only_where_the_system_shows_how() {
    for (reading, works) in [("hidden", false), ("listed", true)] {
        let world = World::with(&json!({}), &json!({ "allUsers": reading }));
        let everyone = Reach { everyone: true, ..Reach::default() };
        let compiled = world.compile_reach(&rows(), everyone).await;
        let refused: Vec<_> = compiled.findings.iter().map(|one| (one.severity, one.reason)).collect();
        let expected = if works { vec![] } else { vec![(Severity::Refused, Reason::EveryoneUnsupported)] };
        assert_eq!(refused, expected, "{reading}");
        assert_eq!(compiled.contributions.len(), usize::from(works), "{reading}");
        let named = world.compile(&rows(), &json!({"groups": [{"name": "All Users"}]})).await;
        assert_eq!(named.findings[0].reason, Reason::MatchesEveryone, "{reading}");
        assert!(named.contributions.is_empty(), "{reading}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_member_deleted_in_the_console_is_seen_either_way() {
    for (reading, gone) in [("dangle", false), ("unlinked", true)] {
        let world = World::with(&everything(), &json!({ "removedMembers": reading }));
        let desired = world.desired(&rows(), &acme()).await;
        world.converge(&desired).await;
        world.patch(json!({"removeGroup": {"group": "11"}}));
        let left = world.difference(&desired, &world.find(&desired).await.unwrap());
        assert_eq!(!left.add.is_empty(), gone, "{reading}");
        let compiled = world.compile(&rows(), &acme()).await;
        assert_eq!(compiled.findings[0].reason, Reason::GroupNotFound, "{reading}");
    }
}

/// Nobody knows what the unpublished calls want to be asked.
#[tokio::test(start_paused = true)]
async fn a_call_that_does_not_understand_us_proves_nothing() {
    let reading = json!({"idMembers": ["PolicyID"]});
    let single = World::with(&all_paths()[1], &reading);
    let desired = single.desired(&rows(), &acme()).await;
    single.create(&desired).await.unwrap();
    let view = single.observe().await.unwrap();
    assert!(view.items.is_empty() && !view.complete, "not read, not gone");
    for absent in ["error", "success"] {
        let world = World::with(&everything(), &reading);
        world.patch(json!({"options": {"deleteAbsent": absent}}));
        let desired = world.desired(&rows(), &acme()).await;
        world.converge(&desired).await;
        let id = world.find(&desired).await.unwrap().id.unwrap();
        let result = world.execute(&Step::Delete(vec![id])).await;
        // A success that did nothing is seen by the read that follows.
        assert_eq!(result.is_ok(), absent == "success", "{absent}: {result:?}");
        assert!(world.find(&desired).await.is_some(), "{absent}");
    }
}

/// Sheet section 12: what an id nobody has is answered is unknown.
#[tokio::test(start_paused = true)]
async fn what_is_not_shown_is_gone_only_if_the_call_shows_another_one() {
    let ids = |ids: &[&str]| ids.iter().map(|id| ExternalId((*id).into())).collect::<BTreeSet<_>>();
    let get = json!({"get": "/AppShield/GetPolicy"});
    for reading in ["error", "null", "blank", "emptyList"] {
        let world = World::with(&get, &json!({ "readAbsent": reading }));
        let known = world.foreign()[0]["id"].as_str().unwrap().to_owned();
        let nobody = "639057069300123456";
        let cases = [
            (ids(&[nobody, &known]), ids(&[]), ids(&[nobody]), "another one is shown"),
            (ids(&[nobody]), ids(&[&known]), ids(&[nobody]), "another one is asked for, to tell"),
            (ids(&[nobody]), ids(&[]), ids(&[]), "nothing tells whether the call works"),
            (
                ids(&[nobody]),
                ids(&["639057069300123457"]),
                ids(&[]),
                "nor does another one that is not shown",
            ),
            (ids(&[&known]), ids(&[nobody]), ids(&[]), "only what was asked for is judged"),
        ];
        for (objects, others, absent, why) in cases {
            let view = world.driver.observe(&Scope { objects, others, ..Scope::default() }).await.unwrap();
            assert_eq!(view.absent, absent, "{reading}: {why}");
            assert!(!view.complete, "{reading}: {why}");
        }
        world.patch(json!({"options": {"idMembers": ["policyID"]}}));
        let scope = Scope { objects: ids(&[nobody, &known]), ..Scope::default() };
        let view = world.driver.observe(&scope).await.unwrap();
        assert_eq!(view.absent, ids(&[]), "{reading}: the call does not understand us");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_saved_just_now_is_not_gone() {
    let world = World::new(&json!({"get": "/AppShield/GetPolicy"}));
    let known = ExternalId(world.foreign()[0]["id"].as_str().unwrap().into());
    let desired = world.desired(&rows(), &acme()).await;
    world.converge(&desired).await;
    let id = ExternalId(world.ours()[0]["id"].as_str().unwrap().into());
    world.patch(json!({"removePolicy": {"id": &*id.0}}));
    let scope = Scope { objects: BTreeSet::from([id.clone(), known]), ..Scope::default() };
    assert_eq!(world.driver.observe(&scope).await.unwrap().absent, BTreeSet::new(), "reads may lag behind");
    tokio::time::sleep(Duration::from_secs(301)).await;
    assert_eq!(world.driver.observe(&scope).await.unwrap().absent, BTreeSet::from([id]));
}
