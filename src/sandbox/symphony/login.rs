//! Pod and key manager: logging in and out (3.1, 3.2).

use http::{Method, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    accounts::Kind,
    answer::{Answer, Failure},
    inner::{Call, Inner},
    jwt,
};

type Handler = fn(&mut Inner, &Call, Kind) -> Result<Answer, Failure>;

#[derive(Deserialize)]
struct Sent {
    token: String,
}

/// Answers a call to `/login`, `/relay`, `/sessionauth` or `/keyauth`; `None` for another path.
pub fn answer(inner: &mut Inner, call: &Call) -> Option<Result<Answer, Failure>> {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    let (handler, kind): (Handler, Kind) = match path.as_slice() {
        ["login", "pubkey", "authenticate"] => (with_key, Kind::Session),
        ["relay", "pubkey", "authenticate"] => (with_key, Kind::KeyManager),
        ["sessionauth", "v1", "authenticate"] => (with_certificate, Kind::Session),
        ["keyauth", "v1", "authenticate"] => (with_certificate, Kind::KeyManager),
        ["sessionauth", "v1", "logout"] => (log_out, Kind::Session),
        ["keyauth", "v1", "logout"] => (log_out, Kind::KeyManager),
        _ => return None,
    };
    if call.method == Method::POST {
        return Some(handler(inner, call, kind));
    }
    Some(Err(Failure::new(StatusCode::METHOD_NOT_ALLOWED, format!("{} is not allowed here", call.method))))
}

/// The RSA flow. Any problem with the credentials is a 401 (3.1), a body without any included.
fn with_key(inner: &mut Inner, call: &Call, kind: Kind) -> Result<Answer, Failure> {
    let sent: Result<Sent, _> = serde_json::from_slice(&call.body);
    let subject = sent
        .map_err(|_| "wanted is {\"token\": \"<JWT>\"}")
        .and_then(|sent| jwt::subject(&sent.token, |name| inner.accounts.key(name), call.now.as_second()));
    let name = subject.map_err(|problem| {
        inner.accounts.refuse();
        Failure::unauthorized(problem)
    })?;
    let token = inner.accounts.issue(kind, &name, &inner.options, call.elapsed);
    let mut answer = json!({"name": kind.header(), "token": token});
    if let Value::Object(members) = &mut answer {
        if kind == Kind::Session && inner.options.authorization_token {
            members.insert("authorizationToken".to_owned(), "Bearer eyJhbGciOi.beta.ignore".into());
        }
    }
    Ok(Answer::Json(answer))
}

/// The certificate flow, which cannot succeed: nothing speaks TLS here. A body or a content type
/// is a 401, as since November 2024 (3.2).
fn with_certificate(inner: &mut Inner, call: &Call, _: Kind) -> Result<Answer, Failure> {
    inner.accounts.refuse();
    if !call.body.is_empty() || call.headers.contains_key(header::CONTENT_TYPE) {
        return Err(Failure::unauthorized("a certificate login has no body"));
    }
    Err(Failure::new(StatusCode::FORBIDDEN, "no client certificate was presented"))
}

fn log_out(inner: &mut Inner, call: &Call, kind: Kind) -> Result<Answer, Failure> {
    if inner.accounts.log_out(kind, call.token(kind).unwrap_or_default()) {
        return Ok(Answer::Json(json!({"message": "logged out"})));
    }
    Err(Failure::unauthorized(format!("{} is missing, unknown or expired", kind.header())))
}
