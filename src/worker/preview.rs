//! What a round would do, found out by the very steps of a round up to the guard, and then not done (`ordain plan`).
//!
//! ```text
//! driver ─▶ probe ─▶ catalogue ─▶ what the cluster held before: claims, ids   (stands for the operator's memory)
//!                                 what it would hold then: stakes ─▶ releases ─▶ look ─▶ draft ─▶ guard ─▶ told
//! ```
//!
//! The operator's store is not at hand. What it remembers is told again from the cluster: an assignment with our finalizer
//! holds what it compiles to, and the ids of its objects stand in its status. What is not concerned and not applied yet
//! is counted along, as the operator's guard does. What only the store knows is not made up:
//! former values are told as such, removals made within the guard's window are not counted.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    Worker,
    look::Look,
    outstanding::{Counted, Scope},
    record,
    round::Halt,
};
use crate::{
    api::ReleasePolicy,
    drivers::{Compiled, Facts, Finding, Translate},
    index::{AssignmentView, Desired},
    model::{
        Contribution, ExternalId, ItemKey, LeafPath, ObjectName, Shape,
        memory::{GONE, ItemRecord, Origin, Write},
    },
    plan::{Change, ItemVerdict, deploy, draft::Draft, merge::Lost, order::Move, release::Release},
    store::Place,
};

/// Stands for a value that only the operator's store knows.
const FORMER: &str = "\u{1}former";

/// Whether a value to put back is one that only the operator's store knows.
pub fn is_former(value: &Value) -> bool {
    value.as_str() == Some(FORMER)
}

/// What a preview is told besides desired state.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Assignments whose items are looked at.
    pub concerned: BTreeSet<ObjectName>,
    /// Ids in `status.objects`, by assignment and key.
    pub ids: BTreeMap<(ObjectName, String), ExternalId>,
    /// Fingerprint of the account in the Backend's status.
    pub account: Option<String>,
    /// Assignments that the operator says to be applied as they stand in the cluster.
    pub applied: BTreeSet<ObjectName>,
    /// Assignments that are not concerned, and that the operator is not done with: they are counted (R2), and not told.
    pub outstanding: BTreeSet<ObjectName>,
    /// What the Backend says of the removals that are held on it now.
    pub held: Option<String>,
}

/// What would be done on one account.
#[derive(Debug)]
pub struct Preview {
    /// What the system is.
    pub facts: Facts,
    /// Fingerprint of the account that answered.
    pub account: String,
    /// Every change, as drafted.
    pub changes: Vec<Change>,
    /// Places that would be given to objects (R17).
    pub moves: Vec<Move>,
    /// What is let go of without a call: it stays as it is.
    pub orphaned: Vec<Release>,
    /// The guard's message, if it holds removals (R2).
    pub held: Option<String>,
    /// What it counted.
    pub counted: Counted,
    /// Items whose removals it holds.
    pub held_items: BTreeSet<ItemKey>,
    /// Where items stand that no change is planned for.
    pub standing: Vec<Stand>,
    /// What is wrong with an assignment, or left out of it.
    pub findings: BTreeMap<ObjectName, Vec<Finding>>,
    /// Leaves an assignment does not get, because another of higher priority wants them (R12).
    pub overridden: BTreeMap<ObjectName, BTreeSet<Lost>>,
    /// Leaves that two assignments of one priority want differently (R12).
    pub conflicts: BTreeMap<ObjectName, BTreeSet<Lost>>,
    /// What `mode: Observe` assignments would do, in words.
    pub observing: BTreeMap<ObjectName, String>,
    /// Whether a deploy follows by itself, where the system has one.
    pub deploys: Option<bool>,
    /// Why nothing is written before somebody else's changes are deployed (R18).
    pub deploy_held: Option<String>,
    /// Leaves whose content comes from a Secret.
    pub secrets: BTreeSet<(ItemKey, LeafPath)>,
    /// Who held which item before.
    pub before: BTreeSet<(ItemKey, ObjectName)>,
    /// What people call the items.
    pub titles: BTreeMap<ItemKey, String>,
}

/// Where one item stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stand {
    /// Which.
    pub item: ItemKey,
    /// On whose behalf.
    pub assignments: BTreeSet<ObjectName>,
    /// Where.
    pub verdict: ItemVerdict,
}

/// What is told again of the operator's memory.
#[derive(Default)]
struct Before {
    records: BTreeMap<ItemKey, ItemRecord>,
    secrets: BTreeSet<(ItemKey, LeafPath)>,
    holders: BTreeSet<(ItemKey, ObjectName)>,
    titles: BTreeMap<ItemKey, String>,
}

impl Worker {
    /// Finds out what a change of desired state from `now` (`None`: there is no such Backend yet) to `then` would do.
    ///
    /// Reads only, and logs out at the end. Meant for a worker of its own over a store that is thrown away.
    ///
    /// # Errors
    /// The account is out of reach, or its credentials cannot be used.
    pub async fn preview(
        mut self,
        now: Option<&Desired>,
        then: &Desired,
        known: &Known,
    ) -> Result<Preview, Halt> {
        let outcome = self.foresee(now, then, known).await;
        if let Some(session) = self.session.take() {
            session.driver.close().await;
        }
        outcome
    }

