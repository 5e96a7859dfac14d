//! A cluster that is not as it should be.

use super::*;

/// Whether the assignment says that a human must act.
fn stalled(whole: &Whole) -> bool {
    whole.api.condition("PolicyAssignment", TEAM, "camera", "Stalled").is_some()
}

/// CRDs that come later, as with `helm install` in two steps: it waits, and works as soon as they are there.
#[tokio::test(start_paused = true)]
async fn kinds_that_are_not_installed_yet_are_waited_for() {
    const KINDS: [&str; 5] = ["Policy", "TargetGroup", "Backend", "ClusterBackend", "PolicyAssignment"];
    let expected = in_force().await.state();
    let mut whole = Whole::new();
    both(&whole);
    for kind in KINDS {
        whole.api.withdraw(kind);
    }
    whole.start(None);
    whole.pass(600).await;
    assert_eq!(whole.api.writes().len(), 1, "but for its keys it wrote nothing");
    assert!(whole.vendors.calls("wso2").is_empty() && whole.vendors.calls("wfbss").is_empty());
    let told = whole.readiness.borrow().join("; ");
    for kind in ["policies", "targetgroups", "backends", "clusterbackends", "policyassignments"] {
        assert!(told.contains(kind), "/readyz names {kind}: {told}");
    }
    for kind in KINDS {
        whole.api.reinstate(kind);
    }
    whole.pass(600).await;
    assert!(whole.settle().await);
    let other = difference(&whole.state(), &expected);
    assert!(other.is_empty(), "{other:#?}");
    assert!(whole.readiness.borrow().is_empty(), "{:?}", whole.readiness.borrow());
}

/// What is applied together arrives in any order; Flux and helm give up on what is Stalled (product.md section 7).
#[tokio::test(start_paused = true)]
async fn an_assignment_that_comes_before_its_policy_is_patient() {
    let mut whole = Whole::new();
    whole.start(None);
    whole.assign("camera", "wso2", to_roles(&["engineer"]));
    whole.pass(300).await;
    assert_eq!(whole.ready("PolicyAssignment", "camera"), "False PolicyNotFound");
    assert!(!stalled(&whole), "it may still come");
    whole.apply("Policy", "camera", camera(false));
    assert!(whole.settle().await);
    assert_eq!(whole.ready("PolicyAssignment", "camera"), "True InStep");
    whole.api.delete("Policy", TEAM, "camera");
    whole.pass(300).await;
    assert!(!stalled(&whole), "it may be replaced");
    whole.pass(400).await;
    assert!(stalled(&whole), "ten minutes on, somebody must look");
    assert_eq!(whole.ready("PolicyAssignment", "camera"), "False PolicyNotFound");
    whole.apply("Policy", "camera", camera(false));
    assert!(whole.settle().await);
    assert_eq!(whole.ready("PolicyAssignment", "camera"), "True InStep");
    assert_eq!(
        whole.vendors.effects("wso2").iter().filter(|call| call.contains("remove")).count(),
        0,
        "frozen"
    );
}

/// helm and Flux look at what they applied within milliseconds, and give up on what says Stalled: what was said of the
/// broken Policy is taken back before the mended one is even compared with the system.
#[tokio::test(start_paused = true)]
async fn a_mended_policy_is_not_called_stalled_until_it_is_pushed() {
    let mut whole = Whole::new();
    let mut broken = camera(false);
    broken["content"]["wso2"]["profiles"][0]["features"][0]["code"] = json!("CAMREA");
    whole.apply("Policy", "camera", broken);
    whole.assign("camera", "wso2", to_roles(&["engineer"]));
    whole.start(None);
    assert!(whole.settle().await);
    assert!(stalled(&whole), "a feature that does not exist");
    is_mended_before_the_first_answer(&mut whole, camera(false)).await;
}

