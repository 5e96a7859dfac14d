//! The only place that calls a driver with effects.
//!
//! ```text
//! per chunk: stop asked? ─▶ fence ─▶ commit what must be durable ─▶ calls, at most inFlight at once ─▶ commit results
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures::{StreamExt, stream};
use jiff::Timestamp;
use tracing::Instrument as _;

use super::{
    before::Before,
    effect,
    failed::{concerns_account, failed, is_content, not_removed, taken_back, without},
    journal::{journal, name},
    operations,
    ports::Fence,
    trouble::Troubles,
};
use crate::{
    drivers::{
        Driver, DriverError, Outcome, Seed, Step,
        http::effects::{self, Work},
    },
    index::AssignmentView,
    model::{
        BackendId, Digest, ItemKey, LeafPath, ObjectName, TRACE,
        memory::{ClaimRecord, DeployRecord, ItemRecord, Memory, OperationRecord, Sealed, Write},
    },
    plan::steps::PlannedStep,
    store::{JournalEntry, Store, StoreError},
};

/// Steps journalled and run together.
const CHUNK: usize = 32;
/// The longest a call may take, for the fence (R28).
pub const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// What a pass needs to apply steps.
pub struct Hand<'a> {
    /// The account.
    pub backend: &'a BackendId,
    /// Its driver.
    pub driver: &'a Arc<dyn Driver>,
    /// The store.
    pub store: &'a Store,
    /// Leadership.
    pub fence: &'a dyn Fence,
    /// `limits.inFlight`.
    pub in_flight: usize,
    /// Claims of this round's contributors.
    pub claims: &'a BTreeMap<(ItemKey, ObjectName), ClaimRecord>,
    /// What is copied, per item.
    pub seeds: &'a BTreeMap<ItemKey, Seed>,
    /// What the cluster wants of the account, for the log.
    pub assignments: &'a BTreeMap<ObjectName, Arc<AssignmentView>>,
    /// Inputs digests.
    pub inputs: &'a BTreeMap<ItemKey, Digest>,
    /// Whether to stop between sequences: a newer change came, or the process ends.
    pub stop: &'a (dyn Fn() -> bool + Sync),
    /// Time.
    pub now: &'a (dyn Fn() -> Timestamp + Sync),
}

/// What applying came to.
#[derive(Debug, Default)]
pub struct Applied {
    /// Calls made.
    pub calls: usize,
    /// Calls the system accepted.
    pub effects: usize,
    /// Whether some steps were left for the next round.
    pub interrupted: bool,
    /// A failure that concerns the whole account.
    pub outage: Option<DriverError>,
    /// Items of every removal that was journalled, whatever became of its call: it counts as executed.
    pub tried: Vec<ItemKey>,
    /// Effects that were carried out, for events: item and why.
    pub done: Vec<(ItemKey, String)>,
}

/// Applies the steps in order; remembers before and after each chunk.
///
/// # Errors
/// The store cannot remember: nothing further was called.
pub async fn apply(
    hand: &Hand<'_>,
    steps: Vec<PlannedStep>,
    memory: &mut Memory,
    troubles: &mut Troubles,
) -> Result<Applied, StoreError> {
    let mut applied = Applied::default();
    let mut unwritten = BTreeSet::new();
    for chunk in chunks(steps) {
        let chunk: Vec<_> = chunk.into_iter().filter_map(|step| without(step, &unwritten)).collect();
        if chunk.is_empty() {
            continue;
        }
        if (hand.stop)() || !hand.fence.allows(CALL_TIMEOUT) {
            applied.interrupted = true;
            break;
        }
        let writes = before(hand, &chunk, memory);
        commit(hand, memory, writes, &journal(&chunk, (hand.now)()))?;
        let removing = chunk.iter().filter(|step| step.removals > 0);
        applied.tried.extend(removing.flat_map(|step| step.items.iter().cloned()));
        let results = run(hand, chunk).await;
        let failed = results.iter().filter(|(step, result, _)| result.is_err() && is_content(&step.step));
        unwritten.extend(failed.flat_map(|(step, ..)| step.items.iter().cloned()));
        applied.calls += results.len();
        let writes = after(hand, &results, memory, troubles, &mut applied);
        commit(hand, memory, writes, &[])?;
        if applied.outage.is_some() {
            applied.interrupted = true;
            break;
        }
    }
    Ok(applied)
}

