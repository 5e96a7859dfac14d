#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::type_complexity)]
use serde_json::json;

use super::*;
use crate::drivers::{
    http::scripted::{Reply, Scripted},
    wfbss::testing::{A, B, driver, key, path, session},
};

fn scope(documents: &[(&str, &[&str])]) -> Scope {
    let of = |(document, leaves): &(&str, &[&str])| (key(document), leaves.iter().map(|p| path(p)).collect());
    Scope { documents: documents.iter().map(of).collect(), ..Scope::default() }
}

fn answer(customer: &str, documents: &[(&[u64], Value)]) -> Reply {
    Reply::json(200, &listed_json(&[(customer, documents)]))
}

fn listed_json(customers: &[(&str, &[(&[u64], Value)])]) -> Value {
    let of = |(id, documents): &(&str, &[(&[u64], Value)])| {
        let policies: Vec<_> =
            documents.iter().map(|(gid, policy)| json!({"gid": gid, "policy": policy})).collect();
        json!({"id": id, "count": policies.len(), "policies": policies})
    };
    json!({"customers": customers.iter().map(of).collect::<Vec<_>>()})
}

fn doc(customer: &str, group: u64) -> String {
    format!("{customer}/{group}/win")
}

#[tokio::test(start_paused = true)]
async fn one_call_per_customer_and_platform_names_one_customer_its_groups_and_the_sections() {
    let scope = scope(&[
        (&doc(A, 2), &["/wtp/enabled", "/schedule/daily_min"]),
        (&doc(A, 10), &["/wtp/level"]),
        (&doc(B, 1), &["/wtp/enabled"]),
        (&format!("{A}/2/mac"), &[]),
    ]);
    let (session, wire) = session(vec![]);
    let _ = observe(&session, &scope).await;
    let base = "GET /SMPI/v2.8/service/wfbss/api/policies?cids=";
    let mut lines = wire.lines();
    lines.sort();
    assert_eq!(
        lines,
        [
            format!("{base}{A}&gids=2&os=mac&page=1&limit=100"),
            format!("{base}{A}&gids=2,10&os=win&fields=schedule,wtp&page=1&limit=100"),
            format!("{base}{B}&gids=1&os=win&fields=wtp&page=1&limit=100"),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn leaves_are_canonical_and_unset_ones_absent() {
    let raw = json!({
        "wtp": {"enabled": "1", "level": null, "bes": {}},
        "approved_blocked_url": {"approved": {"urls": ["http://B.example/x", "a.example"], "url_times": [1, 0]}},
        "agent": {"password": ""},
    });
    let urls = "/approved_blocked_url/approved/urls";
    let asked = ["/wtp/enabled", "/wtp/level", "/wtp/bes", "/wtp/gone", urls, "/agent/password"];
    let (session, _) = session(vec![answer(A, &[(&[1], raw.clone())])]);
    let seen = observe(&session, &scope(&[(&doc(A, 1), &asked)])).await.unwrap();
    assert!(seen.complete && seen.missing.is_empty() && seen.unread.is_empty());
    let expected = BTreeMap::from([
        (path("/wtp/enabled"), json!(1)),
        (path(urls), json!(["http://a.example/*", "http://b.example/*"])),
        (path("/agent/password"), json!("")),
    ]);
    assert_eq!(seen.items[0].leaves, expected);
    assert_eq!(seen.items[0].raw, raw);
}

struct Case {
    why: &'static str,
    reply: Reply,
    read: Vec<u64>,
    shared: Vec<String>,
    missing: Vec<u64>,
    unread: Vec<u64>,
    complete: bool,
}

fn case(why: &'static str, reply: Reply) -> Case {
    Case { why, reply, read: vec![], shared: vec![], missing: vec![], unread: vec![], complete: true }
}

fn on() -> Value {
    json!({"wtp": {"enabled": 1}})
}

/// Complete answers to the question for groups 1 and 2 of one customer.
fn told() -> Vec<Case> {
    vec![
        Case { read: vec![1, 2], ..case("one document each", answer(A, &[(&[1], on()), (&[2], on())])) },
        Case { read: vec![1, 2], ..case("one document for both", answer(A, &[(&[1, 2], on())])) },
        Case {
            read: vec![1, 2],
            shared: vec![doc(A, 3), doc(A, 3)],
            ..case("a document that also serves a group nobody asked for", answer(A, &[(&[1, 2, 3], on())]))
        },
        Case {
            read: vec![1],
            missing: vec![2],
            ..case("a group that is not listed", answer(A, &[(&[1], on())]))
        },
        Case {
            missing: vec![1, 2],
            ..case("an expired customer", Reply::text(404, "{\"error\": {\"code\": \"expired\"}}"))
        },
    ]
}

/// Answers to the same question that leave something open.
fn doubtful() -> Vec<Case> {
    let listed = |customers| Reply::json(200, &listed_json(customers));
    vec![
        Case {
            read: vec![1, 2],
            complete: false,
            ..case("a customer nobody asked for", listed(&[(A, &[(&[1, 2], on())]), (B, &[(&[1], on())])]))
        },
        Case {
            unread: vec![1, 2],
            complete: false,
            ..case("only another customer", listed(&[(B, &[(&[1], on())])]))
        },
        Case { unread: vec![1, 2], complete: false, ..case("nobody", listed(&[])) },
        Case {
            read: vec![1],
            unread: vec![2],
            complete: false,
            ..case("fewer documents than the total", {
                let mut cut = listed_json(&[(A, &[(&[1], on())])]);
                cut["paging"] = json!({"total": 2, "limit": 100, "page": 1});
                Reply::json(200, &cut)
            })
        },
        Case {
            read: vec![1],
            unread: vec![2],
            complete: false,
            ..case(
                "a document that is not understood",
                Reply::json(
                    200,
                    &json!({"customers": [{"id": A.to_lowercase(),
                "policies": [{"gid": [1], "policy": on()}, {"gid": "two", "policy": on()}]}]}),
                ),
            )
        },
        Case {
            read: vec![2],
            unread: vec![1],
            complete: false,
            ..case("two different documents", answer(A, &[(&[1], on()), (&[1], json!({})), (&[2], on())]))
        },
    ]
}

#[tokio::test(start_paused = true)]
async fn answers_are_judged_group_by_group() {
    for case in told().into_iter().chain(doubtful()) {
        let reply = case.reply;
        let system = Scripted::new(move |_| reply.clone());
        let session = driver(system, &json!({})).session;
        let asked = scope(&[(&doc(A, 1), &["/wtp/enabled"]), (&doc(A, 2), &["/wtp/enabled"])]);
        let seen = observe(&session, &asked).await.unwrap();
        let keys = |groups: Vec<u64>| groups.into_iter().map(|g| key(&doc(A, g))).collect::<Vec<_>>();
        let why = case.why;
        assert_eq!(
            seen.items.iter().filter_map(|i| i.key.clone()).collect::<Vec<_>>(),
            keys(case.read),
            "{why}"
        );
        assert_eq!(
            seen.items.iter().flat_map(|i| i.shared_with.clone()).collect::<Vec<_>>(),
            case.shared,
            "{why}"
        );
        assert_eq!(seen.missing.into_keys().collect::<Vec<_>>(), keys(case.missing), "{why}");
        assert_eq!(seen.unread.into_keys().collect::<Vec<_>>(), keys(case.unread), "{why}");
        assert_eq!(seen.complete, case.complete, "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_section_the_system_does_not_know_does_not_blind_us() {
    let (session, wire) = session(vec![
        Reply::text(400, "unknown field: foo"),
        answer(A, &[(&[1], json!({"wtp": {"enabled": 1}}))]),
    ]);
    let seen = observe(&session, &scope(&[(&doc(A, 1), &["/wtp/enabled", "/foo/bar"])])).await.unwrap();
    assert_eq!(seen.items[0].leaves.len(), 1, "the unknown one is simply not set");
    assert!(
        wire.lines()[0].contains("fields=foo,wtp") && !wire.lines()[1].contains("fields"),
        "{:?}",
        wire.lines()
    );
}

#[tokio::test(start_paused = true)]
async fn one_customers_trouble_is_its_own_but_the_accounts_is_everybodys() {
    let two = || scope(&[(&doc(A, 1), &["/wtp/enabled"]), (&doc(B, 1), &["/wtp/enabled"])]);
    let good = |customer| answer(customer, &[(&[1], json!({}))]);
    let run = |for_a: Reply| async move {
        let wire = Scripted::new(move |seen| if seen.line.contains(A) { for_a.clone() } else { good(B) });
        observe(&driver(wire, &json!({})).session, &two()).await
    };
    for (why, reply) in [
        ("down", Reply::text(500, "oops")),
        ("cut", Reply::Cut(200, "{".into())),
        ("html", Reply::text(200, "<html>")),
        ("no rights to one customer", Reply::text(403, "no")),
        ("lost", Reply::Lost { sent: true }),
    ] {
        let seen = run(reply).await.unwrap();
        assert_eq!(seen.items.len(), 1, "{why}: the other is read");
        assert!(!seen.complete && seen.unread.contains_key(&key(&doc(A, 1))), "{why}");
    }
    for (reply, class) in [
        (Reply::text(401, "no"), Class::Unauthorized),
        (
            Reply::text(429, "slow").with("retry-after", "60"),
            Class::Throttled { after: Some(std::time::Duration::from_mins(1)) },
        ),
    ] {
        assert_eq!(run(reply).await.unwrap_err().class, class);
    }
}

#[tokio::test(start_paused = true)]
async fn no_answer_at_all_is_an_error_and_nothing_to_ask_is_none() {
    let (session, wire) = session(vec![Reply::text(500, "oops")]);
    let error = observe(&session, &scope(&[(&doc(A, 1), &["/wtp/enabled"])])).await.unwrap_err();
    assert_eq!(error.class, Class::Transient);
    assert!(observe(&session, &Scope::default()).await.unwrap().complete);
    assert_eq!(wire.lines().len(), 1);
    let strange = observe(&session, &scope(&[("team/policy", &["/a"])])).await.unwrap();
    assert!(
        !strange.complete && strange.unread.len() == 1,
        "a key of another system is never called missing"
    );
}

#[tokio::test(start_paused = true)]
async fn many_groups_are_asked_for_a_page_at_a_time() {
    let documents: Vec<String> = (1..=250).map(|group| doc(A, group)).collect();
    let asked: Vec<(&str, &[&str])> =
        documents.iter().map(|d| (d.as_str(), &["/wtp/enabled"] as &[&str])).collect();
    let wire = Scripted::new(|seen| {
        let gids: Vec<u64> = seen
            .line
            .split("gids=")
            .nth(1)
            .unwrap()
            .split('&')
            .next()
            .unwrap()
            .split(',')
            .map(|g| g.parse().unwrap())
            .collect();
        assert!(gids.len() < 100);
        let documents: Vec<(&[u64], Value)> = gids.chunks(1).map(|gid| (gid, json!({}))).collect();
        answer(A, &documents)
    });
    let driver = driver(wire.clone(), &json!({}));
    let seen = observe(&driver.session, &scope(&asked)).await.unwrap();
    assert_eq!((seen.items.len(), seen.complete, wire.lines().len()), (250, true, 3));
}

#[tokio::test(start_paused = true)]
async fn one_group_that_is_gone_does_not_take_the_others_along() {
    let system = Scripted::new(|seen| {
        if seen.line.contains("gids=") {
            Reply::text(404, "no group 2")
        } else {
            answer(A, &[(&[1], json!({})), (&[3], json!({}))])
        }
    });
    let asked = scope(&[(&doc(A, 1), &["/wtp/enabled"]), (&doc(A, 2), &["/wtp/enabled"])]);
    let seen = observe(&driver(system.clone(), &json!({})).session, &asked).await.unwrap();
    assert_eq!(seen.items.iter().filter_map(|i| i.key.clone()).collect::<Vec<_>>(), [key(&doc(A, 1))]);
    assert_eq!(seen.missing.into_keys().collect::<Vec<_>>(), [key(&doc(A, 2))]);
    assert!(seen.complete);
    assert_eq!(system.lines().len(), 2);
}
