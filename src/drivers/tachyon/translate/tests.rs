#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;

use super::*;
use crate::{
    drivers::{
        Reach,
        testing::{bound, sections},
    },
    model::{Catalogue, Digester, Entry, EntryKind},
};

fn catalogue() -> Catalogue {
    let entry =
        |id: &str, name: &str| Entry { id: id.into(), name: name.into(), parent: None, unusable: None };
    let everyone = Entry {
        parent: Some("global".into()),
        unusable: Some("this group means everyone".into()),
        ..entry("3", "All Devices")
    };
    let rules = vec![
        entry("310", "usb-start-type"),
        entry("311", "smb1"),
        entry("312", "twin"),
        entry("313", "Twin"),
    ];
    let groups = vec![
        everyone,
        entry("7", "Finance laptops"),
        entry("8", "Kiosks"),
        entry("9", "Twins"),
        entry("10", "TWINS"),
        entry("1", "First of all"),
    ];
    Catalogue {
        entries: BTreeMap::from([(EntryKind::Rule, rules), (EntryKind::ManagementGroup, groups)]),
        partial: BTreeSet::new(),
    }
}

#[derive(Clone)]
struct Case {
    policy: Value,
    spec: Value,
    include: Vec<Value>,
    exclude: Vec<Value>,
    everyone: bool,
    allow_empty: bool,
    catalogue: Catalogue,
}

fn case() -> Case {
    Case {
        policy: json!({"description": "off ", "content": {"tachyon": {"rules": [{"name": "USB-Start-Type"}, {"id": "311"}]}}}),
        spec: json!({"policyRef": {"name": "usb"}, "backendRef": {"name": "tachyon"}, "priority": 7}),
        include: vec![groups(json!([{"name": "finance LAPTOPS"}, {"id": "8"}]))],
        exclude: vec![],
        everyone: false,
        allow_empty: false,
        catalogue: catalogue(),
    }
}

fn groups(list: Value) -> Value {
    json!({"tachyon": {"managementGroups": list}})
}

fn translator(deploy: Value) -> Translator {
    let settings: Tachyon = serde_json::from_value(json!({
        "url": "https://tachyon.example", "consumer": "Ordain", "deploy": deploy, "credentialsRef": {"name": "t"},
    }))
    .unwrap();
    Translator::from(&settings)
}

