//! A working connection to one account: credentials → driver → probe → the same account as before (R7, R10, R24).
//!
//! ```text
//!          ┌── Secret read (≤ 1 a minute) ◀── 401, spec change, request
//! none ─▶ connect ─▶ probe ─▶ fingerprint ─▶ session, until its spec or credentials change or it is a drift old
//!                                 └▶ AccountChanged: no effect until accepted
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    api::{SystemName, conditions::Reason},
    drivers::{Class, Driver, DriverError, Translate},
    index::BackendView,
    model::{
        BackendId, Digest,
        memory::{AccountRecord, Memory, Write},
    },
};

use super::{packing::keep_proof, ports::SecretError};

/// The Secret of an account is read at most this often.
pub const SECRET_PAUSE: Duration = Duration::from_mins(1);

/// A driver, and whether the account behind it has been looked at.
pub struct Session {
    /// The driver.
    pub driver: Arc<dyn Driver>,
    /// `metadata.generation` of the Backend it was made from.
    pub generation: i64,
    /// Digest of the credentials and the authority it was made with.
    pub credentials: Digest,
    /// Monotonic time at which it was made.
    pub made: Duration,
    /// Monotonic time of the last probe; `None`: no call was made yet.
    pub probed: Option<Duration>,
    /// It took the place of another one: the spec or the credentials changed.
    pub replaced: bool,
}

/// Which backend works which account, over the whole process (R10).
#[derive(Debug, Default)]
pub struct Accounts(Mutex<BTreeMap<BackendId, Claim>>);

/// A backend's claim to an account.
#[derive(Debug, Clone)]
pub struct Claim {
    /// As spelled in `spec.system`.
    pub system: &'static str,
    /// What the driver compares accounts by.
    pub evidence: BTreeSet<String>,
    /// `metadata.creationTimestamp` of the backend.
    pub created: jiff::Timestamp,
}

impl Accounts {
    /// Claims an account. A ClusterBackend comes before a Backend, then the older before the younger.
    ///
    /// # Errors
    /// The worthier backend that has claimed the same account.
    pub fn claim(&self, backend: &BackendId, claim: Claim, driver: &dyn Translate) -> Result<(), BackendId> {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rank = (backend.kind, claim.created, backend);
        let worthier = accounts
            .iter()
            .filter(|(_, other)| other.system == claim.system)
            .filter(|(_, other)| driver.same_account(&other.evidence, &claim.evidence))
            .find(|(id, other)| *id != backend && (id.kind, other.created, *id) < rank)
            .map(|(id, _)| id.clone());
        accounts.insert(backend.clone(), claim);
        worthier.map_or(Ok(()), Err)
    }

    /// Gives an account up.
    pub fn leave(&self, backend: &BackendId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(backend);
    }
}

/// What probing means for the account we knew (R7).
#[derive(Debug, Clone, PartialEq)]
pub enum Recognised {
    /// Nothing known before: this is the account from now on.
    New(Write),
    /// The same; the record is refreshed, its fingerprint kept.
    Same(Write),
    /// Another account, accepted by annotation: what was remembered of the old one is forgotten.
    Accepted(Vec<Write>),
    /// Another account: no effect until accepted.
    Changed(DriverError),
}

/// Compares a probe with memory. Pure.
pub fn recognise(
    driver: &dyn Translate,
    backend: &BackendView,
    memory: &Memory,
    found: AccountRecord,
) -> Recognised {
    let Some(known) = &memory.account else { return Recognised::New(Write::Account(Some(found))) };
    // A first look that saw nothing (a cut list) says nothing of whose account it is, and nothing was done by it.
    if known.evidence.is_empty() && !found.evidence.is_empty() {
        return Recognised::New(Write::Account(Some(found)));
    }
    if driver.same_account(&known.evidence, &found.evidence) {
        let mut found = AccountRecord { fingerprint: known.fingerprint.clone(), ..found };
        keep_proof(known, &mut found);
        return Recognised::Same(Write::Account(Some(found)));
    }
    if backend.accept_account.as_deref() == Some(&found.fingerprint) {
        return Recognised::Accepted(vec![Write::Account(None), Write::Account(Some(found))]);
    }
    let message = format!(
        "the url or the credentials now lead to another account ({}; before: {}), so nothing is read or written. Undo \
         the change, or accept the new account with annotation ordain.dev/accept-account: {}",
        found.fingerprint, known.fingerprint, found.fingerprint
    );
    Recognised::Changed(DriverError::new(Class::Rejected, Reason::AccountChanged, message))
}

/// Where a Backend names its Secret.
pub fn credentials_field(system: SystemName) -> String {
    format!("spec.system.{system}.credentialsRef")
}

/// A Secret that cannot be used, as a backend's trouble (R8, R24).
pub fn secret_trouble(system: SystemName, namespace: &str, name: &str, error: &SecretError) -> DriverError {
    let ways = "Re-create it, or let go of what hangs on this backend: kubectl patch policyassignment <name> \
                --type merge -p '{\"spec\":{\"releasePolicy\":\"Orphan\"}}'";
    let (class, reason, hint) = match error {
        SecretError::Missing => (Class::Rejected, Reason::CredentialsMissing, ways),
        SecretError::Unlabelled(_) => (
            Class::Rejected,
            Reason::SecretNotUsable,
            "Label it, so that no other Secret can be named by mistake",
        ),
        SecretError::Unreadable(_) => (Class::Transient, Reason::CredentialsMissing, "It is tried again"),
    };
    DriverError::new(
        class,
        reason,
        format!("{}: Secret {namespace}/{name} {error}. {hint}", credentials_field(system)),
    )
}
