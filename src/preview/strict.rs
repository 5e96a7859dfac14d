//! Fields that the schema of a kind does not know: the API server drops them without a word, or refuses them, depending
//! on who sends them. Here they are errors.

use serde_json::Value;

use crate::api::crds;

/// Paths below `spec` that the kind does not have, such as `spec.targets.includes`.
pub(super) fn unknown_fields(kind: &str, spec: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let crd = crds::all().into_iter().find(|crd| crd.spec.names.kind == kind);
    let schema = crd.and_then(|crd| serde_json::to_value(crd).ok());
    let spec_schema = schema
        .as_ref()
        .and_then(|crd| crd.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec"));
    if let Some(schema) = spec_schema {
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
