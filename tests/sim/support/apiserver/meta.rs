//! What the real API server does to every object it stores, whoever wrote it.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::resource::Resource;

/// Server-owned facts for a new object.
pub struct Birth {
    /// Namespace of the request; empty for cluster-scoped.
    pub namespace: String,
    /// The uid it gets.
    pub uid: String,
    /// `creationTimestamp`.
    pub now: String,
    /// What replaces the end of a `generateName`.
    pub suffix: String,
}

/// The finalizers of an object.
pub fn finalizers(object: &Value) -> BTreeSet<String> {
    let list = object["metadata"]["finalizers"].as_array();
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Whether deletion has begun.
pub fn is_terminating(object: &Value) -> bool {
    object["metadata"].get("deletionTimestamp").is_some_and(|at| !at.is_null())
}

/// Makes a new object of what was posted.
///
/// # Errors
/// 400 and 422 for manifests that do not fit the path or have no usable name.
pub fn born(resource: &Resource, mut object: Value, birth: Birth) -> Result<Value, Failure> {
    check_type(resource, &object)?;
    let name = given_name(&object, &birth)?;
    check_name(resource, &name)?;
    check_namespace(&object, &birth.namespace)?;
    let metadata = metadata_mut(&mut object)?;
    metadata.insert("name".into(), name.into());
    if !birth.namespace.is_empty() {
        metadata.insert("namespace".into(), birth.namespace.into());
    }
    for field in ["resourceVersion", "generation", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        metadata.remove(field);
    }
    metadata.insert("uid".into(), birth.uid.into());
    metadata.insert("creationTimestamp".into(), birth.now.into());
    if resource.custom {
        metadata.insert("generation".into(), 1.into());
        object.as_object_mut().map(|members| members.remove("status"));
    }
    normalise(resource, &mut object);
    Ok(object)
}

/// What becomes of `new` when it is to replace `old`.
///
/// # Errors
/// 400 and 422 as the real server's update strategies answer.
pub fn updated(
    resource: &Resource,
    subresource: &str,
    old: &Value,
    mut new: Value,
) -> Result<Value, Failure> {
    check_type(resource, &new)?;
    let name = text(old, "name");
    if text(&new, "name") != name {
        return Err(Failure::bad_request(format!(
            "the name of the object ({}) does not match the name on the URL ({name})",
            text(&new, "name")
        )));
    }
    check_namespace(&new, &text(old, "namespace"))?;
    if subresource == "status" {
        let status = new.get("status").cloned();
        new = old.clone();
        set_or_remove(&mut new, "status", status);
    } else {
        keep_server_owned(resource, old, &mut new)?;
        check_immutable(resource, old, &new)?;
    }
    new["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"].clone();
    normalise(resource, &mut new);
    Ok(new)
}

fn keep_server_owned(resource: &Resource, old: &Value, new: &mut Value) -> Result<(), Failure> {
    let metadata = metadata_mut(new)?;
    for field in ["creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        match old["metadata"].get(field) {
            Some(value) => metadata.insert(field.into(), value.clone()),
            None => metadata.remove(field),
        };
    }
    if metadata.get("uid").and_then(Value::as_str).unwrap_or_default().is_empty() {
        metadata.insert("uid".into(), old["metadata"]["uid"].clone());
    }
    if resource.custom {
        set_or_remove(new, "status", old.get("status").cloned());
        if content(old) != content(new) {
            bump_generation(new);
        }
    }
    Ok(())
}

fn check_immutable(resource: &Resource, old: &Value, new: &Value) -> Result<(), Failure> {
    let name = text(old, "name");
    let uid = text(new, "uid");
    if uid != text(old, "uid") {
        let why = format!("Invalid value: \"{uid}\": field is immutable");
        return Err(Failure::invalid(resource, &name, "metadata.uid", &why));
    }
    if is_terminating(old) {
        let before = finalizers(old);
        let extra: Vec<_> = finalizers(new).into_iter().filter(|f| !before.contains(f)).collect();
        if !extra.is_empty() {
            let why = format!(
                "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers {extra:?}"
            );
            return Err(Failure::invalid(resource, &name, "metadata.finalizers", &why));
        }
    }
    Ok(())
}

