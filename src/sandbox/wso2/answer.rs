//! Bodies and statuses as the server words them (vendor sheet sections 1, 2 and 8).

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::options::{FaultFormat, Wso2Options};

const JSON: &str = "application/json";

/// An HTTP answer before it is one.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    content_type: Option<String>,
    body: String,
    location: Option<String>,
}

impl Answer {
    pub fn json(status: u16, body: &Value) -> Self {
        Self::typed(status, JSON, body.to_string())
    }

    pub fn typed(status: u16, content_type: &str, body: impl Into<String>) -> Self {
        Self { status, content_type: Some(content_type.to_owned()), body: body.into(), location: None }
    }

    pub fn empty(status: u16) -> Self {
        Self { status, content_type: None, body: String::new(), location: None }
    }

    pub fn at(mut self, location: String) -> Self {
        self.location = Some(location);
        self
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, self.body).into_response();
        response.headers_mut().remove(header::CONTENT_TYPE);
        let named = [(header::CONTENT_TYPE, self.content_type), (header::LOCATION, self.location)];
        for (name, value) in named {
            if let Some(value) = value.and_then(|v| v.parse().ok()) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// A: the `ResponsePayload` around everything, under an HTTP status that may disagree with it.
pub(super) fn payload(http: u16, code: u16, message: &str, content: Option<Value>) -> Answer {
    let mut body = json!({"statusCode": code, "messageFromServer": message});
    if let (Some(object), Some(content)) = (body.as_object_mut(), content) {
        object.insert("responseContent".to_owned(), content);
    }
    Answer::json(http, &body)
}

/// A: an exception the API maps.
pub(super) fn mapped_error(message: &str) -> Answer {
    Answer::json(500, &json!({ "errorMessage": message }))
}

/// B, C: an `ErrorResponse`.
pub(super) fn error(status: u16, code: Option<u16>, message: &str) -> Answer {
    let mut body = json!({"message": message, "errorItems": []});
    if let (Some(object), Some(code)) = (body.as_object_mut(), code) {
        object.insert("code".to_owned(), json!(code));
    }
    Answer::json(status, &body)
}

/// B, C: bean validation failed; items are `(path, complaint)`.
pub(super) fn validation(items: &[(String, String)]) -> Answer {
    let items: Vec<Value> = items
        .iter()
        .map(|(path, text)| json!({"code": format!("400_{path}"), "message": format!("{path}: {text}")}))
        .collect();
    Answer::json(
        400,
        &json!({
            "code": 400, "message": "Bad Request", "description": "Validation Error", "moreInfo": "",
            "errorItems": items
        }),
    )
}

/// B, C: a plain sentence, most likely written as a JSON string.
pub(super) fn sentence(options: &Wso2Options, status: u16, text: &str) -> Answer {
    if options.quoted_texts {
        return Answer::json(status, &json!(text));
    }
    Answer::typed(status, "text/plain", text)
}

/// Nobody maps this exception (a null, mostly).
pub(super) fn crash(options: &Wso2Options) -> Answer {
    if options.html_error_page {
        return Answer::typed(500, "text/html;charset=utf-8", page(500, "Internal Server Error"));
    }
    if options.dialect.is_admin() {
        return mapped_error("java.lang.NullPointerException");
    }
    Answer::json(
        500,
        &json!({
            "code": 500, "message": "Internal server error", "description": "The server encountered an \
            unexpected condition which prevented it from fulfilling the request.", "errorItems": []
        }),
    )
}

/// The container's own page.
pub(super) fn page(status: u16, title: &str) -> String {
    format!(
        "<html><head><title>Error {status}</title></head><body><h1>HTTP Status {status} - {title}</h1></body></html>"
    )
}

/// No such resource: the gateway's fault, or the container's page.
pub(super) fn not_found(options: &Wso2Options, headers: &HeaderMap) -> Answer {
    if options.gateway && !options.dialect.is_admin() {
        return fault(
            options,
            headers,
            404,
            900_906,
            "No matching resource found in the API for the given request",
        );
    }
    Answer::typed(404, "text/html;charset=utf-8", page(404, "Not Found"))
}

/// B: the API gateway's fault.
pub(super) fn fault(
    options: &Wso2Options,
    headers: &HeaderMap,
    status: u16,
    code: u32,
    text: &str,
) -> Answer {
    let json_wanted = match options.fault_format {
        FaultFormat::Json => true,
        FaultFormat::Xml => false,
        FaultFormat::ByAccept => accept(headers).is_some_and(|a| a.contains("json")),
    };
    if json_wanted {
        let fault = json!({"code": code, "message": text, "description": format!("{text}. Check the API documentation")});
        return Answer::json(status, &json!({ "fault": fault }));
    }
    let body = format!(
        "<ams:fault xmlns:ams=\"http://wso2.org/apimanager/security\"><ams:code>{code}</ams:code>\
         <ams:message>{text}</ams:message><ams:description>{text}</ams:description></ams:fault>"
    );
    Answer::typed(status, "application/xml", body)
}

/// A, and B without the gateway: a 401 whose text alone tells why; its type echoes `Accept`.
pub(super) fn unauthorized(headers: &HeaderMap, text: &str) -> Answer {
    let first = accept(headers).and_then(|a| a.split([',', ';']).next()).map(str::trim);
    let content_type = first.filter(|a| !a.is_empty() && !a.contains('*')).unwrap_or("application/xml");
    Answer::typed(401, content_type, text)
}

fn accept(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::ACCEPT).and_then(|v| v.to_str().ok())
}
