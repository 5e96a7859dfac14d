//! What the system refuses is said at once, where it belongs, and not sent again and again.

use super::{estate::rig_with, *};

/// R19: nobody knows whether the vendor appends to lists. Where it does, one list grows once; no other one is touched.
#[tokio::test(start_paused = true)]
async fn a_system_that_appends_to_lists_makes_one_longer_once() {
    let mut rig = rig_with(&json!({"arrays": "append"}), |_| {});
    let programs = |list: &[&str]| settings(&json!({"behavior_monitoring": {"approved_programs": list}}));
    rig.assign("one", programs(&["C:\\a.exe"]), to_servers(&json!({})));
    rig.start();
    rig.pass(60).await;
    assert_eq!(
        rig.cluster.standing("one"),
        Some(Standing::InStep),
        "there was none before: appended is replaced"
    );
    rig.assign("one", programs(&["C:\\b.exe"]), to_servers(&json!({})));
    rig.pass(4000).await;
    let (reason, message) = stalled(&rig, "one").expect("stalled");
    assert_eq!(reason, Reason::WriteNotSticking);
    assert!(message.contains("approved_programs") && message.contains("appends"), "{message}");
    assert_eq!(document(&rig)["behavior_monitoring"]["approved_programs"], json!(["C:\\a.exe", "C:\\b.exe"]));
    assert_eq!(rig.cluster.backend_last().capabilities["ArraysAppend"], "Allowed");
    let before = effects(&rig).len();
    let laptops = json!({"targets": groups_of(CUSTOMER, &["Laptops"])});
    rig.by_hand(
        "wfbss",
        json!({"set": {"customer": CUSTOMER, "group": 4, "os": "win",
        "path": "/behavior_monitoring/approved_programs", "value": ["C:\\c.exe"]}}),
    );
    rig.assign("two", programs(&["C:\\a.exe"]), laptops);
    rig.pass(4000).await;
    assert_eq!(stalled(&rig, "two").map(|(reason, _)| reason), Some(Reason::WriteNotSticking));
    assert_eq!(effects(&rig).len(), before, "the next list is left alone");
    rig.restart().await;
    rig.pass(4000).await;
    assert_eq!(effects(&rig).len(), before, "also after a restart");
    set_by_hand(&rig, "/behavior_monitoring/approved_programs", json!(["C:\\b.exe"]));
    rig.request("one", "now");
    rig.pass(60).await;
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep), "put right in the console");
}

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
