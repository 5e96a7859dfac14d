//! Views: lists, pages, caches, spellings.

use super::*;
use crate::{
    api::Reason,
    drivers::error::Class,
    model::{EntryKind, catalogue::Lookup},
};

#[tokio::test(start_paused = true)]
async fn every_dialect_is_read_whole_and_the_same_way() {
    for dialect in ALL {
        let world = World::new(dialect);
        let observation = world.observe().await;
        assert!(observation.complete, "{dialect:?}");
        let names: Vec<_> = observation.items.iter().map(|item| item.name.as_str()).collect();
        assert_eq!(names, ["Default passcode", "VPN for sales"], "{dialect:?}");
        let vpn = &observation.items[1];
        assert_eq!((vpn.enabled, vpn.pending, vpn.slot), (Some(true), false, Some(2)));
        assert_eq!(leaf(vpn, "platform"), "android");
        assert_eq!(leaf(vpn, "features/VPN")["serverPort"], "1194");
        assert_eq!(members(vpn, MemberKind::Role), set(&["sales"]));
        assert_eq!(vpn.mark, None);
        assert!(!vpn.provenance.modified_at.is_empty());
        assert_eq!(world.observe().await, observation, "reading twice gives the same");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_written_in_another_locale_is_only_shown() {
    let here = World::new(Dialect::MdmAdmin).observe().await;
    let there =
        World::with(Dialect::MdmAdmin, &json!({"dateLocale": "De", "dateZoneMinutes": 120}), &json!({}))
            .observe()
            .await;
    assert_ne!(here.items[0].provenance, there.items[0].provenance);
    assert_eq!(here.items[0].leaves, there.items[0].leaves);
}

#[tokio::test(start_paused = true)]
async fn the_catalogue_is_the_same_under_every_reading_of_the_sheet() {
    let readings = [
        json!({}),
        json!({"groupListKey": "groups"}),
        json!({"rolesPaged": true}),
        json!({"deviceTypesAsObjects": true}),
        json!({"internalRolesListed": true}),
        json!({"cacheEnabled": false, "quotedTexts": false}),
        json!({"gateway": false}),
        json!({"faultFormat": "Xml"}),
    ];
    for dialect in ALL {
        for reading in &readings {
            let world = World::with(dialect, reading, &json!({}));
            let catalogue = world.driver.catalogue().await.unwrap();
            let about = format!("{dialect:?} {reading}");
            let found = |kind, name: &str| {
                matches!(catalogue.lookup(kind, None, |e| e.name == name), Lookup::Found(_))
            };
            assert!(found(EntryKind::DeviceType, "android"), "{about}");
            assert!(found(EntryKind::Role, "engineer") && found(EntryKind::User, "jdoe"), "{about}");
            assert_eq!(found(EntryKind::Group, "Field tablets"), dialect != Dialect::MdmAdmin, "{about}");
            let wifi = catalogue.lookup(EntryKind::Feature, Some("android"), |e| e.name == "WIFI");
            assert!(matches!(wifi, Lookup::Found(_)), "{about}");
            assert!(catalogue.is_complete(EntryKind::Role), "{about}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn pages_that_lie_are_not_believed() {
    let crowd: Vec<_> = (0..150)
        .map(|n| json!({"name": format!("Branch {n:03}"), "deviceType": "android", "features": {"CAMERA": {"enabled": true}}}))
        .collect();
    let anomalies = [
        json!({"listCut": 120}),
        json!({"countSkew": 1}),
        json!({"countSkew": -1}),
        json!({"duplicateOnPage": true}),
    ];
    for dialect in [Dialect::DeviceMgtV1, Dialect::Entgra] {
        for anomaly in &anomalies {
            let world = World::new(dialect);
            world.patch(json!({ "add": crowd }));
            let whole = world.observe().await;
            assert_eq!((whole.complete, whole.items.len()), (true, 152));
            world.patch(json!({ "options": anomaly }));
            let lied = world.observe().await;
            assert!(!lied.complete, "{dialect:?} {anomaly}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_list_is_ever_asked_for_without_a_limit() {
    let world = World::new(Dialect::DeviceMgtV1);
    world.driver.probe().await.unwrap();
    let desired = world.desired(&baseline(), &engineers()).await;
    world.converge(&desired).await;
    let lists =
        world.calls().into_iter().filter(|line| line.contains("/policies?") || line.ends_with("/policies"));
    for line in lists.filter(|line| line.starts_with("GET")) {
        assert!(line.contains("limit="), "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn probing_tells_one_account_from_another_and_what_it_may() {
    for dialect in ALL {
        let world = World::new(dialect);
        let account = world.driver.probe().await.unwrap().account;
        assert_eq!(account.fingerprint, "emm.example:9443/carbon.super");
        assert_eq!(account.capabilities["ListPolicies"], "Allowed");
        let expected = if dialect == Dialect::MdmAdmin { "Unknown" } else { "Allowed" };
        assert_eq!(account.capabilities["OrderPolicies"], expected, "{dialect:?}");
        assert!(world.effects().is_empty(), "probing changes nothing");
        let before = world.driver.probe().await.unwrap().account.evidence;
        let desired = world.desired(&baseline(), &engineers()).await;
        world.converge(&desired).await;
        assert_eq!(
            world.driver.probe().await.unwrap().account.evidence,
            before,
            "policies do not change who it is"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_dialect_is_told() {
    let cases = [
        (Dialect::MdmAdmin, "DeviceMgtV1"),
        (Dialect::DeviceMgtV1, "MdmAdmin"),
        (Dialect::Entgra, "MdmAdmin"),
    ];
    for (dialect, api) in cases {
        let world = World::with(dialect, &json!({}), &json!({ "api": api }));
        let error = world.driver.probe().await.unwrap_err();
        assert_eq!((error.class, error.reason), (Class::Rejected, Reason::VersionUnsupported), "{error}");
    }
}
