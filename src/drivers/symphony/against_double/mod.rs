//! The driver against the double that was written from the vendor's sheet, in one process on a paused clock.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod faults;
mod life;
mod reading;
mod sessions;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    api::Reason,
    drivers::{
        Binding, Class, CompileContext, Compiled, DesiredItem, Driver, DriverError, Outcome, Reach, Scope,
        Step, connect::connect, http::Limits, testing::InProcess,
    },
    model::{Digester, ExternalId, LeafPath, ObjectName, Observation, ObservedItem, OwnerId, Secret},
    plan::diff::{Difference, difference},
    sandbox::{
        DoubleService,
        support::TokioClock,
        symphony::{SymphonyDouble, SymphonyOptions},
    },
};

/// A driver, and the double it talks to.
struct World {
    service: DoubleService,
    driver: Arc<dyn Driver>,
    owner: OwnerId,
}

impl World {
    fn new() -> Self {
        Self::with(&json!({}), &json!({}))
    }

    /// `options` change the double, `settings` the backend.
    fn with(options: &Value, settings: &Value) -> Self {
        Self::crowded((0, 0), options, settings)
    }

    /// With so many more policies and dictionaries.
    fn crowded(more: (usize, usize), options: &Value, settings: &Value) -> Self {
        let clock = TokioClock::shared();
        let options = SymphonyOptions::default().patched(options).unwrap();
        let double = SymphonyDouble::crowded(more.0, more.1, options, clock.clone());
        let service = DoubleService::new(double, clock.clone());
        Self::at(service, settings, &[])
    }

    fn at(service: DoubleService, settings: &Value, keys: &[(&str, &str)]) -> Self {
        let clock = TokioClock::shared();
        let mut system = service.double().backend("https://pod.example");
        system["credentialsRef"] = json!({"name": "symphony"});
        system.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let system = serde_json::from_value(json!({ "symphony": system })).unwrap();
        let given = service.double().credentials().into_iter().map(|(k, v)| (k.to_owned(), Secret::new(v)));
        let mut credentials: BTreeMap<String, Secret> = given.collect();
        credentials.extend(keys.iter().map(|(key, value)| ((*key).to_owned(), Secret::new(*value))));
        let owner = OwnerId::new("a cluster");
        let limits = Limits {
            requests_per_minute: 60_000,
            burst: 1000,
            in_flight: 4,
            timeout: Duration::from_secs(30),
            max_body: 4 << 20,
        };
        let transport = Arc::new(InProcess(service.clone()));
        let driver = connect(&system, &credentials, &owner, transport, limits, clock).unwrap();
        Self { service, driver, owner }
    }

    fn fault(&self, fault: &Value) {
        self.service.add_fault(fault).unwrap();
    }

    fn patch(&self, change: Value) {
        self.service.double().patch_state(change).unwrap();
    }

    /// A policy as the double holds it, by name, deleted or not.
    fn held(&self, name: &str) -> Option<Value> {
        let state = self.service.double().state();
        let mut all = state["policies"].as_object().unwrap().values().filter(|policy| policy["name"] == name);
        let one = all.next().cloned();
        assert!(all.next().is_none(), "one of them is called {name}");
        one
    }

    /// What stands for [`cards`].
    fn ours(&self) -> Option<Value> {
        let state = self.service.double().state();
        let ours =
            |policy: &&Value| policy["name"].as_str().unwrap().contains('~') && policy["deleted"] == false;
        let mut all = state["policies"].as_object().unwrap().values().filter(ours);
        let one = all.next().cloned();
        assert!(all.next().is_none(), "one object, once");
        one
    }

    fn counter(&self, name: &str) -> Value {
        self.service.double().state()["counters"][name].clone()
    }

    fn sessions(&self, name: &str) -> Value {
        self.service.double().state()["sessions"][name].clone()
    }

    /// Calls of the Agent so far, as `METHOD /path?query`.
    fn calls(&self) -> Vec<String> {
        let seen = self.service.recorder().since(0).into_iter();
        seen.map(|s| format!("{} {}?{}", s.method, s.path, s.query).trim_end_matches('?').to_owned())
            .filter(|line| line.contains("/agent/"))
            .collect()
    }

