//! Watches, as kube's own watcher sees them.

use std::pin::Pin;
use std::time::Duration;

use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, DynamicObject, PartialObjectMeta, WatchEvent, WatchParams};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Resource, ResourceExt};
use serde_json::json;
use tokio::time::Instant;

use super::{policies, policy, server};
use crate::support::FakeApi;
use crate::support::apiserver::WatchFault;

type Events = Pin<Box<dyn Stream<Item = String> + Send>>;

/// A watcher's events as short words, errors among them.
fn words<K>(stream: impl Stream<Item = watcher::Result<Event<K>>> + Send + 'static) -> Events
where
    K: Resource + 'static,
{
    stream
        .map(|event| match event {
            Ok(event) => event.to_string(),
            Err(watcher::Error::WatchError(status)) => format!("error {}", status.code),
            Err(watcher::Error::WatchFailed(error)) => format!("failed {error}"),
            Err(other) => panic!("{other}"),
        })
        .boxed()
}

async fn take(events: &mut Events, count: usize) -> Vec<String> {
    events.take(count).collect().await
}

/// Nothing comes within an hour.
async fn assert_silent(events: &mut Events) {
    let event = tokio::time::timeout(Duration::from_hours(1), events.next()).await;
    assert!(event.is_err(), "unexpected {event:?}");
}

fn watch_policies(api: &FakeApi, config: watcher::Config) -> Events {
    words(watcher(policies(api), config))
}

async fn lives_through_changes(api: &FakeApi, mut events: Events) {
    assert_eq!(
        take(&mut events, 5).await,
        ["Init", "InitApply(a)", "InitApply(b)", "InitApply(c)", "InitDone"]
    );
    api.apply(policy("b", "changed"));
    api.delete("Policy", "team-a", "a");
    assert_eq!(take(&mut events, 2).await, ["Apply(b)", "Delete(a)"]);
    assert_silent(&mut events).await;
    api.apply(policy("d", "d"));
    assert_eq!(take(&mut events, 1).await, ["Apply(d)"]);
}

fn three() -> FakeApi {
    let api = server();
    for name in ["a", "b", "c"] {
        api.apply(policy(name, name));
    }
    api
}

#[tokio::test(start_paused = true)]
async fn a_paged_list_then_changes() {
    let api = three();
    lives_through_changes(&api, watch_policies(&api, watcher::Config::default().page_size(2))).await;
    assert_eq!(api.requests().verb("list").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_streaming_list_then_changes() {
    let api = three();
    lives_through_changes(&api, watch_policies(&api, watcher::Config::default().streaming_lists())).await;
    assert_eq!(api.requests().verb("list").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn metadata_alone_can_be_watched_both_ways() {
    for config in [watcher::Config::default().page_size(1), watcher::Config::default().streaming_lists()] {
        let api = server();
        api.apply(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "team-a"},
            "data": {"secret": "not for everybody"}}),
        );
        let maps: Api<PartialObjectMeta<ConfigMap>> = Api::namespaced(api.client(), "team-a");
        let mut events = words(watcher(maps, config));
        assert_eq!(take(&mut events, 3).await, ["Init", "InitApply(a)", "InitDone"]);
        api.delete("ConfigMap", "team-a", "a");
        assert_eq!(take(&mut events, 1).await, ["Delete(a)"]);
        assert!(api.requests().iter().all(|entry| entry.metadata_only));
    }
}

#[tokio::test(start_paused = true)]
async fn bookmarks_carry_an_idle_watch_over_compaction_without_a_relist() {
    let api = three();
    let mut events = watch_policies(&api, watcher::Config::default().streaming_lists());
    take(&mut events, 5).await;
    for _ in 0..10 {
        api.namespace("elsewhere", &[("tick", &api.revision().to_string())]);
        assert_silent(&mut events).await;
        api.compact();
    }
    api.apply(policy("d", "d"));
    assert_eq!(take(&mut events, 1).await, ["Apply(d)"]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_falls_behind_compaction_lists_again() {
    let api = three();
    let mut events = watch_policies(&api, watcher::Config::default().streaming_lists());
    take(&mut events, 5).await;
    api.disturb_watches(Some("Policy"), WatchFault::Drop);
    api.delete("Policy", "team-a", "a");
    api.compact();
    assert_eq!(
        take(&mut events, 5).await,
        ["error 410", "Init", "InitApply(b)", "InitApply(c)", "InitDone"],
        "the deletion was never seen as an event"
    );
}

#[tokio::test(start_paused = true)]
async fn a_dropped_watch_resumes_where_it_was() {
    let api = three();
    let mut events = watch_policies(&api, watcher::Config::default().streaming_lists());
    take(&mut events, 5).await;
    api.disturb_watches(None, WatchFault::Drop);
    api.delete("Policy", "team-a", "a");
    assert_eq!(take(&mut events, 1).await, ["Delete(a)"]);
    api.disturb_watches(None, WatchFault::Expire);
    assert_eq!(take(&mut events, 2).await, ["error 410", "Init"]);
}

#[tokio::test(start_paused = true)]
async fn a_broken_watch_resumes_too() {
    let api = three();
    let mut events = watch_policies(&api, watcher::Config::default().streaming_lists());
    take(&mut events, 5).await;
    api.disturb_watches(None, WatchFault::Cut);
    api.delete("Policy", "team-a", "a");
    assert_eq!(take(&mut events, 1).await, ["Delete(a)"], "half an event is no event");
    api.disturb_watches(None, WatchFault::Reset);
    api.delete("Policy", "team-a", "b");
    let seen = take(&mut events, 2).await;
    assert!(seen[0].starts_with("failed"), "{seen:?}");
    assert_eq!(seen[1], "Delete(b)");
    assert_eq!(api.requests().verb("watch").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_stalled_watch_is_noticed_after_its_timeout() {
    let api = three();
    let mut events = watch_policies(&api, watcher::Config::default().streaming_lists().timeout(30));
    take(&mut events, 5).await;
    api.disturb_watches(None, WatchFault::Stall);
    let start = Instant::now();
    api.delete("Policy", "team-a", "a");
    assert_eq!(take(&mut events, 1).await, ["Delete(a)"]);
    assert_eq!(start.elapsed(), Duration::from_secs(35), "kube waits five seconds longer than the server");
}

#[tokio::test(start_paused = true)]
async fn events_can_repeat_and_swap() {
    let api = three();
    let mut events = watch_policies(&api, watcher::Config::default());
    take(&mut events, 5).await;
    api.apply(policy("a", "again"));
    api.delete("Policy", "team-a", "a");
    assert_eq!(take(&mut events, 2).await, ["Apply(a)", "Delete(a)"]);
    api.disturb_watches(None, WatchFault::Repeat(2));
    assert_eq!(take(&mut events, 2).await, ["Apply(a)", "Delete(a)"]);
    api.disturb_watches(None, WatchFault::Swap);
    api.apply(policy("b", "again"));
    api.delete("Policy", "team-a", "b");
    assert_eq!(take(&mut events, 2).await, ["Delete(b)", "Apply(b)"]);
}

#[tokio::test(start_paused = true)]
async fn a_selecting_watch_sees_objects_come_and_go() {
    let api = three();
    let mut events = watch_policies(&api, watcher::Config::default().labels("tier=1"));
    assert_eq!(take(&mut events, 2).await, ["Init", "InitDone"]);
    api.edit("Policy", "team-a", "a", |p| p["metadata"]["labels"] = json!({"tier": "1"}));
    api.edit("Policy", "team-a", "a", |p| p["metadata"]["labels"] = json!({"tier": "2"}));
    assert_eq!(take(&mut events, 2).await, ["Apply(a)", "Delete(a)"]);
}

#[tokio::test(start_paused = true)]
async fn a_lagging_server_withholds_events_until_it_catches_up() {
    let api = three();
    let mut events = watch_policies(&api, watcher::Config::default());
    take(&mut events, 5).await;
    api.lag("Policy", api.revision(), false);
    api.apply(policy("a", "late"));
    assert_silent(&mut events).await;
    api.catch_up();
    assert_eq!(take(&mut events, 1).await, ["Apply(a)"]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_on_time_after_a_last_bookmark_and_a_removal_shows_the_last_state() {
    let api = server();
    let mut manifest = policy("p", "one");
    manifest["metadata"]["finalizers"] = json!(["ordain.dev/release"]);
    api.apply(manifest);
    let version = api.revision().to_string();
    let start = Instant::now();
    let stream = policies(&api).watch(&WatchParams::default().timeout(100), &version).await.unwrap();
    let mut stream = Box::pin(stream);
    api.delete("Policy", "team-a", "p");
    api.edit("Policy", "team-a", "p", |p| p["metadata"]["finalizers"] = json!([]));
    let mut seen = vec![];
    while let Some(event) = stream.next().await {
        match event.unwrap() {
            WatchEvent::Modified(object) => seen.push(format!("modified {:?}", object.finalizers())),
            WatchEvent::Deleted(object) => {
                assert_eq!(object.resource_version().unwrap(), api.revision().to_string());
                seen.push(format!("deleted {:?}", object.finalizers()));
            }
            WatchEvent::Bookmark(_) => seen.push(format!("bookmark {}", start.elapsed().as_secs())),
            other => panic!("{other:?}"),
        }
    }
    let kept = r#"["ordain.dev/release"]"#;
    assert_eq!(
        seen,
        [format!("modified {kept}"), format!("deleted {kept}"), "bookmark 60".into(), "bookmark 98".into()]
    );
    assert_eq!(start.elapsed(), Duration::from_secs(100));
}

/// goals.md, lesson 2: raw decoding works only when `type` precedes `object`.
#[tokio::test(start_paused = true)]
async fn the_type_of_an_event_comes_first() {
    let api = three();
    let request = http::Request::get("/apis/ordain.dev/v1alpha1/policies?watch=true&timeoutSeconds=5");
    let response = api.client().send(request.body(kube::client::Body::empty()).unwrap()).await.unwrap();
    let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
    let text = String::from_utf8(body.to_vec()).unwrap();
    assert_eq!(text.lines().count(), 3);
    assert!(text.lines().all(|line| line.starts_with(r#"{"type":"ADDED","object":{"#)));
}

#[tokio::test(start_paused = true)]
async fn a_restored_object_comes_back_without_a_delete_event() {
    let api = three();
    let uid = |objects: &[DynamicObject]| objects.iter().filter_map(ResourceExt::uid).collect::<Vec<_>>();
    let before = uid(&policies(&api).list(&kube::api::ListParams::default()).await.unwrap().items);
    let mut events = watch_policies(&api, watcher::Config::default());
    take(&mut events, 5).await;
    api.restore_with_new_uids();
    let relisted = take(&mut events, 6).await;
    assert_eq!(relisted, ["error 410", "Init", "InitApply(a)", "InitApply(b)", "InitApply(c)", "InitDone"]);
    let after = uid(&policies(&api).list(&kube::api::ListParams::default()).await.unwrap().items);
    assert!(before.iter().all(|old| !after.contains(old)));
    drop(events);
    assert_eq!(api.open_watches(), 0);
}
