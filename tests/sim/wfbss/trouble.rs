//! What goes wrong at the system, and what is told of it.

use std::collections::BTreeSet;

use super::*;

/// What is said of a value that somebody changed, on a system that tells nothing of it.
const CHANGED: &str =
    "changed outside Git (the system does not tell by whom or when): /wtp/level is 1 (Git says 3)";

fn wants(level: u8) -> Value {
    settings(&json!({"wtp": {"level": level}}))
}

/// Two customers, by name.
fn both(second: &str) -> Value {
    json!({"targets": {"include": [{"wfbss": {"customers": [
        {"id": CUSTOMER, "groups": [{"name": "Server (Default)"}]},
        {"name": second, "groups": [{"name": "Server (Default)"}]}]}}]}})
}

#[tokio::test(start_paused = true)]
async fn an_unknown_customer_is_left_out_and_picked_up_when_it_appears() {
    let mut rig = rig();
    rig.assign("one", wants(3), to_servers(&both("Elm Dairy")));
    rig.start();
    rig.pass(60).await;
    assert_eq!(level(&rig), 3, "all others proceed");
    let told = rig.cluster.facts("one").pop().unwrap();
    assert!(
        matches!(told.standing, Standing::Unresolved(Reason::CustomerNotFound, _, _)),
        "{:?}",
        told.standing
    );
    assert_eq!(told.problems.len(), 1, "{:?}", told.problems);
    let id = "77777777-2222-4333-8444-555555555555";
    rig.by_hand("wfbss", json!({"addCustomer": {"id": id, "name": "Elm Dairy"}}));
    rig.pass(1900).await;
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep));
    assert_eq!(state(&rig)["customers"][id]["groups"]["2"]["policies"]["win"]["wtp"]["level"], 3);
    assert_eq!(effects(&rig).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_expired_customer_is_a_problem_and_renewed_it_is_written() {
    let mut rig = rig();
    rig.assign("one", wants(3), to_servers(&both("Dogwood Books")));
    rig.start();
    rig.pass(60).await;
    let told = rig.cluster.facts("one").pop().unwrap();
    assert_eq!(told.problems.iter().map(|p| p.reason).collect::<Vec<_>>(), [Reason::CustomerExpired]);
    assert!(told.problems[0].target.contains("Dogwood Books"), "{:?}", told.problems);
    assert_eq!((level(&rig), effects(&rig).len()), (json!(3), 1));
    rig.by_hand("wfbss", json!({"renewCustomer": {"customer": "Dogwood Books"}}));
    rig.pass(2 * 1800).await;
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep));
    assert_eq!(effects(&rig).len(), 2);
}

/// R16: what no longer resolves keeps what it was given, also under Restore.
#[tokio::test(start_paused = true)]
async fn a_customer_that_vanishes_from_the_list_is_not_released() {
    let mut rig = rig();
    let mut more = both("Birch Dental");
    more["releasePolicy"] = "Restore".into();
    rig.assign("one", wants(3), to_servers(&more));
    rig.start();
    rig.pass(60).await;
    let before = effects(&rig).len();
    rig.by_hand("wfbss", json!({"renameCustomer": {"customer": "Birch Dental", "name": "Birch & Sons"}}));
    rig.pass(2 * 1800).await;
    assert_eq!(effects(&rig).len(), before, "{:?}", effects(&rig));
    let id = "A9CC5A34-3CAD-480D-A9ED-87656316D3B9";
    assert_eq!(state(&rig)["customers"][id]["groups"]["2"]["policies"]["win"]["wtp"]["level"], 3);
    assert!(matches!(
        rig.cluster.standing("one"),
        Some(Standing::Unresolved(Reason::CustomerNotFound, _, _))
    ));
}

#[tokio::test(start_paused = true)]
async fn a_shared_document_is_refused_until_it_is_the_groups_own() {
    let mut rig = rig();
    let share = json!({"customer": CUSTOMER, "os": "win", "groups": [2, 3]});
    rig.by_hand("wfbss", json!({"shareDocument": share.clone()}));
    rig.assign("one", wants(3), to_servers(&json!({})));
    rig.start();
    rig.pass(60).await;
    assert_eq!(effects(&rig).len(), 0);
    assert_eq!(stalled(&rig, "one").map(|(reason, _)| reason), Some(Reason::SharedDocument));
    rig.by_hand("wfbss", json!({"unshareDocument": share}));
    rig.pass(1900).await;
    assert_eq!((level(&rig), effects(&rig).len()), (json!(3), 1));
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep));
}

#[tokio::test(start_paused = true)]
async fn drift_is_corrected_and_told_in_an_event() {
    let mut rig = rig();
    rig.assign("one", wants(3), to_servers(&json!({})));
    rig.start();
    rig.pass(60).await;
    assert!(rig.cluster.events().is_empty(), "a first apply needs no event");
    set_by_hand(&rig, "/wtp/level", json!(1));
    rig.pass(1900).await;
    assert_eq!((level(&rig), effects(&rig).len()), (json!(3), 2));
    let events = rig.cluster.events();
    assert_eq!(events.iter().map(|e| e.reason).collect::<Vec<_>>(), ["DriftCorrected"]);
    let note = &events[0].note;
    assert!(note.ends_with(&format!("has been corrected: {CHANGED}")), "{note}");
    set_by_hand(&rig, "/firewall/level", json!(1));
    rig.pass(1900).await;
    assert_eq!(effects(&rig).len(), 2, "what is not ours is nobody's drift");
}

