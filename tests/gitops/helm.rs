//! helm for real: what a release waits for is the truth, and what cannot end well is refused or says what to do.

use std::time::Instant;

use serde_json::Value;

use crate::{
    cluster::root,
    eventually,
    figures::figure,
    site::{SYSTEM, Site, TEAM},
};

#[test]
fn a_release_waits_for_the_truth_from_install_to_uninstall() {
    let site = Site::new();
    let start = Instant::now();
    let notes = site.install(&[]).unwrap();
    figure(&format!("helm install to a Ready operator {:.1} s", start.elapsed().as_secs_f64()));
    let lease = format!("kubectl delete lease ordain -n {SYSTEM}");
    for word in ["kubectl get ordain -A", "ordain release --all", "crds.keep", &lease] {
        assert!(notes.contains(word), "NOTES say nothing of {word}: {notes}");
    }
    let (keep, removal) = (notes.find("\"Orphan\""), notes.find("kubectl delete policyassignments"));
    assert!(
        keep.is_some() && keep < removal,
        "how to keep what is there is told before what takes it away: {notes}"
    );
    let tested = site.cluster.helm(&["test", "ordain", "-n", SYSTEM, "--timeout", "120s"]).unwrap();
    assert!(tested.contains("Succeeded"), "{tested}");
    site.backends();

    let start = Instant::now();
    let chart = site.phones(6);
    let chart = chart.to_str().unwrap();
    site.team(&["install", "phones", chart], &[]).unwrap();
    figure(&format!("an example applied by helm to proven {:.1} s", start.elapsed().as_secs_f64()));
    assert_eq!(site.digits(), [6.0], "when the install returns, the system holds it");
    site.phones(8);
    site.team(&["upgrade", "phones", chart], &[]).unwrap();
    assert_eq!(site.digits(), [8.0], "when the upgrade returns, too");
    let broken = include_str!("../../examples/wso2-baseline.yaml").replace("code: CAMERA", "code: CAMREA");
    site.chart("phones", &broken);
    let error = site.team(&["upgrade", "phones", chart], &[]).unwrap_err();
    assert!(error.contains("Failed"), "it fails because it is Stalled, not because time ran out: {error}");
    assert!(!error.contains("deadline"), "{error}");
    assert_eq!(site.digits(), [8.0], "nothing of a refused edit is sent");
    // helm looks once and gives up on what says Stalled: how soon that is taken back is no promise of milliseconds.
    site.cluster.helm(&["rollback", "phones", "1", "-n", TEAM]).unwrap();
    site.cluster.wait(TEAM, "policy/phone-baseline", "Ready");
    assert_eq!(site.digits(), [6.0], "rolled back, in the system as well");

    let quiet = site.sandbox.mark("wso2");
    let operator = root().join("charts/ordain");
    let upgrade =
        ["upgrade", "ordain", operator.to_str().unwrap(), "-n", SYSTEM, "--wait", "--timeout", "120s"];
    let settings = ["--reuse-values", "--set", "log.filter=debug"];
    site.cluster.helm(&[&upgrade[..], &settings[..]].concat()).unwrap();
    let name = "phone-baseline-engineers";
    site.cluster.kubectl(&[
        "annotate",
        "policyassignment",
        name,
        "-n",
        TEAM,
        "ordain.dev/reconcile-requested-at=now",
    ]);
    let handled = || {
        site.cluster.get(TEAM, "policyassignment", name).unwrap()["status"]["lastHandledReconcileAt"] == "now"
    };
    assert!(eventually(handled), "the new process has read the system");
    let calls = site.sandbox.requests("wso2", quiet);
    // Reads, and what logs in.
    let harmless = |call: &&Value| {
        let path = call["path"].as_str().unwrap_or_default();
        call["method"] == "GET" || path.contains("token") || path.ends_with("/register")
    };
    let effects: Vec<_> = calls.iter().filter(|call| !harmless(call)).collect();
    assert!(
        !calls.is_empty() && effects.is_empty(),
        "an upgrade of the operator changes nothing in a system: {effects:?}"
    );

    site.team(&["uninstall", "phones"], &[]).unwrap();
    assert_eq!(site.digits(), [] as [f64; 0], "released when the uninstall returns");
    site.cluster.helm(&["uninstall", "ordain", "-n", SYSTEM, "--wait", "--timeout", "120s"]).unwrap();
    let left = site.cluster.kubectl(&["get", "crds", "-o", "name"]);
    assert_eq!(left.lines().filter(|line| line.ends_with("ordain.dev")).count(), 5, "crds.keep: {left}");
    assert!(site.cluster.get(SYSTEM, "pvc", "store-ordain-0").is_some(), "store.keep");
    assert!(site.cluster.get("", "clusterrole", "ordain").is_none());
    let refused = site.cluster.refused("system:serviceaccount:ordain-system:ordain");
    assert!(refused.is_empty(), "the chart grants what the operator asks for: {refused:?}");
}

