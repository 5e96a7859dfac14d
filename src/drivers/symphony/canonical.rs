//! Spellings the system treats alike (vendor sheet sections 4.1 and 12).

use serde_json::Value;

/// Words of requests. Answers may spell them in capitals.
const WORDS: [&str; 7] = ["Block", "Warn", "Messages", "RoomMeta", "SignalMeta", "Internal", "External"];

/// A leaf's value in its one spelling; idempotent.
pub fn leaf(path: &str, value: &Value) -> Value {
    match (path, value) {
        ("name", Value::String(text)) => text.trim().into(),
        ("type", word) => spelled(word),
        ("contentTypes" | "scopes", Value::Array(list)) => set(list.iter().map(spelled).collect()),
        // Ids are opaque.
        ("dictionaries", Value::Array(list)) => set(list.clone()),
        _ => value.clone(),
    }
}

/// A word as requests spell it; one that is not known stays as it is.
fn spelled(value: &Value) -> Value {
    let known = value.as_str().and_then(|text| WORDS.iter().find(|word| word.eq_ignore_ascii_case(text)));
    known.map_or_else(|| value.clone(), |word| (*word).into())
}

/// Order and repetition mean nothing.
fn set(mut list: Vec<Value>) -> Value {
    list.sort_by_cached_key(Value::to_string);
    list.dedup();
    Value::Array(list)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn spellings_of_one_thing_compare_equal() {
        let cases = [
            ("name", json!("Cards"), json!(" Cards\t"), true, "the server trims"),
            ("name", json!("Cards"), json!("cards"), false, "people see the case"),
            ("type", json!("Block"), json!("BLOCK"), true, "words in capitals"),
            ("type", json!("Block"), json!("Warn"), false, "another action"),
            ("type", json!("LogOnly"), json!("LOGONLY"), false, "not a word of this generation"),
            ("scopes", json!(["External", "Internal"]), json!(["INTERNAL", "External"]), true, "a set"),
            ("contentTypes", json!(["Messages"]), json!(["Messages", "messages"]), true, "once is enough"),
            ("contentTypes", json!(["Messages"]), json!([]), false, "none is not all"),
            ("dictionaries", json!(["a", "b"]), json!(["b", "a", "b"]), true, "a set of ids"),
            ("dictionaries", json!(["a"]), json!(["A"]), false, "ids are opaque"),
            ("dictionaries", json!(null), json!([]), false, "unknown is not none"),
        ];
        for (path, one, other, equal, why) in cases {
            assert_eq!(leaf(path, &one) == leaf(path, &other), equal, "{path}: {why}");
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let word = prop_oneof!["[a-zA-Z ]{0,8}", Just("BLOCK".to_owned()), Just(" scopes".to_owned())];
        let scalar =
            prop_oneof![word.prop_map(Value::from), any::<i32>().prop_map(Value::from), Just(Value::Null)];
        prop_oneof![scalar.clone(), prop::collection::vec(scalar, 0..5).prop_map(Value::from)]
    }

    proptest! {
        #[test]
        fn canonical_twice_is_canonical_once(value in value(), at in 0..6usize) {
            let path = ["name", "type", "contentTypes", "scopes", "dictionaries", "other"].get(at).copied();
            let once = leaf(path.unwrap_or_default(), &value);
            prop_assert_eq!(leaf(path.unwrap_or_default(), &once), once);
        }
    }
}
