//! One pod with its key manager and Agent behind their lock: who is asked what.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use url::form_urlencoded;

use super::{
    accounts::{Accounts, Kind},
    agent,
    answer::{Answer, Failure},
    console,
    estate::{Estate, Hand},
    force::Force,
    login,
    options::{Generation, SymphonyOptions},
    version::Version,
};
use crate::sandbox::faults::When;

const MINUTE: Duration = Duration::from_mins(1);

/// A request with the time it came in.
pub struct Call {
    /// The method.
    pub method: Method,
    /// As on the wire.
    pub uri: Uri,
    /// As on the wire.
    pub headers: HeaderMap,
    /// As on the wire.
    pub body: Bytes,
    /// The segments of the path, decoded.
    pub path: Vec<String>,
    /// The query, decoded; of a parameter given twice the last counts.
    pub query: BTreeMap<String, String>,
    /// The server's wall clock.
    pub now: Timestamp,
    /// The monotonic clock.
    pub elapsed: Duration,
    /// Whose words the path speaks; known once routed.
    pub generation: Generation,
    /// The id in the path; known once routed.
    pub id: String,
    /// The caller's number; known once authenticated.
    pub user: i64,
}

impl Call {
    /// A request before it is routed.
    pub fn new(parts: http::request::Parts, body: Bytes, now: Timestamp, elapsed: Duration) -> Self {
        let decode = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().into_owned();
        let query = parts.uri.query().unwrap_or_default();
        Self {
            path: parts.uri.path().split('/').filter(|one| !one.is_empty()).map(decode).collect(),
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            body,
            now,
            elapsed,
            generation: Generation::V1,
            id: String::new(),
            user: 0,
        }
    }

    /// The token of a kind, if one was sent.
    pub fn token(&self, kind: Kind) -> Option<&str> {
        self.headers.get(kind.header()).and_then(|value| value.to_str().ok())
    }

    /// A version in the query; absent is the newest.
    ///
    /// # Errors
    /// 400 for what is no version.
    pub fn version(&self, name: &str) -> Result<Option<Version>, Failure> {
        let text = self.query.get(name).filter(|text| !text.is_empty());
        text.map(|text| text.parse()).transpose().map_err(Failure::malformed)
    }

    /// The caller, now.
    pub fn hand(&self) -> Hand {
        Hand { user: self.user, now: self.now, elapsed: self.elapsed }
    }
}

/// Everything that changes.
pub struct Inner {
    /// The switches.
    pub options: SymphonyOptions,
    /// Policies and dictionaries.
    pub estate: Estate,
    /// Who may log in, and who has.
    pub accounts: Accounts,
    /// Faults that only this double knows.
    pub forced: Vec<(When, Force)>,
    /// When the requests of the last minute came.
    pub recent: VecDeque<Duration>,
}

impl Inner {
    /// Answers a request.
    ///
    /// # Errors
    /// The refusal to send.
    pub fn handle(&mut self, call: &mut Call) -> Result<Answer, Failure> {
        self.limit(call.elapsed)?;
        self.strike(call);
        if !self.options.context_prefix.is_empty() {
            let missing = call.path.first() != Some(&self.options.context_prefix);
            if missing {
                return Err(Failure::new(StatusCode::NOT_FOUND, "there is nothing here"));
            }
            call.path.remove(0);
        }
        match login::answer(self, call) {
            Some(answer) => answer,
            None => agent::answer(self, call),
        }
    }

    /// Thresholds are not public (section 10); none is the default.
    fn limit(&mut self, elapsed: Duration) -> Result<(), Failure> {
        while self.recent.front().is_some_and(|first| *first + MINUTE <= elapsed) {
            self.recent.pop_front();
        }
        let Some(limit) = self.options.requests_per_minute else { return Ok(()) };
        if self.recent.len() >= limit as usize {
            let message = format!("more than {limit} requests a minute");
            let mut failure = Failure::new(StatusCode::TOO_MANY_REQUESTS, message);
            failure.retry_after.clone_from(&self.options.retry_after);
            return Err(failure);
        }
        self.recent.push_back(elapsed);
        Ok(())
    }

    /// What happens just before the request: sessions die, others edit.
    fn strike(&mut self, call: &Call) {
        let revoked = self.force(call, |force| match force {
            Force::RevokeSession(kinds) => Some(kinds.clone()),
            _ => None,
        });
        self.accounts.revoke(&revoked.unwrap_or_default());
        let edit = self.force(call, |force| match force {
            Force::ForeignEdit(change) => Some(change.clone()),
            _ => None,
        });
        if let Some(change) = edit {
            if let Err(problem) = console::patch(self, change, call.now, call.elapsed) {
                tracing::warn!(%problem, "a foreignEdit could not be made");
            }
        }
    }

    /// How long lists do not show what was just made.
    pub fn new_delay(&self) -> Duration {
        Duration::from_millis(self.options.new_visible_after_ms)
    }
}
