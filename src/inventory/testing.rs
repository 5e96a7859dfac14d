//! The promise of an inventory, tested the long way round: printed, read again as manifests, indexed as the operator does,
//! compiled, identified and drafted as for an assignment that observes. Used by the tests of every driver.
#![allow(clippy::unwrap_used, clippy::panic, clippy::missing_docs_in_private_items)]

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use proptest::{
    strategy::Strategy,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

use super::{Entry, Inventory, Judge, yaml};
use crate::{
    api::{Mode, SystemSpec},
    drivers::{Binding, CompileContext, Severity, Translate, connect},
    index::Scope,
    model::{
        BackendId, BackendKind, Catalogue, Digest, Digester, ExternalId, ItemKey, LeafPath, Observation,
        ObservedItem, OwnerId, Shape, memory::Memory,
    },
    plan::{
        ChangeKind, ItemVerdict,
        diff::leaf_digest,
        draft::{self, Inputs},
        drift::places,
        identify::{Adopt, Wanted, identify},
        merge::{Merged, Stake, merge},
    },
    preview::{
        index,
        manifest::{self, Source},
        overlay::overlay,
    },
    watch::Listed,
};

/// States tried by a law.
pub const STATES: u32 = 1000;

/// One system, and what can be named there.
pub struct Bench {
    system: Value,
    driver: Arc<dyn Translate>,
    catalogue: Catalogue,
    owner: OwnerId,
    backend: BackendId,
}

impl Bench {
    /// `system`: `{wso2: {…}}`, without credentials.
    pub fn new(mut system: Value, catalogue: Catalogue) -> Self {
        for member in system.as_object_mut().unwrap().values_mut() {
            member["credentialsRef"] = json!({"name": "creds"});
        }
        let spec: SystemSpec = serde_json::from_value(system.clone()).unwrap();
        Self {
            system,
            driver: connect::translate(&spec),
            catalogue,
            owner: OwnerId::new("a cluster"),
            backend: BackendId {
                kind: BackendKind::Backend,
                namespace: "team".into(),
                name: "system".into(),
            },
        }
    }

    pub fn entry(&self, item: &ObservedItem) -> Entry {
        let judge = Judge {
            driver: self.driver.as_ref(),
            catalogue: &self.catalogue,
            owner: &self.owner,
            backend: &self.backend,
            namespace: "team",
        };
        judge.entry(item)
    }

    /// Nothing where its manifests change nothing; why it has none otherwise. Panics where they change something.
    pub fn applied(&self, item: &ObservedItem) -> Result<(), String> {
        let entry = self.entry(item);
        if let Err(why) = &entry.manifests {
            return Err(why.clone());
        }
        let printed = self.printed(entry);
        let binding = self.bound(&printed);
        self.assert_nothing_to_do(&binding, item, &printed);
        Ok(())
    }

    /// [`Bench::applied`] of many states, of which at least so many have manifests.
    pub fn law(&self, states: impl Strategy<Value = ObservedItem>, at_least: u32) {
        let sayable = Cell::new(0_u32);
        let mut runner =
            TestRunner::new(Config { cases: STATES, failure_persistence: None, ..Config::default() });
        let outcome = runner.run(&states, |item| {
            sayable.set(sayable.get() + u32::from(self.applied(&item).is_ok()));
            Ok(())
        });
        if let Err(error) = outcome {
            panic!("{error}");
        }
        assert!(sayable.get() >= at_least, "only {} of {STATES} states had manifests", sayable.get());
    }

    fn printed(&self, entry: Entry) -> String {
        yaml(&Inventory {
            backend: self.backend.clone(),
            system: self.driver.facts().system,
            entries: vec![entry],
            orphans: 0,
            others: 0,
            gaps: Vec::new(),
        })
        .unwrap()
    }

    /// What the operator makes of the printed manifests.
    fn bound(&self, printed: &str) -> Binding {
        let backend = json!({"apiVersion": "ordain.dev/v1alpha1", "kind": "Backend",
            "metadata": {"name": "system", "namespace": "team"}, "spec": {"system": self.system}});
        let source = |name: &str, text: String| Source { name: name.into(), text };
        let sources = [source("backend", backend.to_string()), source("inventory", printed.to_owned())];
        let read = manifest::read(&sources, "elsewhere").unwrap_or_else(|e| panic!("{e:?}\n{printed}"));
        assert_eq!(read.objects.len(), 3, "{printed}");
        let empty = Scope::All.feeds().into_iter().map(|feed| (feed, Vec::new())).collect();
        let listed = Listed { objects: empty, ..Listed::default() };
        let laid = overlay(&listed, &read.objects, Timestamp::UNIX_EPOCH).ok().unwrap();
        let index = index(&Scope::All, &laid.objects);
        let desired = index.desired(&self.backend).unwrap_or_else(|| panic!("{printed}"));
        assert_eq!(desired.backend.invalid, None);
        let view = desired.assignments.values().next().unwrap_or_else(|| panic!("{printed}"));
        assert!(view.observe_only, "{printed}");
        let binding = view.binding().unwrap_or_else(|| panic!("{:?}\n{printed}", view.input)).clone();
        assert_eq!(binding.spec.mode(), Mode::Observe);
        binding
    }

    fn merged(&self, binding: &Binding, printed: &str) -> Merged {
        let digester = Digester::new([1; 32]);
        let context = CompileContext {
            catalogue: &self.catalogue,
            owner: &self.owner,
            digester: &digester,
            secrets: &BTreeMap::new(),
        };
        let compiled = self.driver.compile(binding, &context);
        let wrong: Vec<_> = compiled.findings.iter().filter(|f| f.severity != Severity::Note).collect();
        assert!(wrong.is_empty(), "{wrong:?}\n{printed}");
        let stakes: Vec<_> = compiled.contributions.iter().map(Stake::Live).collect();
        let digest = |path: &_, leaf: &_| leaf_digest(self.driver.as_ref(), &digester, path, leaf);
        merge(&stakes, &digest, &|_, _| None)
    }

    fn assert_nothing_to_do(&self, binding: &Binding, item: &ObservedItem, printed: &str) {
        let merged = self.merged(binding, printed);
        assert_eq!(merged.items.len(), 1, "{printed}");
        let observation = Observation { items: vec![item.clone()], complete: true, ..Observation::default() };
        let adopt = binding.spec.adopt.as_ref().and_then(|adopt| adopt.id.as_ref());
        let adopt = adopt.map(|id| Adopt::Id(ExternalId(id.as_str().into())));
        let wanted: Vec<_> = merged
            .items
            .values()
            .map(|item| Wanted {
                key: &item.key,
                document: item.shape == Shape::Document,
                mark: item.mark(),
                name: item.leaves.get(&LeafPath("name".into())).map_or("", |l| l.value.as_str().unwrap()),
                adopt: adopt.clone(),
            })
            .collect();
        let nothing = Memory::default();
        let identified = identify(&wanted, &nothing, &observation, &self.owner, &|_| true);
        assert_eq!(identified.found.len(), 1, "{:?}\n{printed}", identified.trouble);
        let inputs: BTreeMap<ItemKey, Digest> = merged.items.keys().map(|i| (i.clone(), Digest(0))).collect();
        let drafted = draft::draft(&Inputs {
            driver: self.driver.as_ref(),
            digester: &Digester::new([1; 32]),
            items: &merged.items,
            inputs: &inputs,
            releases: &[],
            identified: &identified,
            observation: &observation,
            memory: &nothing,
            frozen: None,
            keep_members: &BTreeSet::new(),
            correct_drift: true,
            seeds: &BTreeMap::new(),
            resting: &BTreeMap::new(),
            pre_image: &|_, _| None,
            stale_before: Timestamp::MIN,
            settle: SignedDuration::ZERO,
            now: Timestamp::UNIX_EPOCH,
        });
        for change in &drafted.plan.changes {
            let ChangeKind::Update { desired, observed, difference, .. } = &change.kind else {
                panic!("{change:?}\n{printed}")
            };
            assert_eq!(places(desired, observed, difference), ["mark"], "{printed}");
        }
        for verdict in drafted.verdicts.values() {
            let stands = !matches!(verdict, ItemVerdict::Blocked(..) | ItemVerdict::Waiting(..));
            assert!(stands, "{verdict:?}\n{printed}");
        }
    }
}
