//! The driver against the double that was written from the vendor's sheet, in one process on a paused clock.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod faults;
mod life;
mod reading;
mod sessions;
mod sight;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    api::Reason,
    drivers::{Class, Compiled, DesiredItem, Driver, DriverError, Outcome, Reach, Scope, Step, testing},
    model::{ExternalId, LeafPath, MemberKind, Observation, ObservedItem},
    plan::diff::Difference,
    sandbox::{
        DoubleService,
        support::TokioClock,
        tachyon::{TachyonDouble, TachyonOptions},
    },
};

/// A driver, and the double it talks to.
struct World {
    service: DoubleService,
    driver: Arc<dyn Driver>,
}

impl World {
    fn new() -> Self {
        Self::with(&json!({}))
    }

    /// `options` change the double.
    fn with(options: &Value) -> Self {
        Self::crowded(0, options)
    }

    /// With so many more policies.
    fn crowded(policies: usize, options: &Value) -> Self {
        let clock = TokioClock::shared();
        let options = TachyonOptions::default().patched(options).unwrap();
        let double = TachyonDouble::crowded(policies, options, clock.clone());
        Self::at(DoubleService::new(double, clock.clone()), &[])
    }

    fn at(service: DoubleService, keys: &[(&str, &str)]) -> Self {
        let driver = testing::connected(&service, "http://127.0.0.1:41004", &json!({}), keys);
        Self { service, driver }
    }

    fn fault(&self, fault: &Value) {
        self.service.add_fault(fault).unwrap();
    }

    fn patch(&self, change: Value) {
        self.service.double().patch_state(change).unwrap();
    }

    fn state(&self) -> Value {
        self.service.double().state()
    }

    /// A policy as the double holds it, by name.
    fn held(&self, name: &str) -> Option<Value> {
        let state = self.state();
        let named = state["policies"].as_object().unwrap().values().filter(|policy| policy["name"] == name);
        testing::at_most_one(named, "one of them is called so").cloned()
    }

    /// What stands for [`usb`].
    fn ours(&self) -> Option<Value> {
        let state = self.state();
        let marked = |policy: &&Value| policy["description"].as_str().unwrap().contains("[ordain:");
        let found = state["policies"].as_object().unwrap().values().filter(marked);
        testing::at_most_one(found, "one object, once").cloned()
    }

    /// Id of a rule or group of the double.
    fn id_of(&self, kind: &str, name: &str) -> String {
        let state = self.state();
        let mut all = state[kind].as_object().unwrap().iter();
        let named = |one: &Value| one["name"] == name || one["Name"] == name;
        all.find(|(_, one)| named(one)).map(|(id, _)| id.clone()).unwrap()
    }

    /// Calls of the Consumer API so far, as `METHOD /path?query`.
    fn calls(&self) -> Vec<String> {
        testing::lines(&self.service)
            .filter(|line| line.contains("/Consumer/"))
            .map(|line| line.replacen("/Consumer/", "", 1))
            .collect()
    }

    fn effects(&self) -> Vec<String> {
        let reads = |line: &String| line.starts_with("GET") || line.ends_with("Search");
        self.calls().into_iter().filter(|line| !reads(line)).collect()
    }

    /// Effects of a step.
    async fn effects_of(&self, step: &Step) -> Vec<String> {
        let before = self.effects().len();
        self.execute(step).await.unwrap();
        self.effects().split_off(before)
    }

    fn logins(&self) -> usize {
        let seen = self.service.recorder().since(0).into_iter();
        seen.filter(|s| s.path.ends_with("/RequestJwtAuthentication")).count()
    }

    async fn observe(&self) -> Observation {
        self.driver.observe(&Scope::default()).await.unwrap()
    }

    async fn execute(&self, step: &Step) -> Result<Outcome, DriverError> {
        self.driver.execute(step).await
    }

    async fn compile(&self, policy: &Value, reach: Reach) -> Compiled {
        testing::compiled(&*self.driver, "usb", policy, reach).await
    }

    /// The one item that policy and groups come to.
    async fn desired(&self, policy: &Value, groups: &[&str]) -> DesiredItem {
        let compiled = self.compile(policy, including(groups)).await;
        assert_eq!(compiled.findings, []);
        testing::only(compiled)
    }

    fn difference(&self, desired: &DesiredItem, observed: &ObservedItem) -> Difference {
        testing::compare(&*self.driver, desired, observed)
    }

    /// What stands for an item, by its mark.
    async fn find(&self, desired: &DesiredItem) -> Option<ObservedItem> {
        let observation = self.observe().await;
        testing::at_most_one(
            observation.items.into_iter().filter(|item| item.mark == desired.mark()),
            "one object, once",
        )
    }

    /// The step that is due.
    async fn due(&self, desired: &DesiredItem) -> Option<Step> {
        testing::due(&*self.driver, desired, self.find(desired).await)
    }

    /// Brings one item to its desired state as a worker would, and returns how many steps that took.
    async fn converge(&self, desired: &DesiredItem) -> usize {
        for steps in 0..8 {
            let Some(step) = self.due(desired).await else { return steps };
            self.execute(&step).await.unwrap();
            // What was made may take a while to be listed.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it never settles: {:?}", self.find(desired).await.map(|o| self.difference(desired, &o)));
    }
}

fn replace(desired: &DesiredItem, observed: ObservedItem) -> Step {
    Step::Replace { desired: Box::new(desired.clone()), observed: Box::new(observed) }
}

fn including(groups: &[&str]) -> Reach {
    let groups: Vec<_> = groups.iter().map(|name| json!({ "name": name })).collect();
    testing::including("tachyon", &json!({ "managementGroups": groups }))
}

fn usb() -> Value {
    json!({"displayName": "USB lockdown Zürich", "description": "USB storage off", "content": {"tachyon": {
        "rules": [{"name": "USB-start-type"}, {"name": "smb1-disabled"}],
    }}})
}

const GROUPS: [&str; 2] = ["Finance laptops", "call centre ZÜRICH"];

fn set(desired: &mut DesiredItem, path: &str, value: Value) {
    desired.leaves.get_mut(&LeafPath(path.into())).unwrap().value = value;
}

fn groups(desired: &mut DesiredItem) -> &mut BTreeSet<String> {
    desired.members.get_mut(&MemberKind::ManagementGroup).unwrap()
}

/// Another name, and one rule and one group for another.
fn change(world: &World, desired: &mut DesiredItem) {
    set(desired, "name", json!("USB off"));
    let rule = |name: &str| LeafPath(format!("rules/{}", world.id_of("rules", name)).into());
    let on = desired.leaves.remove(&rule("usb-start-type")).unwrap();
    desired.leaves.insert(rule("print-spooler-stopped"), on);
    groups(desired).remove(&world.id_of("groups", "Call centre Zürich"));
    groups(desired).insert(world.id_of("groups", "Kiosks"));
}

fn leaf<'a>(item: &'a ObservedItem, path: &str) -> &'a Value {
    &item.leaves[&LeafPath(path.into())]
}
