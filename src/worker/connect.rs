//! Gates before any call: a driver, working credentials, the account we know (R7, R8, R10, R24).

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{
    Worker,
    round::Halt,
    session::{Claim, Recognised, SECRET_PAUSE, Session, recognise, secret_trouble},
    trouble::backoff,
};
use crate::{
    api::conditions::Reason,
    drivers::{Class, DriverError},
    index::{BackendView, Desired},
    model::{
        BackendKind, Digest, Secret,
        memory::{ApprovalRecord, Write},
    },
};

/// After refused credentials a driver is made anew at once where they differ, else after this long: each one logs in, and
/// a system may lock the account out (appshield sheet section 3).
const SAME_CREDENTIALS: Duration = Duration::from_mins(10);

/// A failure that concerns the whole account, and when to try again.
#[derive(Debug, Clone)]
pub struct Outage {
    /// What.
    pub error: DriverError,
    /// Since when.
    pub since: Timestamp,
    /// When to try again.
    pub until: Timestamp,
    pub(super) attempts: u32,
}

/// When an account that failed is tried again.
pub fn try_again(error: &DriverError, attempts: u32, now: Timestamp) -> Timestamp {
    let after = |delay: SignedDuration| now.checked_add(delay).unwrap_or(Timestamp::MAX);
    match (error.class, error.reason) {
        (Class::Throttled { after: Some(pause) }, _) => {
            after(SignedDuration::try_from(pause).unwrap_or(SignedDuration::from_mins(5)))
        }
        // A Secret may appear or be mended at any time, and is read at most once a minute (R24).
        (_, Reason::CredentialsMissing | Reason::CredentialsInvalid | Reason::SecretNotUsable) => {
            after(SignedDuration::from_mins(1))
        }
        // The same credentials are refused again, and too many refusals lock an account out.
        (Class::Unauthorized, _) => after(
            SignedDuration::from_mins((1 << attempts.clamp(1, 5)) / 2).min(SignedDuration::from_mins(10)),
        ),
        (Class::Rejected, _) => after(SignedDuration::from_mins(10)),
        _ => backoff(now, attempts),
    }
}

impl Worker {
    /// A driver for the Backend as it is now; no call to the system is made.
    pub(super) async fn ensure_driver(&mut self, desired: &Desired, asked: bool) -> Result<(), Halt> {
        let backend = &desired.backend;
        let current = self.session.as_ref().is_some_and(|s| s.generation == backend.generation);
        if current && !asked && !self.rereads_secret() {
            return Ok(());
        }
        self.wait_out(backend, asked)?;
        let namespace = self.credentials_namespace(backend);
        let name = backend.settings.credentials.clone();
        let read = self.house.secrets.secret(&namespace, &name, "credentials").await;
        self.secret_read = Some(self.house.clock.monotonic());
        if read.is_err() {
            // With the former credentials nothing is done any more: they may have been withdrawn.
            self.disconnect().await;
        }
        let trouble = |e| Halt::Account(secret_trouble(backend.system.name(), &namespace, &name, &e));
        let credentials = read.map_err(trouble)?;
        let ca = self.ca(backend, &namespace).await?;
        let digest = self.digest_of(&credentials, ca.as_deref());
        let now = self.house.clock.monotonic();
        let keeps = |s: &Session| s.credentials == digest && now.saturating_sub(s.made) < SAME_CREDENTIALS;
        if current && !asked && self.session.as_ref().is_some_and(keeps) {
            return Ok(());
        }
        let driver = self
            .house
            .connector
            .connect(backend, &backend.system, &credentials, ca.as_deref())
            .map_err(Halt::Account)?;
        if self.session.as_ref().is_some_and(|session| session.credentials != digest) {
            self.outage = None;
        }
        let replaced = self.disconnect().await;
        self.stakes.clear();
        self.troubles.forgive();
        let generation = backend.generation;
        self.session =
            Some(Session { driver, generation, credentials: digest, made: now, probed: None, replaced });
        Ok(())
    }

    fn digest_of(&self, credentials: &BTreeMap<String, Secret>, ca: Option<&str>) -> Digest {
        let mut bytes = Vec::new();
        let parts = credentials.iter().flat_map(|(key, value)| [key.as_bytes(), value.expose()]);
        for part in parts.chain(ca.map(str::as_bytes)) {
            bytes.extend((part.len() as u64).to_le_bytes());
            bytes.extend(part);
        }
        self.digester.bytes(&bytes)
    }

    /// Ends the session; true if there was one.
    async fn disconnect(&mut self) -> bool {
        let Some(session) = self.session.take() else { return false };
        session.driver.close().await;
        true
    }

    /// The account is out of reach: remember it and tell when to try again.
    pub(super) fn halt(&mut self, error: DriverError) -> Timestamp {
        let now = self.now();
        if self.outage.as_ref().is_some_and(|outage| outage.until > now) {
            return self.outage_ends().unwrap_or(now);
        }
        let before = self.outage.as_ref().filter(|o| o.error.reason == error.reason);
        let (since, attempts) = before.map_or((now, 1), |o| (o.since, o.attempts.saturating_add(1)));
        let until = if self.may_read_secret(&error) { now } else { try_again(&error, attempts, now) };
        // What the system answered may repeat what settings hold: the status has it, the log has not.
        let reason = error.reason.as_str();
        tracing::warn!(backend = %self.id, reason, %until, "account out of reach; the status of the backend says more");
        self.outage = Some(Outage { error, since, until, attempts });
        self.outage_ends().unwrap_or(until)
    }

