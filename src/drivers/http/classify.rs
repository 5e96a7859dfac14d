//! From an answer to what it means, where a vendor has no rule of its own.

use serde::de::DeserializeOwned;

use super::{Answer, HttpClient};
use crate::{
    api::conditions::Reason,
    drivers::error::{Class, DriverError},
};

impl HttpClient {
    /// The error a failed answer means by its status alone, with an excerpt of its body.
    ///
    /// An effect call answered 500, 502 or 504 may have had its effect: `Ambiguous`.
    pub fn classify(&self, answer: &Answer) -> DriverError {
        let asked = self.asked_to_wait(answer);
        let (class, reason) = match answer.status {
            401 => (Class::Unauthorized, Reason::Unauthorized),
            429 => (Class::Throttled { after: asked }, Reason::Throttled),
            403 | 503 if asked.is_some() => (Class::Throttled { after: asked }, Reason::Throttled),
            403 => (Class::Rejected, Reason::Forbidden),
            404 | 410 => (Class::Gone, Reason::ExternalObjectGone),
            409 | 412 => (Class::Conflict, Reason::Conflict),
            408 | 500 | 502 | 504 if answer.effect => (Class::Ambiguous, Reason::Unreachable),
            408 | 425 | 500..=599 => (Class::Transient, Reason::Unreachable),
            400..=499 => (Class::Rejected, Reason::Rejected),
            _ => (garbled(answer), Reason::UnexpectedAnswer),
        };
        DriverError::new(class, reason, self.told(answer))
    }

    /// `<call> answered <status>: <excerpt>`.
    pub fn told(&self, answer: &Answer) -> String {
        let excerpt = self.excerpt(&answer.body);
        let (call, status) = (&answer.call, answer.status);
        if excerpt.is_empty() {
            format!("{call} answered {status} without a body")
        } else {
            format!("{call} answered {status}: {excerpt}")
        }
    }

    /// The body as JSON, nested at most 128 deep.
    ///
    /// # Errors
    /// `Transient` (`Ambiguous` after an effect) for HTML, text, cut or otherwise unexpected bodies.
    pub fn json<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, DriverError> {
        let body = answer.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&answer.body);
        serde_json::from_slice(body).map_err(|error| {
            let problem = match looks_like(body) {
                Looks::Empty => "nothing instead of JSON".to_owned(),
                Looks::Markup => "markup instead of JSON (a proxy, a login page or a wrong url?)".to_owned(),
                // The position is enough: the text of a type error may quote the value.
                Looks::Other => {
                    format!("JSON that is not understood at line {}, column {}", error.line(), error.column())
                }
            };
            let message = format!("{} answered {problem}: {}", answer.call, self.excerpt(body));
            DriverError::new(garbled(answer), Reason::UnexpectedAnswer, message)
        })
    }
}

/// An answer that cannot be read proves nothing, but an effect may have happened.
fn garbled(answer: &Answer) -> Class {
    if answer.effect { Class::Ambiguous } else { Class::Transient }
}

enum Looks {
    Empty,
    Markup,
    Other,
}

fn looks_like(body: &[u8]) -> Looks {
    match body.iter().find(|b| !b.is_ascii_whitespace()) {
        None => Looks::Empty,
        Some(b'<') => Looks::Markup,
        Some(_) => Looks::Other,
    }
}
