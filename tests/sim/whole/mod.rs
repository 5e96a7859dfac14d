//! The whole operator between a fake API server and the doubles: what is applied there, is true here, and is told.
//!
//! Nothing is left out but the sockets and the machine's time: gates, lease, watches, index, workers, drivers, store
//! and the writer of statuses are those of `ordain run`.

mod counts;
mod crash;
mod endings;
mod handover;
mod healthy;
mod inventory;
mod neighbours;
mod overwritten;
mod plan;
mod strangers;
mod trouble;

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use ordain::{
    index::Scope,
    lease::Pulse,
    model::Clock,
    operator::{self, OperatorError, Parts, Settings},
    report::metrics::Metrics,
    sandbox::{
        wfbss::{WfbssDouble, WfbssOptions},
        wso2::{Wso2Double, Wso2Options},
    },
};
use serde_json::{Map, Value, json};
use tokio::{sync::watch, task::JoinSet};

use crate::{
    support::{
        FakeApi, Moment, SimClock,
        gate::Process,
        rig::{Commits, folder},
        settle::{Settle, Unsettled},
        status_history::assert_true_statuses,
        vendors::{Connect, Vendors},
    },
    wso2::story::anonymous,
};

/// Namespace of everything the team applies.
const TEAM: &str = "team";

/// A cluster with two systems beside it, and an operator that can be started, asked to end, and killed.
struct Whole {
    api: FakeApi,
    vendors: Vendors,
    clock: SimClock,
    folder: tempfile::TempDir,
    life: JoinSet<Result<(), OperatorError>>,
    stop: watch::Sender<bool>,
    /// What `/readyz` names.
    readiness: watch::Receiver<Vec<String>>,
    owner_id: Option<String>,
    scope: Scope,
}

impl Whole {
    /// Backends `wso2` and `wfbss` of namespace `team`, freshly seeded systems, no operator yet.
    fn new() -> Self {
        let clock = SimClock::new();
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let mut vendors = Vendors::default();
        vendors.add("wso2", Wso2Double::new(Wso2Options::default(), shared.clone()), shared.clone());
        vendors.add("wfbss", WfbssDouble::new(WfbssOptions::default(), shared.clone()), shared);
        let api = FakeApi::new(clock.clone());
        api.gate().burst_limit(2000);
        let (stop, readiness) = (watch::Sender::new(false), watch::Sender::new(vec![]).subscribe());
        let whole = Self {
            api,
            vendors,
            clock,
            folder: folder(),
            life: JoinSet::new(),
            stop,
            readiness,
            owner_id: None,
            scope: Scope::All,
        };
        whole.api.namespace("ordain-system", &[]);
        whole.api.namespace(TEAM, &[]);
        whole.connect("wso2");
        whole.connect("wfbss");
        whole
    }

    /// A Backend and its Secret, called like the system.
    fn connect(&self, system: &str) {
        self.connect_as(system, system);
    }

    fn connect_as(&self, name: &str, system: &str) {
        let double = self.vendors.of(name).double();
        let data: Map<String, Value> = double
            .credentials()
            .into_iter()
            .map(|(key, value)| (key.to_owned(), k8s_openapi::ByteString(value.into_bytes())))
            .map(|(key, value)| (key, serde_json::to_value(value).unwrap()))
            .collect();
        self.api.apply(json!({
            "apiVersion": "v1", "kind": "Secret", "data": data,
            "metadata": {"name": name, "namespace": TEAM, "labels": {"ordain.dev/use": "credentials"}},
        }));
        let mut member = double.backend(&format!("https://{name}.test"));
        member["credentialsRef"] = json!({ "name": name });
        self.apply("Backend", name, json!({"system": {system: member}, "drift": {"interval": "30m"}}));
    }

    /// `kubectl apply` of one of the five kinds.
    fn apply(&self, kind: &str, name: &str, spec: Value) {
        self.api.apply(json!({
            "apiVersion": "ordain.dev/v1alpha1", "kind": kind, "spec": spec,
            "metadata": {"name": name, "namespace": TEAM},
        }));
    }

    /// An assignment of the policy of the same name, on a backend.
    fn assign(&self, name: &str, backend: &str, more: Value) {
        let mut spec = json!({"policyRef": {"name": name}, "backendRef": {"name": backend}});
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.apply("PolicyAssignment", name, spec);
    }

    /// Starts a process, which may be planned to die.
    fn start(&mut self, death: Option<(u64, Moment)>) {
        let process = self.api.gate().next_incarnation();
        if let Some((number, moment)) = death {
            self.api.gate().crash_at(number, moment);
        }
        let settings = self.settings("ordain-system", self.scope.clone(), &self.folder);
        self.stop = watch::Sender::new(false);
        let (life, readiness) = self.operator("ordain", settings, process, self.stop.subscribe());
        self.readiness = readiness;
        self.life.spawn(life);
    }

    fn settings(&self, namespace: &str, scope: Scope, folder: &tempfile::TempDir) -> Settings {
        Settings {
            namespace: namespace.into(),
            scope,
            store: folder.path().join("ordain.db").display().to_string(),
            owner_id: self.owner_id.clone(),
            instance: "ordain-0".into(),
            settle: SignedDuration::from_secs(150),
        }
    }

    /// The life of a process, and what its `/readyz` names.
    fn operator(
        &self,
        user: &str,
        settings: Settings,
        process: Process,
        stop: watch::Receiver<bool>,
    ) -> (impl Future<Output = Result<(), OperatorError>> + Send + use<>, watch::Receiver<Vec<String>>) {
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        let (vendors, time) = (self.vendors.clone(), self.clock.clone());
        let metrics = Metrics::new();
        let measures = metrics.clone();
        let readiness = watch::Sender::new(vec![]);
        let told = readiness.subscribe();
        let parts = Parts {
            client: self.api.client_as(user, &process),
            clock: clock.clone(),
            hook: Some(Arc::new(Commits::new(process.clone()))),
            connector: Box::new(move |owner, fence| {
                Arc::new(Connect { vendors, process, clock: time, owner, fence, metrics: measures })
            }),
            metrics,
            readiness,
            pulse: Pulse::new(clock),
        };
        (operator::run(settings, parts, stop), told)
    }

