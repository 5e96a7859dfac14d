//! One list with its watch, for ever.

use std::time::Duration;

use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Client,
    core::PartialObjectMeta,
    runtime::{
        WatchStreamExt,
        watcher::{self, Event, watcher},
    },
};

use super::{
    decode::{Arrived, Incoming, Ours},
    handle::{Change, IndexHandle},
};
use crate::index::{Feed, Object};

/// Events taken in at once: a page of a list.
const BATCH: usize = 500;
/// Seconds a watch may last: a stalled one is noticed five seconds later (F9).
const WATCH_SECONDS: u32 = 240;
/// Longer than the longest pause between two attempts: without an error for so long it works again.
const RECOVERED: Duration = Duration::from_mins(2);
/// Answers in a row, other than a plain refusal, after which a list counts as not readable.
const PATIENCE: u32 = 3;

/// Follows a kind of ours.
pub(super) async fn follow<K: Ours>(client: Client, feed: Feed, handle: IndexHandle) {
    let api = K::api(client, feed.namespace.as_deref());
    pump(watcher(api, config()).map(|event| event.map(changes_of)), feed, handle).await;
}

/// Follows the labels of Namespaces.
pub(super) async fn follow_namespaces(client: Client, feed: Feed, handle: IndexHandle) {
    let api: Api<PartialObjectMeta<Namespace>> = Api::all(client);
    pump(watcher(api, config()).map(|event| event.map(labels_of)), feed, handle).await;
}

fn config() -> watcher::Config {
    watcher::Config::default().timeout(WATCH_SECONDS)
}

fn changes_of<K: Ours>(event: Event<Incoming<K>>) -> Change {
    let arrived = |Incoming { metadata, arrived, status, .. }: Incoming<K>| Change::Arrived {
        metadata: Box::new(metadata),
        arrived,
        status,
    };
    match event {
        Event::Init => Change::Begin,
        Event::InitDone => Change::End,
        Event::Apply(object) | Event::InitApply(object) => arrived(object),
        Event::Delete(object) => Change::Gone(Box::new(object.metadata)),
    }
}

fn labels_of(event: Event<PartialObjectMeta<Namespace>>) -> Change {
    match event {
        Event::Init => Change::Begin,
        Event::InitDone => Change::End,
        Event::Apply(object) | Event::InitApply(object) => {
            let mut metadata = object.metadata;
            metadata.managed_fields = None;
            metadata.annotations = None;
            let arrived = Arrived::Object(Object::Namespace(Box::new(metadata.clone())));
            Change::Arrived { metadata: Box::new(metadata), arrived, status: None }
        }
        Event::Delete(object) => Change::Gone(Box::new(object.metadata)),
    }
}

/// Feeds the index, batch by batch: whatever is ready is taken in at once.
async fn pump(events: impl Stream<Item = watcher::Result<Change>> + Send, feed: Feed, handle: IndexHandle) {
    let mut batches = std::pin::pin!(events.default_backoff().ready_chunks(BATCH));
    let mut health = Health::default();
    loop {
        let batch = match tokio::time::timeout(RECOVERED, batches.next()).await {
            Ok(Some(batch)) => batch.into_iter().filter_map(|event| health.judge(&feed, event)).collect(),
            Ok(None) => return,
            Err(_) if health.is_troubled() => {
                health = Health::default();
                vec![Change::Works]
            }
            Err(_) => continue,
        };
        handle.absorb(&feed, batch);
    }
}

/// What the last attempts came to.
#[derive(Debug, Default)]
struct Health {
    answers: u32,
    barred: bool,
}

impl Health {
    fn is_troubled(&self) -> bool {
        self.answers > 0
    }

    /// A change for the index, or an error to remember.
    fn judge(&mut self, feed: &Feed, event: watcher::Result<Change>) -> Option<Change> {
        match event {
            // Comes before anything was asked.
            Ok(Change::Begin) => Some(Change::Begin),
            Ok(change) => {
                *self = Self::default();
                Some(change)
            }
            Err(error) => self.failed(feed, &error),
        }
    }

    fn failed(&mut self, feed: &Feed, error: &watcher::Error) -> Option<Change> {
        let Some((verb, why, refused)) = answer(error) else {
            tracing::debug!(%feed, %error, "watch interrupted");
            return None;
        };
        self.answers = self.answers.saturating_add(1);
        let barred = refused || self.answers >= PATIENCE;
        if barred && !self.barred {
            tracing::warn!(%feed, verb, why, "cannot be read; what may depend on it waits");
        }
        self.barred = barred;
        barred.then(|| Change::Barred(format!("{verb} {feed}: {why}")))
    }
}

/// The verb that failed, what was answered, and whether that is a plain refusal: no permission, or
/// no such kind. `None` where nothing answered, or the watch has merely expired.
fn answer(error: &watcher::Error) -> Option<(&'static str, String, bool)> {
    let (verb, inner) = match error {
        watcher::Error::InitialListFailed(inner) => ("list", inner),
        watcher::Error::WatchStartFailed(inner) | watcher::Error::WatchFailed(inner) => ("watch", inner),
        watcher::Error::WatchError(status) if status.code == 410 => return None,
        watcher::Error::WatchError(status) => return Some(("watch", status.message.clone(), false)),
        watcher::Error::NoResourceVersion => return Some(("list", error.to_string(), false)),
    };
    match inner {
        kube::Error::Api(status) if status.code == 410 => None,
        kube::Error::Api(status) => {
            let refused = matches!(status.code, 403 | 404);
            Some((verb, status.message.trim().to_owned(), refused))
        }
        kube::Error::SerdeError(_) => Some((verb, inner.to_string(), false)),
        _ => None,
    }
}
