//! Versions that do not fit together: CRDs of an earlier release under live objects, and CRDs newer than the operator.

use std::{fs, process::Command};

use serde_json::{Value, json};

use crate::{
    cluster::root,
    eventually,
    programs::output,
    site::{LOOPBACK, SYSTEM, Site, TEAM},
};

/// The chart as it was with the CRDs of an earlier version, under a version of its own.
fn earlier_chart(site: &Site) -> String {
    let chart = site.cluster.folder().join("earlier");
    output(Command::new("cp").arg("-R").arg(root().join("charts/ordain")).arg(&chart));
    let crds = chart.join("files/crds");
    fs::remove_dir_all(&crds).unwrap();
    fs::create_dir(&crds).unwrap();
    for entry in fs::read_dir(root().join("tests/gitops/crds-earlier")).unwrap().flatten() {
        if entry.path().extension().is_some_and(|end| end == "yaml") {
            fs::copy(entry.path(), crds.join(entry.file_name())).unwrap();
        }
    }
    let about = fs::read_to_string(chart.join("Chart.yaml")).unwrap();
    let about = about.lines().map(|line| if line.starts_with("version:") { "version: 0.0.9" } else { line });
    fs::write(chart.join("Chart.yaml"), about.collect::<Vec<_>>().join("\n") + "\n").unwrap();
    chart.to_str().unwrap().to_owned()
}

/// What must come through: everything but what the operator and the API server keep for themselves.
fn wanted(site: &Site) -> Value {
    let kinds = "backends,policies,targetgroups,policyassignments";
    let list = site.cluster.kubectl(&["get", kinds, "-n", TEAM, "-o", "json"]);
    let list: Value = serde_json::from_str(&list).unwrap();
    let items = list["items"].as_array().unwrap().iter();
    let kept = items.map(|object| {
        let meta = &object["metadata"];
        json!([
            object["kind"],
            meta["name"],
            meta["uid"],
            meta["generation"],
            meta["finalizers"],
            object["spec"]
        ])
    });
    kept.collect()
}

#[test]
fn crds_of_an_earlier_release_are_upgraded_under_live_objects() {
    let site = Site::new();
    let chart = earlier_chart(&site);
    let wait = ["-n", SYSTEM, "--wait", "--timeout", "120s"];
    let install = ["install", "ordain", chart.as_str(), "--create-namespace", "--set-json", LOOPBACK];
    site.cluster.helm(&[&install[..], &wait].concat()).unwrap();
    site.backends();
    let phones = site.phones(6);
    site.team(&["install", "phones", phones.to_str().unwrap()], &[]).unwrap();
    let (before, calls) = (wanted(&site), site.sandbox.mark("wso2"));
    assert_eq!(before.as_array().unwrap().iter().filter(|object| object[0] == "PolicyAssignment").count(), 1);

    let today = root().join("charts/ordain");
    // What was not there in the values of the earlier chart has its default.
    let upgrade = ["upgrade", "ordain", today.to_str().unwrap(), "--reset-then-reuse-values"];
    site.cluster.helm(&[&upgrade[..], &wait].concat()).unwrap();
    let installed = site.cluster.get("", "crd", "policyassignments.ordain.dev").unwrap();
    assert_eq!(
        installed["metadata"]["annotations"]["ordain.dev/chart-version"],
        env!("CARGO_PKG_VERSION"),
        "the CRDs moved on"
    );
    let columns = installed["spec"]["versions"][0]["additionalPrinterColumns"].to_string();
    assert!(columns.contains("Reason"), "{columns}");
    assert_eq!(wanted(&site), before, "objects, uids, generations, finalizers and specs are the same");

    // Still valid: the API server takes each object as it stands.
    let kinds = "backends,policies,targetgroups,policyassignments";
    for name in site.cluster.kubectl(&["get", kinds, "-n", TEAM, "-o", "name"]).lines() {
        site.cluster.kubectl(&["annotate", name, "-n", TEAM, "example.com/checked=yes"]);
    }
    let name = "policyassignment/phone-baseline-engineers";
    site.cluster.kubectl(&["annotate", name, "-n", TEAM, "ordain.dev/reconcile-requested-at=upgraded"]);
    let handled = || {
        let object = site.cluster.get(TEAM, "policyassignment", "phone-baseline-engineers").unwrap();
        object["status"]["lastHandledReconcileAt"] == "upgraded"
    };
    assert!(eventually(handled), "the operator reads on");
    site.cluster.wait(TEAM, name, "Ready");
    let effects: Vec<_> = site
        .sandbox
        .requests("wso2", calls)
        .into_iter()
        .filter(|call| call["method"] != "GET")
        .filter(|call| {
            let path = call["path"].as_str().unwrap_or_default();
            !path.contains("token") && !path.ends_with("/register")
        })
        .collect();
    assert!(effects.is_empty(), "an upgrade changes nothing in a system: {effects:?}");
    assert_eq!(site.digits(), [6.0]);

    // And goes on working: an edit, and the end.
    site.phones(8);
    site.team(&["upgrade", "phones", phones.to_str().unwrap()], &[]).unwrap();
    assert_eq!(site.digits(), [8.0]);
    site.team(&["uninstall", "phones"], &[]).unwrap();
    assert_eq!(site.digits(), [] as [f64; 0]);
}

