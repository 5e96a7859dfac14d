//! Opening: what is found, whether it can be trusted, and what follows.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use rusqlite::Connection;

use super::{
    Expected, Keys, Loss, Outcome, Position, StoreError, StoreHook, Why, location,
    lock::LockFile,
    migrations::{self, APPLICATION_ID, Header, Migration},
    records,
    sqlite::{self, Meta, Session},
    sums::Summer,
};
use crate::model::Clock;

/// What opening is to be done with.
pub(super) struct Opening<'a> {
    pub(super) path: &'a Path,
    pub(super) keys: &'a Keys,
    pub(super) expected: Expected,
    pub(super) clock: &'a dyn Clock,
    pub(super) hook: Arc<dyn StoreHook>,
    pub(super) steps: &'a [Migration],
}

/// The open store before it gets its public face.
pub(super) struct Ready {
    pub(super) session: Session,
    pub(super) outcome: Outcome,
    pub(super) loss: Option<Loss>,
    pub(super) aside: Option<PathBuf>,
}

/// What stands at the path.
enum Found {
    /// Nothing, or a file nothing was ever written to.
    Nothing,
    /// A store of ours, verified and up to date.
    Store(Box<Connection>, Position),
    /// A store that must not be believed.
    Lost(Why),
}

impl Opening<'_> {
    /// Opens, continues or replaces the store behind this lock.
    pub(super) fn run(&self, lock: LockFile) -> Result<Ready, StoreError> {
        let noted = lock.position();
        let expected = self.expected.epoch.max(noted.map(|p| p.epoch));
        match self.look(noted)? {
            Found::Store(conn, position) => self.resume(*conn, lock, position),
            Found::Nothing => {
                let why = expected.map(|_| Why::Missing);
                self.create(lock, expected, why, None)
            }
            Found::Lost(why) => {
                let aside = location::put_aside(self.path, why.word())?;
                tracing::error!(store = %self.path.display(), aside = %aside.display(), reason = %why, "the store is lost");
                self.create(lock, expected, Some(why), Some(aside))
            }
        }
    }

    fn sums(&self) -> Summer {
        Summer::new(self.keys)
    }

    /// Examines what is there. Changes nothing unless the store is ours, intact and of an older schema.
    fn look(&self, noted: Option<Position>) -> Result<Found, StoreError> {
        match fs::metadata(self.path) {
            Ok(file) if file.len() == 0 && location::log_is_empty(self.path) => return Ok(Found::Nothing),
            // SQLite would throw the log away; keep it for whoever looks into it.
            Ok(file) if file.len() == 0 => {
                return Ok(Found::Lost(Why::Corrupt("the file was cut to nothing".into())));
            }
            Ok(_) => {}
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(e) => return Err(StoreError::from_io(&format!("cannot read {}", self.path.display()), &e)),
        }
        let had_log = location::log_exists(self.path);
        let found = self.examine(noted);
        if !had_log && !matches!(found, Ok(Found::Store(..))) {
            location::remove_empty_log(self.path);
        }
        match found {
            Err(StoreError::Corrupt(what)) => Ok(Found::Lost(Why::Corrupt(what))),
            Err(StoreError::Locked { .. }) => {
                Err(StoreError::Locked { path: self.path.display().to_string() })
            }
            other => other,
        }
    }

    fn examine(&self, noted: Option<Position>) -> Result<Found, StoreError> {
        location::check_format(self.path)?;
        let mut conn = sqlite::connect(self.path)?;
        let header = Header::read(&conn)?;
        if header.is_empty() {
            return Ok(Found::Nothing);
        }
        let sums = self.sums();
        self.check_header(&conn, &sums, header)?;
        migrations::check_schema(&conn, &sums, self.steps, header.version)?;
        if !self.sealed_by_our_keys(&conn)? {
            return Ok(Found::Lost(Why::KeysChanged));
        }
        quick_check(&conn)?;
        let meta = Meta::new(&conn, &sums);
        meta.verify()?;
        let position = meta.position()?;
        if let Some(why) = self.too_old(position, noted) {
            return Ok(Found::Lost(why));
        }
        if self.expected.outdated && records::any(&conn)? {
            return Ok(Found::Lost(Why::Outdated));
        }
        self.migrate(&mut conn, &sums, header.version)?;
        records::verify(&conn, &sums)?;
        Ok(Found::Store(Box::new(conn), position))
    }

    /// Whose file it is and which version, told apart from a damaged header by what the tables say.
    fn check_header(&self, conn: &Connection, sums: &Summer, header: Header) -> Result<(), StoreError> {
        let supported = migrations::newest(self.steps);
        let path = self.path.display().to_string();
        let ours = self.sealed_by_our_keys(conn).unwrap_or(false);
        if header.application != APPLICATION_ID {
            return Err(if ours {
                StoreError::Corrupt("the application id in the file's header changed".into())
            } else {
                StoreError::Foreign { path, found: header.application }
            });
        }
        let schema = Meta::new(conn, sums).number(Meta::SCHEMA);
        if ours && schema.is_ok_and(|schema| schema.is_some_and(|schema| schema != u64::from(header.version)))
        {
            return Err(StoreError::Corrupt("the schema version in the file's header changed".into()));
        }
        match header.version {
            0 => Err(StoreError::Corrupt("schema version 0".into())),
            found if found > supported => Err(StoreError::FromTheFuture { path, found, supported }),
            _ => Ok(()),
        }
    }

    fn sealed_by_our_keys(&self, conn: &Connection) -> Result<bool, StoreError> {
        let found = Meta::new(conn, &self.sums()).get_unverified(Meta::KEYS)?;
        Ok(found.is_some_and(|found| found == self.keys.check_value()))
    }

    fn migrate(&self, conn: &mut Connection, sums: &Summer, from: u32) -> Result<(), StoreError> {
        for (version, step) in (1..).zip(self.steps).filter(|(version, _)| *version > from) {
            let label = format!("migrate to {version} {}", step.name);
            let tx = conn.transaction()?;
            migrations::step(&tx, sums, version, step)?;
            self.hook.before_commit(&label)?;
            tx.commit()?;
            self.hook.after_commit(&label)?;
            tracing::info!(version, step = step.name, "store migrated");
        }
        Ok(())
    }

    fn too_old(&self, found: Position, noted: Option<Position>) -> Option<Why> {
        let expected = self.expected.epoch.filter(|expected| found.epoch < *expected);
        match (expected, noted.filter(|noted| found < *noted)) {
            (Some(expected), _) => Some(Why::OlderEpoch { found: found.epoch, expected }),
            (None, Some(noted)) => Some(Why::CommitsMissing { found, noted }),
            (None, None) => None,
        }
    }

    /// Goes on with a verified store, under a new epoch.
    fn resume(&self, conn: Connection, lock: LockFile, position: Position) -> Result<Ready, StoreError> {
        location::make_file(self.path)?;
        sqlite::settle(&conn)?;
        let sums = self.sums();
        let loss = Meta::new(&conn, &sums).get(Meta::LOSS)?;
        let loss = loss.map(|text| serde_json::from_slice(&text)).transpose();
        let loss =
            loss.map_err(|e| StoreError::Undecodable { record: "meta loss".into(), problem: e.to_string() })?;
        let mut session = Session { conn, lock, sums, position, hook: Arc::clone(&self.hook) };
        session.write_as("open", position.next_epoch(), |_, _| Ok(true))?;
        Ok(Ready { session, outcome: Outcome::Continued, loss, aside: None })
    }

    /// Starts an empty store, above every epoch known; all or nothing.
    fn create(
        &self,
        lock: LockFile,
        known: Option<u64>,
        why: Option<Why>,
        aside: Option<PathBuf>,
    ) -> Result<Ready, StoreError> {
        location::make_file(self.path)?;
        let conn = sqlite::connect(self.path)?;
        sqlite::settle(&conn)?;
        let position = Position { epoch: known.unwrap_or(0), commits: 0 }.next_epoch();
        let loss = why.as_ref().map(|why| Loss { at: self.clock.now(), why: why.to_string() });
        let sums = self.sums();
        let mut session = Session { conn, lock, sums, position, hook: Arc::clone(&self.hook) };
        session.write_as("create", position, |conn, sums| {
            for (version, step) in (1..).zip(self.steps) {
                migrations::step(conn, sums, version, step)?;
            }
            let meta = Meta::new(conn, sums);
            meta.put(Meta::KEYS, &self.keys.check_value())?;
            if let Some(loss) = &loss {
                let text = serde_json::to_vec(loss).map_err(|e| StoreError::Io(e.to_string()))?;
                meta.put(Meta::LOSS, &text)?;
            }
            Ok(true)
        })?;
        let outcome = why.map_or(Outcome::Fresh, Outcome::Lost);
        Ok(Ready { session, outcome, loss, aside })
    }
}

/// `SQLite`'s own check of every page.
fn quick_check(conn: &Connection) -> Result<(), StoreError> {
    let verdict: String = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict == "ok" { Ok(()) } else { Err(StoreError::Corrupt(verdict)) }
}
