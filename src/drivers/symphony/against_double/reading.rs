//! Views: lists, pages, spellings, what an account may see.

use super::*;
use crate::model::{EntryKind, catalogue::Lookup};

#[tokio::test(start_paused = true)]
async fn the_pod_is_read_whole_and_the_same_way_under_every_reading() {
    let readings = [
        json!({}),
        json!({"wordCase": "upper"}),
        json!({"arrayOrder": "reversed"}),
        json!({"listOrder": "updated"}),
        json!({"omit": ["pageCount", "page", "version", "creatorId"]}),
    ];
    for reading in &readings {
        let world = World::with(reading, &json!({}));
        let view = world.observe().await;
        assert!(view.complete, "{reading}");
        let mut names: Vec<_> = view.items.iter().map(|item| item.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["Insider & Marktmissbrauch", "PCI card numbers", "Räume: Entwurf"], "{reading}");
        let cards = view.items.iter().find(|item| item.name == "PCI card numbers").unwrap();
        assert_eq!((cards.enabled, &cards.mark), (Some(true), &None));
        assert_eq!(leaf(cards, "type"), "Block");
        assert_eq!(leaf(cards, "contentTypes"), &json!(["Messages", "RoomMeta"]));
        assert_eq!(leaf(cards, "dictionaries").as_array().unwrap().len(), 1);
        assert!(cards.provenance.modified_at.starts_with("2023-"), "{:?}", cards.provenance);
        assert_eq!(world.observe().await, view, "reading twice gives the same");
    }
}

#[tokio::test(start_paused = true)]
async fn policies_of_the_other_generation_are_other_peoples() {
    let world = World::with(&json!({"otherGeneration": "shown"}), &json!({}));
    let view = world.observe().await;
    assert_eq!((view.items.len(), view.complete), (5, true));
    assert!(view.items.iter().all(|item| item.mark.is_none()));
}

