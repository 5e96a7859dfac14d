//! The connection: how it is set up, its transactions, and the `meta` table.

use std::{path::Path, sync::Arc, time::Duration};

use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, config::DbConfig};

use super::{Position, StoreError, StoreHook, lock::LockFile, sums::Summer};

/// Opens an existing file without changing a byte of it or of its log: until [`settle`] closing
/// does not checkpoint either, so that a file which turns out to be somebody else's, from the
/// future or damaged stays as it was found.
pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    // A locked database is another process's; waiting would not help, and no test waits on a wall clock.
    conn.busy_timeout(Duration::ZERO)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    conn.set_prepared_statement_cache_capacity(64);
    // Exclusive before the first read: one opener, and no shared-memory file.
    conn.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    conn.pragma_update(None, "cell_size_check", true)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(conn)
}

/// Makes a verified or new file ours for writing: a commit is durable when it returns.
pub(super) fn settle(conn: &Connection) -> Result<(), StoreError> {
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "journal_size_limit", 16 * 1024 * 1024)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(())
}

/// The one connection, and everything that must change together with it.
pub(super) struct Session {
    // Declared before the lock: closed before the lock is given back.
    pub(super) conn: Connection,
    pub(super) lock: LockFile,
    pub(super) sums: Summer,
    pub(super) position: Position,
    pub(super) hook: Arc<dyn StoreHook>,
}

impl Session {
    /// Runs `work` in a transaction and makes it durable; `work` tells whether it changed anything.
    ///
    /// After an error nothing of `work` is visible to this process, and the next call starts afresh.
    pub(super) fn write(
        &mut self,
        label: &str,
        work: impl FnOnce(&Connection, &Summer) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let next = Position { commits: self.position.commits + 1, ..self.position };
        self.write_as(label, next, work)
    }

    /// Like [`Session::write`], ending at this position.
    pub(super) fn write_as(
        &mut self,
        label: &str,
        next: Position,
        work: impl FnOnce(&Connection, &Summer) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        if !self.conn.is_autocommit() {
            self.conn.execute_batch("ROLLBACK")?;
        }
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if !work(&tx, &self.sums)? {
            return Ok(());
        }
        Meta::new(&tx, &self.sums).set_position(next)?;
        self.hook.before_commit(label)?;
        tx.commit()?;
        self.position = next;
        self.hook.after_commit(label)?;
        self.lock.note(next);
        Ok(())
    }
}

/// Facts about the store itself, each with its sum.
pub(super) struct Meta<'a> {
    conn: &'a Connection,
    sums: &'a Summer,
}

impl<'a> Meta<'a> {
    pub(super) const KEYS: &'static str = "keys";
    pub(super) const SCHEMA: &'static str = "schema";
    pub(super) const LOSS: &'static str = "loss";
    const EPOCH: &'static str = "epoch";
    const COMMITS: &'static str = "commits";

    pub(super) fn new(conn: &'a Connection, sums: &'a Summer) -> Self {
        Self { conn, sums }
    }

    /// A fact; an error if it is damaged.
    pub(super) fn get(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let row = self
            .conn
            .prepare_cached("SELECT value, sum FROM meta WHERE name = ?1")?
            .query_row([name], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?)))
            .optional()?;
        match row {
            None => Ok(None),
            Some((value, sum)) if self.sums.of("meta", &[name.as_bytes(), &value]) == sum => Ok(Some(value)),
            Some(_) => Err(StoreError::Corrupt(format!("checksum of meta {name}"))),
        }
    }

    /// Verifies every fact.
    pub(super) fn verify(&self) -> Result<(), StoreError> {
        let mut query = self.conn.prepare("SELECT name FROM meta")?;
        let names = query.query_map([], |row| row.get::<_, String>(0))?;
        names.into_iter().try_for_each(|name| self.get(&name?).map(drop))
    }

    /// The fact as stored, whoever wrote it under whatever key.
    pub(super) fn get_unverified(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let mut query = self.conn.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
        Ok(query.query_row([name], |row| row.get(0)).optional()?)
    }

    pub(super) fn put(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        let sum = self.sums.of("meta", &[name.as_bytes(), value]);
        self.conn
            .prepare_cached("INSERT OR REPLACE INTO meta (name, value, sum) VALUES (?1, ?2, ?3)")?
            .execute((name, value, sum))?;
        Ok(())
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, StoreError> {
        let number = |bytes: Vec<u8>| {
            let bytes =
                bytes.try_into().map_err(|_| StoreError::Corrupt(format!("meta {name} is not a number")))?;
            Ok(u64::from_le_bytes(bytes))
        };
        self.get(name)?.map(number).transpose()
    }

    pub(super) fn put_number(&self, name: &str, value: u64) -> Result<(), StoreError> {
        self.put(name, &value.to_le_bytes())
    }

    pub(super) fn position(&self) -> Result<Position, StoreError> {
        let needed =
            |name| self.number(name)?.ok_or_else(|| StoreError::Corrupt(format!("meta {name} is missing")));
        Ok(Position { epoch: needed(Self::EPOCH)?, commits: needed(Self::COMMITS)? })
    }

    fn set_position(&self, position: Position) -> Result<(), StoreError> {
        self.put_number(Self::EPOCH, position.epoch)?;
        self.put_number(Self::COMMITS, position.commits)
    }
}
