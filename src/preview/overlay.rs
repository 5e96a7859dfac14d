//! The cluster as it would be: the manifests laid over what it holds. Pure.
//!
//! As `kubectl apply` does it: the spec is the manifest's, annotations that others wrote stay, and the API server keeps uid
//! and status and raises the generation where the spec differs. What it would refuse is an error here.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};

use super::manifest::Manifest;
use crate::{
    api::validate::{self, Invalid},
    index::{Feed, Kind, Object},
    model::Uid,
    watch::{Arrived, Listed},
};

/// The outcome.
pub(crate) struct LaidOver {
    /// All objects, by the list they would come in.
    pub objects: Vec<(Feed, Vec<Arrived>)>,
    /// Uids of what the manifests name.
    pub uids: BTreeSet<Uid>,
    /// What is odd about it.
    pub notes: Vec<String>,
}

/// Lays the manifests over what was listed.
///
/// # Errors
/// What the API server would refuse, one line each.
pub(crate) fn overlay(
    listed: &Listed,
    manifests: &[Manifest],
    now: Timestamp,
) -> Result<LaidOver, Vec<String>> {
    let mut out = LaidOver { objects: listed.objects.clone(), uids: BTreeSet::new(), notes: Vec::new() };
    let mut errors = Vec::new();
    for manifest in manifests {
        let Some(list) = list_of(&mut out.objects, manifest) else {
            errors.push(format!(
                "{}: {}: its namespace is not among those that are worked in (--watch-namespaces)",
                manifest.source,
                manifest.title()
            ));
            continue;
        };
        let standing = list.iter().position(|object| same(object.metadata(), manifest));
        let living = standing.and_then(|at| list.get(at));
        let refused = living.map(|living| refused(living, &manifest.object)).unwrap_or_default();
        errors.extend(
            refused.iter().map(|problem| format!("{}: {}: {problem}", manifest.source, manifest.title())),
        );
        let object = laid_over(living, manifest, now);
        out.uids.extend(object.metadata().uid.as_deref().map(|uid| Uid(uid.into())));
        standing.map(|at| list.remove(at));
        list.push(object.into());
    }
    if errors.is_empty() {
        out.notes = missing_namespaces(&out.objects, manifests);
        Ok(out)
    } else {
        Err(errors)
    }
}

/// The list it would come in.
fn list_of<'a>(objects: &'a mut [(Feed, Vec<Arrived>)], manifest: &Manifest) -> Option<&'a mut Vec<Arrived>> {
    let carries = |feed: &Feed| {
        feed.kind == manifest.kind
            && feed.namespace.as_ref().is_none_or(|namespace| *namespace == manifest.name.namespace)
    };
    objects.iter_mut().find(|(feed, _)| carries(feed)).map(|(_, list)| list)
}

fn same(meta: &ObjectMeta, manifest: &Manifest) -> bool {
    meta.name.as_deref() == Some(&manifest.name.name)
        && meta.namespace.as_deref().unwrap_or_default() == &*manifest.name.namespace
}

fn laid_over(living: Option<&Arrived>, manifest: &Manifest, now: Timestamp) -> Object {
    let mut object = manifest.object.clone();
    let changed = living.is_none_or(|living| spec_differs(living, &manifest.object));
    let meta = object.metadata_mut();
    let (labels, annotations) = (meta.labels.take(), meta.annotations.take());
    *meta = match living {
        Some(living) => living.metadata().clone(),
        None => ObjectMeta {
            uid: Some(format!("planned: {}", manifest.title())),
            creation_timestamp: Some(Time(now)),
            ..std::mem::take(meta)
        },
    };
    meta.generation = Some(meta.generation.unwrap_or_default() + i64::from(changed));
    meta.labels = merged(meta.labels.take(), labels);
    meta.annotations = merged(meta.annotations.take(), annotations);
    object
}

type Words = Option<std::collections::BTreeMap<String, String>>;

fn merged(standing: Words, new: Words) -> Words {
    let both = standing.into_iter().flatten().chain(new.into_iter().flatten());
    Some(both.collect()).filter(|words: &std::collections::BTreeMap<_, _>| !words.is_empty())
}

fn spec_differs(living: &Arrived, new: &Object) -> bool {
    let Arrived::Object(living) = living else { return true };
    match (living, new) {
        (Object::Policy(a), Object::Policy(b)) => a.spec != b.spec,
        (Object::TargetGroup(a), Object::TargetGroup(b)) => a.spec != b.spec,
        (Object::Assignment(a), Object::Assignment(b)) => a.spec != b.spec,
        (Object::Backend(a), Object::Backend(b)) => a.spec != b.spec,
        (Object::ClusterBackend(a), Object::ClusterBackend(b)) => a.spec != b.spec,
        _ => false,
    }
}

/// What may not change.
fn refused(living: &Arrived, new: &Object) -> Vec<Invalid> {
    let Arrived::Object(living) = living else { return Vec::new() };
    match (living, new) {
        (Object::Policy(a), Object::Policy(b)) => validate::policy_update(&a.spec, &b.spec),
        (Object::Assignment(a), Object::Assignment(b)) => validate::assignment_update(&a.spec, &b.spec),
        (Object::Backend(a), Object::Backend(b)) => validate::backend_update(&a.spec, &b.spec),
        (Object::ClusterBackend(a), Object::ClusterBackend(b)) => {
            validate::backend_update(&a.spec.backend, &b.spec.backend)
        }
        _ => Vec::new(),
    }
}

/// Namespaces that have to be made first.
fn missing_namespaces(objects: &[(Feed, Vec<Arrived>)], manifests: &[Manifest]) -> Vec<String> {
    let there: BTreeSet<&str> = objects
        .iter()
        .filter(|(feed, _)| feed.kind == Kind::Namespace)
        .flat_map(|(_, list)| list.iter().filter_map(|object| object.metadata().name.as_deref()))
        .collect();
    let wanted: BTreeSet<&str> = manifests
        .iter()
        .filter(|manifest| manifest.kind.is_namespaced())
        .map(|manifest| &*manifest.name.namespace)
        .collect();
    let missing = wanted.difference(&there);
    missing
        .map(|name| format!("namespace {name} does not exist: make it before these manifests are applied"))
        .collect()
}
