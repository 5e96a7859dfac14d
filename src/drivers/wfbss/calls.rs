//! One signed call to SMPI, and what its failure means (sheet sections 1, 2 and 8).

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::Value;

use super::{
    ids::PutScope,
    sign::{CONTENT_TYPE, Credentials, skew},
};
use crate::{
    api::conditions::Reason,
    drivers::{
        Class, DriverError,
        http::{Answer, Call, HttpClient},
    },
    model::Clock,
};

/// The way to one account.
pub struct Session {
    /// Paces, bounds and redacts.
    pub http: HttpClient,
    /// Signs.
    pub credentials: Credentials,
    /// Stamps; the signature is as old as this says.
    pub clock: Arc<dyn Clock>,
    /// `v2.8`.
    pub version: String,
}

impl Session {
    /// Reads a resource below `/SMPI/{version}/service/wfbss/api`.
    ///
    /// # Errors
    /// By the answer's status ([`Session::failure`]); `Transient` where the answer is no JSON.
    pub async fn get(&self, resource: &[&str], query: &[(&str, &str)]) -> Result<Value, DriverError> {
        let answer = self.send(Method::GET, resource, query, None).await?;
        if !succeeded(&answer) {
            return Err(self.failure(&answer));
        }
        self.http.json(&answer)
    }

    /// `PUT /policies` to exactly this scope; the only effect this driver can have.
    ///
    /// # Errors
    /// `Ambiguous` where no complete answer came back.
    pub async fn put(
        &self,
        scope: &PutScope,
        body: &Value,
        synchronous: bool,
    ) -> Result<Answer, DriverError> {
        let (cids, gids) = (scope.cids(), scope.gids());
        let mut query = vec![("cids", cids.as_str()), ("gids", gids.as_str()), ("os", scope.os())];
        if synchronous {
            query.push(("sync", "true"));
        }
        self.send(Method::PUT, &["policies"], &query, Some(body)).await
    }

    async fn send(
        &self,
        method: Method,
        resource: &[&str],
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Answer, DriverError> {
        let path: Vec<&str> = ["SMPI", &self.version, "service", "wfbss", "api"]
            .into_iter()
            .chain(resource.iter().copied())
            .collect();
        let sign = |method: &Method, target: &str, body: &[u8]| {
            self.credentials.headers(self.clock.now(), method, target, body)
        };
        let call = Call {
            effect: method != Method::GET,
            method,
            path: &path,
            query,
            headers: HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE))]),
            body: body.map(|body| (Bytes::from(body.to_string()), CONTENT_TYPE)),
            authorise: Some(&sign),
        };
        self.http.send(call).await
    }

    /// What an answer that is no success means (sheet section 8).
    ///
    /// A refusal tells the skew of the clocks where that may be its cause. A 404 means that a customer or group is
    /// not there any more, as far as policies are asked for.
    pub fn failure(&self, answer: &Answer) -> DriverError {
        let mut error = self.http.classify(answer);
        let date = answer.headers.get(header::DATE).and_then(|date| date.to_str().ok());
        let skew = skew(self.clock.now(), date).filter(|_| matches!(answer.status, 401 | 403));
        match (answer.status, skew) {
            (_, Some(words)) => {
                (error.class, error.reason) = (Class::Unauthorized, Reason::Unauthorized);
                error.message = format!("{}; {words}", error.message);
            }
            (404, _) => {
                let why = "the customer's licence has expired, or the customer is unknown or not initialised, \
                           or the group is gone";
                error.reason = Reason::CustomerNotFound;
                error.message = format!("{} ({why})", error.message);
            }
            _ => {}
        }
        error
    }
}

/// Whether the status is a success; the vendor only ever shows 200.
pub fn succeeded(answer: &Answer) -> bool {
    (200..300).contains(&answer.status)
}

/// A refusal of a call that concerns the whole account: there is nobody else to blame but the credentials.
pub fn of_the_account(mut error: DriverError) -> DriverError {
    if error.reason == Reason::Forbidden {
        error.class = Class::Unauthorized;
    }
    error
}
