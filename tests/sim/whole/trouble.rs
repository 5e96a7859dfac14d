//! A cluster that is not as it should be.

use super::*;

/// CRDs that come later, as with `helm install` in two steps (F20): it waits, and works as soon as they are there.
#[tokio::test(start_paused = true)]
async fn kinds_that_are_not_installed_yet_are_waited_for() {
    const KINDS: [&str; 5] = ["Policy", "TargetGroup", "Backend", "ClusterBackend", "PolicyAssignment"];
    let expected = in_force().await.state();
    let mut whole = Whole::new();
    both(&whole);
    for kind in KINDS {
        whole.api.withdraw(kind);
    }
    whole.start(None);
    whole.pass(600).await;
    assert_eq!(whole.api.writes().len(), 1, "but for its keys it wrote nothing");
    assert!(whole.vendors.calls("wso2").is_empty() && whole.vendors.calls("wfbss").is_empty());
    let told = whole.readiness.borrow().join("; ");
    for kind in ["policies", "targetgroups", "backends", "clusterbackends", "policyassignments"] {
        assert!(told.contains(kind), "/readyz names {kind}: {told}");
    }
    for kind in KINDS {
        whole.api.reinstate(kind);
    }
    whole.pass(600).await;
    assert!(whole.settle().await);
    let other = difference(&whole.state(), &expected);
    assert!(other.is_empty(), "{other:#?}");
    assert!(whole.readiness.borrow().is_empty(), "{:?}", whole.readiness.borrow());
}
