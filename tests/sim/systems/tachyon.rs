//! 1E Tachyon: members of others, hidden groups, licences, one deployment for everybody.

use ordain::{api::Reason, report::facts::Standing};
use serde_json::{Value, json};

use super::{named, reason};
use crate::support::{rig::Rig, systems::tachyon as rig};

fn policy(rules: &[&str]) -> Value {
    let rules: Vec<_> = rules.iter().map(|name| json!({"name": name})).collect();
    json!({"displayName": "USB", "description": "Off", "content": {"tachyon": {"rules": rules}}})
}

fn to(groups: &[&str]) -> Value {
    let groups: Vec<_> = groups.iter().map(|name| json!({"name": name})).collect();
    json!({"targets": {"include": [{"tachyon": {"managementGroups": groups}}]}})
}

fn groups(rig: &Rig) -> Value {
    named(rig, "tachyon", "USB").unwrap()["groups"].clone()
}

async fn started() -> Rig {
    started_with(rig()).await
}

async fn started_with(mut rig: Rig) -> Rig {
    rig.assign("one", policy(&["usb-start-type"]), to(&["Kiosks", "Pilot ring"]));
    rig.start();
    rig.settle().await;
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep), "{:#?}", rig.cluster.facts("one").pop());
    rig
}

fn never_replaced(rig: &Rig) {
    for call in rig.vendors.calls("tachyon") {
        let lower = call.to_lowercase();
        assert!(!(call.starts_with("PUT") && lower.contains("assignments")), "{call}");
        let wipes = lower.ends_with("/assignments") || lower.ends_with("/rules");
        assert!(!(call.starts_with("DELETE") && wipes), "{call}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_that_somebody_else_added_stays_and_is_counted() {
    let rig = started().await;
    rig.by_hand(
        "tachyon",
        json!({"editPolicies": [{"policy": "USB", "addGroups": ["Lyon office"]}], "deploy": true}),
    );
    rig.assign("one", policy(&["usb-start-type"]), to(&["Kiosks"]));
    rig.settle().await;
    assert_eq!(groups(&rig), json!(["Kiosks", "Lyon office"]), "ours went, theirs stays");
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep));
    assert_eq!(rig.cluster.facts("one").pop().unwrap().targets.foreign, 1);
    never_replaced(&rig);
}

#[tokio::test(start_paused = true)]
async fn while_groups_are_hidden_nothing_is_removed_and_the_policy_itself_is_not_replaced() {
    let rig = started().await;
    rig.by_hand(
        "tachyon",
        json!({"grants": [{"principal": "ordain-sandbox", "roles": [
            {"role": "Guaranteed State Administrator", "groups": ["Kiosks", "Pilot ring"]}]}]}),
    );
    let edited = json!({"displayName": "USB", "description": "Off, everywhere",
        "content": {"tachyon": {"rules": [{"name": "usb-start-type"}, {"name": "smb1-disabled"}]}}});
    let before = rig.vendors.calls("tachyon").len();
    rig.assign("one", edited, to(&["Kiosks"]));
    rig.pass(1200).await;
    let ours = named(&rig, "tachyon", "USB").unwrap();
    assert_eq!(ours["groups"], json!(["Kiosks", "Pilot ring"]), "no removal under a partial view");
    assert_eq!(ours["description"].as_str().unwrap().split(" [").next(), Some("Off"), "no PUT");
    assert!(ours["rules"].to_string().contains("smb1-disabled"), "what can be added is: {ours:#}");
    assert_eq!(reason(&rig, "one"), Some(Reason::PartialView), "{:#?}", rig.cluster.facts("one").pop());
    let calls = &rig.vendors.calls("tachyon")[before..];
    assert!(!calls.iter().any(|call| call.starts_with("PUT") || call.starts_with("DELETE")), "{calls:#?}");
    rig.delete("one");
    rig.pass(1200).await;
    assert!(named(&rig, "tachyon", "USB").is_some(), "nor is the whole taken away");
    assert!(rig.cluster.exists("one"));
    rig.let_go("one");
    rig.pass(600).await;
    assert!(!rig.cluster.exists("one"), "Orphan always lets go");
}

