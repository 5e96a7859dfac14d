//! WFBSS stories: claims per leaf, former values, tasks.

mod copies;
mod crash;
mod estate;
mod guard;
mod overlap;
mod packing;
mod reach;
mod refused;
mod release;
mod restart;
mod secrets;
mod seed;
mod tasks;
mod trouble;

use ordain::{
    api::Reason,
    report::facts::Standing,
    sandbox::wfbss::{WfbssDouble, WfbssOptions},
};
use serde_json::{Value, json};

use crate::support::{rig::Rig, systems::wfbss as rig};

pub const CUSTOMER: &str = "640FE47F-5118-4D79-8221-A35D0DE2EE2C";

/// A Backend whose writes become tasks.
fn with_tasks() -> Rig {
    let rig = rig();
    set_system(&rig, "execution", json!("Async"));
    rig
}

/// Sets a member of `spec.system.wfbss`.
fn set_system(rig: &Rig, member: &str, value: Value) {
    rig.edit_system(|system| system[member] = value);
}

fn fault(rig: &Rig, fault: &Value) {
    rig.vendors.of("wfbss").add_fault(fault).unwrap();
}

pub fn settings(settings: &Value) -> Value {
    json!({"content": {"wfbss": {"documents": [{"os": "win", "settings": settings}]}}})
}

pub fn to_servers(more: &Value) -> Value {
    let mut assignment = json!({"targets": {"include": [{"wfbss": {"customers": [
        {"id": CUSTOMER, "groups": [{"name": "Server (Default)"}]}]}}]}});
    assignment.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    assignment
}

/// The double's state, and that no write ever reached further than it named.
fn state(rig: &Rig) -> Value {
    let state = rig.state("wfbss");
    assert_eq!(state["unscopedWrites"], 0);
    assert_eq!(state["ungroupedWrites"], 0);
    for call in effects(rig) {
        assert!(["cids=", "gids=", "os="].iter().all(|scope| call.contains(scope)), "{call}");
        assert!(!["cids=&", "gids=&", "os=&"].iter().any(|empty| call.contains(empty)), "{call}");
    }
    state
}

fn effects(rig: &Rig) -> Vec<String> {
    rig.vendors.effects("wfbss")
}

fn document(rig: &Rig) -> Value {
    state(rig)["customers"][CUSTOMER]["groups"]["2"]["policies"]["win"].clone()
}

fn level(rig: &Rig) -> Value {
    document(rig)["wtp"]["level"].clone()
}

/// The bodies of all writes so far.
fn bodies(rig: &Rig) -> Vec<Value> {
    let seen = rig.vendors.of("wfbss").recorder().since(0);
    seen.into_iter().filter(|seen| seen.method == "PUT").map(|seen| seen.body).collect()
}

/// By hand, in the console, on the document of the stories.
fn set_by_hand(rig: &Rig, path: &str, value: Value) {
    rig.by_hand(
        "wfbss",
        json!({"set": {"customer": CUSTOMER, "group": 2, "os": "win", "path": path, "value": value}}),
    );
}

/// Includes of one customer's groups, by name.
fn groups_of(customer: &str, groups: &[&str]) -> Value {
    let groups: Vec<Value> = groups.iter().map(|name| json!({"name": name})).collect();
    json!({"include": [{"wfbss": {"customers": [{"id": customer, "groups": groups}]}}]})
}

fn stalled(rig: &Rig, name: &str) -> Option<(Reason, String)> {
    match rig.cluster.standing(name) {
        Some(Standing::Stalled(reason, message)) => Some((reason, message)),
        _ => None,
    }
}

fn monitoring(rig: &Rig) -> Value {
    document(rig)["behavior_monitoring"]["enabled"].clone()
}

