//! Writing documents: one call, one body, exactly the documents meant (R19, sheet sections 4.2 and 8).

use serde_json::{Map, Value, json};

use super::{
    body,
    calls::{Session, succeeded},
    ids::{CustomerId, DocumentId, GroupId, PutScope},
    wire,
};
use crate::{
    api::conditions::Reason,
    drivers::{Class, DocumentChange, DriverError, Outcome, Step, http::Answer},
    model::{Secret, memory::TaskState},
};

/// Carries out a step.
///
/// # Errors
/// `Rejected` without a call where the step cannot be said to this system or would reach more than its documents;
/// else by the answer (sheet section 8).
pub async fn execute(session: &Session, step: &Step) -> Result<Outcome, DriverError> {
    match step {
        Step::Write { changes, synchronous } => write(session, changes, *synchronous).await,
        Step::Seed { item, from } => {
            let id = DocumentId::parse(item)
                .ok_or_else(|| refused(format!("{item} is not <customer>/<gid>/<os>")))?;
            let (customer, group) =
                CustomerId::parse(&from.0).zip(GroupId::parse(&from.1)).ok_or_else(|| {
                    refused(format!("{}/{} is not a customer's GUID and a group's id", from.0, from.1))
                })?;
            let scope = PutScope::covering([id]).map_err(refused)?;
            let body = json!({"replicate_from": {"cid": customer.as_str(), "gid": group.number()}});
            put(session, &scope, &body, true).await
        }
        _ => Err(refused(
            "WFBSS holds documents of groups, which are neither made, ordered, switched nor removed".into(),
        )),
    }
}

async fn write(
    session: &Session,
    changes: &[DocumentChange],
    synchronous: bool,
) -> Result<Outcome, DriverError> {
    let body = shared_body(changes)?;
    let ids: Option<Vec<_>> = changes.iter().map(|change| DocumentId::parse(&change.desired.key)).collect();
    let ids = ids.ok_or_else(|| refused("a document is not named <customer>/<gid>/<os>".into()))?;
    let scope = PutScope::covering(ids).map_err(refused)?;
    if scope.is_packed() && !changes.iter().all(body::is_shallow) {
        return Err(refused("settings deeper than two levels are written one customer at a time".into()));
    }
    if body.is_empty() {
        return Ok(Outcome::DONE);
    }
    learn_secrets(session, changes);
    put(session, &scope, &json!({"policy": body}), synchronous).await
}

/// The one body of all changes.
fn shared_body(changes: &[DocumentChange]) -> Result<Map<String, Value>, DriverError> {
    let mut bodies = changes.iter().map(|change| {
        body::build(change).map_err(|error| refused(format!("{}: {error}", change.desired.title)))
    });
    let first = bodies.next().unwrap_or_else(|| Ok(Map::new()))?;
    for other in bodies {
        if other? != first {
            return Err(refused("documents with different changes cannot share a write".into()));
        }
    }
    Ok(first)
}

/// The system may quote what it refuses: secret settings must not come back in a message.
fn learn_secrets(session: &Session, changes: &[DocumentChange]) {
    let leaves = changes.iter().flat_map(|change| change.desired.leaves.values());
    for text in leaves.filter(|leaf| leaf.secret).filter_map(|leaf| leaf.value.as_str()) {
        session.http.redact(&Secret::new(text));
    }
}

async fn put(
    session: &Session,
    scope: &PutScope,
    body: &Value,
    synchronous: bool,
) -> Result<Outcome, DriverError> {
    let answer = session.put(scope, body, synchronous).await?;
    if succeeded(&answer) { outcome(session, &answer) } else { Err(failure(session, scope, &answer)) }
}

/// A success: an empty body means done, also where a task was asked for; a task is over or to be waited for.
fn outcome(session: &Session, answer: &Answer) -> Result<Outcome, DriverError> {
    if answer.body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Outcome::DONE);
    }
    let told: Value = session.http.json(answer)?;
    if told.get("error").is_some_and(|error| !error.is_null()) {
        return Err(DriverError::new(Class::Ambiguous, Reason::UnexpectedAnswer, session.http.told(answer)));
    }
    Ok(match wire::task(&told) {
        Some(wire::TaskRow { id: Some(operation), state }) if state != TaskState::Success => {
            Outcome::Pending { operation, state }
        }
        _ => Outcome::DONE,
    })
}

/// A failure. Of several customers some may have been written before the one that failed, and the answer does not
/// tell (sheet section 8). Also a body may be refused for the sake of one of them (F25).
fn failure(session: &Session, scope: &PutScope, answer: &Answer) -> DriverError {
    let mut error = session.failure(answer);
    let of_one = matches!(error.class, Class::Gone | Class::Transient | Class::Conflict | Class::Rejected);
    if scope.is_packed() && of_one {
        error.class = Class::Ambiguous;
        error.message =
            format!("{}; which of the customers {} it concerns is not told", error.message, scope.cids());
    }
    error
}

fn refused(message: String) -> DriverError {
    DriverError::new(Class::Rejected, Reason::Rejected, message)
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
