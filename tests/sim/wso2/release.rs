//! Letting go: off, published, waited for, removed; or nothing at all.

use ordain::{api::conditions::Reason, report::facts::Standing, sandbox::wso2::Dialect};
use serde_json::json;

use super::story::{BOTH, Story, camera_off, to_roles, with};

#[tokio::test(start_paused = true)]
async fn a_created_policy_is_switched_off_published_waited_for_and_removed() {
    for dialect in BOTH {
        let mut story = Story::with_baseline(dialect).await;
        story.delete("baseline");
        story.settle().await;
        story.assert_effects(&["deactivate 3", "apply", "remove 3"]);
        assert_eq!(story.order(), [1, 2], "{dialect:?}");
        assert!(!story.cluster.exists("baseline"), "{dialect:?}: the finalizer is still there");
        assert!(story.events().contains(&"Released"), "{dialect:?}");
        story.mark();
        story.pass(7200).await;
        story.assert_effects(&[]);
    }
}

#[tokio::test(start_paused = true)]
async fn orphan_lets_go_without_a_call() {
    for dialect in BOTH {
        let mut story = Story::with_baseline(dialect).await;
        let before = story.policies();
        story.assign(
            "baseline",
            camera_off(),
            with(to_roles(&["engineer"]), json!({"releasePolicy": "Orphan"})),
        );
        story.settle().await;
        story.mark();
        story.delete("baseline");
        story.settle().await;
        assert_eq!(story.requests(), 0, "{dialect:?}");
        assert!(!story.cluster.exists("baseline"), "{dialect:?}");
        assert_eq!(story.policies(), before, "{dialect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn deleting_before_anything_was_written_needs_no_call() {
    for dialect in BOTH {
        let mut story = Story::new(dialect);
        story.edit_backend(|backend| backend.settings.suspend = true);
        story.assign("baseline", camera_off(), to_roles(&["engineer"]));
        story.start();
        story.settle().await;
        assert_eq!(story.standing("baseline"), Some(Standing::Suspended), "{dialect:?}");
        assert_eq!(story.requests(), 0, "{dialect:?}");
    }
}

/// So many lists lack policy 3, and their count agrees.
async fn misses(story: &Story, times: usize) {
    let before = read(story);
    story.console(json!({"options": {"listCut": 2, "countSkew": -1}}));
    lists(story, before + times).await;
    story.console(json!({"options": {"listCut": null, "countSkew": 0}}));
    assert_eq!(read(story), before + times);
}

/// Lists read so far, without those of probes.
fn read(story: &Story) -> usize {
    story.vendors.calls("wso2").iter().filter(|call| call.contains("/policies?offset=0&limit=100")).count()
}

/// Waits until so many lists were read.
async fn lists(story: &Story, until: usize) {
    for _ in 0..4 * 3600 {
        if read(story) >= until {
            return;
        }
        story.pass(1).await;
    }
    panic!("{} lists, {until} are waited for", read(story));
}

/// F23: what was switched off and is still to be removed is not gone because one list lacks it.
#[tokio::test(start_paused = true)]
async fn one_list_that_lacks_it_before_its_removal_lets_go_of_nothing() {
    let story = Story::with_baseline(Dialect::DeviceMgtV1).await;
    story.console(json!({"options": {"applyDelay": 100}}));
    story.delete("baseline");
    story.pass(20).await;
    story.assert_effects(&["deactivate 3", "apply"]);
    misses(&story, 1).await;
    story.settle().await;
    // While the list lacks it nothing seems to wait for the deployment, so it is asked for again.
    let others: Vec<_> = story.effects().into_iter().filter(|effect| effect != "apply").collect();
    assert_eq!(others, ["deactivate 3", "remove 3"]);
    assert!(story.policy(3).is_none() && !story.cluster.exists("baseline"));
}

/// F23: only lists that lack it one after the other tell that it is gone.
#[tokio::test(start_paused = true)]
async fn lists_that_lack_it_hours_apart_let_go_of_nothing() {
    let mut story = Story::with(Dialect::DeviceMgtV1, |_| {}, |settings| settings.max_removals = 0);
    story.assign("baseline", camera_off(), to_roles(&["engineer"]));
    story.start();
    story.settle().await;
    story.mark();
    story.delete("baseline");
    story.pass(60).await;
    assert_eq!(story.reason("baseline"), Some(Reason::HeldByGuard));
    misses(&story, 1).await;
    lists(&story, read(&story) + 3).await;
    misses(&story, 2).await;
    lists(&story, read(&story) + 1).await;
    assert!(story.cluster.exists("baseline"), "it stands all the time: {:?}", story.policy(3));
    story.pass(3600).await;
    assert_eq!(story.reason("baseline"), Some(Reason::HeldByGuard));
    story.assert_effects(&[]);
}
