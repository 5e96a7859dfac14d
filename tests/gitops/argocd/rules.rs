//! The rules offline, by Argo CD's own command line: what it makes of every status the operator writes, which actions it
//! offers, and what each makes of an object. The cases stand beside the rules, in the form of Argo CD's own repository.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value, json};

use crate::cluster::root;

/// Prints the second of two files.
const SECOND: &str = "diff --old-line-format= --new-line-format=%L --unchanged-line-format=%L";

fn kinds() -> Vec<PathBuf> {
    let rules = root().join("integrations/argocd/resource_customizations/ordain.dev");
    let mut kinds: Vec<_> = fs::read_dir(rules).unwrap().flatten().map(|entry| entry.path()).collect();
    kinds.sort();
    kinds
}

fn yaml(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn list<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value[member].as_array().map_or(&[], Vec::as_slice)
}

/// `argocd admin settings resource-overrides VERB FILE …` with the ConfigMap that users merge.
pub fn override_of(verb: &str, file: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("argocd");
    command.args(["admin", "settings", "resource-overrides", verb]).arg(file).args(arguments);
    command.arg("--argocd-cm-path").arg(root().join("integrations/argocd/argocd-cm.yaml"));
    command.env("KUBECTL_EXTERNAL_DIFF", SECOND).env_remove("KUBECONFIG");
    command.output().expect("no argocd: run make test-gitops")
}

fn said(out: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&out.stdout), text(&out.stderr))
}

/// Status and message.
pub fn health_of(file: &Path) -> (String, String) {
    let (out, error) = said(&override_of("health", file, &[]));
    let rest = out.strip_prefix("STATUS: ").unwrap_or_else(|| panic!("{}: {out}{error}", file.display()));
    let (status, message) = rest.split_once("\nMESSAGE: ").unwrap();
    (status.to_owned(), message.trim_end().to_owned())
}

/// The object that an action makes of the one in the file, or why it refuses.
pub fn acted(file: &Path, action: &str, parameters: &[(String, String)]) -> Result<Value, String> {
    let parameters: Vec<_> = parameters
        .iter()
        .flat_map(|(name, value)| ["--param".to_owned(), format!("{name}={value}")])
        .collect();
    let arguments: Vec<_> = std::iter::once(action).chain(parameters.iter().map(String::as_str)).collect();
    let out = override_of("run-action", file, &arguments);
    let (text, error) = said(&out);
    if !out.status.success() {
        let lines = error.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let fatal = lines
            .filter(|line| line["level"] == "fatal")
            .find_map(|line| line["msg"].as_str().map(str::to_owned));
        return Err(fatal.unwrap_or(error));
    }
    let (_, object) = text.split_once("\n\n").unwrap_or_else(|| panic!("{action}: {text}{error}"));
    Ok(serde_saphyr::from_str(object).unwrap())
}

#[test]
fn health_says_what_each_status_means() {
    let mut cases = 0;
    for kind in kinds() {
        let tests = yaml(&kind.join("health_test.yaml"));
        let mut tried = BTreeSet::new();
        for test in list(&tests, "tests") {
            let file = kind.join(test["inputPath"].as_str().unwrap());
            let expected = &test["healthStatus"];
            let (status, message) = health_of(&file);
            assert_eq!(status, expected["status"].as_str().unwrap(), "{}: {message}", file.display());
            assert_eq!(message, shown(expected, &file), "{}", file.display());
            never_healthy_without_proof(&file, &status);
            tried.insert(file);
            cases += 1;
        }
        let all: BTreeSet<_> =
            fs::read_dir(kind.join("testdata")).unwrap().flatten().map(|e| e.path()).collect();
        assert_eq!(tried, all, "every status is tried");
    }
    println!("health: {cases} cases");
}

/// What Argo CD shows of an expected health: of an object that is being deleted, the rule's word on that, or its own.
fn shown(expected: &Value, file: &Path) -> String {
    let own = || {
        let object = yaml(file);
        let finalizers = list(&object["metadata"], "finalizers").iter().filter_map(Value::as_str);
        format!("Pending deletion; blocked by finalizers: {}", finalizers.collect::<Vec<_>>().join(", "))
    };
    let said = expected["deletionMessage"].as_str().or_else(|| expected["message"].as_str());
    said.map_or_else(own, str::to_owned)
}

