//! What can be switched: mostly what the vendor's pages leave open (section 14 of the sheet).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sandbox::options::replaced;

pub use super::switches::*;

/// All switches of the double; changeable while it runs by `PATCH` with `{"options": {…}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[allow(missing_docs)] // Each switch is described at its type.
pub struct SymphonyOptions {
    pub generation: Generation,
    pub key_form: KeyForm,
    pub key_manager_token: KeyManagerToken,
    pub error_body: ErrorBody,
    pub download_errors: DownloadErrors,
    pub name_length: NameLength,
    pub name_case: NameCase,
    pub deleted_names: DeletedNames,
    pub deleted_policies: DeletedPolicies,
    pub other_generation: OtherGeneration,
    pub state_versions: StateVersions,
    pub unchanged_writes: UnchangedWrites,
    pub dictionary_refs: DictionaryRefs,
    pub absent_dictionaries: AbsentDictionaries,
    pub absent_content_types: AbsentContentTypes,
    pub absent_action: AbsentAction,
    pub detached: Detached,
    pub enable_empty: EnableEmpty,
    pub repeated_state: RepeatedState,
    pub edit_enabled: EditEnabled,
    pub referenced_dictionary: ReferencedDictionary,
    pub content_form: ContentForm,
    pub empty_rules: EmptyRules,
    pub stale_refs: StaleRefs,
    pub file_rules: FileRules,
    pub field_types: FieldTypes,
    pub classifier_case: ClassifierCase,
    pub word_case: WordCase,
    pub array_order: ArrayOrder,
    pub list_order: ListOrder,
    pub over_limit: OverLimit,
    pub negative_pages: NegativePages,
    /// A segment in front of every path, such as `app` (section 2).
    pub context_prefix: String,
    /// What `GET /agent/v1/info` tells (3.4).
    pub agent_version: String,
    /// The claim `canUseSimplifiedKeyDelivery` of session tokens (3.4).
    pub simplified_key_delivery: bool,
    /// A login answers the beta member `authorizationToken` too (3.1).
    pub authorization_token: bool,
    /// Life of a session token, 1 hour to 2 weeks (3.3).
    pub session_secs: u64,
    /// Life of a key manager token.
    pub key_manager_secs: u64,
    /// How far the server's clock is ahead of the sandbox's, in seconds.
    pub clock_offset_secs: i64,
    /// The pod has Expression Filter v2 (3.5); else its policies are 403.
    pub v1_licensed: bool,
    /// The pod has Expression Filter v3.
    pub v3_licensed: bool,
    /// Whether the paths of EFv2 policies still exist: their end of life is not known (section 1).
    pub v1_served: bool,
    /// A caller must be a content export user as well (3.5, the overview).
    pub content_export_required: bool,
    /// For an id or a version that does not exist: 400 or 404 (section 9).
    pub unknown_id_status: u16,
    /// For a name that is in use.
    pub duplicate_name_status: u16,
    /// For a value that cannot be: name, word, unknown dictionary, limits.
    pub invalid_value_status: u16,
    /// For what the state forbids: deleting what is enabled or in use.
    pub forbidden_state_status: u16,
    /// Members that answers of the Agent leave out, at any depth; nearly all are optional (4.2, section 7).
    pub omit: BTreeSet<String>,
    /// A new policy or dictionary shows up in lists only so many milliseconds later (F22).
    pub new_visible_after_ms: u64,
    pub limits: Limits,
    /// `sizeLimit` where it is left out: 20 MB, in a unit nobody states (section 5).
    pub default_size_limit: i32,
    /// More requests a minute are answered 429 (section 10).
    pub requests_per_minute: Option<u32>,
    /// The `Retry-After` of that 429, if any.
    pub retry_after: Option<String>,
}

/// What nobody publishes (section 14); more than that is refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// Largest upload.
    pub upload_bytes: Option<usize>,
    /// Most terms of a dictionary.
    pub terms: Option<usize>,
    /// Longest term.
    pub term_characters: Option<usize>,
    /// Most policies of a generation.
    pub policies: Option<usize>,
    /// Terms that the vendor's dialect of regular expressions refuses, whichever it is.
    pub rejected_terms: BTreeSet<String>,
}

