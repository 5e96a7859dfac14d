//! What follows from a step that failed: what to look for, what was not removed after all, what is not done next.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    answer::one_try_less,
    apply::{Hand, is_counted_in_record},
    trouble::Troubles,
};
use crate::{
    drivers::{Class, DriverError, Step},
    model::{
        ItemKey,
        memory::{ItemRecord, Memory, Write},
    },
    plan::steps::PlannedStep,
};

/// The system refused: there is nothing to look for.
pub fn certainly_did_nothing(error: &DriverError) -> bool {
    matches!(error.class, Class::Rejected | Class::Unauthorized | Class::Throttled { .. })
}

/// Removals of a step that the system answered with a refusal or a failure (R2): they are counted again when they are
/// tried again, and must not hold themselves. Those of an object are counted once for its whole retirement.
pub fn not_removed(planned: &PlannedStep, error: &DriverError) -> u32 {
    let answered = certainly_did_nothing(error) || error.class == Class::Transient;
    if answered && is_content(&planned.step) { planned.removals } else { 0 }
}

/// Neither the window nor an approval is used up by what did not happen.
pub fn taken_back(memory: &Memory, mut count: u32) -> Vec<Write> {
    if count == 0 {
        return Vec::new();
    }
    let mut records = memory.removals.clone();
    let mut given_back = 0_u32;
    for record in records.iter_mut().rev() {
        let part = record.count.min(count);
        // What the limit let through anyway must not come back as an approval.
        let approved = record.approved.min(part);
        record.count -= part;
        record.approved -= approved;
        count -= part;
        given_back = given_back.saturating_add(approved);
    }
    records.retain(|record| record.count > 0);
    let approval = memory.approval.clone().filter(|_| given_back > 0).map(|mut approval| {
        approval.left = approval.left.saturating_add(given_back);
        Write::Approval(Some(approval))
    });
    approval.into_iter().chain([Write::Removals(records)]).collect()
}

pub fn failed(
    hand: &Hand<'_>,
    planned: &PlannedStep,
    error: &DriverError,
    memory: &Memory,
    troubles: &mut Troubles,
    now: Timestamp,
) -> Vec<Write> {
    for (item, inputs) in planned.items.iter().filter_map(|item| Some((item, hand.inputs.get(item)?))) {
        troubles.failed(item, *inputs, error, now);
    }
    if matches!(planned.step, Step::Deploy) {
        troubles.deploy_failed(error, now);
    }
    match &planned.step {
        // It certainly did not happen: nothing to look for.
        Step::Create(desired) if certainly_did_nothing(error) => {
            vec![Write::Intent(desired.key.clone(), one_try_less(hand, &desired.key, memory))]
        }
        Step::Seed { item, .. } if error.class != Class::Ambiguous => not_seeded(memory, item),
        step => planned.items.iter().filter_map(|item| not_accepted(memory, step, item)).collect(),
    }
}

/// What was not accepted cannot be told to have been, however it reads next: it is no write that does not stick.
fn not_accepted(memory: &Memory, step: &Step, item: &ItemKey) -> Option<Write> {
    let mut record = memory.items.get(item).filter(|_| is_counted_in_record(step, item))?.clone();
    record.sent.as_mut()?.judged = true;
    Some(Write::Item(item.clone(), Some(Box::new(record))))
}

/// This revision was not copied after all.
fn not_seeded(memory: &Memory, item: &ItemKey) -> Vec<Write> {
    let record = memory.items.get(item).map(|record| {
        let seeded = record.seeded.map(|revision| revision.saturating_sub(1));
        Write::Item(item.clone(), Some(Box::new(ItemRecord { seeded, ..record.clone() })))
    });
    record.into_iter().chain([Write::Intent(item.clone(), None)]).collect()
}

/// Whether going on with the other steps makes no sense.
pub fn concerns_account(error: &DriverError, planned: &PlannedStep) -> bool {
    match error.class {
        Class::Unauthorized | Class::Throttled { .. } => true,
        Class::Transient => !matches!(planned.step, Step::Deploy),
        _ => false,
    }
}

pub fn is_content(step: &Step) -> bool {
    matches!(step, Step::Replace { .. } | Step::Write { .. } | Step::Restore { .. })
}

/// What could not be written is not switched on: it would enforce its former content (R17).
pub fn without(planned: PlannedStep, unwritten: &BTreeSet<ItemKey>) -> Option<PlannedStep> {
    let PlannedStep { step: Step::SetEnabled { ids, enabled: true }, items, removals, why } = planned else {
        return Some(planned);
    };
    let (items, ids): (Vec<_>, Vec<_>) =
        items.into_iter().zip(ids).filter(|(item, _)| !unwritten.contains(item)).unzip();
    let step = Step::SetEnabled { ids, enabled: true };
    (!items.is_empty()).then_some(PlannedStep { step, items, removals, why })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::memory::{ApprovalRecord, RemovalRecord};

    #[test]
    fn an_approval_gets_back_what_it_gave_and_no_more() {
        let cases = [
            ((3, 0), 3, None, "all of it was within the limit"),
            ((3, 3), 3, Some(3), "all of it was approved"),
            ((3, 2), 1, Some(1), "a part failed"),
            ((3, 2), 0, None, "nothing failed"),
        ];
        for ((count, approved), refused, left, why) in cases {
            let spent = ApprovalRecord { text: "7".into(), left: 0 };
            let record = RemovalRecord { at: Timestamp::UNIX_EPOCH, count, approved };
            let mut memory = Memory { approval: Some(spent), removals: vec![record], ..Memory::default() };
            let writes = taken_back(&memory, refused);
            let touched = writes.iter().any(|write| matches!(write, Write::Approval(_)));
            writes.into_iter().for_each(|write| memory.apply(write));
            assert_eq!(memory.approval.filter(|_| touched).map(|approval| approval.left), left, "{why}");
            assert_eq!(memory.removals.iter().map(|r| r.count).sum::<u32>(), count - refused, "{why}");
        }
    }
}
