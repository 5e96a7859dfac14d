//! R17: managed policies permute the places they hold; nobody else's moves.

use ordain::{api::conditions::Reason, report::facts::Standing};
use serde_json::{Value, json};

use super::story::{BOTH, Story, camera_off, to_roles, with};

fn named(name: &str) -> Value {
    with(camera_off(), json!({"displayName": name}))
}

fn at(priority: i32) -> Value {
    with(to_roles(&["engineer"]), json!({"priority": priority}))
}

/// Three of ours (3, 4, 5) around one of somebody else's (made before the last).
async fn three(dialect: ordain::sandbox::wso2::Dialect) -> Story {
    let mut story = Story::new(dialect);
    story.start();
    for (name, priority) in [("a", 30), ("b", 20)] {
        story.assign(name, named(name), at(priority));
        story.settle().await;
    }
    let features = json!({"CAMERA": {"enabled": true}});
    story.console(
        json!({"add": [{"name": "Between", "deviceType": "windows", "features": features, "active": true}]}),
    );
    story.console(json!({"applyChanges": true}));
    story.pass(10).await;
    story.assign("c", named("c"), at(10));
    story.settle().await;
    assert_eq!(story.order(), [1, 2, 3, 4, 5, 6], "{dialect:?}");
    story.mark();
    story
}

#[tokio::test(start_paused = true)]
async fn a_change_of_priority_moves_only_what_must_move() {
    for dialect in BOTH {
        let mut story = three(dialect).await;
        story.assign("c", named("c"), at(40));
        story.settle().await;
        // c (6) to the first of our places, a and b one down, "Between" (5) stays at 5.
        story.assert_effects(&["order 6=3 3=4 4=6", "apply"]);
        assert_eq!(story.order(), [1, 2, 6, 3, 5, 4], "{dialect:?}");
        for name in ["a", "b", "c"] {
            story.assert_in_step(name);
        }
        story.mark();
        story.pass(4 * 3600).await;
        story.assert_effects(&[]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_priority_that_changes_nothing_in_the_order_is_no_call() {
    for dialect in BOTH {
        let story = three(dialect).await;
        story.assign("a", named("a"), at(35));
        story.settle().await;
        story.assert_effects(&[]);
        story.assert_in_step("a");
    }
}

#[tokio::test(start_paused = true)]
async fn two_that_change_at_once_are_one_call() {
    for dialect in BOTH {
        let story = three(dialect).await;
        story.assign("a", named("a"), at(5));
        story.assign("c", named("c"), at(30));
        story.settle().await;
        story.assert_effects(&["order 6=3 3=6", "apply"]);
        assert_eq!(story.order(), [1, 2, 6, 4, 5, 3], "{dialect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_place_taken_away_in_the_console_is_given_back_and_told() {
    for dialect in BOTH {
        let mut story = three(dialect).await;
        // b to the end of everything: our places are now 3, 6 and 9.
        story.console(json!({"policies": [{"id": 4, "priority": 9, "updated": false}]}));
        story.pass(2000).await;
        story.assert_effects(&["order 4=6 6=9", "apply"]);
        assert_eq!(story.order(), [1, 2, 3, 5, 4, 6], "{dialect:?}");
        assert!(story.events().contains(&"DriftCorrected"), "{dialect:?}: {:?}", story.events());
        story.mark();
        story.pass(7200).await;
        story.assert_effects(&[]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_place_taken_away_is_left_alone_in_report_mode() {
    for dialect in BOTH {
        let story = three(dialect).await;
        story.edit_backend(|backend| {
            backend.settings.correct_drift = false;
            backend.generation += 1;
        });
        story.settle().await;
        story.console(json!({"policies": [{"id": 4, "priority": 9, "updated": false}]}));
        story.pass(4000).await;
        story.assert_effects(&[]);
        assert_eq!(story.reason("b"), Some(Reason::DriftDetected), "{dialect:?}: {:?}", story.standing("b"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_order_waits_and_is_not_asked_for_again_at_once() {
    for dialect in BOTH {
        let mut story = three(dialect).await;
        let body = json!({"message": "no"});
        story.fault(
            "wso2",
            json!({"kind": "status", "code": 400, "body": body, "match": {"path": "priorities"}}),
        );
        story.assign("c", named("c"), at(40));
        story.pass(600).await;
        let asked = story.effects();
        assert!(asked.len() <= 3, "{dialect:?}: {asked:?}");
        assert!(
            matches!(story.standing("c"), Some(Standing::Stalled(Reason::Rejected, _))),
            "{:?}",
            story.standing("c")
        );
        story.heal("wso2");
        story.mark();
        story.request("c", "now");
        story.settle().await;
        story.assert_effects(&["order 6=3 3=4 4=6", "apply"]);
        story.assert_in_step("c");
    }
}

#[tokio::test(start_paused = true)]
async fn an_active_one_of_others_above_that_reaches_the_same_is_told_and_left() {
    for dialect in BOTH {
        let story = Story::with_baseline(dialect).await;
        let shadowed = || story.facts("baseline").problems.iter().any(|p| p.reason == Reason::Shadowed);
        assert!(!shadowed(), "{dialect:?}: {:?} {:?}", story.facts("baseline").problems, story.policies());
        story.console(json!({"policies": [{"id": 2, "roles": ["ANY"], "active": true, "updated": false}]}));
        story.pass(2000).await;
        assert!(shadowed(), "{dialect:?}: {:#?}", story.policies());
        story.assert_effects(&[]);
        story.assert_in_step("baseline");
        story.console(json!({"policies": [{"id": 2, "active": false, "updated": false}]}));
        story.pass(2000).await;
        assert!(!shadowed(), "{dialect:?}: over");
    }
}
