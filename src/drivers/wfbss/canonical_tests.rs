#![allow(clippy::indexing_slicing)]
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::drivers::wfbss::testing::any_json;

const URLS: &str = "/approved_blocked_url/approved/urls";

#[test]
fn equal_meanings_are_equal_and_others_are_not() {
    let same = [
        ("flags", "/wtp/enabled", vec![json!(1), json!("1"), json!(true), json!(1.0)]),
        ("flags off", "/wtp/enabled", vec![json!(0), json!("0"), json!(false), json!(-0.0)]),
        ("numbers", "/schedule/daily_min", vec![json!(6), json!(6.0), json!("6")]),
        ("fractions", "/x/ratio", vec![json!(2.5), json!("2.5")]),
        (
            "flags in lists",
            "/x/list",
            vec![json!([true, {"on": false}]), json!([1, {"on": 0}]), json!(["1", {"on": "0"}])],
        ),
        ("times within lists", "/x/list", vec![json!([{"a": 1, "url_times": [5]}]), json!([{"a": 1}])]),
        (
            "URLs are a set of hosts",
            URLS,
            vec![
                json!(["http://a.example/*", "https://b.example/*"]),
                json!(["https://B.example/login?x=1", " http://a.example/x ", "HTTP://A.example"]),
                json!(["a.example", "https://b.example#top"]),
            ],
        ),
        (
            "URLs under the other key",
            "/x/blocked_urls",
            vec![json!(["http://a.example"]), json!(["a.example/", "a.example"])],
        ),
    ];
    for (why, path, spellings) in same {
        let first = canonicalise(path, &spellings[0]);
        for spelling in &spellings {
            assert_eq!(canonicalise(path, spelling), first, "{why}: {spelling}");
        }
    }
    let different = [
        ("a text is not a number", "/x/name", json!("007"), json!(7)),
        ("nor is a version", "/x/name", json!("1.10"), json!(1.1)),
        ("words are not flags", "/x/name", json!("true"), json!(true)),
        ("order counts in other lists", "/x/list", json!([1, 2]), json!([2, 1])),
        ("so do doubles", "/x/list", json!([1, 1]), json!([1])),
        ("http is not https", URLS, json!(["http://a.example"]), json!(["https://a.example"])),
        ("hosts differ", URLS, json!(["http://a.example"]), json!(["http://www.a.example"])),
        ("an empty list is not nothing", URLS, json!([]), json!(null)),
        (
            "big integers stay exact",
            "/x/n",
            json!(9_007_199_254_740_993_u64),
            json!(9_007_199_254_740_992_u64),
        ),
    ];
    for (why, path, one, other) in different {
        assert_ne!(canonicalise(path, &one), canonicalise(path, &other), "{why}");
    }
}

#[test]
fn what_is_sent_is_what_the_spec_says_but_for_flags_and_times() {
    let spec =
        json!({"on": true, "n": "6", "f": 6.0, "list": [false, {"url_times": [1], "urls": ["B.example/x"]}]});
    let sent = json!({"on": 1, "n": "6", "f": 6.0, "list": [0, {"urls": ["B.example/x"]}]});
    assert_eq!(sendable(&spec), sent);
}

proptest! {
    #[test]
    fn canonicalising_twice_changes_nothing(value in any_json(), path in prop_oneof![Just(URLS), Just("/x/y")]) {
        let once = canonicalise(path, &value);
        prop_assert_eq!(canonicalise(path, &once), once);
    }

    #[test]
    fn sending_changes_no_meaning(value in any_json(), path in prop_oneof![Just(URLS), Just("/x/y")]) {
        prop_assert_eq!(canonicalise(path, &sendable(&value)), canonicalise(path, &value));
    }

    #[test]
    fn the_order_of_urls_has_no_meaning(urls in prop::collection::vec("[a-c]{1,2}\\.example", 0..6)) {
        let reversed: Vec<_> = urls.iter().rev().cloned().collect();
        prop_assert_eq!(canonicalise(URLS, &json!(urls)), canonicalise(URLS, &json!(reversed)));
    }
}
