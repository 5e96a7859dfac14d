//! Lists in pages, and what becomes of them: the catalogue and the account's identity (sheet sections 4.4 to 4.6).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    calls::{Session, of_the_account},
    ids::CustomerId,
    wire::{self, CustomerRow, GroupsRow, Merge, Page},
};
use crate::{
    api::conditions::Reason,
    drivers::{Class, DriverError},
    model::{Catalogue, Entry, EntryKind},
};

/// Records asked for per page: the most the system gives.
const LIMIT: u64 = 100;

/// Pages after which a list is called incomplete rather than read on.
const MAX_PAGES: u64 = 1000;

/// Pages read to tell one account from another.
const EVIDENCE_PAGES: u64 = 10;

/// What `paging.total` counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Total {
    /// Customers.
    Customers,
    /// Customers or the records within them: the vendor does not say.
    Unclear,
}

/// A list read so far.
#[derive(Debug)]
pub struct Listing<T> {
    /// By customer, merged over the pages.
    pub rows: BTreeMap<CustomerId, T>,
    /// Whether nothing speaks against its being the whole list.
    pub whole: bool,
    counts: Total,
    total: Option<u64>,
    records: u64,
    pages: u64,
}

impl<T: Merge> Listing<T> {
    /// Nothing read yet.
    pub fn new(counts: Total) -> Self {
        Self { rows: BTreeMap::new(), whole: true, counts, total: None, records: 0, pages: 0 }
    }

    /// Adds the next page and tells whether another one should follow.
    ///
    /// Not whole: a record that was not understood, a total that changes between pages, or is not reached, or passed.
    pub fn add(&mut self, page: Page<T>) -> bool {
        let (read, total) = (page.records, page.paging.map(|paging| paging.total));
        self.whole &= page.garbled == 0 && (self.pages == 0 || self.total == total);
        self.pages += 1;
        self.records += read;
        self.total = total;
        let known = self.size();
        for (id, row) in page.rows {
            wire::insert(&mut self.rows, id, row);
        }
        let grew = self.size() > known;
        let told = page.paging.map(|paging| self.pages.saturating_mul(paging.limit) < paging.total);
        // A full page may be followed by another one, where nothing reliable says that it is the last.
        let full = read == LIMIT && (told.is_none() || self.counts == Total::Unclear);
        let more = told == Some(true) || full;
        let go_on = more && read > 0 && (grew || told == Some(true)) && self.pages < MAX_PAGES;
        if !go_on {
            self.whole &= (!more || (read == 0 && told != Some(true))) && self.fits_total();
        }
        go_on
    }

    fn size(&self) -> usize {
        self.rows.values().map(Merge::size).sum()
    }

    fn fits_total(&self) -> bool {
        let rows = u64::try_from(self.rows.len()).unwrap_or(u64::MAX);
        let fits = |total| total == rows || (self.counts == Total::Unclear && total == self.records);
        self.total.is_none_or(fits)
    }
}

/// Which list to read, and how.
pub struct Query<'a, T> {
    /// Path below the API's root.
    pub resource: &'a [&'a str],
    /// Parameters before `page` and `limit`.
    pub parameters: &'a [(&'a str, &'a str)],
    /// Understands one page; `None`: it is no such list.
    pub decode: fn(&Value) -> Option<Page<T>>,
    /// What `paging.total` counts.
    pub counts: Total,
    /// Most pages to read.
    pub pages: u64,
    /// What JSON that is no such list means.
    pub alien: Class,
}

impl<T: Merge> Query<'_, T> {
    /// Reads page after page; a list that goes on after the last page allowed is not whole.
    ///
    /// # Errors
    /// As [`Session::get`]; of class `alien` where the answer is JSON but no such list.
    pub async fn read(&self, session: &Session) -> Result<Listing<T>, DriverError> {
        let mut listing = Listing::new(self.counts);
        for number in 1..=self.pages {
            let page = self.page(session, number).await?;
            if !listing.add(page) {
                return Ok(listing);
            }
        }
        listing.whole = false;
        Ok(listing)
    }

    async fn page(&self, session: &Session, number: u64) -> Result<Page<T>, DriverError> {
        let (number, limit) = (number.to_string(), LIMIT.to_string());
        let parameters = self.parameters.iter().copied();
        let query: Vec<_> = parameters.chain([("page", number.as_str()), ("limit", &limit)]).collect();
        let answer = session.get(self.resource, &query).await?;
        (self.decode)(&answer).ok_or_else(|| {
            let shown = session.http.excerpt(answer.to_string().as_bytes());
            let message =
                format!("GET {} answered JSON without a list of customers: {shown}", self.resource.join("/"));
            DriverError::new(self.alien, Reason::UnexpectedAnswer, message)
        })
    }
}

