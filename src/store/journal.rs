//! The change journal: who changed what, why, from what to what.
//!
//! For people, never for decisions: a damaged entry is reported and left out, the store goes on.
//! Bounded per account by number and age; entries outlive the account they speak of.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    StoreError,
    sealing::{Place, Sealer},
    sums::{Sum, Summer},
};
use crate::model::{BackendId, Digest, ItemKey, LeafPath, memory::Sealed};

/// Newest entries kept per account.
pub const JOURNAL_ENTRIES: u32 = 10_000;
/// How long an entry is kept.
pub const JOURNAL_AGE: Duration = Duration::from_hours(30 * 24);

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub struct JournalEntry {
    /// When.
    pub at: Timestamp,
    /// On whose behalf: an assignment, or the operator itself.
    pub who: String,
    /// Why: desired, drift, release, restore.
    pub why: String,
    /// What was done: create, write, delete.
    pub what: String,
    /// To which item.
    pub item: ItemKey,
    /// To which leaf of it, where it was one.
    pub path: Option<LeafPath>,
    /// What stood before.
    pub before: JournalValue,
    /// What stands after.
    pub after: JournalValue,
}

/// One side of a change.
#[derive(Clone, PartialEq)]
pub enum JournalValue {
    /// Nothing there, or not known.
    Absent,
    /// Only its digest: enough to tell whether it was the same.
    Digest(Digest),
    /// The value; sealed in the store (R22), never printed.
    Value(Value),
}

impl std::fmt::Debug for JournalValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Absent => f.write_str("absent"),
            Self::Digest(digest) => digest.fmt(f),
            Self::Value(_) => f.write_str("<sealed>"),
        }
    }
}

/// An entry as stored.
#[derive(Serialize, Deserialize)]
struct Body {
    who: String,
    why: String,
    what: String,
    item: ItemKey,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<LeafPath>,
    before: Side,
    after: Side,
}

#[derive(Serialize, Deserialize)]
enum Side {
    Absent,
    Digest(Digest),
    /// Base64 of the sealed JSON.
    Sealed(String),
}

/// Access to the journal within a connection or transaction.
pub(super) struct Journal<'a> {
    pub(super) conn: &'a Connection,
    pub(super) sums: &'a Summer,
    pub(super) sealer: &'a Sealer,
}

