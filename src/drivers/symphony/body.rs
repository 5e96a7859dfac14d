//! What the system is sent: whole policies, since every update is a full replacement (vendor sheet sections 4.1, 4.3).

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use crate::{
    api::Reason,
    drivers::{
        DesiredItem,
        error::{Class, DriverError},
    },
    model::{LeafPath, Mark, ObservedItem},
};

/// Characters of a name in the system.
pub const NAME: usize = 30;

type Leaves = BTreeMap<LeafPath, Value>;

/// The body of a create or an update. Made by the functions of this file only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyRequest {
    name: String,
    #[serde(rename = "type")]
    action: String,
    content_types: BTreeSet<String>,
    scopes: BTreeSet<String>,
    dictionary_ids: DictionaryIds,
}

impl PolicyRequest {
    /// The name as it goes on the wire.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Ids of dictionaries: an empty list takes all of them off the policy and disables it (sheet section 4.3, rule 3).
///
/// There are two ways to one: a list that is wanted, which says it is empty if it is; and a list that was read, which
/// must not be, since nobody has said that nothing is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct DictionaryIds(BTreeSet<String>);

impl DictionaryIds {
    fn wanted(leaf: &Value) -> Result<Self, DriverError> {
        Ok(Self(words("dictionaries", leaf)?))
    }

    fn as_read(leaf: Option<&Value>) -> Result<Self, DriverError> {
        let ids = leaf.map(|leaf| words("dictionaries", leaf)).transpose()?.unwrap_or_default();
        if ids.is_empty() {
            let message = "nothing names the dictionaries of the policy, and it has none; sent like that the system \
                           would disable it";
            return Err(invalid(message));
        }
        Ok(Self(ids))
    }
}

/// The body that makes a policy, which the system makes disabled.
///
/// # Errors
/// `Rejected` where a leaf is missing or the name is too long.
pub fn create(desired: &DesiredItem) -> Result<PolicyRequest, DriverError> {
    request(&wanted(desired), &Leaves::new(), desired.mark().as_ref())
}

/// The body that brings a policy to the desired state and keeps what is not ours.
///
/// # Errors
/// As for [`create`].
pub fn replace(desired: &DesiredItem, observed: &ObservedItem) -> Result<PolicyRequest, DriverError> {
    request(&wanted(desired), &observed.leaves, desired.mark().as_ref())
}

/// The body that puts former leaves back and takes our mark off the name.
///
/// # Errors
/// As for [`create`].
pub fn restore(observed: &ObservedItem, former: &Leaves) -> Result<PolicyRequest, DriverError> {
    request(former, &observed.leaves, None)
}

fn wanted(desired: &DesiredItem) -> Leaves {
    desired.leaves.iter().map(|(path, leaf)| (path.clone(), leaf.value.clone())).collect()
}

fn request(wanted: &Leaves, read: &Leaves, mark: Option<&Mark>) -> Result<PolicyRequest, DriverError> {
    let leaf = |path: &str| {
        let path = LeafPath(path.into());
        let found = wanted.get(&path).or_else(|| read.get(&path));
        found.ok_or_else(|| invalid(&format!("the policy has no {path}")))
    };
    let text = |path: &str| {
        let found = leaf(path)?.as_str().map(str::trim).filter(|text| !text.is_empty());
        found.ok_or_else(|| invalid(&format!("{path} of the policy is no text")))
    };
    let dictionaries = LeafPath("dictionaries".into());
    Ok(PolicyRequest {
        name: sent_name(text("name")?, mark)?,
        action: text("type")?.to_owned(),
        content_types: words("contentTypes", leaf("contentTypes")?)?,
        scopes: words("scopes", leaf("scopes")?)?,
        dictionary_ids: match wanted.get(&dictionaries) {
            Some(leaf) => DictionaryIds::wanted(leaf)?,
            None => DictionaryIds::as_read(read.get(&dictionaries))?,
        },
    })
}

/// The name with our suffix. What is too long is never cut: two names could become one.
fn sent_name(name: &str, mark: Option<&Mark>) -> Result<String, DriverError> {
    let sent = mark.map_or_else(|| name.to_owned(), |mark| mark.suffixed(name));
    let length = sent.chars().count();
    if length <= NAME {
        return Ok(sent);
    }
    Err(invalid(&format!("the name {sent:?} would have {length} characters; the system allows {NAME}")))
}

fn words(path: &str, leaf: &Value) -> Result<BTreeSet<String>, DriverError> {
    let list = leaf.as_array().map(Vec::as_slice);
    let words = list.and_then(|list| list.iter().map(|one| one.as_str().map(str::to_owned)).collect());
    words.ok_or_else(|| invalid(&format!("{path} of the policy is no list of texts")))
}

fn invalid(message: &str) -> DriverError {
    DriverError::new(Class::Rejected, Reason::Invalid, message)
}

#[cfg(test)]
mod tests;
