//! How the API answers, well or badly.

use axum::body::Body;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::options::ErrorBody;

/// A success; always 200, also for creations (section 1).
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A JSON document.
    Json(Value),
    /// Nothing, as after a synchronous write.
    Empty,
}

/// A refusal. Statuses, codes and bodies are the double's: the vendor documents none (section 8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The HTTP status.
    pub status: StatusCode,
    /// For machines.
    pub code: &'static str,
    /// For people.
    pub message: String,
    /// The `Retry-After` header.
    pub retry_after: Option<String>,
}

impl Failure {
    /// A refusal with any status.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), retry_after: None }
    }

    /// 400: the request can never work.
    pub fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 404: what it is about is not there.
    pub fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }
}

/// The response on the wire.
pub fn respond(outcome: Result<Answer, Failure>, error_body: ErrorBody) -> Response<Body> {
    match outcome {
        Ok(Answer::Empty) => Response::default(),
        Ok(Answer::Json(json)) => {
            with_body(StatusCode::OK, "application/json; charset=utf-8", json.to_string())
        }
        Err(failure) => refuse(&failure, error_body),
    }
}

fn refuse(failure: &Failure, error_body: ErrorBody) -> Response<Body> {
    let Failure { status, code, message, retry_after } = failure;
    let mut response = match error_body {
        ErrorBody::Json => {
            let json = json!({"error": {"code": code, "message": message}});
            with_body(*status, "application/json; charset=utf-8", json.to_string())
        }
        ErrorBody::Html => {
            let page = format!(
                "<html><head><title>{status}</title></head><body><h1>{status}</h1><p>{message}</p></body></html>\n"
            );
            with_body(*status, "text/html; charset=utf-8", page)
        }
        ErrorBody::Text => with_body(*status, "text/plain; charset=utf-8", format!("{code}: {message}\n")),
        ErrorBody::Empty => with_body(*status, "text/plain; charset=utf-8", String::new()),
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
