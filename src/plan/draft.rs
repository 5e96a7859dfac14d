//! Drafts the changes of an account from what is wanted, what is let go of, and what was read.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    Change, ChangeKind, Difference, Drafted, ItemVerdict, Plan, arrays, blind, count,
    diff::difference,
    drift::{self, Drift, left_alone},
    identify::Identified,
    keep,
    release::Release,
    retire::retire,
    seed,
};
use crate::{
    api::conditions::Reason,
    drivers::{DesiredItem, Seed, Translate},
    model::{
        Digest, Digester, ExternalId, ItemKey, LeafPath, Observation, ObservedItem, Shape,
        memory::{ItemRecord, Memory, OperationRecord, Origin},
    },
};

/// After three writes of the same state that did not stay, a human must look.
const MISSES: u32 = 3;
/// Creates without an answer, where nobody can look for what they made, before a human must.
const TRIES: u32 = 5;
/// Values lost this often within a day are contested (product.md section 1).
const CONTESTED: usize = 3;
/// Why of a change that corrects what somebody else changed.
pub const DRIFT: &str = "drift";
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Everything a draft is made from.
pub struct Inputs<'a> {
    /// The system's rules.
    pub driver: &'a dyn Translate,
    /// Digests.
    pub digester: &'a Digester,
    /// Merged desired state, in scope.
    pub items: &'a BTreeMap<ItemKey, DesiredItem>,
    /// Digest of everything contributed to an item (`ObservedRecord::proves`).
    pub inputs: &'a BTreeMap<ItemKey, Digest>,
    /// What living witnesses let go of.
    pub releases: &'a [Release],
    /// Who is who.
    pub identified: &'a Identified<'a>,
    /// What was read.
    pub observation: &'a Observation,
    /// What is remembered.
    pub memory: &'a Memory,
    /// Why no removal may be made on this account now (undecodable object, incomplete view).
    pub frozen: Option<&'a str>,
    /// Items with a contributor whose includes do not all resolve: no member is removed (R16).
    pub keep_members: &'a BTreeSet<ItemKey>,
    /// `drift.correction: Correct`.
    pub correct_drift: bool,
    /// Documents to be copied first (R27).
    pub seeds: &'a BTreeMap<ItemKey, Seed>,
    /// Items that must rest after a failure, with what to say meanwhile.
    pub resting: &'a BTreeMap<ItemKey, ItemVerdict>,
    /// Opens a sealed pre-image.
    pub pre_image: &'a dyn Fn(&ItemKey, &LeafPath) -> Option<Value>,
    /// What was sent until then is as old as a drift interval, or nearly so.
    pub stale_before: Timestamp,
    /// How long the system may take to list what was just created (F22).
    pub settle: SignedDuration,
    /// Now.
    pub now: Timestamp,
}

/// A draft and where every item in scope stands.
#[derive(Debug)]
pub struct Draft {
    /// To be judged by the guard.
    pub plan: Plan<Drafted>,
    /// Standing of desired items.
    pub verdicts: BTreeMap<ItemKey, ItemVerdict>,
    /// Standing of released items; `InStep` means: gone, the claim can be dropped.
    pub released: BTreeMap<ItemKey, ItemVerdict>,
    /// Differences found.
    pub differences: BTreeMap<ItemKey, Difference>,
    /// What of them somebody changed outside Git, for InSync and drift events.
    pub drift: BTreeMap<ItemKey, Drift>,
    /// What each item would lose (R2), frozen or not.
    pub removals: BTreeMap<ItemKey, u32>,
    /// A list was read back longer than it was sent (R19).
    pub appends: bool,
}

/// Drafts the plan.
pub fn draft(inputs: &Inputs<'_>) -> Draft {
    let mut changes = Vec::new();
    let mut out = Draft {
        plan: Plan::draft(Vec::new()),
        verdicts: BTreeMap::new(),
        released: BTreeMap::new(),
        differences: BTreeMap::new(),
        drift: BTreeMap::new(),
        removals: BTreeMap::new(),
        appends: false,
    };
    for (key, desired) in inputs.items {
        let (verdict, kind) = one(inputs, desired, &mut out);
        out.verdicts.insert(key.clone(), verdict);
        if let Some((kind, why)) = kind {
            let assignments = desired.contributors.clone();
            changes.push(Change { item: key.clone(), assignments, kind, why, held: false });
        }
    }
    retire(inputs, &mut changes, &mut out);
    out.removals = count::removals(inputs, &changes, &out.differences, &out.released);
    if let Some(why) = inputs.frozen {
        changes = freeze(changes, why, &mut out.verdicts);
    }
    out.plan = Plan::draft(changes);
    out.appends = out.differences.iter().any(|(key, found)| arrays::shows_appending(inputs, key, found));
    out
}

