//! What can go wrong between a client and any HTTP API, on demand.
//!
//! A fault is posted with a match and a number of times; it is played on the next requests that
//! match, in the order of posting. Delays add up and let the search go on; of all other kinds the
//! first match decides. Kinds that only one double knows go to [`Double::fault`](super::Double).

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use http::{Method, Uri};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// The kinds every double plays, as spelled in `kind`.
pub const KINDS: [&str; 11] = [
    "status",
    "html",
    "redirect",
    "endless",
    "gzipBomb",
    "delay",
    "dropBefore",
    "dropAfter",
    "truncate",
    "slow",
    "rewrite",
];

/// One kind of fault with its own settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Kind {
    /// Another answer than the real one. `effect`: whether the request is carried out all the same.
    Status {
        /// 200 to 599.
        code: u16,
        /// The `Retry-After` header, whatever text (F27).
        #[serde(default, deserialize_with = "text")]
        retry_after: Option<String>,
        /// Sent as it is if text, else as JSON.
        #[serde(default)]
        body: Option<Value>,
        /// Default false.
        #[serde(default)]
        effect: bool,
    },
    /// A web page where JSON is expected (F29).
    Html {
        /// Default 200.
        #[serde(default = "ok")]
        code: u16,
        /// Default false.
        #[serde(default)]
        effect: bool,
    },
    /// Sends the client elsewhere (F37).
    Redirect {
        /// The `Location` header.
        location: String,
        /// Default 302.
        #[serde(default = "found")]
        code: u16,
        /// Default false.
        #[serde(default)]
        effect: bool,
    },
    /// A body that never ends: 64 KiB each millisecond (F37).
    Endless {
        /// Default false.
        #[serde(default)]
        effect: bool,
    },
    /// A small gzip body that inflates without measure (F37).
    GzipBomb {
        /// Size once inflated, in MiB, default 1024.
        #[serde(default = "gibibyte")]
        megabytes: u32,
        /// Default false.
        #[serde(default)]
        effect: bool,
    },
    /// The request waits before it is handled, or its answer afterwards: a time-out after the effect.
    Delay {
        /// Milliseconds.
        ms: u64,
        /// True: the answer waits. Default false.
        #[serde(default)]
        after: bool,
    },
    /// The connection is closed before the request has any effect.
    DropBefore {},
    /// The request is carried out, the connection closed without an answer (F20).
    DropAfter {},
    /// The real answer, cut.
    Truncate {
        /// How much of the body is sent; default half.
        #[serde(default)]
        bytes: Option<usize>,
        /// True: a whole HTTP message with half a document; false (default): the connection breaks off.
        #[serde(default)]
        clean: bool,
    },
    /// The real answer, byte by byte (F37).
    Slow {
        /// Milliseconds between two bytes, default 1000.
        #[serde(default = "second")]
        ms: u64,
    },
    /// The real JSON answer with members set or removed (F23, F29: schema drift, page anomalies).
    Rewrite {
        /// JSON pointer → value. The parent must exist in the answer, else the entry does nothing.
        #[serde(default)]
        set: BTreeMap<String, Value>,
        /// JSON pointers.
        #[serde(default)]
        remove: Vec<String>,
    },
}

impl Kind {
    /// As spelled in `kind`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::Html { .. } => "html",
            Self::Redirect { .. } => "redirect",
            Self::Endless { .. } => "endless",
            Self::GzipBomb { .. } => "gzipBomb",
            Self::Delay { .. } => "delay",
            Self::DropBefore {} => "dropBefore",
            Self::DropAfter {} => "dropAfter",
            Self::Truncate { .. } => "truncate",
            Self::Slow { .. } => "slow",
            Self::Rewrite { .. } => "rewrite",
        }
    }

    /// Whether the real handler runs.
    pub(super) fn has_effect(&self) -> bool {
        match self {
            Self::Status { effect, .. }
            | Self::Html { effect, .. }
            | Self::Redirect { effect, .. }
            | Self::Endless { effect }
            | Self::GzipBomb { effect, .. } => *effect,
            Self::DropBefore {} => false,
            _ => true,
        }
    }

    fn check(&self) -> Result<(), String> {
        match self {
            Self::Status { code, .. } | Self::Html { code, .. } | Self::Redirect { code, .. }
                if !(200..600).contains(code) =>
            {
                Err(format!("code is {code}, allowed are 200 to 599"))
            }
            Self::Status { retry_after: Some(text), .. } | Self::Redirect { location: text, .. }
                if http::HeaderValue::from_str(text).is_err() =>
            {
                Err(format!("{text:?} cannot be sent in a header"))
            }
            _ => Ok(()),
        }
    }
}

/// Which requests a fault is for; everything left out matches.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Match {
    /// Any case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// A part of the path, not decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// A part of the query, not decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
}

