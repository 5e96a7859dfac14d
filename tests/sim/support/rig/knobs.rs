//! What people and clusters do to a rig.

use std::{collections::BTreeMap, sync::Arc};

use ordain::{
    index::AssignmentView,
    model::{ObjectName, Secret, Uid},
    report::facts::BackendFacts,
};

use super::{Cluster, Rig};
use crate::support::settle::{Settle, Unsettled};

impl Cluster {
    /// Names of the Secrets read so far, in order.
    pub fn secret_reads(&self) -> Vec<String> {
        self.state.lock().unwrap().secret_reads.clone()
    }

    /// How often a finalizer was put on or taken off.
    pub fn finalizer_writes(&self) -> usize {
        self.state.lock().unwrap().finalizer_writes
    }

    /// From now on finalizers are refused, or no longer.
    pub fn refuse_finalizers(&self, refuse: bool) {
        self.state.lock().unwrap().refuses_finalizers = refuse;
    }

    /// How often one was.
    pub fn finalizers_refused(&self) -> usize {
        self.state.lock().unwrap().finalizers_refused
    }

    /// How often a recorded id was written onto an assignment.
    pub fn notes(&self) -> usize {
        self.state.lock().unwrap().notes
    }

    /// What was last said of the backend.
    pub fn backend_last(&self) -> BackendFacts {
        self.state.lock().unwrap().backend_facts.last().cloned().expect("nothing was said of the backend")
    }

    /// Everything ever said, as text: what no secret may be in.
    pub fn everything_told(&self) -> String {
        let state = self.state.lock().unwrap();
        format!("{:?} {:?} {:?}", state.facts, state.backend_facts, state.events)
    }

    /// How many statuses were written.
    pub fn statuses(&self) -> usize {
        let state = self.state.lock().unwrap();
        state.facts.values().map(Vec::len).sum::<usize>() + state.backend_facts.len()
    }

    /// One without a finalizer is deleted: it is gone at once.
    pub fn vanish(&self, name: &str) {
        self.state.lock().unwrap().assignments.remove(&ObjectName::new("team", name));
        self.changed();
    }

    /// The assignment as the worker sees it.
    pub fn view(&self, name: &str) -> Option<Arc<AssignmentView>> {
        self.state.lock().unwrap().assignments.get(&ObjectName::new("team", name)).cloned()
    }
}

impl Rig {
    /// Waits until nothing happens any more (two minutes without any I/O).
    pub async fn settle(&self) {
        if let Err(unsettled) = self.try_settle().await {
            panic!("{unsettled:#?}");
        }
    }

    /// The same, for runs that may crash.
    pub async fn try_settle(&self) -> Result<(), Unsettled> {
        Settle::default().wait(&self.gate).await.map(drop)
    }

    /// Kills the worker and starts another one over the same store.
    pub async fn restart(&mut self) {
        self.kill().await;
        self.start();
    }

    /// Creates or replaces a Secret, credentials or content.
    pub fn put_secret(&self, name: &str, keys: &[(&str, &str)]) {
        let keys: BTreeMap<String, Secret> =
            keys.iter().map(|(key, value)| ((*key).to_owned(), Secret::new(*value))).collect();
        self.cluster.state.lock().unwrap().secrets.insert(name.to_owned(), keys);
    }

    /// Deletes a Secret.
    pub fn drop_secret(&self, name: &str) {
        self.cluster.state.lock().unwrap().secrets.remove(name);
    }

    /// Annotation `ordain.dev/reconcile-requested-at` on an assignment.
    pub fn request(&self, name: &str, value: &str) {
        self.cluster.edit(&ObjectName::new("team", name), |view| view.requested_at = Some(value.into()));
    }

    /// An edit of a view that is no edit of its spec.
    pub fn edit_view(&self, name: &str, change: impl FnOnce(&mut AssignmentView)) {
        self.cluster.edit(&ObjectName::new("team", name), change);
    }

    /// An object of another team that the API server holds and nobody can decode, or none again.
    pub fn undecodable(&self, object: Option<&str>) {
        self.cluster.state.lock().unwrap().undecodable = object.map(str::to_owned).into_iter().collect();
        self.cluster.changed();
    }

    /// `kubectl delete --force`, a lost etcd: the assignment is gone and nobody released anything.
    pub fn vanish(&self, name: &str) {
        self.cluster.state.lock().unwrap().assignments.remove(&ObjectName::new("team", name));
        self.cluster.changed();
    }

    /// The cluster comes back from its manifests: same names, other uids, no finalizers, generation 1.
    pub fn restore_cluster(&self) {
        {
            let mut state = self.cluster.state.lock().unwrap();
            state.restores += 1;
            let restores = state.restores;
            let views: Vec<_> = state.assignments.values().map(|view| AssignmentView::clone(view)).collect();
            for mut view in views {
                view.uid = Uid(format!("uid-{}-{restores}", view.name.name).into());
                view.finalizer = false;
                view.generation = 1;
                state.assignments.insert(view.name.clone(), Arc::new(view));
            }
        }
        self.cluster.changed();
    }

    /// Edits `spec.system` of the Backend, below the member of its system.
    pub fn edit_system(&self, change: impl FnOnce(&mut serde_json::Value)) {
        self.edit_backend(|backend| {
            let mut system = serde_json::to_value(&*backend.system).unwrap();
            change(&mut system[backend.system.name().as_str()]);
            backend.system = Arc::new(serde_json::from_value(system).unwrap());
            backend.generation += 1;
        });
    }

    /// The volume is lost with everything on it; the worker must be dead.
    pub fn lose_store(&mut self) {
        self.folder = super::folder();
        self.lost = Some("the store's file is gone or empty".into());
    }

    /// Posts a fault to the double.
    pub fn fault(&self, system: &str, spec: serde_json::Value) {
        self.vendors.of(system).add_fault(&spec).unwrap();
    }

    /// No faults again.
    pub fn heal(&self, system: &str) {
        self.vendors.of(system).clear_faults();
    }
}

/// Whatever a story is about: a write to WFBSS names customers, groups and platform, or it reaches all of them.
impl Drop for Rig {
    fn drop(&mut self) {
        let Some(wfbss) = self.vendors.get("wfbss").filter(|_| !std::thread::panicking()) else { return };
        let state = wfbss.double().state();
        assert_eq!((&state["unscopedWrites"], &state["ungroupedWrites"]), (&0.into(), &0.into()));
        for seen in wfbss.recorder().since(0).iter().filter(|seen| seen.method != "GET") {
            let named = |name: &str| {
                let values = seen.query.split('&').filter_map(|pair| pair.strip_prefix(name));
                values.filter(|value| !value.is_empty()).count() == 1
            };
            assert!(
                ["cids=", "gids=", "os="].into_iter().all(named),
                "{} {}?{}",
                seen.method,
                seen.path,
                seen.query
            );
        }
    }
}
