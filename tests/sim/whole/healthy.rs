//! What GitOps tools would call healthy: never before the systems hold what Git says.

use super::*;

/// How often Flux looks at everything that it applied; what it saw of an object it believes until it looks again.
const LOOK: u64 = 5;

impl Whole {
    /// What kstatus calls Current: the status speaks of the object that is there, and says that it is Ready.
    fn is_current(&self, kind: &str, name: &str) -> bool {
        let object = self.api.get(kind, TEAM, name).unwrap();
        let ready = self.ready(kind, name);
        object["status"]["observedGeneration"] == object["metadata"]["generation"]
            && ready.starts_with("True ")
    }

    /// Looks at these again and again, as long as `seconds`, and takes each of them from this look or from the one before:
    /// whether all of them were ever current so. Looks once as soon as it is called.
    async fn ever_healthy(&self, objects: &[(&str, &str)], seconds: u64) -> bool {
        let look = || objects.iter().map(|(kind, name)| self.is_current(kind, name)).collect::<Vec<_>>();
        let mut earlier = look();
        for _ in 0..seconds / LOOK {
            self.pass(LOOK).await;
            let now = look();
            if now.iter().zip(&earlier).all(|(now, earlier)| *now || *earlier) {
                return true;
            }
            earlier = now;
        }
        false
    }

    fn slow(&self) {
        self.vendors.of("wso2").add_fault(&json!({"kind": "delay", "ms": 20_000})).unwrap();
    }

    /// What of the Policy the system holds.
    fn held(&self) -> Vec<Value> {
        let state = self.vendors.of("wso2").double().state();
        let ours = |policy: &&Value| policy["policyName"].as_str().unwrap().starts_with("Camera");
        state["policies"].as_array().unwrap().iter().filter(ours).cloned().collect()
    }

    fn cameras(&self) -> usize {
        self.held().len()
    }

    /// Roles of the first of them.
    fn roles(&self) -> Value {
        self.held()[0]["roles"].clone()
    }
}

const BOTH: [(&str, &str); 2] = [("PolicyAssignment", "camera"), ("Policy", "camera")];

fn people(roles: &[&str]) -> Value {
    json!({"wso2": {"roles": roles}})
}

/// A feature that does not exist.
fn misspelt() -> Value {
    let mut camera = camera(false);
    camera["content"]["wso2"]["profiles"][0]["features"][0]["code"] = json!("CAMREA");
    camera
}

/// A camera for the people of a group, in force.
async fn by_group() -> Whole {
    let mut whole = Whole::new();
    whole.apply("Policy", "camera", camera(false));
    whole.apply("TargetGroup", "people", people(&["engineer"]));
    let by_group = json!({"targets": {"include": [{"targetGroupRef": {"name": "people"}}]}});
    whole.assign("camera", "wso2", by_group);
    whole.start(None);
    assert!(whole.settle().await);
    for (kind, name) in [BOTH[0], BOTH[1], ("TargetGroup", "people")] {
        assert!(whole.is_current(kind, name), "{kind} {:#}", whole.api.get(kind, TEAM, name).unwrap());
    }
    whole
}

/// The edit of a Policy that is refused: the assignment says Stalled at once. Who saw it Ready just before, and only then
/// sees the Policy, must not take both together for a success.
#[tokio::test(start_paused = true)]
async fn a_refused_edit_is_never_healthy() {
    let mut whole = in_force().await;
    whole.apply("Policy", "camera", misspelt());
    assert!(!whole.ever_healthy(&BOTH, 120).await);
    assert!(whole.settle().await);
    assert!(whole.api.condition("PolicyAssignment", TEAM, "camera", "Stalled").is_some());
    assert_eq!(
        whole.ready("Policy", "camera"),
        "True StalledAssignments",
        "it does not wait for a human (R9)"
    );
}

/// A TargetGroup proves its own generation, not that of the assignment, which its edit does not touch (R9).
#[tokio::test(start_paused = true)]
async fn an_edit_of_a_group_is_not_healthy_before_the_system_holds_it() {
    let mut whole = by_group().await;
    whole.slow();
    whole.apply("TargetGroup", "people", people(&["sales"]));
    let all = [BOTH[0], BOTH[1], ("TargetGroup", "people")];
    assert!(!whole.ever_healthy(&all, 15).await, "the system has not even answered");
    whole.vendors.of("wso2").clear_faults();
    assert!(whole.settle().await);
    for (kind, name) in all {
        assert!(whole.is_current(kind, name), "{kind} {}", whole.told(kind, name));
    }
    assert_eq!(whole.roles(), json!(["sales"]));
}

