//! The body of a create or an update, checked (4.1, section 5).

use serde::Deserialize;

use super::{
    answer::Failure,
    estate::{Content, DictionaryRef, Estate, Policy},
    inner::Call,
    names::{self, CONTENT_TYPES, SCOPES, TYPES},
    options::{AbsentContentTypes, AbsentDictionaries, EmptyRules, Generation, StaleRefs, SymphonyOptions},
    rules::{self, AppliesTo},
};

/// What a policy shall be.
pub struct Draft {
    /// Trimmed.
    pub name: String,
    /// Not empty.
    pub scopes: Vec<String>,
    /// In the words of its generation.
    pub content: Content,
    /// It counts as the empty list: an update detaches every dictionary and disables (4.3, rule 3).
    pub emptied: bool,
}

/// Unknown members are ignored, `active` among them: there is no state in a request (4.3, rule 6).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    name: Option<String>,
    #[serde(rename = "type")]
    action: Option<String>,
    content_types: Option<Vec<String>>,
    #[serde(default)]
    scopes: Vec<String>,
    dictionary_ids: Option<Vec<String>>,
    #[serde(default)]
    applies_to: Vec<AppliesTo>,
}

/// Reads the body of a call; `stored` is the policy an update is about.
///
/// # Errors
/// The first rule that is broken.
pub fn read(
    call: &Call,
    stored: Option<&Policy>,
    estate: &Estate,
    options: &SymphonyOptions,
) -> Result<Draft, Failure> {
    let request: Request =
        serde_json::from_slice(&call.body).map_err(|error| Failure::malformed(error.to_string()))?;
    let name = names::trimmed(request.name.as_deref(), options)?;
    let scopes = names::words("scopes", &request.scopes, &SCOPES, options)?;
    let (content, emptied) = match call.generation {
        Generation::V1 => v1(request, stored, estate, options)?,
        Generation::V3 => v3(request.applies_to, estate, options)?,
    };
    Ok(Draft { name, scopes, content, emptied })
}

fn v1(
    request: Request,
    stored: Option<&Policy>,
    estate: &Estate,
    options: &SymphonyOptions,
) -> Result<(Content, bool), Failure> {
    let action = request.action.unwrap_or_default();
    names::word("type", &action, &TYPES, options)?;
    let content_types = match (request.content_types, options.absent_content_types) {
        (None, AbsentContentTypes::Messages) => vec!["Messages".to_owned()],
        (sent, _) => names::words("contentTypes", &sent.unwrap_or_default(), &CONTENT_TYPES, options)?,
    };
    let dictionaries = match (request.dictionary_ids, options.absent_dictionaries) {
        (Some(ids), _) => references(&ids, estate, options)?,
        (None, AbsentDictionaries::AsEmpty) => Vec::new(),
        (None, AbsentDictionaries::Keep) => {
            let stored = stored.map(|policy| policy.current.content.references()).unwrap_or_default();
            stored.into_iter().cloned().collect()
        }
        (None, AbsentDictionaries::Reject) => {
            return Err(Failure::inner(options.invalid_value_status, "dictionaryIds must not be null"));
        }
    };
    let emptied = dictionaries.is_empty();
    Ok((Content::V1 { action, content_types, dictionaries }, emptied))
}

/// References to dictionaries by id, each once.
///
/// # Errors
/// The one error text that is documented (section 9).
pub fn references(
    ids: &[String],
    estate: &Estate,
    options: &SymphonyOptions,
) -> Result<Vec<DictionaryRef>, Failure> {
    let mut references: Vec<DictionaryRef> = Vec::new();
    for id in ids {
        let reference = estate.dictionary(id).ok_or_else(|| unknown(options))?.reference();
        if !references.contains(&reference) {
            references.push(reference);
        }
    }
    Ok(references)
}

fn unknown(options: &SymphonyOptions) -> Failure {
    let message = "Request contains invalid dictionaries that can not be found in database";
    Failure::inner(options.invalid_value_status, message)
}

fn v3(
    mut applies_to: Vec<AppliesTo>,
    estate: &Estate,
    options: &SymphonyOptions,
) -> Result<(Content, bool), Failure> {
    rules::check(&mut applies_to, options)?;
    for sent in applies_to.iter().flat_map(AppliesTo::references) {
        let newest = estate.dictionary(&sent.dict_id).ok_or_else(|| unknown(options))?.reference();
        if *sent != newest && options.stale_refs == StaleRefs::Reject {
            let message = format!("dictionary {} is no longer version {}", sent.dict_id, sent.version);
            return Err(Failure::inner(options.invalid_value_status, message));
        }
    }
    let texts: Vec<bool> = applies_to
        .iter()
        .flat_map(|one| &one.rules)
        .filter_map(|rule| Some(rule.text_match_config.as_ref()?.dictionaries.is_empty()))
        .collect();
    let any = texts.contains(&true);
    let emptied = match options.empty_rules {
        EmptyRules::AnyRule => any,
        EmptyRules::AllRules => any && !texts.contains(&false),
        EmptyRules::Reject if any => {
            return Err(Failure::inner(options.invalid_value_status, "dictionaries must not be empty"));
        }
        EmptyRules::Reject => false,
    };
    Ok((Content::V3(applies_to), emptied))
}
