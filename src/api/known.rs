//! The conditions this version knows, read out of whatever stands in a status.
//!
//! A newer version or somebody else may have written others, or of another form: a status must never make an object
//! undecodable (F16), so nothing but broken JSON is an error here. In one go, since statuses are most of what a start
//! has to read.

use std::{fmt, marker::PhantomData};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess},
};

use super::Condition;

/// Decodes the conditions this version knows and leaves out the others.
///
/// # Errors
/// Only where `conditions` is not a list.
pub fn conditions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Condition>, D::Error> {
    let all = Option::<Vec<Known>>::deserialize(deserializer)?.unwrap_or_default();
    Ok(all.into_iter().filter_map(|Known(one)| one).collect())
}

/// A condition, if this version knows it.
struct Known(Option<Condition>);

impl<'de> Deserialize<'de> for Known {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KnownVisitor).map(Self)
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Member {
    Type,
    Status,
    Reason,
    Message,
    ObservedGeneration,
    LastTransitionTime,
    #[serde(other)]
    Other,
}

/// What is no object is no condition.
macro_rules! no_condition {
    ($($visit:ident: $type:ty,)+) => {$(
        fn $visit<E>(self, _: $type) -> Result<Option<Condition>, E> {
            Ok(None)
        }
    )+};
}

struct KnownVisitor;

impl<'de> de::Visitor<'de> for KnownVisitor {
    type Value = Option<Condition>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a condition")
    }

    no_condition! {
        visit_bool: bool,
        visit_i64: i64,
        visit_u64: u64,
        visit_f64: f64,
        visit_str: &str,
    }

    fn visit_unit<E>(self) -> Result<Option<Condition>, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Option<Condition>, A::Error> {
        skip_items(items)
    }

    /// Of a member given twice the last one counts, as in a tree of values.
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Option<Condition>, A::Error> {
        let (mut type_, mut status, mut reason, mut at) = (None, None, None, None);
        let (mut message, mut generation) = (Some(String::new()), Some(None));
        while let Some(member) = members.next_key()? {
            match member {
                Member::Type => type_ = members.next_value::<Loose<_>>()?.0,
                Member::Status => status = members.next_value::<Loose<_>>()?.0,
                Member::Reason => reason = members.next_value::<Loose<_>>()?.0,
                Member::Message => message = members.next_value::<Loose<_>>()?.0,
                Member::ObservedGeneration => {
                    let given = members.next_value::<Option<Loose<i64>>>()?;
                    generation = given.map_or(Some(None), |Loose(given)| given.map(Some));
                }
                Member::LastTransitionTime => at = members.next_value::<Loose<Timestamp>>()?.0,
                Member::Other => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        let known = || {
            Some(Condition {
                type_: type_?,
                status: status?,
                reason: reason?,
                message: message?,
                observed_generation: generation?,
                last_transition_time: Time(at?),
            })
        };
        Ok(known())
    }
}

/// A word, a text or a number, if it is of the form wanted.
struct Loose<T>(Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor(PhantomData)).map(Self)
    }
}

macro_rules! perhaps {
    ($($visit:ident: $type:ty,)+) => {$(
        fn $visit<E>(self, value: $type) -> Result<Option<T>, E> {
            Ok(T::deserialize(IntoDeserializer::<de::value::Error>::into_deserializer(value)).ok())
        }
    )+};
}

struct LooseVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> de::Visitor<'de> for LooseVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    perhaps! {
        visit_bool: bool,
        visit_i64: i64,
        visit_u64: u64,
        visit_f64: f64,
        visit_str: &str,
    }

    fn visit_unit<E>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Option<T>, A::Error> {
        skip_items(items)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Option<T>, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

fn skip_items<'de, T, A: SeqAccess<'de>>(mut items: A) -> Result<Option<T>, A::Error> {
    while items.next_element::<IgnoredAny>()?.is_some() {}
    Ok(None)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use serde_json::{Value, json};

    use super::*;
    use crate::api::{ConditionType, PolicyStatus, Reason};

    /// Read from text and from a tree, which must come to the same.
    fn read(status: &Value) -> Vec<Condition> {
        let from_tree = serde_json::from_value::<PolicyStatus>(status.clone()).unwrap().conditions;
        let from_text = serde_json::from_str::<PolicyStatus>(&status.to_string()).unwrap().conditions;
        assert_eq!(from_tree, from_text);
        from_tree
    }

    fn with(member: &str, value: Value) -> Value {
        let mut condition = json!({
            "type": "Ready", "status": "True", "reason": "Valid", "message": "m", "observedGeneration": 3,
            "lastTransitionTime": "2026-03-01T00:00:00Z",
        });
        condition[member] = value;
        condition
    }

    #[test]
    fn what_is_known_is_read_and_everything_else_left_out() {
        let cases = [
            (with("deep", json!({"a": [[{"b": null}]]})), true, "a member of another version is skipped"),
            (with("observedGeneration", json!(null)), true, "it may be absent"),
            (with("observedGeneration", json!("three")), false, "not a number"),
            (with("observedGeneration", json!(3.5)), false, "not an integer"),
            (with("type", json!("OfAnotherVersion")), false, "a type of another version"),
            (
                with("reason", json!("OfAnotherVersion")),
                true,
                "a reason of another version is unrecognised, no more",
            ),
            (with("status", json!(true)), false, "a boolean is no word"),
            (with("status", json!({"deep": [1]})), false, "an object is no word"),
            (with("message", json!(["m"])), false, "a list is no text"),
            (with("message", json!(null)), false, "neither is null"),
            (with("lastTransitionTime", json!("yesterday")), false, "no time"),
            (json!({"type": "Ready"}), false, "the rest is missing"),
            (json!(7), false, "a number"),
            (json!("Ready"), false, "a text"),
            (json!(null), false, "nothing"),
            (json!([with("message", json!("m"))]), false, "a list"),
        ];
        for (condition, known, why) in cases {
            let good = with("message", json!("m"));
            let found = read(&json!({"conditions": [good, condition, good]}));
            assert_eq!(found.len(), if known { 3 } else { 2 }, "{why}: {condition}");
        }
    }

    #[test]
    fn everything_of_a_condition_is_read() {
        let found = read(&json!({"conditions": [with("message", json!("m"))]}));
        let [one] = <[_; 1]>::try_from(found).unwrap();
        assert_eq!((one.type_, one.reason, one.message.as_str()), (ConditionType::Ready, Reason::Valid, "m"));
        assert_eq!(one.observed_generation, Some(3));
        assert_eq!(one.last_transition_time.0.to_string(), "2026-03-01T00:00:00Z");
        let mut sparse = with("message", json!("m"));
        sparse.as_object_mut().unwrap().retain(|name, _| name != "message" && name != "observedGeneration");
        let found = read(&json!({"conditions": [sparse]}));
        assert!(found.iter().all(|one| one.message.is_empty() && one.observed_generation.is_none()));
        assert_eq!(found.len(), 1);
    }
}
