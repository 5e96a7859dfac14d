//! R27: copying another group's document, once per document and revision. Pure.
//!
//! ```text
//! revision wanted ─┬─ not above the one recorded ─┬─ its call is still journalled ── Unknown
//!                  │                              └─ else ────────────────────────── Done
//!                  ├─ none recorded, and memory of it may be lost ────────────────── Forgotten
//!                  └─ else ───────────────────────────────────────────────────────── Due
//! ```
//!
//! The revision is recorded before the call, together with an intent that goes when the answer is known. So a copy is
//! at most begun once: run again after other changes were made it would undo them.

use crate::{
    drivers::Seed,
    model::memory::{IntentRecord, ItemRecord},
};

/// `IntentRecord::action` of a copy.
pub const ACTION: &str = "seed";

/// Where a document stands with its copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seeding {
    /// Copied.
    Done,
    /// To be copied, before its settings.
    Due,
    /// It was begun, and the answer is not known: a person decides.
    Unknown,
    /// A lost store may have known of it: as unknown, and to be recorded so.
    Forgotten,
}

/// Judges. `forgotten`: the assignment is older than what is remembered of the account.
pub fn judge(
    wanted: &Seed,
    record: Option<&ItemRecord>,
    intent: Option<&IntentRecord>,
    forgotten: bool,
) -> Seeding {
    match record.and_then(|record| record.seeded) {
        Some(seeded) if seeded >= wanted.revision => {
            if intent.is_some_and(is_copy) {
                Seeding::Unknown
            } else {
                Seeding::Done
            }
        }
        None if forgotten => Seeding::Forgotten,
        _ => Seeding::Due,
    }
}

/// Whether an intent is that of a copy.
pub fn is_copy(intent: &IntentRecord) -> bool {
    intent.action == ACTION
}

/// What is said of a copy that may have been made or not.
pub fn unknown_message(title: &str, revision: i64) -> String {
    format!(
        "{title}: it is not known whether replicateFrom, revision {revision}, was carried out; it is not copied again \
         by itself, since that would undo later changes. Raise replicateFrom.revision to copy once more"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Digest, memory::Origin};

    #[test]
    fn a_copy_is_begun_at_most_once() {
        let wanted = Seed { from: ("c".into(), "1".into()), revision: 2 };
        let copying = IntentRecord {
            action: ACTION.into(),
            at: jiff::Timestamp::UNIX_EPOCH,
            desired: Digest(0),
            tries: 1,
        };
        let cases = [
            ("never seen", None, false, false, Seeding::Due),
            ("an older revision was copied", Some(1), false, false, Seeding::Due),
            ("an older revision is unknown, a newer one is wanted", Some(1), true, false, Seeding::Due),
            ("this revision was copied", Some(2), false, false, Seeding::Done),
            ("a newer one was copied: none is taken back", Some(3), false, false, Seeding::Done),
            ("begun, and the answer never came", Some(2), true, false, Seeding::Unknown),
            ("a lost store may have known", None, false, true, Seeding::Forgotten),
            ("recorded since the loss", Some(2), false, true, Seeding::Done),
            ("raised since the loss", Some(1), true, true, Seeding::Due),
        ];
        for (why, seeded, begun, forgotten, expected) in cases {
            let mut record = ItemRecord::new(Origin::Document, None, None, "", "");
            record.seeded = seeded;
            let got = judge(&wanted, Some(&record), begun.then_some(&copying), forgotten);
            assert_eq!(got, expected, "{why}");
        }
    }
}
