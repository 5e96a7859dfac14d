//! Identity by uid; nothing older ever replaces anything newer (F10, F11).

use std::sync::Arc;

use serde_json::json;

use super::*;

fn cluster() -> Vec<Manifest> {
    vec![policy("p"), wso2("b"), assignment("a", "p", "b")]
}

fn view(index: &Index) -> Arc<crate::index::AssignmentView> {
    Arc::clone(&index.desired(&backend("b")).unwrap().assignments[&team("a")])
}

#[test]
fn an_older_state_of_the_same_uid_is_not_believed() {
    let mut index = index(&cluster());
    let newer = assignment("a", "p", "b").at(3, 30).spec("priority", json!(3));
    apply(&mut index, &newer);
    let kept = view(&index);
    for (why, older) in [
        ("generation and version went back", assignment("a", "p", "b").at(2, 20)),
        ("only the version went back", assignment("a", "p", "b").at(3, 29).with("finalizers", json!([]))),
        ("only the generation went back", assignment("a", "p", "b").at(2, 31)),
    ] {
        assert!(apply(&mut index, &older).is_empty(), "{why}");
        assert!(Arc::ptr_eq(&kept, &view(&index)), "{why}");
    }
}

#[test]
fn a_stale_list_brings_nothing_back() {
    let mut index = index(&cluster());
    let newer = assignment("a", "p", "b").at(3, 30).spec("priority", json!(3));
    apply(&mut index, &newer);
    let kept = view(&index);
    assert!(list(&mut index, &cluster()).is_empty(), "the list is of an older revision");
    assert!(Arc::ptr_eq(&kept, &view(&index)));
}

#[test]
fn a_namesake_with_another_uid_is_another_object() {
    let mut index = index(&cluster());
    let reborn = assignment("a", "p", "b").with("uid", "reborn").at(1, 50);
    let dirty = apply(&mut index, &reborn);
    assert_eq!(dirty.backends, [backend("b")].into());
    assert_eq!(&*view(&index).uid.0, "reborn");
    let late = delete(&mut index, &assignment("a", "p", "b"));
    assert!(late.is_empty(), "the end of the former one is no end of this one");
    assert_eq!(&*view(&index).uid.0, "reborn");
    assert!(apply(&mut index, &assignment("a", "p", "b").at(9, 60)).is_empty(), "a uid never comes back");
}

#[test]
fn a_namesake_may_refer_elsewhere() {
    let mut all = cluster();
    all.push(wso2("other"));
    let mut index = index(&all);
    let moved = assignment("a", "q", "other").with("uid", "reborn").at(1, 50);
    let dirty = apply(&mut index, &moved);
    assert_eq!(dirty.backends, [backend("b"), backend("other")].into());
    assert_eq!(dirty.policies, [team("p"), team("q")].into());
    assert!(index.desired(&backend("b")).unwrap().assignments.is_empty());
    assert_eq!(index.desired(&backend("other")).unwrap().assignments.len(), 1);
    let dirty = apply(&mut index, &policy("q"));
    assert_eq!(dirty.backends, [backend("other")].into());
    assert!(apply(&mut index, &policy("p").at(2, 70).spec("description", json!("x"))).backends.is_empty());
}

#[test]
fn what_matters_to_nobody_keeps_every_view() {
    let mut index = index(&cluster());
    let kept = view(&index);
    let labelled = assignment("a", "p", "b").at(1, 7).with("labels", json!({"x": "y"}));
    assert!(apply(&mut index, &labelled).is_empty());
    assert!(apply(&mut index, &policy("p").at(1, 8)).is_empty());
    assert!(apply(&mut index, &wso2("b").at(1, 9)).is_empty());
    assert!(apply(&mut index, &policy("unused")).backends.is_empty());
    assert!(Arc::ptr_eq(&kept, &view(&index)));
}

#[test]
fn a_change_touches_only_what_refers_to_it() {
    let mut all = cluster();
    all.extend([
        policy("q"),
        assignment("other", "q", "b"),
        assignment("grouped", "p", "b")
            .spec("targets", json!({"include": [{"targetGroupRef": {"name": "g"}}]})),
        group("g", &["engineer"]),
    ]);
    let mut index = index(&all);
    let before = index.desired(&backend("b")).unwrap();
    apply(&mut index, &policy("p").at(2, 20).spec("description", json!("new")));
    apply(&mut index, &group("g", &["sales"]).at(2, 21));
    let after = index.desired(&backend("b")).unwrap();
    assert!(after.version > before.version);
    let same = |name: &str| Arc::ptr_eq(&before.assignments[&team(name)], &after.assignments[&team(name)]);
    assert!(same("other"));
    assert!(!same("a") && !same("grouped"));
    assert_eq!(
        before.assignments[&team("a")].binding().unwrap().policy_generation,
        1,
        "what was handed out stays"
    );
}

#[test]
fn a_deleted_backend_is_gone_and_its_return_an_appearance() {
    let mut index = index(&cluster());
    let dirty = delete(&mut index, &wso2("b"));
    assert_eq!((dirty.gone.len(), dirty.appeared.len()), (1, 0));
    assert_eq!(dirty.unbound, [team("a")].into());
    assert!(index.desired(&backend("b")).is_none());
    let dirty = apply(&mut index, &wso2("b").with("uid", "again").at(1, 40));
    assert_eq!((dirty.gone.len(), dirty.appeared.len()), (0, 1));
    assert!(view(&index).binding().is_some());
    assert_eq!(index.unbound_assignment(&team("a")), None);
}

#[test]
fn a_deleted_assignment_leaves_its_seat() {
    let mut index = index(&cluster());
    let before = index.desired(&backend("b")).unwrap();
    let dirty = delete(&mut index, &assignment("a", "p", "b"));
    assert_eq!(dirty.backends, [backend("b")].into());
    assert!(index.desired(&backend("b")).unwrap().assignments.is_empty());
    assert_eq!(before.assignments.len(), 1, "what was handed out stays");
}
