//! The index, shared: fed by the streams, read by workers and the supervisor.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use tokio::sync::watch;

use super::{
    audience::{Audience, Watched},
    decode::Arrived,
};
use crate::{
    index::{Desired, Dirty, Feed, Index, Kind, Object, Scope},
    model::{BackendId, Cause, ObjectName, Uid, is_traced},
    report::{aggregate::Said, memo::Memo, writer::Key},
    worker::ports::DesiredSource,
};

/// What a stream brings, with what the index needs of it.
#[derive(Debug)]
pub(super) enum Change {
    Begin,
    Arrived {
        arrived: Arrived,
        status: Option<Memo>,
    },
    Gone(Box<ObjectMeta>),
    End,
    /// It cannot be listed or watched: verb, resource, answer.
    Barred(String),
    /// It works.
    Works,
}

struct Shared {
    index: Mutex<Index>,
    ticks: Mutex<BTreeMap<BackendId, watch::Sender<u64>>>,
    /// What ticked them, while traces are made and until their workers take it up.
    causes: Mutex<BTreeMap<BackendId, Cause>>,
    /// Whose statuses somebody else wrote, until their workers take it up.
    overwritten: Mutex<BTreeMap<BackendId, BTreeSet<ObjectName>>>,
    open: watch::Sender<bool>,
    audience: Arc<dyn Audience>,
    scope: Scope,
}

/// The shared index; clones are the same index.
#[derive(Clone)]
pub struct IndexHandle(Arc<Shared>);

impl IndexHandle {
    /// An empty index for these namespaces, whose news go to `audience`.
    pub fn new(scope: Scope, audience: Arc<dyn Audience>) -> Self {
        Self(Arc::new(Shared {
            index: Mutex::new(Index::new(scope.clone())),
            ticks: Mutex::default(),
            causes: Mutex::default(),
            overwritten: Mutex::default(),
            open: watch::Sender::new(false),
            audience,
            scope,
        }))
    }

    /// The namespaces it is for.
    pub fn scope(&self) -> &Scope {
        &self.0.scope
    }

    /// Turns true, for good, once everything is listed or known not to be readable. Nothing is told before.
    pub fn opened(&self) -> watch::Receiver<bool> {
        self.0.open.subscribe()
    }

    /// Looks something up. Must be quick: streams wait meanwhile.
    pub fn with<T>(&self, look: impl FnOnce(&Index) -> T) -> T {
        look(&self.index())
    }

    /// Why the operator does not see everything: verb, resource and answer of each list or watch that fails, or
    /// that a list is not complete yet. Empty: it does. For `readyz`.
    pub fn troubles(&self) -> Vec<String> {
        self.with(|index| {
            let barred = index.barred().map(|(_, why)| why.to_owned());
            let listing = (!index.is_open()).then(|| "the first lists are not complete yet".to_owned());
            barred.chain(listing).collect()
        })
    }

