//! What a read changes in memory. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::{
    api::ReleasePolicy,
    drivers::{DesiredItem, Translate},
    model::{
        Digest, Digester, ItemKey, LeafPath, MemberKind, ObservedItem, Shape,
        memory::{ClaimRecord, ItemRecord, LeafDigests, Memory, ObservedRecord, Origin, Write},
    },
    plan::{
        Difference, ItemVerdict,
        draft::{Draft, Inputs},
        seed,
    },
};

/// Leaves that were lost to somebody else are remembered this often (contested).
const DRIFTS_KEPT: usize = 3;

/// The writes that record a read: item records, absences, settled intents.
pub fn record(inputs: &Inputs<'_>, draft: &Draft) -> Vec<Write> {
    let mut writes = Vec::new();
    for (key, desired) in inputs.items {
        match inputs.identified.found.get(key) {
            Some(observed) => {
                let record = seen(inputs, draft, desired, observed);
                if inputs.memory.items.get(key) != Some(&record) {
                    writes.push(Write::Item(key.clone(), Some(Box::new(record))));
                }
                if inputs.memory.intents.get(key).is_some_and(|intent| !seed::is_copy(intent)) {
                    writes.push(Write::Intent(key.clone(), None));
                }
            }
            None => writes.extend(missed(inputs, key)),
        }
    }
    let released: BTreeSet<&ItemKey> = inputs.releases.iter().map(|release| &release.item).collect();
    let leaving = released.into_iter().filter(|key| !inputs.items.contains_key(*key));
    writes.extend(
        leaving.filter_map(|key| if is_there(inputs, key) { back(inputs, key) } else { missed(inputs, key) }),
    );
    writes
}

/// Whether what is being let go of was found, and not a copy of it.
fn is_there(inputs: &Inputs<'_>, key: &ItemKey) -> bool {
    let record = inputs.memory.items.get(key);
    let found = inputs.identified.found.get(key);
    found.is_some_and(|found| !record.is_some_and(|record| record.is_copied_by(found)))
}

fn seen(inputs: &Inputs<'_>, draft: &Draft, desired: &DesiredItem, observed: &ObservedItem) -> ItemRecord {
    let key = &desired.key;
    let before = inputs.memory.items.get(key);
    let wanted = inputs.inputs.get(key).copied();
    // While something of it is still to be put back nothing is proven: what is proven is not asked what it let go of.
    let letting_go = draft.released.get(key).is_some_and(is_under_way);
    let in_step = draft.verdicts.get(key) == Some(&ItemVerdict::InStep) && !letting_go;
    let difference = draft.differences.get(key);
    let mut record = before.cloned().unwrap_or_else(|| new_record(inputs, desired, observed));
    record.id.clone_from(&observed.id);
    record.mark = desired.mark();
    record.title.clone_from(&desired.title);
    record.status_key.clone_from(&desired.status_key);
    (record.absences, record.missed_at) = (0, None);
    record.retiring = false;
    record.slot = observed.slot.filter(|slot| *slot > 0).or(record.slot);
    judge_last_write(&mut record, before, wanted, observed, difference, inputs);
    note_drift(&mut record, before, wanted, difference, inputs.now);
    if in_step {
        record.proven = wanted;
    }
    for (kind, names) in &mut record.added {
        let of =
            |members: &BTreeMap<MemberKind, BTreeSet<String>>| members.get(kind).cloned().unwrap_or_default();
        let known: BTreeSet<String> = of(&observed.members).union(&of(&desired.members)).cloned().collect();
        names.retain(|name| known.contains(name));
    }
    note_members_before(&mut record, inputs, desired, observed);
    record.trace = before.and_then(ItemRecord::proven_provenance).filter(|_| !in_step).cloned();
    record.observed = Some(ObservedRecord {
        at: inputs.now,
        leaves: digests(inputs.driver, inputs.digester, desired, observed),
        members: members_digest(inputs.digester, desired.members.keys(), &observed.members),
        foreign: foreign_members(desired, observed),
        enabled: observed.enabled,
        pending: observed.pending,
        proves: wanted.filter(|_| in_step),
        provenance: observed.provenance.clone(),
    });
    record
}

/// R11: whom an adopted object reaches is the former state of a kind for as long as nobody has claimed that kind, and
/// who is seen there is not taken out. What a lost store may have known better, and what cannot be read, is not made up.
fn note_members_before(
    record: &mut ItemRecord,
    inputs: &Inputs<'_>,
    desired: &DesiredItem,
    observed: &ObservedItem,
) {
    for (kind, names) in &mut record.taken {
        let stand = observed.members.get(kind);
        names.retain(|name| !stand.is_some_and(|stand| stand.contains(name)));
    }
    record.taken.retain(|_, names| !names.is_empty());
    let claims: Vec<_> = inputs.memory.claims.on(&desired.key).map(|(_, claim)| claim).collect();
    let forgotten = if claims.is_empty() { observed.mark.is_some() } else { !inputs.memory.lost.is_empty() };
    if record.origin != Origin::Adopted || forgotten || observed.is_blind() {
        return;
    }
    for kind in desired.members.keys().filter(|kind| !claims.iter().any(|c| c.members.contains_key(kind))) {
        record.former.insert(*kind, observed.members.get(kind).cloned().unwrap_or_default());
    }
}

