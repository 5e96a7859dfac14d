//! Taking over what exists, by id or by name.

use ordain::{
    api::conditions::Reason,
    model::{Identity, ObjectName, OwnerId},
    report::facts::Standing,
    sandbox::wso2::Dialect,
};
use serde_json::{Value, json};

use super::story::{BOTH, Story, android, camera_off, to_roles, updated, with};

/// "VPN for sales" (id 2) with the camera off. Everything else of it is not named, so not ours.
fn vpn() -> Value {
    let mut vpn = android(&json!({
        "VPN": {"serverAddress": "vpn.example.com", "serverPort": "1194", "sharedSecret": "s3ll-m0re", "dnsServer": "10.0.0.2"},
        "CAMERA": {"enabled": false}
    }));
    vpn.as_object_mut().unwrap().remove("description");
    with(vpn, json!({"displayName": "VPN for sales"}))
}

fn adopting(adopt: &Value) -> Value {
    with(to_roles(&["sales"]), json!({"adopt": adopt}))
}

/// A story whose "baseline" has just taken over "VPN for sales".
async fn adopted(dialect: Dialect) -> Story {
    let mut story = Story::new(dialect);
    story.assign("baseline", vpn(), adopting(&json!({"id": "2"})));
    story.start();
    story.settle().await;
    story.mark();
    story
}

/// A mark of another object of ours, or of another installation.
pub fn marked(owner: &OwnerId, object: &str, text: &str) -> String {
    let identity = Identity {
        owner: owner.clone(),
        kind: "PolicyAssignment",
        object: ObjectName::new("team", object),
        variant: "android/roles".into(),
    };
    identity.mark().append_to(text)
}

