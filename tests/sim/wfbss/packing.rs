//! R19: several customers in one call only once that was seen to work.

use super::{
    estate::{assert_in_step, customer, last, leaf, puts},
    *,
};

fn estate(customers: u32) -> Rig {
    estate::estate(customers, 2)
}

fn everyone(rig: &Rig, policy: Value) {
    rig.assign("all", policy, json!({"targets": {"everyone": true}}));
}

/// How many customers each write names.
fn sizes(calls: &[String]) -> Vec<usize> {
    let cids =
        |call: &String| call.split("cids=").nth(1).map(|rest| rest.split('&').next().unwrap().to_owned());
    calls
        .iter()
        .filter_map(cids)
        .map(|cids| cids.split(&[',', '%'][..]).filter(|c| c.len() > 8).count())
        .collect()
}

fn capability(rig: &Rig) -> Option<String> {
    rig.cluster.backend_facts().pop()?.capabilities.get("PackedWrites").cloned()
}

fn levels(rig: &Rig) -> Vec<Value> {
    let state = state(rig);
    let customers = state["customers"].as_object().unwrap().values();
    customers.map(|c| c["groups"]["2"]["policies"]["win"]["wtp"]["level"].clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn one_pack_proves_itself_and_then_all_are_packed() {
    let mut rig = estate(45);
    everyone(&rig, settings(&json!({"wtp": {"level": 3}})));
    rig.start();
    rig.pass(300).await;
    assert_eq!(rig.cluster.standing("all"), Some(Standing::InStep));
    assert_eq!(levels(&rig), vec![json!(3); 45]);
    let first = sizes(&effects(&rig));
    assert_eq!(first.iter().filter(|size| **size > 1).count(), 1, "one trial: {first:?}");
    assert_eq!(capability(&rig).as_deref(), Some("Allowed"));
    everyone(&rig, settings(&json!({"wtp": {"level": 2}})));
    rig.pass(300).await;
    assert_eq!(levels(&rig), vec![json!(2); 45]);
    let second = sizes(&effects(&rig)[first.len()..]);
    assert_eq!(second.iter().sum::<usize>(), 45, "{second:?}");
    assert!(second.len() <= 5, "{second:?}");
    rig.pass(4 * 1800).await;
    rig.kill().await;
    rig.start();
    everyone(&rig, settings(&json!({"wtp": {"level": 1}})));
    rig.pass(300).await;
    assert_eq!(levels(&rig), vec![json!(1); 45]);
    assert_eq!(effects(&rig).len(), first.len() + 2 * second.len(), "probes and restarts do not forget it");
}

/// A system that takes a packed write and changes only its first customer: found out, and never tried on all.
#[tokio::test(start_paused = true)]
async fn a_pack_that_reaches_not_all_is_the_last_for_now() {
    let mut rig = estate(20);
    fault(&rig, &json!({"kind": "partialWrite", "reach": 1}));
    everyone(&rig, settings(&json!({"wtp": {"level": 3}})));
    rig.start();
    rig.pass(600).await;
    assert_eq!(levels(&rig), vec![json!(3); 20]);
    assert_eq!(rig.cluster.standing("all"), Some(Standing::InStep));
    let sizes = sizes(&effects(&rig));
    assert_eq!(sizes.iter().filter(|size| **size > 1).count(), 1, "{sizes:?}");
    assert_eq!(capability(&rig).as_deref(), Some("Denied"));
}

#[tokio::test(start_paused = true)]
async fn a_bad_customer_in_a_pack_is_found_and_the_others_are_written() {
    for status in [Some(500), Some(404), None] {
        let mut rig = estate(10);
        let mut partial = json!({"kind": "partialWrite", "reach": 4, "times": 1});
        if let Some(status) = status {
            partial["status"] = status.into();
        }
        fault(&rig, &partial);
        everyone(&rig, settings(&json!({"wtp": {"level": 3}})));
        rig.start();
        rig.pass(900).await;
        assert_eq!(levels(&rig), vec![json!(3); 10], "{status:?}");
        assert_eq!(rig.cluster.standing("all"), Some(Standing::InStep), "{status:?}");
        let sizes = sizes(&effects(&rig));
        assert!(
            sizes.iter().sum::<usize>() <= 10 + 6,
            "{status:?}: what was written is not written again: {sizes:?}"
        );
    }
}

/// Deeper than two levels the merge is not known: one customer at a time, always.
#[tokio::test(start_paused = true)]
async fn deep_settings_are_never_packed() {
    let mut rig = estate(10);
    for hour in [3, 4] {
        everyone(&rig, settings(&json!({"realtime_scan": {"exclusions": {"enabled": hour - 3}}})));
        if hour == 3 {
            rig.start();
        }
        rig.pass(300).await;
    }
    assert_eq!(rig.cluster.standing("all"), Some(Standing::InStep));
    let sizes = sizes(&effects(&rig));
    assert!(sizes.iter().all(|size| *size == 1), "{sizes:?}");
    let state = state(&rig);
    for customer in state["customers"].as_object().unwrap().values() {
        let exclusions = &customer["groups"]["2"]["policies"]["win"]["realtime_scan"]["exclusions"];
        assert_eq!(exclusions["folders"], json!(["C:\\Windows\\SoftwareDistribution"]), "neighbours stay");
    }
}

/// Each body holds what is owned, and nothing else.
#[tokio::test(start_paused = true)]
async fn only_owned_leaves_are_in_a_body() {
    let mut rig = estate(3);
    everyone(&rig, settings(&json!({"wtp": {"level": 3}, "behavior_monitoring": {"enabled": 0}})));
    rig.start();
    rig.pass(300).await;
    for body in bodies(&rig) {
        assert_eq!(body, json!({"policy": {"wtp": {"level": 3}, "behavior_monitoring": {"enabled": 0}}}));
    }
}

/// What each write from one on reached: how many customers, in order of size.
fn sorted(rig: &Rig, from: usize) -> Vec<usize> {
    let mut sizes = estate::sizes(rig, from);
    sizes.sort_unstable();
    sizes
}

#[tokio::test(start_paused = true)]
async fn never_more_customers_than_the_backend_allows() {
    for (allowed, proof, then) in [(4, vec![1, 1, 1, 4], vec![3, 4]), (1, vec![1; 7], vec![1; 7])] {
        let mut rig = estate(7);
        set_system(&rig, "customersPerWrite", json!(allowed));
        everyone(&rig, settings(&json!({"wtp": {"level": 3}})));
        rig.start();
        rig.pass(300).await;
        assert_eq!(sorted(&rig, 0), proof, "{allowed}");
        everyone(&rig, settings(&json!({"wtp": {"level": 2}})));
        rig.pass(300).await;
        assert_eq!(sorted(&rig, proof.len()), then, "{allowed}");
        assert_eq!(levels(&rig), vec![json!(2); 7]);
    }
}

/// F25: a customer whose document is always refused is told, and nobody suffers for it or is sent it again.
#[tokio::test(start_paused = true)]
async fn a_pack_refused_for_one_customers_sake_is_taken_apart() {
    let mut rig = estate(10);
    let refusal = json!({"error": {"code": "Bad", "message": "not for this one"}});
    let only = json!({"method": "PUT", "query": customer(5)});
    fault(&rig, &json!({"kind": "status", "code": 400, "body": refusal, "match": only}));
    everyone(&rig, settings(&json!({"wtp": {"level": 3}})));
    rig.start();
    rig.pass(900).await;
    for n in 1..=10 {
        let expected = if n == 5 { 1 } else { 3 };
        assert_eq!(leaf(&rig, &customer(n), 1, "win", "/wtp/level"), expected, "customer {n}");
    }
    let facts = last(&rig, "all");
    assert!(
        matches!(&facts.standing, Standing::Stalled(Reason::Rejected, m) if m.contains("not for this one"))
    );
    assert_eq!((facts.targets.desired, facts.targets.accepted, facts.targets.failed), (20, 18, 2));
    let sent = effects(&rig).len();
    rig.pass(7200).await;
    assert_eq!(effects(&rig).len(), sent, "what was refused is not sent again as it is");
    rig.heal("wfbss");
    everyone(&rig, settings(&json!({"wtp": {"level": 2}})));
    rig.pass(300).await;
    assert_eq!(levels(&rig), vec![json!(2); 10]);
    assert_in_step(&rig, "all");
}

/// Groups are numbers that mean something within one customer only: other groups, another write.
#[tokio::test(start_paused = true)]
async fn customers_with_other_groups_are_not_packed_together() {
    let mut rig = estate(3);
    rig.by_hand("wfbss", json!({"addGroup": {"customer": customer(2), "name": "Kiosks"}}));
    everyone(&rig, settings(&json!({"wtp": {"level": 3}})));
    rig.start();
    rig.pass(300).await;
    let mut sent: Vec<_> = puts(&rig).into_iter().map(|put| (put.customers, put.groups)).collect();
    sent.sort();
    let expected = [(vec![customer(1), customer(3)], vec![1, 2]), (vec![customer(2)], vec![1, 2, 3])];
    assert_eq!(sent, expected);
    assert_in_step(&rig, "all");
}

/// Drift in one place is corrected there.
#[tokio::test(start_paused = true)]
async fn drift_of_one_document_is_written_to_that_document() {
    let mut rig = estate(12);
    everyone(&rig, settings(&json!({"wtp": {"level": 3}})));
    rig.start();
    rig.pass(300).await;
    let before = puts(&rig).len();
    let drift = json!({"customer": customer(7), "group": 2, "os": "win", "path": "/wtp/level", "value": 1});
    rig.by_hand("wfbss", json!({"set": drift}));
    rig.pass(1900).await;
    let sent: Vec<_> = puts(&rig).into_iter().skip(before).map(|put| (put.customers, put.groups)).collect();
    assert_eq!(sent, [(vec![customer(7)], vec![2])]);
    assert_eq!(levels(&rig), vec![json!(3); 12]);
    let told: Vec<_> = rig.cluster.events().into_iter().map(|event| event.reason).collect();
    assert_eq!(told, ["DriftCorrected"]);
}

/// As tasks, packs are proven by the same reading.
#[tokio::test(start_paused = true)]
async fn packs_may_be_tasks() {
    let mut rig = estate(12);
    set_system(&rig, "execution", json!("Async"));
    everyone(&rig, settings(&json!({"wtp": {"level": 3}})));
    rig.start();
    rig.pass(300).await;
    assert_eq!(capability(&rig).as_deref(), Some("Allowed"));
    assert_in_step(&rig, "all");
    let before = puts(&rig).len();
    everyone(&rig, settings(&json!({"wtp": {"level": 2}})));
    rig.pass(300).await;
    assert_eq!(sorted(&rig, before), [2, 10]);
    assert!(puts(&rig).iter().all(|put| !put.sync));
    assert_eq!(levels(&rig), vec![json!(2); 12]);
}
