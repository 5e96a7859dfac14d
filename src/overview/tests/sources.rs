//! Whether an assignment has proven what it names.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

use super::{cluster, condition, emm, in_force, now};
use crate::{
    api::{ConditionStatus, PolicyAssignmentSpec, PolicyStatus, TargetGroupStatus},
    index::{Feed, Index, Kind, Object, Scope},
    model::{ObjectName, SourcesDigest},
    overview::{Assignment, Cluster, Overview, PolicyGlance, Seen, State},
};

/// The assignment `a` of Policy `pin`, with these targets.
fn spec(targets: &Value) -> Value {
    json!({"policyRef": {"name": "pin"}, "backendRef": {"name": "emm"}, "targets": targets})
}

fn reference(group: &str) -> Value {
    json!({"targetGroupRef": {"name": group}})
}

fn of_groups() -> Value {
    json!({"include": [reference("b"), {"wso2": {"roles": ["sales"]}}, reference("a")],
        "exclude": [reference("c"), reference("b")]})
}

fn meta(name: &str, uid: &str, generation: i64) -> ObjectMeta {
    serde_json::from_value(json!({"namespace": "mobile", "name": name, "uid": uid, "generation": generation,
        "resourceVersion": "1", "creationTimestamp": "2026-03-01T00:00:00Z"}))
    .unwrap()
}

fn whole(name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "ordain.dev/v1alpha1", "kind": "", "metadata": meta(name, &format!("uid-{name}"), 1),
        "spec": spec})
}

fn group_spec() -> Value {
    json!({"wso2": {"roles": ["it"]}})
}

/// What the operator writes into the status of `a`: its Policy, and the groups of these names.
fn operators(targets: &Value, groups: &[&str]) -> SourcesDigest {
    let features = json!([{"code": "CAMERA", "content": {"enabled": false}}]);
    let policy = json!({"content": {"wso2": {"profiles": [{"platform": "android", "features": features}]}}});
    let system = json!({"system": {"wso2": {"url": "https://emm.example.com", "api": "MdmAdmin",
        "deploy": {"mode": "Automatic", "foreignChanges": "Hold"}, "credentialsRef": {"name": "emm"}}}});
    let mut index = Index::new(Scope::All);
    for feed in Scope::All.feeds() {
        index.begin(&feed);
        match feed.kind {
            Kind::Policy => {
                index.apply(Object::Policy(serde_json::from_value(whole("pin", &policy)).unwrap()));
            }
            Kind::Backend => {
                index.apply(Object::Backend(serde_json::from_value(whole("emm", &system)).unwrap()));
            }
            Kind::TargetGroup => groups.iter().for_each(|group| {
                let group = whole(group, &group_spec());
                index.apply(Object::TargetGroup(serde_json::from_value(group).unwrap()));
            }),
            Kind::PolicyAssignment => {
                let assignment = whole("a", &spec(targets));
                index.apply(Object::Assignment(serde_json::from_value(assignment).unwrap()));
            }
            Kind::ClusterBackend | Kind::Namespace => {}
        }
        index.end(&feed);
    }
    index.settle();
    index.desired(&emm()).unwrap().assignments[&ObjectName::new("mobile", "a")].named
}

/// The same as people see it, `a` in force as the operator said it of these sources.
fn shown(targets: &Value, groups: &[&str], said: Option<SourcesDigest>) -> Cluster {
    let mut status = in_force();
    if let Some(said) = said {
        status["observedSources"] = json!(said.to_string());
    }
    let mut all = cluster(&[("a", status)]);
    all.policies.clear();
    put_policy(&mut all, "uid-pin", 1, "");
    let targets: PolicyAssignmentSpec = serde_json::from_value(spec(targets)).unwrap();
    all.assignments.values_mut().for_each(|one| one.spec = Ok(targets.clone()));
    for group in groups {
        put_group(&mut all, group, &format!("uid-{group}"), 1);
    }
    all
}

fn put_policy(all: &mut Cluster, uid: &str, generation: i64, says: &str) {
    let ready = condition("Ready", "False", "AssignmentsNotReady", says);
    let status: PolicyStatus =
        serde_json::from_value(json!({"observedGeneration": generation, "conditions": [ready]})).unwrap();
    let policy = Seen::new(&meta("pin", uid, generation), Ok(PolicyGlance::default()), Some(status));
    all.policies.insert(ObjectName::new("mobile", "pin"), policy);
}

fn put_group(all: &mut Cluster, name: &str, uid: &str, generation: i64) {
    let spec = Ok(serde_json::from_value(group_spec()).unwrap());
    let group = Seen::new(&meta(name, uid, generation), spec, Some(TargetGroupStatus::default()));
    all.groups.insert(ObjectName::new("mobile", name), group);
}

fn take_group(all: &mut Cluster, name: &str) {
    all.groups.remove(&ObjectName::new("mobile", name));
}

fn a(all: &Cluster) -> Assignment {
    Overview::of(all, now()).assignments.remove(0)
}

#[test]
fn people_and_operator_mean_the_same_by_what_is_named() {
    let cases: [(&str, Value, &[&str]); 4] = [
        ("no groups", json!({"include": [{"wso2": {"roles": ["sales"]}}]}), &["other"]),
        ("everyone, less a group", json!({"everyone": true, "exclude": [reference("c")]}), &["c"]),
        ("groups of both lists, one of them twice", of_groups(), &["a", "b", "c", "other"]),
        ("one of them is missing", of_groups(), &["a", "c"]),
    ];
    for (why, targets, groups) in cases {
        let said = operators(&targets, groups);
        let all = shown(&targets, groups, Some(said));
        assert_eq!(a(&all).state, State::InForce, "{why}: {}", a(&all).message);
    }
}

