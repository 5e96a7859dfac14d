//! What waits for a person, and what the person then does through Argo CD's own server: on its command line, and by the
//! call of its pages where a number is typed.

use serde_json::{Value, json};

use super::application::{ASSIGNMENT, PHONES, Team, is_healthy, is_synced, synced_to};
use crate::{eventually, site::TEAM};

/// A commit that drops more than the guard allows is shown, not carried out, and nobody tries it again and again; the
/// number that was shown lets it through.
pub(super) fn held_until_approved(team: &Team<'_>) {
    let without = phones(8).replace("        - code: CAMERA\n          content: {enabled: false}\n", "");
    assert!(!without.contains("CAMERA"), "{without}");
    let commit = team.push_guarded(&without);
    waits_for(team, &commit, "Suspended");
    its_account_tells(team);
    assert!(has_camera(team), "nothing was taken away");
    nothing_is_tried_again(team, &commit);

    let refused = team.argo.approve(TEAM, "wso2", "2").unwrap_err();
    assert!(refused.contains("not the number of removals that are held"), "{refused}");
    assert!(has_camera(team));
    team.argo.approve(TEAM, "wso2", "1").unwrap();
    team.waits_for_the_truth(&commit, 8.0);
    assert!(!has_camera(team), "what was approved is gone");
    nothing_is_tried_again(team, &commit);
    assert!(is_healthy(&team.status(), &commit), "{:#}", team.status());
    assert_eq!(approval(team), "1", "it is no difference to Git, so nobody took it away");
}

/// The approval that is spent lets nothing else through, though the number is the same. Letting go of what is held ends
/// the deletion, and leaves the system as it is.
pub(super) fn pruned_and_held_until_released(team: &Team<'_>) {
    let commit = team.push_guarded("");
    waits_for(team, &commit, "Degraded");
    its_account_tells(team);
    // Argo CD deletes it again, with a back-off; it is one deletion.
    let deletion = || {
        let held = team.site.cluster.get(TEAM, "policyassignment", ASSIGNMENT).unwrap();
        json!([held["metadata"]["deletionTimestamp"], held["metadata"]["generation"], held["spec"]])
    };
    let before = deletion();
    (0..3).for_each(|_| team.argo.refresh());
    assert_eq!(deletion(), before);
    let refused = team.argo.approve(TEAM, "wso2", "1").unwrap_err();
    assert!(refused.contains("withdraw-approval"), "{refused}");
    team.argo.action("Backend", "wso2", "withdraw-approval").unwrap();
    assert_eq!(approval(team), Value::Null);
    assert_eq!(team.site.digits(), [8.0], "it is held");

    team.argo.action("PolicyAssignment", ASSIGNMENT, "release").unwrap();
    let gone = || team.site.cluster.get(TEAM, "policyassignment", ASSIGNMENT).is_none();
    assert!(eventually(gone), "{:?}", team.argo.shown("PolicyAssignment", ASSIGNMENT));
    assert_eq!(team.site.digits(), [8.0], "the system keeps what it has");
    assert!(eventually(|| is_healthy(&team.status(), &commit)), "{:#}", team.status());
    let again = team.push(7);
    team.waits_for_the_truth(&again, 7.0);
}

/// What an action suspends stays so, for Git does not name it: a commit is applied, and reaches the system when it is
/// resumed. The last commit.
pub(super) fn suspended_until_resumed(team: &Team<'_>) -> String {
    team.argo.action("PolicyAssignment", ASSIGNMENT, "suspend").unwrap();
    let commit = team.push(8);
    let rests = || rests_at(&team.status(), &commit) && team.status()["health"]["status"] == "Suspended";
    assert!(eventually(rests), "{:#}", team.status());
    let (status, told) = team.argo.shown("PolicyAssignment", ASSIGNMENT);
    assert!(status == "Suspended" && told.starts_with("Suspended"), "{status}: {told}");
    nothing_is_tried_again(team, &commit);
    assert!(is_synced(&team.status(), &commit), "{:#}", team.status());
    assert_eq!(team.site.digits(), [7.0], "nothing is written");

    team.argo.action("PolicyAssignment", ASSIGNMENT, "resume").unwrap();
    team.waits_for_the_truth(&commit, 8.0);
    team.argo.action("PolicyAssignment", ASSIGNMENT, "refresh").unwrap();
    let answered = || {
        let assignment = team.site.cluster.get(TEAM, "policyassignment", ASSIGNMENT).unwrap();
        let asked = &assignment["metadata"]["annotations"]["ordain.dev/reconcile-requested-at"];
        asked.is_string() && assignment["status"]["lastHandledReconcileAt"] == *asked
    };
    assert!(eventually(answered), "it was read again");
    commit
}

fn phones(digits: u32) -> String {
    PHONES.replace("minLength: 6", &format!("minLength: {digits}"))
}

/// Waits until the commit is applied and the assignment is shown so, with the number and what lets it through.
fn waits_for(team: &Team<'_>, commit: &str, health: &str) {
    let held = || {
        let (status, told) = team.argo.shown("PolicyAssignment", ASSIGNMENT);
        assert!(!is_healthy(&team.status(), commit), "{:#}", team.status());
        status == health
            && told.contains("1 removal is waiting")
            && told.contains("ordain.dev/approve-removals: \"1\"")
            && team.status()["operationState"]["syncResult"]["revision"] == commit
    };
    let shown = || team.argo.shown("PolicyAssignment", ASSIGNMENT);
    assert!(
        eventually(held),
        "{:?} {:#}\n{}",
        shown(),
        team.status(),
        team.argo.log("application-controller")
    );
}

/// The Backend tells of what it holds, and is none the worse for it. Argo CD makes a message anew with the health that
/// changes, or when it is asked.
fn its_account_tells(team: &Team<'_>) {
    let shown = || team.argo.shown("Backend", "wso2");
    let told = || {
        team.argo.refresh();
        let (status, told) = shown();
        status == "Healthy" && told.contains("Held: 1 removal is waiting")
    };
    assert!(eventually(told), "{:?}", shown());
}

/// In sync with this commit, and the sync has ended: what is tried from here on is tried again.
fn rests_at(status: &Value, commit: &str) -> bool {
    is_synced(status, commit) && synced_to(status, commit)
}

/// Self-heal is on: once the commit is applied, three looks find nothing to do.
fn nothing_is_tried_again(team: &Team<'_>, commit: &str) {
    assert!(eventually(|| rests_at(&team.status(), commit)), "{:#}", team.status());
    let tried = || json!([team.status()["history"], team.status()["operationState"]]);
    let before = tried();
    (0..3).for_each(|_| team.argo.refresh());
    assert_eq!(tried(), before, "no sync was made");
}

fn has_camera(team: &Team<'_>) -> bool {
    let state = team.site.sandbox.state("wso2");
    let mut held = state["policies"].as_array().unwrap().iter();
    held.any(|policy| policy["policyName"] == "Phone baseline" && !policy["contents"]["CAMERA"].is_null())
}

fn approval(team: &Team<'_>) -> Value {
    let backend = team.site.cluster.get(TEAM, "backend", "wso2").unwrap();
    backend["metadata"]["annotations"]["ordain.dev/approve-removals"].clone()
}
