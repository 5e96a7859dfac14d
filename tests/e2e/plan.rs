//! `ordain plan` as a pipeline runs it: the built binary, a user who may only read, exit statuses, the audit log.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    process::{Command, Output},
};

use serde_json::Value;

use crate::support::{Installation, apply_text, audit, kubectl, programs::path_of};

const WSO2: &str = include_str!("../../examples/wso2-baseline.yaml");
const WFBSS: &str = include_str!("../../examples/wfbss-behavior.yaml");

/// A user who may look at everything a plan needs, and change nothing.
fn reader(team: &str) -> String {
    format!(
        r#"
apiVersion: v1
kind: ServiceAccount
metadata: {{name: planner, namespace: {team}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: {team}-planner}}
rules:
- {{apiGroups: [ordain.dev], resources: [policies, policyassignments, targetgroups, backends, clusterbackends], verbs: [list]}}
- {{apiGroups: [""], resources: [namespaces], verbs: [get, list]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: {team}-planner}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {team}-planner}}
subjects: [{{kind: ServiceAccount, name: planner, namespace: {team}}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: planner, namespace: {team}}}
rules: [{{apiGroups: [""], resources: [secrets], verbs: [get]}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: planner, namespace: {team}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: planner}}
subjects: [{{kind: ServiceAccount, name: planner, namespace: {team}}}]
"#
    )
}

/// A pipeline: its kubeconfig and its checkout.
struct Pipeline {
    folder: tempfile::TempDir,
    kubeconfig: PathBuf,
}

impl Pipeline {
    fn new(team: &str) -> Self {
        apply_text(&reader(team));
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        let token = kubectl(&["create", "token", "planner", "-n", team]);
        let admin = std::fs::read_to_string(std::env::var("KUBECONFIG").unwrap()).unwrap();
        let mut config: Value = serde_saphyr::from_str(&admin).unwrap();
        for user in config["users"].as_array_mut().unwrap() {
            user["user"] = serde_json::json!({ "token": token.trim() });
        }
        std::fs::write(&kubeconfig, config.to_string()).unwrap();
        Self { folder, kubeconfig }
    }

    /// Runs a plan over these manifests, as a folder of files.
    fn plan(&self, manifests: &[&str], flags: &[&str]) -> Output {
        let checkout = self.folder.path().join("manifests");
        let _ = std::fs::remove_dir_all(&checkout);
        std::fs::create_dir(&checkout).unwrap();
        for (number, manifest) in manifests.iter().enumerate() {
            std::fs::write(checkout.join(format!("{number}.yaml")), manifest).unwrap();
        }
        Command::new(path_of("ORDAIN_BIN"))
            .args(["plan", "--allow-loopback", "-f", checkout.to_str().unwrap()])
            .args(flags)
            .env("KUBECONFIG", &self.kubeconfig)
            .output()
            .unwrap()
    }
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

/// Verbs and resources the user asked for.
fn asked(user: &str) -> BTreeSet<(String, String)> {
    audit::asked(user).into_iter().map(|asked| (asked.verb, asked.resource)).collect()
}

#[test]
fn a_pipeline_is_told_what_would_change_and_changes_nothing() {
    let installation = Installation::new("plan");
    let team = installation.team.clone();
    let (wso2, wfbss) = (WSO2.replace("ordain-demo", &team), WFBSS.replace("ordain-demo", &team));
    installation.apply(&wso2);
    installation.apply(&wfbss);
    installation.wait_ready("policyassignment", "phone-baseline-engineers");
    installation.wait_ready("policyassignment", "behavior-monitoring-servers");
    let pipeline = Pipeline::new(&team);
    let marks = ["wso2", "wfbss"].map(|system| installation.sandbox.mark(system));
    // The operator's own reads for drift must not be taken for the pipeline's, nor its writes.
    let mut installation = installation;
    installation.stop();

    let nothing = pipeline.plan(&[&wso2, &wfbss], &[]);
    assert_eq!(nothing.status.code(), Some(0), "{}", said(&nothing));
    assert!(said(&nothing).starts_with("## Ordain plan: nothing would change"), "{}", said(&nothing));

    let edited = wso2.replace("minLength: 6", "minLength: 8");
    assert_ne!(edited, wso2, "the example holds what is edited");
    let changes = pipeline.plan(&[&edited, &wfbss], &["--output", "json"]);
    assert_eq!(changes.status.code(), Some(2), "{}", said(&changes));
    let report: Value = serde_json::from_slice(&changes.stdout).unwrap();
    assert_eq!(report["summary"]["changes"], 1, "{report:#}");
    let change = report["backends"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|backend| backend["changes"].as_array().unwrap())
        .next()
        .unwrap();
    assert_eq!((&change["effect"], &change["cause"]), (&"Update".into(), &"Edit".into()), "{report:#}");
    assert_eq!(change["details"][0]["path"], "features/PASSCODE_POLICY", "{report:#}");

    let usage = pipeline.plan(&[&wso2], &["--no-such-flag"]);
    assert_eq!(usage.status.code(), Some(1), "a slip in the pipeline is no change: {}", said(&usage));
    let slip = pipeline.plan(&[&wso2.replace("platform: android", "plattform: android")], &[]);
    assert_eq!(slip.status.code(), Some(1), "{}", said(&slip));
    assert!(said(&slip).contains("spec.content.wso2.profiles[0].plattform"), "{}", said(&slip));
    kubectl(&["delete", "secret", "wso2", "-n", &team]);
    let secretless = pipeline.plan(&[&edited, &wfbss], &[]);
    assert_eq!(secretless.status.code(), Some(1), "{}", said(&secretless));
    assert!(said(&secretless).contains("Could not be asked: CredentialsMissing"), "{}", said(&secretless));

    let verbs = asked(&format!("system:serviceaccount:{team}:planner"));
    let verbs: BTreeSet<&str> = verbs.iter().map(|(verb, _)| verb.as_str()).collect();
    assert_eq!(verbs, BTreeSet::from(["get", "list"]), "the API server saw reads only");
    for (system, mark) in ["wso2", "wfbss"].iter().zip(marks) {
        for request in installation.sandbox.requests(system, mark) {
            let path = request["path"].as_str().unwrap();
            let login = path.contains("token") || path.contains("register") || path.contains("revoke");
            assert!(request["method"] == "GET" || login, "{system}: {request}");
        }
    }
}
