#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use kube::core::{DeserializeGuard, WatchEvent};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{FreeForm, GoDuration};
use crate::api::Policy;

#[test]
fn durations_are_read_as_go_writes_them() {
    let cases = [
        ("1m", Some(60), "the shortest"),
        ("24h", Some(86_400), "the longest"),
        ("1h30m", Some(5400), "units add up"),
        ("90s", Some(90), "seconds may exceed a minute"),
        ("59s", None, "too short"),
        ("24h1s", None, "too long"),
        ("999999h999999h", None, "large numbers do not overflow"),
        ("99999999999999999999h", None, "nor do numbers beyond any integer"),
        ("", None, "no text is no duration"),
        ("30", None, "a unit is needed"),
        ("m", None, "a number is needed"),
        ("-30m", None, "not negative"),
        ("1.5h", None, "whole numbers only, as in the schema"),
        ("1d", None, "Go has no days"),
        ("1m ", None, "no blanks"),
        ("１m", None, "ASCII digits only"),
    ];
    for (text, seconds, why) in cases {
        assert_eq!(GoDuration::new(text).get(), seconds.map(Duration::from_secs), "{text:?}: {why}");
    }
}

fn decode(text: &str) -> Result<FreeForm, serde_json::Error> {
    serde_json::from_str(text)
}

#[test]
fn free_form_is_canonical() {
    let cases = [
        (
            r#"{"b": 1, "a": {"d": [], "c": {}}}"#,
            r#"{"a":{"c":{},"d":[]},"b":1}"#,
            "members are sorted at every level",
        ),
        (r#"[{"b":1,"a":2},3]"#, r#"[{"a":2,"b":1},3]"#, "within lists, too; lists keep their order"),
        (
            "[1, 2.50, -3, 18446744073709551615]",
            "[1,2.5,-3,18446744073709551615]",
            "numbers keep their value",
        ),
        ("[6, 6.0]", "[6,6.0]", "an integer is not a fraction: the system may tell them apart"),
        (r#"{"a": null, "t": true}"#, r#"{"a":null,"t":true}"#, "null and booleans"),
        (r#""\u00e9\n\"""#, r#""é\n\"""#, "strings have one spelling"),
        (r#"{"\u0061": 1}"#, r#"{"a":1}"#, "keys have one spelling"),
    ];
    for (text, canonical, why) in cases {
        assert_eq!(decode(text).unwrap().as_str(), canonical, "{why}");
    }
}

#[test]
fn a_member_given_twice_is_refused_wherever_it_stands() {
    for text in [r#"{"a":1,"a":2}"#, r#"{"a":1,"b":2,"a":3}"#, r#"[{"x":{"\u0061":1,"a":1}}]"#] {
        let error = decode(text).unwrap_err().to_string();
        assert!(error.contains("\"a\" is given twice"), "{text}: {error}");
    }
}

#[test]
fn depth_counts_brackets_and_not_their_pictures() {
    let cases = [
        ("1", 0, "a word"),
        ("{}", 1, "an empty object"),
        (r#"{"a":[{"b":1}]}"#, 3, "objects and lists alike"),
        (r#"{"a":"[[[{{{"}"#, 1, "brackets within a string"),
        (r#"{"a":"\"[[","b":[1]}"#, 2, "an escaped quotation mark does not end a string"),
        ("[[],[],[]]", 2, "neighbours do not add up"),
    ];
    for (text, depth, why) in cases {
        assert_eq!(decode(text).unwrap().depth(), depth, "{why}");
    }
}

#[test]
fn endless_nesting_is_an_error_and_not_a_crash() {
    assert!(decode(&"[".repeat(10_000)).is_err());
}

fn policy_with(settings: &Value) -> Value {
    json!({
        "apiVersion": "ordain.dev/v1alpha1", "kind": "Policy", "metadata": {"name": "p", "namespace": "n"},
        "spec": {"content": {"wfbss": {"documents": [{"os": "win", "settings": settings}]}}},
    })
}

fn settings_of(policy: &Policy) -> &str {
    policy.spec.content.wfbss.as_ref().unwrap().documents[0].settings.as_ref().unwrap().as_str()
}

/// goals.md, lesson 2: `serde_json`'s `RawValue` fails in all but the first of these.
#[test]
fn free_form_survives_every_way_kube_decodes() {
    let policy = policy_with(&json!({"b": 1, "a": [1.5, "x"]}));
    let canonical = r#"{"a":[1.5,"x"],"b":1}"#;
    for text in [
        format!(r#"{{"type":"MODIFIED","object":{policy}}}"#),
        format!(r#"{{"object":{policy},"type":"MODIFIED"}}"#),
    ] {
        let event: WatchEvent<Policy> = serde_json::from_str(&text).unwrap();
        let WatchEvent::Modified(found) = event else { panic!("another event") };
        assert_eq!(settings_of(&found), canonical, "{text}");
        let event: WatchEvent<DeserializeGuard<Policy>> = serde_json::from_str(&text).unwrap();
        let WatchEvent::Modified(DeserializeGuard(found)) = event else { panic!("another event") };
        assert_eq!(settings_of(&found.unwrap()), canonical, "guarded: {text}");
    }
    let from_value: Policy = serde_json::from_value(policy).unwrap();
    assert_eq!(settings_of(&from_value), canonical);
}

#[test]
fn free_form_survives_yaml_both_ways() {
    let found: FreeForm = serde_saphyr::from_str("b: 1\na: [1.5, x, null, 'yes']\n").unwrap();
    assert_eq!(found.as_str(), r#"{"a":[1.5,"x",null,"yes"],"b":1}"#);
    let yaml = serde_saphyr::to_string(&found).unwrap();
    assert_eq!(serde_saphyr::from_str::<FreeForm>(&yaml).unwrap(), found, "{yaml}");
}

#[test]
fn not_a_number_is_not_json() {
    assert!(serde_saphyr::from_str::<FreeForm>("a: .nan").is_err());
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no other numbers", |n| n.is_finite()).prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(".{0,4}", inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn free_form_says_what_it_read(value in any_json()) {
        let found = decode(&serde_json::to_string_pretty(&value).unwrap()).unwrap();
        prop_assert_eq!(found.to_value(), value.clone());
        prop_assert_eq!(&found, &FreeForm::from(value));
        prop_assert_eq!(decode(found.as_str()).unwrap(), found);
    }

    #[test]
    fn no_text_breaks_a_duration(text in ".{0,24}") {
        let duration = GoDuration::new(text).get();
        prop_assert!(duration.is_none_or(|d| (GoDuration::MIN..=GoDuration::MAX).contains(&d)));
    }
}
