//! What can be named: rules and management groups.
//!
//! A kind that the account may not list is left out of the catalogue: then nothing follows from not finding a name
//! (R16). Groups are never a complete list under a partial view.

use super::{
    lists::{self, GROUPS, Listed, RULES},
    session::Session,
    view::{self, View},
    wire::{self, Group},
};
use crate::{
    api::Reason,
    drivers::error::{Class, DriverError},
    model::{Catalogue, Entry, EntryKind},
};

/// Reads the whole catalogue.
///
/// # Errors
/// As for [`lists::read`], except where a list is forbidden.
pub async fn catalogue(session: &Session) -> Result<Catalogue, DriverError> {
    let mut catalogue = Catalogue::default();
    if let Some(listed) = optional(lists::read(session, RULES).await)? {
        rules(&listed, &mut catalogue);
    }
    let seen = groups(session).await?;
    let view = view::view(session, seen.whole()).await?;
    if let Some(groups) = seen.listed {
        let mut entries: Vec<Entry> = groups.into_iter().map(entry).collect();
        entries.sort_unstable();
        catalogue.entries.insert(EntryKind::ManagementGroup, entries);
        if !seen.complete || view != View::Full {
            catalogue.partial.insert(EntryKind::ManagementGroup);
        }
    }
    Ok(catalogue)
}

/// The groups the account sees.
#[derive(Debug, Default)]
pub struct Groups {
    /// `None` where it may not list them.
    pub listed: Option<Vec<Group>>,
    /// The list is whole.
    complete: bool,
}

impl Groups {
    /// Those of a whole list.
    pub fn whole(&self) -> Option<&[Group]> {
        self.listed.as_deref().filter(|_| self.complete)
    }
}

/// Reads the groups.
///
/// # Errors
/// As for [`catalogue`].
pub async fn groups(session: &Session) -> Result<Groups, DriverError> {
    let Some(listed) = optional(lists::read(session, GROUPS).await)? else { return Ok(Groups::default()) };
    let found: Vec<Group> = listed.rows.values().filter_map(wire::group).collect();
    let complete = listed.complete && found.len() == listed.rows.len();
    Ok(Groups { listed: Some(found), complete })
}

/// What may reach everyone is listed, but nobody can name it; its `parent` says which one surely does.
fn entry(group: Group) -> Entry {
    let everyone = || "this group means everyone; say everyone: true, if you mean it".to_owned();
    Entry {
        id: group.id.to_string(),
        name: group.name,
        parent: group.global.then(|| wire::EVERYONE.to_owned()),
        unusable: group.everyone.then(everyone),
    }
}

fn rules(listed: &Listed, catalogue: &mut Catalogue) {
    let mut entries: Vec<Entry> = listed.rows.values().filter_map(wire::rule).collect();
    if !listed.complete || entries.len() < listed.rows.len() {
        catalogue.partial.insert(EntryKind::Rule);
    }
    entries.sort_unstable();
    catalogue.entries.insert(EntryKind::Rule, entries);
}

/// `None` for a list that is forbidden. One that is not there means that something else answers.
fn optional(result: Result<Listed, DriverError>) -> Result<Option<Listed>, DriverError> {
    match result {
        Err(error) if error.reason == Reason::Forbidden => Ok(None),
        Err(error) if error.class == Class::Gone => {
            let message = format!("{}; does url lead to the system?", error.message);
            Err(DriverError::new(Class::Transient, Reason::UnexpectedAnswer, message))
        }
        other => other.map(Some),
    }
}
