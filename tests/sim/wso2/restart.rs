//! Restarts, steady state, lost stores.

use ordain::{api::Reason, report::facts::BackendStanding};
use serde_json::json;

use super::story::{BOTH, Call, Story, android, camera_off, to_roles, updated, with};

#[tokio::test(start_paused = true)]
async fn a_restart_in_step_makes_no_call_at_all() {
    for dialect in BOTH {
        let mut story = Story::with_baseline(dialect).await;
        let (statuses, finalizers) = (story.cluster.statuses(), story.cluster.finalizer_writes());
        story.restart().await;
        story.pass(600).await;
        assert_eq!(story.requests(), 0, "{dialect:?}: {:?}", story.calls());
        assert_eq!(story.cluster.statuses(), statuses, "{dialect:?}: a status was written");
        assert_eq!(story.cluster.finalizer_writes(), finalizers, "{dialect:?}");
    }
}

/// Nothing is kept of assignments that are gone, whether they were ever applied or only watched.
#[tokio::test(start_paused = true)]
async fn what_is_gone_leaves_no_row() {
    for dialect in BOTH {
        let mut story = Story::with_baseline(dialect).await;
        story.assign("watched", camera_off(), with(to_roles(&["sales"]), json!({"mode": "Observe"})));
        for name in ["baseline", "watched"] {
            story.request(name, "now");
        }
        story.settle().await;
        story.restart().await;
        story.settle().await;
        story.delete("baseline");
        story.cluster.vanish("watched");
        story.settle().await;
        let memory = story.remembered().await;
        assert!(memory.handled.is_empty(), "{dialect:?}: {:?}", memory.handled);
        assert!(memory.seen.is_empty(), "{dialect:?}: {:?}", memory.seen);
        assert!(memory.claims.is_empty() && memory.items.is_empty(), "{dialect:?}: {memory:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_steady_state_writes_nothing_and_lists_as_scheduled() {
    for dialect in BOTH {
        let story = Story::with_baseline(dialect).await;
        let statuses = story.cluster.statuses();
        story.pass(10 * 1800).await;
        story.assert_effects(&[]);
        assert_eq!(story.cluster.statuses(), statuses, "{dialect:?}: a status was written");
        // One list an interval, and one page of the probe (dialect A asks for the count) every other one.
        let most = if dialect.is_admin() { 10 } else { 15 };
        assert!((10..=most).contains(&story.lists()), "{dialect:?}: {} lists", story.lists());
    }
}

#[tokio::test(start_paused = true)]
async fn an_older_state_of_the_cluster_is_not_applied_until_a_person_says_so() {
    for dialect in BOTH {
        let mut story = Story::with_baseline(dialect).await;
        let former = story.cluster.view("baseline").unwrap();
        let edited = android(&json!({"CAMERA": {"enabled": true}}));
        story.assign("baseline", edited, to_roles(&["engineer"]));
        story.settle().await;
        story.assert_in_step("baseline");
        story.mark();
        story.edit_backend(|backend| backend.requested_at = Some("long ago".into()));
        story.settle().await;
        story.edit("baseline", |view| *view = (*former).clone());
        story.edit_backend(|backend| backend.requested_at = None);
        story.restart().await;
        story.pass(4000).await;
        story.assert_effects(&[]);
        // What was asked for before is no answer: the backend's watch may be ahead of the assignments'.
        story.edit_backend(|backend| backend.requested_at = Some("long ago".into()));
        story.pass(60).await;
        story.assert_effects(&[]);
        let standing = story.cluster.backend_last().standing;
        assert!(
            matches!(&standing, BackendStanding::Stalled(Reason::OlderThanApplied, words)
                if words.contains("team/baseline") && words.contains("reconcile-requested-at")),
            "{dialect:?}: {standing:?}"
        );
        story.edit_backend(|backend| backend.requested_at = Some("now".into()));
        story.settle().await;
        assert_eq!(story.effects(), updated(dialect, &[3]), "{dialect:?}");
        assert_eq!(story.policy(3).unwrap()["contents"]["CAMERA"]["enabled"], false, "{dialect:?}");
        story.assert_in_step("baseline");
        assert_eq!(story.cluster.backend_last().standing, BackendStanding::Ready, "{dialect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_whose_probe_works_and_whose_lists_fail_is_asked_less_and_less() {
    for dialect in BOTH {
        let mut story = Story::new(dialect);
        story.fault("wso2", json!({"kind": "status", "code": 503, "match": {"path": "roles"}}));
        story.assign("baseline", camera_off(), to_roles(&["engineer"]));
        story.start();
        story.pass(900).await;
        let asked =
            story.calls().iter().filter(|call| matches!(call, Call::Read(path) if path == "roles")).count();
        assert!((5..=12).contains(&asked), "{dialect:?}: {asked} in a quarter of an hour");
        story.heal("wso2");
        story.pass(310).await;
        story.assert_in_step("baseline");
    }
}

/// A finalizer without which nothing is sent is asked for again now and then, not with every pass.
#[tokio::test(start_paused = true)]
async fn a_finalizer_that_is_refused_rests() {
    let story = Story::with_baseline(BOTH[0]).await;
    story.cluster.refuse_finalizers(true);
    story.edit_view("baseline", |view| view.finalizer = false);
    for pass in 0..60 {
        story.pass(1).await;
        story.edit_view("baseline", |view| view.external_id = Some(pass.to_string().into()));
    }
    let asked = story.cluster.finalizers_refused();
    assert!((2..=6).contains(&asked), "{asked} times in a minute");
    story.cluster.refuse_finalizers(false);
    story.pass(300).await;
    story.edit_view("baseline", |view| view.external_id = None);
    story.settle().await;
    assert!(story.cluster.view("baseline").unwrap().finalizer);
}
