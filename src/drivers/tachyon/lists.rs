//! Reading lists page by page, never taken for whole without proof (F23; vendor sheet section 5).
//!
//! `TotalCount` may be the number of all rows or of those on the page, and whether the system cuts large pages is
//! unknown. So a list ends with a page that is empty, or too short to have been cut while no count says that there is
//! more. A page that is refused is such an end only if the rows are as many as a count says, or the same as are told at
//! once, without pages. And a list of several pages is whole only if two readings of it are alike: whatever changes
//! between two pages moves rows across their border.
//!
//! The sheet says not to end a list by its count. One exception saves the page behind the end: the rows are exactly those
//! of a reading that was whole without it, a short while ago, in which the count was that of all rows. So should a count
//! change its meaning, nothing that was listed can vanish by believing it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    calls::{Id, Need},
    faults,
    session::{Ask, Session},
    sight, wire,
};
use crate::{
    api::Reason,
    drivers::{
        error::{Class, DriverError},
        readings::{self, Readings},
    },
};

/// Rows asked for at once.
const PAGE: usize = 200;
/// No system cuts pages to less than this.
const CUT: usize = 10;
/// A list with more pages is read in part.
const PAGES: usize = 250;

/// What is said of a list of policies that is not known to be whole.
pub const CONTRADICTS: &str = "the list of policies (/Consumer/Policies) contradicts itself: read several times, its \
                               pages repeat or lack rows, or are not as many as TotalCount tells";

/// A list, by id.
pub type Listed = readings::Listed<Id>;

type Reading = readings::Reading<Id>;

type Search = &'static [&'static str];

/// What searches found whose `TotalCount` was the number of all rows.
#[derive(Debug, Default)]
pub struct Counts(Mutex<BTreeMap<Search, Counted>>);

#[derive(Debug)]
struct Counted {
    found: Instant,
    ids: BTreeSet<Id>,
}

impl Counts {
    /// No count is believed any more.
    pub fn forget(&self) {
        self.known().clear();
    }

    /// Whether these are the rows that were found when the count was last that of all.
    fn are_all(&self, source: Source, rows: &BTreeMap<Id, Value>) -> bool {
        let known = self.known();
        let counted = known.get(source.search).filter(|counted| counted.found.elapsed() < sight::LASTS);
        counted.is_some_and(|counted| counted.ids.iter().eq(rows.keys()))
    }

