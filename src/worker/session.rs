//! A working connection to one account: credentials → driver → probe → the same account as before (R7, R10, R24).
//!
//! ```text
//!          ┌── Secret read (≤ 1 a minute) ◀── 401, spec change, request
//! none ─▶ connect ─▶ probe ─▶ fingerprint ─▶ session, until its spec or credentials change or it is a drift old
//!                                 └▶ AccountChanged: no effect until accepted
//! ```

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    api::conditions::Reason,
    drivers::{Class, Driver, DriverError},
    index::BackendView,
    model::{
        BackendId,
        memory::{AccountRecord, Memory, Write},
    },
};

use super::ports::SecretError;

/// The Secret of an account is read at most this often.
pub const SECRET_PAUSE: Duration = Duration::from_mins(1);

/// An open session.
pub struct Session {
    /// The driver.
    pub driver: Arc<dyn Driver>,
    /// `metadata.generation` of the Backend it was made from.
    pub generation: i64,
    /// Monotonic time of the last probe.
    pub probed: Duration,
}

/// Which backend works which account, over the whole process (R10).
#[derive(Debug, Default)]
pub struct Accounts(Mutex<BTreeMap<String, (BackendId, jiff::Timestamp)>>);

impl Accounts {
    /// Claims an account for a backend; `Err` names the backend that keeps it.
    ///
    /// A ClusterBackend comes before a Backend, then the older before the younger.
    ///
    /// # Errors
    /// The other backend.
    pub fn claim(&self, account: &str, backend: &BackendId, created: jiff::Timestamp) -> Result<(), BackendId> {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match accounts.get(account) {
            Some((holder, since)) if holder != backend && (holder.kind, *since, holder) <= (backend.kind, created, backend) => {
                Err(holder.clone())
            }
            _ => {
                accounts.insert(account.to_owned(), (backend.clone(), created));
                Ok(())
            }
        }
    }

    /// Whether this backend still holds the account: a worthier one may have come.
    pub fn holds(&self, account: &str, backend: &BackendId) -> bool {
        let accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.get(account).is_none_or(|(holder, _)| holder == backend)
    }

    /// Gives an account up.
    pub fn leave(&self, backend: &BackendId) {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.retain(|_, (holder, _)| holder != backend);
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
pub fn recognise(driver: &dyn Driver, backend: &BackendView, memory: &Memory, found: AccountRecord) -> Recognised {
    let Some(known) = &memory.account else { return Recognised::New(Write::Account(Some(found))) };
    if driver.same_account(&known.evidence, &found.evidence) {
        let found = AccountRecord { fingerprint: known.fingerprint.clone(), ..found };
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

/// A Secret that cannot be used, as a backend's trouble (R8, R24).
pub fn secret_trouble(namespace: &str, name: &str, error: &SecretError) -> DriverError {
    let ways = "Re-create it, or let go of what hangs on this backend: kubectl patch policyassignment <name> \
                --type merge -p '{\"spec\":{\"releasePolicy\":\"Orphan\"}}'";
    let (class, reason, hint) = match error {
        SecretError::Missing => (Class::Rejected, Reason::CredentialsMissing, ways),
        SecretError::Unlabelled(_) => {
            (Class::Rejected, Reason::CredentialsInvalid, "Label it, so that no other Secret can be named by mistake")
        }
        SecretError::Unreadable(_) => (Class::Transient, Reason::CredentialsMissing, "It is tried again"),
    };
    DriverError::new(class, reason, format!("Secret {namespace}/{name} {error}. {hint}"))
}
