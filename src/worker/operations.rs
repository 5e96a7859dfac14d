//! R20: asynchronous tasks.
//!
//! ```text
//! write ─▶ PENDING ─▶ STARTED ─▶ SUCCESS ─▶ read back ─▶ settled
//!             │           └────▶ FAILURE ─▶ one resend ─▶ Stalled TaskFailed
//!             └──────▶ REVOKED ─▶ Stalled TaskRevoked, never blindly resent
//! after 15 minutes: read back; equal ─▶ settled; else Stalled TaskOverdue, one synchronous resend an hour
//! ```
//!
//! A task whose documents read equal is settled whatever its state says: the document is the truth. Not so the task of a
//! copy, which is to change more than is compared.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::{
    api::conditions::Reason,
    model::{
        Digest, ItemKey,
        memory::{ItemRecord, Memory, OperationRecord, TaskState, Write},
    },
    plan::{draft, seed},
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

/// Judges tasks after a read. `inputs` are the digests wanted now, `proven` the items the read just proved. A task is
/// overdue only once each of its documents was read after its time, in whatever look.
///
/// What failed or was revoked is remembered for as long as the same is wanted, so that neither a restart nor the next
/// look sends it once too often.
pub fn settle(
    memory: &Memory,
    inputs: &dyn Fn(&ItemKey) -> Digest,
    proven: &BTreeSet<ItemKey>,
    states: &BTreeMap<String, TaskState>,
    now: Timestamp,
) -> Settled {
    let mut settled = Settled::default();
    for (id, task) in &memory.operations {
        let case = Case { id, task, memory, inputs, now };
        let state = states.get(id).copied().filter(|_| task.state.is_open()).unwrap_or(task.state);
        if !case.is_copy() && task.items.keys().all(|item| proven.contains(item) && case.is_wanted(item)) {
            case.forget(&mut settled);
            continue;
        }
        match state {
            TaskState::Success => case.succeeded(&mut settled),
            TaskState::Failure | TaskState::Revoked if !case.any_wanted() => case.forget(&mut settled),
            TaskState::Failure if task.resends > 0 => case.failed_again(&mut settled),
            TaskState::Failure | TaskState::Revoked => case.close(state, &mut settled),
            TaskState::Pending | TaskState::Started
                if now.duration_since(task.since) > DEADLINE && case.is_read() =>
            {
                case.overdue(&mut settled);
            }
            TaskState::Pending | TaskState::Started => case.note(state, &mut settled),
        }
    }
    settled
}

/// One task and what it is judged by.
struct Case<'a> {
    id: &'a str,
    task: &'a OperationRecord,
    memory: &'a Memory,
    inputs: &'a dyn Fn(&ItemKey) -> Digest,
    now: Timestamp,
}