#[test]
fn uninstalled_in_the_dangerous_order_it_still_ends() {
    let site = Site::at_work();
    let chart = site.phones(6);
    let chart = chart.to_str().unwrap();
    let assignment = || site.cluster.get(TEAM, "policyassignment", "phone-baseline-engineers");
    site.team(&["install", "phones", chart], &[]).unwrap();

    // The operator first: what is deleted now waits for somebody who is gone.
    site.cluster.helm(&["uninstall", "ordain", "-n", SYSTEM, "--wait", "--timeout", "120s"]).unwrap();
    site.cluster.helm(&["uninstall", "phones", "-n", TEAM]).unwrap();
    let waiting = assignment().expect("our finalizer holds it");
    assert!(waiting["metadata"]["deletionTimestamp"].is_string());
    let told = site.cluster.ordain(&["release", "--all"]).unwrap();
    assert!(told.contains("phone-baseline-engineers"), "{told}");
    assert!(eventually(|| assignment().is_none()), "released");
    assert_eq!(site.digits(), [6.0], "and no system was touched");

    // Back again: the same object is found, and the Secret goes before what needs it.
    site.install(&[]).unwrap();
    site.team(&["install", "phones", chart], &[]).unwrap();
    assert_eq!(site.digits(), [6.0], "found again, not made twice");
    site.cluster.kubectl(&["delete", "secret", "wso2", "-n", TEAM]);
    site.team(&["uninstall", "phones"], &[]).unwrap();
    assert_eq!(site.digits(), [] as [f64; 0], "released with the session it still had (R8)");
}

#[test]
fn what_would_end_badly_is_refused_with_the_way_out() {
    let site = Site::new();
    let unknown = site.install(&["replicaCount=2"]).unwrap_err();
    assert!(unknown.contains("replicaCount"), "an unknown value: {unknown}");

    // Namespaced, and a right is missing: not ready, and it says which.
    site.cluster.kubectl(&["create", "namespace", TEAM]);
    site.install(&[&format!("watchNamespaces={{{TEAM}}}")]).unwrap();
    site.cluster.kubectl(&["delete", "role", "ordain-work", "-n", TEAM]);
    site.cluster.kubectl(&["delete", "pod", "ordain-0", "-n", SYSTEM]);
    let names = || site.node.logs().contains("policyassignments");
    assert!(eventually(names), "the log names what cannot be listed");
    let untested = site.cluster.helm(&["test", "ordain", "-n", SYSTEM, "--timeout", "120s"]).unwrap_err();
    assert!(untested.contains("Failed") || untested.contains("failed"), "{untested}");
    let told = || site.node.logs().contains("not ready: ");
    assert!(eventually(told), "ordain ready tells what is missing: {}", site.node.logs());

    let chart = root().join("charts/ordain");
    let another = |settings: &[&str]| {
        let mut all =
            vec!["install", "second", chart.to_str().unwrap(), "-n", "second", "--create-namespace"];
        all.extend(settings.iter().flat_map(|setting| ["--set", setting]));
        site.cluster.helm(&all).unwrap_err()
    };
    let crds = another(&[]);
    assert!(
        crds.contains("crds.enabled=false") && crds.contains("release ordain"),
        "two owners of the CRDs: {crds}"
    );
    let overlap = another(&["crds.enabled=false"]);
    assert!(
        overlap.contains(TEAM) && overlap.contains("watchNamespaces"),
        "the same namespaces twice: {overlap}"
    );
    the_second_one_waits_where_nobody_checked(&site);

    let annotate = "ordain.dev/chart-version=9.9.9";
    site.cluster.kubectl(&["annotate", "crd", "policies.ordain.dev", "--overwrite", annotate]);
    let upgrade = ["upgrade", "ordain", chart.to_str().unwrap(), "-n", SYSTEM, "--reuse-values"];
    let older = site.cluster.helm(&upgrade).unwrap_err();
    assert!(
        older.contains("9.9.9") && older.contains("crds.enabled=false"),
        "CRDs newer than the chart: {older}"
    );
}

/// Where helm does not look the operator does.
fn the_second_one_waits_where_nobody_checked(site: &Site) {
    let chart = root().join("charts/ordain");
    let mut arguments = vec!["install", "second", chart.to_str().unwrap(), "-n", "second"];
    arguments.extend(["--create-namespace", "--set", "crds.enabled=false,checks=false"]);
    site.cluster.helm(&arguments).unwrap();
    let waits = format!("standing by: the operator of namespace {SYSTEM} works in {TEAM} (last seen");
    assert!(eventually(|| site.node.logs().contains(&waits)), "{}", site.node.logs());
    let pod = site.cluster.get("second", "pod", "second-ordain-0").expect("it runs");
    let conditions = pod["status"]["conditions"].as_array().unwrap();
    assert!(!conditions.iter().any(|c| c["type"] == "Ready" && c["status"] == "True"), "{pod:#}");
}
