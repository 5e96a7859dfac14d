//! What can be named: groups and users (vendor sheet section 6).

use serde_json::Value;

use super::{
    lists::{self, Listed},
    session::{Ask, Session},
    wire,
};
use crate::{
    drivers::error::{Class, DriverError},
    model::{Catalogue, Entry, EntryKind},
};

/// Reads both lists. One that the account may not read, or the server does not have, is left out of the catalogue:
/// then nothing follows from not finding a name (R16).
///
/// # Errors
/// As for [`lists::read`], except for a list that is refused.
pub async fn catalogue(session: &Session) -> Result<Catalogue, DriverError> {
    let mut catalogue = Catalogue::default();
    put(&mut catalogue, EntryKind::Group, groups(session).await?, wire::group);
    let users = optional(lists::read(session, &Ask::list(&["Contact", "GetContactList"])).await)?;
    put(&mut catalogue, EntryKind::User, users, wire::contact);
    Ok(catalogue)
}

/// All groups; `None` where they may not be listed.
///
/// # Errors
/// As for [`catalogue`].
pub async fn groups(session: &Session) -> Result<Option<Listed>, DriverError> {
    optional(lists::read(session, &Ask::list(&["Group", "GetAllSecurityGroups"])).await)
}

fn put(
    catalogue: &mut Catalogue,
    kind: EntryKind,
    listed: Option<Listed>,
    entry: impl Fn(&Value) -> Option<Entry>,
) {
    let Some(listed) = listed else { return };
    let mut entries: Vec<Entry> = listed.rows.iter().filter_map(&entry).collect();
    let distinct = listed.is_distinct(|row| entry(row).map(|entry| entry.id));
    // There always are built-in groups and at least ourselves: an empty list is none.
    if entries.is_empty() || entries.len() < listed.rows.len() || !distinct || listed.may_be_cut() {
        catalogue.partial.insert(kind);
    }
    entries.sort_unstable();
    entries.dedup();
    catalogue.entries.insert(kind, entries);
}

/// `None` for a list that is refused or does not exist.
fn optional(result: Result<Listed, DriverError>) -> Result<Option<Listed>, DriverError> {
    match result {
        Ok(listed) => Ok(Some(listed)),
        Err(error) if error.class == Class::Rejected && is_about_the_list(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_about_the_list(error: &DriverError) -> bool {
    use crate::api::Reason;
    matches!(error.reason, Reason::Rejected | Reason::Invalid)
}
