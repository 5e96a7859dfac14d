//! `ordain plan`: it only reads, and what it says is what the operator then does.

mod outstanding;

use std::collections::{BTreeMap, BTreeSet};

use ordain::{
    model::OwnerId,
    preview::{
        self, PreviewError, Setup,
        manifest::{Manifests, Source, read},
        report::{BackendPlan, Cause, Change, Effect, Outcome, Report},
        text::text,
    },
    watch,
    worker::ports::NoEffects,
};

use super::*;

const BIRCH: &str = "A9CC5A34-3CAD-480D-A9ED-87656316D3B9";

/// One Policy and its assignment, as a team would write them into one file.
fn pair(name: &str, backend: &str, policy: &Value, more: &Value) -> [Value; 2] {
    let mut spec = json!({"policyRef": {"name": name}, "backendRef": {"name": backend}});
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let object = |kind: &str, spec: &Value| {
        json!({
            "apiVersion": "ordain.dev/v1alpha1", "kind": kind, "spec": spec,
            "metadata": {"name": name, "namespace": TEAM},
        })
    };
    [object("Policy", policy), object("PolicyAssignment", &spec)]
}

fn sources(objects: &[Value]) -> Vec<Source> {
    let documents: Vec<String> = objects.iter().map(ToString::to_string).collect();
    vec![Source { name: "team.yaml".into(), text: documents.join("\n---\n") }]
}

fn apply(whole: &Whole, objects: &[Value]) {
    objects.iter().for_each(|object| drop(whole.api.apply(object.clone())));
}

impl Whole {
    /// Plans as a process of its own would, over a transport that lets reads through.
    async fn plan(&self, objects: &[Value]) -> Result<Report, PreviewError> {
        let process = self.api.gate().process();
        let client = self.api.client_as("planner", &process);
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        let metrics = Metrics::new();
        let owner = match &self.owner_id {
            Some(id) => OwnerId::new(id),
            None => operator::owner(&client, None).await.unwrap(),
        };
        let connector = Connect {
            vendors: self.vendors.clone(),
            process,
            clock: self.clock.clone(),
            owner: owner.clone(),
            fence: Arc::new(NoEffects),
            metrics: metrics.clone(),
        };
        let setup = Setup {
            secrets: Arc::new(operator::KubeSecrets::new(client.clone())),
            connector: Arc::new(connector),
            owner,
            clock,
            operator_namespace: "ordain-system".into(),
            scope: Scope::All,
            metrics,
        };
        let Manifests { objects, .. } = read(&sources(objects), TEAM).unwrap();
        let listed = watch::list(&client, &Scope::All).await.unwrap();
        preview::plan(&setup, &listed, &objects).await
    }

    /// WSO2's policies by id, without what every write of any of them may change.
    fn policies(&self) -> BTreeMap<String, Value> {
        let state = self.vendors.of("wso2").double().state();
        let of = |policy: &Value| {
            let mut rest = policy.clone();
            let members: &mut Map<String, Value> = rest.as_object_mut().unwrap();
            members.retain(|member, _| !["priorityId", "updated"].contains(&member.as_str()));
            (policy["id"].to_string().trim_matches('"').to_owned(), rest)
        };
        state["policies"].as_array().unwrap().iter().map(of).collect()
    }

    /// Every document of WFBSS by its coordinates.
    fn documents(&self) -> BTreeMap<String, Value> {
        let state = self.vendors.of("wfbss").double().state();
        let mut documents = BTreeMap::new();
        for (customer, company) in state["customers"].as_object().unwrap() {
            for (gid, group) in company["groups"].as_object().unwrap() {
                for (os, document) in group["policies"].as_object().unwrap() {
                    documents.insert(format!("{customer}/{gid}/{os}").to_lowercase(), document.clone());
                }
            }
        }
        documents
    }
}

fn changes<'a>(report: &'a Report, system: &str) -> Vec<&'a Change> {
    report.backends.iter().filter(|plan| plan.system == system).flat_map(|plan| &plan.changes).collect()
}

fn of(changes: &[&Change], effects: &[Effect]) -> BTreeSet<String> {
    let ids = changes.iter().filter(|change| effects.contains(&change.effect));
    ids.filter_map(|change| change.id.clone()).collect()
}

fn settings(settings: Value) -> Value {
    json!({"content": {"wfbss": {"documents": [{"os": "win", "settings": settings}]}}})
}

fn to_birch(groups: &[&str]) -> Value {
    let groups: Vec<Value> = groups.iter().map(|name| json!({"name": name})).collect();
    let include = json!([{"wfbss": {"customers": [{"id": BIRCH, "groups": groups}]}}]);
    json!({"releasePolicy": "Restore", "targets": {"include": include}})
}

