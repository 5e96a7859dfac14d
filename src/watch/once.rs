//! Everything of the cluster listed once, decoded as the streams decode it: for whoever does not stay.

use std::collections::BTreeMap;

use k8s_openapi::{api::core::v1::Namespace, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::{Client, Resource, core::Request};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::decode::{Arrived, Incoming, Ours};
use crate::{
    api::{Backend, ClusterBackend, ExternalObject, Policy, PolicyAssignment, TargetGroup},
    index::{Feed, Kind, Object, Scope},
    model::{BackendId, BackendKind, ObjectName},
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
    /// Generation that the status of an assignment speaks of.
    pub observed: BTreeMap<ObjectName, i64>,
    /// Generations of an assignment and of its Policy for which its status says that all is applied.
    pub applied: BTreeMap<ObjectName, (i64, i64)>,
    /// What backends say of the removals that are held on them.
    pub held: BTreeMap<BackendId, String>,
    /// `status.account.fingerprint` of backends.
    pub accounts: BTreeMap<BackendId, String>,
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
            Kind::Policy => objects::<Policy>(client, &feed, &mut listed).await,
            Kind::TargetGroup => objects::<TargetGroup>(client, &feed, &mut listed).await,
            Kind::Backend => objects::<Backend>(client, &feed, &mut listed).await,
            Kind::ClusterBackend => objects::<ClusterBackend>(client, &feed, &mut listed).await,
            Kind::PolicyAssignment => objects::<PolicyAssignment>(client, &feed, &mut listed).await,
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
    let decode = |text: Box<RawValue>| {
        let Labelled { metadata } = serde_json::from_str(text.get()).map_err(kube::Error::SerdeError)?;
        Ok(Object::Namespace(Box::new(metadata)).into())
    };
    pages(client, &Namespace::url_path(&(), None)).await?.into_iter().map(decode).collect()
}

async fn objects<K: Ours>(
    client: &Client,
    feed: &Feed,
    listed: &mut Listed,
) -> Result<Vec<Arrived>, kube::Error> {
    let texts = pages(client, &K::url_path(&(), feed.namespace.as_deref())).await?;
    let mut objects = Vec::with_capacity(texts.len());
    for text in &texts {
        let incoming: Incoming<K> = serde_json::from_str(text.get()).map_err(kube::Error::SerdeError)?;
        listed.note(feed.kind, incoming.arrived.metadata(), text);
        objects.push(incoming.arrived);
    }
    Ok(objects)
}

/// What the operator said; a status that cannot be read says nothing.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Told {
    status: Status,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    observed_generation: Option<i64>,
    policy_generation: Option<i64>,
    conditions: Vec<Condition>,
    objects: Vec<ExternalObject>,
    account: Option<Account>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
    message: String,
    observed_generation: Option<i64>,
}

impl Status {
    /// The condition, if it is true.
    fn holds(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.kind == kind && condition.status == "True")
    }

    /// Generations of an assignment and of its Policy that it says to be applied.
    fn applied(&self) -> Option<(i64, i64)> {
        let ready = self.holds("Ready")?;
        ready.observed_generation.zip(self.policy_generation)
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Account {
    fingerprint: String,
}

impl Listed {
    fn note(&mut self, kind: Kind, meta: &ObjectMeta, text: &RawValue) {
        let part = |part: &Option<String>| part.as_deref().unwrap_or_default().to_owned();
        let (namespace, name) = (part(&meta.namespace), part(&meta.name));
        let kind = match kind {
            Kind::Backend => BackendKind::Backend,
            Kind::ClusterBackend => BackendKind::ClusterBackend,
            Kind::PolicyAssignment => {
                let (name, status) = (ObjectName::new(namespace, name), told(text));
                self.observed.extend(status.observed_generation.map(|seen| (name.clone(), seen)));
                self.applied.extend(status.applied().map(|applied| (name.clone(), applied)));
                self.known.insert(name, status.objects);
                return;
            }
            Kind::Namespace | Kind::Policy | Kind::TargetGroup => return,
        };
        let status = told(text);
        let id = BackendId { kind, namespace: namespace.into(), name: name.into() };
        self.held.extend(status.holds("Held").map(|held| (id.clone(), held.message.clone())));
        let fingerprint = status.account.map(|account| account.fingerprint);
        self.accounts.extend(fingerprint.filter(|text| !text.is_empty()).map(|text| (id, text)));
    }
}

fn told(text: &RawValue) -> Status {
    serde_json::from_str::<Told>(text.get()).unwrap_or_default().status
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
    each_page(client, path, |page| items.extend(page)).await?;
    Ok(items)
}

/// The items of one page after the other, so that not all of them are held as text at once.
pub(super) async fn each_page(
    client: &Client,
    path: &str,
    mut take: impl FnMut(Vec<Box<RawValue>>),
) -> Result<(), kube::Error> {
    let mut params = kube::api::ListParams::default().limit(PAGE);
    loop {
        let request = Request::new(path).list(&params).map_err(kube::Error::BuildRequest)?;
        let page: Page = client.request(request).await?;
        take(page.items);
        match page.metadata.next.filter(|next| !next.is_empty()) {
            Some(next) => params = params.continue_token(&next),
            None => return Ok(()),
        }
    }
}
