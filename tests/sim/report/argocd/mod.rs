//! What Argo CD's rules are tried on (`integrations/argocd`): objects with statuses as the operator writes them.
//!
//! Each status is made here from facts by the function that the writer uses, so that a rule is never tried on words that
//! no operator says. `tests/gitops/argocd` runs the rules on these files with the real Argo CD.

mod assignments;
mod backends;
mod policies;

use std::{collections::BTreeSet, fs, path::PathBuf};

use jiff::Timestamp;
use ordain::{
    api::{Backend, ClusterBackend, Policy, PolicyAssignment, TargetGroup, crds},
    model::{ObjectName, Uid},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::support::status_lint::lint;

/// Where the files are, by kind.
const FOLDER: &str = "integrations/argocd/resource_customizations/ordain.dev";
const NAMESPACE: &str = "ordain-demo";
const UID: &str = "3b6f0e0e-8d3c-4c53-9d3b-0d4b5f0c7a51";

/// An object, and the file it stands in: `Kind/testdata/name.yaml` or `Kind/actions/testdata/name.yaml`.
type Case = (String, Value);

fn now() -> Timestamp {
    "2026-03-03T09:15:00Z".parse().unwrap()
}

fn name(name: &str) -> ObjectName {
    ObjectName::new(NAMESPACE, name)
}

fn uid() -> Uid {
    Uid(UID.into())
}

/// An object as `kubectl get -o yaml` shows it.
fn object(kind: &str, name: &str, generation: i64, spec: &Value, status: &impl Serialize) -> Value {
    let mut object = json!({
        "apiVersion": "ordain.dev/v1alpha1",
        "kind": kind,
        "metadata": {
            "creationTimestamp": "2026-03-03T09:14:00Z",
            "generation": generation,
            "name": name,
            "namespace": NAMESPACE,
            "resourceVersion": "4711",
            "uid": UID,
        },
        "spec": spec,
        "status": status,
    });
    if kind == "ClusterBackend" {
        object["metadata"].as_object_mut().unwrap().remove("namespace");
    }
    object
}

/// The same, with what deleting does to it: the API server moves the generation on.
fn deleted(mut object: Value, finalizer: &str) -> Value {
    object["metadata"]["deletionTimestamp"] = "2026-03-03T09:20:00Z".into();
    object["metadata"]["deletionGracePeriodSeconds"] = 0.into();
    object["metadata"]["finalizers"] = json!([finalizer]);
    object
}

/// What the CRD gives to an object nobody has looked at.
fn unseen(kind: &str) -> Value {
    let crd = crds::all().into_iter().find(|crd| crd.spec.names.kind == kind).unwrap();
    let crd = serde_json::to_value(crd).unwrap();
    crd.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/status/default").unwrap().clone()
}

/// These objects, each in the file of its name below the kind's `folder`.
fn files(kind: &str, folder: &str, cases: impl IntoIterator<Item = (&'static str, Value)>) -> Vec<Case> {
    let path = |name: &str| format!("{kind}/{folder}/{name}.yaml");
    cases.into_iter().map(|(name, object)| (path(name), object)).collect()
}

fn all() -> Vec<Case> {
    let backends = ["Backend", "ClusterBackend"].into_iter().flat_map(backends::all);
    [assignments::all(), policies::all()].into_iter().flatten().chain(backends).collect()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(FOLDER)
}

fn decodes<K: DeserializeOwned>(object: &Value) -> bool {
    serde_json::from_value::<K>(object.clone()).is_ok()
}

/// As CRDs describe them, and with a status that breaks no rule.
fn stands(object: &Value) -> bool {
    let kind = object["kind"].as_str().unwrap();
    let decodes = match kind {
        "Backend" => decodes::<Backend>(object),
        "ClusterBackend" => decodes::<ClusterBackend>(object),
        "Policy" => decodes::<Policy>(object),
        "TargetGroup" => decodes::<TargetGroup>(object),
        _ => decodes::<PolicyAssignment>(object),
    };
    let status = &object["status"];
    decodes
        && (status.is_null()
            || lint(kind, status, object["metadata"]["generation"].as_i64().unwrap()).is_empty())
}

/// Files of `testdata` folders, relative to the folder of all kinds.
fn committed() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.parent().unwrap().ends_with("testdata") {
                found.insert(path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found
}

#[test]
fn the_rules_are_tried_on_what_the_operator_writes() {
    let cases = all();
    let write = std::env::var_os("ORDAIN_WRITE_TESTDATA").is_some();
    let mut wrong = vec![];
    for (path, object) in &cases {
        assert!(stands(object), "{path}: {object:#}");
        let file = root().join(path);
        if write {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, serde_saphyr::to_string(object).unwrap()).unwrap();
        }
        let found =
            fs::read_to_string(&file).ok().and_then(|text| serde_saphyr::from_str::<Value>(&text).ok());
        if found.as_ref() != Some(object) {
            wrong.push(path.as_str());
        }
    }
    let known: BTreeSet<_> = cases.iter().map(|(path, _)| path.clone()).collect();
    let unknown: Vec<_> = committed().difference(&known).cloned().collect();
    assert!(
        wrong.is_empty() && unknown.is_empty(),
        "not what the operator writes: {wrong:?}; made by nobody: {unknown:?}. Write them anew with \
         ORDAIN_WRITE_TESTDATA=1 cargo test --test sim the_rules_are_tried, and read the difference"
    );
}
