//! The driver against the double that was written from the vendor's sheet, in one process on a paused clock.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod faults;
mod life;
mod reading;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    drivers::{
        Binding, CompileContext, Compiled, DesiredItem, Driver, DriverError, Outcome, Reach, Scope, Step,
        connect::connect, http::Limits, testing::InProcess,
    },
    model::{Digester, LeafPath, MemberKind, ObjectName, Observation, ObservedItem, OwnerId, Secret, Shape},
    plan::diff::{Difference, difference},
    sandbox::{
        DoubleService,
        support::TokioClock,
        wso2::{Dialect, Wso2Double, Wso2Options},
    },
};

const ALL: [Dialect; 4] = [Dialect::MdmAdmin, Dialect::DeviceMgtV1Put, Dialect::DeviceMgtV1, Dialect::Entgra];

/// A driver, and the double it talks to.
struct World {
    service: DoubleService,
    driver: Arc<dyn Driver>,
    owner: OwnerId,
}

impl World {
    fn new(dialect: Dialect) -> Self {
        Self::with(dialect, &json!({}), &json!({}))
    }

    /// `options` change the double, `settings` the backend.
    fn with(dialect: Dialect, options: &Value, settings: &Value) -> Self {
        Self::as_user(dialect, options, settings, None)
    }

    fn as_user(dialect: Dialect, options: &Value, settings: &Value, user: Option<(&str, &str)>) -> Self {
        let clock = TokioClock::shared();
        let options = Wso2Options::of(dialect).patched(options).unwrap();
        let service = DoubleService::new(Wso2Double::new(options, clock.clone()), clock.clone());
        let mut system = service.double().backend("https://emm.example:9443");
        if options_gateway_off(&service) {
            system["tokenUrl"] = json!("https://emm.example:9443/oauth2/token");
        }
        system.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let system = serde_json::from_value(json!({ "wso2": system })).unwrap();
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
        Self { service, driver, owner }
    }

    fn fault(&self, fault: &Value) {
        self.service.add_fault(fault).unwrap();
    }

    fn patch(&self, change: Value) {
        self.service.double().patch_state(change).unwrap();
    }

    /// All policies as the double holds them.
    fn policies(&self) -> Vec<Value> {
        self.service.double().state()["policies"].as_array().unwrap().clone()
    }

    /// Those that bear a mark.
    fn ours(&self) -> Vec<Value> {
        let marked = |p: &Value| p["description"].as_str().is_some_and(|d| d.contains("[ordain:"));
        self.policies().into_iter().filter(marked).collect()
    }

    /// Calls so far, as `METHOD /path?query`, without logins.
    fn calls(&self) -> Vec<String> {
        let seen = self.service.recorder().since(0).into_iter();
        seen.map(|s| format!("{} {}?{}", s.method, s.path, s.query).trim_end_matches('?').to_owned())
            .filter(|line| !line.ends_with("/register") && !line.ends_with("/token"))
            .collect()
    }

    fn effects(&self) -> Vec<String> {
        self.calls().into_iter().filter(|line| !line.starts_with("GET")).collect()
    }

    async fn observe(&self) -> Observation {
        self.driver.observe(&Scope::default()).await.unwrap()
    }

    async fn execute(&self, step: &Step) -> Result<Outcome, DriverError> {
        self.driver.execute(step).await
    }

    /// Deploys and waits until it is done.
    async fn deploy(&self) {
        self.execute(&Step::Deploy).await.unwrap();
        tokio::time::sleep(Duration::from_secs(10)).await;
    }

    async fn compile(&self, policy: &Value, include: &Value) -> Compiled {
        let catalogue = self.driver.catalogue().await.unwrap();
        let target = serde_json::from_value(json!({ "wso2": include })).unwrap();
        let spec = json!({"policyRef": {"name": "laptops"}, "backendRef": {"name": "emm"}});
        let binding = Binding {
            assignment: ObjectName::new("team", "laptops"),
            policy_generation: 1,
            policy_name: "laptops".into(),
            display_name: policy["displayName"].as_str().unwrap_or("laptops").into(),
            policy: Arc::new(serde_json::from_value(policy.clone()).unwrap()),
            spec: Arc::new(serde_json::from_value(spec).unwrap()),
            reach: Reach {
                include: vec![("spec.targets.include[0]".into(), Arc::new(target))],
                ..Reach::default()
            },
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

    /// What stands for an item, by its mark.
    async fn find(&self, desired: &DesiredItem) -> Option<ObservedItem> {
        let observation = self.observe().await;
        let mut found = observation.items.into_iter().filter(|item| item.mark == mark(desired));
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

/// Without its gateway the system hands out tokens elsewhere.
fn options_gateway_off(service: &DoubleService) -> bool {
    service.double().state()["options"]["gateway"] == json!(false)
}

fn mark(desired: &DesiredItem) -> Option<crate::model::Mark> {
    match &desired.shape {
        Shape::Object { mark } => mark.clone(),
        Shape::Document => None,
    }
}

fn baseline() -> Value {
    json!({"displayName": "Laptop baseline", "description": "Camera = off & PIN > 6", "content": {"wso2": {"profiles": [
        {"platform": "android", "features": [
            {"code": "CAMERA", "content": {"enabled": false}},
            {"code": "PASSCODE_POLICY", "content": {
                "minLength": 6, "maxPINAgeInDays": "30", "ratio": 0.1, "nothing": null, "note": "a=b <c> 'd' & \"e\" ü",
                "nested": {"list": [1, 2.5, {"x": null}], "big": 9_007_199_254_740_993_i64}}},
        ]},
    ]}}})
}

fn engineers() -> Value {
    json!({"roles": ["engineer"]})
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

fn leaf<'a>(item: &'a ObservedItem, path: &str) -> &'a Value {
    &item.leaves[&LeafPath(path.into())]
}

fn members(item: &ObservedItem, kind: MemberKind) -> BTreeSet<String> {
    item.members[&kind].clone()
}
