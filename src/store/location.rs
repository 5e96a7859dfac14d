//! Where the store lives: reading the setting, making folder and file, putting lost files aside.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use super::{StoreError, Why};

/// Lost files kept for somebody to look at; older ones go, so that a failing disk does not fill up.
const KEPT_ASIDE: usize = 3;

/// Reads the setting: `sqlite:///absolute/path`, or a path.
pub(super) fn parse(given: &str) -> Result<PathBuf, StoreError> {
    let refuse = |problem: &str| {
        // What follows the scheme may hold a password.
        let shown = given.split_once("://").map_or(given, |(scheme, _)| scheme);
        Err(StoreError::Setting { given: shown.to_owned(), problem: problem.to_owned() })
    };
    match given.split_once(':') {
        _ if given.is_empty() => refuse("is empty; use sqlite:///path/to/ordain.db"),
        Some(("postgres" | "postgresql", _)) => {
            refuse("PostgreSQL is not supported yet; use sqlite:///path/to/ordain.db")
        }
        Some(("sqlite", rest)) => match rest.strip_prefix("//") {
            Some(path) if path.starts_with('/') && !path.ends_with('/') && !path.contains(['?', '#']) => {
                let decoded = percent_encoding::percent_decode_str(path).decode_utf8();
                decoded.map_or_else(|_| refuse("the path is not UTF-8"), |path| Ok(PathBuf::from(&*path)))
            }
            _ => refuse("name a file by its absolute path, without options: sqlite:///path/to/ordain.db"),
        },
        Some((scheme, _)) if !scheme.contains('/') => {
            refuse("unknown scheme; use sqlite:///path/to/ordain.db")
        }
        _ if given.ends_with('/') => refuse("is a folder; name a file"),
        _ => Ok(PathBuf::from(given)),
    }
}

/// `<path><suffix>`, in the same folder.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// Makes the folder, readable by nobody else; an existing one is taken as it is.
pub(super) fn make_folder(path: &Path) -> Result<(), StoreError> {
    let folder = folder_of(path);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|e| StoreError::from_io(&format!("cannot make the folder {}", folder.display()), &e))
}

/// Makes the file if it is not there, durable and private. `SQLite` gives its log the same mode.
pub(super) fn make_file(path: &Path) -> Result<(), StoreError> {
    let made = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    made.and_then(|file| {
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            file.set_permissions(Permissions::from_mode(0o600))?;
        }
        sync_folder(path)
    })
    .map_err(|e| StoreError::from_io(&format!("cannot make {}", path.display()), &e))
}

/// Whether nothing is in the write-ahead log, or there is none.
pub(super) fn log_is_empty(path: &Path) -> bool {
    fs::metadata(beside(path, "-wal")).map_or(true, |log| log.len() == 0)
}

/// Whether there is a write-ahead log.
pub(super) fn log_exists(path: &Path) -> bool {
    beside(path, "-wal").exists()
}

/// Takes away the empty log that looking at a file without one leaves behind.
pub(super) fn remove_empty_log(path: &Path) {
    if log_is_empty(path)
        && let Err(error) = remove_if_there(&beside(path, "-wal"))
    {
        tracing::warn!(path = %path.display(), %error, "cannot remove an empty log");
    }
}

/// Looks at the format numbers in the header: `SQLite` takes an unknown write format for a file
/// that may only be read, which would pass for a volume mounted so.
pub(super) fn check_format(path: &Path) -> Result<(), StoreError> {
    let mut header = [0; 20];
    let read = File::open(path).and_then(|file| file.read_exact_at(&mut header, 0));
    match read {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
        Err(e) => Err(StoreError::from_io(&format!("cannot read {}", path.display()), &e)),
        Ok(()) => match header {
            [.., 1 | 2, 1 | 2] => Ok(()),
            _ => Err(StoreError::Corrupt("the format numbers in the file's header changed".into())),
        },
    }
}

/// Renames a lost store and its log to `<path>.<word>-<n>`, which opens as it was.
pub(super) fn put_aside(path: &Path, word: &str) -> Result<PathBuf, StoreError> {
    let moved = || -> io::Result<PathBuf> {
        let mut aside = aside_files(path)?;
        let number = aside.last().map_or(1, |(n, _)| n + 1);
        let target = beside(path, &format!(".{word}-{number}"));
        // The log last: alone it is ignored, the database without it would pass for an older one.
        fs::rename(path, &target)?;
        rename_if_there(&beside(path, "-wal"), &beside(&target, "-wal"))?;
        sync_folder(path)?;
        aside.push((number, target.clone()));
        for (_, old) in aside.iter().rev().skip(KEPT_ASIDE) {
            fs::remove_file(old)?;
            remove_if_there(&beside(old, "-wal"))?;
        }
        Ok(target)
    };
    moved().map_err(|e| StoreError::from_io(&format!("cannot put {} aside", path.display()), &e))
}

/// Files put aside before, oldest first.
fn aside_files(path: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in fs::read_dir(folder_of(path))? {
        let entry = entry?;
        let file = entry.file_name();
        let number = file.to_str().and_then(|f| f.strip_prefix(&name)?.strip_prefix('.')?.split_once('-'));
        if let Some(number) =
            number.filter(|(word, _)| Why::WORDS.contains(word)).and_then(|(_, n)| n.parse().ok())
        {
            found.push((number, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

fn rename_if_there(from: &Path, to: &Path) -> io::Result<()> {
    ignore_missing(fs::rename(from, to))
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    ignore_missing(fs::remove_file(path))
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes names in the folder survive a power cut.
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}
