//! Spellings that mean the same, made the same (sheet sections 7.2 and 9.3 to 9.4).
//!
//! Canonical values are for comparing only. What is *sent* is what the spec says, with flags as the integers the API
//! wants ([`sendable`]).

use serde_json::{Map, Number, Value};

/// Whether the server alone sets this key: when entries of the list beside it were added (sheet rule 10).
pub fn is_server_owned(key: &str) -> bool {
    key.ends_with("_times")
}

/// Whether a list under this key holds URLs, which the system compares by host and rewrites (sheet section 9.4).
fn is_url_list(key: &str) -> bool {
    key == "urls" || key.ends_with("_urls")
}

/// The canonical form of a value that stands at `path`.
///
/// Flags and numbers become numbers however they are spelled, URL lists become sorted sets of `scheme://host/*`,
/// times that the server keeps are dropped; the order of every other list counts. Idempotent.
pub fn canonicalise(path: &str, value: &Value) -> Value {
    let key = path.rsplit('/').next().unwrap_or_default();
    canonical(key, value)
}

fn canonical(key: &str, value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Bool(flag) => u8::from(*flag).into(),
        Value::Number(number) => Value::Number(whole(number)),
        Value::String(text) => numeric(text).map_or_else(|| value.clone(), Value::Number),
        Value::Array(items) => match url_set(key, items) {
            Some(urls) => urls.into(),
            None => items.iter().map(|item| canonical("", item)).collect(),
        },
        Value::Object(members) => {
            kept(members).map(|(key, value)| (key.clone(), canonical(key, value))).collect()
        }
    }
}

/// `6.0` as `6`; what is not whole, or too large to be exact, stays.
fn whole(number: &Number) -> Number {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    number
        .as_f64()
        .filter(|n| number.is_f64() && n.fract() == 0.0 && n.abs() < EXACT)
        .and_then(|n| format!("{n:.0}").parse::<i64>().ok())
        .map_or_else(|| number.clone(), Number::from)
}

/// A number in quotes, only where the text is that number's plain spelling: `"007"` and `"1e3"` are texts.
pub fn numeric(text: &str) -> Option<Number> {
    let number: Number = serde_json::from_str(text).ok()?;
    (number.to_string() == text).then(|| whole(&number))
}

fn url_set(key: &str, items: &[Value]) -> Option<Vec<String>> {
    if !is_url_list(key) {
        return None;
    }
    let mut urls = items.iter().map(|item| item.as_str().map(normal_url)).collect::<Option<Vec<_>>>()?;
    urls.sort_unstable();
    urls.dedup();
    Some(urls)
}

/// `scheme://host/*`: the system filters by host, wants a scheme, and keeps neither path nor case.
fn normal_url(text: &str) -> String {
    let text = text.trim();
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) if !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric()) => {
            (scheme.to_ascii_lowercase(), rest)
        }
        _ => ("http".to_owned(), text),
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default().trim().to_lowercase();
    format!("{scheme}://{host}/*")
}

fn kept(members: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    members.iter().filter(|(key, _)| !is_server_owned(key))
}

/// A value as it goes on the wire: flags as 1 and 0, without the times that the server keeps; all else untouched.
pub fn sendable(value: &Value) -> Value {
    match value {
        Value::Bool(flag) => u8::from(*flag).into(),
        Value::Array(items) => items.iter().map(sendable).collect(),
        Value::Object(members) => kept(members).map(|(key, value)| (key.clone(), sendable(value))).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
#[path = "canonical_tests.rs"]
mod tests;
