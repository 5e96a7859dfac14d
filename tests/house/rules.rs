//! Every case of the table, decided by the code alone: the last line of defence says what the API server says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use ordain::api::{Backend, ClusterBackend, Policy, PolicyAssignment, TargetGroup, validate};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cases::{self, Case, Expect, Update};

fn decode<K: DeserializeOwned>(object: &Value) -> Result<K, Vec<String>> {
    serde_json::from_value(object.clone()).map_err(|error| vec![error.to_string()])
}

fn verdict(object: &Value) -> Result<(), Vec<String>> {
    let found = match object["kind"].as_str().unwrap() {
        "Policy" => validate::policy(&decode::<Policy>(object)?),
        "PolicyAssignment" => validate::assignment_spec(&decode::<PolicyAssignment>(object)?.spec),
        "TargetGroup" => validate::target_group_spec(&decode::<TargetGroup>(object)?.spec),
        "Backend" => validate::backend_spec(&decode::<Backend>(object)?.spec),
        "ClusterBackend" => validate::cluster_backend_spec(&decode::<ClusterBackend>(object)?.spec),
        kind => panic!("no kind {kind}"),
    };
    if found.is_empty() { Ok(()) } else { Err(found.iter().map(ToString::to_string).collect()) }
}

fn update_verdict(update: &Update) -> Vec<validate::Invalid> {
    match update.old["kind"].as_str().unwrap() {
        "Policy" => {
            let specs = [&update.old, &update.new].map(|object| decode::<Policy>(object).unwrap().spec);
            validate::policy_update(&specs[0], &specs[1])
        }
        "PolicyAssignment" => {
            let specs =
                [&update.old, &update.new].map(|object| decode::<PolicyAssignment>(object).unwrap().spec);
            validate::assignment_update(&specs[0], &specs[1])
        }
        "Backend" => {
            let specs = [&update.old, &update.new].map(|object| decode::<Backend>(object).unwrap().spec);
            validate::backend_update(&specs[0], &specs[1])
        }
        kind => panic!("no kind {kind}"),
    }
}

#[test]
fn code_decides_as_the_schema_does() {
    let wrong: Vec<String> = cases::all()
        .iter()
        // A field we do not know is pruned or refused by the API server; the code never sees it.
        .filter(|case| !matches!(case.expect, Expect::Refuse(text) if text.starts_with("unknown field")))
        .filter_map(|Case { why, object, expect }| {
            let verdict = verdict(object);
            let good = verdict.is_ok() == matches!(expect, Expect::Accept);
            (!good).then(|| format!("{why}: expected {expect:?}, code says {verdict:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn code_decides_about_updates_as_the_schema_does() {
    let wrong: Vec<String> = cases::updates()
        .iter()
        .filter_map(|update| {
            let found = update_verdict(update);
            let good = found.is_empty() == matches!(update.expect, Expect::Accept);
            (!good).then(|| format!("{}: expected {:?}, code says {found:?}", update.why, update.expect))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_case_has_a_reason_of_its_own() {
    let mut reasons: Vec<&str> = cases::all().iter().map(|case| case.why).collect();
    let all = reasons.len();
    reasons.sort_unstable();
    reasons.dedup();
    assert_eq!(reasons.len(), all, "two cases give the same reason");
    assert!(all >= 80, "{all} cases");
}