/// The mended Policy is told of while the system takes its time to answer.
async fn is_mended_before_the_first_answer(whole: &mut Whole, mended: Value) {
    whole.vendors.of("wso2").add_fault(&json!({"kind": "delay", "ms": 20_000})).unwrap();
    whole.apply("Policy", "camera", mended);
    whole.pass(5).await;
    assert!(!stalled(whole), "{:#}", whole.told("PolicyAssignment", "camera"));
    assert!(whole.ready("PolicyAssignment", "camera").starts_with("False "), "and not in force yet");
    whole.vendors.of("wso2").clear_faults();
    assert!(whole.settle().await);
    assert_eq!(whole.ready("PolicyAssignment", "camera"), "True InStep");
}

/// I7, F11: after a restart an API server that lags shows a Policy or a TargetGroup as it was; neither is applied again.
#[tokio::test(start_paused = true)]
async fn an_older_policy_or_group_from_a_lagging_api_server_is_not_applied() {
    let group = |roles: &[&str]| json!({"wso2": {"roles": roles}});
    let by_group = json!({"targets": {"include": [{"targetGroupRef": {"name": "people"}}]}});
    for kind in ["Policy", "TargetGroup"] {
        let mut whole = Whole::new();
        whole.apply("Policy", "camera", camera(false));
        whole.apply("TargetGroup", "people", group(&["engineer"]));
        whole.assign("camera", "wso2", by_group.clone());
        whole.start(None);
        assert!(whole.settle().await);
        let before = whole.api.revision();
        whole.apply("Policy", "camera", camera(true));
        whole.apply("TargetGroup", "people", group(&["sales"]));
        assert!(whole.settle().await);
        assert_eq!(whole.ready("PolicyAssignment", "camera"), "True InStep", "{kind}");
        whole.kill().await;
        whole.api.lag(kind, before, true);
        let effects = whole.vendors.effects("wso2").len();
        whole.start(None);
        whole.pass(900).await;
        assert_eq!(whole.vendors.effects("wso2")[effects..], [""; 0], "{kind}");
        let (_, reason) = whole.api.condition("Backend", TEAM, "wso2", "Ready").unwrap();
        assert_eq!(reason, "OlderThanApplied", "{kind}");
        whole.api.catch_up();
        assert!(whole.settle().await);
        assert_eq!(whole.ready("PolicyAssignment", "camera"), "True InStep", "{kind}");
        assert_eq!(whole.ready("Backend", "wso2"), "True Connected", "{kind}");
        assert_eq!(whole.vendors.effects("wso2")[effects..], [""; 0], "{kind}: it was right all the time");
    }
}

/// The same where not Ordain but the system refused it: nothing is known of the new content yet, so it is not refused.
#[tokio::test(start_paused = true)]
async fn what_the_system_refused_is_not_called_stalled_once_it_is_mended() {
    let mut whole = in_force().await;
    let refuse = json!({"kind": "status", "code": 400, "body": {"message": "no such camera"}, "match": {"method": "PUT"}});
    whole.vendors.of("wso2").add_fault(&refuse).unwrap();
    whole.apply("Policy", "camera", camera(true));
    assert!(whole.settle().await);
    assert!(stalled(&whole), "{:#}", whole.told("PolicyAssignment", "camera"));
    whole.vendors.of("wso2").clear_faults();
    let mended = with(camera(true), "description", json!("Cameras that are on"));
    is_mended_before_the_first_answer(&mut whole, mended).await;
}

/// I3: whoever holds something bears the finalizer, however often somebody takes it off; else a deletion would not wait.
#[tokio::test(start_paused = true)]
async fn a_finalizer_that_somebody_takes_off_is_put_on_again() {
    let mut whole = in_force().await;
    for time in ["once", "and again"] {
        whole.api.edit("PolicyAssignment", TEAM, "camera", |p| p["metadata"]["finalizers"] = json!([]));
        assert!(whole.settle().await);
        let bears = whole.told("PolicyAssignment", "camera")["finalizers"].clone();
        assert_eq!(bears, json!(["ordain.dev/release"]), "{time}");
    }
    whole.api.delete("PolicyAssignment", TEAM, "camera");
    assert!(whole.settle().await);
    let state = whole.vendors.of("wso2").double().state();
    let left = state["policies"].as_array().unwrap().iter().filter(|p| p["policyName"] == "Camera").count();
    assert_eq!(left, 0, "released, not orphaned");
}
