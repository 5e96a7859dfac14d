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

const SYMPHONY: &str = include_str!("../../examples/symphony-cards.yaml");
const APP_SHIELD: &str = include_str!("../../examples/app-shield-rows.yaml");

/// Policies of a double's state that bear this name, whatever follows it.
fn named(installation: &Installation, system: &str, name: &str) -> Vec<serde_json::Value> {
    let state = installation.sandbox.state(system);
    let all = state["policies"].as_object().cloned().unwrap_or_default();
    let ours = |policy: &&serde_json::Value| {
        policy["name"].as_str().is_some_and(|text| text.starts_with(name)) && policy["deleted"] != true
    };
    all.values().filter(ours).cloned().collect()
}

#[test]
fn a_policy_reaches_symphony_marked_by_its_name_and_is_released() {
    let installation = Installation::new("symphony-corridor");
    installation.apply(&example(SYMPHONY, &installation.team));
    installation.wait_ready("policyassignment", "card-numbers");
    installation.wait_ready("policy", "card-numbers");
    let policies = named(&installation, "symphony", "Card numbers~");
    let [policy] = &policies[..] else { panic!("{policies:#?}") };
    assert_eq!((&policy["active"], &policy["dictionaries"]), (&json!(true), &json!(["card-patterns"])));
    kubectl(&["delete", "policyassignment", "card-numbers", "-n", &installation.team, "--timeout=60s"]);
    assert_eq!(named(&installation, "symphony", "Card numbers~"), Vec::<serde_json::Value>::new());
}

#[test]
fn two_assignments_are_one_policy_in_app_shield_and_its_id_stands_on_them() {
    let installation = Installation::new("app-shield-corridor");
    installation.apply(&example(APP_SHIELD, &installation.team));
    for name in ["rows-by-country-sales", "rows-by-country-mara"] {
        installation.wait_ready("policyassignment", name);
    }
    let policies = named(&installation, "appShield", "Rows by country");
    let [policy] = &policies[..] else { panic!("{policies:#?}") };
    assert_eq!((&policy["isActive"], &policy["groups"]), (&json!(true), &json!(["17"])));
    let path = "jsonpath={.metadata.annotations.ordain\\.dev/external-id} \
                {.status.conditions[?(@.type==\"InSync\")].reason} {.status.objects[0].id}";
    let said =
        kubectl(&["get", "policyassignment", "rows-by-country-sales", "-n", &installation.team, "-o", path]);
    let words: Vec<_> = said.split_whitespace().collect();
    let [annotation, in_sync, id] = words[..] else { panic!("{said}") };
    assert_eq!(in_sync, "NotReadable");
    assert!(annotation.starts_with(&format!("{id}.")), "{said}");
    for name in ["rows-by-country-mara", "rows-by-country-sales"] {
        kubectl(&["delete", "policyassignment", name, "-n", &installation.team, "--timeout=60s"]);
    }
    let left = named(&installation, "appShield", "Rows by country");
    assert_eq!(
        (&left[0]["isActive"], &left[0]["groups"], &left[0]["users"]),
        (&json!(false), &json!([]), &json!([]))
    );
    assert!(!left[0]["description"].to_string().contains("[ordain:"), "it is not ours any more");
}

const TACHYON: &str = include_str!("../../examples/tachyon-usb.yaml");

#[test]
fn a_policy_reaches_devices_of_tachyon_and_leaves_them_again() {
    let installation = Installation::new("tachyon-corridor");
    installation.apply(&example(TACHYON, &installation.team));
    installation.wait_ready("policyassignment", "usb-lockdown-kiosks");
    let held = || installation.sandbox.state("tachyon")["devices"]["Kiosks"]["USB lockdown"].clone();
    assert_eq!(held(), json!(["usb-start-type"]), "Ready means deployed");
    kubectl(&[
        "delete",
        "policyassignment",
        "usb-lockdown-kiosks",
        "-n",
        &installation.team,
        "--timeout=60s",
    ]);
    assert_eq!(held(), json!(null), "devices are told before the object goes");
    assert_eq!(named(&installation, "tachyon", "USB lockdown"), Vec::<serde_json::Value>::new());
}
