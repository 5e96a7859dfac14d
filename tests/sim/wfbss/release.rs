//! Letting go: Orphan needs no call, Restore puts back what was there, and says so where it cannot.

use super::*;

fn restoring(more: &Value) -> Value {
    let mut assignment = to_servers(&json!({"releasePolicy": "Restore"}));
    assignment.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    assignment
}

#[tokio::test(start_paused = true)]
async fn a_dropped_customer_is_left_as_it_is_or_gets_its_values_back() {
    for (policy, expected) in [("Orphan", json!(3)), ("Restore", json!(1))] {
        let mut rig = rig();
        let both = groups_of(CUSTOMER, &["Device (Default)", "Server (Default)"]);
        let more = json!({"releasePolicy": policy, "targets": both});
        rig.assign("one", settings(&json!({"wtp": {"level": 3}})), to_servers(&more));
        rig.start();
        rig.pass(60).await;
        assert_eq!(level(&rig), 3);
        let before = rig.vendors.calls("wfbss").len();
        let more = json!({"releasePolicy": policy, "targets": groups_of(CUSTOMER, &["Device (Default)"])});
        rig.assign("one", settings(&json!({"wtp": {"level": 3}})), to_servers(&more));
        rig.pass(60).await;
        assert_eq!(level(&rig), expected, "{policy}");
        let device = &state(&rig)["customers"][CUSTOMER]["groups"]["1"]["policies"]["win"]["wtp"]["level"];
        assert_eq!(*device, 3, "{policy}: the one that stays");
        let calls = rig.vendors.calls("wfbss").len() - before;
        assert_eq!(
            effects(&rig).len(),
            if policy == "Orphan" { 1 } else { 2 },
            "{policy}: {:?}",
            effects(&rig)
        );
        assert!(policy == "Restore" || calls <= 1, "{policy}: {calls} calls");
        assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep), "{policy}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_leaf_dropped_with_orphan_stays_without_a_write() {
    let mut rig = rig();
    rig.assign("one", settings(&json!({"wtp": {"level": 3, "enabled": 0}})), to_servers(&json!({})));
    rig.start();
    rig.pass(60).await;
    rig.assign("one", settings(&json!({"wtp": {"enabled": 0}})), to_servers(&json!({})));
    rig.pass(60).await;
    assert_eq!((level(&rig), effects(&rig).len()), (json!(3), 1));
    set_by_hand(&rig, "/wtp/level", json!(2));
    rig.pass(3600).await;
    assert_eq!((level(&rig), effects(&rig).len()), (json!(2), 1), "no longer ours to correct");
}

/// Nothing stood where the leaf was written: what is not known cannot be put back.
#[tokio::test(start_paused = true)]
async fn an_incomplete_restore_waits_for_a_human_and_names_the_way_out() {
    let mut rig = rig();
    rig.assign("one", settings(&json!({"wtp": {"invented": 3}})), restoring(&json!({})));
    rig.start();
    rig.pass(60).await;
    rig.delete("one");
    rig.pass(60).await;
    let Some(Standing::Terminating { stalled, reason, message }) = rig.cluster.standing("one") else {
        panic!("{:?}", rig.cluster.standing("one"))
    };
    assert!(stalled && reason == Reason::RestoreIncomplete, "{reason:?}");
    assert!(message.contains("kubectl patch policyassignment one -n team"), "{message}");
    assert!(message.contains("/wtp/invented"), "{message}");
    let (calls, told) = (rig.vendors.calls("wfbss").len(), rig.cluster.facts("one").len());
    rig.pass(1200).await;
    assert!(rig.vendors.calls("wfbss").len() - calls <= 2, "a human must act: no use in reading on and on");
    assert_eq!(rig.cluster.facts("one").len(), told);
    let calls = rig.vendors.calls("wfbss").len();
    rig.let_go("one");
    rig.pass(5).await;
    assert!(!rig.cluster.exists("one"));
    assert_eq!(rig.vendors.calls("wfbss").len(), calls, "orphan never needs a call");
    assert_eq!(effects(&rig).len(), 1);
}

/// The same for a leaf dropped from a living assignment: it is said on it.
#[tokio::test(start_paused = true)]
async fn a_dropped_leaf_that_cannot_be_restored_is_said_on_the_assignment() {
    let mut rig = rig();
    rig.assign("one", settings(&json!({"wtp": {"invented": 3, "level": 2}})), restoring(&json!({})));
    rig.start();
    rig.pass(60).await;
    rig.assign("one", settings(&json!({"wtp": {"level": 3}})), restoring(&json!({})));
    rig.pass(60).await;
    assert_eq!(level(&rig), 3, "the rest goes on");
    let (reason, message) = stalled(&rig, "one").expect("stalled");
    assert!(reason == Reason::RestoreIncomplete && message.contains("Orphan"), "{message}");
    let calls = rig.vendors.calls("wfbss").len();
    rig.pass(1200).await;
    assert!(rig.vendors.calls("wfbss").len() - calls <= 2);
    rig.assign(
        "one",
        settings(&json!({"wtp": {"level": 3}})),
        to_servers(&json!({"releasePolicy": "Orphan"})),
    );
    rig.pass(60).await;
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep));
    assert_eq!(effects(&rig).len(), 2);
}

