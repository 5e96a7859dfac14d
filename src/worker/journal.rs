//! What the change journal keeps of steps: who, why, what, before and after (product.md section 8).

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    drivers::Step,
    model::{ItemKey, LeafPath, ObjectName},
    plan::steps::PlannedStep,
    store::{JournalEntry, JournalValue},
};

/// Entries for steps about to run. Before and after stand in the item's records and pre-images; here their digests suffice.
pub fn journal(chunk: &[PlannedStep], at: Timestamp) -> Vec<JournalEntry> {
    let mut entries = Vec::new();
    for planned in chunk {
        let what = name(&planned.step);
        let mut entry = |who: String, item: &ItemKey, path: Option<LeafPath>, before, after| {
            let why = planned.why.clone();
            entries.push(JournalEntry {
                at,
                who,
                why,
                what: what.into(),
                item: item.clone(),
                path,
                before,
                after,
            });
        };
        match &planned.step {
            Step::Write { changes, .. } => {
                for change in changes {
                    let who = names(&change.desired.contributors);
                    for path in change.differing.iter().chain(change.restore.keys()) {
                        let leaf = change.desired.leaves.get(path);
                        let shown = |value: Option<&serde_json::Value>| match value {
                            Some(value) if !leaf.is_some_and(|l| l.secret) => {
                                JournalValue::Value(value.clone())
                            }
                            _ => JournalValue::Absent,
                        };
                        let after = leaf.map(|l| &l.value).or_else(|| change.restore.get(path));
                        let before = shown(change.observed.leaves.get(path));
                        entry(who.clone(), &change.desired.key, Some(path.clone()), before, shown(after));
                    }
                }
            }
            Step::Create(desired) | Step::Replace { desired, .. } => {
                let who = names(&desired.contributors);
                entry(who, &desired.key, None, JournalValue::Absent, JournalValue::Absent);
            }
            _ => {
                for item in &planned.items {
                    entry("ordain".into(), item, None, JournalValue::Absent, JournalValue::Absent);
                }
            }
        }
    }
    entries
}

fn names(who: &BTreeSet<ObjectName>) -> String {
    who.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A step in a word, as journals, logs and messages name it.
pub fn name(step: &Step) -> &'static str {
    match step {
        Step::Create(_) => "create",
        Step::Replace { .. } => "replace",
        Step::Restore { .. } => "restore",
        Step::SetEnabled { enabled: true, .. } => "enable",
        Step::SetEnabled { enabled: false, .. } => "disable",
        Step::Reorder(_) => "reorder",
        Step::Delete(_) => "delete",
        Step::Write { .. } => "write",
        Step::Seed { .. } => "seed",
        Step::Deploy => "deploy",
    }
}
