//! How stored documents read back.

use serde_json::{Map, Number, Value};

use super::options::{EmptySections, Numbers, Passwords, WfbssOptions};

/// The wanted sections of a document, as GET shows them.
pub fn document(stored: &Value, wanted: impl Fn(&str) -> bool, options: &WfbssOptions) -> Value {
    let mut shown = Map::new();
    for (name, section) in stored.as_object().into_iter().flatten() {
        let empty =
            section.as_object().is_some_and(Map::is_empty) && options.empty_sections == EmptySections::Absent;
        if wanted(name) && !empty {
            shown.insert(name.clone(), value(section, options));
        }
    }
    Value::Object(shown)
}

fn value(stored: &Value, options: &WfbssOptions) -> Value {
    match stored {
        Value::Object(members) => {
            Value::Object(members.iter().filter_map(|(key, member)| shown(key, member, options)).collect())
        }
        Value::Array(elements) => {
            Value::Array(elements.iter().map(|element| value(element, options)).collect())
        }
        Value::Number(number) => self::number(number, options.numbers),
        other => other.clone(),
    }
}

fn shown(key: &str, member: &Value, options: &WfbssOptions) -> Option<(String, Value)> {
    let is_password = member.is_string() && (key == "password" || key.ends_with("_password"));
    let value = match (is_password, options.passwords) {
        (false, _) => value(member, options),
        (true, Passwords::Empty) => Value::String(String::new()),
        (true, Passwords::Masked) => Value::String("********".to_owned()),
        (true, Passwords::Absent) => return None,
    };
    Some((key.to_owned(), value))
}

fn number(stored: &Number, numbers: Numbers) -> Value {
    match (numbers, stored.as_u64()) {
        (Numbers::Strings, _) => Value::String(stored.to_string()),
        (Numbers::Booleans, Some(flag @ (0 | 1))) => Value::Bool(flag == 1),
        _ => Value::Number(stored.clone()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn each_way_of_reading_back_can_be_played() {
        let stored = json!({"a": {"flag": 1, "n": 7, "password": "x", "password_required": 1}, "e": {}});
        let cases = [
            (json!({}), json!({"a": {"flag": 1, "n": 7, "password": "", "password_required": 1}, "e": {}})),
            (
                json!({"numbers": "strings", "emptySections": "absent"}),
                json!({"a": {"flag": "1", "n": "7", "password": "", "password_required": "1"}}),
            ),
            (
                json!({"numbers": "booleans", "passwords": "absent"}),
                json!({"a": {"flag": true, "n": 7, "password_required": true}, "e": {}}),
            ),
        ];
        for (options, expected) in cases {
            let options = WfbssOptions::default().patched(&options).unwrap();
            assert_eq!(document(&stored, |_| true, &options), expected);
        }
        assert_eq!(document(&stored, |name| name == "e", &WfbssOptions::default()), json!({"e": {}}));
    }
}
