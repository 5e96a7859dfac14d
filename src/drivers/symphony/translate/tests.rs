#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::{
    api::{IdOrName, TargetSpec},
    drivers::{Reach, testing::bound},
    model::{Catalogue, Digester, Entry, EntryKind},
};

const SUFFIXED: Translator = Translator { naming: Naming::Suffixed };
const EXACT: Translator = Translator { naming: Naming::Exact };

fn catalogue(entries: &[(&str, &str)], partial: bool) -> Catalogue {
    let entry = |(id, name): &(&str, &str)| Entry {
        id: (*id).into(),
        name: (*name).into(),
        parent: None,
        unusable: None,
    };
    let mut catalogue = Catalogue::default();
    catalogue.entries.insert(EntryKind::Dictionary, entries.iter().map(entry).collect());
    if partial {
        catalogue.partial.insert(EntryKind::Dictionary);
    }
    catalogue
}

fn facet(dictionaries: Value) -> Value {
    json!({"type": "Block", "contentTypes": ["RoomMeta", "Messages"], "scopes": ["External"],
        "dictionaries": dictionaries})
}

fn binding(name: &str, policy: &Value) -> Binding {
    let spec = json!({"policyRef": {"name": "cards"}, "backendRef": {"name": "pod"}, "priority": 3});
    Binding {
        assignment: ObjectName::new("team", "everywhere"),
        display_name: name.into(),
        ..bound("cards", policy, &spec, Reach { everyone: true, ..Reach::default() })
    }
}

fn compiled(translator: Translator, binding: &Binding, catalogue: &Catalogue) -> Compiled {
    let context = CompileContext {
        catalogue,
        owner: &OwnerId::new("a cluster"),
        digester: &Digester::new([7; 32]),
        secrets: &BTreeMap::new(),
    };
    translator.compile(binding, &context)
}

fn of(facet: &Value) -> Value {
    json!({"content": {"symphony": facet}})
}

fn known() -> Catalogue {
    catalogue(&[("d1", "Cards"), ("d2", "projects"), ("d3", "Twin"), ("d4", "twin")], false)
}

fn leaf(contribution: &Contribution, path: &str) -> Value {
    contribution.leaves.get(&LeafPath(path.into())).map(|leaf| leaf.value.clone()).unwrap_or_default()
}

#[test]
fn a_policy_comes_to_one_object_keyed_by_the_policy() {
    let binding =
        binding("PCI cards", &of(&facet(json!([{"name": "projects"}, {"id": "d1"}, {"name": "Cards"}]))));
    let compiled = compiled(SUFFIXED, &binding, &known());
    assert_eq!((compiled.findings.as_slice(), compiled.targets), (&[][..], 1));
    let [one] = compiled.contributions.try_into().unwrap();
    assert_eq!((&*one.item.0, one.status_key.as_str()), ("team/cards/policy", "policy"));
    let identity = Identity {
        owner: OwnerId::new("a cluster"),
        kind: "Policy",
        object: ObjectName::new("team", "cards"),
        variant: "policy".into(),
    };
    assert_eq!(one.shape, Shape::Object { mark: Some(identity.suffix()) });
    assert_eq!((one.title.as_str(), one.enabled, one.priority), ("PCI cards", Some(true), 3));
    let expected = [
        ("name", json!("PCI cards")),
        ("type", json!("Block")),
        ("contentTypes", json!(["Messages", "RoomMeta"])),
        ("scopes", json!(["External"])),
        ("dictionaries", json!(["d1", "d2"])),
    ];
    for (path, value) in expected {
        assert_eq!(leaf(&one, path), value, "{path}");
    }
    assert_eq!((one.leaves.len(), one.members.len()), (5, 0));
}

#[test]
fn assignments_of_one_policy_want_the_same() {
    let one = binding("Cards", &of(&facet(json!([{"id": "d1"}]))));
    let other = Binding { assignment: ObjectName::new("team", "elsewhere"), ..one.clone() };
    let [a, b] = [one, other].map(|binding| {
        let mut all = compiled(SUFFIXED, &binding, &known()).contributions;
        all.pop().unwrap()
    });
    assert_eq!(Contribution { assignment: a.assignment.clone(), ..b.clone() }, a);
    assert_ne!(a.assignment, b.assignment);
}

