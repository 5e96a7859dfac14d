//! Reading lists: whole in dialect A, page by page elsewhere, and never taken for complete without proof (F23).

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    dialect::Dialect,
    faults,
    session::{Ask, Session},
    wire,
};
use crate::{
    api::Reason,
    drivers::error::{Class, DriverError},
};

/// The largest page the system allows; without a limit it answers an empty list (sheet section 2.2).
const PAGE: usize = 100;

/// What is said of a list of policies that is not known to be whole.
pub const CONTRADICTS: &str = "the list of policies (GET /policies) contradicts itself: read twice, its pages repeat or \
                               lack rows, or there are not as many as its count tells";

/// A list and whether it is known to be whole.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listed {
    /// Rows in the order they came, each once.
    pub rows: Vec<Value>,
    /// Nothing was cut, moved between pages or changed in number while it was read.
    pub complete: bool,
}

/// What to list.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Segments below the dialect's base.
    pub path: &'a [&'a str],
    /// Fixed query.
    pub query: &'a [(&'a str, &'a str)],
    /// Members that may hold the rows.
    pub names: &'a [&'a str],
    /// More rows than this are not read.
    pub most: usize,
    /// The list comes in pages; otherwise one answer holds it all.
    pub paged: bool,
}

/// Reads a list; one that contradicts itself is read once more before it is called incomplete. One that is longer
/// than wanted is incomplete, too.
///
/// # Errors
/// As for [`Session::send`] and [`faults::checked`].
pub async fn read(session: &Session, dialect: Dialect, source: Source<'_>) -> Result<Listed, DriverError> {
    let first = read_once(session, dialect, source).await?;
    if first.complete || first.rows.len() >= source.most {
        return Ok(first);
    }
    let second = read_once(session, dialect, source).await?;
    if second.complete { Ok(second) } else { Ok(united(first, second)) }
}

/// Everything either reading saw, still incomplete.
fn united(first: Listed, second: Listed) -> Listed {
    let mut pages = Pages::default();
    pages.take(second.rows);
    pages.take(first.rows);
    Listed { rows: pages.rows, complete: false }
}

async fn read_once(session: &Session, dialect: Dialect, source: Source<'_>) -> Result<Listed, DriverError> {
    let mut pages = Pages::default();
    if !source.paged {
        let (rows, _) = page(session, dialect, source, None).await?;
        let received = rows.len();
        return Ok(Listed { complete: pages.take(rows) == received, rows: pages.rows });
    }
    let (mut offset, mut steady) = (0, true);
    loop {
        let (rows, count) = page(session, dialect, source, Some(offset)).await?;
        let received = rows.len();
        steady &= pages.count.is_none_or(|before| Some(before) == count);
        pages.count = count.or(pages.count);
        let fresh = pages.take(rows);
        steady &= fresh == received;
        offset += received;
        let ended = count.map_or(received < PAGE, |count| offset >= count);
        if received == 0 || fresh == 0 || ended {
            break;
        }
        if offset >= source.most {
            steady = false;
            break;
        }
    }
    let whole = pages.count.is_none_or(|count| pages.rows.len() == count);
    Ok(Listed { rows: pages.rows, complete: steady && whole })
}

#[derive(Default)]
struct Pages {
    rows: Vec<Value>,
    seen: BTreeSet<String>,
    count: Option<usize>,
}

impl Pages {
    /// Adds rows not seen before and tells how many.
    fn take(&mut self, rows: Vec<Value>) -> usize {
        let before = self.rows.len();
        for row in rows {
            if self.seen.insert(key(&row)) {
                self.rows.push(row);
            }
        }
        self.rows.len() - before
    }
}

/// What makes a row the same row on another page.
fn key(row: &Value) -> String {
    let named = ["id", "username", "name", "roleName", "code"].iter().find_map(|member| row.get(*member));
    named.unwrap_or(row).to_string()
}

async fn page(
    session: &Session,
    dialect: Dialect,
    source: Source<'_>,
    offset: Option<usize>,
) -> Result<(Vec<Value>, Option<usize>), DriverError> {
    let (from, limit) = (offset.unwrap_or_default().to_string(), PAGE.to_string());
    let mut query = source.query.to_vec();
    if offset.is_some() {
        query.extend([("offset", from.as_str()), ("limit", limit.as_str())]);
    }
    let answer = session.send(&Ask::get(source.path, &query)).await?;
    let value = faults::checked(session.http(), dialect, &answer)?;
    wire::rows(&value, source.names).ok_or_else(|| {
        let message = format!("{}: no list in it", session.http().told(&answer));
        DriverError::new(Class::Transient, Reason::UnexpectedAnswer, message)
    })
}
