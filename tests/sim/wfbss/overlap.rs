//! R12: several assignments on one document.

use super::*;

fn at(priority: i32, more: &Value) -> Value {
    let mut assignment = to_servers(&json!({"priority": priority}));
    assignment.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    assignment
}

fn wants(level: u8) -> Value {
    settings(&json!({"wtp": {"level": level}}))
}

fn is_conflict(rig: &Rig, name: &str) -> bool {
    stalled(rig, name).is_some_and(|(reason, _)| reason == Reason::ConflictingValue)
}

#[tokio::test(start_paused = true)]
async fn equals_that_both_want_something_new_write_nothing() {
    let mut rig = rig();
    rig.assign("first", wants(2), at(5, &json!({})));
    rig.assign("second", wants(3), at(5, &json!({})));
    rig.start();
    rig.pass(120).await;
    assert_eq!((level(&rig), effects(&rig).len()), (json!(1), 0));
    assert!(is_conflict(&rig, "first") && is_conflict(&rig, "second"));
    rig.assign("second", wants(3), at(6, &json!({})));
    rig.pass(60).await;
    assert_eq!(level(&rig), 3);
    assert_eq!(rig.cluster.standing("second"), Some(Standing::InStep));
    assert_eq!(rig.cluster.standing("first"), Some(Standing::InStep));
    assert_eq!(rig.cluster.facts("first").pop().unwrap().overridden.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn equal_values_of_equals_are_one() {
    let mut rig = rig();
    rig.assign("first", wants(3), at(5, &json!({})));
    rig.assign("second", wants(3), at(5, &json!({})));
    rig.start();
    rig.pass(60).await;
    assert_eq!((level(&rig), effects(&rig).len()), (json!(3), 1));
    for name in ["first", "second"] {
        assert_eq!(rig.cluster.standing(name), Some(Standing::InStep));
        assert!(rig.cluster.facts(name).pop().unwrap().overridden.is_empty());
    }
}

/// Overlaps are known after a restart without reading anything.
#[tokio::test(start_paused = true)]
async fn a_restart_still_knows_who_is_overridden_and_who_conflicts() {
    let mut rig = rig();
    rig.assign("low", wants(2), at(1, &json!({})));
    rig.assign("high", wants(3), at(9, &json!({})));
    rig.assign("rival", wants(2), at(9, &json!({})));
    rig.start();
    rig.pass(20).await;
    rig.assign("rival", settings(&json!({"firewall": {"level": 3}})), at(9, &json!({})));
    rig.pass(60).await;
    assert_eq!(level(&rig), 3);
    rig.assign("rival", wants(2), at(9, &json!({})));
    rig.pass(60).await;
    assert!(is_conflict(&rig, "rival"), "{:?}", rig.cluster.standing("rival"));
    rig.kill().await;
    let calls = rig.vendors.calls("wfbss").len();
    rig.start();
    rig.pass(60).await;
    assert_eq!(rig.vendors.calls("wfbss").len(), calls);
    assert!(is_conflict(&rig, "rival"), "{:?}", rig.cluster.standing("rival"));
    assert_eq!(rig.cluster.facts("low").pop().unwrap().overridden.len(), 1);
    assert_eq!(rig.cluster.standing("high"), Some(Standing::InStep));
}

/// Whoever no longer names the document has no conflict in it.
#[tokio::test(start_paused = true)]
async fn a_conflict_ends_with_the_target() {
    let mut rig = rig();
    rig.assign("first", wants(2), at(5, &json!({})));
    rig.start();
    rig.pass(60).await;
    let both = json!({"targets": groups_of(CUSTOMER, &["Device (Default)", "Server (Default)"])});
    rig.assign("second", wants(3), at(5, &both));
    rig.pass(60).await;
    assert!(is_conflict(&rig, "second"));
    rig.assign("second", wants(3), at(5, &json!({"targets": groups_of(CUSTOMER, &["Device (Default)"])})));
    rig.pass(60).await;
    assert_eq!(rig.cluster.standing("second"), Some(Standing::InStep));
}

#[tokio::test(start_paused = true)]
async fn a_suspended_claim_keeps_its_place_and_an_observed_one_has_none() {
    let mut rig = rig();
    rig.assign("high", wants(3), at(9, &json!({})));
    rig.start();
    rig.pass(60).await;
    rig.assign("high", wants(3), at(9, &json!({"suspend": true})));
    rig.assign("low", wants(2), at(1, &json!({})));
    rig.pass(120).await;
    assert_eq!((level(&rig), effects(&rig).len()), (json!(3), 1), "a suspended claim counts");
    assert_eq!(rig.cluster.facts("low").pop().unwrap().overridden.len(), 1);
    set_by_hand(&rig, "/wtp/level", json!(1));
    rig.pass(3600).await;
    assert_eq!((level(&rig), effects(&rig).len()), (json!(1), 1), "and is not pushed");
    rig.assign("high", wants(3), at(9, &json!({"mode": "Observe"})));
    rig.pass(120).await;
    assert_eq!(level(&rig), 2, "an observer claims nothing");
    assert!(rig.cluster.facts("low").pop().unwrap().overridden.is_empty());
    assert_eq!(rig.cluster.standing("high"), Some(Standing::Observing));
}
