//! The one writer of custom resources, with a real kube client against the fake API server.

mod argocd;
mod disorder;
mod events;
mod finalizers;
mod lint;
mod recorded_ids;
mod statuses;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use std::time::Duration;

use kube::api::ObjectMeta;
use ordain::{
    api::{Mode, PolicyAssignmentStatus, Reason, ReleasePolicy},
    model::{BackendId, BackendKind, ObjectName, SourcesDigest, Uid},
    report::{
        facts::{AssignmentFacts, BackendFacts, BackendStanding, Fact, Standing, TargetCounts},
        memo::Memo,
        metrics::Metrics,
        writer::{Key, Observed, StatusWriter, WriterHandle},
    },
    worker::ports::{Fence, Reporter},
};
use serde_json::{Value, json};
use tokio::{
    sync::oneshot,
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::support::{FakeApi, SimClock, gate::Process};

/// Leadership that a test can take away.
pub struct Switch(pub AtomicBool);

impl Fence for Switch {
    fn allows(&self, _: Duration) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A running writer.
pub struct Desk {
    pub api: FakeApi,
    pub handle: WriterHandle,
    pub fence: Arc<Switch>,
    pub metrics: Metrics,
    clock: SimClock,
    stop: Option<oneshot::Sender<()>>,
    running: JoinSet<()>,
}

impl Desk {
    /// A server with namespace `team-a`, and a writer.
    pub fn new() -> Self {
        let clock = SimClock::new();
        let api = FakeApi::new(clock.clone());
        api.namespace("team-a", &[]);
        let process = api.gate().process();
        Self::at(api, clock, &process)
    }

    /// A writer in one life of the process.
    pub fn at(api: FakeApi, clock: SimClock, process: &Process) -> Self {
        let fence = Arc::new(Switch(AtomicBool::new(true)));
        let metrics = Metrics::new();
        let (handle, writer) = StatusWriter::new(
            api.client_as("ordain", process),
            Arc::new(clock.clone()),
            fence.clone(),
            &metrics,
            "ordain-0",
        );
        let (stop, stopped) = oneshot::channel::<()>();
        let mut running = JoinSet::new();
        running.spawn(writer.run(async move {
            let _ = stopped.await;
        }));
        Self { api, handle, fence, metrics, clock, stop: Some(stop), running }
    }

    /// The next life of the process: nothing of the last one is left.
    pub fn restart(mut self) -> Self {
        self.running.abort_all();
        let process = self.api.gate().next_incarnation();
        Self::at(self.api.clone(), self.clock.clone(), &process)
    }

    /// Tells the writer to stop; how long that took.
    pub async fn stop(&mut self) -> Duration {
        let start = Instant::now();
        self.stop.take().unwrap().send(()).unwrap();
        self.running.join_next().await.unwrap().unwrap();
        start.elapsed()
    }

    /// An assignment as its user applied it, seen by the watch.
    pub fn assignment(&self, name: &str) -> Uid {
        self.api.apply(json!({
            "apiVersion": "ordain.dev/v1alpha1", "kind": "PolicyAssignment",
            "metadata": {"name": name, "namespace": "team-a"},
            "spec": {"policyRef": {"name": "p"}, "backendRef": {"name": "b"}},
        }));
        self.see(name);
        self.uid(name)
    }

    /// What the watch would show of an assignment now.
    pub fn see(&self, name: &str) -> Observed {
        let object = self.api.get("PolicyAssignment", "team-a", name).unwrap();
        let metadata: ObjectMeta = serde_json::from_value(object["metadata"].clone()).unwrap();
        let status: PolicyAssignmentStatus = serde_json::from_value(object["status"].clone()).unwrap();
        self.handle.observed(&key(name), &self.uid(name), &metadata, Some(Memo::of(&status)))
    }

    pub fn uid(&self, name: &str) -> Uid {
        let object = self.api.get("PolicyAssignment", "team-a", name).unwrap();
        Uid(object["metadata"]["uid"].as_str().unwrap().into())
    }

    /// Reports where an assignment stands, at the generation it has now.
    pub fn say(&self, name: &str, standing: Standing) {
        let object = self.api.get("PolicyAssignment", "team-a", name).unwrap();
        let generation = object["metadata"]["generation"].as_i64().unwrap();
        let facts = facts(name, self.uid(name), standing);
        self.handle.assignment(AssignmentFacts { generation, ..facts });
    }

    pub fn ready(&self, name: &str) -> String {
        let (status, reason) = self.api.condition("PolicyAssignment", "team-a", name, "Ready").unwrap();
        format!("{status} {reason}")
    }

    pub fn finalizers(&self, name: &str) -> Value {
        self.api.get("PolicyAssignment", "team-a", name).unwrap()["metadata"]["finalizers"].clone()
    }

    pub fn status_writes(&self) -> usize {
        self.api.writes().filter(|entry| entry.subresource == "status").len()
    }
}

pub async fn seconds(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}

pub fn name(name: &str) -> ObjectName {
    ObjectName::new("team-a", name)
}

pub fn key(assignment: &str) -> Key {
    Key::Assignment(name(assignment))
}

pub fn working() -> Standing {
    Standing::Working(Reason::Applying, "changes are being sent".into())
}

pub fn stalled() -> Standing {
    Standing::Stalled(Reason::NameConflict, "the name is taken; choose another displayName".into())
}

pub fn facts(assignment: &str, uid: Uid, standing: Standing) -> AssignmentFacts {
    let fact = |reason| Fact { status: Some(true), reason, message: String::new() };
    AssignmentFacts {
        name: name(assignment),
        uid,
        generation: 1,
        policy_generation: Some(1),
        sources: SourcesDigest::of([]),
        handled_request: None,
        standing,
        targets_resolved: fact(Reason::Resolved),
        accepted: fact(Reason::Accepted),
        in_sync: fact(Reason::InStep),
        overridden: vec![],
        targets: TargetCounts { desired: 2, accepted: 2, ..TargetCounts::default() },
        problems: vec![],
        objects: vec![],
        operations: None,
        plan: None,
        mode: Mode::Apply,
        release_policy: ReleasePolicy::Delete,
    }
}

pub fn backend_facts(kind: BackendKind, uid: &str, managed: u32) -> BackendFacts {
    let namespace = if kind == BackendKind::Backend { "team-a" } else { "" };
    BackendFacts {
        id: BackendId { kind, namespace: namespace.into(), name: "emm".into() },
        uid: Uid(uid.into()),
        generation: 1,
        handled_request: None,
        standing: BackendStanding::Ready,
        pending_deployment: None,
        held: None,
        account: None,
        capabilities: std::collections::BTreeMap::new(),
        objects: [managed, 0, 0, 0, 0],
        memory_since: None,
        memory_lost: vec![],
    }
}
