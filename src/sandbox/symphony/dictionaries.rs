//! Dictionaries, shared by both generations (section 6).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::header;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    answer::{Answer, Failure},
    estate::{Dictionary, Edition, Hand},
    inner::{Call, Inner},
    multipart,
    names::{self, DICTIONARY_TYPES},
    options::{
        DeletedNames, DownloadErrors, ListOrder, ReferencedDictionary, SymphonyOptions, UnchangedWrites,
    },
    pages, terms,
};

/// A rename changes the name only: other members are ignored, `type` among them.
#[derive(Deserialize)]
struct Request {
    name: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// `GET …/dictionaries`: newest versions, without content.
pub fn list(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let page = pages::wanted(call, &inner.options)?;
    let listed = |one: &&Dictionary| !one.deleted && one.origin.visible_from <= call.elapsed;
    let mut all: Vec<&Dictionary> = inner.estate.dictionaries.values().filter(listed).collect();
    match inner.options.list_order {
        ListOrder::Created => all.sort_by_key(|one| one.origin.serial),
        ListOrder::Name => all.sort_by(|one, other| one.current.name.cmp(&other.current.name)),
        ListOrder::Updated => {
            all.sort_by_key(|one| (std::cmp::Reverse(one.current.updated), one.origin.serial));
        }
    }
    let rendered = all.into_iter().map(|one| metadata(one, &one.current)).collect();
    Ok(Answer::Json(inner.page(call, "items", rendered, page)))
}

/// `GET …/dictionaries/{id}`.
pub fn read(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let dictionary = own(inner, call)?;
    Ok(Answer::data(metadata(dictionary, edition(dictionary, call, &inner.options)?)))
}

/// `POST …/dictionaries`: empty at first.
pub fn create(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let request = request(call)?;
    let name = names::trimmed(request.name.as_deref(), &inner.options)?;
    let kind = request.kind.unwrap_or_else(|| "Word".to_owned());
    names::word("type", &kind, &DICTIONARY_TYPES, &inner.options)?;
    unique(inner, &name, None)?;
    let delay = inner.new_delay();
    let id = inner.estate.add_dictionary(name, kind, call.hand(), delay);
    inner.estate.counters.dictionaries_created += 1;
    Ok(answer(inner, &id))
}

/// `PUT …/dictionaries/{id}`: raises its version and that of every policy that uses it.
pub fn rename(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let stored = own(inner, call)?.clone();
    let name = names::trimmed(request(call)?.name.as_deref(), &inner.options)?;
    unique(inner, &name, Some(&stored.dict_id))?;
    if stored.current.name != name || inner.options.unchanged_writes == UnchangedWrites::Raise {
        inner.rename_dictionary(&stored.dict_id, &name, call.hand()).map_err(Failure::malformed)?;
    }
    Ok(answer(inner, &stored.dict_id))
}

/// `DELETE …/dictionaries/{id}`.
pub fn delete(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let id = own(inner, call)?.dict_id.clone();
    let used = !inner.estate.users_of(&id).is_empty();
    if used && inner.options.referenced_dictionary == ReferencedDictionary::Refuse {
        let message = "the dictionary is used by policies";
        return Err(Failure::inner(inner.options.forbidden_state_status, message));
    }
    inner.remove_dictionary(&id, call.hand()).map_err(Failure::malformed)?;
    Ok(answer(inner, &id))
}

/// `GET …/dictionaries/{id}/data/download`.
pub fn download(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let content = own(inner, call).and_then(|dictionary| {
        let edition = edition(dictionary, call, &inner.options)?;
        Ok(terms::download(&dictionary.kind, &edition.content, inner.options.content_form))
    });
    let octets = inner.options.download_errors == DownloadErrors::Octets;
    content
        .map(|content| Answer::Base64(STANDARD.encode(content)))
        .map_err(|failure| Failure { octets, ..failure })
}

/// `POST …/dictionaries/{id}/data/upload`: replaces all content.
pub fn upload(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let stored = own(inner, call)?.clone();
    let kind = call.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content =
        multipart::part(kind.unwrap_or_default(), &call.body, "data").map_err(Failure::malformed)?;
    terms::check(&stored.kind, &content, &inner.options)?;
    if stored.current.content != content || inner.options.unchanged_writes == UnchangedWrites::Raise {
        if let Some(dictionary) = inner.estate.dictionaries.get_mut(&stored.dict_id) {
            dictionary.revise(call.now, |next| next.content = content).map_err(Failure::malformed)?;
        }
    }
    Ok(answer(inner, &stored.dict_id))
}

impl Inner {
    /// Gives a dictionary a name, with the versions that raises (section 6, Rename).
    ///
    /// # Errors
    /// A sentence: after the last version there is none.
    pub fn rename_dictionary(&mut self, id: &str, name: &str, hand: Hand) -> Result<(), String> {
        let Some(dictionary) = self.estate.dictionaries.get_mut(id) else { return Ok(()) };
        dictionary.revise(hand.now, |next| name.clone_into(&mut next.name))?;
        let newest = dictionary.reference();
        for policy in self.estate.users_of(id) {
            let Some(policy) = self.estate.policies.get_mut(&policy) else { continue };
            policy.revise(hand.now, |next| {
                next.content.retain_references(|reference| {
                    if reference.dict_id == id {
                        reference.clone_from(&newest);
                    }
                    true
                });
            })?;
        }
        Ok(())
    }

