//! Changes as made by hand in the vendor's admin portal, and by its operators (`PATCH /symphony/state`).
//!
//! ```json
//! {"editPolicies": [{"policy": "PCI card numbers", "enabled": false}],
//!  "addDictionaries": [{"name": "Codenames", "terms": ["falcon", "heron"]}]}
//! ```

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{
    accounts::Account,
    draft::Draft,
    estate::{Content, Dictionary, DictionaryRef, Hand, Policy},
    inner::Inner,
    jwt::PublicKey,
    names::{self, CONTENT_TYPES, DICTIONARY_TYPES, SCOPES},
    options::{Generation, SymphonyOptions},
    policies,
    rules::{self, AppliesTo},
    seed,
};

/// Every change there is; those of one request are made in this order. Policies and dictionaries
/// go by id, or by name.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Changes {
    options: Option<Value>,
    accounts: Vec<AccountChange>,
    add_dictionaries: Vec<NewDictionary>,
    edit_dictionaries: Vec<DictionaryEdit>,
    add_policies: Vec<NewPolicy>,
    edit_policies: Vec<PolicyEdit>,
    remove_policies: Vec<String>,
    /// Taken out of the policies that use them.
    remove_dictionaries: Vec<String>,
}

/// A service account; a new name needs a key.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AccountChange {
    username: String,
    /// PEM.
    public_key: Option<String>,
    /// False ends its sessions too.
    active: Option<bool>,
    policy_management: Option<bool>,
    content_export: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewDictionary {
    name: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    terms: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DictionaryEdit {
    dictionary: String,
    rename: Option<String>,
    terms: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewPolicy {
    name: String,
    #[serde(default)]
    generation: Generation,
    #[serde(default)]
    enabled: bool,
    #[serde(flatten)]
    rest: Rest,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PolicyEdit {
    policy: String,
    rename: Option<String>,
    enabled: Option<bool>,
    #[serde(flatten)]
    rest: Rest,
}

/// What a policy looks for. In EFv3 `type` and `dictionaries` are set in all its parts.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rest {
    #[serde(rename = "type")]
    action: Option<String>,
    content_types: Option<Vec<String>>,
    scopes: Option<Vec<String>>,
    dictionaries: Option<Vec<String>>,
    /// EFv3 only.
    applies_to: Option<Vec<AppliesTo>>,
}

/// Makes the changes, all of them or none.
///
/// # Errors
/// A sentence about the first one that cannot be made.
pub fn patch(inner: &mut Inner, change: Value, now: Timestamp, elapsed: Duration) -> Result<(), String> {
    let changes: Changes = serde_json::from_value(change).map_err(|error| error.to_string())?;
    let before = (inner.options.clone(), inner.estate.clone(), inner.accounts.clone());
    let hand = Hand { user: seed::OFFICER, now, elapsed };
    let outcome = make(inner, changes, hand);
    if outcome.is_err() {
        (inner.options, inner.estate, inner.accounts) = before;
    }
    outcome
}

fn make(inner: &mut Inner, changes: Changes, hand: Hand) -> Result<(), String> {
    if let Some(options) = &changes.options {
        inner.options = inner.options.patched(options)?;
    }
    changes.accounts.into_iter().try_for_each(|it| account(inner, it))?;
    changes.add_dictionaries.into_iter().try_for_each(|it| add_dictionary(inner, it, hand))?;
    changes.edit_dictionaries.into_iter().try_for_each(|it| edit_dictionary(inner, it, hand))?;
    changes.add_policies.into_iter().try_for_each(|it| add_policy(inner, it, hand))?;
    changes.edit_policies.into_iter().try_for_each(|it| edit_policy(inner, it, hand))?;
    for gone in changes.remove_policies {
        let id = policy(inner, &gone)?.policy_id.clone();
        if let Some(policy) = inner.estate.policies.get_mut(&id) {
            (policy.deleted, policy.current.active) = (true, false);
        }
    }
    for gone in changes.remove_dictionaries {
        let id = dictionary(inner, &gone)?.dict_id;
        inner.remove_dictionary(&id, hand)?;
    }
    Ok(())
}

fn account(inner: &mut Inner, change: AccountChange) -> Result<(), String> {
    let key = change.public_key.as_deref().map(PublicKey::from_pem).transpose()?;
    let accounts = &mut inner.accounts;
    if !accounts.by_name.contains_key(&change.username) {
        let key =
            key.clone().ok_or_else(|| format!("accounts: {:?} is new, name a publicKey", change.username))?;
        let user_id = seed::OPERATOR + i64::try_from(accounts.by_name.len()).unwrap_or_default();
        let new = Account { user_id, key, active: true, policy_management: true, content_export: true };
        accounts.by_name.insert(change.username.clone(), new);
    }
    let Some(account) = accounts.by_name.get_mut(&change.username) else { return Ok(()) };
    set(&mut account.key, key);
    set(&mut account.active, change.active);
    set(&mut account.policy_management, change.policy_management);
    set(&mut account.content_export, change.content_export);
    if !account.active {
        accounts.revoke_of(&change.username);
    }
    Ok(())
}

fn set<T>(field: &mut T, wanted: Option<T>) {
    if let Some(value) = wanted {
        *field = value;
    }
}

fn add_dictionary(inner: &mut Inner, new: NewDictionary, hand: Hand) -> Result<(), String> {
    let kind = new.kind.unwrap_or_else(|| "Word".to_owned());
    allowed("type", std::slice::from_ref(&kind), &DICTIONARY_TYPES, &inner.options)?;
    let name = trimmed(&new.name, &inner.options)?;
    if dictionary(inner, &name).is_ok() {
        return Err(format!("addDictionaries: {name:?} exists"));
    }
    let id = inner.estate.add_dictionary(name, kind, hand, Duration::ZERO);
    if new.terms.is_empty() { Ok(()) } else { write_terms(inner, &id, &new.terms, hand) }
}

fn edit_dictionary(inner: &mut Inner, edit: DictionaryEdit, hand: Hand) -> Result<(), String> {
    let id = dictionary(inner, &edit.dictionary)?.dict_id;
    if let Some(name) = edit.rename {
        let name = trimmed(&name, &inner.options)?;
        inner.rename_dictionary(&id, &name, hand)?;
    }
    edit.terms.map_or(Ok(()), |terms| write_terms(inner, &id, &terms, hand))
}

fn write_terms(inner: &mut Inner, id: &str, terms: &[String], hand: Hand) -> Result<(), String> {
    let content = terms.join("\n").into();
    let dictionary = inner.estate.dictionaries.get_mut(id);
    dictionary.map_or(Ok(()), |one| one.revise(hand.now, |next| next.content = content))
}

fn add_policy(inner: &mut Inner, new: NewPolicy, hand: Hand) -> Result<(), String> {
    let name = trimmed(&new.name, &inner.options)?;
    if policy(inner, &name).is_ok() {
        return Err(format!("addPolicies: {name:?} exists"));
    }
    let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let messages = || owned(&["Messages"]);
    let action = new.rest.action.clone().unwrap_or_else(|| "Block".to_owned());
    let start = match new.generation {
        Generation::V1 => {
            let content_types = new.rest.content_types.clone().unwrap_or_else(messages);
            Content::V1 { action, content_types, dictionaries: Vec::new() }
        }
        Generation::V3 => {
            let types = new.rest.content_types.clone().unwrap_or_else(messages);
            Content::V3(types.iter().map(|kind| AppliesTo::text(kind, &action, &[])).collect())
        }
    };
    let scopes = new.rest.scopes.clone().unwrap_or_else(|| owned(&SCOPES));
    allowed("scopes", &scopes, &SCOPES, &inner.options)?;
    let content = content(inner, start, &Rest { content_types: None, ..new.rest })?;
    let id = inner.estate.add_policy((name, scopes, content), hand, Duration::ZERO);
    if let Some(policy) = inner.estate.policies.get_mut(&id) {
        policy.current.active = new.enabled;
    }
    Ok(())
}

fn edit_policy(inner: &mut Inner, edit: PolicyEdit, hand: Hand) -> Result<(), String> {
    let stored = policy(inner, &edit.policy)?.clone();
    let name = match &edit.rename {
        Some(name) => trimmed(name, &inner.options)?,
        None => stored.current.name.clone(),
    };
    let scopes = match &edit.rest.scopes {
        Some(scopes) => {
            allowed("scopes", scopes, &SCOPES, &inner.options)?;
            scopes.clone()
        }
        None => stored.current.scopes.clone(),
    };
    let content = content(inner, stored.current.content.clone(), &edit.rest)?;
    let emptied = edit.rest.dictionaries.as_ref().is_some_and(Vec::is_empty);
    let current = &stored.current;
    if (&current.name, &current.scopes, &current.content) != (&name, &scopes, &content) || emptied {
        let draft = Draft { name, scopes, content, emptied };
        let counters = inner.estate.counters.clone();
        policies::overwrite(inner, &stored, draft, hand).map_err(|failure| failure.message)?;
        // Counted is what comes through the API.
        inner.estate.counters = counters;
    }
    let options = &inner.options;
    match inner.estate.policies.get_mut(&stored.policy_id).zip(edit.enabled) {
        Some((policy, on)) if policy.current.active != on => policies::set_active(policy, on, hand, options),
        _ => Ok(()),
    }
}

/// `start` with what is named in its place.
fn content(inner: &Inner, start: Content, rest: &Rest) -> Result<Content, String> {
    let options = &inner.options;
    let references = rest
        .dictionaries
        .as_ref()
        .map(|names| names.iter().map(|name| dictionary(inner, name)).collect::<Result<Vec<_>, _>>());
    let references = references.transpose()?;
    match start {
        Content::V1 { .. } if rest.applies_to.is_some() => {
            Err("appliesTo: the policy is one of EFv2".to_owned())
        }
        Content::V1 { mut action, mut content_types, mut dictionaries } => {
            set(&mut action, rest.action.clone());
            set(&mut content_types, rest.content_types.clone());
            set(&mut dictionaries, references);
            allowed("type", std::slice::from_ref(&action), &names::TYPES, options)?;
            allowed("contentTypes", &content_types, &CONTENT_TYPES, options)?;
            Ok(Content::V1 { action, content_types, dictionaries })
        }
        Content::V3(_) if rest.content_types.is_some() => {
            Err("contentTypes: the policy is one of EFv3, wanted is appliesTo".to_owned())
        }
        Content::V3(mut applies_to) => {
            set(&mut applies_to, rest.applies_to.clone());
            for one in &mut applies_to {
                set(&mut one.action, rest.action.clone().map(Some));
                for text in one.rules.iter_mut().filter_map(|rule| rule.text_match_config.as_mut()) {
                    set(&mut text.dictionaries, references.clone());
                }
            }
            rules::check(&mut applies_to, options).map_err(|failure| failure.message)?;
            Ok(Content::V3(applies_to))
        }
    }
}

fn trimmed(name: &str, options: &SymphonyOptions) -> Result<String, String> {
    names::trimmed(Some(name), options).map_err(|failure| failure.message)
}

fn allowed(what: &str, sent: &[String], words: &[&str], options: &SymphonyOptions) -> Result<(), String> {
    names::words(what, sent, words, options).map(|_| ()).map_err(|failure| failure.message)
}

fn policy<'a>(inner: &'a Inner, wanted: &str) -> Result<&'a Policy, String> {
    let alive = || inner.estate.policies.values().filter(|policy| !policy.deleted);
    let by_id = alive().find(|policy| policy.policy_id == wanted);
    let mut named = alive().filter(|policy| policy.current.name == wanted);
    match (by_id, named.next(), named.next()) {
        (Some(policy), _, _) | (None, Some(policy), None) => Ok(policy),
        (None, None, _) => Err(format!("policy {wanted:?} does not exist")),
        (None, Some(_), Some(_)) => Err(format!("policy {wanted:?}: both generations have it, name the id")),
    }
}

fn dictionary(inner: &Inner, wanted: &str) -> Result<DictionaryRef, String> {
    let alive = inner.estate.dictionaries.values().filter(|one| !one.deleted);
    let mut found = alive.filter(|one| one.dict_id == wanted || one.current.name == wanted);
    found.next().map(Dictionary::reference).ok_or_else(|| format!("dictionary {wanted:?} does not exist"))
}
