//! One worker between fakes: desired state from manifests, real store, drivers over in-process doubles.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use ordain::{
    api::{self, Mode, PolicyAssignmentSpec, PolicySpec},
    drivers::{self, Binding, Driver, Facts, Reach},
    index::{AssignmentView, BackendView, Input, desired::BackendSettings},
    model::{BackendId, BackendKind, Clock, ObjectName, OwnerId, Secret, SourcesDigest, Uid, memory::Memory},
    report::metrics::Metrics,
    store::{Expected, Keys, Opened, Store, StoreError, StoreHook},
    worker::{
        House, Worker,
        ports::{AlwaysLeader, Connector as _, Fence},
        session::Accounts,
    },
};
use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinSet};

pub use cluster::Cluster;
use cluster::State;

use super::{
    IoGate, Moment, SimClock,
    gate::Process,
    vendors::{Connect, Vendors},
};

mod cluster;
mod gated;
mod knobs;

pub use gated::Commits;
use gated::Gated;

/// Everything around one worker.
pub struct Rig {
    pub clock: SimClock,
    pub gate: IoGate,
    pub vendors: Vendors,
    pub folder: tempfile::TempDir,
    pub cluster: Arc<Cluster>,
    pub id: BackendId,
    pub owner: OwnerId,
    /// What opening the store found lost (R13), as the process would tell its workers.
    pub lost: Option<String>,
    /// Measures of all its lives.
    pub metrics: Metrics,
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

pub fn owner() -> OwnerId {
    OwnerId::new("a cluster")
}

/// A folder for the store, in memory where the machine offers that: durability is tested elsewhere, speed counts here.
pub fn folder() -> tempfile::TempDir {
    let memory = std::path::Path::new("/dev/shm");
    tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir()).unwrap()
}

fn secrets(keys: BTreeMap<&'static str, String>) -> BTreeMap<String, Secret> {
    keys.into_iter().map(|(key, value)| (key.to_owned(), Secret::new(value))).collect()
}

impl Rig {
    /// A rig around a double of `system`; `spec` is merged over `{system: {…}}` of the Backend.
    pub fn new(
        system: &str,
        double: impl FnOnce(Arc<dyn Clock>) -> Arc<dyn ordain::sandbox::Double>,
        settings: impl FnOnce(&mut BackendSettings),
    ) -> Self {
        let clock = SimClock::new();
        let gate = IoGate::new();
        let mut vendors = Vendors::default();
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let service = vendors.add(&system.to_lowercase(), double(shared.clone()), shared);
        let base = format!("https://{}.test", system.to_lowercase());
        let mut member = service.double().backend(&base);
        member["credentialsRef"] = json!({"name": "creds"});
        let spec = json!({ system: member });
        let credentials = secrets(service.double().credentials());
        let mut backend_settings = BackendSettings {
            credentials: "creds".into(),
            ca: None,
            drift_interval: Duration::from_mins(30),
            correct_drift: true,
            requests_per_minute: 60_000,
            burst: 1000,
            in_flight: 4,
            max_targets: 5000,
            max_removals: 1000,
            guard_window: Duration::from_hours(1),
            suspend: false,
        };
        settings(&mut backend_settings);
        let id = BackendId { kind: BackendKind::Backend, namespace: "team".into(), name: "emm".into() };
        let backend = BackendView {
            id: id.clone(),
            uid: Uid("backend-uid".into()),
            generation: 1,
            created: clock.now(),
            deleting: false,
            finalizer: false,
            system: Arc::new(serde_json::from_value(spec).unwrap()),
            settings: backend_settings,
            accept_account: None,
            approve_removals: None,
            requested_at: None,
            invalid: None,
        };
        let state = State { backend: Some(Arc::new(backend)), ..State::default() };
        let cluster = Arc::new(Cluster { state: Mutex::new(state), tick: watch::Sender::new(0) });
        cluster.state.lock().unwrap().secrets.insert("creds".into(), credentials);
        let folder = folder();
        Self {
            clock,
            gate,
            vendors,
            folder,
            cluster,
            id,
            owner: owner(),
            lost: None,
            metrics: Metrics::new(),
            tasks: JoinSet::new(),
            stop: watch::Sender::new(false),
        }
    }

    /// Another installation in another cluster, at work on the same account.
    pub fn beside(&self, owner: &str) -> Self {
        let state = self.cluster.state.lock().unwrap();
        let state =
            State { backend: state.backend.clone(), secrets: state.secrets.clone(), ..State::default() };
        Self {
            clock: self.clock.clone(),
            gate: IoGate::new(),
            vendors: self.vendors.clone(),
            folder: folder(),
            cluster: Arc::new(Cluster { state: Mutex::new(state), tick: watch::Sender::new(0) }),
            id: self.id.clone(),
            owner: OwnerId::new(owner),
            lost: None,
            metrics: self.metrics.clone(),
            tasks: JoinSet::new(),
            stop: watch::Sender::new(false),
        }
    }

