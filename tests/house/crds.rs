//! The CRDs in `crds/` are those that the types give.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::{collections::BTreeMap, fs, path::Path};

use ordain::{api, cli};
use serde_json::Value;

fn committed() -> BTreeMap<String, String> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
    fs::read_dir(&dir)
        .unwrap_or_else(|error| panic!("{}: {error}", dir.display()))
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect()
}

#[test]
fn committed_crds_are_those_of_the_types() {
    let rendered: BTreeMap<String, String> = cli::crds::files().unwrap().into_iter().collect();
    let committed = committed();
    assert_eq!(
        rendered.keys().collect::<Vec<_>>(),
        committed.keys().collect::<Vec<_>>(),
        "files of crds/: run `cargo run -- crds --dir crds`"
    );
    for (name, yaml) in &rendered {
        let first = yaml.lines().zip(committed[name].lines()).find(|(new, old)| new != old);
        assert!(
            yaml == &committed[name],
            "crds/{name} is out of date, first at {first:?}: run `cargo run -- crds --dir crds`"
        );
    }
}

#[test]
fn yaml_says_what_the_types_say() {
    for (crd, (name, yaml)) in api::crds::all().iter().zip(cli::crds::files().unwrap()) {
        let parsed: Value = serde_saphyr::from_str(&yaml).unwrap();
        let parsed: k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition =
            serde_json::from_value(parsed).unwrap();
        assert_eq!(&parsed, crd, "{name}: something is lost between the types and the YAML");
    }
}

/// Every schema of every CRD with its path.
fn schemas(value: &Value, path: &str, visit: &mut impl FnMut(&str, &Value)) {
    visit(path, value);
    for (name, property) in value["properties"].as_object().into_iter().flatten() {
        schemas(property, &format!("{path}.{name}"), visit);
    }
    for key in ["items", "additionalProperties"] {
        if value[key].is_object() {
            schemas(&value[key], &format!("{path}[]"), visit);
        }
    }
}

fn each_schema(mut visit: impl FnMut(&str, &Value)) {
    for crd in api::crds::all() {
        let root =
            serde_json::to_value(&crd.spec.versions[0].schema.as_ref().unwrap().open_api_v3_schema).unwrap();
        for part in ["spec", "status"] {
            let path = format!("{}.{part}", crd.spec.names.kind);
            schemas(&root["properties"][part], &path, &mut visit);
        }
    }
}

#[test]
fn every_string_list_and_map_is_bounded() {
    each_schema(|path, schema| match schema["type"].as_str() {
        Some("string") => {
            let bounded = ["maxLength", "enum"].iter().any(|key| !schema[key].is_null())
                || schema["format"] == "date-time";
            assert!(
                bounded,
                "{path}: a string without a bound makes rules on it too costly for the API server"
            );
        }
        Some("array") => assert!(schema["maxItems"].is_u64(), "{path}: a list without a bound"),
        Some("object") if schema["properties"].is_null() => {
            assert!(schema["maxProperties"].is_u64(), "{path}: a map without a bound");
        }
        _ => {}
    });
}

#[test]
fn every_list_says_how_it_merges() {
    each_schema(|path, schema| {
        if schema["type"] == "array" {
            let kind = schema["x-kubernetes-list-type"].as_str();
            assert!(kind.is_some(), "{path}: server-side apply must know how the list merges");
            let of_words = schema["items"]["type"] == "string";
            assert_eq!(kind == Some("set"), of_words, "{path}: lists of words are sets, others are not");
        }
    });
}

#[test]
fn every_field_is_described() {
    each_schema(|path, schema| {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let text = property["description"].as_str().unwrap_or_default();
            assert!(text.len() > 4, "{path}.{name}: kubectl explain has nothing to say");
            assert!(text.ends_with('.'), "{path}.{name}: {text:?} is not a sentence");
        }
    });
}

#[test]
fn optional_fields_of_specs_say_what_absence_means() {
    each_schema(|path, schema| {
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        // Members of a union are absent when another is there; their union says so.
        let union = schema["x-kubernetes-validations"][0]["message"]
            .as_str()
            .is_some_and(|m| m.contains("exactly one of"))
            || !schema["oneOf"].is_null();
        let in_spec = path.contains(".spec") && !union;
        for (name, property) in schema["properties"].as_object().into_iter().flatten().filter(|_| in_spec) {
            let text = property["description"].as_str().unwrap_or_default();
            let says = ["Absent", "empty list", "Instead of", "at most 16."]
                .iter()
                .any(|words| text.contains(words));
            assert!(
                required.contains(&name.as_str()) || says,
                "{path}.{name}: what does absence mean? {text:?}"
            );
        }
    });
}

#[test]
fn nothing_is_nullable_unsigned_or_defaulted_but_the_status() {
    each_schema(|path, schema| {
        assert!(schema["nullable"].is_null(), "{path}: an explicit null would be kept and never defaulted");
        let format = schema["format"].as_str().unwrap_or_default();
        assert!(!format.starts_with("uint"), "{path}: API servers warn about {format}");
        if path.ends_with(".status") && path.matches('.').count() == 1 {
            let condition = &schema["default"]["conditions"][0];
            let facts = (&schema["default"]["observedGeneration"], &condition["type"], &condition["status"]);
            assert_eq!(
                facts,
                (&(-1).into(), &"Ready".into(), &"Unknown".into()),
                "{path}: kstatus would call it ready"
            );
        } else {
            assert!(schema["default"].is_null(), "{path}: defaults live in code, absent means not mine");
        }
    });
}

#[test]
fn free_form_json_stands_in_three_places_only() {
    let mut places = Vec::new();
    each_schema(|path, schema| {
        if schema["x-kubernetes-preserve-unknown-fields"] == true {
            places.push(path.to_owned());
        }
    });
    let expected = [
        "Policy.spec.content.appShield.constraints[]",
        "Policy.spec.content.wfbss.documents[].settings",
        "Policy.spec.content.wso2.profiles[].features[].content",
    ];
    assert_eq!(places, expected);
}
