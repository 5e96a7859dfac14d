//! The double asked as a client would ask it: through its service, with a token in the body.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod console;
mod faults;
mod reads;
mod saves;
mod sessions;
mod transport;
mod unknowns;

use std::{sync::Arc, time::Duration};

use axum::body::Body;
use http::{Request, Response};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{AppShieldDouble, AppShieldOptions};
use crate::sandbox::{
    Double as _, DoubleService, Dropped,
    support::{TokioClock, read, request},
};

pub const LOGIN: &str = "/login/DoLogin";
pub const CHECK: &str = "/Session/CheckSession";
pub const REFRESH: &str = "/Session/RefreshSession";
pub const LOGOUT: &str = "/Login/DoLogout";
pub const NEW: &str = "/AppShield/NewPolicy";
pub const SAVE: &str = "/AppShield/SaveAppShieldPolicy";
pub const GROUPS: &str = "/Group/GetAllSecurityGroups";
pub const CONTACTS: &str = "/Contact/GetContactList";

/// A double in its shell, and the token of a client.
pub struct Bench {
    pub double: Arc<AppShieldDouble>,
    pub service: DoubleService,
    pub token: String,
}

impl Bench {
    pub async fn new() -> Self {
        Self::with(json!({})).await
    }

    /// Logged in as the operator.
    pub async fn with(options: Value) -> Self {
        let mut bench = Self::logged_out(options);
        bench.token = bench.log_in().await;
        bench
    }

    pub fn logged_out(options: Value) -> Self {
        let clock = TokioClock::shared();
        let options = AppShieldOptions::default().patched(&options).unwrap();
        let double = AppShieldDouble::new(options, clock.clone());
        let service = DoubleService::new(double.clone(), clock);
        Self { double, service, token: String::new() }
    }

    /// The token of a forced login with the double's own credentials.
    pub async fn log_in(&self) -> String {
        let (_, answer) = self.call(LOGIN, &self.login_body()).await;
        answer["LoginSession"]["SessionToken"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    pub fn login_body(&self) -> Value {
        let keys = self.double.credentials();
        login(&keys["username"], &keys["password"])
    }

    pub async fn send(&self, request: Request<Body>) -> Result<Response<Body>, Dropped> {
        self.service.clone().oneshot(request).await
    }

    /// Status and answer of a POST of JSON.
    pub async fn call(&self, path: &str, body: &Value) -> (u16, Value) {
        self.call_from(None, path, body).await
    }

    /// The same from another network location.
    pub async fn call_from(&self, place: Option<&str>, path: &str, body: &Value) -> (u16, Value) {
        let base = self.double.options().base;
        let mut request = request("POST", &format!("{base}{path}"), body);
        request.headers_mut().insert("content-type", "application/json; charset=utf-8".parse().unwrap());
        if let Some(place) = place {
            request.headers_mut().insert("x-forwarded-for", place.parse().unwrap());
        }
        read(self.send(request).await.unwrap()).await
    }

    pub fn body(&self, members: Value) -> Value {
        let mut body = json!({"sessionToken": self.token});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        body
    }

    /// The answer, always HTTP 200, of a call with the token.
    pub async fn ask(&self, path: &str, members: Value) -> Value {
        let (status, answer) = self.call(path, &self.body(members)).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// The answer to a save.
    pub async fn save(&self, members: Value) -> Value {
        self.ask(SAVE, members).await
    }

    /// The id of a new policy.
    pub async fn create(&self, name: &str) -> String {
        let answer = self.save(deep(named(name), json!(["16"]), json!([]))).await;
        assert_eq!(answer["ErrorCode"], "0", "{answer}");
        answer["id"].as_str().unwrap().to_owned()
    }

    pub async fn is_valid(&self) -> bool {
        self.ask(CHECK, json!({})).await["IsValid"] == true
    }

    pub fn state(&self) -> Value {
        self.double.state()
    }

    /// What is stored under an id.
    pub fn stored(&self, id: &str) -> Value {
        self.state()["policies"][id].clone()
    }

    /// Names of all policies, in order of creation.
    pub fn names(&self) -> Vec<String> {
        let state = self.state();
        let policies = state["policies"].as_object().unwrap().values();
        policies.map(|policy| policy["name"].as_str().unwrap_or("-").to_owned()).collect()
    }

    /// The id of a user in the double's own words.
    pub fn user(&self, login: &str) -> String {
        let state = self.state();
        let mut users = state["users"].as_object().unwrap().iter();
        users.find(|(_, user)| user["login"] == login).unwrap().0.clone()
    }

    pub fn counter(&self, name: &str) -> u64 {
        self.state()["counters"][name].as_u64().unwrap()
    }

    pub fn patch(&self, change: Value) {
        self.double.patch_state(change).unwrap();
    }

    pub fn fault(&self, fault: Value) {
        self.service.add_fault(&fault).unwrap();
    }
}

pub fn login(user: &str, password: &str) -> Value {
    json!({"bolForceLogin": true, "isGuest": false, "UserId": user, "UserPassword": password})
}

/// A whole new policy as the sheet's request has it.
pub fn named(name: &str) -> Value {
    json!({
        "id": null, "Name": name, "Description": "managed; ref 7c1e9a", "isActive": true,
        "Constraints": [], "Groups": null, "Users": null, "CreatedBy": null, "ModifiedBy": null,
        "CreatedDate": "2016-01-01T00:00:00.123456+01:00", "ModifiedDate": "1/1/2016 12:00:00 AM",
        "ErrorCode": null, "ErrorMessage": null
    })
}

/// A deep save.
pub fn deep(policy: Value, groups: Value, users: Value) -> Value {
    json!({"policy": policy, "isDeepSave": true, "groups": groups, "users": users})
}

/// The same object with some members replaced.
pub fn but(mut object: Value, members: Value) -> Value {
    object.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    object
}

/// The same object without one member.
pub fn without(mut object: Value, member: &str) -> Value {
    object.as_object_mut().unwrap().remove(member);
    object
}

pub async fn seconds(n: u64) {
    tokio::time::advance(Duration::from_secs(n)).await;
}
