#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::type_complexity,
    clippy::needless_pass_by_value
)]
use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::drivers::wfbss::testing::{A, C, catalogue};

fn targets(customers: Value) -> Arc<TargetSpec> {
    Arc::new(serde_json::from_value(json!({"wfbss": {"customers": customers}})).unwrap())
}

fn reach(include: &[Value], exclude: &[Value]) -> Reach {
    let of = |word: &str, all: &[Value]| {
        all.iter()
            .enumerate()
            .map(|(i, one)| (format!("spec.targets.{word}[{i}]").into(), targets(one.clone())))
            .collect()
    };
    Reach { include: of("include", include), exclude: of("exclude", exclude), ..Reach::default() }
}

/// `Customer/Group` of all that is reached, by name.
fn names(reached: &Reached<'_>) -> Vec<String> {
    reached.values().map(|(customer, group)| format!("{}/{}", label(customer), label(group))).collect()
}

fn all(customer: &str) -> Value {
    json!({"name": customer, "allGroups": true})
}

#[test]
fn a_selection_is_the_union_of_includes_less_the_excludes() {
    let acme_groups = ["Acme/Device (Default)", "Acme/Server (Default)", "Acme/Kiosks"];
    let some = |groups: Value| json!({"id": A.to_lowercase(), "groups": groups});
    let cases: [(&str, Vec<Value>, Vec<Value>, Vec<&str>); 12] = [
        ("all groups", vec![json!([all("acme")])], vec![], acme_groups.to_vec()),
        ("by ids", vec![json!([some(json!([{"id": "3"}]))])], vec![], vec!["Acme/Kiosks"]),
        (
            "by names, in any case",
            vec![json!([some(json!([{"name": "KIOSKS"}]))])],
            vec![],
            vec!["Acme/Kiosks"],
        ),
        (
            "the same twice is once",
            vec![json!([some(json!([{"id": 3}, {"name": "kiosks"}]))]), json!([some(json!([{"id": "03"}]))])],
            vec![],
            vec!["Acme/Kiosks"],
        ),
        (
            "a union over includes",
            vec![json!([some(json!([{"id": 1}]))]), json!([{"id": C, "groups": [{"id": 1}]}])],
            vec![],
            vec!["Acme/Device (Default)", "Careless/Device (Default)"],
        ),
        ("an empty list of groups is none", vec![json!([some(json!([]))])], vec![], vec![]),
        ("no customers", vec![json!([])], vec![], vec![]),
        ("nothing included", vec![], vec![], vec![]),
        (
            "less a group",
            vec![json!([all("acme")])],
            vec![json!([some(json!([{"name": "kiosks"}]))])],
            acme_groups[..2].to_vec(),
        ),
        (
            "less a customer",
            vec![json!([all("acme"), all("careless")])],
            vec![json!([all("ACME")])],
            vec!["Careless/Device (Default)"],
        ),
        ("less everything", vec![json!([all("acme")])], vec![json!([all("acme")])], vec![]),
        (
            "less an expired customer",
            vec![json!([all("careless")])],
            vec![json!([all("Bygone")])],
            vec!["Careless/Device (Default)"],
        ),
    ];
    for (why, include, exclude, expected) in cases {
        let catalogue = catalogue();
        let (reached, findings) = resolve(&reach(&include, &exclude), &catalogue, &["win"]);
        assert_eq!(names(&reached), expected, "{why}");
        assert_eq!(findings, [], "{why}");
    }
}

#[test]
fn what_does_not_resolve_is_left_out_or_refuses_everything() {
    use Reason::{AmbiguousName, CustomerExpired, CustomerNotFound, ExcludeNotFound, GroupNotFound};
    use Severity::{LeftOut, Refused};
    let group = |wanted: Value| json!([{"id": A, "groups": [wanted, {"id": 1}]}]);
    let nobody = "AAAAAAAA-0000-4000-8000-000000000000";
    let cases = [
        ("unknown id", json!([{"id": nobody, "allGroups": true}]), CustomerNotFound, ExcludeNotFound, nobody),
        ("no GUID", json!([{"id": "17", "allGroups": true}]), CustomerNotFound, ExcludeNotFound, "17"),
        ("unknown name", json!([all("Acme Ltd")]), CustomerNotFound, ExcludeNotFound, "Acme Ltd"),
        ("two of a name", json!([all("twin")]), AmbiguousName, AmbiguousName, "twin"),
        ("unknown group", group(json!({"name": "Servers"})), GroupNotFound, ExcludeNotFound, "Servers"),
        ("unknown gid", group(json!({"id": "99"})), GroupNotFound, ExcludeNotFound, "99"),
        ("no gid", group(json!({"id": "1,2"})), GroupNotFound, ExcludeNotFound, "1,2"),
    ];
    let catalogue = catalogue();
    for (why, customers, left_out, refused, named) in cases {
        let (reached, findings) =
            resolve(&reach(&[customers.clone(), json!([all("careless")])], &[]), &catalogue, &["win"]);
        assert_eq!(
            findings.iter().map(|f| (f.severity, f.reason)).collect::<Vec<_>>(),
            [(LeftOut, left_out)],
            "{why}"
        );
        assert!(findings[0].subject.contains(named), "{why}: {}", findings[0].subject);
        assert!(names(&reached).contains(&"Careless/Device (Default)".to_owned()), "{why}: others proceed");
        let (_, findings) = resolve(&reach(&[json!([all("acme")])], &[customers]), &catalogue, &["win"]);
        assert_eq!(
            findings.iter().map(|f| (f.severity, f.reason)).collect::<Vec<_>>(),
            [(Refused, refused)],
            "{why}"
        );
    }
    let (reached, findings) = resolve(&reach(&[json!([all("bygone")])], &[]), &catalogue, &["win"]);
    assert_eq!(
        (names(&reached).len(), findings[0].severity, findings[0].reason),
        (0, LeftOut, CustomerExpired)
    );
    assert!(findings[0].message.contains("expired at 2020"), "{}", findings[0].message);
}

