//! What goes wrong with API servers, and what administrators do to them.

use std::time::Duration;

use serde_json::Value;

use super::FakeApi;
use super::call::Call;
use super::faults::{Fault, WatchFault};
use super::meta;
use super::read::Lag;
use super::resource::Resource;
use super::store::Key;

impl FakeApi {
    /// Adds a fault; earlier ones strike first.
    pub fn fault(&self, fault: Fault) {
        self.state().faults.push(fault);
    }

    /// No faults any more.
    pub fn clear_faults(&self) {
        self.state().faults.clear();
    }

    /// Disturbs the watches that are running now, of one kind or of all.
    pub fn disturb_watches(&self, kind: Option<&str>, fault: WatchFault) {
        let resource = kind.map(|kind| Resource::named(kind).plural);
        self.state().disturbances.push((resource, fault));
        self.notify();
    }

    /// How many watches are running, those of dead processes not yet dropped among them.
    pub fn open_watches(&self) -> usize {
        self.0.changed.receiver_count()
    }

    /// etcd compaction: older revisions can be neither listed nor watched from (F7).
    pub fn compact(&self) {
        self.state().cluster.store.compact();
    }

    /// Withdraws a permission: `deny("patch", "policyassignments/status")` (F19).
    pub fn deny(&self, verb: &str, resource: &str) {
        self.state().denied.insert((verb.into(), resource.into()));
    }

    /// Gives a withdrawn permission back.
    pub fn allow(&self, verb: &str, resource: &str) {
        self.state().denied.remove(&(verb.to_owned(), resource.to_owned()));
    }

    /// Takes a resource out of service, as though its CRD were not installed; its objects stay.
    pub fn withdraw(&self, kind: &str) {
        self.state().withdrawn.insert(Resource::named(kind).plural);
    }

    /// Serves a withdrawn resource again.
    pub fn reinstate(&self, kind: &str) {
        self.state().withdrawn.remove(Resource::named(kind).plural);
    }

    /// The API server goes away: connections are refused, running watches end (F12).
    pub fn shut_down(&self) {
        self.state().down = true;
        self.disturb_watches(None, WatchFault::Drop);
    }

    /// The API server is back.
    pub fn come_back(&self) {
        self.state().down = false;
    }

    /// How long every answer takes.
    pub fn latency(&self, latency: Duration) {
        self.state().latency = latency;
    }

    /// The newest revision.
    pub fn revision(&self) -> u64 {
        self.state().cluster.store.revision()
    }

    /// Cached reads and watches of a kind show nothing newer than `revision` from now on, as from
    /// a second API server that lags behind; with `quorum` even consistent reads do (F11).
    pub fn lag(&self, kind: &str, revision: u64, quorum: bool) {
        let resource = Resource::named(kind).plural;
        self.state().cluster.lags.insert(resource, Lag { revision, quorum });
    }

    /// Nothing lags any more; running watches get what they missed.
    pub fn catch_up(&self) {
        self.state().cluster.lags.clear();
        self.notify();
    }

    /// A restore from backup into a new cluster: the same objects under new uids, without status,
    /// generation 1, later creation; objects that were being deleted are not in it. History is
    /// gone and running watches end, so that clients must list again.
    pub fn restore_with_new_uids(&self) {
        let now = super::timestamp(ordain::model::Clock::now(&self.0.clock));
        {
            let mut state = self.state();
            let standing: Vec<(Key, Value)> = state
                .cluster
                .store
                .everything()
                .map(|(key, object)| (key.clone(), (**object).clone()))
                .collect();
            for (key, object) in standing {
                let resource = Resource::named(key.resource);
                state.cluster.store.remove(&key);
                if meta::is_terminating(&object) {
                    continue;
                }
                let birth = state.cluster.birth(key.namespace(), &now);
                let restored = meta::born(resource, object, birth).expect("it was valid before");
                state.cluster.store.put(key, restored);
            }
            state.cluster.store.compact();
        }
        self.disturb_watches(None, WatchFault::Drop);
    }

    /// What a controller of somebody else does between our read and our write.
    pub(super) fn touch(&self, call: &Call) {
        let key = call.key();
        {
            let mut state = self.state();
            let Some(object) = state.cluster.store.get(&key).cloned() else { return };
            state.touches += 1;
            let mut touched = (*object).clone();
            touched["metadata"]["annotations"]["example.com/touched"] = state.touches.to_string().into();
            state.cluster.store.put(key, touched);
        }
        self.notify();
    }
}
