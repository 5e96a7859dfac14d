//! Reads: one object, a page of a collection, at a revision.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::call::Call;
use super::cluster::Cluster;
use super::failure::Failure;
use super::resource::Resource;
use super::select::Selector;
use super::store::Key;

/// A server that is behind for one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    /// What it still shows.
    pub revision: u64,
    /// Whether consistent reads (no resourceVersion) are stale too. No healthy server does that;
    /// one restored from a backup does.
    pub quorum: bool,
}

const EXPIRED: &str = "The provided continue parameter is too old to display a consistent list result. \
     You can start a new list without the continue parameter, or use the continue token in this response \
     to retrieve the remainder of the results. Continuing with the provided token results in an \
     inconsistent list - objects that were created, modified, or deleted between the time the first chunk \
     was returned and now may show up in the list.";

impl Cluster {
    /// The newest revision that cached reads and watches of a resource show.
    pub fn visible(&self, resource: &str) -> u64 {
        self.lags.get(resource).map_or(self.store.revision(), |lag| lag.revision.min(self.store.revision()))
    }

    /// The revision that consistent reads of a resource show.
    fn consistent(&self, resource: &str) -> u64 {
        let lag = self.lags.get(resource).filter(|lag| lag.quorum);
        lag.map_or(self.store.revision(), |lag| lag.revision)
    }

    /// At which revision a read is served.
    fn read_at(&self, call: &Call) -> Result<u64, Failure> {
        let visible = self.visible(call.resource.plural);
        let exact = call.parameter("resourceVersionMatch") == Some("Exact");
        match call.parameter("resourceVersion") {
            None => Ok(self.consistent(call.resource.plural)),
            Some("0") => Ok(visible),
            Some(text) => {
                let asked = text.parse().map_err(|_| Failure::bad_request("invalid resource version"))?;
                if asked > visible {
                    Err(Failure::too_large(asked, visible))
                } else if exact && asked < self.store.floor() {
                    Err(Failure::expired("The resourceVersion for the provided list is too old."))
                } else {
                    Ok(if exact { asked } else { visible })
                }
            }
        }
    }

    /// One object.
    ///
    /// # Errors
    /// 404, or 504 for a revision from the future.
    pub fn fetch(&self, call: &Call) -> Result<Value, Failure> {
        let revision = self.read_at(call)?;
        let key = call.key();
        let found = if revision >= self.store.revision() {
            self.store.get(&key).cloned()
        } else {
            self.store.at(call.resource.plural, revision).remove(&key)
        };
        let object = found.ok_or_else(|| Failure::not_found(call.resource, &call.name))?;
        Ok(represent(call.metadata_only, &object))
    }

    /// A page of a collection.
    ///
    /// # Errors
    /// 410 for a continue token whose revision is compacted, 400 for one that is none.
    pub fn list(&self, call: &Call) -> Result<Value, Failure> {
        let selector = Selector::of(call)?;
        let token = call.parameter("continue").map(Token::decode).transpose()?;
        let revision = match &token {
            Some(token) if token.revision.is_some_and(|revision| revision < self.store.floor()) => {
                let mut failure = Failure::expired(EXPIRED);
                failure.resume = Some(Token { revision: None, ..token.clone() }.encode());
                return Err(failure);
            }
            Some(token) => token.revision.unwrap_or(self.store.revision()),
            None => self.read_at(call)?,
        };
        let cached = call.parameter("resourceVersion") == Some("0");
        let limit = call
            .parameter("limit")
            .and_then(|limit| limit.parse().ok())
            .filter(|limit| *limit > 0 && !cached);
        let objects = self.store.at(call.resource.plural, revision);
        let from = token.map_or(Bound::Unbounded, |token| {
            Bound::Excluded(Key { resource: call.resource.plural, path: token.after })
        });
        let rest: Vec<_> =
            objects.range((from, Bound::Unbounded)).filter(|(k, v)| selector.matches(k, v)).collect();
        Ok(page(call, &selector, &rest, limit.unwrap_or(usize::MAX), revision))
    }

    /// All objects a watch may see at a revision, for its initial events.
    pub fn snapshot(&self, resource: &'static str, revision: u64) -> BTreeMap<Key, Arc<Value>> {
        self.store.at(resource, revision)
    }
}

fn page(
    call: &Call,
    selector: &Selector,
    rest: &[(&Key, &Arc<Value>)],
    limit: usize,
    revision: u64,
) -> Value {
    let shown = &rest[..limit.min(rest.len())];
    let mut metadata = json!({"resourceVersion": revision.to_string()});
    if let (true, Some((last, _))) = (rest.len() > shown.len(), shown.last()) {
        metadata["continue"] = Token { revision: Some(revision), after: last.path.clone() }.encode().into();
        if selector.is_open() {
            metadata["remainingItemCount"] = (rest.len() - shown.len()).into();
        }
    }
    let items: Vec<Value> = shown.iter().map(|(_, object)| item(call, object)).collect();
    let (api_version, kind) = if call.metadata_only {
        ("meta.k8s.io/v1".to_owned(), "PartialObjectMetadataList".to_owned())
    } else {
        (call.resource.api_version(), format!("{}List", call.resource.kind))
    };
    json!({"apiVersion": api_version, "kind": kind, "metadata": metadata, "items": items})
}

/// Items of built-in lists come without their type.
fn item(call: &Call, object: &Value) -> Value {
    let mut item = represent(call.metadata_only, object);
    if !call.resource.custom && !call.metadata_only {
        let members = item.as_object_mut().expect("stored objects are objects");
        members.remove("apiVersion");
        members.remove("kind");
    }
    item
}

/// An object as asked for: whole, or its metadata alone.
pub fn represent(metadata_only: bool, object: &Value) -> Value {
    if metadata_only {
        json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]})
    } else {
        object.clone()
    }
}

/// A continue token. Without a revision it goes on inconsistently, as offered with a 410.
#[derive(Debug, Clone)]
struct Token {
    revision: Option<u64>,
    after: String,
}

impl Token {
    fn encode(&self) -> String {
        let revision = self.revision.map_or(json!(-1), |revision| json!(revision));
        let token = json!({"v": "meta.k8s.io/v1", "rv": revision, "start": self.after});
        URL_SAFE_NO_PAD.encode(token.to_string())
    }

    fn decode(text: &str) -> Result<Self, Failure> {
        let invalid = || Failure::bad_request("continue key is not valid");
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid())?;
        let token: Value = serde_json::from_slice(&bytes).map_err(|_| invalid())?;
        let after = token["start"].as_str().ok_or_else(invalid)?.to_owned();
        Ok(Self { revision: token["rv"].as_u64(), after })
    }
}

/// The bare object bookmarks carry.
pub fn bookmark(resource: &Resource, metadata_only: bool, revision: u64, initial_end: bool) -> Value {
    let mut metadata = json!({"resourceVersion": revision.to_string(), "creationTimestamp": null});
    if initial_end {
        metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
    }
    if metadata_only {
        return json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata});
    }
    json!({"kind": resource.kind, "apiVersion": resource.api_version(), "metadata": metadata})
}
