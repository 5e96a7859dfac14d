//! `ordain inventory` as a team runs it: what people made in the consoles becomes manifests that change nothing.

use std::process::{Command, Output};

use crate::support::{Installation, eventually, kubectl, programs::path_of};

fn inventory(installation: &Installation, backend: &str, flags: &[&str]) -> Output {
    Command::new(path_of("ORDAIN_BIN"))
        .args(["inventory", backend, "-n", &installation.team, "--allow-loopback"])
        .args(flags)
        .env("KUBECONFIG", std::env::var("KUBECONFIG").unwrap())
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Exit status of `ordain plan`.
fn planned(manifests: &str) -> Option<i32> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("inventory.yaml");
    std::fs::write(&file, manifests).unwrap();
    let mut plan = Command::new(path_of("ORDAIN_BIN"));
    plan.args(["plan", "--allow-loopback", "-f"]).arg(file);
    let output = plan.env("KUBECONFIG", std::env::var("KUBECONFIG").unwrap()).output().unwrap();
    output.status.code()
}

#[test]
fn what_people_made_is_taken_down_and_changes_nothing() {
    let installation = Installation::without_operator("inventory");
    let team = installation.team.clone();
    let marks = ["wso2", "wfbss", "symphony"].map(|system| (system, installation.sandbox.mark(system)));
    let table = text(&inventory(&installation, "wso2", &[]));
    assert!(table.starts_with("NAME ") && table.contains("VPN for sales"), "{table}");
    let mut assignments = 0;
    let mut installation = installation;
    for (system, _) in &marks {
        let manifests = text(&inventory(&installation, system, &["--output", "yaml"]));
        assert!(!manifests.contains("s3ll-m0re"), "{system}: a secret in clear");
        if manifests.contains("kind: Policy") {
            assert_eq!(planned(&manifests), Some(0), "{system}: the plan is empty");
            installation.apply(&manifests);
        }
        assignments += manifests.matches("kind: PolicyAssignment").count();
    }
    assert!(assignments > 0);
    installation.start();
    let synced = eventually(|| {
        let shown = kubectl(&[
            "get",
            "policyassignments",
            "-n",
            &team,
            "-o",
            "jsonpath={range .items[*]}{.status.conditions[?(@.type==\"InSync\")].status}{.status.plan.create}{.status.plan.update}{.status.plan.remove}{\"\\n\"}{end}",
        ]);
        let lines: Vec<&str> = shown.lines().collect();
        lines.len() == assignments && lines.iter().all(|line| line.trim_end_matches('0') == "True")
    });
    assert!(synced, "{}", kubectl(&["get", "policyassignments", "-n", &team, "-o", "yaml"]));
    for (system, mark) in marks {
        for request in installation.sandbox.requests(system, mark) {
            let path = request["path"].as_str().unwrap();
            let login =
                ["token", "register", "revoke", "authenticate"].iter().any(|word| path.contains(word));
            assert!(request["method"] == "GET" || login, "{system}: {request}");
        }
    }
    let again = text(&inventory(&installation, "wso2", &["--output", "yaml"]));
    assert!(!again.contains("kind: Policy"), "what is taken down is somebody's: {again}");

    let none = inventory(&installation, "nothing", &[]);
    assert_eq!(none.status.code(), Some(1));
    let said = String::from_utf8_lossy(&none.stderr).into_owned();
    assert!(said.contains(&format!("there is no Backend/{team}/nothing")), "{said}");
    let blind = inventory(&installation, "appshield", &[]);
    let said = String::from_utf8_lossy(&blind.stderr).into_owned();
    assert_eq!(blind.status.code(), Some(1));
    assert!(said.contains("which lists nothing"), "{said}");
}