impl Match {
    /// Whether a request is meant.
    pub fn matches(&self, method: &Method, uri: &Uri) -> bool {
        let part =
            |wanted: &Option<String>, text: &str| wanted.as_ref().is_none_or(|w| text.contains(w.as_str()));
        self.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method.as_str()))
            && part(&self.path, uri.path())
            && part(&self.query, uri.query().unwrap_or_default())
    }
}

/// When a fault strikes: on which requests, after how many of them, how often.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// Which requests.
    #[serde(rename = "match")]
    pub matching: Match,
    /// How many matching requests pass unharmed first.
    pub skip: u32,
    /// How many requests are struck; `null` or absent: all until the faults are deleted.
    pub times: Option<u32>,
}

impl When {
    /// Takes `match`, `skip` and `times` out of a posted fault.
    ///
    /// # Errors
    /// A sentence about the member that is wrong.
    pub fn take_from(spec: &mut Map<String, Value>) -> Result<Self, String> {
        let own: Map<_, _> =
            ["match", "skip", "times"].iter().filter_map(|name| spec.remove_entry(*name)).collect();
        serde_json::from_value(Value::Object(own)).map_err(|error| format!("match, skip or times: {error}"))
    }

    /// Whether it strikes this request; counts if so.
    pub fn strikes(&mut self, method: &Method, uri: &Uri) -> bool {
        if self.is_spent() || !self.matching.matches(method, uri) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.times = self.times.map(|left| left - 1);
        true
    }

    /// Whether it never strikes again.
    pub fn is_spent(&self) -> bool {
        self.times == Some(0)
    }
}

/// Why a fault was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// Not one of [`KINDS`]; perhaps the double knows it.
    #[error("fault kind {0:?} is unknown; known are {known}", known = KINDS.join(", "))]
    UnknownKind(String),
    /// A sentence about what is wrong with it.
    #[error("{0}")]
    Invalid(String),
}

#[derive(Debug, Clone, Serialize)]
struct Fault {
    #[serde(flatten)]
    kind: Kind,
    #[serde(flatten)]
    when: When,
}

/// The HTTP-level faults waiting for their requests.
#[derive(Default)]
pub struct Faults {
    waiting: Mutex<Vec<Fault>>,
}

impl Faults {
    /// Adds a fault as posted: `{"kind": "status", "code": 429, "match": {…}, "times": 2}`.
    ///
    /// # Errors
    /// [`FaultError`] says whether the kind is unknown or a member is wrong; nothing is added then.
    pub fn add(&self, spec: &Value) -> Result<(), FaultError> {
        let kind = kind_of(spec)?;
        if !KINDS.contains(&kind) {
            return Err(FaultError::UnknownKind(kind.to_owned()));
        }
        let mut own = spec.as_object().cloned().unwrap_or_default();
        let when = When::take_from(&mut own).map_err(FaultError::Invalid)?;
        let parsed: Kind = serde_json::from_value(Value::Object(own))
            .map_err(|error| FaultError::Invalid(format!("fault {kind}: {error}")))?;
        parsed.check().map_err(|problem| FaultError::Invalid(format!("fault {kind}: {problem}")))?;
        self.lock().push(Fault { kind: parsed, when });
        Ok(())
    }

    /// Back to none.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// What is still waiting, as it would be posted.
    pub fn list(&self) -> Value {
        serde_json::to_value(&*self.lock()).unwrap_or_default()
    }

    /// The faults to play on this request, delays first; counts them as played.
    pub(super) fn strike(&self, method: &Method, uri: &Uri) -> Vec<Kind> {
        let mut waiting = self.lock();
        let (mut delays, mut decisive) = (Vec::new(), None);
        for fault in waiting.iter_mut() {
            let is_delay = matches!(fault.kind, Kind::Delay { .. });
            if (is_delay || decisive.is_none()) && fault.when.strikes(method, uri) {
                if is_delay {
                    delays.push(fault.kind.clone());
                } else {
                    decisive = Some(fault.kind.clone());
                }
            }
        }
        waiting.retain(|fault| !fault.when.is_spent());
        delays.extend(decisive);
        delays
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The `kind` of a posted fault.
///
/// # Errors
/// [`FaultError::Invalid`] if there is none.
pub fn kind_of(spec: &Value) -> Result<&str, FaultError> {
    spec.get("kind").and_then(Value::as_str).ok_or_else(|| {
        FaultError::Invalid(format!(
            "a fault is an object with a kind, one of {}, or one of the double's",
            KINDS.join(", ")
        ))
    })
}

fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    })
}

fn ok() -> u16 {
    200
}

fn found() -> u16 {
    302
}

fn gibibyte() -> u32 {
    1024
}

fn second() -> u64 {
    1000
}

#[cfg(test)]
mod tests;
