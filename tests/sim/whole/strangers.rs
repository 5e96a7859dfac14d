//! What was done under another memory: another installation's, on a ClusterBackend, or ours that was lost.

use super::{
    handover::{OWN, apply_own, both_namespaces, in_force_in_both, leave, memory, own, restart_in, served},
    neighbours::{ELSEWHERE, Neighbour, edit, set_aside, team, told},
    *,
};

/// One account of documents for both namespaces: a ClusterBackend.
fn share_wfbss(whole: &Whole) {
    whole.api.namespace(OWN, &[]);
    for kind in ["Secret", "Backend"] {
        let mut object = whole.api.get(kind, TEAM, "wfbss").unwrap();
        whole.api.delete(kind, TEAM, "wfbss");
        let labels = object["metadata"]["labels"].clone();
        object["metadata"] = json!({"name": "wfbss", "namespace": "ordain-system", "labels": labels});
        if kind == "Backend" {
            object["kind"] = json!("ClusterBackend");
            object["metadata"] = json!({"name": "wfbss"});
            object["spec"]["access"] = json!([{
                "name": "all", "namespaces": {"names": [OWN, TEAM]}, "targets": {"all": true},
            }]);
        }
        whole.api.apply(object);
    }
}

/// An assignment on the ClusterBackend.
fn shared(policy: &str, group: &str) -> Value {
    let mut spec = to_groups(&[group]);
    spec["policyRef"] = json!({"name": policy});
    spec["backendRef"] = json!({"kind": "ClusterBackend", "name": "wfbss"});
    spec
}

/// A level, on top of what another group has.
fn copied() -> Value {
    let mut spec = level(3);
    spec["content"]["wfbss"]["documents"][0]["replicateFrom"] =
        json!({"customer": crate::wfbss::CUSTOMER, "group": "1", "revision": 1});
    spec
}

/// `documents` of the servers, as the system has them.
fn servers(whole: &Whole) -> Value {
    whole.vendors.of("wfbss").double().state()["customers"][crate::wfbss::CUSTOMER]["groups"]["2"]["policies"]
        ["win"]
        .clone()
}

/// The first one works in a namespace of its own all the time, on the same account as the one whose namespace it takes over.
#[tokio::test(start_paused = true)]
async fn what_another_one_did_on_a_shared_account_is_not_taken_for_untouched() {
    let mut whole = Whole::new();
    share_wfbss(&whole);
    apply_own(&whole, "Policy", "mine", &level(3));
    for name in ["mine", "gone"] {
        let group = if name == "mine" { "Laptops" } else { "Device (Default)" };
        apply_own(&whole, "PolicyAssignment", name, &shared("mine", group));
    }
    whole.scope = own();
    whole.start(None);
    whole.pass(120).await;
    whole.api.delete("PolicyAssignment", OWN, "gone");
    whole.pass(120).await;
    assert_eq!(memory(&whole, "", "wfbss")["lost"], Value::Null, "of what it did itself nothing is lost");
    whole.apply("Policy", "web", copied());
    let orphan = with(shared("web", "Server (Default)"), "releasePolicy", json!("Orphan"));
    whole.apply("PolicyAssignment", "web", orphan);
    whole.apply("Policy", "back", level(3));
    whole.apply("PolicyAssignment", "back", shared("back", "Servers"));
    let second = Neighbour::start(&whole, team());
    let mut secret = whole.api.get("Secret", "ordain-system", "wfbss").unwrap();
    secret["metadata"] =
        json!({"name": "wfbss", "namespace": ELSEWHERE, "labels": secret["metadata"]["labels"]});
    whole.api.apply(secret);
    whole.pass(240).await;
    assert_eq!(whole.ready("PolicyAssignment", "web"), "True InStep", "{}", second.told());
    leave(&whole, second).await;
    let set = json!({
        "customer": crate::wfbss::CUSTOMER, "group": 2, "os": "win", "path": "/firewall/level", "value": 3,
    });
    whole.vendors.of("wfbss").double().patch_state(json!({ "set": set })).unwrap();
    let before = servers(&whole);
    restart_in(&mut whole, both_namespaces()).await;
    whole.pass(2 * 1800).await;
    assert_eq!((served(&whole), set_aside(&whole).len()), (json!("own,team"), 0), "{}", told(&whole));
    assert_eq!(servers(&whole), before, "it is not copied over again");
    let web = whole.told("PolicyAssignment", "web");
    assert_eq!(web["conditions"]["Stalled"], json!(["True", "SeedUnknown"]), "{web}");
    assert_eq!(memory(&whole, "", "wfbss")["lost"], json!(["PreImages", "SeedRevisions"]));
    whole.api.delete("PolicyAssignment", TEAM, "back");
    whole.pass(240).await;
    assert_eq!(
        whole.told("PolicyAssignment", "back")["conditions"]["Stalled"],
        json!(["True", "RestoreIncomplete"]),
        "what stood there before only the other one knew"
    );
    let known = memory(&whole, "", "wfbss");
    restart_in(&mut whole, both_namespaces()).await;
    assert_eq!(memory(&whole, "", "wfbss"), known, "it is found out once");
}

