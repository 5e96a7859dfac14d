//! What stands in a Lease. Pure.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};

use super::{DURATION, EPOCH};

/// What is compared to tell whether a holder is alive: any renewal changes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// `holderIdentity`, empty when given back.
    pub holder: String,
    /// How long it holds.
    pub duration: Duration,
    renewed: Option<Timestamp>,
    version: Option<String>,
}

impl Record {
    /// The record of a Lease.
    pub fn of(lease: &Lease) -> Self {
        let spec = lease.spec.clone().unwrap_or_default();
        let seconds = spec.lease_duration_seconds.unwrap_or_default().max(1).unsigned_abs();
        Self {
            holder: spec.holder_identity.unwrap_or_default(),
            duration: Duration::from_secs(seconds.into()),
            renewed: spec.renew_time.map(|time| time.0),
            version: lease.metadata.resource_version.clone(),
        }
    }

    /// Nobody holds it, or this identity did before a restart.
    pub fn is_free_for(&self, identity: &str) -> bool {
        self.holder.is_empty() || self.holder == identity
    }
}

/// A Lease nobody had.
pub fn new(name: &str, namespace: &str, identity: &str, now: Timestamp) -> Lease {
    let metadata =
        ObjectMeta { name: Some(name.into()), namespace: Some(namespace.into()), ..ObjectMeta::default() };
    taken(Lease { metadata, spec: None }, identity, now)
}

/// The Lease with another holder.
pub fn taken(mut lease: Lease, identity: &str, now: Timestamp) -> Lease {
    let spec = lease.spec.get_or_insert_with(LeaseSpec::default);
    if spec.holder_identity.as_deref() != Some(identity) {
        spec.lease_transitions = Some(spec.lease_transitions.unwrap_or_default().saturating_add(1));
        spec.acquire_time = Some(MicroTime(now));
    }
    spec.holder_identity = Some(identity.to_owned());
    spec.lease_duration_seconds = i32::try_from(DURATION.as_secs()).ok();
    spec.renew_time = Some(MicroTime(now));
    lease
}

/// The Lease renewed by its holder.
pub fn renewed(mut lease: Lease, now: Timestamp) -> Lease {
    lease.spec.get_or_insert_with(LeaseSpec::default).renew_time = Some(MicroTime(now));
    lease
}

/// The Lease given back.
pub fn released(mut lease: Lease, now: Timestamp) -> Lease {
    let spec = lease.spec.get_or_insert_with(LeaseSpec::default);
    spec.holder_identity = None;
    spec.renew_time = Some(MicroTime(now));
    lease
}

/// The Lease as it must look to be created again.
pub fn without_version(mut lease: Lease) -> Lease {
    lease.metadata.resource_version = None;
    lease.metadata.uid = None;
    lease
}

/// The epoch of the store the last holder opened (R13).
pub fn epoch(lease: &Lease) -> Option<u64> {
    lease.metadata.annotations.as_ref()?.get(EPOCH)?.parse().ok()
}

/// Writes the epoch.
pub fn set_epoch(lease: &mut Lease, epoch: u64) {
    lease.metadata.annotations.get_or_insert_default().insert(EPOCH.into(), epoch.to_string());
}
