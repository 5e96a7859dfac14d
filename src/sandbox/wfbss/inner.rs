//! One partner's side of the API behind its lock: who is asked what, and what was forced on it.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    answer::{Answer, Failure},
    estate::Estate,
    options::WfbssOptions,
    query::{Page, Query},
    routes,
    signature::{self, Keys, Signed, Strictness},
    tasks::{Forced, Tasks},
    write::Write,
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
    /// The segment behind `/SMPI/`, empty if there is none.
    pub version: String,
    /// What follows `/service/wfbss/api/`.
    pub resource: String,
    /// The server's wall clock.
    pub now: Timestamp,
    /// The monotonic clock.
    pub elapsed: Duration,
    /// The parsed query; empty before [`Inner::handle`] has parsed it.
    pub query: Query,
}

/// Everything that changes.
pub struct Inner {
    /// The switches.
    pub options: WfbssOptions,
    /// The partner's customers.
    pub estate: Estate,
    /// Asynchronous work.
    pub tasks: Tasks,
    /// The key pair that is accepted.
    pub keys: Keys,
    /// Accepted writes and commands without `cids` (row 5): a client never sends any.
    pub unscoped_writes: u64,
    /// Accepted writes of policies without `gids`.
    pub ungrouped_writes: u64,
    /// Faults that only this double knows.
    pub forced: Vec<(When, Force)>,
    /// When the requests of the last minute came.
    pub recent: VecDeque<Duration>,
}

/// A fault that only this double knows.
#[derive(Debug, Clone)]
pub enum Force {
    /// `taskOutcome`: how the next task ends.
    TaskOutcome(Forced),
    /// `partialWrite`: a write reaches its first customers only.
    PartialWrite(PartialWrite),
    /// `pageAnomaly`: a list is cut wrongly.
    PageAnomaly(PageAnomaly),
    /// `revokeSession`: the key pair is refused.
    RevokeSession,
}

/// Settings of the fault `partialWrite`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartialWrite {
    /// How many customers are written.
    pub reach: usize,
    /// The answer's status; absent: as if all went well.
    #[serde(default)]
    pub status: Option<u16>,
}

/// Settings of the fault `pageAnomaly`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageAnomaly {
    /// What goes wrong.
    pub anomaly: Anomaly,
}

/// What can be wrong with a page (F23).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Anomaly {
    /// The page before it comes again.
    Repeat,
    /// Nothing on it.
    Empty,
    /// Its last record is missing.
    Short,
    /// `total` is one too low.
    TotalLow,
    /// `total` is one too high.
    TotalHigh,
}

impl Force {
    /// Reads a posted fault; `None`: not a kind of this double.
    pub fn parse(kind: &str, settings: Map<String, Value>) -> Option<Result<Self, String>> {
        let settings = Value::Object(settings);
        let parsed = match kind {
            "taskOutcome" => serde_json::from_value(settings).map(Self::TaskOutcome),
            "partialWrite" => serde_json::from_value(settings).map(Self::PartialWrite),
            "pageAnomaly" => serde_json::from_value(settings).map(Self::PageAnomaly),
            "revokeSession" if settings == json!({}) => Ok(Self::RevokeSession),
            "revokeSession" => return Some(Err("fault revokeSession has no settings of its own".to_owned())),
            _ => return None,
        };
        Some(parsed.map_err(|error| format!("fault {kind}: {error}")))
    }
}

impl Inner {
    /// Answers a request.
    ///
    /// # Errors
    /// The refusal to send.
    pub fn handle(&mut self, call: &mut Call) -> Result<Answer, Failure> {
        self.settle(call.now, call.elapsed);
        self.limit(call.elapsed)?;
        self.authenticate(call)?;
        if !self.options.versions.contains(&call.version) {
            return Err(Failure::not_found(
                "UnknownVersion",
                format!("version {:?} is not served", call.version),
            ));
        }
        let handler = routes::find(&call.method, &call.resource)?;
        call.query = Query::parse(call.uri.query().unwrap_or_default())?;
        handler(self, call)
    }

    /// Does the work that has fallen due.
    pub fn settle(&mut self, now: Timestamp, elapsed: Duration) {
        for write in self.tasks.settle(elapsed) {
            write.perform(&mut self.estate, &self.options, now);
        }
    }