/// `kubectl replace --force`: a namesake has the same generation, and nothing of it is proven.
#[tokio::test(start_paused = true)]
async fn a_namesake_is_not_healthy_before_the_system_holds_it() {
    let mut whole = by_group().await;
    for (kind, name, spec) in
        [("Policy", "camera", camera(true)), ("TargetGroup", "people", people(&["sales"]))]
    {
        whole.slow();
        whole.api.delete(kind, TEAM, name);
        whole.apply(kind, name, spec);
        assert!(!whole.ever_healthy(&[BOTH[0], (kind, name)], 15).await, "{kind}");
        whole.vendors.of("wso2").clear_faults();
        assert!(whole.settle().await);
        assert!(whole.is_current("PolicyAssignment", "camera") && whole.is_current(kind, name), "{kind}");
    }
}

/// One that was Stalled before counts again as soon as what it names has changed: nobody knows yet what it says to that.
#[tokio::test(start_paused = true)]
async fn a_mended_policy_is_not_healthy_before_the_system_holds_it() {
    let mut whole = in_force().await;
    whole.apply("Policy", "camera", misspelt());
    assert!(whole.settle().await);
    whole.pass(60).await;
    whole.slow();
    whole.apply("Policy", "camera", camera(true));
    assert!(!whole.ever_healthy(&[("Policy", "camera")], 15).await, "the system has not even answered");
    whole.vendors.of("wso2").clear_faults();
    assert!(whole.settle().await);
    assert!(whole.is_current("Policy", "camera"));
}

/// Suspending changes nothing of what stands (product.md section 7: Ready as before).
#[tokio::test(start_paused = true)]
async fn what_is_suspended_in_step_stays_in_step() {
    let whole = in_force().await;
    let in_sync = |whole: &Whole| whole.api.condition("PolicyAssignment", TEAM, "camera", "InSync").unwrap();
    whole.assign("camera", "wso2", with(to_roles(&["engineer"]), "suspend", json!(true)));
    whole.pass(3 * 3600).await;
    assert_eq!(whole.ready("PolicyAssignment", "camera"), "True Suspended");
    assert_eq!(in_sync(&whole).0, "True");
    whole.apply("Policy", "camera", camera(true));
    whole.pass(3 * 3600).await;
    assert!(
        whole.ready("PolicyAssignment", "camera").starts_with("False "),
        "the system holds what was said before"
    );
    assert_eq!(in_sync(&whole).0, "False");
    whole.apply("Policy", "camera", with(camera(false), "enabled", json!(false)));
    whole.pass(3 * 3600).await;
    assert_eq!(in_sync(&whole).0, "False", "it is still switched on");
    whole.apply("Policy", "camera", camera(false));
    whole.pass(3 * 3600).await;
    assert_eq!(
        (whole.ready("PolicyAssignment", "camera"), in_sync(&whole).0),
        ("True Suspended".into(), "True".into())
    );
}

/// Roles and users are two policies in the system: a group that names roles alone then lets go of the one of users.
async fn of_roles_and_users() -> Whole {
    let mut whole = by_group().await;
    let both = json!({"wso2": {"roles": ["engineer"], "users": ["auditor"]}});
    whole.apply("TargetGroup", "people", both);
    assert!(whole.settle().await);
    assert!(whole.is_current("TargetGroup", "people"), "{:#}", whole.told("PolicyAssignment", "camera"));
    assert_eq!(whole.cameras(), 2);
    whole
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_drops_something_is_not_healthy_before_it_is_gone() {
    let mut whole = of_roles_and_users().await;
    let (all, dropped) = ([BOTH[0], BOTH[1], ("TargetGroup", "people")], people(&["engineer"]));
    whole.slow();
    whole.apply("TargetGroup", "people", dropped);
    assert!(!whole.ever_healthy(&all, 15).await, "the system has not even answered");
    whole.vendors.of("wso2").clear_faults();
    whole.vendors.of("wso2").add_fault(&json!({"kind": "status", "code": 503})).unwrap();
    assert!(!whole.ever_healthy(&all, 600).await, "it is down");
    assert_eq!(whole.cameras(), 2);
    whole.vendors.of("wso2").clear_faults();
    whole.pass(600).await;
    assert!(whole.settle().await);
    assert_eq!(whole.cameras(), 1);
    assert!(all.iter().all(|(kind, name)| whole.is_current(kind, name)));
}

/// The same where the guard holds what is to be taken away.
#[tokio::test(start_paused = true)]
async fn an_edit_that_drops_something_is_not_healthy_while_the_guard_holds_it() {
    let whole = of_roles_and_users().await;
    let mut backend = whole.api.get("Backend", TEAM, "wso2").unwrap()["spec"].clone();
    backend["guard"] = json!({"maxRemovals": 0});
    whole.apply("Backend", "wso2", backend);
    whole.apply("TargetGroup", "people", people(&["engineer"]));
    let all = [BOTH[0], BOTH[1], ("TargetGroup", "people")];
    assert!(!whole.ever_healthy(&all, 3600).await);
    assert_eq!(whole.ready("PolicyAssignment", "camera"), "False HeldByGuard");
    assert_eq!(whole.cameras(), 2);
}

/// What the system refuses to take away is a human's task, and told so.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_removed_is_stalled() {
    let whole = of_roles_and_users().await;
    for path in ["remove-policy", "deactivate-policy"] {
        let refuse =
            json!({"kind": "status", "code": 400, "body": {"message": "no"}, "match": {"path": path}});
        whole.vendors.of("wso2").add_fault(&refuse).unwrap();
    }
    whole.apply("TargetGroup", "people", people(&["engineer"]));
    assert!(!whole.ever_healthy(&[BOTH[0], ("TargetGroup", "people")], 600).await);
    let told = whole.told("PolicyAssignment", "camera");
    assert!(whole.api.condition("PolicyAssignment", TEAM, "camera", "Stalled").is_some(), "{told:#}");
}

