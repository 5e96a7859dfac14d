//! Somebody else writes a status: what it says is soon true again.

use super::*;

impl Whole {
    /// `kubectl patch --subresource=status`: it is not Ready, says somebody who does not know.
    fn claim_not_ready(&self, kind: &str, name: &str) {
        self.api.edit(kind, TEAM, name, |object| {
            let conditions = object["status"]["conditions"].as_array_mut().unwrap();
            let ready = conditions.iter_mut().find(|one| one["type"] == "Ready").unwrap();
            for (field, claim) in [("status", "False"), ("reason", "Applying"), ("message", "who knows")] {
                ready[field] = json!(claim);
            }
        });
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_that_somebody_else_wrote_says_the_truth_again_within_a_minute() {
    for (kind, name) in [("PolicyAssignment", "camera"), ("Policy", "camera"), ("Backend", "wso2")] {
        let whole = in_force().await;
        let (told, effects) = (whole.told(kind, name), whole.vendors.effects("wso2"));
        whole.claim_not_ready(kind, name);
        assert_eq!(whole.ready(kind, name), "False Applying");
        whole.pass(60).await;
        assert_eq!(whole.told(kind, name), told, "{kind}");
        assert_eq!(whole.vendors.effects("wso2"), effects, "{kind}: nothing is sent for it");
    }
}

/// A digest of sources that is another one would keep the Policy from being Ready.
#[tokio::test(start_paused = true)]
async fn sources_that_somebody_else_wrote_are_written_again() {
    let mut whole = in_force().await;
    let sources = |whole: &Whole| {
        whole.api.get("PolicyAssignment", TEAM, "camera").unwrap()["status"]["observedSources"].clone()
    };
    let proven = sources(&whole);
    whole.api.edit("PolicyAssignment", TEAM, "camera", |object| {
        object["status"]["observedSources"] = json!("0123456789abcdef");
    });
    whole.pass(60).await;
    assert_eq!(sources(&whole), proven);
    assert!(whole.settle().await);
    assert_eq!(whole.ready("Policy", "camera"), "True AllAssignmentsReady");
}
