//! What must be durable before a call is made: the rule of each write names what a crash would otherwise lose.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::record::widened;
use crate::{
    drivers::{DesiredItem, Members, Seed, Step},
    model::{
        Digest, ItemKey, LeafPath, ObjectName, ObservedItem,
        memory::{
            ClaimRecord, DeployRecord, IntentRecord, ItemRecord, Memory, Origin, RemovalRecord, SentRecord,
            Write,
        },
    },
    plan::{seed, steps::PlannedStep},
};

/// What the writes before a step are made from.
pub struct Before<'a> {
    /// What is remembered.
    pub memory: &'a Memory,
    /// New claims of this round's contributors.
    pub claims: &'a BTreeMap<(ItemKey, ObjectName), ClaimRecord>,
    /// Inputs digest per item.
    pub inputs: &'a BTreeMap<ItemKey, Digest>,
    /// Seals a pre-image.
    pub seal: &'a dyn Fn(&ItemKey, &LeafPath, &Value) -> crate::model::memory::Sealed,
    /// What is copied, per item.
    pub seeds: &'a BTreeMap<ItemKey, Seed>,
    /// Whether the system has a deploy.
    pub deploys: bool,
    /// `Facts::additive` of the system.
    pub additive: bool,
    /// `Translate::exact_lists` of the system.
    pub exact_lists: &'static [&'static str],
    /// Now.
    pub now: jiff::Timestamp,
}

