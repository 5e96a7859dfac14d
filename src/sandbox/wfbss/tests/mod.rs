//! The double asked as a client would ask it: through its service, signed.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod directory;
mod limits;
mod policies;
mod tasks;
mod tcp;
mod unknowns;

use std::sync::Arc;

use axum::body::Body;
use http::{Method, Request, Response};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{WfbssDouble, WfbssOptions, signature};
use crate::{
    model::{Clock, Secret},
    sandbox::{
        Double, DoubleService, Dropped,
        support::{TokioClock, read, request},
    },
};

pub const ALDER: &str = "640FE47F-5118-4D79-8221-A35D0DE2EE2C";
pub const BIRCH: &str = "A9CC5A34-3CAD-480D-A9ED-87656316D3B9";
pub const CEDAR: &str = "AEE6F73D-6AFC-44CC-8C44-AC54A7A1E163";
pub const DOGWOOD: &str = "AD38F82D-51A1-46FD-B167-E0D0FF31BE83";
pub const ROOT: &str = "/SMPI/v2.8/service/wfbss/api";

/// A double in its shell, and a client with its keys.
pub struct Bench {
    pub double: Arc<WfbssDouble>,
    pub service: DoubleService,
    pub clock: Arc<dyn Clock>,
}

impl Bench {
    pub fn new() -> Self {
        Self::with(&json!({}))
    }

    pub fn with(options: &Value) -> Self {
        let clock = TokioClock::shared();
        Self::of(WfbssDouble::new(WfbssOptions::default().patched(options).unwrap(), clock.clone()), clock)
    }

    pub fn of(double: Arc<WfbssDouble>, clock: Arc<dyn Clock>) -> Self {
        let service = DoubleService::new(double.clone(), clock.clone());
        Self { double, service, clock }
    }

    pub fn signed(&self, method: &str, target: &str, body: &Value) -> Request<Body> {
        let keys = self.double.credentials();
        let secret = Secret::new(keys["secretKey"].clone());
        let time = self.clock.now().as_second().to_string();
        let bytes = if body.is_null() { String::new() } else { body.to_string() };
        let verb: Method = method.parse().unwrap();
        let mut request = request(method, target, body);
        for (name, value) in [
            ("x-access-token", keys["accessToken"].clone()),
            ("x-posix-time", time.clone()),
            ("x-signature", signature::sign(&secret, &time, &verb, target, bytes.as_bytes())),
            ("x-traceid", "0d5a2a9e-6a0e-4f0e-9a53-6d1d0a5a7f10".to_owned()),
            ("content-type", "application/json; charset=utf-8".to_owned()),
        ] {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        request
    }

    pub async fn send(&self, request: Request<Body>) -> Result<Response<Body>, Dropped> {
        self.service.clone().oneshot(request).await
    }

    /// Status and body of a call to a resource, such as `policies?cids=…`.
    pub async fn call(&self, method: &str, resource: &str, body: &Value) -> (u16, Value) {
        let request = self.signed(method, &format!("{ROOT}/{resource}"), body);
        read(self.send(request).await.unwrap()).await
    }

    /// The body of a GET that works.
    pub async fn get(&self, resource: &str) -> Value {
        let (status, body) = self.call("GET", resource, &Value::Null).await;
        assert_eq!(status, 200, "{resource}: {body}");
        body
    }

    /// A PUT that works.
    pub async fn put(&self, resource: &str, body: &Value) -> Value {
        let (status, answer) = self.call("PUT", resource, body).await;
        assert_eq!(status, 200, "{resource}: {answer}");
        answer
    }

    /// What a document holds, at a JSON pointer.
    pub fn stored(&self, customer: &str, gid: u32, pointer: &str) -> Value {
        let state = self.state();
        let document = &state["customers"][customer]["groups"][gid.to_string()]["policies"]["win"];
        document.pointer(pointer).cloned().unwrap_or_default()
    }

    pub fn state(&self) -> Value {
        self.double.state()
    }

    pub fn patch(&self, change: Value) {
        self.double.patch_state(change).unwrap();
    }
}

/// The body of a PUT that turns behaviour monitoring off or on.
pub fn monitoring(enabled: u8) -> Value {
    json!({"policy": {"behavior_monitoring": {"enabled": enabled}}})
}

pub const MONITORING: &str = "/behavior_monitoring/enabled";
