//! Policies as answers show them (4.2, section 5), and each generation in the other's words.

use serde_json::{Value, json};

use super::{
    estate::{Content, DictionaryRef, Estate, Policy, Revision},
    options::{ArrayOrder, DictionaryRefs, FieldTypes, Generation, SymphonyOptions, WordCase},
    rules::AppliesTo,
};

/// One version of a policy in the words of `generation`.
pub fn policy(
    policy: &Policy,
    revision: &Revision,
    generation: Generation,
    estate: &Estate,
    options: &SymphonyOptions,
) -> Value {
    let mut content = revision.content.clone();
    // Old versions show what was; the newest may follow its dictionaries.
    if options.dictionary_refs == DictionaryRefs::Current && revision.version == policy.current.version {
        content.retain_references(|reference| {
            if let Some(dictionary) = estate.dictionary(&reference.dict_id) {
                *reference = dictionary.reference();
            }
            true
        });
    }
    let mut shown = match generation {
        Generation::V1 => v1(policy, content, options),
        Generation::V3 => v3(policy, content, options),
    };
    let common = json!({
        "policyId": policy.policy_id,
        "name": revision.name,
        "scopes": arranged(words(&revision.scopes, options), options),
        "active": revision.active,
        "version": revision.version.to_string(),
        "creationDate": policy.origin.created.as_millisecond(),
        "lastUpdatedDate": revision.updated.as_millisecond(),
    });
    if let (Value::Object(shown), Value::Object(common)) = (&mut shown, common) {
        shown.extend(common);
        if let Some(disabled) = revision.disabled {
            shown.insert("lastDisabledDate".to_owned(), disabled.as_millisecond().into());
        }
    }
    shown
}

fn v1(policy: &Policy, content: Content, options: &SymphonyOptions) -> Value {
    let (action, content_types, references) = match content {
        Content::V1 { action, content_types, dictionaries } => (action, content_types, dictionaries),
        Content::V3(applies_to) => {
            let action = applies_to.iter().find_map(|one| one.action.clone()).unwrap_or_default();
            let types = applies_to.iter().map(|one| one.data_type.clone()).collect();
            let references = applies_to.iter().flat_map(AppliesTo::references).cloned().collect();
            (action, types, references)
        }
    };
    json!({
        "type": word(&action, options),
        "contentTypes": arranged(words(&content_types, options), options),
        "dictionaryRefs": arranged(references.into_iter().map(reference).collect(), options),
        // A text here, a number in EFv3 (quirk 8).
        "creatorId": policy.origin.creator.to_string(),
    })
}

fn reference(reference: DictionaryRef) -> Value {
    json!({"dictId": reference.dict_id, "name": reference.name, "version": reference.version})
}

fn v3(policy: &Policy, content: Content, options: &SymphonyOptions) -> Value {
    let applies_to = match content {
        Content::V3(applies_to) => applies_to,
        Content::V1 { action, content_types, dictionaries } => {
            content_types.iter().map(|kind| AppliesTo::text(kind, &action, &dictionaries)).collect()
        }
    };
    let shown = applies_to.into_iter().map(|one| target(one, options)).collect();
    json!({
        "id": policy.record_id,
        "appliesTo": arranged(shown, options),
        "creatorId": policy.origin.creator,
        "deleted": policy.deleted,
        "systemPolicy": policy.system,
    })
}

fn target(mut one: AppliesTo, options: &SymphonyOptions) -> Value {
    one.data_type = word(&one.data_type, options);
    one.action = one.action.map(|action| word(&action, options));
    let mut shown = serde_json::to_value(one).unwrap_or_default();
    let rules = shown.get_mut("rules").and_then(Value::as_array_mut).into_iter().flatten();
    if options.field_types == FieldTypes::Docs {
        rules.for_each(as_documented);
    }
    shown
}

/// A text where the OpenAPI has a number, a list where it has a word.
fn as_documented(rule: &mut Value) {
    if let Some(count) = rule.pointer_mut("/textMatchConfig/countUniqueOccurrences") {
        *count = Value::String(count.to_string());
    }
    if let Some(criteria) = rule.pointer_mut("/filePasswordConfig/matchCriteria") {
        *criteria = json!([criteria.take()]);
    }
}

fn words(all: &[String], options: &SymphonyOptions) -> Vec<Value> {
    all.iter().map(|one| word(one, options).into()).collect()
}

fn word(one: &str, options: &SymphonyOptions) -> String {
    match options.word_case {
        WordCase::AsSent => one.to_owned(),
        WordCase::Upper => one.to_uppercase(),
    }
}

fn arranged(mut list: Vec<Value>, options: &SymphonyOptions) -> Vec<Value> {
    match options.array_order {
        ArrayOrder::AsSent => {}
        ArrayOrder::Sorted => list.sort_by_key(Value::to_string),
        ArrayOrder::Reversed => list.reverse(),
    }
    list
}
