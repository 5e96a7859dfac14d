//! Spellings the system treats alike.

use serde_json::{Number, Value};

/// Whole numbers up to here are exact as a double.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A leaf's value in its one spelling; idempotent.
pub fn leaf(path: &str, value: &Value) -> Value {
    match (path, value) {
        ("name" | "description", Value::Null) => Value::from(""),
        // Blanks before our mark cannot be told from those before the end.
        ("description", Value::String(text)) => Value::from(text.trim_end()),
        ("constraints", Value::Null) => Value::Array(Vec::new()),
        ("constraints", constraints) => settled(constraints),
        _ => value.clone(),
    }
}

/// Constraints have no documented shape (sheet section 5): compared as JSON with sorted members. A member that is null
/// is as good as absent, since the system's own objects come with a null for whatever they lack (4.1, 4.3).
fn settled(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(whole(number).unwrap_or_else(|| number.clone())),
        Value::Array(list) => list.iter().map(settled).collect(),
        Value::Object(members) => {
            let kept = members.iter().filter(|(_, member)| !member.is_null());
            Value::Object(kept.map(|(name, member)| (name.clone(), settled(member))).collect())
        }
        other => other.clone(),
    }
}

/// `6.0` as `6`: which of them a serialiser writes says nothing.
fn whole(number: &Number) -> Option<Number> {
    let value = number.as_f64().filter(|_| number.is_f64())?;
    // In range and whole, so that nothing is cut off.
    #[allow(clippy::cast_possible_truncation)]
    (value.fract() == 0.0 && value.abs() <= EXACT).then_some(Number::from(value as i64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_for_the_system_is_equal_for_us() {
        let cases = [
            ("constraints", json!([{"a": 1, "b": 2}]), json!([{"b": 2, "a": 1.0}]), "order of keys, doubles"),
            ("constraints", json!([{"a": 1, "b": null}]), json!([{"a": 1}]), "null is absent"),
            ("constraints", json!([{"a": {"b": null}}]), json!([{"a": {}}]), "at every depth"),
            ("constraints", json!(null), json!([]), "no list is an empty list"),
            ("description", json!("text  "), json!("text"), "blanks before the mark"),
            ("description", json!(null), json!(""), "no description"),
            ("name", json!(null), json!(""), "no name"),
        ];
        for (path, one, other, why) in cases {
            assert_eq!(leaf(path, &one), leaf(path, &other), "{why}");
        }
    }

    #[test]
    fn different_for_the_system_is_different_for_us() {
        let cases = [
            ("constraints", json!([1, 2]), json!([2, 1]), "constraints combine in their order"),
            ("constraints", json!([{"a": "1"}]), json!([{"a": 1}]), "a text is no number"),
            ("constraints", json!([{"a": 1.5}]), json!([{"a": 1}]), "fractions count"),
            (
                "constraints",
                json!([{"Pin": 1}]),
                json!([{"PIN": 1}]),
                "keys keep their case (sheet section 6)",
            ),
            ("constraints", json!([{"a": ""}]), json!([{}]), "an empty text is a value"),
            ("constraints", json!([{}]), json!([]), "an empty constraint is one"),
            ("constraints", json!([null]), json!([]), "null in a list has a place"),
            (
                "constraints",
                json!([{"id": 639_057_069_300_123_456_i64}]),
                json!([{"id": 639_057_069_300_123_457_i64}]),
                "18 digits are compared whole",
            ),
            ("name", json!("A"), json!("a"), "names keep their case"),
        ];
        for (path, one, other, why) in cases {
            assert_ne!(leaf(path, &one), leaf(path, &other), "{why}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        scalar.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(".*", inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn canonical_is_canonical(
            path in prop_oneof![Just("name"), Just("description"), Just("constraints"), Just("unknown")],
            value in any_json(),
        ) {
            let once = leaf(path, &value);
            prop_assert_eq!(leaf(path, &once), once);
        }
    }
}