    async fn foresee(
        &mut self,
        now: Option<&Desired>,
        then: &Desired,
        known: &Known,
    ) -> Result<Preview, Halt> {
        self.ensure_driver(then, false).await?;
        self.ensure_account(then).await?;
        if self.catalogue_due(then).is_some() || now.is_some_and(|now| self.catalogue_due(now).is_some()) {
            self.refresh_catalogue().await?;
        }
        let before = match now {
            Some(now) => self.remember(now, known).await?,
            None => Before::default(),
        };
        self.read_content_secrets(then).await;
        let changed = self.update_stakes(then);
        let mut released = self.witness(then, &changed);
        released.retain(|release| {
            known.concerned.contains(&release.by) || known.outstanding.contains(&release.by)
        });
        let orphans = released.iter().filter(|release| release.how == ReleasePolicy::Orphan);
        let orphaned: Vec<_> = orphans.filter(|one| known.concerned.contains(&one.by)).cloned().collect();
        let mut rest = self.let_go_without_a_call(then, released).await?;
        let facts = self.session.as_ref().map(|session| session.driver.translate().facts());
        let scope = facts.map(|facts| self.looked_at(known, &rest, facts)).unwrap_or_default();
        let items = scope.all();
        rest.retain(|release| items.contains(&release.item));
        let mut watching = self.watching_due(then);
        watching.retain(|name| known.concerned.contains(name));
        let look = self.look(then, items, &rest, &watching).await?;
        self.observe_watching(then, &watching, &look);
        self.foretell(then, known, before, (orphaned, &rest), &scope, &look)
    }

    fn foretell(
        &mut self,
        then: &Desired,
        known: &Known,
        before: Before,
        (orphaned, rest): (Vec<Release>, &[Release]),
        scope: &Scope,
        look: &Look,
    ) -> Result<Preview, Halt> {
        let (draft, order) = self.draft(then, look, rest)?;
        let standing = standing(&draft, look, rest, scope);
        let told = |change: &&Change| scope.told.contains(&change.item);
        let changes: Vec<Change> = draft.plan.changes.iter().filter(told).cloned().collect();
        let counted = scope.count(&draft.removals);
        let judged = self.judge(then, draft.plan, &draft.removals, rest, true)?;
        let pending = deploy::pending(&look.observation, &|id| {
            self.memory.items.values().any(|record| record.id.as_ref() == Some(id))
        });
        let settings = look.driver.translate().deploy_settings();
        let writes = !changes.is_empty() || !order.moves.is_empty();
        let deploy_held = settings
            .filter(|_| writes)
            .and_then(|settings| deploy::may_write(&pending, &self.memory.deploy, settings).err());
        let of = |name: &ObjectName| known.concerned.contains(name);
        let Before { mut secrets, holders, mut titles, .. } = before;
        for (key, item) in &look.items {
            titles.insert(key.clone(), item.title.clone());
            let hidden = item.leaves.iter().filter(|(_, leaf)| leaf.secret);
            secrets.extend(hidden.map(|(path, _)| (key.clone(), path.clone())));
        }
        Ok(Preview {
            facts: look.driver.translate().facts(),
            account: self.memory.account.as_ref().map(|a| a.fingerprint.clone()).unwrap_or_default(),
            changes,
            moves: order.moves,
            orphaned,
            held: self.account.held.clone(),
            counted,
            held_items: judged.changes.into_iter().filter(|change| change.held).map(|c| c.item).collect(),
            standing,
            findings: self
                .stakes
                .iter()
                .filter(|(name, kept)| of(name) && !kept.findings.is_empty())
                .map(|(name, kept)| (name.clone(), kept.findings.clone()))
                .collect(),
            overridden: self.overridden.clone().into_iter().filter(|(name, _)| of(name)).collect(),
            conflicts: self.conflicts.clone().into_iter().filter(|(name, _)| of(name)).collect(),
            observing: self
                .watching
                .iter()
                .map(|(name, seen)| (name.clone(), seen.plan.summary.clone()))
                .collect(),
            deploys: settings.map(|settings| settings.automatic),
            deploy_held,
            secrets,
            before: holders,
            titles,
        })
    }

    /// Tells again what the operator remembers: what assignments with our finalizer compile to is theirs.
    async fn remember(&mut self, now: &Desired, known: &Known) -> Result<Before, Halt> {
        self.read_content_secrets(now).await;
        let Some(session) = &self.session else { return Ok(Before::default()) };
        let driver = session.driver.clone();
        let mut before = Before::default();
        let mut writes = Vec::new();
        for view in now.assignments.values().filter(|view| view.finalizer) {
            let compiled = self.compile_one(now, view).unwrap_or_default();
            for part in &compiled.contributions {
                writes.extend(self.claim_again(view, part, driver.translate(), &mut before));
                self.record_again(view, part, &compiled, driver.translate(), known, &mut before);
            }
        }
        let records = before.records.iter();
        writes
            .extend(records.map(|(item, record)| Write::Item(item.clone(), Some(Box::new(record.clone())))));
        self.commit(writes)?;
        self.update_stakes(now);
        let proven = self.proven_again(now);
        self.commit(proven)?;
        let answers = self.answers_again(now, known, driver.translate());
        self.commit(answers)?;
        Ok(before)
    }

