//! What an EFv3 policy looks for (section 5): data types, actions, rules and their settings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    answer::Failure,
    estate::DictionaryRef,
    names::{self, ACTIONS, DATA_TYPES, FILE_TYPES, LONGEST},
    options::{AbsentAction, ClassifierCase, FieldTypes, FileRules, SymphonyOptions},
};

/// One kind of content with its action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppliesTo {
    /// One word: EFv3 has no list here.
    pub data_type: String,
    /// Always there once checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// What is looked for.
    pub rules: Vec<Rule>,
}

/// One rule with exactly one of the settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Given by the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Which settings it has.
    #[serde(rename = "type")]
    pub kind: String,
    /// Any text.
    pub name: String,
    /// Of `TEXT_MATCH`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_match_config: Option<TextMatch>,
    /// Of `FILE_SIZE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_size_config: Option<FileSize>,
    /// Of `FILE_EXTENSION`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_extension_config: Option<FileExtension>,
    /// Of `FILE_PASSWORD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_password_config: Option<FilePassword>,
    /// Of `FILE_CLASSIFIER`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_classifier_config: Option<FileClassifier>,
}

/// Terms of dictionaries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TextMatch {
    /// Where the terms are.
    pub dictionaries: Vec<DictionaryRef>,
    /// A number; the docs say text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count_unique_occurrences: Option<Value>,
    /// Filled only for `FileContent`, but required.
    pub applicable_file_types: Vec<String>,
}

/// A largest size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileSize {
    /// In a unit nobody states.
    #[serde(default)]
    pub size_limit: Option<i32>,
}

/// Endings of file names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileExtension {
    /// Allowed ones.
    pub allow_lists: Vec<String>,
    /// Forbidden ones.
    pub block_lists: Vec<String>,
}

/// Whether files are protected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FilePassword {
    /// Which files.
    #[serde(default)]
    pub applicable_file_types: Vec<String>,
    /// A word; the docs say a list.
    #[serde(default)]
    pub match_criteria: Option<Value>,
}

/// Labels of files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileClassifier {
    /// Name and value of labels.
    pub classifiers: BTreeMap<String, String>,
    /// Which files.
    #[serde(default)]
    pub applicable_file_types: Vec<String>,
}

impl AppliesTo {
    /// One text rule over these dictionaries: what an EFv2 policy says about one kind of content.
    pub fn text(data_type: &str, action: &str, dictionaries: &[DictionaryRef]) -> Self {
        let text = TextMatch {
            dictionaries: dictionaries.to_vec(),
            count_unique_occurrences: Some(1.into()),
            applicable_file_types: Vec::new(),
        };
        let rule = Rule {
            id: None,
            kind: "TEXT_MATCH".to_owned(),
            name: "dictionaries".to_owned(),
            text_match_config: Some(text),
            file_size_config: None,
            file_extension_config: None,
            file_password_config: None,
            file_classifier_config: None,
        };
        Self { data_type: data_type.to_owned(), action: Some(action.to_owned()), rules: vec![rule] }
    }

    /// Every dictionary reference.
    pub fn references(&self) -> impl Iterator<Item = &DictionaryRef> {
        self.rules
            .iter()
            .filter_map(|rule| rule.text_match_config.as_ref())
            .flat_map(|text| &text.dictionaries)
    }

    /// Keeps the references for which `keep` says so; it may change them.
    pub fn retain_references(&mut self, mut keep: impl FnMut(&mut DictionaryRef) -> bool) {
        for text in self.rules.iter_mut().filter_map(|rule| rule.text_match_config.as_mut()) {
            text.dictionaries.retain_mut(&mut keep);
        }
    }

    /// Whether a rule needs no dictionary.
    pub fn has_file_rule(&self) -> bool {
        self.rules.iter().any(|rule| rule.text_match_config.is_none())
    }
}

/// Checks what was sent and fills in defaults.
///
/// # Errors
/// The first rule of section 5 that is broken.
pub fn check(applies_to: &mut [AppliesTo], options: &SymphonyOptions) -> Result<(), Failure> {
    if applies_to.is_empty() {
        return Err(wrong(options, "appliesTo must not be empty"));
    }
    let mut classifiers = 0;
    for one in applies_to {
        names::word("dataType", &one.data_type, &DATA_TYPES, options)?;
        match (&one.action, options.absent_action) {
            (Some(action), _) => names::word("action", action, &ACTIONS, options)?,
            (None, AbsentAction::LogOnly) => one.action = Some("LogOnly".to_owned()),
            (None, AbsentAction::Reject) => return Err(wrong(options, "action must not be null")),
        }
        for rule in &mut one.rules {
            check_rule(rule, &one.data_type, options)?;
            classifiers += rule.file_classifier_config.as_ref().map_or(0, |config| config.classifiers.len());
        }
    }
    if classifiers > LONGEST {
        return Err(wrong(options, "a policy has at most 30 classifiers"));
    }
    Ok(())
}

