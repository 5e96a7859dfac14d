//! Turns releases into changes (R11): Orphan never needs a call, Restore puts former values back, Delete goes
//! off → deployed → removed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    Change, ChangeKind, ItemVerdict, Stage,
    draft::{Draft, Inputs, is_absent, open_task, revoked, shared, unreadable as not_shown},
    release::{Release, mildest},
    restore,
};
use crate::{
    api::{ReleasePolicy, conditions::Reason},
    drivers::{Facts, Members},
    model::{
        Digest, ItemKey, LeafPath, ObjectName, ObservedItem,
        memory::{CatalogueRecord, ItemRecord, Origin},
    },
};

/// Adds the changes that releases need and tells where each released item stands.
pub fn retire(inputs: &Inputs<'_>, changes: &mut Vec<Change>, out: &mut Draft) {
    let mut by_item: BTreeMap<&ItemKey, Vec<&Release>> = BTreeMap::new();
    for release in inputs.releases {
        by_item.entry(&release.item).or_default().push(release);
    }
    for (item, releases) in by_item {
        let document = inputs.memory.items.get(item).is_some_and(|r| r.origin == Origin::Document);
        let verdict = if document {
            document_release(inputs, item, &releases, changes)
        } else {
            object_release(inputs, item, &releases, &out.verdicts, changes)
        };
        out.released.insert(item.clone(), verdict);
    }
}

pub(super) fn push(changes: &mut Vec<Change>, item: &ItemKey, releases: &[&Release], kind: ChangeKind) {
    let assignments: BTreeSet<ObjectName> = releases.iter().map(|r| r.by.clone()).collect();
    let names: Vec<_> = assignments.iter().map(ToString::to_string).collect();
    let why = format!("released by {}", names.join(", "));
    changes.push(Change { item: item.clone(), assignments, kind, why, held: false });
}

/// Leaves of a document. Those another assignment holds pass to it by merging; nothing is put back for them.
fn document_release(
    inputs: &Inputs<'_>,
    item: &ItemKey,
    releases: &[&Release],
    changes: &mut Vec<Change>,
) -> ItemVerdict {
    let restoring: Vec<_> = releases.iter().filter(|r| r.how == ReleasePolicy::Restore).copied().collect();
    let wanted = leaves_to_restore(inputs, item, &restoring, releases);
    if wanted.is_empty() {
        push(changes, item, releases, ChangeKind::Forget);
        return ItemVerdict::InStep;
    }
    if let Some(why) = inputs.frozen {
        return ItemVerdict::Waiting(Reason::RemovalsFrozen, why.to_owned());
    }
    if is_gone(inputs, item) {
        push(changes, item, releases, ChangeKind::Forget);
        return ItemVerdict::InStep;
    }
    let Some(observed) = inputs.identified.found.get(item) else {
        return unreadable(inputs, item);
    };
    let restore = match former_values(inputs, item, observed, &wanted) {
        Ok(restore) => restore,
        Err(verdict) => return verdict,
    };
    // What an open task is still to write is not seen yet, unless it is the very task that puts things back (R20).
    let task = open_task(inputs, item);
    let restoring = restore_is_under_way(inputs, item);
    if restore.is_empty() && (task.is_none() || restoring) {
        push(changes, item, releases, ChangeKind::Forget);
        return ItemVerdict::InStep;
    }
    if let Some(verdict) = task.or_else(|| revoked(inputs, item)).or_else(|| shared(observed)) {
        return verdict;
    }
    if let Some(resting) = inputs.resting.get(item) {
        return resting.clone();
    }
    restore_into(changes, item, releases, observed, restore);
    ItemVerdict::Differs(wanted.keys().map(ToString::to_string).take(20).collect())
}

fn restore_is_under_way(inputs: &Inputs<'_>, item: &ItemKey) -> bool {
    let task = inputs.memory.operation_on(item).and_then(|(_, task)| task.items.get(item));
    task.is_some() && task == inputs.inputs.get(item)
}

/// The system neither serves the document nor lists whose it was: nothing of ours stands any more (F33). Both must say so
/// (I11): an expired customer serves nothing either.
fn is_gone(inputs: &Inputs<'_>, item: &ItemKey) -> bool {
    let listed = |record: &CatalogueRecord| inputs.driver.is_listed(item, &record.catalogue);
    inputs.observation.missing.contains_key(item)
        && inputs.memory.catalogue.as_ref().and_then(listed) == Some(false)
}

