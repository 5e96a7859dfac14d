//! Approved changes → the calls of one round, in an order in which every prefix is the safer side (R17): make and add
//! first, then places, then on, then off, then remove.
//!
//! Objects just created are read before they are placed and switched on, so a round with creates stops after them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Approved, Change, ChangeKind, Difference, Plan, Stage, draft::DRIFT, order::Move};
use crate::{
    drivers::{DesiredItem, DocumentChange, Execution, Facts, Packing, Step, Translate},
    model::{ExternalId, ItemKey, LeafPath, LeafValue, MemberKind, ObservedItem, Shape},
};

/// A call and what it is for.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedStep {
    /// The call.
    pub step: Step,
    /// Items it touches.
    pub items: Vec<ItemKey>,
    /// Removals it makes, for the guard's window.
    pub removals: u32,
    /// For the change journal.
    pub why: String,
}

/// What the steps of a round depend on besides the plan.
#[derive(Debug, Clone)]
pub struct Round {
    /// Places to give (R17).
    pub moves: Vec<Move>,
    /// They stood in their places before, and somebody else moved them.
    pub moved_by_others: bool,
    /// `execution` of the account.
    pub execution: Execution,
    /// What the account has shown of packed writes (R19).
    pub packing: Packing,
    /// Documents whose last write of the same failed: they are packed with nobody (F25).
    pub apart: BTreeSet<ItemKey>,
    /// Documents whose next write must wait for its result (a task on them was lost or failed, R20).
    pub synchronous: BTreeSet<ItemKey>,
}

/// The steps of this round.
pub fn steps(plan: Plan<Approved>, driver: &dyn Translate, round: &Round) -> Vec<PlannedStep> {
    let facts = driver.facts();
    let mut sorted = Sorted::default();
    plan.changes.into_iter().for_each(|change| sorted.take(change, facts));
    let creates = !sorted.creates.is_empty();
    let mut steps = sorted.seeds;
    steps.append(&mut sorted.creates);
    steps.append(&mut sorted.replaces);
    steps.extend(writes(sorted.documents, driver, round));
    if creates {
        return steps;
    }
    if !round.moves.is_empty() {
        steps.push(reorder(round));
    }
    steps.extend(switches(sorted.on, true));
    steps.extend(switches(sorted.off, false));
    if !sorted.deletes.is_empty() {
        let removals = sorted.deletes.iter().map(|d| d.removals).sum();
        let (items, ids) = sorted.deletes.into_iter().map(|d| (d.item, d.id)).unzip();
        steps.push(PlannedStep { step: Step::Delete(ids), items, removals, why: "released".into() });
    }
    steps
}

fn reorder(round: &Round) -> PlannedStep {
    let step = Step::Reorder(round.moves.iter().map(|m| (m.id.clone(), m.slot)).collect());
    let items = round.moves.iter().map(|m| m.item.clone()).collect();
    let why = if round.moved_by_others { DRIFT } else { "order" };
    PlannedStep { step, items, removals: 0, why: why.into() }
}

struct Flip {
    item: ItemKey,
    id: ExternalId,
    removals: u32,
    why: String,
}

#[derive(Default)]
struct Sorted {
    seeds: Vec<PlannedStep>,
    creates: Vec<PlannedStep>,
    replaces: Vec<PlannedStep>,
    documents: Vec<(DocumentChange, u32, String)>,
    on: Vec<Flip>,
    off: Vec<Flip>,
    deletes: Vec<Flip>,
}

impl Sorted {
    fn take(&mut self, change: Change, facts: Facts) {
        let removals = change.removals();
        let Change { item, kind, why, .. } = change;
        match kind {
            ChangeKind::Seed(seed) => {
                let step = Step::Seed { item: item.clone(), from: seed.from };
                self.seeds.push(PlannedStep { step, items: vec![item], removals, why });
            }
            ChangeKind::Create(desired) => {
                self.creates.push(PlannedStep {
                    step: Step::Create(desired),
                    items: vec![item],
                    removals,
                    why,
                });
            }
            ChangeKind::Update { desired, observed, difference, restore }
                if desired.shape == Shape::Document =>
            {
                let differing = difference.leaves;
                let change = DocumentChange { desired: *desired, differing, restore, observed: *observed };
                self.documents.push((change, removals, why));
            }
            ChangeKind::Update { desired, observed, .. } if !facts.switches => {
                let step = Step::Replace { desired, observed };
                self.replaces.push(PlannedStep { step, items: vec![item], removals, why });
            }
            ChangeKind::Update { desired, observed, difference, .. } => {
                self.update(item, why, (desired, observed), &difference, facts);
            }
            ChangeKind::Restore { observed, leaves, .. } if observed.key.is_some() => {
                let desired = nothing_wanted(&item, &observed);
                let change = DocumentChange {
                    desired,
                    differing: BTreeSet::new(),
                    restore: leaves,
                    observed: *observed,
                };
                self.documents.push((change, removals, why));
            }
            ChangeKind::Restore { observed, leaves, members } => {
                let step = Step::Restore { observed, leaves, members };
                self.replaces.push(PlannedStep { step, items: vec![item], removals, why });
            }
            ChangeKind::Retire { id, observed, stage, .. } => {
                self.retire(Flip { item, id, removals, why }, observed, stage, facts);
            }
            ChangeKind::Forget | ChangeKind::Hold => {}
        }
    }
}

