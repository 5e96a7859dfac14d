//! Records: an account's memory as rows, and back.
//!
//! Each row carries a keyed sum over all its columns; each account carries the number of its rows
//! and the exclusive or of their sums. A changed, a missing and a resurrected row are all noticed.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    StoreError,
    intern::Interner,
    sums::{Sum, Summer},
};
use crate::model::{
    BackendId, BackendKind, ItemKey, LeafPath, ObjectName, Uid,
    memory::{Memory, Sealed, Write},
    reckoned,
};

/// Words in the column `kind`. Stored; never change one.
mod kind {
    pub(super) const ACCOUNT: &str = "account";
    pub(super) const APPROVAL: &str = "approval";
    pub(super) const CATALOGUE: &str = "catalogue";
    pub(super) const CLAIM: &str = "claim";
    pub(super) const DEPLOY: &str = "deploy";
    pub(super) const HANDLED: &str = "handled";
    pub(super) const INTENT: &str = "intent";
    pub(super) const ITEM: &str = "item";
    pub(super) const LOST: &str = "lost";
    pub(super) const OPERATION: &str = "operation";
    pub(super) const PRE_IMAGE: &str = "pre-image";
    pub(super) const REMOVALS: &str = "removals";
    pub(super) const SEEN: &str = "seen";
    pub(super) const SINCE: &str = "since";
}

/// The key of what an account has once.
const ONLY: &str = "";

/// Reads back how a [`BackendId`] is displayed, which is how the store spells it.
pub(super) fn parse_account(text: &str) -> Option<BackendId> {
    let (kind, rest) = text.split_once('/')?;
    let (kind, namespace, name) = match kind {
        "ClusterBackend" => (BackendKind::ClusterBackend, "", rest),
        "Backend" => rest.split_once('/').map(|(namespace, name)| (BackendKind::Backend, namespace, name))?,
        _ => return None,
    };
    Some(BackendId { kind, namespace: namespace.into(), name: name.into() })
}

/// Whether anything is remembered.
pub(super) fn any(conn: &Connection) -> Result<bool, StoreError> {
    Ok(conn.query_row("SELECT EXISTS (SELECT 1 FROM accounts)", [], |row| row.get(0))?)
}

/// What an account's rows add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tally {
    records: i64,
    contents: Sum,
}

impl Tally {
    fn sum(self, account: &str, sums: &Summer) -> Sum {
        sums.of("accounts", &[account.as_bytes(), &self.records.to_le_bytes(), self.contents.as_ref()])
    }

    fn load(conn: &Connection, account: &str, sums: &Summer) -> Result<Self, StoreError> {
        let row = conn
            .prepare_cached("SELECT records, contents, sum FROM accounts WHERE account = ?1")?
            .query_row([account], |row| {
                Ok((Self { records: row.get(0)?, contents: row.get(1)? }, row.get(2)?))
            })
            .optional()?;
        match row {
            None => Ok(Self::default()),
            Some((tally, sum)) if tally.sum(account, sums) == sum => Ok(tally),
            Some(_) => Err(StoreError::Corrupt(format!("checksum of {account}"))),
        }
    }

    fn save(self, conn: &Connection, account: &str, sums: &Summer) -> Result<(), StoreError> {
        if self.records == 0 {
            conn.prepare_cached("DELETE FROM accounts WHERE account = ?1")?.execute([account])?;
        } else {
            conn.prepare_cached(
                "INSERT OR REPLACE INTO accounts (account, records, contents, sum) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute((account, self.records, self.contents, self.sum(account, sums)))?;
        }
        Ok(())
    }
}

/// Writes to the rows of one account, keeping its tally. Rows that would not change are not written.
pub(super) struct Ledger<'a> {
    conn: &'a Connection,
    sums: &'a Summer,
    account: &'a str,
    before: Tally,
    tally: Tally,
}

impl<'a> Ledger<'a> {
    pub(super) fn open(conn: &'a Connection, sums: &'a Summer, account: &'a str) -> Result<Self, StoreError> {
        let before = Tally::load(conn, account, sums)?;
        Ok(Self { conn, sums, account, before, tally: before })
    }

