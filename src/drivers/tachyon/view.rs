//! How much of the system the account sees (vendor sheet sections 1, 3, 10).
//!
//! From version 8.0 groups on which the account holds no role are left out of every answer without a word. Only a role on
//! All Devices proves that nothing is left out, and nothing tells which of the listed principals the account is: so
//! all of them must hold such a role.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    calls::Need,
    session::{Ask, Session},
    wire,
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
    let value = session.read(&Ask::get(&["Information"], &[], Need::NOTHING)).await?;
    Ok(wire::text(&value, "Version").unwrap_or_default().trim().chars().take(100).collect())
}

/// What is seen, as just read.
///
/// # Errors
/// `Transient`, `Throttled`, `Unauthorized`; a list that may not be read proves nothing, and is none.
pub async fn view(session: &Session, version: &str) -> Result<View, DriverError> {
    if major(version).is_some_and(|major| major < SCOPED) {
        return Ok(View::Full);
    }
    let ask = Ask::get(&["PrincipalRoleManagementGroups"], &[], Need::NOTHING);
    match session.read(&ask).await {
        Ok(roles) if sees_all(&roles) => Ok(View::Full),
        Ok(_) => Ok(partial("not every principal it sees holds a role on All Devices")),
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

fn sees_all(roles: &Value) -> bool {
    let Some(rows) = wire::rows(roles) else { return false };
    let mut principals: BTreeMap<String, bool> = BTreeMap::new();
    for row in rows {
        let principal = wire::member(row, "PrincipalId").map(Value::to_string).unwrap_or_default();
        *principals.entry(principal).or_default() |= is_on_all_devices(row);
    }
    !principals.is_empty() && principals.values().all(|all| *all)
}

fn is_on_all_devices(row: &Value) -> bool {
    let role = wire::member(row, "Role");
    let told = role.and_then(|role| wire::member(role, "HasAllDevicesManagementGroupAssigned"));
    told.and_then(wire::flag) == Some(true)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(principal: u32, all: bool) -> Value {
        json!({"PrincipalId": principal, "Role": {"HasAllDevicesManagementGroupAssigned": all}})
    }

    #[test]
    fn the_view_is_full_only_if_whoever_we_are_has_a_role_on_all_devices() {
        let cases = [
            (json!([row(1, true)]), true, "the only one there is"),
            (json!([row(1, false), row(1, true)]), true, "one role is enough"),
            (json!([row(1, true), row(2, true)]), true, "either of them"),
            (json!([row(1, true), row(2, false)]), false, "we may be the second"),
            (json!([row(1, false)]), false, "no such role"),
            (json!([]), false, "nothing is told"),
            (json!({"Items": [row(1, true)]}), true, "wrapped"),
            (
                json!([{"principalid": 1, "role": {"hasAllDevicesManagementGroupAssigned": "True"}}]),
                true,
                "spelling",
            ),
            (json!([{"PrincipalId": 1, "Role": null}]), false, "no role in it"),
            (json!("<html>"), false, "something else"),
        ];
        for (roles, expected, why) in cases {
            assert_eq!(sees_all(&roles), expected, "{why}");
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
