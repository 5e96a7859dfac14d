//! A page for each kind: every field with its type, its bounds and its rules, as the CRD has them.

use std::fmt::Write as _;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::Value;

use super::cell;
use crate::api::crds;

/// Name and text of the page of each kind.
pub fn pages() -> Vec<(String, String)> {
    crds::all().iter().map(page).collect()
}

fn page(crd: &CustomResourceDefinition) -> (String, String) {
    let names = &crd.spec.names;
    let schema = crd.spec.versions.first().and_then(|version| serde_json::to_value(&version.schema).ok());
    let root = schema.and_then(|schema| schema.get("openAPIV3Schema").cloned()).unwrap_or_default();
    let namespaced = if crd.spec.scope == "Namespaced" { "namespaced" } else { "of the whole cluster" };
    let mut text = format!(
        "# {kind}\n\n{about}\n\n`{api}`, {namespaced}; short name `{short}`. Made from the code by `make generate`; the same \
         words as `kubectl explain {singular}`.\n",
        kind = names.kind,
        about = words(&root),
        api = crate::api::API_VERSION,
        short = names.short_names.iter().flatten().cloned().collect::<Vec<_>>().join("`, `"),
        singular = names.singular.as_deref().unwrap_or(&names.plural),
    );
    for part in ["spec", "status"] {
        let schema = root.pointer(&format!("/properties/{part}")).unwrap_or(&Value::Null);
        let _ = write!(text, "\n## {part}\n\n{}\n\n{}", words(schema), rules_of(part, schema));
        text.push_str("| field | type | bounds | meaning |\n|---|---|---|---|\n");
        members(part, schema, &mut text);
    }
    (format!("{}.md", names.kind.to_lowercase()), text)
}

/// A row for each field below this schema, parents before children.
fn members(path: &str, schema: &Value, text: &mut String) {
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        row(&format!("{path}.{name}"), field, required(schema, name), text);
    }
}

fn row(path: &str, field: &Value, required: bool, text: &mut String) {
    let mut bounds = bounds(field);
    if required {
        bounds.insert(0, "required".to_owned());
    }
    let meaning = [words(field), rules_of(path, field)].concat();
    let _ = writeln!(
        text,
        "| `{path}` | {} | {} | {} |",
        type_of(field),
        cell(&bounds.join("; ")),
        cell(meaning.trim_end()),
    );
    let (inner, path) = within(path, field);
    members(&path, inner, text);
}

/// What the fields of a list or a map are the fields of, and how their path begins.
fn within<'a>(path: &str, field: &'a Value) -> (&'a Value, String) {
    for (key, sign) in [("items", "[]"), ("additionalProperties", ".*")] {
        if field[key].is_object() {
            return (&field[key], format!("{path}{sign}"));
        }
    }
    (field, path.to_owned())
}

fn required(schema: &Value, name: &str) -> bool {
    schema["required"].as_array().into_iter().flatten().any(|required| required == name)
}

fn words(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().to_owned()
}

fn type_of(field: &Value) -> String {
    let free = |schema: &Value| schema["x-kubernetes-preserve-unknown-fields"] == true;
    let (kind, items) = (field["type"].as_str().unwrap_or_default(), &field["items"]);
    match kind {
        "array" => format!("list of {}", type_of(items)),
        "object" if field["additionalProperties"].is_object() => {
            format!("map of {}", type_of(&field["additionalProperties"]))
        }
        _ if free(field) => "as the system has it".to_owned(),
        "" if field["x-kubernetes-int-or-string"] == true => "string or integer".to_owned(),
        "string" if field["format"] == "date-time" => "time".to_owned(),
        other => other.to_owned(),
    }
}

