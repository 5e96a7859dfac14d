//! Shapes: unions, ids, conditions, selectors, and what decodes although another version wrote it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;

fn error<T: serde::de::DeserializeOwned + std::fmt::Debug>(value: Value) -> String {
    serde_json::from_value::<T>(value).unwrap_err().to_string()
}

#[test]
fn a_union_has_exactly_one_member() {
    let one: IdOrName = serde_json::from_value(json!({"name": "x"})).unwrap();
    assert_eq!(one, IdOrName::name("x"));
    assert_eq!(error::<IdOrName>(json!({})), "exactly one of id, name is required");
    let both = json!({"name": "x", "id": "1"});
    assert_eq!(error::<IdOrName>(both), "exactly one of id, name is allowed, not both id and name");
}

#[test]
fn a_flattened_union_is_as_strict() {
    let customer = |value| error::<Customer>(value);
    assert!(customer(json!({"id": "a", "name": "b", "allGroups": true})).contains("not both id and name"));
    assert!(customer(json!({"allGroups": true})).contains("is required"));
    assert!(
        error::<TargetGroupSpec>(json!({"wso2": {}, "tachyon": {}})).contains("not both tachyon and wso2")
    );
}

#[test]
fn a_member_of_a_later_version_does_not_hide_the_one_we_know() {
    let system: SystemSpec = serde_json::from_value(json!({
        "other": {}, "wfbss": {"url": "https://x", "credentialsRef": {"name": "c"}, "later": 1},
    }))
    .unwrap();
    assert_eq!(system.name(), SystemName::Wfbss);
}

#[test]
fn ids_are_text_however_they_are_written() {
    for (written, text) in
        [(json!("0310"), "0310"), (json!(310), "310"), (json!(u64::MAX), "18446744073709551615")]
    {
        assert_eq!(serde_json::from_value::<Id>(written).unwrap().as_str(), text);
    }
    assert!(error::<Id>(json!(1.5)).contains("an id: text, or an integer"));
    assert_eq!(serde_json::to_value(IdOrName::id("310")).unwrap(), json!({"id": "310"}));
}

#[test]
fn what_was_read_is_written_the_same() {
    let object = json!({
        "apiVersion": "ordain.dev/v1alpha1", "kind": "PolicyAssignment", "metadata": {"name": "a"},
        "spec": {
            "policyRef": {"name": "p"}, "backendRef": {"name": "b"},
            "targets": {"include": [
                {"targetGroupRef": {"name": "g"}},
                {"wfbss": {"customers": [{"name": "Acme", "groups": []}, {"id": "g", "allGroups": true}]}},
            ]},
            "adopt": {"byName": true}, "releasePolicy": "Restore",
        },
    });
    let decoded: PolicyAssignment = serde_json::from_value(object.clone()).unwrap();
    assert_eq!(serde_json::to_value(decoded).unwrap(), object, "nothing is filled in, nothing is lost");
}

#[test]
fn a_customer_never_means_all_groups_by_omission() {
    let scope = |value: Value| {
        let customer: Customer = serde_json::from_value(value).unwrap();
        matches!(customer.scope(), GroupScope::All)
    };
    let cases = [
        (json!({"name": "a", "allGroups": true}), true, "said in words"),
        (json!({"name": "a"}), false, "nothing named is nothing"),
        (json!({"name": "a", "allGroups": false}), false, "denied"),
        (json!({"name": "a", "groups": []}), false, "an empty list is none"),
        (
            json!({"name": "a", "groups": [], "allGroups": true}),
            false,
            "a contradiction is read the narrow way",
        ),
    ];
    for (value, all, why) in cases {
        assert_eq!(scope(value), all, "{why}");
    }
}

#[test]
fn everyone_is_never_meant_by_omission_or_contradiction() {
    let everyone = |value: Value| serde_json::from_value::<AssignmentTargets>(value).unwrap().everyone();
    assert!(everyone(json!({"everyone": true})));
    assert!(!everyone(json!({})));
    assert!(!everyone(json!({"everyone": true, "include": []})));
}

