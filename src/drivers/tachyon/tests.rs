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
        Clock, ExternalId, ItemKey, LeafPath, LeafValue, Mark, MemberKind, ObservedItem, OwnerId, Shape,
        SystemClock,
    },
};

const KEY: &str = include_str!("../../sandbox/tachyon/keys/sandbox.pem");
const CERTIFICATE: &str = include_str!("../../sandbox/tachyon/keys/sandbox.crt");

fn connected(
    extra: &Value,
    credentials: &[(&str, &str)],
    transport: SharedTransport,
) -> Result<Arc<dyn Driver>, DriverError> {
    let mut settings = json!({
        "url": "https://tachyon.example", "consumer": "Ordain", "credentialsRef": {"name": "t"},
        "deploy": {"mode": "Automatic", "foreignChanges": "Hold"},
    });
    settings.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let system = serde_json::from_value(json!({ "tachyon": settings })).unwrap();
    let credentials =
        credentials.iter().map(|(key, value)| ((*key).to_owned(), Secret::new(*value))).collect();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    connect(&system, &credentials, &OwnerId::new("o"), transport, limits(), clock)
}

fn application() -> [(&'static str, &'static str); 3] {
    [("applicationId", "app"), ("certificate", CERTIFICATE), ("privateKey", KEY)]
}

fn header(seen: &Seen, name: &str) -> Option<String> {
    seen.headers.get(name).map(|value| value.to_str().unwrap().to_owned())
}

/// A server of version 5 with these policies; effects are answered as the closure says.
fn reading(seen: &Seen, policies: &[Value]) -> Option<Reply> {
    let json = |value: Value| Some(Reply::json(200, &value));
    let list = json!({"TotalCount": policies.len(), "Items": policies});
    match seen.line.strip_suffix("?includeSystemGroups=true").unwrap_or(&seen.line) {
        "GET /Consumer/Information" => json(json!({"Version": "5.1.0"})),
        "POST /Consumer/Policies/ShallowSearch" => json(list),
        "GET /Consumer/ManagementGroups" => json(json!([
            {"Id": 3, "Name": "All Devices", "UsableId": "global"}, {"Id": 7, "Name": "Finance", "UsableId": "x"},
            {"Id": 8, "Name": "Kiosks", "UsableId": "y"},
        ])),
        "GET /Consumer/Policies/Pending/Changes" => json(json!(false)),
        "GET /Consumer/Policies/Unlicensed" => json(json!([])),
        _ => None,
    }
}

fn policy() -> Value {
    json!({"Id": 41, "Name": "usb", "Description": "", "Enabled": true, "Rules": [310], "ManagementGroups": ["Finance"]})
}

fn id(text: &str) -> ExternalId {
    ExternalId(text.into())
}

#[test]
fn connecting_makes_no_call_and_names_what_is_wrong() {
    let transport = Scripted::list(vec![]);
    let shared = || Arc::clone(&transport) as SharedTransport;
    let cases = [
        (json!({"url": "nonsense"}), Reason::Invalid, "url"),
        (json!({"url": "http://tachyon.example"}), Reason::AddressRefused, "url"),
        (json!({"portalUrl": "https://169.254.169.254"}), Reason::AddressRefused, "portalUrl"),
        (json!({"consumer": "zwei\nZeilen"}), Reason::Invalid, "consumer"),
    ];
    for (extra, reason, says) in cases {
        let error = connected(&extra, &[("token", "t")], shared()).err().unwrap();
        assert_eq!((error.class, error.reason), (Class::Rejected, reason), "{error}");
        assert!(error.message.contains(says), "{error}");
    }
    let error = connected(&json!({}), &[], shared()).err().unwrap();
    assert_eq!(error.reason, Reason::CredentialsInvalid);
    connected(&json!({}), &application(), shared()).unwrap();
    assert!(transport.seen().is_empty());
}
