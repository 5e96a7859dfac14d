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

#[tokio::test(start_paused = true)]
async fn what_may_strike_hidden_groups_waits_for_a_proof_that_none_is() {
    let steps: [(&str, fn(&World, DesiredItem, ObservedItem) -> Step, bool); 6] = [
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
            true,
        ),
        (
            "a group in",
            |world, mut desired, seen| {
                groups(&mut desired).insert(world.id_of("groups", "Lyon office"));
                replace(&desired, seen)
            },
            true,
        ),
    ];
    for (what, step, goes_on) in steps {
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
