//! What conditions come to.

use serde_json::{Value, json};

use super::{cluster, condition, in_force, overview};
use crate::overview::{Pick, State};

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
