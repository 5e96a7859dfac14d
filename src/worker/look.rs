//! A look at the system: compile what is wanted of a round's items, read them, merge.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{
    Worker, external_id,
    plain::in_plain_words,
    record,
    round::Halt,
    schedule::{Due, Lane},
};
use crate::{
    drivers::{Compiled, DesiredItem, Driver, Scope, Seed, Translate},
    index::{AssignmentView, Desired},
    model::{
        Digest, ExternalId, ItemKey, LeafPath, Mark, ObjectName, Observation, Shape,
        memory::{CatalogueRecord, ClaimRecord, Origin, TaskState, Write},
    },
    plan::{
        identify::{Adopt, Trouble},
        release::Release,
    },
};

/// What one look shows.
pub struct Look {
    /// The driver it was made with.
    pub driver: Arc<dyn Driver>,
    /// Merged desired state of the round's items.
    pub items: BTreeMap<ItemKey, DesiredItem>,
    /// What is to be copied first, as far as wanted (R27).
    pub seeds: BTreeMap<ItemKey, Seed>,
    /// Inputs digest per item.
    pub inputs: BTreeMap<ItemKey, Digest>,
    /// Items being let go of.
    pub releasing: BTreeSet<ItemKey>,
    /// What each contributor claims of each item.
    pub claims: BTreeMap<(ItemKey, ObjectName), ClaimRecord>,
    /// Items that keep members because an include does not resolve (R16).
    pub keep_members: BTreeSet<ItemKey>,
    /// `spec.adopt` of the oldest contributor that has one.
    pub adopt: BTreeMap<ItemKey, Adopt>,
    /// Marks of objects being let go of.
    pub(super) marks: BTreeMap<ItemKey, Option<Mark>>,
    /// What was read.
    pub observation: Observation,
    pub(super) states: BTreeMap<String, TaskState>,
    /// What must not be created, and why (R15).
    pub(super) barred: BTreeMap<ItemKey, Trouble>,
}

/// By how much of a drift interval names are listed ahead of their time. Looks are spread over as much of it.
const AHEAD: u32 = 10;

impl Worker {
    /// When names and ids are to be listed: at once where that was never done, after a drift interval, and in growing
    /// steps while something does not resolve (R16). `None`: nobody needs any.
    pub(super) fn catalogue_due(&self, desired: &Desired) -> Option<Timestamp> {
        if !desired.assignments.values().any(|view| view.binding().is_some()) {
            return None;
        }
        let Some(record) = self.memory.catalogue.as_ref().filter(|_| !self.relist) else {
            return Some(Timestamp::MIN);
        };
        let interval =
            jiff::SignedDuration::try_from(desired.backend.settings.drift_interval).unwrap_or_default();
        let unresolved = |kept: &super::kept::Kept| {
            let open =
                |f: &crate::drivers::Finding| f.severity != crate::drivers::Severity::Note && f.may_resolve();
            !kept.view.suspended && kept.findings.iter().any(open)
        };
        let age = match self.stakes.iter().any(|(_, kept)| unresolved(kept)) {
            true => interval.min(jiff::SignedDuration::from_mins(1i64 << self.catalogue_misses.min(6))),
            false => interval,
        };
        Some(record.at.checked_add(age).unwrap_or(Timestamp::MAX))
    }

    /// Whether names are listed a little ahead of their time, since all of the account is about to be looked at: drift is
    /// put back as the names say it, and what vanished from the system would be sent to it once more. Where an account is
    /// looked at item by item some look is always about to be made, and names are listed in their own time.
    pub(super) fn lists_before(&self, desired: &Desired, due: &Due) -> bool {
        let snapshot = self.session.as_ref().is_some_and(|s| s.driver.translate().facts().snapshot);
        let looks = snapshot && due.items.values().any(|lane| *lane == Lane::Drift);
        let Some(record) = self.memory.catalogue.as_ref().filter(|_| looks) else { return false };
        let interval = desired.backend.settings.drift_interval;
        let age =
            jiff::SignedDuration::try_from(interval.saturating_sub(interval / AHEAD)).unwrap_or_default();
        self.now().duration_since(record.at) >= age
    }

