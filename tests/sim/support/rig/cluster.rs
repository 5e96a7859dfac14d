//! The cluster as the worker sees it, and what it said.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use ordain::{
    index::{AssignmentView, BackendView, Desired},
    model::{BackendId, ObjectName, Secret, Uid},
    report::facts::{AssignmentFacts, BackendFacts, Standing},
    worker::ports::{DesiredSource, Event, Reporter, SecretError, SecretSource, WriteError},
};
use tokio::sync::watch;

/// The cluster as the worker sees it, and what it said.
pub struct Cluster {
    pub(super) state: Mutex<State>,
    pub(super) tick: watch::Sender<u64>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) backend: Option<Arc<BackendView>>,
    pub(super) assignments: BTreeMap<ObjectName, Arc<AssignmentView>>,
    pub(super) facts: BTreeMap<ObjectName, Vec<AssignmentFacts>>,
    pub(super) backend_facts: Vec<BackendFacts>,
    pub(super) events: Vec<Event>,
    pub(super) finalizer_writes: usize,
    /// Whether finalizers are refused, and how often they were.
    pub(super) refuses_finalizers: bool,
    pub(super) finalizers_refused: usize,
    pub(super) notes: usize,
    pub(super) secrets: BTreeMap<String, BTreeMap<String, Secret>>,
    pub(super) secret_reads: Vec<String>,
    pub(super) undecodable: BTreeSet<String>,
    /// Times the cluster was restored from its manifests: every object has another uid then.
    pub(super) restores: u32,
    pub(super) version: u64,
    pub(super) looks: usize,
}

impl DesiredSource for Cluster {
    fn desired(&self, _: &BackendId) -> Option<Desired> {
        let mut state = self.state.lock().unwrap();
        state.looks += 1;
        Some(Desired {
            backend: state.backend.clone()?,
            assignments: Arc::new(state.assignments.clone()),
            undecodable: state.undecodable.clone(),
            version: state.version,
        })
    }
    fn changes(&self, _: &BackendId) -> watch::Receiver<u64> {
        self.tick.subscribe()
    }
    fn synced(&self) -> bool {
        true
    }
}

#[async_trait]
impl Reporter for Cluster {
    fn assignment(&self, facts: AssignmentFacts) {
        let mut state = self.state.lock().unwrap();
        let told = state.facts.entry(facts.name.clone()).or_default();
        if told.last() != Some(&facts) {
            told.push(facts);
        }
    }
    fn backend(&self, facts: BackendFacts) {
        let mut state = self.state.lock().unwrap();
        if state.backend_facts.last() != Some(&facts) {
            state.backend_facts.push(facts);
        }
    }
    fn event(&self, event: Event) {
        self.state.lock().unwrap().events.push(event);
    }
    async fn ensure_finalizer(&self, name: &ObjectName, _: &Uid) -> Result<(), WriteError> {
        if self.refuses_a_finalizer() {
            return Err(WriteError::Refused("an admission webhook objects".into()));
        }
        self.edit(name, |view| view.finalizer = true);
        self.state.lock().unwrap().finalizer_writes += 1;
        Ok(())
    }
    async fn note_external_id(&self, name: &ObjectName, _: &Uid, value: &str) -> Result<(), WriteError> {
        self.edit(name, |view| view.external_id = Some(value.into()));
        self.state.lock().unwrap().notes += 1;
        Ok(())
    }
    async fn remove_finalizer(&self, name: &ObjectName, _: &Uid) -> Result<(), WriteError> {
        let mut state = self.state.lock().unwrap();
        state.assignments.remove(name);
        state.finalizer_writes += 1;
        drop(state);
        self.changed();
        Ok(())
    }
    async fn ensure_in_use(&self, _: &BackendId, _: &Uid) -> Result<(), WriteError> {
        self.hold_backend(true);
        Ok(())
    }
    async fn remove_in_use(&self, _: &BackendId, _: &Uid) -> Result<(), WriteError> {
        self.hold_backend(false);
        Ok(())
    }
}

impl Cluster {
    /// Whether the backend bears our finalizer.
    pub(super) fn is_held(&self) -> bool {
        self.state.lock().unwrap().backend.as_ref().is_some_and(|backend| backend.finalizer)
    }

    fn refuses_a_finalizer(&self) -> bool {
        let mut state = self.state.lock().unwrap();
        state.finalizers_refused += usize::from(state.refuses_finalizers);
        state.refuses_finalizers
    }

    fn hold_backend(&self, held: bool) {
        if let Some(backend) = &mut self.state.lock().unwrap().backend {
            Arc::make_mut(backend).finalizer = held;
        }
        self.changed();
    }
}

#[async_trait]
impl SecretSource for Cluster {
    async fn secret(
        &self,
        _: &str,
        name: &str,
        _: &'static str,
    ) -> Result<BTreeMap<String, Secret>, SecretError> {
        let mut state = self.state.lock().unwrap();
        state.secret_reads.push(name.to_owned());
        state.secrets.get(name).cloned().ok_or(SecretError::Missing)
    }
    async fn ca(&self, _: &str, _: &str, _: &str, _: &str) -> Result<String, SecretError> {
        Err(SecretError::Missing)
    }
}

impl Cluster {
    pub(super) fn changed(&self) {
        let mut state = self.state.lock().unwrap();
        state.version += 1;
        self.tick.send_replace(state.version);
    }

    pub(super) fn edit(&self, name: &ObjectName, change: impl FnOnce(&mut AssignmentView)) {
        {
            let mut state = self.state.lock().unwrap();
            let Some(view) = state.assignments.get(name) else { return };
            let mut view = AssignmentView::clone(view);
            change(&mut view);
            state.assignments.insert(name.clone(), Arc::new(view));
        }
        self.changed();
    }

    /// Writes one key of a Secret.
    pub fn write_secret(&self, name: &str, key: &str, value: &str) {
        let mut state = self.state.lock().unwrap();
        state.secrets.entry(name.into()).or_default().insert(key.into(), Secret::new(value));
    }

    pub fn facts(&self, name: &str) -> Vec<AssignmentFacts> {
        let name = ObjectName::new("team", name);
        self.state.lock().unwrap().facts.get(&name).cloned().unwrap_or_default()
    }

    pub fn standing(&self, name: &str) -> Option<Standing> {
        self.facts(name).last().map(|facts| facts.standing.clone())
    }

    pub fn exists(&self, name: &str) -> bool {
        self.state.lock().unwrap().assignments.contains_key(&ObjectName::new("team", name))
    }

    pub fn backend_facts(&self) -> Vec<BackendFacts> {
        self.state.lock().unwrap().backend_facts.clone()
    }

    /// How often the worker asked what is wanted: once a round.
    pub fn looks(&self) -> usize {
        self.state.lock().unwrap().looks
    }

    pub fn events(&self) -> Vec<Event> {
        self.state.lock().unwrap().events.clone()
    }
}