fn to_both() -> Value {
    let wso2 = json!({"roles": ["engineer"], "users": ["jdoe"]});
    json!({"targets": {"include": [{"wso2": wso2}]}})
}

/// What the team has applied.
fn before() -> Vec<Value> {
    let pairs = [
        pair("camera", "wso2", &camera(false), &to_roles(&["engineer"])),
        pair("pin", "wso2", &with(camera(false), "displayName", "Pin".into()), &to_both()),
        pair("same", "wso2", &with(camera(false), "displayName", "Same".into()), &to_roles(&["sales"])),
        pair(
            "narrow",
            "wso2",
            &with(camera(true), "displayName", "Narrow".into()),
            &to_roles(&["engineer", "sales"]),
        ),
        pair("web", "wfbss", &level(3), &to_groups(&["Laptops"])),
        pair(
            "leaf",
            "wfbss",
            &settings(json!({"wtp": {"level": 3, "enabled": 0}})),
            &to_groups(&["Servers"]),
        ),
        pair("target", "wfbss", &level(3), &to_birch(&["Laptops", "Servers"])),
        pair("still", "wfbss", &level(2), &to_birch(&["Server (Default)"])),
    ];
    pairs.into_iter().flatten().collect()
}

/// What it is about to: 20 manifests with an edit, something new, and something dropped of each kind.
fn after() -> Vec<Value> {
    let pairs = [
        pair("camera", "wso2", &camera(true), &to_roles(&["engineer"])),
        pair("pin", "wso2", &with(camera(false), "displayName", "Pin".into()), &to_roles(&["engineer"])),
        pair("same", "wso2", &with(camera(false), "displayName", "Same".into()), &to_roles(&["sales"])),
        pair("narrow", "wso2", &with(camera(true), "displayName", "Narrow".into()), &to_roles(&["engineer"])),
        pair("fresh", "wso2", &with(camera(false), "displayName", "Fresh".into()), &to_roles(&["sales"])),
        pair("web", "wfbss", &level(2), &to_groups(&["Laptops"])),
        pair("leaf", "wfbss", &settings(json!({"wtp": {"enabled": 0}})), &to_groups(&["Servers"])),
        pair("target", "wfbss", &level(3), &to_birch(&["Laptops"])),
        pair("still", "wfbss", &level(2), &to_birch(&["Server (Default)"])),
        pair("new", "wfbss", &level(3), &to_birch(&["Device (Default)"])),
    ];
    pairs.into_iter().flatten().collect()
}

/// The team's objects in force.
async fn team_in_force() -> Whole {
    let mut whole = Whole::new();
    apply(&whole, &before());
    whole.start(None);
    assert!(whole.settle().await);
    for object in before().iter().filter(|object| object["kind"] == "PolicyAssignment") {
        let name = object["metadata"]["name"].as_str().unwrap();
        assert_eq!(whole.ready("PolicyAssignment", name), "True InStep", "{name}");
    }
    whole
}

