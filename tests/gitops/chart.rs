//! The chart, by the linters its users would run: what they find is mended, or stands here with its reason.

use std::{fs, path::PathBuf, process::Command};

use serde_json::{Value, json};

use crate::{
    cluster::{Cluster, root},
    eventually,
    programs::output,
};

/// What kube-score is told to leave out, and why.
const EXCEPTIONS: [(&str, &str); 3] = [
    (
        "container-image-pull-policy",
        "versions are never moved, and image.digest pins them: asking the registry each time only adds an outage",
    ),
    (
        "container-resources",
        "no limit of processor time: throttled, it would lose its lease; memory and storage are limited",
    ),
    ("pod-networkpolicy", "helm test's pod calls one page of the operator, and is gone"),
];

fn chart() -> PathBuf {
    root().join("charts/ordain")
}

/// Everything on that can be on.
fn rendered() -> String {
    let all = "networkPolicy.enabled=true,podDisruptionBudget.enabled=true,caBundle.configMap=corporate,\
               watchNamespaces={mobile,servers},ownerId=old,imagePullSecrets[0].name=registry,\
               proxy.url=http://proxy.example.com:3128,dashboard.enabled=true,allowedHosts={a.example.com},priorityClassName=high";
    output(
        Command::new("helm").args(["template", "ordain", "-n", "ordain-system", "--set", all]).arg(chart()),
    )
}

#[test]
fn helm_lint_is_strict_and_finds_nothing() {
    output(Command::new("helm").args(["lint", "--strict"]).arg(chart()));
}

#[test]
fn the_suites_of_helm_unittest_pass() {
    output(Command::new("helm-unittest").args(["--strict"]).arg(chart()));
}

#[test]
fn its_readme_is_made_from_its_values() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("ordain");
    output(Command::new("cp").arg("-R").arg(chart()).arg(&copy));
    fs::write(copy.join("README.md"), "").unwrap();
    output(Command::new("helm-docs").args(["--sort-values-order", "file", "--chart-search-root"]).arg(&copy));
    let (made, committed) = (
        fs::read_to_string(copy.join("README.md")).unwrap(),
        fs::read_to_string(chart().join("README.md")).unwrap(),
    );
    assert_eq!(made, committed, "helm-docs --sort-values-order file, in charts/ordain");
    let undescribed: Vec<_> =
        made.lines().filter(|line| line.starts_with("| ") && line.ends_with("|  |")).collect();
    assert!(undescribed.is_empty(), "values without a word: {undescribed:?}");
}

#[test]
fn every_value_is_in_the_schema_and_described_there() {
    let values: Value =
        serde_saphyr::from_str(&fs::read_to_string(chart().join("values.yaml")).unwrap()).unwrap();
    let schema: Value =
        serde_json::from_str(&fs::read_to_string(chart().join("values.schema.json")).unwrap()).unwrap();
    let mut wrong = Vec::new();
    compare("", &values, &schema, &mut wrong);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Values and schema have the same keys; what has no keys of its own in the schema is described.
fn compare(path: &str, values: &Value, schema: &Value, wrong: &mut Vec<String>) {
    let Some(properties) = schema["properties"].as_object().filter(|_| schema["description"].is_null())
    else {
        if schema["description"].as_str().is_none_or(str::is_empty) {
            wrong.push(format!("{path} has no description"));
        }
        return;
    };
    if schema["additionalProperties"] != false {
        wrong.push(format!("{path} takes unknown values"));
    }
    let values = values.as_object().unwrap_or_else(|| panic!("{path} is no object in values.yaml"));
    wrong.extend(
        properties
            .keys()
            .filter(|key| !values.contains_key(*key))
            .map(|key| format!("{path}.{key} is not in values.yaml")),
    );
    for (key, value) in values {
        match properties.get(key) {
            Some(below) => compare(&format!("{path}.{key}"), value, below, wrong),
            None => wrong.push(format!("{path}.{key} is not in the schema")),
        }
    }
}

#[test]
fn kube_score_finds_nothing_without_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("all.yaml");
    fs::write(&file, rendered()).unwrap();
    let mut command = Command::new("kube-score");
    command.args(["score", "-o", "ci"]).arg(&file);
    for (test, _) in EXCEPTIONS {
        command.args(["--ignore-test", test]);
    }
    let found = output(&mut command);
    let findings: Vec<_> = found
        .lines()
        .filter(|line| line.starts_with("[CRITICAL]") || line.starts_with("[WARNING]"))
        .collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
    for (test, reason) in EXCEPTIONS {
        let mut command = Command::new("kube-score");
        command.args(["score", "-o", "ci"]).arg(&file);
        let others = EXCEPTIONS.iter().filter(|(other, _)| *other != test);
        others.for_each(|(other, _)| {
            command.args(["--ignore-test", other]);
        });
        let out = command.output().unwrap();
        assert!(!out.status.success(), "{test} is no exception any more: {reason}");
    }
}

