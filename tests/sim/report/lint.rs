//! The linter itself: a good status passes, and each way of breaking it is found.

use serde_json::{Value, json};

use crate::support::status_lint::{Kstatus, kstatus, lint};

fn good() -> Value {
    let condition = |type_: &str, reason: &str| {
        json!({
            "type": type_, "status": "True", "reason": reason, "message": "m",
            "observedGeneration": 3, "lastTransitionTime": "2026-03-03T09:15:00Z",
        })
    };
    json!({
        "observedGeneration": 3,
        "policyGeneration": 7, "observedSources": "0123456789abcdef",
        "conditions": [
            condition("Ready", "InStep"), condition("TargetsResolved", "Resolved"),
            condition("Accepted", "Accepted"), condition("InSync", "InStep"),
        ],
        "targets": {"desired": 3, "accepted": 2, "pending": 0, "failed": 0, "unknown": 1, "foreign": 5},
        "problems": [{"target": "a", "reason": "GroupNotFound"}, {"target": "b", "reason": "GroupNotFound"}],
    })
}

fn push(status: &mut Value, type_: &str, value: &str) {
    let mut condition = status["conditions"][0].clone();
    (condition["type"], condition["status"]) = (type_.into(), value.into());
    status["conditions"].as_array_mut().unwrap().push(condition);
}

#[test]
fn each_rule_is_found_broken() {
    type Break = fn(&mut Value);
    let cases: [(&str, Break); 18] = [
        ("S1", |s| s["conditions"][0]["type"] = "Accepted".into()),
        ("S1", |s| push(s, "Ready", "True")),
        ("S1", |s| push(s, "Happy", "True")),
        ("S2", |s| push(s, "Stalled", "True")),
        ("S2", |s| push(s, "Reconciling", "True")),
        ("S3", |s| push(s, "Overridden", "False")),
        ("S4", |s| s["conditions"][1]["observedGeneration"] = 2.into()),
        ("S4", |s| drop(s.as_object_mut().unwrap().remove("observedGeneration"))),
        ("S5", |s| s["conditions"][1]["reason"] = "Whatever".into()),
        ("S5", |s| s["problems"][0]["reason"] = "Unrecognized".into()),
        ("S6", |s| s["conditions"][1]["message"] = " ".into()),
        ("S7", |s| s["targets"]["accepted"] = 3.into()),
        ("S7", |s| s["problems"][0]["target"] = "c".into()),
        ("S8", |s| s["conditions"][3]["status"] = "False".into()),
        ("S8", |s| drop(s.as_object_mut().unwrap().remove("policyGeneration"))),
        ("S8", |s| drop(s.as_object_mut().unwrap().remove("observedSources"))),
        ("S9", |s| s["problems"][0]["message"] = "canary-1".into()),
        ("S10", |s| s["conditions"][1]["message"] = "m".repeat(5000).into()),
    ];
    assert_eq!(lint("PolicyAssignment", &good(), 3), Vec::<String>::new());
    for (rule, break_it) in cases {
        let mut status = good();
        break_it(&mut status);
        let found = lint("PolicyAssignment", &status, 3);
        assert!(
            found.iter().any(|found| found.starts_with(&format!("{rule}:"))),
            "{rule} is not in {found:?}"
        );
    }
    assert!(lint("PolicyAssignment", &good(), 2)[0].starts_with("S4"), "from the future");
}

#[test]
fn kstatus_reads_objects_as_flux_and_helm_do() {
    let object = |generation: i64, change: fn(&mut Value)| {
        let mut object = json!({"metadata": {"generation": generation}, "status": good()});
        change(&mut object);
        object
    };
    let ready = |value: &'static str| {
        let mut status = good();
        status["conditions"][0]["status"] = value.into();
        status
    };
    assert_eq!(kstatus(&object(3, |_| ())), Kstatus::Current);
    assert_eq!(kstatus(&object(4, |_| ())), Kstatus::InProgress, "another generation");
    assert_eq!(
        kstatus(&object(3, |o| o["metadata"]["deletionTimestamp"] = "x".into())),
        Kstatus::Terminating
    );
    assert_eq!(kstatus(&object(3, |o| push(&mut o["status"], "Stalled", "True"))), Kstatus::Failed);
    assert_eq!(kstatus(&object(3, |o| push(&mut o["status"], "Reconciling", "True"))), Kstatus::InProgress);
    for value in ["False", "Unknown"] {
        let object = json!({"metadata": {"generation": 3}, "status": ready(value)});
        assert_eq!(kstatus(&object), Kstatus::InProgress, "{value}");
    }
}
