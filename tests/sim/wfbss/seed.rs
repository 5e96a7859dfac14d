//! R27: another group's document is copied first, once.

use super::*;

/// `replicateFrom` the customer's device group, which has other values than its server group.
fn copying(revision: i32, settings: &Value) -> Value {
    json!({"content": {"wfbss": {"documents": [{"os": "win", "settings": settings,
        "replicateFrom": {"customer": CUSTOMER, "group": "1", "revision": revision}}]}}})
}

fn one(rig: &Rig, revision: i32, level: u8) {
    rig.assign("one", copying(revision, &json!({"wtp": {"level": level}})), to_servers(&json!({})));
}

fn is_copy(body: &Value) -> bool {
    body.get("replicate_from").is_some()
}

fn copies(rig: &Rig) -> usize {
    bodies(rig).iter().filter(|body| is_copy(body)).count()
}

fn source(rig: &Rig) -> Value {
    state(rig)["customers"][CUSTOMER]["groups"]["1"]["policies"]["win"].clone()
}

/// The source with the settings on top.
fn expected(rig: &Rig, level: u8) -> Value {
    let mut expected = source(rig);
    expected["wtp"]["level"] = level.into();
    expected
}

#[tokio::test(start_paused = true)]
async fn a_copy_goes_before_the_settings_as_a_call_of_its_own_and_once() {
    let mut rig = rig();
    set_by_hand(&rig, "/firewall/level", json!(1));
    one(&rig, 0, 3);
    rig.start();
    rig.pass(60).await;
    assert_eq!(document(&rig), expected(&rig, 3));
    let sent = bodies(&rig);
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert_eq!(sent[0], json!({"replicate_from": {"cid": CUSTOMER, "gid": 1}}));
    assert_eq!(sent[1], json!({"policy": {"wtp": {"level": 3}}}));
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep));
    set_by_hand(&rig, "/firewall/level", json!(3));
    one(&rig, 0, 2);
    rig.pass(2 * 1800).await;
    rig.kill().await;
    rig.start();
    rig.pass(2 * 1800).await;
    assert_eq!((copies(&rig), level(&rig)), (1, json!(2)), "once per revision, over edits and restarts");
    assert_eq!(document(&rig)["firewall"]["level"], 3, "what came later stays");
    one(&rig, 1, 2);
    rig.pass(60).await;
    assert_eq!((copies(&rig), document(&rig)), (2, expected(&rig, 2)));
    one(&rig, 0, 2);
    rig.pass(60).await;
    assert_eq!(copies(&rig), 2, "an older revision is none");
}

/// Settings that stand already keep no copy from being made.
#[tokio::test(start_paused = true)]
async fn a_copy_alone_is_made_once() {
    let mut rig = rig();
    let policy = json!({"content": {"wfbss": {"documents": [{"os": "win",
        "replicateFrom": {"customer": CUSTOMER, "group": "1", "revision": 0}}]}}});
    rig.assign("one", policy, to_servers(&json!({})));
    rig.start();
    rig.pass(60).await;
    assert_eq!((copies(&rig), effects(&rig).len()), (1, 1));
    assert_eq!(document(&rig), source(&rig));
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep));
    rig.pass(3 * 1800 - 600).await;
    assert_eq!(effects(&rig).len(), 1);
    let calls = rig.vendors.calls("wfbss").len();
    rig.delete("one");
    rig.pass(60).await;
    assert!(!rig.cluster.exists("one"));
    assert_eq!(rig.vendors.calls("wfbss").len(), calls);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_taken_back_needs_orphan() {
    let mut rig = rig();
    rig.assign(
        "one",
        copying(0, &json!({"wtp": {"level": 3}})),
        to_servers(&json!({"releasePolicy": "Restore"})),
    );
    rig.start();
    rig.pass(60).await;
    assert!(effects(&rig).is_empty());
    assert_eq!(stalled(&rig, "one").map(|(reason, _)| reason), Some(Reason::SeedNeedsOrphan));
}

