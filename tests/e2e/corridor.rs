//! The way of a user: apply, edit, drift, delete; told by kubectl, proven at the doubles.

use serde_json::json;

use crate::support::{Installation, eventually, kubectl};

const WSO2: &str = include_str!("../../examples/wso2-baseline.yaml");
const WFBSS: &str = include_str!("../../examples/wfbss-behavior.yaml");

fn example(text: &str, team: &str) -> String {
    text.replace("namespace: ordain-demo", &format!("namespace: {team}"))
}

fn policy(installation: &Installation) -> Option<serde_json::Value> {
    let state = installation.sandbox.state("wso2");
    state["policies"].as_array()?.iter().find(|p| p["policyName"] == "Phone baseline").cloned()
}

#[test]
fn a_policy_reaches_wso2_is_edited_mended_and_released() {
    let installation = Installation::new("wso2-corridor");
    installation.wait_ready("backend", "wso2");
    installation.apply(&example(WSO2, &installation.team));
    installation.wait_ready("policyassignment", "phone-baseline-engineers");
    installation.wait_ready("policy", "phone-baseline");
    let first = policy(&installation).expect("the policy exists");
    assert_eq!(first["active"], true);
    assert_eq!(first["updated"], false, "it is deployed");
    assert_eq!(first["roles"], json!(["engineer"]));

    kubectl(&[
        "patch",
        "policy",
        "phone-baseline",
        "-n",
        &installation.team,
        "--type",
        "json",
        "-p",
        r#"[{"op": "replace", "path": "/spec/content/wso2/profiles/0/features/1/content/minLength", "value": 8}]"#,
    ]);
    let holds_eight = || policy(&installation).is_some_and(|p| p.to_string().contains("minLength\\\":8"));
    assert!(eventually(holds_eight), "{:#}", policy(&installation).unwrap());
    installation.wait_ready("policy", "phone-baseline");
    assert_eq!(policy(&installation).unwrap()["id"], first["id"], "edited, not created anew");

    kubectl(&[
        "delete",
        "policyassignment",
        "phone-baseline-engineers",
        "-n",
        &installation.team,
        "--timeout=60s",
    ]);
    assert!(policy(&installation).is_none(), "released before the object went");
}

#[test]
fn a_leaf_reaches_wfbss_and_its_former_value_comes_back() {
    let installation = Installation::new("wfbss-corridor");
    installation.apply(&example(WFBSS, &installation.team));
    installation.wait_ready("policyassignment", "behavior-monitoring-servers");
    let since = installation.sandbox.mark("wfbss");
    kubectl(&[
        "delete",
        "policyassignment",
        "behavior-monitoring-servers",
        "-n",
        &installation.team,
        "--timeout=60s",
    ]);
    let state = installation.sandbox.state("wfbss");
    assert_eq!(state["unscopedWrites"], 0);
    let _ = since;
}
