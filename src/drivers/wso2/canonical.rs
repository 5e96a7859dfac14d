//! Spellings the system treats alike (vendor sheet section 4).

use serde_json::{Map, Number, Value};

/// How often content may have been encoded into strings: a careless client adds one layer per PUT.
const LAYERS: usize = 4;
/// Whole numbers up to here are exact as a double.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A leaf's value in its one spelling; idempotent.
pub fn leaf(path: &str, value: &Value) -> Value {
    match path {
        "platform" => word(value, str::to_lowercase),
        "compliance" => word(value, compliance),
        "ownership" => word(value, str::to_uppercase),
        "description" => word(value, |text| text.trim_end().to_owned()),
        _ if path.starts_with("features/") => content(value),
        _ => value.clone(),
    }
}

/// `enforce`, `warn`, `monitor`, or what else it says, in lower case. The documentation says "Warning", the code `WARN`.
pub fn compliance(text: &str) -> String {
    match text.to_lowercase().as_str() {
        "warning" => "warn".to_owned(),
        other => other.to_owned(),
    }
}

/// A feature's content as the system keeps it: JSON, numbers as doubles, no null members.
pub fn content(value: &Value) -> Value {
    settled(&decoded(value).unwrap_or_else(|| value.clone()))
}

fn word(value: &Value, canonical: impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(canonical(text)),
        Value::Null => Value::String(String::new()),
        other => other.clone(),
    }
}

/// The object or list inside strings that hold JSON; `None` where there is none.
fn decoded(value: &Value) -> Option<Value> {
    let mut inner = value.clone();
    for _ in 0..LAYERS {
        let Value::String(text) = &inner else { break };
        inner = serde_json::from_str(text).ok()?;
    }
    (inner.is_object() || inner.is_array()).then_some(inner)
}

fn settled(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(double(number)),
        Value::Array(list) => list.iter().map(settled).collect(),
        Value::Object(members) => {
            let kept = members.iter().filter(|(_, v)| !v.is_null());
            Value::Object(kept.map(|(name, v)| (name.clone(), settled(v))).collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

/// The number a double can hold, as an integer where it is one: `6`, `6.0` and `6e0` are equal.
fn double(number: &Number) -> Number {
    let Some(value) = number.as_f64() else { return number.clone() };
    // Fifteen digits survive every printer and parser on the way; the last bit does not.
    let rounded = || format!("{value:.14e}").parse().unwrap_or(value);
    whole(value)
        .or_else(|| whole(rounded()))
        .or_else(|| Number::from_f64(rounded()))
        .unwrap_or_else(|| number.clone())
}

fn whole(value: f64) -> Option<Number> {
    // In range and whole, so that nothing is cut off.
    #[allow(clippy::cast_possible_truncation)]
    (value.fract() == 0.0 && value.abs() <= EXACT).then_some(Number::from(value as i64))
}

#[cfg(test)]
pub mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_for_the_system_is_equal_for_us() {
        let cases = [
            ("features/X", json!({"n": 6}), json!({"n": 6.0}), "numbers are doubles"),
            ("features/X", json!({"n": 0}), json!({"n": -0.0}), "there is one zero"),
            (
                "features/X",
                json!({"n": 9_007_199_254_740_993_i64}),
                json!({"n": 9_007_199_254_740_992.0}),
                "too long for a double",
            ),
            (
                "features/X",
                json!({"n": 18_446_744_073_709_551_615_u64}),
                json!({"n": 1.844_674_407_370_955_2e19}),
                "also without sign",
            ),
            ("features/X", json!({"a": 1, "b": null}), json!({"a": 1}), "null members vanish"),
            ("features/X", json!({"a": [1, {"b": null}]}), json!({"a": [1.0, {}]}), "at every depth"),
            ("features/X", json!("{\"enabled\":false}"), json!({"enabled": false}), "the stored string"),
            ("features/X", json!("\"{\\\"enabled\\\":false}\""), json!({"enabled": false}), "encoded twice"),
            ("features/X", json!("{\"a\":\"x\\u003dy\"}"), json!({"a": "x=y"}), "escapes are spelling"),
            ("compliance", json!("Warning"), json!("warn"), "the documented word"),
            ("compliance", json!("ENFORCE"), json!("enforce"), "case is not compared"),
            ("ownership", json!("any"), json!("ANY"), "nor here"),
            ("platform", json!("Android"), json!("android"), "nor here"),
            ("description", json!("text  "), json!("text"), "blanks before the mark"),
            ("description", json!(null), json!(""), "no description"),
        ];
        for (path, one, other, why) in cases {
            assert_eq!(leaf(path, &one), leaf(path, &other), "{why}");
        }
    }

    #[test]
    fn different_for_the_system_is_different_for_us() {
        let cases = [
            ("features/X", json!({"n": "6"}), json!({"n": 6}), "a text is not a number"),
            ("features/X", json!({"n": true}), json!({"n": 1}), "nor is a flag"),
            ("features/X", json!({"n": 6.5}), json!({"n": 6}), "fractions count"),
            ("features/X", json!({"a": [null]}), json!({"a": []}), "null in a list has a place"),
            ("features/X", json!({"a": [1, 2]}), json!({"a": [2, 1]}), "lists have an order"),
            (
                "features/X",
                json!({"a": "{}"}),
                json!({"a": {}}),
                "only content as a whole is a string of JSON",
            ),
            ("features/X", json!({"a": ""}), json!({}), "an empty text is a value"),
            ("compliance", json!("block"), json!("warn"), "another word"),
            ("name", json!("A"), json!("a"), "names keep their case"),
        ];
        for (path, one, other, why) in cases {
            assert_ne!(leaf(path, &one), leaf(path, &other), "{why}");
        }
    }

    pub fn any_json() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
            Just(json!("{\"a\": \"{}\", \"b\": 6.0}")),
            Just(json!("\"\\\"6\\\"\"")),
        ];
        scalar.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(".*", inner.clone(), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
                inner.prop_map(|value| Value::String(value.to_string())),
            ]
        })
    }

    proptest! {
        #[test]
        fn canonical_is_canonical(
            path in prop_oneof![
                Just("name"), Just("description"), Just("platform"), Just("compliance"), Just("ownership"),
                Just("features/WIFI"), Just("unknown"),
            ],
            value in any_json(),
        ) {
            let once = leaf(path, &value);
            prop_assert_eq!(leaf(path, &once), once);
        }

        #[test]
        fn a_trip_through_the_system_changes_nothing(inner in any_json()) {
            let value = json!({ "inner": inner });
            let stored = Value::String(content(&value).to_string());
            prop_assert_eq!(content(&stored), content(&value));
        }
    }
}
