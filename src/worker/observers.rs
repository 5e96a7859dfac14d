//! Assignments in Observe mode (R23): no finalizer, no mark, no write; InSync tells the truth, `status.plan` what
//! Apply would do.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};

use super::{
    Worker,
    facts::AUTHORS,
    look::{Look, adopt},
};
use crate::{
    drivers::Severity,
    index::{AssignmentView, Desired},
    model::{Digest, ItemKey, LeafPath, LeafValue, ObjectName, memory::Memory},
    plan::{
        ChangeKind, ItemVerdict,
        diff::leaf_digest,
        draft::{self, Inputs},
        drift,
        identify::{Wanted, identify},
        merge::{Stake, merge},
    },
    report::facts::{ObjectFact, PlanFact},
};

/// What was last seen for an observing assignment. In memory only: after a restart it is read again.
#[derive(Debug, Clone)]
pub struct Watching {
    /// Compiled from this view.
    view: Arc<AssignmentView>,
    /// When.
    at: Timestamp,
    /// What Apply would do.
    pub plan: PlanFact,
    /// Where it differs, at most 20.
    pub paths: Vec<String>,
    /// Who changed what differs, at most `AUTHORS` clauses.
    pub authors: Vec<String>,
    /// Objects found.
    pub objects: Vec<ObjectFact>,
    /// What stands in the way of knowing.
    pub trouble: Option<(crate::api::conditions::Reason, String)>,
}

impl Watching {
    /// Whether this was seen of what that view comes to: of what was edited since, nothing is known.
    pub(super) fn is_of(&self, view: &AssignmentView) -> bool {
        view.is_unedited_since(&self.view)
    }
}

impl Worker {
    /// Observing assignments that were never looked at, have changed, or were read a drift interval ago.
    pub(super) fn watching_due(&mut self, desired: &Desired) -> BTreeSet<ObjectName> {
        self.watching.retain(|name, _| desired.assignments.get(name).is_some_and(|view| view.observe_only));
        let now = self.now();
        let interval = SignedDuration::try_from(desired.backend.settings.drift_interval).unwrap_or_default();
        let of_account = self.requests.is_open(&self.id.to_string(), desired.backend.requested_at.as_deref());
        desired
            .assignments
            .iter()
            .filter(|(_, view)| view.observe_only && !view.deleting && view.binding().is_some())
            .filter(|(name, view)| {
                let asked =
                    of_account || self.requests.is_open(&name.to_string(), view.requested_at.as_deref());
                self.watching.get(*name).is_none_or(|seen| {
                    asked || !Arc::ptr_eq(&seen.view, view) || now.duration_since(seen.at) >= interval
                })
            })
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// Compares each with what was just read.
    pub(super) fn observe_watching(&mut self, desired: &Desired, names: &BTreeSet<ObjectName>, look: &Look) {
        for name in names {
            let Some(view) = desired.assignments.get(name) else { continue };
            let watching = self.watch_one(desired, view, look);
            self.watching.insert(name.clone(), watching);
            self.pace.touch([name.clone()]);
        }
    }

    fn watch_one(&self, desired: &Desired, view: &Arc<AssignmentView>, look: &Look) -> Watching {
        let compiled = self.compile_one(desired, view).unwrap_or_default();
        let mut watching = Watching {
            view: Arc::clone(view),
            at: self.now(),
            plan: PlanFact::default(),
            paths: Vec::new(),
            authors: Vec::new(),
            objects: Vec::new(),
            trouble: compiled
                .findings
                .iter()
                .find(|f| f.severity == Severity::Refused)
                .map(|f| (f.reason, f.message.clone())),
        };
        let driver = look.driver.translate();
        let digest = |path: &LeafPath, leaf: &LeafValue| leaf_digest(driver, &self.digester, path, leaf);
        let stakes: Vec<_> = compiled.contributions.iter().map(Stake::Live).collect();
        let merged = merge(&stakes, &digest, &|_, _| None);
        let adopt = adopt(view);
        let name_path = LeafPath("name".into());
        let wanted: Vec<_> = merged
            .items
            .values()
            .map(|item| Wanted {
                key: &item.key,
                document: item.shape == crate::model::Shape::Document,
                mark: item.mark(),
                name: item.leaves.get(&name_path).and_then(|leaf| leaf.value.as_str()).unwrap_or(&item.title),
                adopt: adopt.clone(),
            })
            .collect();
        let nothing = Memory::default();
        let identified = identify(&wanted, &nothing, &look.observation, &self.house.owner, &|_| true);
        let inputs: BTreeMap<ItemKey, Digest> = merged.items.keys().map(|i| (i.clone(), Digest(0))).collect();
        let draft = draft::draft(&Inputs {
            driver,
            digester: &self.digester,
            items: &merged.items,
            inputs: &inputs,
            releases: &[],
            identified: &identified,
            observation: &look.observation,
            memory: &nothing,
            frozen: None,
            keep_members: &BTreeSet::new(),
            correct_drift: true,
            seeds: &BTreeMap::new(),
            resting: &BTreeMap::new(),
            pre_image: &|_, _| None,
            stale_before: jiff::Timestamp::MIN,
            settle: self.house.settle,
            now: self.now(),
        });
        fill(&mut watching, &draft, &identified);
        watching
    }
}

fn fill(watching: &mut Watching, draft: &draft::Draft, identified: &crate::plan::identify::Identified<'_>) {
    for change in &draft.plan.changes {
        watching.plan.remove = watching.plan.remove.saturating_add(change.removals());
        match change.kind {
            ChangeKind::Create(_) => watching.plan.create += 1,
            ChangeKind::Update { ref desired, ref observed, ref difference, .. } => {
                let mut places = drift::places(desired, observed, difference);
                places.retain(|place| place != "mark");
                // A missing mark alone is what adopting would add; the content is in step.
                if difference.unmarked && places.is_empty() {
                    continue;
                }
                watching.plan.update += 1;
                watching.paths.extend(places.iter().map(|place| format!("{} {place}", change.item)));
                let author = drift::author(&observed.provenance, None);
                watching.authors.push(format!("; {} was changed {author}", change.item));
            }
            _ => {}
        }
    }
    for verdict in draft.verdicts.values() {
        if let ItemVerdict::Blocked(reason, message) | ItemVerdict::Waiting(reason, message) = verdict {
            watching.trouble.get_or_insert((*reason, message.clone()));
        }
    }
    for (item, observed) in &identified.found {
        watching.objects.push(ObjectFact {
            key: item.to_string(),
            id: observed.id.as_ref().map(ToString::to_string).unwrap_or_default(),
            name: observed.name.clone(),
            active: observed.enabled,
            provenance: observed.provenance.clone(),
        });
    }
    watching.paths.truncate(20);
    watching.authors.truncate(AUTHORS);
    watching.objects.truncate(16);
    let plan = &watching.plan;
    watching.plan.summary = match (plan.create, plan.update) {
        (0, 0) => "nothing would change".to_owned(),
        (create, update) => format!("would create {create}, change {update}, remove {}", plan.remove),
    };
}
