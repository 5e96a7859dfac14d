//! R2: what each item that was looked at would lose, before anything is frozen or held.

use std::collections::BTreeMap;

use super::{Change, Difference, ItemVerdict, draft::Inputs, release::Release, retire::leaves_to_restore};
use crate::{
    api::ReleasePolicy,
    model::{ItemKey, memory::Origin},
};

/// Removals by item; several changes of one item add up. What is to be let go of and cannot be told yet counts with the
/// most it can come to: it must not slip through because it was read a minute late.
pub(super) fn removals(
    inputs: &Inputs<'_>,
    changes: &[Change],
    differences: &BTreeMap<ItemKey, Difference>,
    released: &BTreeMap<ItemKey, ItemVerdict>,
) -> BTreeMap<ItemKey, u32> {
    let looked_at = inputs.items.keys().chain(inputs.releases.iter().map(|release| &release.item));
    let mut counts: BTreeMap<ItemKey, u32> = looked_at.map(|item| (item.clone(), 0)).collect();
    for change in changes {
        let count = counts.entry(change.item.clone()).or_default();
        *count = count.saturating_add(change.removals());
    }
    // What differs and waits for a task is outstanding all the same.
    for (item, difference) in
        differences.iter().filter(|(item, _)| inputs.memory.operation_on(item).is_some())
    {
        let count = counts.entry(item.clone()).or_default();
        *count = (*count).max(difference.losses());
    }
    let mut releases: BTreeMap<&ItemKey, Vec<&Release>> = BTreeMap::new();
    inputs.releases.iter().for_each(|release| releases.entry(&release.item).or_default().push(release));
    for (item, _) in released.iter().filter(|(_, verdict)| matches!(verdict, ItemVerdict::Waiting(..))) {
        let count = counts.entry(item.clone()).or_default();
        let all = releases.get(item).map_or(&[][..], Vec::as_slice);
        *count = (*count).max(at_most(inputs, item, all));
    }
    counts
}

/// The most that letting go of an item for `all` these can take away.
fn at_most(inputs: &Inputs<'_>, item: &ItemKey, all: &[&Release]) -> u32 {
    let restoring: Vec<&Release> =
        all.iter().copied().filter(|release| release.how == ReleasePolicy::Restore).collect();
    let leaves = leaves_to_restore(inputs, item, &restoring, all).len();
    let record = inputs.memory.items.get(item);
    let object = record.is_some_and(|record| record.origin != Origin::Document && !record.retiring);
    let deleted = object && all.iter().any(|release| release.how == ReleasePolicy::Delete);
    let adopted = record.filter(|record| record.origin == Origin::Adopted && !restoring.is_empty());
    let given = adopted.map_or(0, |record| record.added.values().map(std::collections::BTreeSet::len).sum());
    u32::try_from(leaves + given).unwrap_or(u32::MAX).saturating_add(u32::from(deleted))
}
