//! What is read, listed and told of the account, also when pages lie.

use super::*;
use crate::{
    drivers::Class,
    model::{EntryKind, catalogue::Lookup},
};

#[tokio::test(start_paused = true)]
async fn the_account_is_known_by_its_customers() {
    let world = World::new(&json!({}), &json!({}));
    let first = world.driver.probe().await.unwrap().account;
    assert_eq!(first.evidence.len(), 4);
    assert_eq!(first.api, "SMPI v2.8");
    assert_eq!(world.driver.probe().await.unwrap().account.fingerprint, first.fingerprint);
    world.patch(json!({"addCustomer": {"name": "Elm Foods"}, "removeCustomer": {"customer": CEDAR}}));
    let second = world.driver.probe().await.unwrap().account;
    assert!(
        world.driver.translate().same_account(&first.evidence, &second.evidence),
        "customers come and go"
    );
    let other = World::large(3, 2).driver.probe().await.unwrap().account;
    assert!(!world.driver.translate().same_account(&first.evidence, &other.evidence));
    assert_ne!(other.fingerprint, first.fingerprint);
    let nobody = BTreeSet::new();
    assert!(
        world.driver.translate().same_account(&nobody, &nobody)
            && !world.driver.translate().same_account(&first.evidence, &nobody)
    );
}

#[tokio::test(start_paused = true)]
async fn customers_and_groups_are_listed_over_pages() {
    let world = World::large(250, 4);
    let catalogue = world.driver.catalogue().await.unwrap();
    assert_eq!((catalogue.of(EntryKind::Customer).len(), catalogue.of(EntryKind::Group).len()), (250, 1000));
    assert_eq!(catalogue.partial, BTreeSet::new());
    assert_eq!(world.service.recorder().since(0).len(), 6, "three pages each");
    let small = World::new(&json!({}), &json!({})).driver.catalogue().await.unwrap();
    let expired: Vec<_> = small.of(EntryKind::Customer).iter().filter(|e| e.unusable.is_some()).collect();
    assert_eq!(expired.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(), ["Dogwood Books"]);
    assert_eq!(small.partial, BTreeSet::new(), "the expired one is missing from the groups by right");
    let present =
        World::new(&json!({"expiredInLists": "present"}), &json!({})).driver.catalogue().await.unwrap();
    assert_eq!(present.partial, BTreeSet::new());
}

#[tokio::test(start_paused = true)]
async fn a_list_that_lies_is_never_taken_for_the_whole() {
    for (resource, kind) in [("customers", EntryKind::Customer), ("groups", EntryKind::Group)] {
        for anomaly in ["repeat", "empty", "short", "totalLow", "totalHigh"] {
            let world = World::large(250, 2);
            world.fault(&json!({"kind": "pageAnomaly", "anomaly": anomaly, "times": 1, "match": {"path": resource, "query": "page=2"}}));
            let catalogue = world.driver.catalogue().await.unwrap();
            let listed = catalogue.of(kind).len();
            let found = catalogue.lookup(kind, None, |entry| entry.id == "none");
            assert_eq!(
                found,
                Lookup::Unknown,
                "{resource} {anomaly}: {listed} listed, {:?}",
                catalogue.partial
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn expired_forbidden_and_vanished_are_told_apart() {
    let world = World::new(&json!({}), &json!({}));
    world.patch(json!({"rights": {"customer": CEDAR, "forbidden": true}, "removeGroup": {"customer": BIRCH, "group": 3}}));
    let documents = [doc(ALDER, 1), doc(BIRCH, 1), doc(BIRCH, 3), doc(CEDAR, 1), doc(DOGWOOD, 1)];
    let names: Vec<&str> = documents.iter().map(String::as_str).collect();
    let wanted = wanted(&names, &json!({"wtp": {"enabled": 1}}), &[]);
    let seen = world.read(&wanted).await.unwrap();
    let keys = |keys: Vec<ItemKey>| keys.into_iter().map(|key| key.to_string()).collect::<Vec<_>>();
    assert_eq!(keys(seen.items.into_iter().filter_map(|i| i.key).collect()), [doc(ALDER, 1), doc(BIRCH, 1)]);
    assert_eq!(keys(seen.missing.keys().cloned().collect()), [doc(BIRCH, 3), doc(DOGWOOD, 1)]);
    assert!(seen.missing[&testing::key(&doc(DOGWOOD, 1))].contains("licence has expired"));
    assert_eq!(keys(seen.unread.into_keys().collect()), [doc(CEDAR, 1)]);
    assert!(!seen.complete);
}

#[tokio::test(start_paused = true)]
async fn a_document_that_serves_others_too_is_told() {
    let share = json!({"customer": ALDER, "os": "win", "groups": [3, 4]});
    for options in [json!({}), json!({"grouping": "mergeRequested"}), json!({"sharedWrites": "split"})] {
        let world = World::new(&options, &json!({}));
        world.patch(json!({"shareDocument": share}));
        let alone = wanted(&[&doc(ALDER, 3)], &json!({"wtp": {"enabled": 1}}), &[]);
        let seen = world.read(&alone).await.unwrap();
        assert_eq!(seen.items[0].shared_with, [doc(ALDER, 4)], "{options}");
        let both =
            wanted(&[&doc(ALDER, 3), &doc(ALDER, 4)], &json!({"wtp": {"enabled": 1, "level": 2}}), &[]);
        let seen = world.read(&both).await.unwrap();
        assert!(
            seen.items.len() == 2 && seen.items.iter().all(|item| item.shared_with.is_empty()),
            "{options}"
        );
        world.pass(&both, true, true, false).await;
        assert_eq!(world.pass(&both, true, true, false).await.differing, 0, "{options}");
        assert_eq!(world.writes(), [format!("cids={ALDER}&gids=3,4&os=win&sync=true")], "{options}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_off_is_named() {
    for status in [401, 403] {
        let options = json!({"clockOffsetSecs": 2000, "authFailureStatus": status});
        let error = World::new(&options, &json!({})).driver.probe().await.unwrap_err();
        assert_eq!(error.class, Class::Unauthorized);
        assert!(error.message.contains("2000 s behind"), "{}", error.message);
    }
    let world = World::new(&json!({}), &json!({}));
    world.fault(&json!({"kind": "revokeSession"}));
    let error = world.driver.probe().await.unwrap_err();
    assert_eq!(error.class, Class::Unauthorized);
    assert!(!error.message.contains("clock"), "{}", error.message);
}

#[tokio::test(start_paused = true)]
async fn a_version_that_is_not_there_is_another_product() {
    let world = World::new(&json!({"versions": ["v2.6"]}), &json!({"version": "v2.8"}));
    let error = world.driver.probe().await.unwrap_err();
    assert_eq!(error.class, Class::Rejected);
    assert!(error.message.contains("v2.8") && error.message.contains("version"), "{}", error.message);
    assert!(
        World::new(&json!({"versions": ["v2.6"]}), &json!({"version": "v2.6"})).driver.probe().await.is_ok()
    );
}