/// What a value of the field must be, in words.
fn bounds(field: &Value) -> Vec<String> {
    let item = &field["items"];
    let mut found = Vec::new();
    for schema in [field, item] {
        found.extend(listed(&schema["enum"]).map(|words| format!("one of {words}")));
        found.extend(range(&schema["minimum"], &schema["maximum"]));
        found.extend(
            range(&schema["minLength"], &schema["maxLength"]).map(|range| format!("{range} characters")),
        );
        found.extend(schema["pattern"].as_str().map(|pattern| format!("`{pattern}`")));
        found.extend(exactly_one(schema));
    }
    found.extend(range(&field["minItems"], &field["maxItems"]).map(|range| format!("{range} items")));
    found.extend(range(&Value::Null, &field["maxProperties"]).map(|range| format!("{range} entries")));
    found.extend(listed(&field["x-kubernetes-list-map-keys"]).map(|keys| format!("one for each {keys}")));
    if field["x-kubernetes-list-type"] == "set" {
        found.push("none twice".to_owned());
    }
    if let Some(default) = field.get("default") {
        found.push(format!("default `{default}`"));
    }
    found
}

/// `a`, `b`.
fn listed(words: &Value) -> Option<String> {
    let words: Vec<_> = words.as_array()?.iter().filter_map(Value::as_str).collect();
    Some(format!("`{}`", words.join("`, `")))
}

fn range(least: &Value, most: &Value) -> Option<String> {
    match (least.as_f64(), most.as_f64()) {
        (Some(least), Some(most)) => Some(format!("{least} to {most}")),
        (Some(least), None) => Some(format!("at least {least}")),
        (None, Some(most)) => Some(format!("at most {most}")),
        (None, None) => None,
    }
}

fn exactly_one(schema: &Value) -> Option<String> {
    let alternatives = schema["oneOf"].as_array()?.iter();
    let names: Vec<_> = alternatives.filter_map(|one| one.pointer("/required/0")?.as_str()).collect();
    (names.len() > 1).then(|| format!("exactly one of `{}`", names.join("`, `")))
}

/// The CEL rules of a schema and of the items in it, by what the API server says where they are broken.
fn rules_of(path: &str, field: &Value) -> String {
    let rules = [field, &field["items"]].map(|schema| schema["x-kubernetes-validations"].as_array());
    let mut text = String::new();
    for rule in rules.into_iter().flatten().flatten() {
        let told = rule["message"].as_str().or(rule["rule"].as_str()).unwrap_or_default();
        let _ = match path {
            "spec" | "status" => writeln!(text, "- Refused otherwise: {told}"),
            _ => write!(text, " Refused otherwise: *{told}*."),
        };
    }
    if matches!(path, "spec" | "status") && !text.is_empty() {
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn bounds_are_told_in_words() {
        let cases = [
            ("words", json!({"enum": ["A", "B"]}), "one of `A`, `B`"),
            ("both ends", json!({"minimum": 0.0, "maximum": 1000.0}), "0 to 1000"),
            ("one end", json!({"maxLength": 9}), "at most 9 characters"),
            (
                "what an item is",
                json!({"items": {"minLength": 1, "maxLength": 9}, "maxItems": 3}),
                "1 to 9 characters; at most 3 items",
            ),
            (
                "a union",
                json!({"oneOf": [{"required": ["id"]}, {"required": ["name"]}]}),
                "exactly one of `id`, `name`",
            ),
            ("keys", json!({"x-kubernetes-list-map-keys": ["os"]}), "one for each `os`"),
            ("nothing to say", json!({"type": "string"}), ""),
        ];
        for (why, schema, expected) in cases {
            assert_eq!(bounds(&schema).join("; "), expected, "{why}");
        }
    }

    #[test]
    fn every_field_of_every_kind_has_a_row_with_a_meaning() {
        let pages = pages();
        assert_eq!(pages.len(), crds::all().len());
        for (name, text) in pages {
            let rows: Vec<_> = text.lines().filter(|line| line.starts_with("| `")).collect();
            assert!(rows.len() > 5, "{name} has {} fields", rows.len());
            let silent: Vec<_> = rows.iter().filter(|row| row.ends_with("|  |")).collect();
            assert!(silent.is_empty(), "{name}: {silent:?}");
        }
    }
}