    /// kill -9.
    async fn kill(&mut self) {
        self.api.gate().kill();
        self.life.shutdown().await;
        // What the process spawned is dropped when the runtime next looks at it; a kernel closes files at once.
        self.pass(1).await;
    }

    /// SIGTERM; returns how it ended.
    async fn end(&mut self) -> Result<(), OperatorError> {
        self.stop.send_replace(true);
        self.life.join_next().await.unwrap().unwrap()
    }

    async fn pass(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    /// Waits until nothing happens any more; `false` if the planned death came first.
    async fn settle(&mut self) -> bool {
        tokio::select! {
            biased;
            ended = self.life.join_next() => panic!("it ended by itself: {ended:?}"),
            rest = Settle::default().wait(self.api.gate()) => match rest {
                Ok(_) => true,
                Err(Unsettled::Crashed) => false,
                Err(restless) => panic!("{restless:#?}"),
            },
        }
    }

    /// What users see of an object: conditions without their times, finalizers and counts; `null` once it is gone.
    fn told(&self, kind: &str, name: &str) -> Value {
        let Some(object) = self.api.get(kind, TEAM, name) else { return Value::Null };
        let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let conditions: Map<String, Value> = conditions
            .iter()
            .map(|c| (c["type"].as_str().unwrap().to_owned(), json!([c["status"], c["reason"]])))
            .collect();
        json!({
            "conditions": conditions,
            "current": object["status"]["observedGeneration"] == object["metadata"]["generation"],
            "finalizers": object["metadata"]["finalizers"],
            "targets": object["status"]["targets"],
            "objects": object["status"]["objects"].as_array().map(Vec::len),
        })
    }

    /// `True InStep`.
    fn ready(&self, kind: &str, name: &str) -> String {
        let (status, reason) = self.api.condition(kind, TEAM, name, "Ready").unwrap_or_default();
        format!("{status} {reason}")
    }

    /// What two stories are compared by: both systems, and what is told of everything.
    fn state(&self) -> Value {
        let mut told = Map::new();
        for kind in ["Backend", "Policy", "TargetGroup", "PolicyAssignment"] {
            for object in self.api.list(kind) {
                let name = object["metadata"]["name"].as_str().unwrap();
                told.insert(format!("{kind} {name}"), self.told(kind, name));
            }
        }
        let policies = self.vendors.of("wso2").double().state()["policies"].as_array().unwrap().clone();
        let wso2: Vec<Value> = policies.into_iter().map(anonymous).collect();
        json!({"told": told, "wso2": wso2, "wfbss": self.vendors.of("wfbss").double().state()["customers"]})
    }
}

/// Every status that was ever written was true (product.md section 7).
impl Drop for Whole {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_true_statuses(&self.api);
        }
    }
}

/// A camera that is off, or on, for engineers; in words of WSO2.
fn camera(enabled: bool) -> Value {
    let features = json!([{"code": "CAMERA", "content": {"enabled": enabled}}]);
    json!({
        "displayName": "Camera", "description": "Cameras",
        "content": {"wso2": {"profiles": [{"platform": "android", "features": features}]}},
    })
}

/// The same with another member.
fn with(mut spec: Value, member: &str, value: Value) -> Value {
    spec[member] = value;
    spec
}

fn to_roles(roles: &[&str]) -> Value {
    json!({"targets": {"include": [{"wso2": {"roles": roles}}]}})
}

/// Settings of WFBSS.
fn level(level: u8) -> Value {
    let settings = json!({"wtp": {"level": level}});
    json!({"content": {"wfbss": {"documents": [{"os": "win", "settings": settings}]}}})
}

fn to_groups(groups: &[&str]) -> Value {
    let groups: Vec<Value> = groups.iter().map(|name| json!({"name": name})).collect();
    json!({
        "releasePolicy": "Restore",
        "targets": {"include": [{"wfbss": {"customers": [{"id": crate::wfbss::CUSTOMER, "groups": groups}]}}]},
    })
}

/// One policy on each system.
fn both(whole: &Whole) {
    whole.apply("Policy", "camera", camera(false));
    whole.assign("camera", "wso2", to_roles(&["engineer"]));
    whole.apply("Policy", "web", level(3));
    whole.assign("web", "wfbss", to_groups(&["Server (Default)", "Laptops"]));
}

/// The same, in force.
async fn in_force() -> Whole {
    let mut whole = Whole::new();
    both(&whole);
    whole.start(None);
    assert!(whole.settle().await);
    assert_eq!(whole.ready("PolicyAssignment", "camera"), "True InStep");
    assert_eq!(whole.ready("PolicyAssignment", "web"), "True InStep");
    whole
}

/// Where two states differ, as JSON pointers with both values.
fn difference(found: &Value, expected: &Value) -> Vec<String> {
    fn walk(path: &str, found: &Value, expected: &Value, into: &mut Vec<String>) {
        match (found, expected) {
            (Value::Object(a), Value::Object(b)) => {
                let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
                for key in keys {
                    walk(&format!("{path}/{key}"), &found[key], &expected[key], into);
                }
            }
            _ if found != expected => into.push(format!("{path}: {found} instead of {expected}")),
            _ => {}
        }
    }
    let mut into = Vec::new();
    walk("", found, expected, &mut into);
    into
}