fn lose_store(whole: &Whole) {
    for file in std::fs::read_dir(whole.folder.path()).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
}

/// Somebody took the finalizer off the Backend: that its assignments bear ours says enough.
#[tokio::test(start_paused = true)]
async fn a_lost_memory_is_told_also_of_a_backend_without_our_finalizer() {
    let mut whole = in_force().await;
    whole.end().await.unwrap();
    lose_store(&whole);
    for backend in ["wso2", "wfbss"] {
        whole.api.edit("Backend", TEAM, backend, |backend| backend["metadata"]["finalizers"] = json!([]));
    }
    whole.start(None);
    whole.pass(240).await;
    assert_eq!(memory(&whole, TEAM, "wso2")["lost"][0], "PreImages");
    assert_eq!(memory(&whole, TEAM, "wfbss")["lost"], json!(["PreImages", "SeedRevisions"]));
    edit(&mut whole, true).await;
}

/// What a store cost concerns what was in it, and not what comes later, however late that is seen.
#[tokio::test(start_paused = true)]
async fn what_comes_after_a_loss_ends_as_if_nothing_had_been_lost() {
    let mut whole = in_force().await;
    whole.end().await.unwrap();
    lose_store(&whole);
    let clock: Arc<dyn Clock> = Arc::new(whole.clock.clone());
    whole.vendors.add("later", Wso2Double::new(Wso2Options::default(), clock.clone()), clock);
    whole.start(None);
    whole.pass(120).await;
    whole.connect_as("later", "wso2");
    whole.apply("Policy", "late", with(camera(true), "displayName", json!("Late")));
    whole.assign("late", "later", to_roles(&["sales"]));
    whole.pass(120).await;
    assert_eq!(whole.ready("PolicyAssignment", "late"), "True InStep");
    assert_eq!(memory(&whole, TEAM, "later")["lost"], Value::Null);
    whole.api.delete("Policy", TEAM, "late");
    whole.api.delete("PolicyAssignment", TEAM, "late");
    whole.pass(240).await;
    assert_eq!(whole.told("PolicyAssignment", "late"), Value::Null);
}

/// `own,team` ─▶ `onw` ─▶ `own,team`: nobody can tell who came, and nothing else is lost by it.
#[tokio::test(start_paused = true)]
async fn a_slip_in_the_namespaces_costs_no_store() {
    let mut whole = in_force_in_both().await;
    restart_in(&mut whole, Scope::Only([Arc::from("onw")].into())).await;
    assert_eq!(served(&whole), json!("onw"), "{}", told(&whole));
    restart_in(&mut whole, own()).await;
    assert_eq!((served(&whole), set_aside(&whole).len()), (json!("own"), 0), "{}", told(&whole));
    assert_eq!(memory(&whole, OWN, "mdm")["lost"][0], "PreImages");
    restart_in(&mut whole, both_namespaces()).await;
    assert_eq!((served(&whole), set_aside(&whole).len()), (json!("own,team"), 0), "{}", told(&whole));
    assert_eq!(memory(&whole, TEAM, "wfbss")["lost"][0], "PreImages");
    edit(&mut whole, true).await;
}
