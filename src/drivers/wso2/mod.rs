//! WSO2 EMM, WSO2 IoT Server, Entgra.
//!
//! Conventions of the generic model: an item is one vendor policy per assignment, platform and
//! target dimension (`android/roles`). Its leaves are `name`, `description` (without our mark),
//! `platform`, `compliance`, `ownership` and `features/<CODE>`; its members are roles, users,
//! groups (by id) and, where the build evaluates them, devices. Everyone is the role `ANY`.

#[cfg(all(test, feature = "sandbox"))]
mod against_double;
mod body;
mod canonical;
mod content;
mod describe;
mod dialect;
mod directory;
mod faults;
mod headers;
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
    api::{Reason, Wso2 as Settings},
    drivers::{
        Driver, Outcome, Probe, Scope, Step, Translate,
        connect::{optional_key, required_key, system_url},
        error::{Class, DriverError},
        http::HttpClient,
    },
    model::{Catalogue, Observation, OwnerId, Secret, memory::TaskState},
};

use dialect::Dialect;
use policies::Policies;
use session::{Endpoint, Login, Session};
pub use translate::Translator;

/// One tenant of one server.
pub struct Wso2 {
    translator: Translator,
    policies: Policies,
    username: String,
}

impl Wso2 {
    /// A driver for the tenant of the user in `credentials`; no call is made. `http` is bound to `url`.
    ///
    /// # Errors
    /// `Rejected` for a missing or malformed key or URL.
    pub fn new(
        settings: &Settings,
        credentials: &BTreeMap<String, Secret>,
        owner: &OwnerId,
        http: HttpClient,
    ) -> Result<Self, DriverError> {
        let dialect = Dialect::from(settings.api);
        let username = text(required_key(credentials, "username")?, "username")?;
        let client = match (optional_key(credentials, "clientId"), optional_key(credentials, "clientSecret"))
        {
            (Some(id), Some(secret)) => Some((text(id, "clientId")?, secret.clone())),
            _ => None,
        };
        let login = Login {
            username: username.clone(),
            password: required_key(credentials, "password")?.clone(),
            client,
            client_name: format!("ordain_{}", owner.as_str()),
        };
        let tokens = endpoint(&http, "tokenUrl", settings.token_url.as_deref(), dialect.token_path())?;
        let clients = endpoint(
            &http,
            "registrationUrl",
            settings.registration_url.as_deref(),
            dialect.registration_path(),
        )?;
        let session = Session::new(http, dialect, login, tokens, clients);
        Ok(Self { translator: settings.into(), policies: Policies::new(session, dialect), username })
    }
}

fn endpoint(
    http: &HttpClient,
    field: &str,
    url: Option<&str>,
    path: &'static [&'static str],
) -> Result<Endpoint, DriverError> {
    match url {
        // It names the endpoint itself.
        Some(url) => Ok(Endpoint { http: http.at(system_url(field, url)?), path: &[] }),
        None => Ok(Endpoint { http: http.clone(), path }),
    }
}

fn text(secret: &Secret, key: &str) -> Result<String, DriverError> {
    secret.expose_str().map(str::to_owned).ok_or_else(|| {
        let message = format!("key {key} of the credentials is not UTF-8 text");
        DriverError::new(Class::Rejected, Reason::CredentialsInvalid, message)
    })
}

#[async_trait]
impl Driver for Wso2 {
    fn translate(&self) -> &dyn Translate {
        &self.translator
    }

    async fn probe(&self) -> Result<Probe, DriverError> {
        probe::probe(&self.policies, &self.username).await
    }

    async fn catalogue(&self) -> Result<Catalogue, DriverError> {
        directory::catalogue(self.policies.session(), self.policies.dialect()).await
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
            Step::Restore { observed, leaves, members } => {
                self.policies.restore(observed, leaves, members).await?;
            }
            Step::SetEnabled { ids, enabled } => self.policies.switch(ids, *enabled).await?,
            Step::Reorder(places) => self.policies.reorder(places).await?,
            Step::Delete(ids) => self.policies.remove(ids).await?,
            Step::Deploy => self.policies.deploy().await?,
            Step::Write { .. } | Step::Seed { .. } => {
                let message = "a WSO2 account has policies, no documents";
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

#[cfg(test)]
mod tests;
