//! From a policy as listed to the words somebody would have written for it: the reverse of `translate`.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    api::{Content, ContentType, IdOrName, PolicySpec, Scope, SymphonyFacet, ViolationAction},
    drivers::Described,
    model::{LeafPath, ObservedItem},
};

/// Describes one policy. Dictionaries are named by id, which stays when they are renamed.
///
/// # Errors
/// The word that this generation of the API does not have.
pub fn describe(observed: &ObservedItem) -> Result<Described, String> {
    let dictionaries: Vec<String> = word(observed, "dictionaries")?;
    let facet = SymphonyFacet {
        action: word::<ViolationAction>(observed, "type")?,
        content_types: word::<Vec<ContentType>>(observed, "contentTypes")?,
        scopes: word::<Vec<Scope>>(observed, "scopes")?,
        // Without dictionaries the system itself switches the policy off; that is how it stands.
        allow_empty_dictionaries: dictionaries.is_empty().then_some(true),
        dictionaries: dictionaries.into_iter().map(IdOrName::id).collect(),
    };
    Ok(Described {
        policy: PolicySpec {
            display_name: Some(observed.name.clone()),
            description: None,
            enabled: observed.enabled,
            content: Content { symphony: Some(facet), ..Content::default() },
        },
        ..Described::default()
    })
}

fn word<T: DeserializeOwned>(observed: &ObservedItem, path: &str) -> Result<T, String> {
    let value = observed.leaves.get(&LeafPath(path.into())).cloned().unwrap_or(Value::Null);
    serde_json::from_value(value.clone())
        .map_err(|_| format!("its {path} {value} is not known to this generation"))
}

#[cfg(test)]
mod tests;
