//! S7: the operator needs exactly what the chart grants where it works in one namespace: nothing it tries is forbidden, nothing
//! granted is never used. Everywhere is the same rules, by one ClusterRole.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Installation, apply_text, audit, eventually, kubectl, rights};

/// (verb, group, resource with subresource)
type Right = (String, String, String);

fn granted(system: &str, team: &str) -> BTreeSet<Right> {
    let mut found = BTreeSet::new();
    for document in rights(system, Some(team)).split("\n---") {
        let object: Value = serde_saphyr::from_str(document).unwrap_or_default();
        for rule in object["rules"].as_array().into_iter().flatten() {
            let words = |key: &str| -> Vec<String> {
                rule[key].as_array().unwrap().iter().map(|w| w.as_str().unwrap().to_owned()).collect()
            };
            for group in words("apiGroups") {
                for resource in words("resources") {
                    for verb in words("verbs") {
                        assert!(
                            ![&group, &resource, &verb].iter().any(|w| w.contains('*')),
                            "a wildcard: {rule}"
                        );
                        found.insert((verb, group.clone(), resource.clone()));
                    }
                }
            }
        }
    }
    found
}

/// What the operator asked of the API server, and what was refused.
fn asked(user: &str) -> (BTreeSet<Right>, Vec<String>) {
    let all = audit::asked(user);
    let refused = all.iter().filter(|a| a.forbidden).map(|a| format!("{} {}", a.verb, a.resource)).collect();
    (all.into_iter().map(|a| (a.verb, a.group, a.resource)).collect(), refused)
}

#[test]
fn the_chart_grants_what_is_used_and_nothing_else() {
    let installation = Installation::narrow("rights");
    let team = installation.team.clone();
    // Every way of reading and writing: a ClusterBackend with a CA of its own, drift told twice, releases.
    kubectl(&["delete", "backend", "wfbss", "-n", &team]);
    let secret = kubectl(&["get", "secret", "wfbss", "-n", &team, "-o", "json"]);
    let mut secret: Value = serde_json::from_str(&secret).unwrap();
    let labels = json!({"ordain.dev/use": "credentials"});
    secret["metadata"] = json!({"name": "wfbss", "namespace": installation.system, "labels": labels});
    apply_text(&secret.to_string());
    let pem = rcgen::generate_simple_self_signed(vec!["ca.test".into()]).unwrap().cert.pem();
    let ca = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "ca", "namespace": installation.system, "labels": labels}, "data": {"ca.crt": pem}});
    apply_text(&ca.to_string());
    let cluster = json!({
        "apiVersion": "ordain.dev/v1alpha1", "kind": "ClusterBackend", "metadata": {"name": "rights"},
        "spec": {
            "system": {"wfbss": {"url": installation.sandbox.url("wfbss"), "version": "v2.8",
                "credentialsRef": {"name": "wfbss"}}},
            "caRef": {"kind": "ConfigMap", "name": "ca", "key": "ca.crt"},
            "access": [{"name": "all", "namespaces": {"names": [team]}, "targets": {"all": true}}],
        },
    });
    apply_text(&cluster.to_string());
    let mut installation = installation;
    installation.start();
    installation.apply(&include_str!("../../examples/wso2-baseline.yaml").replace("ordain-demo", &team));
    let wfbss = include_str!("../../examples/wfbss-behavior.yaml").replace("ordain-demo", &team);
    installation.apply(
        &wfbss.replace("backendRef: {name: wfbss}", "backendRef: {kind: ClusterBackend, name: rights}"),
    );
    installation.wait_ready("policyassignment", "phone-baseline-engineers");
    installation.wait_ready("policyassignment", "behavior-monitoring-servers");
    let user = format!("system:serviceaccount:{}:ordain", installation.system);
    drift_until_told_twice(&installation, &user);
    let held = [
        Held { kind: "policyassignment", name: "phone-baseline-engineers", namespace: Some(&team) },
        Held { kind: "policyassignment", name: "behavior-monitoring-servers", namespace: Some(&team) },
        Held { kind: "backend", name: "wso2", namespace: Some(&team) },
        Held { kind: "clusterbackend", name: "rights", namespace: None },
    ];
    held.iter().for_each(Held::hold);
    held.iter().for_each(Held::delete);
    installation.stop();
    let (used, refused) = asked(&user);
    assert!(refused.is_empty(), "forbidden: {refused:?}");
    let granted = granted(&installation.system, &team);
    let unused: Vec<_> = granted.difference(&used).collect();
    let beyond: Vec<_> = used.difference(&granted).collect();
    assert!(beyond.is_empty(), "used without being granted by the chart: {beyond:?}");
    assert!(unused.is_empty(), "granted and never used: {unused:?}");
}

