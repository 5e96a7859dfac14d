//! Spellings the system treats alike (vendor sheet section 6.1).

use serde_json::Value;

/// A leaf's value in its one spelling; idempotent.
pub fn leaf(path: &str, value: &Value) -> Value {
    match (path, value) {
        ("name", Value::String(text)) => text.trim().into(),
        // Our mark follows the text, and blanks between them are ours.
        ("description", Value::String(text)) => text.trim_end().into(),
        ("description", Value::Null) => "".into(),
        _ => value.clone(),
    }
}
