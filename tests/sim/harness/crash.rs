//! The gate: numbers, crash points, incarnations; and coming to rest.

use std::time::Duration;

use futures::StreamExt;
use jiff::SignedDuration;
use kube::api::{Patch, PatchParams};
use kube::runtime::watcher::{self, watcher};
use ordain::model::Clock;
use serde_json::json;
use tokio::time::{sleep, timeout};

use super::{policies, policy, server};
use crate::support::settle::Unsettled;
use crate::support::{FakeApi, IoGate, Moment, Settle, SimClock, settle};

/// A tiny operator: reads three policies in turn and marks each as observed.
async fn mark_all(api: FakeApi) {
    let client = policies(&api);
    for name in ["a", "b", "c"] {
        let seen = client.get(name).await.unwrap();
        let body = json!({"status": {"observedGeneration": seen.metadata.generation}});
        client.patch_status(name, &PatchParams::default(), &Patch::Merge(body)).await.unwrap();
    }
}

fn three() -> FakeApi {
    let api = server();
    for name in ["a", "b", "c"] {
        api.apply(policy(name, name));
    }
    api
}

fn observed(api: &FakeApi) -> Vec<i64> {
    api.list("Policy").iter().map(|p| p["status"]["observedGeneration"].as_i64().unwrap()).collect()
}

/// Runs an operator until it ends, or until its process is killed and everything of it is dropped.
async fn live(api: &FakeApi) -> bool {
    let gate = api.gate().clone();
    tokio::select! {
        biased;
        () = gate.crashed() => false,
        () = mark_all(api.clone()) => true,
    }
}

#[tokio::test(start_paused = true)]
async fn every_io_has_a_number_and_a_label() {
    let api = three();
    assert!(live(&api).await);
    let labels = api.gate().labels(1);
    assert_eq!(labels[..2], ["get policies team-a/a", "patch policies/status team-a/a"]);
    let numbers: Vec<_> = api.gate().journal().iter().map(|io| io.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
}

#[tokio::test(start_paused = true)]
async fn a_crash_point_decides_whether_the_effect_happened() {
    for (moment, expected) in [(Moment::Before, [1, -1, -1]), (Moment::After, [1, 1, -1])] {
        let api = three();
        api.gate().crash_at(4, moment);
        assert!(!live(&api).await);
        assert_eq!(observed(&api), expected, "{moment:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn killed_anywhere_twice_and_restarted_it_ends_the_same() {
    let moments = [Moment::Before, Moment::After];
    let points: Vec<_> = (1..=6).flat_map(|number| moments.map(|moment| (number, moment))).collect();
    for first in &points {
        for second in &points {
            let api = three();
            api.gate().crash_at(first.0, first.1);
            assert!(!live(&api).await);
            api.gate().next_incarnation();
            api.gate().crash_at(second.0, second.1);
            assert!(!live(&api).await);
            api.gate().next_incarnation();
            assert!(live(&api).await);
            assert_eq!(observed(&api), [1, 1, 1], "{first:?} {second:?}");
            assert_eq!(api.gate().labels(3).len(), 6);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_dead_stays_dead() {
    let api = three();
    let old = policies(&api);
    let mut events = Box::pin(watcher(old.clone(), watcher::Config::default()));
    for _ in 0..5 {
        events.next().await.unwrap().unwrap();
    }
    api.gate().next_incarnation();
    api.apply(policy("a", "changed"));
    let hour = Duration::from_hours(1);
    assert!(timeout(hour, old.get("a")).await.is_err(), "an old client gets no answers");
    assert!(timeout(hour, events.next()).await.is_err(), "an old watch gets no events");
    policies(&api).get("a").await.unwrap();
    assert_eq!(api.gate().labels(2), ["get policies team-a/a"]);
}

#[tokio::test(start_paused = true)]
async fn a_second_process_has_its_own_gate() {
    let api = three();
    let other = IoGate::new();
    let client = api.client_as("second", &other.process());
    api.gate().kill();
    let policies: kube::Api<kube::api::DynamicObject> =
        kube::Api::namespaced_with(client, "team-a", &super::policy_resource());
    policies.get("a").await.unwrap();
    assert_eq!(api.requests().by("second").len(), 1);
    assert_eq!((api.gate().count(), other.count()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn rest_is_reached_when_only_the_pulse_goes_on() {
    let api = three();
    let operator = async {
        sleep(Duration::from_secs(100)).await;
        mark_all(api.clone()).await;
        let mut pulse = Box::pin(watcher(policies(&api), watcher::Config::default().timeout(10)));
        while pulse.next().await.is_some() {}
    };
    let settled = tokio::select! {
        () = operator => panic!("it goes on"),
        settled = settle(api.gate()) => settled,
    };
    assert_eq!(settled, Ok(Duration::from_secs(100)));
}

#[tokio::test(start_paused = true)]
async fn a_crash_ends_the_wait() {
    let api = three();
    api.gate().crash_at(2, Moment::After);
    let settled = tokio::select! {
        () = mark_all(api.clone()) => panic!("it dies first"),
        settled = settle(api.gate()) => settled,
    };
    assert_eq!(settled, Err(Unsettled::Crashed));
}

#[tokio::test(start_paused = true)]
async fn restlessness_is_told_from_a_hot_loop() {
    let api = three();
    let limits = Settle { bound: Duration::from_mins(10), ..Settle::default() };
    let busy = async {
        loop {
            policies(&api).get("a").await.unwrap();
            sleep(Duration::from_secs(30)).await;
        }
    };
    let settled =
        tokio::select! { () = busy => unreachable!(), settled = limits.wait(api.gate()) => settled };
    assert!(matches!(settled, Err(Unsettled::Restless(tail)) if tail.len() == 20));

    api.gate().burst_limit(500);
    let hot = async {
        loop {
            policies(&api).get("a").await.unwrap();
        }
    };
    let settled = tokio::select! { () = hot => unreachable!(), settled = limits.wait(api.gate()) => settled };
    assert!(matches!(settled, Err(Unsettled::HotLoop(_))), "{settled:?}");
}

#[tokio::test(start_paused = true)]
async fn the_wall_clock_jumps_and_the_monotonic_one_does_not() {
    let clock = SimClock::new();
    let other = clock.another_machine();
    sleep(Duration::from_secs(5)).await;
    clock.jump(SignedDuration::from_hours(-24));
    assert_eq!(clock.now().to_string(), "2026-03-02T09:15:05Z");
    assert_eq!(other.now().to_string(), "2026-03-03T09:15:05Z");
    assert_eq!((clock.monotonic(), other.monotonic()), (Duration::from_secs(5), Duration::from_secs(5)));
}