#[test]
fn a_dictionary_that_does_not_resolve_refuses_everything() {
    let whole = known();
    let partial = catalogue(&[("d1", "Cards")], true);
    let unlisted = Catalogue::default();
    let cases = [
        (
            json!([{"name": "Cards"}, {"name": "gone"}]),
            &whole,
            Reason::DictionaryNotFound,
            "one of two is missing",
        ),
        (json!([{"id": "d9"}]), &whole, Reason::DictionaryNotFound, "an id nobody has"),
        (json!([{"name": "TWIN"}]), &whole, Reason::AmbiguousName, "two differ from it in case only"),
        (
            json!([{"name": "Cards"}]),
            &partial,
            Reason::CatalogueIncomplete,
            "its namesake may not have been seen",
        ),
        (json!([{"name": "gone"}]), &partial, Reason::CatalogueIncomplete, "it may not have been seen"),
        (json!([{"id": "d9"}]), &partial, Reason::CatalogueIncomplete, "it may not have been seen"),
        (json!([{"id": "d1"}]), &unlisted, Reason::CatalogueIncomplete, "nothing may be listed"),
    ];
    for (dictionaries, catalogue, reason, why) in cases {
        let compiled = compiled(SUFFIXED, &binding("Cards", &of(&facet(dictionaries))), catalogue);
        assert_eq!((compiled.contributions.len(), compiled.targets), (0, 0), "{why}: nothing is sent");
        let found: Vec<_> = compiled.findings.iter().map(|f| (f.severity, f.reason)).collect();
        assert_eq!(found, [(Severity::Refused, reason)], "{why}");
        assert!(compiled.findings.iter().all(Finding::may_resolve), "{why}");
    }
}

#[test]
fn names_are_found_as_the_system_may_spell_them() {
    let cases = [
        (
            json!({"name": "Twin"}),
            "d3",
            0,
            "the exact one of two: they stand apart, so the system tells case apart",
        ),
        (json!({"name": "twin"}), "d4", 0, "the other"),
        (json!({"name": "CARDS"}), "d1", 1, "the only one that could be meant; said, since it is unknown"),
        (json!({"id": "d2"}), "d2", 0, "by id"),
    ];
    for (wanted, id, notes, why) in cases {
        let compiled = compiled(SUFFIXED, &binding("Cards", &of(&facet(json!([wanted])))), &known());
        assert_eq!(leaf(compiled.contributions.first().unwrap(), "dictionaries"), json!([id]), "{why}");
        assert_eq!(compiled.findings.len(), notes, "{why}");
        assert!(compiled.findings.iter().all(|finding| finding.severity == Severity::Note));
    }
    // An id needs no whole list.
    let partial = catalogue(&[("d1", "Cards")], true);
    let compiled = compiled(SUFFIXED, &binding("Cards", &of(&facet(json!([{"id": "d1"}])))), &partial);
    assert_eq!((compiled.contributions.len(), compiled.findings.len()), (1, 0));
}

#[test]
fn an_empty_list_must_be_said_and_is_never_switched_on() {
    let mut empty = facet(json!([]));
    let refused = compiled(SUFFIXED, &binding("Cards", &of(&empty)), &known());
    assert_eq!((refused.contributions.len(), refused.findings.len()), (0, 2));
    assert!(refused.findings.iter().any(|f| f.severity == Severity::Refused && f.reason == Reason::Invalid));
    empty["allowEmptyDictionaries"] = json!(true);
    for (said, enabled) in [(None, None), (Some(true), None), (Some(false), Some(false))] {
        let mut policy = of(&empty);
        policy["enabled"] = json!(said);
        let compiled = compiled(SUFFIXED, &binding("Cards", &policy), &known());
        let one = compiled.contributions.first().unwrap();
        assert_eq!((leaf(one, "dictionaries"), one.enabled), (json!([]), enabled), "{said:?}");
        let [note] = compiled.findings.try_into().unwrap();
        assert_eq!(note.severity, Severity::Note);
        assert!(note.message.contains("enforces nothing"), "{}", note.message);
    }
}

#[test]
fn the_switch_is_ours_unless_somebody_elses_policy_is_adopted() {
    let cases = [
        (None, false, Some(true), "made by us"),
        (Some(false), false, Some(false), "named"),
        (None, true, None, "adopted and not named"),
        (Some(true), true, Some(true), "adopted and named"),
    ];
    for (enabled, adopted, expected, why) in cases {
        let mut policy = of(&facet(json!([{"id": "d1"}])));
        policy["enabled"] = json!(enabled);
        let mut binding = binding("Cards", &policy);
        if adopted {
            let mut spec = (*binding.spec).clone();
            spec.adopt = serde_json::from_value(json!({"byName": true})).unwrap();
            binding.spec = Arc::new(spec);
        }
        let compiled = compiled(SUFFIXED, &binding, &known());
        assert_eq!(compiled.contributions.first().unwrap().enabled, expected, "{why}");
    }
}