#[tokio::test(start_paused = true)]
async fn only_named_leaves_are_sent_and_restore_brings_their_former_values_back() {
    let mut rig = rig();
    let former = document(&rig);
    rig.assign(
        "one",
        settings(&json!({"behavior_monitoring": {"enabled": 0}, "wtp": {"level": 3}})),
        to_servers(&json!({"releasePolicy": "Restore"})),
    );
    rig.start();
    rig.pass(60).await;
    assert_eq!(monitoring(&rig), 0);
    assert_eq!(document(&rig)["wtp"]["level"], 3);
    assert_eq!(document(&rig)["firewall"], former["firewall"]);
    rig.assign(
        "one",
        settings(&json!({"behavior_monitoring": {"enabled": 0}})),
        to_servers(&json!({"releasePolicy": "Restore"})),
    );
    rig.pass(60).await;
    assert_eq!(document(&rig)["wtp"]["level"], former["wtp"]["level"], "a dropped leaf is restored");
    rig.delete("one");
    rig.pass(60).await;
    assert_eq!(document(&rig), former);
    assert!(!rig.cluster.exists("one"));
}

#[tokio::test(start_paused = true)]
async fn restore_leaves_alone_what_is_no_longer_ours() {
    let mut rig = rig();
    rig.assign(
        "one",
        settings(&json!({"wtp": {"level": 3}})),
        to_servers(&json!({"releasePolicy": "Restore"})),
    );
    rig.start();
    rig.pass(60).await;
    rig.kill().await;
    let level =
        json!({"set": {"customer": CUSTOMER, "group": 2, "os": "win", "path": "/wtp/level", "value": 1}});
    rig.by_hand("wfbss", level);
    let before = rig.vendors.effects("wfbss").len();
    rig.delete("one");
    rig.start();
    rig.pass(60).await;
    assert_eq!(document(&rig)["wtp"]["level"], 1);
    assert_eq!(rig.vendors.effects("wfbss").len(), before);
    assert!(!rig.cluster.exists("one"));
}

#[tokio::test(start_paused = true)]
async fn orphan_is_the_default_and_needs_no_call() {
    let mut rig = rig();
    rig.assign("one", settings(&json!({"wtp": {"level": 3}})), to_servers(&json!({})));
    rig.start();
    rig.pass(60).await;
    let calls = rig.vendors.calls("wfbss").len();
    rig.delete("one");
    rig.pass(60).await;
    assert_eq!(rig.vendors.calls("wfbss").len(), calls);
    assert_eq!(document(&rig)["wtp"]["level"], 3);
    assert!(!rig.cluster.exists("one"));
}

#[tokio::test(start_paused = true)]
async fn the_higher_priority_wins_and_its_end_passes_the_leaf_on() {
    let mut rig = rig();
    let former = document(&rig)["wtp"]["level"].clone();
    let restore = |priority: i32| to_servers(&json!({"releasePolicy": "Restore", "priority": priority}));
    rig.assign("low", settings(&json!({"wtp": {"level": 2}})), restore(1));
    rig.assign("high", settings(&json!({"wtp": {"level": 3}})), restore(9));
    rig.start();
    rig.pass(60).await;
    assert_eq!(document(&rig)["wtp"]["level"], 3);
    let low = rig.cluster.facts("low").pop().unwrap();
    assert_eq!(low.overridden.len(), 1, "{:?}", low.overridden);
    assert!(low.overridden[0].contains("/wtp/level") && low.overridden[0].contains("high"));
    rig.delete("high");
    rig.pass(60).await;
    assert_eq!(document(&rig)["wtp"]["level"], 2, "the next claim, not the former value");
    assert!(rig.cluster.facts("low").pop().unwrap().overridden.is_empty());
    rig.delete("low");
    rig.pass(60).await;
    assert_eq!(document(&rig)["wtp"]["level"], former, "the former value after the last");
}

#[tokio::test(start_paused = true)]
async fn equals_that_disagree_change_nothing_that_stands() {
    let mut rig = rig();
    rig.assign("first", settings(&json!({"wtp": {"level": 2}})), to_servers(&json!({})));
    rig.start();
    rig.pass(60).await;
    let before = rig.vendors.effects("wfbss").len();
    rig.assign("second", settings(&json!({"wtp": {"level": 3}})), to_servers(&json!({})));
    rig.pass(120).await;
    assert_eq!(document(&rig)["wtp"]["level"], 2);
    assert_eq!(rig.vendors.effects("wfbss").len(), before);
    assert_eq!(rig.cluster.standing("first"), Some(Standing::InStep));
    assert!(matches!(rig.cluster.standing("second"), Some(Standing::Stalled(Reason::ConflictingValue, _))));
}

