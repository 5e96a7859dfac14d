//! Making and editing.

use ordain::report::facts::Standing;
use serde_json::json;

use super::story::{BOTH, Story, android, camera_off, policy, to_roles, updated, with};

#[tokio::test(start_paused = true)]
async fn a_policy_is_created_inactive_switched_on_published_and_proven() {
    for dialect in BOTH {
        let mut story = Story::new(dialect);
        story.assign("baseline", camera_off(), to_roles(&["engineer"]));
        story.start();
        story.settle().await;
        story.assert_effects(&["create Laptop baseline", "activate 3", "apply"]);
        story.assert_in_step("baseline");
        let made = story.policy(3).unwrap();
        assert_eq!((&made["active"], &made["updated"]), (&json!(true), &json!(false)), "{dialect:?}");
        assert_eq!(made["roles"], json!(["engineer"]), "{dialect:?}");
        assert_eq!(made["users"], json!([]), "{dialect:?}");
        assert_eq!(made["contents"], json!({"CAMERA": {"enabled": false}}), "{dialect:?}");
        assert!(made["description"].as_str().unwrap().starts_with("Camera off [ordain:"), "{dialect:?}");
        let told: Vec<_> = story.cluster.facts("baseline").into_iter().map(|f| f.standing).collect();
        assert_eq!(told, [Standing::InStep], "{dialect:?}: one status per converge");
        assert_eq!(story.cluster.finalizer_writes(), 1, "{dialect:?}");
        assert_eq!(story.events(), Vec::<&str>::new(), "{dialect:?}: the status says it");
        let facts = story.facts("baseline");
        assert_eq!((facts.targets.desired, facts.targets.accepted), (1, 1), "{dialect:?}");
        assert_eq!((facts.objects[0].key.as_str(), facts.objects[0].id.as_str()), ("android/roles", "3"));
        assert_eq!(facts.objects[0].active, Some(true), "{dialect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_policy_says_is_what_devices_are_told() {
    for dialect in BOTH {
        let story = Story::with_baseline(dialect).await;
        let devices = story.state("wso2")["devices"].clone();
        let janes = devices.as_array().unwrap().iter().find(|d| d["id"] == "a-1001").unwrap().clone();
        assert_eq!(janes["deliveredPolicyId"], 3, "{dialect:?}");
        for device in devices.as_array().unwrap() {
            assert_eq!(
                device["deliveredPolicyId"], device["effectivePolicyId"],
                "{dialect:?}: {}",
                device["id"]
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_edit_of_content_is_one_write_and_one_publishing() {
    for dialect in BOTH {
        let mut story = Story::with_baseline(dialect).await;
        let edited = android(&json!({"CAMERA": {"enabled": true}, "PASSCODE_POLICY": {"minLength": 6}}));
        story.assign("baseline", edited, to_roles(&["engineer"]));
        story.settle().await;
        assert_eq!(story.effects(), updated(dialect, &[3]), "{dialect:?}");
        story.assert_in_step("baseline");
        let stands = story.policy(3).unwrap();
        assert_eq!(stands["contents"]["CAMERA"], json!({"enabled": true}), "{dialect:?}");
        assert_eq!(stands["priorityId"], 3, "{dialect:?}: the place was lost");
        assert_eq!(story.events(), Vec::<&str>::new(), "{dialect:?}: an edit is no drift");
        story.mark();
        story.pass(3600).await;
        story.assert_effects(&[]);
    }
}

#[tokio::test(start_paused = true)]
async fn name_description_compliance_and_ownership_are_edited_together() {
    for dialect in BOTH {
        let story = Story::with_baseline(dialect).await;
        let renamed = with(camera_off(), json!({"displayName": "Renamed", "description": "Other words"}));
        let options = json!({"wso2": {"compliance": "Warning", "ownership": "BYOD"}});
        story.assign("baseline", renamed, with(to_roles(&["engineer"]), options));
        story.settle().await;
        assert_eq!(story.effects(), updated(dialect, &[3]), "{dialect:?}");
        story.assert_in_step("baseline");
        let stands = story.policy(3).unwrap();
        assert_eq!(stands["policyName"], "Renamed", "{dialect:?}");
        assert!(stands["description"].as_str().unwrap().starts_with("Other words [ordain:"), "{dialect:?}");
        assert_eq!(
            (&stands["compliance"], &stands["ownershipType"]),
            (&json!("warn"), &json!("BYOD")),
            "{dialect:?}"
        );
        assert_eq!(story.facts("baseline").objects[0].name, "Renamed", "{dialect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_feature_that_is_no_longer_named_is_taken_out() {
    for dialect in BOTH {
        let mut story = Story::new(dialect);
        let two = android(&json!({"CAMERA": {"enabled": false}, "ENCRYPT_STORAGE": {"encrypted": true}}));
        story.assign("baseline", two, to_roles(&["engineer"]));
        story.start();
        story.settle().await;
        story.mark();
        story.assign("baseline", camera_off(), to_roles(&["engineer"]));
        story.settle().await;
        assert_eq!(story.effects(), updated(dialect, &[3]), "{dialect:?}");
        assert_eq!(
            story.policy(3).unwrap()["contents"],
            json!({"CAMERA": {"enabled": false}}),
            "{dialect:?}"
        );
        story.assert_in_step("baseline");
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_platform_becomes_a_policy_of_its_own() {
    for dialect in BOTH {
        let story = Story::with_baseline(dialect).await;
        let camera = json!({"CAMERA": {"enabled": false}});
        story.assign(
            "baseline",
            policy(&[("android", &camera), ("windows", &camera)]),
            to_roles(&["engineer"]),
        );
        story.settle().await;
        story.assert_effects(&["create Laptop baseline", "activate 4", "apply"]);
        story.assert_in_step("baseline");
        let keys: Vec<_> = story.facts("baseline").objects.into_iter().map(|o| (o.key, o.id)).collect();
        let expected =
            [("android/roles", "3"), ("windows/roles", "4")].map(|(k, i)| (k.to_owned(), i.to_owned()));
        assert_eq!(keys, expected, "{dialect:?}");
        assert_eq!(story.facts("baseline").targets.desired, 2, "{dialect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn enabled_false_switches_off_and_true_on_again() {
    for dialect in BOTH {
        let mut story = Story::with_baseline(dialect).await;
        for (enabled, switch) in [(false, "deactivate 3"), (true, "activate 3")] {
            story.mark();
            story.assign(
                "baseline",
                with(camera_off(), json!({"enabled": enabled})),
                to_roles(&["engineer"]),
            );
            story.settle().await;
            story.assert_effects(&[switch, "apply"]);
            assert_eq!(story.policy(3).unwrap()["active"], enabled, "{dialect:?}");
            assert_eq!(story.facts("baseline").objects[0].active, Some(enabled), "{dialect:?}");
            story.assert_in_step("baseline");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_made_disabled_is_never_switched_on() {
    for dialect in BOTH {
        let mut story = Story::new(dialect);
        story.assign("baseline", with(camera_off(), json!({"enabled": false})), to_roles(&["engineer"]));
        story.start();
        story.settle().await;
        story.assert_effects(&["create Laptop baseline"]);
        story.assert_in_step("baseline");
        assert_eq!(story.policy(3).unwrap()["active"], false, "{dialect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_comes_while_the_first_is_under_way_wins() {
    for dialect in BOTH {
        let mut story = Story::new(dialect);
        story.fault("wso2", json!({"kind": "delay", "ms": 3000, "match": {"path": "policies"}}));
        story.assign("baseline", camera_off(), to_roles(&["engineer"]));
        story.start();
        story.pass(7).await;
        story.assign("baseline", android(&json!({"CAMERA": {"enabled": true}})), to_roles(&["sales"]));
        story.settle().await;
        story.assert_in_step("baseline");
        let ours = story.ours();
        assert_eq!(ours.len(), 1, "{dialect:?}");
        assert_eq!(ours[0]["contents"]["CAMERA"]["enabled"], true, "{dialect:?}");
        assert_eq!(ours[0]["roles"], json!(["sales"]), "{dialect:?}");
    }
}

/// `kubectl replace` of a manifest without it, say: a deletion would not wait for us then (I3).
#[tokio::test(start_paused = true)]
async fn a_finalizer_that_somebody_took_off_is_put_on_again() {
    for dialect in BOTH {
        let story = Story::with_baseline(dialect).await;
        for times in 1..=2 {
            story.edit_view("baseline", |view| view.finalizer = false);
            story.settle().await;
            let there = story.cluster.view("baseline").is_some_and(|view| view.finalizer);
            assert!(there, "{dialect:?}: not put on again {times}");
        }
        story.delete("baseline");
        story.settle().await;
        assert!(!story.cluster.exists("baseline") && story.ours().is_empty(), "{dialect:?}");
    }
}
