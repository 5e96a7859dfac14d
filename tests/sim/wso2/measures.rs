//! What `/metrics` says of an account.

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

#[tokio::test(start_paused = true)]
async fn a_proof_ages_until_the_next_look() {
    for dialect in BOTH {
        let story = Story::with_baseline(dialect).await;
        let age = || value(&story, r#"ordain_seconds_since_proof{backend="Backend/team/emm"}"#).unwrap();
        let before = age();
        story.pass(600).await;
        assert!((age() - before - 600.0).abs() < 1.0, "{dialect:?}: nothing was read, {before} -> {}", age());
        story.pass(3600).await;
        assert!(age() < 1800.0, "{dialect:?}: read once a drift interval, {}", age());
    }
}
