//! What `/readyz` answers while we lead.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, time::sleep};

use crate::{
    lease::LeaseFence, report::metrics::Metrics, store::Store, watch::IndexHandle, worker::ports::Fence as _,
};

/// How often it is looked after.
const INTERVAL: Duration = Duration::from_secs(1);

/// Everything that may be in the way.
pub(super) struct Readiness {
    pub(super) index: IndexHandle,
    pub(super) store: Arc<Store>,
    pub(super) fence: Arc<LeaseFence>,
    pub(super) metrics: Metrics,
    pub(super) told: watch::Sender<Vec<String>>,
}

impl Readiness {
    /// Names what is not ready, when that changes; never ends.
    pub(super) async fn keep_telling(self) {
        loop {
            let troubles = self.troubles();
            self.told.send_if_modified(|told| {
                let changed = *told != troubles;
                *told = troubles;
                changed
            });
            self.metrics.store_bytes(self.store.bytes());
            sleep(INTERVAL).await;
        }
    }

    fn troubles(&self) -> Vec<String> {
        let lease = (!self.fence.allows(Duration::ZERO)).then(|| "the lease is not renewed".to_owned());
        lease.into_iter().chain(self.store.trouble()).chain(self.index.troubles()).collect()
    }
}
