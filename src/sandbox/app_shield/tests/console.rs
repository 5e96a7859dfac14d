//! The seed, changes by hand, and what `state` tells.

use serde_json::{Value, json};

use super::{AppShieldDouble, AppShieldOptions, Bench, CONTACTS, GROUPS, deep, named, seconds};
use crate::{
    api::AppShield,
    sandbox::{Double as _, support::TokioClock},
};

#[tokio::test(start_paused = true)]
async fn a_fresh_installation_belongs_to_others() {
    let bench = Bench::logged_out(json!({}));
    assert_eq!(bench.names(), ["Sales rows by region", "tenant-birch rows", "Trial filter"]);
    let state = bench.state();
    let sales = state["policies"].as_object().unwrap().values().next().unwrap();
    assert_eq!((&sales["createdBy"], &sales["groups"]), (&json!("1"), &json!(["17"])));
    assert!(state["policies"].as_object().unwrap().keys().all(|id| id.len() == 18), "{state}");
    assert_eq!(state["users"][bench.user("tom.okafor")]["filters"].as_array().unwrap().len(), 1);
    assert_eq!(state["counters"]["creates"], 0, "history is not counted");
    assert_eq!(state["sessions"], json!([]));
    assert_eq!(bench.double.system(), "appShield");
    let again = Bench::logged_out(json!({}));
    assert_eq!(again.state(), state, "the same clock, the same estate");
}

#[tokio::test(start_paused = true)]
async fn the_member_of_a_backend_is_one() {
    let bench = Bench::logged_out(json!({"base": "/yurbi/api"}));
    let backend = bench.double.backend("http://127.0.0.1:9");
    assert_eq!(backend["url"], "http://127.0.0.1:9/yurbi/api", "the base is part of it");
    let spec: AppShield = serde_json::from_value(backend).unwrap();
    assert!(spec.deep_save() && spec.paths() == crate::api::AppShieldPaths::default());
}

#[tokio::test(start_paused = true)]
async fn a_crowd_is_many_policies_nobody_manages() {
    let double = AppShieldDouble::crowded(AppShieldOptions::default(), TokioClock::shared(), 2_000);
    assert_eq!(double.state()["policies"].as_object().unwrap().len(), 2_003);
}

#[tokio::test(start_paused = true)]
async fn policies_are_edited_by_hand() {
    let bench = Bench::new().await;
    let id = bench.create("ours").await;
    seconds(60).await;
    bench.patch(json!({"editPolicy": [
        {"id": id, "rename": "theirs", "isActive": false, "constraints": [1], "groups": ["Sales EMEA"]},
        {"name": "Trial filter", "isActive": true, "users": ["mara.holt"]}
    ]}));
    let stored = bench.stored(&id);
    assert_eq!(
        (&stored["name"], &stored["isActive"], &stored["groups"]),
        (&json!("theirs"), &json!(false), &json!(["17"]))
    );
    assert_eq!(
        (&stored["modifiedBy"], &stored["modifiedDate"]),
        (&json!("1"), &json!("11/14/2023 11:14:20 PM"))
    );
    assert_eq!(stored["description"], "managed; ref 7c1e9a", "what is not named stays");
    let mara = bench.user("mara.holt");
    assert_eq!(bench.state()["users"][&mara]["filters"].as_array().unwrap().len(), 1);
    bench.patch(
        json!({"addPolicy": {"name": "by hand", "groups": ["16"], "constraints": [2], "isActive": true}}),
    );
    assert_eq!(bench.names().last().unwrap(), "by hand");
    bench.patch(json!({"removePolicy": [{"id": id}, {"name": "by hand"}]}));
    assert_eq!(bench.stored(&id), Value::Null);
    assert_eq!(bench.counter("updates"), 0, "nobody called");
}

#[tokio::test(start_paused = true)]
async fn groups_and_people_come_and_go() {
    for (reading, groups, users) in [("dangle", json!(["16"]), 1), ("unlinked", json!([]), 0)] {
        let bench = Bench::with(json!({"removedMembers": reading})).await;
        let tom = bench.user("tom.okafor");
        let answer = bench.save(deep(named("rows"), json!(["16"]), json!([tom]))).await;
        let id = answer["id"].as_str().unwrap().to_owned();
        bench.patch(json!({
            "addGroup": {"name": "tenant-cedar"}, "renameGroup": {"group": "11", "name": "tenant-elm"},
            "removeGroup": {"group": "tenant-acme"}, "removeUser": {"user": "tom.okafor"},
            "addUser": {"login": "kim.reyes", "groups": ["tenant-cedar"]}
        }));
        let listed = bench.ask(GROUPS, json!({})).await.to_string();
        assert!(listed.contains("tenant-cedar") && listed.contains("tenant-elm"), "{reading}: {listed}");
        assert!(!listed.contains("tenant-acme"), "{reading}");
        let people = bench.ask(CONTACTS, json!({})).await.to_string();
        assert!(people.contains("kim.reyes") && !people.contains("tom.okafor"), "{reading}");
        let stored = bench.stored(&id);
        assert_eq!(stored["groups"], groups, "{reading}");
        assert_eq!(stored["users"].as_array().unwrap().len(), users, "{reading}");
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_are_rotated_under_a_living_session() {
    let bench = Bench::new().await;
    let old = bench.login_body();
    bench.patch(json!({"passwords": {"policy-operator": "Autumn-Ferry-77"}}));
    assert!(bench.is_valid().await, "the session lives on");
    assert_eq!(bench.call(super::LOGIN, &old).await.1["ErrorCode"], 101);
    assert_eq!(bench.double.credentials()["password"], "Autumn-Ferry-77");
    bench.log_in().await;
}

#[tokio::test(start_paused = true)]
async fn a_wrong_change_names_the_culprit_and_changes_nothing() {
    let bench = Bench::logged_out(json!({}));
    let before = bench.state();
    for (why, change, named) in [
        ("no such change", json!({"paint": 1}), "paint"),
        ("no such option", json!({"options": {"paint": 1}}), "paint"),
        ("no such policy", json!({"editPolicy": {"name": "none", "rename": "x"}}), "none"),
        ("no such id", json!({"removePolicy": {"id": "7"}}), "7"),
        ("two of that name", json!({"removeGroup": {"group": "Contractors"}}), "Contractors"),
        ("an id twice", json!({"addGroup": {"name": "x", "id": "16"}}), "16"),
        ("a login twice", json!({"addUser": {"login": "mara.holt"}}), "mara.holt"),
        ("no such user", json!({"passwords": {"nobody": "x"}}), "nobody"),
        (
            "the second of two",
            json!({"addGroup": {"name": "first"}, "removeGroup": {"group": "second"}}),
            "second",
        ),
    ] {
        let problem = bench.double.patch_state(change).unwrap_err();
        assert!(problem.contains(named), "{why}: {problem}");
        assert_eq!(bench.state(), before, "{why}");
    }
}
