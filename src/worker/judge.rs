//! R2 in a round: what is outstanding, what the guard says of it, and on whom that is told.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Worker,
    tally::{Counted, Tally},
};
use crate::{
    api::conditions::Reason,
    index::Desired,
    model::{ItemKey, memory::Write},
    plan::{
        Approved, ChangeKind, Drafted, ItemVerdict, Plan,
        guard::{self, Limits, Verdict},
        release::Release,
    },
    store::StoreError,
};

/// Said of what waits while the guard still counts.
const COUNTING: &str = "removals wait until all that changed was read";

impl Worker {
    /// Lets the guard judge this slice together with what was counted in others.
    pub(super) fn judge(
        &mut self,
        desired: &Desired,
        plan: Plan<Drafted>,
        removals: &BTreeMap<ItemKey, u32>,
        here: &[Release],
        whole: bool,
    ) -> Result<Plan<Approved>, StoreError> {
        self.forget_what_no_longer_counts(desired)?;
        let outstanding =
            removals.values().copied().fold(self.tally.elsewhere(removals), u32::saturating_add);
        let (plan, verdict) = guard::judge(plan, outstanding, &self.limits(desired, whole));
        let held = |change: &&crate::plan::Change| change.held && matches!(change.kind, ChangeKind::Hold);
        let held: BTreeSet<&ItemKey> = plan.changes.iter().filter(held).map(|change| &change.item).collect();
        let counted = |(item, removals): (&ItemKey, &u32)| {
            let inputs = self.stakes.inputs(item, &self.digester);
            let (rests, released) = (held.contains(item), here.iter().any(|release| release.item == *item));
            (item.clone(), Counted { removals: *removals, inputs, released, at: self.now(), rests })
        };
        let read: Vec<_> = removals.iter().map(counted).collect();
        self.conclude_judgement(&verdict, read)?;
        Ok(plan)
    }

    /// What was counted counts as long as the same is wanted of it. What is held is judged again with it, without a look:
    /// a higher limit, an approval and the way back (Orphan) work at once.
    pub(super) fn recount(&mut self, desired: &Desired, rest: &[Release]) -> Result<(), StoreError> {
        let released: BTreeSet<&ItemKey> = rest.iter().map(|release| &release.item).collect();
        let (stakes, digester) = (&self.stakes, &self.digester);
        self.tally.retain(|item, counted| {
            let wanted = stakes.is_pushed(item) || released.contains(item);
            wanted
                && counted.released == released.contains(item)
                && counted.inputs == stakes.inputs(item, digester)
        });
        let stakes = &self.stakes;
        self.verdicts.retain(|item, _| stakes.is_pushed(item));
        if self.tally.is_held() { self.judge_what_waits(desired) } else { Ok(()) }
    }

    /// Judges what was counted, as the whole.
    pub(super) fn judge_what_waits(&mut self, desired: &Desired) -> Result<(), StoreError> {
        self.forget_what_no_longer_counts(desired)?;
        let verdict = guard::verdict(self.tally.sum(), &self.limits(desired, true));
        self.conclude_judgement(&verdict, Vec::new())
    }

    fn limits<'a>(&'a self, desired: &'a Desired, whole: bool) -> Limits<'a> {
        let settings = &desired.backend.settings;
        Limits {
            max_removals: settings.max_removals,
            whole,
            window: settings.guard_window,
            executed: &self.memory.removals,
            approval: desired.backend.approve_removals.as_deref(),
            taken: self.memory.approval.as_ref(),
            now: self.now(),
        }
    }

    /// An approval that was taken back, removals beyond the window.
    fn forget_what_no_longer_counts(&mut self, desired: &Desired) -> Result<(), StoreError> {
        let mut writes = Vec::new();
        if desired.backend.approve_removals.is_none() && self.memory.approval.is_some() {
            writes.push(Write::Approval(None));
        }
        let window = desired.backend.settings.guard_window;
        let counting = guard::within_window(&self.memory.removals, window, self.now());
        if counting != self.memory.removals {
            writes.push(Write::Removals(counting));
        }
        self.commit(writes)
    }

    fn conclude_judgement(
        &mut self,
        verdict: &Verdict,
        read: Vec<(ItemKey, Counted)>,
    ) -> Result<(), StoreError> {
        if let Verdict::Approved(approval) = verdict
            && self.memory.approval.as_ref() != Some(approval)
        {
            self.commit(vec![Write::Approval(Some(approval.clone()))])?;
        }
        self.tally.judged(verdict, read);
        self.tell_holds(verdict);
        Ok(())
    }

    /// What waits is said on the Backend and on the assignments it belongs to. While the guard counts, what was said of
    /// the account before stays.
    fn tell_holds(&mut self, verdict: &Verdict) {
        let before = self.account.held.clone();
        if *verdict != Verdict::Counting {
            self.account.held = verdict.message();
        }
        let waits = match self.account.held {
            Some(_) => ItemVerdict::Held,
            None => ItemVerdict::Waiting(Reason::Applying, COUNTING.to_owned()),
        };
        let waiting: BTreeSet<ItemKey> = Tally::waiting(&self.tally).cloned().collect();
        let over: Vec<ItemKey> = self
            .verdicts
            .iter()
            .filter(|(item, verdict)| waits_for_the_guard(verdict) && !waiting.contains(*item))
            .map(|(item, _)| item.clone())
            .collect();
        for item in &over {
            self.verdicts.remove(item);
        }
        let news = before != self.account.held;
        let mut told: BTreeSet<ItemKey> = over.into_iter().collect();
        for item in waiting {
            let same = self.verdicts.get(&item) == Some(&waits);
            if self.stakes.is_pushed(&item) {
                self.verdicts.insert(item.clone(), waits.clone());
            }
            if news || !same {
                told.insert(item);
            }
        }
        for item in &told {
            self.touch_all_of(item);
        }
    }

    /// Everybody who holds something of an item has something new to say.
    fn touch_all_of(&mut self, item: &ItemKey) {
        let contributors = self.stakes.holders(item).iter().map(|(who, _)| who.clone());
        let claimants = self.memory.claims.on(item).map(|(who, _)| who.clone());
        self.pace.touch(contributors.chain(claimants).collect::<Vec<_>>());
    }
}

fn waits_for_the_guard(verdict: &ItemVerdict) -> bool {
    match verdict {
        ItemVerdict::Held => true,
        ItemVerdict::Waiting(Reason::Applying, message) => message == COUNTING,
        _ => false,
    }
}