fn unreadable(inputs: &Inputs<'_>, item: &ItemKey) -> ItemVerdict {
    match inputs.observation.missing.get(item) {
        Some(words) => ItemVerdict::Blocked(Reason::TargetsUnresolved, words.clone()),
        None => {
            ItemVerdict::Waiting(Reason::NotReadable, "the document could not be read; trying again".into())
        }
    }
}

/// Leaves to put back with the digest of our value, less those that somebody else claims.
pub(super) fn leaves_to_restore(
    inputs: &Inputs<'_>,
    item: &ItemKey,
    restoring: &[&Release],
    all: &[&Release],
) -> BTreeMap<LeafPath, Digest> {
    let gone: BTreeSet<(&ObjectName, &LeafPath)> = inputs
        .memory
        .claims
        .on(item)
        .flat_map(|(who, claim)| claim.leaves.iter().map(move |(path, _)| (who, path)))
        .filter(|(who, path)| {
            all.iter().any(|r| r.by == **who && r.leaves.as_ref().is_none_or(|l| l.contains(*path)))
        })
        .collect();
    let mut wanted = BTreeMap::new();
    for release in restoring {
        let Some(claim) = inputs.memory.claims.get(&(item.clone(), release.by.clone())) else { continue };
        for (path, digest) in &claim.leaves {
            let released = release.leaves.as_ref().is_none_or(|leaves| leaves.contains(path));
            let desired = inputs.items.get(item).is_some_and(|d| d.leaves.contains_key(path));
            let claimed = inputs.memory.claims.on(item).any(|(who, other)| {
                !gone.contains(&(who, path)) && other.leaves.iter().any(|(p, _)| p == path)
            });
            if released && !desired && !claimed {
                wanted.insert(path.clone(), *digest);
            }
        }
    }
    wanted
}

/// Former values, only for leaves that still hold ours.
fn former_values(
    inputs: &Inputs<'_>,
    item: &ItemKey,
    observed: &ObservedItem,
    wanted: &BTreeMap<LeafPath, Digest>,
) -> Result<BTreeMap<LeafPath, Value>, ItemVerdict> {
    let mut restore = BTreeMap::new();
    let mut lost = Vec::new();
    for (path, ours) in wanted {
        let stands =
            observed.leaves.get(path).map(|v| inputs.digester.json(&inputs.driver.canonicalise(path, v)));
        if stands != Some(*ours) {
            continue;
        }
        match (inputs.pre_image)(item, path) {
            Some(value) if inputs.digester.json(&inputs.driver.canonicalise(path, &value)) == *ours => {}
            Some(value) if !value.is_null() => drop(restore.insert(path.clone(), value)),
            _ => lost.push(path.to_string()),
        }
    }
    if lost.is_empty() {
        return Ok(restore);
    }
    Err(incomplete(&lost))
}

pub(super) fn incomplete(lost: &[String]) -> ItemVerdict {
    let lost: Vec<_> = lost.iter().take(20).map(String::as_str).collect();
    ItemVerdict::Blocked(
        Reason::RestoreIncomplete,
        format!(
            "the former value of {} is not known (it was never there, or a lost store took it). To keep our value \
             and finish, set releasePolicy: Orphan",
            lost.join(", ")
        ),
    )
}

/// Puts the values back in the write the item needs anyway, or in one of its own.
fn restore_into(
    changes: &mut Vec<Change>,
    item: &ItemKey,
    releases: &[&Release],
    observed: &ObservedItem,
    values: BTreeMap<LeafPath, Value>,
) {
    let planned = changes.iter_mut().find(|c| c.item == *item);
    if let Some(Change { kind: ChangeKind::Update { restore, .. }, assignments, .. }) = planned {
        restore.extend(values);
        assignments.extend(releases.iter().map(|r| r.by.clone()));
        return;
    }
    push(
        changes,
        item,
        releases,
        ChangeKind::Restore { observed: Box::new(observed.clone()), leaves: values, members: Members::new() },
    );
}

