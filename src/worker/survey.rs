//! Everything an account holds, read once (`ordain inventory`): the gates of a round, then a look at all there is.

use std::{collections::BTreeSet, sync::Arc};

use super::{Worker, round::Halt};
use crate::{
    drivers::{Driver, Scope},
    index::Desired,
    model::{Catalogue, ItemKey, Mark, Observation, Shape},
};

/// What was seen.
pub struct Survey {
    /// Knows the system; its session is closed.
    pub driver: Arc<dyn Driver>,
    /// Names and ids of the account.
    pub catalogue: Catalogue,
    /// Every object, and every document that nobody claims.
    pub observation: Observation,
    /// Items that assignments of the Backend want, whether or not they have them yet.
    pub claimed: BTreeSet<ItemKey>,
    /// The marks these items bear.
    pub marks: BTreeSet<Mark>,
}

impl Worker {
    /// Reads everything, and logs out. Meant for a worker of its own over a store that is thrown away.
    ///
    /// # Errors
    /// The account is out of reach, or its credentials cannot be used.
    pub async fn survey(mut self, desired: &Desired) -> Result<Survey, Halt> {
        let outcome = self.look_around(desired).await;
        if let Some(session) = self.session.take() {
            session.driver.close().await;
        }
        outcome
    }

    async fn look_around(&mut self, desired: &Desired) -> Result<Survey, Halt> {
        self.ensure_driver(desired, false).await?;
        self.ensure_account(desired).await?;
        self.refresh_catalogue().await?;
        self.read_content_secrets(desired).await;
        let Some(session) = &self.session else { return Err(Halt::Account(super::connect::not_connected())) };
        let driver = session.driver.clone();
        let record = self.memory.catalogue.as_ref();
        let catalogue = record.map(|record| record.catalogue.clone()).unwrap_or_default();
        let compiled = desired.assignments.values().filter_map(|view| self.compile_one(desired, view));
        let parts: Vec<_> = compiled.flat_map(|compiled| compiled.contributions).collect();
        let claimed: BTreeSet<ItemKey> = parts.iter().map(|part| part.item.clone()).collect();
        let marks = parts.into_iter().filter_map(|part| match part.shape {
            Shape::Object { mark } => mark,
            Shape::Document => None,
        });
        let marks = marks.collect();
        let documents =
            driver.translate().documents(&catalogue).into_iter().filter(|item| !claimed.contains(item));
        let scope = Scope {
            documents: documents.map(|item| (item, BTreeSet::new())).collect(),
            whole: true,
            ..Scope::default()
        };
        let observation = driver.observe(&scope).await.map_err(Halt::Account)?;
        Ok(Survey { driver, catalogue, observation, claimed, marks })
    }
}