fn customers(pages: u64, alien: Class) -> Query<'static, CustomerRow> {
    let (resource, parameters) = (&["customers"] as &[_], &[] as &[_]);
    Query { resource, parameters, decode: wire::customers, counts: Total::Customers, pages, alien }
}

fn groups() -> Query<'static, GroupsRow> {
    let (resource, parameters) = (&["customers", "groups"] as &[_], &[] as &[_]);
    let alien = Class::Transient;
    Query { resource, parameters, decode: wire::groups, counts: Total::Customers, pages: MAX_PAGES, alien }
}

/// Everything that can be named: customers, and groups within their customer.
///
/// # Errors
/// As [`Session::get`].
pub async fn catalogue(session: &Session) -> Result<Catalogue, DriverError> {
    let customers = customers(MAX_PAGES, Class::Transient).read(session).await.map_err(of_the_account)?;
    let groups = groups().read(session).await.map_err(of_the_account)?;
    Ok(assemble(&customers, &groups, session.clock.now()))
}

/// The catalogue that two lists make; a customer whose licence has ended is listed but not usable.
///
/// A customer that a whole list of groups does not name simply has none (it may not be set up yet): one such customer
/// must not make every other "not found" uncertain.
pub fn assemble(customers: &Listing<CustomerRow>, groups: &Listing<GroupsRow>, now: Timestamp) -> Catalogue {
    let strangers = groups.rows.keys().any(|id| !customers.rows.contains_key(id));
    let groups_whole = groups.whole && groups.rows.values().all(|row| row.whole);
    let customer = |(id, row): (&CustomerId, &CustomerRow)| Entry {
        id: id.to_string(),
        name: row.name.clone(),
        parent: None,
        unusable: row.expire.filter(|end| *end < now).map(|end| format!("the licence expired at {end}")),
    };
    let group = |(id, row): (&CustomerId, &GroupsRow)| {
        let parent = id.to_string();
        let entry = |(gid, name): (&super::ids::GroupId, &String)| Entry {
            id: gid.to_string(),
            name: name.clone(),
            parent: Some(parent.clone()),
            unusable: None,
        };
        row.groups.iter().map(entry).collect::<Vec<_>>()
    };
    let mut partial = BTreeSet::new();
    if !customers.whole || strangers {
        partial.insert(EntryKind::Customer);
    }
    if !groups_whole {
        partial.insert(EntryKind::Group);
    }
    let entries = BTreeMap::from([
        (EntryKind::Customer, customers.rows.iter().map(customer).collect()),
        (EntryKind::Group, groups.rows.iter().flat_map(group).collect()),
    ]);
    Catalogue { entries, partial }
}

/// The ids of the account's customers, up to a thousand: what tells one account from another (R7).
///
/// # Errors
/// `Rejected` where the host answers but is not SMPI; else as [`Session::get`].
pub async fn evidence(session: &Session) -> Result<BTreeSet<String>, DriverError> {
    let customers = customers(EVIDENCE_PAGES, Class::Rejected).read(session).await;
    let customers = customers.map_err(of_the_account).map_err(|error| not_smpi(session, error))?;
    Ok(customers.rows.keys().map(ToString::to_string).collect())
}

/// A 404 of the list of customers does not speak of a customer, and other JSON is another product: either way there
/// is no such API here.
fn not_smpi(session: &Session, error: DriverError) -> DriverError {
    if !matches!(error.class, Class::Gone | Class::Rejected) {
        return error;
    }
    let message = format!(
        "{}; there seems to be no SMPI {} at this url: check spec.system.wfbss.url (the SMPI URL that Remote Manager \
         shows beside the key pair) and version",
        error.message, session.version
    );
    DriverError::new(Class::Rejected, error.reason, message)
}

#[cfg(test)]
#[path = "listing_tests.rs"]
mod tests;