#[tokio::test(start_paused = true)]
async fn twenty_manifests_make_only_reads_and_tell_what_the_operator_then_does() {
    let mut whole = team_in_force().await;
    assert_eq!(after().len(), 20);
    let (mark, calls) = (whole.api.mark(), ["wso2", "wfbss"].map(|system| whole.vendors.calls(system).len()));
    let report = whole.plan(&after()).await.unwrap();
    let said = text(&report);

    let asked = whole.api.requests_since(mark).by("planner");
    let verbs: BTreeSet<&str> = asked.iter().map(|entry| entry.verb.rbac()).collect();
    assert_eq!(verbs, BTreeSet::from(["get", "list"]), "{:?}", asked.counts());
    for (system, calls) in ["wso2", "wfbss"].iter().zip(calls) {
        let new = whole.vendors.calls(system).split_off(calls);
        let others: Vec<_> = new.iter().filter(|call| !call.starts_with("GET ")).collect();
        let logins = |call: &&&String| call.contains("token") || call.contains("register");
        assert_eq!(others.iter().filter(|call| !logins(call)).count(), 0, "{system}: {others:?}");
        assert!(!new.is_empty(), "{system} was asked");
    }

    let (policies, documents) = (whole.policies(), whole.documents());
    apply(&whole, &after());
    assert!(whole.settle().await);
    let (then, written) = (whole.policies(), whole.documents());
    let wso2 = changes(&report, "wso2");
    let gone: BTreeSet<String> = policies.keys().filter(|id| !then.contains_key(*id)).cloned().collect();
    assert_eq!(of(&wso2, &[Effect::Delete]), gone, "{said}");
    let made = then.keys().filter(|id| !policies.contains_key(*id)).count();
    assert_eq!(wso2.iter().filter(|change| change.effect == Effect::Create).count(), made, "{said}");
    let changed = |id: &&String| then.get(*id).is_some_and(|after| *after != policies[*id]);
    let changed: BTreeSet<String> = policies.keys().filter(changed).cloned().collect();
    assert_eq!(of(&wso2, &[Effect::Update]), changed, "{said}");
    let differ: BTreeSet<String> =
        documents.keys().filter(|key| documents[*key] != written[*key]).cloned().collect();
    let planned: BTreeSet<String> =
        changes(&report, "wfbss").iter().map(|change| change.item.to_lowercase()).collect();
    assert_eq!(planned, differ, "{said}");
    let kinds = |effect| changes(&report, "wfbss").iter().filter(|c| c.effect == effect).count();
    assert_eq!((kinds(Effect::Restore), kinds(Effect::Update)), (2, 2), "{said}");
    assert_eq!((gone.len(), made, changed.len(), report.summary.removals), (1, 1, 2, 4), "{said}");
    assert_eq!(report.outcome(), Outcome::Changes);

    let again = whole.plan(&after()).await.unwrap();
    assert_eq!(again.outcome(), Outcome::Nothing, "{}", text(&again));
}

/// The plan of one backend.
fn on<'a>(report: &'a Report, system: &str) -> &'a BackendPlan {
    report.backends.iter().find(|plan| plan.system == system).unwrap()
}