/// Independent steps of one kind go together; switches, order, removal and deploy go alone.
fn chunks(steps: Vec<PlannedStep>) -> Vec<Vec<PlannedStep>> {
    let mut chunks: Vec<Vec<PlannedStep>> = Vec::new();
    for step in steps {
        let joins = chunks.last().is_some_and(|last| {
            last.len() < CHUNK
                && last.first().is_some_and(|f| independent(&f.step) && same_kind(&f.step, &step.step))
        });
        match chunks.last_mut().filter(|_| joins) {
            Some(last) => last.push(step),
            None => chunks.push(vec![step]),
        }
    }
    chunks
}

fn independent(step: &Step) -> bool {
    matches!(step, Step::Create(_) | Step::Replace { .. } | Step::Restore { .. } | Step::Write { .. })
}

fn same_kind(a: &Step, b: &Step) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

fn before(hand: &Hand<'_>, chunk: &[PlannedStep], memory: &Memory) -> Vec<Write> {
    let seal = |item: &ItemKey, path: &LeafPath, value: &serde_json::Value| -> Sealed {
        let place = crate::store::Place { account: hand.backend, item, path: Some(path) };
        hand.store.sealer().seal(&place, value.to_string().as_bytes())
    };
    let before = Before {
        memory,
        claims: hand.claims,
        inputs: hand.inputs,
        seal: &seal,
        seeds: hand.seeds,
        deploys: hand.driver.translate().facts().deploys,
        additive: hand.driver.translate().facts().additive,
        exact_lists: hand.driver.translate().exact_lists(),
        now: (hand.now)(),
    };
    before.writes(chunk)
}

/// A step, what came of it, and the calls it took.
type Done = (PlannedStep, Result<Outcome, DriverError>, Work);

async fn run(hand: &Hand<'_>, chunk: Vec<PlannedStep>) -> Vec<Done> {
    let calls = chunk.into_iter().map(|planned| async move {
        let span = tracing::trace_span!(
            target: TRACE, "step", verb = name(&planned.step), why = %planned.why, items = planned.items.len()
        );
        let call = effects::counted(hand.driver.execute(&planned.step));
        let (result, work) = call.instrument(span).await;
        (planned, result, work)
    });
    stream::iter(calls).buffered(hand.in_flight.max(1)).collect().await
}

fn after(
    hand: &Hand<'_>,
    results: &[Done],
    memory: &Memory,
    troubles: &mut Troubles,
    applied: &mut Applied,
) -> Vec<Write> {
    let now = (hand.now)();
    let (mut writes, mut refused) = (Vec::new(), 0_u32);
    for (planned, result, work) in results {
        effect::tell(hand, planned, result, memory, work);
        match result {
            Ok(outcome) => {
                writes.extend(succeeded(hand, planned, outcome, memory, now));
                worked(hand, planned, troubles, now);
                applied.effects += 1;
                applied.done.extend(planned.items.iter().map(|item| (item.clone(), planned.why.clone())));
            }
            Err(error) => {
                writes.extend(failed(hand, planned, error, memory, troubles, now));
                refused = refused.saturating_add(not_removed(planned, error));
                if concerns_account(error, planned) {
                    applied.outage.get_or_insert_with(|| error.clone());
                }
            }
        }
    }
    writes.extend(taken_back(memory, refused));
    writes
}

/// What is accepted is not yet seen: only reading tells whether it stays.
fn worked(hand: &Hand<'_>, planned: &PlannedStep, troubles: &mut Troubles, now: Timestamp) {
    if matches!(planned.step, Step::Deploy) {
        troubles.deploy_worked();
    }
    for item in &planned.items {
        troubles.step_worked(item);
        if let Some(inputs) = hand.inputs.get(item).filter(|_| !is_counted_in_record(&planned.step, item)) {
            troubles.effect_accepted(item, *inputs, name(&planned.step), now);
        }
    }
}

