//! Manifests as `kubectl apply -f` takes them: YAML with several documents, JSON, lists. Pure.
//!
//! What is not ours is named and skipped; what is ours and not well formed is an error that names the file, the object and
//! the field. All of them are told, not only the first.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::strict;
use crate::{
    api::{
        API_VERSION, Backend, ClusterBackend, GROUP, Policy, PolicyAssignment, TargetGroup,
        validate::{self, Invalid},
    },
    index::{Kind, Object},
    model::ObjectName,
};

/// A file, and what stands in it.
#[derive(Debug, Clone)]
pub struct Source {
    /// As people call it.
    pub name: String,
    /// YAML or JSON.
    pub text: String,
}

/// One object of the manifests.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// Which kind.
    pub kind: Kind,
    /// Namespace (empty for cluster-scoped ones) and name.
    pub name: ObjectName,
    /// The object, with nothing in its metadata but what a manifest may say.
    pub object: Object,
    /// The file it stands in.
    pub source: String,
}

impl Manifest {
    /// `Kind namespace/name`.
    pub fn title(&self) -> String {
        title(self.kind.as_str(), &self.name.namespace, &self.name.name)
    }

    /// Its name, if it is an assignment.
    pub fn assignment(&self) -> Option<ObjectName> {
        (self.kind == Kind::PolicyAssignment).then(|| self.name.clone())
    }
}

fn title(kind: &str, namespace: &str, name: &str) -> String {
    if namespace.is_empty() { format!("{kind} {name}") } else { format!("{kind} {namespace}/{name}") }
}

/// What was read.
#[derive(Debug, Default)]
pub struct Manifests {
    /// Objects of ours, sorted by kind and name.
    pub objects: Vec<Manifest>,
    /// What was skipped, one line each.
    pub skipped: Vec<String>,
}

/// Reads all sources. `namespace` is that of objects which name none.
///
/// # Errors
/// Everything that is wrong, one line each.
pub fn read(sources: &[Source], namespace: &str) -> Result<Manifests, Vec<String>> {
    let mut read = Manifests::default();
    let mut errors = Vec::new();
    for source in sources {
        let name = &source.name;
        let found = documents(&source.text).map_err(|error| vec![error]);
        for one in found.map_or_else(|error| vec![Err(error)], |all| each(&all, namespace, name)) {
            match one {
                Ok(Found::Ours(manifest)) => read.objects.push(*manifest),
                Ok(Found::Other(what)) => read.skipped.push(format!("{name}: {what}")),
                Err(found) => errors.extend(found.into_iter().map(|error| format!("{name}: {error}"))),
            }
        }
    }
    errors.extend(twice(&read.objects));
    read.objects.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    if errors.is_empty() { Ok(read) } else { Err(errors) }
}

fn each(documents: &[Value], namespace: &str, source: &str) -> Vec<Result<Found, Vec<String>>> {
    documents.iter().map(|document| one(document, namespace, source)).collect()
}

/// An object that stands in two places: which one counts would depend on the order of files.
fn twice(objects: &[Manifest]) -> Vec<String> {
    let mut seen: BTreeMap<(Kind, &ObjectName), &str> = BTreeMap::new();
    let mut errors = Vec::new();
    for object in objects {
        if let Some(first) = seen.insert((object.kind, &object.name), &object.source) {
            errors.push(format!(
                "{}: {} stands in {first} already; keep one of the two",
                object.source,
                object.title()
            ));
        }
    }
    errors
}

/// The documents of a text, with lists taken apart and empty ones left out.
fn documents(text: &str) -> Result<Vec<Value>, String> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).map_err(|error| error.to_string())?;
    Ok(documents.into_iter().flat_map(apart).filter(|document| !document.is_null()).collect())
}

fn apart(document: Value) -> Vec<Value> {
    let is_list = document.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
    match document.get("items").and_then(Value::as_array) {
        Some(items) if is_list => items.clone(),
        _ => vec![document],
    }
}

enum Found {
    Ours(Box<Manifest>),
    Other(String),
}

