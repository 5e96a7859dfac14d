//! The calls on policies: list, read, save, delete (vendor sheet section 4).
//!
//! Only the save is published. The others are made where `paths` names them, with the id as `id` and as `policyId`,
//! since their bodies are not known; a path may also hold `{id}`. None of them is asked for anything else.

mod one;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::{sync::Mutex, time::Instant};

use super::{
    body, directory, faults,
    lists::{self, Listed},
    session::{Ask, Session, URL},
    wire,
};
use crate::{
    api::{AppShield as Settings, AppShieldPaths, Reason},
    drivers::{
        DesiredItem, Members, Outcome, Scope,
        error::{Class, DriverError},
        http::Answer,
    },
    model::{ExternalId, LeafPath, Observation, ObservedItem},
};

const LIST: &str = "spec.system.appShield.paths.list";
const GET: &str = "spec.system.appShield.paths.get";
const DELETE: &str = "spec.system.appShield.paths.delete";
const SAVE: [&str; 2] = ["AppShield", "SaveAppShieldPolicy"];

/// A list may lag behind a save that long (F22).
const LAG: Duration = Duration::from_secs(300);

/// The policies of one account.
pub struct Policies {
    session: Session,
    paths: AppShieldPaths,
    deep: bool,
    /// What was saved lately.
    saved: Mutex<BTreeMap<ExternalId, Instant>>,
}

impl Policies {
    /// The policies behind this session.
    pub fn new(session: Session, settings: &Settings) -> Self {
        Self { session, paths: settings.paths(), deep: settings.deep_save(), saved: Mutex::default() }
    }

    /// The session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// What is configured.
    pub fn paths(&self) -> &AppShieldPaths {
        &self.paths
    }

    /// All policies, or those of the scope where they can only be read one by one. Without any path nothing is
    /// asked, and nothing known.
    ///
    /// # Errors
    /// As for [`lists::read`]; `Rejected` where the list shows no content and nothing else can be read.
    pub async fn observe(&self, scope: &Scope) -> Result<Observation, DriverError> {
        match (&self.paths.list, &self.paths.get) {
            (Some(list), _) => self.all(list, scope).await,
            (None, Some(get)) => self.one_by_one(get, scope).await,
            (None, None) => Ok(Observation::default()),
        }
    }

    async fn all(&self, path: &str, scope: &Scope) -> Result<Observation, DriverError> {
        let listed = self.list(path).await?;
        let mut view = Observation { complete: listed.whole, ..Observation::default() };
        let mut seen = BTreeSet::new();
        for row in &listed.rows {
            let item = self.listed(row).await?;
            match item.filter(|item| item.id.iter().all(|id| seen.insert(id.clone()))) {
                Some(item) => view.items.push(item),
                None => view
                    .lacks(format!("a policy in the list of {LIST} cannot be read, or stands there twice")),
            }
        }
        if !listed.whole {
            view.lacks(format!("the answer of {LIST} tells of further rows"));
        }
        if self.lags(&seen).await {
            view.lacks(format!("the list of {LIST} lacks a policy that was just saved"));
        } else if listed.rows.is_empty() && !self.may_list().await? {
            view.lacks(format!(
                "the list of {LIST} is empty, which may be a refusal: groups cannot be listed either"
            ));
        }
        let hidden: BTreeSet<_> = scope.objects.difference(&seen).cloned().collect();
        self.look_for(&hidden, &listed, &mut view).await?;
        Ok(view)
    }

    async fn list(&self, path: &str) -> Result<Listed, DriverError> {
        let segments = segments(path, "");
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        lists::read(&self.session, &Ask { field: LIST, ..Ask::list(&segments) }).await
    }

    /// A row, read in full where the list shows less. `None` for one that is not understood.
    async fn listed(&self, row: &Value) -> Result<Option<ObservedItem>, DriverError> {
        let item = match wire::policy(row) {
            Ok(item) => item,
            Err(problem) => {
                tracing::warn!(%problem, "a policy cannot be read; nothing is concluded from its absence");
                return Ok(None);
            }
        };
        match (wire::is_stub(row), &item.id, &self.paths.get) {
            (false, ..) | (_, None, _) => Ok(Some(item)),
            (true, Some(id), Some(get)) => self.get(get, id).await,
            (true, Some(_), None) => {
                let message = format!(
                    "{LIST} leads to a list without the constraints and members of policies, so that nothing can be \
                     compared; set paths.get to a call that reads one policy, or remove paths.list"
                );
                Err(DriverError::new(Class::Rejected, Reason::Invalid, message))
            }
        }
    }

