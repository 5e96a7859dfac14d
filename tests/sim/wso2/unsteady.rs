//! What the console takes and does not do, and what is changed while it is still at work.

use ordain::{api::Reason, report::facts::Standing};
use serde_json::json;

use super::story::{BOTH, Story, android, camera_off, to_roles};

fn camera(enabled: bool) -> serde_json::Value {
    android(&json!({"CAMERA": {"enabled": enabled}}))
}

#[tokio::test(start_paused = true)]
async fn what_is_written_while_a_deploy_runs_is_deployed_by_the_next() {
    for dialect in BOTH {
        let mut story = Story::with(dialect, |options| options.apply_delay = 20, |_| {});
        story.assign("baseline", camera_off(), to_roles(&["engineer"]));
        story.start();
        story.pass(5).await;
        story.assert_effects(&["create Laptop baseline", "activate 3", "apply"]);
        // The double forgets what was flagged before: only what is written afterwards is still pending.
        story.console(json!({"policies": [{"id": 3, "updated": false}]}));
        story.mark();
        story.assign("baseline", camera(true), to_roles(&["engineer"]));
        story.pass(90).await;
        story.assert_in_step("baseline");
        let stands = story.policy(3).unwrap();
        assert_eq!(
            (&stands["updated"], &stands["contents"]["CAMERA"]["enabled"]),
            (&json!(false), &json!(true))
        );
        let applies = story.effects().iter().filter(|effect| *effect == "apply").count();
        assert!((1..=5).contains(&applies), "{dialect:?}: refused ones are rare: {:?}", story.effects());
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_deploy_says_why_and_is_asked_for_less_and_less() {
    for dialect in BOTH {
        let story = Story::with_baseline(dialect).await;
        let body = json!({"message": "no licence for pushing"});
        let refuse = json!({"kind": "status", "code": 500, "body": body, "match": {"path": "apply-changes"}});
        story.fault("wso2", refuse);
        story.assign("baseline", camera(true), to_roles(&["engineer"]));
        story.pass(600).await;
        let applies = story.effects().iter().filter(|effect| *effect == "apply").count();
        assert!((4..=10).contains(&applies), "{dialect:?}: {applies} in ten minutes");
        let (reason, words) = story.cluster.backend_last().pending_deployment.unwrap();
        assert_eq!(reason, Reason::WaitingForDeployment, "{dialect:?}");
        assert!(words.contains("no licence for pushing"), "{dialect:?}: {words}");
        story.heal("wso2");
        story.request("baseline", "now");
        story.pass(310).await;
        story.assert_in_step("baseline");
    }
}

/// A deploy that takes out what was written: seen before it, gone after it. That counts as a write that does not stick.
#[tokio::test(start_paused = true)]
async fn what_a_deploy_undoes_is_written_three_times_and_told() {
    for dialect in BOTH {
        let drops = |options: &mut ordain::sandbox::wso2::Wso2Options| {
            options.apply_drops = ["ENCRYPT_STORAGE".to_owned()].into();
        };
        let mut story = Story::with(dialect, drops, |_| {});
        let both = json!({"CAMERA": {"enabled": false}, "ENCRYPT_STORAGE": {"encrypted": true}});
        story.assign("baseline", android(&both), to_roles(&["engineer"]));
        story.start();
        story.pass(1500).await;
        let writes = story.effects().iter().filter(|effect| effect.starts_with("update")).count();
        assert!((2..=3).contains(&writes), "{dialect:?}: {:?}", story.effects());
        let standing = story.standing("baseline");
        assert!(
            matches!(standing, Some(Standing::Stalled(Reason::WriteNotSticking, _))),
            "{dialect:?}: {standing:?}"
        );
        story.assign("baseline", camera_off(), to_roles(&["engineer"]));
        story.pass(300).await;
        story.assert_in_step("baseline");
    }
}

/// Drift that is only reported, and not published either, is no write that did not stick, however often it is read.
#[tokio::test(start_paused = true)]
async fn unpublished_drift_that_is_reported_is_corrected_once_that_is_wanted() {
    for dialect in BOTH {
        let story = Story::with_baseline(dialect).await;
        let deploy = |mode: &'static str, correct: bool| {
            story.edit_backend(|backend| {
                let mut system = serde_json::to_value(&*backend.system).unwrap();
                system["wso2"]["deploy"] = json!({"mode": mode, "foreignChanges": "Hold"});
                backend.system = std::sync::Arc::new(serde_json::from_value(system).unwrap());
                backend.settings.correct_drift = correct;
                backend.generation += 1;
            });
        };
        deploy("Manual", false);
        story.console(json!({"policies": [{"id": 3, "features": {"CAMERA": {"enabled": true}}}]}));
        story.pass(5 * 1800).await;
        assert_ne!(
            story.reason("baseline"),
            Some(Reason::WriteNotSticking),
            "{dialect:?}: it was sent once, and took"
        );
        assert_eq!(story.facts("baseline").in_sync.status, Some(false), "{dialect:?}: drift is told");
        story.console(json!({"applyChanges": true}));
        deploy("Automatic", true);
        story.request("baseline", "now");
        story.pass(120).await;
        story.assert_in_step("baseline");
        assert_eq!(
            story.policy(3).unwrap()["contents"]["CAMERA"]["enabled"],
            false,
            "{dialect:?}: corrected"
        );
    }
}

/// A system in trouble has accepted nothing: it is tried again, and nobody is told that it does not keep what it took.
#[tokio::test(start_paused = true)]
async fn writes_that_fail_are_none_that_do_not_stick() {
    for dialect in BOTH {
        let story = Story::with_baseline(dialect).await;
        for answer in [json!({"code": 503}), json!({"code": 502, "effect": false})] {
            let mut busy = json!({"kind": "status", "match": {"method": "PUT", "path": "policies/3"}});
            busy.as_object_mut().unwrap().extend(answer.as_object().unwrap().clone());
            story.fault("wso2", busy);
            story.assign("baseline", camera(true), to_roles(&["engineer"]));
            story.pass(400).await;
            assert_ne!(story.standing("baseline"), Some(Standing::InStep), "{dialect:?}: {answer}");
            assert_ne!(story.reason("baseline"), Some(Reason::WriteNotSticking), "{dialect:?}: {answer}");
            story.heal("wso2");
            story.pass(310).await;
            story.assert_in_step("baseline");
            story.assign("baseline", camera_off(), to_roles(&["engineer"]));
            story.pass(60).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_switch_that_is_accepted_and_never_seen_rests_and_is_told() {
    for dialect in BOTH {
        let mut story = Story::new(dialect);
        let ignore = json!({"kind": "status", "code": 200, "body": "done", "match": {"path": "activate"}});
        story.fault("wso2", ignore);
        story.assign("baseline", camera_off(), to_roles(&["engineer"]));
        story.start();
        story.pass(1000).await;
        let asked = story.effects().iter().filter(|effect| effect.starts_with("activate")).count();
        assert!((6..=10).contains(&asked), "{dialect:?}: {:?}", story.effects());
        let standing = story.standing("baseline");
        assert!(
            matches!(standing, Some(Standing::Stalled(Reason::WriteNotSticking, _))),
            "{dialect:?}: {standing:?}"
        );
        story.heal("wso2");
        story.pass(310).await;
        story.assert_in_step("baseline");
    }
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_is_accepted_and_never_seen_rests_and_holds_up_nobody() {
    for dialect in BOTH {
        let story = Story::with_baseline(dialect).await;
        let remove = if dialect.is_admin() { "bulk-remove" } else { "remove-policy" };
        story
            .fault("wso2", json!({"kind": "status", "code": 200, "body": "done", "match": {"path": remove}}));
        story.delete("baseline");
        story.pass(300).await;
        story.assign("other", camera(true), to_roles(&["sales"]));
        story.pass(700).await;
        let asked = story.effects().iter().filter(|effect| effect.starts_with("remove")).count();
        assert!((6..=10).contains(&asked), "{dialect:?}: {:?}", story.effects());
        story.assert_in_step("other");
        assert!(story.cluster.exists("baseline"), "{dialect:?}: it is not gone");
        story.heal("wso2");
        story.pass(310).await;
        assert!(
            !story.cluster.exists("baseline"),
            "{dialect:?}: {:?} {:?}",
            story.standing("baseline"),
            story.effects()
        );
    }
}

/// Nobody is named for a change that left no trace, however often it is looked at: the last one told of is ours.
#[tokio::test(start_paused = true)]
async fn drift_that_left_no_trace_has_no_author_at_the_second_look_either() {
    for dialect in BOTH {
        let story = Story::with_baseline(dialect).await;
        story.edit_backend(|backend| backend.settings.correct_drift = false);
        story.console(json!({"policies": [{"id": 3, "roles": ["sales"], "updated": false}]}));
        for look in 1..=3 {
            story.pass(1900).await;
            let Some(Standing::Stalled(Reason::DriftDetected, words)) = story.standing("baseline") else {
                panic!("{dialect:?}: {:?}", story.standing("baseline"))
            };
            assert!(words.contains("does not tell by whom or when"), "{dialect:?}, look {look}: {words}");
        }
    }
}