/// Healthy is Ready at this generation, whatever a case expects.
fn never_healthy_without_proof(file: &Path, status: &str) {
    let object = yaml(file);
    let is_ready = |condition: &Value| condition["type"] == "Ready" && condition["status"] == "True";
    let proven = list(&object["status"], "conditions").iter().any(is_ready)
        && object["status"]["observedGeneration"] == object["metadata"]["generation"];
    assert!(status != "Healthy" || proven, "{}", file.display());
}

#[test]
fn actions_are_offered_where_they_apply() {
    for kind in kinds().into_iter().filter(|kind| kind.join("actions").exists()) {
        let tests = yaml(&kind.join("actions/action_test.yaml"));
        for test in list(&tests, "discoveryTests") {
            let file = kind.join("actions").join(test["inputPath"].as_str().unwrap());
            let (out, error) = said(&override_of("list-actions", &file, &[]));
            let rows = out.lines().skip(1).filter_map(|line| line.split_once(' '));
            let offered: BTreeMap<_, _> =
                rows.map(|(name, disabled)| (name, disabled.trim() == "true")).collect();
            let expected = list(test, "result").iter();
            let expected: BTreeMap<_, _> =
                expected.map(|one| (one["name"].as_str().unwrap(), one["disabled"] == true)).collect();
            assert_eq!(offered, expected, "{}: {error}", file.display());
        }
    }
}

#[test]
fn actions_do_what_they_say_and_no_more() {
    let mut cases = 0;
    for kind in kinds().into_iter().filter(|kind| kind.join("actions").exists()) {
        let folder = kind.join("actions");
        for test in list(&yaml(&folder.join("action_test.yaml")), "actionTests") {
            let action = test["action"].as_str().unwrap();
            let parameters = test["parameters"].as_object().into_iter().flatten();
            let parameters: Vec<_> =
                parameters.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
            let made = acted(&folder.join(test["inputPath"].as_str().unwrap()), action, &parameters);
            match (test["expectedErrorMessage"].as_str(), made) {
                (Some(expected), Err(error)) => assert_eq!(error, expected, "{action}"),
                (None, Ok(object)) => {
                    let expected = yaml(&folder.join(test["expectedOutputPath"].as_str().unwrap()));
                    assert_eq!(object, expected, "{action}");
                }
                (expected, made) => panic!("{}: {action}: {expected:?}, {made:?}", kind.display()),
            }
            cases += 1;
        }
    }
    println!("actions: {cases} cases");
}

/// The line that users are given lets its role approve, and nothing besides.
#[test]
fn who_may_approve_is_a_line() {
    let recipe = include_str!("../../../docs/argo-cd.md");
    let line =
        recipe.split('`').find(|text| text.starts_with("p, role:security")).expect("the line is there");
    let folder = tempfile::tempdir().unwrap();
    let (policy, nowhere) = (folder.path().join("policy.csv"), folder.path().join("kubeconfig"));
    fs::write(&policy, line).unwrap();
    // It wants a cluster to be named, and asks none.
    let cluster = json!({"apiVersion": "v1", "kind": "Config", "current-context": "none",
        "clusters": [{"name": "none", "cluster": {"server": "http://127.0.0.1:1"}}],
        "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
        "users": [{"name": "none", "user": {}}]});
    fs::write(&nowhere, cluster.to_string()).unwrap();
    let may = |role: &str, action: &str| {
        let mut command = Command::new("argocd");
        command.args(["admin", "settings", "rbac", "can", role, action, "applications", "default/policies"]);
        let out = command.arg("--policy-file").arg(&policy).env("KUBECONFIG", &nowhere).output().unwrap();
        let (answer, error) = said(&out);
        match answer.trim() {
            "Yes" => true,
            "No" => false,
            _ => panic!("{answer}{error}"),
        }
    };
    for (role, action, expected) in [
        ("role:security", "action/ordain.dev/Backend/approve-removals", true),
        ("role:security", "action/ordain.dev/Backend/suspend", false),
        ("role:security", "sync", false),
        ("role:team", "action/ordain.dev/Backend/approve-removals", false),
    ] {
        assert_eq!(may(role, action), expected, "{role} {action}");
    }
}
