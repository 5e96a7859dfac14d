//! Objects that cannot be decoded keep their claims and freeze removals (R3).

use serde_json::json;

use super::*;
use crate::report::facts::{BackendStanding, Standing};

fn cluster() -> Vec<Manifest> {
    vec![
        policy("p"),
        wso2("b"),
        assignment("a", "p", "b").spec("targets", json!({"include": [{"targetGroupRef": {"name": "g"}}]})),
        group("g", &["x"]),
        policy("q"),
        wso2("calm"),
        assignment("calm", "q", "calm"),
    ]
}

fn break_it(index: &mut Index, manifest: &Manifest) -> Dirty {
    index.undecodable(&manifest.broken("spec.x: invalid type"));
    index.settle()
}

fn undecodable(index: &Index, name: &str) -> Vec<String> {
    index.desired(&backend(name)).unwrap().undecodable.into_iter().collect()
}

#[test]
fn a_policy_freezes_its_assignments_and_the_removals_of_their_accounts() {
    let mut index = index(&cluster());
    let dirty = break_it(&mut index, &policy("p").at(2, 20));
    assert_eq!(dirty.backends, [backend("b")].into());
    assert_eq!(undecodable(&index, "b"), ["Policy team/p"]);
    assert!(undecodable(&index, "calm").is_empty());
    let found = input(&index);
    let (reason, message) = frozen(&found);
    assert_eq!(reason, Reason::Undecodable);
    assert_eq!(message, "Policy p cannot be decoded: spec.x: invalid type");
    apply(&mut index, &policy("p").at(3, 21));
    assert!(undecodable(&index, "b").is_empty());
    assert!(matches!(input(&index), Input::Bound { .. }));
}

#[test]
fn a_target_group_is_left_out_and_freezes_removals() {
    let mut index = index(&cluster());
    break_it(&mut index, &Manifest::new(Kind::TargetGroup, "g", json!({"wso2": 7})).at(2, 20));
    assert_eq!(undecodable(&index, "b"), ["TargetGroup team/g"]);
    let Input::Bound { findings, .. } = input(&index) else { panic!() };
    assert_eq!(findings[0].reason, Reason::Undecodable);
}

#[test]
fn an_assignment_stays_on_its_seat_frozen() {
    let mut index = index(&cluster());
    let bad = assignment("a", "p", "b").at(2, 20).spec("priority", json!("high"));
    let dirty = break_it(&mut index, &bad);
    assert_eq!(dirty.backends, [backend("b")].into());
    assert_eq!(undecodable(&index, "b"), ["PolicyAssignment team/a"]);
    let found = input(&index);
    assert_eq!(frozen(&found), (Reason::Undecodable, "cannot be decoded: spec.x: invalid type"));
    let desired = index.desired(&backend("b")).unwrap();
    assert_eq!(desired.assignments[&team("a")].generation, 2, "the verdict is about what is there now");
}

#[test]
fn one_whose_backend_cannot_be_read_concerns_every_account_it_may_name() {
    let shared = Manifest::new(Kind::ClusterBackend, "c", wso2("c").spec);
    let elsewhere = wso2("b").with("namespace", "elsewhere").with("uid", "e");
    let mut all = cluster();
    all.extend([shared, elsewhere]);
    let mut index = index(&all);
    let bad = Manifest::new(Kind::PolicyAssignment, "bad", json!({"backendRef": 7}));
    let dirty = break_it(&mut index, &bad);
    let concerned = [cluster_backend("c"), backend("b"), backend("calm")];
    assert_eq!(dirty.backends, concerned.clone().into());
    for id in concerned {
        assert_eq!(index.desired(&id).unwrap().undecodable.len(), 1, "{id}");
    }
    let verdict = index.unbound_assignment(&team("bad")).unwrap();
    let expected = Standing::Stalled(Reason::Undecodable, "cannot be decoded: spec.x: invalid type".into());
    assert_eq!(verdict.facts.standing, expected);
    assert_eq!(delete(&mut index, &bad).backends.len(), 3, "with it goes the freeze");
    assert!(undecodable(&index, "b").is_empty());
}

#[test]
fn a_backend_whose_system_can_be_read_makes_no_call() {
    let mut index = index(&cluster());
    let dirty = break_it(&mut index, &wso2("b").at(2, 20).spec("limits", json!("none")));
    assert_eq!((dirty.gone.len(), dirty.appeared.len()), (0, 0));
    let desired = index.desired(&backend("b")).unwrap();
    assert!(desired.backend.invalid.as_deref().unwrap().contains("cannot be decoded"));
    assert_eq!(undecodable(&index, "b"), ["Backend team/b"]);
    assert_eq!(frozen(&input(&index)).0, Reason::BackendUnavailable);
}

#[test]
fn a_backend_of_which_nothing_can_be_read_is_spoken_for() {
    let mut index = index(&cluster());
    let dirty = break_it(&mut index, &wso2("b").at(2, 20).spec("system", json!({"mystery": {}})));
    assert_eq!(dirty.gone, [backend("b")].into());
    assert_eq!(dirty.unbound_backends, [backend("b")].into());
    let facts = index.unbound_backend(&backend("b")).unwrap();
    assert!(matches!(facts.standing, BackendStanding::Stalled(Reason::Undecodable, _)));
    let verdict = index.unbound_assignment(&team("a")).unwrap();
    assert!(matches!(verdict.facts.standing, Standing::Stalled(Reason::BackendUnavailable, _)));
}

#[test]
fn an_undecodable_cluster_backend_lets_nobody_in_by_mistake() {
    let access = json!([{"name": "e", "namespaces": {"names": [NS]}, "targets": {"all": true}}]);
    let shared = Manifest::new(Kind::ClusterBackend, "c", wso2("c").spec).spec("access", access);
    let user = assignment("a", "p", "c").spec("backendRef", json!({"kind": "ClusterBackend", "name": "c"}));
    let mut index = index(&[policy("p"), shared.clone(), user]);
    break_it(&mut index, &shared.at(2, 20));
    let desired = index.desired(&cluster_backend("c")).unwrap();
    assert_eq!(desired.undecodable.into_iter().collect::<Vec<_>>(), ["ClusterBackend c"]);
    assert!(desired.assignments[&team("a")].binding().is_none());
}

#[test]
fn the_same_cluster_comes_out_whether_or_not_it_decoded_before() {
    let bad = policy("p").at(2, 20);
    let mut after = index(&cluster());
    break_it(&mut after, &bad);
    let rest: Vec<_> = cluster().into_iter().filter(|one| one.name() != bad.name()).collect();
    let mut fresh = index(&rest);
    break_it(&mut fresh, &bad);
    assert_eq!(all_desired(&after), all_desired(&fresh));
}
