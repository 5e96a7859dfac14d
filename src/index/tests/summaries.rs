//! What Policies and TargetGroups are told.

use serde_json::json;

use super::*;
use crate::{
    api::ConditionStatus,
    report::aggregate::{Said, policy_status, target_group_status},
};

/// What each of the assignments says of itself and what it names, as they are now.
fn said(index: &Index, ready: bool) -> impl Fn(&ObjectName) -> Option<Said> {
    move |name| {
        let sources = index.assignments.get(name).map(|entry| entry.named);
        Some(Said { generation: Some(1), sources, ready, stalled: None })
    }
}

fn ready(conditions: &[crate::api::Condition]) -> (ConditionStatus, Reason) {
    let found = crate::api::conditions::find(conditions, crate::api::ConditionType::Ready).unwrap();
    (found.status, found.reason)
}

#[test]
fn a_policy_is_ready_when_its_assignments_are() {
    let index =
        index(&[policy("p"), wso2("b"), assignment("a", "p", "b"), assignment("z", "p", "b"), policy("q")]);
    let status = |name: &str, is_ready| {
        let facts = index.policy_facts(&team(name), said(&index, is_ready)).unwrap();
        policy_status(&facts, None, jiff::Timestamp::UNIX_EPOCH)
    };
    let p = status("p", true);
    assert_eq!(ready(&p.conditions), (ConditionStatus::True, Reason::AllAssignmentsReady));
    assert_eq!(p.assignments.unwrap().total, 2);
    assert_eq!(p.facets.as_deref(), Some("wso2"));
    assert_eq!(ready(&status("p", false).conditions).0, ConditionStatus::False);
    assert_eq!(ready(&status("q", true).conditions), (ConditionStatus::True, Reason::NotAssigned));
    assert!(index.policy_facts(&team("none"), said(&index, true)).is_none());
}

#[test]
fn a_group_counts_who_includes_or_excludes_it() {
    let by = |name: &str, targets: Value| assignment(name, "p", "b").spec("targets", targets);
    let reference = json!([{"targetGroupRef": {"name": "g"}}]);
    let index = index(&[
        group("g", &["x"]),
        by("in", json!({"include": reference})),
        by("out", json!({"include": [{"wso2": {"roles": ["x"]}}], "exclude": reference})),
        assignment("beside", "p", "b"),
    ]);
    let facts = index.target_group_facts(&team("g"), said(&index, false)).unwrap();
    let status = target_group_status(&facts, None, jiff::Timestamp::UNIX_EPOCH);
    let found = crate::api::conditions::find(&status.conditions, crate::api::ConditionType::Ready).unwrap();
    assert!(found.message.contains("0 of 2"), "{}", found.message);
}

#[test]
fn an_assignment_that_comes_changes_or_goes_is_news_to_what_it_names() {
    let mut index = index(&[policy("p"), wso2("b"), group("g", &["x"])]);
    let grouped =
        assignment("a", "p", "b").spec("targets", json!({"include": [{"targetGroupRef": {"name": "g"}}]}));
    let dirty = apply(&mut index, &grouped);
    assert_eq!((dirty.policies, dirty.groups), ([team("p")].into(), [team("g")].into()));
    for edited in [policy("p").at(2, 2), group("g", &["y"]).at(2, 2)] {
        let dirty = apply(&mut index, &edited);
        assert_eq!(
            (dirty.policies, dirty.groups),
            ([team("p")].into(), [team("g")].into()),
            "both are proven anew"
        );
    }
    let dirty = apply(&mut index, &assignment("a", "p", "b").at(2, 2));
    assert_eq!((dirty.policies, dirty.groups), ([team("p")].into(), [team("g")].into()));
    let dirty = delete(&mut index, &assignment("a", "p", "b"));
    assert_eq!((dirty.policies, dirty.groups), ([team("p")].into(), [].into()));
    let named = index.named_by(&[team("a")]);
    assert!(named.0.is_empty() && named.1.is_empty());
}

/// Our own writes come back as updates that change nothing of what it names; an edit of what it names does.
#[test]
fn what_an_assignment_has_proven_stays_proven_until_what_it_names_changes() {
    let grouped = |version| {
        let targets = json!({"include": [{"targetGroupRef": {"name": "g"}}]});
        assignment("a", "p", "b").spec("targets", targets).at(1, version)
    };
    let cases = [
        ("only its version is another", grouped(2), ConditionStatus::True),
        ("the Policy was edited", policy("p").at(2, 2), ConditionStatus::False),
        ("a group was edited", group("g", &["y"]).at(2, 2), ConditionStatus::False),
        ("another group was edited", group("h", &["y"]).at(2, 2), ConditionStatus::True),
    ];
    for (why, change, expected) in cases {
        let mut index = index(&[policy("p"), wso2("b"), group("g", &["x"]), group("h", &["x"]), grouped(1)]);
        let then = said(&index, true)(&team("a"));
        apply(&mut index, &change);
        let facts = index.policy_facts(&team("p"), |_| then).unwrap();
        let status = policy_status(&facts, None, jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(ready(&status.conditions).0, expected, "{why}");
    }
}

#[test]
fn what_is_wrong_with_the_object_itself_comes_first() {
    let mut index = index(&[policy("p").spec("displayName", json!(" padded "))]);
    let status = |index: &Index| {
        let facts = index.policy_facts(&team("p"), said(index, true)).unwrap();
        policy_status(&facts, None, jiff::Timestamp::UNIX_EPOCH)
    };
    assert_eq!(ready(&status(&index).conditions), (ConditionStatus::False, Reason::Invalid));
    index.undecodable(&policy("p").at(2, 2).broken("spec.content: missing field"));
    index.settle();
    let found = status(&index);
    assert_eq!(found.observed_generation, Some(2));
    assert_eq!(ready(&found.conditions).0, ConditionStatus::False);
}
