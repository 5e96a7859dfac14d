//! The schema, step by step.
//!
//! Every step is one transaction that also raises the version, so that a crash leaves the version
//! before or the version after, either of which opens. A step is never changed once released.
//! Files of a newer version are refused untouched; there is no way down.

use rusqlite::Connection;

use super::{StoreError, sqlite::Meta, sums::Summer};

/// "ordn": `SQLite`'s `application_id` of our files.
pub(super) const APPLICATION_ID: u32 = 0x6f72_646e;

/// One step of the schema; its number is its place in the list, from 1.
pub(super) struct Migration {
    /// For labels and logs.
    pub(super) name: &'static str,
    /// The work. What rewrites rows must verify their sums before and make new ones.
    pub(super) run: fn(&Connection, &Summer) -> Result<(), StoreError>,
}

/// All steps of this build.
pub(super) const MIGRATIONS: &[Migration] = &[Migration {
    name: "tables",
    run: |conn, _| {
        conn.execute_batch(
            "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL, sum BLOB NOT NULL) STRICT, WITHOUT ROWID;
             CREATE TABLE accounts (account TEXT PRIMARY KEY, records INTEGER NOT NULL, contents BLOB NOT NULL,
                                    sum BLOB NOT NULL) STRICT, WITHOUT ROWID;
             CREATE TABLE records (account TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL,
                                   sum BLOB NOT NULL, PRIMARY KEY (account, kind, key)) STRICT;
             CREATE TABLE journal (account TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL,
                                   body BLOB NOT NULL, sum BLOB NOT NULL, PRIMARY KEY (account, seq)) STRICT;",
        )?;
        Ok(())
    },
}];

/// The newest version a list of steps leads to.
pub(super) fn newest(steps: &[Migration]) -> u32 {
    u32::try_from(steps.len()).unwrap_or(u32::MAX)
}

/// Version and owner of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) application: u32,
    pub(super) version: u32,
    pub(super) tables: u32,
}

impl Header {
    pub(super) fn read(conn: &Connection) -> Result<Self, StoreError> {
        let pragma = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
        let tables = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        Ok(Self {
            application: pragma("application_id")?.cast_unsigned(),
            version: pragma("user_version")?.cast_unsigned(),
            tables,
        })
    }

    /// Nothing was ever written to it.
    pub(super) fn is_empty(self) -> bool {
        self == Self { application: 0, version: 0, tables: 0 }
    }
}

/// Runs the step that leads to `version`. To be called within a transaction.
pub(super) fn step(
    conn: &Connection,
    sums: &Summer,
    version: u32,
    step: &Migration,
) -> Result<(), StoreError> {
    (step.run)(conn, sums)?;
    conn.pragma_update(None, "application_id", APPLICATION_ID)?;
    conn.pragma_update(None, "user_version", version)?;
    Meta::new(conn, sums).put_number(Meta::SCHEMA, version.into())
}

/// Compares tables and indexes word for word with those of this version.
pub(super) fn check_schema(
    conn: &Connection,
    sums: &Summer,
    steps: &[Migration],
    version: u32,
) -> Result<(), StoreError> {
    let model = Connection::open_in_memory()?;
    for (number, migration) in (1..=version).zip(steps) {
        step(&model, sums, number, migration)?;
    }
    if schema(conn)? == schema(&model)? {
        Ok(())
    } else {
        Err(StoreError::Corrupt(format!("tables are not those of schema version {version}")))
    }
}

fn schema(conn: &Connection) -> Result<Vec<(String, String, Option<String>)>, StoreError> {
    let mut query = conn.prepare("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name")?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
