//! One list with its watch, for ever.

use std::time::Duration;

use futures::{FutureExt, Stream, StreamExt};
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Client,
    core::PartialObjectMeta,
    runtime::{
        utils::Backoff,
        watcher::{self, Event, watcher},
    },
};

use super::{
    decode::{Incoming, Ours},
    handle::{Change, IndexHandle},
};
use crate::index::{Feed, Object};

/// What a stream gives.
type Happened = watcher::Result<Change>;

/// Objects asked for at once. A page is held as text and as objects at the same time, so that large
/// ones would be most of what a start needs beyond what stays.
const PAGE: u32 = 500;
/// Events taken in at once, at most.
const BATCH: usize = 500;
/// Seconds a watch may last: a stalled one is noticed five seconds later (F9).
const WATCH_SECONDS: u32 = 240;
/// Longer than the longest pause between two attempts: without an error for so long it works again.
const RECOVERED: Duration = Duration::from_mins(2);
/// Pause between two attempts, should the backoff ever run out.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Answers in a row, other than a plain refusal, after which a list counts as not readable.
const PATIENCE: u32 = 3;

/// Follows a kind of ours.
pub(super) async fn follow<K: Ours>(client: Client, feed: Feed, handle: IndexHandle) {
    let api = K::api(&client, feed.namespace.as_deref());
    pump(watcher(api, config()).map(|event| event.map(changes_of)), feed, handle).await;
}

/// Follows the labels of Namespaces.
pub(super) async fn follow_namespaces(client: Client, feed: Feed, handle: IndexHandle) {
    let api: Api<PartialObjectMeta<Namespace>> = Api::all(client);
    pump(watcher(api, config()).map(|event| event.map(labels_of)), feed, handle).await;
}

fn config() -> watcher::Config {
    watcher::Config::default().timeout(WATCH_SECONDS).page_size(PAGE)
}

fn changes_of<K: Ours>(event: Event<Incoming<K>>) -> Change {
    let arrived = |Incoming { arrived, status, .. }: Incoming<K>| Change::Arrived { arrived, status };
    match event {
        Event::Init => Change::Begin,
        Event::InitDone => Change::End,
        Event::Apply(object) | Event::InitApply(object) => arrived(object),
        Event::Delete(object) => Change::Gone(Box::new(object.arrived.metadata().clone())),
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
            Change::Arrived { arrived: Object::Namespace(Box::new(metadata)).into(), status: None }
        }
        Event::Delete(object) => Change::Gone(Box::new(object.metadata)),
    }
}

/// Feeds the index, batch by batch: whatever is ready is taken in at once.
async fn pump(events: impl Stream<Item = Happened> + Send, feed: Feed, handle: IndexHandle) {
    let mut events = std::pin::pin!(events);
    let mut health = Health::default();
    loop {
        let batch = match tokio::time::timeout(RECOVERED, ready(&mut events)).await {
            Ok(batch) => batch,
            Err(_) if health.is_troubled() => {
                let mut changes = Vec::new();
                health.recovered(&mut changes);
                handle.absorb(&feed, changes);
                continue;
            }
            Err(_) => continue,
        };
        let failed = batch.last().is_none_or(Result::is_err);
        let mut changes = Vec::with_capacity(batch.len());
        for event in batch {
            health.judge(&feed, event, &mut changes);
        }
        handle.absorb(&feed, changes);
        if failed {
            tokio::time::sleep(health.pause()).await;
        }
    }
}

/// Waits for an event, and takes along what else is ready, up to an error: the next attempt starts
/// as soon as somebody asks for more.
async fn ready(events: &mut (impl Stream<Item = Happened> + Unpin)) -> Vec<Happened> {
    let mut batch = Vec::new();
    batch.extend(events.next().await);
    while batch.last().is_some_and(Result::is_ok) && batch.len() < BATCH {
        let Some(event) = events.next().now_or_never().flatten() else { break };
        batch.push(event);
    }
    batch
}

/// What the last attempts came to.
#[derive(Default)]
struct Health {
    answers: u32,
    barred: bool,
    /// Not `WatchStreamExt::default_backoff`: that starts anew with every `Init`, which comes before
    /// each attempt to list, so that a list that is refused would be tried once a second for ever.
    backoff: watcher::DefaultBackoff,
}

impl Health {
    fn is_troubled(&self) -> bool {
        self.answers > 0
    }

    /// How long to wait before the next attempt.
    fn pause(&mut self) -> Duration {
        self.backoff.next().unwrap_or(LONGEST_PAUSE)
    }

    /// It works: says so where it did not before.
    fn recovered(&mut self, changes: &mut Vec<Change>) {
        self.backoff.reset();
        if std::mem::take(&mut self.answers) > 0 {
            changes.push(Change::Works);
        }
        self.barred = false;
    }

    /// What an event means for the index.
    fn judge(&mut self, feed: &Feed, event: Happened, changes: &mut Vec<Change>) {
        match event {
            // Comes before anything was asked.
            Ok(Change::Begin) => changes.push(Change::Begin),
            Ok(change) => {
                self.recovered(changes);
                changes.push(change);
            }
            Err(error) => changes.extend(self.failed(feed, &error)),
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

/// What was answered, and what to do where that is known.
fn told(code: u16, message: &str) -> String {
    let help = match code {
        404 => {
            "; the API server has no such kind: bring this version's CRDs (helm upgrade with crds.enabled=true, or \
                ordain crds | kubectl apply --server-side -f -)"
        }
        403 => {
            "; the operator's role lacks this right, as after an upgrade without its RBAC: apply the chart's"
        }
        _ => "",
    };
    format!("{message}{help}")
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
            Some((verb, told(status.code, status.message.trim()), refused))
        }
        kube::Error::SerdeError(_) => Some((verb, inner.to_string(), false)),
        _ => None,
    }
}