#[tokio::test(start_paused = true)]
async fn by_id_and_by_name_what_is_not_named_stays() {
    for dialect in BOTH {
        for adopt in [json!({"id": "2"}), json!({"byName": true})] {
            let mut story = Story::new(dialect);
            story.assign("baseline", vpn(), adopting(&adopt));
            story.start();
            story.settle().await;
            assert_eq!(story.effects(), updated(dialect, &[2]), "{dialect:?}");
            story.assert_in_step("baseline");
            let stands = story.policy(2).unwrap();
            assert_eq!(stands["contents"]["CAMERA"]["enabled"], false, "{dialect:?}");
            let text = stands["description"].as_str().unwrap();
            assert!(text.starts_with("VPN for sales (made in the console) [ordain:"), "{dialect:?}: {text}");
            assert_eq!(story.policies().len(), 2, "{dialect:?}");
            assert_eq!(
                story.facts("baseline").release_policy,
                ordain::api::ReleasePolicy::Orphan,
                "{dialect:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn deleting_an_adopted_one_leaves_it_by_default() {
    for dialect in BOTH {
        let story = adopted(dialect).await;
        story.delete("baseline");
        story.settle().await;
        assert_eq!(story.requests(), 0, "{dialect:?}");
        assert!(!story.cluster.exists("baseline"), "{dialect:?}");
        assert!(story.policy(2).is_some(), "{dialect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn restore_puts_back_what_stood_before_and_takes_the_mark_off() {
    for dialect in BOTH {
        let mut story = Story::new(dialect);
        let before = story.policy(2).unwrap();
        story.assign(
            "baseline",
            vpn(),
            with(adopting(&json!({"id": "2"})), json!({"releasePolicy": "Restore"})),
        );
        story.start();
        story.settle().await;
        story.mark();
        story.delete("baseline");
        story.settle().await;
        assert!(
            !story.cluster.exists("baseline"),
            "{dialect:?}: {:?} {:?}",
            story.effects(),
            story.standing("baseline")
        );
        let after = story.policy(2).unwrap();
        for member in
            ["policyName", "description", "contents", "roles", "users", "compliance", "active", "priorityId"]
        {
            assert_eq!(after[member], before[member], "{dialect:?}: {member}");
        }
        assert_eq!(after["updated"], false, "{dialect:?}: published, too: {:?}", story.effects());
    }
}

/// The system has no such group any more, and would refuse a Restore that names it for ever.
#[tokio::test(start_paused = true)]
async fn restore_leaves_out_a_group_that_was_deleted_meanwhile() {
    for listed_before in [true, false] {
        let mut story = Story::new(Dialect::DeviceMgtV1);
        story.console(json!({"policies": [{"id": 2, "deviceGroups": ["Lab phones"], "updated": false}]}));
        let before = story.policy(2).unwrap();
        let restoring = with(adopting(&json!({"id": "2"})), json!({"releasePolicy": "Restore"}));
        story.assign("baseline", vpn(), restoring);
        story.start();
        story.settle().await;
        story.assert_in_step("baseline");
        assert_eq!(story.policy(2).unwrap()["deviceGroups"], json!([]), "exactly our roles");
        story.console(json!({"removeGroups": ["Lab phones"]}));
        story.pass(if listed_before { 45 * 60 } else { 0 }).await;
        story.delete("baseline");
        story.pass(45 * 60).await;
        story.settle().await;
        assert!(!story.cluster.exists("baseline"), "{:?}", story.standing("baseline"));
        let after = story.policy(2).unwrap();
        assert_eq!((&after["roles"], &after["deviceGroups"]), (&before["roles"], &json!([])));
    }
}

#[tokio::test(start_paused = true)]
async fn what_bears_another_owners_mark_is_never_adopted() {
    for dialect in BOTH {
        let mut story = Story::new(dialect);
        let text = marked(&OwnerId::new("another cluster"), "theirs", "VPN for sales");
        story.console(json!({"policies": [{"id": 2, "description": text, "updated": false}]}));
        story.assign("baseline", vpn(), adopting(&json!({"id": "2"})));
        story.start();
        story.settle().await;
        story.assert_effects(&[]);
        assert_eq!(story.reason("baseline"), Some(Reason::OwnedByAnother), "{dialect:?}");
        assert!(matches!(story.standing("baseline"), Some(Standing::Stalled(..))), "{dialect:?}");
        assert_eq!(story.cluster.finalizer_writes(), 0, "{dialect:?}: a finalizer without an effect");
        story.delete("baseline");
        story.settle().await;
        story.assert_effects(&[]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_target_creates_nothing() {
    for dialect in BOTH {
        for (adopt, name) in
            [(json!({"id": "99"}), "VPN for sales"), (json!({"byName": true}), "No such name")]
        {
            let mut story = Story::new(dialect);
            story.assign("baseline", with(vpn(), json!({"displayName": name})), adopting(&adopt));
            story.start();
            story.settle().await;
            story.assert_effects(&[]);
            assert_eq!(story.reason("baseline"), Some(Reason::AdoptionTargetNotFound), "{dialect:?}");
            story.mark();
            // Corrected, it goes at once.
            story.assign("baseline", vpn(), adopting(&json!({"id": "2"})));
            story.settle().await;
            story.assert_in_step("baseline");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_taken_name_is_a_conflict_until_it_is_free_or_adopted() {
    for dialect in BOTH {
        let mut story = Story::new(dialect);
        story.assign(
            "baseline",
            with(camera_off(), json!({"displayName": "vpn for SALES"})),
            to_roles(&["engineer"]),
        );
        story.start();
        story.settle().await;
        story.assert_effects(&[]);
        assert_eq!(story.reason("baseline"), Some(Reason::NameConflict), "{dialect:?}");
        assert_eq!(story.facts("baseline").accepted.status, Some(false), "{dialect:?}");
        story.console(json!({"policies": [{"id": 2, "rename": "Something else", "updated": false}]}));
        story.request("baseline", "now");
        story.settle().await;
        story.assert_effects(&["create vpn for SALES", "activate 3", "apply"]);
        story.assert_in_step("baseline");
    }
}

#[tokio::test(start_paused = true)]
async fn two_of_that_name_are_ambiguous() {
    for dialect in BOTH {
        let mut story = Story::new(dialect);
        story.console(json!({"add": [{"name": "VPN for sales", "deviceType": "android", "features": {"CAMERA": {"enabled": true}}}]}));
        story.console(json!({"applyChanges": true}));
        story.assign("baseline", vpn(), adopting(&json!({"byName": true})));
        story.start();
        story.settle().await;
        story.assert_effects(&[]);
        assert_eq!(story.reason("baseline"), Some(Reason::AmbiguousIdentity), "{dialect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_adopted_one_that_vanishes_is_told_and_never_created() {
    for dialect in BOTH {
        let story = adopted(dialect).await;
        story.console(json!({"policies": [{"id": 2, "delete": true}]}));
        story.pass(3 * 1800).await;
        story.assert_effects(&[]);
        assert_eq!(story.reason("baseline"), Some(Reason::ExternalObjectGone), "{dialect:?}");
        assert!(matches!(story.standing("baseline"), Some(Standing::Stalled(..))), "{dialect:?}");
        story.delete("baseline");
        story.settle().await;
        assert!(!story.cluster.exists("baseline"), "{dialect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_recorded_id_decides_later_adopt_is_not_read_again() {
    for dialect in BOTH {
        let story = adopted(dialect).await;
        story.assign("baseline", vpn(), adopting(&json!({"id": "1"})));
        story.settle().await;
        story.assert_effects(&[]);
        story.assert_in_step("baseline");
    }
}

/// R11: what stood there before us is what stood before our first write, also of a feature that is named again later.
#[tokio::test(start_paused = true)]
async fn restore_knows_what_stood_before_a_feature_that_comes_back() {
    for dialect in BOTH {
        let mut story = Story::new(dialect);
        story.console(
            json!({"policies": [{"id": 2, "features": {"CAMERA": {"enabled": true}}}], "applyChanges": true}),
        );
        let before = story.policy(2).unwrap()["contents"].clone();
        let restoring = with(adopting(&json!({"id": "2"})), json!({"releasePolicy": "Restore"}));
        let mut without = vpn();
        let features = without.pointer_mut("/content/wso2/profiles/0/features").unwrap();
        features.as_array_mut().unwrap().retain(|feature| feature["code"] != "CAMERA");
        story.assign("baseline", vpn(), restoring.clone());
        story.start();
        for policy in [vpn(), without, vpn()] {
            story.assign("baseline", policy, restoring.clone());
            story.settle().await;
            story.assert_in_step("baseline");
        }
        story.delete("baseline");
        story.settle().await;
        assert!(!story.cluster.exists("baseline"), "{dialect:?}: {:?}", story.standing("baseline"));
        assert_eq!(story.policy(2).unwrap()["contents"], before, "{dialect:?}: {:?}", story.effects());
    }
}
