//! What stands in a Lease. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};

use super::{DURATION, EPOCH, OUTDATED, PLACE, SERVES, STAGE, WATCHES, installation::LEASE_UID};

/// Who takes a lease.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Taker {
    /// `holderIdentity`: no other process ever has the same.
    pub identity: String,
    /// The place of the store whose lock this process holds ([`crate::store::Claim::place`]).
    pub place: Option<String>,
}

/// What is compared to tell whether a holder is alive: each renewal changes it, other writers of the Lease do not.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Record {
    /// `holderIdentity`, empty when given back.
    pub holder: String,
    /// How long it holds.
    pub duration: Duration,
    /// The place of the holder's store.
    pub place: Option<String>,
    renewed: Option<Timestamp>,
    transitions: i32,
}

/// What a Lease that was given back says it lasts; one emptied by hand says something else.
const GIVEN_BACK: Duration = Duration::from_secs(1);

impl Record {
    /// The record of a Lease.
    pub fn of(lease: &Lease) -> Self {
        let spec = lease.spec.clone().unwrap_or_default();
        let seconds = spec.lease_duration_seconds.unwrap_or_default().max(1).unsigned_abs();
        Self {
            holder: spec.holder_identity.unwrap_or_default(),
            duration: Duration::from_secs(seconds.into()),
            place: annotation(lease, PLACE).map(str::to_owned),
            renewed: spec.renew_time.map(|time| time.0),
            transitions: spec.lease_transitions.unwrap_or_default(),
        }
    }

    /// The holder gave it back in good order.
    pub fn is_given_back(&self) -> bool {
        self.holder.is_empty() && self.duration == GIVEN_BACK
    }
}

/// A Lease nobody had.
pub fn new(name: &str, namespace: &str, taker: &Taker, now: Timestamp) -> Lease {
    let metadata =
        ObjectMeta { name: Some(name.into()), namespace: Some(namespace.into()), ..ObjectMeta::default() };
    taken(Lease { metadata, spec: None }, taker, now)
}

/// The Lease with another holder.
pub fn taken(mut lease: Lease, taker: &Taker, now: Timestamp) -> Lease {
    let annotations = lease.metadata.annotations.get_or_insert_default();
    match &taker.place {
        Some(place) => drop(annotations.insert(PLACE.into(), place.clone())),
        None => drop(annotations.remove(PLACE)),
    }
    let spec = lease.spec.get_or_insert_default();
    if spec.holder_identity.as_deref() != Some(&taker.identity) {
        spec.lease_transitions = Some(spec.lease_transitions.unwrap_or_default().saturating_add(1));
        spec.acquire_time = Some(MicroTime(now));
    }
    spec.holder_identity = Some(taker.identity.clone());
    spec.lease_duration_seconds = i32::try_from(DURATION.as_secs()).ok();
    renewed(lease, now)
}

/// The Lease renewed by its holder: never the same as before, also where the wall clock stands still or jumps back.
pub fn renewed(mut lease: Lease, now: Timestamp) -> Lease {
    let spec = lease.spec.get_or_insert_default();
    let before = spec.renew_time.as_ref().map(|time| time.0);
    let next = |before: Timestamp| before.checked_add(SignedDuration::from_micros(1)).unwrap_or(now);
    spec.renew_time = Some(MicroTime(if before == Some(now) { next(now) } else { now }));
    lease
}

/// The Lease given back.
pub fn released(lease: Lease, now: Timestamp) -> Lease {
    let mut lease = renewed(lease, now);
    let spec = lease.spec.get_or_insert_with(LeaseSpec::default);
    spec.holder_identity = None;
    spec.lease_duration_seconds = i32::try_from(GIVEN_BACK.as_secs()).ok();
    lease
}

/// The Lease as it must look to be created again.
pub fn anew(mut lease: Lease) -> Lease {
    lease.metadata.annotations.get_or_insert_default().remove(LEASE_UID);
    lease.metadata.resource_version = None;
    lease.metadata.uid = None;
    lease
}

/// The epoch of the store the last holder opened (R13).
pub fn epoch(lease: &Lease) -> Option<u64> {
    annotation(lease, EPOCH)?.parse().ok()
}

/// Writes the epoch of a store that is not outdated.
pub fn set_epoch(lease: &mut Lease, epoch: u64) {
    let notes = lease.metadata.annotations.get_or_insert_default();
    notes.insert(EPOCH.into(), epoch.to_string());
    notes.remove(OUTDATED);
}

/// Another installation may work, or have worked, where the store says what stands.
pub fn set_outdated(lease: &mut Lease) {
    lease.metadata.annotations.get_or_insert_default().insert(OUTDATED.into(), "true".into());
}

/// Whether the store is not to be believed.
pub fn is_outdated(lease: &Lease) -> bool {
    annotation(lease, OUTDATED).is_some()
}

/// What we wrote onto our Lease stands on it as it was read again, whoever wrote in between. That it is the one it says is
/// what reading it again has shown.
pub fn keep_notes(held: &Lease, read: &mut Lease) {
    let uid = read.metadata.uid.clone();
    let notes = read.metadata.annotations.get_or_insert_default();
    for key in [EPOCH, OUTDATED, WATCHES, STAGE, SERVES] {
        match annotation(held, key) {
            Some(value) => drop(notes.insert(key.into(), value.to_owned())),
            None => drop(notes.remove(key)),
        }
    }
    if let Some(uid) = uid {
        notes.insert(LEASE_UID.into(), uid);
    }
}

fn annotation<'a>(lease: &'a Lease, key: &str) -> Option<&'a str> {
    lease.metadata.annotations.as_ref()?.get(key).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Else the next restart would take its own Lease for a copy.
    #[test]
    fn a_lease_always_says_that_it_is_the_one_it_is() {
        let lease = |uid: Option<&str>, says: &str| {
            let mut lease = Lease::default();
            lease.metadata.uid = uid.map(str::to_owned);
            lease.metadata.annotations.get_or_insert_default().insert(LEASE_UID.into(), says.into());
            lease
        };
        let mut read = lease(Some("new"), "taken off, or written over");
        keep_notes(&lease(Some("old"), "old"), &mut read);
        assert_eq!(annotation(&read, LEASE_UID), Some("new"));
        assert_eq!(annotation(&anew(lease(Some("old"), "old")), LEASE_UID), None, "it is not known yet");
    }
}