/// What the API server publishes of our kinds.
fn published(site: &Site) -> String {
    site.cluster.kubectl(&["get", "--raw", "/openapi/v3/apis/ordain.dev/v1alpha1"])
}

/// A field that only the CRDs of another version have, put into them or taken out, and published: that takes a moment.
fn edit_crd(site: &Site, plural: &str, edit: impl FnOnce(&mut Value)) {
    let name = format!("{plural}.ordain.dev");
    let mut crd = site.cluster.get("", "crd", &name).unwrap();
    edit(&mut crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]);
    crd["metadata"].as_object_mut().unwrap().remove("managedFields");
    let file = site.cluster.folder().join("crd.json");
    fs::write(&file, crd.to_string()).unwrap();
    let before = published(site);
    site.cluster.kubectl(&["replace", "-f", file.to_str().unwrap()]);
    assert!(eventually(|| published(site) != before), "{name}: the edit is never published");
}

fn restart(site: &Site) {
    site.cluster.kubectl(&["delete", "pod", "ordain-0", "-n", SYSTEM]);
    site.cluster.wait(SYSTEM, "pod/ordain-0", "Ready");
}

#[test]
fn an_operator_beside_crds_of_another_version_says_which_field_and_what_to_run() {
    let site = Site::at_work();
    let phones = site.phones(6);
    site.team(&["install", "phones", phones.to_str().unwrap()], &[]).unwrap();
    assert!(!site.node.logs().contains("the CRDs in this cluster"), "nothing is said where they fit");

    // Newer: somebody may set what nobody here reads.
    edit_crd(&site, "policies", |crd| crd["spec"]["properties"]["later"] = json!({"type": "string"}));
    restart(&site);
    let newer = || {
        let logs = site.node.logs();
        logs.contains("Policy.spec.later") && logs.contains("newer than this operator")
    };
    assert!(eventually(newer), "{}", site.node.logs());
    edit_crd(&site, "policies", |crd| {
        drop(crd["spec"]["properties"].as_object_mut().unwrap().remove("later"));
    });

    // Older: what the operator says is dropped. It works on, and does not write the same again and again.
    edit_crd(&site, "policyassignments", |crd| {
        let status = crd["status"]["properties"].as_object_mut().unwrap();
        status.remove("mode");
        status.remove("observedSources");
        status["targets"]["properties"].as_object_mut().unwrap().remove("accepted");
    });
    restart(&site);
    let older = || {
        let logs = site.node.logs();
        logs.contains("PolicyAssignment.status.mode")
            && logs.contains("these fall back to Ready=False")
            && logs.contains("ordain crds | kubectl apply --server-side")
    };
    assert!(eventually(older), "{}", site.node.logs());
    site.phones(8);
    site.team(&["upgrade", "phones", phones.to_str().unwrap()], &[]).unwrap();
    assert_eq!(site.digits(), [8.0]);
    let ask = |value: &str| {
        let text = format!("ordain.dev/reconcile-requested-at={value}");
        let name = "phone-baseline-engineers";
        site.cluster.kubectl(&["annotate", "policyassignment", name, "-n", TEAM, "--overwrite", &text]);
        let handled = || {
            site.cluster.get(TEAM, "policyassignment", name).unwrap()["status"]["lastHandledReconcileAt"]
                == value
        };
        assert!(eventually(handled));
    };
    ask("first");
    let writes = |since: usize| site.cluster.status_writes("phone-baseline-engineers") - since;
    let before = writes(0);
    ask("second");
    assert!(writes(before) <= 2, "an answer is a write or two: {}", writes(before));
}

/// A kind that is not there at all: not ready, and it says what to run.
#[test]
fn an_operator_without_a_crd_says_what_to_run() {
    let site = Site::new();
    site.install(&[]).unwrap();
    site.cluster.kubectl(&["delete", "crd", "targetgroups.ordain.dev", "--wait=true"]);
    site.cluster.kubectl(&["delete", "pod", "ordain-0", "-n", SYSTEM]);
    let told = || {
        let logs = site.node.logs();
        logs.contains("targetgroups") && logs.contains("the API server has no such kind")
    };
    assert!(eventually(told), "{}", site.node.logs());
    // `helm test` asks with `ordain ready`.
    site.cluster.helm(&["test", "ordain", "-n", SYSTEM, "--timeout", "120s"]).unwrap_err();
    let not_ready =
        || site.node.logs().lines().any(|line| line.contains("not ready: ") && line.contains("targetgroups"));
    assert!(eventually(not_ready), "ordain ready names what is missing: {}", site.node.logs());
}
