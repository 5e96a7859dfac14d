//! A cluster of thousands: the page stays short, tells how much it leaves out, leads there, and is made once for a crowd.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use async_trait::async_trait;
use axum::{body::Body, http::Request};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;
use crate::{
    model::{BackendId, BackendKind, ObjectName},
    overview::{Cluster, Overview, PolicyGlance, Seen},
    report::corrections::Correction,
};

/// More than are put into a list to choose from.
const ACCOUNTS: usize = 600;
/// On the first account, each with 16 objects.
const HELD: usize = 250;
/// Accounts that hold back; on most of them one removal.
const HOLDING: usize = 130;
const PUT_BACK: usize = 50;
const IN_FORCE: usize = 800;
const AMISS: usize = 130;

fn condition(type_: &str, status: &str, reason: &str) -> Value {
    json!({"type": type_, "status": status, "reason": reason, "message": "300 removals are waiting for this",
        "observedGeneration": 1, "lastTransitionTime": "2026-11-29T11:30:00Z"})
}

fn status(conditions: &[Value], objects: usize) -> Value {
    let object = |k| json!({"key": format!("android/{k}"), "id": format!("{k}"), "name": format!("PIN {k}")});
    json!({"observedGeneration": 1, "policyGeneration": 1, "conditions": conditions,
        "objects": (0..objects).map(object).collect::<Vec<_>>()})
}

fn seen<S, T: serde::de::DeserializeOwned>(spec: Result<S, String>, status: Value) -> Seen<S, T> {
    Seen {
        uid: crate::model::Uid("u".into()),
        generation: 1,
        deleting: None,
        spec,
        status: serde_json::from_value(status).unwrap(),
    }
}

fn holds(k: usize) -> Value {
    let mut held = condition("Held", "True", "HeldByGuard");
    match k {
        0 => {}
        99 => held["message"] = json!("7 removals are waiting for this"),
        _ => held["message"] = json!("1 removal is waiting for this"),
    }
    held
}

fn put_back(at: usize) -> Correction {
    Correction {
        assignment: ObjectName::new(format!("team-{at}"), "pin"),
        note: format!("put back at {at}"),
        at: format!("2026-11-29T11:{at:02}:00Z").parse().unwrap(),
        times: 1,
    }
}

/// Many of everything: some accounts hold back, the first of all most, the others are well.
fn cluster() -> Cluster {
    let mut all = Cluster::default();
    for k in 0..ACCOUNTS {
        let id = BackendId {
            kind: BackendKind::Backend,
            namespace: format!("team-{k}").into(),
            name: "emm".into(),
        };
        let mut conditions = vec![condition("Ready", "True", "Connected")];
        conditions.extend((k < HOLDING).then(|| holds(k)));
        all.backends.insert(id, seen(Err(String::new()), json!({"conditions": conditions})));
    }
    let (ready, unready) = (condition("Ready", "True", "InStep"), condition("Ready", "False", "HeldByGuard"));
    for i in 0..HELD + IN_FORCE {
        let (namespace, of) = match i {
            0..HELD => (0, status(&[unready.clone(), condition("Reconciling", "True", "HeldByGuard")], 16)),
            _ => (i % ACCOUNTS, status(std::slice::from_ref(&ready), 1)),
        };
        let spec = json!({"policyRef": {"name": "pin"}, "backendRef": {"name": "emm"}, "targets": {"everyone": true}});
        let name = ObjectName::new(format!("team-{namespace}"), format!("one-{i:05}"));
        all.assignments.insert(name, seen(Ok(serde_json::from_value(spec).unwrap()), of));
    }
    for i in 0..AMISS {
        let conditions = [condition("Ready", "False", "Invalid"), condition("Stalled", "True", "Invalid")];
        let policy = seen(Ok(PolicyGlance::default()), json!({"conditions": conditions}));
        all.policies.insert(ObjectName::new("team-1", format!("odd-{i}")), policy);
    }
    all.corrections = (0..PUT_BACK).map(put_back).collect();
    all
}

struct Large;

#[async_trait]
impl Onlooker for Large {
    async fn look(&self) -> Result<Overview, &'static str> {
        Ok(Overview::of(&cluster(), "2026-11-29T12:00:00Z".parse().unwrap()))
    }
}

fn app() -> Router {
    router("127.0.0.1:8081".parse().unwrap(), Glances::new(Large), Vec::new())
}

async fn page_at(app: &Router, uri: &str) -> Bytes {
    let request = Request::get(uri).header("host", "localhost").body(Body::empty()).unwrap();
    let answer = app.clone().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 200, "{uri}");
    answer.into_body().collect().await.unwrap().to_bytes()
}

fn text(page: &Bytes) -> &str {
    std::str::from_utf8(page).unwrap()
}