fn is_under_way(release: &ItemVerdict) -> bool {
    !matches!(release, ItemVerdict::InStep | ItemVerdict::Blocked(..))
}

fn new_record(inputs: &Inputs<'_>, desired: &DesiredItem, observed: &ObservedItem) -> ItemRecord {
    let origin = match desired.shape {
        Shape::Document => Origin::Document,
        Shape::Object { .. } if inputs.identified.adopted.contains(&desired.key) => Origin::Adopted,
        Shape::Object { .. } => Origin::Created,
    };
    ItemRecord::new(origin, observed.id.clone(), desired.mark(), &desired.title, &desired.status_key)
}

/// Did the last write stick? Judged by the first read after it, and as stuck only once it is deployed: a deploy may undo
/// it. Where a task carries it out, what becomes of the task says it.
fn judge_last_write(
    record: &mut ItemRecord,
    before: Option<&ItemRecord>,
    wanted: Option<Digest>,
    observed: &ObservedItem,
    difference: Option<&Difference>,
    inputs: &Inputs<'_>,
) {
    let Some(sent) = record.sent.as_mut().filter(|sent| Some(sent.desired) == wanted) else { return };
    if difference.is_some_and(Difference::needs_write) {
        let missed = !sent.judged && task_is_closed(inputs, before);
        (sent.misses, sent.judged) = (sent.misses.saturating_add(missed.into()), true);
    } else if !observed.pending {
        (sent.misses, sent.judged) = (0, true);
    }
}

fn task_is_closed(inputs: &Inputs<'_>, before: Option<&ItemRecord>) -> bool {
    let Some(before) = before else { return true };
    !inputs.memory.operations.values().any(|op| {
        op.state.is_open()
            && op
                .items
                .keys()
                .any(|key| inputs.memory.items.get(key).is_some_and(|record| std::ptr::eq(record, before)))
    })
}

/// Only documents can be contested: objects carry marks, so a rival is told by name.
fn note_drift(
    record: &mut ItemRecord,
    before: Option<&ItemRecord>,
    wanted: Option<Digest>,
    difference: Option<&Difference>,
    now: Timestamp,
) {
    let proven = before.and_then(|b| b.observed.as_ref()).and_then(|o| o.proves);
    if record.origin == Origin::Document && proven.is_some() && proven == wanted && difference.is_some() {
        record.drifted.push(now);
        let surplus = record.drifted.len().saturating_sub(DRIFTS_KEPT);
        record.drifted.drain(..surplus);
    }
}

/// A recorded object that is not in a complete view, or is told to be gone where none is to be had, was missed once more
/// (F23).
fn missed(inputs: &Inputs<'_>, key: &ItemKey) -> Option<Write> {
    let record = inputs.memory.items.get(key)?;
    let view = &inputs.observation;
    let counts = record
        .id
        .as_ref()
        .is_some_and(|id| view.complete || (view.absent.contains(id) && is_apart(inputs, record)));
    (counts && !record.is_missed_for_good()).then(|| {
        let trace = record.proven_provenance().cloned();
        let (absences, missed_at) = (record.absences + 1, Some(inputs.now));
        let record = ItemRecord { absences, missed_at, observed: None, trace, ..record.clone() };
        Write::Item(key.clone(), Some(Box::new(record)))
    })
}

/// Any refusal of a read counts as "none there", also one that passes, of a locked object say: two that lie close together
/// are one, or a second object would be made beside it (I2).
fn is_apart(inputs: &Inputs<'_>, record: &ItemRecord) -> bool {
    let last = record.missed_at.filter(|_| record.absences > 0);
    last.is_none_or(|at| inputs.now.duration_since(at) >= inputs.settle)
}

/// What is being let go of and was found again: only views one after the other tell that it is gone (F23).
fn back(inputs: &Inputs<'_>, key: &ItemKey) -> Option<Write> {
    let record = inputs.memory.items.get(key).filter(|record| record.absences > 0)?;
    Some(Write::Item(key.clone(), Some(Box::new(ItemRecord { absences: 0, ..record.clone() }))))
}

/// Digests of the owned leaves as read.
fn digests(
    driver: &dyn Translate,
    digester: &Digester,
    desired: &DesiredItem,
    observed: &ObservedItem,
) -> LeafDigests {
    let digest =
        |path: &LeafPath| observed.leaves.get(path).map(|v| digester.json(&driver.canonicalise(path, v)));
    desired.leaves.keys().filter_map(|path| Some((path.clone(), digest(path)?))).collect()
}