    /// The Backend as the worker sees it.
    pub fn backend(&self) -> Arc<BackendView> {
        self.cluster.state.lock().unwrap().backend.clone().expect("a rig has a backend")
    }

    /// What the system of this Backend is, and is not.
    pub fn facts(&self) -> Facts {
        drivers::connect::translate(&self.backend().system).facts()
    }

    /// A driver beside the worker, in a process of its own.
    pub fn driver(&self, fence: Arc<dyn Fence>) -> Arc<dyn Driver> {
        let backend = self.backend();
        let system = backend.system.name().as_str().to_lowercase();
        let credentials = secrets(self.vendors.of(&system).double().credentials());
        let connect = self.connect(self.gate.next_incarnation(), fence);
        connect.connect(&backend, &backend.system, &credentials, None).unwrap()
    }

    fn connect(&self, process: Process, fence: Arc<dyn Fence>) -> Connect {
        Connect {
            vendors: self.vendors.clone(),
            process,
            clock: self.clock.clone(),
            owner: self.owner.clone(),
            fence,
            metrics: self.metrics.clone(),
        }
    }

    /// Starts (or restarts) the worker over the same store.
    pub fn start(&mut self) {
        self.start_and_crash_at(None);
    }

    /// The same, to be killed at an I/O of its life, which may be one of opening the store.
    pub fn start_and_crash_at(&mut self, point: Option<(u64, Moment)>) {
        let process = self.gate.next_incarnation();
        if let Some((number, moment)) = point {
            self.gate.crash_at(number, moment);
        }
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        let store = match self.open_store(Arc::new(Commits::new(process.clone()))) {
            Ok(opened) => opened.store,
            Err(_) if process.is_dead() => return,
            Err(error) => panic!("{error}"),
        };
        let house = House {
            source: self.cluster.clone(),
            reporter: Arc::new(Gated { cluster: self.cluster.clone(), process: process.clone() }),
            secrets: self.cluster.clone(),
            connector: Arc::new(self.connect(process, Arc::new(AlwaysLeader))),
            fence: Arc::new(AlwaysLeader),
            store: Arc::new(store),
            accounts: Accounts::default(),
            clock,
            owner: self.owner.clone(),
            sees_everything: true,
            operator_namespace: "ordain-system".into(),
            settle: jiff::SignedDuration::from_secs(150),
            lost: self.lost.clone(),
            metrics: self.metrics.clone(),
        };
        let worker = Worker::new(self.id.clone(), Arc::new(house)).unwrap();
        self.stop = watch::Sender::new(false);
        self.tasks.spawn(worker.run(self.stop.subscribe()));
    }

    fn open_store(&self, hook: Arc<dyn StoreHook>) -> Result<Opened, StoreError> {
        let url = self.folder.path().join("ordain.db").display().to_string();
        let keys = Keys::derive(&Secret::new(vec![7u8; 32])).unwrap();
        Store::open_hooked(&url, keys, Expected::default(), Arc::new(self.clock.clone()), hook)
    }

    /// Kills the worker and reads what it would remember.
    pub async fn remembered(&mut self) -> Memory {
        self.kill().await;
        let process = self.gate.next_incarnation();
        let opened = self.open_store(Arc::new(Commits::new(process))).unwrap();
        opened.store.load(&self.id).unwrap()
    }

    /// kill -9.
    pub async fn kill(&mut self) {
        self.tasks.shutdown().await;
    }

