//! R19: several customers in one call only once that was seen to work.

use super::*;

fn estate(customers: u32) -> Rig {
    Rig::new("wfbss", |clock| WfbssDouble::with_estate(customers, 2, WfbssOptions::default(), clock), |_| {})
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
