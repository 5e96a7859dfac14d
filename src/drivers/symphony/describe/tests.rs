#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    drivers::symphony::wire,
    inventory::testing::Bench,
    model::{Catalogue, Entry, EntryKind, OwnerId},
};

fn bench(naming: &str) -> Bench {
    let entry = |id: &str| Entry { id: id.into(), name: format!("the {id}"), parent: None, unusable: None };
    let mut catalogue = Catalogue::default();
    catalogue.entries.insert(EntryKind::Dictionary, ["d1", "d2", "d3"].map(entry).into());
    Bench::new(
        json!({"symphony": {"podUrl": "https://pod.example", "agentUrl": "https://agent.example", "generation": "V1", "naming": naming}}),
        catalogue,
    )
}

fn policy(more: &Value) -> Value {
    let mut policy = json!({"policyId": "p-1", "name": "Cards", "type": "BLOCK", "contentTypes": ["MESSAGES"],
        "scopes": ["External", "Internal"], "active": true, "dictionaryRefs": [{"dictId": "d2"}]});
    policy.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    policy
}

/// Where `marks`, names end with those of the owner below.
fn read(policy: &Value, marks: bool) -> ObservedItem {
    wire::policy(policy, Some(&OwnerId::new("a cluster")).filter(|_| marks)).unwrap()
}

#[test]
fn what_is_found_is_said_in_our_words() {
    let entry = bench("Suffixed").entry(&read(&policy(&json!({})), true));
    let manifests = entry.manifests.unwrap();
    assert_eq!(
        serde_json::to_value(&manifests.policy.spec).unwrap(),
        json!({"displayName": "Cards", "enabled": true, "content": {"symphony": {"type": "Block",
            "contentTypes": ["Messages"], "scopes": ["External", "Internal"], "dictionaries": [{"id": "d2"}]}}})
    );
    assert_eq!(
        serde_json::to_value(&manifests.assignment.spec).unwrap(),
        json!({"policyRef": {"name": "system-cards-007e5b36c4"}, "backendRef": {"name": "system"},
            "mode": "Observe", "adopt": {"id": "p-1"}})
    );
}

#[test]
fn what_our_words_cannot_say_is_no_manifest_and_says_why() {
    let cases = [
        (json!({"active": false}), None, "switched off"),
        (json!({"dictionaryRefs": []}), None, "no dictionaries, which must be asked for"),
        (json!({"dictionaryRefs": [], "active": false}), None, "and so switched off"),
        (json!({"type": "LogOnly"}), Some("type"), "an action of another generation"),
        (json!({"scopes": ["Everywhere"]}), Some("scopes"), "an unknown scope"),
        (json!({"scopes": []}), Some("scopes"), "no scope"),
        (json!({"dictionaryRefs": [{"dictId": "gone"}]}), Some("no dictionary"), "a dictionary gone"),
        (json!({"name": "x".repeat(24)}), Some("24 characters"), "no room for our mark"),
        (json!({"name": ""}), Some("0 characters"), "no name"),
    ];
    for (more, expected, why) in cases {
        let said = bench("Suffixed").applied(&read(&policy(&more), true)).err();
        let fits = match (&said, expected) {
            (None, None) => true,
            (Some(said), Some(word)) => said.contains(word),
            _ => false,
        };
        assert!(fits, "{why}: {said:?}");
    }
}

fn some(pool: &'static [&'static str], least: usize) -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(pool), least..4)
}

fn states(marks: bool) -> impl Strategy<Value = ObservedItem> {
    let told = (
        "[a-zA-Z0-9-]{1,20}",
        prop_oneof![3 => "[ -~äß]{1,20}", 1 => ".{0,32}", 1 => "[a-z]{1,20}~[a-z2-7]{6}"],
        prop::sample::select(&["BLOCK", "Warn", "LogOnly"][..]),
        some(&["Messages", "ROOMMETA", "SignalMeta"], 0),
        some(&["Internal", "EXTERNAL"], 0),
        prop_oneof![4 => some(&["d1", "d2", "d3"], 0), 1 => some(&["d1", "gone"], 0)],
        any::<bool>(),
    );
    told.prop_map(move |(id, name, kind, contents, scopes, dictionaries, active)| {
        let references: Vec<Value> = dictionaries.into_iter().map(|id| json!({ "dictId": id })).collect();
        let more = json!({"policyId": id, "name": name, "type": kind, "contentTypes": contents,
            "scopes": scopes, "dictionaryRefs": references, "active": active});
        let read = read(&policy(&more), marks);
        // What bears a mark is somebody's, and is not described.
        ObservedItem { mark: None, ..read }
    })
}

#[test]
fn of_a_thousand_policies_none_would_be_changed() {
    bench("Suffixed").law(states(true), 200);
    bench("Exact").law(states(false), 200);
}
