//! How pod, key manager and Agent answer, well or badly.

use std::collections::BTreeSet;

use axum::body::Body;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::options::{ErrorBody, SymphonyOptions};

const JSON: &str = "application/json";
const OCTETS: &str = "application/octet-stream";

/// A success; always 200, also for creations (section 4).
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A JSON document.
    Json(Value),
    /// A Base64 string that is no JSON (section 6, Download).
    Base64(String),
}

impl Answer {
    /// `{"data": …}`, as all answers about one object come.
    pub fn data(data: Value) -> Self {
        Self::Json(json!({ "data": data }))
    }
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The HTTP status.
    pub status: StatusCode,
    /// For people.
    pub message: String,
    /// Said by the filter service behind the Agent, whose words the Agent wraps (section 9).
    pub inner: bool,
    /// Sent as octets, though it is JSON (section 9).
    pub octets: bool,
    /// The `Retry-After` header.
    pub retry_after: Option<String>,
}

impl Failure {
    /// A refusal by whoever was asked.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), inner: false, octets: false, retry_after: None }
    }

    /// 401: whatever is wrong with credentials or tokens.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, message)
    }

    /// A refusal by the filter service, with a status of the options.
    pub fn inner(status: u16, message: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        Self { inner: true, ..Self::new(status, message) }
    }

    /// 400 by the filter service: the request has not the form it must have.
    pub fn malformed(message: impl Into<String>) -> Self {
        Self::inner(400, message)
    }
}

/// The response on the wire.
pub fn respond(outcome: Result<Answer, Failure>, options: &SymphonyOptions) -> Response<Body> {
    match outcome {
        Ok(Answer::Json(mut json)) => {
            omit(&mut json, &options.omit);
            with_body(StatusCode::OK, JSON, json.to_string())
        }
        Ok(Answer::Base64(text)) => with_body(StatusCode::OK, OCTETS, text),
        Err(failure) => refuse(&failure, options.error_body),
    }
}

/// Members nobody must count on.
fn omit(json: &mut Value, names: &BTreeSet<String>) {
    match json {
        Value::Object(members) if !names.is_empty() => {
            members.retain(|name, _| !names.contains(name));
            members.values_mut().for_each(|member| omit(member, names));
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| omit(element, names)),
        _ => {}
    }
}

fn refuse(failure: &Failure, body: ErrorBody) -> Response<Body> {
    let Failure { status, message, inner, octets, retry_after } = failure;
    let content_type = if *octets { OCTETS } else { JSON };
    let error = |message: &str| {
        let json = json!({"code": status.as_u16(), "message": message});
        with_body(*status, content_type, json.to_string())
    };
    let mut response = match body {
        ErrorBody::Embedded if *inner => error(&format!("{status}: {}", json!({ "message": message }))),
        ErrorBody::Embedded | ErrorBody::Plain => error(message),
        ErrorBody::Html => {
            let page = format!("<html><head><title>{status}</title></head><body>{message}</body></html>\n");
            with_body(*status, "text/html; charset=utf-8", page)
        }
        ErrorBody::Empty => with_body(*status, content_type, String::new()),
    };
    if let Some(value) = retry_after.as_deref().and_then(|text| HeaderValue::from_str(text).ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

fn with_body(status: StatusCode, content_type: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
