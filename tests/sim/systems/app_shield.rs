//! Yurbi App Shield: what cannot be read, sent again, and ids that stand on assignments.

use ordain::{api::Reason, report::facts::Standing};
use serde_json::{Value, json};

use super::{named, reason};
use crate::support::{
    rig::Rig,
    systems::{app_shield as rig, app_shield_get},
};

fn policy() -> Value {
    json!({"displayName": "Rows", "content": {"appShield": {"constraints": [{"AppField": "Sales.Region"}]}}})
}

fn to(groups: &[&str]) -> Value {
    let groups: Vec<_> = groups.iter().map(|id| json!({"id": id})).collect();
    json!({"targets": {"include": [{"appShield": {"groups": groups}}]}})
}

fn saves(rig: &Rig) -> usize {
    rig.vendors.calls("appshield").iter().filter(|call| call.contains("SaveAppShieldPolicy")).count()
}

async fn started() -> Rig {
    let mut rig = rig();
    rig.assign("one", policy(), to(&["16"]));
    rig.start();
    rig.settle().await;
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep), "{:#?}", rig.cluster.facts("one").pop());
    rig
}

#[tokio::test(start_paused = true)]
async fn the_recorded_id_is_written_once_and_brings_the_object_back() {
    let mut rig = started().await;
    assert_eq!((rig.cluster.notes(), saves(&rig)), (1, 2), "made inert, then filled");
    rig.kill().await;
    rig.lose_store();
    rig.start();
    rig.settle().await;
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep), "{:#?}", rig.cluster.facts("one").pop());
    assert_eq!((rig.cluster.notes(), saves(&rig)), (1, 3), "sent once more, since nothing is known of it");
    assert_eq!(rig.state("appshield")["counters"]["creates"], 1);
}

/// A policy made in the console that "one" has taken over.
async fn adopted(mut rig: Rig, more: Value) -> Rig {
    rig.by_hand(
        "appshield",
        json!({"addPolicy": {"name": "Rows", "isActive": true, "groups": ["17"],
            "constraints": [{"AppField": "Sales.Region"}]}}),
    );
    let state = rig.state("appshield");
    let is_it = |(_, policy): &(&String, &Value)| policy["name"] == "Rows";
    let id = state["policies"].as_object().unwrap().iter().find(is_it).unwrap().0.clone();
    let mut assignment = to(&["16"]);
    assignment["adopt"] = json!({ "id": id });
    assignment.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let mut whole = policy();
    (whole["enabled"], whole["description"]) = (true.into(), "Taken over".into());
    rig.assign("one", whole, assignment);
    rig.start();
    rig.settle().await;
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep), "{:#?}", rig.cluster.facts("one").pop());
    rig
}

#[tokio::test(start_paused = true)]
async fn what_was_adopted_stays_so_though_the_store_is_lost() {
    let mut rig = adopted(rig(), json!({})).await;
    rig.kill().await;
    rig.lose_store();
    rig.start();
    rig.settle().await;
    let before = named(&rig, "appshield", "Rows").unwrap();
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep), "{:#?}", rig.cluster.facts("one").pop());
    rig.delete("one");
    rig.settle().await;
    assert!(!rig.cluster.exists("one"), "{:#?}", rig.cluster.facts("one").pop());
    assert_eq!(
        named(&rig, "appshield", "Rows").unwrap(),
        before,
        "Orphan is the default of what was adopted"
    );
}

#[tokio::test(start_paused = true)]
async fn what_can_be_read_no_more_is_not_emptied_by_a_restore() {
    let rig = adopted(app_shield_get(), json!({"releasePolicy": "Restore"})).await;
    let before = named(&rig, "appshield", "Rows").unwrap();
    rig.edit_system(|system| system["paths"] = json!({}));
    rig.delete("one");
    rig.settle().await;
    assert_eq!(named(&rig, "appshield", "Rows").unwrap(), before);
    let standing = rig.cluster.standing("one");
    let told = matches!(&standing, Some(Standing::Terminating { stalled: true, reason, .. }) if *reason == Reason::NotReadable);
    assert!(told, "{standing:?}");
    rig.edit_system(|system| system["paths"] = json!({"get": "/AppShield/GetPolicy"}));
    rig.pass(45 * 60).await;
    rig.settle().await;
    assert!(!rig.cluster.exists("one"), "{:#?}", rig.cluster.facts("one").pop());
    let after = named(&rig, "appshield", "Rows").unwrap();
    assert_eq!(
        (&after["groups"], &after["description"]),
        (&json!(["17"]), &json!("Rows (made in the console)")),
        "as it was before us"
    );
}