fn wrong(options: &SymphonyOptions, message: impl Into<String>) -> Failure {
    Failure::inner(options.invalid_value_status, message)
}

fn check_rule(rule: &mut Rule, data_type: &str, options: &SymphonyOptions) -> Result<(), Failure> {
    let configs = [
        ("TEXT_MATCH", rule.text_match_config.is_some()),
        ("FILE_SIZE", rule.file_size_config.is_some()),
        ("FILE_EXTENSION", rule.file_extension_config.is_some()),
        ("FILE_PASSWORD", rule.file_password_config.is_some()),
        ("FILE_CLASSIFIER", rule.file_classifier_config.is_some()),
    ];
    let allowed = configs.map(|(kind, _)| kind);
    // `UNKNOWN` is a word of the schema, but no settings belong to it.
    names::word("type", &rule.kind, &allowed, options)?;
    if configs.iter().any(|(kind, there)| *there != (*kind == rule.kind)) {
        return Err(wrong(options, format!("rule {:?} must have the settings of its type only", rule.name)));
    }
    let refused = options.file_rules == FileRules::Reject;
    if refused && matches!(rule.kind.as_str(), "FILE_SIZE" | "FILE_EXTENSION") {
        return Err(wrong(options, format!("rules of type {} cannot be set", rule.kind)));
    }
    if let Some(text) = &mut rule.text_match_config {
        check_text(text, data_type, options)?;
    }
    if let Some(size) = &mut rule.file_size_config {
        size.size_limit = size.size_limit.or(Some(options.default_size_limit));
    }
    if let Some(password) = &mut rule.file_password_config {
        check_password(password, options)?;
    }
    if let Some(labels) = &mut rule.file_classifier_config {
        check_labels(labels, options)?;
    }
    Ok(())
}

fn check_text(text: &mut TextMatch, data_type: &str, options: &SymphonyOptions) -> Result<(), Failure> {
    file_types(&text.applicable_file_types, options)?;
    if data_type != "FileContent" && !text.applicable_file_types.is_empty() {
        return Err(wrong(options, format!("applicableFileTypes must be empty for {data_type}")));
    }
    let Some(count) = &text.count_unique_occurrences else { return Ok(()) };
    let number = match count {
        Value::String(text) if options.field_types == FieldTypes::Docs => text.parse::<i32>().ok(),
        other => other.as_i64().and_then(|number| i32::try_from(number).ok()),
    };
    let Some(number) = number else {
        return Err(wrong(options, format!("countUniqueOccurrences is {count}, wanted is a number")));
    };
    text.count_unique_occurrences = Some(number.into());
    Ok(())
}

fn check_password(password: &mut FilePassword, options: &SymphonyOptions) -> Result<(), Failure> {
    file_types(&password.applicable_file_types, options)?;
    let sent = password.match_criteria.take().unwrap_or_else(|| "NOT_PASSWORD_PROTECTED".into());
    let word = match &sent {
        Value::Array(list) if options.field_types == FieldTypes::Docs && list.len() == 1 => {
            list.first().and_then(Value::as_str)
        }
        other => other.as_str(),
    };
    let allowed = ["PASSWORD_PROTECTED", "NOT_PASSWORD_PROTECTED"];
    names::word("matchCriteria", word.unwrap_or_default(), &allowed, options)?;
    password.match_criteria = word.map(Value::from);
    Ok(())
}

fn check_labels(labels: &mut FileClassifier, options: &SymphonyOptions) -> Result<(), Failure> {
    file_types(&labels.applicable_file_types, options)?;
    let fits = |text: &String| (1..=LONGEST).contains(&text.chars().count());
    if !labels.classifiers.iter().all(|(key, value)| fits(key) && fits(value)) {
        return Err(wrong(options, "classifiers have keys and values of 1 to 30 characters"));
    }
    if options.classifier_case == ClassifierCase::Lower {
        let lower = labels.classifiers.iter().map(|(key, value)| (key.to_lowercase(), value.to_lowercase()));
        labels.classifiers = lower.collect();
    }
    Ok(())
}

fn file_types(sent: &[String], options: &SymphonyOptions) -> Result<(), Failure> {
    sent.iter().try_for_each(|one| names::word("applicableFileTypes", one, &FILE_TYPES, options))
}
