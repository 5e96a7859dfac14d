//! The five CRDs, as the API server wants them and always in the same bytes.
//!
//! kube derives them from the types; what it cannot say is added here: no `nullable`, no default
//! but that of `status`, descriptions that `kubectl explain` can wrap.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt as _;
use serde_json::{Map, Value};

use super::{Backend, ClusterBackend, Policy, PolicyAssignment, TargetGroup, conditions};

/// The five CRDs, sorted by name.
pub fn all() -> Vec<CustomResourceDefinition> {
    let derived =
        [Backend::crd(), ClusterBackend::crd(), Policy::crd(), PolicyAssignment::crd(), TargetGroup::crd()];
    let mut crds: Vec<_> = derived.into_iter().map(polish).collect();
    crds.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
    crds
}

/// The file that holds a CRD, such as `ordain.dev_policies.yaml`.
pub fn file_name(crd: &CustomResourceDefinition) -> String {
    format!("{}_{}.yaml", crd.spec.group, crd.spec.names.plural)
}

/// One CRD as YAML: keys sorted, the same bytes from the same types.
///
/// # Errors
/// None that the types of this crate can cause.
pub fn render(crd: &CustomResourceDefinition) -> Result<String, serde_saphyr::ser::Error> {
    let mut value = serde_json::to_value(crd).unwrap_or_default();
    whole_numbers(&mut value);
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    serde_saphyr::to_string_with_options(&value, options)
}

/// What kube's derive leaves to be done. A CRD that does not survive the round trip is returned as
/// it came; the golden test would show it.
fn polish(crd: CustomResourceDefinition) -> CustomResourceDefinition {
    let Ok(mut value) = serde_json::to_value(&crd) else { return crd };
    if let Some(versions) = value.pointer_mut("/spec/versions").and_then(Value::as_array_mut) {
        for version in versions {
            if let Some(schema) = version.pointer_mut("/schema/openAPIV3Schema") {
                tidy(schema);
                root(schema);
            }
        }
    }
    serde_json::from_value(value).unwrap_or(crd)
}

/// The root of a kind: `spec` is required and the status of a new object says that nothing has
/// looked at it.
fn root(schema: &mut Value) {
    schema.as_object_mut().map(|root| root.remove("title"));
    if let Some(status) = schema.pointer_mut("/properties/status").and_then(Value::as_object_mut) {
        status.insert("default".to_owned(), conditions::pending_status());
        status.insert("description".to_owned(), "What the operator found; not an input.".into());
    }
    if let Some(spec) = schema.pointer_mut("/properties/spec").and_then(Value::as_object_mut) {
        spec.insert("description".to_owned(), "What is wanted.".into());
    }
}

/// Walks every schema below this one, this one included.
fn tidy(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    object.remove("nullable");
    object.remove("default");
    drop_null_alternative(object);
    if let Some(Value::Array(words)) = object.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
    if let Some(Value::String(text)) = object.get_mut("description") {
        *text = reflow(text);
    }
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        properties.values_mut().for_each(tidy);
    }
    for key in ["items", "additionalProperties"] {
        object.get_mut(key).into_iter().for_each(tidy);
    }
}

/// `anyOf: [X, null]`, which stands for an optional X, becomes X with the field's own description.
fn drop_null_alternative(object: &mut Map<String, Value>) {
    let Some(Value::Array(alternatives)) = object.get("anyOf") else { return };
    let only = alternatives.iter().find(|one| one.get("enum") != Some(&Value::Array(vec![Value::Null])));
    let (2, Some(Value::Object(only))) = (alternatives.len(), only.cloned()) else { return };
    object.remove("anyOf");
    for (key, value) in only {
        object.entry(key).or_insert(value);
    }
}

/// Lines of a paragraph joined, so that `kubectl explain` can wrap them to the terminal.
fn reflow(text: &str) -> String {
    let paragraphs: Vec<String> = text
        .split("\n\n")
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    paragraphs.join("\n")
}

/// Bounds are floats in k8s-openapi; `1.0` reads better as `1`.
fn whole_numbers(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(whole_numbers),
        Value::Object(members) => members.values_mut().for_each(whole_numbers),
        Value::Number(number) => {
            if let Some(whole) = whole(number) {
                *value = whole.into();
            }
        }
        _ => {}
    }
}

#[allow(clippy::cast_possible_truncation)] // bounded far below the precision of a float
fn whole(number: &serde_json::Number) -> Option<i64> {
    let float = number.as_f64().filter(|_| number.is_f64())?;
    (float.fract() == 0.0 && float.abs() < 1e15).then_some(float as i64)
}
