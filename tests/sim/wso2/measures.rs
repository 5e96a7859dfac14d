//! What `/metrics` says of an account.

use ordain::model::Clock as _;
use serde_json::json;

use super::story::{BOTH, Story};

/// The value of a series, if it is there.
fn value(story: &Story, series: &str) -> Option<f64> {
    let text = story.rig.metrics.encode();
    let line = text.lines().find_map(|line| line.strip_prefix(series))?;
    line.trim().parse().ok()
}

#[tokio::test(start_paused = true)]
async fn drift_counts_once_when_found_and_once_when_put_back() {
    for dialect in BOTH {
        let story = Story::with_baseline(dialect).await;
        let found = r#"ordain_drift_found_total{system="wso2"}"#;
        let corrected = r#"ordain_drift_corrected_total{system="wso2"}"#;
        assert_eq!(value(&story, found), None, "{dialect:?}: nothing drifted");
        story.console(json!({"policies": [{"id": 3, "description": "Camera off", "updated": false}]}));
        story.pass(4000).await;
        assert_eq!(value(&story, found), Some(1.0), "{dialect:?}");
        assert_eq!(value(&story, corrected), Some(1.0), "{dialect:?}");
        story.pass(4000).await;
        assert_eq!(value(&story, found), Some(1.0), "{dialect:?}: in step again");
    }
}

#[tokio::test(start_paused = true)]
async fn drift_that_is_only_reported_counts_once_however_often_it_is_seen() {
    for dialect in BOTH {
        let story = Story::with(dialect, |_| {}, |settings| settings.correct_drift = false);
        let mut story = story;
        story.assign("baseline", super::story::camera_off(), super::story::to_roles(&["engineer"]));
        story.start();
        story.settle().await;
        story.console(json!({"policies": [{"id": 3, "description": "Camera off", "updated": false}]}));
        story.pass(20_000).await;
        assert_eq!(value(&story, r#"ordain_drift_found_total{system="wso2"}"#), Some(1.0), "{dialect:?}");
        assert_eq!(value(&story, r#"ordain_drift_corrected_total{system="wso2"}"#), None, "{dialect:?}");
    }
}

/// The value of a gauge of the account.
fn gauge(story: &Story, name: &str) -> Option<f64> {
    value(story, &format!("ordain_{name}{{backend=\"Backend/team/emm\"}}"))
}

/// How long ago the least recently proven item was proven.
fn age(story: &Story) -> Option<f64> {
    let now = story.rig.clock.now().as_duration().as_secs_f64();
    Some(now - gauge(story, "oldest_proof_timestamp_seconds")?)
}

/// A worker over the same store in a process of its own, whose credentials are not there.
async fn start_anew_out_of_reach(story: &mut Story) {
    story.kill().await;
    story.rig.metrics = ordain::report::metrics::Metrics::new();
    story.drop_secret("creds");
    story.start();
    story.pass(60).await;
}

const MISSING: &str = r#"ordain_breaker_open{backend="Backend/team/emm",reason="CredentialsMissing"}"#;

#[tokio::test(start_paused = true)]
async fn a_proof_ages_until_the_next_look() {
    for dialect in BOTH {
        let story = Story::with_baseline(dialect).await;
        let age = || age(&story).unwrap();
        let before = age();
        story.pass(600).await;
        assert!((age() - before - 600.0).abs() < 1.0, "{dialect:?}: nothing was read, {before} -> {}", age());
        story.pass(3600).await;
        assert!(age() < 1800.0, "{dialect:?}: read once a drift interval, {}", age());
        assert_eq!(gauge(&story, "drift_interval_seconds"), Some(1800.0), "{dialect:?}");
        assert_eq!(value(&story, MISSING), None, "{dialect:?}: it works");
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_process_knows_when_everything_was_proven_last() {
    for dialect in BOTH {
        let mut story = Story::with_baseline(dialect).await;
        let proven = gauge(&story, "oldest_proof_timestamp_seconds").unwrap();
        start_anew_out_of_reach(&mut story).await;
        assert_eq!(gauge(&story, "oldest_proof_timestamp_seconds"), Some(proven), "{dialect:?}");
        assert_eq!(value(&story, MISSING), Some(1.0), "{dialect:?}: and that it cannot look");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_never_proven_is_told_apart_from_what_need_not_be() {
    for dialect in BOTH {
        let mut story = Story::new(dialect);
        story.start();
        story.settle().await;
        let told = |story: &Story| {
            ["proof_wanted_timestamp_seconds", "oldest_proof_timestamp_seconds"]
                .map(|name| gauge(story, name).is_some())
        };
        assert_eq!(told(&story), [false, false], "{dialect:?}: nothing is to be proven");
        start_anew_out_of_reach(&mut story).await;
        story.assign("baseline", super::story::camera_off(), super::story::to_roles(&["engineer"]));
        story.pass(120).await;
        assert_eq!(told(&story), [true, false], "{dialect:?}: never proven");
        story.edit_backend(|backend| backend.settings.suspend = true);
        story.pass(120).await;
        assert_eq!(told(&story), [false, false], "{dialect:?}: suspended, nobody waits for a proof");
        assert_eq!(value(&story, MISSING), None, "{dialect:?}: and nobody tries");
    }
}

#[tokio::test(start_paused = true)]
async fn drift_that_stays_ages_the_proof_and_one_that_is_put_back_does_not() {
    for dialect in BOTH {
        for (correct, stays) in [(true, false), (false, true)] {
            let mut story = Story::with(dialect, |_| {}, |settings| settings.correct_drift = correct);
            story.assign("baseline", super::story::camera_off(), super::story::to_roles(&["engineer"]));
            story.start();
            story.settle().await;
            story.console(json!({"policies": [{"id": 3, "description": "Camera off", "updated": false}]}));
            story.pass(20_000).await;
            let age = age(&story).unwrap();
            assert_eq!(age > 2.0 * 1800.0, stays, "{dialect:?}, correct {correct}: {age}");
        }
    }
}

/// Two in step, of which one was suspended long ago and is not looked at since.
async fn with_one_suspended(dialect: ordain::sandbox::wso2::Dialect) -> Story {
    let story = Story::with_baseline(dialect).await;
    story.assign("other", super::story::camera_off(), super::story::to_roles(&["sales"]));
    story.pass(600).await;
    story.edit("other", |view| view.suspended = true);
    story.pass(20_000).await;
    let age = age(&story).unwrap();
    assert!(age <= 1800.0, "{dialect:?}: what is suspended is not waited for, {age}");
    story
}

#[tokio::test(start_paused = true)]
async fn what_is_suspended_is_not_overdue_out_of_reach_either() {
    for dialect in BOTH {
        let mut story = with_one_suspended(dialect).await;
        let proven = gauge(&story, "oldest_proof_timestamp_seconds").unwrap();
        start_anew_out_of_reach(&mut story).await;
        assert_eq!(
            gauge(&story, "oldest_proof_timestamp_seconds"),
            Some(proven),
            "{dialect:?}: a new process"
        );

        let story = with_one_suspended(dialect).await;
        let proven = gauge(&story, "oldest_proof_timestamp_seconds").unwrap();
        story.drop_secret("creds");
        story.edit_backend(|backend| backend.requested_at = Some("look".into()));
        story.pass(60).await;
        assert_eq!(value(&story, MISSING), Some(1.0), "{dialect:?}: it cannot look");
        assert_eq!(
            gauge(&story, "oldest_proof_timestamp_seconds"),
            Some(proven),
            "{dialect:?}: the same process"
        );
    }
}