fn secret(whole: &Whole, name: &str, data: &str, label: &str) {
    let data = serde_json::to_value(k8s_openapi::ByteString(data.as_bytes().to_vec())).unwrap();
    whole.api.apply(json!({
        "apiVersion": "v1", "kind": "Secret", "data": {"key": data},
        "metadata": {"name": name, "namespace": TEAM, "labels": {"ordain.dev/use": label}},
    }));
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_cannot_be_asked_is_told_and_the_others_all_the_same() {
    let cases = [
        ("unreachable", "Unreachable"),
        ("no Secret", "CredentialsMissing"),
        ("a Secret for another use", "SecretNotUsable"),
    ];
    for (why, reason) in cases {
        let mut whole = team_in_force().await;
        match why {
            "unreachable" => {
                let down = json!({"kind": "status", "code": 503, "times": 1000});
                whole.vendors.of("wso2").add_fault(&down).unwrap();
            }
            "no Secret" => drop(whole.api.delete("Secret", TEAM, "wso2")),
            _ => secret(&whole, "wso2", "x", "content"),
        }
        let report = whole.plan(&after()).await.unwrap();
        let error = on(&report, "wso2").error.clone().unwrap_or_else(|| panic!("{why}: {}", text(&report)));
        assert_eq!(error.reason, reason, "{why}: {error:?}");
        assert_eq!(on(&report, "wfbss").changes.len(), 4, "{why}: the other one is asked");
        assert_eq!(report.outcome(), Outcome::Error, "{why}");
        whole.kill().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_guard_would_hold_is_told_with_both_numbers() {
    let mut whole = team_in_force().await;
    let spec = whole.api.get("Backend", TEAM, "wso2").unwrap()["spec"].clone();
    whole.apply("Backend", "wso2", with(spec, "guard", json!({"maxRemovals": 1})));
    let report = whole.plan(&after()).await.unwrap();
    let plan = on(&report, "wso2");
    assert!(plan.held.as_ref().unwrap().starts_with("2 removals are waiting"), "{}", text(&report));
    let held: BTreeSet<&str> = plan.changes.iter().filter(|c| c.held).map(|c| c.title.as_str()).collect();
    assert_eq!(held, BTreeSet::from(["Narrow", "Pin"]));
    assert!(plan.changes.iter().any(|change| change.effect == Effect::Create && !change.held));
    assert_eq!(report.outcome(), Outcome::Changes);

    apply(&whole, &after());
    whole.settle().await;
    let held = whole.api.condition("Backend", TEAM, "wso2", "Held");
    assert_eq!(held.unwrap().0, "True", "and so it is");
}

#[tokio::test(start_paused = true)]
async fn what_is_let_go_of_without_a_call_is_told_and_nothing_else() {
    let whole = team_in_force().await;
    let orphaning = with(to_birch(&["Laptops"]), "releasePolicy", "Orphan".into());
    let report = whole.plan(&pair("target", "wfbss", &level(3), &orphaning)).await.unwrap();
    let plan = on(&report, "wfbss");
    assert!(plan.changes.is_empty(), "{}", text(&report));
    let left: Vec<&str> = plan.left_behind.iter().map(|left| left.assignment.as_str()).collect();
    assert_eq!(left, ["team/target"]);
    assert_eq!(report.outcome(), Outcome::Changes);
    assert_eq!(report.backends.len(), 1, "the other backend is not asked");
}

#[tokio::test(start_paused = true)]
async fn drift_is_told_from_an_edit_and_new_targets_come_first() {
    let whole = team_in_force().await;
    let by_hand =
        json!({"set": {"customer": BIRCH, "group": 2, "os": "win", "path": "/wtp/level", "value": 1}});
    whole.vendors.of("wfbss").double().patch_state(by_hand).unwrap();
    let mut objects: Vec<Value> =
        pair("still", "wfbss", &level(2), &to_birch(&["Server (Default)"])).into_iter().collect();
    objects.extend(pair(
        "target",
        "wfbss",
        &level(3),
        &to_birch(&["Laptops", "Servers", "Device (Default)"]),
    ));
    let report = whole.plan(&objects).await.unwrap();
    let told: Vec<(Cause, bool, Value)> = on(&report, "wfbss")
        .changes
        .iter()
        .map(|change| (change.cause, change.widens, change.details[0].after.clone().unwrap()))
        .collect();
    assert_eq!(told, [(Cause::Edit, true, json!(3)), (Cause::Drift, false, json!(2))], "{}", text(&report));
}

#[tokio::test(start_paused = true)]
async fn everyone_is_told_first_and_a_secret_never() {
    let whole = team_in_force().await;
    secret(&whole, "wifi", "opensesame", "content");
    let feature = json!({"code": "WIFI", "content": {"ssid": "Office"},
        "secrets": [{"path": "/password", "secretKeyRef": {"name": "wifi", "key": "key"}}]});
    let policy = json!({"content": {"wso2": {"profiles": [{"platform": "android", "features": [feature]}]}}});
    let everyone = json!({"targets": {"everyone": true}});
    let report = whole.plan(&pair("wifi", "wso2", &policy, &everyone)).await.unwrap();
    let said = text(&report) + &serde_json::to_string(&report).unwrap();
    let change = &on(&report, "wso2").changes[0];
    assert!(change.widens && change.effect == Effect::Create, "{said}");
    assert!(said.contains("<secret>"), "{said}");
    assert!(!said.contains("opensesame") && !said.contains("Harbour-Lantern"), "{said}");
}

/// Neither a secret that the system does not give back, nor anything else that stays, looks like a change.
#[tokio::test(start_paused = true)]
async fn what_stays_is_no_change_secrets_and_groups_among_it() {
    let mut whole = Whole::new();
    secret(&whole, "wifi", "opensesame", "content");
    let feature = json!({"code": "WIFI", "content": {"ssid": "Office"},
        "secrets": [{"path": "/password", "secretKeyRef": {"name": "wifi", "key": "key"}}]});
    let policy = json!({"content": {"wso2": {"profiles": [{"platform": "android", "features": [feature]}]}}});
    let hidden = json!({"os": "win", "settings": {"wtp": {"level": 3}},
        "secrets": [{"path": "/client_privileges/unload_password", "secretKeyRef": {"name": "wifi", "key": "key"}}]});
    let group = |roles: &[&str]| {
        let mut group = pair("staff", "wso2", &json!({}), &json!({}))[0].clone();
        group["kind"] = "TargetGroup".into();
        group["spec"] = json!({"wso2": {"roles": roles}});
        group
    };
    let to_group = json!({"targets": {"include": [{"targetGroupRef": {"name": "staff"}}]}});
    let mut objects = pair("wifi", "wso2", &policy, &to_group).to_vec();
    objects.extend(pair(
        "agent",
        "wfbss",
        &json!({"content": {"wfbss": {"documents": [hidden]}}}),
        &to_groups(&["Laptops"]),
    ));
    objects.push(group(&["engineer"]));
    apply(&whole, &objects);
    whole.start(None);
    assert!(whole.settle().await);
    assert_eq!(whole.ready("PolicyAssignment", "wifi"), "True InStep");
    assert_eq!(whole.ready("PolicyAssignment", "agent"), "True InStep");
    let report = whole.plan(&objects).await.unwrap();
    assert_eq!(report.outcome(), Outcome::Nothing, "{}", text(&report));

    let report = whole.plan(&[group(&["engineer", "sales"])]).await.unwrap();
    let changes = changes(&report, "wso2");
    assert_eq!(changes.len(), 1, "{}", text(&report));
    assert!(changes[0].widens && changes[0].details[0].added == ["sales"], "a group alone: {:?}", changes[0]);
}

/// R17: places are told, and are those that are given.
#[tokio::test(start_paused = true)]
async fn new_places_in_the_order_are_told() {
    let mut whole = team_in_force().await;
    let places = |whole: &Whole| -> BTreeMap<String, Value> {
        let state = whole.vendors.of("wso2").double().state();
        let place = |policy: &Value| (policy["id"].to_string(), policy["priorityId"].clone());
        state["policies"].as_array().unwrap().iter().map(place).collect()
    };
    let first = with(to_roles(&["sales"]), "priority", json!(50));
    let objects = pair("same", "wso2", &with(camera(false), "displayName", "Same".into()), &first);
    let before = places(&whole);
    let report = whole.plan(&objects).await.unwrap();
    let moves: BTreeMap<String, Value> = changes(&report, "wso2")
        .into_iter()
        .filter(|change| change.effect == Effect::Move)
        .map(|change| (change.id.clone().unwrap(), change.details[0].after.clone().unwrap()))
        .collect();
    apply(&whole, &objects);
    assert!(whole.settle().await);
    let after = places(&whole);
    let moved: BTreeMap<String, Value> =
        after.into_iter().filter(|(id, place)| before.get(id) != Some(place)).collect();
    assert!(!moved.is_empty());
    assert_eq!(moves, moved, "{}", text(&report));
}

/// What cannot be read is no reason to say that nothing would change.
#[tokio::test(start_paused = true)]
async fn a_document_that_cannot_be_read_is_an_error_and_the_rest_is_told() {
    let whole = team_in_force().await;
    let broken = json!({"kind": "status", "code": 500, "match": {"query": format!("cids={BIRCH}")}});
    whole.vendors.of("wfbss").add_fault(&broken).unwrap();
    let report = whole.plan(&after()).await.unwrap();
    assert_eq!(report.outcome(), Outcome::Error, "{}", text(&report));
    let told = on(&report, "wfbss");
    let unread = told.error.is_some() || told.problems.iter().any(|p| p.reason == "NotReadable");
    assert!(unread, "{}", text(&report));
    assert!(!on(&report, "wso2").changes.is_empty());
}

/// While the operator is still at it, what an edit before this one let go of cannot be told.
#[tokio::test(start_paused = true)]
async fn what_the_operator_has_not_finished_with_is_said() {
    let mut whole = team_in_force().await;
    whole.end().await.unwrap();
    let edited =
        pair("narrow", "wso2", &with(camera(true), "displayName", "Narrow".into()), &to_roles(&["engineer"]));
    apply(&whole, &edited);
    let report = whole.plan(&edited).await.unwrap();
    let notes = on(&report, "wso2").notes.join("\n");
    assert!(notes.contains("has not finished with generation 2 of team/narrow"), "{notes}");
    assert_eq!(changes(&report, "wso2").len(), 1, "what still has to be done is told: {}", text(&report));
}

#[tokio::test(start_paused = true)]
async fn what_the_api_server_would_refuse_is_no_plan() {
    let whole = team_in_force().await;
    let platforms = |platform: &str| {
        let features = json!([{"code": "CAMERA", "content": {"enabled": false}}]);
        json!({"displayName": "Camera", "content": {"wso2": {"profiles": [{"platform": platform, "features": features}]}}})
    };
    let cases = [
        (pair("camera", "wso2", &platforms("ios"), &to_roles(&["engineer"])), "spec.content.wso2.profiles"),
        (pair("camera", "wfbss", &camera(false), &to_roles(&["engineer"])), "spec.backendRef"),
    ];
    for (objects, field) in cases {
        let refused = whole.plan(&objects).await.unwrap_err().to_string();
        assert!(refused.contains("team.yaml") && refused.contains(field), "{refused}");
    }
}

/// A kind that may not be listed could name the same things: nothing is concluded without it.
#[tokio::test(start_paused = true)]
async fn a_kind_that_may_not_be_listed_is_named() {
    let whole = team_in_force().await;
    whole.api.deny("list", "targetgroups");
    let process = whole.api.gate().process();
    let client = whole.api.client_as("planner", &process);
    let error = watch::list(&client, &Scope::All).await.unwrap_err();
    let said = ordain::model::in_full(&error);
    assert!(said.contains("list targetgroups"), "{said}");
}
