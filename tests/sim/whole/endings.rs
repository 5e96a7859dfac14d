//! Asked to end, cut off from the API server, without its rights: it ends in order, and the next process goes on.

use ordain::lease::LeaseError;
use tokio::time::Instant;

use super::*;

/// What stands at the end of a story nobody disturbed.
async fn undisturbed() -> Value {
    in_force().await.state()
}

/// SIGTERM at any time of a convergence: within ten seconds, the lease given back, nothing half done that stays so.
#[tokio::test(start_paused = true)]
async fn asked_to_end_at_any_time_it_ends_within_ten_seconds() {
    let expected = undisturbed().await;
    for after in (0..6_000).step_by(200) {
        let mut whole = Whole::new();
        whole.api.latency(Duration::from_millis(37));
        both(&whole);
        whole.start(None);
        tokio::time::sleep(Duration::from_millis(after)).await;
        let asked = Instant::now();
        whole.end().await.unwrap_or_else(|error| panic!("after {after} ms: {error}"));
        assert!(asked.elapsed() <= Duration::from_secs(10), "after {after} ms: {:?}", asked.elapsed());
        let lease = whole.api.get("Lease", "ordain-system", "ordain");
        let holder = lease.map(|lease| lease["spec"]["holderIdentity"].clone()).unwrap_or_default();
        assert!(holder.as_str().unwrap_or_default().is_empty(), "after {after} ms: still held by {holder}");
        whole.api.latency(Duration::ZERO);
        whole.start(None);
        assert!(whole.settle().await);
        let other = difference(&whole.state(), &expected);
        assert!(other.is_empty(), "after {after} ms: {other:#?}");
    }
}

/// R28: an effect whose call may outlast the lease is not sent, however near the system is to taking it.
#[tokio::test(start_paused = true)]
async fn what_waits_for_its_turn_is_not_sent_at_the_end_of_the_lease() {
    let mut whole = in_force().await;
    let busy = json!({"kind": "status", "code": 503, "match": {"method": "PUT"}});
    whole.vendors.of("wso2").add_fault(&busy).unwrap();
    whole.apply("Policy", "camera", camera(true));
    whole.pass(1).await;
    whole.api.shut_down();
    // Held for 54 s at most, and a call may take 30: nothing new after 24.
    whole.pass(24).await;
    whole.vendors.of("wso2").faults().clear();
    let sent = whole.vendors.effects("wso2").len();
    let ended = whole.life.join_next().await.unwrap().unwrap();
    assert!(ended.is_err(), "the lease is over");
    assert_eq!(whole.vendors.effects("wso2")[sent..], [""; 0]);
    whole.api.come_back();
    whole.start(None);
    assert!(whole.settle().await);
    assert_eq!(whole.ready("PolicyAssignment", "camera"), "True InStep");
    assert!(whole.vendors.effects("wso2").len() > sent, "now it was");
}

/// F12: without the API server nothing may be done for longer than the lease holds; then the process ends, and says why.
#[tokio::test(start_paused = true)]
async fn cut_off_from_the_api_server_it_stops_with_its_lease() {
    let mut whole = in_force().await;
    whole.api.shut_down();
    let cut = Instant::now();
    let ended = whole.life.join_next().await.unwrap().unwrap();
    assert!(matches!(ended, Err(OperatorError::Lease(LeaseError::Lost(_)))), "{ended:?}");
    assert!(cut.elapsed() <= ordain::lease::DURATION, "{:?}", cut.elapsed());
    let calls = whole.vendors.calls("wso2").len() + whole.vendors.calls("wfbss").len();
    whole.pass(3600).await;
    assert_eq!(whole.vendors.calls("wso2").len() + whole.vendors.calls("wfbss").len(), calls, "it is gone");
    whole.api.come_back();
    whole.apply("Policy", "camera", camera(true));
    whole.start(None);
    assert!(whole.settle().await);
    assert_eq!(whole.ready("PolicyAssignment", "camera"), "True InStep");
}
