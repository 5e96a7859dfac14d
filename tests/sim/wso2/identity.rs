//! Which object is which: marks, duplicates, objects that come and go.

use ordain::{api::conditions::Reason, model::OwnerId};
use serde_json::{Value, json};

use super::{
    adopt::marked,
    story::{BOTH, Story, camera_off, to_roles, updated},
};
use crate::support::rig::owner;

fn copy(name: &str, description: &str) -> Value {
    json!({"name": name, "deviceType": "android", "description": description, "roles": ["engineer"],
        "features": {"CAMERA": {"enabled": false}}})
}

#[tokio::test(start_paused = true)]
async fn two_objects_with_our_mark_and_no_record_stop_everything() {
    for dialect in BOTH {
        let mut story = Story::new(dialect);
        let text = marked(&owner(), "baseline", "Camera off");
        story.console(json!({"add": [copy("One", &text), copy("Two", &text)]}));
        story.console(json!({"applyChanges": true}));
        story.pass(10).await;
        story.assign("baseline", camera_off(), to_roles(&["engineer"]));
        story.start();
        story.settle().await;
        story.assert_effects(&[]);
        assert_eq!(story.reason("baseline"), Some(Reason::AmbiguousIdentity), "{dialect:?}");
        // One remains: it is ours.
        story.console(json!({"policies": [{"id": 4, "delete": true}]}));
        story.pass(2000).await;
        story.assert_in_step("baseline");
        assert_eq!(story.ours().len(), 1, "{dialect:?}");
        assert!(!story.effects().iter().any(|e| e.starts_with("create")), "{dialect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_of_ours_is_reported_and_untouched() {
    for dialect in BOTH {
        let mut story = Story::with_baseline(dialect).await;
        let text = story.policy(3).unwrap()["description"].as_str().unwrap().to_owned();
        story.console(json!({"add": [copy("A copy", &text)]}));
        story.console(json!({"applyChanges": true}));
        story.pass(2000).await;
        story.assert_effects(&[]);
        let facts = story.facts("baseline");
        assert!(facts.problems.iter().any(|p| p.reason == Reason::DuplicateMark), "{dialect:?}: {facts:#?}");
        assert!(story.policy(4).is_some(), "{dialect:?}");
        story.mark();
        story.delete("baseline");
        story.settle().await;
        story.assert_effects(&["deactivate 3", "apply", "remove 3"]);
        assert!(story.policy(4).is_some(), "{dialect:?}: somebody made it by hand");
    }
}

#[tokio::test(start_paused = true)]
async fn a_recorded_id_that_bears_another_mark_is_not_written_to() {
    for dialect in BOTH {
        let story = Story::with_baseline(dialect).await;
        let text = marked(&OwnerId::new("another cluster"), "baseline", "Camera off");
        story.console(json!({"policies": [{"id": 3, "description": text, "updated": false}]}));
        story.pass(2000).await;
        story.assert_effects(&[]);
        assert_eq!(story.reason("baseline"), Some(Reason::OwnedByAnother), "{dialect:?}");
        story.delete("baseline");
        story.pass(3600).await;
        story.assert_effects(&[]);
        assert!(story.cluster.exists("baseline"), "{dialect:?}: it says what is missing");
        story.let_go("baseline");
        story.settle().await;
        assert!(!story.cluster.exists("baseline"), "{dialect:?}");
        story.assert_effects(&[]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_mark_taken_off_is_drift() {
    for dialect in BOTH {
        let mut story = Story::with_baseline(dialect).await;
        story.console(json!({"policies": [{"id": 3, "description": "Camera off", "updated": false}]}));
        story.pass(2000).await;
        assert_eq!(story.effects(), updated(dialect, &[3]), "{dialect:?}");
        story.assert_in_step("baseline");
        assert_eq!(story.ours().len(), 1, "{dialect:?}");
        assert!(story.events().contains(&"DriftCorrected"), "{dialect:?}");
        story.mark();
    }
}

#[tokio::test(start_paused = true)]
async fn a_created_one_that_vanishes_comes_back_after_two_confirming_reads() {
    for dialect in BOTH {
        let mut story = Story::with_baseline(dialect).await;
        story.console(json!({"policies": [{"id": 3, "delete": true}]}));
        story.pass(2000).await;
        story.assert_effects(&["create Laptop baseline", "activate 4", "apply"]);
        let lists: Vec<_> = story.calls();
        let create = lists.iter().position(|c| matches!(c, super::story::Call::Effect(_))).unwrap();
        let reads =
            lists[..create].iter().filter(|c| **c == super::story::Call::Read("policies".into())).count();
        assert!(reads >= 2, "{dialect:?}: {lists:?}");
        story.assert_in_step("baseline");
        assert_eq!(story.ours().len(), 1, "{dialect:?}");
        story.mark();
    }
}

#[tokio::test(start_paused = true)]
async fn objects_with_our_mark_that_nobody_claims_are_counted_and_left() {
    for dialect in BOTH {
        let mut story = Story::with_baseline(dialect).await;
        story.vanish("baseline");
        story.assign(
            "second",
            super::story::with(camera_off(), json!({"displayName": "Second"})),
            to_roles(&["sales"]),
        );
        story.pass(4000).await;
        story.assert_effects(&["create Second", "activate 4", "apply"]);
        assert!(story.policy(3).is_some(), "{dialect:?}");
        assert_eq!(story.cluster.backend_last().objects[3], 1, "{dialect:?}: orphaned");
        // Back under the same name: the same object, no call.
        story.mark();
        story.assign("baseline", camera_off(), to_roles(&["engineer"]));
        story.settle().await;
        story.assert_effects(&[]);
        story.assert_in_step("baseline");
    }
}
