//! Every fault of the sandbox (interfaces.md section 3), in the middle of every kind of call.

use std::collections::BTreeMap;

use ordain::{
    api::Reason,
    model::Clock as _,
    report::facts::{BackendStanding, Standing},
};
use serde_json::{Value, json};

use super::{Subject, plot::Plot};
use crate::support::rig::Rig;

/// How often refused credentials are shown within an hour: at once, and after 1, 2, 4, 8, then every 10 minutes make
/// nine.
const LOGINS_AN_HOUR: usize = 9;

/// Wrong credentials: the Backend says so, nothing is sent, and they are not shown so often that the account is locked
/// out (appshield sheet section 7), be it at the beginning or in the middle of a life.
pub async fn credentials(subject: &Subject) {
    for at_work in [false, true] {
        let mut rig = if at_work { subject.settled().await } else { (subject.rig)() };
        let right: BTreeMap<_, _> = rig.vendors.of(subject.name).double().credentials();
        let (key, value) = subject.wrong_key;
        let wrong = right.iter().map(|(k, v)| (*k, if *k == key { value } else { v.as_str() }));
        rig.put_secret("creds", &wrong.collect::<Vec<_>>());
        let (calls, before) = (rig.vendors.calls(subject.name).len(), (subject.ours)(&rig));
        if at_work {
            rig.edit_backend(|backend| backend.requested_at = Some("rotated".into()));
            rig.assign("one", (subject.policy)(2), (subject.targets)(1));
        } else {
            rig.assign("one", (subject.policy)(1), (subject.targets)(1));
            rig.start();
        }
        rig.pass(3600).await;
        refused(subject, &rig, calls);
        assert_eq!((subject.ours)(&rig), before, "{}", subject.title);
        rig.put_secret("creds", &right.iter().map(|(k, v)| (*k, v.as_str())).collect::<Vec<_>>());
        rig.edit_backend(|backend| backend.requested_at = Some("now".into()));
        rig.pass(600).await;
        rig.settle().await;
        subject.assert_in_step(&rig, "one", "healed");
    }
}

/// An hour of refused credentials, from one call on.
fn refused(subject: &Subject, rig: &Rig, since: usize) {
    let standing = rig.cluster.backend_last().standing;
    let stalled =
        matches!(&standing, BackendStanding::Stalled(Reason::Unauthorized | Reason::CredentialsInvalid, _));
    assert!(stalled, "{}: {standing:?}", subject.title);
    let calls = &rig.vendors.calls(subject.name)[since..];
    let logins = calls.iter().filter(|call| (subject.is_login)(call)).count();
    println!("{}: {logins} logins and {} calls within an hour of refusals", subject.title, calls.len());
    assert!(logins <= LOGINS_AN_HOUR, "{}: {logins} logins within an hour: {calls:#?}", subject.title);
    assert!(calls.len() <= 60, "{}: {calls:#?}", subject.title);
}

/// The faults, each as often as said.
fn kinds() -> Vec<Value> {
    let status = |code: u16, times: u8| json!({"kind": "status", "code": code, "times": times});
    let once = |kind: &str| json!({"kind": kind, "times": 1});
    vec![
        status(500, 1),
        status(503, 3),
        status(401, 1),
        status(403, 1),
        json!({"kind": "status", "code": 500, "effect": true, "times": 1}),
        json!({"kind": "status", "code": 429, "retryAfter": "3", "times": 2}),
        json!({"kind": "status", "code": 429, "times": 2}),
        once("dropBefore"),
        once("dropAfter"),
        once("truncate"),
        json!({"kind": "truncate", "clean": true, "times": 1}),
        once("html"),
        json!({"kind": "html", "effect": true, "times": 1}),
        json!({"kind": "delay", "ms": 20000, "times": 1}),
        json!({"kind": "delay", "ms": 90000, "after": true, "times": 1}),
        once("slow"),
        once("endless"),
        json!({"kind": "gzipBomb", "megabytes": 64, "times": 1}),
        json!({"kind": "redirect", "location": "https://elsewhere.test/", "times": 1}),
        json!({"kind": "rewrite", "remove": NAMES.map(|name| format!("/{name}")), "times": 1}),
    ]
}

/// Members that answers are made of, and that an answer of another version may lack (F29).
const NAMES: [&str; 12] = [
    "id",
    "Id",
    "data",
    "policies",
    "items",
    "Items",
    "policyId",
    "token",
    "access_token",
    "list",
    "count",
    "customers",
];

