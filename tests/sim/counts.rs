//! How many calls things cost: counted by the doubles, compared with the least that could do.

mod objects;

use ordain::{
    report::facts::Standing,
    sandbox::{
        wfbss::{WfbssDouble, WfbssOptions},
        wso2::Dialect,
    },
};
use serde_json::{Value, json};

use crate::{
    support::{rig::Rig, systems},
    wso2,
};

fn count(calls: &[String], what: &str) -> usize {
    calls.iter().filter(|call| call.contains(what)).count()
}

/// Calls, the bound, and what they stand for, for whoever reads the output.
fn judge(what: &str, calls: usize, bound: usize) {
    let percent = calls * 1000 / bound;
    println!("{what}: {calls} calls, lower bound {bound}, {percent} per mille of it");
    assert!(percent <= 1050, "{what}: {calls} calls, lower bound {bound}");
}

#[tokio::test(start_paused = true)]
async fn a_cold_start_of_a_thousand_wso2_assignments() {
    const N: usize = 1000;
    let mut rig = systems::wso2(Dialect::DeviceMgtV1);
    for n in 0..N {
        let mut policy = wso2::policy(6);
        policy["displayName"] = format!("Policy {n}").into();
        rig.assign(&format!("a{n}"), policy, wso2::to_roles(&["engineer"]));
    }
    rig.start();
    rig.pass(1800 / 2).await;
    let unready: Vec<_> =
        (0..N).filter(|n| rig.cluster.standing(&format!("a{n}")) != Some(Standing::InStep)).collect();
    assert!(unready.is_empty(), "{} not in step: {:?}", unready.len(), rig.cluster.standing("a0"));
    let calls = rig.vendors.calls("wso2");
    for what in [
        "register",
        "/token",
        "device-types",
        "roles",
        "users",
        "groups",
        "policies?",
        "activate-policy",
        "apply-changes",
        "priorities",
    ] {
        println!("  {what}: {}", count(&calls, what));
    }
    // Two to log in, eight to list what can be named, one page before; N creates; a switch for 200, one deploy; the
    // pages that show what was created, that all is on, and that all is deployed.
    let pages = N.div_ceil(100) + 1;
    let bound = 2 + 8 + 1 + N + N.div_ceil(200) + 1 + 3 * pages;
    judge("1,000 WSO2 assignments", calls.len(), bound);
}

#[tokio::test(start_paused = true)]
async fn a_cold_start_of_twenty_five_customers_with_three_groups() {
    const CUSTOMERS: usize = 25;
    let options = WfbssOptions::default();
    let mut rig = Rig::new("wfbss", move |clock| WfbssDouble::with_estate(25, 3, options, clock), |_| {});
    rig.assign(
        "all",
        json!({"content": {"wfbss": {"documents": [
            {"os": "win", "settings": {"behavior_monitoring": {"enabled": 0}, "wtp": {"level": 3}}}]}}}),
        json!({"targets": {"everyone": true}}),
    );
    rig.start();
    rig.pass(900).await;
    assert_eq!(rig.cluster.standing("all"), Some(Standing::InStep));
    let calls = rig.vendors.calls("wfbss");
    let puts = count(&calls, "PUT");
    for call in calls.iter().filter(|call| call.starts_with("PUT")) {
        for scope in ["cids=", "gids=", "os="] {
            assert!(call.contains(scope), "never without {scope}: {call}");
        }
    }
    let state: Value = rig.state("wfbss");
    assert_eq!(state["unscopedWrites"], 0);
    println!("  {puts} writes");
    assert!(puts <= CUSTOMERS, "{puts} writes");
    judge("25 customers × 3 groups × win", calls.len(), 4 + CUSTOMERS + puts + CUSTOMERS);
}

#[tokio::test(start_paused = true)]
async fn two_hundred_live_assignments_survive_new_uids_and_a_lost_store() {
    const N: usize = 200;
    for dialect in [Dialect::DeviceMgtV1, Dialect::MdmAdmin] {
        let mut rig = systems::wso2(dialect);
        for n in 0..N {
            let mut policy = wso2::policy(6);
            policy["displayName"] = format!("Policy {n}").into();
            rig.assign(&format!("a{n}"), policy, wso2::to_roles(&["engineer"]));
        }
        rig.start();
        rig.pass(900).await;
        let before = rig.vendors.effects("wso2").len();
        rig.kill().await;
        rig.restore_with_new_uids();
        rig.start();
        rig.pass(900).await;
        assert_eq!(rig.vendors.effects("wso2").len(), before, "{dialect:?}: new uids");
        rig.kill().await;
        rig.lose_store();
        rig.start();
        rig.pass(900).await;
        assert_eq!(rig.vendors.effects("wso2").len(), before, "{dialect:?}: a lost store");
        assert_eq!(wso2::ours(&rig).len(), N);
        assert_eq!(rig.cluster.standing("a199"), Some(Standing::InStep));
    }
}
