#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    drivers::wfbss::testing::{A, any_json, catalogue, key, observed},
    inventory::testing::Bench,
};

fn bench() -> Bench {
    Bench::new(json!({"wfbss": {"url": "https://cspi.example"}}), catalogue())
}

/// A document read whole.
fn read(raw: Value) -> ObservedItem {
    let all = leaves(&raw);
    let paths: Vec<&str> = all.iter().map(|path| &*path.0).collect();
    observed(&key(&format!("{A}/2/win")), raw, &paths)
}

#[test]
fn what_is_found_is_said_in_our_words() {
    let entry = bench().entry(&read(json!({
        "wtp": {"enabled": 1, "approved_urls": ["HTTP://A.example/x"], "approved_urls_times": [1], "note": null},
        "agent_uninstall": {"password_required": 0, "password": ""},
        "behavior_monitoring": {}, "a/b": {"x": 1},
    })));
    assert_eq!(entry.name, "Acme/Server (Default)/win");
    let manifests = entry.manifests.unwrap();
    assert_eq!(
        serde_json::to_value(&manifests.policy.spec).unwrap(),
        json!({"content": {"wfbss": {"documents": [{"os": "win", "settings": {
            "wtp": {"enabled": 1, "approved_urls": ["HTTP://A.example/x"]},
            "agent_uninstall": {"password_required": 0},
        }}]}}})
    );
    assert_eq!(
        serde_json::to_value(&manifests.assignment.spec).unwrap()["targets"],
        json!({"include": [{"wfbss": {"customers": [{"id": A, "groups": [{"id": "2"}]}]}}]})
    );
    assert_eq!(entry.notes.len(), 2, "a password, and a section that cannot be asked for: {:?}", entry.notes);
}

#[test]
fn what_cannot_be_written_is_left_out_or_said() {
    let cases = [
        (json!({"s": {"token": "t", "n": 1}}), None, "a secret is left out"),
        (json!({"s": {"passwords": ["t"], "n": 1}}), None, "a list of them"),
        (json!({"s": {"l": [null], "n": 1}}), None, "null in a list"),
        (json!({"s": {"token": "t"}}), Some("no setting"), "nothing is left"),
        (json!({}), Some("no setting"), "nothing was there"),
    ];
    for (raw, expected, why) in cases {
        let said = bench().applied(&read(raw)).err();
        assert_eq!(said.is_some(), expected.is_some(), "{why}: {said:?}");
        assert!(said.unwrap_or_default().contains(expected.unwrap_or_default()), "{why}");
    }
}

#[test]
fn every_document_of_a_usable_customer_may_exist() {
    let all = documents(&catalogue());
    assert!(all.contains(&key(&format!("{A}/3/mac"))), "each group, each platform: {all:?}");
    assert_eq!(all.len(), 4 * 4, "none of a customer that expired");
}

fn states() -> impl Strategy<Value = ObservedItem> {
    let section = prop_oneof![3 => "[a-z_]{1,6}", 1 => Just("wtp".to_owned()), 1 => ".{0,4}"];
    prop::collection::btree_map(section, any_json(), 0..5)
        .prop_map(|sections| read(sections.into_iter().collect()))
}

#[test]
fn of_a_thousand_documents_none_would_be_changed() {
    bench().law(states(), 300);
}
