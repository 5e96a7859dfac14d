//! One account at a time: what a worker does at the vendor and what it tells.

use ordain::{report::facts::Standing, sandbox::wso2::Dialect};
use serde_json::{Value, json};

use crate::support::systems;

fn camera_off() -> Value {
    json!({"displayName": "Laptop baseline", "description": "Camera off", "content": {"wso2": {"profiles": [
        {"platform": "android", "features": [{"code": "CAMERA", "content": {"enabled": false}}]}]}}})
}

fn to_roles(roles: &[&str]) -> Value {
    json!({"targets": {"include": [{"wso2": {"roles": roles}}]}})
}

fn monitoring(on: u8) -> Value {
    json!({"content": {"wfbss": {"documents": [
        {"os": "win", "settings": {"behavior_monitoring": {"enabled": on}}}]}}})
}

#[tokio::test(start_paused = true)]
async fn a_wso2_policy_is_created_activated_deployed_and_proven() {
    let mut rig = systems::wso2(Dialect::DeviceMgtV1);
    rig.assign("baseline", camera_off(), to_roles(&["engineer"]));
    rig.start();
    rig.pass(60).await;
    for call in rig.vendors.calls("wso2") {
        println!("{call}");
    }
    println!("{:#?}", rig.cluster.facts("baseline"));
    println!("{:#?}", rig.cluster.backend_facts());
    assert_eq!(rig.cluster.standing("baseline"), Some(Standing::InStep));
}

#[tokio::test(start_paused = true)]
async fn a_wfbss_leaf_is_written_and_proven() {
    let mut rig = systems::wfbss();
    rig.assign(
        "monitoring",
        monitoring(0),
        json!({"targets": {"include": [{"wfbss": {"customers": [
        {"id": "640FE47F-5118-4D79-8221-A35D0DE2EE2C", "allGroups": true}]}}]}}),
    );
    rig.start();
    rig.pass(60).await;
    for call in rig.vendors.calls("wfbss") {
        println!("{call}");
    }
    println!("{:#?}", rig.cluster.facts("monitoring"));
    println!("{:#?}", rig.cluster.backend_facts());
    assert_eq!(rig.cluster.standing("monitoring"), Some(Standing::InStep));
}
