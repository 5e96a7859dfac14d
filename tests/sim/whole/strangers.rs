//! What was done under another memory: ours that was lost, or set aside.

use super::{
    handover::{OWN, both_namespaces, in_force_in_both, memory, own, restart_in, served},
    neighbours::{edit, set_aside, told},
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

/// A finalizer is no proof: a tenant who copies one costs the others nothing.
#[tokio::test(start_paused = true)]
async fn a_copied_finalizer_costs_nobody_the_memory_of_a_shared_account() {
    let mut whole = Whole::new();
    share_wfbss(&whole);
    whole.apply("Policy", "web", level(3));
    whole.apply("PolicyAssignment", "web", shared("web", "Server (Default)"));
    whole.start(None);
    assert!(whole.settle().await);
    assert_eq!(whole.ready("PolicyAssignment", "web"), "True InStep");
    let before = memory(&whole, "", "wfbss");
    whole.api.apply(json!({
        "apiVersion": "ordain.dev/v1alpha1", "kind": "PolicyAssignment", "spec": shared("nobody", "Laptops"),
        "metadata": {"name": "copy", "namespace": TEAM, "finalizers": ["ordain.dev/release"]},
    }));
    whole.pass(600).await;
    assert_eq!(memory(&whole, "", "wfbss"), before);
    assert_eq!(whole.ready("PolicyAssignment", "web"), "True InStep");
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
