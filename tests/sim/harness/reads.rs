//! Reads: pages, revisions, selectors, metadata alone.

use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::api::{Api, ListParams, PartialObjectMeta};
use kube::{Client, ResourceExt};
use serde_json::json;

use super::{code, policies, policy, server};
use crate::support::FakeApi;

fn five(api: &FakeApi) {
    for name in ["a", "b", "c", "d", "e"] {
        api.apply(policy(name, name));
    }
}

#[tokio::test(start_paused = true)]
async fn pages_show_one_revision() {
    let api = server();
    five(&api);
    let client = policies(&api);
    let first = client.list(&ListParams::default().limit(2)).await.unwrap();
    assert_eq!(first.items.len(), 2);
    assert_eq!(first.metadata.remaining_item_count, Some(3));
    api.delete("Policy", "team-a", "c");
    api.apply(policy("f", "late"));
    let token = first.metadata.continue_.unwrap();
    let rest = client.list(&ListParams::default().limit(10).continue_token(&token)).await.unwrap();
    let names: Vec<_> = rest.items.iter().map(ResourceExt::name_any).collect();
    assert_eq!(names, ["c", "d", "e"]);
    assert_eq!(rest.metadata.resource_version, first.metadata.resource_version);
    assert_eq!(rest.metadata.continue_, None);
}

#[tokio::test(start_paused = true)]
async fn a_continue_token_expires_with_compaction() {
    let api = server();
    five(&api);
    let client = policies(&api);
    let first = client.list(&ListParams::default().limit(2)).await.unwrap();
    api.delete("Policy", "team-a", "d");
    api.compact();
    let token = first.metadata.continue_.unwrap();
    let kube::Error::Api(gone) =
        client.list(&ListParams::default().limit(2).continue_token(&token)).await.unwrap_err()
    else {
        panic!("an answer of the API server")
    };
    assert_eq!((gone.code, gone.reason.as_str()), (410, "Expired"));
    let resume = gone.metadata.and_then(|metadata| metadata.continue_).expect("an inconsistent way on");
    let rest = client.list(&ListParams::default().limit(10).continue_token(&resume)).await.unwrap();
    assert_eq!(rest.items.iter().map(ResourceExt::name_any).collect::<Vec<_>>(), ["c", "e"]);
}

#[tokio::test(start_paused = true)]
async fn selectors_select() {
    let api = server();
    five(&api);
    for (name, tier) in [("a", "1"), ("b", "2"), ("c", "3")] {
        api.edit("Policy", "team-a", name, |p| p["metadata"]["labels"] = json!({"tier": tier}));
    }
    let names = async |params: ListParams| -> Vec<String> {
        policies(&api).list(&params).await.unwrap().items.iter().map(ResourceExt::name_any).collect()
    };
    assert_eq!(names(ListParams::default().labels("tier=2")).await, ["b"]);
    assert_eq!(names(ListParams::default().labels("tier in (1, 3)")).await, ["a", "c"]);
    assert_eq!(names(ListParams::default().labels("tier,tier notin (1)")).await, ["b", "c"]);
    assert_eq!(names(ListParams::default().labels("!tier")).await, ["d", "e"]);
    assert_eq!(
        names(ListParams::default().labels("tier!=1").fields("metadata.name!=e")).await,
        ["b", "c", "d"]
    );
    assert_eq!(names(ListParams::default().fields("spec.displayName=d")).await, ["d"]);
}

#[tokio::test(start_paused = true)]
async fn metadata_alone_carries_no_content() {
    let api = server();
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "team-a"},
        "stringData": {"password": "hunter2"},
    });
    api.apply(secret);
    let secrets: Api<Secret> = Api::namespaced(api.client(), "team-a");
    let whole = secrets.get("s").await.unwrap();
    assert_eq!(whole.data.unwrap()["password"].0, b"hunter2");
    let meta: PartialObjectMeta<Secret> = secrets.get_metadata("s").await.unwrap();
    assert_eq!(meta.name_any(), "s");
    let list = secrets.list_metadata(&ListParams::default()).await.unwrap();
    assert_eq!(list.items.len(), 1);
    let asked: Vec<_> = api.requests().to("secrets").iter().map(|entry| entry.metadata_only).collect();
    assert_eq!(asked, [false, true, true]);
}

#[tokio::test(start_paused = true)]
async fn a_lagging_server_serves_the_past_to_those_who_do_not_ask_for_the_present() {
    let api = server();
    api.apply(policy("p", "one"));
    api.lag("Policy", api.revision(), false);
    api.apply(policy("p", "two"));
    let client = policies(&api);
    let any = client.list(&ListParams::default().match_any()).await.unwrap();
    assert_eq!(any.items[0].data["spec"]["displayName"], "one");
    assert_eq!(client.get("p").await.unwrap().data["spec"]["displayName"], "two");
    let at = api.revision().to_string();
    let ahead = client.list(&ListParams::default().at(&at)).await.unwrap_err();
    assert_eq!(code(&ahead), 504);
    api.catch_up();
    assert_eq!(client.list(&ListParams::default().at(&at)).await.unwrap().items.len(), 1);
    api.lag("Policy", api.revision() - 1, true);
    assert_eq!(client.get("p").await.unwrap().data["spec"]["displayName"], "one");
}

#[tokio::test(start_paused = true)]
async fn built_in_kinds_and_errors_read_as_from_a_real_server() {
    let api = server();
    let client: Client = api.client();
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let names: Vec<_> = namespaces
        .list(&ListParams::default())
        .await
        .unwrap()
        .items
        .iter()
        .map(ResourceExt::name_any)
        .collect();
    assert_eq!(names, ["default", "kube-system", "team-a"]);
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "team-a");
    assert!(maps.get_opt("none").await.unwrap().is_none());
    let kube::Error::Api(missing) = maps.get("none").await.unwrap_err() else { panic!("an answer") };
    assert_eq!(missing.message, "configmaps \"none\" not found");
    assert_eq!(client.apiserver_version().await.unwrap().minor, "33");
}
