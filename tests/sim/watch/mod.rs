//! The streams against an API server in all its moods.

mod lists;
mod objects;
mod trouble;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ordain::index::{Desired, Input, Kind, Scope, unbound::Unbound};
use ordain::model::{BackendId, BackendKind, ObjectName};
use ordain::report::aggregate::{PolicyFacts, Said, TargetGroupFacts};
use ordain::report::facts::{BackendFacts, Standing};
use ordain::report::memo::Memo;
use ordain::watch::{self, Audience, IndexHandle, Watched};
use ordain::worker::ports::DesiredSource;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::support::{FakeApi, SimClock};

/// Writes down what it is told.
#[derive(Default)]
struct Ear {
    told: Mutex<Vec<String>>,
    verdicts: Mutex<BTreeMap<ObjectName, Unbound>>,
}

impl Ear {
    fn note(&self, line: String) {
        self.told.lock().unwrap().push(line);
    }

    /// What was told since the last time.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.told.lock().unwrap())
    }
}

impl Audience for Ear {
    fn seen(&self, object: &Watched<'_>, status: Option<Memo>) {
        assert!(object.metadata.managed_fields.is_none(), "pruned");
        let generation = match status {
            None => None,
            Some(status) => status.observed_generation(),
        };
        self.note(format!("seen {} {} {generation:?}", object.kind, object.name.name));
    }

    fn gone(&self, kind: Kind, name: &ObjectName) {
        self.note(format!("gone {kind} {}", name.name));
    }

    fn said(&self, _: &ObjectName) -> Option<Said> {
        None
    }

    fn unbound(&self, verdict: Unbound) {
        self.note(format!("unbound {} {}", verdict.facts.name.name, verdict.facts.accepted.reason));
        self.verdicts.lock().unwrap().insert(verdict.facts.name.clone(), verdict);
    }

    fn unbound_backend(&self, facts: BackendFacts) {
        self.note(format!("unbound {}", facts.id));
    }

    fn policy(&self, facts: PolicyFacts) {
        self.note(format!("policy {} {}", facts.name.name, facts.generation));
    }

    fn target_group(&self, facts: TargetGroupFacts) {
        self.note(format!("group {} {}", facts.name.name, facts.generation));
    }

    fn backend_appeared(&self, backend: &BackendId) {
        self.note(format!("appeared {backend}"));
    }

    fn backend_gone(&self, backend: &BackendId) {
        self.note(format!("gone {backend}"));
    }
}

/// A running watch; what it runs ends with it.
struct Running {
    ear: Arc<Ear>,
    handle: IndexHandle,
    _streams: JoinSet<()>,
}

/// Long enough for every event on its way and every backoff.
const A_WHILE: Duration = Duration::from_mins(5);

impl Running {
    fn start(api: &FakeApi, scope: Scope) -> Self {
        let ear = Arc::new(Ear::default());
        let handle = IndexHandle::new(scope, ear.clone());
        let mut streams = JoinSet::new();
        let run = watch::run(api.client(), handle.clone());
        streams.spawn(async move { match run.await {} });
        Self { ear, handle, _streams: streams }
    }

    async fn settled(api: &FakeApi) -> Self {
        let running = Self::start(api, Scope::All);
        running.rest().await;
        running
    }

    /// Lets everything on its way arrive; tells what was told meanwhile.
    async fn rest(&self) -> Vec<String> {
        sleep(A_WHILE).await;
        self.ear.take()
    }

    fn desired(&self) -> Desired {
        self.handle.desired(&backend()).expect("the backend has a worker")
    }

    fn input(&self) -> Input {
        self.desired().assignments[&ObjectName::new("team-a", "a")].input.clone()
    }

    fn is_bound(&self) -> bool {
        matches!(self.input(), Input::Bound { .. })
    }

    /// Message of the frozen assignment.
    fn frozen(&self) -> String {
        match self.input() {
            Input::Frozen { reason, message } => format!("{reason}: {message}"),
            Input::Bound { .. } => panic!("it is bound"),
        }
    }
}

fn backend() -> BackendId {
    BackendId { kind: BackendKind::Backend, namespace: "team-a".into(), name: "b".into() }
}

fn object(kind: &str, name: &str, spec: &Value) -> Value {
    let meta = json!({"name": name, "namespace": "team-a"});
    json!({"apiVersion": "ordain.dev/v1alpha1", "kind": kind, "metadata": meta, "spec": spec})
}

fn policy(description: &str) -> Value {
    let features = json!([{"code": "CAMERA", "content": {"enabled": false}}]);
    let content = json!({"wso2": {"profiles": [{"platform": "android", "features": features}]}});
    object("Policy", "p", &json!({"description": description, "content": content}))
}

fn emm() -> Value {
    let deploy = json!({"mode": "Automatic", "foreignChanges": "Hold"});
    let system = json!({"url": "https://emm.example.com", "api": "MdmAdmin", "deploy": deploy, "credentialsRef": {"name": "s"}});
    object("Backend", "b", &json!({"system": {"wso2": system}}))
}

fn assignment(name: &str) -> Value {
    let targets = json!({"include": [{"wso2": {"roles": ["sales"]}}]});
    let spec = json!({"policyRef": {"name": "p"}, "backendRef": {"name": "b"}, "targets": targets});
    object("PolicyAssignment", name, &spec)
}

/// A server with one policy, assigned.
fn server() -> FakeApi {
    let api = FakeApi::new(SimClock::new());
    api.namespace("team-a", &[]);
    for object in [policy("first"), emm(), assignment("a")] {
        api.apply(object);
    }
    api
}