#[tokio::test(start_paused = true)]
async fn many_policies_and_dictionaries_are_read_page_by_page() {
    for order in ["created", "name", "updated"] {
        let world = World::crowded((147, 96), &json!({"listOrder": order}), &json!({}));
        let view = world.observe().await;
        assert_eq!((view.items.len(), view.complete), (150, true), "{order}");
        let catalogue = world.driver.catalogue().await.unwrap();
        assert_eq!(catalogue.of(EntryKind::Dictionary).len(), 100, "{order}");
        let gone = catalogue.lookup(EntryKind::Dictionary, None, |entry| entry.name == "words 96");
        assert_eq!(gone, Lookup::NotFound, "{order}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_cut_wrongly_is_read_again_and_a_lasting_one_proves_nothing() {
    for anomaly in ["repeat", "empty", "short", "countLow", "countHigh"] {
        let fault = |times: usize| json!({"kind": "pageAnomaly", "anomaly": anomaly, "times": times, "skip": 1, "match": {"method": "GET"}});
        let world = World::crowded((117, 76), &json!({}), &json!({}));
        world.observe().await;
        world.fault(&fault(1));
        let view = world.observe().await;
        assert_eq!((view.items.len(), view.complete), (120, true), "{anomaly}: once");
        world.fault(&fault(1000));
        let view = world.observe().await;
        assert!(!view.complete, "{anomaly}: {} of 120", view.items.len());
        let catalogue = world.driver.catalogue().await.unwrap();
        assert!(!catalogue.is_complete(EntryKind::Dictionary), "{anomaly}");
        let lookup = catalogue.lookup(EntryKind::Dictionary, None, |entry| entry.name == "nobody's");
        assert_eq!(lookup, Lookup::Unknown, "{anomaly}");
    }
}

#[tokio::test(start_paused = true)]
async fn somebody_who_works_in_the_console_while_pages_are_read_hides_nothing() {
    let changes = [
        json!({"removePolicies": ["policy 3"]}),
        json!({"addPolicies": [{"name": "aaa", "type": "Warn", "contentTypes": ["Messages"], "scopes": ["Internal"],
            "dictionaries": ["card-patterns"]}]}),
        json!({"editPolicies": [{"policy": "policy 90", "type": "Block"}]}),
        json!({"editPolicies": [{"policy": "policy 3", "rename": "zzz"}]}),
    ];
    for order in ["created", "name", "updated"] {
        for change in &changes {
            let world = World::crowded((117, 1), &json!({"listOrder": order}), &json!({}));
            world.observe().await;
            let when = json!({"method": "GET", "path": "policies"});
            world.fault(
                &json!({"kind": "foreignEdit", "change": change, "times": 1, "skip": 1, "match": when}),
            );
            let view = world.observe().await;
            let state = world.service.double().state();
            let all = state["policies"].as_object().unwrap().iter();
            let stand: BTreeSet<&str> = all
                .filter(|(_, one)| one["generation"] == "v1" && one["deleted"] == false)
                .map(|(id, _)| id.as_str())
                .collect();
            let seen: BTreeSet<&str> = view.items.iter().map(|item| &*item.id.as_ref().unwrap().0).collect();
            assert!(stand.len() >= 119, "{state}");
            assert!(view.complete && seen == stand, "{order} {change}: {} of {}", seen.len(), stand.len());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn members_that_may_be_absent_are_not_missed_and_others_never_read_as_nothing() {
    for member in ["policyId", "name", "type", "contentTypes", "scopes", "dictionaryRefs", "active", "dictId"]
    {
        let world = World::with(&json!({"omit": [member]}), &json!({}));
        match world.driver.observe(&Scope::default()).await {
            Ok(view) => assert!(!view.complete, "{member}"),
            Err(error) => panic!("{member}: {error}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_policy_that_lists_show_late_is_not_made_twice() {
    let world = World::with(&json!({"newVisibleAfterMs": 60_000}), &json!({}));
    let desired = world.desired(&cards()).await;
    world.execute(&Step::Create(Box::new(desired.clone()))).await.unwrap();
    assert_eq!(world.find(&desired).await, None);
    let error = world.execute(&Step::Create(Box::new(desired.clone()))).await.unwrap_err();
    assert_eq!(error.class, Class::Rejected, "names are unique: {error}");
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(world.converge(&desired).await, 1, "switched on");
    assert!(world.ours().is_some());
}

#[tokio::test(start_paused = true)]
async fn the_account_is_the_pod_and_its_rights_are_told() {
    let world = World::new();
    let account = world.driver.probe().await.unwrap().account;
    assert_eq!((account.fingerprint.as_str(), account.api.as_str()), ("pod.example:443", "V1"));
    assert_eq!(account.version, "Agent-25.8.1-4711-linux");
    assert_eq!(account.capabilities["ListPolicies"], "Allowed");
    assert_eq!(account.capabilities["ListDictionaries"], "Allowed");
    assert_eq!(world.effects(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn who_lacks_the_role_or_the_feature_is_told_so() {
    let cases = [
        (json!({"v1Licensed": false}), json!({})),
        (json!({"contentExportRequired": true}), json!({"contentExport": false})),
        (json!({}), json!({"policyManagement": false})),
    ];
    for (options, change) in cases {
        let world = World::with(&options, &json!({}));
        let mut account = change.clone();
        account["username"] = json!("dlp-operator");
        world.patch(json!({ "accounts": [account] }));
        let error = world.driver.probe().await.unwrap_err();
        assert_eq!(
            (error.class, error.reason),
            (Class::Rejected, Reason::Forbidden),
            "{options} {change}: {error}"
        );
        assert!(error.message.contains("Expression Filter Policy Management"), "{error}");
        let before = world.sessions("sessionLogins");
        world.driver.observe(&Scope::default()).await.unwrap_err();
        assert_eq!(world.sessions("sessionLogins"), before, "a new session would not help");
    }
    let gone = World::with(&json!({"v1Served": false}), &json!({}));
    let error = gone.driver.probe().await.unwrap_err();
    assert_eq!((error.class, error.reason), (Class::Rejected, Reason::VersionUnsupported), "{error}");
    let error = gone.driver.observe(&Scope::default()).await.unwrap_err();
    assert_eq!(error.class, Class::Transient, "a list is never gone: {error}");
}
