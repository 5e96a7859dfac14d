//! How much of the system the account sees (vendor sheet sections 1, 3, 10).
//!
//! From version 8.0 groups on which the account holds no role are left out of every answer without a word. Only a role on
//! All Devices proves that nothing is left out, and nothing tells which of the listed principals the account is. So
//! All Devices must be seen, and every principal that may be the account must hold such a role; one that holds no
//! role on another group that the account sees is not it: All Devices may be shown to everybody. The flag of a row may
//! tell of the role, whoever holds it, or of the principal; so it counts only in a row that is itself about All Devices.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use serde_json::Value;

use super::{
    calls::{Id, Need},
    session::{Ask, Session},
    wire::{self, Group},
};
use crate::drivers::error::{Class, DriverError};

/// From here on visibility goes by role.
const SCOPED: u32 = 8;

/// What the account sees of whom objects reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum View {
    /// Everything.
    Full,
    /// Not proven to be everything, for the reason given.
    Partial(String),
}

impl View {
    /// Why it is partial.
    pub fn partial(&self) -> Option<&str> {
        match self {
            Self::Full => None,
            Self::Partial(words) => Some(words),
        }
    }
}

/// The product's version, empty where it is not told.
///
/// # Errors
/// As for [`Session::read`].
pub async fn version(session: &Session) -> Result<String, DriverError> {
    let value = match session.read(&Ask::get(&["Information"], &[], Need::NOTHING)).await {
        Err(error) if error.class == Class::Gone => Value::Null,
        other => other?,
    };
    Ok(wire::text(&value, "Version").unwrap_or_default().trim().chars().take(100).collect())
}

/// What is seen, as just read, beside the groups that are listed; `None` where their list is not whole. The version is
/// asked for only where the roles do not prove it: before 8.0 nothing is hidden. Whoever finds a partial view refutes what
/// was proven before.
///
/// # Errors
/// `Transient`, `Throttled`, `Unauthorized`; a list that may not be read proves nothing, and is none.
pub async fn view(session: &Session, groups: Option<&[Group]>) -> Result<View, DriverError> {
    let by_roles = by_roles(session, groups).await;
    let proven = matches!(by_roles, Ok(View::Full));
    if !proven && is_before(&version(session).await?, (SCOPED, 0)) {
        return Ok(View::Full);
    }
    if !proven {
        session.sight().refute();
    }
    by_roles
}

async fn by_roles(session: &Session, groups: Option<&[Group]>) -> Result<View, DriverError> {
    let Some(groups) = groups.filter(|groups| groups.iter().any(|group| group.global)) else {
        return Ok(partial("it does not see the group All Devices"));
    };
    let ask = Ask::get(&["PrincipalRoleManagementGroups"], &[], Need::NOTHING);
    match session.read(&ask).await {
        Ok(roles) if sees_all(&roles, groups) => Ok(View::Full),
        Ok(_) => Ok(partial("not every principal that may be it holds a role on All Devices")),
        Err(error) if matches!(error.class, Class::Rejected | Class::Gone) => {
            Ok(partial("PrincipalRoleManagementGroups cannot be read"))
        }
        Err(error) => Err(error),
    }
}

fn partial(why: &str) -> View {
    View::Partial(format!(
        "the account is not known to see all management groups ({why}); give it a role on All Devices"
    ))
}

/// `8` of `8.1.0.2`. What is not understood is taken for a recent one.
fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.trim().trim_start_matches(['v', 'V']).parse().ok()
}

/// Whether a version is told that comes before this one.
pub fn is_before(version: &str, (major, minor): (u32, u32)) -> bool {
    let told = self::major(version).map(|told| told.cmp(&major));
    let second = || version.split('.').nth(1)?.trim().parse::<u32>().ok();
    match told {
        Some(Ordering::Less) => true,
        Some(Ordering::Equal) => second().is_some_and(|told| told < minor),
        Some(Ordering::Greater) | None => false,
    }
}

/// What is known of one principal.
#[derive(Default)]
struct Principal {
    /// Groups on which it holds a role.
    groups: BTreeSet<Id>,
    /// One of them is All Devices.
    global: bool,
    /// And the system says that this role reaches everything.
    all: bool,
}

impl Principal {
    /// Whether it may be whoever sees these groups.
    fn may_be(&self, groups: &[Group]) -> bool {
        let mut others = groups.iter().filter(|group| !group.global);
        self.global || others.all(|group| self.groups.contains(&group.id))
    }
}

