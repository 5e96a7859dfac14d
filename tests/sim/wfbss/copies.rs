//! R27: copies that become tasks, that are shared, that somebody else wants as well.

use super::{
    estate::{BIRCH, CEDAR, assert_in_step, last, puts, reason, rig_with},
    *,
};

fn copies(revision: u32, settings: &Value) -> Value {
    json!({"content": {"wfbss": {"documents": [{"os": "win", "settings": settings,
        "replicateFrom": {"customer": BIRCH, "group": "3", "revision": revision}}]}}})
}

/// The double with a document worth copying.
fn with_source(options: &Value) -> Rig {
    let rig = rig_with(options, |_| {});
    for (path, value) in [("/firewall/level", 3), ("/wtp/level", 2), ("/behavior_monitoring/enabled", 1)] {
        let set = json!({"customer": BIRCH, "group": 3, "os": "win", "path": path, "value": value});
        rig.by_hand("wfbss", json!({"set": set}));
    }
    rig
}

/// What each write was.
fn kinds(rig: &Rig) -> Vec<&'static str> {
    let copy = json!({"replicate_from": {"cid": BIRCH, "gid": 3}});
    puts(rig).iter().map(|put| if put.body == copy { "copy" } else { "settings" }).collect()
}

fn off() -> Value {
    json!({"behavior_monitoring": {"enabled": 0}})
}

#[tokio::test(start_paused = true)]
async fn an_assignment_made_anew_does_not_copy_anew() {
    let mut rig = with_source(&json!({}));
    rig.assign("one", copies(1, &off()), to_servers(&json!({})));
    rig.start();
    rig.pass(60).await;
    rig.delete("one");
    rig.pass(60).await;
    assert!(!rig.cluster.exists("one"));
    assert_eq!(rig.cluster.backend_last().objects[0], 0, "nothing is managed any more");
    set_by_hand(&rig, "/firewall/level", json!(1));
    rig.assign("one", copies(1, &off()), to_servers(&json!({})));
    rig.pass(60).await;
    assert_eq!(kinds(&rig), ["copy", "settings"]);
    assert_eq!(document(&rig)["firewall"]["level"], 1);
    assert_in_step(&rig, "one");
}

/// A copy that became a task is waited for: settings written before its end would be overwritten.
#[tokio::test(start_paused = true)]
async fn a_copy_may_be_a_task() {
    let mut rig = with_source(&json!({"syncWrites": "task", "taskQuery": true, "taskFinishMs": 90_000}));
    set_system(&rig, "taskPath", json!("tasks/{id}"));
    rig.assign("one", copies(1, &off()), to_servers(&json!({})));
    rig.start();
    rig.pass(60).await;
    assert_eq!(kinds(&rig), ["copy"]);
    let why = reason(&rig, "one");
    assert!(
        matches!(why, Some(Reason::TaskPending | Reason::TaskStarted)),
        "{:#?}",
        last(&rig, "one").standing
    );
    rig.pass(400).await;
    assert_eq!(kinds(&rig), ["copy", "settings"]);
    assert_eq!((document(&rig)["firewall"]["level"].clone(), monitoring(&rig)), (json!(3), json!(0)));
    assert_in_step(&rig, "one");
}

/// How far it came nobody knows, and made once more it would undo what was changed since (R27).
#[tokio::test(start_paused = true)]
async fn a_copy_whose_task_fails_is_not_made_again_by_itself() {
    let mut rig = with_source(&json!({"syncWrites": "task", "taskQuery": true}));
    set_system(&rig, "taskPath", json!("tasks/{id}"));
    rig.fault("wfbss", json!({"kind": "taskOutcome", "outcome": "FAILURE", "times": 1}));
    rig.assign("one", copies(1, &off()), to_servers(&json!({})));
    rig.start();
    rig.pass(3 * 1800).await;
    assert_eq!(kinds(&rig).iter().filter(|kind| **kind == "copy").count(), 1);
    assert_eq!(reason(&rig, "one"), Some(Reason::SeedUnknown), "{:#?}", last(&rig, "one"));
    rig.assign("one", copies(2, &off()), to_servers(&json!({})));
    rig.pass(600).await;
    assert_eq!((document(&rig)["firewall"]["level"].clone(), monitoring(&rig)), (json!(3), json!(0)));
    assert_in_step(&rig, "one");
}

/// It would be copied over the other groups, too.
#[tokio::test(start_paused = true)]
async fn nothing_is_copied_over_a_shared_document() {
    let mut rig = with_source(&json!({}));
    rig.by_hand("wfbss", json!({"shareDocument": {"customer": CUSTOMER, "os": "win", "groups": [2, 3]}}));
    rig.assign("one", copies(1, &off()), to_servers(&json!({})));
    rig.start();
    rig.pass(600).await;
    assert!(puts(&rig).is_empty());
    assert_eq!(reason(&rig, "one"), Some(Reason::SharedDocument));
}

#[tokio::test(start_paused = true)]
async fn an_observer_copies_nothing_and_the_strongest_decides() {
    let mut rig = with_source(&json!({}));
    rig.by_hand(
        "wfbss",
        json!({"set": {"customer": CEDAR, "group": 1, "os": "win", "path": "/firewall/level", "value": 1}}),
    );
    let other = json!({"content": {"wfbss": {"documents": [{"os": "win", "settings": {"wtp": {"enabled": 0}},
        "replicateFrom": {"customer": CEDAR, "group": "1", "revision": 1}}]}}});
    rig.assign("observer", other.clone(), to_servers(&json!({"mode": "Observe", "priority": 50})));
    rig.assign("weak", other, to_servers(&json!({"priority": 1})));
    rig.assign("strong", copies(1, &off()), to_servers(&json!({"priority": 9})));
    rig.start();
    rig.pass(1900).await;
    assert_eq!(kinds(&rig), ["copy", "settings"]);
    assert_eq!(document(&rig)["firewall"]["level"], 3);
    assert_eq!(rig.cluster.standing("observer"), Some(Standing::Observing));
}
