//! The harness holds itself to what it promises, with real kube clients.

mod crash;
mod faults;
mod reads;
mod runtime;
mod users;
mod watches;
mod writes;

use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind};
use serde_json::{Value, json};

use crate::support::{FakeApi, SimClock};

/// A server with the namespace `team-a`.
fn server() -> FakeApi {
    let api = FakeApi::new(SimClock::new());
    api.namespace("team-a", &[]);
    api
}

fn policy_resource() -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("ordain.dev", "v1alpha1", "Policy"), "policies")
}

fn policies(api: &FakeApi) -> Api<DynamicObject> {
    Api::namespaced_with(api.client(), "team-a", &policy_resource())
}

fn policy(name: &str, display_name: &str) -> Value {
    json!({
        "apiVersion": "ordain.dev/v1alpha1",
        "kind": "Policy",
        "metadata": {"name": name, "namespace": "team-a"},
        "spec": {"displayName": display_name},
    })
}

fn generation(object: &DynamicObject) -> i64 {
    object.metadata.generation.expect("custom resources have a generation")
}

fn version(object: &DynamicObject) -> &str {
    object.metadata.resource_version.as_deref().expect("stored objects have a version")
}

fn code(error: &kube::Error) -> u16 {
    match error {
        kube::Error::Api(status) => status.code,
        other => panic!("not an answer of the API server: {other}"),
    }
}
