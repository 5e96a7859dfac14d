//! Faults strike what they are told to, and nothing else.

use std::time::Duration;

use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams};
use serde_json::json;
use tokio::time::Instant;

use super::{code, policies, policy, server};
use crate::support::FakeApi;
use crate::support::apiserver::{Fault, FaultKind, Part};

async fn write_status(client: &Api<DynamicObject>, generation: i64) -> Result<DynamicObject, kube::Error> {
    let body = json!({"status": {"observedGeneration": generation}});
    client.patch_status("p", &PatchParams::default(), &Patch::Merge(body)).await
}

fn one_policy() -> (FakeApi, Api<DynamicObject>) {
    let api = server();
    api.apply(policy("p", "one"));
    let client = policies(&api);
    (api, client)
}

fn observed(api: &FakeApi) -> i64 {
    api.get("Policy", "team-a", "p").unwrap()["status"]["observedGeneration"].as_i64().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_fault_hits_its_requests_only_and_as_often_as_it_should() {
    let (api, client) = one_policy();
    api.fault(Fault::new(FaultKind::Conflict).verb("patch").to("policies/status").after(1).times(2));
    write_status(&client, 1).await.unwrap();
    client.get("p").await.unwrap();
    assert_eq!(code(&write_status(&client, 2).await.unwrap_err()), 409);
    assert_eq!(code(&write_status(&client, 3).await.unwrap_err()), 409);
    assert_eq!(observed(&api), 1);
    write_status(&client, 4).await.unwrap();
    assert_eq!(observed(&api), 4);
    assert_eq!(api.writes().answered(409).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_share_of_requests_is_the_same_share_for_the_same_seed() {
    let mut runs = vec![];
    for _ in 0..2 {
        let (api, client) = one_policy();
        api.fault(Fault::new(FaultKind::Conflict).verb("patch").percent(50, 7));
        let mut outcomes = vec![];
        for generation in 0..200 {
            outcomes.push(write_status(&client, generation).await.is_ok());
        }
        runs.push(outcomes);
    }
    assert_eq!(runs[0], runs[1]);
    let refused = runs[0].iter().filter(|ok| !**ok).count();
    assert!((70..130).contains(&refused), "{refused} of 200 refused");
}

#[tokio::test(start_paused = true)]
async fn trouble_is_answered_as_servers_in_trouble_answer() {
    let (api, client) = one_policy();
    api.fault(Fault::throttled("3"));
    let request = http::Request::get("/apis/ordain.dev/v1alpha1/policies").body(kube::client::Body::empty());
    let response = api.client().send(request.unwrap()).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (429, &"3".parse().unwrap())
    );
    for status in [429, 500, 503, 504] {
        api.fault(Fault::status(status));
        assert_eq!(code(&client.get("p").await.unwrap_err()), status);
    }
    client.get("p").await.unwrap();
    api.fault(Fault::new(FaultKind::Reset).forever());
    assert!(matches!(client.get("p").await.unwrap_err(), kube::Error::Service(_)));
    api.clear_faults();
    client.get("p").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_leaves_its_effect() {
    let (api, client) = one_policy();
    api.fault(Fault::new(FaultKind::LostAnswer(Duration::from_secs(30))));
    let start = Instant::now();
    assert!(matches!(write_status(&client, 1).await.unwrap_err(), kube::Error::Service(_)));
    assert_eq!(start.elapsed(), Duration::from_secs(30));
    assert_eq!(observed(&api), 1);
    api.fault(Fault::new(FaultKind::TimeoutAfterCommit));
    assert_eq!(code(&write_status(&client, 2).await.unwrap_err()), 504);
    assert_eq!(observed(&api), 2);
    assert_eq!(api.writes().touching(Part::Status).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_foreign_write_in_between_conflicts_with_a_version_and_not_without() {
    let (api, client) = one_policy();
    let seen = client.get("p").await.unwrap();
    api.fault(Fault::new(FaultKind::ForeignWrite).verb("patch").times(2));
    write_status(&client, 1).await.unwrap();
    let guarded = json!({"metadata": {"resourceVersion": seen.metadata.resource_version}, "status": {}});
    let error = client.patch_status("p", &PatchParams::default(), &Patch::Merge(guarded)).await.unwrap_err();
    assert_eq!(code(&error), 409);
    let touched = api.get("Policy", "team-a", "p").unwrap();
    assert_eq!(touched["metadata"]["annotations"]["example.com/touched"], "2");
}

#[tokio::test(start_paused = true)]
async fn permissions_can_be_withdrawn_per_verb_and_subresource() {
    let (api, client) = one_policy();
    api.deny("patch", "policies/status");
    let kube::Error::Api(refused) = write_status(&client, 1).await.unwrap_err() else { panic!("an answer") };
    assert!(refused.is_forbidden());
    assert!(
        refused.message.contains("cannot patch resource \"policies/status\" in API group \"ordain.dev\"")
    );
    client.list(&ListParams::default()).await.unwrap();
    api.allow("patch", "policies/status");
    write_status(&client, 1).await.unwrap();
    api.withdraw("Policy");
    assert_eq!(code(&client.list(&ListParams::default()).await.unwrap_err()), 404);
    api.reinstate("Policy");
    client.list(&ListParams::default()).await.unwrap();
    let used = api.requests().grants_used();
    assert!(used.contains(&("patch".to_owned(), "policies/status".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_away_refuses_connections() {
    let (api, client) = one_policy();
    api.shut_down();
    assert!(matches!(client.get("p").await.unwrap_err(), kube::Error::Service(_)));
    api.come_back();
    api.latency(Duration::from_millis(5));
    let start = Instant::now();
    client.get("p").await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_millis(5));
}

#[tokio::test(start_paused = true)]
async fn an_answer_cut_short_cannot_be_read() {
    let (api, client) = one_policy();
    api.fault(Fault::new(FaultKind::Cut));
    assert!(matches!(write_status(&client, 1).await.unwrap_err(), kube::Error::SerdeError(_)));
    assert_eq!(observed(&api), 1);
    assert_eq!(client.get("p").await.unwrap().data["status"]["observedGeneration"], 1);
}

/// F3: a list that fails on its second page.
#[tokio::test(start_paused = true)]
async fn a_list_can_fail_between_pages() {
    let (api, client) = one_policy();
    api.apply(policy("q", "two"));
    api.fault(Fault::status(500).verb("list").after(1));
    let first = client.list(&ListParams::default().limit(1)).await.unwrap();
    let next = ListParams::default().limit(1).continue_token(&first.metadata.continue_.unwrap());
    assert_eq!(code(&client.list(&next).await.unwrap_err()), 500);
    assert_eq!(client.list(&next).await.unwrap().items.len(), 1);
}