impl Case<'_> {
    fn is_wanted(&self, item: &ItemKey) -> bool {
        self.task.items.get(item) == Some(&(self.inputs)(item))
    }

    /// What nobody wants any more is not read any more.
    fn is_read(&self) -> bool {
        let read = |item: &ItemKey| {
            let observed = self.memory.items.get(item).and_then(|record| record.observed.as_ref());
            observed.is_some_and(|observed| observed.at.duration_since(self.task.since) > DEADLINE)
        };
        self.task.items.keys().filter(|item| self.is_wanted(item)).all(read)
    }

    fn any_wanted(&self) -> bool {
        self.task.items.keys().any(|item| self.is_wanted(item))
    }

    /// Settings that read equal say nothing of a copy (R27).
    fn is_copy(&self) -> bool {
        self.task.items.keys().any(|item| self.memory.intents.get(item).is_some_and(seed::is_copy))
    }

    fn forget(&self, settled: &mut Settled) {
        settled.writes.push(Write::Operation(self.id.to_owned(), None));
    }

    /// It says so; documents are still read, but of a copy nothing else tells (R27).
    fn succeeded(&self, settled: &mut Settled) {
        self.forget(settled);
        let copied = |item: &&ItemKey| self.memory.intents.get(*item).is_some_and(seed::is_copy);
        for item in self.task.items.keys().filter(copied) {
            settled.writes.push(Write::Intent(item.clone(), None));
        }
    }

    fn note(&self, state: TaskState, settled: &mut Settled) {
        if state != self.task.state {
            let task = OperationRecord { state, ..self.task.clone() };
            settled.writes.push(Write::Operation(self.id.to_owned(), Some(task)));
        }
    }

    /// It came to an end without its effect: remembered, and what it was to write is unknown.
    fn close(&self, state: TaskState, settled: &mut Settled) {
        if state == self.task.state {
            return;
        }
        self.note(state, settled);
        self.mistrust(&|_| {}, settled);
        if state == TaskState::Revoked {
            self.block(Reason::TaskRevoked, &draft::revoked_message(self.id), None, settled);
        }
    }

    fn failed_again(&self, settled: &mut Settled) {
        self.forget(settled);
        self.mistrust(&|_| {}, settled);
        let message =
            format!("task {} failed, and so did the one before it; the system refuses this write", self.id);
        self.block(Reason::TaskFailed, &message, self.in_an_hour(), settled);
    }

    fn overdue(&self, settled: &mut Settled) {
        self.forget(settled);
        let until = self.now.checked_add(SUSPECT).ok();
        self.mistrust(&|record| record.suspect_until = until, settled);
        let message = format!(
            "task {} was not done after 15 minutes and the document does not hold its values; sent once more, waiting \
             for the result, within the hour",
            self.id
        );
        self.block(Reason::TaskOverdue, &message, self.in_an_hour(), settled);
    }

    fn in_an_hour(&self) -> Option<Timestamp> {
        self.now.checked_add(RESEND).ok()
    }

    fn block(&self, reason: Reason, message: &str, until: Option<Timestamp>, settled: &mut Settled) {
        for item in self.task.items.keys().filter(|item| self.is_wanted(item)) {
            settled.blocked.insert(item.clone(), (reason, message.to_owned(), until));
        }
    }

    /// Secrets cannot be read back: those it carried are not known to stand.
    fn mistrust(&self, change: &dyn Fn(&mut ItemRecord), settled: &mut Settled) {
        for item in self.task.items.keys() {
            let Some(record) = self.memory.items.get(item) else { continue };
            let mut changed = ItemRecord { secrets: Vec::new(), ..record.clone() };
            change(&mut changed);
            if changed != *record {
                settled.writes.push(Write::Item(item.clone(), Some(Box::new(changed))));
            }
        }
    }
}

/// How often the same write was sent before, for tasks that failed on one of these items; and what is done with.
pub fn resent(memory: &Memory, items: &BTreeMap<ItemKey, Digest>) -> (u32, Vec<Write>) {
    let closed = memory
        .operations
        .iter()
        .filter(|(_, task)| !task.state.is_open() && task.items.keys().any(|item| items.contains_key(item)));
    let (mut resends, mut writes) = (0, Vec::new());
    for (id, task) in closed {
        let same = task.items.iter().any(|(item, digest)| items.get(item) == Some(digest));
        if same && task.state == TaskState::Failure {
            resends = resends.max(task.resends.saturating_add(1));
        }
        writes.push(Write::Operation(id.clone(), None));
    }
    (resends, writes)
}

/// When a suspect document is read next: 1, 5 and 30 minutes after its task was lost, then every hour.
pub fn suspect_read(record: &ItemRecord, read: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let until = record.suspect_until.filter(|until| *until > now)?;
    let lost = until.checked_sub(SUSPECT).ok()?;
    let age = read.duration_since(lost).as_secs().max(0);
    let next = [60, 300, 1800].into_iter().find(|at| *at > age).unwrap_or((age / 3600 + 1) * 3600);
    lost.checked_add(SignedDuration::from_secs(next)).ok()
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
