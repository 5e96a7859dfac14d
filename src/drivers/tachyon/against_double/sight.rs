//! What a proof of the view is good for, and for how long.

use super::*;

/// What a look asks for that takes the last proof over.
const KEPT: [&str; 3] =
    ["GET Policies/Pending/Changes", "POST Policies/ShallowSearch", "GET Policies/Unlicensed"];
/// What a proof asks for besides.
const PROOF: [&str; 2] =
    ["GET ManagementGroups?includeSystemGroups=true", "GET PrincipalRoleManagementGroups"];

/// Ours in place, a view that was proven, and no policy that reaches All Devices.
async fn world() -> (World, DesiredItem) {
    let world = World::crowded(20, &json!({}));
    world.patch(json!({"removePolicies": ["Windows baseline"]}));
    let desired = world.desired(&usb(), &GROUPS).await;
    world.converge(&desired).await;
    assert_eq!(world.observe().await.partial, None);
    (world, desired)
}

/// The account loses every group that no policy reaches, All Devices among them.
fn narrow(world: &World) {
    let groups = [
        "Finance laptops",
        "Call centre Zürich",
        "Executive tablets",
        "Pilot ring",
        "Lyon office",
        "Build servers",
    ];
    let roles = json!([{"role": "Guaranteed State Administrator", "groups": groups}]);
    world.patch(json!({"grants": [{"principal": "ordain-sandbox", "roles": roles}]}));
}

/// Calls of one look.
async fn look(world: &World) -> Vec<String> {
    let before = world.calls().len();
    world.observe().await;
    world.calls().split_off(before)
}

fn proves(calls: &[String]) -> bool {
    PROOF.iter().all(|call| calls.iter().any(|made| made == call))
}

#[tokio::test(start_paused = true)]
async fn a_look_that_finds_the_same_picture_asks_for_nothing_more() {
    let (world, _) = world().await;
    assert_eq!(look(&world).await, KEPT);
    let rule = json!({"policy": "USB lockdown Zürich", "rules": ["print-spooler-stopped"]});
    world.patch(json!({"editPolicies": [rule]}));
    assert_eq!(look(&world).await, KEPT, "rules are hidden from nobody");
}

#[tokio::test(start_paused = true)]
async fn whatever_makes_another_picture_is_proven_anew() {
    let edit = |change: Value| {
        let mut edit = json!({"policy": "Disk encryption"});
        edit.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        json!({"editPolicies": [edit]})
    };
    let cases = [
        (edit(json!({"addGroups": ["Kiosks"]})), "a group given"),
        (edit(json!({"removeGroups": ["Executive tablets"]})), "a group taken"),
        (
            json!({"addPolicies": [{"name": "New", "enabled": true, "rules": [], "groups": []}]}),
            "a policy made",
        ),
        (json!({"removePolicies": ["Browser baseline"]}), "a policy gone"),
    ];
    for (change, why) in cases {
        let (world, _) = world().await;
        world.patch(change);
        assert!(proves(&look(&world).await), "{why}");
    }
    let (world, _) = world().await;
    world.fault(&json!({"kind": "hideGroups", "groups": ["Pilot ring"]}));
    assert!(world.observe().await.partial.is_some(), "a group that somebody else's policy reaches is hidden");
    assert!(proves(&look(&world).await), "a partial view is proven in every look");
}

#[tokio::test(start_paused = true)]
async fn a_proof_ends() {
    let (world, _) = world().await;
    tokio::time::sleep(Duration::from_secs(19 * 60)).await;
    assert_eq!(look(&world).await, KEPT);
    tokio::time::sleep(Duration::from_secs(2 * 60)).await;
    assert!(proves(&look(&world).await));
    assert_eq!(look(&world).await, KEPT, "and another begins");
}

