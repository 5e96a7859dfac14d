//! In step: restarts and drift intervals cost reads at most, and a lost store costs no write.

use super::{estate::more_than_a_slice, *};

fn assign_two(rig: &Rig) {
    let policy = settings(&json!({"behavior_monitoring": {"enabled": 0}, "wtp": {"level": 3}}));
    rig.assign("one", policy, to_servers(&json!({})));
    let targets = json!({"targets": groups_of(CUSTOMER, &["Device (Default)"])});
    rig.assign("two", settings(&json!({"wtp": {"level": 2}})), to_servers(&targets));
}

#[tokio::test(start_paused = true)]
async fn a_restart_in_step_makes_no_call() {
    let mut rig = rig();
    assign_two(&rig);
    rig.start();
    rig.pass(60).await;
    for _ in 0..3 {
        rig.kill().await;
        let calls = rig.vendors.calls("wfbss").len();
        rig.start();
        rig.pass(300).await;
        assert_eq!(rig.vendors.calls("wfbss").len(), calls);
        for name in ["one", "two"] {
            assert_eq!(rig.cluster.standing(name), Some(Standing::InStep));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn ten_drift_intervals_without_an_effect_or_a_word() {
    let mut rig = rig();
    assign_two(&rig);
    rig.start();
    rig.pass(60).await;
    let (writes, calls) = (effects(&rig).len(), rig.vendors.calls("wfbss").len());
    let (one, backend) = (rig.cluster.facts("one").len(), rig.cluster.backend_facts().len());
    rig.pass(10 * 1800).await;
    assert_eq!(effects(&rig).len(), writes);
    assert_eq!(rig.cluster.facts("one").len(), one, "nothing new to say");
    assert_eq!(rig.cluster.backend_facts().len(), backend);
    let read = rig.vendors.calls("wfbss").len() - calls;
    // Per interval: customers, the account, groups of three customers, and the documents.
    assert!(read <= 11 * 10, "{read} calls");
    assert!(rig.cluster.events().is_empty(), "{:?}", rig.cluster.events());
}

#[tokio::test(start_paused = true)]
async fn a_lost_store_costs_no_write_where_all_is_equal() {
    let mut rig = rig();
    assign_two(&rig);
    rig.start();
    rig.pass(60).await;
    let (before, former) = (effects(&rig).len(), document(&rig));
    rig.kill().await;
    rig.lose_store();
    rig.start();
    rig.pass(3600).await;
    assert_eq!(effects(&rig).len(), before);
    assert_eq!(document(&rig), former);
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep));
}

fn documents_read(rig: &Rig) -> usize {
    let seen = rig.vendors.of("wfbss").recorder().since(0);
    seen.iter().filter(|seen| seen.method == "GET" && seen.path.ends_with("/policies")).count()
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_reads_every_slice_once_and_not_again_after_a_restart() {
    let mut rig = more_than_a_slice(10);
    rig.pass(600).await;
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep));
    let before = documents_read(&rig);
    rig.edit_backend(|backend| backend.requested_at = Some("now".into()));
    rig.pass(120).await;
    let once = documents_read(&rig) - before;
    assert_eq!(
        once, 21,
        "a call reads a customer; a slice has 100 documents of 20, all of 21 were asked for"
    );
    assert_eq!(rig.cluster.backend_last().handled_request.as_deref(), Some("now"));
    let before = documents_read(&rig);
    rig.kill().await;
    rig.start();
    rig.pass(120).await;
    assert_eq!(documents_read(&rig), before, "it was handled before the restart");
}
