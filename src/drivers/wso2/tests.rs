//! The driver against scripted answers; against the double of the system see `double`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod login;
mod steps;
mod views;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

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
    model::{LeafPath, SystemClock},
};

pub(super) const PASSWORD: &str = "p4ssword-canary-0815";

pub(super) fn system(api: &str, extra: Value) -> crate::api::SystemSpec {
    let mut settings = json!({
        "url": "https://emm.example:9443", "api": api, "credentialsRef": {"name": "emm"},
        "deploy": {"mode": "Automatic", "foreignChanges": "Hold"},
    });
    settings.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    serde_json::from_value(json!({ "wso2": settings })).unwrap()
}

pub(super) fn credentials() -> BTreeMap<String, Secret> {
    BTreeMap::from([("username".into(), Secret::new("admin")), ("password".into(), Secret::new(PASSWORD))])
}

pub(super) fn driver_for(transport: SharedTransport, api: &str) -> Arc<dyn Driver> {
    let owner = OwnerId::new("o");
    let clock = Arc::new(SystemClock::new());
    connect(&system(api, json!({})), &credentials(), &owner, transport, limits(), clock).unwrap()
}

/// A server that lets everybody in and answers the rest as the closure says.
pub(super) struct Server {
    pub transport: Arc<Scripted>,
    pub driver: Arc<dyn Driver>,
}

impl Server {
    pub(super) fn new(api: &str, mut answer: impl FnMut(&Seen) -> Reply + Send + 'static) -> Self {
        let mut tokens = 0;
        let transport = Scripted::new(move |seen| {
            if seen.line.ends_with("/register") {
                return Reply::json(
                    201,
                    &json!({"client_id": "cid", "client_secret": "client-secret-canary"}),
                );
            }
            if seen.line.ends_with("/token") {
                tokens += 1;
                return token(tokens);
            }
            answer(seen)
        });
        let driver = driver_for(Arc::clone(&transport) as SharedTransport, api);
        Self { transport, driver }
    }

    /// Calls after the login.
    pub(super) fn calls(&self) -> Vec<String> {
        let lines = self.transport.lines().into_iter();
        lines.filter(|line| !line.ends_with("/register") && !line.ends_with("/token")).collect()
    }

    pub(super) fn logins(&self) -> usize {
        self.transport.seen().len() - self.calls().len()
    }
}

pub(super) fn token(number: u32) -> Reply {
    let token = json!({
        "access_token": format!("access-token-{number:04}"), "refresh_token": format!("refresh-token-{number:04}"),
        "token_type": "Bearer", "expires_in": 3600, "scope": "perm:policies:update",
    });
    Reply::json(200, &token)
}

pub(super) fn policy(id: i64) -> Value {
    json!({
        "id": id, "priorityId": id, "policyName": format!("policy {id}"), "active": true, "updated": false,
        "roles": ["engineer"], "users": [], "devices": [], "deviceGroups": [], "ownershipType": "ANY",
        "compliance": "enforce", "tenantId": -1234,
        "profile": {"profileId": id, "profileName": "p", "deviceType": "android", "profileFeaturesList": [
            {"id": 1, "featureCode": "CAMERA", "deviceType": "android", "content": "{\"enabled\":false}"},
        ]},
    })
}

/// A page of dialect B.
pub(super) fn page(seen: &Seen, policies: &[Value]) -> Reply {
    let query = url::Url::parse(&format!("https://x{}", seen.line.split_once(' ').unwrap().1)).unwrap();
    let number = |name: &str| {
        let found = query.query_pairs().find(|(n, _)| n == name);
        found.and_then(|(_, v)| v.parse::<usize>().ok()).unwrap_or(0)
    };
    let rows: Vec<_> = policies.iter().skip(number("offset")).take(number("limit")).collect();
    Reply::json(200, &json!({"count": policies.len(), "policies": rows}))
}

pub(super) fn wrapped(status: u16, content: Option<Value>) -> Value {
    let mut value = json!({"statusCode": status, "messageFromServer": "words"});
    if let Some(content) = content {
        value["responseContent"] = content;
    }
    value
}

pub(super) fn wanted(id: Option<i64>) -> (DesiredItem, ObservedItem) {
    let raw = policy(id.unwrap_or(1));
    let observed = wire::policy(&raw, &wire::TypeNames::new()).unwrap();
    let leaves = observed.leaves.iter();
    let desired = DesiredItem {
        key: crate::model::ItemKey("team/laptops/android/roles".into()),
        shape: crate::model::Shape::Object {
            mark: Some(
                crate::model::Identity {
                    owner: OwnerId::new("o"),
                    kind: "PolicyAssignment",
                    object: crate::model::ObjectName::new("team", "laptops"),
                    variant: "android/roles".into(),
                }
                .mark(),
            ),
        },
        title: "Laptops".into(),
        status_key: "android/roles".into(),
        leaves: leaves.map(|(p, v)| (p.clone(), LeafValue { value: v.clone(), secret: false })).collect(),
        members: BTreeMap::from([
            (MemberKind::Role, BTreeSet::from(["engineer".to_owned()])),
            (MemberKind::User, BTreeSet::new()),
            (MemberKind::Group, BTreeSet::new()),
        ]),
        enabled: Some(true),
        rank: (0, String::new()),
        contributors: BTreeSet::new(),
    };
    (desired, observed)
}

pub(super) fn id(number: i64) -> ExternalId {
    ExternalId(number.to_string().into())
}

pub(super) use crate::{
    drivers::DesiredItem,
    model::{ExternalId, LeafValue, MemberKind, ObservedItem},
};

#[tokio::test]
async fn a_missing_or_empty_key_is_named() {
    let transport = Scripted::list(vec![]);
    let cases = [
        (vec![("username", "admin")], "password", "missing"),
        (vec![("username", ""), ("password", "x")], "username", "empty"),
        (vec![], "username", "missing"),
    ];
    for (keys, key, state) in cases {
        let credentials = keys.into_iter().map(|(k, v)| (k.to_owned(), Secret::new(v))).collect();
        let (owner, clock) = (OwnerId::new("o"), Arc::new(SystemClock::new()));
        let shared = Arc::clone(&transport) as SharedTransport;
        let system = system("DeviceMgtV1", json!({}));
        let error = connect(&system, &credentials, &owner, shared, limits(), clock).err().unwrap();
        assert_eq!((error.class, error.reason), (Class::Rejected, Reason::CredentialsInvalid));
        assert!(error.message.contains(key) && error.message.contains(state), "{error}");
    }
    assert!(transport.seen().is_empty(), "connecting makes no call");
}

#[tokio::test]
async fn a_bad_url_is_named() {
    for (field, url) in [
        ("tokenUrl", "nonsense"),
        ("registrationUrl", "http://emm.example/"),
        ("url", "https://169.254.169.254"),
    ] {
        let (owner, clock) = (OwnerId::new("o"), Arc::new(SystemClock::new()));
        let shared = Scripted::list(vec![]) as SharedTransport;
        let system = system("DeviceMgtV1", json!({ field: url }));
        let error = connect(&system, &credentials(), &owner, shared, limits(), clock).err().unwrap();
        assert_eq!(error.class, Class::Rejected);
        assert!(error.message.contains(field), "{error}");
    }
}

/// Remembers a number across calls of a script.
#[derive(Clone, Default)]
pub(super) struct Count(Arc<Mutex<usize>>);

impl Count {
    pub(super) fn next(&self) -> usize {
        let mut count = self.0.lock().unwrap();
        *count += 1;
        *count
    }
}
