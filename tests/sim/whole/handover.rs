//! Namespaces handed from one installation to another, and back: nobody believes what another one may have worked past.

use super::{
    neighbours::{ELSEWHERE, Neighbour, edit, set_aside, stage, team, told, until},
    *,
};

/// The namespace that stays with the first installation all the time.
pub(super) const OWN: &str = "own";

pub(super) fn own() -> Scope {
    Scope::Only([Arc::from(OWN)].into())
}

pub(super) fn both_namespaces() -> Scope {
    Scope::Only([OWN, TEAM].map(Arc::from).into())
}

/// `kubectl apply` in the namespace that stays.
pub(super) fn apply_own(whole: &Whole, kind: &str, name: &str, spec: &Value) {
    whole.api.apply(json!({
        "apiVersion": "ordain.dev/v1alpha1", "kind": kind, "spec": spec,
        "metadata": {"name": name, "namespace": OWN},
    }));
}

/// In force with both namespaces: two systems of the team, and one of the namespace that stays.
pub(super) async fn in_force_in_both() -> Whole {
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

/// `status.memory`; without a namespace, of a ClusterBackend.
pub(super) fn memory(whole: &Whole, namespace: &str, backend: &str) -> Value {
    let kind = if namespace.is_empty() { "ClusterBackend" } else { "Backend" };
    whole.api.get(kind, namespace, backend).unwrap()["status"]["memory"].clone()
}

/// Ends the first one, which works in these namespaces from then on.
pub(super) async fn restart_in(whole: &mut Whole, scope: Scope) {
    whole.end().await.unwrap();
    whole.scope = scope;
    whole.start(None);
    whole.pass(120).await;
}

/// Uninstalled.
pub(super) async fn leave(whole: &Whole, mut neighbour: Neighbour) {
    neighbour.end().await;
    whole.api.delete("Lease", ELSEWHERE, "ordain");
}

pub(super) fn served(whole: &Whole) -> Value {
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

/// Given to another one, who lets go of what the first one remembers; then a person sets something, and the first one is to
/// have it back.
async fn away_and_back() -> Whole {
    let mut whole = in_force_in_both().await;
    restart_in(&mut whole, own()).await;
    let second = Neighbour::start(&whole, team());
    whole.pass(120).await;
    assert_eq!(stage(&whole, ELSEWHERE), json!([TEAM, "serving"]), "{}", second.told());
    assert_eq!(
        memory(&whole, TEAM, "wfbss")["lost"],
        json!(["PreImages", "SeedRevisions"]),
        "who takes it over says that former values stayed with the other one"
    );
    whole.assign("web", "wfbss", with(to_groups(&["Server (Default)"]), "releasePolicy", json!("Orphan")));
    whole.pass(60).await;
    whole.api.delete("PolicyAssignment", TEAM, "web");
    whole.pass(60).await;
    assert_eq!((whole.told("PolicyAssignment", "web"), level_of(&whole)), (Value::Null, json!(3)));
    leave(&whole, second).await;
    level_by_hand(&whole, 1);
    whole.end().await.unwrap();
    whole.scope = both_namespaces();
    whole
}

/// What the person set is what is written over, and what is put back.
async fn what_the_person_set_is_the_former_value(whole: &Whole, at: &str) {
    whole.assign("web", "wfbss", to_groups(&["Server (Default)"]));
    whole.pass(120).await;
    let web = (whole.ready("PolicyAssignment", "web"), level_of(whole));
    assert_eq!(web, ("True InStep".into(), json!(3)), "{at}");
    assert_eq!(memory(whole, TEAM, "wso2")["lost"][0], "PreImages", "{at}");
    whole.api.delete("PolicyAssignment", TEAM, "web");
    whole.pass(120).await;
    assert_eq!((whole.told("PolicyAssignment", "web"), level_of(whole)), (Value::Null, json!(1)), "{at}");
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_comes_back_is_not_remembered() {
    let mut whole = away_and_back().await;
    let kept = memory(&whole, OWN, "mdm");
    whole.start(None);
    whole.pass(120).await;
    assert_eq!(served(&whole), json!("own,team"), "{}", told(&whole));
    edit(&mut whole, true).await;
    what_the_person_set_is_the_former_value(&whole, "").await;
    assert_eq!(memory(&whole, OWN, "mdm"), kept, "what stayed its own is as it was");
    assert_eq!(set_aside(&whole), [""; 0], "and so is its store");
    restart_in(&mut whole, both_namespaces()).await;
    edit(&mut whole, false).await;
}

/// From the lock of the store until the namespace is its own again: a process that dies leaves nothing that is believed.
#[tokio::test(start_paused = true)]
async fn nor_is_it_where_a_process_dies_as_it_comes_back() {
    let mut whole = away_and_back().await;
    whole.start(None);
    until(&whole, || served(&whole) == json!("own,team")).await;
    let ios = whole.api.gate().count();
    whole.pass(60).await;
    for number in 1..=ios {
        let mut whole = away_and_back().await;
        whole.start(Some((number, Moment::After)));
        assert!(!whole.settle().await);
        let at = whole.api.gate().journal().last().map(ToString::to_string).unwrap_or_default();
        whole.kill().await;
        whole.start(None);
        whole.pass(240).await;
        assert_eq!(served(&whole), json!("own,team"), "{at}");
        what_the_person_set_is_the_former_value(&whole, &at).await;
        assert_eq!(set_aside(&whole), [""; 0], "{at}");
    }
    assert!(ios > 8, "{ios}");
}

/// Which namespaces stayed its own stands on its Lease alone. Somebody deletes that while it waits for the other one, and
/// that one's at the same time.
#[tokio::test(start_paused = true)]
async fn nor_is_it_where_the_lease_that_told_the_rest_is_deleted() {
    let mut whole = away_and_back().await;
    let mut second = Neighbour::start(&whole, team());
    whole.pass(120).await;
    whole.start(None);
    whole.pass(30).await;
    assert_eq!((stage(&whole, "ordain-system")[1].clone(), served(&whole)), (json!("claiming"), json!(OWN)));
    second.end().await;
    whole.pass(10).await;
    whole.api.delete("Lease", ELSEWHERE, "ordain");
    whole.api.delete("Lease", "ordain-system", "ordain");
    whole.pass(240).await;
    assert_eq!(served(&whole), json!("own,team"), "{}", told(&whole));
    what_the_person_set_is_the_former_value(&whole, "").await;
    assert_eq!(set_aside(&whole).len(), 1, "of what stayed its own nobody can tell");
}

/// Whether somebody came in while its Lease was gone could not be seen before it had to end.
#[tokio::test(start_paused = true)]
async fn nor_is_a_store_whose_lease_was_given_back_in_doubt() {
    let mut whole = in_force_in_both().await;
    whole.api.deny("list", "leases");
    whole.api.delete("Lease", "ordain-system", "ordain");
    whole.pass(12).await;
    assert_eq!(stage(&whole, "ordain-system"), json!(["own,team", "entering"]));
    whole.end().await.unwrap();
    whole.api.allow("list", "leases");
    whole.start(None);
    edit(&mut whole, true).await;
    assert_eq!(set_aside(&whole).len(), 1);
}

/// One account for all namespaces: what is remembered of it is as good as what is remembered of each of them.
#[tokio::test(start_paused = true)]
async fn a_cluster_backend_is_forgotten_where_somebody_who_comes_back_holds_something() {
    for (shared, forgotten) in [(false, false), (true, true)] {
        let mut whole = in_force_in_both().await;
        let clock: Arc<dyn Clock> = Arc::new(whole.clock.clone());
        whole.end().await.unwrap();
        whole.vendors.add("fleet", Wso2Double::new(Wso2Options::default(), clock.clone()), clock);
        let (mut secret, mut backend) =
            (whole.api.get("Secret", OWN, "mdm").unwrap(), whole.api.get("Backend", OWN, "mdm").unwrap());
        secret["metadata"] =
            json!({"name": "mdm", "namespace": "ordain-system", "labels": secret["metadata"]["labels"]});
        backend["kind"] = json!("ClusterBackend");
        backend["metadata"] = json!({ "name": "fleet" });
        backend["spec"]["system"]["wso2"]["url"] = json!("https://fleet.test");
        backend["spec"]["access"] = json!([{
            "name": "all", "namespaces": {"names": [OWN, TEAM]}, "targets": {"all": true},
        }]);
        whole.api.apply(secret);
        whole.api.apply(backend);
        let assigned = |name: &str| {
            json!({
                "policyRef": {"name": name}, "backendRef": {"kind": "ClusterBackend", "name": "fleet"},
                "targets": to_roles(&["engineer"])["targets"],
            })
        };
        apply_own(&whole, "PolicyAssignment", "fleet", &assigned("phone"));
        if shared {
            whole.apply("PolicyAssignment", "fleet", assigned("camera"));
        }
        whole.start(None);
        whole.pass(120).await;
        let before = memory(&whole, "", "fleet");
        assert_eq!((before["since"].is_string(), &before["lost"]), (true, &Value::Null), "{before}");
        restart_in(&mut whole, own()).await;
        assert_eq!(memory(&whole, "", "fleet"), before, "what is given away says nothing of the rest");
        restart_in(&mut whole, both_namespaces()).await;
        let after = memory(&whole, "", "fleet");
        assert_eq!(after["lost"] != before["lost"], forgotten, "{after}");
        assert_eq!(after["since"] != before["since"], forgotten, "{after}");
        let held = whole.vendors.of("fleet").double().state()["policies"].as_array().unwrap().len();
        whole.pass(3600).await;
        let now = whole.vendors.of("fleet").double().state()["policies"].as_array().unwrap().len();
        assert_eq!(now, held, "nothing is made twice");
    }
}

/// What was made and seen through under the memory that we have is known, whatever an older one took with it.
#[tokio::test(start_paused = true)]
async fn what_was_made_after_a_loss_ends_also_where_its_policy_goes_first() {
    let mut whole = in_force().await;
    whole.end().await.unwrap();
    for file in std::fs::read_dir(whole.folder.path()).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    whole.start(None);
    whole.pass(120).await;
    assert_eq!(memory(&whole, TEAM, "wso2")["lost"][0], "PreImages");
    whole.apply("Policy", "late", with(camera(true), "displayName", json!("Late")));
    whole.assign("late", "wso2", to_roles(&["sales"]));
    whole.pass(240).await;
    assert_eq!(whole.ready("PolicyAssignment", "late"), "True InStep");
    for name in ["late", "camera"] {
        whole.api.delete("Policy", TEAM, name);
        whole.api.delete("PolicyAssignment", TEAM, name);
    }
    whole.pass(240).await;
    assert_eq!(whole.told("PolicyAssignment", "late"), Value::Null);
    assert_eq!(
        whole.told("PolicyAssignment", "camera")["conditions"]["Stalled"],
        json!(["True", "ReleaseBlocked"]),
        "of what was there before nobody can tell what else it did"
    );
}