impl Before<'_> {
    /// The writes to commit before these steps run.
    pub fn writes(&self, steps: &[PlannedStep]) -> Vec<Write> {
        let mut writes: Vec<Write> = steps.iter().flat_map(|step| self.of(step)).collect();
        let removals: u32 = steps.iter().map(|s| s.removals).sum();
        if removals > 0 {
            let mut records = self.memory.removals.clone();
            let approved = self.memory.approval.as_ref().map_or(0, |approval| approval.left.min(removals));
            records.push(RemovalRecord { at: self.now, count: removals, approved });
            writes.push(Write::Removals(records));
            if let Some(mut approval) = self.memory.approval.clone().filter(|_| approved > 0) {
                approval.left -= approved;
                writes.push(Write::Approval(Some(approval)));
            }
        }
        let changes = steps.iter().any(|s| !matches!(s.step, Step::Deploy));
        if self.deploys && changes {
            // A deploy that is under way may have passed what is written now: it counts for nothing any more (R18).
            let before = &self.memory.deploy;
            let touched = steps.iter().flat_map(|step| step.items.iter().cloned());
            let deploy = DeployRecord {
                ours_since: before.ours_since.or(Some(self.now)),
                running_since: None,
                items: before.items.iter().cloned().chain(touched).collect(),
            };
            writes.extend((deploy != *before).then_some(Write::Deploy(deploy)));
        }
        writes
    }

    fn of(&self, step: &PlannedStep) -> Vec<Write> {
        match &step.step {
            // R14: after a lost answer the mark is looked for before anything is created again.
            Step::Create(desired) => {
                let mut writes = self.claims_of(desired);
                writes.push(Write::Intent(desired.key.clone(), Some(self.intent(&desired.key, "create"))));
                writes
            }
            // The switch travels with the content: it is being retired (R2 counts that once).
            Step::Replace { desired, .. } if desired.contributors.is_empty() => {
                self.retiring(&desired.key).into_iter().collect()
            }
            Step::Replace { desired, observed } => {
                let mut writes = self.claims_of(desired);
                writes.extend(self.pre_images(desired, observed));
                writes.extend(self.sent(desired, observed));
                writes
            }
            Step::Write { changes, .. } => changes
                .iter()
                .flat_map(|change| {
                    let mut writes = self.pre_images(&change.desired, &change.observed);
                    writes.extend(self.claims_of(&change.desired));
                    writes.extend(self.sent(&change.desired, &change.observed));
                    writes
                })
                .collect(),
            // The guard counts a removal once, also if its stages are rounds apart (R2).
            Step::SetEnabled { enabled: false, .. } => step
                .items
                .iter()
                .filter(|_| step.removals > 0)
                .filter_map(|item| self.retiring(item))
                .collect(),
            // R27: begun at most once, whatever happens to the answer.
            Step::Seed { item, .. } => self.seeded(item),
            Step::Restore { .. }
            | Step::SetEnabled { .. }
            | Step::Reorder(_)
            | Step::Delete(_)
            | Step::Deploy => Vec::new(),
        }
    }

    fn seeded(&self, item: &ItemKey) -> Vec<Write> {
        let Some((seed, record)) = self.seeds.get(item).zip(self.memory.items.get(item)) else {
            return Vec::new();
        };
        let record = ItemRecord { seeded: Some(seed.revision), ..record.clone() };
        let claims = self.claims.iter().filter(|((of, _), _)| of == item).map(|((_, who), claim)| {
            let old = self.memory.claims.get(&(item.clone(), who.clone()));
            Write::Claim(item.clone(), who.clone(), Some(widened(claim, old)))
        });
        let begun = [
            Write::Item(item.clone(), Some(Box::new(record))),
            Write::Intent(item.clone(), Some(self.intent(item, seed::ACTION))),
        ];
        claims.chain(begun).collect()
    }

    fn intent(&self, item: &ItemKey, action: &str) -> IntentRecord {
        let desired = self.inputs.get(item).copied().unwrap_or(Digest(0));
        let tries = self.memory.intents.get(item).map_or(0, |intent| intent.tries).saturating_add(1);
        IntentRecord { action: action.into(), at: self.now, desired, tries }
    }

    /// R3: who may later witness a release must be known before there is something to release.
    fn claims_of(&self, desired: &DesiredItem) -> Vec<Write> {
        desired
            .contributors
            .iter()
            .filter_map(|who| {
                let key = (desired.key.clone(), who.clone());
                let old = self.memory.claims.get(&key);
                let claim = widened(self.claims.get(&key)?, old);
                (old != Some(&claim)).then_some(Write::Claim(key.0, key.1, Some(claim)))
            })
            .collect()
    }

    /// R11: the value that stood before our first write of a leaf, sealed (R22). `null`: nothing stood there.
    fn pre_images(&self, desired: &DesiredItem, observed: &ObservedItem) -> Vec<Write> {
        // Of which nothing but the id is known has no former values that could be told.
        if observed.is_blind() || !self.restorable(desired) {
            return Vec::new();
        }
        let claimed = |path: &LeafPath| {
            self.memory.claims.on(&desired.key).any(|(_, claim)| claim.leaves.iter().any(|(p, _)| p == path))
        };
        let ours = desired.leaves.iter().filter(|(_, leaf)| !leaf.secret).map(|(path, _)| path);
        ours.filter(|path| !claimed(path))
            .chain(self.taken_out(desired, observed))
            .map(|path| {
                let value = observed.leaves.get(path).unwrap_or(&Value::Null);
                let sealed = (self.seal)(&desired.key, path, value);
                Write::PreImage(desired.key.clone(), path.clone(), Some(sealed))
            })
            .collect()
    }

    /// Elements of an exact list that stood before our first write and go with it.
    fn taken_out<'o>(&self, desired: &DesiredItem, observed: &'o ObservedItem) -> Vec<&'o LeafPath> {
        let first = self.memory.claims.on(&desired.key).next().is_none();
        let exact = |path: &LeafPath| self.exact_lists.iter().any(|list| path.0.starts_with(list));
        let gone = |path: &&LeafPath| exact(path) && !desired.leaves.contains_key(*path);
        observed.leaves.keys().filter(|path| first && gone(path)).collect()
    }

    /// Objects we created had no former state.
    fn restorable(&self, desired: &DesiredItem) -> bool {
        let origin = self.memory.items.get(&desired.key).map(|r| r.origin);
        matches!(desired.shape, crate::model::Shape::Document) || origin == Some(Origin::Adopted)
    }

    fn sent(&self, wanted: &DesiredItem, observed: &ObservedItem) -> Option<Write> {
        let (item, members) = (&wanted.key, &wanted.members);
        let desired = self.inputs.get(item).copied()?;
        let mut record = self.memory.items.get(item)?.clone();
        let misses = record.sent.as_ref().filter(|s| s.desired == desired).map_or(0, |s| s.misses);
        record.sent = Some(SentRecord { desired, at: self.now, misses, judged: false });
        // Old cores reset the place on every PUT: it is journalled here (R17).
        record.slot = observed.slot.filter(|slot| *slot > 0).or(record.slot);
        let adopted = record.origin == Origin::Adopted;
        if self.additive || adopted {
            record.added = added(&record.added, members, observed);
        }
        if adopted {
            record.taken = taken(&record, members, observed);
        }
        Some(Write::Item(item.clone(), Some(Box::new(record))))
    }

    fn retiring(&self, item: &ItemKey) -> Option<Write> {
        let record = ItemRecord { retiring: true, ..self.memory.items.get(item)?.clone() };
        Some(Write::Item(item.clone(), Some(Box::new(record))))
    }
}

/// Members we gave an object, once a write is sent: those that stood before are somebody else's unless they were ours. What
/// is being removed stays ours until it is seen to be gone (`record`): a crash in between must not leave it for theirs.
fn added(before: &Members, wanted: &Members, observed: &ObservedItem) -> Members {
    let none = BTreeSet::new();
    let mut added = before.clone();
    for (kind, names) in wanted {
        let stand = observed.members.get(kind).unwrap_or(&none);
        added.entry(*kind).or_default().extend(names.difference(stand).cloned());
    }
    added.retain(|_, names| !names.is_empty());
    added
}

/// R11: members that were there before us and that a write takes out. They stay here until they are seen there again
/// (`record`): what is given back may not arrive.
fn taken(record: &ItemRecord, wanted: &Members, observed: &ObservedItem) -> Members {
    let none = BTreeSet::new();
    let mut taken = record.taken.clone();
    for (kind, names) in wanted {
        let stand = observed.members.get(kind).unwrap_or(&none);
        let former = record.former.get(kind).unwrap_or(&none);
        let going = stand.difference(names).filter(|name| former.contains(*name));
        taken.entry(*kind).or_default().extend(going.cloned());
    }
    taken.retain(|_, names| !names.is_empty());
    taken
}