/// Removals are taken out; where nothing else is to be done, that is said.
fn freeze(changes: Vec<Change>, why: &str, verdicts: &mut BTreeMap<ItemKey, ItemVerdict>) -> Vec<Change> {
    let mut kept = Vec::with_capacity(changes.len());
    for change in changes {
        let change = if change.removals() > 0 { change.without_removals() } else { change };
        if matches!(change.kind, ChangeKind::Hold) {
            verdicts.insert(change.item, ItemVerdict::Waiting(Reason::RemovalsFrozen, why.to_owned()));
        } else {
            kept.push(change);
        }
    }
    kept
}

pub(super) type Drafted1 = (ItemVerdict, Option<(ChangeKind, String)>);

fn one(inputs: &Inputs<'_>, desired: &DesiredItem, out: &mut Draft) -> Drafted1 {
    let key = &desired.key;
    if let Some(trouble) = inputs.identified.trouble.get(key) {
        return (ItemVerdict::Blocked(trouble.reason, trouble.message.clone()), None);
    }
    let record = inputs.memory.items.get(key);
    match inputs.identified.found.get(key) {
        Some(observed) => existing(inputs, desired, observed, record, out),
        None => absent(inputs, desired, record),
    }
}

fn existing(
    inputs: &Inputs<'_>,
    desired: &DesiredItem,
    observed: &ObservedItem,
    record: Option<&ItemRecord>,
    out: &mut Draft,
) -> Drafted1 {
    if let Some(seed) = inputs.seeds.get(&desired.key) {
        return copy_first(inputs, observed, &desired.key, seed);
    }
    if let Some(verdict) = copy_under_way(inputs, &desired.key) {
        return (verdict, None);
    }
    let mut desired = desired.clone();
    let staying = keep::staying(inputs, &desired.key);
    keep::members(staying, &mut desired, observed, record);
    let no_secrets = Vec::new();
    let sent_secrets = record.map_or(&no_secrets, |r| &r.secrets);
    let mut difference = difference(&desired, observed, sent_secrets, inputs.driver, inputs.digester);
    if let Some(blind) = blind::look(inputs, &desired, observed, record, staying, &mut difference) {
        return blind;
    }
    let barred = keep::what_cannot_be_done(&mut desired, observed, &mut difference);
    if let Some((reason, message)) = barred.filter(|_| difference.is_empty()) {
        return (ItemVerdict::Blocked(reason, message), None);
    }
    if difference.is_empty() {
        let deployed = !(inputs.driver.facts().deploys && observed.pending);
        return (if deployed { ItemVerdict::InStep } else { ItemVerdict::Undeployed }, None);
    }
    out.differences.insert(desired.key.clone(), difference.clone());
    let places = drift::places(&desired, observed, &difference);
    let drift = is_drift(inputs, &desired.key, record).then(|| drifted(observed, record, places.clone()));
    if let Some(drift) = &drift {
        out.drift.insert(desired.key.clone(), drift.clone());
    }
    if let Some(verdict) = obstacle(inputs, &desired, observed, record, &difference, drift.as_ref()) {
        return (verdict, None);
    }
    let why = if drift.is_some() { DRIFT } else { "edit" };
    let verdict = ItemVerdict::Differs(places);
    let kind = ChangeKind::Update {
        desired: Box::new(desired),
        observed: Box::new(observed.clone()),
        difference: Box::new(difference),
        restore: BTreeMap::new(),
    };
    (verdict, Some((kind, why.into())))
}