    /// Lists names and ids anew. Returns whether they differ from before.
    pub(super) async fn refresh_catalogue(&mut self) -> Result<bool, Halt> {
        let Some(session) = &self.session else { return Ok(false) };
        let catalogue = session.driver.catalogue().await.map_err(Halt::Account)?;
        self.relist = false;
        let same = self.memory.catalogue.as_ref().is_some_and(|c| c.catalogue == catalogue);
        self.catalogue_misses = if same { self.catalogue_misses.saturating_add(1) } else { 0 };
        self.commit(vec![Write::Catalogue(CatalogueRecord { at: self.now(), catalogue })])?;
        Ok(!same)
    }

    /// Reads the round's items (and what observers watch) and merges what is wanted of them.
    pub(super) async fn look(
        &mut self,
        desired: &Desired,
        round: BTreeSet<ItemKey>,
        rest: &[Release],
        watching: &BTreeSet<ObjectName>,
    ) -> Result<Look, Halt> {
        let Some(session) = &self.session else { return Err(Halt::Account(super::connect::not_connected())) };
        let driver = session.driver.clone();
        let compiled = self.compile_holders(desired, &round);
        let barred = self.recall_external_ids(desired, driver.translate(), &compiled, rest)?;
        let mut scope = self.scope(desired, &round, &compiled, watching);
        let facts = driver.translate().facts();
        if facts.reads && !facts.lists {
            scope.others = external_id::others(&self.memory, &scope.objects);
        }
        let mut observation = driver.observe(&scope).await.map_err(Halt::Account)?;
        self.complete_from_memory(&mut observation, driver.translate(), &round, &scope.objects);
        in_plain_words(&mut observation);
        self.regain_provenance(&observation)?;
        let states = self.ask_tasks(driver.as_ref(), &round).await;
        let look = self.merge(desired, round, rest, &compiled, observation, driver, states);
        Ok(Look { barred, ..look })
    }

    pub(super) fn compile_holders(
        &self,
        desired: &Desired,
        round: &BTreeSet<ItemKey>,
    ) -> BTreeMap<ObjectName, Compiled> {
        let holders: BTreeSet<&ObjectName> =
            round.iter().flat_map(|item| self.stakes.holders(item)).map(|(who, _)| who).collect();
        holders
            .into_iter()
            .filter(|who| self.stakes.get(who).is_some_and(super::kept::Kept::pushes))
            .filter_map(|who| Some((who.clone(), self.compile_one(desired, desired.assignments.get(who)?)?)))
            .collect()
    }

    fn scope(
        &self,
        desired: &Desired,
        round: &BTreeSet<ItemKey>,
        compiled: &BTreeMap<ObjectName, Compiled>,
        watching: &BTreeSet<ObjectName>,
    ) -> Scope {
        let mut scope = Scope::default();
        let watched: Vec<Compiled> = watching
            .iter()
            .filter_map(|name| self.compile_one(desired, desired.assignments.get(name)?))
            .collect();
        let documents = compiled
            .values()
            .flat_map(|c| c.contributions.iter().filter(|c| round.contains(&c.item)))
            .chain(watched.iter().flat_map(|c| &c.contributions))
            .filter(|c| c.shape == Shape::Document);
        for contribution in documents {
            scope
                .documents
                .entry(contribution.item.clone())
                .or_default()
                .extend(contribution.leaves.keys().cloned());
        }
        let recorded = round.iter().filter_map(|item| self.memory.items.get(item)?.id.clone());
        let adopted =
            compiled.keys().chain(watching).filter_map(|who| match adopt(desired.assignments.get(who)?)? {
                Adopt::Id(id) => Some(id),
                Adopt::ByName => None,
            });
        scope.objects.extend(recorded.chain(adopted));
        for item in round {
            let claimed = self
                .memory
                .claims
                .on(item)
                .flat_map(|(_, claim)| claim.leaves.iter().map(|(p, _)| p.clone()));
            let claimed: BTreeSet<LeafPath> = claimed.collect();
            if !claimed.is_empty() {
                scope.documents.entry(item.clone()).or_default().extend(claimed);
            }
        }
        scope
    }