/// An object with a finalizer of somebody else's beside ours, as `kubectl delete --cascade=foreground` sets one: it is
/// left alone and holds up nothing of ours.
struct Held<'a> {
    kind: &'static str,
    name: &'static str,
    namespace: Option<&'a str>,
}

impl Held<'_> {
    fn run(&self, verb: &str, arguments: &[&str]) -> String {
        let mut all = vec![verb, self.kind, self.name];
        all.extend(self.namespace.iter().flat_map(|namespace| ["-n", namespace]));
        all.extend(arguments);
        kubectl(&all)
    }

    fn hold(&self) {
        let add = r#"[{"op": "add", "path": "/metadata/finalizers/-", "value": "example.com/audit"}]"#;
        self.run("patch", &["--type=json", "-p", add]);
    }

    fn delete(&self) {
        self.run("delete", &["--wait=false"]);
        let left = || self.run("get", &["-o", "jsonpath={.metadata.finalizers}"]);
        assert!(
            eventually(|| left() == r#"["example.com/audit"]"#),
            "{} {}: {}",
            self.kind,
            self.name,
            left()
        );
        let none = r#"[{"op": "remove", "path": "/metadata/finalizers"}]"#;
        self.run("patch", &["--type=json", "-p", none]);
    }
}

/// The same thing happening again within minutes is one event whose count is patched.
fn drift_until_told_twice(installation: &Installation, user: &str) {
    let patched = ("patch".to_owned(), "events.k8s.io".to_owned(), "events".to_owned());
    let mut round = 0;
    let told = crate::support::eventually(|| {
        round += 1;
        let camera =
            json!({"policies": [{"name": "Phone baseline", "features": {"CAMERA": {"enabled": true}}}]});
        installation.sandbox.by_hand("wso2", &camera);
        let asked_at = format!("ordain.dev/reconcile-requested-at=round-{round}");
        let name = "phone-baseline-engineers";
        kubectl(&["annotate", "policyassignment", name, "-n", &installation.team, "--overwrite", &asked_at]);
        std::thread::sleep(std::time::Duration::from_secs(7));
        asked(user).0.contains(&patched)
    });
    assert!(told, "an event is told, and told again as a series");
}

#[test]
fn rights_withdrawn_while_it_runs_cost_nothing_but_time() {
    let mut installation = Installation::narrow("withdrawn");
    installation.start();
    installation
        .apply(&include_str!("../../examples/wso2-baseline.yaml").replace("ordain-demo", "withdrawn"));
    installation.wait_ready("policyassignment", "phone-baseline-engineers");
    kubectl(&["delete", "rolebinding", &format!("{}-ordain-work", installation.system), "-n", "withdrawn"]);
    let longer = r#"[{"op": "replace", "path": "/spec/displayName", "value": "Longer"}]"#;
    kubectl(&["patch", "policy", "phone-baseline", "-n", "withdrawn", "--type", "json", "-p", longer]);
    assert!(eventually(|| installation.logs().contains("forbidden")), "{}", installation.logs());
    assert!(installation.operator().ended().is_none(), "it goes on trying");
    apply_text(&rights(&installation.system, Some(&installation.team)));
    installation.wait_ready("policy", "phone-baseline");
    installation.wait_ready("policyassignment", "phone-baseline-engineers");
    let named = |name: &str| {
        let state = installation.sandbox.state("wso2");
        state["policies"].as_array().unwrap().iter().filter(|p| p["policyName"] == name).count()
    };
    assert_eq!((named("Longer"), named("Phone baseline")), (1, 0), "the edit is there, once");
    let assignment = "phone-baseline-engineers";
    kubectl(&["delete", "policyassignment", assignment, "-n", "withdrawn", "--timeout=60s"]);
    assert_eq!(named("Longer"), 0, "released before the object went");
}
