//! R20: asynchronous tasks.
//!
//! ```text
//! write ─▶ PENDING ─▶ STARTED ─▶ SUCCESS ─▶ read back ─▶ settled
//!             │           └────▶ FAILURE ─▶ one resend ─▶ Stalled TaskFailed
//!             └──────▶ REVOKED ─▶ Stalled TaskRevoked, never blindly resent
//! after 15 minutes: read back; equal ─▶ settled; else Stalled TaskOverdue, one synchronous resend an hour
//! ```
//!
//! A task whose documents read equal is settled whatever its state says: the document is the truth.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::{
    api::conditions::Reason,
    model::{
        Digest, ItemKey,
        memory::{ItemRecord, Memory, OperationRecord, TaskState, Write},
    },
};

/// How long a task may take.
pub const DEADLINE: SignedDuration = SignedDuration::from_mins(15);
/// How long a document stays suspect after a lost task.
const SUSPECT: SignedDuration = SignedDuration::from_hours(24);
/// Between resends of an overdue write.
const RESEND: SignedDuration = SignedDuration::from_hours(1);

/// What became of the open tasks.
#[derive(Debug, Default, PartialEq)]
pub struct Settled {
    /// To remember.
    pub writes: Vec<Write>,
    /// Items to be blocked, until when (`None`: until their inputs change).
    pub blocked: BTreeMap<ItemKey, (Reason, String, Option<Timestamp>)>,
}

/// Judges open tasks after a read. `inputs` are the digests wanted now, `proven` those the read just proved.
pub fn settle(
    memory: &Memory,
    inputs: &dyn Fn(&ItemKey) -> Digest,
    proven: &BTreeSet<ItemKey>,
    states: &BTreeMap<String, TaskState>,
    now: Timestamp,
) -> Settled {
    let mut settled = Settled::default();
    for (id, task) in &memory.operations {
        let state = states.get(id).copied().unwrap_or(task.state);
        if task.items.keys().all(|item| proven.contains(item)) {
            settled.writes.push(Write::Operation(id.clone(), None));
            continue;
        }
        match state {
            TaskState::Success => settled.writes.push(Write::Operation(id.clone(), None)),
            TaskState::Failure => failed(id, task, inputs, now, &mut settled),
            TaskState::Revoked => revoked(id, task, &mut settled),
            TaskState::Pending | TaskState::Started if now.duration_since(task.since) > DEADLINE => {
                overdue(id, task, memory, now, &mut settled);
            }
            TaskState::Pending | TaskState::Started if state != task.state => {
                settled
                    .writes
                    .push(Write::Operation(id.clone(), Some(OperationRecord { state, ..task.clone() })));
            }
            TaskState::Pending | TaskState::Started => {}
        }
    }
    settled
}

fn failed(
    id: &str,
    task: &OperationRecord,
    inputs: &dyn Fn(&ItemKey) -> Digest,
    now: Timestamp,
    settled: &mut Settled,
) {
    settled.writes.push(Write::Operation(id.to_owned(), None));
    for (item, digest) in &task.items {
        if task.resends > 0 && inputs(item) == *digest {
            let message =
                format!("task {id} failed, and so did the one before it; the system refuses this write");
            settled.blocked.insert(item.clone(), (Reason::TaskFailed, message, now.checked_add(RESEND).ok()));
        }
    }
}

fn revoked(id: &str, task: &OperationRecord, settled: &mut Settled) {
    settled.writes.push(Write::Operation(id.to_owned(), None));
    for item in task.items.keys() {
        let message = format!(
            "task {id} was revoked at the system before it ran; it is not sent again by itself. Edit the Policy, or \
             set annotation ordain.dev/reconcile-requested-at on the assignment, to have it sent"
        );
        settled.blocked.insert(item.clone(), (Reason::TaskRevoked, message, None));
    }
}

fn overdue(id: &str, task: &OperationRecord, memory: &Memory, now: Timestamp, settled: &mut Settled) {
    settled.writes.push(Write::Operation(id.to_owned(), None));
    for item in task.items.keys() {
        if let Some(record) = memory.items.get(item) {
            let record = ItemRecord { suspect_until: now.checked_add(SUSPECT).ok(), ..record.clone() };
            settled.writes.push(Write::Item(item.clone(), Some(Box::new(record))));
        }
        let message = format!(
            "task {id} was not done after 15 minutes and the document does not hold its values; sent once more, \
             waiting for the result, within the hour"
        );
        settled.blocked.insert(item.clone(), (Reason::TaskOverdue, message, now.checked_add(RESEND).ok()));
    }
}

/// Items whose next write waits for its result: a task on them was lost lately, or is being resent.
pub fn synchronous(memory: &Memory, now: Timestamp) -> BTreeSet<ItemKey> {
    memory
        .items
        .iter()
        .filter(|(_, record)| record.suspect_until.is_some_and(|until| until > now))
        .map(|(item, _)| item.clone())
        .collect()
}
