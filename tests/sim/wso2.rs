//! WSO2 stories: what a worker does there, exactly, and what it tells.

mod adopt;
mod crash;
mod identity;
mod life;
mod measures;
mod priority;
mod release;
mod restart;
pub mod story;
mod targets;
mod unsteady;

use ordain::{
    api::Reason,
    report::facts::Standing,
    sandbox::wso2::{Dialect, Wso2Double, Wso2Options},
};
use serde_json::{Value, json};

use crate::support::rig::Rig;
pub use crate::support::systems::wso2 as rig;

pub fn policy(min_length: u8) -> Value {
    json!({"displayName": "Laptop baseline", "description": "Camera off", "content": {"wso2": {"profiles": [
        {"platform": "android", "features": [
            {"code": "CAMERA", "content": {"enabled": false}},
            {"code": "PASSCODE_POLICY", "content": {"minLength": min_length}}]}]}}})
}

pub fn to_roles(roles: &[&str]) -> Value {
    json!({"targets": {"include": [{"wso2": {"roles": roles}}]}})
}

fn with(mut assignment: Value, more: &Value) -> Value {
    assignment.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    assignment
}

/// Our policies as the double holds them.
pub fn ours(rig: &Rig) -> Vec<Value> {
    let state = rig.state("wso2");
    let all = state["policies"].as_array().unwrap();
    all.iter()
        .filter(|p| p["description"].as_str().is_some_and(|d| d.contains("[ordain:")))
        .cloned()
        .collect()
}

fn short(calls: &[String]) -> Vec<String> {
    let cut =
        |call: &String| call.replace("/api/device-mgt/v1.0/policies", "").replace("/mdm-admin/policies", "");
    calls.iter().map(cut).collect()
}

const DIALECTS: [Dialect; 2] = [Dialect::DeviceMgtV1, Dialect::MdmAdmin];

