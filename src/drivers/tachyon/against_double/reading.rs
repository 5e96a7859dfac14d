//! Views: what is seen, what is hidden, what is pending, what can be named.

use super::*;
use crate::model::{EntryKind, catalogue::Lookup};

/// The sandbox's application, with roles on some groups only.
fn scoped() -> World {
    let world = World::new();
    scope(&world, &["Finance laptops", "Kiosks", "Pilot ring", "Lyon office"]);
    world
}

fn scope(world: &World, groups: &[&str]) {
    let roles = json!([{"role": "Guaranteed State Administrator", "groups": groups}]);
    world.patch(json!({"grants": [{"principal": "ordain-sandbox", "roles": roles}]}));
}

#[tokio::test(start_paused = true)]
async fn everything_is_read_in_the_words_of_the_model() {
    let world = World::new();
    let observation = world.observe().await;
    assert!(observation.complete && !observation.undeployed);
    assert_eq!(observation.partial, None);
    let names: Vec<_> = observation.items.iter().map(|item| item.name.as_str()).collect();
    assert_eq!(names, ["Windows baseline", "Disk encryption", "Browser baseline"]);
    let disk = &observation.items[1];
    assert_eq!((disk.enabled, disk.pending, &disk.mark), (Some(true), false, &None));
    assert_eq!(leaf(disk, "description"), "Laptops that leave the house");
    assert_eq!(leaf(disk, &format!("rules/{}", world.id_of("rules", "bitlocker-system-drive"))), true);
    let groups = ["Finance laptops", "Executive tablets"].map(|name| world.id_of("groups", name));
    assert_eq!(disk.members[&MemberKind::ManagementGroup], BTreeSet::from(groups));
    assert!(disk.unfit.is_some() && disk.fixed.is_empty());
    assert!(!disk.provenance.modified_at.is_empty());
    assert_eq!(world.observe().await, observation, "reading twice gives the same");
}

#[tokio::test(start_paused = true)]
async fn a_view_that_is_not_proven_full_is_partial_and_says_why() {
    let cases = [
        (scoped(), true, "All Devices"),
        (World::with(&json!({"roleRows": "own"})), false, ""),
        (World::new(), false, ""),
    ];
    for (world, partial, says) in cases {
        let observation = world.observe().await;
        assert_eq!(observation.partial.is_some(), partial);
        assert!(observation.partial.as_deref().unwrap_or_default().contains(says));
        for item in &observation.items {
            assert_eq!(item.fixed.len(), if partial { 2 } else { 0 });
        }
        let capability =
            world.driver.probe().await.unwrap().account.capabilities["ManagementGroups:All"].clone();
        assert_eq!(capability, if partial { "Unknown" } else { "Allowed" });
    }
    for flag in ["perPrincipal", "perRole"] {
        let world = World::with(&json!({ "roleFlag": flag }));
        // Somebody else holds our role, on a part of the groups.
        let roles = json!([{"role": "Guaranteed State Administrator", "groups": ["Kiosks"]}]);
        world.patch(json!({"principals": [{"principal": "somebody"}]}));
        world.patch(json!({"grants": [{"principal": "somebody", "roles": roles}]}));
        assert_eq!(world.observe().await.partial, None, "{flag}");
        scope(&world, &["Finance laptops", "Kiosks"]);
        assert!(
            world.observe().await.partial.is_some(),
            "{flag}: a role of that name on All Devices is another's"
        );
    }
    let old = World::with(&json!({"version": "7.3"}));
    scope(&old, &["Kiosks"]);
    assert_eq!(old.observe().await.partial, None, "before 8.0 nothing is hidden");
}

#[tokio::test(start_paused = true)]
async fn groups_that_a_fault_hides_make_the_view_partial() {
    let world = World::new();
    world.fault(&json!({"kind": "hideGroups", "groups": ["Finance laptops"]}));
    assert!(world.observe().await.partial.is_some());
    let found = world.compile(&usb(), including(&["Finance laptops", "Kiosks"])).await;
    let reasons: Vec<_> = found.findings.iter().map(|finding| finding.reason).collect();
    assert_eq!(reasons, [Reason::CatalogueIncomplete], "hidden is not the same as not there");
    assert_eq!(found.contributions.len(), 1, "the others proceed");
}

