//! Whom a policy reaches.

use ordain::{api::conditions::Reason, report::facts::Standing};
use serde_json::json;

use super::story::{BOTH, Story, camera_off, to, to_roles, updated, with};

#[tokio::test(start_paused = true)]
async fn roles_are_added_and_removed_in_one_write() {
    for dialect in BOTH {
        let mut story = Story::with_baseline(dialect).await;
        for roles in [&["engineer", "sales"][..], &["sales"]] {
            story.mark();
            story.assign("baseline", camera_off(), to_roles(roles));
            story.settle().await;
            assert_eq!(story.effects(), updated(dialect, &[3]), "{dialect:?}");
            assert_eq!(story.policy(3).unwrap()["roles"], json!(roles), "{dialect:?}");
            story.assert_in_step("baseline");
            assert_eq!(story.facts("baseline").targets.accepted as usize, roles.len(), "{dialect:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_dimension_is_a_second_policy_next_to_the_first() {
    for dialect in BOTH {
        let mut story = Story::with_baseline(dialect).await;
        story.assign("second", with(camera_off(), json!({"displayName": "Second"})), to_roles(&["sales"]));
        story.settle().await;
        story.mark();
        story.assign("baseline", camera_off(), to(&["engineer"], &["tnguyen"]));
        story.settle().await;
        // The new one (5) arrives at the end and takes the place beside its sister; "second" (4) moves down.
        story.assert_effects(&["create Laptop baseline", "order 5=4 4=5", "activate 5", "apply"]);
        assert_eq!(story.order(), [1, 2, 3, 5, 4], "{dialect:?}");
        let users = story.policy(5).unwrap();
        assert_eq!((&users["roles"], &users["users"]), (&json!([]), &json!(["tnguyen"])), "{dialect:?}");
        story.assert_in_step("baseline");
        story.assert_in_step("second");
        story.mark();
        story.assign("baseline", camera_off(), to_roles(&["engineer"]));
        story.settle().await;
        story.assert_effects(&["deactivate 5", "apply", "remove 5"]);
        story.assert_in_step("baseline");
        assert!(story.cluster.exists("baseline"), "{dialect:?}");
        assert_eq!(story.order(), [1, 2, 3, 4], "{dialect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_new_dimension_is_on_before_the_old_one_goes() {
    for dialect in BOTH {
        let story = Story::with_baseline(dialect).await;
        story.assign("baseline", camera_off(), to(&[], &["jdoe"]));
        story.settle().await;
        let effects = story.effects();
        let at = |word: &str| {
            effects.iter().position(|e| e == word).unwrap_or_else(|| panic!("{word}: {effects:?}"))
        };
        assert!(at("activate 4") < at("deactivate 3"), "{dialect:?}: {effects:?}");
        assert_eq!(effects.last().unwrap(), "remove 3", "{dialect:?}");
        assert_eq!(story.ours().len(), 1, "{dialect:?}");
        story.assert_in_step("baseline");
    }
}

#[tokio::test(start_paused = true)]
async fn everyone_is_said_only_when_asked_for() {
    for dialect in BOTH {
        let mut story = Story::new(dialect);
        story.assign("baseline", camera_off(), json!({"targets": {"everyone": true}}));
        story.start();
        story.settle().await;
        assert_eq!(story.policy(3).unwrap()["roles"], json!(["ANY"]), "{dialect:?}");
        story.assert_in_step("baseline");
        story.assign("second", with(camera_off(), json!({"displayName": "Second"})), to_roles(&["any "]));
        story.settle().await;
        assert_eq!(story.reason("second"), Some(Reason::MatchesEveryone), "{dialect:?}");
        assert_eq!(story.ours().len(), 1, "{dialect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_role_is_left_out_and_nobody_is_removed_meanwhile() {
    for dialect in BOTH {
        let mut story = Story::new(dialect);
        story.assign("baseline", camera_off(), to_roles(&["engineer", "sales"]));
        story.start();
        story.settle().await;
        story.mark();
        // sales goes, marketing comes, and marketing does not exist yet: sales stays (R16).
        story.assign("baseline", camera_off(), to_roles(&["engineer", "marketing"]));
        story.pass(30).await;
        story.assert_effects(&[]);
        assert_eq!(story.policy(3).unwrap()["roles"], json!(["engineer", "sales"]), "{dialect:?}");
        let facts = story.facts("baseline");
        assert!(
            matches!(facts.standing, Standing::Unresolved(Reason::RoleNotFound, ..)),
            "{:?}",
            facts.standing
        );
        assert_eq!(facts.targets_resolved.status, Some(false), "{dialect:?}");
        assert!(
            facts.problems.iter().any(|p| p.reason == Reason::RoleNotFound),
            "{dialect:?}: {:?}",
            facts.problems
        );
        // It appears: found within minutes, and sales goes.
        story.console(json!({"users": {"newcomer": ["marketing"]}}));
        story.pass(600).await;
        if story.state("wso2")["roles"].as_array().unwrap().contains(&json!("marketing")) {
            assert_eq!(story.policy(3).unwrap()["roles"], json!(["engineer", "marketing"]), "{dialect:?}");
            assert_eq!(story.effects(), updated(dialect, &[3]), "{dialect:?}");
            story.assert_in_step("baseline");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_role_does_not_hold_up_the_others() {
    for dialect in BOTH {
        let mut story = Story::new(dialect);
        story.assign("baseline", camera_off(), to_roles(&["engineer", "nobody"]));
        story.start();
        story.pass(60).await;
        story.assert_effects(&["create Laptop baseline", "activate 3", "apply"]);
        assert_eq!(story.policy(3).unwrap()["roles"], json!(["engineer"]), "{dialect:?}");
        assert!(matches!(story.standing("baseline"), Some(Standing::Unresolved(..))), "{dialect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_unknown_roles_send_nothing() {
    for dialect in BOTH {
        let mut story = Story::new(dialect);
        story.assign("baseline", camera_off(), to_roles(&["nobody"]));
        story.start();
        story.pass(3600).await;
        story.assert_effects(&[]);
        assert!(
            matches!(story.standing("baseline"), Some(Standing::Unresolved(..))),
            "{:?}",
            story.standing("baseline")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_reach_of_more_targets_than_allowed_sends_nothing() {
    for dialect in BOTH {
        let mut story = Story::with(dialect, |_| {}, |settings| settings.max_targets = 1);
        story.assign("baseline", camera_off(), to_roles(&["engineer", "sales"]));
        story.assign("second", with(camera_off(), json!({"displayName": "Second"})), to_roles(&["sales"]));
        story.start();
        story.settle().await;
        story.assert_effects(&["create Second", "activate 3", "apply"]);
        assert_eq!(story.reason("baseline"), Some(Reason::TargetsHeld), "{dialect:?}");
        story.assert_in_step("second");
        story.mark();
        story.edit_backend(|backend| {
            backend.settings.max_targets = 2;
            backend.generation += 1;
        });
        story.settle().await;
        story.assert_effects(&["create Laptop baseline", "order 4=3 3=4", "activate 4", "apply"]);
        story.assert_in_step("baseline");
    }
}

/// R2, R3: an edit that is refused lets go of nothing.
#[tokio::test(start_paused = true)]
async fn an_edit_that_reaches_too_far_leaves_what_is_there() {
    for dialect in BOTH {
        let mut story = Story::with(dialect, |_| {}, |settings| settings.max_targets = 1);
        story.assign("baseline", camera_off(), to_roles(&["engineer"]));
        story.start();
        story.settle().await;
        story.mark();
        story.assign("baseline", camera_off(), to(&[], &["jdoe", "tnguyen"]));
        story.pass(4000).await;
        story.assert_effects(&[]);
        assert_eq!(story.reason("baseline"), Some(Reason::TargetsHeld), "{dialect:?}");
        assert_eq!(story.policy(3).unwrap()["roles"], json!(["engineer"]), "{dialect:?}");
    }
}
