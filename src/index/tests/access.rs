//! R6: who may use a ClusterBackend, and how far.

use serde_json::json;

use super::*;

fn shared(access: Value) -> Manifest {
    Manifest::new(Kind::ClusterBackend, "c", wso2("c").spec).spec("access", access)
}

fn tenant(targets: Value) -> Manifest {
    assignment("a", "p", "c")
        .spec("backendRef", json!({"kind": "ClusterBackend", "name": "c"}))
        .spec("targets", targets)
}

fn outcome(cluster: &[Manifest]) -> Result<(), (Reason, String)> {
    let index = index(cluster);
    match &index.desired(&cluster_backend("c")).unwrap().assignments[&team("a")].input {
        Input::Bound { .. } => Ok(()),
        Input::Frozen { reason, message } => Err((*reason, message.clone())),
    }
}

fn entry(targets: Value) -> Value {
    json!({"name": "emea", "namespaces": {"names": [NS]}, "targets": targets})
}

fn check(why: &str, access: Value, assignment: Manifest, expected: Option<(Reason, &str)>) {
    let labels = json!({"region": "emea"});
    let found = outcome(&[policy("p"), namespace(NS, labels), shared(access), assignment]);
    match (found, expected) {
        (Ok(()), None) => {}
        (Err((reason, message)), Some((expected, text))) => {
            assert_eq!(reason, expected, "{why}: {message}");
            assert!(message.contains(text), "{why}: {message}");
        }
        (found, expected) => panic!("{why}: {found:?} instead of {expected:?}"),
    }
}

fn sales() -> Manifest {
    tenant(json!({"include": [{"wso2": {"roles": ["sales"]}}]}))
}

#[test]
fn namespaces_are_let_in_by_name_or_by_label_and_by_nothing_else() {
    let by = |namespaces: Value| json!([{"name": "e", "namespaces": namespaces, "targets": {"all": true}}]);
    let denied = Some((Reason::AccessDenied, "lets namespace team in"));
    check("no entry, no access", json!([]), sales(), denied);
    check("another name", by(json!({"names": ["other"]})), sales(), denied);
    check("its name", by(json!({"names": ["other", NS]})), sales(), None);
    check("its label", by(json!({"selector": {"matchLabels": {"region": "emea"}}})), sales(), None);
    check("another label", by(json!({"selector": {"matchLabels": {"region": "apac"}}})), sales(), denied);
    let exists = json!({"selector": {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "Exists"}]}});
    check("every namespace", by(exists), sales(), None);
}

#[test]
fn labels_that_are_not_known_yet_are_waited_for() {
    let by_label = json!([{
        "name": "e", "namespaces": {"selector": {"matchLabels": {"region": "emea"}}}, "targets": {"all": true},
    }]);
    let (reason, message) = outcome(&[policy("p"), shared(by_label), sales()]).unwrap_err();
    assert_eq!(reason, Reason::Pending);
    assert!(message.contains("labels of namespace team"), "{message}");
}

#[test]
fn a_namespace_that_gains_or_loses_its_label_gains_or_loses_access_at_once() {
    let by_label = json!([{
        "name": "e", "namespaces": {"selector": {"matchLabels": {"region": "emea"}}}, "targets": {"all": true},
    }]);
    let mut index =
        index(&[policy("p"), namespace(NS, json!({"region": "emea"})), shared(by_label), sales()]);
    let bound = |index: &Index| {
        index.desired(&cluster_backend("c")).unwrap().assignments[&team("a")].binding().is_some()
    };
    assert!(bound(&index));
    let dirty = apply(&mut index, &namespace(NS, json!({})));
    assert_eq!(dirty.backends, [cluster_backend("c")].into());
    assert!(!bound(&index));
    apply(&mut index, &namespace(NS, json!({"region": "emea"})));
    assert!(bound(&index));
}

#[test]
fn targets_must_lie_within_the_entry() {
    let denied = |text| Some((Reason::AccessDenied, text));
    let role = |role: &str| {
        tenant(json!({"include": [{"wso2": {"roles": ["sales"]}}, {"wso2": {"roles": [role]}}]}))
    };
    let roles = || json!([entry(json!({"wso2": {"roles": ["sales", "engineer"]}}))]);
    check("all of them named", roles(), role("engineer"), None);
    check("one beyond", roles(), role("board"), denied("role board (spec.targets.include[1])"));
    check("everything", json!([entry(json!({"all": true}))]), role("board"), None);
    check(
        "another dimension",
        roles(),
        tenant(json!({"include": [{"wso2": {"users": ["sales"]}}]})),
        denied("user sales"),
    );
    check(
        "another system's words",
        json!([entry(json!({"tachyon": {}}))]),
        role("x"),
        denied("targets of wso2"),
    );
    let group = json!({"include": [{"wso2": {"groups": [{"name": "g"}]}}]});
    let by_id = json!([entry(json!({"wso2": {"groups": [{"id": "7"}]}}))]);
    check("a name does not prove an id", by_id, tenant(group), denied("group g"));
}

#[test]
fn a_target_group_opens_no_way_around() {
    let by_group = tenant(json!({"include": [{"targetGroupRef": {"name": "g"}}]}));
    let roles = json!([entry(json!({"wso2": {"roles": ["sales"]}}))]);
    for (role, allowed) in [("sales", true), ("board", false)] {
        let cluster = [policy("p"), shared(roles.clone()), by_group.clone(), group("g", &[role])];
        assert_eq!(outcome(&cluster).is_ok(), allowed, "{role}");
    }
}

