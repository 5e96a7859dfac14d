#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    inventory::testing::Bench,
    model::{Entry, ExternalId},
};

fn bench() -> Bench {
    let entry = |id: &str, name: &str, global: bool| Entry {
        id: id.into(),
        name: name.into(),
        parent: global.then(|| wire::EVERYONE.to_owned()),
        unusable: global.then(|| "reaches everyone".to_owned()),
    };
    let mut catalogue = Catalogue::default();
    let rules = ["31", "32", "33"].map(|id| entry(id, &format!("rule {id}"), false));
    catalogue.entries.insert(EntryKind::Rule, rules.into());
    let groups = [entry("3", "All Devices", true), entry("7", "Kiosks", false), entry("8", "Lyon", false)];
    catalogue.entries.insert(EntryKind::ManagementGroup, groups.into());
    Bench::new(
        json!({"tachyon": {"url": "https://tachyon.example", "consumer": "Ordain",
            "deploy": {"mode": "Automatic", "foreignChanges": "Hold"}}}),
        catalogue,
    )
}

fn policy(name: &str, description: &str, rules: &[&str], groups: &[&str], enabled: bool) -> ObservedItem {
    let text = [("name", name), ("description", description)];
    let text = text.into_iter().map(|(path, value)| (LeafPath(path.into()), Value::from(value)));
    let rules = rules.iter().map(|id| (LeafPath(format!("rules/{id}").into()), Value::from(true)));
    let groups: BTreeSet<String> = groups.iter().map(|id| (*id).to_owned()).collect();
    ObservedItem {
        id: Some(ExternalId("41".into())),
        name: name.to_owned(),
        leaves: text.chain(rules).collect(),
        members: BTreeMap::from([(MemberKind::ManagementGroup, groups)]),
        enabled: Some(enabled),
        ..ObservedItem::default()
    }
}

#[test]
fn what_is_found_is_said_in_our_words() {
    let entry = bench().entry(&policy("USB", "off", &["31", "33"], &["7"], true));
    let manifests = entry.manifests.unwrap();
    assert_eq!(
        serde_json::to_value(&manifests.policy.spec).unwrap(),
        json!({"displayName": "USB", "description": "off", "enabled": true,
            "content": {"tachyon": {"rules": [{"id": "31"}, {"id": "33"}]}}})
    );
    assert_eq!(
        serde_json::to_value(&manifests.assignment.spec).unwrap()["targets"],
        json!({"include": [{"tachyon": {"managementGroups": [{"id": "7"}]}}]})
    );
}

#[test]
fn what_our_words_cannot_say_is_no_manifest_and_says_why() {
    let unfit = ObservedItem {
        unfit: Some("uses fragments that are not licensed".into()),
        ..policy("A", "", &["31"], &["7"], true)
    };
    let cases = [
        (unfit, Some("not licensed"), "it would be told to be wrong"),
        (policy("A", "", &["31"], &["3"], true), None, "everyone is said by its own word"),
        (policy("A", "", &["31"], &["3", "7"], true), Some("all devices"), "everyone, and others"),
        (policy("A", "", &["31"], &[], false), None, "nobody, which must be asked for"),
        (policy("A", "", &[], &["7"], false), None, "no rules: they are not ours"),
        (policy("A", "", &["99"], &["7"], true), Some("rule"), "a rule that is not listed"),
    ];
    for (observed, expected, why) in cases {
        let said = bench().applied(&observed).err();
        let fits = match (&said, expected) {
            (None, None) => true,
            (Some(said), Some(word)) => said.contains(word),
            _ => false,
        };
        assert!(fits, "{why}: {said:?}");
    }
}

fn some(pool: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(pool), 0..4)
}

fn states() -> impl Strategy<Value = ObservedItem> {
    let told = (
        prop_oneof![3 => "[ -~äß]{1,20}", 1 => ".{0,40}"],
        prop_oneof![3 => "[ -~]{0,30}", 1 => ".{0,40}"],
        prop_oneof![4 => some(&["31", "32", "33"]), 1 => some(&["31", "99"])],
        prop_oneof![4 => some(&["7", "8"]), 1 => some(&["3"]), 1 => some(&["3", "7", "66"])],
        any::<bool>(),
    );
    told.prop_map(|(name, description, rules, groups, enabled)| {
        policy(&name, &description, &rules, &groups, enabled)
    })
}

#[test]
fn of_a_thousand_policies_none_would_be_changed() {
    bench().law(states(), 200);
}
