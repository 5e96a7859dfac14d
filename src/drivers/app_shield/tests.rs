//! The driver against scripted answers; against the double of the system see `against_double`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod login;
mod steps;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::*;
use crate::{
    drivers::{
        connect::connect,
        http::{
            SharedTransport,
            scripted::{Reply, Scripted, Seen},
        },
        testing::limits,
    },
    model::{LeafPath, OwnerId},
    sandbox::support::TokioClock,
};

pub(super) const PASSWORD: &str = "p4ssword-canary-0815";

pub(super) fn system(extra: &Value) -> crate::api::SystemSpec {
    let mut settings = json!({"url": "https://bi.example/yurbi/api", "credentialsRef": {"name": "bi"}});
    settings.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    serde_json::from_value(json!({ "appShield": settings })).unwrap()
}

pub(super) fn credentials() -> BTreeMap<String, Secret> {
    BTreeMap::from([
        ("username".into(), Secret::new("policy-operator")),
        ("password".into(), Secret::new(PASSWORD)),
    ])
}

/// A token as the samples show them.
pub(super) fn token(number: usize) -> String {
    format!("CANARYTOKENABCDEFGHIJK[{number:02}")
}

pub(super) fn login(number: usize) -> Value {
    json!({
        "ErrorCode": 0, "ErrorMessage": "",
        "LoginSession": {"ErrorCode": 0, "SessionToken": token(number)},
        "LoginUser": {"ID": "1", "LoginName": "policy-operator", "isAdmin": true, "isSuperAdmin": false},
    })
}

/// A server that answers as the closure says; logins count from 1.
pub(super) struct Server {
    pub transport: Arc<Scripted>,
    pub driver: Arc<dyn Driver>,
}

impl Server {
    pub(super) fn new(settings: &Value, mut answer: impl FnMut(&Seen) -> Reply + Send + 'static) -> Self {
        let mut logins = 0;
        Self::bare(settings, move |seen| {
            if seen.line.ends_with("/login/DoLogin") {
                logins += 1;
                return Reply::json(200, &login(logins));
            }
            answer(seen)
        })
    }

    pub(super) fn bare(settings: &Value, answer: impl FnMut(&Seen) -> Reply + Send + 'static) -> Self {
        let transport = Scripted::new(answer);
        let (owner, shared) = (OwnerId::new("o"), Arc::clone(&transport) as SharedTransport);
        let clock = TokioClock::shared();
        let driver = connect(&system(settings), &credentials(), &owner, shared, limits(), clock).unwrap();
        Self { transport, driver }
    }

    /// The last segments of all calls so far.
    pub(super) fn calls(&self) -> Vec<String> {
        let last = |line: String| line.rsplit('/').next().unwrap().to_owned();
        self.transport.lines().into_iter().map(last).collect()
    }

    pub(super) fn count(&self, call: &str) -> usize {
        self.calls().iter().filter(|one| *one == call).count()
    }
}

pub(super) fn groups() -> Value {
    json!([{"GroupId": "1", "GroupName": "Administrators", "ErrorCode": 0}])
}

pub(super) fn dead() -> Value {
    json!({"ErrorCode": 5001, "ErrorMessage": "Session is not valid."})
}

pub(super) fn valid(valid: bool) -> Reply {
    Reply::json(200, &json!({"IsValid": valid, "ErrorCode": 0, "ErrorMessage": null}))
}

#[tokio::test]
async fn a_missing_or_empty_key_is_named_and_no_call_is_made() {
    let transport = Scripted::list(vec![]);
    let cases = [
        (vec![("username", "admin")], "password", "missing"),
        (vec![("username", ""), ("password", "x")], "username", "empty"),
        (vec![], "username", "missing"),
    ];
    for (keys, key, state) in cases {
        let keys = keys.into_iter().map(|(key, value)| (key.to_owned(), Secret::new(value))).collect();
        let (owner, shared) = (OwnerId::new("o"), Arc::clone(&transport) as SharedTransport);
        let clock = TokioClock::shared();
        let error = connect(&system(&json!({})), &keys, &owner, shared, limits(), clock).err().unwrap();
        assert_eq!((error.class, error.reason), (Class::Rejected, Reason::CredentialsInvalid));
        assert!(error.message.contains(key) && error.message.contains(state), "{error}");
    }
    assert!(transport.seen().is_empty());
}
