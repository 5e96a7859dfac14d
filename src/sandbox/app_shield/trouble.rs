//! Faults only this double can play (section 11, interfaces of the control port).

use http::{Method, Uri};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::sandbox::faults::When;

/// How much of a save is stored, whatever is answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stored {
    /// Everything.
    #[default]
    All,
    /// Name, description and `isActive`; the old lists stay.
    Scalars,
    /// Nothing.
    Nothing,
}

/// An `ErrorCode` in an answer with HTTP 200 (section 7).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorCode {
    /// An integer, a string or null.
    pub code: Value,
    #[serde(default)]
    pub message: String,
    /// Whether the call is carried out all the same.
    #[serde(default)]
    pub effect: bool,
}

/// A fault of this double.
#[derive(Debug, Clone, PartialEq)]
pub enum Force {
    /// `revokeSession`: just before the request nobody is logged in any more.
    RevokeSession,
    /// `errorCode`: the call answers with a code.
    ErrorCode(ErrorCode),
    /// `partialWrite`: a save is answered in full and stored in part.
    PartialWrite(Stored),
    /// `sourceAddress`: the request seems to come from another network location (3.2).
    SourceAddress(String),
    /// `reorderKeys`: the members of objects come in another order.
    ReorderKeys,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PartialWrite {
    stored: Stored,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceAddress {
    address: String,
}

impl Force {
    /// As spelled in `kind`.
    fn name(&self) -> &'static str {
        match self {
            Self::RevokeSession => "revokeSession",
            Self::ErrorCode(_) => "errorCode",
            Self::PartialWrite(_) => "partialWrite",
            Self::SourceAddress(_) => "sourceAddress",
            Self::ReorderKeys => "reorderKeys",
        }
    }

    /// Reads a posted fault with its match; `None`: not a kind of this double.
    pub fn parse(kind: &str, spec: &Value) -> Option<Result<(When, Self), String>> {
        let mut settings = spec.as_object().cloned().unwrap_or_default();
        settings.remove("kind");
        let when = When::take_from(&mut settings);
        let force = Self::of(kind, settings)?;
        Some(when.and_then(|when| Ok((once_if_revoking(when, kind), force?))))
    }

    fn of(kind: &str, settings: Map<String, Value>) -> Option<Result<Self, String>> {
        let bare = settings.is_empty();
        let settings = Value::Object(settings);
        let parsed = match kind {
            "revokeSession" if bare => Ok(Self::RevokeSession),
            "reorderKeys" if bare => Ok(Self::ReorderKeys),
            "revokeSession" | "reorderKeys" => {
                return Some(Err(format!("fault {kind} has no settings of its own")));
            }
            "errorCode" => match serde_json::from_value::<ErrorCode>(settings) {
                Ok(ErrorCode { code: Value::Bool(_) | Value::Array(_) | Value::Object(_), .. }) => {
                    return Some(Err("fault errorCode: code is an integer, a string or null".to_owned()));
                }
                parsed => parsed.map(Self::ErrorCode),
            },
            "partialWrite" => {
                serde_json::from_value(settings).map(|it: PartialWrite| Self::PartialWrite(it.stored))
            }
            "sourceAddress" => {
                serde_json::from_value(settings).map(|it: SourceAddress| Self::SourceAddress(it.address))
            }
            _ => return None,
        };
        Some(parsed.map_err(|error| format!("fault {kind}: {error}")))
    }
}

/// A session that dies at every request could never be opened anew: once, unless told otherwise.
fn once_if_revoking(mut when: When, kind: &str) -> When {
    if kind == "revokeSession" {
        when.times = when.times.or(Some(1));
    }
    when
}

/// What strikes one request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Struck {
    pub revoked: bool,
    pub error: Option<ErrorCode>,
    pub stored: Stored,
    pub address: Option<String>,
    pub reordered: bool,
}

/// Takes what strikes this request; of one kind the last posted decides.
pub fn strike(waiting: &mut Vec<(When, Force)>, method: &Method, uri: &Uri) -> Struck {
    let mut struck = Struck::default();
    for (when, force) in waiting.iter_mut() {
        if !when.strikes(method, uri) {
            continue;
        }
        match force {
            Force::RevokeSession => struck.revoked = true,
            Force::ErrorCode(error) => struck.error = Some(error.clone()),
            Force::PartialWrite(stored) => struck.stored = *stored,
            Force::SourceAddress(address) => struck.address = Some(address.clone()),
            Force::ReorderKeys => struck.reordered = true,
        }
    }
    waiting.retain(|(when, _)| !when.is_spent());
    struck
}

/// The waiting faults for `state()`.
pub fn show(waiting: &[(When, Force)]) -> Value {
    waiting.iter().map(|(when, force)| json!({"kind": force.name(), "when": when})).collect()
}
