//! What others wrote may be anything: it ends neither a line nor a screen, and turns no text round.

use serde_json::{Value, json};

use super::{cluster, condition, overview, with_backend};
use crate::{
    api::validate::is_control_or_invisible,
    overview::{
        Overview,
        text::{Look, text},
    },
};

const EVIL: &str = "\u{1b}[2J\r\n\u{202e}evil\u{0}\u{2028}<script>alert(1)</script>\u{85}";

fn hostile() -> Overview {
    let status = json!({"observedGeneration": 1, "policyGeneration": 1,
        "conditions": [condition("Ready", "False", "Rejected", EVIL), condition("Stalled", "True", "Rejected", EVIL),
            condition("InSync", "False", "DriftDetected", EVIL), condition("Overridden", "True", "Overridden", EVIL)],
        "problems": [{"target": EVIL, "reason": "RoleNotFound", "message": EVIL}],
        "objects": [{"key": EVIL, "id": EVIL, "name": EVIL, "modifiedAt": EVIL, "modifiedBy": EVIL, "version": EVIL}],
        "operations": {"inFlight": 1, "oldest": {"id": EVIL, "state": "Started", "since": "2026-11-29T11:00:00Z", "targets": 1}},
        "plan": {"create": 1, "update": 0, "remove": 0, "summary": EVIL}});
    let mut all = cluster(&[("a", status)]);
    all.policies.values_mut().for_each(|policy| {
        policy.spec.as_mut().unwrap().display_name = Some(EVIL.to_owned());
    });
    all.assignments.values_mut().for_each(|one| {
        let spec = one.spec.as_mut().unwrap();
        spec.targets = serde_json::from_value(json!({"include": [{"wso2": {"roles": [EVIL]}}]})).unwrap();
    });
    let mut all = with_backend(
        all,
        json!([
            condition("Ready", "False", "Rejected", EVIL),
            condition("Held", "True", "HeldByGuard", EVIL)
        ]),
    );
    all.backends.values_mut().for_each(|one| {
        one.status.as_mut().unwrap().account.as_mut().unwrap().version = Some(EVIL.to_owned());
    });
    overview(&all)
}

fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(all) => all.iter().for_each(|one| texts(one, found)),
        Value::Object(all) => all.values().for_each(|one| texts(one, found)),
        _ => {}
    }
}

#[test]
fn texts_of_others_are_plain_wherever_they_stand() {
    let shown = hostile();
    let mut found = Vec::new();
    texts(&serde_json::to_value(&shown).unwrap(), &mut found);
    assert!(found.iter().filter(|text| text.contains("evil")).count() > 12, "they are shown: {found:#?}");
    for text in found {
        assert!(!text.chars().any(|c| is_control_or_invisible(c) || c == '\u{2028}'), "{text:?}");
    }
    let screen = text(&shown, shown.at, Look { width: 100, height: None, colour: false });
    assert!(!screen.chars().any(|c| c != '\n' && is_control_or_invisible(c)), "{screen:?}");
}

#[test]
fn long_texts_are_cut() {
    let long = "a".repeat(100_000);
    let status = json!({"observedGeneration": 1, "policyGeneration": 1,
        "conditions": [condition("Ready", "False", "Rejected", &long), condition("Stalled", "True", "Rejected", &long)],
        "objects": [{"key": long, "name": long}]});
    let written = serde_json::to_string(&overview(&cluster(&[("a", status)]))).unwrap();
    assert!(written.len() < 10_000, "{} bytes", written.len());
}
