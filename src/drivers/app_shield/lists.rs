//! Lists: one answer each, in a shape that is only known for groups (vendor sheet section 6).

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    faults,
    session::{Ask, Session},
    wire,
};
use crate::drivers::error::DriverError;

/// A list and whether it is known to be cut.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listed {
    /// Rows in the order they came.
    pub rows: Vec<Value>,
    /// The answer tells of no further rows.
    pub whole: bool,
}

impl Listed {
    /// Whether its length is one that lists are cut at (F23): how large installations are paged is not known.
    pub fn may_be_cut(&self) -> bool {
        !self.whole
            || (!self.rows.is_empty() && [10, 25].iter().any(|page| self.rows.len().is_multiple_of(*page)))
    }

    /// Whether no two rows have the same id.
    pub fn is_distinct(&self, id: impl Fn(&Value) -> Option<String>) -> bool {
        let mut seen = BTreeSet::new();
        self.rows.iter().filter_map(id).all(|id| seen.insert(id))
    }
}

/// Reads a list.
///
/// # Errors
/// As for [`Session::send`] and [`faults::checked`]; `UnexpectedAnswer` where there is no list in the answer.
pub async fn read(session: &Session, ask: &Ask<'_>) -> Result<Listed, DriverError> {
    let answer = session.send(ask).await?;
    let value = faults::checked(session.http(), &answer, ask.field)?;
    let (rows, whole) = wire::rows(&value)
        .ok_or_else(|| faults::unexpected(session.http(), &answer, "there is not one list in it"))?;
    Ok(Listed { rows: rows.to_vec(), whole })
}
