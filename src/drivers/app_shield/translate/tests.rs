#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing)]

use serde_json::json;

use super::*;
use crate::{
    drivers::{
        Reach,
        testing::{bound, including},
    },
    model::{Catalogue, Digester, Entry, EntryKind, MemberKind},
};

fn settings(paths: Value) -> AppShield {
    let mut value = json!({"url": "https://bi.example/api", "credentialsRef": {"name": "bi"}});
    if !paths.is_null() {
        value["paths"] = paths;
    }
    serde_json::from_value(value).unwrap()
}

fn catalogue() -> Catalogue {
    let entry =
        |id: &str, name: &str| Entry { id: id.into(), name: name.into(), parent: None, unusable: None };
    let mut catalogue = Catalogue::default();
    catalogue.entries.insert(EntryKind::Group, vec![entry("16", "tenant-acme")]);
    catalogue.entries.insert(EntryKind::User, vec![entry("638500000000000001", "mara.holt")]);
    catalogue
}

struct Case {
    assignment: &'static str,
    policy: Value,
    spec: Value,
    include: Value,
    allow_empty: bool,
    paths: Value,
}

fn case() -> Case {
    Case {
        assignment: "acme",
        policy: json!({"description": "Rows of Acme", "content": {"appShield": {"constraints": [{"f": "a"}]}}}),
        spec: json!({"policyRef": {"name": "rows"}, "backendRef": {"name": "bi"}, "priority": 7}),
        include: json!({"groups": [{"name": "tenant-acme"}], "users": [{"id": "638500000000000001"}]}),
        allow_empty: false,
        paths: json!({"get": "/AppShield/GetPolicy"}),
    }
}

impl Case {
    fn compile(&self) -> Compiled {
        let reach = Reach { allow_empty: self.allow_empty, ..including("appShield", &self.include) };
        let binding = Binding {
            assignment: ObjectName::new("team", self.assignment),
            display_name: "Acme rows".into(),
            ..bound("rows", &self.policy, &self.spec, reach)
        };
        let context = CompileContext {
            catalogue: &catalogue(),
            owner: &OwnerId::new("o"),
            digester: &Digester::new([7; 32]),
            secrets: &BTreeMap::new(),
        };
        Translator::from(&settings(self.paths.clone())).compile(&binding, &context)
    }

    fn one(&self) -> Contribution {
        let compiled = self.compile();
        assert_eq!(compiled.findings, []);
        let [one] = compiled.contributions.try_into().unwrap();
        one
    }
}

#[test]
fn facts_follow_the_paths() {
    let cases = [
        (json!(null), [false, false, false, false], "nothing is published"),
        (json!({}), [false, false, false, false], "an empty section is none"),
        (json!({"list": "/a"}), [true, true, true, false], "a list shows everything"),
        (json!({"get": "/b"}), [false, false, true, false], "one by one is no snapshot"),
        (json!({"delete": "/c"}), [false, false, false, true], "deleting tells nothing"),
        (json!({"list": "/a", "get": "/b", "delete": "/c"}), [true, true, true, true], "all"),
    ];
    for (paths, expected, why) in cases {
        let facts = Translator::from(&settings(paths)).facts();
        assert_eq!([facts.snapshot, facts.lists, facts.reads, facts.deletes], expected, "{why}");
        assert!(
            facts.marks && !facts.switches && !facts.additive && !facts.deploys && !facts.ordered,
            "{why}"
        );
    }
    assert_eq!(Translator::from(&settings(json!(null))).facts(), FACTS);
}

#[test]
fn an_assignment_gives_content_of_the_policy_and_members_of_its_own() {
    let one = case().one();
    assert_eq!(&*one.item.0, "team/rows/policy");
    assert_eq!((one.status_key.as_str(), one.title.as_str(), one.priority), ("policy", "Acme rows", 7));
    let leaves: Vec<_> = one.leaves.iter().map(|(path, leaf)| (&*path.0, leaf.value.clone())).collect();
    assert_eq!(
        leaves,
        [
            ("constraints", json!([{"f": "a"}])),
            ("description", json!("Rows of Acme")),
            ("name", json!("Acme rows")),
        ]
    );
    assert_eq!(one.members[&MemberKind::Group], BTreeSet::from(["16".to_owned()]));
    assert_eq!(one.members[&MemberKind::User], BTreeSet::from(["638500000000000001".to_owned()]));
    assert_eq!(case().compile().targets, 2);
}

#[test]
fn two_assignments_of_a_policy_meet_in_one_item() {
    let (first, second) = (case().one(), Case { assignment: "birch", ..case() }.one());
    assert_eq!(first.item, second.item);
    assert_eq!(first.shape, second.shape, "one mark");
    assert_eq!(first.leaves, second.leaves);
    assert_ne!(first.assignment, second.assignment);
}