/// Of the kinds that are ours, those that stand there.
pub(super) fn members_digest<'a>(
    digester: &Digester,
    ours: impl Iterator<Item = &'a MemberKind>,
    stand: &BTreeMap<MemberKind, BTreeSet<String>>,
) -> Digest {
    let owned: Vec<(MemberKind, _)> = ours.filter_map(|kind| Some((*kind, stand.get(kind)?))).collect();
    digester.bytes(format!("{owned:?}").as_bytes())
}

/// Members that nobody of ours wants: where they are exact, on their way out.
fn foreign_members(desired: &DesiredItem, observed: &ObservedItem) -> u32 {
    let of_kind = |(kind, names): (&MemberKind, &BTreeSet<String>)| {
        let stand = observed.members.get(kind);
        stand.map_or(0, |stand| stand.difference(names).count())
    };
    u32::try_from(desired.members.iter().map(of_kind).sum::<usize>()).unwrap_or(u32::MAX)
}

/// The claims of one round's contributors, written before the first effect and again when proven.
pub fn claim(
    contribution: &crate::model::Contribution,
    generation: i64,
    policy_generation: i64,
    driver: &dyn Translate,
    digester: &Digester,
) -> ClaimRecord {
    let leaves = contribution
        .leaves
        .iter()
        .map(|(path, leaf)| (path.clone(), crate::plan::diff::leaf_digest(driver, digester, path, leaf)))
        .collect();
    ClaimRecord {
        leaves,
        members: contribution.members.clone(),
        priority: contribution.priority,
        generation,
        policy_generation,
    }
}

/// A claim before an effect keeps what it held before: what is being dropped is not yet let go of.
pub fn widened(new: &ClaimRecord, old: Option<&ClaimRecord>) -> ClaimRecord {
    let mut claim = new.clone();
    let Some(old) = old else { return claim };
    for (path, digest) in &old.leaves {
        if !claim.leaves.iter().any(|(p, _)| p == path) {
            claim.leaves.push((path.clone(), *digest));
        }
    }
    claim.leaves.sort();
    claim
}

/// What becomes of the members that one of several gave: with Orphan they stay for good, else they are the others' to keep.
fn members_left(
    memory: &Memory,
    item: &ItemKey,
    by: &crate::model::ObjectName,
    how: ReleasePolicy,
) -> Option<Write> {
    let claim = memory.claims.get(&(item.clone(), by.clone())).filter(|claim| !claim.members.is_empty())?;
    let mut record = memory.items.get(item)?.clone();
    for (kind, names) in &claim.members {
        let kept = record.kept.entry(*kind).or_default();
        match how {
            ReleasePolicy::Orphan => kept.extend(names.iter().cloned()),
            ReleasePolicy::Delete | ReleasePolicy::Restore => kept.retain(|name| !names.contains(name)),
        }
    }
    record.kept.retain(|_, names| !names.is_empty());
    Some(Write::Item(item.clone(), Some(Box::new(record))))
}

/// Everything to forget once an item is let go of. That it was copied into stays known, so that an assignment made anew
/// does not copy anew (R27).
pub fn forget(
    memory: &Memory,
    item: &ItemKey,
    by: &crate::model::ObjectName,
    leaves: Option<&BTreeSet<LeafPath>>,
    how: ReleasePolicy,
) -> Vec<Write> {
    let mut writes = Vec::new();
    let remaining = leaves.and_then(|gone| {
        let mut claim = memory.claims.get(&(item.clone(), by.clone()))?.clone();
        claim.leaves.retain(|(path, _)| !gone.contains(path));
        Some(claim)
    });
    let others: Vec<_> =
        memory.claims.on(item).filter(|(who, _)| *who != by).map(|(_, claim)| claim).collect();
    let held = |path: &LeafPath| {
        others.iter().copied().chain(&remaining).any(|claim| claim.leaves.iter().any(|(p, _)| p == path))
    };
    // What an adopted object held before is put back when the last one lets go of it, elements of its lists, which nobody
    // claims, among it.
    let whole = others.is_empty() && remaining.is_none();
    let adopted = memory.items.get(item).is_some_and(|record| record.origin == Origin::Adopted);
    let over = |path: &LeafPath| whole || !(adopted || held(path));
    for (_, path) in memory.pre_images.keys().filter(|(key, path)| key == item && over(path)) {
        writes.push(Write::PreImage(item.clone(), path.clone(), None));
    }
    if !others.is_empty() && leaves.is_none() {
        writes.extend(members_left(memory, item, by, how));
    }
    if others.is_empty() && remaining.is_none() {
        let copied = memory.items.get(item).and_then(ItemRecord::let_go);
        if copied.is_none() {
            writes.push(Write::Intent(item.clone(), None));
        }
        writes.push(Write::Item(item.clone(), copied.map(Box::new)));
    }
    writes.push(Write::Claim(item.clone(), by.clone(), remaining));
    writes
}
