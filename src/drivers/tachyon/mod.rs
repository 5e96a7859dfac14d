//! 1E Tachyon, Consumer API: policies of Guaranteed State (Endpoint Automation).
//!
//! Conventions of the generic model: an item is one vendor policy per Policy. Its leaves are `name`, `description`
//! (without our mark) and `rules/<id>`, which is `true` for each rule it has; its members are management groups by id.
//! The switch has calls of its own. Changes reach devices only after a deployment of the whole server. Everyone is the
//! group All Devices, known by its `UsableId`.

#[cfg(all(test, feature = "sandbox"))]
mod against_double;
mod calls;
mod canonical;
mod credentials;
mod describe;
mod directory;
mod faults;
mod life;
mod lists;
mod portal;
mod probe;
mod read;
mod resolve;
mod run;
mod session;
mod sight;
pub mod translate;
mod view;
mod wire;
mod write;

use std::collections::BTreeMap;

use async_trait::async_trait;
use http::HeaderValue;

use crate::{
    api::{Reason, Tachyon as Settings},
    drivers::{
        Driver, Outcome, Probe, Scope, Step, Translate,
        connect::system_url,
        error::{Class, DriverError},
        http::HttpClient,
    },
    model::{Catalogue, Observation, Secret, memory::TaskState},
};

pub use credentials::expiry;

use credentials::Login;
use portal::Portal;
use session::Session;
pub use translate::Translator;

/// One server.
pub struct Tachyon {
    translator: Translator,
    session: Session,
}

impl Tachyon {
    /// A driver for the server with the account in `credentials`; no call is made. `http` is bound to `url`.
    ///
    /// # Errors
    /// `Rejected` for a missing or malformed key, consumer or URL.
    pub fn new(
        settings: &Settings,
        credentials: &BTreeMap<String, Secret>,
        http: HttpClient,
    ) -> Result<Self, DriverError> {
        for secret in ["privateKey", "token"].iter().filter_map(|key| credentials.get(*key)) {
            http.redact(secret);
        }
        let login = Login::new(credentials)?;
        let consumer = HeaderValue::from_str(&settings.consumer).map_err(|_| {
            let message = "spec.system.tachyon.consumer: holds characters that no header can hold; allowed are letters, \
                           digits and underscore";
            DriverError::new(Class::Rejected, Reason::Invalid, message)
        })?;
        let portal = settings.portal_url.as_deref().map(|url| system_url("portalUrl", url)).transpose()?;
        let portal = Portal::new(&http, portal, consumer.clone());
        let session = Session::new(http, consumer, login, portal);
        Ok(Self { translator: settings.into(), session })
    }
}

#[async_trait]
impl Driver for Tachyon {
    fn translate(&self) -> &dyn Translate {
        &self.translator
    }

    async fn probe(&self) -> Result<Probe, DriverError> {
        probe::probe(&self.session).await
    }

    async fn catalogue(&self) -> Result<Catalogue, DriverError> {
        directory::catalogue(&self.session).await
    }

    async fn observe(&self, _scope: &Scope) -> Result<Observation, DriverError> {
        read::observe(&self.session).await
    }

    async fn execute(&self, step: &Step) -> Result<Outcome, DriverError> {
        let session = &self.session;
        match step {
            Step::Create(desired) => return write::create(session, desired).await.map(Outcome::created),
            Step::Replace { desired, observed } => write::replace(session, desired, observed).await?,
            Step::Restore { observed, leaves, members } => {
                write::restore(session, observed, leaves, members).await?;
            }
            Step::SetEnabled { ids, enabled } => write::switch(session, ids, *enabled).await?,
            Step::Delete(ids) => write::remove(session, ids).await?,
            Step::Deploy => write::deploy(session).await?,
            Step::Reorder(_) | Step::Write { .. } | Step::Seed { .. } => {
                let message = "a Tachyon server has policies, no documents and no order";
                return Err(DriverError::new(Class::Rejected, Reason::InternalError, message));
            }
        }
        Ok(Outcome::DONE)
    }

    async fn check(&self, _operation: &str) -> Result<Option<TaskState>, DriverError> {
        Ok(None)
    }

    async fn close(&self) {
        self.session.close().await;
    }
}

#[cfg(test)]
mod tests;