/// Content that does not stay is counted by its `SentRecord`, a copy by its revision.
pub(super) fn is_counted_in_record(step: &Step, item: &ItemKey) -> bool {
    match step {
        Step::Replace { desired, .. } => !desired.contributors.is_empty(),
        Step::Seed { .. } => true,
        Step::Write { changes, .. } => {
            changes.iter().any(|change| change.desired.key == *item && !change.differing.is_empty())
        }
        _ => false,
    }
}

fn succeeded(
    hand: &Hand<'_>,
    planned: &PlannedStep,
    outcome: &Outcome,
    memory: &Memory,
    now: Timestamp,
) -> Vec<Write> {
    match (&planned.step, outcome) {
        (Step::Create(desired), Outcome::Applied { id: Some(id), answer }) => {
            let record = super::answer::created(hand, desired, id, answer.as_deref(), memory);
            vec![Write::Item(desired.key.clone(), Some(Box::new(record)))]
        }
        (Step::Write { changes, .. }, outcome) => {
            let mut writes = sent_secrets(hand, changes, memory);
            let items =
                planned.items.iter().filter_map(|i| Some((i.clone(), *hand.inputs.get(i)?))).collect();
            let (resends, settled) = operations::resent(memory, &items);
            writes.extend(settled);
            if let Outcome::Pending { operation, state } = outcome {
                let task = OperationRecord { items, state: *state, since: now, resends };
                writes.push(Write::Operation(operation.clone(), Some(task)));
            }
            writes
        }
        (Step::Seed { item, .. }, Outcome::Applied { .. }) => vec![Write::Intent(item.clone(), None)],
        // The intent stays until the task is known to have ended well.
        (Step::Seed { item, .. }, Outcome::Pending { operation, state }) => {
            let items = hand.inputs.get(item).map(|digest| (item.clone(), *digest)).into_iter().collect();
            let task = OperationRecord { items, state: *state, since: now, resends: 0 };
            vec![Write::Operation(operation.clone(), Some(task))]
        }
        (Step::Replace { desired, .. }, Outcome::Applied { answer: Some(answer), .. }) => {
            super::answer::kept(hand, &desired.key, answer, memory).into_iter().collect()
        }
        (Step::Restore { .. }, Outcome::Applied { answer: Some(answer), .. }) => {
            let kept = |item| super::answer::kept(hand, item, answer, memory);
            planned.items.iter().filter_map(kept).collect()
        }
        (Step::Delete(_), Outcome::Applied { .. }) => {
            planned.items.iter().filter_map(|item| super::answer::deleted(hand, item, memory)).collect()
        }
        (Step::Deploy, _) => {
            vec![Write::Deploy(DeployRecord { running_since: Some(now), ..memory.deploy.clone() })]
        }
        _ => Vec::new(),
    }
}

/// Secrets that cannot be read back are compared by what was last sent.
fn sent_secrets(hand: &Hand<'_>, changes: &[crate::drivers::DocumentChange], memory: &Memory) -> Vec<Write> {
    let digester = hand.store.digester();
    changes
        .iter()
        .filter_map(|change| {
            let secrets: Vec<_> = change
                .desired
                .leaves
                .iter()
                .filter(|(_, leaf)| leaf.secret)
                .map(|(path, leaf)| {
                    (
                        path.clone(),
                        crate::plan::diff::leaf_digest(hand.driver.translate(), &digester, path, leaf),
                    )
                })
                .collect();
            let record = memory.items.get(&change.desired.key)?;
            (record.secrets != secrets).then(|| {
                Write::Item(
                    change.desired.key.clone(),
                    Some(Box::new(ItemRecord { secrets, ..record.clone() })),
                )
            })
        })
        .collect()
}

fn commit(
    hand: &Hand<'_>,
    memory: &mut Memory,
    writes: Vec<Write>,
    journal: &[JournalEntry],
) -> Result<(), StoreError> {
    if writes.is_empty() && journal.is_empty() {
        return Ok(());
    }
    hand.store.commit(hand.backend, &writes, journal)?;
    writes.into_iter().for_each(|write| memory.apply(write));
    Ok(())
}
