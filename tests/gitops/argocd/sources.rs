//! What is made by helm or kustomize before it is applied: the operator's chart without helm's own cluster access, and a
//! team's overlay. Made twice it is the same, and nothing of it is ever out of sync.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{
    application::{PHONES, accounts, is_healthy},
    controllers::{ARGOCD, ArgoCd},
};
use crate::{
    cluster::root,
    eventually,
    site::{SYSTEM, Site, TEAM},
};

const OPERATOR: &str = "ordain";
const PHONE_POLICIES: &str = "phones";

const BASE: &str = "resources: [accounts.yaml, phones.yaml]\n";
const OVERLAY: &str = "resources: [base]
commonAnnotations: {team: phones}
patches:
- target: {kind: Policy, name: phone-baseline}
  patch: |
    - {op: replace, path: /spec/content/wso2/profiles/0/features/1/content/minLength, value: 8}
";

#[test]
fn a_chart_and_an_overlay_are_in_sync_and_stay_so() {
    let site = Site::new();
    let argo = ArgoCd::start(&site.cluster);
    let accounts = accounts(&site);
    let mut files = chart();
    let team = [
        ("base/accounts.yaml", accounts.as_str()),
        ("base/phones.yaml", PHONES),
        ("base/kustomization.yaml", BASE),
    ];
    files.extend(team.map(|(name, text)| (format!("phones/{name}"), text.to_owned())));
    files.push(("phones/kustomization.yaml".to_owned(), OVERLAY.to_owned()));
    let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let commit = argo.push(&files);

    argo.apply(&application(&argo, OPERATOR, SYSTEM, Some(values())).to_string());
    waits(&argo, OPERATOR, &commit);
    let pod = site.cluster.get(SYSTEM, "pod", "ordain-0").expect("what is healthy runs");
    let mut conditions = pod["status"]["conditions"].as_array().unwrap().iter();
    assert!(
        conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True"),
        "{pod:#}"
    );

    argo.apply(&application(&argo, PHONE_POLICIES, TEAM, None).to_string());
    waits(&argo, PHONE_POLICIES, &commit);
    assert_eq!(site.digits(), [8.0], "as the overlay says");

    let before = [OPERATOR, PHONE_POLICIES].map(|name| tried(&argo.status_of(name)));
    for name in [OPERATOR, PHONE_POLICIES, OPERATOR, PHONE_POLICIES] {
        argo.look(name, "hard");
        let status = argo.status_of(name);
        assert!(is_healthy(&status, &commit), "{status:#}");
        assert_eq!(status["conditions"], Value::Null, "nothing to warn of");
    }
    let after = [OPERATOR, PHONE_POLICIES].map(|name| tried(&argo.status_of(name)));
    assert_eq!(after, before, "no sync was made");
    the_crds_stay(&site, &argo);
}

/// Neither a setting (going back to an older chart asks for it) nor the end of the operator's Application takes the CRDs
/// away, and with them every policy.
fn the_crds_stay(site: &Site, argo: &ArgoCd<'_>) {
    let crds = || site.cluster.kubectl(&["get", "crds", "-o", "name"]).matches(".ordain.dev").count();
    let mut without = values();
    without["crds"] = json!({"enabled": false});
    argo.apply(&application(argo, OPERATOR, SYSTEM, Some(without)).to_string());
    let compared = || {
        argo.look(OPERATOR, "normal");
        let sync = argo.status_of(OPERATOR)["sync"].clone();
        sync["comparedTo"]["source"]["helm"]["valuesObject"]["crds"]["enabled"] == false
            && sync["status"] == "Synced"
    };
    assert!(eventually(compared), "{:#}", argo.status_of(OPERATOR));
    assert_eq!(crds(), 5, "a setting pruned them");

    site.cluster.kubectl(&["delete", "application", OPERATOR, "-n", ARGOCD, "--wait=false"]);
    let gone = || site.cluster.get(ARGOCD, "application", OPERATOR).is_none();
    assert!(eventually(gone), "{}", argo.log("application-controller"));
    assert!(eventually(|| site.cluster.get(SYSTEM, "statefulset", "ordain").is_none()));
    assert_eq!(crds(), 5, "they went with the operator");
    let policy = site.cluster.get(TEAM, "policy", "phone-baseline").unwrap();
    assert!(policy["metadata"]["deletionTimestamp"].is_null());
    assert_eq!(site.digits(), [8.0]);
}

/// What the operator needs here, where the systems are doubles.
fn values() -> Value {
    json!({"extraEnv": [{"name": "ORDAIN_ALLOW_LOOPBACK", "value": "true"}]})
}

/// Automated, with self-heal: a chart with these values, or else whatever the folder holds.
fn application(argo: &ArgoCd<'_>, name: &str, namespace: &str, values: Option<Value>) -> Value {
    let mut source = json!({"repoURL": argo.url(), "targetRevision": "HEAD", "path": name});
    if let Some(values) = values {
        source["helm"] = json!({"valuesObject": values});
    }
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": name, "namespace": ARGOCD, "finalizers": ["resources-finalizer.argocd.argoproj.io"]},
        "spec": {"project": "default", "source": source,
            "destination": {"server": "https://kubernetes.default.svc", "namespace": namespace},
            "syncPolicy": {"automated": {"prune": true, "selfHeal": true},
                "syncOptions": ["ServerSideApply=true", "ApplyOutOfSyncOnly=true", "CreateNamespace=true"]}}})
}

fn waits(argo: &ArgoCd<'_>, name: &str, commit: &str) {
    // Argo CD looks by itself every few minutes; a CRD that becomes established is no news to it.
    let healthy = || {
        argo.look(name, "normal");
        is_healthy(&argo.status_of(name), commit)
    };
    assert!(
        eventually(healthy),
        "{:#}\n{}\n{}",
        argo.status_of(name),
        argo.log("application-controller"),
        argo.log("repo-server")
    );
}

/// Every sync there was.
fn tried(status: &Value) -> Value {
    json!([status["history"], status["operationState"]])
}

/// The operator's chart, as the folder of its Application.
fn chart() -> Vec<(String, String)> {
    let chart = root().join("charts/ordain");
    let mut files = Vec::new();
    collect(&chart, &chart, &mut files);
    files
}

fn collect(folder: &Path, chart: &Path, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, chart, files);
        } else {
            let name = path.strip_prefix(chart).unwrap().display().to_string();
            files.push((format!("{OPERATOR}/{name}"), fs::read_to_string(path).unwrap()));
        }
    }
}
