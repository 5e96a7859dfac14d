//! Restarts, steady state, lost stores.

use super::story::{BOTH, Story};

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