#[test]
fn names_leave_room_for_the_mark() {
    let policy = of(&facet(json!([{"id": "d1"}])));
    let cases = [
        (SUFFIXED, 23, true),
        (SUFFIXED, 24, false),
        (EXACT, 30, true),
        (EXACT, 31, false),
        (SUFFIXED, 0, false),
    ];
    for (translator, length, good) in cases {
        let compiled = compiled(translator, &binding(&"ü".repeat(length), &policy), &known());
        assert_eq!(compiled.contributions.len() == 1, good, "{length}");
        assert!(
            good || compiled
                .findings
                .iter()
                .all(|f| f.reason == Reason::Invalid && f.subject == "spec.displayName")
        );
    }
    let exact = compiled(EXACT, &binding("Cards~abcdef", &policy), &known());
    let one = exact.contributions.first().unwrap();
    assert_eq!((&one.shape, leaf(one, "name")), (&Shape::Object { mark: None }, json!("Cards~abcdef")));
    assert_eq!((SUFFIXED.facts().marks, EXACT.facts().marks), (true, false));
}

#[test]
fn what_the_system_cannot_do_is_refused() {
    let target: TargetSpec = serde_json::from_value(json!({"wso2": {"roles": ["x"]}})).unwrap();
    let target = vec![(Arc::from("spec.targets.include[0]"), Arc::new(target))];
    let good = binding("Cards", &of(&facet(json!([{"id": "d1"}]))));
    let including = Reach { include: target.clone(), ..Reach::default() };
    let excluding = Reach { everyone: true, exclude: target, ..Reach::default() };
    let other = json!({"content": {"tachyon": {}}});
    let no_scope =
        json!({"type": "Warn", "contentTypes": ["Messages"], "scopes": [], "dictionaries": [{"id": "d1"}]});
    let no_type =
        json!({"type": "Warn", "contentTypes": [], "scopes": ["Internal"], "dictionaries": [{"id": "d1"}]});
    let cases = [
        (Binding { reach: including, ..good.clone() }, Reason::TargetsNotApplicable),
        (Binding { reach: excluding, ..good.clone() }, Reason::TargetsNotApplicable),
        (binding("Cards", &other), Reason::FacetMissing),
        (binding("Cards", &of(&no_scope)), Reason::Invalid),
        (binding("Cards", &of(&no_type)), Reason::Invalid),
    ];
    for (binding, reason) in cases {
        let compiled = compiled(SUFFIXED, &binding, &known());
        assert_eq!(compiled.contributions, [], "{reason:?}");
        let found: Vec<_> = compiled.findings.iter().map(|f| (f.severity, f.reason)).collect();
        assert_eq!(found, [(Severity::Refused, reason)]);
    }
}

fn wanted() -> impl Strategy<Value = IdOrName> {
    let names = ["Cards", "CARDS", "projects", "Twin", "TWIN", "gone"];
    let ids = ["d1", "d2", "d3", "d9"];
    prop_oneof![
        prop::sample::select(names.to_vec()).prop_map(IdOrName::name),
        prop::sample::select(ids.to_vec()).prop_map(IdOrName::id),
    ]
}

proptest! {
    /// Never fewer than meant: either every dictionary named stands for one that is sent, or nothing is sent.
    #[test]
    fn a_policy_is_never_sent_with_fewer_dictionaries_than_meant(
        wanted in prop::collection::vec(wanted(), 1..6),
        listed in prop::sample::subsequence(vec![("d1", "Cards"), ("d2", "projects"), ("d3", "Twin"), ("d4", "twin")], 0..=4),
        partial: bool,
    ) {
        let catalogue = catalogue(&listed, partial);
        let mut policy = binding("Cards", &of(&facet(json!([{"id": "x"}]))));
        let mut spec = (*policy.policy).clone();
        spec.content.symphony.as_mut().unwrap().dictionaries.clone_from(&wanted);
        policy.policy = Arc::new(spec);
        let compiled = compiled(SUFFIXED, &policy, &catalogue);
        let Some(one) = compiled.contributions.first() else {
            prop_assert!(compiled.findings.iter().any(|finding| finding.severity == Severity::Refused));
            return Ok(());
        };
        let sent = leaf(one, "dictionaries");
        for one in &wanted {
            let stands = |(id, name): &&(&str, &str)| match one {
                IdOrName::Id(wanted) => *id == wanted.as_str(),
                IdOrName::Name(wanted) => name.eq_ignore_ascii_case(wanted.as_str()),
            };
            let meant: Vec<_> = listed.iter().filter(stands).map(|(id, _)| json!(id)).collect();
            prop_assert!(meant.iter().any(|id| sent.as_array().unwrap().contains(id)), "{one:?} is not in {sent}");
        }
    }
}