#[tokio::test(start_paused = true)]
async fn drift_that_is_only_reported_is_never_corrected() {
    let mut rig = Rig::new(
        "wfbss",
        |clock| WfbssDouble::new(WfbssOptions::default(), clock),
        |s| {
            s.correct_drift = false;
        },
    );
    rig.assign("one", wants(3), to_servers(&json!({})));
    rig.start();
    rig.pass(60).await;
    set_by_hand(&rig, "/wtp/level", json!(1));
    rig.pass(4 * 1800).await;
    for restart in [false, true] {
        if restart {
            rig.kill().await;
            rig.start();
            rig.pass(3 * 1800).await;
        }
        assert_eq!((level(&rig), effects(&rig).len()), (json!(1), 1), "restarted: {restart}");
        let (reason, message) = stalled(&rig, "one").expect("a human must decide");
        assert_eq!(reason, Reason::DriftDetected, "{restart}");
        let in_sync = rig.cluster.facts("one").pop().unwrap().in_sync.message;
        assert!(
            message.starts_with(CHANGED) && in_sync.ends_with(CHANGED),
            "{restart}: {message}\n{in_sync}"
        );
    }
    rig.assign("one", wants(2), to_servers(&json!({})));
    rig.pass(60).await;
    assert_eq!((level(&rig), effects(&rig).len()), (json!(2), 2), "an edit is applied all the same");
}

#[tokio::test(start_paused = true)]
async fn a_contested_value_is_corrected_once_a_day_only() {
    let mut rig = rig();
    rig.assign("one", wants(3), to_servers(&json!({})));
    rig.start();
    rig.pass(60).await;
    for _ in 0..20 {
        set_by_hand(&rig, "/wtp/level", json!(1));
        rig.pass(1800).await;
    }
    assert_eq!(effects(&rig).len(), 1 + 3, "{:?}", effects(&rig));
    assert_eq!(stalled(&rig, "one").map(|(reason, _)| reason), Some(Reason::Contested));
    rig.pass(24 * 3600).await;
    assert_eq!((level(&rig), effects(&rig).len()), (json!(3), 1 + 4));
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep));
}

/// Throttled, a web page, half an answer: tried again later, nothing written twice, nothing claimed meanwhile.
#[tokio::test(start_paused = true)]
async fn answers_that_are_none_are_outlasted() {
    let kinds = [
        json!({"kind": "status", "code": 429, "retryAfter": "30", "times": 2}),
        json!({"kind": "html", "times": 2}),
        json!({"kind": "truncate", "times": 2}),
        json!({"kind": "truncate", "clean": true, "times": 2}),
        json!({"kind": "status", "code": 503, "times": 2}),
        json!({"kind": "dropBefore", "times": 2}),
    ];
    for skip in [0, 1, 3, 4] {
        for kind in &kinds {
            let mut rig = rig();
            let mut kind = kind.clone();
            kind["skip"] = skip.into();
            fault(&rig, &kind);
            rig.assign("one", wants(3), to_servers(&json!({})));
            rig.start();
            rig.pass(900).await;
            assert_eq!(level(&rig), 3, "{kind}");
            assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep), "{kind}");
            assert!(effects(&rig).len() <= 3, "{kind}: {:?}", effects(&rig));
        }
    }
}

/// A round that fails while it writes has read what it was to write: that waits once, not once as unread and once as
/// differing.
#[tokio::test(start_paused = true)]
async fn what_waits_is_counted_once_where_a_write_is_put_off() {
    let mut rig = rig();
    fault(&rig, &json!({"kind": "status", "code": 429, "retryAfter": "30", "match": {"method": "PUT"}}));
    rig.assign("one", wants(3), to_servers(&json!({})));
    rig.start();
    rig.pass(120).await;
    let pending: BTreeSet<u32> = rig.cluster.backend_facts().iter().map(|facts| facts.objects[2]).collect();
    assert_eq!(pending, [1].into(), "from the first status on");
    rig.heal("wfbss");
    rig.pass(120).await;
    assert_eq!(rig.cluster.backend_last().objects[2], 0);
}

/// The answer to a write is lost: it is read before anything is sent again.
#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_is_lost_is_not_sent_again() {
    for kind in ["dropAfter", "html", "status"] {
        let mut rig = rig();
        let mut spec = json!({"kind": kind, "match": {"method": "PUT"}, "times": 1});
        if kind != "dropAfter" {
            spec["effect"] = true.into();
            spec["code"] = 502.into();
        }
        fault(&rig, &spec);
        rig.assign("one", wants(3), to_servers(&json!({})));
        rig.start();
        rig.pass(600).await;
        assert_eq!((level(&rig), effects(&rig).len()), (json!(3), 1), "{kind}");
        assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep), "{kind}");
    }
}