impl Sorted {
    /// Content and switch, each by its own call.
    fn update(
        &mut self,
        item: ItemKey,
        why: String,
        (desired, observed): (Box<DesiredItem>, Box<ObservedItem>),
        difference: &Difference,
        facts: Facts,
    ) {
        // New content is read before it is switched on, where only that tells whether it may be (R30).
        let unread = facts.vets && difference.needs_write();
        let switch = difference.switch.filter(|on| !(*on && unread));
        if let (Some(on), Some(id)) = (switch, observed.id.clone()) {
            let flip = Flip { item: item.clone(), id, removals: u32::from(!on), why: why.clone() };
            if on { self.on.push(flip) } else { self.off.push(flip) }
        }
        if difference.needs_write() {
            let step = Step::Replace { desired, observed };
            self.replaces.push(PlannedStep { step, items: vec![item], removals: difference.removals(), why });
        }
    }

    fn retire(&mut self, flip: Flip, observed: Box<ObservedItem>, stage: Stage, facts: Facts) {
        match stage {
            Stage::SwitchOff if !facts.switches => {
                let Flip { item, removals, why, .. } = flip;
                let desired = Box::new(off_and_empty(&item, &observed, facts.deletes));
                let step = Step::Replace { desired, observed };
                self.replaces.push(PlannedStep { step, items: vec![item], removals, why });
            }
            Stage::SwitchOff => self.off.push(flip),
            Stage::Delete => self.deletes.push(flip),
            Stage::AwaitDeploy => {}
        }
    }
}

/// A document of which nobody wants anything any more: only former values are written.
fn nothing_wanted(item: &ItemKey, observed: &ObservedItem) -> DesiredItem {
    DesiredItem {
        key: item.clone(),
        shape: Shape::Document,
        title: observed.name.clone(),
        status_key: item.to_string(),
        leaves: BTreeMap::new(),
        members: BTreeMap::new(),
        enabled: None,
        rank: (0, item.to_string()),
        contributors: BTreeSet::new(),
    }
}

/// An object that is on its way out, where one save says everything: off, and reaching nobody. What cannot be deleted
/// stays so for ever, and is not ours any more.
fn off_and_empty(item: &ItemKey, observed: &ObservedItem, deletes: bool) -> DesiredItem {
    let nobody = |kind: &MemberKind| (*kind, BTreeSet::new());
    let leaf = |(path, value): (&LeafPath, &Value)| {
        (path.clone(), LeafValue { value: value.clone(), secret: false })
    };
    DesiredItem {
        shape: Shape::Object { mark: observed.mark.clone().filter(|_| deletes) },
        leaves: observed.leaves.iter().map(leaf).collect(),
        members: observed.members.keys().map(nobody).collect(),
        enabled: Some(false),
        ..nothing_wanted(item, observed)
    }
}

/// What corrects drift goes apart from what was asked for: only the former is told as an event.
fn switches(flips: Vec<Flip>, enabled: bool) -> Vec<PlannedStep> {
    let (drifted, wanted): (Vec<_>, Vec<_>) = flips.into_iter().partition(|flip| flip.why == DRIFT);
    [wanted, drifted].into_iter().filter_map(|flips| switch(flips, enabled)).collect()
}

fn switch(flips: Vec<Flip>, enabled: bool) -> Option<PlannedStep> {
    let why = flips.first()?.why.clone();
    let removals = flips.iter().map(|f| f.removals).sum();
    let (items, ids) = flips.into_iter().map(|f| (f.item, f.id)).unzip();
    Some(PlannedStep { step: Step::SetEnabled { ids, enabled }, items, removals, why })
}

fn writes(
    documents: Vec<(DocumentChange, u32, String)>,
    driver: &dyn Translate,
    round: &Round,
) -> Vec<PlannedStep> {
    let mut about: BTreeMap<ItemKey, (u32, String)> = BTreeMap::new();
    let mut changes = Vec::new();
    for (change, removals, why) in documents {
        about.insert(change.desired.key.clone(), (removals, why));
        changes.push(change);
    }
    let (apart, together) = changes.into_iter().partition(|change| round.apart.contains(&change.desired.key));
    let packs = driver.pack(together, round.packing).into_iter().chain(driver.pack(apart, Packing::Failed));
    packs.map(|changes| write(changes, &about, round)).collect()
}

