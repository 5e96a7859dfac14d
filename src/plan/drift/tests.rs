#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::*;
use crate::model::{ItemKey, LeafValue, Shape};

fn desired(leaves: &[(&str, Value, bool)]) -> DesiredItem {
    let leaf = |(path, value, secret): &(&str, Value, bool)| {
        (LeafPath((*path).into()), LeafValue { value: value.clone(), secret: *secret })
    };
    DesiredItem {
        key: ItemKey("team/one/policy".into()),
        shape: Shape::Document,
        title: "One".into(),
        status_key: "policy".into(),
        leaves: leaves.iter().map(leaf).collect(),
        members: BTreeMap::new(),
        enabled: Some(true),
        rank: (0, String::new()),
        contributors: BTreeSet::new(),
    }
}

fn observed(leaves: &[(&str, Value)]) -> ObservedItem {
    let leaves = leaves.iter().map(|(path, value)| (LeafPath((*path).into()), value.clone())).collect();
    ObservedItem { leaves, enabled: Some(false), ..ObservedItem::default() }
}

fn at(paths: &[&str]) -> Difference {
    Difference {
        leaves: paths.iter().map(|path| LeafPath((*path).into())).collect(),
        ..Difference::default()
    }
}

#[test]
fn a_place_says_what_stands_and_what_git_says_and_no_secret() {
    let cases = [
        ("/a/x", json!(6), Some(json!(5)), " is 5 (Git says 6)", "a number"),
        ("/a/x", json!(true), None, " is absent (Git says true)", "nothing stands there"),
        ("name", json!("Cards"), Some(json!("Karten")), " is \"Karten\" (Git says \"Cards\")", "a text"),
        ("scopes", json!(["b"]), Some(json!(["a", "b"])), " is [\"a\",\"b\"] (Git says [\"b\"])", "words"),
        ("features/WIFI", json!({"psk": "hidden"}), Some(json!({})), "", "an object is no short text"),
        ("/list", json!([{"password": "x"}]), Some(json!([])), "", "nor are objects in a list"),
        ("/agent/password", json!("abc"), Some(json!("def")), "", "a secret by its name"),
        ("/tokens/0", json!(["abc"]), Some(json!([])), "", "or in a list of that name"),
        ("/agent/passwordMinLength", json!(8), Some(json!(4)), " is 4 (Git says 8)", "a number is none"),
        ("/note", json!("plain"), Some(json!("****")), "", "behind stars"),
        ("/device/pin", json!(1234), Some(json!(4321)), "", "a number that is a secret"),
        (
            "features/PASSCODE_POLICY/minLength",
            json!(8),
            Some(json!(4)),
            " is 4 (Git says 8)",
            "and one that is none",
        ),
        (
            "/note",
            json!("a"),
            Some(json!("\u{202e}b\n")),
            " is \"\\u{202e}b\\n\" (Git says \"a\")",
            "no tricks",
        ),
    ];
    for (path, wanted, stands, said, why) in cases {
        let stands: Vec<_> = stands.map(|value| (path, value)).into_iter().collect();
        let places = places(&desired(&[(path, wanted, false)]), &observed(&stands), &at(&[path]));
        assert_eq!(places, [format!("{path}{said}")], "{why}");
    }
    let hidden = desired(&[("/x", json!("from a Secret"), true)]);
    assert_eq!(places(&hidden, &observed(&[("/x", json!("theirs"))]), &at(&["/x"])), ["/x"], "a secret leaf");
}

#[test]
fn a_long_value_is_cut_and_many_places_are_named_alone() {
    let paths: Vec<String> = (0..30).map(|n| format!("/p{n:02}")).collect();
    let wanted: Vec<_> = paths.iter().map(|path| (path.as_str(), json!("x".repeat(500)), false)).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let told = places(&desired(&wanted), &observed(&[]), &at(&paths));
    assert_eq!(told.len(), 20);
    assert!(told[0].contains('…') && told[0].chars().count() < 100, "{}", told[0]);
    assert_eq!(told[5], "/p05");
    let drift = Drift { places: told, author: "last by alice".into() };
    assert!(drift.sentence().ends_with("and 15 more"), "{}", drift.sentence());
    assert!(drift.sentence().len() < 1024, "an Event's note holds it");
}

#[test]
fn what_others_call_a_place_is_told_as_what_it_is() {
    let long = format!("features/{}", "x".repeat(100_000));
    for (path, told) in [
        ("features/A\u{1b}[31m\nB", "features/A\\u{1b}[31m\\nB is not in Git"),
        (&long, &format!("{}… is not in Git", &long[..255])),
    ] {
        let difference =
            Difference { extra: BTreeSet::from([LeafPath(path.into())]), ..Difference::default() };
        assert_eq!(places(&desired(&[]), &observed(&[]), &difference), [told]);
    }
}

#[test]
fn members_the_switch_and_what_is_too_much_are_told() {
    let one = |name: &str| BTreeMap::from([(MemberKind::Group, BTreeSet::from([name.to_owned()]))]);
    let difference = Difference {
        add: one("16"),
        remove: one("17"),
        extra: BTreeSet::from([LeafPath("features/VPN".into())]),
        unmarked: true,
        switch: Some(true),
        ..Difference::default()
    };
    let mut off = observed(&[("features/VPN", json!("theirs"))]);
    let enabled = |off: &ObservedItem| places(&desired(&[]), off, &difference)[0].clone();
    assert_eq!(enabled(&off), "enabled is false (Git says true)");
    off.switched_off = Some("somebody did it".into());
    assert_eq!(
        places(&desired(&[]), &off, &difference),
        [
            "enabled is false (Git says true; somebody did it)",
            "features/VPN is not in Git",
            "mark",
            "members/Group (1 missing, 1 too many)",
        ]
    );
}

#[test]
fn nobody_is_named_for_what_left_no_trace() {
    let told = |by: &str, at: &str, version: &str| Provenance {
        version: version.into(),
        modified_at: at.into(),
        modified_by: by.into(),
        created_by: "carol".into(),
        ..Provenance::default()
    };
    let silent = "the system does not tell by whom or when";
    let ours = told("ordain", "noon", "6");
    let cases = [
        (told("alice", "one", "7"), Some(&ours), "last by alice at one, version 7", "all of it"),
        (told("alice", "one", ""), None, "last by alice at one", "no versions; never proven before"),
        (told("alice", "", ""), Some(&ours), "last by alice", "no times"),
        (
            told("", "one", "7"),
            Some(&ours),
            "last at one, version 7; the system does not tell by whom",
            "no names",
        ),
        (told("", "", ""), Some(&ours), silent, "who made it is not who changed it"),
        (ours.clone(), Some(&ours), silent, "we are not accused of it"),
    ];
    for (now, proven, said, why) in cases {
        assert_eq!(author(&now, proven), said, "{why}");
    }
}