#[tokio::test(start_paused = true)]
async fn under_a_partial_view_no_policy_is_put_and_hidden_groups_stay() {
    let world = World::new();
    let mut desired = world.desired(&usb(), &["Finance laptops", "Kiosks"]).await;
    world.converge(&desired).await;
    let name = "USB lockdown Zürich";
    world.patch(json!({"editPolicies": [{"policy": name, "addGroups": ["Quarantine"]}]}));
    scope(&world, &["Finance laptops", "Kiosks", "Pilot ring"]);
    set(&mut desired, "name", json!("USB off"));
    let rule = LeafPath(format!("rules/{}", world.id_of("rules", "print-spooler-stopped")).into());
    let on = desired.leaves.values().next_back().unwrap().clone();
    desired.leaves.insert(rule, on);
    let pilot = world.id_of("groups", "Pilot ring");
    groups(&mut desired).insert(pilot);
    let observed = world.find(&desired).await.unwrap();
    let effects = world.effects_of(&replace(&desired, observed.clone())).await;
    assert_eq!(effects.len(), 2, "{effects:?}");
    assert!(effects.iter().all(|line| line.starts_with("POST Policies/")), "{effects:?}");
    let ours = world.ours().unwrap();
    assert_eq!(ours["groups"], json!(["Finance laptops", "Kiosks", "Pilot ring", "Quarantine"]));
    assert_eq!(ours["name"], name);
    let step =
        Step::Restore { observed: Box::new(observed), leaves: BTreeMap::new(), members: BTreeMap::new() };
    let error = world.execute(&step).await.unwrap_err();
    assert_eq!((error.class, error.reason), (Class::Rejected, Reason::PartialView), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_view_that_narrows_between_read_and_put_is_a_conflict() {
    let world = World::new();
    let mut desired = world.desired(&usb(), &["Finance laptops", "Kiosks"]).await;
    world.converge(&desired).await;
    set(&mut desired, "name", json!("USB off"));
    let observed = world.find(&desired).await.unwrap();
    scope(&world, &["Finance laptops"]);
    let error = world.execute(&replace(&desired, observed)).await.unwrap_err();
    assert_eq!((error.class, error.reason), (Class::Conflict, Reason::Conflict), "{error}");
    assert_eq!(world.ours().unwrap()["groups"], json!(["Finance laptops", "Kiosks"]));
}

#[tokio::test(start_paused = true)]
async fn pages_that_lie_are_not_believed() {
    let anomalies = ["repeat", "empty", "short", "countLow", "countHigh"];
    for anomaly in anomalies {
        for path in ["ShallowSearch", "Rules"] {
            let world = World::crowded(450, &json!({}));
            assert_eq!((world.observe().await.complete, world.observe().await.items.len()), (true, 453));
            world.fault(&json!({"kind": "pageAnomaly", "anomaly": anomaly, "match": {"path": path}}));
            if path == "Rules" {
                let catalogue = world.driver.catalogue().await.unwrap();
                assert!(!catalogue.is_complete(EntryKind::Rule), "{anomaly}");
            } else {
                assert!(!world.observe().await.complete, "{anomaly}");
            }
        }
    }
    for options in
        [json!({"pageSize": {"max": 50}}), json!({"pageSize": {"max": 50}, "totalCount": "returned"})]
    {
        let observation = World::crowded(450, &options).observe().await;
        assert_eq!((observation.complete, observation.items.len()), (true, 453), "{options}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_others_change_waits_for_a_deployment() {
    let forms =
        [json!({}), json!({"pendingForm": "object"}), json!({"pendingForm": "object", "pendingMember": "x"})];
    for options in forms {
        let world = World::with(&options);
        assert!(!world.observe().await.undeployed, "{options}");
        world.patch(json!({"editPolicies": [{"policy": "Browser baseline", "enabled": true}]}));
        assert!(world.observe().await.undeployed, "{options}");
        world.execute(&Step::Deploy).await.unwrap();
        assert!(!world.observe().await.undeployed, "{options}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_catalogue_knows_rules_groups_and_who_everyone_is() {
    for options in [json!({}), json!({"idForm": "quoted"}), json!({"pageSize": {"max": 3}})] {
        let world = World::with(&options);
        let catalogue = world.driver.catalogue().await.unwrap();
        let everyone = catalogue.lookup(EntryKind::ManagementGroup, Some("global"), |_| true);
        let Lookup::Found(entry) = everyone else { panic!("{options}: {everyone:?}") };
        assert_eq!((&*entry.id, entry.unusable.is_some()), (&*world.id_of("groups", "All Devices"), true));
        assert_ne!(entry.id, "1", "it is not known by its number");
        assert!(catalogue.is_complete(EntryKind::Rule) && catalogue.is_complete(EntryKind::ManagementGroup));
        assert_eq!(catalogue.of(EntryKind::Rule).len(), 10, "{options}");
        assert_eq!(catalogue.of(EntryKind::ManagementGroup).len(), 12, "{options}");
    }
    let catalogue = scoped().driver.catalogue().await.unwrap();
    assert!(!catalogue.is_complete(EntryKind::ManagementGroup) && catalogue.is_complete(EntryKind::Rule));
}

#[tokio::test(start_paused = true)]
async fn probing_tells_what_the_account_may() {
    for options in [json!({}), json!({"permissionForm": "list"})] {
        let world = World::with(&options);
        let account = world.driver.probe().await.unwrap().account;
        assert_eq!(account.fingerprint, "127.0.0.1:41004");
        assert_eq!(account.version, "9.2.0.118");
        assert!(account.capabilities.values().all(|state| state == "Allowed"), "{:?}", account.capabilities);
        assert!(world.effects().is_empty(), "probing changes nothing");
        world.fault(&json!({"kind": "permissionRemoved", "permission": "PolicyDeployment/Execute"}));
        let account = world.driver.probe().await.unwrap().account;
        assert_eq!(account.capabilities["PolicyDeployment:Execute"], "Denied", "{options}");
        assert_eq!(account.capabilities["GuaranteedState:Write"], "Allowed", "{options}");
    }
}
