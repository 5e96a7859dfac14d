//! What refusals mean (vendor sheet section 7): a code inside an answer, whatever its HTTP status, or a status alone.

use serde::Deserialize;
use serde_json::Value;

use super::wire;
use crate::{
    api::Reason,
    drivers::{
        error::{Class, DriverError},
        http::{Answer, HttpClient},
    },
};

/// Whether the session may be the reason for this answer, so that it is worth asking for it.
///
/// No code for a dead session is published, and lists may refuse by being empty.
pub fn may_be_session(answer: &Answer, list: bool) -> bool {
    let about_the_call = matches!(answer.status, 404 | 405 | 408 | 410 | 413 | 415 | 429);
    if (400..500).contains(&answer.status) && !about_the_call {
        return true;
    }
    let value = parsed(answer);
    let empty = |value: &Value| wire::rows(value).is_some_and(|(rows, _)| rows.is_empty());
    value
        .is_some_and(|value| wire::refusal(&value).is_some() || (list && is_success(answer) && empty(&value)))
}

/// What `CheckSession` says of a session: in words, by a code, or by a status. `None` where it says nothing.
pub fn verdict(answer: &Answer) -> Option<bool> {
    let value = parsed(answer);
    let said = value.as_ref().and_then(|value| wire::Checked::deserialize(value).ok()?.valid);
    let refused = matches!(answer.status, 401 | 403) || value.as_ref().and_then(wire::refusal).is_some();
    said.or(refused.then_some(false))
}

/// The answer as JSON, if it is a success outside and inside. `field` names what to correct for a path nobody serves.
///
/// # Errors
/// `Rejected` with code and text of a refusal, or for a path that does not exist; else as for
/// [`HttpClient::classify`] and [`HttpClient::json`].
pub fn checked(http: &HttpClient, answer: &Answer, field: &str) -> Result<Value, DriverError> {
    if let Some(refused) = refused(http, answer) {
        return Err(refused);
    }
    if !is_success(answer) {
        return Err(failed(http, answer, field));
    }
    let value: Value = http.json(answer)?;
    let nested = wire::nested_codes(&value);
    if nested > 0 {
        tracing::warn!(call = %answer.call, nested, "the answer is a success, though objects inside carry error codes");
    }
    Ok(value)
}

/// A success without a word.
pub fn is_silent(answer: &Answer) -> bool {
    is_success(answer) && answer.body.iter().all(u8::is_ascii_whitespace)
}

/// A success by its status that carries no refusal, whatever else it says: for calls whose answers are not published.
///
/// # Errors
/// As for [`checked`].
pub fn accepted(http: &HttpClient, answer: &Answer, field: &str) -> Result<(), DriverError> {
    if is_silent(answer) {
        return Ok(());
    }
    if checked(http, answer, field)? == Value::Bool(false) {
        let message = format!("{} answered false, which is no success", answer.call);
        return Err(DriverError::new(Class::Rejected, Reason::Rejected, message));
    }
    Ok(())
}

/// An answer that is a success but not what was asked for: nothing is concluded from it.
pub fn unexpected(http: &HttpClient, answer: &Answer, problem: &str) -> DriverError {
    let class = if answer.effect { Class::Ambiguous } else { Class::Transient };
    let message = format!("{}: {problem}", http.told(answer));
    DriverError::new(class, Reason::UnexpectedAnswer, message)
}

const fn is_success(answer: &Answer) -> bool {
    200 <= answer.status && answer.status < 300
}

fn parsed(answer: &Answer) -> Option<Value> {
    serde_json::from_slice(answer.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&answer.body)).ok()
}

/// The system's own refusal. One that comes as a server's failure leaves open what was done before it failed.
fn refused(http: &HttpClient, answer: &Answer) -> Option<DriverError> {
    let refusal = wire::refusal(&parsed(answer)?)?;
    let (class, reason) = match answer.status {
        429 | 503 => return None,
        500..=599 if answer.effect => (Class::Ambiguous, Reason::Unreachable),
        500..=599 => (Class::Transient, Reason::Unreachable),
        _ => (Class::Rejected, Reason::Rejected),
    };
    let code = http.excerpt(refusal.code.as_bytes());
    let text = match refusal.text.as_str() {
        "" => "without a word".to_owned(),
        text => http.excerpt(text.as_bytes()),
    };
    Some(DriverError::new(class, reason, format!("{} answered ErrorCode {code}: {text}", answer.call)))
}

fn failed(http: &HttpClient, answer: &Answer, field: &str) -> DriverError {
    if matches!(answer.status, 404 | 405 | 410) {
        let message = format!(
            "{} answered {}: the system has no such call; correct {field}",
            answer.call, answer.status
        );
        return DriverError::new(Class::Rejected, Reason::Invalid, message);
    }
    http.classify(answer)
}