/// The copy goes before the settings, and by itself: what it leaves is read before they are written.
fn copy_first(inputs: &Inputs<'_>, observed: &ObservedItem, key: &ItemKey, seed: &Seed) -> Drafted1 {
    let obstacle = shared(observed)
        .or_else(|| open_task(inputs, key))
        .or_else(|| revoked(inputs, key))
        .or_else(|| inputs.resting.get(key).cloned());
    if let Some(verdict) = obstacle {
        return (verdict, None);
    }
    let differs = ItemVerdict::Differs(vec!["(replicateFrom)".into()]);
    (differs, Some((ChangeKind::Seed(seed.clone()), "copy".into())))
}

/// What reads equal while a copy is under way may not stay so.
fn copy_under_way(inputs: &Inputs<'_>, key: &ItemKey) -> Option<ItemVerdict> {
    inputs.memory.intents.get(key).filter(|intent| seed::is_copy(intent)).and_then(|_| open_task(inputs, key))
}

/// It was proven for exactly these inputs, and now differs: somebody else changed it.
pub fn is_drift(inputs: &Inputs<'_>, key: &ItemKey, record: Option<&ItemRecord>) -> bool {
    let proven = record.and_then(|r| r.proven);
    proven.is_some() && proven == inputs.inputs.get(key).copied()
}

fn drifted(observed: &ObservedItem, record: Option<&ItemRecord>, places: Vec<String>) -> Drift {
    let proven = record.and_then(ItemRecord::proven_provenance);
    Drift { places, author: drift::author(&observed.provenance, proven) }
}

/// Why a differing item is not written to now: the first of these checks that objects.
fn obstacle(
    inputs: &Inputs<'_>,
    desired: &DesiredItem,
    observed: &ObservedItem,
    record: Option<&ItemRecord>,
    difference: &Difference,
    drift: Option<&Drift>,
) -> Option<ItemVerdict> {
    shared(observed)
        .or_else(|| open_task(inputs, &desired.key))
        .or_else(|| revoked(inputs, &desired.key))
        .or_else(|| inputs.resting.get(&desired.key).cloned())
        .or_else(|| arrays::would_append(inputs, desired, observed, record, difference))
        .or_else(|| not_sticking(inputs, &desired.key, record.filter(|_| difference.needs_write())))
        .or_else(|| contested(inputs, record))
        .or_else(|| drift.filter(|_| !inputs.correct_drift).map(left_alone))
}

/// R19: a document that also serves other groups would change them, too.
pub(super) fn shared(observed: &ObservedItem) -> Option<ItemVerdict> {
    (!observed.shared_with.is_empty()).then(|| {
        let others = observed.shared_with.join(", ");
        let message = format!(
            "this document also serves {others}; writing it would change them, too. Give the group a policy of its \
             own in the console"
        );
        ItemVerdict::Blocked(Reason::SharedDocument, message)
    })
}

/// R20: while a task is open on a document, nothing else is written to it.
pub(super) fn open_task(inputs: &Inputs<'_>, key: &ItemKey) -> Option<ItemVerdict> {
    use crate::model::memory::TaskState;
    let (id, task) = inputs.memory.operation_on(key)?;
    let reason = match task.state {
        TaskState::Started => Reason::TaskStarted,
        _ => Reason::TaskPending,
    };
    Some(ItemVerdict::Waiting(reason, format!("task {id} is under way since {:.0}", task.since)))
}

/// R20: a write that somebody cancelled is not sent again by itself, also not after a restart.
pub(super) fn revoked(inputs: &Inputs<'_>, key: &ItemKey) -> Option<ItemVerdict> {
    use crate::model::memory::TaskState;
    let wanted = inputs.inputs.get(key);
    let closed = |(id, task): (&String, &OperationRecord)| {
        let same = task.state == TaskState::Revoked && task.items.get(key) == wanted && wanted.is_some();
        same.then(|| ItemVerdict::Blocked(Reason::TaskRevoked, revoked_message(id)))
    };
    inputs.memory.operations.iter().find_map(closed)
}

/// What is said of a cancelled task.
pub fn revoked_message(id: &str) -> String {
    format!(
        "task {id} was revoked at the system before it ran; it is not sent again by itself. Edit the Policy, or set \
         annotation ordain.dev/reconcile-requested-at on the assignment, to have it sent"
    )
}

