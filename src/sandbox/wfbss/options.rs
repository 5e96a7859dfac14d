//! What can be switched: mostly what the vendor's pages leave open (section 11 of the sheet).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sandbox::options::replaced;

pub use super::switches::*;

/// All switches of the double; changeable while it runs by `PATCH` with `{"options": {…}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[allow(missing_docs)] // Each switch is described at its type.
pub struct WfbssOptions {
    pub arrays: Arrays,
    pub merge_depth: MergeDepth,
    pub urls: Urls,
    pub invalid_urls: InvalidUrls,
    pub missing_scheme: MissingScheme,
    pub sent_times: SentTimes,
    pub unknown_keys: UnknownKeys,
    pub unknown_sections: UnknownSections,
    pub wrong_types: WrongTypes,
    pub nulls: Nulls,
    pub numbers: Numbers,
    pub empty_sections: EmptySections,
    pub passwords: Passwords,
    pub grouping: Grouping,
    pub shared_writes: SharedWrites,
    pub several_customers: SeveralCustomers,
    pub empty_cids: EmptyCids,
    pub missing_group: MissingGroup,
    pub bad_customer: BadCustomer,
    pub error_body: ErrorBody,
    pub sync_writes: SyncWrites,
    pub unknown_task: UnknownTask,
    pub both_forms: BothForms,
    pub neither_form: NeitherForm,
    pub replicate_scope: ReplicateScope,
    pub replicate_within: ReplicateWithin,
    pub duplicate_group: DuplicateGroup,
    pub new_group: NewGroup,
    pub expired_in_lists: ExpiredInLists,
    pub policies_paging: PoliciesPaging,
    pub policies_record: PoliciesRecord,
    /// Offers the invented `GET /tasks/{id}` (section 5).
    pub task_query: bool,
    /// Customers answer 404 until `POST /initialize` (9.5, rule 22); new ones start uninitialised.
    pub require_initialize: bool,
    /// A task is PENDING for so many milliseconds.
    pub task_start_ms: u64,
    /// A task ends so many milliseconds after it was made.
    pub task_finish_ms: u64,
    /// A synchronous write is answered at once but can be read only so many milliseconds later (F22).
    pub sync_effect_after_ms: u64,
    /// A new group shows up in lists only so many milliseconds later (F22).
    pub new_group_visible_after_ms: u64,
    /// How far `x-posix-time` may be off, in seconds.
    pub skew_secs: i64,
    /// How far the server's clock is ahead of the sandbox's, in seconds.
    pub clock_offset_secs: i64,
    /// The status for a wrong key, signature or time.
    pub auth_failure_status: u16,
    /// More requests a minute are answered 429.
    pub requests_per_minute: Option<u32>,
    /// The `Retry-After` of that 429, if any.
    pub retry_after: Option<String>,
    /// The versions answered; the empty one is the path without a version.
    pub versions: BTreeSet<String>,
}

impl Default for WfbssOptions {
    fn default() -> Self {
        Self {
            arrays: Arrays::default(),
            merge_depth: MergeDepth::default(),
            urls: Urls::default(),
            invalid_urls: InvalidUrls::default(),
            missing_scheme: MissingScheme::default(),
            sent_times: SentTimes::default(),
            unknown_keys: UnknownKeys::default(),
            unknown_sections: UnknownSections::default(),
            wrong_types: WrongTypes::default(),
            nulls: Nulls::default(),
            numbers: Numbers::default(),
            empty_sections: EmptySections::default(),
            passwords: Passwords::default(),
            grouping: Grouping::default(),
            shared_writes: SharedWrites::default(),
            several_customers: SeveralCustomers::default(),
            empty_cids: EmptyCids::default(),
            missing_group: MissingGroup::default(),
            bad_customer: BadCustomer::default(),
            error_body: ErrorBody::default(),
            sync_writes: SyncWrites::default(),
            unknown_task: UnknownTask::default(),
            both_forms: BothForms::default(),
            neither_form: NeitherForm::default(),
            replicate_scope: ReplicateScope::default(),
            replicate_within: ReplicateWithin::default(),
            duplicate_group: DuplicateGroup::default(),
            new_group: NewGroup::default(),
            expired_in_lists: ExpiredInLists::default(),
            policies_paging: PoliciesPaging::default(),
            policies_record: PoliciesRecord::default(),
            task_query: false,
            require_initialize: false,
            task_start_ms: 1_000,
            task_finish_ms: 3_000,
            sync_effect_after_ms: 0,
            new_group_visible_after_ms: 0,
            skew_secs: 900,
            clock_offset_secs: 0,
            auth_failure_status: 401,
            requests_per_minute: None,
            retry_after: None,
            versions: ["", "v2.6", "v2.7", "v2.8"].map(str::to_owned).into(),
        }
    }
}

impl WfbssOptions {
    /// These options with the members of `change` in place of their own.
    ///
    /// # Errors
    /// A sentence about the member that is unknown or has a value it cannot have.
    pub fn patched(&self, change: &Value) -> Result<Self, String> {
        let patched = replaced(self, change)?;
        if !(400..600).contains(&patched.auth_failure_status) {
            return Err("options: authFailureStatus is not a status of 400 to 599".to_owned());
        }
        Ok(patched)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_changes_what_it_names_and_nothing_else() {
        let patched =
            WfbssOptions::default().patched(&json!({"arrays": "append", "taskQuery": true})).unwrap();
        let expected = WfbssOptions { arrays: Arrays::Append, task_query: true, ..WfbssOptions::default() };
        assert_eq!(patched, expected);
    }

    #[test]
    fn a_wrong_patch_names_the_culprit() {
        for (change, named) in [
            (json!({"array": "append"}), "array"),
            (json!({"arrays": "prepend"}), "prepend"),
            (json!({"authFailureStatus": 200}), "authFailureStatus"),
            (json!([]), "object"),
        ] {
            let problem = WfbssOptions::default().patched(&change).unwrap_err();
            assert!(problem.contains(named), "{change}: {problem}");
        }
    }
}
