//! Namespaces handed from one installation to another, and back: nobody believes what another one may have worked past.

use super::{
    neighbours::{ELSEWHERE, Neighbour, edit, set_aside, stage, team, told},
    *,
};

/// The namespace that stays with the first installation all the time.
const OWN: &str = "own";

fn own() -> Scope {
    Scope::Only([Arc::from(OWN)].into())
}

fn both_namespaces() -> Scope {
    Scope::Only([OWN, TEAM].map(Arc::from).into())
}

/// `kubectl apply` in the namespace that stays.
fn apply_own(whole: &Whole, kind: &str, name: &str, spec: &Value) {
    whole.api.apply(json!({
        "apiVersion": "ordain.dev/v1alpha1", "kind": kind, "spec": spec,
        "metadata": {"name": name, "namespace": OWN},
    }));
}

/// In force with both namespaces: two systems of the team, and one of the namespace that stays.
async fn in_force_in_both() -> Whole {
    let mut whole = Whole::new();
    let clock: Arc<dyn Clock> = Arc::new(whole.clock.clone());
    whole.vendors.add("mdm", Wso2Double::new(Wso2Options::default(), clock.clone()), clock);
    whole.api.namespace(OWN, &[]);
    whole.connect_as("mdm", "wso2");
    for kind in ["Secret", "Backend"] {
        let mut object = whole.api.get(kind, TEAM, "mdm").unwrap();
        whole.api.delete(kind, TEAM, "mdm");
        object["metadata"] = json!({"name": "mdm", "namespace": OWN, "labels": object["metadata"]["labels"]});
        whole.api.apply(object);
    }
    apply_own(&whole, "Policy", "phone", &camera(false));
    let assigned = json!({
        "policyRef": {"name": "phone"}, "backendRef": {"name": "mdm"},
        "targets": to_roles(&["engineer"])["targets"],
    });
    apply_own(&whole, "PolicyAssignment", "phone", &assigned);
    both(&whole);
    whole.scope = both_namespaces();
    whole.start(None);
    assert!(whole.settle().await);
    assert_eq!(memory(&whole, OWN, "mdm")["lost"], Value::Null);
    assert_eq!(memory(&whole, TEAM, "wfbss")["lost"], Value::Null);
    whole
}

fn memory(whole: &Whole, namespace: &str, backend: &str) -> Value {
    whole.api.get("Backend", namespace, backend).unwrap()["status"]["memory"].clone()
}

/// Ends the first one, which works in these namespaces from then on.
async fn restart_in(whole: &mut Whole, scope: Scope) {
    whole.end().await.unwrap();
    whole.scope = scope;
    whole.start(None);
    whole.pass(120).await;
}

/// Uninstalled.
async fn leave(whole: &Whole, mut neighbour: Neighbour) {
    neighbour.end().await;
    whole.api.delete("Lease", ELSEWHERE, "ordain");
}

fn served(whole: &Whole) -> Value {
    whole.api.get("Lease", "ordain-system", "ordain").unwrap()["metadata"]["annotations"]["ordain.dev/serves"]
        .clone()
}

fn level_of(whole: &Whole) -> Value {
    let state = whole.vendors.of("wfbss").double().state();
    state["customers"][crate::wfbss::CUSTOMER]["groups"]["2"]["policies"]["win"]["wtp"]["level"].clone()
}

/// A person sets this level in the console.
fn level_by_hand(whole: &Whole, level: u8) {
    let set = json!({
        "customer": crate::wfbss::CUSTOMER, "group": 2, "os": "win", "path": "/wtp/level", "value": level,
    });
    whole.vendors.of("wfbss").double().patch_state(json!({ "set": set })).unwrap();
}

/// Away and back: the other one let go of what the first one remembers, a person set something, and that is the former
/// value now.
#[tokio::test(start_paused = true)]
async fn a_namespace_that_comes_back_is_not_remembered() {
    let mut whole = in_force_in_both().await;
    let kept = memory(&whole, OWN, "mdm");
    restart_in(&mut whole, own()).await;
    let second = Neighbour::start(&whole, team());
    whole.pass(120).await;
    assert_eq!(stage(&whole, ELSEWHERE), json!([TEAM, "serving"]), "{}", second.told());
    assert_eq!(
        memory(&whole, TEAM, "wfbss")["lost"],
        json!(["PreImages", "SeedRevisions"]),
        "who takes it over says that former values stayed with the other one"
    );
    edit(&mut whole, true).await;
    whole.assign("web", "wfbss", with(to_groups(&["Server (Default)"]), "releasePolicy", json!("Orphan")));
    whole.pass(60).await;
    whole.api.delete("PolicyAssignment", TEAM, "web");
    whole.pass(60).await;
    assert_eq!((whole.told("PolicyAssignment", "web"), level_of(&whole)), (Value::Null, json!(3)));
    leave(&whole, second).await;
    level_by_hand(&whole, 1);

    restart_in(&mut whole, both_namespaces()).await;
    assert_eq!(served(&whole), json!("own,team"), "{}", told(&whole));
    edit(&mut whole, false).await;
    whole.assign("web", "wfbss", to_groups(&["Server (Default)"]));
    whole.pass(120).await;
    assert_eq!((whole.ready("PolicyAssignment", "web"), level_of(&whole)), ("True InStep".into(), json!(3)));
    assert_eq!(memory(&whole, TEAM, "wso2")["lost"][0], "PreImages");
    whole.api.delete("PolicyAssignment", TEAM, "web");
    whole.pass(120).await;
    assert_eq!((whole.told("PolicyAssignment", "web"), level_of(&whole)), (Value::Null, json!(1)));

    assert_eq!(memory(&whole, OWN, "mdm"), kept, "what stayed its own is as it was");
    assert_eq!(set_aside(&whole), [""; 0], "and so is its store");
    restart_in(&mut whole, both_namespaces()).await;
    edit(&mut whole, true).await;
}
