//! The double asked as a client would ask it: through its service, logged in with real signatures.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod assignments;
mod auth;
mod console;
mod deployments;
mod faults;
mod parts;
mod policies;
mod rights;
mod rules;
mod searches;
mod unknowns;

use std::sync::Arc;

use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Request, Response};
use rustls::{
    SignatureScheme,
    pki_types::{PrivateKeyDer, pem::PemObject as _},
};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{TachyonDouble, TachyonOptions, seed};
use crate::{
    model::Clock,
    sandbox::{
        Double, DoubleService, Dropped,
        support::{TokioClock, read, request},
    },
};

pub const ROOT: &str = "/Tachyon/api/Authentication";
pub const THUMBPRINT: &str = include_str!("../keys/sandbox.thumbprint");

/// A double in its shell, and a client that is logged in.
pub struct Bench {
    pub double: Arc<TachyonDouble>,
    pub service: DoubleService,
    pub clock: Arc<dyn Clock>,
    pub token: String,
}

/// A JWT as a client makes it, with any header and claims.
pub fn jwt(header: &Value, claims: &Value, pem: &str) -> String {
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
    let signer = key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signer.sign(signed.as_bytes()).unwrap()))
}

pub fn header() -> Value {
    json!({"alg": "RS256", "typ": "JWT", "x5t": THUMBPRINT, "kid": THUMBPRINT})
}

pub async fn seconds(count: u64) {
    tokio::time::advance(std::time::Duration::from_secs(count)).await;
}

impl Bench {
    pub async fn new() -> Self {
        Self::with(json!({})).await
    }

    pub async fn with(options: Value) -> Self {
        let mut bench = Self::logged_out(options);
        bench.token = bench.log_in().await;
        bench
    }

    pub fn logged_out(options: Value) -> Self {
        let clock = TokioClock::shared();
        let options = TachyonOptions::default().patched(&options).unwrap();
        let double = TachyonDouble::new(options, clock.clone());
        let service = DoubleService::new(double.clone(), clock.clone());
        Self { double, service, clock, token: String::new() }
    }

    /// Somebody who may assign, and sees two groups in Lyon and nothing else.
    pub async fn scoped(options: Value) -> Self {
        let bench = Self::with(options).await;
        bench.patch(json!({"grants": [{"principal": seed::APPLICATION, "roles": [
            {"role": "Guaranteed State Administrator", "groups": ["Lyon office", "Lyon workshop"]}
        ]}]}));
        bench
    }

    /// The claims of a login that works, `jti` apart from earlier ones.
    pub fn claims(&self, jti: &str) -> Value {
        let now = self.clock.now().as_second();
        json!({
            "aud": "http://localhost/idp/oauth2/v1/token", "iss": seed::APPLICATION, "sub": seed::APPLICATION,
            "iat": now, "exp": now + 3600, "jti": jti
        })
    }

    pub fn assertion(&self, jti: &str) -> String {
        let key = include_str!("../keys/sandbox.pem");
        jwt(&header(), &self.claims(jti), key)
    }

    pub async fn authenticate(&self, assertion: &str) -> (u16, Value) {
        let path = format!("{ROOT}/RequestJwtAuthentication");
        let mut request = request("POST", &path, &json!(assertion));
        request.headers_mut().insert("X-Tachyon-Consumer", seed::CONSUMER.parse().unwrap());
        read(self.send(request).await.unwrap()).await
    }

    pub async fn log_in(&self) -> String {
        let jti = format!("{}", self.state()["sessions"]["tokensIssued"]);
        let (status, token) = self.authenticate(&self.assertion(&jti)).await;
        assert_eq!(status, 200, "{token}");
        token.as_str().unwrap().trim().trim_matches('"').to_owned()
    }

    pub async fn send(&self, request: Request<Body>) -> Result<Response<Body>, Dropped> {
        self.service.clone().oneshot(request).await
    }

    pub fn signed(&self, method: &str, path: &str, body: &Value) -> Request<Body> {
        let mut request = request(method, path, body);
        request.headers_mut().insert("X-Tachyon-Consumer", seed::CONSUMER.parse().unwrap());
        request.headers_mut().insert("X-Tachyon-Authenticate", self.token.parse().unwrap());
        request
    }

    /// Status and body of a call below `/Consumer`.
    pub async fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        read(self.send(self.signed(method, &format!("/Consumer{path}"), body)).await.unwrap()).await
    }

    /// The body of a call that works.
    pub async fn ok(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.call(method, path, &body).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    pub async fn get(&self, path: &str) -> Value {
        self.ok("GET", path, Value::Null).await
    }

    /// A call whose refusal has this status and code.
    pub async fn refused(&self, method: &str, path: &str, body: Value, status: u16, code: &str) {
        let (got, answer) = self.call(method, path, &body).await;
        assert_eq!((got, answer[0]["ErrorCode"].as_str()), (status, Some(code)), "{method} {path}: {answer}");
    }

    pub fn state(&self) -> Value {
        self.double.state()
    }

    pub fn patch(&self, change: Value) {
        self.double.patch_state(change).unwrap();
    }

    pub fn fault(&self, fault: Value) {
        self.service.add_fault(&fault).unwrap();
    }

    /// What is stored under a name; `null` if nothing is.
    pub fn policy(&self, name: &str) -> Value {
        let state = self.state();
        let mut all = state["policies"].as_object().unwrap().values();
        all.find(|one| one["name"] == name).cloned().unwrap_or_default()
    }

    /// The id of something by its name.
    pub fn id(&self, kind: &str, name: &str) -> i32 {
        let state = self.state();
        let mut all = state[kind].as_object().unwrap().iter();
        let found = all.find(|(_, one)| one["name"] == name || one["Name"] == name);
        found.unwrap_or_else(|| panic!("no {kind} {name}")).0.parse().unwrap()
    }

    pub fn group(&self, name: &str) -> i32 {
        self.id("groups", name)
    }

    pub fn rule(&self, name: &str) -> i32 {
        self.id("rules", name)
    }

    /// Creates a policy and returns its path.
    pub async fn create(&self, name: &str) -> String {
        self.ok("POST", "/Policies", json!({"Name": name, "Description": "ours"})).await;
        self.path(name)
    }

    pub fn path(&self, name: &str) -> String {
        format!("/Policies/{}", self.id("policies", name))
    }

    pub fn groups_of(&self, policy: &str) -> Vec<String> {
        let groups = self.policy(policy)["groups"].clone();
        serde_json::from_value(groups).unwrap()
    }

    pub fn rules_of(&self, policy: &str) -> Vec<String> {
        serde_json::from_value(self.policy(policy)["rules"].clone()).unwrap()
    }
}

/// The names in an array of objects.
pub fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one["Name"].as_str().unwrap()).collect()
}

/// `body` with members in place of its own; `null` leaves one out.
pub fn but(body: &Value, change: &Value) -> Value {
    let mut body = body.clone();
    for (name, value) in change.as_object().unwrap() {
        if value.is_null() {
            body.as_object_mut().unwrap().remove(name);
        } else {
            body[name] = value.clone();
        }
    }
    body
}