    /// Says everything anew about Policies, TargetGroups and unbound assignments that these assignments touch: the
    /// writer tells that what their status says has changed.
    pub fn said_changed<'a>(&self, assignments: impl IntoIterator<Item = &'a ObjectName>) {
        let index = self.index();
        let (policies, groups) = index.named_by(assignments);
        self.tell(&index, &Dirty { policies, groups, ..Dirty::default() });
    }

    /// Says everything anew about one object: somebody else wrote its status. Its worker is ticked, if it has one.
    pub fn retell(&self, object: &Key) {
        let index = self.index();
        let mut dirty = Dirty::default();
        match object {
            Key::Assignment(name) => {
                dirty.backends.extend(index.backend_of(name).cloned());
                self.note_overwritten(&dirty, name);
                dirty.unbound.insert(name.clone());
            }
            Key::Backend(id) => {
                dirty.backends.insert((**id).clone());
                dirty.unbound_backends.insert((**id).clone());
            }
            Key::Policy(name) => drop(dirty.policies.insert(name.clone())),
            Key::TargetGroup(name) => drop(dirty.groups.insert(name.clone())),
        }
        self.tell(&index, &dirty);
        self.tick(&index, &dirty);
    }

    /// Says what is to be said of a backend's assignments once its worker has ended: the worker may have spoken last, of
    /// what was no longer so.
    pub fn worker_ended(&self, backend: &BackendId) {
        let index = self.index();
        let unbound = index.assignments_of(backend).cloned().collect();
        self.tell(&index, &Dirty { unbound, unbound_backends: [backend.clone()].into(), ..Dirty::default() });
    }

    /// Takes in a batch, resolves what it makes stale, and tells everybody concerned, in this order: statuses seen,
    /// objects gone, verdicts and aggregates, backends that came or went, ticks of workers.
    pub(super) fn absorb(&self, feed: &Feed, changes: Vec<Change>) {
        let news = is_traced().then(|| news(feed, &changes)).flatten();
        let mut index = self.index();
        for change in changes {
            self.take_in(&mut index, feed, change);
        }
        if !index.is_open() {
            return;
        }
        let dirty = index.settle();
        self.tell(&index, &dirty);
        if let Some((object, others)) = &news {
            self.note_causes(&dirty, object, *others);
        }
        self.tick(&index, &dirty);
        self.0.open.send_if_modified(|open| !std::mem::replace(open, true));
    }

    fn take_in(&self, index: &mut Index, feed: &Feed, change: Change) {
        match change {
            Change::Begin => index.begin(feed),
            Change::End => index.end(feed),
            Change::Barred(why) => index.bar(feed, &why),
            Change::Works => index.unbar(feed),
            Change::Arrived { arrived, status } => {
                if feed.kind != Kind::Namespace {
                    let metadata = arrived.metadata();
                    let (name, uid) = index.introduce(feed.kind, metadata);
                    let object = Watched { kind: feed.kind, name: &name, uid: &uid, metadata };
                    self.0.audience.seen(&object, status);
                }
                match arrived {
                    Arrived::Object(object) => index.apply(object),
                    Arrived::Undecodable(object) => index.undecodable(&object),
                }
            }
            Change::Gone(metadata) => {
                let part = |part: &Option<String>| part.clone().unwrap_or_default();
                let uid = Uid(part(&metadata.uid).into());
                index.delete(feed.kind, &part(&metadata.namespace), &part(&metadata.name), &uid);
            }
        }
    }

    fn tell(&self, index: &Index, dirty: &Dirty) {
        let audience = &self.0.audience;
        let said = |name: &ObjectName| -> Option<Said> { audience.said(name) };
        dirty.removed.iter().for_each(|(kind, name)| audience.gone(*kind, name));
        for verdict in dirty.unbound.iter().filter_map(|name| index.unbound_assignment(name)) {
            audience.unbound(verdict);
        }
        for facts in dirty.unbound_backends.iter().filter_map(|id| index.unbound_backend(id)) {
            audience.unbound_backend(facts);
        }
        for facts in dirty.policies.iter().filter_map(|name| index.policy_facts(name, said)) {
            audience.policy(facts);
        }
        for facts in dirty.groups.iter().filter_map(|name| index.target_group_facts(name, said)) {
            audience.target_group(facts);
        }
        dirty.gone.iter().for_each(|id| audience.backend_gone(id));
        dirty.appeared.iter().for_each(|id| audience.backend_appeared(id));
    }

    fn tick(&self, index: &Index, dirty: &Dirty) {
        let mut ticks = self.ticks();
        for id in &dirty.backends {
            let version = index.desired(id).map_or(u64::MAX, |desired| desired.version);
            if let Some(sender) = ticks.get(id) {
                sender.send_replace(version);
            }
        }
        // A worker that is gone leaves a channel nobody listens to.
        ticks.retain(|_, sender| sender.receiver_count() > 0);
    }

    /// Where several things come together before the worker looks, the first one names the trace.
    fn note_causes(&self, dirty: &Dirty, object: &str, others: usize) {
        let ticks = self.ticks();
        let mut causes = self.0.causes.lock().unwrap_or_else(PoisonError::into_inner);
        causes.retain(|id, _| ticks.contains_key(id));
        for id in dirty.backends.iter().filter(|id| ticks.contains_key(*id)) {
            causes.entry(id.clone()).or_insert_with(|| Cause::watched(object, others));
        }
    }

    /// A worker that starts later says everything anyway.
    fn note_overwritten(&self, dirty: &Dirty, name: &ObjectName) {
        let ticks = self.ticks();
        let mut overwritten = self.all_overwritten();
        overwritten.retain(|id, _| ticks.contains_key(id));
        for id in dirty.backends.iter().filter(|id| ticks.contains_key(*id)) {
            overwritten.entry(id.clone()).or_default().insert(name.clone());
        }
    }

    fn all_overwritten(&self) -> MutexGuard<'_, BTreeMap<BackendId, BTreeSet<ObjectName>>> {
        self.0.overwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        // A panic within a change leaves it half applied at worst; the next relist mends that.
        self.0.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ticks(&self) -> MutexGuard<'_, BTreeMap<BackendId, watch::Sender<u64>>> {
        self.0.ticks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DesiredSource for IndexHandle {
    fn desired(&self, backend: &BackendId) -> Option<Desired> {
        self.index().desired(backend)
    }

    fn changes(&self, backend: &BackendId) -> watch::Receiver<u64> {
        let mut ticks = self.ticks();
        ticks.entry(backend.clone()).or_insert_with(|| watch::Sender::new(0)).subscribe()
    }

    /// Everything is listed or known not to be readable. What a missing list may touch is kept back
    /// by the account's own gate, and frozen assignment by assignment.
    fn synced(&self) -> bool {
        *self.0.open.borrow()
    }

    fn cause(&self, backend: &BackendId) -> Option<Cause> {
        self.0.causes.lock().unwrap_or_else(PoisonError::into_inner).remove(backend)
    }

    fn overwritten(&self, backend: &BackendId) -> BTreeSet<ObjectName> {
        self.all_overwritten().remove(backend).unwrap_or_default()
    }
}

/// The first object of a batch, as people name it, and how many more there are.
fn news(feed: &Feed, changes: &[Change]) -> Option<(String, usize)> {
    let mut objects = changes.iter().filter_map(|change| match change {
        Change::Arrived { arrived, .. } => Some(arrived.metadata()),
        Change::Gone(metadata) => Some(metadata),
        _ => None,
    });
    let first = objects.next()?;
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    let name = format!("{} {}/{}", feed.kind.as_str(), part(&first.namespace), part(&first.name));
    Some((name, objects.count()))
}

impl std::fmt::Debug for IndexHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IndexHandle").field("scope", &self.0.scope).finish_non_exhaustive()
    }
}

impl From<Object> for Arrived {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}
