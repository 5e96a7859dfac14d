//! Yurbi App Shield (vendor sheet `appshield`).
//!
//! Conventions of the generic model: an item is one vendor policy per Policy (R5), whatever number of assignments
//! name it. Its leaves are `name`, `description` (without our mark) and `constraints`, the whole list as one; its
//! members are groups and users by id; its switch is `isActive`, which travels with every save. A policy *restricts*
//! what its members see: switching it off, emptying its lists and deleting it widen access.
//!
//! What can be listed, read and deleted is what `paths` names, since the vendor publishes no such calls. Where
//! nothing can be read, the answer to the last save is all that is known.
//!
//! | file | does |
//! |---|---|
//! | `canonical`, `targets`, `translate` | an assignment into a policy |
//! | `wire`, `body` | answers and requests |
//! | `session`, `faults` | who we are, and what refusals mean |
//! | `lists`, `directory`, `policies`, `probe` | the verbs |

#[cfg(all(test, feature = "sandbox"))]
mod against_double;
mod body;
mod canonical;
mod describe;
mod directory;
mod faults;
mod lists;
mod policies;
mod probe;
mod session;
mod targets;
#[cfg(test)]
mod tests;
pub mod translate;
mod wire;

use std::collections::BTreeMap;

use async_trait::async_trait;

use self::{policies::Policies, session::Session};
use crate::{
    api::{AppShield as Settings, Reason},
    drivers::{
        Driver, Outcome, Probe, Scope, Step, Translate,
        connect::required_key,
        error::{Class, DriverError},
        http::HttpClient,
    },
    model::{Catalogue, Observation, Secret, memory::TaskState},
};

pub use translate::Translator;

/// One account of one installation.
pub struct AppShield {
    translator: Translator,
    policies: Policies,
}

impl AppShield {
    /// A driver for the account in `credentials`; no call is made. `http` is bound to `url`, base path included.
    ///
    /// # Errors
    /// `Rejected` for a missing or malformed key.
    pub fn new(
        settings: &Settings,
        credentials: &BTreeMap<String, Secret>,
        http: HttpClient,
    ) -> Result<Self, DriverError> {
        let username = required_key(credentials, "username")?;
        let password = required_key(credentials, "password")?;
        for (key, secret) in [("username", username), ("password", password)] {
            if secret.expose_str().is_none() {
                let message = format!("key {key} of the credentials is not UTF-8 text");
                return Err(DriverError::new(Class::Rejected, Reason::CredentialsInvalid, message));
            }
        }
        let session = Session::new(http, username.clone(), password.clone());
        Ok(Self { translator: settings.into(), policies: Policies::new(session, settings) })
    }
}

#[async_trait]
impl Driver for AppShield {
    fn translate(&self) -> &dyn Translate {
        &self.translator
    }

    async fn probe(&self) -> Result<Probe, DriverError> {
        probe::probe(&self.policies).await
    }

    async fn catalogue(&self) -> Result<Catalogue, DriverError> {
        directory::catalogue(self.policies.session()).await
    }

    async fn observe(&self, scope: &Scope) -> Result<Observation, DriverError> {
        self.policies.observe(scope).await
    }

    async fn execute(&self, step: &Step) -> Result<Outcome, DriverError> {
        match step {
            Step::Create(desired) => self.policies.create(desired).await,
            Step::Replace { desired, observed } => self.policies.replace(desired, observed).await,
            Step::Restore { observed, leaves, members } => {
                self.policies.restore(observed, leaves, members).await
            }
            Step::Delete(ids) => self.policies.remove(ids).await,
            Step::SetEnabled { .. }
            | Step::Reorder(_)
            | Step::Write { .. }
            | Step::Seed { .. }
            | Step::Deploy => {
                let message = "an App Shield account has policies that are saved whole: no switches, order, \
                               documents or deploys";
                Err(DriverError::new(Class::Rejected, Reason::InternalError, message))
            }
        }
    }

    async fn check(&self, _operation: &str) -> Result<Option<TaskState>, DriverError> {
        Ok(None)
    }

    async fn close(&self) {
        self.policies.session().close().await;
    }
}
