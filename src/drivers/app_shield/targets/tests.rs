#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn entry(id: &str, name: &str) -> Entry {
    Entry { id: id.into(), name: name.into(), parent: None, unusable: None }
}

fn catalogue() -> Catalogue {
    let groups = [
        entry("1", "Administrators"),
        entry("11", "tenant-birch"),
        entry("16", "tenant-acme"),
        entry("2", "Anonymous"),
        entry("21", "Contractors"),
        entry("22", "Contractors"),
    ];
    let users = [entry("638500000000000001", "mara.holt"), entry("638500000000000002", "")];
    Catalogue {
        entries: BTreeMap::from([(EntryKind::Group, groups.into()), (EntryKind::User, users.into())]),
        ..Catalogue::default()
    }
}

fn with_everybody() -> Catalogue {
    let mut catalogue = catalogue();
    catalogue.entries.get_mut(&EntryKind::Group).unwrap().push(entry("3", "All Users"));
    catalogue
}

fn partial(kind: EntryKind) -> Catalogue {
    let mut catalogue = catalogue();
    catalogue.partial.insert(kind);
    catalogue
}

fn reach(include: &[Value], exclude: &[Value]) -> Reach {
    let all = |list: &[Value], field: &str| {
        let one = |value: &Value| Arc::new(serde_json::from_value(value.clone()).unwrap());
        list.iter().map(|value| (Arc::from(format!("spec.targets.{field}[0]")), one(value))).collect()
    };
    Reach { include: all(include, "include"), exclude: all(exclude, "exclude"), ..Reach::default() }
}

fn shield(targets: Value) -> Value {
    json!({ "appShield": targets })
}

fn resolved(reach: &Reach, catalogue: &Catalogue) -> (Whom, Vec<(Severity, Reason)>) {
    let mut findings = Vec::new();
    let whom = resolve(reach, catalogue, &mut findings);
    assert!(findings.iter().all(|one| !one.message.is_empty() && !one.subject.is_empty()));
    (whom, findings.into_iter().map(|one| (one.severity, one.reason)).collect())
}

#[test]
fn names_and_ids_come_to_ids() {
    let cases = [
        (json!({"groups": [{"name": "tenant-acme"}]}), vec!["16"], vec![], "by name"),
        (json!({"groups": [{"id": "16"}]}), vec!["16"], vec![], "by id"),
        (json!({"groups": [{"id": "21"}]}), vec!["21"], vec![], "an id tells namesakes apart"),
        (json!({"users": [{"name": "mara.holt"}]}), vec![], vec!["638500000000000001"], "by login name"),
        (
            json!({"users": [{"id": "638500000000000002"}]}),
            vec![],
            vec!["638500000000000002"],
            "without a name",
        ),
    ];
    for (targets, groups, users, why) in cases {
        let (whom, findings) = resolved(&reach(&[shield(targets)], &[]), &catalogue());
        assert_eq!(findings, [], "{why}");
        assert_eq!(whom.groups.iter().collect::<Vec<_>>(), groups, "{why}");
        assert_eq!(whom.users.iter().collect::<Vec<_>>(), users, "{why}");
    }
}

#[test]
fn what_does_not_resolve_is_left_out_and_the_rest_goes_on() {
    let (no_groups, no_users) = (partial(EntryKind::Group), partial(EntryKind::User));
    let cases = [
        (json!({"groups": [{"name": "nobody"}]}), catalogue(), Reason::GroupNotFound, "no such name"),
        (json!({"groups": [{"id": "99"}]}), catalogue(), Reason::GroupNotFound, "the system may take any id"),
        (json!({"groups": [{"name": "Tenant-Acme"}]}), catalogue(), Reason::GroupNotFound, "another case"),
        (json!({"groups": [{"name": "Contractors"}]}), catalogue(), Reason::AmbiguousName, "two of them"),
        (json!({"groups": [{"name": "nobody"}]}), no_groups, Reason::CatalogueIncomplete, "perhaps cut off"),
        (json!({"users": [{"name": "nobody"}]}), catalogue(), Reason::UserNotFound, "no such user"),
        (json!({"users": [{"name": "nobody"}]}), no_users, Reason::CatalogueIncomplete, "perhaps cut off"),
    ];
    for (targets, catalogue, reason, why) in cases {
        let known = shield(json!({"groups": [{"id": "11"}]}));
        let (whom, findings) = resolved(&reach(&[known, shield(targets)], &[]), &catalogue);
        assert_eq!(findings, [(Severity::LeftOut, reason)], "{why}");
        assert_eq!(whom.groups.len(), 1, "{why}");
    }
}

#[test]
fn a_name_in_another_case_is_told() {
    let mut findings = Vec::new();
    resolve(
        &reach(&[shield(json!({"groups": [{"name": "TENANT-acme"}]}))], &[]),
        &catalogue(),
        &mut findings,
    );
    assert!(findings[0].message.contains("\"tenant-acme\""), "{}", findings[0].message);
}

#[test]
fn everybody_comes_only_from_everyone() {
    for group in [
        json!({"name": "All Users"}),
        json!({"name": "all users "}),
        json!({"id": "3"}),
        json!({"name": "Anonymous"}),
        json!({"id": "2"}),
    ] {
        let (whom, findings) =
            resolved(&reach(&[shield(json!({ "groups": [group] }))], &[]), &with_everybody());
        assert_eq!(findings, [(Severity::Refused, Reason::MatchesEveryone)], "{group}");
        assert!(whom.is_empty(), "{group}");
    }
    let hidden = resolved(&reach(&[shield(json!({"groups": [{"name": "All Users"}]}))], &[]), &catalogue());
    assert_eq!(hidden.1, [(Severity::Refused, Reason::MatchesEveryone)], "also where it is not listed");
}