    /// While an outage lasts nothing is asked, unless the Backend was changed or a person asks.
    fn wait_out(&mut self, backend: &BackendView, asked: bool) -> Result<(), Halt> {
        let changed = self.session.as_ref().is_some_and(|s| s.generation != backend.generation);
        if changed || asked {
            self.outage = None;
        }
        match &self.outage {
            Some(outage) if outage.until > self.now() && self.session.is_none() => {
                Err(Halt::Account(outage.error.clone()))
            }
            _ => Ok(()),
        }
    }

    /// After refused credentials the Secret is read again, at most once a minute.
    fn rereads_secret(&self) -> bool {
        let refused = self.outage.as_ref().is_some_and(|o| o.error.class == Class::Unauthorized);
        let pause = self.house.clock.monotonic().saturating_sub(self.secret_read.unwrap_or_default());
        refused && pause >= SECRET_PAUSE
    }

    /// When an account that is out of reach is looked after again: refused credentials may be mended in the Secret long
    /// before they would be tried again.
    pub(super) fn outage_ends(&self) -> Option<Timestamp> {
        let outage = self.outage.as_ref()?;
        let pause = SignedDuration::try_from(SECRET_PAUSE).unwrap_or_default();
        let reread = self.now().checked_add(pause).unwrap_or(Timestamp::MAX);
        Some(if outage.error.class == Class::Unauthorized { outage.until.min(reread) } else { outage.until })
    }

    /// Refused credentials may have been rotated: if the Secret was not read within a minute, that is tried at once.
    fn may_read_secret(&self, error: &DriverError) -> bool {
        let read = self.secret_read.unwrap_or_default();
        let pause = self.house.clock.monotonic().saturating_sub(read);
        error.class == Class::Unauthorized && self.session.is_some() && pause >= SECRET_PAUSE
    }

    fn credentials_namespace(&self, backend: &BackendView) -> String {
        match backend.id.kind {
            BackendKind::Backend => backend.id.namespace.to_string(),
            BackendKind::ClusterBackend => self.house.operator_namespace.clone(),
        }
    }

    async fn ca(&self, backend: &BackendView, namespace: &str) -> Result<Option<String>, Halt> {
        let Some((kind, name, key)) = &backend.settings.ca else { return Ok(None) };
        let pem = self.house.secrets.ca(namespace, kind, name, key).await.map_err(|e| {
            let message =
                format!("spec.caRef: {kind} {namespace}/{name} {e}; correct spec.caRef or what it names");
            Halt::Account(DriverError::new(Class::Rejected, Reason::CaInvalid, message))
        })?;
        Ok(Some(pem))
    }

    /// A Backend that was never seen is probed although nothing hangs on it: people want to know whether it works.
    /// So is one that was out of reach, once its time has come.
    pub(super) fn needs_probe(&self) -> bool {
        let waited = self.outage.as_ref().is_some_and(|outage| outage.until <= self.now());
        let replaced = self.session.as_ref().is_some_and(|s| s.replaced && s.probed.is_none());
        self.memory.account.is_none() || waited || replaced
    }

    /// A round did what it came for. Not the probe alone: where it works and reading fails, the pauses must go on growing.
    pub(super) fn reached(&mut self) {
        self.outage = None;
    }

    /// The account behind the driver is the one we know and nobody else's: needed before the first call of a pass.
    pub(super) async fn ensure_account(&mut self, desired: &Desired) -> Result<(), Halt> {
        let backend = &desired.backend;
        let age = |probed: Duration| self.house.clock.monotonic().saturating_sub(probed);
        let Some(session) = &self.session else { return Err(Halt::Account(not_connected())) };
        let driver = session.driver.clone();
        if session.probed.is_some_and(|probed| age(probed) < backend.settings.drift_interval)
            && self.outage.is_none()
        {
            return Ok(());
        }
        if let Some(outage) = self.outage.as_ref().filter(|outage| outage.until > self.now()) {
            return Err(Halt::Account(outage.error.clone()));
        }
        let probe = driver.probe().await.map_err(Halt::Account)?;
        let claim = Claim {
            system: driver.translate().facts().system,
            evidence: probe.account.evidence.clone(),
            created: backend.created,
        };
        let writes = match recognise(driver.translate(), backend, &self.memory, probe.account) {
            Recognised::New(write) => {
                // Only a Backend in use had anything that could have been lost.
                let store_lost = self.house.lost.is_some() && backend.finalizer;
                let lost = store_lost || !self.memory.lost.is_empty();
                let words = lost.then(|| self.lost(desired));
                let since = [write, Write::Since(self.now())].into_iter();
                since.chain(words).chain(spent(backend)).collect()
            }
            Recognised::Same(write) => vec![write],
            // Of the account before all is forgotten; who bears our finalizer did nothing on this one.
            Recognised::Accepted(writes) => {
                writes.into_iter().chain(self.known(desired)).chain(spent(backend)).collect()
            }
            Recognised::Changed(error) => return Err(Halt::Account(error)),
        };
        if let Err(other) = self.house.accounts.claim(&self.id, claim, driver.translate()) {
            let message = format!("{other} already works this account; delete one of the two");
            return Err(Halt::Account(DriverError::new(
                Class::Rejected,
                Reason::AccountAlreadyManaged,
                message,
            )));
        }
        self.commit(writes)?;
        if let Some(session) = &mut self.session {
            session.probed = Some(self.house.clock.monotonic());
        }
        Ok(())
    }
}

/// R2: an approval that stands there before anything is remembered of the account answers no number that was told since.
/// It may have been used up already: by a store that is lost, in another cluster, on the account before.
fn spent(backend: &BackendView) -> Option<Write> {
    let text = backend.approve_removals.clone()?;
    Some(Write::Approval(Some(ApprovalRecord { text, left: 0 })))
}

pub(super) fn not_connected() -> DriverError {
    DriverError::new(Class::Transient, Reason::Probing, "connecting")
}
