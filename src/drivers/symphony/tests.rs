//! The driver against scripted answers; against the double of the system see `against_double`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod login;
mod steps;
mod views;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::*;
use crate::{
    drivers::{
        DesiredItem,
        connect::connect,
        http::{
            SharedTransport,
            scripted::{Reply, Scripted, Seen},
        },
        testing::limits,
    },
    model::{
        Clock, ExternalId, Identity, ItemKey, LeafPath, LeafValue, Mark, ObjectName, ObservedItem, OwnerId,
        Shape,
    },
    sandbox::support::TokioClock,
};

const PEM: &str = include_str!("../../sandbox/symphony/keys/sandbox.pem");

fn settings(extra: &Value) -> crate::api::SystemSpec {
    let mut settings = json!({
        "podUrl": "https://pod.example", "keyManagerUrl": "https://km.example:8443/app",
        "agentUrl": "https://agent.example", "generation": "V1", "credentialsRef": {"name": "dlp"},
    });
    for (member, value) in extra.as_object().unwrap() {
        settings[member] = value.clone();
    }
    serde_json::from_value(json!({ "symphony": settings })).unwrap()
}

fn credentials() -> BTreeMap<String, Secret> {
    BTreeMap::from([("username".into(), Secret::new("dlp")), ("privateKey".into(), Secret::new(PEM))])
}

fn connected(
    extra: &Value,
    credentials: &BTreeMap<String, Secret>,
    transport: SharedTransport,
) -> Result<Arc<dyn Driver>, DriverError> {
    let clock: Arc<dyn Clock> = TokioClock::shared();
    connect(&settings(extra), credentials, &owner(), transport, limits(), clock)
}

/// A pod that lets everybody in and answers the rest as the closure says.
struct Server {
    transport: Arc<Scripted>,
    driver: Arc<dyn Driver>,
}

impl Server {
    fn new(answer: impl FnMut(&Seen) -> Reply + Send + 'static) -> Self {
        Self::with(&json!({}), answer)
    }

    fn with(extra: &Value, mut answer: impl FnMut(&Seen) -> Reply + Send + 'static) -> Self {
        let mut logins = 0;
        let transport = Scripted::new(move |seen| {
            if is_login(&seen.line) {
                logins += 1;
                return Reply::json(
                    200,
                    &json!({"name": "any", "token": format!("token-canary-{logins:02}")}),
                );
            }
            answer(seen)
        });
        let driver = connected(extra, &credentials(), Arc::clone(&transport) as SharedTransport).unwrap();
        Self { transport, driver }
    }

    /// Calls of the Agent.
    fn calls(&self) -> Vec<String> {
        self.transport.lines().into_iter().filter(|line| !is_login(line)).collect()
    }

    fn logins(&self) -> usize {
        self.transport.seen().len() - self.calls().len()
    }

    async fn observe(&self) -> Result<Observation, DriverError> {
        self.driver.observe(&Scope::default()).await
    }
}

fn is_login(line: &str) -> bool {
    line.ends_with("/pubkey/authenticate")
}

fn policy(id: usize) -> Value {
    json!({
        "policyId": format!("p{id:04}"), "name": format!("policy {id}"), "type": "Block",
        "contentTypes": ["Messages"], "scopes": ["External"], "active": true, "version": "1.0",
        "dictionaryRefs": [{"dictId": "d1", "name": "cards", "version": "1.0"}],
    })
}

/// The page that is asked for.
fn page(seen: &Seen, member: &str, rows: &[Value]) -> Reply {
    let number = asked(seen, "page");
    let slice: Vec<_> = rows.iter().skip(number * 50).take(50).collect();
    Reply::json(200, &json!({member: slice, "page": number, "pageCount": rows.len().div_ceil(50)}))
}

fn asked(seen: &Seen, name: &str) -> usize {
    let url = url::Url::parse(&format!("https://x{}", seen.line.split_once(' ').unwrap().1)).unwrap();
    url.query_pairs().find(|(n, _)| n == name).and_then(|(_, v)| v.parse().ok()).unwrap()
}

fn id(text: &str) -> ExternalId {
    ExternalId(text.into())
}

fn owner() -> OwnerId {
    OwnerId::new("o")
}

/// The mark of what is wanted.
fn mark() -> Mark {
    let object = ObjectName::new("team", "cards");
    Identity { owner: owner(), kind: "Policy", object, variant: "policy".into() }.suffix()
}

/// What is wanted, and what stands for it.
fn wanted(number: usize) -> (DesiredItem, ObservedItem) {
    let observed = wire::policy(&policy(number), Some(&owner())).unwrap();
    let leaves = observed.leaves.iter();
    let desired = DesiredItem {
        key: ItemKey("team/cards/policy".into()),
        shape: Shape::Object { mark: Some(mark()) },
        title: "Cards".into(),
        status_key: "policy".into(),
        leaves: leaves.map(|(p, v)| (p.clone(), LeafValue { value: v.clone(), secret: false })).collect(),
        members: BTreeMap::new(),
        enabled: Some(true),
        rank: (0, String::new()),
        contributors: BTreeSet::new(),
    };
    (desired, observed)
}

#[test]
fn a_missing_or_malformed_key_is_named() {
    let transport = Scripted::list(vec![]);
    let cases = [
        (vec![("username", "dlp")], "privateKey", "missing"),
        (vec![("username", "dlp"), ("privateKey", "")], "privateKey", "empty"),
        (vec![("username", "dlp"), ("privateKey", "garbage")], "privateKey", "2048, 3072 or 4096 bits"),
        (vec![("username", ""), ("privateKey", PEM)], "username", "empty"),
        (vec![], "privateKey", "missing"),
    ];
    for (keys, key, says) in cases {
        let credentials = keys.into_iter().map(|(k, v)| (k.to_owned(), Secret::new(v))).collect();
        let error =
            connected(&json!({}), &credentials, Arc::clone(&transport) as SharedTransport).err().unwrap();
        assert_eq!((error.class, error.reason), (Class::Rejected, Reason::CredentialsInvalid));
        assert!(error.message.contains(key) && error.message.contains(says), "{error}");
    }
    assert!(transport.seen().is_empty(), "connecting makes no call");
}

#[test]
fn a_bad_url_is_named() {
    let cases = [
        ("podUrl", "nonsense", Reason::Invalid),
        ("agentUrl", "http://agent.example/", Reason::AddressRefused),
        ("keyManagerUrl", "https://169.254.169.254", Reason::AddressRefused),
    ];
    for (field, url, reason) in cases {
        let shared = Scripted::list(vec![]) as SharedTransport;
        let error = connected(&json!({ field: url }), &credentials(), shared).err().unwrap();
        assert_eq!((error.class, error.reason), (Class::Rejected, reason));
        assert!(error.message.contains(field), "{error}");
    }
}

#[test]
fn the_other_generation_is_not_spoken() {
    let transport = Scripted::list(vec![]);
    let shared = Arc::clone(&transport) as SharedTransport;
    let error = connected(&json!({"generation": "V3"}), &BTreeMap::new(), shared).err().unwrap();
    assert_eq!((error.class, error.reason), (Class::Rejected, Reason::VersionUnsupported));
    assert!(error.message.contains("speaks V1") && error.message.contains("generation"), "{error}");
    assert!(transport.seen().is_empty());
}