impl Case {
    fn compile(&self) -> Compiled {
        let reach = Reach {
            everyone: self.everyone,
            include: sections("include", &self.include),
            exclude: sections("exclude", &self.exclude),
            allow_empty: self.allow_empty,
        };
        let binding = bound("usb", &self.policy, &self.spec, reach);
        let context = CompileContext {
            catalogue: &self.catalogue,
            owner: &OwnerId::new("o"),
            digester: &Digester::new([7; 32]),
            secrets: &BTreeMap::new(),
        };
        translator(json!({"mode": "Automatic", "foreignChanges": "Hold"})).compile(&binding, &context)
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn including(self, list: Value) -> Self {
        self.with(|case| case.include = vec![groups(list)])
    }

    fn excluding(self, list: Value) -> Self {
        self.with(|case| case.exclude = vec![groups(list)])
    }

    fn rules(self, list: Value) -> Self {
        self.with(|case| case.policy["content"]["tachyon"]["rules"] = list)
    }

    fn everyone(self) -> Self {
        self.with(|case| (case.everyone, case.include) = (true, vec![]))
    }

    fn hiding(self, kind: EntryKind) -> Self {
        self.with(|case| case.catalogue.partial.extend([kind]))
    }
}

fn members(compiled: &Compiled) -> Vec<&str> {
    compiled.contributions[0].members[&MemberKind::ManagementGroup].iter().map(String::as_str).collect()
}

#[test]
fn a_policy_comes_to_one_object_whatever_number_of_assignments_name_it() {
    let compiled = case().compile();
    assert_eq!((&compiled.findings[..], compiled.targets), (&[][..], 2));
    let one = &compiled.contributions[0];
    assert_eq!(
        (&*one.item.0, one.status_key.as_str(), one.title.as_str()),
        ("team/usb/policy", "policy", "usb")
    );
    assert_eq!((one.enabled, one.priority), (Some(true), 7));
    let leaves: Vec<_> =
        one.leaves.iter().map(|(path, leaf)| (path.to_string(), leaf.value.clone())).collect();
    let expected = [
        ("description".to_owned(), json!("off")),
        ("name".to_owned(), json!("usb")),
        ("rules/310".to_owned(), json!(true)),
        ("rules/311".to_owned(), json!(true)),
    ];
    assert_eq!(leaves, expected);
    assert_eq!(members(&compiled), ["7", "8"]);
    let other =
        case().with(|case| case.spec["priority"] = json!(9)).including(json!([{"id": "1"}])).compile();
    let other = &other.contributions[0];
    assert_eq!(
        (&other.item, &other.shape, &other.leaves),
        (&one.item, &one.shape, &one.leaves),
        "content is the Policy's"
    );
}

#[test]
fn what_nobody_names_is_not_ours() {
    let adopting = case().with(|case| {
        case.spec["adopt"] = json!({"byName": true});
        case.policy = json!({"content": {"tachyon": {}}});
    });
    let compiled = adopting.compile();
    let one = &compiled.contributions[0];
    assert_eq!(one.enabled, None);
    assert_eq!(one.leaves.keys().map(ToString::to_string).collect::<Vec<_>>(), ["name"]);
    let off = adopting.with(|case| case.policy["enabled"] = json!(false)).compile();
    assert_eq!(off.contributions[0].enabled, Some(false));
}

#[test]
fn everyone_comes_only_from_everyone_and_is_known_by_its_usable_id() {
    assert_eq!(members(&case().everyone().compile()), ["3"]);
    let not_by_number = case().everyone().with(|case| {
        let groups = case.catalogue.entries.get_mut(&EntryKind::ManagementGroup).unwrap();
        groups.retain(|entry| entry.id != "3");
    });
    let refusal = |case: Case| {
        let compiled = case.compile();
        assert!(compiled.contributions.is_empty());
        compiled.findings.into_iter().map(|f| (f.severity, f.reason)).collect::<Vec<_>>()
    };
    let refused = |reason| vec![(Severity::Refused, reason)];
    assert_eq!(refusal(not_by_number.clone()), refused(Reason::EveryoneUnsupported));
    assert_eq!(
        refusal(not_by_number.hiding(EntryKind::ManagementGroup)),
        refused(Reason::CatalogueIncomplete)
    );
    for named in [json!([{"name": "all devices"}]), json!([{"id": "3"}]), json!([{"id": "8"}, {"id": "3"}])] {
        assert_eq!(refusal(case().including(named)), refused(Reason::MatchesEveryone));
    }
    assert_eq!(members(&case().including(json!([{"id": "1"}])).compile()), ["1"], "a number means nothing");
}

#[test]
fn a_rule_that_does_not_resolve_refuses_the_whole() {
    let cases = [
        (case().rules(json!([{"name": "usb-start-type"}, {"name": "nope"}])), Reason::RuleNotFound, "nope"),
        (case().rules(json!([{"id": "999"}])), Reason::RuleNotFound, "999"),
        (case().rules(json!([{"name": "TWIN"}])), Reason::AmbiguousName, "by id"),
        (case().rules(json!([])), Reason::Invalid, "enabled: false"),
        (case().hiding(EntryKind::Rule), Reason::CatalogueIncomplete, "whole"),
        (case().rules(json!([{"id": "999"}])).hiding(EntryKind::Rule), Reason::CatalogueIncomplete, "whole"),
        (
            case().with(|case| drop(case.catalogue.entries.remove(&EntryKind::Rule))),
            Reason::CatalogueIncomplete,
            "whole",
        ),
    ];
    for (case, reason, says) in cases {
        let compiled = case.compile();
        assert!(compiled.contributions.is_empty(), "{reason}");
        let found = &compiled.findings[0];
        assert_eq!((found.severity, found.reason), (Severity::Refused, reason), "{found:?}");
        assert!(found.subject.starts_with("spec.content.tachyon.rules"), "{found:?}");
        assert!(found.message.contains(says) || found.subject.contains(says), "{found:?}");
    }
    let known = case().rules(json!([{"id": "310"}])).hiding(EntryKind::Rule).compile();
    assert_eq!(known.findings, [], "what is seen is there");
}

#[test]
fn a_group_that_does_not_resolve_is_left_out_and_hidden_is_not_gone() {
    let more = |one: Value| case().including(json!([{"id": "7"}, one]));
    let cases = [
        (more(json!({"name": "nope"})), Reason::GroupNotFound),
        (more(json!({"id": "99"})), Reason::GroupNotFound),
        (more(json!({"name": "twins"})), Reason::AmbiguousName),
        (more(json!({"name": "nope"})).hiding(EntryKind::ManagementGroup), Reason::CatalogueIncomplete),
        (more(json!({"id": "99"})).hiding(EntryKind::ManagementGroup), Reason::CatalogueIncomplete),
    ];
    for (case, reason) in cases {
        let compiled = case.compile();
        assert_eq!(members(&compiled), ["7"], "{reason}: the others proceed");
        let [found] = &compiled.findings[..] else { panic!("{:?}", compiled.findings) };
        assert_eq!((found.severity, found.reason), (Severity::LeftOut, reason), "{found:?}");
        assert!(found.may_resolve(), "{found:?}");
    }
    let seen = more(json!({"name": "kiosks"})).hiding(EntryKind::ManagementGroup).compile();
    assert_eq!((members(&seen), seen.findings.len()), (vec!["7", "8"], 0), "what is seen is there");
}

#[test]
fn only_a_group_that_was_put_in_can_be_taken_out() {
    let both = json!([{"id": "7"}, {"id": "8"}]);
    let out = case().including(both.clone()).excluding(json!([{"name": "kiosks"}, {"id": "8"}])).compile();
    assert_eq!(members(&out), ["7"]);
    assert!(out.findings.iter().all(|f| f.severity == Severity::Note && f.message.contains("still reached")));
    let cases = [
        (case().including(both.clone()).excluding(json!([{"id": "1"}])), Reason::ExcludeUnsupported),
        (case().including(both.clone()).excluding(json!([{"id": "3"}])), Reason::ExcludeUnsupported),
        (case().everyone().excluding(json!([{"id": "8"}])), Reason::ExcludeUnsupported),
        (case().everyone().excluding(json!([{"id": "3"}])), Reason::ExcludeUnsupported),
        (case().including(both.clone()).excluding(json!([{"name": "nope"}])), Reason::ExcludeNotFound),
        (case().including(both.clone()).excluding(json!([{"name": "twins"}])), Reason::ExcludeNotFound),
        (
            case()
                .including(both.clone())
                .excluding(json!([{"id": "99"}]))
                .hiding(EntryKind::ManagementGroup),
            Reason::CatalogueIncomplete,
        ),
        (case().including(both.clone()).excluding(both), Reason::NoTargets),
    ];
    for (case, reason) in cases {
        let compiled = case.compile();
        assert!(compiled.contributions.is_empty(), "{reason}");
        assert!(
            compiled.findings.iter().any(|f| (f.severity, f.reason) == (Severity::Refused, reason)),
            "{reason}"
        );
    }
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let cases = [
        (case().including(json!([])), Reason::NoTargets),
        (case().with(|case| case.everyone = true), Reason::Invalid),
        (case().with(|case| case.include = vec![json!({"wso2": {"roles": ["a"]}})]), Reason::SystemMismatch),
        (case().with(|case| case.policy["displayName"] = json!("  ")), Reason::Invalid),
        (
            case().with(|case| case.policy = json!({"content": {"wso2": {"profiles": []}}})),
            Reason::FacetMissing,
        ),
    ];
    for (case, reason) in cases {
        let compiled = case.compile();
        assert!(compiled.contributions.is_empty(), "{reason}");
        assert!(compiled.findings.iter().any(|finding| finding.reason == reason), "{:?}", compiled.findings);
    }
    let empty = case().including(json!([])).with(|case| case.allow_empty = true).compile();
    assert_eq!((members(&empty).len(), empty.targets), (0, 0));
}

#[test]
fn who_deploys_is_a_setting() {
    let cases = [
        ("Automatic", "Hold", true, true),
        ("Automatic", "Include", true, false),
        ("Manual", "Hold", false, true),
        ("Manual", "Include", false, false),
    ];
    for (mode, foreign, automatic, hold_foreign) in cases {
        let settings =
            translator(json!({"mode": mode, "foreignChanges": foreign})).deploy_settings().unwrap();
        assert_eq!(settings, DeploySettings { automatic, hold_foreign });
    }
}

proptest! {
    /// R1: never All Devices without the word, never a group that nobody named.
    #[test]
    fn nobody_is_reached_who_was_not_named(
        include in prop::collection::vec((any::<bool>(), 0usize..6), 0..6),
        exclude in prop::collection::vec(0usize..6, 0..3),
    ) {
        let all = catalogue().of(EntryKind::ManagementGroup).to_vec();
        let one = |(by_id, at): &(bool, usize)| {
            if *by_id { json!({"id": all[*at].id}) } else { json!({"name": all[*at].name}) }
        };
        let included: Vec<Value> = include.iter().map(one).collect();
        let excluded: Vec<Value> = exclude.iter().map(|at| one(&(true, *at))).collect();
        let compiled = case().including(json!(included)).excluding(json!(excluded)).compile();
        for contribution in &compiled.contributions {
            for id in &contribution.members[&MemberKind::ManagementGroup] {
                prop_assert!(id != "3");
                prop_assert!(include.iter().any(|(_, at)| &all[*at].id == id));
                prop_assert!(!exclude.iter().any(|at| &all[*at].id == id));
            }
        }
    }
}
