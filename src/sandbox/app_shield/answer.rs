//! What goes over the wire: bodies, refusals in the shape of each call, the web server's own pages.

use axum::body::Body;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value, json};

use super::{
    options::{AppShieldOptions, CodeForm, InvalidCheck, ListRefusal, RefusalShape},
    routes::Op,
};

/// Why a call was not carried out.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusal {
    /// The body cannot be read into the call's fields: HTTP 400 by the web framework (inferred).
    Malformed(String),
    /// A code inside an answer, which is HTTP 200 as far as is known (section 7).
    Coded {
        status: u16,
        /// An integer, unless a fault says otherwise.
        code: Value,
        message: String,
    },
}

impl Refusal {
    /// A refusal of the usual kind.
    pub fn new(options: &AppShieldOptions, code: i64, message: impl Into<String>) -> Self {
        Self::Coded { status: options.refusal_status, code: json!(code), message: message.into() }
    }

    /// The one that asks for a new login.
    pub fn invalid_session(options: &AppShieldOptions) -> Self {
        Self::Coded {
            status: options.invalid_session_status,
            code: json!(options.codes.invalid_session),
            message: "Session is not valid.".to_owned(),
        }
    }

    /// A login that is refused, always with HTTP 200 (section 3.1).
    pub fn login(code: i64, message: &str) -> Self {
        Self::Coded { status: 200, code: json!(code), message: message.to_owned() }
    }
}

/// An answer before it is bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    status: u16,
    content: Content,
}

#[derive(Debug, Clone, PartialEq)]
enum Content {
    Json(Value),
    Html(String),
}

impl Answer {
    /// HTTP 200 with JSON.
    pub fn ok(json: Value) -> Self {
        Self { status: 200, content: Content::Json(json) }
    }

    /// The web server's page: IIS answers HTML where the API is not reached (section 7, inferred).
    pub fn page(status: u16, title: &str) -> Self {
        let page = format!(
            "<!DOCTYPE html><html><head><title>{status} - {title}</title></head>\
             <body><h2>{status} - {title}</h2></body></html>\n"
        );
        Self { status, content: Content::Html(page) }
    }

    /// The web framework's refusal of a request it cannot hand to any call (inferred).
    pub fn framework(status: u16, message: &str) -> Self {
        Self { status, content: Content::Json(json!({ "Message": message })) }
    }

    /// A refusal in the shape of the call that refuses. `sent` is the body of the request.
    pub fn refused(options: &AppShieldOptions, op: Op, sent: &Map<String, Value>, why: Refusal) -> Self {
        match why {
            Refusal::Malformed(problem) => {
                Self::framework(400, &format!("The request is invalid. {problem}"))
            }
            Refusal::Coded { status, code, message } => {
                Self { status, content: Content::Json(shaped(options, op, sent, code, &message)) }
            }
        }
    }

    /// The response; `reordered` writes the members of objects in the opposite order.
    pub fn respond(self, reordered: bool) -> Response<Body> {
        let (content_type, body) = match self.content {
            Content::Json(json) if reordered => ("application/json; charset=utf-8", backwards(&json)),
            Content::Json(json) => ("application/json; charset=utf-8", json.to_string()),
            Content::Html(page) => ("text/html", page),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        response
    }
}

/// A code as answers about policies spell it (section 7): a string, unlike everywhere else.
pub fn policy_code(options: &AppShieldOptions, code: Value) -> Value {
    match (options.policy_codes, code) {
        (CodeForm::Text, Value::Number(number)) => json!(number.to_string()),
        (_, code) => code,
    }
}

/// `ErrorCode` and `ErrorMessage` alone.
pub fn envelope(code: Value, message: &str) -> Value {
    json!({"ErrorCode": code, "ErrorMessage": message})
}

fn shaped(
    options: &AppShieldOptions,
    op: Op,
    sent: &Map<String, Value>,
    code: Value,
    message: &str,
) -> Value {
    match op {
        Op::DoLogin | Op::ValidSession => {
            json!({"ErrorCode": code, "ErrorMessage": message, "LoginSession": null, "LoginUser": null})
        }
        Op::CheckSession => {
            let coded = options.invalid_check == InvalidCheck::Coded;
            let (code, message) = if coded { (code, json!(message)) } else { (json!(0), Value::Null) };
            json!({"IsValid": false, "ErrorCode": code, "ErrorMessage": message})
        }
        Op::GroupList | Op::ContactList | Op::PolicyList => match options.refused_list {
            ListRefusal::Envelope => envelope(code, message),
            ListRefusal::EmptyArray => json!([]),
            ListRefusal::FaultyElement => json!([envelope(code, message)]),
        },
        Op::NewPolicy | Op::SavePolicy | Op::GetPolicy => {
            let code = policy_code(options, code);
            if options.refused_save == RefusalShape::Bare {
                return envelope(code, message);
            }
            let name = sent.get("policy").and_then(|policy| policy.get("Name")).cloned();
            json!({
                "id": null, "Name": name, "Description": null, "Constraints": [], "Groups": null,
                "Users": null, "isActive": false, "ErrorCode": code, "ErrorMessage": message
            })
        }
        Op::DoLogout | Op::RefreshSession | Op::DeletePolicy | Op::ResetPassport => envelope(code, message),
    }
}

/// JSON with the members of every object in descending order of their names.
fn backwards(json: &Value) -> String {
    match json {
        Value::Object(members) => {
            let members: Vec<_> = members
                .iter()
                .rev()
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), backwards(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(elements) => {
            format!("[{}]", elements.iter().map(backwards).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_order_is_the_same_document() {
        let json = json!({"a": [{"c": 1, "d": "x\"y"}], "b": null});
        assert_eq!(backwards(&json), r#"{"b":null,"a":[{"d":"x\"y","c":1}]}"#);
    }
}
