//! Values with a shape of their own: durations in Go syntax, and free-form JSON.

use std::{borrow::Cow, fmt, ops::Range, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::schema;

/// A duration as Go writes it (`90s`, `30m`, `1h30m`), between one minute and 24 hours.
///
/// Any text decodes, so that an object written before the schema had the rule still does;
/// [`GoDuration::get`] tells good from bad.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoDuration(Box<str>);

impl GoDuration {
    /// Shortest duration allowed.
    pub const MIN: Duration = Duration::from_secs(60);
    /// Longest duration allowed.
    pub const MAX: Duration = Duration::from_secs(24 * 60 * 60);

    /// Takes over the text as it stands.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The duration; `None` where the text is malformed or out of bounds.
    pub fn get(&self) -> Option<Duration> {
        parse_go(&self.0).filter(|d| (Self::MIN..=Self::MAX).contains(d))
    }
}

/// Whole hours, minutes and seconds: `1h30m`. Never overflows: a number has at most six digits.
fn parse_go(text: &str) -> Option<Duration> {
    let mut seconds: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).filter(|end| (1..=6).contains(end))?;
        let (digits, tail) = rest.split_at(end);
        let unit = match tail.chars().next()? {
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        seconds += digits.parse::<u64>().ok()? * unit;
        rest = tail.get(1..)?;
    }
    (!text.is_empty()).then_some(Duration::from_secs(seconds))
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for GoDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into()))
    }
}

impl JsonSchema for GoDuration {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "GoDuration".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        schema::duration(generator)
    }
}

/// JSON whose members only the policy system knows.
///
/// Held as one piece of canonical JSON text (members sorted, no blanks): a tree of values takes
/// ten times the memory, and equal text means equal content. Numbers keep the digits that their
/// decoder saw. Decodes from any format, buffered or not: `serde_json`'s own `RawValue` does not
/// survive kube's `DeserializeGuard`, nor a watch event whose `object` precedes its `type`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FreeForm(Box<str>);

impl FreeForm {
    /// The canonical JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A tree of values.
    pub fn to_value(&self) -> serde_json::Value {
        // The text was written by `Canonical` and therefore parses; its depth may exceed the
        // parser's, in which case validation has already refused the object.
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    /// Size of the JSON text in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is named: `{}`, `[]` or `null`.
    pub fn is_empty(&self) -> bool {
        matches!(&*self.0, "{}" | "[]" | "null")
    }

    /// How deep objects and lists nest: 0 for a word, 1 for `{"a": 1}`.
    pub fn depth(&self) -> usize {
        let (mut depth, mut deepest) = (0_usize, 0);
        let (mut in_string, mut escaped) = (false, false);
        for byte in self.0.bytes() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_string => escaped = true,
                b'"' => in_string = !in_string,
                b'{' | b'[' if !in_string => {
                    depth += 1;
                    deepest = deepest.max(depth);
                }
                b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        deepest
    }
}

impl From<serde_json::Value> for FreeForm {
    fn from(value: serde_json::Value) -> Self {
        Self(value.to_string().into())
    }
}

impl fmt::Debug for FreeForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for FreeForm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for FreeForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut text = String::new();
        de::DeserializeSeed::deserialize(Canonical(&mut text), deserializer)?;
        Ok(Self(text.into()))
    }
}

/// Appends the value it reads to the text, members sorted.
struct Canonical<'a>(&'a mut String);

impl Canonical<'_> {
    fn push<E: de::Error>(self, value: &impl Serialize) -> Result<(), E> {
        let text = serde_json::to_string(value).map_err(E::custom)?;
        self.0.push_str(&text);
        Ok(())
    }
}

impl<'de> de::DeserializeSeed<'de> for Canonical<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> de::Visitor<'de> for Canonical<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        self.push(&value)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        self.push(&value)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        self.push(&value)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        if value.is_finite() { self.push(&value) } else { Err(E::custom("not a number of JSON")) }
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<(), E> {
        self.push(&value)
    }

    fn visit_none<E: de::Error>(self) -> Result<(), E> {
        self.push(&())
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.push(&())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.0.push('[');
        let start = self.0.len();
        loop {
            let end = self.0.len();
            if end > start {
                self.0.push(',');
            }
            if items.next_element_seed(Canonical(self.0))?.is_none() {
                self.0.truncate(end);
                break;
            }
        }
        self.0.push(']');
        Ok(())
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        self.0.push('{');
        let start = self.0.len();
        let mut entries: Vec<(String, Range<usize>)> = Vec::new();
        while let Some(key) = members.next_key::<String>()? {
            if self.0.len() > start {
                self.0.push(',');
            }
            let from = self.0.len();
            Canonical(self.0).push::<A::Error>(&key)?;
            self.0.push(':');
            members.next_value_seed(Canonical(self.0))?;
            entries.push((key, from..self.0.len()));
        }
        sort_members(self.0, start, entries)?;
        self.0.push('}');
        Ok(())
    }
}

/// Puts the members written since `start` into order. The API server sends them sorted, so that
/// usually there is nothing to move.
fn sort_members<E: de::Error>(
    text: &mut String,
    start: usize,
    mut entries: Vec<(String, Range<usize>)>,
) -> Result<(), E> {
    if entries.is_sorted_by(|(a, _), (b, _)| a < b) {
        return Ok(());
    }
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    let duplicate = entries.iter().zip(entries.iter().skip(1)).find(|(a, b)| a.0 == b.0);
    if let Some(((key, _), _)) = duplicate {
        return Err(E::custom(format_args!("member {key:?} is given twice")));
    }
    let members: Vec<&str> = entries.iter().filter_map(|(_, range)| text.get(range.clone())).collect();
    let sorted = members.join(",");
    text.truncate(start);
    text.push_str(&sorted);
    Ok(())
}

impl JsonSchema for FreeForm {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "FreeForm".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        schema::free_form_object(generator)
    }
}

#[cfg(test)]
mod tests;
