//! The errors of an API server, worded as a real one words them.

use serde_json::{Value, json};

use super::resource::Resource;

/// What is answered instead of an object: a `Status`, or bare text as proxies and filters send it.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// HTTP status.
    pub code: u16,
    /// Machine-readable reason; empty makes the answer plain text.
    pub reason: &'static str,
    /// For people.
    pub message: String,
    /// `details` of the Status.
    pub details: Value,
    /// `metadata.continue`, of an expired list.
    pub resume: Option<String>,
}

impl Failure {
    fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Value::Null, resume: None }
    }

    fn about(mut self, resource: &Resource, name: &str) -> Self {
        self.details = json!({"name": name, "group": resource.group, "kind": resource.plural});
        self
    }

    /// Text without a Status around it.
    pub fn plain(code: u16, message: impl Into<String>) -> Self {
        Self::new(code, "", message)
    }

    /// 404.
    pub fn not_found(resource: &Resource, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{} \"{name}\" not found", resource.qualified()))
            .about(resource, name)
    }

    /// 409, `AlreadyExists`.
    pub fn already_exists(resource: &Resource, name: &str, terminating: bool) -> Self {
        let prefix = if terminating { "object is being deleted: " } else { "" };
        let message = format!("{prefix}{} \"{name}\" already exists", resource.qualified());
        Self::new(409, "AlreadyExists", message).about(resource, name)
    }

    /// 409, `Conflict`.
    pub fn conflict(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", resource.qualified());
        Self::new(409, "Conflict", message).about(resource, name)
    }

    /// 409 of a lost race for a resourceVersion.
    pub fn modified(resource: &Resource, name: &str) -> Self {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(resource, name, why)
    }

    /// 422 about one field.
    pub fn invalid(resource: &Resource, name: &str, field: &str, why: &str) -> Self {
        let of = if resource.group.is_empty() {
            resource.kind.to_owned()
        } else {
            format!("{}.{}", resource.kind, resource.group)
        };
        let mut failure = Self::new(422, "Invalid", format!("{of} \"{name}\" is invalid: {field}: {why}"));
        let causes = json!([{"reason": "FieldValueInvalid", "message": why, "field": field}]);
        failure.details =
            json!({"name": name, "group": resource.group, "kind": resource.kind, "causes": causes});
        failure
    }

    /// 422 of a JSON patch that does not apply, among them a failed `test`.
    pub fn patch_rejected(why: &str) -> Self {
        let mut failure =
            Self::new(422, "Invalid", "the server rejected our request due to an error in our request");
        failure.details = json!({"causes": [{"reason": "UnexpectedServerResponse", "message": why}]});
        failure
    }

    /// 400.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 415.
    pub fn unsupported(content_type: &str) -> Self {
        let message = format!("the body of the request was in an unknown format - {content_type}");
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// 403 of a namespace that is going away.
    pub fn namespace_terminating(resource: &Resource, name: &str, namespace: &str) -> Self {
        let message = format!(
            "{} \"{name}\" is forbidden: unable to create new content in namespace {namespace} because it is being terminated",
            resource.qualified()
        );
        Self::new(403, "Forbidden", message).about(resource, name)
    }

    /// 403 by RBAC.
    pub fn forbidden(
        resource: &Resource,
        verb: &str,
        full: &str,
        name: &str,
        namespace: Option<&str>,
    ) -> Self {
        let scope =
            namespace.map_or("at the cluster scope".into(), |ns| format!("in the namespace \"{ns}\""));
        let object = if name.is_empty() { String::new() } else { format!(" \"{name}\"") };
        let message = format!(
            "{}{object} is forbidden: User \"system:serviceaccount:ordain-system:ordain\" cannot {verb} resource \"{full}\" in API group \"{}\" {scope}",
            resource.qualified(),
            resource.group
        );
        Self::new(403, "Forbidden", message).about(resource, name)
    }

    /// 410.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// 504: the reader asks for a revision this server has not seen yet.
    pub fn too_large(asked: u64, current: u64) -> Self {
        let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
        let mut failure = Self::new(504, "Timeout", message);
        let causes = json!([{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]);
        failure.details = json!({"causes": causes, "retryAfterSeconds": 1});
        failure
    }

    /// What a server in trouble answers: 429 from priority-and-fairness and 503 of a server going
    /// down are plain text, the rest are a Status.
    pub fn trouble(code: u16) -> Self {
        match code {
            429 => Self::plain(429, "Too many requests, please try again later.\n"),
            503 => Self::plain(503, "apiserver is shutting down\n"),
            504 => {
                let message = "Timeout: request did not complete within the allotted timeout";
                Self::new(504, "Timeout", message)
            }
            500 => Self::new(500, "InternalError", "Internal error occurred: etcdserver: request timed out"),
            _ => Self::plain(code, "unexpected answer from the server\n"),
        }
    }

    /// The body of the answer as a Status object.
    pub fn status(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code,
        });
        if !self.details.is_null() {
            status["details"] = self.details.clone();
        }
        if let Some(token) = &self.resume {
            status["metadata"]["continue"] = token.clone().into();
        }
        status
    }
}