    /// Saves the tally; tells whether anything changed.
    pub(super) fn close(self) -> Result<bool, StoreError> {
        let changed = self.tally != self.before;
        if changed {
            self.tally.save(self.conn, self.account, self.sums)?;
        }
        Ok(changed)
    }

    /// Mirrors [`Memory::apply`].
    pub(super) fn apply(&mut self, write: &Write) -> Result<(), StoreError> {
        match write {
            Write::Account(Some(record)) => self.put(kind::ACCOUNT, ONLY, record),
            Write::Account(None) => self.clear(Some(kind::SINCE)),
            Write::Catalogue(record) => self.put(kind::CATALOGUE, ONLY, record),
            Write::Item(key, record) => self.set(kind::ITEM, &key.0, record.as_ref()),
            Write::Claim(key, who, record) => self.set(kind::CLAIM, &claim_key(key, who)?, record.as_ref()),
            Write::PreImage(key, path, Some(sealed)) => {
                let key = leaf_key(key, path)?;
                match self.sum_of(kind::PRE_IMAGE, &key)? {
                    Some(_) => Ok(()),
                    None => self.put_bytes(kind::PRE_IMAGE, &key, &sealed.0),
                }
            }
            Write::PreImage(key, path, None) => self.remove(kind::PRE_IMAGE, &leaf_key(key, path)?),
            Write::Intent(key, record) => self.set(kind::INTENT, &key.0, record.as_ref()),
            Write::Operation(id, record) => self.set(kind::OPERATION, id, record.as_ref()),
            Write::Removals(records) => self.put(kind::REMOVALS, ONLY, records),
            Write::Deploy(record) => self.put(kind::DEPLOY, ONLY, record),
            Write::Seen(uid, generation) => {
                let known = self.get::<i64>(kind::SEEN, &uid.0)?;
                self.put(kind::SEEN, &uid.0, &known.map_or(*generation, |known| known.max(*generation)))
            }
            Write::Unseen(uid) => self.remove(kind::SEEN, &uid.0),
            Write::Handled(who, value) => self.set(kind::HANDLED, who, value.as_ref()),
            Write::Lost(words) => self.put(kind::LOST, ONLY, words),
            Write::Since(at) => self.put(kind::SINCE, ONLY, at),
            Write::Approval(value) => self.set(kind::APPROVAL, ONLY, value.as_ref()),
        }
    }

    /// Removes all rows, but those of one kind.
    pub(super) fn clear(&mut self, except: Option<&str>) -> Result<(), StoreError> {
        let except = except.unwrap_or_default();
        let mut query =
            self.conn.prepare_cached("SELECT sum FROM records WHERE account = ?1 AND kind <> ?2")?;
        let mut rows = query.query([self.account, except])?;
        while let Some(row) = rows.next()? {
            self.tally.contents = self.tally.contents.toggled(row.get(0)?);
            self.tally.records -= 1;
        }
        self.conn
            .prepare_cached("DELETE FROM records WHERE account = ?1 AND kind <> ?2")?
            .execute([self.account, except])?;
        Ok(())
    }

    fn set<T: Serialize>(&mut self, kind: &str, key: &str, value: Option<&T>) -> Result<(), StoreError> {
        match value {
            Some(value) => self.put(kind, key, value),
            None => self.remove(kind, key),
        }
    }

    fn put<T: Serialize + ?Sized>(&mut self, kind: &str, key: &str, value: &T) -> Result<(), StoreError> {
        let body = serde_json::to_vec(value).map_err(|e| undecodable(self.account, kind, key, &e))?;
        self.put_bytes(kind, key, &body)
    }

    fn put_bytes(&mut self, kind: &str, key: &str, body: &[u8]) -> Result<(), StoreError> {
        let sum = record_sum(self.sums, self.account, kind, key, body);
        match self.sum_of(kind, key)? {
            Some(old) if old == sum => return Ok(()),
            Some(old) => self.tally.contents = self.tally.contents.toggled(old),
            None => self.tally.records += 1,
        }
        self.tally.contents = self.tally.contents.toggled(sum);
        self.conn
            .prepare_cached(
                "INSERT INTO records (account, kind, key, body, sum) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (account, kind, key) DO UPDATE SET body = excluded.body, sum = excluded.sum",
            )?
            .execute((self.account, kind, key, body, sum))?;
        Ok(())
    }