fn write(
    changes: Vec<DocumentChange>,
    about: &BTreeMap<ItemKey, (u32, String)>,
    round: &Round,
) -> PlannedStep {
    let items: Vec<_> = changes.iter().map(|c| c.desired.key.clone()).collect();
    let removals = items.iter().filter_map(|i| about.get(i)).map(|(removals, _)| removals).sum();
    let why = items.first().and_then(|i| about.get(i)).map(|(_, why)| why.clone()).unwrap_or_default();
    // A secret is not proven by reading, so the answer itself must tell.
    let secret = changes.iter().flat_map(|c| c.desired.leaves.values()).any(|leaf| leaf.secret);
    let forced = secret || items.iter().any(|item| round.synchronous.contains(item));
    // Auto waits: a task costs reads to find out what a waiting call tells at once (wfbss sheet section 5).
    let synchronous = forced || round.execution != Execution::Async;
    PlannedStep { step: Step::Write { changes, synchronous }, items, removals, why }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;
    use crate::{
        drivers::{Binding, CompileContext, Compiled},
        plan::guard,
    };

    /// A system that saves content and switch in one call.
    struct OneSave;

    impl Translate for OneSave {
        fn facts(&self) -> Facts {
            let none = crate::drivers::connect::ALL.first().copied().unwrap();
            Facts { switches: false, deploys: false, ordered: false, ..none }
        }

        fn compile(&self, _: &Binding, _: &CompileContext<'_>) -> Compiled {
            Compiled::default()
        }

        fn canonicalise(&self, _: &LeafPath, value: &Value) -> Value {
            value.clone()
        }

        fn secret_refs(&self, _: &crate::api::PolicySpec) -> BTreeSet<(String, String)> {
            BTreeSet::new()
        }
    }

    fn stands() -> ObservedItem {
        ObservedItem {
            id: Some(ExternalId("17".into())),
            leaves: BTreeMap::from([(LeafPath("name".into()), "rows".into())]),
            members: BTreeMap::from([(MemberKind::Group, BTreeSet::from(["16".to_owned()]))]),
            enabled: Some(true),
            ..ObservedItem::default()
        }
    }

    fn calls(kind: ChangeKind, limit: u32) -> Vec<PlannedStep> {
        let item = ItemKey("team/rows/policy".into());
        let change = Change { item, assignments: BTreeSet::new(), kind, why: "edit".into(), held: false };
        let (plan, _) = guard::judge(
            Plan::draft(vec![change]),
            1,
            &guard::Limits {
                max_removals: limit,
                whole: true,
                window: std::time::Duration::from_hours(1),
                executed: &[],
                approval: None,
                taken: None,
                now: jiff::Timestamp::UNIX_EPOCH,
            },
        );
        let round = Round {
            moves: vec![],
            moved_by_others: false,
            execution: Execution::Auto,
            packing: Packing::Untried,
            apart: BTreeSet::new(),
            synchronous: BTreeSet::new(),
        };
        steps(plan, &OneSave, &round)
    }

    fn update(switch: bool) -> ChangeKind {
        let observed = Box::new(stands());
        let desired = Box::new(DesiredItem {
            enabled: Some(switch),
            ..off_and_empty(&ItemKey("k".into()), &observed, true)
        });
        let difference = Difference { switch: Some(switch), ..Difference::default() };
        ChangeKind::Update { desired, observed, difference: Box::new(difference), restore: BTreeMap::new() }
    }

    #[test]
    fn where_the_switch_travels_with_the_content_one_save_says_both() {
        let on = calls(update(true), 10);
        assert!(matches!(&on[..], [PlannedStep { step: Step::Replace { .. }, removals: 0, .. }]), "{on:?}");
        let off = calls(update(false), 10);
        assert!(matches!(&off[..], [PlannedStep { step: Step::Replace { .. }, removals: 1, .. }]), "{off:?}");
        assert_eq!(calls(update(false), 0), [], "held: nothing else differs");
    }

    #[test]
    fn what_is_retired_is_saved_off_and_reaching_nobody() {
        let observed = Box::new(stands());
        let id = ExternalId("17".into());
        let steps = calls(ChangeKind::Retire { id, observed, stage: Stage::SwitchOff, counted: false }, 10);
        let [PlannedStep { step: Step::Replace { desired, .. }, removals: 1, .. }] = &steps[..] else {
            panic!("{steps:?}")
        };
        assert_eq!((desired.enabled, desired.members[&MemberKind::Group].len()), (Some(false), 0));
        assert_eq!(desired.leaves[&LeafPath("name".into())].value, "rows", "the rest stays as it is");
    }
}
