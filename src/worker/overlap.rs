//! R12 between rounds: who loses which leaf to whom, kept for every item, not only those of the last look.

use std::collections::{BTreeMap, BTreeSet};

use super::Worker;
use crate::{
    drivers::{Compiled, Translate},
    index::Desired,
    model::{Digest, ItemKey, LeafPath, LeafValue, ObjectName},
    plan::{
        diff::leaf_digest,
        merge::{Lost, Merged, Stake, merge},
        release::Release,
    },
};

impl Worker {
    /// Merges what everybody has at stake in these items. `stands` is the digest of the value at the system.
    pub(super) fn merge_stakes(
        &self,
        items: &BTreeSet<ItemKey>,
        rest: &[Release],
        compiled: &BTreeMap<ObjectName, Compiled>,
        driver: &dyn Translate,
        stands: &dyn Fn(&ItemKey, &LeafPath) -> Option<Digest>,
    ) -> Merged {
        let held = items
            .iter()
            .flat_map(|item| self.stakes.holders(item).iter().map(move |(who, _)| (item, who)))
            .filter(|(item, who)| !compiled.get(*who).is_some_and(|c| names(c, item)))
            .filter_map(|(item, who)| {
                let view = &self.stakes.get(who)?.view;
                let claim = self.memory.claims.of(&view.name).find(|(key, _)| *key == item)?.1;
                Some(Stake::Held { assignment: who, item, claim })
            });
        let live = compiled
            .values()
            .flat_map(|c| &c.contributions)
            .filter(|c| items.contains(&c.item))
            .map(Stake::Live);
        let stakes: Vec<_> = held.chain(self.left_alone(items, rest)).chain(live).collect();
        let digest = |path: &LeafPath, leaf: &LeafValue| leaf_digest(driver, &self.digester, path, leaf);
        merge(&stakes, &digest, stands)
    }

    /// Members that somebody gave who holds the item no more and did not let go of it: gone without a deletion, or in
    /// Observe now. They stay, since no living witness releases them (R3, R23).
    fn left_alone<'a>(
        &'a self,
        items: &'a BTreeSet<ItemKey>,
        rest: &'a [Release],
    ) -> impl Iterator<Item = Stake<'a>> {
        let holds =
            |item: &ItemKey, who: &ObjectName| self.stakes.holders(item).iter().any(|(h, _)| h == who);
        let released =
            |item: &ItemKey, who: &ObjectName| rest.iter().any(|r| r.item == *item && r.by == *who);
        let claims =
            items.iter().flat_map(|item| self.memory.claims.on(item).map(move |claim| (item, claim)));
        claims
            .filter(move |(item, (who, claim))| {
                !claim.members.is_empty() && !holds(item, who) && !released(item, who)
            })
            .map(|(item, (assignment, claim))| Stake::Held { assignment, item, claim })
    }

    /// What a merge of these items says replaces what was known of them, and of nothing else.
    pub(super) fn note_losers(&mut self, items: &BTreeSet<ItemKey>, merged: &mut Merged) {
        let stakes = &self.stakes;
        let stays = |who: &ObjectName, lost: &Lost| {
            !items.contains(&lost.item) && stakes.holders(&lost.item).iter().any(|(holder, _)| holder == who)
        };
        replace(&mut self.overridden, std::mem::take(&mut merged.overridden), &stays);
        replace(&mut self.conflicts, std::mem::take(&mut merged.conflicts), &stays);
    }

    /// After a start, from memory alone: items in step are not read again, and yet somebody may lose there.
    pub(super) fn recall_losers(&mut self, desired: &Desired) {
        let Some(session) = self.session.as_ref().filter(|_| !self.losers_recalled) else { return };
        self.losers_recalled = true;
        let driver = session.driver.clone();
        let shared: BTreeSet<ItemKey> =
            self.stakes.items().filter(|item| self.stakes.holders(item).len() > 1).cloned().collect();
        if shared.is_empty() {
            return;
        }
        let compiled = self.compile_holders(desired, &shared);
        let stands = |item: &ItemKey, path: &LeafPath| {
            let leaves = &self.memory.items.get(item)?.observed.as_ref()?.leaves;
            leaves.iter().find(|(p, _)| p == path).map(|(_, digest)| *digest)
        };
        let mut merged = self.merge_stakes(&shared, &[], &compiled, driver.translate(), &stands);
        self.note_losers(&shared, &mut merged);
    }
}

fn names(compiled: &Compiled, item: &ItemKey) -> bool {
    compiled.contributions.iter().any(|contribution| contribution.item == *item)
}

type Losers = BTreeMap<ObjectName, BTreeSet<Lost>>;

fn replace(known: &mut Losers, new: Losers, stays: &dyn Fn(&ObjectName, &Lost) -> bool) {
    for (who, lost) in known.iter_mut() {
        lost.retain(|lost| stays(who, lost));
    }
    for (who, lost) in new {
        known.entry(who).or_default().extend(lost);
    }
    known.retain(|_, lost| !lost.is_empty());
}
