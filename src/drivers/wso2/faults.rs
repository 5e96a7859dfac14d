//! What the system's refusals mean (vendor sheet sections 1 and 8).

use serde_json::Value;

use super::{dialect::Dialect, wire};
use crate::{
    api::Reason,
    drivers::{
        error::{Class, DriverError},
        http::{Answer, HttpClient},
    },
};

/// Who is not let in: the token, or the user behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// The token is unknown, expired or inactive: a new one helps.
    Token,
    /// The account lacks a permission or a scope: a new token does not help.
    Permission,
}

/// Reads a 401 or 403; `None` for other answers.
///
/// Dialect A answers 401 for everything and tells the cases apart by text only; the gateway before B by fault codes.
pub fn denial(answer: &Answer) -> Option<Denial> {
    if !matches!(answer.status, 401 | 403) {
        return None;
    }
    match wire::fault_code(&answer.body) {
        Some(900_901..=900_904) => return Some(Denial::Token),
        Some(900_800..=900_899) => return None,
        Some(_) => return Some(Denial::Permission),
        None => {}
    }
    let text = String::from_utf8_lossy(answer.body.get(..4096).unwrap_or(&answer.body)).to_lowercase();
    let about_rights =
        ["scope validation failed", "permission", "not authorized to", "not allowed", "forbidden"];
    let rights = about_rights.iter().any(|words| text.contains(words));
    Some(if answer.status == 403 || rights { Denial::Permission } else { Denial::Token })
}

/// The error of an answer that is not a success.
pub fn error(client: &HttpClient, answer: &Answer) -> DriverError {
    if let Some(900_800..=900_899) = wire::fault_code(&answer.body) {
        let throttled = Answer { status: 429, ..answer.clone() };
        return DriverError { message: said(client, answer), ..client.classify(&throttled) };
    }
    let mut error = client.classify(answer);
    match denial(answer) {
        Some(Denial::Permission) if !matches!(error.class, Class::Throttled { .. }) => {
            (error.class, error.reason) = (Class::Rejected, Reason::Forbidden);
        }
        Some(Denial::Token) => (error.class, error.reason) = (Class::Unauthorized, Reason::Unauthorized),
        _ => {}
    }
    DriverError { message: said(client, answer), ..error }
}

/// The answer as JSON if it is a success, outside and inside.
///
/// # Errors
/// As for [`error`]; a failure inside an HTTP 200 counts by its inner status (dialect A).
pub fn checked(client: &HttpClient, dialect: Dialect, answer: &Answer) -> Result<Value, DriverError> {
    if !(200..300).contains(&answer.status) {
        return Err(error(client, answer));
    }
    let value: Value = client.json(answer)?;
    inside(client, dialect, answer, &value)?;
    Ok(value)
}

/// Checks an effect's answer, whose body says nothing else we need: success texts are no JSON in some builds.
///
/// # Errors
/// As for [`checked`].
pub fn accepted(
    client: &HttpClient,
    dialect: Dialect,
    answer: &Answer,
) -> Result<Option<Value>, DriverError> {
    if !(200..300).contains(&answer.status) {
        return Err(error(client, answer));
    }
    if answer.body.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'<') {
        // A login page with status 200 did not come from the API.
        client.json::<Value>(answer)?;
    }
    let value: Option<Value> = serde_json::from_slice(&answer.body).ok();
    if let Some(value) = &value {
        inside(client, dialect, answer, value)?;
    }
    Ok(value)
}

fn inside(client: &HttpClient, dialect: Dialect, answer: &Answer, value: &Value) -> Result<(), DriverError> {
    match wire::inner_status(value).filter(|_| dialect.is_a()) {
        Some(status) if !(200..300).contains(&status) => {
            Err(error(client, &Answer { status, ..answer.clone() }))
        }
        _ => Ok(()),
    }
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