#[test]
fn a_missing_group_is_a_problem_of_each_platform() {
    let catalogue = catalogue();
    let (_, findings) = resolve(
        &reach(&[json!([{"id": A, "groups": [{"name": "Servers"}]}])], &[]),
        &catalogue,
        &["win", "mac"],
    );
    let subjects: Vec<_> = findings.into_iter().map(|f| f.subject).collect();
    assert_eq!(subjects, [format!("{A}/Servers/win"), format!("{A}/Servers/mac")]);
}

#[test]
fn a_partial_list_never_says_not_found() {
    for kind in [EntryKind::Customer, EntryKind::Group] {
        let mut partial = catalogue();
        partial.partial.insert(kind);
        let wanted = match kind {
            EntryKind::Customer => json!([all("nobody")]),
            _ => json!([{"id": A, "groups": [{"name": "nothing"}]}]),
        };
        for (include, exclude, severity) in [
            (vec![wanted.clone()], vec![], Severity::LeftOut),
            (vec![], vec![wanted.clone()], Severity::Refused),
            (vec![json!([{"id": A, "groups": [{"id": 1}]}])], vec![wanted], Severity::Refused),
        ] {
            let (_, findings) = resolve(&reach(&include, &exclude), &partial, &["win"]);
            let found: Vec<_> = findings.iter().map(|f| (f.severity, f.reason)).collect();
            assert_eq!(found, [(severity, Reason::CatalogueIncomplete)], "{kind:?}");
        }
    }
    let unread = Catalogue::default();
    let (_, findings) = resolve(&reach(&[json!([{"id": A, "allGroups": true}])], &[]), &unread, &["win"]);
    assert_eq!(
        findings[0].reason,
        Reason::CatalogueIncomplete,
        "a list that was never read is no empty list"
    );
}

#[test]
fn all_groups_of_a_cut_list_are_not_all() {
    let mut partial = catalogue();
    partial.partial.insert(EntryKind::Group);
    let (reached, findings) = resolve(&reach(&[json!([all("acme")])], &[]), &partial, &["win"]);
    assert_eq!(reached.len(), 3, "those listed are reached");
    assert_eq!((findings[0].severity, findings[0].reason), (Severity::LeftOut, Reason::CatalogueIncomplete));
}

#[test]
fn everyone_is_every_listed_customer_that_can_be_written_to() {
    let catalogue = catalogue();
    let everyone = |exclude: &[Value]| Reach { everyone: true, ..reach(&[], exclude) };
    let (reached, findings) = resolve(&everyone(&[]), &catalogue, &["win"]);
    assert_eq!(
        reached.len(),
        4,
        "three groups of Acme, one of Careless; the twins have none, Bygone has expired"
    );
    assert_eq!(
        findings.iter().map(|f| (f.severity, f.reason)).collect::<Vec<_>>(),
        [(Severity::Note, Reason::CustomerExpired)]
    );
    let (reached, _) = resolve(&everyone(&[json!([all("acme")])]), &catalogue, &["win"]);
    assert_eq!(names(&reached), ["Careless/Device (Default)"]);
    let mut partial = catalogue.clone();
    partial.partial.insert(EntryKind::Customer);
    let (reached, findings) = resolve(&everyone(&[]), &partial, &["win"]);
    assert_eq!(reached.len(), 4);
    assert!(findings.iter().any(|f| f.severity == Severity::LeftOut), "removals wait while the list is cut");
}

#[test]
fn targets_of_another_system_are_refused() {
    let roles: TargetSpec = serde_json::from_value(json!({"wso2": {"roles": ["sales"]}})).unwrap();
    let reach =
        Reach { include: vec![("spec.targets.include[0]".into(), Arc::new(roles))], ..Reach::default() };
    let catalogue = catalogue();
    let (_, findings) = resolve(&reach, &catalogue, &["win"]);
    assert_eq!((findings[0].severity, findings[0].reason), (Severity::Refused, Reason::SystemMismatch));
    assert_eq!(findings[0].subject, "spec.targets.include[0]");
}

#[test]
fn the_order_of_entries_in_a_catalogue_has_no_meaning() {
    let mut shuffled = catalogue();
    shuffled.entries.values_mut().for_each(|entries| entries.reverse());
    let wanted = reach(&[json!([all("acme")])], &[json!([{"id": A, "groups": [{"id": 2}]}])]);
    let (one, other) = (catalogue(), shuffled);
    assert_eq!(names(&resolve(&wanted, &one, &["win"]).0), names(&resolve(&wanted, &other, &["win"]).0));
}