#[test]
fn everyone_adoption_and_priority_need_their_own_word() {
    let everyone = || tenant(json!({"everyone": true}));
    let open = |member: &str, value: Value| {
        let mut entry = entry(json!({"all": true}));
        entry[member] = value;
        json!([entry])
    };
    let plain = || json!([entry(json!({"all": true}))]);
    let adopting = || sales().spec("adopt", json!({"id": "17"}));
    check("everyone, not said", plain(), everyone(), Some((Reason::AccessDenied, "spec.targets.everyone")));
    check("everyone", open("everyone", json!(true)), everyone(), None);
    check("adoption, not said", plain(), adopting(), Some((Reason::AdoptionDenied, "adoption: Allow")));
    check("adoption", open("adoption", json!("Allow")), adopting(), None);
    let urgent = || sales().spec("priority", json!(50));
    check(
        "priority, not said",
        plain(),
        urgent(),
        Some((Reason::AccessDenied, "spec.priority 50, only 0 to 0")),
    );
    check("priority", open("priority", json!({"min": 0, "max": 99})), urgent(), None);
    check(
        "too high",
        open("priority", json!({"min": 0, "max": 49})),
        urgent(),
        Some((Reason::AccessDenied, "only 0 to 49")),
    );
}

#[test]
fn one_entry_must_allow_the_whole_assignment() {
    let roles = |name: &str, role: &str| {
        let mut entry = entry(json!({"wso2": {"roles": [role]}}));
        entry["name"] = name.into();
        entry
    };
    let both = json!([roles("one", "sales"), roles("two", "engineer")]);
    check("either", both.clone(), sales(), None);
    let union = tenant(json!({"include": [{"wso2": {"roles": ["sales", "engineer"]}}]}));
    check("the union of two", both, union, Some((Reason::AccessDenied, "access entry one")));
}

#[test]
fn customers_and_their_groups_are_compared_within_one_entry() {
    let guid = "640FE47F-5118-4D79-8221-A35D0DE2EE2C";
    let system = json!({"wfbss": {"url": "https://cspi.example.com", "credentialsRef": {"name": "c"}}});
    let backend = |access: Value| {
        Manifest::new(Kind::ClusterBackend, "c", json!({"system": system.clone(), "access": access}))
    };
    let documents = json!({"wfbss": {"documents": [{"os": "win", "settings": {"a": {"b": true}}}]}});
    let customers = |list: Value| json!({"wfbss": {"customers": list}});
    let asks = |list: Value| tenant(json!({"include": [customers(list)]}));
    let some = json!([{"id": guid, "groups": [{"id": "2"}, {"name": "Servers"}]}]);
    let all = json!([{"id": guid, "allGroups": true}]);
    let cases = [
        ("a group named", &some, json!([{"id": guid, "groups": [{"id": "2"}]}]), None),
        ("GUIDs fold case", &some, json!([{"id": guid.to_lowercase(), "groups": [{"id": "2"}]}]), None),
        (
            "a group beyond",
            &some,
            json!([{"id": guid, "groups": [{"id": "3"}]}]),
            Some("these groups of customer"),
        ),
        (
            "all groups, where some are open",
            &some,
            json!([{"id": guid, "allGroups": true}]),
            Some("these groups"),
        ),
        ("all groups, where all are open", &all, json!([{"id": guid, "allGroups": true}]), None),
        ("any group, where all are open", &all, json!([{"id": guid, "groups": [{"id": "9"}]}]), None),
        ("a customer beyond", &all, json!([{"name": "Other", "allGroups": true}]), Some("customer Other")),
    ];
    for (why, open, asked, denied) in cases {
        let access = json!([entry(customers(open.clone()))]);
        let cluster = [policy("p").spec("content", documents.clone()), backend(access), asks(asked)];
        let found = outcome(&cluster);
        match denied {
            None => assert_eq!(found, Ok(()), "{why}"),
            Some(text) => assert!(found.clone().unwrap_err().1.contains(text), "{why}: {found:?}"),
        }
    }
}

#[test]
fn withdrawn_access_freezes_and_leaves_the_assignment_releasable() {
    let open = shared(json!([entry(json!({"all": true}))]));
    let mut index = index(&[policy("p"), open.clone(), sales()]);
    let closed = open.at(2, 9).spec("access", json!([]));
    let dirty = apply(&mut index, &closed);
    assert_eq!(dirty.backends, [cluster_backend("c")].into());
    let leaving = sales().at(1, 10).with("deletionTimestamp", "2026-03-02T00:00:00Z");
    apply(&mut index, &leaving);
    let desired = index.desired(&cluster_backend("c")).unwrap();
    let view = &desired.assignments[&team("a")];
    assert_eq!(frozen(&view.input).0, Reason::AccessDenied);
    assert!(view.deleting, "its worker still sees that it is to be released");
}

#[test]
fn a_backend_needs_no_access_list() {
    let index = index(&[policy("p"), wso2("b"), assignment("a", "p", "b")]);
    assert!(matches!(input(&index), Input::Bound { .. }));
}
