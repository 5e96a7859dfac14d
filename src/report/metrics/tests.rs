//! Names, values, and what is left of a backend that is gone.
#![allow(clippy::unwrap_used)]

use std::sync::{Arc, atomic::Ordering};

use jiff::Timestamp;

use super::*;
use crate::model::BackendKind;

struct At(AtomicU64);

impl Clock for At {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

fn backend() -> BackendId {
    BackendId { kind: BackendKind::Backend, namespace: "team-a".into(), name: "emm".into() }
}

#[test]
fn names_follow_the_conventions_and_values_arrive() {
    let clock = Arc::new(At(AtomicU64::new(10)));
    let metrics = Metrics::new(clock.clone());
    metrics.call(SystemName::Wso2, CallOutcome::Throttled, Duration::from_millis(30));
    metrics.drift_found(SystemName::Wso2, 2);
    metrics.holds(&backend(), 12);
    metrics.store_bytes(4096);
    metrics.proven(&backend());
    clock.0.store(52, Ordering::Relaxed);
    let text = metrics.encode();
    for line in [
        "ordain_vendor_calls_total{system=\"wso2\",outcome=\"throttled\"} 1",
        "ordain_vendor_call_duration_seconds_bucket{le=\"0.05\",system=\"wso2\"} 1",
        "ordain_drift_found_total{system=\"wso2\"} 2",
        "ordain_guard_holds{backend=\"Backend/team-a/emm\"} 12",
        "ordain_store_bytes 4096",
        "ordain_seconds_since_proof{backend=\"Backend/team-a/emm\"} 42.0",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn a_backend_that_is_gone_leaves_no_series_behind() {
    let metrics = Metrics::new(Arc::new(At(AtomicU64::new(0))));
    metrics.proven(&backend());
    metrics.holds(&backend(), 1);
    metrics.operations(&backend(), 1);
    metrics.forget(&backend());
    assert!(!metrics.encode().contains("team-a"));
}
