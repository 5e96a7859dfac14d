//! What the system's refusals mean (vendor sheet section 9).

use serde_json::Value;

use super::wire;
use crate::{
    api::Reason,
    drivers::{
        error::{Class, DriverError},
        http::{Answer, HttpClient},
    },
};

/// What a 403 lacks (sheet section 3.5).
const ROLE: &str = "the service account needs the role Expression Filter Policy Management, and the pod the Expression \
                    Filter";

/// The error of an answer that is not a success.
///
/// There is no version in any request, so that a 409 or 412 is a refusal like another, no race.
pub fn error(client: &HttpClient, answer: &Answer) -> DriverError {
    let mut error = DriverError { message: said(client, answer), ..client.classify(answer) };
    match error.reason {
        Reason::Forbidden => error.message = format!("{}; {ROLE}", error.message),
        Reason::Conflict => (error.class, error.reason) = (Class::Rejected, Reason::Rejected),
        _ => {}
    }
    error
}

/// The answer as JSON if it is a success.
///
/// # Errors
/// As for [`error`]; `Transient` for what is no JSON, `Ambiguous` after an effect.
pub fn checked(client: &HttpClient, answer: &Answer) -> Result<Value, DriverError> {
    if (200..300).contains(&answer.status) { client.json(answer) } else { Err(error(client, answer)) }
}

/// The answer to an effect, null where a success says nothing.
///
/// # Errors
/// As for [`checked`].
pub fn accepted(client: &HttpClient, answer: &Answer) -> Result<Value, DriverError> {
    let silent = answer.body.iter().all(u8::is_ascii_whitespace);
    if (200..300).contains(&answer.status) && silent { Ok(Value::Null) } else { checked(client, answer) }
}

/// `<call> answered <status>: <what it says>`, with the words of the error body where it has some.
fn said(client: &HttpClient, answer: &Answer) -> String {
    let value: Option<Value> = serde_json::from_slice(&answer.body).ok();
    match value.as_ref().and_then(wire::complaint) {
        Some(words) => {
            format!("{} answered {}: {}", answer.call, answer.status, client.excerpt(words.as_bytes()))
        }
        None => client.told(answer),
    }
}
