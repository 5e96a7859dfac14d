//! Keyed checksums: whether a row is what we wrote, and whether rows are missing.

use rusqlite::{
    ToSql,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef},
};

use super::sealing::{Keys, framed};

/// 128 bits over one row; the exclusive or of rows' sums stands for the set of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sum([u8; 16]);

impl Sum {
    /// The sum of the set with this row added, or taken out if it is in.
    pub(super) fn toggled(self, row: Self) -> Self {
        Self((u128::from_le_bytes(self.0) ^ u128::from_le_bytes(row.0)).to_le_bytes())
    }
}

impl AsRef<[u8]> for Sum {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl ToSql for Sum {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(&self.0)))
    }
}

impl FromSql for Sum {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let bytes = value.as_blob()?;
        bytes
            .try_into()
            .map(Self)
            .map_err(|_| FromSqlError::InvalidBlobSize { expected_size: 16, blob_size: bytes.len() })
    }
}

/// Makes sums under a key of their own.
#[derive(Clone)]
pub(super) struct Summer {
    key: [u8; 32],
}

impl Summer {
    pub(super) fn new(keys: &Keys) -> Self {
        Self { key: blake3::derive_key("ordain.dev v1 checksums of the store", &keys.mac) }
    }

    /// The sum of a row of this table.
    pub(super) fn of(&self, table: &str, columns: &[&[u8]]) -> Sum {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        framed(&mut hasher, table.as_bytes());
        for column in columns {
            framed(&mut hasher, column);
        }
        let mut sum = [0; 16];
        hasher.finalize_xof().fill(&mut sum);
        Sum(sum)
    }
}