    /// The claim, and for what may have to be put back the word that stands for the value before it.
    fn claim_again(
        &self,
        view: &AssignmentView,
        part: &Contribution,
        driver: &dyn Translate,
        before: &mut Before,
    ) -> Vec<Write> {
        let generation = view.binding().map_or(0, |binding| binding.policy_generation);
        let claim = record::claim(part, view.generation, generation, driver, &self.digester);
        before.holders.insert((part.item.clone(), view.name.clone()));
        before.titles.insert(part.item.clone(), part.title.clone());
        let mut writes = vec![Write::Claim(part.item.clone(), view.name.clone(), Some(claim))];
        for (path, leaf) in &part.leaves {
            if leaf.secret {
                before.secrets.insert((part.item.clone(), path.clone()));
                continue;
            }
            let place = Place { account: &self.id, item: &part.item, path: Some(path) };
            let text = Value::from(FORMER).to_string();
            let sealed = self.house.store.sealer().seal(&place, text.as_bytes());
            writes.push(Write::PreImage(part.item.clone(), path.clone(), Some(sealed)));
        }
        writes
    }

    fn record_again(
        &self,
        view: &AssignmentView,
        part: &Contribution,
        compiled: &Compiled,
        driver: &dyn Translate,
        known: &Known,
        before: &mut Before,
    ) {
        let adopts = view.binding().is_some_and(|binding| binding.spec.adopt.is_some());
        let (origin, mark) = match &part.shape {
            Shape::Document => (Origin::Document, None),
            Shape::Object { mark } if adopts => (Origin::Adopted, mark.clone()),
            Shape::Object { mark } => (Origin::Created, mark.clone()),
        };
        let record = before
            .records
            .entry(part.item.clone())
            .or_insert_with(|| ItemRecord::new(origin, None, mark, &part.title, &part.status_key));
        let id = known.ids.get(&(view.name.clone(), part.status_key.clone()));
        record.id = record.id.take().or_else(|| id.cloned());
        // One look is all there is: what it does not show was missed often enough (F23).
        record.absences = GONE;
        record.seeded = record.seeded.max(compiled.seeds.get(&part.item).map(|seed| seed.revision));
        let secret = part.leaves.iter().filter(|(_, leaf)| leaf.secret);
        let digest = |path, leaf| crate::plan::diff::leaf_digest(driver, &self.digester, path, leaf);
        record.secrets.extend(secret.map(|(path, leaf)| (path.clone(), digest(path, leaf))));
        // Of what was adopted any member may be ours; who was there before only the operator knows.
        let adopted = record.origin == Origin::Adopted;
        for (kind, names) in part.members.iter().filter(|_| adopted || driver.facts().additive) {
            record.added.entry(*kind).or_default().extend(names.iter().cloned());
            record.former.entry(*kind).or_default();
        }
    }

    /// What was in force when all who hold it had been acted for: a difference in it is drift, else an edit.
    fn proven_again(&self, now: &Desired) -> Vec<Write> {
        let acted_for = |who: &ObjectName| now.assignments.get(who).is_some_and(|view| view.finalizer);
        let applied = |item: &ItemKey| self.stakes.holders(item).iter().all(|(who, _)| acted_for(who));
        self.memory
            .items
            .iter()
            .filter(|(item, _)| applied(item))
            .map(|(item, record)| {
                let proven = Some(self.stakes.inputs(item, &self.digester));
                Write::Item(item.clone(), Some(Box::new(ItemRecord { proven, ..record.clone() })))
            })
            .collect()
    }
}

/// What is not in step and has no change: it waits, or a human must act.
fn standing(draft: &Draft, look: &Look, rest: &[Release], scope: &Scope) -> Vec<Stand> {
    let quiet = |verdict: &ItemVerdict| matches!(verdict, ItemVerdict::InStep | ItemVerdict::Differs(_));
    let contributors = |item: &ItemKey| look.items.get(item).map(|i| i.contributors.clone());
    let witnesses = |item: &ItemKey| rest.iter().filter(|r| r.item == *item).map(|r| r.by.clone()).collect();
    let wanted =
        draft.verdicts.iter().map(|(item, verdict)| (item, contributors(item).unwrap_or_default(), verdict));
    let released = draft.released.iter().map(|(item, verdict)| (item, witnesses(item), verdict));
    wanted
        .chain(released)
        .filter(|(item, _, verdict)| scope.told.contains(*item) && !quiet(verdict))
        .map(|(item, assignments, verdict)| Stand {
            item: item.clone(),
            assignments,
            verdict: verdict.clone(),
        })
        .collect()
}
