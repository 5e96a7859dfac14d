//! Ends of the process, asked for or not: kill -9 at any moment, SIGTERM, a second copy.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Installation, eventually, kubectl};

/// Objects that converge while the operator is killed again and again.
const OBJECTS: usize = 200;
const KILLS: u32 = 50;

fn manifests(team: &str) -> String {
    let mut all = String::from("apiVersion: v1\nkind: List\nitems:\n");
    for n in 0..OBJECTS {
        let policy = json!({
            "apiVersion": "ordain.dev/v1alpha1", "kind": "Policy", "metadata": {"name": format!("p{n}"), "namespace": team},
            "spec": {"displayName": format!("Policy {n}"), "content": {"wso2": {"profiles": [
                {"platform": "android", "features": [{"code": "CAMERA", "content": {"enabled": n % 2 == 0}}]}]}}}});
        let assignment = json!({
            "apiVersion": "ordain.dev/v1alpha1", "kind": "PolicyAssignment",
            "metadata": {"name": format!("a{n}"), "namespace": team},
            "spec": {"policyRef": {"name": format!("p{n}")}, "backendRef": {"name": "wso2"},
                "targets": {"include": [{"wso2": {"roles": ["engineer"]}}]}}});
        all.push_str(&format!("- {policy}\n- {assignment}\n"));
    }
    all
}

fn marked(state: &Value) -> Vec<String> {
    let all = state["policies"].as_array().unwrap().iter();
    all.filter_map(|p| p["description"].as_str())
        .filter(|d| d.contains("[ordain:"))
        .map(str::to_owned)
        .collect()
}

/// Every kill comes at another moment; the sequence is the same in every run.
fn pause(kill: u32) -> Duration {
    Duration::from_millis(u64::from(kill * 7919 % 900) + 150)
}

#[test]
fn killed_at_any_moment_there_are_no_duplicates_and_no_orphans() {
    let mut installation = Installation::without_operator("kills");
    // The double takes more than the modest default, and the test is not about waiting.
    let limits = r#"{"spec": {"limits": {"requestsPerMinute": 6000, "burst": 100, "inFlight": 8}}}"#;
    kubectl(&["patch", "backend", "wso2", "-n", &installation.team, "--type", "merge", "-p", limits]);
    installation.apply_quietly(&manifests(&installation.team));
    for kill in 0..KILLS {
        installation.start_with(&["--create-settle", "5"]);
        std::thread::sleep(pause(kill));
        installation.kill();
    }
    installation.start_with(&["--create-settle", "5"]);
    let ready = || {
        let list = kubectl(&["get", "policyassignments", "-n", &installation.team, "-o", "json"]);
        let list: Value = serde_json::from_str(&list).unwrap();
        let ready = |item: &Value| {
            let conditions = item["status"]["conditions"].as_array().cloned().unwrap_or_default();
            conditions.iter().any(|c| c["type"] == "Ready" && c["status"] == "True")
        };
        list["items"].as_array().unwrap().iter().filter(|i| ready(i)).count()
    };
    assert!(eventually(|| ready() == OBJECTS), "{} of {OBJECTS} are Ready", ready());
    let mut marks = marked(&installation.sandbox.state("wso2"));
    assert_eq!(marks.len(), OBJECTS, "one object each");
    marks.sort();
    marks.dedup();
    assert_eq!(marks.len(), OBJECTS, "no mark twice");
    println!("{KILLS} kills, {OBJECTS} objects, 0 duplicates, 0 orphans");
}

#[test]
fn asked_to_end_it_does_so_in_time_and_gives_the_lease_back() {
    let mut installation = Installation::new("sigterm");
    installation.apply(&include_str!("../../examples/wso2-baseline.yaml").replace("ordain-demo", "sigterm"));
    installation.wait_ready("policyassignment", "phone-baseline-engineers");
    let start = Instant::now();
    let status = installation.stop();
    assert_eq!(status.code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    let lease = kubectl(&["get", "lease", "ordain", "-n", &installation.system, "-o", "json"]);
    let lease: Value = serde_json::from_str(&lease).unwrap();
    assert!(lease["spec"]["holderIdentity"].as_str().unwrap_or_default().is_empty(), "{lease:#}");
    assert!(lease["metadata"]["annotations"]["ordain.dev/store-epoch"].is_string());
    let mark = installation.sandbox.mark("wso2");
    installation.start();
    assert!(eventually(|| installation.logs().contains("\"asked to end\"")));
    installation.wait_ready("policyassignment", "phone-baseline-engineers");
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(installation.sandbox.requests("wso2", mark).len(), 0, "a restart in step makes no call");
}

#[test]
fn a_bad_setting_is_told_in_one_line() {
    let mut installation = Installation::without_operator("bad-setting");
    installation.start_with(&["--store", "postgres://db/ordain"]);
    assert!(eventually(|| installation.operator().ended().is_some()));
    assert_eq!(installation.operator().ended().unwrap().code(), Some(1));
    let logs = installation.logs();
    let last = logs.lines().last().unwrap_or_default();
    assert!(last.starts_with("ordain: ") && last.contains("postgres"), "{logs}");
}
