//! What the system refuses is said at once, where it belongs, and not sent again and again.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_refused_write_is_said_at_once_and_an_edit_mends_it() {
    let mut rig = rig();
    rig.by_hand("wfbss", json!({"options": {"wrongTypes": "reject"}}));
    rig.assign("one", settings(&json!({"wtp": {"level": "high"}})), to_servers(&json!({})));
    rig.start();
    rig.pass(10).await;
    let (reason, message) = stalled(&rig, "one").expect("stalled");
    assert!(reason == Reason::Rejected && !message.is_empty(), "{reason:?}: {message}");
    rig.pass(3 * 1800).await;
    assert_eq!((level(&rig), effects(&rig).len()), (json!(1), 1), "{:?}", effects(&rig));
    assert_eq!(rig.cluster.facts("one").len(), 1, "said once");
    rig.assign("one", settings(&json!({"wtp": {"level": 3}})), to_servers(&json!({})));
    rig.pass(60).await;
    assert_eq!((level(&rig), effects(&rig).len()), (json!(3), 2));
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep));
}

#[tokio::test(start_paused = true)]
async fn a_customer_without_rights_keeps_nobody_else_from_being_written() {
    let mut rig = rig();
    rig.by_hand("wfbss", json!({"rights": {"customer": "Birch Dental", "forbidden": true}}));
    rig.assign(
        "one",
        settings(&json!({"wtp": {"level": 3}})),
        json!({"targets": {"include": [{"wfbss": {"customers": [
            {"id": CUSTOMER, "groups": [{"name": "Server (Default)"}]},
            {"name": "Birch Dental", "groups": [{"name": "Server (Default)"}]},
            {"name": "Cedar Logistics", "groups": [{"name": "Server (Default)"}]}]}}]}}),
    );
    rig.start();
    rig.pass(900).await;
    let state = state(&rig);
    let level = |id: &str| state["customers"][id]["groups"]["2"]["policies"]["win"]["wtp"]["level"].clone();
    assert_eq!(level(CUSTOMER), 3);
    assert_eq!(level("AEE6F73D-6AFC-44CC-8C44-AC54A7A1E163"), 3);
    assert_eq!(level("A9CC5A34-3CAD-480D-A9ED-87656316D3B9"), 1);
    assert_ne!(rig.cluster.standing("one"), Some(Standing::InStep));
    assert!(effects(&rig).len() <= 5, "{:?}", effects(&rig));
    println!("{:?} {:?}", rig.cluster.standing("one"), rig.cluster.facts("one").pop().unwrap().targets);
}
