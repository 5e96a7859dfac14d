//! Lists: complete, under way, not readable.

use std::sync::Arc;

use serde_json::json;

use super::*;

fn cluster() -> Vec<Manifest> {
    vec![policy("p"), wso2("b"), assignment("a", "p", "b"), group("g", &["x"]), namespace(NS, json!({}))]
}

/// Lists all kinds but one.
fn all_but(missing: Kind) -> Index {
    let mut index = Index::new(Scope::All);
    for feed in Scope::All.feeds().into_iter().filter(|feed| feed.kind != missing) {
        index.begin(&feed);
        cluster().iter().filter(|one| one.kind == feed.kind).for_each(|one| index.apply(one.object()));
        index.end(&feed);
    }
    index
}

#[test]
fn a_relist_that_brings_nothing_new_changes_nothing() {
    let mut index = index(&cluster());
    let before = index.desired(&backend("b")).unwrap();
    assert!(list(&mut index, &cluster()).is_empty());
    let after = index.desired(&backend("b")).unwrap();
    assert_eq!(before.version, after.version);
    assert!(Arc::ptr_eq(&before.backend, &after.backend));
    assert!(Arc::ptr_eq(&before.assignments, &after.assignments));
}

#[test]
fn what_a_relist_lacks_goes_at_its_end_and_not_before() {
    let mut index = index(&cluster());
    let assignments = feed(Kind::PolicyAssignment);
    index.begin(&assignments);
    assert!(index.settle().is_empty(), "a list that has begun says nothing yet");
    index.begin(&assignments);
    assert!(index.settle().is_empty(), "one that broke off and began again neither");
    index.end(&assignments);
    let dirty = index.settle();
    assert_eq!(dirty.backends, [backend("b")].into());
    assert_eq!(dirty.policies, [team("p")].into());
    assert!(index.desired(&backend("b")).unwrap().assignments.is_empty());
}

#[test]
fn an_end_without_a_beginning_removes_nothing() {
    let mut index = index(&cluster());
    index.end(&feed(Kind::PolicyAssignment));
    assert!(index.settle().is_empty());
}

#[test]
fn it_is_open_once_every_list_is_complete_or_barred() {
    for kind in Kind::ALL {
        let mut index = all_but(kind);
        assert!(!index.is_open(), "{kind}");
        index.bar(&feed(kind), "list: forbidden");
        assert!(index.is_open() && !index.is_complete(), "{kind}");
        assert_eq!(index.barred().count(), 1);
    }
}

#[test]
fn a_kind_that_cannot_be_listed_freezes_what_it_touches() {
    let why = "list policies: policies.ordain.dev is forbidden";
    let mut index = all_but(Kind::Policy);
    index.bar(&feed(Kind::Policy), why);
    index.settle();
    let found = input(&index);
    let (reason, message) = frozen(&found);
    assert_eq!(reason, Reason::Pending, "absent is not gone");
    assert!(message.contains(why), "{message}");
    index.begin(&feed(Kind::Policy));
    index.apply(policy("p").object());
    index.end(&feed(Kind::Policy));
    assert_eq!(index.settle().backends, [backend("b")].into());
    assert!(matches!(input(&index), Input::Bound { .. }));
}

#[test]
fn backends_whose_assignments_are_not_listed_stay_behind_their_gate() {
    let mut index = all_but(Kind::PolicyAssignment);
    index.bar(&feed(Kind::PolicyAssignment), "list policyassignments: forbidden");
    let dirty = index.settle();
    assert!(dirty.appeared.is_empty() && index.desired(&backend("b")).is_none());
    let facts = index.unbound_backend(&backend("b")).expect("somebody must say why");
    assert!(format!("{:?}", facts.standing).contains("policyassignments: forbidden"), "{:?}", facts.standing);
    assert!(index.policy_facts(&team("p"), |_| None).is_none(), "nobody says that nothing is assigned");
    index.begin(&feed(Kind::PolicyAssignment));
    index.end(&feed(Kind::PolicyAssignment));
    assert_eq!(index.settle().appeared, [backend("b")].into());
}

#[test]
fn namespaces_that_cannot_be_listed_touch_only_who_is_let_in_by_label() {
    let mut index = all_but(Kind::Namespace);
    index.bar(&feed(Kind::Namespace), "list namespaces: forbidden");
    let shared = |name: &str, namespaces: Value| {
        let access = json!([{"name": "e", "namespaces": namespaces, "targets": {"all": true}}]);
        Manifest::new(Kind::ClusterBackend, name, wso2(name).spec).spec("access", access)
    };
    let to = |name: &str| {
        assignment(name, "p", name).spec("backendRef", json!({"kind": "ClusterBackend", "name": name}))
    };
    for (name, namespaces) in
        [("named", json!({"names": [NS]})), ("labelled", json!({"selector": {"matchLabels": {"a": "b"}}}))]
    {
        index.apply(shared(name, namespaces).object());
        index.apply(to(name).object());
    }
    index.settle();
    assert!(matches!(input(&index), Input::Bound { .. }), "a Backend needs no labels");
    let view = |name: &str| index.desired(&cluster_backend(name)).unwrap().assignments[&team(name)].clone();
    assert!(view("named").binding().is_some());
    let labelled = view("labelled");
    let (reason, message) = frozen(&labelled.input);
    assert_eq!(reason, Reason::Pending);
    assert!(message.contains("list namespaces: forbidden"), "{message}");
}

#[test]
fn a_list_that_fails_later_keeps_what_was_known() {
    let mut index = index(&cluster());
    index.bar(&feed(Kind::Policy), "watch policies: forbidden");
    assert!(index.settle().is_empty());
    assert!(index.is_open() && index.barred().count() == 1);
    index.unbar(&feed(Kind::Policy));
    assert!(index.settle().is_empty() && index.barred().count() == 0);
}

#[test]
fn with_some_namespaces_only_each_has_its_own_lists() {
    let scope = Scope::Only([NS.into(), "other".into()].into());
    let mut index = Index::new(scope.clone());
    let feeds = scope.feeds();
    assert_eq!(feeds.len(), 4 * 2 + 2, "four namespaced kinds twice, Namespaces and ClusterBackends once");
    for feed in &feeds {
        if feed.namespace.as_deref() == Some("other") {
            index.bar(feed, "list: forbidden");
            continue;
        }
        index.begin(feed);
        cluster().iter().filter(|one| one.kind == feed.kind).for_each(|one| index.apply(one.object()));
        index.end(feed);
    }
    index.settle();
    assert!(matches!(input(&index), Input::Bound { .. }), "one namespace does not close another");
    index.apply(assignment("a", "p", "b").with("namespace", "beyond").with("uid", "x").object());
    index.settle();
    let verdict = index.unbound_assignment(&ObjectName::new("beyond", "a")).unwrap();
    assert_eq!(verdict.facts.accepted.reason, Reason::NamespaceNotWatched);
}