/// What already stood as wanted was never written, and is still the former value when it is edited later.
#[tokio::test(start_paused = true)]
async fn a_value_that_stood_before_is_the_former_value() {
    let mut rig = rig();
    rig.assign("one", settings(&json!({"wtp": {"level": 1}})), restoring(&json!({})));
    rig.start();
    rig.pass(60).await;
    assert!(effects(&rig).is_empty());
    rig.assign("one", settings(&json!({"wtp": {"level": 3}})), restoring(&json!({})));
    rig.pass(60).await;
    assert_eq!(level(&rig), 3);
    rig.delete("one");
    rig.pass(60).await;
    assert_eq!(level(&rig), 1);
    assert!(!rig.cluster.exists("one"));
}

/// R13: what a lost store took is not claimed to have been restored.
#[tokio::test(start_paused = true)]
async fn after_a_lost_store_a_restore_is_incomplete_and_never_made_up() {
    for lost_before_deletion in [true, false] {
        let mut rig = rig();
        rig.assign("one", settings(&json!({"wtp": {"level": 3}})), restoring(&json!({})));
        rig.start();
        rig.pass(60).await;
        rig.kill().await;
        rig.lose_store();
        if lost_before_deletion {
            rig.start();
            rig.pass(60).await;
            rig.delete("one");
        } else {
            rig.delete("one");
            rig.start();
        }
        rig.pass(60).await;
        assert!(rig.cluster.exists("one"), "{lost_before_deletion}");
        let standing = rig.cluster.standing("one");
        assert!(
            matches!(
                standing,
                Some(Standing::Terminating { stalled: true, reason: Reason::RestoreIncomplete, .. })
            ),
            "{lost_before_deletion}: {standing:?}"
        );
        assert_eq!((level(&rig), effects(&rig).len()), (json!(3), 1));
    }
}

/// A document that came to serve other groups is not written, not even to put a value back.
#[tokio::test(start_paused = true)]
async fn a_shared_document_is_not_restored_over_others() {
    let mut rig = rig();
    rig.assign("one", settings(&json!({"wtp": {"level": 3}})), restoring(&json!({})));
    rig.start();
    rig.pass(60).await;
    rig.by_hand("wfbss", json!({"shareDocument": {"customer": CUSTOMER, "os": "win", "groups": [2, 3]}}));
    rig.delete("one");
    rig.pass(60).await;
    assert_eq!(effects(&rig).len(), 1, "{:?}", effects(&rig));
    let standing = rig.cluster.standing("one");
    assert!(
        matches!(standing, Some(Standing::Terminating { stalled: true, reason: Reason::SharedDocument, .. })),
        "{standing:?}"
    );
}

/// The former value goes back as a task, once, and the finalizer waits until it is read.
#[tokio::test(start_paused = true)]
async fn a_restore_as_a_task_is_sent_once() {
    let mut rig = with_tasks();
    rig.assign("one", settings(&json!({"wtp": {"level": 3}})), restoring(&json!({})));
    rig.start();
    rig.pass(120).await;
    assert_eq!(level(&rig), 3);
    rig.by_hand("wfbss", json!({"options": {"taskFinishMs": 120_000}}));
    rig.delete("one");
    rig.pass(60).await;
    assert!(rig.cluster.exists("one"));
    assert_eq!(effects(&rig).len(), 2, "{:?}", effects(&rig));
    rig.pass(200).await;
    assert_eq!(level(&rig), 1);
    assert!(!rig.cluster.exists("one"));
    assert_eq!(effects(&rig).len(), 2, "{:?}", effects(&rig));
}

/// A restore the system refuses rests as long as an edit would.
#[tokio::test(start_paused = true)]
async fn a_refused_restore_is_told_and_not_hammered() {
    let mut rig = rig();
    rig.assign("one", settings(&json!({"wtp": {"level": 3}})), restoring(&json!({})));
    rig.start();
    rig.pass(60).await;
    let refuse = json!({"kind": "status", "code": 400, "match": {"method": "PUT"},
        "body": {"error": {"code": "BadRequest", "message": "no"}}});
    rig.vendors.of("wfbss").add_fault(&refuse).unwrap();
    rig.delete("one");
    rig.pass(1200).await;
    assert!(effects(&rig).len() <= 3, "{:?}", effects(&rig));
    assert!(matches!(rig.cluster.standing("one"), Some(Standing::Terminating { stalled: true, .. })));
}
