#![allow(clippy::unwrap_used)]
use serde_json::json;

use super::*;
use crate::drivers::wfbss::testing::{A, change, path};

fn doc() -> String {
    format!("{A}/1/win")
}

/// Why, what was read, what is wanted, what is sent.
type Case<'a> = (&'a str, Value, Vec<(&'a str, Value)>, Value);

fn check<'a>(cases: impl IntoIterator<Item = Case<'a>>) {
    for (why, raw, leaves, expected) in cases {
        let body = build(&change(&doc(), raw, &leaves)).unwrap();
        assert_eq!(Value::Object(body), expected, "{why}");
    }
}

#[test]
fn the_body_is_the_whole_owned_subset_and_nothing_else() {
    let list = "/approved_blocked_url/approved/urls";
    let cases = [
        (
            "equal scalars go along, strangers do not",
            json!({"wtp": {"enabled": 1, "level": 2}}),
            vec![("/wtp/enabled", json!(true)), ("/behavior_monitoring/enabled", json!(true))],
            json!({"wtp": {"enabled": 1}, "behavior_monitoring": {"enabled": 1}}),
        ),
        (
            "a list that is right already might be appended to: not sent",
            json!({"x": {"list": [1, 2], "n": 1}}),
            vec![("/x/list", json!([1, 2])), ("/x/n", json!(2))],
            json!({"x": {"n": 2}}),
        ),
        (
            "a list that differs is sent whole",
            json!({"x": {"list": [1, 2]}}),
            vec![("/x/list", json!([true]))],
            json!({"x": {"list": [1]}}),
        ),
        (
            "URLs as written, times left to the server",
            json!({"approved_blocked_url": {"approved": {"urls": ["http://a.example/*"], "url_times": [5]}}}),
            vec![(list, json!(["https://B.example/login"]))],
            json!({"approved_blocked_url": {"approved": {"urls": ["https://B.example/login"]}}}),
        ),
        (
            "a section that is not there is made",
            json!({}),
            vec![("/a/b/c", json!(1))],
            json!({"a": {"b": {"c": 1}}}),
        ),
        (
            "an empty list stands for an empty section",
            json!({"a": []}),
            vec![("/a/b", json!(1))],
            json!({"a": {"b": 1}}),
        ),
        ("a section may be one value", json!({}), vec![("/scan_mode", json!(1))], json!({"scan_mode": 1})),
        ("nothing to send", json!({"x": {"list": [1]}}), vec![("/x/list", json!([1]))], json!({})),
    ];
    check(cases);
}

#[test]
fn a_deep_leaf_goes_within_its_second_level_as_read() {
    let cases = [
        (
            "a deep leaf goes within its second level as read, without server times, nulls and hidden secrets",
            json!({"a": {"b": {"c": 1, "d": {"e": [1], "e_times": [9]}, "password": "", "pwd": "***", "note": "", "n": null}}}),
            vec![("/a/b/c", json!(2)), ("/a/x", json!(1))],
            json!({"a": {"b": {"c": 2, "d": {"e": [1]}, "note": ""}, "x": 1}}),
        ),
        (
            "numbers spelled as texts are numbers again, flags integers",
            json!({"a": {"b": {"c": "1", "d": "7", "e": true, "f": "x"}}}),
            vec![("/a/b/c", json!(2))],
            json!({"a": {"b": {"c": 2, "d": 7, "e": 1, "f": "x"}}}),
        ),
        (
            "a text that looks like a number stays one where numbers are numbers",
            json!({"a": {"b": {"c": 1, "d": "7"}}}),
            vec![("/a/b/c", json!(2))],
            json!({"a": {"b": {"c": 2, "d": "7"}}}),
        ),
        (
            "a second level without a difference stays at home, its lists too",
            json!({"a": {"b": {"c": 1, "list": [7]}}, "w": {"v": 0}}),
            vec![("/a/b/c", json!("1")), ("/w/v", json!(1))],
            json!({"w": {"v": 1}}),
        ),
    ];
    check(cases);
}

#[test]
fn values_put_back_go_along_unless_somebody_wants_another() {
    let mut change = change(&doc(), json!({"a": {"b": {"c": 5, "d": 6}}}), &[("/wtp/enabled", json!(1))]);
    change.restore = BTreeMap::from([
        (path("/wtp/enabled"), json!(0)),
        (path("/wtp/level"), json!(2)),
        (path("/a/b/c"), json!(1)),
    ]);
    let expected = json!({"wtp": {"enabled": 1, "level": 2}, "a": {"b": {"c": 1, "d": 6}}});
    assert_eq!(Value::Object(build(&change).unwrap()), expected);
    assert!(!is_shallow(&change), "what is put back counts too");
}

#[test]
fn a_text_is_put_back_as_a_text() {
    let mut change =
        change(&doc(), json!({"general": {"label": "2025", "n": 1}}), &[("/wtp/enabled", json!(1))]);
    change.restore = BTreeMap::from([(path("/general/label"), json!(2024)), (path("/general/n"), json!(0))]);
    let expected = json!({"wtp": {"enabled": 1}, "general": {"label": "2024", "n": 0}});
    assert_eq!(Value::Object(build(&change).unwrap()), expected);
}

#[test]
fn what_would_replace_more_than_ours_is_refused() {
    let cases = [
        (
            "a section by a value",
            json!({"wtp": {"enabled": 1}}),
            vec![("/wtp", json!(1))],
            "a section at /wtp",
        ),
        (
            "a section by a list",
            json!({"a": {"b": {"c": 1}}}),
            vec![("/a/b", json!([]))],
            "a section at /a/b",
        ),
        ("a value by a section", json!({"wtp": 5}), vec![("/wtp/enabled", json!(1))], "a value at /wtp"),
        ("a list by a section", json!({"a": {"b": [1]}}), vec![("/a/b/c", json!(1))], "a list at /a/b"),
        ("contradicting policies", json!({}), vec![("/a", json!(1)), ("/a/b", json!(1))], "cannot both"),
        ("no pointer", json!({}), vec![("wtp", json!(1))], "not a path"),
    ];
    for (why, raw, leaves, words) in cases {
        let error = build(&change(&doc(), raw, &leaves)).unwrap_err().to_string();
        assert!(error.contains(words), "{why}: {error}");
    }
}
