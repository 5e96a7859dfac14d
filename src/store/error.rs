//! How the store fails, in words an operator can act on.

use thiserror::Error;

/// A failure of the store. Never holds a value of a record, nor a key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// The setting that says where the store lives cannot be used.
    #[error("store setting `{given}`: {problem}")]
    Setting {
        /// As given, without anything that may be a password.
        given: String,
        /// What is wrong and what is allowed.
        problem: String,
    },
    /// The operator's secret is too short to derive keys from.
    #[error("the operator's secret has {bytes} bytes, at least 32 random bytes are needed")]
    WeakSecret {
        /// Its length.
        bytes: usize,
    },
    /// Another process works on the same store (F40).
    #[error(
        "the store {path} is in use by another process; two operators must not share a volume: scale the other one down"
    )]
    Locked {
        /// The store's file.
        path: String,
    },
    /// Written by a newer Ordain. Nothing was changed.
    #[error(
        "the store {path} has schema version {found}, this build knows up to {supported}; run the newer version again, \
         or move the file away (which counts as losing the store)"
    )]
    FromTheFuture {
        /// The store's file.
        path: String,
        /// The version found.
        found: u32,
        /// The newest version this build knows.
        supported: u32,
    },
    /// A database of some other application. Nothing was changed.
    #[error(
        "{path} is a database of another application (id {found:#x}); point the store setting at a file of its own"
    )]
    Foreign {
        /// The file.
        path: String,
        /// `application_id` found.
        found: u32,
    },
    /// No room on the volume. Nothing was committed; later commits work again once there is room (F38).
    #[error("the store's volume is full ({0}); nothing was recorded, free or add space")]
    Full(String),
    /// The volume or the file does not accept writes. Nothing was committed (F38).
    #[error("the store cannot be written ({0}); check the volume's mount and permissions")]
    ReadOnly(String),
    /// Reading or writing failed. A commit that failed so was not applied for this process, but may
    /// be found applied after a crash, like any commit interrupted at its end.
    #[error("the store cannot be read or written: {0}; look at the volume of the operator")]
    Io(String),
    /// Damage found while running. Restart: opening moves the file aside and starts from what the
    /// systems and the cluster tell (R13).
    #[error("the store is damaged: {0}")]
    Corrupt(String),
    /// A record is intact but this build cannot read it.
    #[error("record {record} of the store is intact but not readable by this build: {problem}")]
    Undecodable {
        /// Account, kind and key.
        record: String,
        /// What the decoder says.
        problem: String,
    },
    /// A [`super::StoreHook`] stopped the commit.
    #[error("stopped at {0}")]
    Stopped(String),
}

impl StoreError {
    /// Whether the same call may succeed later without a restart or a human.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Full(_) | Self::ReadOnly(_) | Self::Io(_))
    }

    /// Sorts a file system error by what the operator can do about it.
    pub(super) fn from_io(what: &str, error: &std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        let text = format!("{what}: {error}");
        match error.kind() {
            Kind::StorageFull | Kind::QuotaExceeded => Self::Full(text),
            Kind::ReadOnlyFilesystem | Kind::PermissionDenied => Self::ReadOnly(text),
            _ => Self::Io(text),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::{Error, ErrorCode as Code};
        let text = error.to_string();
        match &error {
            Error::SqliteFailure(failure, _) => match failure.code {
                Code::DiskFull => Self::Full(text),
                Code::ReadOnly | Code::PermissionDenied => Self::ReadOnly(text),
                Code::DatabaseBusy | Code::DatabaseLocked => Self::Locked { path: text },
                // Tables were compared word for word and statements are constant: a violated
                // constraint and a statement that no longer makes sense come from damage.
                Code::DatabaseCorrupt
                | Code::NotADatabase
                | Code::ConstraintViolation
                | Code::TypeMismatch
                | Code::Unknown => Self::Corrupt(text),
                _ => Self::Io(text),
            },
            Error::SqlInputError { .. }
            | Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::InvalidColumnType(..)
            | Error::Utf8Error(..)
            | Error::QueryReturnedNoRows => Self::Corrupt(text),
            _ => Self::Io(text),
        }
    }
}
