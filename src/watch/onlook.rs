//! Objects with their whole statuses, for people who look on: listed once, or followed while they do.
//!
//! The operator's own streams keep of a status what writing the next one needs, which is too little to be shown; so
//! whoever looks pays for it with lists or watches of his own, and only while he looks.

use std::time::Duration;

use futures::{FutureExt as _, Stream, StreamExt as _, stream::BoxStream, stream::SelectAll};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{
    Client,
    runtime::{
        utils::{Backoff, StreamBackoff},
        watcher::{self, Event, watcher},
    },
};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::{
    decode::{Arrived, Incoming, Ours, Whole},
    once::each_page,
};
use crate::{
    api::{Backend, ClusterBackend, Policy, PolicyAssignment, TargetGroup},
    index::{Feed, Kind, Object, Scope},
    model::{BackendId, BackendKind, ObjectName, in_full},
    overview::{BackendGlance, Cluster, Seen},
};

/// Between two attempts at a list that cannot be read.
const PAUSE: Duration = Duration::from_secs(5);
/// How long whoever looks waits for a connection, and then for each answer: his client is to give up after it.
pub const ANSWERS: Duration = Duration::from_secs(20);
/// A watch ends after so many seconds, quietly, and goes on in the next: before its silence is taken for none.
const WATCHED: u32 = 15;
/// Longer than an attempt that comes to nothing and the pause before it: without an error for so long a watch works again.
const RECOVERED: Duration = Duration::from_secs(2 * ANSWERS.as_secs() + PAUSE.as_secs() + 5);
/// All lists of one look.
const LOOK: Duration = Duration::from_secs(120);
/// Between two looks, while much is going on.
const PACE: Duration = Duration::from_millis(200);
/// Objects asked for at once.
const PAGE: u32 = 500;

/// Lists what there is to see. What cannot be listed, or not within two minutes, is noted.
pub async fn look(client: &Client, scope: &Scope) -> Cluster {
    let mut cluster = Cluster::default();
    let deadline = Instant::now() + LOOK;
    for feed in feeds(scope) {
        match timeout_at(deadline, list(client, &feed)).await {
            Ok(Ok(listed)) => cluster.replace(&feed, listed),
            Ok(Err(error)) => cluster.fails(&feed, &told(&error)),
            Err(_) => cluster.fails(&feed, "the API server takes too long to answer"),
        }
    }
    cluster
}

async fn list(client: &Client, feed: &Feed) -> Result<Cluster, kube::Error> {
    match feed.kind {
        Kind::Namespace => Ok(Cluster::default()),
        Kind::Policy => listed::<Policy>(client, feed).await,
        Kind::TargetGroup => listed::<TargetGroup>(client, feed).await,
        Kind::Backend => listed::<Backend>(client, feed).await,
        Kind::ClusterBackend => listed::<ClusterBackend>(client, feed).await,
        Kind::PolicyAssignment => listed::<PolicyAssignment>(client, feed).await,
    }
}

/// What people look at: labels of namespaces are not.
fn feeds(scope: &Scope) -> Vec<Feed> {
    scope.feeds().into_iter().filter(|feed| feed.kind != Kind::Namespace).collect()
}

async fn listed<K: Shown>(client: &Client, feed: &Feed) -> Result<Cluster, kube::Error> {
    let (mut cluster, mut broken) = (Cluster::default(), None);
    let path = K::url_path(&(), feed.namespace.as_deref());
    each_page(client, &path, |page| {
        for text in page {
            match serde_json::from_str::<Incoming<K, Whole<K::Status>>>(text.get()) {
                Ok(incoming) => K::put(&mut cluster, incoming),
                Err(error) => broken = Some(error),
            }
        }
    })
    .await?;
    broken.map_or(Ok(cluster), |error| Err(kube::Error::SerdeError(error)))
}

/// The answer of the API server in its own words, or what kept it away.
pub(super) fn told(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => in_full(other),
    }
}

/// Follows what there is to see, until `shown` says that nobody looks any more (`false`).
///
/// It is first told once every kind was listed or is known not to be readable.
pub async fn onlook(client: Client, scope: &Scope, mut shown: impl FnMut(&Cluster) -> bool) {
    let feeds = feeds(scope);
    let mut view = View { missing: feeds.clone(), ..View::default() };
    let mut changes: SelectAll<_> =
        feeds.into_iter().filter_map(|feed| follow(client.clone(), feed)).collect();
    loop {
        if let Ok(news) = timeout(PAUSE, changes.next()).await {
            let Some((feed, news)) = news else { return };
            view.take(feed, news);
        }
        // Whatever else has come meanwhile is shown with it.
        while let Some(Some((feed, news))) = changes.next().now_or_never() {
            view.take(feed, news);
        }
        view.recover(Instant::now());
        if view.missing.is_empty() {
            if !shown(&view.cluster) {
                return;
            }
            sleep(PACE).await;
        }
    }
}

