//! One Application from its first sync to its deletion: what Argo CD calls healthy the systems hold, what it reports
//! nobody caused but who changed something, and whatever is down, a message says so.

use std::fs;

use serde_json::{Value, json};

use super::{
    controllers::{APPLICATION, ARGOCD, ArgoCd},
    people,
    rules::{acted, health_of},
};
use crate::{
    eventually,
    site::{SYSTEM, Site, TEAM},
};

pub(super) const ASSIGNMENT: &str = "phone-baseline-engineers";
pub(super) const PHONES: &str = include_str!("../../../examples/wso2-baseline.yaml");

/// A site with Argo CD, and what the team has in Git besides its policies.
pub(super) struct Team<'a> {
    pub(super) site: &'a Site,
    pub(super) argo: ArgoCd<'a>,
    accounts: String,
}

impl<'a> Team<'a> {
    fn new(site: &'a Site) -> Self {
        site.cluster.kubectl(&["create", "namespace", TEAM]);
        Self { site, argo: ArgoCd::start(&site.cluster), accounts: accounts(site) }
    }

    /// A commit of the example with a PIN of so many digits.
    pub(super) fn push(&self, digits: u32) -> String {
        self.push_policy(&PHONES.replace("minLength: 6", &format!("minLength: {digits}")))
    }

    fn push_policy(&self, policy: &str) -> String {
        self.argo.push(&[("accounts.yaml", &self.accounts), ("phones.yaml", policy)])
    }

    /// A commit in which no removal is made that nobody approves.
    pub(super) fn push_guarded(&self, policy: &str) -> String {
        let objects: Vec<Value> = serde_saphyr::from_multiple(&self.accounts).unwrap();
        let guarded = objects.into_iter().map(|mut object| {
            if object["kind"] == "Backend" {
                object["spec"]["guard"] = json!({"maxRemovals": 0});
            }
            object
        });
        self.argo.push(&[("accounts.yaml", &manifests(guarded)), ("phones.yaml", policy)])
    }

    /// What Argo CD says of the Application.
    pub(super) fn status(&self) -> Value {
        self.argo.status_of(APPLICATION)
    }

    /// Health and its message of one of its objects, as Argo CD evaluates it now.
    fn health(&self, kind: &str, name: &str) -> (String, String) {
        let file = self.site.cluster.folder().join("live.yaml");
        let live = self.site.cluster.kubectl(&["get", kind, name, "-n", TEAM, "-o", "yaml"]);
        fs::write(&file, live).unwrap();
        health_of(&file)
    }

    /// Waits until it is in sync with this commit and healthy; at each look on the way, who is called healthy is held.
    pub(super) fn waits_for_the_truth(&self, commit: &str, digits: f64) {
        let done = || {
            let healthy = is_healthy(&self.status(), commit);
            let held = self.site.digits() == [digits];
            assert!(
                !healthy || held,
                "healthy, and the system holds {:?}: {:#}",
                self.site.digits(),
                self.status()
            );
            healthy
        };
        assert!(eventually(done), "{:#}\n{}", self.status(), self.argo.log("application-controller"));
    }
}

/// The account of the phones and its Secret, in the first wave.
pub(super) fn accounts(site: &Site) -> String {
    let sandbox = fs::read_to_string(site.cluster.folder().join("sandbox/cluster.yaml")).unwrap();
    let objects: Vec<Value> = serde_saphyr::from_multiple(&sandbox).unwrap();
    let wso2 = |object: &Value| object["metadata"]["name"] == "wso2";
    let accounts = objects.into_iter().filter(wso2).map(|mut object| {
        object["metadata"]["annotations"] = json!({"argocd.argoproj.io/sync-wave": "-1"});
        object
    });
    manifests(accounts)
}

fn manifests(objects: impl Iterator<Item = Value>) -> String {
    objects.map(|object| format!("---\n{}", serde_saphyr::to_string(&object).unwrap())).collect()
}

pub(super) fn is_synced(status: &Value, commit: &str) -> bool {
    status["sync"]["status"] == "Synced" && status["sync"]["revision"] == commit
}

pub(super) fn is_healthy(status: &Value, commit: &str) -> bool {
    is_synced(status, commit) && status["health"]["status"] == "Healthy" && synced_to(status, commit)
}

/// The last sync has ended, and it was of this commit.
pub(super) fn synced_to(status: &Value, commit: &str) -> bool {
    let operation = &status["operationState"];
    operation["phase"] == "Succeeded" && operation["syncResult"]["revision"] == commit
}

