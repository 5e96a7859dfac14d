//! The driver against the double that was written from the vendor's sheet, in one process on a paused clock.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod converge;
mod faults;
mod reading;
mod tasks;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    Wfbss, settings,
    testing::{self, path},
};
use crate::{
    drivers::{
        DesiredItem, DocumentChange, Driver, DriverError, Outcome, Packing, Scope, Step, testing::InProcess,
    },
    model::{Clock, ItemKey, LeafPath, LeafValue, Observation, ObservedItem, Secret, Shape},
    sandbox::{
        DoubleService,
        support::TokioClock,
        wfbss::{WfbssDouble, WfbssOptions},
    },
};

const ALDER: &str = "640FE47F-5118-4D79-8221-A35D0DE2EE2C";
const BIRCH: &str = "A9CC5A34-3CAD-480D-A9ED-87656316D3B9";
const CEDAR: &str = "AEE6F73D-6AFC-44CC-8C44-AC54A7A1E163";
/// Its licence has expired.
const DOGWOOD: &str = "AD38F82D-51A1-46FD-B167-E0D0FF31BE83";

/// A driver, and the double it talks to.
struct World {
    service: DoubleService,
    driver: Wfbss,
}

/// What one pass did.
#[derive(Debug, Default)]
struct Pass {
    differing: usize,
    results: Vec<Result<Outcome, DriverError>>,
}

impl World {
    fn new(options: &Value, spec: &Value) -> Self {
        let clock = TokioClock::shared();
        let options = WfbssOptions::default().patched(options).unwrap();
        Self::around(WfbssDouble::new(options, clock.clone()), clock, spec)
    }

    /// Many customers.
    fn large(customers: u32, groups: u32) -> Self {
        let clock = TokioClock::shared();
        let double = WfbssDouble::with_estate(customers, groups, WfbssOptions::default(), clock.clone());
        Self::around(double, clock, &json!({}))
    }

    fn around(double: Arc<WfbssDouble>, clock: Arc<dyn Clock>, spec: &Value) -> Self {
        let service = DoubleService::new(double, clock.clone());
        let driver = testing::driver_by(Arc::new(InProcess(service.clone())), spec, clock);
        Self { service, driver }
    }

    fn stored(&self, document: &str, pointer: &str) -> Value {
        let [customer, group, os] = document.split('/').collect::<Vec<_>>()[..] else { panic!("{document}") };
        let place = format!("/customers/{customer}/groups/{group}/policies/{os}{pointer}");
        self.service.double().state().pointer(&place).cloned().unwrap_or_default()
    }

    fn patch(&self, change: Value) {
        self.service.double().patch_state(change).unwrap();
    }

    fn fault(&self, fault: &Value) {
        self.service.add_fault(fault).unwrap();
    }

    async fn read(&self, wanted: &Wanted) -> Result<Observation, DriverError> {
        let leaves = |w: &BTreeMap<LeafPath, LeafValue>| w.keys().cloned().collect::<BTreeSet<_>>();
        let documents = wanted.iter().map(|(key, leaves_of)| (key.clone(), leaves(leaves_of))).collect();
        self.driver.observe(&Scope { documents, ..Scope::default() }).await
    }

    /// Reads, compares, packs and writes, as a worker does; secrets count as different while `secrets` says so.
    async fn pass(&self, wanted: &Wanted, proven: bool, synchronous: bool, secrets: bool) -> Pass {
        let seen = self.read(wanted).await.unwrap();
        let changes: Vec<_> =
            seen.items.into_iter().filter_map(|item| self.change(wanted, item, secrets)).collect();
        let mut pass = Pass { differing: changes.len(), ..Pass::default() };
        for changes in
            self.driver.translate().pack(changes, if proven { Packing::Proven } else { Packing::Untried })
        {
            pass.results.push(self.driver.execute(&Step::Write { changes, synchronous }).await);
        }
        pass
    }

    fn change(&self, wanted: &Wanted, observed: ObservedItem, secrets: bool) -> Option<DocumentChange> {
        let key = observed.key.clone()?;
        let leaves = wanted.get(&key)?.clone();
        let differs = |(path, leaf): &(&LeafPath, &LeafValue)| {
            let hidden = leaf.secret && !secrets;
            !hidden
                && observed.leaves.get(*path)
                    != Some(&self.driver.translate().canonicalise(path, &leaf.value))
        };
        let differing: BTreeSet<_> = leaves.iter().filter(differs).map(|(path, _)| path.clone()).collect();
        let desired = DesiredItem {
            title: key.to_string(),
            status_key: key.to_string(),
            key,
            shape: Shape::Document,
            leaves,
            members: BTreeMap::new(),
            enabled: None,
            rank: (0, String::new()),
            contributors: BTreeSet::new(),
        };
        (!differing.is_empty()).then_some(DocumentChange {
            desired,
            differing,
            restore: BTreeMap::new(),
            observed,
        })
    }

    /// Writes seen so far, as `cids gids os sync`.
    fn writes(&self) -> Vec<String> {
        let seen = self.service.recorder().since(0);
        seen.into_iter().filter(|seen| seen.method != "GET").map(|seen| seen.query).collect()
    }

    /// No write ever reached more than it named, and none went anywhere but to policies.
    fn assert_scoped(&self) {
        for seen in self.service.recorder().since(0) {
            let value = |name: &str| {
                let prefix = format!("{name}=");
                seen.query
                    .split('&')
                    .find_map(|pair| pair.strip_prefix(&prefix))
                    .unwrap_or_default()
                    .to_owned()
            };
            if seen.method == "GET" {
                assert!(!value("cids").contains(','), "one customer per question: {}", seen.query);
                continue;
            }
            assert_eq!((seen.method.as_str(), seen.path.rsplit('/').next().unwrap()), ("PUT", "policies"));
            for name in ["cids", "gids", "os"] {
                assert!(!value(name).is_empty(), "{name} is missing: {}", seen.query);
            }
            assert!(value("cids").split(',').count() <= 10, "{}", seen.query);
        }
        let state = self.service.double().state();
        assert_eq!((&state["unscopedWrites"], &state["ungroupedWrites"]), (&json!(0), &json!(0)));
    }
}

/// Leaves by document.
type Wanted = BTreeMap<ItemKey, BTreeMap<LeafPath, LeafValue>>;

/// The settings of one platform, wanted of several documents.
fn wanted(documents: &[&str], settings: &Value, secrets: &[(&str, &str)]) -> Wanted {
    let names: Vec<_> = secrets
        .iter()
        .map(|(path, _)| json!({"path": path, "secretKeyRef": {"name": "s", "key": path.replace('/', "-")}}))
        .collect();
    let values = secrets
        .iter()
        .map(|(path, text)| (("s".to_owned(), path.replace('/', "-")), Secret::new(*text)))
        .collect();
    let document =
        serde_json::from_value(json!({"os": "win", "settings": settings, "secrets": names})).unwrap();
    let (leaves, findings) = settings::leaves(&document, &values);
    assert!(findings.iter().all(|f| f.severity == crate::drivers::Severity::Note), "{findings:?}");
    documents.iter().map(|document| (testing::key(document), leaves.clone())).collect()
}

fn doc(customer: &str, group: u32) -> String {
    format!("{customer}/{group}/win")
}
