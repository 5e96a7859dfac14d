#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    drivers::{
        Reach,
        testing::{bound, sections},
    },
    model::{Catalogue, Digester, Entry, EntryKind, MemberKind, ObjectName, Secret},
};

fn settings(extra: Value) -> Wso2 {
    let mut value = json!({
        "url": "https://emm.example:9443", "api": "DeviceMgtV1", "credentialsRef": {"name": "emm"},
        "deploy": {"mode": "Automatic", "foreignChanges": "Hold"},
    });
    value.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    serde_json::from_value(value).unwrap()
}

fn catalogue() -> Catalogue {
    let entry = |id: &str, name: &str, parent: Option<&str>| Entry {
        id: id.into(),
        name: name.into(),
        parent: parent.map(str::to_owned),
        unusable: None,
    };
    let mut catalogue = Catalogue::default();
    let named = |names: &[&str]| names.iter().map(|n| entry(n, n, None)).collect();
    catalogue.entries.insert(EntryKind::DeviceType, named(&["android", "Windows", "ios"]));
    catalogue.entries.insert(EntryKind::Role, named(&["admin", "engineer", "Sales", "sales"]));
    catalogue.entries.insert(EntryKind::User, named(&["jdoe", "Max"]));
    catalogue.entries.insert(
        EntryKind::Group,
        vec![
            entry("4", "Finance", None),
            entry("5", "Twin", None),
            entry("6", "Twin", None),
            entry("7", "any", None),
        ],
    );
    let codes = ["CAMERA", "PASSCODE_POLICY", "WIFI", "WIPE_DATA"];
    catalogue
        .entries
        .insert(EntryKind::Feature, codes.iter().map(|code| entry(code, code, Some("android"))).collect());
    catalogue
}

/// A binding whose spec, policy and reach are changed by the case.
#[derive(Clone)]
struct Case {
    settings: Value,
    policy: Value,
    spec: Value,
    include: Vec<Value>,
    exclude: Vec<Value>,
    everyone: bool,
    allow_empty: bool,
    catalogue: Catalogue,
    secrets: BTreeMap<(String, String), Secret>,
}

fn case() -> Case {
    Case {
        settings: json!({}),
        policy: json!({"content": {"wso2": {"profiles": [
            {"platform": "android", "features": [{"code": "CAMERA", "content": {"enabled": false}}]},
        ]}}}),
        spec: json!({"policyRef": {"name": "laptops"}, "backendRef": {"name": "emm"}, "priority": 7}),
        include: vec![json!({"wso2": {"roles": ["engineer"]}})],
        exclude: vec![],
        everyone: false,
        allow_empty: false,
        catalogue: catalogue(),
        secrets: BTreeMap::new(),
    }
}