#[test]
fn what_argo_cd_calls_healthy_the_systems_hold() {
    let site = Site::new();
    site.install(&[]).unwrap();
    let team = Team::new(&site);
    let first = team.push(6);
    // Who speaks too early is seen.
    site.sandbox.fault("wso2", &slow("POST"));
    team.argo.recipe();
    team.waits_for_the_truth(&first, 6.0);
    the_account_came_first(&team);
    site.sandbox.fault("wso2", &slow("PUT"));
    let second = team.push(8);
    team.waits_for_the_truth(&second, 8.0);

    a_change_by_hand_is_put_back(&team, &second);
    quiet_is_quiet(&team, &second);
    people::held_until_approved(&team);
    people::pruned_and_held_until_released(&team);
    let last = people::suspended_until_resumed(&team);
    team.waits_for_the_truth(&last, 8.0);
    what_must_be_mended_is_degraded(&team);
    let last = an_operator_that_is_down_is_told_of(&team);
    team.waits_for_the_truth(&last, 9.0);
    what_is_pruned_blocks_nobody(&team);
    let last = team.push(9);
    team.waits_for_the_truth(&last, 9.0);
    deleted_while_the_system_is_down(&team);
}

/// A write of a policy that the system takes its time for.
fn slow(method: &str) -> Value {
    json!({"kind": "delay", "ms": 3000, "match": {"method": method, "path": "policies"}, "times": 1})
}

/// Sync waves: the policies were applied once the Backend was connected.
fn the_account_came_first(team: &Team<'_>) {
    let get = |kind: &str, name: &str| team.site.cluster.get(TEAM, kind, name).unwrap();
    let backend = get("backend", "wso2");
    let ready =
        backend["status"]["conditions"].as_array().unwrap().iter().find(|c| c["type"] == "Ready").unwrap();
    let policy = get("policy", "phone-baseline");
    let (connected, applied) = (&ready["lastTransitionTime"], &policy["metadata"]["creationTimestamp"]);
    assert!(connected.as_str().unwrap() <= applied.as_str().unwrap(), "{connected} {applied}");
}

fn a_change_by_hand_is_put_back(team: &Team<'_>, commit: &str) {
    let path = "/spec/content/wso2/profiles/0/features/1/content/minLength";
    let patch = json!([{"op": "replace", "path": path, "value": 4}]).to_string();
    let generation =
        || team.site.cluster.get(TEAM, "policy", "phone-baseline").unwrap()["metadata"]["generation"].clone();
    let before = generation().as_i64().unwrap();
    team.site.cluster.kubectl(&[
        "patch",
        "policy",
        "phone-baseline",
        "-n",
        TEAM,
        "--type=json",
        "-p",
        &patch,
    ]);
    assert!(
        eventually(|| generation().as_i64().unwrap() >= before + 2),
        "there and back: {:#}",
        team.status()
    );
    team.waits_for_the_truth(commit, 8.0);
}

/// Nothing that Ordain does is a difference to Git: ten looks, with a read of the system and its answer before each.
fn quiet_is_quiet(team: &Team<'_>, commit: &str) {
    let before = team.status();
    let assignment = || team.site.cluster.get(TEAM, "policyassignment", ASSIGNMENT).unwrap();
    for look in 0..10 {
        let value = format!("look-{look}");
        let asked = format!("ordain.dev/reconcile-requested-at={value}");
        team.site.cluster.kubectl(&[
            "annotate",
            "policyassignment",
            ASSIGNMENT,
            "-n",
            TEAM,
            "--overwrite",
            &asked,
        ]);
        assert!(eventually(|| assignment()["status"]["lastHandledReconcileAt"] == value.as_str()));
        team.argo.refresh();
        assert!(is_healthy(&team.status(), commit), "{:#}", team.status());
    }
    let after = team.status();
    for member in ["history", "operationState"] {
        assert_eq!(after[member], before[member], "no sync was made");
    }
    assert_eq!(after["conditions"], Value::Null, "nothing to warn of");
}

fn what_must_be_mended_is_degraded(team: &Team<'_>) {
    let broken = team.push_policy(&PHONES.replace("code: CAMERA", "code: CAMREA"));
    let degraded = || {
        let status = team.status();
        assert!(!is_healthy(&status, &broken), "{status:#}");
        is_synced(&status, &broken) && status["health"]["status"] == "Degraded"
    };
    assert!(eventually(degraded), "{:#}\n{}", team.status(), team.argo.log("application-controller"));
    let (status, told) = team.health("policyassignment", ASSIGNMENT);
    assert_eq!(status, "Degraded", "{told}");
    assert!(told.contains("CAMREA"), "{told}");
    assert_eq!(team.site.digits(), [8.0], "nothing of a refused edit is sent");
    let mended = team.push(6);
    team.waits_for_the_truth(&mended, 6.0);
}

