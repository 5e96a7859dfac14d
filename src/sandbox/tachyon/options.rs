//! What can be switched: what differs between versions, and what the sheet leaves open (section 12).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sandbox::options::replaced;

pub use super::switches::*;

/// The operators of a search (section 5: assumptions).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Operators {
    /// Of equality.
    pub equals: String,
    /// Of a node that wants all its operands.
    pub and: String,
    /// Of a node that wants one of them.
    pub or: String,
}

impl Default for Operators {
    fn default() -> Self {
        Self { equals: "==".to_owned(), and: "AND".to_owned(), or: "OR".to_owned() }
    }
}

/// Sizes of pages, of which the sheet knows nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PageSize {
    /// Where none is sent. Absent: everything.
    pub default: Option<usize>,
    /// Larger pages are cut to it. Absent: no maximum.
    pub max: Option<usize>,
}

/// All switches of the double; changeable while it runs by `PATCH` with `{"options": {…}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[allow(missing_docs)] // Each switch is described at its type.
pub struct TachyonOptions {
    /// What `GET /Consumer/Information` tells, and what decides which calls and rules there are: from
    /// 5.1 Unlicensed and Policy/Changes, from 8.0 visibility and PolicyAssignment/Assign (section 1).
    pub version: String,
    pub login: Login,
    pub portal_root: PortalRoot,
    pub portal_url: PortalUrl,
    pub text_form: TextForm,
    pub token_form: TokenForm,
    pub bearer: Bearer,
    /// Life of a token from the Portal, in seconds (section 2: length unknown).
    pub token_secs: u64,
    /// Life of the ready token.
    pub ready_token_secs: u64,
    /// Longest life of an assertion, in seconds.
    pub assertion_secs: i64,
    /// How far the server's clock is ahead of the sandbox's, in seconds.
    pub clock_offset_secs: i64,
    pub error_shape: ErrorShape,
    pub id_form: IdForm,
    /// For an id that does not exist: 404 or 400 (section 7).
    pub not_found_status: u16,
    /// For a group the caller does not see (section 10).
    pub hidden_status: u16,
    /// For a name that is in use, an addition that is there, and what the state forbids.
    pub conflict_status: u16,
    /// 200 or 201.
    pub created_status: u16,
    pub create_reply: CreateReply,
    pub update_reply: UpdateReply,
    pub delete_reply: DeleteReply,
    pub deploy_reply: DeployReply,
    pub pending_form: PendingForm,
    /// The member of that object.
    pub pending_member: String,
    pub changes_form: ChangesForm,
    pub changes_hold: ChangesHold,
    pub assignments_form: AssignmentsForm,
    pub permission_form: PermissionForm,
    pub created_enabled: CreatedEnabled,
    pub create_members: CreateMembers,
    pub put_enabled: PutEnabled,
    pub put_omitted: PutOmitted,
    /// Whether groups the caller does not see survive a PUT of assignments, or of a policy with groups.
    pub put_assignments_keeps_hidden: bool,
    /// Whether they survive a DELETE of all assignments.
    pub delete_assignments_keeps_hidden: bool,
    pub duplicate_adds: DuplicateAdds,
    pub partial_adds: PartialAdds,
    pub remove_absent: RemoveAbsent,
    pub delete_policy: DeletePolicy,
    pub delete_rule: DeleteRule,
    pub unique_names: UniqueNames,
    /// Most characters of a name. Absent: no limit.
    pub name_limit: Option<usize>,
    pub search_case: SearchCase,
    pub operators: Operators,
    pub total_count: TotalCount,
    pub page_size: PageSize,
    pub list_order: ListOrder,
    /// A new policy or rule is missing from lists and searches for so many milliseconds (F22).
    pub new_visible_after_ms: u64,
    pub group_name: GroupName,
    pub role_rows: RoleRows,
    pub role_flag: RoleFlag,
    /// What `GET …/Permissions/rbac/enabled` tells.
    pub rbac_enabled: bool,
    pub assign_right: AssignRight,
    /// How long a deployment takes, in milliseconds; 0: it is done when it is answered.
    pub deploy_ms: u64,
    pub scoped_deploy: ScopedDeploy,
    pub pending_during: PendingDuring,
    pub deploy_while_running: DeployWhileRunning,
    pub rule_update: RuleUpdate,
    /// Whether `/Consumer/TriggerTemplates` is there (4.6: a guess).
    pub trigger_templates: bool,
}