    fn limit(&mut self, elapsed: Duration) -> Result<(), Failure> {
        while self.recent.front().is_some_and(|first| *first + MINUTE <= elapsed) {
            self.recent.pop_front();
        }
        let Some(limit) = self.options.requests_per_minute else { return Ok(()) };
        if self.recent.len() >= limit as usize {
            let message = format!("more than {limit} requests a minute");
            let mut failure = Failure::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message);
            failure.retry_after.clone_from(&self.options.retry_after);
            return Err(failure);
        }
        self.recent.push_back(elapsed);
        Ok(())
    }

    fn authenticate(&mut self, call: &Call) -> Result<(), Failure> {
        let status =
            StatusCode::from_u16(self.options.auth_failure_status).unwrap_or(StatusCode::UNAUTHORIZED);
        if self.force(call, |force| matches!(force, Force::RevokeSession).then_some(())).is_some() {
            return Err(Failure::new(status, "KeyRevoked", "the key pair is revoked"));
        }
        let target = call.uri.path_and_query().map_or("", |target| target.as_str());
        let signed = Signed { method: &call.method, target, headers: &call.headers, body: &call.body };
        let strictness = Strictness { now: call.now.as_second(), skew: self.options.skew_secs, status };
        signature::verify(&signed, &self.keys, strictness)
    }

    /// The first fault of the wanted kind that strikes this call; counts it as played.
    pub fn force<T>(&mut self, call: &Call, wanted: impl Fn(&Force) -> Option<T>) -> Option<T> {
        let struck = self.forced.iter_mut().find_map(|(when, force)| {
            let found = wanted(force)?;
            when.strikes(&call.method, &call.uri).then_some(found)
        });
        self.forced.retain(|(when, _)| !when.is_spent());
        struck
    }

    /// The wanted slice of a list and its `paging` (section 4.4).
    pub fn page<T>(&mut self, call: &Call, records: Vec<T>, page: Page) -> (Vec<T>, Value) {
        let anomaly = self.force(call, |force| match force {
            Force::PageAnomaly(PageAnomaly { anomaly }) => Some(*anomaly),
            _ => None,
        });
        let total = match anomaly {
            Some(Anomaly::TotalLow) => records.len().saturating_sub(1),
            Some(Anomaly::TotalHigh) => records.len() + 1,
            _ => records.len(),
        };
        let number = if anomaly == Some(Anomaly::Repeat) { page.number.max(2) - 1 } else { page.number };
        let skipped = (number - 1).saturating_mul(page.limit);
        let mut slice: Vec<T> = records.into_iter().skip(skipped).take(page.limit).collect();
        match anomaly {
            Some(Anomaly::Empty) => slice.clear(),
            Some(Anomaly::Short) => slice.truncate(slice.len().saturating_sub(1)),
            _ => {}
        }
        (slice, json!({"total": total, "limit": page.limit, "page": page.number}))
    }

    /// Takes an accepted write on: at once, or as a task.
    ///
    /// # Errors
    /// The status that a `partialWrite` fault asks for, after its part of the effect.
    pub fn take(&mut self, call: &Call, write: Write, sync: bool) -> Result<Answer, Failure> {
        let partial = self.force(call, |force| match force {
            Force::PartialWrite(partial) => Some(*partial),
            _ => None,
        });
        let write = match partial {
            Some(partial) => write.cut(partial.reach),
            None => write,
        };
        let answer = if sync {
            let at = call.elapsed + Duration::from_millis(self.options.sync_effect_after_ms);
            self.tasks.defer(write, at);
            self.settle(call.now, call.elapsed);
            Answer::Empty
        } else {
            self.start_task(call, Some(write))
        };
        match partial.and_then(|partial| partial.status).and_then(|status| StatusCode::from_u16(status).ok())
        {
            Some(status) => {
                Err(Failure::new(status, "PartialFailure", "some customers could not be written"))
            }
            None => Ok(answer),
        }
    }

    /// Begins a task, with work or without.
    pub fn start_task(&mut self, call: &Call, write: Option<Write>) -> Answer {
        let forced = self.force(call, |force| match force {
            Force::TaskOutcome(forced) => Some(forced.clone()),
            _ => None,
        });
        let forced = forced.unwrap_or(Forced::SUCCESS);
        Answer::Json(self.tasks.start(write, &forced, &self.options, call.elapsed))
    }
}