#[tokio::test(start_paused = true)]
async fn a_task_is_seen_going_by_and_proven_by_reading() {
    let mut rig = with_tasks();
    rig.assign("one", settings(&json!({"wtp": {"level": 3}})), to_servers(&json!({})));
    rig.start();
    rig.pass(120).await;
    assert_eq!(document(&rig)["wtp"]["level"], 3);
    let told: Vec<_> = rig.cluster.facts("one").into_iter().map(|facts| facts.standing).collect();
    assert!(
        matches!(told.first(), Some(Standing::Working(Reason::TaskPending | Reason::TaskStarted, _))),
        "{told:?}"
    );
    assert_eq!(told.last(), Some(&Standing::InStep));
    assert_eq!(told.len(), 2, "a task is worth one more report: {told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_task_that_never_ends_is_overdue_and_resent_within_the_hour() {
    let mut rig = with_tasks();
    let fault = json!({"kind": "taskOutcome", "outcome": "never", "times": 1});
    rig.vendors.of("wfbss").add_fault(&fault).unwrap();
    rig.assign("one", settings(&json!({"wtp": {"level": 3}})), to_servers(&json!({})));
    rig.start();
    rig.pass(14 * 60).await;
    assert_eq!(rig.vendors.effects("wfbss").len(), 1, "nothing else is written meanwhile");
    rig.pass(3 * 60).await;
    assert!(
        matches!(rig.cluster.standing("one"), Some(Standing::Stalled(Reason::TaskOverdue, _))),
        "{:?}",
        rig.cluster.standing("one")
    );
    rig.pass(70 * 60).await;
    let effects = rig.vendors.effects("wfbss");
    assert_eq!(effects.len(), 2, "{effects:?}");
    assert!(effects[1].contains("sync=true"), "{effects:?}");
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep));
}

#[tokio::test(start_paused = true)]
async fn a_value_that_does_not_stay_is_told_after_three_writes() {
    let mut rig = rig();
    rig.by_hand("wfbss", json!({"options": {"unknownKeys": "drop"}}));
    rig.assign("one", settings(&json!({"wtp": {"nonsense": 1}})), to_servers(&json!({})));
    rig.start();
    rig.pass(1200).await;
    assert_eq!(rig.vendors.effects("wfbss").len(), 3, "{:#?}", rig.vendors.calls("wfbss"));
    assert!(
        matches!(rig.cluster.standing("one"), Some(Standing::Stalled(Reason::WriteNotSticking, _))),
        "{:?}",
        rig.cluster.standing("one")
    );
}

#[tokio::test(start_paused = true)]
async fn another_account_behind_the_same_url_stops_everything_until_accepted() {
    let mut rig = rig();
    rig.assign("one", settings(&json!({"wtp": {"level": 2}})), to_servers(&json!({})));
    rig.start();
    rig.pass(60).await;
    let ids: Vec<String> = rig.state("wfbss")["customers"].as_object().unwrap().keys().cloned().collect();
    for id in ids {
        rig.by_hand("wfbss", json!({"removeCustomer": {"customer": id}}));
    }
    rig.by_hand(
        "wfbss",
        json!({"addCustomer": {"id": "11111111-2222-4333-8444-555555555555", "name": "Somebody Else"}}),
    );
    let before = rig.vendors.effects("wfbss").len();
    rig.pass(2 * 1800).await;
    assert_eq!(rig.vendors.effects("wfbss").len(), before);
    let told = rig.cluster.backend_facts().pop().unwrap().standing;
    assert!(
        matches!(told, ordain::report::facts::BackendStanding::Stalled(Reason::AccountChanged, _)),
        "{told:?}"
    );
}
