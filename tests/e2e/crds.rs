//! Every rule and bound of the schemas, judged by a real API server. The same table is judged by the code in
//! `tests/house/rules.rs`.

use kube::{
    Api, Client, Discovery,
    api::{DynamicObject, PostParams},
    core::GroupVersionKind,
};
use serde_json::Value;

use crate::{
    cases::{self, Case, Expect, Update},
    support::{apply_text, crds, kubectl},
};

const NAMESPACE: &str = "schema-cases";

struct Server {
    client: Client,
    discovery: Discovery,
}

impl Server {
    async fn connect() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        crds();
        let client = Client::try_default().await.unwrap();
        let discovery = Discovery::new(client.clone()).filter(&["ordain.dev"]).run().await.unwrap();
        Self { client, discovery }
    }

    fn api(&self, kind: &str) -> Api<DynamicObject> {
        let gvk = GroupVersionKind::gvk("ordain.dev", "v1alpha1", kind);
        let (resource, capabilities) = self.discovery.resolve_gvk(&gvk).unwrap();
        match capabilities.scope {
            kube::discovery::Scope::Cluster => Api::all_with(self.client.clone(), &resource),
            kube::discovery::Scope::Namespaced => {
                Api::namespaced_with(self.client.clone(), NAMESPACE, &resource)
            }
        }
    }

    /// What the API server says of creating it; nothing is kept.
    async fn create(&self, object: &Value) -> Result<(), String> {
        let parsed: DynamicObject = serde_json::from_value(object.clone()).unwrap();
        let api = self.api(object["kind"].as_str().unwrap());
        let path = format!("{}?dryRun=All&fieldValidation=Strict", api.resource_url());
        let request = http::Request::post(path)
            .header("content-type", "application/json")
            .body(serde_json::to_vec(&parsed).unwrap())
            .unwrap();
        self.client.request::<DynamicObject>(request).await.map(drop).map_err(|e| e.to_string())
    }

    async fn update(&self, number: usize, update: &Update) -> Result<(), String> {
        let api = self.api(update.old["kind"].as_str().unwrap());
        let name = format!("update-{number}");
        let named = |object: &Value| {
            let mut object = object.clone();
            object["metadata"]["name"] = name.clone().into();
            object
        };
        let old: DynamicObject = serde_json::from_value(named(&update.old)).unwrap();
        let stands =
            api.create(&PostParams::default(), &old).await.map_err(|e| format!("the old object: {e}"))?;
        let mut new: DynamicObject = serde_json::from_value(named(&update.new)).unwrap();
        new.metadata.resource_version = stands.metadata.resource_version;
        let params = PostParams { dry_run: true, ..PostParams::default() };
        api.replace(&name, &params, &new).await.map(drop).map_err(|e| e.to_string())
    }
}

fn judge(why: &str, expect: Expect, found: &Result<(), String>) -> Option<String> {
    let good = match (expect, found) {
        (Expect::Accept | Expect::CodeOnly, Ok(())) => true,
        (Expect::Refuse(words), Err(message)) => message.contains(words),
        _ => false,
    };
    (!good).then(|| format!("{why}: expected {expect:?}, the API server says {found:?}"))
}

#[tokio::test]
async fn the_api_server_decides_every_case_as_the_table_says() {
    let server = Server::connect().await;
    kubectl(&["create", "namespace", NAMESPACE]);
    let mut wrong = Vec::new();
    for Case { why, object, expect } in cases::all() {
        wrong.extend(judge(why, expect, &server.create(&object).await));
    }
    for (number, update) in cases::updates().iter().enumerate() {
        wrong.extend(judge(update.why, update.expect, &server.update(number, update).await));
    }
    kubectl(&["delete", "namespace", NAMESPACE, "--wait=false"]);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_resource_without_status_is_not_ready() {
    crds();
    kubectl(&["create", "namespace", "status-default"]);
    let manifest = tempfile::NamedTempFile::new().unwrap();
    let yaml = "apiVersion: ordain.dev/v1alpha1\nkind: TargetGroup\nmetadata: {name: g, namespace: status-default}\n\
                spec: {wso2: {roles: [r]}}\n";
    std::fs::write(manifest.path(), yaml).unwrap();
    kubectl(&["apply", "-f", manifest.path().to_str().unwrap()]);
    let status = kubectl(&["get", "targetgroup", "g", "-n", "status-default", "-o", "jsonpath={.status}"]);
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["observedGeneration"], -1);
    assert_eq!(status["conditions"][0]["status"], "Unknown");
    assert_eq!(status["conditions"][0]["reason"], "Pending");
}

/// However an assignment got stuck, letting go of what it wrote must be possible (product.md section 2).
#[test]
fn a_terminating_assignment_can_still_be_orphaned() {
    crds();
    kubectl(&["create", "namespace", "terminating"]);
    let yaml = "apiVersion: ordain.dev/v1alpha1\nkind: PolicyAssignment\n\
                metadata: {name: a, namespace: terminating, finalizers: [ordain.dev/release]}\n\
                spec: {policyRef: {name: p}, backendRef: {name: b}, targets: {everyone: true}}\n";
    apply_text(yaml);
    let assignment = |verb: &str, more: &[&str]| {
        kubectl(&[&[verb, "policyassignment", "a", "-n", "terminating"], more].concat())
    };
    assignment("delete", &["--wait=false"]);
    assignment("patch", &["--type=merge", "-p", r#"{"spec": {"releasePolicy": "Orphan"}}"#]);
    let found = assignment("get", &["-o", "jsonpath={.metadata.deletionTimestamp} {.spec.releasePolicy}"]);
    assert!(found.starts_with("20") && found.ends_with(" Orphan"), "{found}");
    assignment("patch", &["--type=merge", "-p", r#"{"metadata": {"finalizers": null}}"#]);
    assert_eq!(assignment("get", &["--ignore-not-found", "-o", "name"]), "");
    kubectl(&["delete", "namespace", "terminating", "--wait=false"]);
}

#[test]
fn people_find_objects_by_category_short_name_and_field() {
    crds();
    kubectl(&["create", "namespace", "found"]);
    let assignment = |name: &str, policy: &str, mode: &str| {
        format!(
            "apiVersion: ordain.dev/v1alpha1\nkind: PolicyAssignment\nmetadata: {{name: {name}, namespace: found}}\n\
             spec: {{policyRef: {{name: {policy}}}, backendRef: {{name: b}}, mode: {mode}}}\n---\n"
        )
    };
    apply_text(&(assignment("first", "p", "Apply") + &assignment("second", "q", "Observe")));
    let names = |what: &str, selector: &str| {
        kubectl(&["get", what, "-n", "found", "-o", "name", "--field-selector", selector])
    };
    let object = |name: &str| format!("policyassignment.ordain.dev/{name}");
    for (selector, name) in [
        ("spec.policyRef.name=p", "first"),
        ("spec.mode=Observe", "second"),
        ("spec.backendRef.name=b,spec.mode!=Apply", "second"),
    ] {
        assert_eq!(names("orpa", selector).trim(), object(name), "{selector}");
    }
    let all = kubectl(&["get", "ordain", "-n", "found", "-o", "name"]);
    assert!(all.contains(&object("first")) && all.contains(&object("second")), "{all}");
    let table = kubectl(&["get", "orpa", "-n", "found"]);
    let header: Vec<&str> = table.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(header, ["NAME", "POLICY", "BACKEND", "TARGETS", "INSYNC", "READY", "REASON", "AGE"]);
    kubectl(&["delete", "namespace", "found", "--wait=false"]);
}
