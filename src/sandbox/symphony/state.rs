//! What the double holds, for assertions: `policies/<policyId>`, `dictionaries/<dictId>`.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    estate::{Dictionary, Policy},
    inner::Inner,
    options::SymphonyOptions,
    render, terms,
};

/// Everything but keys and tokens. Policies are shown as stored, whatever the options do to answers.
pub fn show(inner: &Inner, elapsed: Duration) -> Value {
    let (accounts, sessions) = inner.accounts.state(elapsed);
    let policies = inner.estate.policies.iter().map(|(id, one)| (id.clone(), policy(inner, one)));
    let dictionaries = inner.estate.dictionaries.iter().map(|(id, one)| (id.clone(), dictionary(inner, one)));
    json!({
        "options": inner.options,
        "accounts": accounts,
        "sessions": sessions,
        "counters": inner.estate.counters,
        "policies": policies.collect::<Map<_, _>>(),
        "dictionaries": dictionaries.collect::<Map<_, _>>(),
    })
}

fn policy(inner: &Inner, policy: &Policy) -> Value {
    let revision = &policy.current;
    let generation = revision.content.generation();
    let plain = SymphonyOptions::default();
    let mut shown = render::policy(policy, revision, generation, &inner.estate, &plain);
    let mut used: Vec<&str> = revision
        .content
        .references()
        .into_iter()
        .filter_map(|one| inner.estate.dictionary(&one.dict_id))
        .map(|one| one.current.name.as_str())
        .collect();
    used.sort_unstable();
    used.dedup();
    let own = json!({
        "generation": generation,
        "deleted": policy.deleted,
        "systemPolicy": policy.system,
        "dictionaries": used,
        "versions": policy.past.len() + 1,
    });
    if let (Value::Object(shown), Value::Object(own)) = (&mut shown, own) {
        shown.extend(own);
    }
    shown
}

fn dictionary(inner: &Inner, dictionary: &Dictionary) -> Value {
    json!({
        "name": dictionary.current.name,
        "type": dictionary.kind,
        "version": dictionary.current.version.to_string(),
        "versions": dictionary.past.len() + 1,
        "terms": terms::split(&dictionary.kind, &dictionary.current.content),
        "creatorId": dictionary.origin.creator.to_string(),
        "deleted": dictionary.deleted,
        "usedBy": inner.estate.users_of(&dictionary.dict_id),
    })
}
