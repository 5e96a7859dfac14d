//! Everything of the cluster listed once, decoded as the streams decode it: for whoever does not stay.

use std::collections::BTreeMap;

use kube::{
    Client, Resource,
    core::Request,
};
use k8s_openapi::{api::core::v1::Namespace, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::decode::{Arrived, Incoming, Ours};
use crate::{
    api::{Backend, ClusterBackend, ExternalObject, Policy, PolicyAssignment, TargetGroup},
    index::{Feed, Kind, Object, Scope},
    model::ObjectName,
};

/// Objects asked for at once.
const PAGE: u32 = 500;

/// What the cluster holds.
#[derive(Debug, Default)]
pub struct Listed {
    /// Objects by the list they came in.
    pub objects: Vec<(Feed, Vec<Arrived>)>,
    /// `status.objects` of assignments, as far as it can be read.
    pub known: BTreeMap<ObjectName, Vec<ExternalObject>>,
}

/// A kind that cannot be listed.
#[derive(Debug, thiserror::Error)]
#[error("cannot list {feed}")]
pub struct ListError {
    feed: Feed,
    #[source]
    source: kube::Error,
}

/// Lists every kind of a scope, page by page, and watches nothing.
///
/// # Errors
/// [`ListError`], which names the resource; the answer of the API server names who may not.
pub async fn list(client: &Client, scope: &Scope) -> Result<Listed, ListError> {
    let mut listed = Listed::default();
    for feed in scope.feeds() {
        let objects = match feed.kind {
            Kind::Namespace => namespaces(client).await,
            Kind::Policy => objects::<Policy>(client, &feed).await,
            Kind::TargetGroup => objects::<TargetGroup>(client, &feed).await,
            Kind::Backend => objects::<Backend>(client, &feed).await,
            Kind::ClusterBackend => objects::<ClusterBackend>(client, &feed).await,
            Kind::PolicyAssignment => assignments(client, &feed, &mut listed.known).await,
        };
        let objects = objects.map_err(|source| ListError { feed: feed.clone(), source })?;
        listed.objects.push((feed, objects));
    }
    Ok(listed)
}

async fn namespaces(client: &Client) -> Result<Vec<Arrived>, kube::Error> {
    #[derive(Deserialize)]
    struct Labelled {
        metadata: ObjectMeta,
    }
    let texts = pages(client, &Namespace::url_path(&(), None)).await?;
    let decode = |text: &Box<RawValue>| {
        let Labelled { metadata } = serde_json::from_str(text.get()).map_err(kube::Error::SerdeError)?;
        Ok(Object::Namespace(Box::new(metadata)).into())
    };
    texts.iter().map(decode).collect()
}

async fn objects<K: Ours>(client: &Client, feed: &Feed) -> Result<Vec<Arrived>, kube::Error> {
    let texts = pages(client, &K::url_path(&(), feed.namespace.as_deref())).await?;
    texts.iter().map(|text| decoded::<K>(text)).collect()
}

fn decoded<K: Ours>(text: &RawValue) -> Result<Arrived, kube::Error> {
    let incoming: Incoming<K> = serde_json::from_str(text.get()).map_err(kube::Error::SerdeError)?;
    Ok(incoming.arrived)
}

async fn assignments(
    client: &Client,
    feed: &Feed,
    known: &mut BTreeMap<ObjectName, Vec<ExternalObject>>,
) -> Result<Vec<Arrived>, kube::Error> {
    let texts = pages(client, &PolicyAssignment::url_path(&(), feed.namespace.as_deref())).await?;
    let mut objects = Vec::with_capacity(texts.len());
    for text in &texts {
        let arrived = decoded::<PolicyAssignment>(text)?;
        let meta = arrived.metadata();
        let part = |part: &Option<String>| part.as_deref().unwrap_or_default().to_owned();
        let name = ObjectName::new(part(&meta.namespace), part(&meta.name));
        known.insert(name, external(text));
        objects.push(arrived);
    }
    Ok(objects)
}

/// What the operator said of the objects in the system; a status that cannot be read says nothing.
fn external(text: &RawValue) -> Vec<ExternalObject> {
    #[derive(Deserialize, Default)]
    struct Told {
        #[serde(default)]
        status: Status,
    }
    #[derive(Deserialize, Default)]
    struct Status {
        #[serde(default)]
        objects: Vec<ExternalObject>,
    }
    serde_json::from_str::<Told>(text.get()).unwrap_or_default().status.objects
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    metadata: PageMeta,
    items: Vec<Box<RawValue>>,
}

#[derive(Deserialize, Default)]
struct PageMeta {
    #[serde(default, rename = "continue")]
    next: Option<String>,
}

async fn pages(client: &Client, path: &str) -> Result<Vec<Box<RawValue>>, kube::Error> {
    let mut items = Vec::new();
    let mut params = kube::api::ListParams::default().limit(PAGE);
    loop {
        let request = Request::new(path).list(&params).map_err(kube::Error::BuildRequest)?;
        let page: Page = client.request(request).await?;
        items.extend(page.items);
        match page.metadata.next.filter(|next| !next.is_empty()) {
            Some(next) => params = params.continue_token(&next),
            None => return Ok(items),
        }
    }
}
