#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::drivers::wfbss::testing::any_json;

fn document(text: Value) -> Document {
    serde_json::from_value(text).unwrap()
}

fn secrets() -> Secrets {
    let of = |key: &str, value: &[u8]| (("agent".to_owned(), key.to_owned()), Secret::new(value));
    BTreeMap::from([of("password", b"s3cret"), of("empty", b""), of("binary", &[0xff])])
}

fn shown(leaves: &Leaves) -> Value {
    leaves.iter().map(|(path, leaf)| (path.to_string(), leaf.value.clone())).collect()
}

#[test]
fn settings_become_leaves_as_they_are_sent() {
    let cases = [
        (
            "flags are integers",
            json!({"wtp": {"enabled": true, "level": 2}}),
            json!({"/wtp/enabled": 1, "/wtp/level": 2}),
        ),
        (
            "a list is one leaf",
            json!({"device_control": {"l": [{"on": false}]}}),
            json!({"/device_control/l": [{"on": 0}]}),
        ),
        ("an empty section names nothing", json!({"approvals": {}, "wtp": {"x": {}}}), json!({})),
        ("an empty list is meant", json!({"approvals": {"list": []}}), json!({"/approvals/list": []})),
        ("a section may be a value", json!({"scan_mode": "1"}), json!({"/scan_mode": "1"})),
        ("pointers are escaped", json!({"wtp": {"a/b": {"~": 1}}}), json!({"/wtp/a~1b/~0": 1})),
        (
            "times are the server's",
            json!({"approvals": {"urls": ["http://a.example/*"], "url_times": [5], "more": [{"x_times": 1, "y": 2}]}}),
            json!({"/approvals/urls": ["http://a.example/*"], "/approvals/more": [{"y": 2}]}),
        ),
    ];
    for (why, settings, expected) in cases {
        let (leaves, findings) = leaves(&document(json!({"os": "win", "settings": settings})), &secrets());
        assert_eq!(shown(&leaves), expected, "{why}");
        assert!(findings.iter().all(|f| f.severity == Severity::Note), "{why}: {findings:?}");
        assert_eq!(findings.len(), usize::from(why.contains("times")), "{why}: {findings:?}");
    }
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_place() {
    let settings = |value: Value| json!({"os": "win", "settings": value});
    let secret = |path: &str, key: &str| json!({"path": path, "secretKeyRef": {"name": "agent", "key": key}});
    let with = |path: &str, key: &str| json!({"os": "win", "settings": {"agent": {"on": 1, "list": [1]}}, "secrets": [secret(path, key)]});
    let two =
        json!({"os": "win", "secrets": [secret("/agent/a", "password"), secret("/agent/a/b", "password")]});
    let cases = [
        ("null", settings(json!({"wtp": {"level": null}})), Reason::Invalid, "settings/wtp/level"),
        (
            "null in a list",
            settings(json!({"wtp": {"list": [{"a": null}]}})),
            Reason::Invalid,
            "settings/wtp/list",
        ),
        ("null for a section", settings(json!({"wtp": null})), Reason::Invalid, "settings/wtp"),
        ("a list of settings", settings(json!([1])), Reason::Invalid, ".settings"),
        (
            "a section that is two",
            settings(json!({"wtp,firewall": {"a": 1}})),
            Reason::Invalid,
            "wtp,firewall",
        ),
        ("a section without a name", settings(json!({"": {"a": 1}})), Reason::Invalid, "settings."),
        (
            "a Secret that is not there",
            with("/agent/password", "other"),
            Reason::SecretMissing,
            "path=/agent/password",
        ),
        ("an empty Secret", with("/agent/password", "empty"), Reason::SecretMissing, "path=/agent/password"),
        ("a binary Secret", with("/agent/password", "binary"), Reason::SecretMissing, "path=/agent/password"),
        ("a setting and a Secret", with("/agent/on", "password"), Reason::Invalid, "path=/agent/on"),
        ("into a value", with("/agent/on/x", "password"), Reason::Invalid, "path=/agent/on/x"),
        ("into a list", with("/agent/list/0", "password"), Reason::Invalid, "path=/agent/list/0"),
        ("a whole section", with("/agent", "password"), Reason::Invalid, "path=/agent"),
        ("no pointer", with("agent", "password"), Reason::Invalid, "path=agent"),
        ("an empty segment", with("/agent/", "password"), Reason::Invalid, "path=/agent/"),
        ("server times", with("/agent/url_times", "password"), Reason::Invalid, "path=/agent/url_times"),
        ("two Secrets, one below the other", two, Reason::Invalid, "path=/agent/a/b"),
    ];
    for (why, text, reason, place) in cases {
        let findings = leaves(&document(text), &secrets()).1;
        let refused: Vec<_> = findings.iter().filter(|f| f.severity == Severity::Refused).collect();
        assert_eq!(refused.len(), 1, "{why}: {findings:?}");
        assert_eq!(refused[0].reason, reason, "{why}");
        assert!(refused[0].subject.contains(place), "{why}: {}", refused[0].subject);
        assert!(refused[0].subject.starts_with("spec.content.wfbss.documents[os=win]"), "{why}");
        if reason == Reason::SecretMissing {
            let message = &refused[0].message;
            assert!(message.contains("Secret agent") && !message.contains("s3cret"), "{why}: {message}");
        }
    }
}

#[test]
fn secrets_are_leaves_that_are_never_shown() {
    let text = json!({"os": "win", "settings": {"agent": {"on": true}},
        "secrets": [{"path": "/agent/password", "secretKeyRef": {"name": "agent", "key": "password"}}]});
    let (leaves, _) = leaves(&document(text), &secrets());
    let leaf = &leaves[&LeafPath("/agent/password".into())];
    assert!(leaf.secret && leaf.value == "s3cret");
    assert!(!format!("{leaves:?}").contains("s3cret"));
}

#[test]
fn a_section_nobody_documents_is_sent_and_noted() {
    for (os, section, noted) in [
        ("win", "agent", true),
        ("win", "wtp", false),
        ("mac", "firewall", false),
        ("ios", "whatever", false),
    ] {
        let text = json!({"os": os, "settings": {section: {"x": 1}}});
        let (leaves, findings) = leaves(&document(text), &secrets());
        assert_eq!((leaves.len(), !findings.is_empty()), (1, noted), "{os} {section}");
        assert!(findings.iter().all(|f| f.severity == Severity::Note));
    }
}

proptest! {
    #[test]
    fn no_settings_panic_and_leaves_never_overlap(settings in any_json(), path in "(/[a-z_]{0,3}){0,3}") {
        let text = json!({"os": "win", "settings": settings,
            "secrets": [{"path": path, "secretKeyRef": {"name": "agent", "key": "password"}}]});
        let (leaves, _) = leaves(&document(text), &secrets());
        for (leaf, value) in &leaves {
            let others = leaves.keys().filter(|other| *other != leaf);
            prop_assert_eq!(clash(&leaf.0, others), None);
            prop_assert!(!value.value.is_object() && !holds_null(&value.value) && !value.value.is_boolean());
        }
    }
}
