//! Merge patches (RFC 7386) and JSON patches (RFC 6902) on plain JSON.

use serde_json::{Map, Value};

use super::failure::Failure;

/// Applies a merge patch.
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        target.clone_from(patch);
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    for (key, value) in patch {
        if value.is_null() {
            target.as_object_mut().expect("made an object above").remove(key);
        } else {
            merge(&mut target[key], value);
        }
    }
}

/// Applies a JSON patch, all of it or nothing.
///
/// # Errors
/// 400 for what is no JSON patch, 422 for one that does not apply, a failed `test` among them.
pub fn json(target: &Value, patch: &Value) -> Result<Value, Failure> {
    let operations = patch.as_array().ok_or_else(|| Failure::bad_request("a JSON patch is an array"))?;
    let mut result = target.clone();
    for operation in operations {
        operate(&mut result, operation)?;
    }
    Ok(result)
}

fn operate(target: &mut Value, operation: &Value) -> Result<(), Failure> {
    let path = text(operation, "path")?;
    match text(operation, "op")? {
        "add" => add(target, path, operation["value"].clone()),
        "remove" => remove(target, path).map(drop),
        "replace" => {
            *target.pointer_mut(path).ok_or_else(|| missing(path))? = operation["value"].clone();
            Ok(())
        }
        "test" if target.pointer(path).unwrap_or(&Value::Null) == &operation["value"] => Ok(()),
        "test" => Err(Failure::patch_rejected(&format!("testing value {path} failed"))),
        "move" => {
            let value = remove(target, text(operation, "from")?)?;
            add(target, path, value)
        }
        "copy" => {
            let from = text(operation, "from")?;
            let value = target.pointer(from).cloned().ok_or_else(|| missing(from))?;
            add(target, path, value)
        }
        other => Err(Failure::bad_request(format!("unexpected kind of operation: {other}"))),
    }
}

fn text<'a>(operation: &'a Value, member: &str) -> Result<&'a str, Failure> {
    operation[member].as_str().ok_or_else(|| Failure::bad_request(format!("operation without `{member}`")))
}

fn missing(path: &str) -> Failure {
    Failure::patch_rejected(&format!("doc is missing path: {path}: missing value"))
}

/// The container a pointer points into, and the last token of the pointer.
fn container<'a>(target: &'a mut Value, path: &str) -> Result<(&'a mut Value, String), Failure> {
    let (parent, last) = path.rsplit_once('/').ok_or_else(|| missing(path))?;
    let parent = target.pointer_mut(parent).ok_or_else(|| missing(path))?;
    Ok((parent, last.replace("~1", "/").replace("~0", "~")))
}

fn add(target: &mut Value, path: &str, value: Value) -> Result<(), Failure> {
    if path.is_empty() {
        *target = value;
        return Ok(());
    }
    let (parent, last) = container(target, path)?;
    match parent {
        Value::Object(members) => {
            members.insert(last, value);
        }
        Value::Array(items) => {
            let index = if last == "-" { Some(items.len()) } else { last.parse().ok() };
            let index = index.filter(|index| *index <= items.len()).ok_or_else(|| missing(path))?;
            items.insert(index, value);
        }
        _ => return Err(missing(path)),
    }
    Ok(())
}

fn remove(target: &mut Value, path: &str) -> Result<Value, Failure> {
    let (parent, last) = container(target, path)?;
    let removed = match parent {
        Value::Object(members) => members.remove(&last),
        Value::Array(items) => {
            last.parse().ok().filter(|index| *index < items.len()).map(|index: usize| items.remove(index))
        }
        _ => None,
    };
    removed.ok_or_else(|| missing(path))
}
