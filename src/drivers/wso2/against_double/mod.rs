//! The driver against the double that was written from the vendor's sheet, in one process on a paused clock.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod faults;
mod life;
mod reading;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::{
    drivers::{Compiled, DesiredItem, Driver, DriverError, Outcome, Scope, Step, testing},
    model::{LeafPath, MemberKind, Observation, ObservedItem},
    plan::diff::Difference,
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
        let mut settings = settings.clone();
        if options_gateway_off(&service) {
            settings["tokenUrl"] = json!("https://emm.example:9443/oauth2/token");
        }
        let keys = user.map(|(name, password)| [("username", name), ("password", password)]);
        let keys = keys.as_ref().map_or(&[][..], |keys| keys);
        let driver = testing::connected(&service, "https://emm.example:9443", &settings, keys);
        Self { service, driver }
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
        testing::lines(&self.service)
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
        testing::compiled(&*self.driver, "laptops", policy, testing::including("wso2", include)).await
    }

    /// The one item that policy and targets come to.
    async fn desired(&self, policy: &Value, include: &Value) -> DesiredItem {
        let compiled = self.compile(policy, include).await;
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

/// Without its gateway the system hands out tokens elsewhere.
fn options_gateway_off(service: &DoubleService) -> bool {
    service.double().state()["options"]["gateway"] == json!(false)
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
