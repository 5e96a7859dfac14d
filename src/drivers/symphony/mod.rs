//! Symphony DLP, Expression Filter of generation V1 (`/agent/v1/dlp`).
//!
//! Conventions of the generic model: an item is one vendor policy per Policy. Its leaves are `name` (without our
//! suffix), `type`, `contentTypes`, `scopes` and `dictionaries` (by id); it has no members, since a policy covers the
//! whole pod. The switch has calls of its own, and the system throws it off by itself where a policy loses its last
//! dictionary.

#[cfg(all(test, feature = "sandbox"))]
mod against_double;
mod body;
mod canonical;
mod describe;
mod faults;
mod key;
mod lists;
mod policies;
mod probe;
mod resolve;
mod session;
pub mod translate;
mod wire;

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::{
    api::{Generation, Naming, Reason, Symphony as Settings},
    drivers::{
        Driver, Outcome, Probe, Scope, Step, Translate,
        connect::{required_key, system_url},
        error::{Class, DriverError},
        http::HttpClient,
    },
    model::{Catalogue, EntryKind, Observation, OwnerId, Secret, memory::TaskState},
};

use key::Key;
use lists::DICTIONARIES;
use policies::Policies;
use session::{Hosts, Login, Session};
pub use translate::Translator;

/// One pod.
pub struct Symphony {
    translator: Translator,
    policies: Policies,
}

impl Symphony {
    /// A driver for the pod with the service account in `credentials`; no call is made. `http` is bound to `podUrl`.
    ///
    /// # Errors
    /// `Rejected` for generation V3, for a missing or malformed key or URL.
    pub fn new(
        settings: &Settings,
        credentials: &BTreeMap<String, Secret>,
        owner: &OwnerId,
        http: HttpClient,
    ) -> Result<Self, DriverError> {
        if settings.generation != Generation::V1 {
            return Err(unspoken());
        }
        let pem = required_key(credentials, "privateKey")?;
        let username = username(required_key(credentials, "username")?)?;
        http.redact(pem);
        let login = Login { username, key: Key::parse(pem)? };
        let at = |field, url: &str| Ok::<_, DriverError>(http.at(system_url(field, url)?));
        let hosts = Hosts {
            key_manager: settings
                .key_manager_url
                .as_deref()
                .map(|url| at("keyManagerUrl", url))
                .transpose()?,
            agent: at("agentUrl", &settings.agent_url)?,
            pod: http,
        };
        let marks = (settings.naming() == Naming::Suffixed).then(|| owner.clone());
        let policies = Policies::new(Session::new(hosts, login), marks);
        Ok(Self { translator: settings.into(), policies })
    }
}

fn unspoken() -> DriverError {
    let message = "spec.system.symphony.generation is V3; this version of Ordain speaks V1 only (/agent/v1/dlp). Set \
                   generation: V1 if the pod has it, or wait for a version that speaks V3";
    DriverError::new(Class::Rejected, Reason::VersionUnsupported, message)
}

fn username(secret: &Secret) -> Result<String, DriverError> {
    secret.expose_str().map(str::to_owned).ok_or_else(|| {
        let message = "key username of the Secret in credentialsRef is not UTF-8 text";
        DriverError::new(Class::Rejected, Reason::CredentialsInvalid, message)
    })
}

#[async_trait]
impl Driver for Symphony {
    fn translate(&self) -> &dyn Translate {
        &self.translator
    }

    async fn probe(&self) -> Result<Probe, DriverError> {
        probe::probe(self.policies.session()).await
    }

    async fn catalogue(&self) -> Result<Catalogue, DriverError> {
        catalogue(self.policies.session()).await
    }

    async fn observe(&self, _scope: &Scope) -> Result<Observation, DriverError> {
        self.policies.observe().await
    }

    async fn execute(&self, step: &Step) -> Result<Outcome, DriverError> {
        match step {
            Step::Create(desired) => {
                let id = self.policies.create(desired).await?;
                return Ok(Outcome::created(id));
            }
            Step::Replace { desired, observed } => self.policies.replace(desired, observed).await?,
            Step::Restore { observed, leaves, .. } => self.policies.restore(observed, leaves).await?,
            Step::SetEnabled { ids, enabled } => self.policies.switch(ids, *enabled).await?,
            Step::Delete(ids) => self.policies.remove(ids).await?,
            Step::Reorder(_) | Step::Write { .. } | Step::Seed { .. } | Step::Deploy => {
                let message = "a Symphony pod has policies, no documents, no order and no deploy";
                return Err(DriverError::new(Class::Rejected, Reason::InternalError, message));
            }
        }
        Ok(Outcome::DONE)
    }

    async fn check(&self, _operation: &str) -> Result<Option<TaskState>, DriverError> {
        Ok(None)
    }

    async fn close(&self) {
        self.policies.session().close().await;
    }
}

/// All dictionaries. Those that may not be listed are left out: then nothing follows from not finding one (R16).
async fn catalogue(session: &Session) -> Result<Catalogue, DriverError> {
    let kind = EntryKind::Dictionary;
    let mut catalogue = Catalogue::default();
    let listed = match lists::read(session, DICTIONARIES).await {
        Err(error) if error.reason == Reason::Forbidden => return Ok(catalogue),
        Err(error) if error.class == Class::Gone => {
            return Err(DriverError::new(Class::Transient, Reason::UnexpectedAnswer, error.message));
        }
        other => other?,
    };
    let rows = listed.rows.values().filter(|row| !wire::is_deleted(row));
    let found: Vec<_> = rows.map(wire::dictionary).collect();
    if !listed.complete || found.contains(&None) {
        catalogue.partial.insert(kind);
    }
    let mut entries: Vec<_> = found.into_iter().flatten().collect();
    entries.sort_unstable();
    catalogue.entries.insert(kind, entries);
    Ok(catalogue)
}

#[cfg(test)]
mod tests;
