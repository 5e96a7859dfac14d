//! Fields that the schema of a kind does not know: the API server drops them without a word, or refuses them, depending
//! on who sends them. Here they are errors.

use std::{collections::BTreeMap, sync::LazyLock};

use serde_json::Value;

use crate::api::crds;

/// Schemas of `spec` by kind, made once: with a thousand manifests making them takes longer than all the rest.
static SPECS: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
    let spec = |crd: k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition| {
        let mut whole = serde_json::to_value(&crd).ok()?;
        let spec = whole.pointer_mut("/spec/versions/0/schema/openAPIV3Schema/properties/spec")?.take();
        Some((crd.spec.names.kind, spec))
    };
    crds::all().into_iter().filter_map(spec).collect()
});

/// Paths below `spec` that the kind does not have, such as `spec.targets.includes`.
pub(super) fn unknown_fields(kind: &str, spec: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(schema) = SPECS.get(kind) {
        walk(spec, schema, "spec", &mut found);
    }
    found
}

fn walk(value: &Value, schema: &Value, path: &str, found: &mut Vec<String>) {
    if schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true)) {
        return;
    }
    match value {
        Value::Object(members) => {
            let known = schema.get("properties").and_then(Value::as_object);
            let any = schema.get("additionalProperties").filter(|any| !any.is_boolean());
            for (name, member) in members {
                let at = format!("{path}.{name}");
                match known.and_then(|known| known.get(name)).or(any) {
                    Some(schema) => walk(member, schema, &at, found),
                    // Where the schema says nothing of members, the value is of the wrong type: decoding says so.
                    None if known.is_some() => found.push(at),
                    None => {}
                }
            }
        }
        Value::Array(elements) => {
            let Some(schema) = schema.get("items") else { return };
            for (index, element) in elements.iter().enumerate() {
                walk(element, schema, &format!("{path}[{index}]"), found);
            }
        }
        _ => {}
    }
}
