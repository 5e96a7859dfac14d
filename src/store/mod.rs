//! The backing store: what Ordain must still know after it was killed.
//!
//! One `SQLite` file, one process, one connection. Life of a store:
//!
//! ```text
//! lock ─▶ look ─┬─ nothing there ──────────────▶ create   Fresh, or Lost if somebody remembers one
//!               ├─ intact, ours, not older ────▶ resume   Continued
//!               ├─ damaged, older, other keys ─▶ put aside, create   Lost
//!               └─ locked, foreign, from the future, unreadable ──▶ refuse, nothing changed
//! open ─▶ load ─▶ (commit)* ─▶ close
//! ```
//!
//! Guarantees
//! - A commit is one transaction, durable when it returns; a failed one changes nothing and the next may succeed (F38).
//! - What is loaded is what was committed: every record has a keyed checksum, every account one over
//!   the set of its records, and a file that lacks commits is recognised (F39): by the epoch on the Lease
//!   (restored volumes) and by the position in the lock file (a cut or damaged write-ahead log).
//! - Losing a store is loud: [`Outcome::Lost`] once, and [`Store::loss`] as long as the new file lives, because the
//!   process may be killed before it told anybody. An account whose `Memory::since` is unset in such a store
//!   has lost its memory (R13).
//! - Values are sealed or digests (R22); a changed operator's secret is a lost store.
//!
//! Calls block for as long as the disk takes (milliseconds); they are synchronous because a commit must
//! not be abandoned half-way, and because simulated time must not pass meanwhile.

mod error;
mod hook;
mod intern;
mod journal;
mod location;
mod lock;
mod migrations;
mod open;
mod outcome;
mod records;
pub mod sealing;
mod sqlite;
mod sums;

#[cfg(test)]
mod tests;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::model::{
    BackendId, Clock,
    memory::{Memory, Write},
};

pub use error::StoreError;
pub use hook::StoreHook;
pub use journal::{JOURNAL_AGE, JOURNAL_ENTRIES, JournalEntry, JournalValue};
pub use outcome::{Expected, Loss, Outcome, Position, Why};
pub use sealing::{Keys, Place, SealError, Sealer};

use hook::NoHook;
use journal::Journal;
use migrations::MIGRATIONS;
use open::Opening;
use records::Ledger;
use sqlite::Session;

/// An open store and what opening it came to.
pub struct Opened {
    /// The store.
    pub store: Store,
    /// Whether its memory can be relied upon.
    pub outcome: Outcome,
    /// To be written on the Lease before the first effect.
    pub epoch: u64,
    /// Where a lost file was moved, with its log.
    pub aside: Option<PathBuf>,
}

/// The open store: the only one of its file, until it is dropped.
pub struct Store {
    inner: Mutex<Inner>,
    keys: Keys,
    sealer: Sealer,
    clock: Arc<dyn Clock>,
    loss: Option<Loss>,
}

struct Inner {
    session: Session,
    pruned: Duration,
    journalled: usize,
}

/// The journal is pruned in a commit when it has grown by this many entries, or at this age.
const PRUNE_ENTRIES: usize = 1_000;
const PRUNE_AGE: Duration = Duration::from_hours(1);

impl Store {
    /// Opens the store at `sqlite:///path` or at a path, making folder and file if needed.
    ///
    /// # Errors
    /// [`StoreError::Setting`], `Locked`, `Foreign`, `FromTheFuture` need a human; `Full`, `ReadOnly` and `Io` may pass.
    /// A damaged or outdated file is not an error: see [`Outcome::Lost`].
    pub fn open(
        url: &str,
        keys: Keys,
        expected: Expected,
        clock: Arc<dyn Clock>,
    ) -> Result<Opened, StoreError> {
        Self::open_hooked(url, keys, expected, clock, Arc::new(NoHook))
    }

    /// Like [`Store::open`], with a hook that also sees the commits of opening.
    ///
    /// # Errors
    /// As for [`Store::open`], and what the hook returns.
    pub fn open_hooked(
        url: &str,
        keys: Keys,
        expected: Expected,
        clock: Arc<dyn Clock>,
        hook: Arc<dyn StoreHook>,
    ) -> Result<Opened, StoreError> {
        let path = location::parse(url)?;
        let opening = Opening { path: &path, keys: &keys, expected, clock: &*clock, hook, steps: MIGRATIONS };
        let ready = opening.run()?;
        let epoch = ready.session.position.epoch;
        let inner = Inner { session: ready.session, pruned: clock.monotonic(), journalled: 0 };
        let store =
            Self { inner: Mutex::new(inner), sealer: Sealer::new(&keys), keys, clock, loss: ready.loss };
        Ok(Opened { store, outcome: ready.outcome, epoch, aside: ready.aside })
    }

