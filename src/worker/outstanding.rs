//! What a plan looks at besides what it tells, so that its guard counts what the operator counts (R2): everything that is
//! outstanding on the account, not only what the manifests are about.

use std::collections::BTreeSet;

use super::{Worker, preview::Known};
use crate::{drivers::Facts, model::ItemKey, plan::release::Release};

/// So much of others is read for it, where each is read by itself.
const READ: usize = 100;

/// What a plan looks at.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// What is told.
    pub told: BTreeSet<ItemKey>,
    /// What else is counted.
    pub others: BTreeSet<ItemKey>,
    /// Things of others that are not read, and so not counted.
    pub unread: usize,
}

/// What the guard of a plan counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Removals that are told.
    pub told: u32,
    /// Removals that others have outstanding.
    pub others: u32,
    /// Things of others that were not read, and so not counted.
    pub unread: usize,
}

impl Scope {
    /// Everything that is looked at.
    pub fn all(&self) -> BTreeSet<ItemKey> {
        self.told.union(&self.others).cloned().collect()
    }

    /// Counts, by item, told apart.
    pub fn count<'c>(&self, removals: impl IntoIterator<Item = (&'c ItemKey, &'c u32)>) -> Counted {
        let mut counted = Counted { unread: self.unread, ..Counted::default() };
        for (item, count) in removals {
            let of = if self.told.contains(item) { &mut counted.told } else { &mut counted.others };
            *of = of.saturating_add(*count);
        }
        counted
    }
}

impl Worker {
    /// Items of the assignments concerned that somebody pushes, those that are let go of, and what the operator is not
    /// done with of others.
    pub(super) fn looked_at(&self, known: &Known, rest: &[Release], facts: Facts) -> Scope {
        let told = self.items_of_all(&known.concerned, rest);
        let mut others = self.items_of_all(&known.outstanding, rest);
        others.retain(|item| !told.contains(item));
        let each = facts.reads && !facts.snapshot;
        let unread = if each && others.len() > READ { std::mem::take(&mut others).len() } else { 0 };
        Scope { told, others, unread }
    }

    fn items_of_all(
        &self,
        names: &BTreeSet<crate::model::ObjectName>,
        rest: &[Release],
    ) -> BTreeSet<ItemKey> {
        let held = names.iter().filter_map(|name| self.stakes.get(name));
        let pushed = held.flat_map(|kept| &kept.items).map(|(item, _)| item);
        let released = rest.iter().filter(|release| names.contains(&release.by));
        pushed
            .filter(|item| self.stakes.is_pushed(item))
            .chain(released.map(|release| &release.item))
            .cloned()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_and_what_others_have_outstanding_is_counted_apart() {
        let key = |name: &str| ItemKey(name.into());
        let scope = Scope { told: [key("a")].into(), others: [key("b"), key("c")].into(), unread: 3 };
        let counts = [(key("a"), 2), (key("b"), 1), (key("c"), 4)];
        let counted = scope.count(counts.iter().map(|(item, count)| (item, count)));
        assert_eq!(counted, Counted { told: 2, others: 5, unread: 3 });
        assert_eq!(scope.all().len(), 3);
    }
}