#[test]
fn everyone_needs_the_systems_own_group() {
    let mut twice = with_everybody();
    twice.entries.get_mut(&EntryKind::Group).unwrap().push(entry("30", "all users"));
    let cases = [
        (with_everybody(), vec![], vec!["3"], "it is listed"),
        (catalogue(), vec![(Severity::Refused, Reason::EveryoneUnsupported)], vec![], "it is hidden"),
        (twice, vec![(Severity::Refused, Reason::EveryoneUnsupported)], vec![], "two of them"),
        (
            partial(EntryKind::Group),
            vec![(Severity::Refused, Reason::CatalogueIncomplete)],
            vec![],
            "it may be cut off",
        ),
    ];
    for (catalogue, expected, groups, why) in cases {
        let (whom, findings) = resolved(&Reach { everyone: true, ..Reach::default() }, &catalogue);
        assert_eq!(findings, expected, "{why}");
        assert_eq!(whom.groups.iter().collect::<Vec<_>>(), groups, "{why}");
    }
    let both = Reach { everyone: true, ..reach(&[shield(json!({"groups": [{"id": "11"}]}))], &[]) };
    assert_eq!(resolved(&both, &with_everybody()).1, [(Severity::Refused, Reason::Invalid)]);
}

#[test]
fn ids_can_be_taken_out_of_ids_of_their_kind_only() {
    let groups = json!({"groups": [{"id": "11"}, {"id": "16"}]});
    let users = json!({"users": [{"id": "638500000000000001"}, {"id": "638500000000000002"}]});
    let mixed = json!({"groups": [{"id": "16"}], "users": [{"name": "nobody-knows"}]});
    let mara = json!({"users": [{"name": "mara.holt"}]});
    let acme = json!({"groups": [{"name": "tenant-acme"}]});
    let (unsupported, not_found) = (Reason::ExcludeUnsupported, Reason::ExcludeNotFound);
    let cases = [
        (&groups, acme.clone(), None, 1, "a group out of groups"),
        (&users, mara.clone(), None, 1, "a user out of users"),
        (&groups, mara, Some(unsupported), 2, "a user may be in a group"),
        (&users, acme.clone(), Some(unsupported), 2, "a group may hold the user"),
        (&mixed, acme, Some(unsupported), 1, "also one that is not resolved yet"),
        (&groups, json!({"groups": [{"name": "nobody"}]}), Some(not_found), 2, "who is kept out is unknown"),
        (&groups, json!({"groups": [{"name": "Contractors"}]}), Some(Reason::AmbiguousName), 2, "which one?"),
    ];
    for (include, exclude, reason, left, why) in cases {
        let (whom, findings) = resolved(&reach(&[shield(include.clone())], &[shield(exclude)]), &catalogue());
        let refused: Vec<_> =
            findings.into_iter().filter(|(severity, _)| *severity == Severity::Refused).collect();
        assert_eq!(
            refused,
            reason.map(|reason| (Severity::Refused, reason)).into_iter().collect::<Vec<_>>(),
            "{why}"
        );
        assert_eq!(whom.len(), left, "{why}");
    }
    let everyone = Reach { everyone: true, ..reach(&[], &[shield(json!({"groups": [{"id": "11"}]}))]) };
    assert_eq!(resolved(&everyone, &with_everybody()).1, [(Severity::Refused, unsupported)]);
    let all = reach(&[shield(groups.clone())], &[shield(groups)]);
    assert_eq!(resolved(&all, &catalogue()).1, [(Severity::Refused, Reason::NoTargets)], "nobody is left");
}

#[test]
fn words_of_another_system_are_refused() {
    let foreign = json!({"wso2": {"roles": ["engineer"]}});
    for reach in [
        reach(std::slice::from_ref(&foreign), &[]),
        reach(&[shield(json!({"groups": [{"id": "11"}]}))], &[foreign]),
    ] {
        assert_eq!(resolved(&reach, &catalogue()).1, [(Severity::Refused, Reason::SystemMismatch)]);
    }
}

fn any_targets() -> impl Strategy<Value = Value> {
    let group = prop_oneof![
        prop::sample::select(vec!["1", "2", "3", "11", "16", "21", "99"]).prop_map(|id| json!({ "id": id })),
        prop::sample::select(vec!["tenant-acme", "All Users", "Anonymous", "Contractors", "none"])
            .prop_map(|name| json!({ "name": name })),
    ];
    let user = prop::sample::select(vec!["mara.holt", "none"]).prop_map(|name| json!({ "name": name }));
    (prop::collection::vec(group, 0..4), prop::collection::vec(user, 0..3))
        .prop_map(|(groups, users)| shield(json!({"groups": groups, "users": users})))
}

proptest! {
    /// R1: whatever is said, a selection that is sent never holds a group that may be everybody.
    #[test]
    fn a_selection_is_narrower_than_everybody_or_refused(
        include in prop::collection::vec(any_targets(), 0..3),
        exclude in prop::collection::vec(any_targets(), 0..2),
    ) {
        let (whom, findings) = resolved(&reach(&include, &exclude), &with_everybody());
        let refused = findings.iter().any(|(severity, _)| *severity == Severity::Refused);
        prop_assert!(refused || !whom.is_empty() || !findings.is_empty());
        prop_assert!(!whom.groups.contains("2") && !whom.groups.contains("3"));
    }
}