#[tokio::test(start_paused = true)]
async fn an_edit_is_one_put_and_one_deploy_and_one_report() {
    for dialect in DIALECTS {
        let mut rig = rig(dialect);
        rig.assign("baseline", policy(6), to_roles(&["engineer"]));
        rig.start();
        rig.pass(120).await;
        let (before, told) = (rig.vendors.effects("wso2").len(), rig.cluster.facts("baseline").len());
        let id = ours(&rig)[0]["id"].clone();
        rig.assign("baseline", policy(8), to_roles(&["engineer"]));
        rig.pass(120).await;
        let effects = short(&rig.vendors.effects("wso2")[before..]);
        let reset = if dialect == Dialect::MdmAdmin { vec!["PUT /priorities"] } else { vec![] };
        let expected: Vec<String> = std::iter::once(format!("PUT /{id}"))
            .chain(reset.into_iter().map(str::to_owned))
            .chain(["PUT /apply-changes".to_owned()])
            .collect();
        assert_eq!(effects, expected, "{dialect:?}");
        assert_eq!(rig.cluster.facts("baseline").len(), told + 1, "{dialect:?}: one report a converge");
        assert_eq!(rig.cluster.standing("baseline"), Some(Standing::InStep));
        assert!(ours(&rig)[0].to_string().contains("\\\"minLength\\\":8"), "{:#}", ours(&rig)[0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_is_switched_off_deployed_then_removed() {
    for dialect in DIALECTS {
        let mut rig = rig(dialect);
        rig.assign("baseline", policy(6), to_roles(&["engineer"]));
        rig.start();
        rig.pass(120).await;
        let before = rig.vendors.effects("wso2").len();
        rig.delete("baseline");
        rig.pass(300).await;
        let effects = short(&rig.vendors.effects("wso2")[before..]);
        let expected = match dialect {
            Dialect::MdmAdmin => ["PUT /inactivate", "PUT /apply-changes", "POST /bulk-remove"],
            _ => ["POST /deactivate-policy", "PUT /apply-changes", "POST /remove-policy"],
        };
        assert_eq!(effects, expected, "{dialect:?}");
        assert!(ours(&rig).is_empty(), "{dialect:?}");
        assert!(!rig.cluster.exists("baseline"), "{dialect:?}: the finalizer went");
    }
}

#[tokio::test(start_paused = true)]
async fn orphan_needs_no_call_and_what_was_kept_is_found_again() {
    for dialect in DIALECTS {
        let mut rig = rig(dialect);
        let orphan = with(to_roles(&["engineer"]), &json!({"releasePolicy": "Orphan"}));
        rig.assign("baseline", policy(6), orphan.clone());
        rig.start();
        rig.pass(120).await;
        let before = rig.vendors.effects("wso2").len();
        rig.delete("baseline");
        rig.pass(60).await;
        assert!(!rig.cluster.exists("baseline"));
        rig.assign("baseline", policy(6), orphan);
        rig.pass(120).await;
        assert_eq!(short(&rig.vendors.effects("wso2")[before..]), Vec::<String>::new(), "{dialect:?}");
        assert_eq!(ours(&rig).len(), 1);
        assert_eq!(rig.cluster.standing("baseline"), Some(Standing::InStep));
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_in_step_makes_no_call() {
    for dialect in DIALECTS {
        let mut rig = rig(dialect);
        rig.assign("baseline", policy(6), to_roles(&["engineer"]));
        rig.start();
        rig.pass(120).await;
        rig.kill().await;
        let before = rig.vendors.calls("wso2").len();
        rig.start();
        rig.pass(300).await;
        assert_eq!(rig.vendors.calls("wso2")[before..], Vec::<String>::new(), "{dialect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_steady_state_has_no_effect_and_says_nothing() {
    let mut rig = rig(Dialect::DeviceMgtV1);
    rig.assign("baseline", policy(6), to_roles(&["engineer"]));
    rig.start();
    rig.pass(120).await;
    let (effects, told) = (rig.vendors.effects("wso2").len(), rig.cluster.facts("baseline").len());
    let lists = |rig: &Rig| rig.vendors.calls("wso2").iter().filter(|c| c.contains("limit=100")).count();
    let before = lists(&rig);
    let looks = rig.cluster.looks();
    rig.pass(10 * 1800).await;
    assert!(
        rig.cluster.looks() - looks < 100,
        "it sleeps in between: {} rounds",
        rig.cluster.looks() - looks
    );
    assert_eq!(rig.vendors.effects("wso2").len(), effects);
    assert_eq!(rig.cluster.facts("baseline").len(), told);
    assert!(lists(&rig) - before >= 10, "it does look");
}

#[tokio::test(start_paused = true)]
async fn a_lost_store_creates_and_deletes_nothing() {
    for dialect in DIALECTS {
        let mut rig = rig(dialect);
        rig.assign("baseline", policy(6), to_roles(&["engineer"]));
        rig.assign("second", policy(7), to_roles(&["sales"]));
        rig.start();
        rig.pass(120).await;
        rig.kill().await;
        rig.lose_store();
        let before = rig.vendors.effects("wso2").len();
        rig.start();
        rig.pass(300).await;
        assert_eq!(short(&rig.vendors.effects("wso2")[before..]), Vec::<String>::new(), "{dialect:?}");
        assert_eq!(rig.cluster.standing("baseline"), Some(Standing::InStep));
        rig.delete("second");
        rig.pass(300).await;
        assert_eq!(ours(&rig).len(), 1, "{dialect:?}: claims were rebuilt, so it is still released");
    }
}

#[tokio::test(start_paused = true)]
async fn drift_is_corrected_and_told() {
    let mut rig = rig(Dialect::DeviceMgtV1);
    rig.assign("baseline", policy(6), to_roles(&["engineer"]));
    rig.start();
    rig.pass(120).await;
    rig.by_hand(
        "wso2",
        json!({"policies": [{"name": "Laptop baseline", "features": {"CAMERA": {"enabled": true}}}]}),
    );
    rig.pass(2000).await;
    assert!(ours(&rig)[0].to_string().contains("\\\"enabled\\\":false"));
    assert!(rig.cluster.events().iter().any(|e| e.reason == "DriftCorrected"), "{:?}", rig.cluster.events());
}

#[tokio::test(start_paused = true)]
async fn retargeting_adds_and_removes_members_of_the_same_object() {
    for dialect in DIALECTS {
        let mut rig = rig(dialect);
        rig.assign("baseline", policy(6), to_roles(&["engineer", "sales"]));
        rig.start();
        rig.pass(120).await;
        let id = ours(&rig)[0]["id"].clone();
        rig.assign("baseline", policy(6), to_roles(&["sales", "admin"]));
        rig.pass(120).await;
        let policy = &ours(&rig)[0];
        assert_eq!(policy["id"], id);
        let mut roles: Vec<_> =
            policy["roles"].as_array().unwrap().iter().map(|r| r.as_str().unwrap()).collect();
        roles.sort_unstable();
        assert_eq!(roles, ["admin", "sales"], "{dialect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn too_many_removals_wait_and_an_approval_lets_them_through_once() {
    let mut rig = Rig::new(
        "wso2",
        |clock| Wso2Double::new(Wso2Options::default(), clock),
        |settings| settings.max_removals = 1,
    );
    for name in ["a", "b", "c"] {
        let mut named = policy(6);
        named["displayName"] = name.into();
        rig.assign(name, named, to_roles(&["engineer"]));
    }
    rig.start();
    rig.pass(120).await;
    let before = rig.vendors.effects("wso2").len();
    for name in ["a", "b", "c"] {
        rig.delete(name);
    }
    rig.pass(600).await;
    assert_eq!(short(&rig.vendors.effects("wso2")[before..]), Vec::<String>::new());
    let held = rig.cluster.backend_facts().last().unwrap().held.clone().expect("held");
    assert!(held.contains("3 removals") && held.contains("allows 1"), "{held}");
    assert!(
        matches!(rig.cluster.standing("a"), Some(Standing::Terminating { reason: Reason::HeldByGuard, .. })),
        "{:?}",
        rig.cluster.standing("a")
    );
    rig.edit_backend(|backend| backend.approve_removals = Some("2".into()));
    rig.pass(600).await;
    assert_eq!(ours(&rig).len(), 3, "another number approves nothing");
    rig.edit_backend(|backend| backend.approve_removals = Some("3".into()));
    rig.pass(600).await;
    assert!(ours(&rig).is_empty(), "{:?}", short(&rig.vendors.effects("wso2")[before..]));
}

/// R2: an approval that stood there before anything is remembered of the account, after a lost store or in a new cluster,
/// was not given for what is held now; taken away and given again, it counts.
#[tokio::test(start_paused = true)]
async fn an_approval_older_than_the_memory_is_spent() {
    let mut rig = Rig::new(
        "wso2",
        |clock| Wso2Double::new(Wso2Options::default(), clock),
        |settings| settings.max_removals = 0,
    );
    rig.assign("baseline", policy(6), to_roles(&["engineer"]));
    rig.edit_backend(|backend| backend.approve_removals = Some("1".into()));
    rig.start();
    rig.pass(120).await;
    rig.delete("baseline");
    rig.pass(600).await;
    assert_eq!(ours(&rig).len(), 1, "it let nothing through");
    rig.edit_backend(|backend| backend.approve_removals = None);
    rig.pass(60).await;
    rig.edit_backend(|backend| backend.approve_removals = Some("1".into()));
    rig.pass(600).await;
    assert!(ours(&rig).is_empty(), "given anew, it does");
}

#[tokio::test(start_paused = true)]
async fn the_way_back_from_a_hold_is_orphan() {
    let mut rig = Rig::new(
        "wso2",
        |clock| Wso2Double::new(Wso2Options::default(), clock),
        |settings| settings.max_removals = 0,
    );
    rig.assign("baseline", policy(6), to_roles(&["engineer"]));
    rig.start();
    rig.pass(120).await;
    let before = rig.vendors.effects("wso2").len();
    rig.delete("baseline");
    rig.pass(300).await;
    assert!(rig.cluster.exists("baseline"));
    rig.let_go("baseline");
    rig.pass(60).await;
    assert!(!rig.cluster.exists("baseline"));
    rig.assign("baseline", policy(6), to_roles(&["engineer"]));
    rig.pass(120).await;
    assert_eq!(short(&rig.vendors.effects("wso2")[before..]), Vec::<String>::new());
    assert_eq!(rig.cluster.standing("baseline"), Some(Standing::InStep));
}

#[tokio::test(start_paused = true)]
async fn foreign_pending_changes_hold_before_the_first_write() {
    let mut rig = rig(Dialect::DeviceMgtV1);
    rig.by_hand("wso2", json!({"policies": [{"id": 1, "updated": true}]}));
    rig.assign("baseline", policy(6), to_roles(&["engineer"]));
    rig.start();
    rig.pass(120).await;
    assert_eq!(short(&rig.vendors.effects("wso2")), Vec::<String>::new());
    assert!(
        matches!(rig.cluster.standing("baseline"), Some(Standing::Stalled(Reason::ForeignPendingChanges, _))),
        "{:?}",
        rig.cluster.standing("baseline")
    );
    rig.by_hand("wso2", json!({"applyChanges": true}));
    rig.pass(300).await;
    assert_eq!(rig.cluster.standing("baseline"), Some(Standing::InStep));
}

#[tokio::test(start_paused = true)]
async fn priorities_permute_our_slots_only() {
    for dialect in DIALECTS {
        let mut rig = rig(dialect);
        for (name, priority) in [("low", 1), ("high", 9)] {
            let mut named = policy(6);
            named["displayName"] = name.into();
            rig.assign(name, named, with(to_roles(&["engineer"]), &json!({"priority": priority})));
            if rig.vendors.calls("wso2").is_empty() {
                rig.start();
            }
            rig.pass(120).await;
        }
        let foreign: Vec<Value> = rig.state("wso2")["policies"].as_array().unwrap()[..2].to_vec();
        let order: Vec<_> = ours(&rig).iter().map(|p| p["policyName"].clone()).collect();
        assert_eq!(order, ["high", "low"], "{dialect:?}");
        let slots: Vec<_> = foreign.iter().map(|p| p["priorityId"].clone()).collect();
        assert_eq!(slots, [1, 2], "{dialect:?}: foreign ones stay where they are");
    }
}
