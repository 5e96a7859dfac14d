//! Reading lists page by page, never taken for whole without proof (F23; vendor sheet section 7).
//!
//! A page counts rows, not ids, and nothing tells how many rows there are: whatever changes between two pages moves rows
//! across their border, where one may be skipped without a trace. So a list of several pages is whole only if two
//! readings of it are alike ([`readings`]).

use serde_json::Value;

use super::{
    faults,
    session::{Ask, Session},
    wire,
};
use crate::{
    api::Reason,
    drivers::{
        error::{Class, DriverError},
        readings::{self, Reading, Readings},
    },
};

/// The largest page the system allows.
const PAGE: usize = 50;
/// A list with more pages is read in part.
const PAGES: usize = 1000;

/// What is said of a list of policies that is not known to be whole.
pub const CONTRADICTS: &str = "the list of policies (GET /agent/v1/dlp/policies) contradicts itself: read several times, \
                               its pages repeat or lack rows, or are not as many as pageCount tells";

/// A list, by id.
pub type Listed = readings::Listed<String>;

/// What to list.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    path: &'static [&'static str],
    /// Member that holds the rows.
    rows: &'static str,
    /// JSON pointer to a row's id.
    id: &'static str,
}

/// All policies.
pub const POLICIES: Source = Source { path: &["policies"], rows: "policies", id: "/policyId" };
/// All dictionaries.
pub const DICTIONARIES: Source = Source { path: &["dictionaries"], rows: "items", id: "/dictRef/dictId" };

/// Reads a list.
///
/// # Errors
/// As for [`Session::send`] and [`faults::checked`]; `Transient` for an answer without a list in it.
pub async fn read(session: &Session, source: Source) -> Result<Listed, DriverError> {
    let mut readings = Readings::new();
    loop {
        if let Some(listed) = readings.take(read_once(session, source).await?) {
            return Ok(listed);
        }
    }
}

/// The first page: whether the account may list, and whether this is the API.
///
/// # Errors
/// As for [`read`].
pub async fn first_page(session: &Session, source: Source) -> Result<(), DriverError> {
    page(session, source, 0).await.map(drop)
}

async fn read_once(session: &Session, source: Source) -> Result<Reading<String>, DriverError> {
    let mut reading = Reading::new();
    let (mut number, mut told) = (0, None);
    // Ends with a page that is not full, whatever `pageCount` says; then both must agree.
    let filled = loop {
        let page = page(session, source, number).await?;
        let received = page.rows.len();
        let fresh = reading.take(page.rows.into_iter().map(|(id, row)| (Some(id), row)));
        reading.steady &= received <= PAGE;
        reading.steady &= page.number.is_none_or(|one| one == number);
        reading.steady &= number == 0 || page.count == told;
        told = page.count;
        if received < PAGE || fresh == 0 {
            break number + usize::from(received > 0);
        }
        number += 1;
        if number == PAGES {
            reading.steady = false;
            break number;
        }
    };
    // An empty list may be told as no page or as one, and one that was lost as one.
    let doubtful = filled == 0 && told == Some(1);
    reading.steady &= doubtful || told.is_none_or(|count| count == filled);
    reading.whole_alone = filled <= 1 && !doubtful;
    Ok(reading)
}

struct Page {
    rows: Vec<(String, Value)>,
    number: Option<usize>,
    count: Option<usize>,
}

async fn page(session: &Session, source: Source, number: usize) -> Result<Page, DriverError> {
    let (wanted, limit) = (number.to_string(), PAGE.to_string());
    let query = [("page", wanted.as_str()), ("limit", limit.as_str())];
    let ask = Ask { method: http::Method::GET, path: source.path, query: &query, body: None, effect: false };
    let answer = session.send(&ask).await?;
    let value = faults::checked(session.http(), &answer)?;
    let rows = value.get(source.rows).and_then(Value::as_array).ok_or_else(|| {
        let message = format!("{}: no list in it", session.http().told(&answer));
        DriverError::new(Class::Transient, Reason::UnexpectedAnswer, message)
    })?;
    let told = |member: &str| value.get(member).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    let rows = rows.iter().map(|row| (key(row, source), row.clone())).collect();
    Ok(Page { rows, number: told("page"), count: told("pageCount") })
}

/// What makes a row the same row on another page.
fn key(row: &Value, source: Source) -> String {
    let id = row.pointer(source.id).and_then(Value::as_str);
    id.map_or_else(|| row.to_string(), str::to_owned)
}

/// Whether a row bears this id.
pub fn holds(listed: &Listed, id: &str) -> bool {
    listed.rows.get(id).is_some_and(|row| !wire::is_deleted(row))
}
