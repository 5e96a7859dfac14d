//! Verdicts where no worker speaks.

use serde_json::json;

use super::*;
use crate::report::facts::Standing;

fn verdict(assignment: Manifest) -> crate::index::unbound::Unbound {
    index(&[policy("p"), assignment]).unbound_assignment(&team("a")).expect("no worker owns it")
}

fn leaving(release: Value) -> Manifest {
    assignment("a", "p", "b")
        .with("deletionTimestamp", "2026-03-02T00:00:00Z")
        .with("finalizers", json!(["ordain.dev/release"]))
        .spec("releasePolicy", release)
}

#[test]
fn a_missing_backend_is_first_waited_for() {
    let found = verdict(assignment("a", "p", "b"));
    let Standing::Unresolved(Reason::BackendNotFound, message, since) = &found.facts.standing else {
        panic!("{:?}", found.facts.standing)
    };
    assert!(message.contains("Backend b does not exist"), "{message}");
    assert_eq!(since.to_string(), "2026-03-01T00:00:00Z", "from its creation on");
    assert!(!found.let_go);
}

#[test]
fn it_tells_nobody_of_what_a_worker_owns() {
    let index = index(&[wso2("b"), assignment("a", "p", "b")]);
    assert_eq!(index.unbound_assignment(&team("a")), None, "PolicyNotFound is its worker's to say");
    assert_eq!(index.unbound_backend(&backend("b")), None);
    assert_eq!(index.all_unbound().count(), 0);
}

#[test]
fn an_orphan_goes_and_all_others_wait_with_both_ways_out() {
    let adopted = leaving(json!(null)).spec("adopt", json!({"id": "17"}));
    for (why, manifest, goes) in [
        ("Orphan never needs a call", leaving(json!("Orphan")), true),
        ("adopted objects are orphaned by default", adopted, true),
        ("what was written is not known here", leaving(json!("Delete")), false),
        ("the default depends on the system", leaving(json!(null)), false),
        ("nobody can restore", leaving(json!("Restore")), false),
    ] {
        let found = verdict(manifest);
        let Standing::Terminating { reason, message, stalled } = &found.facts.standing else {
            panic!("{why}: {:?}", found.facts.standing)
        };
        assert_eq!((found.let_go, *stalled), (goes, !goes), "{why}: {message}");
        if !goes {
            assert_eq!(*reason, Reason::ReleaseBlocked, "{why}");
            assert!(message.contains("Backend b does not exist"), "{why}: {message}");
            let command = "kubectl patch policyassignment a -n team --type merge -p '{\"spec\":{\"releasePolicy\":\"Orphan\"}}'";
            assert!(message.contains(command), "{why}: {message}");
        }
    }
}

#[test]
fn one_without_our_finalizer_is_not_held_by_us() {
    let found = verdict(leaving(json!("Delete")).with("finalizers", json!(["example.com/other"])));
    assert!(!found.let_go);
    assert!(matches!(found.facts.standing, Standing::Terminating { stalled: false, .. }));
}

#[test]
fn the_way_out_works_even_where_the_rest_does_not_decode() {
    let bad = leaving(json!("Orphan")).spec("priority", json!("high"));
    let mut index = index(&[]);
    index.undecodable(&bad.broken("spec.priority: invalid type"));
    index.settle();
    assert!(index.unbound_assignment(&team("a")).unwrap().let_go);
}

#[test]
fn suspended_ones_stay_as_they_are() {
    let found = verdict(assignment("a", "p", "b").spec("suspend", json!(true)));
    assert_eq!(found.facts.standing, Standing::Suspended);
}
