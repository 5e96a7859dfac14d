//! Kinds that are missing or forbidden, watches that lag, stall, repeat and break.

use super::*;
use crate::support::apiserver::WatchFault;

#[tokio::test(start_paused = true)]
async fn a_kind_that_is_not_installed_keeps_back_what_it_touches_until_it_is() {
    let api = server();
    api.withdraw("TargetGroup");
    api.withdraw("ClusterBackend");
    let running = Running::settled(&api).await;
    assert!(running.is_bound(), "nothing here needs these kinds");
    let troubles = running.handle.troubles();
    assert_eq!(troubles.len(), 2, "{troubles:?}");
    assert!(troubles[0].starts_with("list targetgroups: "), "{troubles:?}");
    api.reinstate("TargetGroup");
    api.reinstate("ClusterBackend");
    running.rest().await;
    assert!(running.handle.troubles().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_may_not_be_listed_freezes_what_refers_to_it() {
    let api = server();
    api.deny("list", "policies");
    let running = Running::settled(&api).await;
    let message = running.frozen();
    assert!(message.starts_with("Pending: policies cannot be listed"), "{message}");
    assert!(message.contains("cannot list resource \"policies\""), "{message}");
    assert!(running.handle.troubles()[0].starts_with("list policies: "));
    let asked = api.requests().verb("list").to("policies").len();
    assert!(asked < 30, "{asked} attempts in five minutes");
    api.allow("list", "policies");
    let told = running.rest().await;
    assert!(running.is_bound(), "{told:?}");
    assert!(running.handle.troubles().is_empty());
}

#[tokio::test(start_paused = true)]
async fn without_the_assignments_no_worker_starts_and_the_backend_says_why() {
    let api = server();
    api.deny("list", "policyassignments");
    let running = Running::start(&api, Scope::All);
    let told = running.rest().await;
    assert!(told.contains(&"unbound Backend/team-a/b".to_owned()), "{told:?}");
    assert!(running.handle.desired(&backend()).is_none());
    api.allow("list", "policyassignments");
    let told = running.rest().await;
    assert!(told.contains(&"appeared Backend/team-a/b".to_owned()), "{told:?}");
    assert!(running.is_bound());
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_may_not_be_opened_is_named_and_heals() {
    let api = server();
    let running = Running::settled(&api).await;
    api.deny("watch", "policies");
    api.disturb_watches(Some("Policy"), WatchFault::Drop);
    running.rest().await;
    assert!(running.handle.troubles()[0].starts_with("watch policies: "), "{:?}", running.handle.troubles());
    assert!(running.is_bound(), "what was known stays known");
    api.apply(policy("second"));
    api.allow("watch", "policies");
    running.rest().await;
    assert!(running.handle.troubles().is_empty());
    let Input::Bound { binding, .. } = running.input() else { panic!() };
    assert_eq!(binding.policy_generation, 2);
}

#[tokio::test(start_paused = true)]
async fn events_repeated_and_swapped_come_to_the_same() {
    let api = server();
    let running = Running::settled(&api).await;
    for description in ["second", "third", "fourth"] {
        api.apply(policy(description));
    }
    running.rest().await;
    let before = running.desired();
    api.disturb_watches(None, WatchFault::Repeat(5));
    let told = running.rest().await;
    assert!(told.iter().all(|line| line.starts_with("seen ")), "{told:?}");
    assert!(Arc::ptr_eq(&before.assignments, &running.desired().assignments), "old news");
    api.disturb_watches(Some("Policy"), WatchFault::Swap);
    api.apply(policy("fifth"));
    api.apply(policy("sixth"));
    running.rest().await;
    let Input::Bound { binding, .. } = running.input() else { panic!() };
    assert_eq!(binding.policy.description.as_deref(), Some("sixth"));
}

#[tokio::test(start_paused = true)]
async fn a_list_from_a_server_that_lags_never_takes_anything_back() {
    let api = server();
    let running = Running::settled(&api).await;
    let old = api.revision();
    api.apply(policy("second"));
    running.rest().await;
    api.lag("Policy", old, true);
    api.disturb_watches(Some("Policy"), WatchFault::Expire);
    running.rest().await;
    let Input::Bound { binding, .. } = running.input() else { panic!() };
    assert_eq!(binding.policy_generation, 2);
    api.catch_up();
    running.rest().await;
    assert!(running.is_bound());
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_stalls_is_noticed() {
    let api = server();
    let running = Running::settled(&api).await;
    api.disturb_watches(Some("Policy"), WatchFault::Stall);
    sleep(Duration::from_secs(1)).await;
    api.apply(policy("second"));
    sleep(Duration::from_mins(8)).await;
    let Input::Bound { binding, .. } = running.input() else { panic!() };
    assert_eq!(binding.policy_generation, 2, "within twice the watch timeout (F9)");
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_is_away_takes_nothing_with_it() {
    let api = server();
    let running = Running::settled(&api).await;
    let before = running.desired();
    api.shut_down();
    let mark = api.mark();
    sleep(Duration::from_mins(10)).await;
    assert!(running.is_bound() && running.desired().version == before.version);
    let asked = api.requests_since(mark).len();
    assert!(asked < 6 * 60, "{asked} requests in ten minutes");
    api.come_back();
    api.apply(policy("second"));
    running.rest().await;
    let Input::Bound { binding, .. } = running.input() else { panic!() };
    assert_eq!(binding.policy_generation, 2);
}