impl Default for TachyonOptions {
    // A table: what belongs together stands in one line.
    #[rustfmt::skip]
    fn default() -> Self {
        Self {
            version: "9.2.0.118".to_owned(),
            login: Login::default(),
            portal_root: PortalRoot::default(),
            portal_url: PortalUrl::default(),
            text_form: TextForm::default(),
            token_form: TokenForm::default(),
            bearer: Bearer::default(),
            token_secs: 3600,
            ready_token_secs: 30 * 24 * 3600,
            assertion_secs: 3600,
            clock_offset_secs: 0,
            error_shape: ErrorShape::default(),
            id_form: IdForm::default(),
            not_found_status: 404,
            hidden_status: 404,
            conflict_status: 400,
            created_status: 200,
            create_reply: CreateReply::default(),
            update_reply: UpdateReply::default(),
            delete_reply: DeleteReply::default(),
            deploy_reply: DeployReply::default(),
            pending_form: PendingForm::default(),
            pending_member: "PendingChanges".to_owned(),
            changes_form: ChangesForm::default(),
            changes_hold: ChangesHold::default(),
            assignments_form: AssignmentsForm::default(),
            permission_form: PermissionForm::default(),
            created_enabled: CreatedEnabled::default(),
            create_members: CreateMembers::default(),
            put_enabled: PutEnabled::default(),
            put_omitted: PutOmitted::default(),
            put_assignments_keeps_hidden: false, delete_assignments_keeps_hidden: false,
            duplicate_adds: DuplicateAdds::default(),
            partial_adds: PartialAdds::default(),
            remove_absent: RemoveAbsent::default(),
            delete_policy: DeletePolicy::default(),
            delete_rule: DeleteRule::default(),
            unique_names: UniqueNames::default(),
            name_limit: None,
            search_case: SearchCase::default(),
            operators: Operators::default(),
            total_count: TotalCount::default(),
            page_size: PageSize::default(),
            list_order: ListOrder::default(),
            new_visible_after_ms: 0,
            group_name: GroupName::default(),
            role_rows: RoleRows::default(),
            role_flag: RoleFlag::default(),
            rbac_enabled: true,
            assign_right: AssignRight::default(),
            deploy_ms: 0,
            scoped_deploy: ScopedDeploy::default(),
            pending_during: PendingDuring::default(),
            deploy_while_running: DeployWhileRunning::default(),
            rule_update: RuleUpdate::default(),
            trigger_templates: true,
        }
    }
}

impl TachyonOptions {
    /// These options with the members of `change` in place of their own.
    ///
    /// # Errors
    /// A sentence about the member that is unknown or has a value it cannot have.
    pub fn patched(&self, change: &Value) -> Result<Self, String> {
        let patched = replaced(self, change)?;
        let statuses = [
            ("notFoundStatus", patched.not_found_status),
            ("hiddenStatus", patched.hidden_status),
            ("conflictStatus", patched.conflict_status),
        ];
        if let Some((name, status)) = statuses.iter().find(|(_, status)| !(400..600).contains(status)) {
            return Err(format!("options: {name} is {status}, allowed are 400 to 599"));
        }
        if ![200, 201].contains(&patched.created_status) {
            return Err(format!(
                "options: createdStatus is {}, allowed are 200 and 201",
                patched.created_status
            ));
        }
        match numbers(&patched.version) {
            Some(_) => Ok(patched),
            None => Err(format!("options: version is {:?}, wanted is such as 9.2", patched.version)),
        }
    }

    /// Whether the server is of this version or a later one.
    pub fn since(&self, major: u32, minor: u32) -> bool {
        numbers(&self.version).is_some_and(|version| version >= (major, minor))
    }

    /// Whether management groups are a dimension of permissions (8.0).
    pub fn scoped(&self) -> bool {
        self.since(8, 0)
    }
}

impl PortalRoot {
    /// As a path.
    pub fn path(self) -> &'static str {
        match self {
            Self::TachyonApi => "/Tachyon/api",
            Self::Api => "/api",
        }
    }
}

/// The first two numbers of a version.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split('.').map(|part| part.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_changes_what_it_names_and_nothing_else() {
        let change = json!({"putOmitted": "cleared", "notFoundStatus": 400});
        let patched = TachyonOptions::default().patched(&change).unwrap();
        let expected = TachyonOptions {
            put_omitted: PutOmitted::Cleared,
            not_found_status: 400,
            ..TachyonOptions::default()
        };
        assert_eq!(patched, expected);
    }

    #[test]
    fn a_wrong_patch_names_the_culprit() {
        for (why, change, named) in [
            ("no such member", json!({"putOmit": "cleared"}), "putOmit"),
            ("no such reading", json!({"putOmitted": "perhaps"}), "perhaps"),
            ("no status of a refusal", json!({"notFoundStatus": 200}), "notFoundStatus"),
            ("no status of a creation", json!({"createdStatus": 204}), "createdStatus"),
            ("no version", json!({"version": "newest"}), "newest"),
            ("no object", json!([]), "object"),
        ] {
            let problem = TachyonOptions::default().patched(&change).unwrap_err();
            assert!(problem.contains(named), "{why}: {problem}");
        }
    }

    #[test]
    fn a_version_gates_by_number_not_by_text() {
        for (version, since_51, scoped) in [
            ("4.0", false, false),
            ("5.0.9", false, false),
            ("5.1.0", true, false),
            ("7.12", true, false),
            ("8.0", true, true),
            ("23.7.1", true, true),
        ] {
            let options = TachyonOptions { version: version.to_owned(), ..TachyonOptions::default() };
            assert_eq!((options.since(5, 1), options.scoped()), (since_51, scoped), "{version}");
        }
    }
}
