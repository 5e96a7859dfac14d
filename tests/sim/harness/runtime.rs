//! kube's own higher-level helpers work against the server.

use kube::ResourceExt;
use kube::api::DynamicObject;
use kube::runtime::controller::Action;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::runtime::finalizer::{Event as Finalizer, finalizer};
use serde_json::json;

use super::{policies, policy, policy_resource, server};
use crate::support::FakeApi;
use crate::support::apiserver::Part;

#[tokio::test(start_paused = true)]
async fn an_event_published_twice_is_one_event_counted_twice() {
    let api = server();
    api.apply(policy("p", "one"));
    let client = api.client();
    let reporter = Reporter { controller: "ordain".into(), instance: Some("ordain-0".into()) };
    let recorder = Recorder::new(client, reporter);
    let about = kube::Resource::object_ref(&policies(&api).get("p").await.unwrap(), &policy_resource());
    let event = Event {
        type_: EventType::Normal,
        reason: "Applied".into(),
        note: Some("as Git says".into()),
        action: "Apply".into(),
        secondary: None,
    };
    recorder.publish(&event, &about).await.unwrap();
    recorder.publish(&event, &about).await.unwrap();
    let stored = api.list("Event");
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0]["metadata"]["namespace"], "team-a");
    assert_eq!(stored[0]["series"]["count"], 2);
    assert_eq!(api.writes().len(), 0, "events are no work");
    assert_eq!(api.requests().to("events").counts()["create events"], 1);
    assert_eq!(api.gate().labels(1)[1..], ["create events team-a/p", "patch events team-a/p"]);
}

async fn reconcile(api: &FakeApi, cleanups: &std::cell::Cell<u32>) {
    let client = policies(api);
    let object: DynamicObject = client.get("p").await.unwrap();
    let run = finalizer(&client, "ordain.dev/release", object.into(), |event| async {
        if let Finalizer::Cleanup(object) = event {
            assert!(object.metadata.deletion_timestamp.is_some());
            cleanups.set(cleanups.get() + 1);
        }
        Ok::<_, std::convert::Infallible>(Action::await_change())
    });
    run.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_finalizer_helper_adds_cleans_up_and_lets_go() {
    let api = server();
    api.apply(policy("p", "one"));
    let cleanups = std::cell::Cell::new(0);
    reconcile(&api, &cleanups).await;
    let added = policies(&api).get("p").await.unwrap();
    assert_eq!(added.finalizers(), ["ordain.dev/release"]);
    assert_eq!(added.metadata.generation, Some(1));
    api.delete("Policy", "team-a", "p");
    reconcile(&api, &cleanups).await;
    assert_eq!(cleanups.get(), 1);
    assert_eq!(api.get("Policy", "team-a", "p"), None);
    assert_eq!(api.writes().touching(Part::Finalizers).len(), 2);
    assert_eq!(
        api.writes()[0].body.as_ref().unwrap()[0],
        json!({"op": "test", "path": "/metadata/finalizers", "value": null})
    );
}
