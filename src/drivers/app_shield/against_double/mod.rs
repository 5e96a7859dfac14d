//! The driver against the double that was written from the vendor's sheet, in one process on a paused clock.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod faults;
mod life;
mod reading;
mod sessions;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    drivers::{
        Binding, CompileContext, Compiled, DesiredItem, Driver, DriverError, Outcome, Reach, Scope, Step,
        connect::connect, http::Limits, testing::InProcess,
    },
    model::{
        Digester, ExternalId, LeafPath, MemberKind, ObjectName, Observation, ObservedItem, OwnerId, Secret,
    },
    plan::diff::{Difference, difference},
    sandbox::{
        DoubleService,
        app_shield::{AppShieldDouble, AppShieldOptions},
        support::TokioClock,
    },
};

/// What may be configured of the calls that are not published.
fn all_paths() -> [Value; 4] {
    [
        json!({}),
        json!({"get": "/AppShield/GetPolicy"}),
        json!({"list": "/AppShield/GetPolicies"}),
        json!({"list": "/AppShield/GetPolicies", "get": "/AppShield/GetPolicy", "delete": "/AppShield/DeletePolicy"}),
    ]
}

fn everything() -> Value {
    all_paths()[3].clone()
}

/// A driver, the double it talks to, and what a worker would remember.
struct World {
    service: DoubleService,
    driver: Arc<dyn Driver>,
    owner: OwnerId,
    /// The last answer, which stands for a read where nothing can be read.
    answered: Mutex<Option<ObservedItem>>,
}

impl World {
    fn new(paths: &Value) -> Self {
        Self::with(paths, &json!({}))
    }

    /// `options` change the double.
    fn with(paths: &Value, options: &Value) -> Self {
        Self::as_user(paths, options, &json!({}), None)
    }

    /// `settings` change the backend.
    fn as_user(paths: &Value, options: &Value, settings: &Value, user: Option<(&str, &str)>) -> Self {
        let clock = TokioClock::shared();
        let options =
            AppShieldOptions::default().patched(&json!({ "paths": paths })).unwrap().patched(options);
        let service =
            DoubleService::new(AppShieldDouble::new(options.unwrap(), clock.clone()), clock.clone());
        let mut system = service.double().backend("https://bi.example");
        system.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let system = serde_json::from_value(json!({ "appShield": system })).unwrap();
        let mut credentials: BTreeMap<String, Secret> =
            service.double().credentials().into_iter().map(|(k, v)| (k.to_owned(), Secret::new(v))).collect();
        if let Some((name, password)) = user {
            credentials.insert("username".into(), Secret::new(name));
            credentials.insert("password".into(), Secret::new(password));
        }
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
        Self { service, driver, owner, answered: Mutex::default() }
    }

    fn fault(&self, fault: &Value) {
        self.service.add_fault(fault).unwrap();
    }

    fn patch(&self, change: Value) {
        self.service.double().patch_state(change).unwrap();
    }

    fn counter(&self, name: &str) -> u64 {
        self.service.double().state()["counters"][name].as_u64().unwrap()
    }

    /// All policies as the double holds them, with their ids.
    fn policies(&self) -> Vec<Value> {
        let with_id = |(id, policy): (&String, &Value)| {
            let mut policy = policy.clone();
            policy["id"] = json!(id);
            policy
        };
        self.service.double().state()["policies"].as_object().unwrap().iter().map(with_id).collect()
    }

    fn is_ours(policy: &Value) -> bool {
        policy["description"].as_str().is_some_and(|text| text.contains("[ordain:"))
    }

    fn ours(&self) -> Vec<Value> {
        self.policies().into_iter().filter(Self::is_ours).collect()
    }

    fn foreign(&self) -> Vec<Value> {
        self.policies().into_iter().filter(|policy| !Self::is_ours(policy)).collect()
    }

    /// The calls so far, by the last segment of their paths.
    fn calls(&self) -> Vec<String> {
        let last = |path: String| path.rsplit('/').next().unwrap().to_owned();
        self.service.recorder().since(0).into_iter().map(|seen| last(seen.path)).collect()
    }

    fn count(&self, call: &str) -> usize {
        self.calls().iter().filter(|one| *one == call).count()
    }

    /// Bodies of the saves so far.
    fn saves(&self) -> Vec<Value> {
        let seen = self.service.recorder().since(0).into_iter();
        seen.filter(|seen| seen.path.ends_with("/SaveAppShieldPolicy")).map(|seen| seen.body).collect()
    }

