//! The calls on policies (vendor sheet section 4).
//!
//! 404 and 409 are not declared, and which status a refusal has is unknown. So what a refusal means is told by reading
//! the list: an object is gone only if a whole list does not hold it, a name is taken only if somebody bears it.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};

use super::{
    body::{self, PolicyRequest},
    faults,
    lists::{self, Listed, POLICIES},
    session::{Ask, Session},
    wire,
};
use crate::{
    api::Reason,
    drivers::{
        DesiredItem,
        error::{Class, DriverError},
    },
    model::{ExternalId, LeafPath, Mark, Observation, ObservedItem, OwnerId},
};

/// The policies of one pod.
pub struct Policies {
    session: Session,
    marks: Option<OwnerId>,
}

impl Policies {
    /// The policies behind this session. `marks`: whose marks stand at the end of names, where any do.
    pub fn new(session: Session, marks: Option<OwnerId>) -> Self {
        Self { session, marks }
    }

    /// The session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// All policies. What cannot be read makes the view incomplete, never smaller without saying so.
    ///
    /// # Errors
    /// As for [`lists::read`].
    pub async fn observe(&self) -> Result<Observation, DriverError> {
        let listed = self.list().await?;
        let mut observation = Observation { complete: listed.complete, ..Observation::default() };
        if !listed.complete {
            observation.lacks(lists::CONTRADICTS);
        }
        for row in listed.rows.values().filter(|row| !wire::is_deleted(row)) {
            match wire::policy(row, self.marks.as_ref()) {
                Ok(item) => observation.items.push(item),
                Err(problem) => {
                    tracing::warn!(%problem, "a policy cannot be read; nothing is concluded from its absence");
                    observation.lacks(problem);
                }
            }
        }
        Ok(observation)
    }

    /// Makes a policy, which is not enforced until it is switched on (sheet section 4.3, rule 1).
    ///
    /// # Errors
    /// `Rejected` (`NameConflict`) for a name that is taken, `Ambiguous` where it may have been made.
    pub async fn create(&self, desired: &DesiredItem) -> Result<Option<ExternalId>, DriverError> {
        let body = body::create(desired)?;
        match self.effect(Method::POST, &["policies"], Some(&body)).await {
            Ok(value) => Ok(wire::answered_id(&value)),
            Err(error) => Err(self.judged(error, None, Some(body.name())).await),
        }
    }

    /// Writes a policy whole.
    ///
    /// # Errors
    /// `Gone` for one that is not there any more, else as for [`Policies::create`].
    pub async fn replace(&self, desired: &DesiredItem, observed: &ObservedItem) -> Result<(), DriverError> {
        self.put(observed, &body::replace(desired, observed)?).await
    }

    /// Puts former leaves back and takes our mark off the name.
    ///
    /// # Errors
    /// As for [`Policies::replace`].
    pub async fn restore(
        &self,
        observed: &ObservedItem,
        former: &BTreeMap<LeafPath, Value>,
    ) -> Result<(), DriverError> {
        self.put(observed, &body::restore(observed, former)?).await
    }

    async fn put(&self, observed: &ObservedItem, body: &PolicyRequest) -> Result<(), DriverError> {
        let id = observed.id.as_ref().ok_or_else(|| {
            DriverError::new(
                Class::Rejected,
                Reason::InternalError,
                "a policy without an id cannot be written",
            )
        })?;
        let Err(error) = self.effect(Method::PUT, &["policies", &*id.0], Some(body)).await else {
            return Ok(());
        };
        let mut error = self.judged(error, Some(id), Some(body.name())).await;
        // Whether enabled policies may be edited is unknown; to disable one for it would be a gap nobody asked for.
        if (error.class, error.reason, observed.enabled) == (Class::Rejected, Reason::Rejected, Some(true)) {
            error.message.push_str(
                "; if the system does not allow changes of an enabled policy, set enabled: false until the change is in",
            );
        }
        Err(error)
    }

    /// Switches policies on or off; one that is refused does not keep the others.
    ///
    /// # Errors
    /// That of the first that is refused.
    pub async fn switch(&self, ids: &[ExternalId], on: bool) -> Result<(), DriverError> {
        let mut refused = None;
        for id in ids {
            note(&mut refused, self.switch_one(id, on).await)?;
        }
        refused.map_or(Ok(()), Err)
    }

    async fn switch_one(&self, id: &ExternalId, on: bool) -> Result<(), DriverError> {
        let verb = if on { "enable" } else { "disable" };
        let Err(error) = self.effect(Method::POST, &["policies", &*id.0, verb], None).await else {
            return Ok(());
        };
        if !is_refusal(&error) {
            return Err(error);
        }
        let listed = self.list().await?;
        // Whether the calls may be repeated is unknown.
        let stands = listed.rows.get(&*id.0).and_then(|row| row.get("active")).and_then(Value::as_bool);
        if stands == Some(on) { Ok(()) } else { Err(self.meaning(error, &listed, Some(id), None)) }
    }

