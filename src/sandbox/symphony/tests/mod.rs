//! The double asked as a client would ask it: through its service, logged in with real signatures.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod auth;
mod console;
mod dictionaries;
mod faults;
mod pages;
mod policies;
mod unknowns;
mod v3;

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

use super::{SymphonyDouble, SymphonyOptions, accounts::Kind, seed};
use crate::{
    model::Clock,
    sandbox::{
        Double, DoubleService, Dropped,
        support::{TokioClock, read, request},
    },
};

pub const V1: &str = "/agent/v1/dlp/policies";
pub const V3: &str = "/agent/v3/dlp/policies";
pub const DICTIONARIES: &str = "/agent/v1/dlp/dictionaries";

/// A double in its shell, and a client that is logged in.
pub struct Bench {
    pub double: Arc<SymphonyDouble>,
    pub service: DoubleService,
    pub clock: Arc<dyn Clock>,
    pub session: String,
    pub key_manager: String,
}

/// A JWT as a client makes it, with any header and claims.
pub fn jwt(header: &Value, claims: &Value, pem: &str) -> String {
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
    let signer = key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA512]).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signer.sign(signed.as_bytes()).unwrap()))
}

/// Where a token of this kind is given out.
pub fn door(kind: Kind) -> &'static str {
    match kind {
        Kind::Session => "/login/pubkey/authenticate",
        Kind::KeyManager => "/relay/pubkey/authenticate",
    }
}

impl Bench {
    pub async fn new() -> Self {
        Self::with(json!({})).await
    }

    pub async fn with(options: Value) -> Self {
        let clock = TokioClock::shared();
        let options = SymphonyOptions::default().patched(&options).unwrap();
        Self::of(SymphonyDouble::new(options, clock.clone()), clock).await
    }

    pub async fn of(double: Arc<SymphonyDouble>, clock: Arc<dyn Clock>) -> Self {
        let service = DoubleService::new(double.clone(), clock.clone());
        let mut bench = Self { double, service, clock, session: String::new(), key_manager: String::new() };
        bench.log_in().await;
        bench
    }

    pub async fn log_in(&mut self) {
        self.session = self.token(Kind::Session, seed::USERNAME).await;
        self.key_manager = self.token(Kind::KeyManager, seed::USERNAME).await;
    }

    /// A token for an account that has the sandbox's key.
    pub async fn token(&self, kind: Kind, username: &str) -> String {
        let claims = json!({"sub": username, "exp": self.clock.now().as_second() + 240});
        let token = jwt(&json!({"alg": "RS512"}), &claims, &self.double.credentials()["privateKey"]);
        let (status, answer) = self.authenticate(kind, &token).await;
        assert_eq!((status, answer["name"].as_str()), (200, Some(kind.header())), "{answer}");
        answer["token"].as_str().unwrap().to_owned()
    }

    pub async fn authenticate(&self, kind: Kind, token: &str) -> (u16, Value) {
        self.plain("POST", door(kind), &json!({ "token": token })).await
    }

    pub async fn send(&self, request: Request<Body>) -> Result<Response<Body>, Dropped> {
        self.service.clone().oneshot(request).await
    }

    /// A call without tokens.
    pub async fn plain(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        read(self.send(request(method, path, body)).await.unwrap()).await
    }

    pub fn signed(&self, method: &str, path: &str, body: &Value) -> Request<Body> {
        let mut request = request(method, path, body);
        request.headers_mut().insert("sessionToken", self.session.parse().unwrap());
        request.headers_mut().insert("keyManagerToken", self.key_manager.parse().unwrap());
        request
    }

    /// Status and body of a call with both tokens.
    pub async fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        read(self.send(self.signed(method, path, body)).await.unwrap()).await
    }

    /// The body of a call that works.
    pub async fn ok(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.call(method, path, body).await;
        assert_eq!(status, 200, "{method} {path}: {answer}");
        answer
    }

    pub async fn get(&self, path: &str) -> Value {
        self.ok("GET", path, &Value::Null).await
    }

    /// A call whose refusal says `words`.
    pub async fn refused(&self, method: &str, path: &str, body: &Value, expected: u16, words: &str) {
        let (status, answer) = self.call(method, path, body).await;
        let message = answer["message"].as_str().unwrap_or_default();
        assert!(status == expected && message.contains(words), "{method} {path} {body}: {status} {answer}");
    }

    pub async fn upload(&self, id: &str, content: &str) -> (u16, Value) {
        let mut request = self.signed("POST", &format!("{DICTIONARIES}/{id}/data/upload"), &Value::Null);
        let form = format!(
            "--b1\r\nContent-Disposition: form-data; name=\"data\"; filename=\"terms.txt\"\r\n\
             Content-Type: text/plain\r\n\r\n{content}\r\n--b1--\r\n"
        );
        *request.body_mut() = Body::from(form);
        request.headers_mut().insert("content-type", "multipart/form-data; boundary=b1".parse().unwrap());
        read(self.send(request).await.unwrap()).await
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
    pub fn stored(&self, kind: &str, name: &str) -> Value {
        let state = self.state();
        let mut named = state[kind].as_object().unwrap().values();
        named.find(|one| one["name"] == name && one["deleted"] == false).cloned().unwrap_or_default()
    }

    pub fn policy(&self, name: &str) -> Value {
        self.stored("policies", name)
    }

    pub fn policy_id(&self, name: &str) -> String {
        self.policy(name)["policyId"].as_str().unwrap().to_owned()
    }

    pub fn dictionary_id(&self, name: &str) -> String {
        let state = self.state();
        let mut all = state["dictionaries"].as_object().unwrap().iter();
        all.find(|(_, one)| one["name"] == name && one["deleted"] == false).unwrap().0.clone()
    }

    /// A body for EFv2 with one of the seeded dictionaries.
    pub fn cards(&self, name: &str) -> Value {
        json!({
            "name": name, "type": "Block", "contentTypes": ["Messages", "RoomMeta"],
            "scopes": ["External"], "dictionaryIds": [self.dictionary_id("card-patterns")]
        })
    }

    /// A body for EFv3 with one of the seeded dictionaries.
    pub fn projects(&self, name: &str) -> Value {
        let reference = json!({
            "dictId": self.dictionary_id("project-names"), "name": "project-names", "version": "1.1"
        });
        json!({"name": name, "scopes": ["Internal", "External"], "appliesTo": [
            {"dataType": "Messages", "action": "Warn", "rules": [text(json!([reference]))]}
        ]})
    }

    /// Creates a policy and returns its path.
    pub async fn create(&self, root: &str, body: &Value) -> String {
        let answer = self.ok("POST", root, body).await;
        format!("{root}/{}", answer["data"]["policyId"].as_str().unwrap())
    }

    /// Creates an enabled EFv2 policy and returns its path.
    pub async fn enabled(&self, name: &str) -> String {
        let path = self.create(V1, &self.cards(name)).await;
        self.ok("POST", &format!("{path}/enable"), &Value::Null).await;
        path
    }
}

/// A text rule of EFv3.
pub fn text(dictionaries: Value) -> Value {
    json!({"type": "TEXT_MATCH", "name": "terms", "textMatchConfig": {
        "dictionaries": dictionaries, "countUniqueOccurrences": 1, "applicableFileTypes": []
    }})
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
