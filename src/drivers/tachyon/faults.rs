//! What the system's refusals mean (vendor sheet section 7).

use serde_json::Value;

use super::{calls::Need, wire};
use crate::{
    api::Reason,
    drivers::{
        error::{Class, DriverError},
        http::{Answer, HttpClient},
    },
};

/// The error of an answer that is not a success. A 401 is told apart by the session.
///
/// There is no version in any request, so that a 409 or 412 is a refusal like another, no race.
pub fn error(client: &HttpClient, answer: &Answer, need: Need) -> DriverError {
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let (codes, words) = body.as_ref().map(wire::complaint).unwrap_or_default();
    let message = if words.is_empty() {
        client.told(answer)
    } else {
        format!("{} answered {}: {}", answer.call, answer.status, client.excerpt(words.as_bytes()))
    };
    let mut error = DriverError { message, ..client.classify(answer) };
    // An unknown id may be told by either status.
    let unknown = codes.iter().any(|code| code.to_lowercase().contains("notfound"));
    match error.reason {
        Reason::Forbidden => error.message = format!("{}; {}", error.message, lacks(need)),
        Reason::Conflict => (error.class, error.reason) = (Class::Rejected, Reason::Rejected),
        Reason::Rejected if unknown => {
            (error.class, error.reason) = (Class::Gone, Reason::ExternalObjectGone);
        }
        _ => {}
    }
    error
}

/// What to grant.
pub fn lacks(need: Need) -> String {
    format!("the account needs {}: grant it a role with that", need.0)
}

/// The answer as JSON if it is a success.
///
/// # Errors
/// As for [`error`]; `Transient` for what is no JSON.
pub fn checked(client: &HttpClient, answer: &Answer, need: Need) -> Result<Value, DriverError> {
    if (200..300).contains(&answer.status) { client.json(answer) } else { Err(error(client, answer, need)) }
}

/// The answer to an effect, null where a success says nothing.
///
/// # Errors
/// As for [`checked`]; `Ambiguous` for a success that is no JSON: something else may have answered.
pub fn accepted(client: &HttpClient, answer: &Answer, need: Need) -> Result<Value, DriverError> {
    let silent = answer.body.iter().all(u8::is_ascii_whitespace);
    if (200..300).contains(&answer.status) && silent {
        Ok(Value::Null)
    } else {
        checked(client, answer, need)
    }
}