    /// Removes disabled policies; one that is not there counts as removed, if a whole list says so.
    ///
    /// # Errors
    /// As for [`Policies::switch`].
    pub async fn remove(&self, ids: &[ExternalId]) -> Result<(), DriverError> {
        let mut refused = None;
        for id in ids {
            note(&mut refused, self.remove_one(id).await)?;
        }
        refused.map_or(Ok(()), Err)
    }

    async fn remove_one(&self, id: &ExternalId) -> Result<(), DriverError> {
        let Err(error) = self.effect(Method::DELETE, &["policies", &*id.0], None).await else {
            return Ok(());
        };
        match self.judged(error, Some(id), None).await {
            error if error.class == Class::Gone => Ok(()),
            error => Err(error),
        }
    }

    async fn list(&self) -> Result<Listed, DriverError> {
        let listed = lists::read(&self.session, POLICIES).await;
        // A list is never gone; something else answers there.
        listed.map_err(|error| match error.class {
            Class::Gone => DriverError::new(
                Class::Transient,
                Reason::UnexpectedAnswer,
                format!("{}; is agentUrl right, and does the Agent still serve /v1/dlp?", error.message),
            ),
            _ => error,
        })
    }

    async fn effect(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&PolicyRequest>,
    ) -> Result<Value, DriverError> {
        let body = body.map(|body| json!(body));
        let ask = Ask { method, path, query: &[], body: body.as_ref(), effect: true };
        let answer = self.session.send(&ask).await?;
        faults::accepted(self.session.http(), &answer)
    }

    /// What a refusal of a call about this policy, or with this name, means; an error that is none stays as it is.
    async fn judged(&self, error: DriverError, id: Option<&ExternalId>, name: Option<&str>) -> DriverError {
        if !is_refusal(&error) {
            return error;
        }
        // Without a list nothing is known, which an incomplete one says too.
        let listed = self.list().await.unwrap_or_default();
        self.meaning(error, &listed, id, name)
    }

    fn meaning(
        &self,
        error: DriverError,
        listed: &Listed,
        id: Option<&ExternalId>,
        name: Option<&str>,
    ) -> DriverError {
        let stands = id.is_some_and(|id| lists::holds(listed, &id.0));
        if let Some(id) = id.filter(|_| listed.complete && !stands) {
            return gone(id);
        }
        if let Some((holder, name)) = name.and_then(|name| Some((holder(listed, id, name)?, name))) {
            let marked = self.marks.as_ref().is_some_and(|owner| Mark::split_name(name, owner).1.is_some());
            let made_before = id.is_none() && marked && holder.1 == name;
            return if made_before { ours(holder.0, name) } else { taken(&error, holder.0, name) };
        }
        match error.class {
            // It stands, or none was meant: then this is how the system refuses content.
            Class::Gone if stands || id.is_none() => {
                DriverError::new(Class::Rejected, Reason::Rejected, error.message)
            }
            Class::Gone => DriverError::new(Class::Transient, Reason::Unreachable, error.message),
            _ => error,
        }
    }
}

/// Whether the system said no to this very call.
fn is_refusal(error: &DriverError) -> bool {
    matches!(error.class, Class::Rejected | Class::Gone) && error.reason != Reason::Forbidden
}

/// Id and name of another policy that bears the name. Whether upper and lower case count is unknown.
fn holder<'a>(listed: &'a Listed, id: Option<&ExternalId>, name: &str) -> Option<(&'a str, &'a str)> {
    let folded = name.to_lowercase();
    let others = listed.rows.iter().filter(|(other, _)| id.is_none_or(|id| *id.0 != ***other));
    let mut named = others.filter_map(|(id, row)| Some((id.as_str(), wire::text(row, "name")?.trim())));
    named.find(|(_, name)| name.to_lowercase() == folded)
}

/// The name of a new policy bears our mark, and so does this one: an earlier create came through, and was listed late.
fn ours(holder: &str, name: &str) -> DriverError {
    let message = format!("policy {holder} bears the name {name:?} already; it is looked at again");
    DriverError::new(Class::Conflict, Reason::Conflict, message)
}

fn taken(error: &DriverError, holder: &str, name: &str) -> DriverError {
    let message = format!(
        "the name {name:?} is taken by policy {holder} ({}); choose another spec.displayName, or adopt that policy",
        error.message
    );
    DriverError::new(Class::Rejected, Reason::NameConflict, message)
}

fn gone(id: &ExternalId) -> DriverError {
    let message = format!("the system has no policy {id} any more");
    DriverError::new(Class::Gone, Reason::ExternalObjectGone, message)
}

/// Keeps the first refusal and goes on; any other error ends the step.
fn note(refused: &mut Option<DriverError>, result: Result<(), DriverError>) -> Result<(), DriverError> {
    match result {
        Err(error) if is_refusal(&error) => {
            refused.get_or_insert(error);
            Ok(())
        }
        other => other,
    }
}