/// An object whose last contributor goes; while others stay, merging already took the leaver's part out.
fn object_release(
    inputs: &Inputs<'_>,
    item: &ItemKey,
    releases: &[&Release],
    stays: &BTreeMap<ItemKey, ItemVerdict>,
    changes: &mut Vec<Change>,
) -> ItemVerdict {
    let whole: Vec<_> = releases.iter().filter(|r| r.leaves.is_none()).copied().collect();
    let how = mildest(whole.iter().map(|r| r.how));
    let (None, Some(how)) = (inputs.items.get(item), how) else {
        let leaving = how.is_some_and(|how| how != ReleasePolicy::Orphan);
        // Others stay, and what the leaver gave is taken out by their next write: until that is seen it is not let go of.
        if let Some(verdict) = stays.get(item).filter(|verdict| leaving && **verdict != ItemVerdict::InStep) {
            return verdict.clone();
        }
        push(changes, item, releases, ChangeKind::Forget);
        return ItemVerdict::InStep;
    };
    if how == ReleasePolicy::Orphan {
        push(changes, item, &whole, ChangeKind::Forget);
        return ItemVerdict::InStep;
    }
    if let Some(trouble) = inputs.identified.trouble.get(item) {
        return ItemVerdict::Blocked(trouble.reason, trouble.message.clone());
    }
    if let Some(why) = inputs.frozen {
        return ItemVerdict::Waiting(Reason::RemovalsFrozen, why.to_owned());
    }
    let record = inputs.memory.items.get(item);
    // Another object with the mark stays.
    let removed = |o: &ObservedItem| record.is_some_and(|r| r.is_copied_by(o));
    let Some(observed) = inputs.identified.found.get(item).filter(|o| !removed(o)) else {
        return unseen_release(inputs, item, record, &whole, changes);
    };
    if let Some(resting) = inputs.resting.get(item) {
        return resting.clone();
    }
    let adopted = record.is_some_and(|r| r.origin == Origin::Adopted);
    if how == ReleasePolicy::Restore && adopted {
        return restore::adopted(inputs, item, &whole, observed, changes);
    }
    delete(inputs, item, &whole, observed, changes)
}

/// An object that no read shows, or none but somebody's copy of it.
fn unseen_release(
    inputs: &Inputs<'_>,
    item: &ItemKey,
    record: Option<&ItemRecord>,
    whole: &[&Release],
    changes: &mut Vec<Change>,
) -> ItemVerdict {
    // What cannot be listed is gone once its removal was taken, which took the id out of the record.
    let forgotten = !inputs.driver.facts().lists && record.is_none_or(|r| r.id.is_none());
    let id = record.and_then(|r| r.id.as_ref()).filter(|_| !inputs.driver.facts().lists);
    let absent = id.is_some_and(|id| is_absent(inputs, id));
    if let Some(id) = id.filter(|_| !absent) {
        return ItemVerdict::Blocked(Reason::NotReadable, not_shown(id));
    }
    if !inputs.observation.complete && !forgotten && !absent {
        return ItemVerdict::Waiting(Reason::NotReadable, inputs.observation.why_incomplete(Some(item)));
    }
    // F23: one list that misses it proves nothing yet, unless the system took our removal (`worker/answer`).
    if record.is_some_and(|r| r.id.is_some() && !r.is_missed_for_good()) {
        let words = "the object is missing from the list; reading once more";
        return ItemVerdict::Waiting(Reason::NotReadable, words.into());
    }
    push(changes, item, whole, ChangeKind::Forget);
    ItemVerdict::InStep
}

/// Restrict before remove: devices keep what a removed object gave them unless it was off and deployed first.
fn delete(
    inputs: &Inputs<'_>,
    item: &ItemKey,
    releases: &[&Release],
    observed: &ObservedItem,
    changes: &mut Vec<Change>,
) -> ItemVerdict {
    let Some(id) = observed.id.clone() else { return ItemVerdict::InStep };
    let facts = inputs.driver.facts();
    let stage = match () {
        () if reaches_somebody(observed, facts) => Stage::SwitchOff,
        () if facts.deploys && observed.pending => Stage::AwaitDeploy,
        () if facts.deletes => Stage::Delete,
        // All that can be done: it stays there, off and reaching nobody (appshield sheet section 4).
        () => {
            push(changes, item, releases, ChangeKind::Forget);
            return ItemVerdict::InStep;
        }
    };
    let counted = inputs.memory.items.get(item).is_some_and(|r| r.retiring);
    let observed = Box::new(observed.clone());
    push(changes, item, releases, ChangeKind::Retire { id, observed, stage, counted });
    match stage {
        Stage::AwaitDeploy => ItemVerdict::Undeployed,
        _ => ItemVerdict::Differs(vec!["(object)".into()]),
    }
}

fn reaches_somebody(observed: &ObservedItem, facts: Facts) -> bool {
    let members = observed.members.values().any(|names| !names.is_empty());
    // Of which nothing but the id is known: it may.
    let unknown = observed.remembered && observed.enabled.is_none();
    observed.enabled == Some(true) || unknown || (!facts.switches && members)
}
