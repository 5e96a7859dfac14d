//! HTTP requests read as what they ask an API server for.

use std::collections::BTreeMap;

use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::request::Parts;
use serde_json::Value;

use super::failure::Failure;
use super::resource::Resource;
use super::store::Key;

/// How a PATCH is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchKind {
    /// RFC 7386.
    Merge,
    /// RFC 6902.
    Json,
    /// Server-side apply.
    Apply,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// One object.
    Get,
    /// A collection.
    List,
    /// A collection and its changes.
    Watch,
    /// POST.
    Create,
    /// PUT.
    Update,
    /// PATCH.
    Patch(PatchKind),
    /// DELETE of one.
    Delete,
    /// DELETE of a collection.
    DeleteCollection,
}

impl Verb {
    /// The verb's name in RBAC.
    pub fn rbac(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch(_) => "patch",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
        }
    }
}

/// One request, understood.
#[derive(Debug, Clone)]
pub struct Call {
    /// What is asked for.
    pub verb: Verb,
    /// Of which resource.
    pub resource: &'static Resource,
    /// In which namespace; `None` is all of them, or cluster-scoped.
    pub namespace: Option<String>,
    /// Which object; empty for collections.
    pub name: String,
    /// Subresource; empty for the object itself.
    pub subresource: String,
    /// Query parameters.
    pub query: BTreeMap<String, String>,
    /// Whether only metadata is wanted.
    pub metadata_only: bool,
    /// User agent, where one is sent.
    pub user_agent: Option<String>,
    /// Body, where there is one.
    pub body: Option<Value>,
}

impl Call {
    /// A call that no HTTP request stands for: what users do in tests.
    pub fn own(verb: Verb, resource: &'static Resource, namespace: &str, name: &str) -> Self {
        Self {
            verb,
            resource,
            namespace: (resource.namespaced && !namespace.is_empty()).then(|| namespace.to_owned()),
            name: name.to_owned(),
            subresource: String::new(),
            query: BTreeMap::new(),
            metadata_only: false,
            user_agent: None,
            body: None,
        }
    }

    /// Reads a request.
    ///
    /// # Errors
    /// What a real API server answers to a path or body it does not understand.
    pub fn parse(parts: &Parts, body: &[u8]) -> Result<Self, Failure> {
        let query: BTreeMap<String, String> =
            url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
                .into_owned()
                .collect();
        let place =
            Place::parse(parts.uri.path()).ok_or_else(|| Failure::plain(404, "404 page not found\n"))?;
        let content_type = header(parts, &CONTENT_TYPE).unwrap_or_default();
        let watching = query.get("watch").is_some_and(|watch| watch == "true" || watch == "1");
        let verb = verb(&parts.method, &place, watching, &content_type)?;
        Ok(Self {
            verb,
            resource: place.resource,
            namespace: place.namespace,
            name: place.name,
            subresource: place.subresource,
            query,
            metadata_only: header(parts, &ACCEPT)
                .is_some_and(|accept| accept.contains("as=PartialObjectMetadata")),
            user_agent: header(parts, &USER_AGENT),
            body: decode(body)?,
        })
    }

    /// The key of the object asked for.
    pub fn key(&self) -> Key {
        Key::new(self.resource, self.namespace.as_deref().unwrap_or_default(), &self.name)
    }

    /// `resource` or `resource/subresource`, as RBAC spells it.
    pub fn full_resource(&self) -> String {
        if self.subresource.is_empty() {
            self.resource.plural.into()
        } else {
            format!("{}/{}", self.resource.plural, self.subresource)
        }
    }

    /// A short label: verb, resource, object. The end of an Event's name is left out: kube makes it
    /// of the machine's time, and labels must repeat from run to run.
    pub fn label(&self) -> String {
        let posted = self.body.as_ref().filter(|_| self.verb == Verb::Create);
        let name = posted.and_then(|body| body["metadata"]["name"].as_str()).unwrap_or(&self.name);
        let name = match name.rsplit_once('.') {
            Some((stem, _)) if self.resource.kind == "Event" => stem,
            _ => name,
        };
        let scope = self.namespace.as_ref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
        format!("{} {} {scope}{name}", self.verb.rbac(), self.full_resource()).trim_end().into()
    }

    /// A query parameter, where it is given and not empty.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A boolean query parameter.
    pub fn flag(&self, name: &str) -> bool {
        self.parameter(name).is_some_and(|value| value == "true" || value == "1")
    }

    /// The body, which this call cannot do without.
    ///
    /// # Errors
    /// 400 where it is missing.
    pub fn required_body(&self) -> Result<&Value, Failure> {
        self.body.as_ref().ok_or_else(|| Failure::bad_request("the request needs a body"))
    }
}

fn header(parts: &Parts, name: &http::HeaderName) -> Option<String> {
    parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// JSON, or YAML as server-side apply allows it.
fn decode(body: &[u8]) -> Result<Option<Value>, Failure> {
    if body.is_empty() {
        return Ok(None);
    }
    if let Ok(value) = serde_json::from_slice(body) {
        return Ok(Some(value));
    }
    let text = std::str::from_utf8(body).map_err(|e| Failure::bad_request(e.to_string()))?;
    serde_saphyr::from_str(text).map(Some).map_err(|e| Failure::bad_request(e.to_string()))
}

fn verb(method: &http::Method, place: &Place, watching: bool, content_type: &str) -> Result<Verb, Failure> {
    let collection = place.name.is_empty();
    Ok(match method.as_str() {
        "GET" if watching => Verb::Watch,
        "GET" if collection => Verb::List,
        "GET" => Verb::Get,
        "POST" if collection => Verb::Create,
        "PUT" if !collection => Verb::Update,
        "PATCH" if !collection => Verb::Patch(patch_kind(content_type)?),
        "DELETE" if collection => Verb::DeleteCollection,
        "DELETE" => Verb::Delete,
        _ => {
            return Err(Failure::plain(
                405,
                "the server does not allow this method on the requested resource\n",
            ));
        }
    })
}

fn patch_kind(content_type: &str) -> Result<PatchKind, Failure> {
    match content_type.split(';').next().unwrap_or_default() {
        "application/merge-patch+json" => Ok(PatchKind::Merge),
        "application/json-patch+json" => Ok(PatchKind::Json),
        "application/apply-patch+yaml" => Ok(PatchKind::Apply),
        other => Err(Failure::unsupported(other)),
    }
}

/// The path of a request.
struct Place {
    resource: &'static Resource,
    namespace: Option<String>,
    name: String,
    subresource: String,
}

impl Place {
    fn parse(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (group, version, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            ["namespaces", _, "status" | "finalize"] => (None, rest),
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some((*namespace).to_owned()), rest),
            _ => (None, rest),
        };
        let (plural, name, subresource) = match rest {
            [plural] => (plural, "", ""),
            [plural, name] => (plural, *name, ""),
            [plural, name, subresource] => (plural, *name, *subresource),
            _ => return None,
        };
        let resource = Resource::at_path(group, version, plural)?;
        let served = subresource.is_empty() || (resource.custom && subresource == "status");
        let nowhere = namespace.is_none() && !name.is_empty();
        let scoped = if resource.namespaced { !nowhere } else { namespace.is_none() };
        let found = Self { resource, namespace, name: name.into(), subresource: subresource.into() };
        (served && scoped).then_some(found)
    }
}