#[test]
fn what_it_renders_is_what_the_api_server_knows() {
    let cluster = Cluster::start();
    let crds = root().join("crds");
    cluster.kubectl(&["apply", "--server-side", "-f", crds.to_str().unwrap()]);
    cluster.wait_for_crds();
    let schemas = cluster.folder().join("schemas");
    assert!(eventually(|| dump_all(&cluster, &schemas)), "the API server never published all kinds");
    let file = cluster.folder().join("all.yaml");
    let examples = fs::read_dir(root().join("examples"))
        .unwrap()
        .flatten()
        .map(|entry| fs::read_to_string(entry.path()).unwrap());
    let all = examples.fold(rendered(), |all, example| all + "\n---\n" + &example);
    fs::write(&file, all).unwrap();
    let location = format!("{}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json", schemas.display());
    let mut command = cluster.command("kubeconform");
    output(command.args(["-strict", "-summary", "-schema-location", &location]).arg(&file));
    fs::write(
        &file,
        "apiVersion: ordain.dev/v1alpha1\nkind: Policy\nmetadata: {name: a}\nspec: {displayNaem: x}\n",
    )
    .unwrap();
    let mut command = cluster.command("kubeconform");
    let out = command.args(["-strict", "-schema-location", &location]).arg(&file).output().unwrap();
    assert!(!out.status.success(), "a field that does not exist is found: the schemas are whole");
}

/// Writes what the API server publishes; whether all of Ordain's kinds were there. It publishes some time after it serves.
fn dump_all(cluster: &Cluster, schemas: &std::path::Path) -> bool {
    fs::create_dir_all(schemas).unwrap();
    let groups: Value = serde_json::from_str(&cluster.kubectl(&["get", "--raw", "/openapi/v3"])).unwrap();
    let paths = groups["paths"].as_object().unwrap().values();
    for path in paths.filter_map(|group| group["serverRelativeURL"].as_str()) {
        let group: Value = serde_json::from_str(&cluster.kubectl(&["get", "--raw", path])).unwrap();
        dump(&group, schemas);
    }
    let kinds = ["policy", "policyassignment", "targetgroup", "backend", "clusterbackend"];
    kinds.iter().all(|kind| schemas.join(format!("{kind}-ordain-v1alpha1.json")).exists())
}

/// Writes the schema of every kind of a group, whole, as kubeconform names files: KIND-GROUP-VERSION.json.
fn dump(group: &Value, folder: &std::path::Path) {
    let all = &group["components"]["schemas"];
    for schema in all.as_object().into_iter().flat_map(|all| all.values()) {
        for kind in schema["x-kubernetes-group-version-kind"].as_array().into_iter().flatten() {
            let word = |key: &str| kind[key].as_str().unwrap_or_default().to_lowercase();
            let first = word("group").split('.').next().unwrap_or_default().to_owned();
            let middle = if first.is_empty() { String::new() } else { format!("{first}-") };
            let name = format!("{}-{middle}{}.json", word("kind"), word("version"));
            fs::write(folder.join(name), whole(schema, all, &mut Vec::new()).to_string()).unwrap();
        }
    }
}

/// References replaced by what they name, unknown fields refused. What names itself (a schema of schemas) is open there.
fn whole(schema: &Value, all: &Value, within: &mut Vec<String>) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap().to_owned();
        if within.contains(&name) {
            return json!({});
        }
        within.push(name.clone());
        let found = whole(&all[&name], all, within);
        within.pop();
        return found;
    }
    match schema {
        Value::Object(fields) => {
            let mut out: serde_json::Map<_, _> =
                fields.iter().map(|(key, value)| (key.clone(), whole(value, all, within))).collect();
            let open = ["additionalProperties", "x-kubernetes-preserve-unknown-fields"];
            if out.get("properties").is_some_and(Value::is_object)
                && !open.iter().any(|key| out.contains_key(*key))
            {
                out.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            Value::Object(out)
        }
        Value::Array(items) => items.iter().map(|item| whole(item, all, within)).collect(),
        other => other.clone(),
    }
}

#[test]
fn the_plugin_has_a_manifest_that_krew_takes() {
    let folder = tempfile::tempdir().unwrap();
    for platform in ["linux-amd64", "linux-arm64", "darwin-arm64"] {
        fs::write(folder.path().join(format!("ordain-{platform}.tar.gz")), platform).unwrap();
    }
    let url = "https://example.com/ordain/releases/download/v1.2.3";
    let mut command = Command::new(root().join("scripts/release"));
    let manifest = output(command.args(["krew", "v1.2.3", url]).arg(folder.path()));
    assert_eq!(manifest.matches("  - uri: ").count(), 3);
    let path = folder.path().join("ordain.yaml");
    fs::write(&path, manifest).unwrap();
    output(Command::new("krew").arg("-manifest").arg(&path).arg("-skip-install"));
}

#[test]
fn a_release_says_one_version_everywhere() {
    let said = format!("v{}", env!("CARGO_PKG_VERSION"));
    let mut command = Command::new(root().join("scripts/release"));
    assert_eq!(output(command.args(["version", &said])).trim(), env!("CARGO_PKG_VERSION"));
    let mut command = Command::new(root().join("scripts/release"));
    assert!(!command.args(["version", "v9.9.9"]).output().unwrap().status.success());
}
