//! Makes documents and changes for the unit tests of this driver.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Wfbss, calls::Session, canonical};
use crate::{
    drivers::{
        DesiredItem, DocumentChange,
        http::{
            HttpClient, Limits, SharedTransport,
            scripted::{Reply, Scripted},
        },
    },
    model::{Catalogue, Clock, Entry, EntryKind, ItemKey, LeafPath, LeafValue, ObservedItem, Secret, Shape},
};

/// A customer.
pub const A: &str = "640FE47F-5118-4D79-8221-A35D0DE2EE2C";
/// Another customer.
pub const B: &str = "AEE6F73D-6AFC-44CC-8C44-AC54A7A1E163";

/// `<customer>/<gid>/<os>`.
pub fn key(text: &str) -> ItemKey {
    ItemKey(text.into())
}

/// A leaf's path.
pub fn path(text: &str) -> LeafPath {
    LeafPath(text.into())
}

/// A document as read: `raw`, and what stands at the given paths.
pub fn observed(key: &ItemKey, raw: Value, paths: &[&str]) -> ObservedItem {
    let leaf = |p: &&str| Some((path(p), canonical::canonicalise(p, raw.pointer(p)?)));
    ObservedItem {
        key: Some(key.clone()),
        leaves: paths.iter().filter_map(leaf).collect(),
        raw,
        ..ObservedItem::default()
    }
}

/// A change of one document: what is wanted at which path, against what was read; what differs is derived.
pub fn change(document: &str, raw: Value, leaves: &[(&str, Value)]) -> DocumentChange {
    let key = key(document);
    let paths: Vec<&str> = leaves.iter().map(|(p, _)| *p).collect();
    let observed = observed(&key, raw, &paths);
    let differs =
        |(p, v): &&(&str, Value)| observed.leaves.get(&path(p)) != Some(&canonical::canonicalise(p, v));
    DocumentChange {
        differing: leaves.iter().filter(differs).map(|(p, _)| path(p)).collect(),
        desired: DesiredItem {
            key,
            shape: Shape::Document,
            title: document.to_owned(),
            status_key: document.to_owned(),
            leaves: leaves
                .iter()
                .map(|(p, v)| (path(p), LeafValue { value: v.clone(), secret: false }))
                .collect(),
            members: BTreeMap::new(),
            enabled: None,
            rank: (0, String::new()),
            contributors: BTreeSet::new(),
        },
        restore: BTreeMap::new(),
        observed,
    }
}

/// A third customer.
pub const C: &str = "B1B2C3D4-0000-4000-8000-000000000001";

/// Holds still at the sheet's example time, 2023-11-14T22:13:20Z.
pub struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_700_000_000).unwrap()
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// A driver for `https://cspi.example` over the given transport.
pub fn driver(transport: SharedTransport, spec: &Value) -> Wfbss {
    driver_by(transport, spec, Arc::new(StoppedClock))
}

/// The same by another clock.
pub fn driver_by(transport: SharedTransport, spec: &Value, clock: Arc<dyn Clock>) -> Wfbss {
    let limits = Limits {
        requests_per_minute: 60_000,
        burst: 1000,
        in_flight: 4,
        timeout: Duration::from_secs(30),
        max_body: 1 << 20,
        meter: crate::drivers::http::Meter::default(),
    };
    let http = HttpClient::new(transport, "https://cspi.example".parse().unwrap(), limits, clock.clone());
    let credentials = BTreeMap::from([
        ("accessToken".to_owned(), Secret::new("11111111-2222-3333-4444-555555555555")),
        ("secretKey".to_owned(), Secret::new("example-secret-key")),
    ]);
    let mut whole = json!({"url": "https://cspi.example", "credentialsRef": {"name": "trend"}});
    whole.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    Wfbss::new(&serde_json::from_value(whole).unwrap(), &credentials, http, clock).ok().unwrap()
}

/// A session whose system gives these answers in turn.
pub fn session(replies: Vec<Reply>) -> (Session, Arc<Scripted>) {
    let wire = Scripted::list(replies);
    (driver(wire.clone(), &json!({})).session, wire)
}

/// JSON of every shape, with keys and texts that the rules speak of.
pub fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-20_i8..20).prop_map(|n| json!(f64::from(n))),
        (-20_i8..20).prop_map(|n| json!(n.to_string())),
        "(HTTP|https|ftp)?(://)?[ aB.*ßİΣ]{0,6}[/?#:]{0,2}[a-z ]{0,3}".prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    let key = prop_oneof![Just("urls".to_owned()), Just("url_times".to_owned()), "[a-z_]{0,6}"];
    leaf.prop_recursive(4, 32, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..5).prop_map(|m| m.into_iter().collect()),
        ]
    })
}

/// Acme with three groups, Bygone whose licence has expired, Careless with one group, and two twins of one name.
pub fn catalogue() -> Catalogue {
    let customer = |id: &str, name: &str, unusable: Option<&str>| Entry {
        id: id.to_owned(),
        name: name.to_owned(),
        parent: None,
        unusable: unusable.map(str::to_owned),
    };
    let group = |customer: &str, id: &str, name: &str| Entry {
        id: id.to_owned(),
        name: name.to_owned(),
        parent: Some(customer.to_owned()),
        unusable: None,
    };
    let customers = vec![
        customer(A, "Acme", None),
        customer(B, "Bygone", Some("the licence expired at 2020-06-01T15:59:59Z")),
        customer(C, "Careless", None),
        customer("C1B2C3D4-0000-4000-8000-000000000001", "Twin", None),
        customer("C1B2C3D4-0000-4000-8000-000000000002", "twin", None),
    ];
    let groups = vec![
        group(A, "1", "Device (Default)"),
        group(A, "2", "Server (Default)"),
        group(A, "3", "Kiosks"),
        group(B, "1", "Device (Default)"),
        group(C, "1", "Device (Default)"),
    ];
    Catalogue {
        entries: BTreeMap::from([(EntryKind::Customer, customers), (EntryKind::Group, groups)]),
        partial: BTreeSet::new(),
    }
}
