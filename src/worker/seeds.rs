//! Copies of documents between a look and a call (R27).

use std::collections::BTreeMap;

use super::{Worker, look::Look, round::Halt};
use crate::{
    drivers::Seed,
    index::Desired,
    model::{
        Digest, ItemKey,
        memory::{IntentRecord, ItemRecord, Write},
    },
    plan::seed::{self, Seeding},
};

impl Worker {
    /// Documents to be copied before anything else is written to them.
    pub(super) fn seeds_due(&self, desired: &Desired, look: &Look) -> BTreeMap<ItemKey, Seed> {
        let due = |item: &ItemKey, wanted| self.seeding(desired, look, item, wanted) == Seeding::Due;
        let seeds = look.seeds.iter().filter(|(item, wanted)| due(item, wanted));
        seeds.map(|(item, wanted)| (item.clone(), wanted.clone())).collect()
    }

    /// What a lost store may have known is recorded as begun: it is not run again, and that is said.
    pub(super) fn note_forgotten_seeds(&mut self, desired: &Desired, look: &Look) -> Result<(), Halt> {
        let mut writes = Vec::new();
        for (item, wanted) in &look.seeds {
            let Some(record) = self.memory.items.get(item) else { continue };
            if self.seeding(desired, look, item, wanted) == Seeding::Forgotten {
                let record = ItemRecord { seeded: Some(wanted.revision), ..record.clone() };
                let intent = IntentRecord {
                    action: seed::ACTION.into(),
                    at: self.now(),
                    desired: Digest(0),
                    tries: 0,
                };
                writes.push(Write::Item(item.clone(), Some(Box::new(record))));
                writes.push(Write::Intent(item.clone(), Some(intent)));
            }
        }
        Ok(self.commit(writes)?)
    }

    fn seeding(&self, desired: &Desired, look: &Look, item: &ItemKey, wanted: &Seed) -> Seeding {
        let (record, intent) = (self.memory.items.get(item), self.memory.intents.get(item));
        let contributors = look.items.get(item).map(|item| &item.contributors);
        let forgotten = contributors
            .into_iter()
            .flatten()
            .filter_map(|who| desired.assignments.get(who))
            .any(|view| self.is_older_than_memory(view));
        seed::judge(wanted, record, intent, forgotten)
    }

    /// A copy that may have been made or not, unless its task is still under way.
    pub(super) fn unknown_seed(&self, items: &[&ItemKey]) -> Option<String> {
        let begun = |item: &&&ItemKey| self.memory.intents.get(**item).is_some_and(seed::is_copy);
        let unknown = items.iter().filter(begun).find(|item| self.memory.operation_on(item).is_none())?;
        let record = self.memory.items.get(*unknown)?;
        Some(seed::unknown_message(&record.title, record.seeded?))
    }
}