/// Without a session nothing is compiled: what is told of an outage then speaks of what was, and proves no edit.
#[tokio::test(start_paused = true)]
async fn an_edit_is_not_healthy_while_the_credentials_are_gone() {
    let mut whole = by_group().await;
    let named = |secret: &str| {
        let mut backend = whole.api.get("Backend", TEAM, "wso2").unwrap()["spec"].clone();
        backend["system"]["wso2"]["credentialsRef"] = json!({"name": secret});
        backend
    };
    let (good, missing) = (named("wso2"), named("nobody"));
    whole.apply("Backend", "wso2", missing);
    whole.pass(120).await;
    assert!(whole.is_current("PolicyAssignment", "camera"), "in step as before (R21)");
    whole.apply("TargetGroup", "people", people(&["sales"]));
    let ask = ("ordain.dev/reconcile-requested-at", Some("now"));
    whole.api.annotate("PolicyAssignment", TEAM, "camera", ask.0, ask.1);
    let all = [BOTH[0], BOTH[1], ("TargetGroup", "people")];
    assert!(!whole.ever_healthy(&all, 600).await);
    whole.apply("Backend", "wso2", good);
    assert!(whole.settle().await);
    assert_eq!(whole.roles(), json!(["sales"]));
    assert!(all.iter().all(|(kind, name)| whole.is_current(kind, name)));
}

/// A Backend that is suspended is not asked, also by a process that has not read anything yet.
#[tokio::test(start_paused = true)]
async fn a_restart_changes_nothing_of_what_is_said_while_a_backend_is_suspended() {
    let mut whole = by_group().await;
    let mut backend = whole.api.get("Backend", TEAM, "wso2").unwrap()["spec"].clone();
    backend["suspend"] = json!(true);
    whole.apply("Backend", "wso2", backend);
    whole.pass(120).await;
    assert!(whole.is_current("PolicyAssignment", "camera"));
    whole.kill().await;
    whole.start(None);
    whole.pass(600).await;
    assert!(whole.is_current("PolicyAssignment", "camera"), "{:#}", whole.told("PolicyAssignment", "camera"));
    whole.apply("TargetGroup", "people", people(&["sales"]));
    assert!(!whole.ever_healthy(&[BOTH[0], BOTH[1], ("TargetGroup", "people")], 600).await);
}

/// Suspended, it stands as it was proven, whatever becomes of the system's answers.
#[tokio::test(start_paused = true)]
async fn an_outage_changes_nothing_of_what_is_said_of_a_suspended_one() {
    let mut whole = in_force().await;
    whole.assign("camera", "wso2", with(to_roles(&["engineer"]), "suspend", json!(true)));
    assert!(whole.settle().await);
    let before = whole.told("PolicyAssignment", "camera");
    whole.vendors.of("wso2").add_fault(&json!({"kind": "status", "code": 503})).unwrap();
    whole.pass(3 * 3600).await;
    assert_eq!(whole.told("PolicyAssignment", "camera"), before);
}

/// Who observes what somebody else applies has compared nothing of an edit of its own before it has looked.
#[tokio::test(start_paused = true)]
async fn an_observer_says_nothing_of_an_edit_before_it_has_looked() {
    let whole = in_force().await;
    let observer = |group: &str| {
        let observing = with(to_groups(&[group]), "mode", json!("Observe"));
        with(observing, "policyRef", json!({"name": "web"}))
    };
    whole.assign("watcher", "wfbss", observer("Server (Default)"));
    whole.pass(120).await;
    assert_eq!(whole.ready("PolicyAssignment", "watcher"), "True Observing");
    whole.vendors.of("wfbss").add_fault(&json!({"kind": "status", "code": 503})).unwrap();
    whole.assign("watcher", "wfbss", observer("Laptops"));
    assert!(!whole.ever_healthy(&[("PolicyAssignment", "watcher")], 600).await, "it has not looked");
    whole.vendors.of("wfbss").clear_faults();
    whole.pass(1200).await;
    assert_eq!(whole.ready("PolicyAssignment", "watcher"), "True Observing");
}