    /// The store with this hook from now on.
    #[must_use]
    pub fn with_hook(self, hook: Arc<dyn StoreHook>) -> Self {
        self.inner().session.hook = hook;
        self
    }

    /// Makes digests under the operator's key.
    pub fn digester(&self) -> crate::model::Digester {
        self.keys.digester()
    }

    /// Everything remembered of an account; the default for one never committed.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`]: restart, opening deals with it. `Undecodable`: written by another build. `Io`.
    pub fn load(&self, account: &BackendId) -> Result<Memory, StoreError> {
        let inner = self.inner();
        records::load(&inner.session.conn, &inner.session.sums, &account.to_string())
    }

    /// Makes the writes and journal entries durable, all or none. Writes that change nothing cost nothing.
    ///
    /// Only after `Ok` apply the writes to the [`Memory`].
    ///
    /// # Errors
    /// Nothing was committed: `Full`, `ReadOnly`, `Io` may pass, then the same call works. See [`StoreError`].
    pub fn commit(
        &self,
        account: &BackendId,
        writes: &[Write],
        journal: &[JournalEntry],
    ) -> Result<(), StoreError> {
        let now = self.clock.monotonic();
        let inner = &mut *self.inner();
        let due = inner.journalled + journal.len() >= PRUNE_ENTRIES
            || now.saturating_sub(inner.pruned) >= PRUNE_AGE;
        let name = account.to_string();
        inner.session.write(&format!("commit {name}"), |conn, sums| {
            let mut ledger = Ledger::open(conn, sums, &name)?;
            for write in writes {
                ledger.apply(write)?;
            }
            let changed = ledger.close()?;
            if journal.is_empty() {
                return Ok(changed);
            }
            let book = Journal { conn, sums, sealer: &self.sealer };
            book.append(account, journal)?;
            if due {
                book.prune(self.clock.now())?;
            }
            Ok(true)
        })?;
        inner.journalled += journal.len();
        if due && !journal.is_empty() {
            (inner.journalled, inner.pruned) = (0, now);
        }
        Ok(())
    }

    /// Forgets an account. Its journal stays until it is old.
    ///
    /// # Errors
    /// As for [`Store::commit`].
    pub fn forget(&self, account: &BackendId) -> Result<(), StoreError> {
        let name = account.to_string();
        self.inner().session.write(&format!("forget {name}"), |conn, sums| {
            let mut ledger = Ledger::open(conn, sums, &name)?;
            ledger.clear(None)?;
            ledger.close()
        })
    }

    /// The accounts of which anything is remembered.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn accounts(&self) -> Result<Vec<BackendId>, StoreError> {
        let parse = |text: String| {
            records::parse_account(&text)
                .ok_or_else(|| StoreError::Corrupt(format!("account {text} is no account")))
        };
        records::accounts(&self.inner().session.conn)?.into_iter().map(parse).collect()
    }

    /// The newest journal entries of an account, newest first.
    ///
    /// # Errors
    /// `Corrupt`, `Io`; single damaged entries are logged and left out instead.
    pub fn journal(&self, account: &BackendId, limit: usize) -> Result<Vec<JournalEntry>, StoreError> {
        let Session { conn, sums, .. } = &self.inner().session;
        Journal { conn, sums, sealer: &self.sealer }.newest(account, limit)
    }

    /// The keys it was opened with.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Seals and opens values for this store (pre-images).
    pub fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// The loss this file followed, if it did: an account without `Memory::since` lost its memory then.
    pub fn loss(&self) -> Option<&Loss> {
        self.loss.as_ref()
    }

    /// How far the store has got.
    pub fn position(&self) -> Position {
        self.inner().session.position
    }

    /// Raises the epoch; to be written on the Lease after. Copies of the file made before count as older from then on.
    ///
    /// # Errors
    /// As for [`Store::commit`].
    pub fn advance_epoch(&self) -> Result<u64, StoreError> {
        let session = &mut self.inner().session;
        session.write_as("epoch", session.position.next_epoch(), |_, _| Ok(true))?;
        Ok(session.position.epoch)
    }

    /// Closes the store and moves its log into the file. Dropping does the same, but tells nobody of errors.
    ///
    /// # Errors
    /// `Full`, `Io`: nothing is lost, the log is read at the next start.
    pub fn close(self) -> Result<(), StoreError> {
        let inner = self.inner.into_inner().unwrap_or_else(PoisonError::into_inner);
        inner.session.conn.close().map_err(|(_, error)| error.into())
    }

    /// A panic elsewhere leaves at most an open transaction, which the next write rolls back.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
