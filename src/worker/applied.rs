//! Where nothing can be read, the operator remembers what the system answered to its last save. A plan has no such memory:
//! what the operator says to be applied stands for it, as the cluster holds it.

use std::collections::BTreeSet;

use super::{Worker, preview::Known};
use crate::{
    drivers::{DesiredItem, Translate},
    index::Desired,
    model::{
        ItemKey, ObservedItem,
        memory::{ItemRecord, SentRecord, Write},
    },
    store::Place,
};

impl Worker {
    /// Answers to the last saves of what everybody who holds it is applied of. Of anything else no more is known than its
    /// id: what was applied may be older than what stands in the cluster.
    pub(super) fn answers_again(&self, now: &Desired, known: &Known, driver: &dyn Translate) -> Vec<Write> {
        if driver.facts().reads {
            return Vec::new();
        }
        let applied =
            |item: &ItemKey| self.stakes.holders(item).iter().all(|(who, _)| known.applied.contains(who));
        let items: BTreeSet<ItemKey> = self
            .memory
            .items
            .keys()
            .filter(|item| self.stakes.is_pushed(item) && applied(item))
            .cloned()
            .collect();
        let compiled = self.compile_holders(now, &items);
        let merged = self.merge_stakes(&items, &[], &compiled, driver, &|_, _| None);
        merged.items.iter().filter_map(|(item, desired)| self.answer_again(item, desired)).collect()
    }

    fn answer_again(&self, item: &ItemKey, desired: &DesiredItem) -> Option<Write> {
        let record = self.memory.items.get(item)?;
        let answer = ObservedItem {
            id: record.id.clone(),
            mark: desired.mark(),
            name: desired.title.clone(),
            leaves: desired.leaves.iter().map(|(path, leaf)| (path.clone(), leaf.value.clone())).collect(),
            members: desired.members.clone(),
            enabled: desired.enabled,
            remembered: true,
            ..ObservedItem::default()
        };
        let text = serde_json::to_vec(&answer).unwrap_or_default();
        let place = Place { account: &self.id, item, path: None };
        let sealed = self.house.store.sealer().seal(&place, &text);
        // Nothing is old enough to be sent again: the operator does that by itself, whatever is applied.
        let desired = self.stakes.inputs(item, &self.digester);
        let sent = SentRecord { desired, at: self.now(), misses: 0, judged: true };
        let record = ItemRecord { answer: Some(sealed), sent: Some(sent), ..record.clone() };
        Some(Write::Item(item.clone(), Some(Box::new(record))))
    }
}
