//! F38 to F40, R13: a store that is damaged, taken or full, tried with the built binary.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::support::{Installation, eventually, kubectl, pages::scrape};

const ASSIGNMENT: &str = "phone-baseline-engineers";

/// An installation whose baseline is in force; the operator runs.
fn in_force(name: &str) -> Installation {
    let installation = Installation::new(name);
    installation.apply(&include_str!("../../examples/wso2-baseline.yaml").replace("ordain-demo", name));
    installation.wait_ready("policyassignment", ASSIGNMENT);
    installation
}

/// Methods and paths of what may have changed something since a mark.
fn effects(installation: &Installation, mark: u64) -> Vec<String> {
    let requests = installation.sandbox.requests("wso2", mark);
    let text = |request: &Value, member: &str| request[member].as_str().unwrap_or_default().to_owned();
    requests
        .iter()
        .map(|request| format!("{} {}", text(request, "method"), text(request, "path")))
        .filter(|call| !call.starts_with("GET") && !call.contains("token") && !call.contains("register"))
        .collect()
}

/// Files beside the store that were put aside.
fn aside(store: &Path) -> Vec<String> {
    let files = fs::read_dir(store.parent().unwrap()).unwrap();
    let names = files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.contains("corrupt")).collect()
}

#[test]
fn a_damaged_store_is_put_aside_and_nothing_is_made_twice() {
    let mut installation = in_force("store-damaged");
    installation.stop();
    let store = installation.store();
    let mut bytes = fs::read(&store).unwrap();
    // All but the first page, which says whose file it is.
    bytes[4096..].fill(0xA5);
    fs::write(&store, bytes).unwrap();
    let mark = installation.sandbox.mark("wso2");
    installation.start();
    installation.wait_ready("policyassignment", ASSIGNMENT);
    let lost =
        || installation.get("backend", "wso2").is_some_and(|b| !b["status"]["memory"]["lost"].is_null());
    assert!(eventually(lost), "what was lost is told: {:#}", installation.get("backend", "wso2").unwrap());
    assert!(!aside(&store).is_empty(), "the damaged file is kept");
    assert_eq!(effects(&installation, mark), [""; 0], "the object was found again");
}

#[test]
fn a_second_process_over_the_same_store_stands_by_and_takes_over() {
    let mut installation = in_force("store-taken");
    let mut first = installation.start_another();
    assert!(
        eventually(|| installation.logs().contains("in use by another process")),
        "{}",
        installation.logs()
    );
    assert!(installation.operator().ended().is_none(), "it waits");
    let mark = installation.sandbox.mark("wso2");
    assert_eq!(first.terminate().code(), Some(0));
    let edit = json!({"spec": {"priority": 7}}).to_string();
    let team = installation.team.clone();
    kubectl(&["patch", "policyassignment", ASSIGNMENT, "-n", &team, "--type=merge", "-p", &edit]);
    installation.wait_ready("policyassignment", ASSIGNMENT);
    assert_eq!(effects(&installation, mark), [""; 0], "alone, its place is the same");
}

#[test]
fn metrics_are_told_while_somebody_else_has_the_store() {
    let mut installation = Installation::without_operator("store-scraped");
    let store = installation.store();
    fs::create_dir_all(store.parent().unwrap()).unwrap();
    let lock = fs::File::create(store.with_file_name("ordain.db.lock")).unwrap();
    lock.lock().unwrap();
    installation.start();
    assert!(
        eventually(|| installation.logs().contains("in use by another process")),
        "{}",
        installation.logs()
    );
    let (head, metrics) = scrape(&installation.listens(), "/metrics", "*/*");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(metrics.contains("ordain_leader 0") && metrics.contains("ordain_build_info"), "{metrics}");
    let (head, waits) = scrape(&installation.listens(), "/readyz", "*/*");
    assert!(head.starts_with("HTTP/1.1 503") && waits.contains("standing by"), "{head}: {waits}");
    drop(lock);
    installation.wait_ready("backend", "wso2");
    let leads = || scrape(&installation.listens(), "/metrics", "*/*").1.contains("ordain_leader 1");
    assert!(eventually(leads), "it took over");
}

#[test]
fn on_a_full_volume_nothing_is_sent_and_the_status_says_why() {
    let mut installation = in_force("store-full");
    installation.stop();
    let largest = fs::metadata(installation.store()).unwrap().len();
    installation.start_on_a_full_volume(largest);
    installation.wait_ready("policyassignment", ASSIGNMENT);
    let team = installation.team.clone();
    let camera = |enabled: bool| {
        let feature = json!([{"code": "CAMERA", "content": {"enabled": enabled}}]);
        let spec = json!({"content": {"wso2": {"profiles": [{"platform": "android", "features": feature}]}}});
        let patch = json!({ "spec": spec }).to_string();
        kubectl(&["patch", "policy", "phone-baseline", "-n", &team, "--type=merge", "-p", &patch]);
    };
    // Edits until the log of the store has no more room.
    let stands = || installation.condition("backend", "wso2", "Ready").unwrap_or_default().1;
    let mut enabled = false;
    let full = eventually(|| {
        enabled = !enabled;
        camera(enabled);
        stands() == "StoreUnavailable"
    });
    assert!(full, "{}", installation.logs());
    let message = installation.get("backend", "wso2").unwrap()["status"]["conditions"].to_string();
    assert!(message.contains("volume"), "{message}");
    let mark = installation.sandbox.mark("wso2");
    let renamed = json!({"spec": {"displayName": "Renamed"}}).to_string();
    kubectl(&["patch", "policy", "phone-baseline", "-n", &team, "--type=merge", "-p", &renamed]);
    std::thread::sleep(std::time::Duration::from_secs(3));
    let is_renamed = |installation: &Installation| {
        let state = installation.sandbox.state("wso2");
        state["policies"].as_array().unwrap().iter().any(|policy| policy["policyName"] == "Renamed")
    };
    assert!(!is_renamed(&installation), "what cannot be remembered is not done");
    assert_eq!(effects(&installation, mark), [""; 0], "nor is anything else");
    installation.kill();
    installation.start();
    installation.wait_ready("policyassignment", ASSIGNMENT);
    assert!(eventually(|| is_renamed(&installation)), "with room again it is done");
    installation.wait_for("backend", "wso2", "Ready", "True", None);
}