/// What is seen, and how well.
#[derive(Default)]
struct View {
    cluster: Cluster,
    /// Lists that have not been read, and are not known to be unreadable.
    missing: Vec<Feed>,
    /// Lists that were read once.
    read: Vec<Feed>,
    /// Watches that broke off, and when last.
    broken: Vec<(Feed, Instant)>,
}

impl View {
    fn take(&mut self, feed: Feed, news: News) {
        self.broken.retain(|(other, _)| *other != feed);
        match news {
            News::One(change) => {
                self.cluster.works(&feed);
                return change(&mut self.cluster);
            }
            News::All(listed) => {
                self.cluster.replace(&feed, listed);
                if !self.read.contains(&feed) {
                    self.read.push(feed.clone());
                }
            }
            News::Fails(why) => {
                self.cluster.fails(&feed, &why);
                self.broken.push((feed.clone(), Instant::now()));
            }
        }
        self.missing.retain(|other| *other != feed);
    }

    /// A watch that goes on after a break says nothing until something happens: without another error it works again.
    fn recover(&mut self, now: Instant) {
        let (read, cluster) = (&self.read, &mut self.cluster);
        self.broken.retain(|(feed, at)| {
            let works = read.contains(feed) && now.duration_since(*at) >= RECOVERED;
            if works {
                cluster.works(feed);
            }
            !works
        });
    }
}

/// One change of what is seen.
type Change = Box<dyn FnOnce(&mut Cluster) + Send>;

/// What a stream says.
enum News {
    /// The list is complete: this is all of it.
    All(Cluster),
    /// One object is another, or gone.
    One(Change),
    /// It cannot be read.
    Fails(String),
}

fn follow(client: Client, feed: Feed) -> Option<BoxStream<'static, (Feed, News)>> {
    match feed.kind {
        Kind::Namespace => None,
        Kind::Policy => Some(stream::<Policy>(client, feed).boxed()),
        Kind::TargetGroup => Some(stream::<TargetGroup>(client, feed).boxed()),
        Kind::Backend => Some(stream::<Backend>(client, feed).boxed()),
        Kind::ClusterBackend => Some(stream::<ClusterBackend>(client, feed).boxed()),
        Kind::PolicyAssignment => Some(stream::<PolicyAssignment>(client, feed).boxed()),
    }
}

fn stream<K: Shown>(client: Client, feed: Feed) -> impl Stream<Item = (Feed, News)> + Send {
    let api = K::api::<Whole<K::Status>>(&client, feed.namespace.as_deref());
    let events = watcher(api, watcher::Config::default().page_size(PAGE).timeout(WATCHED));
    let events = StreamBackoff::new(events, Steady);
    events
        .scan(Cluster::default(), |listing, event| {
            let news = match event {
                Ok(Event::Init) => {
                    *listing = Cluster::default();
                    None
                }
                Ok(Event::InitApply(object)) => {
                    K::put(listing, object);
                    None
                }
                Ok(Event::InitDone) => Some(News::All(std::mem::take(listing))),
                Ok(Event::Apply(object)) => {
                    Some(News::One(Box::new(move |cluster: &mut Cluster| K::put(cluster, object))))
                }
                Ok(Event::Delete(object)) => {
                    let meta = object.arrived.metadata().clone();
                    Some(News::One(Box::new(move |cluster: &mut Cluster| K::take(cluster, &meta))))
                }
                Err(error) => Some(News::Fails(failed(&error))),
            };
            futures::future::ready(Some(news))
        })
        .filter_map(futures::future::ready)
        .map(move |news| (feed.clone(), news))
}

fn failed(error: &watcher::Error) -> String {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => told(error),
        watcher::Error::WatchError(status) => status.message.clone(),
        other @ watcher::Error::NoResourceVersion => in_full(other),
    }
}

/// The same pause each time: a person waits.
struct Steady;

impl Iterator for Steady {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(PAUSE)
    }
}

impl Backoff for Steady {
    fn reset(&mut self) {}
}

/// A kind that people look at.
trait Shown: Ours<Status: Clone + std::fmt::Debug + Send + Sync + 'static> {
    fn put(cluster: &mut Cluster, incoming: Incoming<Self, Whole<Self::Status>>);
    fn take(cluster: &mut Cluster, meta: &ObjectMeta);
}

