//! Finalizers: on before the first effect, off last, never a namesake's, never somebody else's.

use std::sync::atomic::Ordering;

use ordain::{
    model::{BackendId, BackendKind, Uid},
    report::facts::Standing,
    worker::ports::{Reporter, WriteError},
};
use serde_json::{Value, json};

use super::{Desk, name, seconds, stalled};
use crate::support::apiserver::{Fault, FaultKind};

const OURS: &str = "ordain.dev/release";

fn add(desk: &Desk, finalizer: &str) {
    desk.api.edit("PolicyAssignment", "team-a", "a", |object| {
        let mut list = object["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
        list.push(finalizer.into());
        object["metadata"]["finalizers"] = Value::Array(list);
    });
}

#[tokio::test(start_paused = true)]
async fn it_goes_on_and_off_with_one_call_each() {
    let desk = Desk::new();
    let uid = desk.assignment("a");
    desk.handle.ensure_finalizer(&name("a"), &uid).await.unwrap();
    assert_eq!(desk.finalizers("a"), json!([OURS]));
    desk.see("a");
    desk.handle.ensure_finalizer(&name("a"), &uid).await.unwrap();
    desk.api.delete("PolicyAssignment", "team-a", "a");
    desk.handle.remove_finalizer(&name("a"), &uid).await.unwrap();
    assert_eq!(desk.api.get("PolicyAssignment", "team-a", "a"), None);
    desk.handle.remove_finalizer(&name("a"), &uid).await.unwrap();
    let counts = desk.api.requests().counts();
    assert_eq!((counts["patch policyassignments"], counts["get policyassignments"]), (2, 1), "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn what_others_put_there_stays_whatever_was_known() {
    let desk = Desk::new();
    let uid = desk.assignment("a");
    add(&desk, "example.com/theirs");
    desk.handle.ensure_finalizer(&name("a"), &uid).await.unwrap();
    assert_eq!(desk.finalizers("a"), json!(["example.com/theirs", OURS]));
    add(&desk, "example.com/late");
    desk.handle.remove_finalizer(&name("a"), &uid).await.unwrap();
    assert_eq!(desk.finalizers("a"), json!(["example.com/theirs", "example.com/late"]));
}

#[tokio::test(start_paused = true)]
async fn somebody_who_writes_all_the_time_does_not_win() {
    let desk = Desk::new();
    let uid = desk.assignment("a");
    desk.api.fault(Fault::new(FaultKind::Conflict).to("policyassignments").verb("patch").percent(50, 7));
    for _ in 0..20 {
        desk.handle.ensure_finalizer(&name("a"), &uid).await.unwrap();
        assert_eq!(desk.finalizers("a"), json!([OURS]));
        desk.handle.remove_finalizer(&name("a"), &uid).await.unwrap();
        assert!(desk.finalizers("a").as_array().is_none_or(Vec::is_empty));
    }
}

#[tokio::test(start_paused = true)]
async fn none_goes_on_an_object_that_is_being_deleted_or_has_a_namesake() {
    let desk = Desk::new();
    let uid = desk.assignment("a");
    add(&desk, "example.com/theirs");
    desk.api.delete("PolicyAssignment", "team-a", "a");
    let refused = desk.handle.ensure_finalizer(&name("a"), &uid).await;
    assert_eq!(refused, Err(WriteError::Refused("the object is being deleted".into())));
    desk.api.force_delete("PolicyAssignment", "team-a", "a");
    let namesake = desk.assignment("a");
    assert_ne!(namesake, uid);
    assert_eq!(desk.handle.ensure_finalizer(&name("a"), &uid).await, Err(WriteError::Gone));
    desk.handle.ensure_finalizer(&name("a"), &namesake).await.unwrap();
    desk.handle.remove_finalizer(&name("a"), &uid).await.unwrap();
    assert_eq!(desk.finalizers("a"), json!([OURS]), "the namesake keeps its own");
}

#[tokio::test(start_paused = true)]
async fn what_was_reported_is_written_before_it_comes_off() {
    let desk = Desk::new();
    let uid = desk.assignment("a");
    desk.handle.ensure_finalizer(&name("a"), &uid).await.unwrap();
    add(&desk, "example.com/theirs");
    desk.api.delete("PolicyAssignment", "team-a", "a");
    desk.say("a", stalled());
    desk.handle.remove_finalizer(&name("a"), &uid).await.unwrap();
    let labels = desk.api.gate().labels(1);
    let at = |label: &str| labels.iter().rposition(|l| l == label).unwrap();
    assert!(
        at("patch policyassignments/status team-a/a") < at("patch policyassignments team-a/a"),
        "{labels:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn deletion_finishes_though_statuses_are_refused() {
    let desk = Desk::new();
    let uid = desk.assignment("a");
    desk.handle.ensure_finalizer(&name("a"), &uid).await.unwrap();
    desk.api.deny("patch", "policyassignments/status");
    desk.say("a", stalled());
    seconds(600).await;
    desk.api.delete("PolicyAssignment", "team-a", "a");
    desk.handle.remove_finalizer(&name("a"), &uid).await.unwrap();
    assert_eq!(desk.api.get("PolicyAssignment", "team-a", "a"), None);
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_told_what_is_wrong() {
    let desk = Desk::new();
    let uid = desk.assignment("a");
    desk.api.deny("patch", "policyassignments");
    let Err(WriteError::Refused(why)) = desk.handle.ensure_finalizer(&name("a"), &uid).await else {
        panic!("RBAC does not allow it")
    };
    assert!(why.contains("cannot patch resource"), "{why}");
    desk.api.allow("patch", "policyassignments");
    desk.api.shut_down();
    let down = desk.handle.ensure_finalizer(&name("a"), &uid).await;
    assert!(matches!(down, Err(WriteError::Unavailable(_))), "{down:?}");
    desk.api.come_back();
    desk.fence.0.store(false, Ordering::Relaxed);
    let fenced = desk.handle.ensure_finalizer(&name("a"), &uid).await;
    assert!(matches!(fenced, Err(WriteError::Unavailable(_))), "{fenced:?}");
    assert_eq!(desk.finalizers("a"), Value::Null);
}

#[tokio::test(start_paused = true)]
async fn without_the_lease_nothing_is_written_and_with_it_all_is() {
    let desk = Desk::new();
    desk.assignment("a");
    desk.fence.0.store(false, Ordering::Relaxed);
    desk.say("a", Standing::InStep);
    seconds(60).await;
    assert_eq!(desk.api.requests().len(), 0);
    desk.fence.0.store(true, Ordering::Relaxed);
    seconds(2).await;
    assert_eq!(desk.ready("a"), "True InStep");
}

#[tokio::test(start_paused = true)]
async fn backends_in_use_of_both_kinds() {
    let desk = Desk::new();
    for (kind, word, namespace) in
        [(BackendKind::Backend, "Backend", "team-a"), (BackendKind::ClusterBackend, "ClusterBackend", "")]
    {
        let mut manifest = json!({
            "apiVersion": "ordain.dev/v1alpha1", "kind": word, "metadata": {"name": "emm"}, "spec": {},
        });
        if !namespace.is_empty() {
            manifest["metadata"]["namespace"] = namespace.into();
        }
        let object = desk.api.apply(manifest);
        let uid = Uid(object["metadata"]["uid"].as_str().unwrap().into());
        let id = BackendId { kind, namespace: namespace.into(), name: "emm".into() };
        desk.handle.ensure_in_use(&id, &uid).await.unwrap();
        let bears = || desk.api.get(word, namespace, "emm").unwrap()["metadata"]["finalizers"].clone();
        assert_eq!(bears(), json!(["ordain.dev/in-use"]));
        desk.handle.remove_in_use(&id, &uid).await.unwrap();
        assert!(bears().as_array().is_none_or(Vec::is_empty));
    }
}