    fn remove(&mut self, kind: &str, key: &str) -> Result<(), StoreError> {
        if let Some(old) = self.sum_of(kind, key)? {
            self.tally.contents = self.tally.contents.toggled(old);
            self.tally.records -= 1;
            self.conn
                .prepare_cached("DELETE FROM records WHERE account = ?1 AND kind = ?2 AND key = ?3")?
                .execute((self.account, kind, key))?;
        }
        Ok(())
    }

    fn sum_of(&self, kind: &str, key: &str) -> Result<Option<Sum>, StoreError> {
        let mut query = self
            .conn
            .prepare_cached("SELECT sum FROM records WHERE account = ?1 AND kind = ?2 AND key = ?3")?;
        Ok(query.query_row((self.account, kind, key), |row| row.get(0)).optional()?)
    }

    fn get<T: DeserializeOwned>(&self, kind: &str, key: &str) -> Result<Option<T>, StoreError> {
        let mut query = self
            .conn
            .prepare_cached("SELECT body, sum FROM records WHERE account = ?1 AND kind = ?2 AND key = ?3")?;
        let row =
            query.query_row((self.account, kind, key), |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?)));
        let Some((body, sum)) = row.optional()? else { return Ok(None) };
        if record_sum(self.sums, self.account, kind, key, &body) != sum {
            return Err(StoreError::Corrupt(format!("checksum of {}", record_name(self.account, kind, key))));
        }
        serde_json::from_slice(&body).map(Some).map_err(|e| undecodable(self.account, kind, key, &e))
    }
}

/// Loads everything remembered of an account; nothing known gives the default.
pub(super) fn load(conn: &Connection, sums: &Summer, account: &str) -> Result<Memory, StoreError> {
    let mut memory = Memory::default();
    let mut names = Interner::default();
    let tally = walk(conn, sums, account, |kind, key, body| {
        read(&mut memory, &mut names, kind, key, body).map_err(|e| undecodable(account, kind, key, &e))
    })?;
    check(account, tally, Tally::load(conn, account, sums)?)?;
    Ok(memory)
}