/// Everything but metadata and status.
fn content(object: &Value) -> Map<String, Value> {
    let mut content = object.as_object().cloned().unwrap_or_default();
    content.remove("metadata");
    content.remove("status");
    content
}

/// Marks an object as being deleted; the first mark raises the generation of what has one.
pub fn mark_deleted(object: &mut Value, now: &str) {
    if is_terminating(object) {
        return;
    }
    if object["metadata"]["generation"].is_number() {
        bump_generation(object);
    }
    object["metadata"]["deletionTimestamp"] = now.into();
    object["metadata"]["deletionGracePeriodSeconds"] = 0.into();
}

fn bump_generation(object: &mut Value) {
    let next = object["metadata"]["generation"].as_i64().unwrap_or_default() + 1;
    object["metadata"]["generation"] = next.into();
}

/// The form in which objects are stored: no empty metadata, no `managedFields`, defaults filled in.
fn normalise(resource: &Resource, object: &mut Value) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("managedFields");
        metadata.remove("selfLink");
        metadata.retain(|_, value| match value {
            Value::Null => false,
            Value::Object(members) => !members.is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::String(text) => !text.is_empty(),
            _ => true,
        });
    }
    resource.default_status(object);
    match resource.kind {
        "Secret" => encode_string_data(object),
        "Namespace" if object.get("status").is_none() => {
            object["spec"] = json!({"finalizers": ["kubernetes"]});
            object["status"] = json!({"phase": "Active"});
        }
        _ => {}
    }
}

/// `stringData` of a Secret is write-only: it ends up in `data`.
fn encode_string_data(secret: &mut Value) {
    let Some(Value::Object(texts)) = secret.as_object_mut().and_then(|members| members.remove("stringData"))
    else {
        return;
    };
    for (key, text) in texts {
        secret["data"][key] = STANDARD.encode(text.as_str().unwrap_or_default()).into();
    }
}

fn check_type(resource: &Resource, object: &Value) -> Result<(), Failure> {
    let given = (object["apiVersion"].as_str(), object["kind"].as_str());
    let wanted = resource.api_version();
    if given == (Some(&wanted), Some(resource.kind)) {
        return Ok(());
    }
    Err(Failure::bad_request(format!(
        "the API version and kind in the data ({given:?}) do not match the expected ({wanted}, {})",
        resource.kind
    )))
}

fn given_name(object: &Value, birth: &Birth) -> Result<String, Failure> {
    match (text(object, "name"), text(object, "generateName")) {
        (name, _) if !name.is_empty() => Ok(name),
        (_, prefix) if !prefix.is_empty() => Ok(format!("{prefix}{}", birth.suffix)),
        _ => Err(Failure::bad_request("name or generateName is required")),
    }
}

fn check_name(resource: &Resource, name: &str) -> Result<(), Failure> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    if name.len() <= 253 && name.chars().all(fits) && edge(name.chars().next()) && edge(name.chars().last()) {
        return Ok(());
    }
    let why = format!("Invalid value: \"{name}\": a lowercase RFC 1123 subdomain is required");
    Err(Failure::invalid(resource, name, "metadata.name", &why))
}

fn check_namespace(object: &Value, namespace: &str) -> Result<(), Failure> {
    let given = text(object, "namespace");
    if given.is_empty() || given == namespace {
        return Ok(());
    }
    Err(Failure::bad_request(
        "the namespace of the provided object does not match the namespace sent on the request",
    ))
}

/// A text member of the metadata, empty where it is missing.
pub fn text(object: &Value, field: &str) -> String {
    object["metadata"][field].as_str().unwrap_or_default().to_owned()
}

fn set_or_remove(object: &mut Value, member: &str, value: Option<Value>) {
    match value {
        Some(value) => object[member] = value,
        None => drop(object.as_object_mut().map(|members| members.remove(member))),
    }
}

fn metadata_mut(object: &mut Value) -> Result<&mut Map<String, Value>, Failure> {
    object["metadata"].as_object_mut().ok_or_else(|| Failure::bad_request("metadata must be an object"))
}
