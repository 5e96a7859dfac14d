//! Symphony DLP: names exactly as written, and what an empty list of dictionaries does.

use ordain::{api::Reason, report::facts::Standing};
use serde_json::{Value, json};

use super::{named, reason};
use crate::support::{rig::Rig, systems::symphony as rig};

fn exact(rig: &Rig) {
    rig.edit_system(|system| system["naming"] = "Exact".into());
}

fn writes(rig: &Rig) -> Vec<String> {
    rig.vendors.effects("symphony").into_iter().filter(|call| !call.contains("authenticate")).collect()
}

fn policy(dictionaries: Value) -> Value {
    json!({"displayName": "Cards", "content": {"symphony": {
        "type": "Block", "contentTypes": ["Messages"], "scopes": ["External"], "dictionaries": dictionaries}}})
}

fn cards() -> Value {
    policy(json!([{"name": "card-patterns"}]))
}

#[tokio::test(start_paused = true)]
async fn names_stand_exactly_as_written_and_a_lost_answer_makes_no_second_one() {
    let mut rig = rig();
    exact(&rig);
    rig.fault(
        "symphony",
        json!({"kind": "dropAfter", "match": {"method": "POST", "path": "/v1/dlp/policies"}, "times": 1}),
    );
    rig.assign("one", cards(), json!({}));
    rig.start();
    rig.pass(1200).await;
    rig.settle().await;
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep), "{:#?}", rig.cluster.facts("one").pop());
    let state = rig.state("symphony");
    let same = |policy: &&Value| policy["name"] == "Cards" && policy["deleted"] == false;
    assert_eq!(state["policies"].as_object().unwrap().values().filter(same).count(), 1);
    assert_eq!(named(&rig, "symphony", "Cards").unwrap()["name"], "Cards");
    rig.kill().await;
    rig.lose_store();
    rig.start();
    rig.settle().await;
    assert_eq!(reason(&rig, "one"), Some(Reason::NameConflict), "nothing proves that it is ours");
}

#[tokio::test(start_paused = true)]
async fn a_dictionary_that_is_not_there_sends_nothing_and_takes_nothing_away() {
    let mut rig = rig();
    rig.assign("one", cards(), json!({}));
    rig.start();
    rig.settle().await;
    let (before, effects) = (named(&rig, "symphony", "Cards").unwrap(), writes(&rig).len());
    rig.assign("one", policy(json!([{"name": "card-patterns"}, {"name": "no such words"}])), json!({}));
    rig.pass(3600).await;
    assert_eq!(named(&rig, "symphony", "Cards").unwrap(), before);
    assert_eq!(writes(&rig).len(), effects, "{:#?}", writes(&rig));
    assert_eq!(reason(&rig, "one"), Some(Reason::DictionaryNotFound));
    rig.by_hand("symphony", json!({"addDictionaries": [{"name": "no such words", "terms": ["a"]}]}));
    rig.pass(3600).await;
    rig.settle().await;
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep), "{:#?}", rig.cluster.facts("one").pop());
}

#[tokio::test(start_paused = true)]
async fn an_empty_list_is_asked_for_told_and_not_fought_over() {
    let mut rig = rig();
    rig.assign("one", cards(), json!({}));
    rig.start();
    rig.settle().await;
    let mut empty = policy(json!([]));
    empty["content"]["symphony"]["allowEmptyDictionaries"] = true.into();
    rig.assign("one", empty, json!({}));
    rig.settle().await;
    let ours = named(&rig, "symphony", "Cards").unwrap();
    assert_eq!((&ours["active"], &ours["dictionaries"]), (&json!(false), &json!([])));
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep), "{:#?}", rig.cluster.facts("one").pop());
    let told = rig.cluster.facts("one").pop().unwrap().problems;
    assert!(told.iter().any(|problem| problem.message.contains("nothing")), "{told:#?}");
    let effects = writes(&rig).len();
    rig.pass(4 * 3600).await;
    assert_eq!(writes(&rig).len(), effects, "it is not switched on again and again");
}