#[tokio::test(start_paused = true)]
async fn a_view_that_narrows_where_no_policy_shows_it_removes_nothing_either() {
    let rig = rig();
    rig.by_hand("tachyon", json!({"removePolicies": ["Windows baseline"], "deploy": true}));
    let rig = started_with(rig).await;
    let roles = json!([{"role": "Guaranteed State Administrator", "groups": [
        "Finance laptops", "Executive tablets", "Pilot ring", "Lyon office", "Kiosks"]}]);
    rig.by_hand("tachyon", json!({"grants": [{"principal": "ordain-sandbox", "roles": roles}]}));
    let sent = |rig: &Rig| {
        let calls = rig.vendors.effects("tachyon");
        calls.into_iter().filter(|call| !call.ends_with("Search")).collect::<Vec<_>>()
    };
    let (before, ours) = (sent(&rig), named(&rig, "tachyon", "USB"));
    rig.delete("one");
    rig.pass(1200).await;
    assert_eq!(named(&rig, "tachyon", "USB"), ours, "neither switched off nor removed");
    assert_eq!(sent(&rig), before);
    let said = rig.cluster.standing("one");
    let frozen = matches!(said, Some(Standing::Terminating { reason: Reason::RemovalsFrozen, .. }));
    assert!(frozen, "{said:#?}");
    let roles = json!([{"role": "Guaranteed State Administrator", "groups": ["All Devices"]}]);
    rig.by_hand("tachyon", json!({"grants": [{"principal": "ordain-sandbox", "roles": roles}]}));
    rig.pass(1200).await;
    assert!(!rig.cluster.exists("one"), "{:#?}", rig.cluster.facts("one").pop());
    assert_eq!(named(&rig, "tachyon", "USB"), None);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_licensed_stays_off_and_says_so() {
    let mut rig = rig();
    rig.assign("one", policy(&["bitlocker-system-drive"]), to(&["Kiosks"]));
    rig.start();
    rig.settle().await;
    let ours = named(&rig, "tachyon", "USB").unwrap();
    assert_eq!(ours["enabled"], false, "{ours:#}");
    assert_eq!(
        reason(&rig, "one"),
        Some(Reason::UnlicensedFragments),
        "{:#?}",
        rig.cluster.facts("one").pop()
    );
    assert!(rig.state("tachyon")["devices"]["Kiosks"]["USB"].is_null());
}

#[tokio::test(start_paused = true)]
async fn a_foreign_change_that_waits_is_not_published_by_us() {
    let rig = started().await;
    rig.by_hand("tachyon", json!({"editPolicies": [{"policy": "Browser baseline", "enabled": true}]}));
    let before = rig.vendors.calls("tachyon").len();
    rig.assign("one", policy(&["smb1-disabled"]), to(&["Kiosks", "Pilot ring"]));
    rig.pass(1200).await;
    let deploys =
        |calls: &[String]| calls.iter().filter(|call| call.ends_with("POST /Consumer/Policy")).count();
    assert_eq!(deploys(&rig.vendors.calls("tachyon")[before..]), 0);
    assert_eq!(
        reason(&rig, "one"),
        Some(Reason::ForeignPendingChanges),
        "{:#?}",
        rig.cluster.facts("one").pop()
    );
    assert!(rig.state("tachyon")["devices"]["Pilot ring"]["Browser baseline"].is_null());
    rig.by_hand(
        "tachyon",
        json!({"editPolicies": [{"policy": "Browser baseline", "enabled": false}], "deploy": true}),
    );
    rig.pass(1200).await;
    rig.settle().await;
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep), "{:#?}", rig.cluster.facts("one").pop());
    assert_eq!(rig.state("tachyon")["devices"]["Kiosks"]["USB"], json!(["smb1-disabled"]));
}

#[tokio::test(start_paused = true)]
async fn an_unlicensed_rule_added_to_what_is_on_does_not_reach_devices() {
    let rig = started().await;
    rig.assign("one", policy(&["usb-start-type", "bitlocker-system-drive"]), to(&["Kiosks", "Pilot ring"]));
    rig.pass(1200).await;
    assert_eq!(rig.state("tachyon")["devices"]["Kiosks"]["USB"], json!(["usb-start-type"]));
    assert_eq!(
        reason(&rig, "one"),
        Some(Reason::UnlicensedFragments),
        "{:#?}",
        rig.cluster.facts("one").pop()
    );
}