    async fn observe(&self) -> Result<Observation, DriverError> {
        let answered = self.answered.lock().unwrap().clone();
        let objects = answered.and_then(|item| item.id).into_iter().collect();
        self.driver.observe(&Scope { objects, ..Scope::default() }).await
    }

    /// Carries out a step and remembers what a worker would.
    async fn execute(&self, step: &Step) -> Result<Outcome, DriverError> {
        let outcome = self.driver.execute(step).await?;
        if let Outcome::Applied { answer: Some(answer), .. } = &outcome {
            *self.answered.lock().unwrap() = Some((**answer).clone());
        }
        Ok(outcome)
    }

    async fn create(&self, desired: &DesiredItem) -> Result<Outcome, DriverError> {
        self.execute(&Step::Create(Box::new(desired.clone()))).await
    }

    async fn replace(&self, desired: &DesiredItem, observed: ObservedItem) -> Result<Outcome, DriverError> {
        let step = Step::Replace { desired: Box::new(desired.clone()), observed: Box::new(observed) };
        self.execute(&step).await
    }

    async fn compile(&self, policy: &Value, include: &Value) -> Compiled {
        let target = serde_json::from_value(json!({ "appShield": include })).unwrap();
        let include = vec![("spec.targets.include[0]".into(), Arc::new(target))];
        self.compile_reach(policy, Reach { include, ..Reach::default() }).await
    }

    async fn compile_reach(&self, policy: &Value, reach: Reach) -> Compiled {
        let catalogue = self.driver.catalogue().await.unwrap();
        let spec = json!({"policyRef": {"name": "rows"}, "backendRef": {"name": "bi"}});
        let binding = Binding {
            assignment: ObjectName::new("team", "acme"),
            policy_generation: 1,
            policy_name: "rows".into(),
            display_name: policy["displayName"].as_str().unwrap_or("rows").into(),
            policy: Arc::new(serde_json::from_value(policy.clone()).unwrap()),
            spec: Arc::new(serde_json::from_value(spec).unwrap()),
            reach,
        };
        let context = CompileContext {
            catalogue: &catalogue,
            owner: &self.owner,
            digester: &Digester::new([7; 32]),
            secrets: &BTreeMap::new(),
        };
        self.driver.compile(&binding, &context)
    }

    /// The one item that policy and targets come to.
    async fn desired(&self, policy: &Value, include: &Value) -> DesiredItem {
        let compiled = self.compile(policy, include).await;
        assert_eq!(compiled.findings, []);
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

    /// What stands for an item: as read by id or mark, else as last answered.
    async fn find(&self, desired: &DesiredItem) -> Option<ObservedItem> {
        if !self.driver.facts().reads {
            return self.answered.lock().unwrap().clone();
        }
        let known = self.answered.lock().unwrap().as_ref().and_then(|item| item.id.clone());
        let observation = self.observe().await.unwrap();
        let is_it = |item: &ObservedItem| match &known {
            Some(id) => item.id.as_ref() == Some(id),
            None => item.mark == desired.mark(),
        };
        observation.items.into_iter().find(is_it)
    }

    /// Brings one item to its desired state as a worker would, and returns how many effects that took.
    async fn converge(&self, desired: &DesiredItem) -> usize {
        for effects in 0..6 {
            match self.find(desired).await {
                None => self.create(desired).await.unwrap(),
                Some(observed) if self.difference(desired, &observed).is_empty() => return effects,
                Some(observed) => self.replace(desired, observed).await.unwrap(),
            };
        }
        panic!("it never settles: {:?}", self.find(desired).await.map(|o| self.difference(desired, &o)));
    }
}

fn rows() -> Value {
    json!({"displayName": "Acme rows", "description": "Only Acme's \"own\" & ü", "content": {"appShield": {"constraints": [
        {"AppField": "Orders.Customer", "Operator": "=", "Value": "/#company#/", "Join": "AND", "Unknown": {"a": [1, null]}},
        {"AppField": "Sales.Region", "Operator": "in", "Value": "DE,AT", "Id": 639_057_069_300_123_456_i64},
    ]}}})
}

fn acme() -> Value {
    json!({"groups": [{"name": "tenant-acme"}, {"id": "11"}], "users": [{"name": "mara.holt"}]})
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
