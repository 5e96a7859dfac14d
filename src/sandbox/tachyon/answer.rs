//! How the server answers, well or badly (sections 1, 4 and 7).

use axum::body::Body;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value, json};

use super::options::{ErrorShape, IdForm, TachyonOptions};

const JSON: &str = "application/json; charset=utf-8";

/// A success.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// Success does not guarantee a body (section 7).
    pub body: Content,
}

/// What an answer holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Nothing.
    Empty,
    /// A JSON document of the Consumer API, whose ids may be quoted.
    Json(Value),
    /// Text of the Portal.
    Text(String),
}

impl Answer {
    /// 200 with a document.
    pub fn json(document: Value) -> Self {
        Self { status: StatusCode::OK, body: Content::Json(document) }
    }

    /// 200 with text.
    pub fn text(text: String) -> Self {
        Self { status: StatusCode::OK, body: Content::Text(text) }
    }

    /// A status without a body.
    pub fn empty(status: StatusCode) -> Self {
        Self { status, body: Content::Empty }
    }
}

/// A refusal: the members of section 7 and a status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The HTTP status.
    pub status: StatusCode,
    /// A dotted string; the vendor publishes none for policies.
    pub code: &'static str,
    /// For people.
    pub message: String,
    /// What was put into the message.
    pub data: Vec<String>,
}

impl Failure {
    /// A refusal.
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        Self { status, code, message: message.into(), data: Vec::new() }
    }

    /// 400: the request has not the form it must have.
    pub fn malformed(message: impl Into<String>) -> Self {
        Self::new(400, "Request.Invalid", message)
    }

    /// 401: consumer, token or permission.
    pub fn unauthorized(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(401, code, message)
    }

    /// The same with what was put into the message.
    #[must_use]
    pub fn about(mut self, datum: impl ToString) -> Self {
        self.data.push(datum.to_string());
        self
    }
}

/// The response on the wire.
pub fn respond(outcome: Result<Answer, Failure>, options: &TachyonOptions) -> Response<Body> {
    match outcome {
        Ok(Answer { status, body: Content::Empty }) => with_body(status, None, String::new()),
        Ok(Answer { status, body: Content::Text(text) }) => {
            with_body(status, Some("text/plain; charset=utf-8"), text)
        }
        Ok(Answer { status, body: Content::Json(mut document) }) => {
            if options.id_form == IdForm::Quoted {
                quote(&mut document);
            }
            with_body(status, Some(JSON), document.to_string())
        }
        Err(failure) => refuse(&failure, options.error_shape),
    }
}

fn refuse(failure: &Failure, shape: ErrorShape) -> Response<Body> {
    let Failure { status, code, message, data } = failure;
    match shape {
        ErrorShape::Array => {
            let array = json!([{"ErrorCode": code, "Message": message, "Data": data}]);
            with_body(*status, Some(JSON), array.to_string())
        }
        ErrorShape::Object => {
            let object = json!({"Message": "An error has occurred.", "ExceptionMessage": message});
            with_body(*status, Some(JSON), object.to_string())
        }
        ErrorShape::Html => {
            let page = format!("<!DOCTYPE html>\n<html><head><title>{status}</title></head></html>\n");
            with_body(*status, Some("text/html; charset=utf-8"), page)
        }
        ErrorShape::Empty => with_body(*status, None, String::new()),
    }
}

fn with_body(status: StatusCode, content_type: Option<&'static str>, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    if let Some(content_type) = content_type {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    response
}

/// Ids and counts as strings, as in an old sample (section 1).
fn quote(document: &mut Value) {
    match document {
        Value::Object(members) => quote_members(members),
        Value::Array(elements) => elements.iter_mut().for_each(quote),
        _ => {}
    }
}

fn quote_members(members: &mut Map<String, Value>) {
    for (name, member) in members {
        match member {
            Value::Number(number) if name.ends_with("Id") || name == "Count" => {
                *member = Value::String(number.to_string());
            }
            other => quote(other),
        }
    }
}
