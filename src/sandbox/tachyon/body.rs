//! What clients send: members in any case (section 1), ids as numbers or quoted.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::answer::Failure;

/// The members of an object; of two that differ in case alone the first counts.
#[derive(Debug, Clone, Copy)]
pub struct Members<'a>(pub &'a Map<String, Value>);

impl<'a> Members<'a> {
    /// A member, if it is there and not null.
    pub fn get(self, name: &str) -> Option<&'a Value> {
        let mut found = self.0.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value).filter(|value| !value.is_null())
    }

    /// A text.
    ///
    /// # Errors
    /// 400 for another type.
    pub fn text(self, name: &str) -> Result<Option<String>, Failure> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(wrong(name, "a string")),
        }
    }

    /// A yes or no, also as text, as .NET reads it.
    ///
    /// # Errors
    /// 400 for another type.
    pub fn flag(self, name: &str) -> Result<Option<bool>, Failure> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(text)) => match text.to_ascii_lowercase().as_str() {
                "true" => Ok(Some(true)),
                "false" => Ok(Some(false)),
                _ => Err(wrong(name, "a boolean")),
            },
            Some(_) => Err(wrong(name, "a boolean")),
        }
    }

    /// A number of 32 bits.
    ///
    /// # Errors
    /// 400 for another type.
    pub fn number(self, name: &str) -> Result<Option<i32>, Failure> {
        self.get(name).map(|value| id(value).ok_or_else(|| wrong(name, "a number"))).transpose()
    }

    /// The ids of an array whose elements are objects with an `Id`, or ids.
    ///
    /// # Errors
    /// 400 for another type.
    pub fn ids(self, name: &str) -> Result<Option<Vec<i32>>, Failure> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let elements = value.as_array().ok_or_else(|| wrong(name, "an array"))?;
        let of = |element: &Value| match element {
            Value::Object(members) => Members(members).get("Id").and_then(id),
            other => id(other),
        };
        let all: Option<Vec<i32>> = elements.iter().map(of).collect();
        all.map(Some).ok_or_else(|| wrong(name, "an array of objects with an Id"))
    }
}

fn wrong(name: &str, wanted: &str) -> Failure {
    Failure::malformed(format!("{name} must be {wanted}.")).about(name)
}

/// An id of 32 bits, a number or quoted.
pub fn id(value: &Value) -> Option<i32> {
    match value {
        Value::Number(number) => i32::try_from(number.as_i64()?).ok(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// The body as JSON.
///
/// # Errors
/// 400 for anything else.
pub fn json(body: &Bytes) -> Result<Value, Failure> {
    serde_json::from_slice(body).map_err(|error| Failure::malformed(format!("The body is not JSON: {error}")))
}

/// The body as an object.
///
/// # Errors
/// 400 for anything else.
pub fn object(body: &Bytes) -> Result<Map<String, Value>, Failure> {
    match json(body)? {
        Value::Object(members) => Ok(members),
        _ => Err(Failure::malformed("The body must be an object.")),
    }
}

/// The body as an array of ids.
///
/// # Errors
/// 400 for anything else.
pub fn ids(body: &Bytes) -> Result<Vec<i32>, Failure> {
    let wrong = || Failure::malformed("The body must be an array of ids.");
    let value = json(body)?;
    let elements = value.as_array().ok_or_else(wrong)?;
    elements.iter().map(id).collect::<Option<Vec<_>>>().ok_or_else(wrong)
}
