//! How many writes and calls it takes, exactly (I6, R13).

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::support::log::Log;

/// Calls both systems have seen so far.
fn calls(whole: &Whole) -> Vec<String> {
    ["wso2", "wfbss"].iter().flat_map(|system| whole.vendors.calls(system)).collect()
}

fn effects(whole: &Whole) -> Vec<String> {
    ["wso2", "wfbss"].iter().flat_map(|system| whole.vendors.effects(system)).collect()
}

/// Writes since a mark, Events among them, by `verb target`; without the Lease, which is renewed for ever.
fn writes(whole: &Whole, mark: usize) -> BTreeMap<String, usize> {
    whole.api.requests_since(mark).filter(|entry| entry.is_write() && entry.resource != "leases").counts()
}

fn written<const N: usize>(expected: [(&str, usize); N]) -> BTreeMap<String, usize> {
    expected.map(|(target, count)| (target.to_owned(), count)).into()
}

#[tokio::test(start_paused = true)]
async fn a_converge_costs_one_status_and_a_life_one_finalizer() {
    let mut whole = Whole::new();
    whole.start(None);
    whole.settle().await;
    let mark = whole.api.mark();
    both(&whole);
    assert!(whole.settle().await);
    let first = written([
        ("patch backends", 2),
        ("patch policyassignments", 2),
        ("patch policyassignments/status", 2),
        ("patch policies/status", 2),
        // Nobody shall read that nothing is kept where something is in force; further ones are told at a slow pace.
        ("patch backends/status", 2),
    ]);
    assert_eq!(writes(&whole, mark), first, "a finalizer a life, a status a converge");
    assert_eq!((objects(&whole, "wso2"), objects(&whole, "wfbss")), (1, 2), "one policy, two documents");

    let mark = whole.api.mark();
    whole.apply("Policy", "camera", camera(true));
    whole.apply("Policy", "web", level(2));
    assert!(whole.settle().await);
    let edit = written([("patch policyassignments/status", 2), ("patch policies/status", 2)]);
    assert_eq!(writes(&whole, mark), edit, "an edit of the policies");

    let mark = whole.api.mark();
    whole.api.delete("PolicyAssignment", TEAM, "camera");
    whole.api.delete("PolicyAssignment", TEAM, "web");
    assert!(whole.settle().await);
    assert_eq!(whole.told("PolicyAssignment", "camera"), Value::Null);
    assert_eq!(whole.told("PolicyAssignment", "web"), Value::Null);
    let end = written([
        ("patch backends", 2),
        ("patch policyassignments", 2),
        ("patch policies/status", 2),
        // An object and two documents, each told once; what the Backends hold is another number.
        ("create events", 3),
        ("patch backends/status", 2),
    ]);
    assert_eq!(writes(&whole, mark), end, "finalizers go, and it is told");
    assert_eq!(whole.api.writes().no_ops().len(), 0, "nothing was written that changed nothing");
}

/// What a Backend counts.
fn objects(whole: &Whole, backend: &str) -> i64 {
    let status = &whole.api.get("Backend", TEAM, backend).unwrap()["status"];
    status["objects"]["managed"].as_i64().unwrap()
}

/// The first thing a newcomer looks at: `kubectl apply` of everything, then `kubectl get`.
#[tokio::test(start_paused = true)]
async fn a_backend_that_says_ready_counts_what_is_in_force_already() {
    let mut whole = Whole::new();
    both(&whole);
    whole.start(None);
    let mut seen = BTreeSet::new();
    for _ in 0..10_000 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        for (backend, assignment, kept) in [("wso2", "camera", 1), ("wfbss", "web", 2)] {
            let objects = &whole.api.get("Backend", TEAM, backend).unwrap()["status"]["objects"];
            if whole.ready("Backend", backend) == "True Connected" {
                assert_eq!(objects["managed"], kept, "{backend}");
                seen.insert(backend);
            }
            if whole.ready("PolicyAssignment", assignment) == "True InStep" {
                assert_eq!(
                    (&objects["managed"], &objects["pending"]),
                    (&kept.into(), &0.into()),
                    "{backend}"
                );
                seen.insert(assignment);
            }
        }
    }
    assert_eq!(seen, ["camera", "web", "wfbss", "wso2"].into());
}