/// What is done to ours, how, and whether it goes on without a new proof.
type Done = (&'static str, fn(&World, DesiredItem, ObservedItem) -> Step, bool);

fn steps() -> [Done; 7] {
    [
        ("removed", |_, _, seen| Step::Delete(vec![seen.id.unwrap()]), false),
        ("off", |_, _, seen| Step::SetEnabled { ids: vec![seen.id.unwrap()], enabled: false }, false),
        (
            "replaced",
            |_, mut desired, seen| {
                set(&mut desired, "name", json!("USB off"));
                replace(&desired, seen)
            },
            false,
        ),
        (
            "a group out",
            |world, mut desired, seen| {
                groups(&mut desired).remove(&world.id_of("groups", "Call centre Zürich"));
                replace(&desired, seen)
            },
            false,
        ),
        (
            "a rule out",
            |world, mut desired, seen| {
                let rule = format!("rules/{}", world.id_of("rules", "usb-start-type"));
                desired.leaves.remove(&LeafPath(rule.into()));
                replace(&desired, seen)
            },
            false,
        ),
        (
            "a rule put back to none",
            |world, _, mut seen| {
                let rule = format!("rules/{}", world.id_of("rules", "usb-start-type"));
                let leaves = BTreeMap::from([(LeafPath(rule.into()), Value::Null)]);
                seen.mark = None;
                Step::Restore { observed: Box::new(seen), leaves, members: BTreeMap::new() }
            },
            false,
        ),
        (
            "a group in",
            |world, mut desired, seen| {
                groups(&mut desired).insert(world.id_of("groups", "Lyon office"));
                replace(&desired, seen)
            },
            true,
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn what_may_strike_hidden_groups_waits_for_a_proof_that_none_is() {
    for (what, step, goes_on) in steps() {
        for narrowed in [false, true] {
            let (world, desired) = world().await;
            assert_eq!(look(&world).await, KEPT);
            if narrowed {
                narrow(&world);
            }
            let seen = world.find(&desired).await.unwrap();
            assert!(seen.fixed.is_empty(), "{what}: nothing that a policy reaches tells");
            let step = step(&world, desired, seen);
            let before = (world.calls().len(), world.effects().len());
            let done = world.execute(&step).await.map(drop).map_err(|error| (error.class, error.reason));
            let calls = world.calls().split_off(before.0);
            assert_eq!(calls.iter().any(|call| call == PROOF[0]), !goes_on, "{what}: {calls:#?}");
            if goes_on || !narrowed {
                assert_eq!(done, Ok(()), "{what}");
                continue;
            }
            assert_eq!(done, Err((Class::Conflict, Reason::Conflict)), "{what}");
            assert_eq!(world.effects().len(), before.1, "{what}: nothing was sent");
            assert!(world.observe().await.partial.is_some(), "{what}: and the next look says so");
        }
    }
}

/// What is said to the removal of ours, of which nothing is sent.
async fn refused(world: &World, seen: ObservedItem) -> DriverError {
    let before = world.effects();
    let error = world.execute(&Step::Delete(vec![seen.id.unwrap()])).await.unwrap_err();
    assert_eq!(world.effects(), before);
    error
}

#[tokio::test(start_paused = true)]
async fn whoever_finds_the_view_partial_ends_the_proof() {
    for (kept, probed) in [(false, false), (false, true), (true, false), (true, true)] {
        let (world, desired) = world().await;
        tokio::time::sleep(Duration::from_secs(21 * 60)).await;
        assert!(proves(&look(&world).await));
        if kept {
            assert_eq!(look(&world).await, KEPT);
        } else {
            tokio::time::sleep(Duration::from_secs(21 * 60)).await;
        }
        let seen = world.find(&desired).await.unwrap();
        narrow(&world);
        if probed {
            drop(world.driver.probe().await.unwrap());
        } else {
            drop(world.driver.catalogue().await.unwrap());
        }
        let why = format!("kept {kept}, probed {probed}");
        assert_eq!(refused(&world, seen).await.class, Class::Conflict, "{why}");
        assert!(look(&world).await.iter().any(|call| call == PROOF[0]), "{why}");
        assert!(world.observe().await.partial.is_some(), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_made_anew_under_its_name_is_found_before_anything_is_taken_away() {
    let (world, desired) = world().await;
    assert_eq!(look(&world).await, KEPT);
    let seen = world.find(&desired).await.unwrap();
    world.patch(json!({"editGroups": [{"group": "Kiosks", "rename": "Old kiosks"}]}));
    world.patch(json!({"addGroups": [{"name": "Kiosks", "devices": []}]}));
    let error = refused(&world, seen).await;
    assert_eq!(error.class, Class::Conflict);
    assert!(error.message.contains("management groups are others"), "{error}");
    assert!(proves(&look(&world).await), "and the next look learns which");
    let seen = world.find(&desired).await.unwrap();
    world.execute(&Step::Delete(vec![seen.id.unwrap()])).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_count_that_changes_its_meaning_hides_nothing() {
    let ids = |observation: &Observation| {
        observation.items.iter().map(|item| item.id.clone()).collect::<BTreeSet<_>>()
    };
    for before in [json!({}), json!({"pageSize": {"max": 15}})] {
        let world = World::crowded(30, &before);
        let all = ids(&world.observe().await);
        world.patch(json!({"options": {"totalCount": "returned", "pageSize": {"max": 15}}}));
        for looks in 0..4 {
            let now = world.observe().await;
            assert_eq!((now.complete, ids(&now) == all), (true, true), "{before}, look {looks}");
        }
    }
    let world = World::crowded(30, &json!({}));
    let pages = |calls: Vec<String>| calls.iter().filter(|call| call.ends_with("ShallowSearch")).count();
    assert_eq!(pages(look(&world).await), 2, "a page, and an empty one that tells the count of all");
    assert_eq!(pages(look(&world).await), 1, "the same ones");
    world.patch(json!({"removePolicies": ["Browser baseline"]}));
    assert_eq!(pages(look(&world).await), 2, "one less");
    drop(world.driver.probe().await.unwrap());
    assert_eq!(pages(look(&world).await), 2, "after a probe");
    assert_eq!(pages(look(&world).await), 1);
    tokio::time::sleep(Duration::from_secs(21 * 60)).await;
    assert_eq!(pages(look(&world).await), 2, "and after a while");
}

#[tokio::test(start_paused = true)]
async fn a_proof_that_is_made_anew_is_made_once_and_lasts_as_long_as_the_first() {
    let (world, desired) = world().await;
    tokio::time::sleep(Duration::from_secs(15 * 60)).await;
    assert_eq!(look(&world).await, KEPT);
    let id = world.find(&desired).await.unwrap().id.unwrap();
    let proven = [false, true].map(|enabled| (enabled, !enabled));
    for (enabled, proves_anew) in proven {
        let before = world.calls().len();
        for _ in 0..2 {
            world.execute(&Step::SetEnabled { ids: vec![id.clone()], enabled }).await.unwrap();
        }
        let calls = world.calls().split_off(before);
        let asked = calls.iter().filter(|call| *call == PROOF[0]).count();
        assert_eq!(asked, usize::from(proves_anew), "enabled: {enabled}: {calls:#?}");
    }
    tokio::time::sleep(Duration::from_secs(15 * 60)).await;
    assert!(!proves(&look(&world).await), "half an hour after the first one");
}
