//! One step's calls, and what their refusals mean.
//!
//! Which status a refusal has is unknown (vendor sheet section 7). So what it means is told by reading the list: a policy
//! is gone only if a whole list does not hold it, a name is taken only if another policy bears it.

use serde_json::Value;

use super::{
    calls::{Effect, Id, Need},
    read,
    session::{Ask, Session},
    wire,
};
use crate::{
    api::Reason,
    drivers::error::{Class, DriverError},
    model::Mark,
};

/// A run of calls, and whether one of them was taken.
pub struct Run<'a> {
    session: &'a Session,
    taken: bool,
}

impl<'a> Run<'a> {
    /// No call yet.
    pub fn new(session: &'a Session) -> Self {
        Self { session, taken: false }
    }

    /// Whom the calls are made to.
    pub fn session(&self) -> &'a Session {
        self.session
    }

    /// Sends; what fails is told as it is.
    ///
    /// # Errors
    /// As for [`Session::effect`].
    pub async fn try_send(&mut self, effect: &Effect) -> Result<Value, DriverError> {
        let answer = self.session.effect(effect).await?;
        // Removals may be answered by a boolean (sheet section 7).
        if matches!(effect, Effect::Delete(_)) && answer == Value::Bool(false) {
            let message =
                format!("DELETE /Consumer/{} answered false: it was not removed", effect.path().join("/"));
            return Err(DriverError::new(Class::Rejected, Reason::Rejected, message));
        }
        self.taken = true;
        Ok(answer)
    }

    /// Sends; what fails after something was done is told as such.
    ///
    /// # Errors
    /// As for [`Session::effect`].
    pub async fn send(&mut self, effect: &Effect) -> Result<Value, DriverError> {
        let result = self.try_send(effect).await;
        self.after(result)
    }

    /// Sends a call about a policy, and finds out what its refusal means.
    ///
    /// # Errors
    /// As for [`judged`].
    pub async fn send_about(&mut self, id: Id, effect: Effect) -> Result<(), DriverError> {
        let Err(error) = self.try_send(&effect).await else { return Ok(()) };
        let mut error = judged(self.session, error, id).await;
        if matches!(effect, Effect::Assign(..)) && is_refusal(&error) {
            error.message.push_str(
                "; a management group that the account does not see is refused like one that is not there",
            );
        }
        self.after(Err(error))
    }

    /// Takes one element out; what is not in it is out.
    ///
    /// # Errors
    /// As for [`judged`]; `Rejected` where something is not found and the element still stands.
    pub async fn take_out(&mut self, id: Id, effect: Effect) -> Result<(), DriverError> {
        match self.try_send(&effect).await {
            Err(error) if error.class == Class::Gone => {
                let result = self.is_out(id, &effect, error).await;
                self.after(result)
            }
            result => self.after(result.map(drop)),
        }
    }

    /// "Not found" may be said of the element, of the policy or of the call: the policy tells which.
    async fn is_out(&self, id: Id, effect: &Effect, error: DriverError) -> Result<(), DriverError> {
        let stands = match self.session.read(&Ask::get(&["Policies", &id.to_string()], &[], Need::READ)).await
        {
            Ok(stands) => stands,
            Err(unread) => return Err(judged(self.session, unread, id).await),
        };
        let held = match effect {
            Effect::RemoveRule(_, rule) => wire::rule_ids(&stands).map(|rules| rules.contains(rule)),
            Effect::Unassign(_, group) => wire::group_ids(&stands).map(|groups| groups.contains(group)),
            _ => None,
        };
        if wire::id(&stands, "Id") == Some(id) && held == Some(false) {
            return Ok(());
        }
        let message = format!("{}, though policy {id} still has it", error.message);
        Err(DriverError::new(Class::Rejected, Reason::Rejected, message))
    }

    /// The result, or `Ambiguous` if a call before it was taken.
    ///
    /// # Errors
    /// What is given, of another class.
    pub fn after<T>(&self, result: Result<T, DriverError>) -> Result<T, DriverError> {
        result.map_err(|error| match self.taken {
            true if error.class != Class::Ambiguous => DriverError {
                class: Class::Ambiguous,
                reason: error.reason,
                message: format!("a part was done, then: {}", error.message),
            },
            _ => error,
        })
    }
}

/// Whether the system said no to this very call.
pub fn is_refusal(error: &DriverError) -> bool {
    matches!(error.class, Class::Rejected | Class::Gone) && error.reason != Reason::Forbidden
}

/// What "not found" about a policy means: it is gone only if a whole list does not hold it. Else something named in the
/// call is not there, or not seen.
pub async fn judged(session: &Session, error: DriverError, id: Id) -> DriverError {
    if error.class != Class::Gone {
        return error;
    }
    let listed = read::policies(session).await.unwrap_or_default();
    match (listed.rows.contains_key(&id), listed.complete) {
        (true, _) => DriverError::new(Class::Rejected, Reason::Rejected, error.message),
        (false, true) => {
            let message = format!("the system has no policy {id} any more");
            DriverError::new(Class::Gone, Reason::ExternalObjectGone, message)
        }
        (false, false) => DriverError::new(Class::Transient, Reason::Unreachable, error.message),
    }
}

/// Whether a refusal is about a name that another policy bears (sheet section 9: unique, upper and lower case alike).
/// One that bears the mark of what was to be made is no other: an earlier create came through and was listed late.
pub async fn name_taken(
    session: &Session,
    error: DriverError,
    name: &str,
    own: Option<Id>,
    made: Option<&Mark>,
) -> DriverError {
    if !is_refusal(&error) {
        return error;
    }
    let listed = read::policies(session).await.unwrap_or_default();
    let mut others = listed.rows.iter().filter(|(id, _)| Some(**id) != own);
    let bears =
        |row: &Value| wire::text(row, "Name").is_some_and(|other| wire::fold(other) == wire::fold(name));
    match others.find(|(_, row)| bears(row)) {
        Some((holder, row)) if made.is_some() && wire::mark(row).as_ref() == made => {
            let message = format!("policy {holder} was made for this before; it is looked at again");
            DriverError::new(Class::Conflict, Reason::Conflict, message)
        }
        Some((holder, _)) => {
            let message = format!(
                "the name {name:?} is taken by policy {holder} ({}); choose another spec.displayName, or adopt that policy",
                error.message
            );
            DriverError::new(Class::Rejected, Reason::NameConflict, message)
        }
        // No id was in the call: this is how the system refuses content.
        None if own.is_none() => DriverError { class: Class::Rejected, reason: Reason::Rejected, ..error },
        None => error,
    }
}