/// The accounts of which anything is remembered.
pub(super) fn accounts(conn: &Connection) -> Result<Vec<String>, StoreError> {
    let mut query = conn.prepare_cached("SELECT account FROM accounts ORDER BY account")?;
    let rows = query.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Verifies every row of every account.
pub(super) fn verify(conn: &Connection, sums: &Summer) -> Result<(), StoreError> {
    for account in accounts(conn)? {
        let tally = walk(conn, sums, &account, |_, _, _| Ok(()))?;
        check(&account, tally, Tally::load(conn, &account, sums)?)?;
    }
    let strays = "SELECT count(*) FROM records WHERE account NOT IN (SELECT account FROM accounts)";
    match conn.query_row(strays, [], |row| row.get::<_, i64>(0))? {
        0 => Ok(()),
        strays => Err(StoreError::Corrupt(format!("of no account: {}", reckoned(strays, "record")))),
    }
}

fn check(account: &str, found: Tally, noted: Tally) -> Result<(), StoreError> {
    if found == noted {
        return Ok(());
    }
    let (found, noted) = (found.records, noted.records);
    Err(StoreError::Corrupt(format!(
        "{account} has {}, which are not the {noted} that were committed",
        reckoned(found, "record")
    )))
}

/// Visits the verified rows of an account.
fn walk(
    conn: &Connection,
    sums: &Summer,
    account: &str,
    mut visit: impl FnMut(&str, &str, &[u8]) -> Result<(), StoreError>,
) -> Result<Tally, StoreError> {
    let mut tally = Tally::default();
    let mut query = conn.prepare_cached("SELECT kind, key, body, sum FROM records WHERE account = ?1")?;
    let mut rows = query.query([account])?;
    while let Some(row) = rows.next()? {
        let text = |column| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
        let (kind, key) = (text(0)?, text(1)?);
        let body = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
        let sum = row.get(3)?;
        if record_sum(sums, account, kind, key, body) != sum {
            return Err(StoreError::Corrupt(format!("checksum of {}", record_name(account, kind, key))));
        }
        visit(kind, key, body)?;
        tally = Tally { records: tally.records + 1, contents: tally.contents.toggled(sum) };
    }
    Ok(tally)
}

fn read(
    memory: &mut Memory,
    names: &mut Interner,
    kind: &str,
    key: &str,
    body: &[u8],
) -> serde_json::Result<()> {
    fn insert<K: Ord, T: DeserializeOwned>(
        map: &mut BTreeMap<K, T>,
        key: K,
        body: &[u8],
    ) -> serde_json::Result<()> {
        map.insert(key, serde_json::from_slice(body)?);
        Ok(())
    }
    match kind {
        kind::ACCOUNT => memory.account = serde_json::from_slice(body)?,
        kind::APPROVAL => memory.approval = Some(serde_json::from_slice(body)?),
        kind::CATALOGUE => memory.catalogue = serde_json::from_slice(body)?,
        kind::CLAIM => {
            let (item, namespace, name): (String, String, String) = parse_key(key)?;
            let who = ObjectName::new(names.get(&namespace), names.get(&name));
            let claim = names.claim(serde_json::from_slice(body)?);
            memory.claims.set(ItemKey(names.get(&item)), who, Some(claim));
        }
        kind::DEPLOY => memory.deploy = serde_json::from_slice(body)?,
        kind::HANDLED => insert(&mut memory.handled, key.to_owned(), body)?,
        kind::INTENT => insert(&mut memory.intents, ItemKey(names.get(key)), body)?,
        kind::ITEM => {
            let item = names.item(serde_json::from_slice(body)?);
            memory.items.insert(ItemKey(names.get(key)), item);
        }
        kind::LOST => memory.lost = serde_json::from_slice(body)?,
        kind::OPERATION => {
            let operation = names.operation(serde_json::from_slice(body)?);
            memory.operations.insert(key.to_owned(), operation);
        }
        kind::PRE_IMAGE => {
            let (item, path): (String, String) = parse_key(key)?;
            let place = (ItemKey(names.get(&item)), LeafPath(names.get(&path)));
            memory.pre_images.insert(place, Sealed(body.to_vec()));
        }
        kind::REMOVALS => memory.removals = serde_json::from_slice(body)?,
        kind::SEEN => insert(&mut memory.seen, Uid(names.get(key)), body)?,
        kind::SINCE => memory.since = serde_json::from_slice(body)?,
        _ => return Err(serde::de::Error::custom("unknown kind")),
    }
    Ok(())
}

/// Lists as JSON: no two different lists are spelled alike.
fn claim_key(item: &ItemKey, who: &ObjectName) -> Result<String, StoreError> {
    list_key(&(&item.0, &who.namespace, &who.name))
}

fn leaf_key(item: &ItemKey, path: &LeafPath) -> Result<String, StoreError> {
    list_key(&(&item.0, &path.0))
}

fn list_key(parts: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(parts).map_err(|e| undecodable("", "", "", &e))
}

fn parse_key<'de, T: serde::Deserialize<'de>>(key: &'de str) -> serde_json::Result<T> {
    serde_json::from_str(key)
}

fn record_sum(sums: &Summer, account: &str, kind: &str, key: &str, body: &[u8]) -> Sum {
    sums.of("records", &[account.as_bytes(), kind.as_bytes(), key.as_bytes(), body])
}

fn record_name(account: &str, kind: &str, key: &str) -> String {
    format!("{account} {kind} {key}").trim_end().to_owned()
}

fn undecodable(account: &str, kind: &str, key: &str, error: &serde_json::Error) -> StoreError {
    StoreError::Undecodable { record: record_name(account, kind, key), problem: error.to_string() }
}
