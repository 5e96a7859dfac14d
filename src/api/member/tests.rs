#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde::Deserialize;
use serde_json::{Value, json};

use super::{DEPTH, Member, is_shallow};

#[derive(Deserialize)]
struct Holder<'a> {
    #[serde(borrow)]
    member: Member<'a>,
}

fn nested(levels: usize, innermost: &str) -> String {
    format!("{}{innermost}{}", "[".repeat(levels), "]".repeat(levels))
}

#[test]
fn text_stays_text_where_there_is_one() {
    let holder: Holder = serde_json::from_str(r#"{"member": {"a": [1, "x"]}}"#).unwrap();
    let Member::Text(text) = &holder.member else { panic!("a tree was built") };
    assert_eq!(text, r#"{"a": [1, "x"]}"#);
    assert_eq!(holder.member.read::<Value>(), Some(json!({"a": [1, "x"]})));
}

#[test]
fn every_source_gives_the_same_tree() {
    let value = json!({"a": [1, "x", null, true], "b": 1.5, "c": "\u{e9}\n"});
    let text = value.to_string();
    let from_text: Member = serde_json::from_str(&text).unwrap();
    let from_value = Member::deserialize(value.clone()).unwrap();
    let from_ref = Member::deserialize(&value).unwrap();
    for member in [from_text, from_value, from_ref] {
        let tree = member.tree().unwrap();
        assert_eq!((tree.value, tree.cut), (value.clone(), false));
    }
    assert_eq!(Member::default().tree().unwrap().value, Value::Null);
}

#[test]
fn depth_decides_the_same_way_as_the_tree() {
    let cases = [
        (nested(DEPTH - 1, "1"), true, false, "one level less than the limit"),
        (nested(DEPTH, ""), false, false, "the last level is empty"),
        (nested(DEPTH, "1"), false, true, "the last level holds something"),
        (nested(20_000, "1"), false, true, "deeper than any parser follows"),
        (format!("\"{}\"", "[".repeat(500)), true, false, "brackets within a string"),
        (format!("[\"\\\"{}\"]", "{".repeat(500)), true, false, "after an escaped quotation mark"),
        (format!("[{}[]]", "[],".repeat(500)), true, false, "neighbours do not add up"),
    ];
    for (text, shallow, cut, why) in cases {
        assert_eq!(is_shallow(&text), shallow, "{why}");
        let member: Member = serde_json::from_str(&text).unwrap();
        assert_eq!(member.read::<Value>().is_some(), shallow, "{why}");
        assert_eq!(member.tree().unwrap().cut, cut, "{why}");
    }
}

#[test]
fn half_a_character_is_an_error_of_the_member_alone() {
    let holder: Holder = serde_json::from_str(r#"{"member": {"a": "\ud800"}}"#).unwrap();
    assert_eq!(holder.member.read::<Value>(), None);
    assert!(holder.member.tree().is_err());
}