    /// Whether something that was just saved is not listed yet.
    async fn lags(&self, seen: &BTreeSet<ExternalId>) -> bool {
        let mut saved = self.saved.lock().await;
        saved.retain(|_, at| at.elapsed() < LAG);
        saved.keys().any(|id| !seen.contains(id))
    }

    /// An empty list may be a refusal. Groups are never empty, and need the same right.
    async fn may_list(&self) -> Result<bool, DriverError> {
        Ok(directory::groups(&self.session).await?.is_some_and(|groups| !groups.rows.is_empty()))
    }

    /// Recorded policies that the list does not hold: gone, or cut off. One that can be read all the same tells which.
    /// That none can be read says nothing where the body of that call is a guess of ours: the length of the list must
    /// not be one that lists are cut at, or the call must have shown a policy that is known to be there.
    async fn look_for(
        &self,
        hidden: &BTreeSet<ExternalId>,
        listed: &Listed,
        view: &mut Observation,
    ) -> Result<(), DriverError> {
        let found = match &self.paths.get {
            Some(get) => self.each(get, hidden, &view.items).await?,
            None => Vec::new(),
        };
        let open = !hidden.is_empty() && listed.may_be_cut();
        if !found.is_empty() {
            view.lacks(format!("the list of {LIST} lacks policies that paths.get reads"));
        } else if open && !self.shows_one_of(&view.items).await? {
            view.lacks(format!(
                "the list of {LIST} lacks policies that were there, and may be cut: nothing else can be asked for them"
            ));
        }
        view.items.extend(found);
        Ok(())
    }

    /// Whether there is a call that reads one policy, and it reads the first of these.
    async fn shows_one_of(&self, listed: &[ObservedItem]) -> Result<bool, DriverError> {
        let known = listed.first().and_then(|item| item.id.as_ref());
        let (Some(get), Some(id)) = (&self.paths.get, known) else { return Ok(false) };
        Ok(self.get(get, id).await?.is_some())
    }

    async fn call(
        &self,
        path: &str,
        field: &'static str,
        id: &ExternalId,
        effect: bool,
    ) -> Result<Answer, DriverError> {
        let segments = segments(path, &id.0);
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let body = json!({"id": &*id.0, "policyId": &*id.0});
        self.session.send(&Ask { path: &segments, field, body, effect, list: false }).await
    }

    /// Makes a policy that filters nobody.
    ///
    /// # Errors
    /// `Ambiguous` where it may have been made: nothing keeps a second one of the same name from being made.
    pub async fn create(&self, desired: &DesiredItem) -> Result<Outcome, DriverError> {
        let value = self.save(body::create(desired, self.deep, self.now())).await?;
        let id = wire::policy_id(&value);
        let answer = wire::policy(&value)
            .inspect_err(|problem| tracing::warn!(%problem, "the answer to a save is not understood"));
        Ok(Outcome::Applied { id, answer: answer.ok().map(Box::new) })
    }

    /// Saves a policy whole.
    ///
    /// # Errors
    /// `Gone` for one that a list shows is not there any more; `Ambiguous` where it may have been saved.
    pub async fn replace(
        &self,
        desired: &DesiredItem,
        observed: &ObservedItem,
    ) -> Result<Outcome, DriverError> {
        let id = known(observed)?;
        self.update(id, body::replace(desired, observed, self.deep, self.now())).await
    }

    /// Puts former values and members back and takes our mark off.
    ///
    /// # Errors
    /// As for [`Policies::replace`].
    pub async fn restore(
        &self,
        observed: &ObservedItem,
        former: &BTreeMap<LeafPath, Value>,
        members: &Members,
    ) -> Result<Outcome, DriverError> {
        let id = known(observed)?;
        self.update(id, body::restore(observed, former, members, self.deep, self.now())).await
    }

