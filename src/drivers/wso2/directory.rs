//! What can be named: platforms, features, roles, users, groups.
//!
//! A kind that the account may not list, or the build does not offer, is left out of the
//! catalogue: then nothing follows from not finding a name (R16).

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    dialect::Dialect,
    lists::{self, Listed, Source},
    session::Session,
    wire,
};
use crate::{
    api::Reason,
    drivers::error::{Class, DriverError},
    model::{Catalogue, Entry, EntryKind},
};

/// A directory larger than this is read in part: names beyond are taken on trust.
const MOST_USERS: usize = 5000;
pub const MOST: usize = 20_000;

/// Reads the whole catalogue.
///
/// # Errors
/// As for [`lists::read`], except where a list is forbidden or does not exist.
pub async fn catalogue(session: &Session, dialect: Dialect) -> Result<Catalogue, DriverError> {
    let mut catalogue = Catalogue::default();
    let types = device_types(session, dialect).await?;
    let platforms: Vec<String> = types.iter().flat_map(|l| &l.rows).filter_map(type_name).collect();
    put(&mut catalogue, EntryKind::DeviceType, types, |row| entry(type_id(row)?, type_name(row)?));
    features(session, dialect, &platforms, &mut catalogue).await?;
    let roles = roles(session, dialect, MOST).await?;
    put(&mut catalogue, EntryKind::Role, roles, |row| {
        entry(name_of(row, "roleName")?, name_of(row, "roleName")?)
    });
    let users = users(session, dialect, MOST_USERS).await?;
    put(&mut catalogue, EntryKind::User, users, |row| {
        entry(name_of(row, "username")?, name_of(row, "username")?)
    });
    let groups = groups(session, dialect, MOST).await?;
    put(&mut catalogue, EntryKind::Group, groups, |row| {
        entry(wire::group_id(row)?, wire::text(row, "name")?.into())
    });
    Ok(catalogue)
}

/// Platforms of the account.
///
/// # Errors
/// As for [`catalogue`].
pub async fn device_types(session: &Session, dialect: Dialect) -> Result<Option<Listed>, DriverError> {
    let path: &[&str] = if dialect.is_a() { &["devices", "types"] } else { &["device-types"] };
    let names = &["deviceTypes", "types", "list"];
    optional(
        lists::read(session, dialect, Source { path, query: &[], names, most: MOST, paged: false }).await,
    )
}

/// Roles, about as many as asked for; those of all user stores where the build tells stores apart.
///
/// # Errors
/// As for [`catalogue`].
pub async fn roles(session: &Session, dialect: Dialect, most: usize) -> Result<Option<Listed>, DriverError> {
    let query: &[(&str, &str)] = if dialect.is_a() { &[] } else { &[("user-store", "all")] };
    let source = Source { path: &["roles"], query, names: &["roles", "list"], most, paged: !dialect.is_a() };
    optional(lists::read(session, dialect, source).await)
}

/// Users, about as many as asked for.
///
/// # Errors
/// As for [`catalogue`].
pub async fn users(session: &Session, dialect: Dialect, most: usize) -> Result<Option<Listed>, DriverError> {
    let source =
        Source { path: &["users"], query: &[], names: &["users", "list"], most, paged: !dialect.is_a() };
    optional(lists::read(session, dialect, source).await)
}

/// All groups, or those the account may see, which is then no complete list. Dialect A has none.
///
/// # Errors
/// As for [`catalogue`].
pub async fn groups(session: &Session, dialect: Dialect, most: usize) -> Result<Option<Listed>, DriverError> {
    if dialect.is_a() {
        return Ok(None);
    }
    let names = &["deviceGroups", "groups", "list"];
    let all = Source { path: &["admin", "groups"], query: &[], names, most, paged: true };
    if let Some(listed) = optional(lists::read(session, dialect, all).await)? {
        return Ok(Some(listed));
    }
    let own = lists::read(session, dialect, Source { path: &["groups"], ..all }).await;
    Ok(optional(own)?.map(|listed| Listed { complete: false, ..listed }))
}

async fn features(
    session: &Session,
    dialect: Dialect,
    platforms: &[String],
    catalogue: &mut Catalogue,
) -> Result<(), DriverError> {
    for platform in platforms {
        let path: [&str; 3] = ["device-types", platform, "features"];
        let path = if dialect.is_a() { &["features", platform][..] } else { &path[..] };
        let source = Source { path, query: &[], names: &["features", "list"], most: MOST, paged: false };
        match optional(lists::read(session, dialect, source).await)? {
            Some(listed) => put(catalogue, EntryKind::Feature, Some(listed), |row| {
                let code = wire::text(row, "code")?;
                let parent = Some(platform.to_lowercase());
                Some(Entry { id: code.into(), name: code.into(), parent, unusable: None })
            }),
            None => {
                catalogue.partial.insert(EntryKind::Feature);
            }
        }
    }
    Ok(())
}

/// Numbers and names of platforms, both ways.
pub fn type_numbers(listed: &Listed) -> BTreeMap<String, i64> {
    let pair = |row: &Value| Some((type_name(row)?.to_lowercase(), row.get("id").and_then(wire::integer)?));
    listed.rows.iter().filter_map(pair).collect()
}

/// Names of groups by id.
pub fn group_names(listed: &Listed) -> BTreeMap<String, String> {
    let pair = |row: &Value| Some((wire::group_id(row)?, wire::text(row, "name")?.to_owned()));
    listed.rows.iter().filter_map(pair).collect()
}

fn put(
    catalogue: &mut Catalogue,
    kind: EntryKind,
    listed: Option<Listed>,
    entry: impl Fn(&Value) -> Option<Entry>,
) {
    let Some(listed) = listed else { return };
    let found: Vec<Entry> = listed.rows.iter().filter_map(entry).collect();
    if !listed.complete || found.len() < listed.rows.len() {
        catalogue.partial.insert(kind);
    }
    let entries = catalogue.entries.entry(kind).or_default();
    entries.extend(found);
    entries.sort_unstable();
    entries.dedup();
}

fn entry(id: String, name: String) -> Option<Entry> {
    (!name.is_empty()).then_some(Entry { id, name, parent: None, unusable: None })
}

/// A row that is a word, or an object with the word in it.
fn name_of(row: &Value, member: &str) -> Option<String> {
    let named = || wire::text(row, member).or_else(|| wire::text(row, "name"));
    row.as_str().or_else(named).map(str::to_owned)
}

fn type_name(row: &Value) -> Option<String> {
    name_of(row, "name")
}

fn type_id(row: &Value) -> Option<String> {
    let number = row.get("id").and_then(wire::integer).map(|id| id.to_string());
    number.or_else(|| type_name(row))
}

/// `None` for a list that is forbidden or that the build does not have. A login that fails is neither.
fn optional(result: Result<Listed, DriverError>) -> Result<Option<Listed>, DriverError> {
    match result {
        Ok(listed) => Ok(Some(listed)),
        Err(error) if error.class == Class::Gone => Ok(None),
        Err(error) if matches!(error.reason, Reason::Forbidden | Reason::Rejected) => Ok(None),
        Err(error) => Err(error),
    }
}
