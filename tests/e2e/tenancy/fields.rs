//! Every field of the five kinds that names another object of Kubernetes, as the CRDs have it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::support::root;

/// Fields in whose place another object is named, e.g. `PolicyAssignment.spec.targets.include[].targetGroupRef`:
/// by their name, or since they have a `name` with the pattern of names of objects.
pub fn references() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    walk_all(&mut |path, schema| {
        let named = schema["properties"]["name"]["pattern"].as_str();
        if path.ends_with("Ref") || named == Some(object_name()) {
            found.insert(path.to_owned());
        }
    });
    found
}

/// Fields by which a namespace can be named; `access` is where they belong.
pub fn namespaces() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    walk_all(&mut |path, _| {
        let member = path.rsplit('.').next().unwrap_or_default().to_lowercase();
        if member.starts_with("namespace") {
            found.insert(path.to_owned());
        }
    });
    found
}

/// Kinds that have a CRD.
pub fn kinds() -> BTreeSet<String> {
    crds().iter().map(kind).collect()
}

fn kind(crd: &Value) -> String {
    crd["spec"]["names"]["kind"].as_str().unwrap().to_owned()
}

fn crds() -> Vec<Value> {
    let files = std::fs::read_dir(root().join("crds")).unwrap();
    let text = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    text.map(|text| serde_saphyr::from_str(&text).unwrap()).collect()
}

/// As `policyRef.name` has it.
fn object_name() -> &'static str {
    static PATTERN: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        let all = crds();
        let assignments = all.iter().find(|crd| kind(crd) == "PolicyAssignment").unwrap();
        let spec = &assignments["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
        spec["properties"]["policyRef"]["properties"]["name"]["pattern"].as_str().unwrap().to_owned()
    });
    &PATTERN
}

fn walk_all(visit: &mut dyn FnMut(&str, &Value)) {
    for crd in crds() {
        for version in crd["spec"]["versions"].as_array().unwrap() {
            let spec = &version["schema"]["openAPIV3Schema"]["properties"]["spec"];
            walk(&format!("{}.spec", kind(&crd)), spec, visit);
        }
    }
}

fn walk(path: &str, schema: &Value, visit: &mut dyn FnMut(&str, &Value)) {
    visit(path, schema);
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        walk(&format!("{path}.{name}"), member, visit);
    }
    for (suffix, inner) in [("[]", "items"), ("{}", "additionalProperties")] {
        if schema[inner].is_object() {
            walk(&format!("{path}{suffix}"), &schema[inner], visit);
        }
    }
}

/// Puts a value into an object at such a path; lists on the way have one element.
pub fn put(object: &mut Value, path: &str, value: Value) {
    let mut place = object;
    for segment in path.split('.').skip(1) {
        let (name, list) = segment.strip_suffix("[]").map_or((segment, false), |name| (name, true));
        place = place.as_object_mut().unwrap().entry(name).or_insert_with(|| match list {
            true => json!([]),
            false => Value::Object(Map::new()),
        });
        if list {
            let all = place.as_array_mut().unwrap();
            if all.is_empty() {
                all.push(json!({}));
            }
            place = &mut all[0];
        }
    }
    *place = value;
}