impl Default for SymphonyOptions {
    fn default() -> Self {
        Self {
            generation: Generation::default(),
            key_form: KeyForm::default(),
            key_manager_token: KeyManagerToken::default(),
            error_body: ErrorBody::default(),
            download_errors: DownloadErrors::default(),
            name_length: NameLength::default(),
            name_case: NameCase::default(),
            deleted_names: DeletedNames::default(),
            deleted_policies: DeletedPolicies::default(),
            other_generation: OtherGeneration::default(),
            state_versions: StateVersions::default(),
            unchanged_writes: UnchangedWrites::default(),
            dictionary_refs: DictionaryRefs::default(),
            absent_dictionaries: AbsentDictionaries::default(),
            absent_content_types: AbsentContentTypes::default(),
            absent_action: AbsentAction::default(),
            detached: Detached::default(),
            enable_empty: EnableEmpty::default(),
            repeated_state: RepeatedState::default(),
            edit_enabled: EditEnabled::default(),
            referenced_dictionary: ReferencedDictionary::default(),
            content_form: ContentForm::default(),
            empty_rules: EmptyRules::default(),
            stale_refs: StaleRefs::default(),
            file_rules: FileRules::default(),
            field_types: FieldTypes::default(),
            classifier_case: ClassifierCase::default(),
            word_case: WordCase::default(),
            array_order: ArrayOrder::default(),
            list_order: ListOrder::default(),
            over_limit: OverLimit::default(),
            negative_pages: NegativePages::default(),
            context_prefix: String::new(),
            agent_version: "Agent-25.8.1-4711-linux".to_owned(),
            simplified_key_delivery: false,
            authorization_token: true,
            session_secs: 3600,
            key_manager_secs: 3600,
            clock_offset_secs: 0,
            v1_licensed: true,
            v3_licensed: true,
            v1_served: true,
            content_export_required: false,
            unknown_id_status: 400,
            duplicate_name_status: 400,
            invalid_value_status: 400,
            forbidden_state_status: 400,
            omit: BTreeSet::new(),
            new_visible_after_ms: 0,
            limits: Limits::default(),
            default_size_limit: 20,
            requests_per_minute: None,
            retry_after: None,
        }
    }
}

impl SymphonyOptions {
    /// These options with the members of `change` in place of their own.
    ///
    /// # Errors
    /// A sentence about the member that is unknown or has a value it cannot have.
    pub fn patched(&self, change: &Value) -> Result<Self, String> {
        let patched = replaced(self, change)?;
        let statuses = [
            ("unknownIdStatus", patched.unknown_id_status),
            ("duplicateNameStatus", patched.duplicate_name_status),
            ("invalidValueStatus", patched.invalid_value_status),
            ("forbiddenStateStatus", patched.forbidden_state_status),
        ];
        match statuses.iter().find(|(_, status)| !(400..600).contains(status)) {
            Some((name, status)) => Err(format!("options: {name} is {status}, allowed are 400 to 599")),
            None => Ok(patched),
        }
    }

    /// The switch of `generation` that says whether the pod has it.
    pub fn licensed(&self, generation: Generation) -> bool {
        match generation {
            Generation::V1 => self.v1_licensed,
            Generation::V3 => self.v3_licensed,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_changes_what_it_names_and_nothing_else() {
        let change = json!({"detached": "deleted", "unknownIdStatus": 404});
        let patched = SymphonyOptions::default().patched(&change).unwrap();
        let expected = SymphonyOptions {
            detached: Detached::Deleted,
            unknown_id_status: 404,
            ..SymphonyOptions::default()
        };
        assert_eq!(patched, expected);
    }

    #[test]
    fn a_wrong_patch_names_the_culprit() {
        for (change, named) in [
            (json!({"detach": "deleted"}), "detach"),
            (json!({"detached": "perhaps"}), "perhaps"),
            (json!({"unknownIdStatus": 200}), "unknownIdStatus"),
            (json!([]), "object"),
        ] {
            let problem = SymphonyOptions::default().patched(&change).unwrap_err();
            assert!(problem.contains(named), "{change}: {problem}");
        }
    }
}
