//! Letting go: off, published, waited for, removed; or nothing at all.

use ordain::report::facts::Standing;
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
