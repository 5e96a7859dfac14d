//! What can be switched: what differs between installations, and what the sheet does not know.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sandbox::options::merged;

pub use super::switches::*;

/// Error codes and texts the vendor does not publish (section 7); 0 and 101 are known and fixed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[allow(missing_docs)] // Each is named after what it refuses.
pub struct Codes {
    pub invalid_session: i64,
    pub missing_rights: i64,
    pub unknown_policy: i64,
    pub duplicate_name: i64,
    pub unknown_member: i64,
    pub too_long: i64,
    pub invalid_request: i64,
    pub already_logged_in: i64,
    pub two_factor: i64,
    pub locked_out: i64,
}

impl Default for Codes {
    fn default() -> Self {
        Self {
            invalid_session: 5001,
            missing_rights: 5002,
            unknown_policy: 5003,
            duplicate_name: 5004,
            unknown_member: 5005,
            too_long: 5006,
            invalid_request: 5007,
            already_logged_in: 102,
            two_factor: 103,
            // The text of a wrong password: nothing tells a locked account.
            locked_out: 101,
        }
    }
}

/// Paths of calls whose names the vendor does not publish (section 4), below the base, such as
/// `/AppShield/GetPolicies`. None by default: those calls are 404.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Paths {
    /// Lists policies.
    pub list: Option<String>,
    /// Reads one policy, its id under one of `idMembers`.
    pub get: Option<String>,
    /// Deletes one policy, its id under one of `idMembers`.
    pub delete: Option<String>,
    /// Rebuilds the cached permissions of a session (3.2).
    pub reset_passport: Option<String>,
}

/// All switches of the double; changeable while it runs by `PATCH` with `{"options": {…}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[allow(missing_docs)] // Each switch is described at its type.
pub struct AppShieldOptions {
    /// What stands before every path: `/api`, `/yurbi/api`, `/yurbimidtier/api` (section 2).
    pub base: String,
    /// The server's zone, minutes east of UTC; ids and dates are local (section 8).
    pub zone_minutes: i32,
    /// How far the server's clock is ahead of the sandbox's, in seconds.
    pub clock_offset_secs: i64,
    pub codes: Codes,
    pub paths: Paths,
    /// Where `get` and `delete` look for the id.
    pub id_members: BTreeSet<String>,
    /// Life of a session in seconds (3.2, length unknown).
    pub session_secs: u64,
    /// Every use begins the life anew, not only RefreshSession.
    pub use_extends: bool,
    /// Length of tokens: 25, in one old sample 23 (3.1).
    pub token_length: usize,
    pub second_location: SecondLocation,
    pub forced_login: ForcedLogin,
    pub unforced_login: UnforcedLogin,
    pub invalid_check: InvalidCheck,
    pub logout_of_nobody: LogoutOfNobody,
    /// So many wrong passwords in a row lock the account (section 12). Absent: never.
    pub lockout_after: Option<u32>,
    /// For so many seconds.
    pub lockout_secs: u64,
    /// Resetting the passport also ends the session (3.2: "may log the user out").
    pub passport_logs_out: bool,
    pub policy_effect: PolicyEffect,
    pub rights: Rights,
    /// HTTP status of a call with an invalid session; 200 is what is known (section 7).
    pub invalid_session_status: u16,
    /// HTTP status of every other refusal.
    pub refusal_status: u16,
    pub policy_codes: CodeForm,
    pub refused_save: RefusalShape,
    pub refused_list: ListRefusal,
    pub shallow_save: ShallowSave,
    pub missing_lists: MissingLists,
    pub missing_fields: MissingFields,
    pub lists: Lists,
    pub nested_lists: NestedLists,
    pub constraint_saves: ConstraintSaves,
    pub constraint_elements: ConstraintElements,
    pub active_on_create: ActiveOnCreate,
    pub unknown_id: UnknownId,
    pub duplicate_names: DuplicateNames,
    pub unknown_members: UnknownMembers,
    pub removed_members: RemovedMembers,
    pub member_order: MemberOrder,
    pub created_date: CreatedDate,
    pub overlong: Overlong,
    /// Most characters of a name. Absent: no limit.
    pub name_limit: Option<usize>,
    /// Most characters of a description. Absent: no limit.
    pub description_limit: Option<usize>,
    /// Most constraints, groups or users of a policy. Absent: no limit.
    pub list_limit: Option<usize>,
    pub all_users: AllUsers,
    pub contact_list: ListShape,
    pub policy_list: ListShape,
    pub listed_policies: PolicyList,
    /// The array's name in a wrapped list.
    pub list_key: String,
    /// Lists end after so many elements without saying so (section 12: paging is unknown; F23).
    pub list_cut: Option<usize>,
    /// A new policy is missing from the list for so many seconds (F22).
    pub list_delay_secs: u64,
    pub read_absent: ReadAbsent,
    pub delete_absent: DeleteAbsent,
}

