//! What the tests of all drivers share.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use axum::body::Body;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use http::{Request, Response};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{
    Binding, CompileContext, Compiled, DesiredItem, Driver, Reach, Step,
    connect::connect,
    http::{BodyStream, Limits, Transport, TransportError},
};
use crate::{
    api::TargetSpec,
    model::{Digester, ObjectName, ObservedItem, OwnerId, Secret},
    plan::diff::{Difference, difference},
    sandbox::{DoubleService, Dropped, support::TokioClock},
};

/// Hands requests to a double as the wire would.
pub struct InProcess(pub DoubleService);

#[async_trait]
impl Transport for InProcess {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<BodyStream>, TransportError> {
        // A client cannot tell whether a closed connection had an effect.
        let lost = |message: String| TransportError { maybe_sent: true, message };
        let answer = self.0.clone().oneshot(request.map(Body::from)).await;
        let answer = answer.map_err(|dropped: Dropped| lost(dropped.to_string()))?;
        Ok(answer.map(|body| body.into_data_stream().map_err(move |e| lost(e.to_string())).boxed()))
    }
}

/// Whom the drivers act for.
pub fn owner() -> OwnerId {
    OwnerId::new("a cluster")
}

/// Wide enough never to be in the way.
pub fn limits() -> Limits {
    Limits {
        requests_per_minute: 60_000,
        burst: 1000,
        in_flight: 4,
        timeout: Duration::from_secs(30),
        max_body: 4 << 20,
        meter: crate::drivers::http::Meter::default(),
    }
}

/// A driver for this double under `base`; `settings` change its backend, `keys` its credentials.
pub fn connected(
    service: &DoubleService,
    base: &str,
    settings: &Value,
    keys: &[(&str, &str)],
) -> Arc<dyn Driver> {
    let double = service.double();
    let mut system = double.backend(base);
    system["credentialsRef"] = json!({"name": "creds"});
    system.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    let system = serde_json::from_value(json!({ (double.system()): system })).unwrap();
    let mut credentials: BTreeMap<String, Secret> =
        double.credentials().into_iter().map(|(key, value)| (key.to_owned(), Secret::new(value))).collect();
    credentials.extend(keys.iter().map(|(key, value)| ((*key).to_owned(), Secret::new(*value))));
    let transport = Arc::new(InProcess(service.clone()));
    connect(&system, &credentials, &owner(), transport, limits(), TokioClock::shared()).unwrap()
}

/// Whom one include of a system reaches.
pub fn including(system: &str, include: &Value) -> Reach {
    Reach { include: sections("include", &[json!({ system: include })]), ..Reach::default() }
}

/// Target sections of `spec.targets.<field>`.
pub fn sections(field: &str, list: &[Value]) -> Vec<(Arc<str>, Arc<TargetSpec>)> {
    let section = |(i, value): (usize, &Value)| {
        let section = serde_json::from_value(value.clone()).unwrap();
        (format!("spec.targets.{field}[{i}]").into(), Arc::new(section))
    };
    list.iter().enumerate().map(section).collect()
}

/// A Policy of this name, bound by an assignment `laptops` that says `spec`.
pub fn bound(name: &str, policy: &Value, spec: &Value, reach: Reach) -> Binding {
    Binding {
        assignment: ObjectName::new("team", "laptops"),
        policy_generation: 1,
        policy_name: name.into(),
        display_name: policy["displayName"].as_str().unwrap_or(name).into(),
        policy: Arc::new(serde_json::from_value(policy.clone()).unwrap()),
        spec: Arc::new(serde_json::from_value(spec.clone()).unwrap()),
        reach,
    }
}

/// What a Policy of this name comes to, for these targets.
pub async fn compiled(driver: &dyn Driver, name: &str, policy: &Value, reach: Reach) -> Compiled {
    let catalogue = driver.catalogue().await.unwrap();
    let spec = json!({"policyRef": {"name": name}, "backendRef": {"name": "backend"}});
    let binding = bound(name, policy, &spec, reach);
    let context = CompileContext {
        catalogue: &catalogue,
        owner: &owner(),
        digester: &digester(),
        secrets: &BTreeMap::new(),
    };
    driver.translate().compile(&binding, &context)
}

/// The one item that it comes to.
pub fn only(compiled: Compiled) -> DesiredItem {
    let [one] = compiled.contributions.try_into().unwrap();
    DesiredItem {
        key: one.item,
        shape: one.shape,
        title: one.title,
        status_key: one.status_key,
        leaves: one.leaves,
        members: one.members,
        enabled: one.enabled,
        rank: (0, String::new()),
        contributors: BTreeSet::new(),
    }
}

/// What of an item stands differently.
pub fn compare(driver: &dyn Driver, desired: &DesiredItem, observed: &ObservedItem) -> Difference {
    difference(desired, observed, &Vec::new(), driver.translate(), &digester())
}

/// The step that is due, as a worker would take it where the switch has calls of its own.
pub fn due(driver: &dyn Driver, desired: &DesiredItem, observed: Option<ObservedItem>) -> Option<Step> {
    let desired = Box::new(desired.clone());
    let Some(observed) = observed else { return Some(Step::Create(desired)) };
    let diff = compare(driver, &desired, &observed);
    if diff.needs_write() {
        return Some(Step::Replace { desired, observed: Box::new(observed) });
    }
    let ids = observed.id.into_iter().collect();
    diff.switch.map(|enabled| Step::SetEnabled { ids, enabled })
}

/// The one there is, if any.
pub fn at_most_one<T>(all: impl IntoIterator<Item = T>, why: &str) -> Option<T> {
    let mut all = all.into_iter();
    let one = all.next();
    assert!(all.next().is_none(), "{why}");
    one
}

/// Calls that a double has seen, as `METHOD /path?query`.
pub fn lines(service: &DoubleService) -> impl Iterator<Item = String> {
    let seen = service.recorder().since(0).into_iter();
    seen.map(|s| format!("{} {}?{}", s.method, s.path, s.query).trim_end_matches('?').to_owned())
}

fn digester() -> Digester {
    Digester::new([7; 32])
}