impl Case {
    fn compile(&self) -> Compiled {
        let reach = Reach {
            everyone: self.everyone,
            include: sections("include", &self.include),
            exclude: sections("exclude", &self.exclude),
            allow_empty: self.allow_empty,
        };
        let binding = bound("laptops", &self.policy, &self.spec, reach);
        let context = CompileContext {
            catalogue: &self.catalogue,
            owner: &OwnerId::new("o"),
            digester: &Digester::new([7; 32]),
            secrets: &self.secrets,
        };
        Translator::from(&settings(self.settings.clone())).compile(&binding, &context)
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn including(self, wso2: Value) -> Self {
        self.with(|case| case.include = vec![json!({"wso2": wso2})])
    }

    fn featuring(self, features: Value) -> Self {
        self.with(|case| case.policy["content"]["wso2"]["profiles"][0]["features"] = features)
    }
}

fn keys(compiled: &Compiled) -> Vec<&str> {
    compiled.contributions.iter().map(|c| c.status_key.as_str()).collect()
}

fn reasons(compiled: &Compiled) -> Vec<(Severity, Reason)> {
    compiled.findings.iter().map(|f| (f.severity, f.reason)).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

#[test]
fn an_assignment_becomes_one_whole_policy() {
    let compiled = case().compile();
    assert_eq!(compiled.findings, []);
    assert_eq!((keys(&compiled), compiled.targets), (vec!["android/roles"], 1));
    let one = &compiled.contributions[0];
    assert_eq!(&*one.item.0, "team/laptops/android/roles");
    let identity = Identity {
        owner: OwnerId::new("o"),
        kind: "PolicyAssignment",
        object: ObjectName::new("team", "laptops"),
        variant: "android/roles".into(),
    };
    assert_eq!(one.shape, Shape::Object { mark: Some(identity.mark()) });
    assert_eq!((one.enabled, one.priority), (Some(true), 7));
    assert_eq!(one.members[&MemberKind::Role], set(&["engineer"]));
    assert_eq!((&one.members[&MemberKind::User], &one.members[&MemberKind::Group]), (&set(&[]), &set(&[])));
    assert!(!one.members.contains_key(&MemberKind::Device), "links to devices are not ours");
    let leaves: Vec<_> = one.leaves.iter().map(|(p, v)| format!("{p}={}", v.value)).collect();
    let expected = [
        "compliance=\"enforce\"",
        "features/CAMERA={\"enabled\":false}",
        "name=\"laptops\"",
        "ownership=\"ANY\"",
        "platform=\"android\"",
    ];
    assert_eq!(leaves, expected, "no description: not ours");
}

#[test]
fn a_union_becomes_one_policy_per_dimension_and_platform() {
    let compiled = case()
        .with(|c| {
            c.settings = json!({"ungroupedDevices": "Accept"});
            c.policy["content"]["wso2"]["profiles"] = json!([
                {"platform": "windows", "features": [{"code": "CAMERA", "content": {"enabled": true}}]},
                {"platform": "ANDROID", "features": [{"code": "camera", "content": {"enabled": false}}]},
            ]);
            c.include.push(json!({"wso2": {"roles": ["admin", "engineer"], "users": ["max"], "groups": [{"name": "Finance"}]}}));
        })
        .compile();
    assert_eq!(compiled.findings, []);
    let expected = [
        "android/groups",
        "android/roles",
        "android/users",
        "windows/groups",
        "windows/roles",
        "windows/users",
    ];
    assert_eq!(keys(&compiled), expected);
    assert_eq!(compiled.targets, 8);
    let members = |i: usize, kind| compiled.contributions[i].members[&kind].clone();
    assert_eq!(members(0, MemberKind::Group), set(&["4"]), "groups by id");
    assert_eq!(members(0, MemberKind::Role), set(&[]));
    assert_eq!(members(1, MemberKind::Role), set(&["admin", "engineer"]));
    assert_eq!(members(2, MemberKind::User), set(&["Max"]), "as the system spells it");
    let platform = &compiled.contributions[3].leaves[&LeafPath("platform".into())];
    assert_eq!(platform.value, "Windows", "also here");
    assert!(compiled.contributions[0].leaves.contains_key(&LeafPath("features/CAMERA".into())));
}

#[test]
fn everyone_is_said_only_when_it_is_meant() {
    let compiled = case().with(|c| (c.everyone, c.include) = (true, vec![])).compile();
    assert_eq!((keys(&compiled), compiled.targets), (vec!["android/everyone"], 1));
    assert_eq!(compiled.contributions[0].members[&MemberKind::Role], set(&["ANY"]));
}

#[test]
fn what_is_adopted_keeps_what_is_not_named() {
    let compiled = case().with(|c| c.spec["adopt"] = json!({"id": "17"})).compile();
    let one = &compiled.contributions[0];
    assert_eq!(one.enabled, None);
    assert!(!one.leaves.contains_key(&LeafPath("compliance".into())));
    let compiled = case()
        .with(|c| {
            c.spec["adopt"] = json!({"id": "17"});
            c.spec["wso2"] = json!({"compliance": "Warning", "ownership": "BYOD"});
            c.policy["enabled"] = json!(false);
            c.policy["description"] = json!("text");
        })
        .compile();
    let one = &compiled.contributions[0];
    assert_eq!(one.enabled, Some(false));
    let leaf = |path: &str| one.leaves[&LeafPath(path.into())].value.clone();
    assert_eq!(
        (leaf("compliance"), leaf("ownership")),
        (json!("warn"), json!("BYOD")),
        "the words the code compares"
    );
    assert_eq!(leaf("description"), "text", "without the mark");
}

#[test]
fn what_cannot_be_said_is_refused_or_left_out_with_a_reason() {
    use Reason as R;
    use Severity::{LeftOut, Note, Refused};
    let groups = json!({"ungroupedDevices": "Accept"});
    let links = json!({"deviceLinks": "Evaluated"});
    let accepting = |c: &mut Case| c.settings = groups.clone();
    let cases: Vec<(&str, Case, Vec<(Severity, Reason)>, &[&str])> = vec![
        (
            "a role that does not exist",
            case().including(json!({"roles": ["nobody"]})),
            vec![(LeftOut, R::RoleNotFound)],
            &[],
        ),
        (
            "others proceed",
            case().including(json!({"roles": ["nobody", "admin"]})),
            vec![(LeftOut, R::RoleNotFound)],
            &["android/roles"],
        ),
        (
            "an exact name wins over one that differs in case",
            case().including(json!({"roles": ["Sales"]})),
            vec![],
            &["android/roles"],
        ),
        (
            "no exact name, two that differ in case",
            case().including(json!({"roles": ["SALES"]})),
            vec![(LeftOut, R::AmbiguousName)],
            &[],
        ),
        (
            "a user that does not exist",
            case().including(json!({"users": ["ghost"]})),
            vec![(LeftOut, R::UserNotFound)],
            &[],
        ),
        (
            "a role that lists hide",
            case().including(json!({"roles": ["Internal/everyone"]})),
            vec![(Note, R::PartialView)],
            &["android/roles"],
        ),
        (
            "the word for everybody as a role",
            case().including(json!({"roles": ["any"]})),
            vec![(Refused, R::MatchesEveryone)],
            &[],
        ),
        (
            "the same with blanks, among others",
            case().including(json!({"roles": ["admin"], "users": [" ANY "]})),
            vec![(Refused, R::MatchesEveryone)],
            &[],
        ),
        ("a blank name", case().including(json!({"users": [" "]})), vec![(Refused, R::MatchesEveryone)], &[]),
        (
            "groups reach ungrouped devices",
            case().including(json!({"groups": [{"name": "Finance"}]})),
            vec![(Refused, R::AlsoMatchesUngroupedDevices)],
            &[],
        ),
        (
            "groups where there are none",
            case()
                .including(json!({"groups": [{"name": "Finance"}]}))
                .with(|c| c.settings = json!({"api": "MdmAdmin", "ungroupedDevices": "Accept"})),
            vec![(Refused, R::TargetKindUnsupported)],
            &[],
        ),
        (
            "a group whose name means everybody",
            case().including(json!({"groups": [{"id": "7"}]})).with(accepting),
            vec![(Refused, R::MatchesEveryone)],
            &[],
        ),
        (
            "two groups of one name",
            case().including(json!({"groups": [{"name": "Twin"}]})).with(accepting),
            vec![(LeftOut, R::AmbiguousName)],
            &[],
        ),
        (
            "told by id",
            case().including(json!({"groups": [{"id": "5"}]})).with(accepting),
            vec![],
            &["android/groups"],
        ),
        (
            "an id that does not exist",
            case().including(json!({"groups": [{"id": "99"}]})).with(accepting),
            vec![(LeftOut, R::GroupNotFound)],
            &[],
        ),
        (
            "devices are not evaluated",
            case().including(json!({"devices": ["android/x1"]})),
            vec![(Refused, R::TargetKindUnsupported)],
            &[],
        ),
        (
            "devices where they are",
            case().including(json!({"devices": ["Android/x1"]})).with(|c| c.settings = links.clone()),
            vec![],
            &["android/devices"],
        ),
        (
            "a device of a platform without profile",
            case().including(json!({"devices": ["ios/x1"]})).with(|c| c.settings = links.clone()),
            vec![(LeftOut, R::TargetKindUnsupported)],
            &[],
        ),
        (
            "nothing can be subtracted",
            case().with(|c| c.exclude = vec![json!({"wso2": {"roles": ["admin"]}})]),
            vec![(Refused, R::ExcludeUnsupported)],
            &[],
        ),
        (
            "another system's words",
            case().with(|c| c.include.push(json!({"tachyon": {"managementGroups": [{"id": "1"}]}}))),
            vec![(Refused, R::SystemMismatch)],
            &[],
        ),
        ("nobody", case().including(json!({})), vec![(Refused, R::NoTargets)], &[]),
        (
            "nobody, and that is meant",
            case().including(json!({})).with(|c| c.allow_empty = true),
            vec![],
            &[],
        ),
        ("everyone and somebody", case().with(|c| c.everyone = true), vec![(Refused, R::Invalid)], &[]),
        (
            "a platform that does not exist",
            case().with(|c| c.policy["content"]["wso2"]["profiles"][0]["platform"] = json!("symbian")),
            vec![(Refused, R::Unsupported)],
            &[],
        ),
        (
            "a feature that does not exist",
            case().featuring(json!([{"code": "CAMRA"}])),
            vec![(Refused, R::Unsupported)],
            &[],
        ),
        (
            "a feature some builds do not list",
            case().featuring(json!([{"code": "DISALLOW_SMS", "content": {"enabled": true}}])),
            vec![],
            &["android/roles"],
        ),
        (
            "an operation is no setting",
            case().featuring(json!([{"code": "wipe_data"}])),
            vec![(Refused, R::Unsupported)],
            &[],
        ),
        ("no feature", case().featuring(json!([])), vec![(Refused, R::Invalid)], &[]),
        (
            "a feature twice",
            case().featuring(json!([{"code": "WIFI"}, {"code": "wifi"}])),
            vec![(Refused, R::Invalid)],
            &[],
        ),
        (
            "no facet",
            case().with(|c| c.policy = json!({"content": {}})),
            vec![(Refused, R::FacetMissing)],
            &[],
        ),
        (
            "a name the column does not hold",
            case().with(|c| c.policy["displayName"] = json!("x".repeat(46))),
            vec![(Refused, R::Invalid)],
            &[],
        ),
        (
            "a description the column does not hold",
            case().with(|c| c.policy["description"] = json!("x".repeat(965))),
            vec![(Refused, R::Invalid)],
            &[],
        ),
    ];
    for (why, case, expected, policies) in cases {
        let compiled = case.compile();
        assert_eq!(reasons(&compiled), expected, "{why}: {:?}", compiled.findings);
        assert_eq!(keys(&compiled), policies, "{why}");
    }
}

#[test]
fn a_partial_view_concludes_nothing() {
    let partial = |kind: EntryKind| move |c: &mut Case| _ = c.catalogue.partial.insert(kind);
    let unlisted = |kind: EntryKind| move |c: &mut Case| drop(c.catalogue.entries.remove(&kind));
    let role = || case().including(json!({"roles": ["nobody"]}));
    for case in [role().with(partial(EntryKind::Role)), role().with(unlisted(EntryKind::Role))] {
        let compiled = case.compile();
        assert_eq!(reasons(&compiled), [(Severity::Note, Reason::PartialView)]);
        assert_eq!(compiled.contributions[0].members[&MemberKind::Role], set(&["nobody"]), "as written");
    }
    let group = case()
        .including(json!({"groups": [{"id": "99"}]}))
        .with(|c| c.settings = json!({"ungroupedDevices": "Accept"}))
        .with(partial(EntryKind::Group));
    assert_eq!(
        reasons(&group.compile()),
        [(Severity::LeftOut, Reason::PartialView)],
        "its name must be known"
    );
    let feature = case().featuring(json!([{"code": "NEW_THING"}])).with(partial(EntryKind::Feature));
    assert_eq!(reasons(&feature.compile()), []);
    let platform = case()
        .with(|c| c.policy["content"]["wso2"]["profiles"][0]["platform"] = json!("tizen"))
        .with(unlisted(EntryKind::DeviceType));
    assert_eq!(keys(&platform.compile()), ["tizen/roles"]);
}

fn secret_feature(path: &str, content: Value) -> Case {
    let secret = json!([{"path": path, "secretKeyRef": {"name": "wifi", "key": "password"}}]);
    let mut case = case().featuring(json!([{"code": "WIFI", "content": content, "secrets": secret}]));
    case.secrets.insert(("wifi".into(), "password".into()), Secret::new("hunter2"));
    case
}

#[test]
fn secrets_are_put_where_their_pointer_says() {
    let cases = [
        (
            "/password",
            json!({"ssid": "corp"}),
            Ok(json!({"ssid": "corp", "password": "hunter2"})),
            "beside others",
        ),
        ("/a/b", json!({}), Ok(json!({"a": {"b": "hunter2"}})), "objects on the way are made"),
        ("/a~1b/~0", json!({}), Ok(json!({"a/b": {"~": "hunter2"}})), "escapes"),
        ("/list/1/k", json!({"list": [1, {}]}), Ok(json!({"list": [1, {"k": "hunter2"}]})), "into a list"),
        ("/password", json!({"password": null}), Ok(json!({"password": "hunter2"})), "null is nothing"),
        ("/password", json!({"password": "x"}), Err(Reason::Invalid), "named twice"),
        ("/list/7", json!({"list": [1]}), Err(Reason::Invalid), "beyond a list"),
        ("/ssid/x", json!({"ssid": "corp"}), Err(Reason::Invalid), "inside a text"),
        ("password", json!({}), Err(Reason::Invalid), "no pointer"),
    ];
    for (path, content, expected, why) in cases {
        let compiled = secret_feature(path, content).compile();
        match expected {
            Ok(value) => {
                assert_eq!(compiled.findings, [], "{why}");
                let leaf = &compiled.contributions[0].leaves[&LeafPath("features/WIFI".into())];
                assert_eq!((&leaf.value, leaf.secret), (&value, true), "{why}");
                assert!(!format!("{leaf:?}").contains("hunter2"));
            }
            Err(reason) => assert_eq!(reasons(&compiled), [(Severity::Refused, reason)], "{why}"),
        }
    }
}

#[test]
fn a_missing_secret_is_named() {
    let mut case = secret_feature("/password", json!({}));
    for secrets in [BTreeMap::new(), BTreeMap::from([(("wifi".into(), "password".into()), Secret::new(""))])]
    {
        case.secrets = secrets;
        let compiled = case.compile();
        assert_eq!(reasons(&compiled), [(Severity::Refused, Reason::SecretMissing)]);
        let message = &compiled.findings[0].message;
        assert!(message.contains("Secret wifi") && message.contains("key password"), "{message}");
    }
    let policy: PolicySpec = serde_json::from_value(case.policy.clone()).unwrap();
    let refs = Translator::from(&settings(json!({}))).secret_refs(&policy);
    assert_eq!(refs, BTreeSet::from([("wifi".to_owned(), "password".to_owned())]));
}

proptest! {
    #[test]
    fn whatever_is_named_compiling_is_deterministic_and_never_reaches_everyone_unasked(
        roles in prop::collection::vec("[aA][nN][yY]|admin|engineer|ghost| ?ANY|", 0..4),
        users in prop::collection::vec("[aA][nN][yY]|jdoe|MAX|x", 0..4),
        groups in prop::collection::vec("[4-8]", 0..3),
        accept: bool, listed: bool, everyone: bool, allow_empty: bool,
    ) {
        let groups: Vec<Value> = groups.iter().map(|id| json!({"id": id})).collect();
        let case = case().including(json!({"roles": roles, "users": users, "groups": groups})).with(|c| {
            c.everyone = everyone;
            c.allow_empty = allow_empty;
            if everyone { c.include.clear(); }
            if accept { c.settings = json!({"ungroupedDevices": "Accept"}); }
            if !listed { c.catalogue.entries.clear(); }
        });
        let compiled = case.compile();
        prop_assert_eq!(&compiled, &case.compile());
        for one in &compiled.contributions {
            let restricted = one.members.values().any(|set| !set.is_empty());
            prop_assert!(restricted, "a policy without members reaches everybody");
            let any = one.members.values().flatten().any(|m| m.trim().eq_ignore_ascii_case("any"));
            prop_assert_eq!(any, everyone, "{:?}", one.members);
        }
    }
}

#[test]
fn a_group_is_gone_only_by_a_complete_list() {
    let translator = Translator::from(&settings(json!({})));
    let (whole, mut cut) = (catalogue(), catalogue());
    cut.partial.insert(EntryKind::Group);
    let cases = [
        (MemberKind::Group, "99", &whole, true, "not listed"),
        (MemberKind::Group, "4", &whole, false, "listed"),
        (MemberKind::Group, "Finance", &whole, true, "members are ids"),
        (MemberKind::Group, "99", &cut, false, "the list may lack it"),
        (MemberKind::Role, "99", &whole, false, "roles are sent as they are"),
    ];
    for (kind, name, catalogue, gone, why) in cases {
        assert_eq!(translator.is_member_gone(kind, name, catalogue), gone, "{why}");
    }
    assert!(!translator.is_member_gone(MemberKind::Group, "99", &Catalogue::default()), "never listed");
}