/// The answer is lost: it may have been copied, and what was changed since must not be undone.
#[tokio::test(start_paused = true)]
async fn a_copy_whose_answer_is_lost_is_not_made_again() {
    for kind in ["dropAfter", "dropBefore"] {
        let mut rig = rig();
        fault(&rig, &json!({"kind": kind, "match": {"method": "PUT"}, "times": 1}));
        one(&rig, 0, 3);
        rig.start();
        rig.pass(600).await;
        assert_eq!(
            (copies(&rig), level(&rig)),
            (1, json!(3)),
            "{kind}: the settings are applied all the same"
        );
        let (reason, message) = stalled(&rig, "one").expect("stalled");
        assert!(reason == Reason::SeedUnknown && message.contains("revision"), "{message}");
        rig.kill().await;
        rig.start();
        rig.pass(600).await;
        assert_eq!(stalled(&rig, "one").map(|(reason, _)| reason), Some(Reason::SeedUnknown));
        one(&rig, 1, 3);
        rig.pass(60).await;
        assert_eq!((copies(&rig), document(&rig)), (2, expected(&rig, 3)));
        assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep));
    }
}

/// It certainly did not happen: then it may be tried again.
#[tokio::test(start_paused = true)]
async fn a_copy_that_was_put_off_is_made_later() {
    for code in [429, 503] {
        let mut rig = rig();
        fault(&rig, &json!({"kind": "status", "code": code, "match": {"method": "PUT"}, "times": 1}));
        one(&rig, 0, 3);
        rig.start();
        rig.pass(900).await;
        assert_eq!((copies(&rig), document(&rig)), (2, expected(&rig, 3)), "{code}");
        assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep), "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_lost_store_nothing_is_copied_again() {
    let mut rig = rig();
    one(&rig, 0, 3);
    rig.start();
    rig.pass(60).await;
    set_by_hand(&rig, "/firewall/level", json!(3));
    rig.kill().await;
    rig.lose_store();
    rig.start();
    for _ in 0..2 {
        rig.pass(1800).await;
        assert_eq!((copies(&rig), document(&rig)["firewall"]["level"].clone()), (1, json!(3)));
        assert_eq!(stalled(&rig, "one").map(|(reason, _)| reason), Some(Reason::SeedUnknown));
        rig.kill().await;
        rig.start();
    }
    let lost = rig.cluster.backend_facts().pop().unwrap().memory_lost;
    assert_eq!(lost, ["PreImages", "SeedRevisions"]);
    one(&rig, 1, 3);
    rig.pass(60).await;
    assert_eq!(copies(&rig), 2);
    // What is new since then was certainly not copied before.
    rig.assign(
        "two",
        copying(0, &json!({"wtp": {"level": 3}})),
        json!({"targets": groups_of(CUSTOMER, &["Servers"])}),
    );
    rig.pass(60).await;
    assert_eq!(copies(&rig), 3);
    assert_eq!(rig.cluster.standing("two"), Some(Standing::InStep));
}

/// Killed at every call: copied once, or said to be unknown; never twice.
#[tokio::test(start_paused = true)]
async fn killed_at_any_call_it_is_never_copied_twice() {
    use crate::support::Moment;
    let story = |point: Option<(u64, Moment)>| async move {
        let mut rig = rig();
        one(&rig, 0, 3);
        rig.start();
        if let Some((number, moment)) = point {
            rig.gate.crash_at(number, moment);
            tokio::select! {
                () = rig.gate.crashed() => {}
                () = rig.pass(600) => {}
            }
            rig.kill().await;
            rig.start();
        }
        rig.pass(600).await;
        rig
    };
    let calls = story(None).await.gate.count();
    for number in 1..=calls {
        for moment in [Moment::Before, Moment::After] {
            let rig = story(Some((number, moment))).await;
            let standing = rig.cluster.standing("one");
            let unknown = stalled(&rig, "one").is_some_and(|(reason, _)| reason == Reason::SeedUnknown);
            assert!(copies(&rig) <= 1, "{moment:?} {number}");
            assert_eq!(level(&rig), 3, "{moment:?} {number}");
            assert!(unknown || standing == Some(Standing::InStep), "{moment:?} {number}: {standing:?}");
            assert!(unknown || document(&rig) == expected(&rig, 3), "{moment:?} {number}");
        }
    }
    println!("copy: {} points", 2 * calls);
}