/// A task of the system is worth showing: one write when it is taken on, one when it is done.
#[tokio::test(start_paused = true)]
async fn a_converge_by_a_task_costs_two_statuses() {
    let mut whole = Whole::new();
    let spec = whole.api.get("Backend", TEAM, "wfbss").unwrap()["spec"].clone();
    let mut system = spec["system"].clone();
    system["wfbss"]["execution"] = "Async".into();
    whole.apply("Backend", "wfbss", with(spec, "system", system));
    whole.apply("Policy", "web", level(3));
    whole.assign("web", "wfbss", to_groups(&["Server (Default)", "Laptops"]));
    whole.start(None);
    assert!(whole.settle().await);
    assert_eq!(whole.ready("PolicyAssignment", "web"), "True InStep");
    assert_eq!(whole.api.requests().to("policyassignments/status").len(), 2);
    let mark = whole.api.mark();
    whole.apply("Policy", "web", level(2));
    assert!(whole.settle().await);
    assert_eq!(whole.api.requests_since(mark).to("policyassignments/status").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn ten_drift_intervals_in_step_write_nothing_anywhere_and_log_nothing() {
    let log = Log::new();
    let mut whole = in_force().await;
    // What a Backend counts is told at its own, slow pace.
    whole.pass(30 * 60).await;
    let said = log.ours().len();
    assert!(said > 0, "what was done is in the log");
    let (mark, changed, read) = (whole.api.mark(), effects(&whole).len(), calls(&whole).len());
    whole.pass(10 * 30 * 60).await;
    assert_eq!(writes(&whole, mark), written([]));
    assert_eq!(effects(&whole).len(), changed);
    assert!(calls(&whole).len() > read, "it did look");
    let more = log.ours().split_off(said);
    assert!(more.is_empty(), "at info: {more:#?}");
    assert!(matches!(whole.end().await, Ok(())));
}

#[tokio::test(start_paused = true)]
async fn a_restart_in_step_calls_nobody_and_writes_nothing() {
    for killed in [false, true] {
        let mut whole = in_force().await;
        whole.pass(15 * 60).await;
        if killed {
            whole.kill().await;
        } else {
            whole.end().await.unwrap();
        }
        let (mark, read) = (whole.api.mark(), calls(&whole).len());
        whole.start(None);
        whole.pass(5 * 60).await;
        assert_eq!(calls(&whole)[read..], [""; 0], "killed: {killed}");
        assert_eq!(writes(&whole, mark), written([]), "killed: {killed}");
        assert_eq!(whole.ready("PolicyAssignment", "camera"), "True InStep", "killed: {killed}");
    }
}

/// Many assignments, each with an object or a document of its own.
fn many(whole: &Whole, count: usize) {
    for number in 0..count {
        let name = format!("p{number:03}");
        whole.apply(
            "Policy",
            &name,
            super::with(camera(false), "displayName", json!(format!("P {number:03}"))),
        );
        whole.assign(&name, "wso2", to_roles(&["engineer"]));
    }
    whole.apply("Policy", "web", level(3));
    whole.assign("web", "wfbss", to_groups(&["Server (Default)", "Laptops"]));
}

/// A backup restored into another cluster, with the owner id of the old one, the store lost or kept (R13, R15).
#[tokio::test(start_paused = true)]
async fn a_restore_with_other_uids_creates_and_deletes_nothing() {
    for store_lost in [false, true] {
        let mut whole = Whole::new();
        whole.owner_id = Some("the-fleet".into());
        many(&whole, 200);
        whole.start(None);
        assert!(whole.settle().await);
        let before = whole.state();
        whole.end().await.unwrap();
        whole.api.restore_with_new_uids();
        if store_lost {
            for file in std::fs::read_dir(whole.folder.path()).unwrap() {
                std::fs::remove_file(file.unwrap().path()).unwrap();
            }
        }
        let changed = effects(&whole).len();
        whole.start(None);
        assert!(whole.settle().await);
        assert_eq!(effects(&whole)[changed..], [""; 0], "store lost: {store_lost}");
        let after = whole.state();
        assert_eq!(after["wso2"], before["wso2"], "store lost: {store_lost}");
        assert_eq!(after["wfbss"], before["wfbss"], "store lost: {store_lost}");
        for number in [0, 199] {
            assert_eq!(
                whole.ready("PolicyAssignment", &format!("p{number:03}")),
                "True InStep",
                "{store_lost}"
            );
        }
        // Nothing had to be sent for them, and they are released all the same.
        let bare: Vec<_> = (0..200)
            .map(|number| format!("p{number:03}"))
            .filter(|name| {
                whole.told("PolicyAssignment", name)["finalizers"] != json!(["ordain.dev/release"])
            })
            .collect();
        assert_eq!(bare, [""; 0], "{store_lost}");
        whole.api.delete("PolicyAssignment", TEAM, "p000");
        assert!(whole.settle().await);
        assert_eq!(whole.told("PolicyAssignment", "p000"), Value::Null);
        let held = |state: &Value| state["wso2"].as_array().unwrap().len();
        assert_eq!(held(&whole.state()), held(&before) - 1, "{store_lost}: it is gone from the system, too");
    }
}
