//! Options of a double, changed by what a test or a curious user sends.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// `options` with the members of `change` in place of their own.
///
/// # Errors
/// A sentence about a member that is unknown or has a value it cannot have.
pub(super) fn replaced<T: Serialize + DeserializeOwned>(options: &T, change: &Value) -> Result<T, String> {
    let Value::Object(change) = change else { return Err("options: wanted is an object".to_owned()) };
    let mut all = serde_json::to_value(options).map_err(|error| error.to_string())?;
    if let Value::Object(members) = &mut all {
        members.extend(change.clone());
    }
    serde_json::from_value(all).map_err(|error| format!("options: {error}"))
}

/// The same, but objects within are changed member by member, too, and an error names the member at the top.
///
/// # Errors
/// A sentence that names the member that does not exist or has the wrong type.
pub(super) fn merged<T>(options: &T, change: &Value) -> Result<T, String>
where
    T: Serialize + DeserializeOwned + Clone,
{
    let members = change.as_object().ok_or("options: an object is wanted")?;
    let mut options = options.clone();
    for (member, value) in members {
        let mut all = serde_json::to_value(&options).map_err(|error| error.to_string())?;
        merge(&mut all, &json!({ member: value }));
        options = serde_json::from_value(all).map_err(|error| format!("options: {member}: {error}"))?;
    }
    Ok(options)
}

/// Objects member by member, everything else replaced.
fn merge(base: &mut Value, change: &Value) {
    match (base, change) {
        (Value::Object(base), Value::Object(change)) => {
            for (key, value) in change {
                merge(base.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (base, change) => *base = change.clone(),
    }
}
