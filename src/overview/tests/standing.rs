//! What conditions come to.

use serde_json::{Value, json};

use super::{cluster, condition, in_force, overview, seen};
use crate::{
    api::TargetGroupSpec,
    model::ObjectName,
    overview::{Pick, State},
};

fn assignment(conditions: &[Value]) -> Value {
    json!({"observedGeneration": 1, "policyGeneration": 1, "conditions": conditions})
}

#[test]
fn a_state_is_what_the_operator_says_of_this_generation() {
    let ready = |status: &str, reason: &str| condition("Ready", status, reason, "said");
    let of = |type_: &str, reason: &str| condition(type_, "True", reason, "said");
    let older = {
        let mut ready = ready("True", "InStep");
        ready["observedGeneration"] = json!(0);
        ready
    };
    let pending = json!({"type": "Ready", "status": "Unknown", "reason": "Pending", "message": "waiting",
        "lastTransitionTime": "1970-01-01T00:00:00Z"});
    let cases: Vec<(&str, Vec<Value>, State, &str)> = vec![
        ("proven", vec![ready("True", "InStep")], State::InForce, "InStep"),
        ("nobody has looked", vec![pending], State::Unknown, "Pending"),
        ("no status at all", vec![], State::Unknown, "Pending"),
        ("proven, but of what stood there before", vec![older], State::Working, "Pending"),
        (
            "being sent",
            vec![ready("False", "Applying"), of("Reconciling", "Applying")],
            State::Working,
            "Applying",
        ),
        (
            "somebody must act",
            vec![ready("False", "Rejected"), of("Stalled", "Rejected")],
            State::Stalled,
            "Rejected",
        ),
        (
            "the guard waits for a person",
            vec![ready("False", "HeldByGuard"), of("Reconciling", "HeldByGuard")],
            State::Held,
            "HeldByGuard",
        ),
        (
            "so it does on the way out",
            vec![ready("False", "Terminating"), of("Stalled", "HeldByGuard")],
            State::Held,
            "HeldByGuard",
        ),
        (
            "no approval helps against too many targets",
            vec![ready("False", "TargetsHeld"), of("Stalled", "TargetsHeld")],
            State::Stalled,
            "TargetsHeld",
        ),
        (
            "nor against an object that cannot be decoded",
            vec![ready("False", "RemovalsFrozen"), of("Reconciling", "RemovalsFrozen")],
            State::Working,
            "RemovalsFrozen",
        ),
        (
            "drift that is only reported",
            vec![ready("False", "DriftDetected"), of("Stalled", "DriftDetected")],
            State::Drifting,
            "DriftDetected",
        ),
        (
            "somebody writes against us",
            vec![ready("False", "Contested"), of("Reconciling", "Contested")],
            State::Drifting,
            "Contested",
        ),
        (
            "Ready stays while it differs",
            vec![ready("True", "InStep"), condition("InSync", "False", "DriftDetected", "a is 1")],
            State::Drifting,
            "DriftDetected",
        ),
        (
            "what cannot be read is taken as sent",
            vec![ready("True", "InStep"), condition("InSync", "Unknown", "NotReadable", "taken as sent")],
            State::InForce,
            "InStep",
        ),
        ("suspended on purpose", vec![ready("False", "Suspended")], State::Resting, "Suspended"),
        (
            "an observer that differs is no drift",
            vec![ready("True", "Observing"), condition("InSync", "False", "DriftDetected", "a is 1")],
            State::Resting,
            "Observing",
        ),
        ("neither Ready nor why not", vec![ready("False", "Unrecognized")], State::Unknown, "Unrecognized"),
    ];
    for (why, conditions, state, reason) in cases {
        let shown = overview(&cluster(&[("a", assignment(&conditions))]));
        let one = &shown.assignments[0];
        assert_eq!((one.state, one.reason.as_str()), (state, reason), "{why}");
        assert_eq!(shown.all_in_force(), state.is_fine(), "{why}");
    }
}

