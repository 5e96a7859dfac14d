#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::model::{ItemKey, LeafValue, Shape};

fn leaves(dictionaries: Option<Value>) -> Leaves {
    let mut leaves = Leaves::from([
        (LeafPath("name".into()), json!("Cards")),
        (LeafPath("type".into()), json!("Block")),
        (LeafPath("contentTypes".into()), json!(["Messages"])),
        (LeafPath("scopes".into()), json!(["External", "Internal"])),
    ]);
    leaves.extend(dictionaries.map(|ids| (LeafPath("dictionaries".into()), ids)));
    leaves
}

fn desired(leaves: Leaves, mark: bool) -> DesiredItem {
    let mark = mark.then(|| Mark { owner: None, identity: "abcdef".into() });
    let leaves = leaves.into_iter().map(|(path, value)| (path, LeafValue { value, secret: false })).collect();
    DesiredItem {
        key: ItemKey("team/cards/policy".into()),
        shape: Shape::Object { mark },
        title: "Cards".into(),
        status_key: "policy".into(),
        leaves,
        members: BTreeMap::new(),
        enabled: Some(true),
        rank: (0, String::new()),
        contributors: BTreeSet::new(),
    }
}

fn observed(leaves: Leaves) -> ObservedItem {
    ObservedItem { leaves, enabled: Some(true), ..ObservedItem::default() }
}

fn sent(request: Result<PolicyRequest, DriverError>) -> Value {
    json!(request.unwrap())
}

#[test]
fn a_body_holds_every_field_and_the_suffix() {
    let expected = json!({
        "name": "Cards~abcdef", "type": "Block", "contentTypes": ["Messages"], "scopes": ["External", "Internal"],
        "dictionaryIds": ["d1"],
    });
    assert_eq!(sent(create(&desired(leaves(Some(json!(["d1"]))), true))), expected);
    let mut only_name = leaves(None);
    only_name.retain(|path, _| &*path.0 == "name");
    let read = observed(leaves(Some(json!(["d1"]))));
    assert_eq!(sent(replace(&desired(only_name, true), &read)), expected, "what is not ours is resent");
    let exact = sent(create(&desired(leaves(Some(json!(["d1"]))), false)));
    assert_eq!(exact["name"], "Cards");
}

#[test]
fn an_empty_list_is_sent_only_where_it_is_wanted_as_such() {
    let none = || Some(json!([]));
    let some = || Some(json!(["d1"]));
    let cases = [
        (some(), some(), Some(json!(["d1"])), "wanted"),
        (none(), some(), Some(json!([])), "wanted empty"),
        (none(), none(), Some(json!([])), "wanted empty, and is"),
        (None, some(), Some(json!(["d1"])), "not ours, resent"),
        (None, none(), None, "nobody says that none is meant"),
        (None, None, None, "not even read"),
        (Some(json!(null)), some(), None, "not a list"),
        (Some(json!("d1")), some(), None, "not a list"),
        (Some(json!([1])), some(), None, "not ids"),
    ];
    for (wanted, read, expected, why) in cases {
        let read = observed(leaves(read));
        let written = replace(&desired(leaves(wanted.clone()), true), &read);
        assert_eq!(written.ok().map(|body| json!(body)["dictionaryIds"].clone()), expected, "replace: {why}");
        let restored = restore(&read, &leaves(wanted));
        assert_eq!(
            restored.ok().map(|body| json!(body)["dictionaryIds"].clone()),
            expected,
            "restore: {why}"
        );
    }
    let error = create(&desired(leaves(None), true)).unwrap_err();
    assert_eq!((error.class, error.reason), (Class::Rejected, Reason::Invalid), "{error}");
}

#[test]
fn a_restored_name_bears_no_mark() {
    let read = observed(leaves(Some(json!(["d1"]))));
    assert_eq!(sent(restore(&read, &Leaves::new()))["name"], "Cards", "as read, without the suffix");
    let former = Leaves::from([(LeafPath("name".into()), json!("Former name of thirty letters!"))]);
    assert_eq!(sent(restore(&read, &former))["name"], "Former name of thirty letters!");
}

#[test]
fn names_are_refused_rather_than_cut() {
    let named = |name: &str, mark| {
        let mut leaves = leaves(Some(json!(["d1"])));
        leaves.insert(LeafPath("name".into()), json!(name));
        create(&desired(leaves, mark))
    };
    let cases = [
        (23, true, true, "with the suffix thirty"),
        (24, true, false, "one too many"),
        (30, false, true, "as written"),
        (31, false, false, "one too many"),
        (0, true, false, "no name"),
    ];
    for (length, mark, good, why) in cases {
        assert_eq!(named(&"ä".repeat(length), mark).is_ok(), good, "{why}");
    }
    assert!(named(&"x".repeat(31), false).unwrap_err().message.contains("30"));
    assert_eq!(sent(named("  Cards ", true))["name"], "Cards~abcdef", "trimmed before the suffix");
}