type Edit = fn(&mut Cluster);

#[test]
fn what_has_changed_since_is_not_in_force_before_it_is_proven() {
    let replaced = "Policy pin has taken the place of one of the same name";
    let cases: [(&str, Edit, State, &str); 9] = [
        ("nothing has", |_| {}, State::InForce, ""),
        (
            "others are waited for, more than are named: each assignment speaks for itself",
            |all| {
                put_policy(
                    all,
                    "uid-pin",
                    1,
                    "34 of 40 assignments are ready; not proven by b, c, d, e, f and 1 more",
                );
            },
            State::InForce,
            "",
        ),
        (
            "an edit of the Policy, which Ready of the Policy does not speak of yet",
            |all| put_policy(all, "uid-pin", 2, ""),
            State::Working,
            "generation 2 of the Policy is not proven yet; generation 1 is",
        ),
        (
            "a Policy in the place of another, of the same generation",
            |all| put_policy(all, "later", 1, ""),
            State::Working,
            replaced,
        ),
        (
            "the Policy is gone",
            |all| all.policies.clear(),
            State::Working,
            "Policy pin is not there any more",
        ),
        (
            "an edit of a group",
            |all| put_group(all, "a", "uid-a", 2),
            State::Working,
            "one of its TargetGroups",
        ),
        ("an edit of who is left out", |all| put_group(all, "c", "uid-c", 2), State::Working, replaced),
        ("a group in the place of another", |all| put_group(all, "a", "later", 1), State::Working, ""),
        ("a group is gone", |all| take_group(all, "c"), State::Working, ""),
    ];
    let groups = ["a", "b", "c"];
    for (why, edit, state, told) in cases {
        let mut all = shown(&of_groups(), &groups, Some(operators(&of_groups(), &groups)));
        edit(&mut all);
        let one = a(&all);
        assert_eq!(one.state, state, "{why}: {}", one.message);
        assert!(one.message.contains(told), "{why}: {}", one.message);
    }
}

#[test]
fn the_only_group_is_named_and_where_there_is_none_the_policy_is() {
    let one = json!({"include": [reference("a")]});
    let mut all = shown(&one, &["a"], Some(operators(&one, &["a"])));
    put_group(&mut all, "a", "uid-a", 2);
    assert!(
        a(&all).message.starts_with("a change of TargetGroup a is not proven yet"),
        "{}",
        a(&all).message
    );
    let none = json!({"everyone": true});
    let mut all = shown(&none, &[], Some(operators(&none, &[])));
    put_policy(&mut all, "later", 1, "");
    let told = "Policy pin has taken the place of one of the same name, and is not proven yet";
    assert_eq!(a(&all).message, told);
}

/// What drifts holds another state as little.
#[test]
fn drift_of_what_is_wanted_no_more_is_no_drift() {
    let mut all = shown(&of_groups(), &["a"], Some(operators(&of_groups(), &["a"])));
    all.assignments.values_mut().filter_map(|one| one.status.as_mut()).for_each(|status| {
        status.conditions[1].status = ConditionStatus::False;
    });
    assert_eq!(a(&all).state, State::Drifting);
    put_group(&mut all, "a", "uid-a", 2);
    assert_eq!(a(&all).state, State::Working);
}

fn forbid(all: &mut Cluster, kind: Kind, namespace: Option<&str>) {
    all.fails(&Feed { kind, namespace: namespace.map(Into::into) }, "forbidden");
}

#[test]
fn what_may_not_be_seen_says_nothing() {
    let cases: [(&str, Edit, State); 6] = [
        (
            "no right to list Policies",
            |all| {
                all.policies.clear();
                forbid(all, Kind::Policy, None);
            },
            State::InForce,
        ),
        (
            "nor in the namespace",
            |all| {
                all.policies.clear();
                forbid(all, Kind::Policy, Some("mobile"));
            },
            State::InForce,
        ),
        (
            "no right to list TargetGroups",
            |all| {
                all.groups.clear();
                forbid(all, Kind::TargetGroup, Some("mobile"));
            },
            State::InForce,
        ),
        (
            "but the generation of the Policy is seen",
            |all| {
                put_policy(all, "uid-pin", 2, "");
                forbid(all, Kind::TargetGroup, None);
            },
            State::Working,
        ),
        (
            "another namespace is no matter",
            |all| {
                put_group(all, "a", "uid-a", 2);
                forbid(all, Kind::TargetGroup, Some("other"));
            },
            State::Working,
        ),
        (
            "nor is another kind",
            |all| {
                put_group(all, "a", "uid-a", 2);
                forbid(all, Kind::Backend, None);
            },
            State::Working,
        ),
    ];
    for (why, edit, state) in cases {
        let mut all = shown(&of_groups(), &["a"], Some(operators(&of_groups(), &["a"])));
        edit(&mut all);
        assert_eq!(a(&all).state, state, "{why}: {}", a(&all).message);
    }
}

#[test]
fn a_status_without_sources_tells_of_the_generation_of_the_policy() {
    let cases: [(&str, Edit, State); 3] = [
        ("of an earlier version", |_| {}, State::InForce),
        ("an edit of a group cannot be told", |all| put_group(all, "a", "uid-a", 2), State::InForce),
        ("an edit of the Policy can", |all| put_policy(all, "uid-pin", 2, ""), State::Working),
    ];
    for (why, edit, state) in cases {
        let mut all = shown(&of_groups(), &["a"], None);
        edit(&mut all);
        assert_eq!(a(&all).state, state, "{why}: {}", a(&all).message);
    }
}
