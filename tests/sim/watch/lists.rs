//! First lists, relists, scopes, and who is told.

use super::*;
use crate::support::apiserver::{Fault, WatchFault};

#[tokio::test(start_paused = true)]
async fn the_first_lists_are_told_of_at_once_when_all_are_complete() {
    let api = server();
    api.fault(Fault::status(500).verb("list").to("targetgroups").times(2));
    let running = Running::start(&api, Scope::All);
    sleep(Duration::from_millis(200)).await;
    let early = running.ear.take();
    assert!(early.iter().all(|line| line.starts_with("seen ")), "one list is missing: {early:?}");
    assert!(!running.handle.synced());
    assert_eq!(running.handle.troubles(), ["the first lists are not complete yet"]);
    let told = running.rest().await;
    assert_eq!(told, ["policy p 1", "appeared Backend/team-a/b"]);
    assert!(running.handle.synced() && running.is_bound());
    assert!(running.handle.troubles().is_empty());
    assert!(api.requests().verb("list").to("namespaces")[0].metadata_only);
}

#[tokio::test(start_paused = true)]
async fn a_change_ticks_the_worker_it_concerns_and_nobody_else() {
    let api = server();
    let mut other = emm();
    other["metadata"]["name"] = "other".into();
    api.apply(other);
    let running = Running::settled(&api).await;
    let mut changes = running.handle.changes(&backend());
    let beside = running.handle.changes(&BackendId { name: "other".into(), ..backend() });
    changes.borrow_and_update();
    let before = running.desired();
    api.apply(policy("second"));
    changes.changed().await.unwrap();
    let after = running.desired();
    assert!(after.version > before.version && *changes.borrow() == after.version);
    assert!(Arc::ptr_eq(&before.backend, &after.backend));
    assert!(!beside.has_changed().unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_relist_changes_nothing() {
    let api = server();
    let running = Running::settled(&api).await;
    let before = running.desired();
    let changes = running.handle.changes(&backend());
    let lists = api.requests().verb("list").len();
    for _ in 0..3 {
        api.compact();
        api.disturb_watches(None, WatchFault::Expire);
        let told = running.rest().await;
        assert!(told.iter().all(|line| line.starts_with("seen ")), "{told:?}");
    }
    assert!(api.requests().verb("list").len() >= lists + 3, "it did list again");
    let after = running.desired();
    assert_eq!(before.version, after.version);
    assert!(Arc::ptr_eq(&before.assignments, &after.assignments));
    assert!(!changes.has_changed().unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_relist_that_breaks_off_removes_nothing() {
    let api = server();
    let running = Running::settled(&api).await;
    api.fault(Fault::status(503).verb("list").to("policyassignments").times(3));
    api.compact();
    api.disturb_watches(Some("PolicyAssignment"), WatchFault::Expire);
    sleep(Duration::from_millis(300)).await;
    assert!(running.is_bound());
    running.rest().await;
    assert!(running.is_bound());
}

#[tokio::test(start_paused = true)]
async fn an_object_made_again_under_its_name_is_another_one() {
    let api = server();
    let running = Running::settled(&api).await;
    let uid = |running: &Running| running.desired().assignments[&ObjectName::new("team-a", "a")].uid.clone();
    let former = uid(&running);
    api.delete("PolicyAssignment", "team-a", "a");
    api.apply(assignment("a"));
    running.rest().await;
    let between = uid(&running);
    assert_ne!(former, between);
    // The same while nobody watches.
    api.disturb_watches(Some("PolicyAssignment"), WatchFault::Expire);
    api.delete("PolicyAssignment", "team-a", "a");
    api.apply(assignment("a"));
    api.compact();
    running.rest().await;
    assert_ne!(between, uid(&running));
    assert!(running.is_bound());
}

#[tokio::test(start_paused = true)]
async fn only_the_namespaces_given_are_asked_for() {
    let api = server();
    api.namespace("team-b", &[]);
    let mut other = policy("b");
    other["metadata"]["namespace"] = "team-b".into();
    api.apply(other);
    let running = Running::start(&api, Scope::Only(["team-a".into()].into()));
    let told = running.rest().await;
    assert!(running.is_bound());
    assert_eq!(told.iter().filter(|line| line.starts_with("seen Policy ")).count(), 1, "{told:?}");
    let cluster_wide = |entry: &crate::support::apiserver::Entry| entry.namespace.is_none();
    let asked: std::collections::BTreeSet<_> =
        api.requests().filter(cluster_wide).iter().map(|entry| entry.resource).collect();
    assert_eq!(asked, ["clusterbackends", "namespaces"].into());
}

#[tokio::test(start_paused = true)]
async fn a_missing_backend_is_told_of_and_its_arrival_too() {
    let api = server();
    let running = Running::settled(&api).await;
    api.delete("Backend", "team-a", "b");
    let told = running.rest().await;
    assert_eq!(told, ["gone Backend b", "unbound a BackendNotFound", "gone Backend/team-a/b"]);
    let name = ObjectName::new("team-a", "a");
    let standing = running.ear.verdicts.lock().unwrap()[&name].facts.standing.clone();
    assert!(matches!(standing, Standing::Unresolved(..)), "{standing:?}");
    api.apply(emm());
    let told = running.rest().await;
    assert_eq!(told, ["seen Backend b Some(-1)", "appeared Backend/team-a/b"]);
}

#[tokio::test(start_paused = true)]
async fn what_went_while_nobody_watched_is_told_of_too() {
    let api = server();
    api.apply(assignment("z"));
    let running = Running::settled(&api).await;
    api.disturb_watches(Some("PolicyAssignment"), WatchFault::Expire);
    api.delete("PolicyAssignment", "team-a", "z");
    api.compact();
    let told = running.rest().await;
    assert!(told.contains(&"gone PolicyAssignment z".to_owned()), "{told:?}");
    assert!(!told.contains(&"gone PolicyAssignment a".to_owned()), "{told:?}");
}