    /// An unknown id may make a new policy (sheet section 9): then the answer tells its id, and it is the one.
    async fn update(&self, id: &ExternalId, body: Value) -> Result<Outcome, DriverError> {
        let value = match self.save(body).await {
            Ok(value) => value,
            Err(error) => return Err(self.or_gone(id, error).await),
        };
        let item = wire::policy(&value).map_err(|problem| {
            let message = format!("the answer to the save of policy {id} is not understood: {problem}");
            DriverError::new(Class::Ambiguous, Reason::UnexpectedAnswer, message)
        })?;
        let other = item.id.clone().filter(|told| told != id);
        if let Some(other) = &other {
            tracing::warn!(%id, %other, "the policy was not there any more; the system made another one");
        }
        Ok(Outcome::Applied { id: other, answer: Some(Box::new(item)) })
    }

    /// The stored policy as the system answers it, which has an id.
    async fn save(&self, body: Value) -> Result<Value, DriverError> {
        let ask = Ask { path: &SAVE, field: URL, body, effect: true, list: false };
        let answer = self.session.send(&ask).await?;
        let value = faults::checked(self.session.http(), &answer, ask.field)?;
        let id = wire::policy_id(&value)
            .ok_or_else(|| faults::unexpected(self.session.http(), &answer, "a success without an id"))?;
        let mut saved = self.saved.lock().await;
        saved.retain(|_, at| at.elapsed() < LAG);
        saved.insert(id, Instant::now());
        drop(saved);
        Ok(value)
    }

    /// Deletes policies, which widens what their members see; one that is not there counts as deleted, if a whole
    /// list says so.
    ///
    /// # Errors
    /// `Rejected` (`Unsupported`) without a path to delete; else that of the first that fails, those before are gone.
    pub async fn remove(&self, ids: &[ExternalId]) -> Result<Outcome, DriverError> {
        let Some(path) = &self.paths.delete else {
            let message = format!(
                "the vendor publishes no call that deletes policies; set {DELETE}, or let the policy stand, inactive \
                 and empty"
            );
            return Err(DriverError::new(Class::Rejected, Reason::Unsupported, message));
        };
        for id in ids {
            let answer = self.call(path, DELETE, id, true).await?;
            self.saved.lock().await.remove(id);
            if let Err(error) = faults::accepted(self.session.http(), &answer, DELETE) {
                match self.or_gone(id, error).await {
                    error if error.class == Class::Gone => {}
                    error => return Err(error),
                }
            }
        }
        Ok(Outcome::DONE)
    }

    /// No code says that a policy is not there: `Gone` if a whole list does not hold it, else the error as it was.
    async fn or_gone(&self, id: &ExternalId, error: DriverError) -> DriverError {
        let Some(list) = self.paths.list.as_ref().filter(|_| error.reason == Reason::Rejected) else {
            return error;
        };
        self.saved.lock().await.remove(id);
        let scope = Scope { objects: BTreeSet::from([id.clone()]), ..Scope::default() };
        match self.all(list, &scope).await {
            Ok(view) if view.complete && view.items.iter().all(|item| item.id.as_ref() != Some(id)) => {
                let message = format!("policy {id} is not there any more: {}", error.message);
                DriverError::new(Class::Gone, Reason::ExternalObjectGone, message)
            }
            _ => error,
        }
    }

    fn now(&self) -> Timestamp {
        self.session.http().clock().now()
    }
}

fn known(observed: &ObservedItem) -> Result<&ExternalId, DriverError> {
    // A save without an id would make a second policy.
    observed.id.as_ref().ok_or_else(|| {
        let message = "a policy without an id cannot be saved again";
        DriverError::new(Class::Rejected, Reason::InternalError, message)
    })
}

/// A policy that an answer wraps into a list of one.
fn alone(value: &Value) -> &Value {
    match wire::rows(value) {
        Some(([one], _)) if wire::policy_id(value).is_none() => one,
        _ => value,
    }
}

/// The segments of a configured path, with the id where it says so.
fn segments(path: &str, id: &str) -> Vec<String> {
    path.trim_matches('/').split('/').map(|segment| segment.replace("{id}", id)).collect()
}