/// A fault at the n-th call of creating or of a release: the end is always the same.
pub async fn every_one(subject: &Subject, plot: Plot) {
    for fault in planned(subject, plot).await {
        let at = format!("{} {plot:?} {fault}", subject.title);
        let (mut rig, begun) = plot.begin(subject).await;
        let others = (subject.others)(&rig);
        rig.fault(subject.name, fault);
        plot.act(subject, &rig);
        if !begun {
            rig.start();
        }
        heals(subject, &rig).await;
        assert_eq!((subject.others)(&rig), others, "{at}: somebody else's");
        if plot == Plot::Release {
            assert!(!rig.cluster.exists("one"), "{at}: {:#?}", rig.cluster.facts("one").pop());
            assert_eq!((subject.ours)(&rig), Vec::<Value>::new(), "{at}: {:#?}", subject.effects(&rig));
        } else {
            holds(subject, &rig, 1, &at);
        }
    }
}

/// The same for edits, one after the other in one life: back and forth between two editions.
pub async fn every_one_of_edits(subject: &Subject) {
    let faults = planned(subject, Plot::Edit).await;
    let rig = subject.settled().await;
    let others = (subject.others)(&rig);
    for (fault, edition) in faults.into_iter().zip([2, 1].into_iter().cycle()) {
        let at = format!("{} edit to {edition}, {fault}", subject.title);
        rig.fault(subject.name, fault);
        rig.assign("one", (subject.policy)(edition), (subject.targets)(1));
        heals(subject, &rig).await;
        assert_eq!((subject.others)(&rig), others, "{at}: somebody else's");
        holds(subject, &rig, edition, &at);
    }
}

/// All faults, each at all calls of an undisturbed run. What is looked at again and again is asked the same: who was
/// disturbed at the first two of such calls need not be at the third.
async fn planned(subject: &Subject, plot: Plot) -> Vec<Value> {
    let calls = undisturbed(subject, plot).await;
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut worth = Vec::new();
    for (number, call) in calls.iter().enumerate() {
        let times = seen.entry(call).or_default();
        *times += 1;
        worth.extend((*times <= 2).then_some(number));
    }
    let own = (subject.faults)();
    let everywhere: Vec<Value> = kinds().into_iter().chain(own.at_every_call).collect();
    let (kinds, calls, once) = (everywhere.len(), worth.len(), own.once.len());
    println!("{} {plot:?}: {kinds} faults × {calls} calls, and {once} once", subject.title);
    let at = |skip: usize| {
        everywhere.iter().cloned().map(move |mut fault| {
            fault["skip"] = skip.into();
            fault
        })
    };
    worth.into_iter().flat_map(at).chain(own.once).collect()
}

/// The longest a failure rests; then nothing is wrong any more, and somebody asks.
async fn heals(subject: &Subject, rig: &Rig) {
    rig.pass(15 * 60).await;
    rig.heal(subject.name);
    let now = rig.clock.now().to_string();
    rig.edit_backend(|backend| backend.requested_at = Some(now.clone()));
    rig.request("one", &now);
    rig.settle().await;
}

/// One object in step that says what it should, whatever else may be left.
fn holds(subject: &Subject, rig: &Rig, edition: u8, at: &str) {
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep), "{at}: {:#?}", subject.effects(rig));
    let ours = (subject.ours)(rig);
    let effective: Vec<&Value> = ours.iter().filter(|one| (subject.says)(one, edition)).collect();
    assert_eq!(effective.len(), 1, "{at}: {ours:#?}");
    let leftovers = usize::try_from(rig.cluster.backend_last().objects[4]).unwrap();
    // Whether a lost create had its effect nobody can tell where nothing is listed.
    assert!(ours.len() <= 1 + leftovers, "{at}: what may be left is told: {ours:#?}");
}

/// The calls that a plot takes where nothing goes wrong.
pub async fn undisturbed(subject: &Subject, plot: Plot) -> Vec<String> {
    let (mut rig, begun) = plot.begin(subject).await;
    let before = rig.vendors.calls(subject.name).len();
    plot.act(subject, &rig);
    if !begun {
        rig.start();
    }
    rig.settle().await;
    rig.vendors.calls(subject.name).split_off(before)
}