macro_rules! shown {
    ($($kind:ident as $object:ident in $table:ident by $key:expr, $glance:expr;)+) => {$(
        impl Shown for $kind {
            fn put(cluster: &mut Cluster, incoming: Incoming<Self, Whole<Self::Status>>) {
                let Incoming { arrived, status, .. } = incoming;
                let meta = arrived.metadata().clone();
                let spec = match arrived {
                    Arrived::Object(Object::$object(object)) => Ok($glance(object.spec)),
                    Arrived::Object(_) => return,
                    Arrived::Undecodable(object) => Err(object.error),
                };
                cluster.$table.insert($key(&meta), Seen::new(&meta, spec, status.map(|Whole(status)| status)));
            }

            fn take(cluster: &mut Cluster, meta: &ObjectMeta) {
                cluster.$table.remove(&$key(meta));
            }
        }
    )+};
}

shown! {
    Policy as Policy in policies by named, Into::into;
    TargetGroup as TargetGroup in groups by named, std::convert::identity;
    PolicyAssignment as Assignment in assignments by named, std::convert::identity;
    Backend as Backend in backends by |meta: &ObjectMeta| id(BackendKind::Backend, meta),
        |spec: crate::api::BackendSpec| BackendGlance { system: spec.system.name() };
    ClusterBackend as ClusterBackend in backends by |meta: &ObjectMeta| id(BackendKind::ClusterBackend, meta),
        |spec: crate::api::ClusterBackendSpec| BackendGlance { system: spec.backend.system.name() };
}

fn part(part: Option<&String>) -> &str {
    part.map(String::as_str).unwrap_or_default()
}

fn named(meta: &ObjectMeta) -> ObjectName {
    ObjectName::new(part(meta.namespace.as_ref()), part(meta.name.as_ref()))
}

fn id(kind: BackendKind, meta: &ObjectMeta) -> BackendId {
    let (namespace, name) = (part(meta.namespace.as_ref()), part(meta.name.as_ref()));
    BackendId { kind, namespace: namespace.into(), name: name.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed() -> Feed {
        Feed { kind: Kind::Policy, namespace: None }
    }

    #[test]
    fn a_watch_that_broke_off_works_again_without_a_word() {
        let mut view = View { missing: vec![feed()], ..View::default() };
        view.take(feed(), News::Fails("forbidden".into()));
        assert!(view.missing.is_empty(), "known not to be readable: it is not waited for");
        view.recover(Instant::now() + RECOVERED * 2);
        assert_eq!(view.cluster.unlisted.len(), 1, "what was never read does not recover by waiting");
        view.take(feed(), News::All(Cluster::default()));
        assert!(view.cluster.unlisted.is_empty(), "read");
        view.take(feed(), News::Fails("connection reset".into()));
        view.recover(Instant::now());
        assert_eq!(view.cluster.unlisted.len(), 1, "just now");
        view.recover(Instant::now() + RECOVERED * 2);
        assert!(view.cluster.unlisted.is_empty(), "no error since");
    }

    #[tokio::test(start_paused = true)]
    async fn an_api_server_that_never_answers_is_told_and_a_look_ends() {
        type Answer =
            std::future::Pending<Result<http::Response<kube::client::Body>, std::convert::Infallible>>;
        let silent =
            tower::service_fn(|_: http::Request<kube::client::Body>| -> Answer { std::future::pending() });
        let cluster = look(&Client::new(silent, "default"), &Scope::All).await;
        assert_eq!(cluster.unlisted.len(), 5, "{:?}", cluster.unlisted);
        assert!(cluster.unlisted.values().all(|one| one.why.contains("too long")), "{:?}", cluster.unlisted);
    }

    #[test]
    fn an_attempt_that_never_answers_fails_before_a_watch_is_said_to_work() {
        assert!(RECOVERED > PAUSE + ANSWERS * 2, "connection, answer, and the pause before");
        assert!(
            Duration::from_secs(WATCHED.into()) < ANSWERS,
            "a watch in which nothing happens is no failure"
        );
    }

    #[test]
    fn a_broken_watch_keeps_what_it_showed_and_news_prove_that_it_works() {
        let mut view = View::default();
        view.take(feed(), News::All(Cluster::default()));
        view.take(feed(), News::Fails("gone".into()));
        let seen = |cluster: &mut Cluster| {
            let policy = Seen {
                uid: crate::model::Uid("u".into()),
                generation: 1,
                deleting: None,
                spec: Err("broken".into()),
                status: None,
            };
            cluster.policies.insert(ObjectName::new("a", "b"), policy);
        };
        view.take(feed(), News::One(Box::new(seen)));
        assert!(view.cluster.unlisted.is_empty());
        view.take(feed(), News::Fails("gone".into()));
        assert_eq!(view.cluster.policies.len(), 1);
    }
}
