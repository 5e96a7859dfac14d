#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::needless_pass_by_value)] // json!(…) reads best where it is used

mod admin;
mod apply;
mod auth;
mod console;
mod entgra;
mod evaluation;
mod v1;

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Body};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::ServiceExt as _;

use super::{Dialect, Wso2Double, Wso2Options};
use crate::{model::Clock, sandbox::Double as _};

const B: &str = "/api/device-mgt/v1.0";
const A: &str = "/mdm-admin";

/// Moves only when tokio's paused clock does.
struct PausedClock(Instant);

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        let start: Timestamp = "2026-03-03T09:15:00Z".parse().unwrap();
        start + SignedDuration::try_from(self.monotonic()).unwrap()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

/// What came back.
struct Got {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {:?}", self.text))
    }

    fn content_type(&self) -> &str {
        self.headers.get("content-type").map_or("", |v| v.to_str().unwrap())
    }
}

/// A double, its router and a token.
struct Bench {
    double: Arc<Wso2Double>,
    router: Router,
    token: String,
    accept: &'static str,
}

impl Bench {
    /// Logged in, with every scope this file needs.
    async fn new(options: Wso2Options) -> Self {
        let mut bench = Self::logged_out(options);
        bench.token = bench.login().await["access_token"].as_str().unwrap().to_owned();
        bench
    }

    async fn of(dialect: Dialect) -> Self {
        Self::new(Wso2Options::of(dialect)).await
    }

    fn logged_out(options: Wso2Options) -> Self {
        let double = Wso2Double::new(options, Arc::new(PausedClock(Instant::now())));
        let router = double.clone().router();
        Self { double, router, token: String::new(), accept: "application/json" }
    }

    async fn login(&self) -> Value {
        let (id, secret) = self.register().await;
        let got = self.password_grant(&id, &secret, "policy-operator", "Harbour-Lantern-42", SCOPES).await;
        assert_eq!(got.status, 200, "{}", got.text);
        got.json()
    }

    fn admin(&self) -> bool {
        self.double.options().dialect.is_admin()
    }

    fn token_path(&self) -> &'static str {
        if self.admin() || !self.double.options().gateway { "/oauth2/token" } else { "/token" }
    }

    async fn register(&self) -> (String, String) {
        let got = if self.admin() {
            let body = json!({"clientName": "bench", "owner": "policy-operator", "grantType": "password refresh_token"});
            self.send("POST", "/dynamic-client-web/register", Some(&body.to_string()), "", "application/json")
                .await
        } else {
            let body = json!({"applicationName": "bench", "tags": ["device_management"]}).to_string();
            let basic = basic("policy-operator", "Harbour-Lantern-42");
            self.send(
                "POST",
                "/api-application-registration/register",
                Some(&body),
                &basic,
                "application/json",
            )
            .await
        };
        assert_eq!(got.status, 201, "{}", got.text);
        let text = |key: &str| got.json()[key].as_str().unwrap().to_owned();
        (text("client_id"), text("client_secret"))
    }

    async fn password_grant(&self, id: &str, secret: &str, user: &str, password: &str, scope: &str) -> Got {
        let form = format!("grant_type=password&username={user}&password={password}&scope={scope}");
        self.form(id, secret, &form).await
    }

    async fn form(&self, id: &str, secret: &str, form: &str) -> Got {
        let kind = "application/x-www-form-urlencoded";
        self.send("POST", self.token_path(), Some(form), &basic(id, secret), kind).await
    }

    async fn send(&self, method: &str, path: &str, body: Option<&str>, auth: &str, kind: &str) -> Got {
        let mut request = Request::builder().method(method).uri(path).header("accept", self.accept);
        if !auth.is_empty() {
            request = request.header("authorization", auth);
        }
        if body.is_some() {
            request = request.header("content-type", kind);
        }
        let request = request.body(Body::from(body.unwrap_or_default().to_owned())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Got {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    async fn get(&self, path: &str) -> Got {
        self.send("GET", path, None, &self.bearer(), "").await
    }

    async fn post(&self, path: &str, body: &Value) -> Got {
        self.send("POST", path, Some(&body.to_string()), &self.bearer(), "application/json").await
    }

    async fn put(&self, path: &str, body: &Value) -> Got {
        self.send("PUT", path, Some(&body.to_string()), &self.bearer(), "application/json").await
    }

    async fn apply(&self) -> Got {
        let base = if self.admin() { A } else { B };
        self.send("PUT", &format!("{base}/policies/apply-changes"), None, &self.bearer(), "").await
    }

    /// B: creates a policy and returns its id.
    async fn create(&self, body: &Value) -> i64 {
        let got = self.post(&format!("{B}/policies"), body).await;
        assert_eq!(got.status, 201, "{}", got.text);
        got.json()["id"].as_i64().unwrap()
    }

    fn patch(&self, change: Value) {
        self.double.patch_state(change).unwrap();
    }

    fn option(&self, key: &str, value: Value) {
        self.patch(json!({"options": {key: value}}));
    }

    fn policy(&self, id: i64) -> Value {
        let state = self.double.state();
        let all = state["policies"].as_array().unwrap().clone();
        all.into_iter().find(|p| p["id"] == id).unwrap_or(Value::Null)
    }

    fn device(&self, id: &str) -> Value {
        let state = self.double.state();
        let all = state["devices"].as_array().unwrap().clone();
        all.into_iter().find(|d| d["id"] == id).unwrap()
    }

    fn counter(&self, name: &str) -> u64 {
        self.double.state()["counters"][name].as_u64().unwrap()
    }

    /// Ids in priority order.
    fn order(&self) -> Vec<i64> {
        let state = self.double.state();
        state["policies"].as_array().unwrap().iter().map(|p| p["id"].as_i64().unwrap()).collect()
    }
}

async fn seconds(n: u64) {
    tokio::time::advance(Duration::from_secs(n)).await;
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// A body for B and C.
fn android(name: &str, content: Value) -> Value {
    json!({
        "policyName": name, "description": "managed", "compliance": "enforce", "ownershipType": "ANY",
        "profile": {"profileName": name, "deviceType": "android", "profileFeaturesList": [
            {"featureCode": "PASSCODE_POLICY", "deviceType": "android", "content": content}
        ]},
        "roles": ["ANY"], "users": [], "deviceGroups": []
    })
}

/// A body for A.
fn android_a(name: &str, content: Value) -> Value {
    json!({
        "policyName": name, "description": "managed", "compliance": "enforce", "ownershipType": "ANY",
        "profile": {"profileName": name, "deviceType": {"id": 1}, "profileFeaturesList": [
            {"featureCode": "PASSCODE_POLICY", "deviceTypeId": 1, "content": content}
        ]},
        "roles": ["ANY"], "users": []
    })
}

const SCOPES: &str = "perm:policies:manage perm:policies:get-details perm:policies:get-policy-details \
    perm:policies:update perm:policies:remove perm:policies:activate perm:policies:deactivate \
    perm:policies:changes perm:policies:priorities perm:policies:effective-policy \
    perm:devices:compliance-data perm:devices:effective-policy perm:device-types:types \
    perm:device-types:features perm:roles:view perm:users:user-details perm:groups:groups \
    pm:policies:add dm:policies:view pm:policies:details:view pm:policies:update pm:policies:remove \
    pm:policies:activate pm:policies:deactivate pm:policies:change pm:policies:priorities:update \
    pm:policies:effective-policy";
