//! The two operators compared: each follows the same server until it has seen everything once.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::StreamExt;
use kube::{
    Api, Client, ResourceExt as _,
    runtime::{Controller, WatchStreamExt as _, controller::Action, reflector, reflector::Store, watcher},
};
use ordain::{
    api::PolicyAssignment,
    index::Scope,
    model::{BackendId, BackendKind, SystemClock},
    report::{metrics::Metrics, writer::StatusWriter},
    watch::{self, Announcer, IndexHandle},
    worker::ports::{AlwaysLeader, DesiredSource as _},
};
use tokio::{sync::Notify, task::JoinSet};

/// One who follows the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Streams, index, what is remembered of statuses and what they come to, as a running operator has them.
    Ordain,
    /// `kube::runtime::Controller` as its documentation begins, with a reconcile that does nothing.
    Plain,
    /// The same, with `managedFields` taken off before they are stored.
    Pruned,
}

impl Side {
    /// All of them, in the order they take turns.
    pub const ALL: [Self; 3] = [Self::Ordain, Self::Plain, Self::Pruned];

    /// As it is named on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ordain => "ordain",
            Self::Plain => "kube-rs",
            Self::Pruned => "kube-rs-pruned",
        }
    }

    /// Follows until `count` assignments are seen and handled; goes on as long as `tasks` live.
    pub async fn follow(self, client: Client, count: usize, tasks: &mut JoinSet<()>) {
        let assignments: Api<PolicyAssignment> = Api::all(client.clone());
        match self {
            Self::Ordain => ordain(client, count, tasks).await,
            Self::Plain => {
                controlled(Controller::new(assignments, watcher::Config::default()), count, tasks).await;
            }
            Self::Pruned => controlled(pruned(assignments), count, tasks).await,
        }
    }
}

async fn ordain(client: Client, count: usize, tasks: &mut JoinSet<()>) {
    let clock = Arc::new(SystemClock::new());
    let metrics = Metrics::new();
    let (writer, pen) = StatusWriter::new(client.clone(), clock, Arc::new(AlwaysLeader), &metrics, "bench");
    let (announcer, news) = Announcer::new(writer.clone());
    let handle = IndexHandle::new(Scope::All, Arc::new(announcer));
    tasks.spawn(watch::echo(handle.clone(), writer));
    let mut opened = handle.opened();
    let streams = watch::run(client, handle.clone());
    tasks.spawn(async move {
        // Nothing is written or started; what they hold is part of the operator.
        let _held = (pen, news);
        match streams.await {}
    });
    opened.wait_for(|open| *open).await.expect("the handle is held here");
    let backend = BackendId { kind: BackendKind::ClusterBackend, namespace: "".into(), name: "trend".into() };
    let desired = handle.desired(&backend).expect("the backend is listed");
    let bound = desired.assignments.values().filter(|view| view.binding().is_some()).count();
    assert_eq!(bound, count, "every assignment is resolved");
}

fn pruned(api: Api<PolicyAssignment>) -> Controller<PolicyAssignment> {
    let (reader, writer): (Store<PolicyAssignment>, _) = reflector::store();
    let stream = watcher(api, watcher::Config::default())
        .default_backoff()
        .modify(|object| object.managed_fields_mut().clear())
        .reflect(writer)
        .applied_objects();
    Controller::for_stream(stream, reader)
}

/// What the reconciler counts.
struct Count {
    reconciled: AtomicUsize,
    wanted: usize,
    done: Notify,
}

async fn controlled(controller: Controller<PolicyAssignment>, count: usize, tasks: &mut JoinSet<()>) {
    let store = controller.store();
    let tally = Arc::new(Count { reconciled: AtomicUsize::new(0), wanted: count, done: Notify::new() });
    let running = controller.run(reconcile, |_, _, _| Action::requeue(Duration::from_secs(1)), tally.clone());
    tasks.spawn(running.for_each(|_| std::future::ready(())));
    tally.done.notified().await;
    assert_eq!(store.state().len(), count, "every assignment is in the store");
}

async fn reconcile(_: Arc<PolicyAssignment>, tally: Arc<Count>) -> Result<Action, Infallible> {
    if tally.reconciled.fetch_add(1, Ordering::Relaxed) + 1 == tally.wanted {
        tally.done.notify_one();
    }
    Ok(Action::await_change())
}