/// Names of the assignments that have a row, in order.
fn rows(page: &str) -> Vec<String> {
    let (assignments, _) = page.split_once("id=\"corrected\"").unwrap_or((page, ""));
    let cells = assignments.split("data-label=\"Assignment\">").skip(1);
    cells.map(|cell| cell.split('<').next().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_page_of_thousands_is_short_and_tells_what_it_leaves_out() {
    let app = app();
    let page = page_at(&app, "/").await;
    let page = text(&page);
    let counted = |part: &str| page.matches(part).count();
    let cases = [
        ("data-label=\"System\"", 100, "accounts"),
        ("data-label=\"Assignment\"", 100 + 20, "assignments, and corrections"),
        ("data-label=\"Object\"", 100, "other objects"),
        ("<li><b>team-0/", 20, "assignments of what is held"),
        ("(id ", 20 * 5, "objects of what is held"),
        ("<li>and 11 more</li>", 20, "objects left out"),
        ("<option", 8, "choices: of states alone"),
        ("<input name=\"namespace\"", 1, "a namespace is typed"),
        ("<input name=\"account\"", 1, "an account is typed"),
        (">230 more held assignments</a>", 1, "what is held besides"),
        ("500 more, no worse than these", 1, "accounts besides"),
        ("30 more, no worse than these", 1, "other objects besides"),
        ("<article class=\"held\">", 20, "accounts that hold back"),
        ("110 more accounts, with no more removals each than these", 1, "accounts that hold back besides"),
        ("<p>7 removals are waiting for this</p>", 1, "the last by name, for it holds more than others"),
        (">put back at ", 20, "corrections"),
        (">put back at 49<", 1, "the latest of them"),
        (
            "30 more that it remembers, put back before these: <code>kubectl get events -A ",
            1,
            "corrections besides",
        ),
        ("Page 1 of 11", 1, "assignments besides"),
    ];
    let wrong: Vec<_> = cases
        .iter()
        .map(|(part, expected, why)| (why, part, counted(part), *expected))
        .filter(|(.., counted, expected)| counted != expected)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(page.len() < 512 * 1024, "{} bytes", page.len());
}

/// Where the account is left out above, its assignment says itself what is held.
#[test]
fn nobody_is_sent_to_an_account_that_is_left_out() {
    for (namespace, sent, why) in
        [("team-0", 20, "accounts that are told, and this one"), ("team-98", 19, "the accounts alone")]
    {
        let mut cluster = cluster();
        let (_, held) = cluster.assignments.pop_first().unwrap();
        cluster.assignments.clear();
        cluster.assignments.insert(ObjectName::new(namespace, "pin"), held);
        let overview = Overview::of(&cluster, "2026-11-29T12:00:00Z".parse().unwrap());
        let page = view::page(&overview, asked::Asked::of("").unwrap()).unwrap();
        assert_eq!(page.matches("waits for an approval, see <a href=\"#held\">").count(), sent, "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_assignment_is_on_one_page_worst_first() {
    let app = app();
    let mut all = Vec::new();
    for number in 1..=11 {
        all.extend(rows(text(&page_at(&app, &format!("/?page={number}")).await)));
    }
    assert_eq!(all.len(), HELD + IN_FORCE);
    let held = all.iter().take_while(|name| name.starts_with("team-0/one-00")).count();
    assert!(held >= HELD, "what is held comes first: {held}");
    all.sort();
    all.dedup();
    assert_eq!(all.len(), HELD + IN_FORCE, "each once");
    let link = "/?account=Backend%2Fteam-0%2Femm&amp;state=held";
    assert!(
        text(&page_at(&app, "/").await).contains(&link.replace("&amp;", "&#38;")),
        "the rest of what is held"
    );
    let held = page_at(&app, "/?account=Backend%2Fteam-0%2Femm&state=held&page=3").await;
    assert_eq!(rows(text(&held)).len(), 50);
    assert!(text(&held).contains("value=\"Backend/team-0/emm\""), "what was typed stays");
}

/// Pages that are the same memory were made once.
#[tokio::test(start_paused = true)]
async fn a_crowd_that_asks_for_the_same_page_shares_it() {
    let app = app();
    let (together, other) = futures::future::join(
        futures::future::join_all((0..10).map(|_| page_at(&app, "/"))),
        page_at(&app, "/?state=held"),
    )
    .await;
    let first = together[0].as_ptr();
    assert!(together.iter().all(|page| page.as_ptr() == first), "made once for ten");
    assert_ne!(other.as_ptr(), first, "and another for who asks for something else");
    assert_eq!(page_at(&app, "/").await.as_ptr(), first);
    for number in 1..=16 {
        page_at(&app, &format!("/?page={number}")).await;
    }
    assert_ne!(page_at(&app, "/").await.as_ptr(), first, "sixteen are kept");
}