#[tokio::test(start_paused = true)]
async fn what_somebody_changes_right_after_our_deployment_is_not_published_by_asking_again() {
    let rig = started().await;
    rig.by_hand("tachyon", json!({"options": {"deployMs": 20_000}}));
    rig.assign("one", policy(&["smb1-disabled"]), to(&["Kiosks", "Pilot ring"]));
    let deploys =
        |rig: &Rig| rig.vendors.calls("tachyon").iter().filter(|c| *c == "POST /Consumer/Policy").count();
    let before = deploys(&rig);
    while deploys(&rig) == before {
        rig.pass(1).await;
    }
    rig.by_hand("tachyon", json!({"editPolicies": [{"policy": "Browser baseline", "enabled": true}]}));
    rig.pass(3600).await;
    assert_eq!(deploys(&rig), before + 1, "{:#?}", rig.vendors.calls("tachyon"));
    assert!(rig.state("tachyon")["devices"]["Pilot ring"]["Browser baseline"].is_null());
}

#[tokio::test(start_paused = true)]
async fn after_a_lost_store_nothing_is_ready_that_may_wait_for_a_deployment() {
    let mut rig = rig();
    rig.edit_system(|system| system["deploy"]["mode"] = "Manual".into());
    rig.assign("one", policy(&["usb-start-type"]), to(&["Kiosks"]));
    rig.start();
    rig.pass(600).await;
    assert_ne!(rig.cluster.standing("one"), Some(Standing::InStep), "nobody deployed yet");
    rig.kill().await;
    rig.lose_store();
    rig.start();
    rig.pass(600).await;
    assert_ne!(rig.cluster.standing("one"), Some(Standing::InStep), "{:#?}", rig.cluster.facts("one").pop());
    let lost = rig.cluster.backend_last().memory_lost;
    assert!(
        lost.contains(&"DeployProvenance".to_owned()) && lost.contains(&"GroupProvenance".to_owned()),
        "{lost:?}"
    );
    rig.by_hand("tachyon", json!({"deploy": true}));
    rig.pass(3600).await;
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep), "{:#?}", rig.cluster.facts("one").pop());
    assert!(!rig.cluster.backend_last().memory_lost.contains(&"DeployProvenance".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_permission_that_is_granted_later_is_noticed() {
    let mut rig = rig();
    rig.fault("tachyon", json!({"kind": "permissionRemoved", "permission": "GuaranteedState/Write"}));
    rig.assign("one", policy(&["usb-start-type"]), to(&["Kiosks"]));
    rig.start();
    rig.pass(1800).await;
    assert_eq!(reason(&rig, "one"), Some(Reason::Forbidden), "{:#?}", rig.cluster.facts("one").pop());
    rig.heal("tachyon");
    rig.pass(1800).await;
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep), "{:#?}", rig.cluster.facts("one").pop());
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_is_lost_is_asked_for_again_where_theirs_may_go_along() {
    let mut rig = rig();
    rig.edit_system(|system| system["deploy"]["foreignChanges"] = "Include".into());
    rig.fault("tachyon", json!({"kind": "deploymentLost", "times": 1}));
    rig.assign("one", policy(&["usb-start-type"]), to(&["Kiosks"]));
    rig.start();
    rig.pass(1800).await;
    rig.settle().await;
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep), "{:#?}", rig.cluster.facts("one").pop());
    assert_eq!(rig.state("tachyon")["devices"]["Kiosks"]["USB"], json!(["usb-start-type"]));
}

/// What devices have only a deployment tells, and what was deployed last nobody lists.
#[tokio::test(start_paused = true)]
async fn of_what_a_rule_is_missing_from_the_system_is_told_and_not_the_devices() {
    let rig = started().await;
    rig.by_hand("tachyon", json!({"removeRules": ["usb-start-type"]}));
    rig.pass(3600).await;
    assert_eq!(reason(&rig, "one"), Some(Reason::RuleNotFound), "{:#?}", rig.cluster.facts("one").pop());
    let told = format!("{:?}", rig.cluster.standing("one"));
    assert!(told.contains(". In the system, as seen since 2026-"), "{told}");
    assert!(told.contains("devices have what was deployed last") && !told.contains("In force"), "{told}");
}