    /// Learns from a reading that ended without belief: the count it told, where that was not the number of rows on its
    /// page, and whether that was right.
    fn learn(&self, source: Source, reading: &Reading, total: Option<usize>) {
        if reading.steady && total == Some(reading.rows.len()) {
            let counted = Counted { found: Instant::now(), ids: reading.rows.keys().copied().collect() };
            self.known().insert(source.search, counted);
        } else {
            self.known().remove(source.search);
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<Search, Counted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What to list.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    /// The search, in pages, in outline.
    search: Search,
    /// Everything at once, where there is no search.
    all: &'static [&'static str],
    query: &'static [(&'static str, &'static str)],
    need: Need,
}

/// All policies, rules as ids and groups as names.
pub const POLICIES: Source =
    Source { search: &["Policies", "ShallowSearch"], all: &["Policies"], query: &[], need: Need::READ };
/// All rules.
pub const RULES: Source =
    Source { search: &["Rules", "Shallow", "Search"], all: &["Rules"], query: &[], need: Need::READ };
/// All management groups, All Devices among them.
pub const GROUPS: Source = Source {
    search: &[],
    all: &["ManagementGroups"],
    query: &[("includeSystemGroups", "true")],
    need: Need::GROUPS,
};

/// Reads a list.
///
/// # Errors
/// As for [`Session::read`]; `Transient` for an answer without a list in it.
pub async fn read(session: &Session, source: Source) -> Result<Listed, DriverError> {
    let mut readings = Readings::new();
    loop {
        if let Some(listed) = readings.take(read_once(session, source).await?) {
            return Ok(listed);
        }
    }
}

/// Whether policies may be listed, and whether this is the API.
///
/// # Errors
/// As for [`read`].
pub async fn first_page(session: &Session) -> Result<(), DriverError> {
    match page(session, POLICIES, 1, 1).await? {
        Some(_) => Ok(()),
        None => everything(session, POLICIES).await.map(drop),
    }
}

async fn read_once(session: &Session, source: Source) -> Result<Reading, DriverError> {
    if source.search.is_empty() {
        return everything(session, source).await;
    }
    let mut reading = Reading::new();
    let (mut start, mut total) = (1, None);
    for number in 1..=PAGES {
        let page = match page(session, source, start, PAGE).await {
            Err(error) if start > 1 && error.reason == Reason::Rejected => {
                return refused(session, source, reading, total).await;
            }
            Ok(Some(page)) => page,
            Ok(None) => return everything(session, source).await,
            Err(error) => return Err(error),
        };
        let received = page.rows.len();
        let fresh = reading.take(identified(page.rows));
        start += received;
        // A count that is not the number on this page must be that of the whole list, on every page.
        let whole = page.count.filter(|count| *count != received);
        reading.steady &= received <= PAGE && (total.is_none() || whole.is_none() || total == whole);
        total = total.or(whole);
        let more = total.is_some_and(|total| reading.rows.len() < total);
        let believed =
            page.count == Some(reading.rows.len()) && session.counts().are_all(source, &reading.rows);
        if believed || received == 0 || fresh == 0 || (received < CUT && !more) {
            // An empty page may tell either count.
            reading.steady &= total.is_none_or(|total| reading.rows.len() == total);
            reading.whole_alone = number == 1 || (number == 2 && received == 0);
            if !believed {
                session.counts().learn(source, &reading, total);
            }
            return Ok(reading);
        }
    }
    reading.steady = false;
    Ok(reading)
}

/// What was read before a page that is refused, which may be the one behind the end, or any other.
async fn refused(
    session: &Session,
    source: Source,
    mut reading: Reading,
    total: Option<usize>,
) -> Result<Reading, DriverError> {
    if total == Some(reading.rows.len()) {
        return Ok(reading);
    }
    let alike = match everything(session, source).await {
        Ok(whole) => whole.is_like(&reading),
        Err(error) if matches!(error.class, Class::Rejected | Class::Gone) => false,
        Err(error) => return Err(error),
    };
    reading.steady &= alike;
    reading.whole_alone = true;
    Ok(reading)
}

async fn everything(session: &Session, source: Source) -> Result<Reading, DriverError> {
    let value = session.read(&Ask::get(source.all, source.query, source.need)).await?;
    let rows = wire::rows(&value).ok_or_else(|| no_list(source.all))?;
    let mut reading = Reading { whole_alone: true, ..Reading::new() };
    reading.take(identified(rows.clone()));
    Ok(reading)
}

fn identified(rows: Vec<Value>) -> impl Iterator<Item = (Option<Id>, Value)> {
    rows.into_iter().map(|row| (wire::id(&row, "Id"), row))
}

struct Page {
    rows: Vec<Value>,
    count: Option<usize>,
}

/// `None` where there is no such search.
async fn page(
    session: &Session,
    source: Source,
    start: usize,
    size: usize,
) -> Result<Option<Page>, DriverError> {
    let body = json!({"Sort": [{"Column": "Name", "Direction": "ASC"}], "Start": start, "PageSize": size});
    let answer = session.send(&Ask::search(source.search, body, source.need)).await?;
    if matches!(answer.status, 404 | 405 | 501) {
        return Ok(None);
    }
    let value = faults::checked(session.http(), &answer, source.need)?;
    let rows = wire::rows(&value).ok_or_else(|| no_list(source.search))?.clone();
    let count = wire::member(&value, "TotalCount").and_then(|count| match count {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_u64().and_then(|count| usize::try_from(count).ok()),
    });
    Ok(Some(Page { rows, count }))
}

fn no_list(path: &[&str]) -> DriverError {
    let message = format!("/Consumer/{} answered without a list in it", path.join("/"));
    DriverError::new(Class::Transient, Reason::UnexpectedAnswer, message)
}