fn sees_all(roles: &Value, groups: &[Group]) -> bool {
    let Some(rows) = wire::rows(roles) else { return false };
    let global = groups.iter().find(|group| group.global).map(|group| group.id);
    let mut principals: BTreeMap<String, Principal> = BTreeMap::new();
    for row in rows {
        let id = wire::member(row, "PrincipalId").map(Value::to_string).unwrap_or_default();
        let principal = principals.entry(id).or_default();
        let group = wire::id(row, "ManagementGroupId");
        principal.groups.extend(group);
        let is_global = group.is_some() && group == global;
        principal.global |= is_global;
        principal.all |= is_global && has_flag(row);
    }
    let mut candidates = principals.values().filter(|principal| principal.may_be(groups)).peekable();
    candidates.peek().is_some() && candidates.all(|principal| principal.all)
}

fn has_flag(row: &Value) -> bool {
    let role = wire::member(row, "Role");
    let told = role.and_then(|role| wire::member(role, "HasAllDevicesManagementGroupAssigned"));
    told.and_then(wire::flag) == Some(true)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    /// All Devices is 3; the account sees 3, 7 and 8.
    fn seen() -> Vec<Group> {
        let group = |(id, global): (u32, bool)| Group {
            id: Id::parse(&id.to_string()).unwrap(),
            name: format!("group {id}"),
            global,
            everyone: global,
        };
        [(3, true), (7, false), (8, false)].map(group).into()
    }

    fn row(principal: u32, group: u32, all: bool) -> Value {
        json!({"PrincipalId": principal, "ManagementGroupId": group, "Role": {"HasAllDevicesManagementGroupAssigned": all}})
    }

    #[test]
    fn the_view_is_full_only_if_whoever_we_may_be_has_a_role_on_all_devices() {
        let scoped = [row(1, 3, true), row(2, 7, false), row(2, 8, false), row(2, 3, false)];
        let cases = [
            (json!([row(1, 3, true)]), true, "the only one there is"),
            (json!([row(1, 7, false), row(1, 3, true)]), true, "one role is enough"),
            (json!([row(1, 3, true), row(2, 3, true)]), true, "either of them"),
            (json!([row(1, 3, true), row(2, 7, false)]), true, "the second would not see 8"),
            (json!(scoped), false, "we may be the second"),
            (json!([row(1, 3, true), row(2, 3, false)]), false, "a role on All Devices that is none"),
            (json!([row(1, 7, false)]), false, "no such role"),
            (json!([]), false, "nothing is told"),
            (json!({"Items": [row(1, 3, true)]}), true, "wrapped"),
            (
                json!([{"principalid": 1, "managementgroupid": "3", "role": {"hasAllDevicesManagementGroupAssigned": "True"}}]),
                true,
                "spelling",
            ),
            (
                json!([row(1, 3, true), row(2, 7, true), row(2, 8, true)]),
                false,
                "the flag tells of the role, and we may be the second, to whom All Devices is shown",
            ),
            (json!([row(1, 3, true), row(2, 7, true)]), true, "a flag makes nobody see 8"),
            (json!([row(2, 7, true), row(2, 8, true)]), false, "nobody has a role on All Devices itself"),
            (
                json!([{"PrincipalId": 1, "Role": {"HasAllDevicesManagementGroupAssigned": true}}]),
                false,
                "on which group is not told",
            ),
            (json!([{"PrincipalId": 1, "Role": null}]), false, "no role in it"),
            (json!("<html>"), false, "something else"),
        ];
        for (roles, expected, why) in cases {
            assert_eq!(sees_all(&roles, &seen()), expected, "{why}");
        }
    }

    #[test]
    fn a_version_is_before_another_only_if_it_says_so() {
        let cases = [
            ("5.0.9", true),
            ("4", true),
            ("v4.7", true),
            ("5.1.0", false),
            ("5.10", false),
            ("23.7.1", false),
            ("5", false),
            ("", false),
            ("new", false),
        ];
        for (text, expected) in cases {
            assert_eq!(is_before(text, (5, 1)), expected, "{text}");
        }
    }

    #[test]
    fn a_version_is_its_first_number() {
        let cases = [
            ("5.1.0.12", Some(5)),
            ("8.0", Some(8)),
            ("23.7.1", Some(23)),
            ("v9", Some(9)),
            ("", None),
            ("new", None),
        ];
        for (text, expected) in cases {
            assert_eq!(major(text), expected, "{text}");
        }
    }
}
