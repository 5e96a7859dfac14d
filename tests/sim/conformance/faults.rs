//! Every fault of the sandbox (interfaces.md section 3), in the middle of every kind of call.

use std::collections::BTreeMap;

use ordain::{
    api::Reason,
    report::facts::{BackendStanding, Standing},
};
use serde_json::{Value, json};

use super::Subject;

/// Wrong credentials: the Backend says so, nothing is sent, and nothing is tried in a loop.
pub async fn credentials(subject: &Subject) {
    let mut rig = (subject.rig)();
    let right: BTreeMap<_, _> = rig.vendors.of(subject.name).double().credentials();
    let (key, value) = subject.wrong_key;
    let keys: Vec<(&str, &str)> =
        right.iter().map(|(k, v)| (*k, if *k == key { value } else { v.as_str() })).collect();
    rig.put_secret("creds", &keys);
    rig.assign("one", (subject.policy)(1), (subject.targets)(1));
    rig.start();
    rig.pass(3600).await;
    let standing = rig.cluster.backend_last().standing;
    let stalled =
        matches!(&standing, BackendStanding::Stalled(Reason::Unauthorized | Reason::CredentialsInvalid, _));
    assert!(stalled, "{}: {standing:?}", subject.name);
    assert_eq!((subject.ours)(&rig), Vec::<Value>::new(), "{}", subject.name);
    let calls = rig.vendors.calls(subject.name).len();
    assert!(calls <= 60, "{}: {calls} calls within an hour", subject.name);
    let keys: Vec<(&str, &str)> = right.iter().map(|(k, v)| (*k, v.as_str())).collect();
    rig.put_secret("creds", &keys);
    rig.edit_backend(|backend| backend.requested_at = Some("now".into()));
    rig.pass(600).await;
    rig.settle().await;
    subject.assert_in_step(&rig, "one", "healed");
}

/// The faults, each as often as said.
fn kinds() -> Vec<Value> {
    let status = |code: u16, times: u8| json!({"kind": "status", "code": code, "times": times});
    vec![
        status(500, 1),
        status(503, 3),
        json!({"kind": "status", "code": 429, "retryAfter": "3", "times": 2}),
        json!({"kind": "status", "code": 429, "times": 2}),
        status(403, 1),
        json!({"kind": "dropBefore", "times": 1}),
        json!({"kind": "dropAfter", "times": 1}),
        json!({"kind": "truncate", "times": 1}),
        json!({"kind": "html", "times": 1}),
        json!({"kind": "delay", "ms": 20000, "times": 1}),
    ]
}

/// A fault at the n-th call of creating: the end is always the same.
pub async fn every_one(subject: &Subject) {
    let calls = undisturbed(subject).await;
    for kind in kinds() {
        for skip in 0..calls {
            disturbed(subject, &kind, skip).await;
        }
    }
}

/// How many calls it takes until one assignment is in step.
async fn undisturbed(subject: &Subject) -> usize {
    let rig = subject.settled().await;
    rig.vendors.calls(subject.name).len()
}

async fn disturbed(subject: &Subject, kind: &Value, skip: usize) {
    let at = format!("{} {kind} after {skip} calls", subject.name);
    let mut rig = (subject.rig)();
    let others = (subject.others)(&rig);
    let mut fault = kind.clone();
    fault["skip"] = skip.into();
    rig.fault(subject.name, fault);
    rig.assign("one", (subject.policy)(1), (subject.targets)(1));
    rig.start();
    // The longest a failure rests, and the drift interval after.
    rig.pass(2 * 3600).await;
    rig.heal(subject.name);
    rig.edit_backend(|backend| backend.requested_at = Some("again".into()));
    rig.request("one", "again");
    rig.settle().await;
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep), "{at}: {:#?}", subject.effects(&rig));
    let ours = (subject.ours)(&rig);
    let effective: Vec<&Value> = ours.iter().filter(|one| (subject.says)(one, 1)).collect();
    assert_eq!(effective.len(), 1, "{at}: {ours:#?}");
    assert_eq!((subject.others)(&rig), others, "{at}: somebody else's");
    let leftovers = usize::try_from(rig.cluster.backend_last().objects[4]).unwrap();
    // Whether a lost create had its effect nobody can tell where nothing is listed.
    assert!(ours.len() <= 1 + leftovers, "{at}: what may be left is told: {ours:#?}");
}
