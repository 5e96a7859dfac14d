//! A Kubernetes API server in memory, as the tower service under a real `kube::Client`.
//!
//! Faithful where an operator can tell: one revision for all resources, generation, finalizers and
//! deletion marks, preconditions, the status subresource with the CRD's default, paged and
//! streaming lists, bookmarks, compaction, and no event for a write that changes nothing. It checks
//! no schemas and admits everything: what reaches the operator may be any JSON (F15, F16).

mod call;
mod cluster;
mod disaster;
mod failure;
mod faults;
mod log;
mod meta;
mod patch;
mod read;
mod resource;
mod select;
mod service;
mod ssa;
mod store;
mod user;
mod watch;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use ordain::model::Clock;
use tokio::sync::watch as channel;

pub use failure::Failure;
pub use faults::{Fault, FaultKind, WatchFault};
pub use log::{Entry, Part, Requests};
pub use resource::pending_status;

use super::clock::SimClock;
use super::gate::{IoGate, Process};
use call::Call;
use cluster::{Cluster, Written};

/// Everything that can change.
struct State {
    cluster: Cluster,
    faults: Vec<Fault>,
    disturbances: Vec<(Option<&'static str>, WatchFault)>,
    denied: BTreeSet<(String, String)>,
    withdrawn: BTreeSet<&'static str>,
    log: Vec<Entry>,
    latency: Duration,
    down: bool,
    touches: u64,
}

struct Shared {
    clock: SimClock,
    gate: IoGate,
    state: Mutex<State>,
    changed: channel::Sender<u64>,
}

/// The fake API server; clones are the same server.
#[derive(Clone)]
pub struct FakeApi(Arc<Shared>);

impl FakeApi {
    /// An API server with the namespaces `default` and `kube-system` and nothing else.
    pub fn new(clock: SimClock) -> Self {
        let state = State {
            cluster: Cluster::new(&timestamp(clock.now())),
            faults: vec![],
            disturbances: vec![],
            denied: BTreeSet::new(),
            withdrawn: BTreeSet::new(),
            log: vec![],
            latency: Duration::ZERO,
            down: false,
            touches: 0,
        };
        let (changed, _) = channel::channel(0);
        Self(Arc::new(Shared { clock, gate: IoGate::new(), state: Mutex::new(state), changed }))
    }

    /// The gate all requests pass; the doubles of the systems are to be given the same one.
    pub fn gate(&self) -> &IoGate {
        &self.0.gate
    }

    /// A client for the current incarnation of the operator. Must be called within a runtime.
    pub fn client(&self) -> Client {
        self.client_as("ordain", &self.0.gate.process())
    }

    /// A client for any process: a second operator brings its own gate (F13, F14). `name` stands
    /// in the log where no user agent is sent.
    pub fn client_as(&self, name: &str, process: &Process) -> Client {
        let (api, process, name) = (self.clone(), process.clone(), name.to_owned());
        let service =
            tower::service_fn(move |request| api.clone().serve(process.clone(), name.clone(), request));
        Client::new(service, "default")
    }

    /// Everything answered so far.
    pub fn requests(&self) -> Requests {
        Requests::new(&self.state().log)
    }

    /// Everything answered since a [`FakeApi::mark`].
    pub fn requests_since(&self, mark: usize) -> Requests {
        Requests::new(&self.state().log[mark..])
    }

    /// All writes so far but those to Leases and Events.
    pub fn writes(&self) -> Requests {
        self.requests().writes()
    }

    /// Where the log stands now.
    pub fn mark(&self) -> usize {
        self.state().log.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("no test panics while it holds the server")
    }

    fn subscribe(&self) -> channel::Receiver<u64> {
        self.0.changed.subscribe()
    }

    /// Wakes the running watches.
    fn notify(&self) {
        self.0.changed.send_modify(|count| *count += 1);
    }

    fn write(&self, call: &Call) -> Result<Written, Failure> {
        let now = timestamp(self.0.clock.now());
        let written = self.state().cluster.write(call, &now);
        self.notify();
        written
    }

    fn elapsed(&self) -> Duration {
        self.0.clock.monotonic()
    }
}

/// Kubernetes writes times to the second.
fn timestamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
