//! The driver against the double that was written from the vendor's sheet, in one process on a paused clock.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod faults;
mod life;
mod reading;
mod sessions;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::{
    api::Reason,
    drivers::{Class, Compiled, DesiredItem, Driver, DriverError, Outcome, Reach, Scope, Step, testing},
    model::{ExternalId, LeafPath, Observation, ObservedItem},
    plan::diff::Difference,
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
        let driver = testing::connected(&service, "https://pod.example", settings, keys);
        Self { service, driver }
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
        let named = state["policies"].as_object().unwrap().values().filter(|policy| policy["name"] == name);
        testing::at_most_one(named, "one of them is called so").cloned()
    }

    /// What stands for [`cards`].
    fn ours(&self) -> Option<Value> {
        let state = self.service.double().state();
        let ours =
            |policy: &&Value| policy["name"].as_str().unwrap().contains('~') && policy["deleted"] == false;
        let found = state["policies"].as_object().unwrap().values().filter(ours);
        testing::at_most_one(found, "one object, once").cloned()
    }

    fn counter(&self, name: &str) -> Value {
        self.service.double().state()["counters"][name].clone()
    }

    fn sessions(&self, name: &str) -> Value {
        self.service.double().state()["sessions"][name].clone()
    }

    /// Calls of the Agent so far, as `METHOD /path?query`.
    fn calls(&self) -> Vec<String> {
        testing::lines(&self.service).filter(|line| line.contains("/agent/")).collect()
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
        let everyone = Reach { everyone: true, ..Reach::default() };
        testing::compiled(&*self.driver, "cards", policy, everyone).await
    }

    /// The one item that a policy comes to.
    async fn desired(&self, policy: &Value) -> DesiredItem {
        let compiled = self.compile(policy).await;
        testing::only(compiled)
    }

    fn difference(&self, desired: &DesiredItem, observed: &ObservedItem) -> Difference {
        testing::compare(&*self.driver, desired, observed)
    }

    /// What stands for an item, by its mark, or by its name where names stand as written.
    async fn find(&self, desired: &DesiredItem) -> Option<ObservedItem> {
        let observation = self.observe().await;
        let mark = desired.mark();
        let is_it = |item: &ObservedItem| match &mark {
            Some(_) => item.mark == mark,
            None => item.name == desired.title,
        };
        testing::at_most_one(observation.items.into_iter().filter(is_it), "one object, once")
    }

    /// Brings one item to its desired state as a worker would, and returns how many effects that took.
    async fn converge(&self, desired: &DesiredItem) -> usize {
        for effects in 0..6 {
            let observed = self.find(desired).await;
            let Some(step) = testing::due(&*self.driver, desired, observed) else { return effects };
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