impl Default for AppShieldOptions {
    fn default() -> Self {
        Self {
            base: "/api".to_owned(),
            zone_minutes: 60,
            clock_offset_secs: 0,
            codes: Codes::default(),
            paths: Paths::default(),
            id_members: ["id", "policyId"].map(str::to_owned).into(),
            session_secs: 1200,
            use_extends: false,
            token_length: 25,
            second_location: SecondLocation::default(),
            forced_login: ForcedLogin::default(),
            unforced_login: UnforcedLogin::default(),
            invalid_check: InvalidCheck::default(),
            logout_of_nobody: LogoutOfNobody::default(),
            lockout_after: None,
            lockout_secs: 900,
            passport_logs_out: false,
            policy_effect: PolicyEffect::default(),
            rights: Rights::default(),
            invalid_session_status: 200,
            refusal_status: 200,
            policy_codes: CodeForm::default(),
            refused_save: RefusalShape::default(),
            refused_list: ListRefusal::default(),
            shallow_save: ShallowSave::default(),
            missing_lists: MissingLists::default(),
            missing_fields: MissingFields::default(),
            lists: Lists::default(),
            nested_lists: NestedLists::default(),
            constraint_saves: ConstraintSaves::default(),
            constraint_elements: ConstraintElements::default(),
            active_on_create: ActiveOnCreate::default(),
            unknown_id: UnknownId::default(),
            duplicate_names: DuplicateNames::default(),
            unknown_members: UnknownMembers::default(),
            removed_members: RemovedMembers::default(),
            member_order: MemberOrder::default(),
            created_date: CreatedDate::default(),
            overlong: Overlong::default(),
            name_limit: None,
            description_limit: None,
            list_limit: None,
            all_users: AllUsers::default(),
            contact_list: ListShape::default(),
            policy_list: ListShape::default(),
            listed_policies: PolicyList::default(),
            list_key: "Items".to_owned(),
            list_cut: None,
            list_delay_secs: 0,
            read_absent: ReadAbsent::default(),
            delete_absent: DeleteAbsent::default(),
        }
    }
}

impl AppShieldOptions {
    /// These options with the members of `change` in place of their own; `codes` and `paths` are
    /// changed member by member.
    ///
    /// # Errors
    /// A sentence about the member that is unknown or has a value it cannot have.
    pub fn patched(&self, change: &Value) -> Result<Self, String> {
        let options = merged(self, change)?;
        for (name, status) in [
            ("invalidSessionStatus", options.invalid_session_status),
            ("refusalStatus", options.refusal_status),
        ] {
            if !(200..600).contains(&status) {
                return Err(format!("options: {name} is not a status of 200 to 599"));
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_changes_what_it_names_and_nothing_else() {
        let change = json!({"lists": "merge", "codes": {"missingRights": 7}, "paths": {"list": "/x"}});
        let patched = AppShieldOptions::default().patched(&change).unwrap();
        let expected = AppShieldOptions {
            lists: Lists::Merge,
            codes: Codes { missing_rights: 7, ..Codes::default() },
            paths: Paths { list: Some("/x".to_owned()), ..Paths::default() },
            ..AppShieldOptions::default()
        };
        assert_eq!(patched, expected);
    }

    #[test]
    fn a_wrong_patch_names_the_culprit() {
        for (why, change, named) in [
            ("no such member", json!({"list": "merge"}), "list"),
            ("no such reading", json!({"lists": "prepend"}), "prepend"),
            ("no such code", json!({"codes": {"meteor": 1}}), "meteor"),
            ("no HTTP status", json!({"refusalStatus": 101}), "refusalStatus"),
            ("no object", json!([]), "object"),
        ] {
            let problem = AppShieldOptions::default().patched(&change).unwrap_err();
            assert!(problem.contains(named), "{why}: {problem}");
        }
    }
}