#[test]
fn what_is_not_named_is_not_ours() {
    let bare = json!({"content": {"appShield": {}}});
    let adopt = json!({"policyRef": {"name": "rows"}, "backendRef": {"name": "bi"}, "adopt": {"id": "639"}});
    let named = |one: &Contribution| one.leaves.keys().map(|path| path.0.to_string()).collect::<Vec<_>>();
    let created = Case { policy: bare.clone(), ..case() }.one();
    assert_eq!((named(&created), created.enabled), (vec!["name".to_owned()], Some(true)));
    let adopted = Case { policy: bare, spec: adopt.clone(), ..case() }.one();
    assert_eq!(adopted.enabled, None, "the switch of an adopted policy stays as it is");
    let off = json!({"enabled": false, "content": {"appShield": {"constraints": []}}});
    let switched = Case { policy: off, spec: adopt, ..case() }.one();
    assert_eq!(switched.enabled, Some(false), "unless it is named");
    assert!(named(&switched).contains(&"constraints".to_owned()), "an empty list is a list");
}

#[test]
fn what_cannot_be_read_is_adopted_whole_or_not_at_all() {
    let adopt = json!({"policyRef": {"name": "rows"}, "backendRef": {"name": "bi"}, "adopt": {"id": "639"}});
    let blind = |policy: Value| Case { policy, spec: adopt.clone(), paths: json!(null), ..case() }.compile();
    let whole = json!({"enabled": true, "description": "d", "content": {"appShield": {"constraints": []}}});
    assert_eq!(blind(whole.clone()).findings, []);
    for (field, path) in [
        ("enabled", "/enabled"),
        ("description", "/description"),
        ("constraints", "/content/appShield/constraints"),
    ] {
        let mut part = whole.clone();
        let (parent, member) = path.rsplit_once('/').unwrap();
        part.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(member);
        let compiled = blind(part);
        assert_eq!(compiled.contributions, [], "{field}");
        let [finding] = &compiled.findings[..] else { panic!("{field}: {:?}", compiled.findings) };
        assert_eq!((finding.severity, finding.reason), (Severity::Refused, Reason::Invalid), "{field}");
        assert!(
            finding.message.contains(field) && finding.message.contains("paths.get"),
            "{}",
            finding.message
        );
    }
}

#[test]
fn constraints_that_cannot_be_read_are_named_or_the_policy_is_refused() {
    let blind = [json!(null), json!({"delete": "/c"})];
    let seeing = [json!({"list": "/a"}), json!({"get": "/b"})];
    let bare = json!({"content": {"appShield": {}}});
    for paths in blind {
        let compiled = Case { policy: bare.clone(), paths: paths.clone(), ..case() }.compile();
        assert_eq!(compiled.contributions, [], "{paths}: a save would take away what an admin built");
        let [finding] = &compiled.findings[..] else { panic!("{paths}: {:?}", compiled.findings) };
        assert_eq!((finding.severity, finding.reason), (Severity::Refused, Reason::Invalid), "{paths}");
        for words in ["spec.content.appShield.constraints", "empty list", "paths.list", "paths.get"] {
            assert!(finding.message.contains(words), "{words}: {}", finding.message);
        }
        for unasked in ["spec.enabled", "spec.description"] {
            assert!(!finding.message.contains(unasked), "what we make is ours: {}", finding.message);
        }
        let none = json!({"content": {"appShield": {"constraints": []}}});
        assert_eq!(Case { policy: none, paths, ..case() }.one().leaves.len(), 2, "name and constraints");
    }
    for paths in seeing {
        let compiled = Case { policy: bare.clone(), paths: paths.clone(), ..case() }.compile();
        assert_eq!(compiled.findings, [], "{paths}: what stands is read first");
    }
}

#[test]
fn a_policy_for_another_system_is_refused() {
    let policy = json!({"content": {"tachyon": {"rules": []}}});
    let compiled = Case { policy, ..case() }.compile();
    assert_eq!(compiled.findings[0].reason, Reason::FacetMissing);
    assert!(compiled.contributions.is_empty());
}

#[test]
fn nobody_is_a_share_only_if_it_is_said() {
    let nobody = json!({"groups": []});
    let compiled = Case { include: nobody.clone(), ..case() }.compile();
    assert_eq!((compiled.contributions.len(), compiled.findings[0].reason), (0, Reason::NoTargets));
    assert!(
        compiled.findings[0].message.contains("everybody would see everything"),
        "it widens, and says so"
    );
    let said = Case { include: nobody, allow_empty: true, ..case() }.one();
    assert!(said.members.values().all(BTreeSet::is_empty) && said.members.len() == 2, "exact and empty");
    let unknown = Case { include: json!({"groups": [{"name": "nobody-knows"}]}), ..case() }.compile();
    assert_eq!((unknown.contributions.len(), unknown.findings[0].severity), (0, Severity::LeftOut));
}
