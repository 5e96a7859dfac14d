//! What a partial document in a PUT becomes before it is merged, or why it is refused.
//!
//! The vendor's field tables are not public, so what a key may be is judged by the documents this
//! double starts with, and how strictly is a switch.

use serde_json::{Map, Number, Value};

use super::{
    answer::Failure,
    names::URL_LISTS,
    options::{Nulls, SentTimes, UnknownKeys, UnknownSections, WfbssOptions, WrongTypes},
    urls,
};

/// Checks and cleans `sent` against the default document `known` whose sections are `sections`
/// (`None`: unknown, any goes).
///
/// # Errors
/// 400 with the JSON pointer of the culprit.
pub fn admit(
    sent: &Map<String, Value>,
    known: &Value,
    sections: Option<&[&str]>,
    options: &WfbssOptions,
) -> Result<Map<String, Value>, Failure> {
    let admission = Admission { options };
    let mut admitted = Map::new();
    for (name, section) in sent {
        if sections.is_some_and(|sections| !sections.contains(&name.as_str())) {
            match options.unknown_sections {
                UnknownSections::Reject => {
                    return Err(bad("UnknownSection", &format!("/{name}"), "no such section"));
                }
                UnknownSections::Drop => continue,
                UnknownSections::Keep => {}
            }
        }
        if let Some(value) = admission.value(section, known.get(name), name, &format!("/{name}"))? {
            admitted.insert(name.clone(), value);
        }
    }
    Ok(admitted)
}

struct Admission<'a> {
    options: &'a WfbssOptions,
}

impl Admission<'_> {
    /// `Ok(None)`: passed over silently.
    fn value(
        &self,
        sent: &Value,
        known: Option<&Value>,
        key: &str,
        at: &str,
    ) -> Result<Option<Value>, Failure> {
        match sent {
            Value::Null => match self.options.nulls {
                Nulls::Reject => Err(bad("NullValue", at, "null is not allowed")),
                Nulls::Ignore => Ok(None),
                Nulls::Remove | Nulls::Store => Ok(Some(Value::Null)),
            },
            Value::Array(_) if self.is_sent_time(key) => Ok(None),
            _ if known.is_some_and(|known| !known.is_null() && !same_type(sent, known)) => {
                self.wrong_type(sent, known, at).map(Some)
            }
            Value::Object(members) => self.object(members, known, at).map(Some),
            Value::Array(elements) => self.array(elements, key, at).map(Some),
            scalar => Ok(Some(scalar.clone())),
        }
    }

    fn object(&self, sent: &Map<String, Value>, known: Option<&Value>, at: &str) -> Result<Value, Failure> {
        // An empty known object tells nothing about its keys.
        let known = known.and_then(Value::as_object).filter(|known| !known.is_empty());
        let mut admitted = Map::new();
        for (key, value) in sent {
            let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
            if known.is_some_and(|known| !known.contains_key(key)) {
                match self.options.unknown_keys {
                    UnknownKeys::Keep => {}
                    UnknownKeys::Drop => continue,
                    UnknownKeys::Reject => return Err(bad("UnknownKey", &at, "no such key")),
                }
            }
            if let Some(value) = self.value(value, known.and_then(|known| known.get(key)), key, &at)? {
                admitted.insert(key.clone(), value);
            }
        }
        Ok(Value::Object(admitted))
    }

    fn array(&self, sent: &[Value], key: &str, at: &str) -> Result<Value, Failure> {
        if URL_LISTS.iter().any(|(list, _)| *list == key) {
            return urls::admit(sent, at, self.options).map(Value::Array);
        }
        let mut admitted = Vec::new();
        for (index, element) in sent.iter().enumerate() {
            admitted.extend(self.value(element, None, "", &format!("{at}/{index}"))?);
        }
        Ok(Value::Array(admitted))
    }

    fn is_sent_time(&self, key: &str) -> bool {
        self.options.sent_times == SentTimes::Ignore && URL_LISTS.iter().any(|(_, times)| *times == key)
    }

    fn wrong_type(&self, sent: &Value, known: Option<&Value>, at: &str) -> Result<Value, Failure> {
        let coerced = match self.options.wrong_types {
            WrongTypes::Keep => return Ok(sent.clone()),
            WrongTypes::Reject => None,
            WrongTypes::Coerce => known.and_then(|known| coerce(sent, known)),
        };
        let wanted = known.map_or("another type", type_name);
        coerced.ok_or_else(|| bad("WrongType", at, &format!("is {}, wanted is {wanted}", type_name(sent))))
    }
}

