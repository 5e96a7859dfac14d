//! Section 7: pages, their limits, their order.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};

use super::{Bench, DICTIONARIES, V1};
use crate::sandbox::{
    support::TokioClock,
    symphony::{SymphonyDouble, SymphonyOptions},
};

const NONE: Value = Value::Null;

async fn crowd(options: Value) -> Bench {
    let clock = TokioClock::shared();
    let options = SymphonyOptions::default().patched(&options).unwrap();
    Bench::of(SymphonyDouble::crowded(120, 60, options, clock.clone()), clock).await
}

fn names(answer: &Value) -> Vec<String> {
    let all = answer["policies"].as_array().unwrap();
    all.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn pages_count_from_zero_and_hold_fifty() {
    let bench = crowd(json!({})).await;
    let mut seen = BTreeSet::new();
    for (page, expected) in [(0, 50), (1, 50), (2, 23), (3, 0)] {
        let answer = bench.get(&format!("{V1}?page={page}")).await;
        assert_eq!((&answer["page"], &answer["pageCount"]), (&json!(page), &json!(3)));
        assert!(answer.get("size").is_none(), "only EFv3 tells it");
        assert_eq!(names(&answer).len(), expected);
        seen.extend(names(&answer));
    }
    assert_eq!(seen.len(), 123);
    let answer = bench.get(&format!("{DICTIONARIES}?page=1&limit=40")).await;
    assert_eq!((answer["items"].as_array().unwrap().len(), &answer["pageCount"]), (24, &json!(2)));
    assert!(answer["items"][0].get("content").is_none(), "metadata only");
}

#[tokio::test(start_paused = true)]
async fn limits_and_pages_out_of_range() {
    for (options, query, expected, why) in [
        (json!({}), "limit=51", Some(50), "cut down"),
        (json!({"overLimit": "reject"}), "limit=51", None, "refused"),
        (json!({"overLimit": "honour"}), "limit=100", Some(100), "taken as it is"),
        (json!({}), "page=-1", None, "refused"),
        (json!({}), "limit=0", None, "refused"),
        (json!({"negativePages": "default"}), "page=-1&limit=-1", Some(50), "as if absent"),
        (json!({}), "page=one", None, "no number"),
        (json!({}), "page=9223372036854775807", Some(0), "far behind the end"),
    ] {
        let bench = crowd(options.clone()).await;
        let (status, answer) = bench.call("GET", &format!("{V1}?{query}"), &NONE).await;
        let got = (status == 200).then(|| names(&answer).len());
        assert_eq!(got, expected, "{options} {query}: {why}: {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_documents_an_order() {
    for (order, first, last) in [
        ("created", "PCI card numbers", "Räume: Entwurf"),
        ("name", "Insider & Marktmissbrauch", "Räume: Entwurf"),
        ("updated", "Räume: Entwurf", "Insider & Marktmissbrauch"),
    ] {
        let bench = Bench::with(json!({"listOrder": order})).await;
        tokio::time::advance(Duration::from_secs(1)).await;
        bench.patch(json!({"editPolicies": [{"policy": "Räume: Entwurf", "scopes": ["External"]}]}));
        let listed = names(&bench.get(V1).await);
        assert_eq!((listed[0].as_str(), listed[2].as_str()), (first, last), "{order}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_edit_between_two_pages_hides_a_policy() {
    let bench = crowd(json!({"listOrder": "updated"})).await;
    let first = names(&bench.get(&format!("{V1}?limit=50")).await);
    tokio::time::advance(Duration::from_secs(1)).await;
    bench.patch(json!({"editPolicies": [{"policy": "policy 119", "scopes": ["External"]}]}));
    let second = names(&bench.get(&format!("{V1}?page=1")).await);
    assert_eq!(first.last(), second.first(), "the last of the first page comes again");
    let third = names(&bench.get(&format!("{V1}?page=2")).await);
    assert!(!third.contains(&"policy 119".to_owned()), "and the edited one is on no page that was read");
}

#[tokio::test(start_paused = true)]
async fn lists_can_be_cut_wrongly() {
    for (anomaly, first, length, count) in [
        ("repeat", "PCI card numbers", 50, 3),
        ("empty", "", 0, 3),
        ("short", "policy 47", 49, 3),
        ("countLow", "policy 47", 50, 2),
        ("countHigh", "policy 47", 50, 4),
    ] {
        let bench = crowd(json!({})).await;
        bench.fault(
            json!({"kind": "pageAnomaly", "anomaly": anomaly, "match": {"query": "page=1"}, "times": 1}),
        );
        bench.get(&format!("{V1}?page=0")).await;
        let answer = bench.get(&format!("{V1}?page=1")).await;
        let listed = names(&answer);
        let got = (listed.first().map_or("", String::as_str), listed.len(), &answer["pageCount"]);
        assert_eq!(got, (first, length, &json!(count)), "{anomaly}");
        assert_eq!(names(&bench.get(&format!("{V1}?page=1")).await).len(), 50, "once");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_new_may_be_missing_from_lists_for_a_while() {
    let bench = Bench::with(json!({"newVisibleAfterMs": 60_000})).await;
    let path = bench.create(V1, &bench.cards("Mine")).await;
    bench.ok("POST", DICTIONARIES, &json!({"name": "Birds"})).await;
    assert!(!names(&bench.get(V1).await).contains(&"Mine".to_owned()));
    bench.get(&path).await;
    bench.refused("POST", V1, &bench.cards("Mine"), 400, "exists already").await;
    assert!(!bench.get(DICTIONARIES).await.to_string().contains("Birds"));
    tokio::time::advance(Duration::from_mins(1)).await;
    assert!(names(&bench.get(V1).await).contains(&"Mine".to_owned()));
    assert!(bench.get(DICTIONARIES).await.to_string().contains("Birds"));
}

#[tokio::test(start_paused = true)]
async fn optional_members_can_be_missing() {
    let bench = Bench::with(json!({"omit": ["pageCount", "creatorId", "version"]})).await;
    let answer = bench.get(V1).await;
    assert!(answer.get("pageCount").is_none() && answer.get("page").is_some());
    assert!(!answer.to_string().contains("creatorId") && !answer.to_string().contains("version"));
}