impl Journal<'_> {
    /// Adds entries at the end.
    pub(super) fn append(&self, id: &BackendId, entries: &[JournalEntry]) -> Result<(), StoreError> {
        let account = id.to_string();
        let mut seq = self.last(&account)?;
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO journal (account, seq, at, body, sum) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        for entry in entries {
            seq += 1;
            let at = entry.at.as_microsecond();
            let body = self.encode(id, entry)?;
            insert.execute((&account, seq, at, &body, self.sum(&account, seq, at, &body)))?;
        }
        Ok(())
    }

    /// The newest entries, newest first; damaged ones are logged and left out.
    pub(super) fn newest(&self, id: &BackendId, limit: usize) -> Result<Vec<JournalEntry>, StoreError> {
        let account = id.to_string();
        let mut query = self.conn.prepare_cached(
            "SELECT seq, at, body, sum FROM journal WHERE account = ?1 ORDER BY seq DESC LIMIT ?2",
        )?;
        let mut rows = query.query((&account, i64::try_from(limit).unwrap_or(i64::MAX)))?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            let (seq, at, body, sum): (i64, i64, Vec<u8>, Sum) =
                (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            let intact = self.sum(&account, seq, at, &body) == sum;
            match intact.then(|| self.decode(id, at, &body)).flatten() {
                Some(entry) => entries.push(entry),
                None => {
                    tracing::error!(%account, seq, "journal entry is damaged or sealed under another key");
                }
            }
        }
        Ok(entries)
    }

    /// Drops what is beyond number or age, in all accounts.
    pub(super) fn prune(&self, now: Timestamp) -> Result<(), StoreError> {
        let oldest = now.saturating_sub(JOURNAL_AGE).map_or(i64::MIN, Timestamp::as_microsecond);
        let mut after = String::new();
        while let Some(account) = self.account_after(&after)? {
            self.prune_account(&account, oldest)?;
            after = account;
        }
        Ok(())
    }

    fn prune_account(&self, account: &str, oldest: i64) -> Result<(), StoreError> {
        let last = self.last(account)?;
        // Entries stand in the order of time, so the search ends at the first one that stays.
        let first_kept: Option<i64> = self
            .conn
            .prepare_cached("SELECT seq FROM journal WHERE account = ?1 AND at >= ?2 ORDER BY seq LIMIT 1")?
            .query_row((account, oldest), |row| row.get(0))
            .optional()?;
        let kept_from =
            first_kept.unwrap_or(i64::MAX).max(last.saturating_sub(i64::from(JOURNAL_ENTRIES)) + 1);
        self.conn
            .prepare_cached("DELETE FROM journal WHERE account = ?1 AND seq < ?2")?
            .execute((account, kept_from))?;
        Ok(())
    }

    /// The first account with entries after this one: a seek per account, not a scan of all entries.
    fn account_after(&self, account: &str) -> Result<Option<String>, StoreError> {
        let mut query = self
            .conn
            .prepare_cached("SELECT account FROM journal WHERE account > ?1 ORDER BY account LIMIT 1")?;
        Ok(query.query_row([account], |row| row.get(0)).optional()?)
    }

    fn last(&self, account: &str) -> Result<i64, StoreError> {
        let mut query = self.conn.prepare_cached("SELECT max(seq) FROM journal WHERE account = ?1")?;
        Ok(query.query_row([account], |row| row.get::<_, Option<i64>>(0))?.unwrap_or(0))
    }

    fn sum(&self, account: &str, seq: i64, at: i64, body: &[u8]) -> Sum {
        self.sums.of("journal", &[account.as_bytes(), &seq.to_le_bytes(), &at.to_le_bytes(), body])
    }

    fn encode(&self, id: &BackendId, entry: &JournalEntry) -> Result<Vec<u8>, StoreError> {
        let place = Place { account: id, item: &entry.item, path: entry.path.as_ref() };
        let side = |value: &JournalValue| match value {
            JournalValue::Absent => Side::Absent,
            JournalValue::Digest(digest) => Side::Digest(*digest),
            JournalValue::Value(value) => {
                Side::Sealed(BASE64_STANDARD.encode(self.sealer.seal(&place, value.to_string().as_bytes()).0))
            }
        };
        let body = Body {
            who: entry.who.clone(),
            why: entry.why.clone(),
            what: entry.what.clone(),
            item: entry.item.clone(),
            path: entry.path.clone(),
            before: side(&entry.before),
            after: side(&entry.after),
        };
        serde_json::to_vec(&body)
            .map_err(|e| StoreError::Undecodable { record: "journal entry".into(), problem: e.to_string() })
    }

    fn decode(&self, id: &BackendId, at: i64, body: &[u8]) -> Option<JournalEntry> {
        let body: Body = serde_json::from_slice(body).ok()?;
        let place = Place { account: id, item: &body.item, path: body.path.as_ref() };
        let value = |side: &Side| {
            Some(match side {
                Side::Absent => JournalValue::Absent,
                Side::Digest(digest) => JournalValue::Digest(*digest),
                Side::Sealed(text) => {
                    let sealed = Sealed(BASE64_STANDARD.decode(text).ok()?);
                    let plain = self.sealer.open(&place, &sealed).ok()?;
                    JournalValue::Value(serde_json::from_slice(plain.expose()).ok()?)
                }
            })
        };
        let (before, after) = (value(&body.before)?, value(&body.after)?);
        let Body { who, why, what, item, path, .. } = body;
        Some(JournalEntry {
            at: Timestamp::from_microsecond(at).ok()?,
            who,
            why,
            what,
            item,
            path,
            before,
            after,
        })
    }
}