    /// Lets simulated time pass.
    pub async fn pass(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    /// Applies an assignment of a policy of its own; generations count up by themselves.
    pub fn assign(&self, name: &str, policy: Value, assignment: Value) {
        self.assign_shared(&format!("{name}-policy"), name, policy, assignment);
    }

    /// Applies an assignment of a policy that others may have, too.
    pub fn assign_shared(&self, policy_name: &str, name: &str, policy: Value, assignment: Value) {
        let policy: PolicySpec = serde_json::from_value(policy).unwrap();
        let mut full = json!({"policyRef": {"name": policy_name}, "backendRef": {"name": "emm"}});
        full.as_object_mut().unwrap().extend(assignment.as_object().unwrap().clone());
        let spec: PolicyAssignmentSpec = serde_json::from_value(full).unwrap();
        let key = ObjectName::new("team", name);
        let mut state = self.cluster.state.lock().unwrap();
        let old = state.assignments.get(&key).cloned();
        let generation = old.as_ref().map_or(1, |v| v.generation + 1);
        let targets = spec.targets.clone();
        let section = |prefix: &'static str| {
            move |(i, selector): (usize, &api::Selector)| {
                let targets = match selector.clone() {
                    api::Selector::Wfbss(targets) => api::TargetSpec::Wfbss(targets),
                    api::Selector::AppShield(targets) => api::TargetSpec::AppShield(targets),
                    api::Selector::Tachyon(targets) => api::TargetSpec::Tachyon(targets),
                    api::Selector::Wso2(targets) => api::TargetSpec::Wso2(targets),
                    api::Selector::TargetGroupRef(group) => panic!("the rig has no group {group:?}"),
                };
                (format!("spec.targets.{prefix}[{i}]").into(), Arc::new(targets))
            }
        };
        let reach = Reach {
            // A system without targets reaches whoever its scopes name.
            everyone: targets.as_ref().is_none_or(ordain::api::AssignmentTargets::everyone),
            include: targets
                .iter()
                .flat_map(|t| t.include().iter().enumerate().map(section("include")).collect::<Vec<_>>())
                .collect(),
            exclude: targets
                .iter()
                .flat_map(|t| t.exclude.iter().enumerate().map(section("exclude")).collect::<Vec<_>>())
                .collect(),
            allow_empty: targets.as_ref().is_some_and(ordain::api::AssignmentTargets::allow_empty),
        };
        let uid = Uid(format!("uid-{name}-{}", state.restores).into());
        let policy_uid = Uid(format!("uid-{policy_name}").into());
        let binding = Binding {
            assignment: key.clone(),
            policy_generation: generation,
            policy_name: policy_name.into(),
            display_name: policy.display_name.clone().unwrap_or_else(|| policy_name.to_owned()).into(),
            policy: Arc::new(policy),
            spec: Arc::new(spec.clone()),
            reach,
        };
        let view = AssignmentView {
            name: key.clone(),
            uid,
            generation,
            created: old.as_ref().map_or_else(|| self.clock.now(), |v| v.created),
            deleting: false,
            finalizer: old.as_ref().is_some_and(|v| v.finalizer),
            suspended: spec.suspended(),
            observe_only: spec.mode() == Mode::Observe,
            release_policy: spec.release_policy,
            requested_at: None,
            external_id: None,
            named: SourcesDigest::of([(&policy_uid, generation)]),
            input: Input::Bound {
                binding: Box::new(binding),
                findings: Vec::new(),
                sources: [(policy_uid, generation)].into(),
            },
        };
        state.assignments.insert(key, Arc::new(view));
        drop(state);
        self.cluster.changed();
    }

    /// `kubectl delete`: what bears no finalizer is gone at once.
    pub fn delete(&self, name: &str) {
        if self.cluster.view(name).is_some_and(|view| !view.finalizer) {
            self.vanish(name);
        } else {
            self.cluster.edit(&ObjectName::new("team", name), |view| view.deleting = true);
        }
    }

    /// `kubectl patch … releasePolicy: Orphan`.
    pub fn let_go(&self, name: &str) {
        self.cluster.edit(&ObjectName::new("team", name), |view| {
            view.release_policy = Some(api::ReleasePolicy::Orphan);
            view.generation += 1;
        });
    }

    /// A backup was restored: the same objects under other uids.
    pub fn restore_with_new_uids(&self) {
        let names: Vec<_> = self.cluster.state.lock().unwrap().assignments.keys().cloned().collect();
        for name in names {
            self.cluster.edit(&name, |view| {
                view.uid = Uid(format!("restored-{}", view.uid.0).into());
                view.generation = 1;
                view.finalizer = true;
            });
        }
    }

    /// Edits an assignment's view.
    pub fn edit(&self, name: &str, change: impl FnOnce(&mut AssignmentView)) {
        self.cluster.edit(&ObjectName::new("team", name), change);
    }

    /// Edits the backend.
    pub fn edit_backend(&self, change: impl FnOnce(&mut BackendView)) {
        {
            let mut state = self.cluster.state.lock().unwrap();
            let mut view = BackendView::clone(state.backend.as_ref().unwrap());
            change(&mut view);
            state.backend = Some(Arc::new(view));
        }
        self.cluster.changed();
    }

    /// State of the double.
    pub fn state(&self, system: &str) -> Value {
        self.vendors.of(system).double().state()
    }

    /// A change by hand in the vendor's console.
    pub fn by_hand(&self, system: &str, change: Value) {
        self.vendors.of(system).double().patch_state(change).unwrap();
    }
}