    fn effects(&self) -> Vec<String> {
        self.calls().into_iter().filter(|line| !line.starts_with("GET")).collect()
    }

    /// Bodies of every create and update ever sent.
    fn bodies(&self) -> Vec<Value> {
        let seen = self.service.recorder().since(0).into_iter();
        seen.filter(|s| s.path.contains("/policies") && s.body.is_object()).map(|s| s.body).collect()
    }

    async fn observe(&self) -> Observation {
        self.driver.observe(&Scope::default()).await.unwrap()
    }

    async fn execute(&self, step: &Step) -> Result<Outcome, DriverError> {
        self.driver.execute(step).await
    }

    async fn compile(&self, policy: &Value) -> Compiled {
        let catalogue = self.driver.catalogue().await.unwrap();
        let spec = json!({"policyRef": {"name": "cards"}, "backendRef": {"name": "pod"}});
        let binding = Binding {
            assignment: ObjectName::new("team", "everywhere"),
            policy_generation: 1,
            policy_name: "cards".into(),
            display_name: policy["displayName"].as_str().unwrap_or("cards").into(),
            policy: Arc::new(serde_json::from_value(policy.clone()).unwrap()),
            spec: Arc::new(serde_json::from_value(spec).unwrap()),
            reach: Reach { everyone: true, ..Reach::default() },
        };
        let context = CompileContext {
            catalogue: &catalogue,
            owner: &self.owner,
            digester: &Digester::new([7; 32]),
            secrets: &BTreeMap::new(),
        };
        self.driver.compile(&binding, &context)
    }

    /// The one item that a policy comes to.
    async fn desired(&self, policy: &Value) -> DesiredItem {
        let compiled = self.compile(policy).await;
        let [one] = compiled.contributions.try_into().unwrap();
        DesiredItem {
            key: one.item,
            shape: one.shape,
            title: one.title,
            status_key: one.status_key,
            leaves: one.leaves,
            members: one.members,
            enabled: one.enabled,
            rank: (0, String::new()),
            contributors: BTreeSet::new(),
        }
    }

    fn difference(&self, desired: &DesiredItem, observed: &ObservedItem) -> Difference {
        difference(desired, observed, &Vec::new(), &*self.driver, &Digester::new([7; 32]))
    }

    /// What stands for an item, by its mark, or by its name where names stand as written.
    async fn find(&self, desired: &DesiredItem) -> Option<ObservedItem> {
        let observation = self.observe().await;
        let mark = desired.mark();
        let is_it = |item: &ObservedItem| match &mark {
            Some(_) => item.mark == mark,
            None => item.name == desired.title,
        };
        let mut found = observation.items.into_iter().filter(is_it);
        let one = found.next();
        assert!(found.next().is_none(), "one object, once");
        one
    }

    /// Brings one item to its desired state as a worker would, and returns how many effects that took.
    async fn converge(&self, desired: &DesiredItem) -> usize {
        for effects in 0..6 {
            let step = match self.find(desired).await {
                None => Step::Create(Box::new(desired.clone())),
                Some(observed) => {
                    let diff = self.difference(desired, &observed);
                    let ids = vec![observed.id.clone().unwrap()];
                    match diff.switch {
                        _ if diff.needs_write() => {
                            Step::Replace { desired: Box::new(desired.clone()), observed: Box::new(observed) }
                        }
                        Some(enabled) => Step::SetEnabled { ids, enabled },
                        None => return effects,
                    }
                }
            };
            self.execute(&step).await.unwrap();
        }
        panic!("it never settles: {:?}", self.find(desired).await.map(|o| self.difference(desired, &o)));
    }
}

fn cards() -> Value {
    json!({"displayName": "PCI & Karten Übersicht", "content": {"symphony": {
        "type": "Block", "contentTypes": ["RoomMeta", "Messages"], "scopes": ["Internal", "External"],
        "dictionaries": [{"name": "card-patterns"}, {"name": "project-names"}],
    }}})
}

fn leaf<'a>(item: &'a ObservedItem, path: &str) -> &'a Value {
    &item.leaves[&LeafPath(path.into())]
}

fn set(desired: &mut DesiredItem, path: &str, value: Value) {
    desired.leaves.get_mut(&LeafPath(path.into())).unwrap().value = value;
}