/// A refusal may pass: what is not shown for a moment is not made a second time (I2).
#[tokio::test(start_paused = true)]
async fn what_is_refused_for_a_moment_is_not_gone() {
    let mut rig = app_shield_get();
    for name in ["one", "two"] {
        let mut rows = policy();
        rows["displayName"] = name.into();
        rig.assign(name, rows, to(&["16"]));
    }
    rig.start();
    rig.settle().await;
    rig.pass(10 * 60).await;
    let made = |rig: &Rig| rig.state("appshield")["counters"]["creates"].clone();
    assert_eq!(made(&rig), 2);
    rig.by_hand("appshield", json!({"removePolicy": {"name": "one"}}));
    rig.request("one", "again");
    rig.pass(100).await;
    assert_eq!(made(&rig), 2, "so close together many refusals are one");
    rig.pass(10 * 60).await;
    assert_eq!(made(&rig), 3, "gone for good: {:#?}", rig.cluster.facts("one").pop());
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep), "{:#?}", rig.cluster.facts("one").pop());
}

#[tokio::test(start_paused = true)]
async fn an_id_that_was_not_written_here_is_not_believed() {
    let mut rig = rig();
    rig.assign("one", policy(), to(&["16"]));
    rig.edit("one", |view| view.external_id = Some("639057069300123456.aaaaaaaa.ffff".into()));
    rig.start();
    rig.settle().await;
    assert_eq!(saves(&rig), 0, "neither theirs nor a second one");
    assert_eq!(reason(&rig, "one"), Some(Reason::AdoptionRequired), "{:#?}", rig.cluster.facts("one").pop());
    rig.edit("one", |view| view.external_id = None);
    rig.request("one", "again");
    rig.settle().await;
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep), "{:#?}", rig.cluster.facts("one").pop());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_sent_again_where_that_is_wanted_and_only_there() {
    for (resend, expected) in [("Never", 2), ("Interval", 12)] {
        let rig = started().await;
        rig.edit_system(|system| system["resend"] = resend.into());
        rig.settle().await;
        rig.by_hand("appshield", json!({"editPolicy": {"name": "Rows", "groups": ["17"]}}));
        rig.pass(10 * 30 * 60 + 60).await;
        let stands = named(&rig, "appshield", "Rows").unwrap()["groups"].clone();
        let saves = saves(&rig);
        assert!(saves.abs_diff(expected) <= 2, "{resend}: {saves} saves");
        assert_eq!(stands, if resend == "Never" { json!(["17"]) } else { json!(["16"]) }, "{resend}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_only_observes_what_cannot_be_read_is_told_so() {
    let mut rig = rig();
    let mut observing = to(&["16"]);
    observing["mode"] = "Observe".into();
    rig.assign("one", policy(), observing);
    rig.start();
    rig.settle().await;
    let said = rig.cluster.facts("one").pop().unwrap();
    assert_eq!((said.in_sync.status, said.in_sync.reason), (None, Reason::NotReadable));
    assert_eq!(saves(&rig), 0);
}

#[tokio::test(start_paused = true)]
async fn to_filter_nobody_any_more_widens_access_and_is_guarded() {
    let rig = started().await;
    rig.edit_backend(|backend| backend.settings.max_removals = 0);
    let mut off = policy();
    off["enabled"] = false.into();
    rig.assign("one", off, to(&["16"]));
    rig.settle().await;
    assert_eq!(named(&rig, "appshield", "Rows").unwrap()["isActive"], true, "switching a filter off is held");
    assert!(rig.cluster.backend_last().held.is_some());
    rig.assign("one", policy(), to(&["17"]));
    rig.settle().await;
    let ours = named(&rig, "appshield", "Rows").unwrap();
    assert_eq!(ours["groups"], json!(["16", "17"]), "who is filtered stays so, who is new is added");
}

/// What an answer tells is told as what it is, too, where it stands for a read.
#[tokio::test(start_paused = true)]
async fn words_of_an_answer_are_plain_words() {
    let mut rig = rig();
    let set = json!({"/ModifiedBy/LoginName": "a\u{1b}[31mb"});
    rig.fault("appshield", json!({"kind": "rewrite", "set": set, "match": {"path": "Save"}}));
    rig.assign("one", policy(), to(&["16"]));
    rig.start();
    rig.settle().await;
    let said = rig.cluster.facts("one").pop().unwrap();
    assert_eq!(said.objects[0].provenance.modified_by, "a\\u{1b}[31mb");
}