    /// Deletes a dictionary and takes it out of the policies that use it; those left without any
    /// are disabled, as by an empty list.
    ///
    /// # Errors
    /// A sentence: after the last version there is none.
    pub fn remove_dictionary(&mut self, id: &str, hand: Hand) -> Result<(), String> {
        for policy in self.estate.users_of(id) {
            let Some(policy) = self.estate.policies.get_mut(&policy) else { continue };
            policy.revise(hand.now, |next| next.content.retain_references(|one| one.dict_id != id))?;
            if policy.current.content.is_empty() {
                (policy.current.active, policy.current.disabled) = (false, Some(hand.now));
            }
        }
        if let Some(dictionary) = self.estate.dictionaries.get_mut(id) {
            dictionary.deleted = true;
        }
        Ok(())
    }

    /// Deletes a dictionary that no policy uses any more.
    pub fn delete_if_unused(&mut self, id: &str) {
        if self.estate.users_of(id).is_empty() {
            if let Some(dictionary) = self.estate.dictionaries.get_mut(id) {
                dictionary.deleted = true;
            }
        }
    }
}

fn request(call: &Call) -> Result<Request, Failure> {
    serde_json::from_slice(&call.body).map_err(|error| Failure::malformed(error.to_string()))
}

fn own<'a>(inner: &'a Inner, call: &Call) -> Result<&'a Dictionary, Failure> {
    inner.estate.dictionary(&call.id).ok_or_else(|| {
        let message = format!("dictionary {} can not be found in database", call.id);
        Failure::inner(inner.options.unknown_id_status, message)
    })
}

fn edition<'a>(
    dictionary: &'a Dictionary,
    call: &Call,
    options: &SymphonyOptions,
) -> Result<&'a Edition, Failure> {
    dictionary.edition(call.version("dictVersion")?).ok_or_else(|| {
        let message = "this version of the dictionary can not be found in database";
        Failure::inner(options.unknown_id_status, message)
    })
}

fn unique(inner: &Inner, name: &str, except: Option<&str>) -> Result<(), Failure> {
    let options = &inner.options;
    let taken = inner.estate.dictionaries.values().any(|one| {
        names::same(&one.current.name, name, options)
            && except != Some(&one.dict_id)
            && (!one.deleted || options.deleted_names == DeletedNames::Taken)
    });
    if taken {
        let message = format!("a dictionary named {name:?} exists already");
        return Err(Failure::inner(options.duplicate_name_status, message));
    }
    Ok(())
}

fn answer(inner: &Inner, id: &str) -> Answer {
    let shown = inner.estate.dictionaries.get(id).map(|one| metadata(one, &one.current));
    Answer::data(shown.unwrap_or_default())
}

/// No `md5`, no `numKeywords`: no public answer has them.
fn metadata(dictionary: &Dictionary, edition: &Edition) -> Value {
    json!({
        "dictRef": {
            "dictId": dictionary.dict_id,
            "name": edition.name,
            "version": edition.version.to_string(),
        },
        "type": dictionary.kind,
        "creatorId": dictionary.origin.creator.to_string(),
        "creationDate": dictionary.origin.created.as_millisecond(),
        "lastUpdatedDate": edition.updated.as_millisecond(),
    })
}