fn not_sticking(inputs: &Inputs<'_>, key: &ItemKey, record: Option<&ItemRecord>) -> Option<ItemVerdict> {
    let sent = record?.sent.as_ref()?;
    let same = inputs.inputs.get(key) == Some(&sent.desired);
    // The read at hand is the one that judges the last write: it counts, too.
    (same && sent.misses + u32::from(!sent.judged) >= MISSES).then(|| {
        let message = format!(
            "the system accepted this {MISSES} times and still reads back different; it refuses or rewrites a value. \
             Write the value as the system reports it, or drop it from the Policy"
        );
        ItemVerdict::Blocked(Reason::WriteNotSticking, message)
    })
}

/// A document without marks whose value left ours three times in a day: two writers. We step back to once a day.
fn contested(inputs: &Inputs<'_>, record: Option<&ItemRecord>) -> Option<ItemVerdict> {
    let drifted = &record?.drifted;
    let recent = drifted.iter().filter(|at| inputs.now.duration_since(**at) < DAY).count();
    (recent >= CONTESTED).then(|| {
        let message = "somebody else keeps changing this value back; it is now corrected once a day only. Find the \
                       other writer, or drop the value from the Policy";
        ItemVerdict::Blocked(Reason::Contested, message.into())
    })
}

fn absent(inputs: &Inputs<'_>, desired: &DesiredItem, record: Option<&ItemRecord>) -> Drafted1 {
    let key = &desired.key;
    let wait = |reason, message: String| (ItemVerdict::Waiting(reason, message), None);
    if let Some(words) = inputs.observation.missing.get(key) {
        return (ItemVerdict::Blocked(Reason::TargetsUnresolved, words.clone()), None);
    }
    let listed = inputs.driver.facts().lists;
    if matches!(desired.shape, Shape::Document) || (listed && !inputs.observation.complete) {
        let why = inputs.observation.why_incomplete(Some(key));
        return wait(Reason::NotReadable, format!("{why}; reading it again"));
    }
    if let Some(resting) = inputs.resting.get(key) {
        return (resting.clone(), None);
    }
    if let Some(id) = record.and_then(|r| r.id.as_ref()).filter(|id| !listed && !is_absent(inputs, id)) {
        return wait(Reason::NotReadable, format!("{}; trying again", unreadable(id)));
    }
    let confirmed = record.is_none_or(|r| r.id.is_none() || r.is_missed_for_good());
    match record.map(|r| r.origin) {
        Some(Origin::Adopted) if confirmed => {
            let message = "the adopted object no longer exists and is never created anew. Remove spec.adopt and \
                           re-create the assignment to have one made";
            (ItemVerdict::Blocked(Reason::ExternalObjectGone, message.into()), None)
        }
        _ if !confirmed => wait(Reason::NotReadable, "the object is missing from the list; reading once more".into()),
        _ => match inputs.memory.intents.get(key) {
            Some(intent) if !listed && intent.tries >= TRIES => {
                let message = format!(
                    "it was created {TRIES} times and no answer came, so up to {TRIES} inactive objects named {:?} may \
                     stand in the system. Name one of them in spec.adopt.id and delete the others in the console",
                    desired.title
                );
                (ItemVerdict::Blocked(Reason::AdoptionRequired, message), None)
            }
            // What cannot be listed is not waited for: at worst an inert twin is left (R14).
            Some(intent) if listed && inputs.now.duration_since(intent.at) < inputs.settle => wait(
                Reason::Applying,
                "a create was sent and its answer lost; waiting for the object to be listed before trying again".into(),
            ),
            _ => (
                ItemVerdict::Differs(vec!["(object)".into()]),
                Some((ChangeKind::Create(Box::new(desired.clone())), "create".into())),
            ),
        },
    }
}

/// Whether the system, which cannot list, is known to have no object of this id any more.
pub(super) fn is_absent(inputs: &Inputs<'_>, id: &ExternalId) -> bool {
    inputs.observation.absent.contains(id)
}

/// What is said of an object that cannot be listed and is not shown.
pub(super) fn unreadable(id: &ExternalId) -> String {
    format!(
        "object {id} cannot be read, and nothing else tells whether it still stands: no other object of ours is shown by \
         the same call. Look in the console; once it is gone for good, releasePolicy: Orphan lets go of it, and the \
         assignment applied anew has another one made"
    )
}