#[test]
fn a_selector_without_requirements_matches_nothing() {
    let labels = BTreeMap::from([("region".to_owned(), "emea".to_owned())]);
    let matches = |value: Value| serde_json::from_value::<LabelSelector>(value).unwrap().matches(&labels);
    let requirement = |operator: &str, values: Value| json!({"matchExpressions": [{"key": "region", "operator": operator, "values": values}]});
    let absent = |operator: &str, values: Value| json!({"matchExpressions": [{"key": "x", "operator": operator, "values": values}]});
    let cases = [
        (json!({}), false, "empty is nobody, unlike in Kubernetes"),
        (json!({"matchLabels": {"region": "emea"}}), true, "equal"),
        (json!({"matchLabels": {"region": "emea", "tier": "1"}}), false, "all must hold"),
        (requirement("In", json!(["apac", "emea"])), true, "one of them"),
        (requirement("NotIn", json!(["emea"])), false, "one of those not wanted"),
        (requirement("Exists", json!([])), true, "there"),
        (requirement("DoesNotExist", json!([])), false, "there, though it should not be"),
        (absent("In", json!(["emea"])), false, "a label that is absent is in nothing"),
        (absent("NotIn", json!(["emea"])), true, "and in none of these"),
        (absent("DoesNotExist", json!([])), true, "absent"),
    ];
    for (value, expected, why) in cases {
        assert_eq!(matches(value.clone()), expected, "{why}: {value}");
    }
}

#[test]
fn an_entry_without_priorities_allows_only_the_default() {
    let mut access: Access = serde_json::from_value(
        json!({"name": "a", "namespaces": {"names": ["n"]}, "targets": {"all": true}}),
    )
    .unwrap();
    assert!(access.allows_priority(0) && !access.allows_priority(1));
    access.priority = Some(PriorityRange { min: -5, max: 9 });
    assert!(access.allows_priority(-5) && access.allows_priority(9) && !access.allows_priority(10));
}

#[test]
fn defaults_stand_where_nothing_or_nonsense_is_written() {
    let spec = |value: Value| {
        let mut spec = json!({"system": {"wfbss": {"url": "https://x", "credentialsRef": {"name": "c"}}}});
        spec.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
        serde_json::from_value::<BackendSpec>(spec).unwrap()
    };
    let plain = spec(json!({}));
    assert_eq!(plain.drift_interval().as_secs(), 1800);
    assert_eq!(
        plain.effective_limits(),
        EffectiveLimits { requests_per_minute: 300, burst: 10, in_flight: 4 }
    );
    let guard = plain.effective_guard();
    assert_eq!((guard.max_targets, guard.max_removals, guard.window.as_secs()), (500, 10, 3600));
    let odd = spec(json!({
        "drift": {"interval": "never"}, "limits": {"inFlight": -3, "burst": 0}, "guard": {"maxRemovals": -1},
    }));
    assert_eq!(odd.drift_interval().as_secs(), 1800);
    assert_eq!(
        (odd.effective_limits().in_flight, odd.effective_limits().burst),
        (1, 1),
        "never a standstill"
    );
    assert_eq!(odd.effective_guard().max_removals, 0, "a nonsensical guard lets nothing through");
}

#[test]
fn a_status_of_another_version_decodes() {
    let condition = |type_: &str, reason: &str| json!({"type": type_, "status": "True", "reason": reason, "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"});
    let status: PolicyAssignmentStatus = serde_json::from_value(json!({
        "conditions": [condition("Ready", "InventedLater"), condition("InventedLater", "Pending"), {"type": 7}],
        "inventedLater": {},
    }))
    .unwrap();
    let found: Vec<_> = status.conditions.iter().map(|one| (one.type_, one.reason)).collect();
    assert_eq!(found, [(ConditionType::Ready, Reason::Unrecognized)]);
}

#[test]
fn the_default_status_is_one_of_ours() {
    let status: PolicyStatus = serde_json::from_value(conditions::pending_status()).unwrap();
    assert_eq!(status.observed_generation, Some(-1));
    let ready = conditions::find(&status.conditions, ConditionType::Ready).unwrap();
    assert_eq!((ready.status, ready.reason), (ConditionStatus::Unknown, Reason::Pending));
}

#[test]
fn every_reason_says_what_it_means_and_what_to_do() {
    for reason in Reason::ALL {
        for text in [reason.meaning(), reason.help()] {
            assert!(text.ends_with('.') && text.len() > 4, "{reason}: {text:?} is not a sentence");
        }
        assert_eq!(serde_json::from_value::<Reason>(json!(reason.as_str())).unwrap(), *reason, "{reason}");
    }
}

#[test]
fn clipping_counts_characters_and_says_so() {
    assert_eq!(limits::clip("äöü", 3), "äöü");
    assert_eq!(limits::clip("äöüß", 3), "äö…");
    assert_eq!(limits::clip("", 0), "");
}
