//! Every request a double saw, numbered, so that tests can assert what was and was **never** sent.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::request::Parts;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::redact;
use crate::model::Clock;

/// How many requests are kept; the oldest go first, numbers are never reused.
const CAPACITY: usize = 200_000;

/// One request, as it came over the wire, without its credentials.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// Counts from 1, without gaps, in order of arrival.
    pub seq: u64,
    /// When it arrived, by the sandbox's clock.
    pub time: Timestamp,
    /// Upper case.
    pub method: String,
    /// Without the query, not decoded.
    pub path: String,
    /// As sent, not decoded, without `?`; credential-like values cut.
    pub query: String,
    /// JSON where it parses as such, else text; `null` if there was none. Credential-like values cut.
    pub body: Value,
    /// `null` while unanswered, and for ever if the connection was closed instead.
    pub status: Option<u16>,
    /// The kinds of the faults played on it.
    pub faults: Vec<&'static str>,
}

/// The numbered log of one double. Cheap to share.
#[derive(Clone)]
pub struct Recorder {
    clock: Arc<dyn Clock>,
    log: Arc<Mutex<Log>>,
}

#[derive(Default)]
struct Log {
    last: u64,
    entries: VecDeque<Seen>,
}

impl Recorder {
    /// An empty log.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, log: Arc::default() }
    }

    /// The number of the newest request, 0 before the first. Pass it to [`Self::since`] later.
    pub fn last_seq(&self) -> u64 {
        self.lock().last
    }

    /// The requests with a number greater than `seq`, oldest first.
    pub fn since(&self, seq: u64) -> Vec<Seen> {
        self.lock().entries.iter().filter(|seen| seen.seq > seq).cloned().collect()
    }

    /// Writes down a request and gives it its number.
    pub(super) fn arrived(&self, parts: &Parts, body: &[u8]) -> u64 {
        let content_type = parts.headers.get(http::header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
        let mut seen = Seen {
            seq: 0,
            time: self.clock.now(),
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: redact::form(parts.uri.query().unwrap_or_default()),
            body: redact::body(content_type.unwrap_or_default(), body),
            status: None,
            faults: Vec::new(),
        };
        let mut log = self.lock();
        log.last += 1;
        seen.seq = log.last;
        if log.entries.len() == CAPACITY {
            log.entries.pop_front();
        }
        log.entries.push_back(seen);
        log.last
    }

    /// Notes the faults that are about to be played on request `seq`.
    pub(super) fn faulted(&self, seq: u64, kinds: Vec<&'static str>) {
        self.update(seq, |seen| seen.faults = kinds);
    }

    /// Notes how request `seq` was answered.
    pub(super) fn answered(&self, seq: u64, status: u16) {
        self.update(seq, |seen| seen.status = Some(status));
    }

    fn update(&self, seq: u64, change: impl FnOnce(&mut Seen)) {
        // Searched from the newest: what is updated has just arrived.
        if let Some(seen) = self.lock().entries.iter_mut().rev().find(|seen| seen.seq == seq) {
            change(seen);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use http::Request;

    use super::*;
    use crate::model::SystemClock;

    fn parts(uri: &str) -> Parts {
        Request::put(uri).body(()).unwrap().into_parts().0
    }

    #[test]
    fn numbers_grow_and_since_leaves_out_what_was_seen() {
        let recorder = Recorder::new(Arc::new(SystemClock::new()));
        assert_eq!(recorder.last_seq(), 0);
        let first = recorder.arrived(&parts("/a?x=1&token=t"), b"");
        let second = recorder.arrived(&parts("/b"), br#"{"k":1}"#);
        recorder.answered(second, 204);
        recorder.faulted(first, vec!["dropBefore"]);

        let all = recorder.since(0);
        assert_eq!((first, second, all.len()), (1, 2, 2));
        assert_eq!((all[0].query.as_str(), all[0].status), ("x=1&token=***", None));
        assert_eq!(all[0].faults, ["dropBefore"]);
        assert_eq!((all[1].status, &all[1].body["k"]), (Some(204), &Value::from(1)));
        assert_eq!(recorder.since(first).len(), 1);
    }
}
