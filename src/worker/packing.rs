//! What only writes show of an account: whether it takes several customers in one, found out on one of them, and whether
//! it appends to lists (R19).

use std::collections::BTreeSet;

use super::{Worker, apply::Applied, look::Look, round::Halt};
use crate::{
    drivers::{Packing, Step, Translate},
    model::{
        ItemKey,
        memory::{AccountRecord, Write},
    },
    plan::{ItemVerdict, arrays::ARRAYS_APPEND, draft::Draft, steps::PlannedStep},
};

/// Capability: `Allowed` once a packed write was verified for all its documents; `Denied` once one was not, until the
/// account is probed again.
pub const PACKED: &str = "PackedWrites";
const ALLOWED: &str = "Allowed";
const DENIED: &str = "Denied";

/// What the account has shown so far.
pub fn packing(account: Option<&AccountRecord>) -> Packing {
    match account.and_then(|account| account.capabilities.get(PACKED)).map(String::as_str) {
        Some(ALLOWED) => Packing::Proven,
        Some(DENIED) => Packing::Failed,
        _ => Packing::Untried,
    }
}

/// A probe does not tell of packed writes, nor of lists: what is proven stays.
pub fn keep_proof(known: &AccountRecord, found: &mut AccountRecord) {
    if let Some(state) = known.capabilities.get(ARRAYS_APPEND) {
        found.capabilities.insert(ARRAYS_APPEND.to_owned(), state.clone());
    }
    if packing(Some(known)) == Packing::Proven {
        found.capabilities.insert(PACKED.to_owned(), ALLOWED.to_owned());
    }
}

/// The first packed write, as long as none was verified.
pub fn trial(
    account: Option<&AccountRecord>,
    driver: &dyn Translate,
    planned: &[PlannedStep],
) -> Option<BTreeSet<ItemKey>> {
    if packing(account) != Packing::Untried {
        return None;
    }
    let packed =
        |step: &&PlannedStep| matches!(step.step, Step::Write { .. }) && driver.is_packed(&step.items);
    planned.iter().find(packed).map(|step| step.items.iter().cloned().collect())
}

impl Worker {
    /// Only a packed write that was accepted tells anything when read back.
    pub(super) fn begin_trial(&mut self, trial: Option<BTreeSet<ItemKey>>, applied: &Applied) {
        let Some(items) = trial else { return };
        let done: BTreeSet<&ItemKey> = applied.done.iter().map(|(item, _)| item).collect();
        self.trial = items.iter().all(|item| done.contains(item)).then_some(items);
    }

    /// Reads back the trial: every document must hold what was sent.
    pub(super) fn judge_trial(&mut self, look: &Look, draft: &Draft) -> Result<(), Halt> {
        let Some(mut open) = self.trial.take() else { return Ok(()) };
        let mut failed = false;
        for (item, verdict) in &draft.verdicts {
            if !open.contains(item) || matches!(verdict, ItemVerdict::Waiting(..)) {
                continue;
            }
            let sent = self.memory.items.get(item).and_then(|record| record.sent.as_ref());
            if sent.map(|sent| sent.desired) != look.inputs.get(item).copied() {
                return Ok(()); // Something else is wanted by now: it proves nothing.
            }
            failed |= *verdict != ItemVerdict::InStep;
            open.remove(item);
        }
        match (failed, open.is_empty()) {
            (true, _) => self.note_capability(PACKED, DENIED),
            (false, true) => self.note_capability(PACKED, ALLOWED),
            (false, false) => {
                self.trial = Some(open);
                Ok(())
            }
        }
    }

    /// A list came back longer than it was sent: from now on none is replaced on this account.
    pub(super) fn note_appending(&mut self, draft: &Draft) -> Result<(), Halt> {
        if draft.appends { self.note_capability(ARRAYS_APPEND, ALLOWED) } else { Ok(()) }
    }

    fn note_capability(&mut self, name: &str, state: &str) -> Result<(), Halt> {
        let Some(mut account) = self.memory.account.clone() else { return Ok(()) };
        account.capabilities.insert(name.to_owned(), state.to_owned());
        Ok(self.commit(vec![Write::Account(Some(account))])?)
    }
}