fn one(document: &Value, namespace: &str, source: &str) -> Result<Found, Vec<String>> {
    let text = |pointer: &str| document.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (version, kind, name) = (text("/apiVersion"), text("/kind"), text("/metadata/name"));
    if version.is_empty() || kind.is_empty() {
        return Err(vec!["a document without apiVersion and kind is no manifest".into()]);
    }
    let own = text("/metadata/namespace");
    let ours = version.split('/').next() == Some(GROUP);
    // A Namespace is Kubernetes' own; its labels may open a ClusterBackend.
    let is_ours = |known: &Kind| if *known == Kind::Namespace { version == "v1" } else { ours };
    let Some(kind) = Kind::ALL.into_iter().find(|known| known.as_str() == kind).filter(is_ours) else {
        if ours {
            return Err(vec![format!("{kind} {name}: {version} has no kind {kind}")]);
        }
        return Ok(Found::Other(title(kind, own, name)));
    };
    if ours && version != API_VERSION {
        return Err(vec![format!("{kind} {name}: apiVersion is {version}, known is {API_VERSION}")]);
    }
    let namespace = match kind.is_namespaced() {
        true if own.is_empty() => namespace,
        true => own,
        false => "",
    };
    let object_name = ObjectName::new(namespace, name);
    let label = title(kind.as_str(), namespace, name);
    let object = object(kind, document, &object_name).map_err(|found| {
        found.into_iter().map(|problem| format!("{label}: {problem}")).collect::<Vec<_>>()
    })?;
    Ok(Found::Ours(Box::new(Manifest { kind, name: object_name, object, source: source.to_owned() })))
}

/// The object, decoded and valid.
fn object(kind: Kind, document: &Value, name: &ObjectName) -> Result<Object, Vec<String>> {
    let metadata = metadata(document, name).map_err(|problem| vec![problem])?;
    if kind == Kind::Namespace {
        return Ok(Object::Namespace(Box::new(metadata)));
    }
    let mut errors = unknown(kind, document);
    let object = decode(kind, document, metadata).map_err(|problem| vec![problem]);
    match object {
        Ok(object) => {
            errors.extend(invalid(&object).iter().map(ToString::to_string));
            if errors.is_empty() { Ok(object) } else { Err(errors) }
        }
        Err(problem) => Err(errors.into_iter().chain(problem).collect()),
    }
}

fn metadata(document: &Value, name: &ObjectName) -> Result<ObjectMeta, String> {
    let meta = document.get("metadata").cloned().unwrap_or_default();
    if name.name.is_empty() {
        return Err("metadata.name is missing; generateName cannot be planned for, so give it a name".into());
    }
    let meta: ObjectMeta = serde_path_to_error::deserialize(&meta)
        .map_err(|e| format!("metadata.{}: {}", e.path(), e.inner()))?;
    Ok(ObjectMeta {
        name: Some(name.name.to_string()),
        namespace: Some(name.namespace.to_string()).filter(|namespace| !namespace.is_empty()),
        labels: meta.labels,
        annotations: meta.annotations,
        ..ObjectMeta::default()
    })
}

/// Fields the kind does not have: at the top, and below `spec`.
fn unknown(kind: Kind, document: &Value) -> Vec<String> {
    const TOP: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];
    let members = document.as_object().into_iter().flatten().map(|(name, _)| name);
    let top = members.filter(|name| !TOP.contains(&name.as_str())).cloned();
    let below = document.get("spec").map(|spec| strict::unknown_fields(kind.as_str(), spec));
    top.chain(below.unwrap_or_default())
        .map(|path| format!("{path}: there is no such field; look for a slip of the pen"))
        .collect()
}

fn decode(kind: Kind, document: &Value, metadata: ObjectMeta) -> Result<Object, String> {
    Ok(match kind {
        Kind::Policy => Object::Policy(Box::new(Policy { metadata, spec: spec(document)?, status: None })),
        Kind::TargetGroup => {
            Object::TargetGroup(Box::new(TargetGroup { metadata, spec: spec(document)?, status: None }))
        }
        Kind::PolicyAssignment => {
            Object::Assignment(Box::new(PolicyAssignment { metadata, spec: spec(document)?, status: None }))
        }
        Kind::Backend => Object::Backend(Box::new(Backend { metadata, spec: spec(document)?, status: None })),
        Kind::ClusterBackend => {
            Object::ClusterBackend(Box::new(ClusterBackend { metadata, spec: spec(document)?, status: None }))
        }
        Kind::Namespace => Object::Namespace(Box::new(metadata)),
    })
}

fn spec<T: DeserializeOwned>(document: &Value) -> Result<T, String> {
    let spec = document.get("spec").ok_or("spec is missing")?;
    serde_path_to_error::deserialize(spec).map_err(|error| {
        let path = error.path().to_string();
        let at = if path == "." { "spec".to_owned() } else { format!("spec.{path}") };
        format!("{at}: {}", error.inner())
    })
}

fn invalid(object: &Object) -> Vec<Invalid> {
    match object {
        Object::Policy(object) => validate::policy(object),
        Object::TargetGroup(object) => validate::target_group_spec(&object.spec),
        Object::Assignment(object) => validate::assignment_spec(&object.spec),
        Object::Backend(object) => validate::backend_spec(&object.spec),
        Object::ClusterBackend(object) => validate::cluster_backend_spec(&object.spec),
        Object::Namespace(_) => Vec::new(),
    }
}
