//! One process per store (F40), and the mark how far that process got.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::Read,
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use super::{Position, StoreError};

/// The lock on `<store>.lock`, held as long as this value lives; the kernel gives it back when the
/// process dies, however it dies.
///
/// The file's content is the [`Position`] of the newest commit, written after the commit is
/// durable: a database that is behind it lost commits it had promised to keep (a damaged or
/// missing write-ahead log, an old copy). Lost content only loses this check.
pub(super) struct LockFile {
    file: File,
    path: PathBuf,
}

impl LockFile {
    /// Takes the lock of the store at `database`.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if somebody has it; `Full`, `ReadOnly`, `Io` if the file cannot be made.
    pub(super) fn acquire(database: &Path) -> Result<Self, StoreError> {
        let path = super::location::beside(database, ".lock");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|e| StoreError::from_io(&format!("cannot open {}", path.display()), &e))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file, path }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: database.display().to_string() }),
            Err(TryLockError::Error(e)) => {
                Err(StoreError::from_io(&format!("cannot lock {}", path.display()), &e))
            }
        }
    }

    /// Names this lock among all machines: two locks of one name are the same file under one kernel, so that they are
    /// never held at the same time. Tells nothing of where it is.
    pub(super) fn place(&self) -> Option<String> {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let file = self.file.metadata().ok()?;
        let mut hasher = blake3::Hasher::new_derive_key("ordain.dev v1 place of a store");
        hasher.update(boot.trim().as_bytes());
        hasher.update(&file.dev().to_le_bytes()).update(&file.ino().to_le_bytes());
        Some(hasher.finalize().to_hex().chars().take(16).collect())
    }

    /// How far the last process is known to have got; `None` if that is not known.
    pub(super) fn position(&self) -> Option<Position> {
        let mut text = String::new();
        (&self.file).take(256).read_to_string(&mut text).ok()?;
        parse(&text)
    }

    /// Notes a durable commit. A failure is logged and only weakens the check at the next start.
    pub(super) fn note(&self, position: Position) {
        if let Err(error) = self.file.write_all_at(line(position).as_bytes(), 0) {
            tracing::warn!(path = %self.path.display(), %error, "cannot note the store's position");
        }
    }
}

/// Closing the file would not do: a child of this process holds a copy of it from its fork until it executes something.
impl Drop for LockFile {
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            tracing::warn!(path = %self.path.display(), %error, "the store's lock is given back later");
        }
    }
}

/// Fixed length, so that one line overwrites the other in place and needs no new room on the volume.
fn line(position: Position) -> String {
    let body = format!("{:020} {:020}", position.epoch, position.commits);
    let check = blake3::hash(body.as_bytes()).to_hex();
    format!("{body} {check}\n")
}

fn parse(text: &str) -> Option<Position> {
    let mut words = text.split_ascii_whitespace();
    let position = Position { epoch: words.next()?.parse().ok()?, commits: words.next()?.parse().ok()? };
    (line(position) == text).then_some(position)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn a_second_taker_is_refused_until_the_first_lets_go() {
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join("ordain.db");
        let first = LockFile::acquire(&db).unwrap();
        assert!(matches!(LockFile::acquire(&db), Err(StoreError::Locked { .. })));
        drop(first);
        assert!(LockFile::acquire(&db).is_ok());
    }

    #[test]
    fn what_a_child_inherits_does_not_keep_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join("ordain.db");
        let first = LockFile::acquire(&db).unwrap();
        let inherited = first.file.try_clone().unwrap();
        drop(first);
        assert!(LockFile::acquire(&db).is_ok(), "the store is free while a child has a copy of the file");
        drop(inherited);
    }

    #[test]
    fn a_place_is_the_same_for_the_same_lock_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (dir.path().join("one.db"), dir.path().join("two.db"));
        let first = LockFile::acquire(&one).unwrap().place();
        assert_eq!(LockFile::acquire(&one).unwrap().place(), first, "held by one after the other");
        assert!(first.is_none() || LockFile::acquire(&two).unwrap().place() != first);
    }

    #[test]
    fn the_newest_position_is_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join("ordain.db");
        let lock = LockFile::acquire(&db).unwrap();
        assert_eq!(lock.position(), None, "nothing noted yet");
        lock.note(Position { epoch: u64::MAX, commits: u64::MAX });
        lock.note(Position { epoch: 3, commits: 17 });
        drop(lock);
        assert_eq!(LockFile::acquire(&db).unwrap().position(), Some(Position { epoch: 3, commits: 17 }));
    }

    #[test]
    fn a_damaged_note_counts_as_none() {
        let good = line(Position { epoch: 3, commits: 17 });
        assert_eq!(parse(&good), Some(Position { epoch: 3, commits: 17 }));
        for at in 0..good.len() {
            let mut bytes = good.clone().into_bytes();
            bytes[at] ^= 1;
            assert_eq!(String::from_utf8(bytes).ok().and_then(|t| parse(&t)), None, "byte {at}");
            assert_eq!(parse(&good[..at]), None, "cut at {at}");
        }
    }
}