fn coerce(sent: &Value, known: &Value) -> Option<Value> {
    match (sent, known) {
        (Value::Bool(flag), Value::Number(_)) => Some(Value::from(i32::from(*flag))),
        (Value::String(text), Value::Number(_)) => text.trim().parse::<Number>().ok().map(Value::Number),
        (Value::Number(number), Value::String(_)) => Some(Value::String(number.to_string())),
        _ => None,
    }
}

fn same_type(one: &Value, other: &Value) -> bool {
    type_name(one) == type_name(other)
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn bad(code: &'static str, pointer: &str, problem: &str) -> Failure {
    Failure::bad(code, format!("{pointer}: {problem}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn admitted(sent: &Value, options: &Value) -> Result<Value, &'static str> {
        let known = json!({"s": {"flag": 0, "text": "", "list": [], "deep": {"n": 1}}, "open": {}, "u": {"urls": [], "url_times": []}});
        let options = WfbssOptions::default().patched(options).unwrap();
        let sent = sent.as_object().unwrap();
        admit(sent, &known, Some(&["s", "open", "u"]), &options)
            .map(Value::Object)
            .map_err(|failure| failure.code)
    }

    #[test]
    fn each_reading_of_an_unknown_can_be_played() {
        let good =
            json!({"s": {"flag": 1, "list": [{"x": true}], "deep": {"n": 2}}, "open": {"any": "thing"}});
        assert_eq!(admitted(&good, &json!({})), Ok(good));

        let cases = [
            (json!({"no": {}}), json!({}), Err("UnknownSection")),
            (json!({"no": {}}), json!({"unknownSections": "drop"}), Ok(json!({}))),
            (json!({"no": {}}), json!({"unknownSections": "keep"}), Ok(json!({"no": {}}))),
            (json!({"s": {"new": 1}}), json!({}), Ok(json!({"s": {"new": 1}}))),
            (json!({"s": {"new": 1}}), json!({"unknownKeys": "drop"}), Ok(json!({"s": {}}))),
            (json!({"s": {"deep": {"m": 1}}}), json!({"unknownKeys": "reject"}), Err("UnknownKey")),
            (json!({"open": {"m": 1}}), json!({"unknownKeys": "reject"}), Ok(json!({"open": {"m": 1}}))),
            (json!({"s": {"flag": true}}), json!({}), Err("WrongType")),
            (json!({"s": {"flag": true}}), json!({"wrongTypes": "coerce"}), Ok(json!({"s": {"flag": 1}}))),
            (json!({"s": {"flag": "1"}}), json!({"wrongTypes": "coerce"}), Ok(json!({"s": {"flag": 1}}))),
            (json!({"s": {"flag": []}}), json!({"wrongTypes": "coerce"}), Err("WrongType")),
            (json!({"s": {"flag": true}}), json!({"wrongTypes": "keep"}), Ok(json!({"s": {"flag": true}}))),
            (json!({"s": 1}), json!({}), Err("WrongType")),
            (json!({"s": {"flag": null}}), json!({}), Err("NullValue")),
            (json!({"s": {"flag": null}}), json!({"nulls": "ignore"}), Ok(json!({"s": {}}))),
            (json!({"s": {"flag": null}}), json!({"nulls": "remove"}), Ok(json!({"s": {"flag": null}}))),
            (json!({"u": {"urls": ["x"]}}), json!({}), Err("InvalidUrl")),
            (json!({"u": {"url_times": [7]}}), json!({}), Ok(json!({"u": {}}))),
            (
                json!({"u": {"url_times": [7]}}),
                json!({"sentTimes": "accept"}),
                Ok(json!({"u": {"url_times": [7]}})),
            ),
        ];
        for (sent, options, expected) in cases {
            assert_eq!(admitted(&sent, &options), expected, "{sent} with {options}");
        }
    }
}