    /// Failing to ask for a task is not a failure of the round: the documents are read anyway.
    async fn ask_tasks(&self, driver: &dyn Driver, round: &BTreeSet<ItemKey>) -> BTreeMap<String, TaskState> {
        let mut states = BTreeMap::new();
        for (id, task) in &self.memory.operations {
            if task.items.keys().any(|item| round.contains(item))
                && let Ok(Some(state)) = driver.check(id).await
            {
                states.insert(id.clone(), state);
            }
        }
        states
    }

    #[allow(clippy::too_many_arguments)] // the parts of a look, each from another step
    fn merge(
        &mut self,
        desired: &Desired,
        round: BTreeSet<ItemKey>,
        rest: &[Release],
        compiled: &BTreeMap<ObjectName, Compiled>,
        observation: Observation,
        driver: Arc<dyn Driver>,
        states: BTreeMap<String, TaskState>,
    ) -> Look {
        let read: BTreeMap<_, _> =
            observation.items.iter().filter_map(|item| Some((item.key.as_ref()?, item))).collect();
        let stands = |item: &ItemKey, path: &LeafPath| {
            let value = read.get(item)?.leaves.get(path)?;
            Some(self.digester.json(&driver.translate().canonicalise(path, value)))
        };
        let mut merged = self.merge_stakes(&round, rest, compiled, driver.translate(), &stands);
        self.own_switches(desired, &mut merged.items);
        self.note_losers(&round, &mut merged);
        // Also of items that are only let go of: what rests or is under way is told by them, too.
        let inputs = round.iter().map(|i| (i.clone(), self.stakes.inputs(i, &self.digester))).collect();
        let keep_members = self.keep_members(desired, &merged.items);
        Look {
            inputs,
            seeds: seeds(compiled, &merged.items),
            keep_members,
            claims: self.claims(desired, compiled, driver.translate()),
            adopt: adoptions(desired, &merged.items),
            marks: self.marks(desired, rest),
            items: merged.items,
            releasing: rest.iter().map(|release| release.item.clone()).collect(),
            driver,
            observation,
            states,
            barred: BTreeMap::new(),
        }
    }

    /// Items that lose no member: an include of a contributor does not resolve (R16), or a lost store took what somebody
    /// gave who cannot say it again now (R13).
    fn keep_members(&self, desired: &Desired, items: &BTreeMap<ItemKey, DesiredItem>) -> BTreeSet<ItemKey> {
        let unresolved =
            |who: &ObjectName| self.stakes.get(who).is_some_and(|kept| kept.left_out().is_some());
        let silent = self.silent_since_the_loss(desired);
        let forgotten = |who: &ObjectName| silent.contains(&*who.namespace);
        let keeps =
            |item: &&DesiredItem| item.contributors.iter().any(|who| unresolved(who) || forgotten(who));
        items.values().filter(keeps).map(|item| item.key.clone()).collect()
    }

