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

/// Why nothing of it is sent.
fn refused(rig: &Rig) -> String {
    match rig.cluster.standing("one") {
        Some(Standing::Unresolved(_, message, _) | Standing::Stalled(_, message)) => message,
        other => panic!("{other:#?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_failover_to_a_clock_that_is_behind_it_is_looked_at_once() {
    let mut rig = rig();
    rig.assign("one", cards(), json!({}));
    rig.start();
    rig.settle().await;
    rig.by_hand("symphony", json!({"removeDictionaries": ["card-patterns"]}));
    rig.pass(45 * 60).await;
    assert_eq!(reason(&rig, "one"), Some(Reason::DictionaryNotFound));
    rig.kill().await;
    rig.clock.jump(jiff::SignedDuration::from_hours(-6));
    let before = rig.vendors.calls("symphony").len();
    rig.start();
    rig.pass(10).await;
    assert!(refused(&rig).contains("In force"), "{}", refused(&rig));
    let calls = rig.vendors.calls("symphony").split_off(before);
    assert!(calls.len() < 10, "{}: {:#?}", calls.len(), &calls[..10]);
}

#[tokio::test(start_paused = true)]
async fn what_is_in_force_is_told_when_a_dictionary_vanishes() {
    let both = policy(json!([{"name": "card-patterns"}, {"name": "project-names"}]));
    let cases = [
        (cards(), false, "Z: nothing of it, for \"Cards\" is switched off in the system: the system itself"),
        (both, true, "Z: \"Cards\" as it stands in the system, which has it switched on"),
    ];
    for (wanted, on, said) in cases {
        let mut rig = rig();
        exact(&rig);
        rig.assign("one", wanted, json!({}));
        rig.start();
        rig.settle().await;
        rig.by_hand("symphony", json!({"removeDictionaries": ["card-patterns"]}));
        let (left, sent) = (named(&rig, "symphony", "Cards").unwrap(), writes(&rig).len());
        rig.pass(45 * 60).await;
        assert_eq!(writes(&rig).split_off(sent), [""; 0], "what vanished is not sent once more");
        let facts = rig.cluster.facts("one").pop().unwrap();
        assert_eq!(reason(&rig, "one"), Some(Reason::DictionaryNotFound), "{facts:#?}");
        assert_eq!(left["active"], on);
        let message = refused(&rig);
        assert!(message.contains("no dictionary \"card-patterns\""), "{message}");
        assert!(
            message.contains(". In force, as seen since 2026-03-03T") && message.contains(said),
            "{message}"
        );
        assert_eq!(facts.objects[0].active, Some(on), "{facts:#?}");
        let in_sync = (facts.in_sync.status, facts.in_sync.reason);
        assert_eq!(in_sync, (None, Reason::DictionaryNotFound), "nobody changed a value of ours: {facts:#?}");
        rig.pass(4 * 3600).await;
        assert_eq!(named(&rig, "symphony", "Cards").unwrap(), left, "looking is all that is done");
        assert_eq!(refused(&rig), message, "and what is told has no time of each look");
        rig.by_hand("symphony", json!({"addDictionaries": [{"name": "card-patterns", "terms": ["4111"]}]}));
        rig.pass(3600).await;
        rig.settle().await;
        assert_eq!(
            rig.cluster.standing("one"),
            Some(Standing::InStep),
            "{:#?}",
            rig.cluster.facts("one").pop()
        );
        assert_eq!(named(&rig, "symphony", "Cards").unwrap()["active"], true);
    }
}

#[tokio::test(start_paused = true)]
async fn while_the_account_is_out_of_reach_nothing_is_claimed_to_be_in_force() {
    let mut rig = rig();
    rig.assign("one", cards(), json!({}));
    rig.start();
    rig.settle().await;
    rig.by_hand("symphony", json!({"removeDictionaries": ["card-patterns"]}));
    rig.pass(45 * 60).await;
    assert!(refused(&rig).contains(". In force, as seen since"), "{}", refused(&rig));
    rig.fault("symphony", json!({"kind": "dropBefore"}));
    rig.pass(2 * 3600).await;
    let (said, backend) = (refused(&rig), rig.cluster.backend_last().standing);
    assert!(said.contains("no dictionary \"card-patterns\""), "what is wrong with it is known: {said}");
    assert!(!said.contains("In force"), "{said}\n{backend:#?}");
    rig.heal("symphony");
    rig.pass(2 * 3600).await;
    assert!(refused(&rig).contains(". In force, as seen since"), "{}", refused(&rig));
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

#[tokio::test(start_paused = true)]
async fn whether_the_system_itself_switched_it_off_is_told() {
    let hands = [
        (json!({"enabled": false}), "Git says true; somebody switched it off at 20"),
        (json!({"dictionaries": []}), "Git says true; the system itself may have switched it off"),
    ];
    for (correct, (hand, said)) in [true, false].into_iter().flat_map(|c| hands.clone().map(|h| (c, h))) {
        let mut rig = rig();
        rig.edit_backend(|backend| backend.settings.correct_drift = correct);
        rig.assign("one", cards(), json!({}));
        rig.start();
        rig.settle().await;
        let made = rig.cluster.facts("one").pop().unwrap().objects;
        assert_ne!(made[0].provenance.created_by, "", "who made it stands in the status");
        let mut edit = hand;
        edit["policy"] = named(&rig, "symphony", "Cards").unwrap()["policyId"].clone();
        rig.by_hand("symphony", json!({"editPolicies": [edit]}));
        rig.pass(45 * 60).await;
        rig.settle().await;
        let facts = rig.cluster.facts("one").pop().unwrap();
        if correct {
            assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep), "{facts:#?}");
            let notes: Vec<_> = rig.cluster.events().into_iter().map(|event| event.note).collect();
            assert!(notes.iter().any(|note| note.contains(said)), "{notes:#?}");
        } else {
            assert_eq!(reason(&rig, "one"), Some(Reason::DriftDetected), "{facts:#?}");
            assert!(facts.in_sync.message.contains(said), "{facts:#?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_cannot_be_believed_is_named() {
    let mut rig = rig();
    rig.fault(
        "symphony",
        json!({"kind": "pageAnomaly", "anomaly": "countHigh", "match": {"method": "GET", "path": "/v1/dlp/policies"}}),
    );
    rig.assign("one", cards(), json!({}));
    rig.start();
    rig.pass(600).await;
    let Some(Standing::Working(reason, message)) = rig.cluster.standing("one") else {
        panic!("{:#?}", rig.cluster.facts("one").pop())
    };
    assert_eq!(reason, Reason::NotReadable);
    assert!(message.contains("the list of policies (GET /agent/v1/dlp/policies)"), "{message}");
    assert!(named(&rig, "symphony", "Cards").is_none(), "and nothing is made");
    rig.heal("symphony");
    rig.settle().await;
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep), "{:#?}", rig.cluster.facts("one").pop());
}

/// Counts of the Backend's status: objects with our mark that nobody claims.
fn orphaned(rig: &Rig) -> u32 {
    rig.cluster.backend_last().objects[3]
}

fn one(name: &str) -> Value {
    let mut policy = cards();
    policy["displayName"] = name.into();
    policy
}

#[tokio::test(start_paused = true)]
async fn a_name_that_only_looks_marked_is_somebody_elses_and_can_be_adopted() {
    let mut rig = rig();
    let theirs = json!({"name": "Cards~backup", "type": "Warn", "contentTypes": ["Messages"],
        "scopes": ["Internal"], "dictionaries": ["project-names"], "enabled": true});
    rig.by_hand("symphony", json!({"addPolicies": [theirs]}));
    let before = named(&rig, "symphony", "Cards~backup").unwrap();
    rig.assign("one", cards(), json!({}));
    rig.start();
    rig.settle().await;
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep), "{:#?}", rig.cluster.facts("one").pop());
    assert_eq!(named(&rig, "symphony", "Cards~backup").unwrap(), before, "left alone");
    assert_eq!(orphaned(&rig), 0, "not taken for one of ours");
    rig.assign("two", one("Cards~backup"), json!({"adopt": {"byName": true}}));
    rig.settle().await;
    assert_eq!(rig.cluster.standing("two"), Some(Standing::InStep), "{:#?}", rig.cluster.facts("two").pop());
    let adopted = named(&rig, "symphony", "Cards~backup").unwrap();
    assert_eq!(
        (&adopted["policyId"], &adopted["type"]),
        (&before["policyId"], &json!("Block")),
        "the same one"
    );
}

#[tokio::test(start_paused = true)]
async fn policies_of_ours_that_nobody_claims_are_counted_and_left() {
    let mut rig = rig();
    let mut other = rig.beside("another cluster");
    other.assign("theirs", one("Others"), json!({}));
    other.start();
    other.settle().await;
    rig.assign("one", cards(), json!({}));
    rig.assign("two", one("Names"), json!({}));
    rig.start();
    rig.settle().await;
    assert_eq!(orphaned(&rig), 0, "neither what is claimed nor what is another installation's");
    rig.vanish("one");
    rig.pass(4000).await;
    let left = named(&rig, "symphony", "Cards").unwrap();
    assert_eq!(orphaned(&rig), 1, "{left:#}");
    rig.kill().await;
    rig.lose_store();
    rig.start();
    rig.pass(4000).await;
    assert_eq!(orphaned(&rig), 1, "also without its store");
    assert_eq!(named(&rig, "symphony", "Cards").unwrap(), left, "left alone");
}