#[test]
fn an_edit_of_the_policy_is_not_in_force_before_it_is_proven() {
    let mut cluster = cluster(&[("a", in_force())]);
    assert_eq!(overview(&cluster).assignments[0].state, State::InForce);
    cluster.policies.values_mut().for_each(|policy| policy.generation = 2);
    let shown = overview(&cluster);
    assert_eq!(shown.assignments[0].state, State::Working);
    assert!(
        shown.assignments[0].message.contains("generation 2 of the Policy"),
        "{:?}",
        shown.assignments[0]
    );
    cluster.policies.clear();
    assert_eq!(
        overview(&cluster).assignments[0].state,
        State::InForce,
        "a Policy that may not be seen says nothing"
    );
}

/// A namesake has the same generation; only the Policy itself tells that nobody has proven it.
#[test]
fn a_policy_that_took_anothers_place_is_not_in_force_before_it_is_proven() {
    let cases = [("a", State::Working), ("b", State::InForce)];
    for (waited_for, state) in cases {
        let mut cluster = cluster(&[("a", in_force())]);
        let message = format!("1 of 2 assignments are ready; not proven by {waited_for}");
        let status = json!({"observedGeneration": 1,
            "conditions": [condition("Ready", "False", "AssignmentsNotReady", &message)]});
        cluster.policies.values_mut().for_each(|policy| {
            policy.status = serde_json::from_value(status.clone()).unwrap();
        });
        assert_eq!(overview(&cluster).assignments[0].state, state, "{waited_for}");
    }
}

#[test]
fn an_edit_of_a_target_group_is_not_in_force_before_it_is_proven() {
    let not_proven = |by: &str| {
        let message = format!("1 of 2 assignments are ready; not proven by {by}");
        condition("Ready", "False", "AssignmentsNotReady", &message)
    };
    let proven = condition("Ready", "True", "AllAssignmentsReady", "");
    let cases = [
        ("proven by all", vec![proven.clone()], 1, "include", State::InForce),
        ("proven, before the edit", vec![proven.clone()], 2, "include", State::Working),
        ("the edit is of what is left out", vec![proven], 2, "exclude", State::Working),
        ("nothing has looked at it", vec![], 1, "include", State::Working),
        ("not proven by this one", vec![not_proven("a, b")], 1, "include", State::Working),
        ("not proven by others alone", vec![not_proven("aa, b")], 1, "include", State::InForce),
        (
            "not proven by more than are named",
            vec![not_proven("b, c and 2 more")],
            1,
            "include",
            State::Working,
        ),
        ("invalid", vec![condition("Ready", "False", "Invalid", "too long")], 1, "include", State::Working),
    ];
    for (why, conditions, generation, list, state) in cases {
        let mut cluster = cluster(&[("a", in_force())]);
        let mut targets = json!({"include": [{"wso2": {"roles": ["sales"]}}]});
        targets[list] = json!([{"targetGroupRef": {"name": "tier-1"}}]);
        cluster.assignments.values_mut().for_each(|one| {
            one.spec.as_mut().unwrap().targets = serde_json::from_value(targets.clone()).unwrap();
        });
        let spec: TargetGroupSpec = serde_json::from_value(json!({"wso2": {"roles": ["it"]}})).unwrap();
        let mut group = seen(spec, &json!({"observedGeneration": 1, "conditions": conditions}));
        group.generation = generation;
        cluster.groups.insert(ObjectName::new("mobile", "tier-1"), group);
        let shown = overview(&cluster);
        assert_eq!(shown.assignments[0].state, state, "{why}: {:?}", shown.assignments[0]);
    }
}

#[test]
fn worst_comes_first_and_the_counts_add_up() {
    let stalled = assignment(&[
        condition("Ready", "False", "Rejected", ""),
        condition("Stalled", "True", "Rejected", ""),
    ]);
    let shown = overview(&cluster(&[("a", in_force()), ("b", stalled), ("c", in_force())]));
    let names: Vec<_> = shown.assignments.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["b", "a", "c"]);
    assert_eq!(shown.summary.text, "2 of 3 assignments in force, 1 stalled");
    let pick = Pick { state: Some(State::Stalled), ..Pick::default() };
    assert_eq!(shown.picked(&pick).count(), 1);
    let pick = Pick { namespace: Some("other".into()), ..Pick::default() };
    assert_eq!(shown.picked(&pick).count(), 0);
}