    /// Namespaces with an assignment that bears our finalizer, pushes nothing, and whose claims a lost store took.
    fn silent_since_the_loss<'d>(&self, desired: &'d Desired) -> BTreeSet<&'d str> {
        if self.memory.lost.is_empty() || !desired.backend.system.name().keys_by_policy() {
            return BTreeSet::new();
        }
        let pushes = |name| self.stakes.get(name).is_some_and(super::kept::Kept::pushes);
        let silent = desired.assignments.values().filter(|view| {
            view.finalizer && !view.deleting && !pushes(&view.name) && !self.memory.claims.holds(&view.name)
        });
        silent.map(|view| &*view.name.namespace).collect()
    }

    /// Where the Policy leaves the switch open it is ours on what we made, and not on what we adopted, whatever
    /// `spec.adopt` says by now: that is read only while no id is recorded (R23).
    fn own_switches(&self, desired: &Desired, items: &mut BTreeMap<ItemKey, DesiredItem>) {
        for item in items.values_mut().filter(|item| item.shape != Shape::Document) {
            let bindings = item.contributors.iter().filter_map(|who| desired.assignments.get(who)?.binding());
            let named = bindings.map(|binding| binding.policy.enabled).any(|enabled| enabled.is_some());
            let adopts =
                |who: &ObjectName| desired.assignments.get(who).and_then(|view| adopt(view)).is_some();
            let adopted = match self.memory.items.get(&item.key).filter(|record| record.id.is_some()) {
                Some(record) => record.origin == Origin::Adopted,
                None => item.contributors.iter().any(adopts),
            };
            if adopted && !named {
                item.enabled = None;
            }
        }
    }

    fn claims(
        &self,
        desired: &Desired,
        compiled: &BTreeMap<ObjectName, Compiled>,
        driver: &dyn Translate,
    ) -> BTreeMap<(ItemKey, ObjectName), ClaimRecord> {
        let mut claims = BTreeMap::new();
        for (who, compiled) in compiled {
            let Some(view) = desired.assignments.get(who) else { continue };
            let policy_generation = view.binding().map_or(0, |b| b.policy_generation);
            for contribution in &compiled.contributions {
                let claim =
                    record::claim(contribution, view.generation, policy_generation, driver, &self.digester);
                claims.insert((contribution.item.clone(), who.clone()), claim);
            }
        }
        claims
    }

    /// Marks of objects being let go of: as recorded, or as compiled where a lost store took the record.
    fn marks(&self, desired: &Desired, rest: &[Release]) -> BTreeMap<ItemKey, Option<Mark>> {
        let mut marks = BTreeMap::new();
        for release in rest {
            let record = self.memory.items.get(&release.item).filter(|record| record.id.is_some());
            let recorded = record.map(|record| record.mark.clone());
            let compiled = || {
                let compiled = self.compile_one(desired, desired.assignments.get(&release.by)?)?;
                let contribution = compiled.contributions.into_iter().find(|c| c.item == release.item)?;
                match contribution.shape {
                    Shape::Object { mark } => Some(mark),
                    Shape::Document => None,
                }
            };
            if let Some(mark) = recorded.or_else(compiled) {
                marks.insert(release.item.clone(), mark);
            }
        }
        marks
    }
}

/// What `spec.adopt` says.
pub(super) fn adopt(view: &AssignmentView) -> Option<Adopt> {
    let adopt = view.binding()?.spec.adopt.as_ref()?;
    Some(adopt.id.as_ref().map_or(Adopt::ByName, |id| Adopt::Id(ExternalId(id.0.as_str().into()))))
}

/// What is copied into an item: the contributor of the highest priority decides, then the first by name.
fn seeds(
    compiled: &BTreeMap<ObjectName, Compiled>,
    items: &BTreeMap<ItemKey, DesiredItem>,
) -> BTreeMap<ItemKey, Seed> {
    let wanted = |item: &DesiredItem| {
        let of = |name| {
            let compiled = compiled.get(name)?;
            let priority = compiled.contributions.iter().find(|c| c.item == item.key)?.priority;
            Some((std::cmp::Reverse(priority), name, compiled.seeds.get(&item.key)?))
        };
        item.contributors.iter().filter_map(of).min().map(|(_, _, seed)| seed.clone())
    };
    items.values().filter_map(|item| Some((item.key.clone(), wanted(item)?))).collect()
}

/// The oldest contributor that says `adopt` decides (R5).
fn adoptions(desired: &Desired, items: &BTreeMap<ItemKey, DesiredItem>) -> BTreeMap<ItemKey, Adopt> {
    let oldest = |item: &DesiredItem| {
        let mut views: Vec<_> =
            item.contributors.iter().filter_map(|who| desired.assignments.get(who)).collect();
        views.sort_by_key(|view| (view.created, view.name.clone()));
        views.iter().find_map(|view| adopt(view))
    };
    items.values().filter_map(|item| Some((item.key.clone(), oldest(item)?))).collect()
}