/// Neither Healthy nor silent, and the next commit is taken. Tells the last one.
fn an_operator_that_is_down_is_told_of(team: &Team<'_>) -> String {
    let scale = |replicas| {
        let replicas = format!("--replicas={replicas}");
        team.site.cluster.kubectl(&["scale", "statefulset", "ordain", "-n", SYSTEM, &replicas]);
    };
    scale(0);
    assert!(eventually(|| team.site.cluster.get(SYSTEM, "pod", "ordain-0").is_none()));
    let mut last = String::new();
    for digits in [7, 9] {
        last = team.push(digits);
        let waits = || {
            let status = team.status();
            assert!(!is_healthy(&status, &last), "{status:#}");
            is_synced(&status, &last)
                && synced_to(&status, &last)
                && status["health"]["status"] == "Progressing"
        };
        assert!(eventually(waits), "{:#}\n{}", team.status(), team.argo.log("application-controller"));
        let (status, told) = team.health("policy", "phone-baseline");
        assert!(status == "Progressing" && told.contains("the operator is down"), "{status}: {told}");
        assert!(told.contains("kubectl get pods"), "{told}");
    }
    assert_eq!(team.site.digits(), [6.0]);
    scale(1);
    last
}

/// An assignment taken out of Git while the system is down is not released yet; the next commit is taken all the same.
fn what_is_pruned_blocks_nobody(team: &Team<'_>) {
    let there = |kind: &str, name: &str| team.site.cluster.get(TEAM, kind, name).is_some();
    team.site.sandbox.fault("wso2", &json!({"kind": "status", "code": 503}));
    team.argo.push(&[("accounts.yaml", &team.accounts)]);
    let going = || {
        let assignment = team.site.cluster.get(TEAM, "policyassignment", ASSIGNMENT).unwrap();
        assignment["metadata"]["deletionTimestamp"].is_string()
    };
    assert!(eventually(going), "{:#}", team.status());
    team.argo.refresh();
    assert_eq!(team.status()["sync"]["status"], "OutOfSync", "something still stands that Git does not say");
    let group = "{apiVersion: ordain.dev/v1alpha1, kind: TargetGroup, metadata: {name: others, namespace: ordain-demo}, \
                 spec: {wso2: {roles: [sales]}}}";
    let next = team.argo.push(&[("accounts.yaml", &team.accounts), ("others.yaml", group)]);
    assert!(eventually(|| there("targetgroup", "others")), "{:#}", team.status());
    assert!(there("policyassignment", ASSIGNMENT), "it still waits");
    team.site.sandbox.no_faults("wso2");
    let done = || is_healthy(&team.status(), &next) && !there("policyassignment", ASSIGNMENT);
    assert!(eventually(done), "{:#}\n{}", team.status(), team.argo.log("application-controller"));
    assert_eq!(team.site.digits(), [] as [f64; 0], "released");
}

/// It says what it waits for, and ends when the system is back. What the action would do is seen, and not done here.
fn deleted_while_the_system_is_down(team: &Team<'_>) {
    let cluster = &team.site.cluster;
    team.site.sandbox.fault("wso2", &json!({"kind": "status", "code": 503}));
    cluster.kubectl(&["delete", "application", APPLICATION, "-n", ARGOCD, "--wait=false"]);
    let told = || {
        let there = cluster.get(TEAM, "policyassignment", ASSIGNMENT).is_some();
        assert!(there, "it went, and the system holds {:?}", team.site.digits());
        let (status, told) = team.health("policyassignment", ASSIGNMENT);
        status == "Progressing" && told.contains("out of reach") && told.contains("action release")
    };
    assert!(eventually(told), "{:?}", team.health("policyassignment", ASSIGNMENT));
    assert!(team.argo.application().is_some(), "it waits");
    assert!(
        cluster.get(TEAM, "backend", "wso2").unwrap()["metadata"]["deletionTimestamp"].is_null(),
        "waves, backwards"
    );

    let file = cluster.folder().join("live.yaml");
    let released = acted(&file, "release", &[]).unwrap();
    assert_eq!(released["spec"]["releasePolicy"], "Orphan", "what the action would do");
    team.site.sandbox.no_faults("wso2");
    assert!(eventually(|| team.argo.application().is_none()), "{}", team.argo.log("application-controller"));
    assert_eq!(team.site.digits(), [] as [f64; 0], "released, and not merely let go of");
    assert!(cluster.get(TEAM, "backend", "wso2").is_none());
}
