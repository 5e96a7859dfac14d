//! Faults that only this double plays.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    accounts::Kind,
    console::Changes,
    inner::{Call, Inner},
};

/// A fault that only this double knows.
#[derive(Debug, Clone)]
pub enum Force {
    /// `revokeSession`: tokens die just before the request.
    RevokeSession(Vec<Kind>),
    /// `foreignEdit`: somebody else works in the console just before the request.
    ForeignEdit(Value),
    /// `partialWrite`: the atomicity that section 9 promises is broken, and 500 says so.
    PartialWrite,
    /// `pageAnomaly`: a list is cut wrongly.
    PageAnomaly {
        /// What goes wrong.
        anomaly: Anomaly,
    },
}

/// What can be wrong with a page (F23).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Anomaly {
    /// The page before it comes again.
    Repeat,
    /// Nothing on it.
    Empty,
    /// Its last item is missing.
    Short,
    /// `pageCount` is one too low.
    CountLow,
    /// `pageCount` is one too high.
    CountHigh,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoked {
    #[serde(default = "both")]
    tokens: Vec<Kind>,
}

fn both() -> Vec<Kind> {
    vec![Kind::Session, Kind::KeyManager]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    change: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cut {
    anomaly: Anomaly,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl Force {
    /// Reads a posted fault; `None`: not a kind of this double.
    pub fn parse(kind: &str, settings: Map<String, Value>) -> Option<Result<Self, String>> {
        let settings = Value::Object(settings);
        let parsed = match kind {
            "revokeSession" => {
                serde_json::from_value(settings).map(|Revoked { tokens }| Self::RevokeSession(tokens))
            }
            "foreignEdit" => serde_json::from_value(settings).and_then(|Edit { change }| {
                // Said now, not when it strikes.
                serde_json::from_value::<Changes>(change.clone())?;
                Ok(Self::ForeignEdit(change))
            }),
            "partialWrite" => serde_json::from_value(settings).map(|Nothing {}| Self::PartialWrite),
            "pageAnomaly" => {
                serde_json::from_value(settings).map(|Cut { anomaly }| Self::PageAnomaly { anomaly })
            }
            _ => return None,
        };
        Some(parsed.map_err(|error| format!("fault {kind}: {error}")))
    }
}

impl Inner {
    /// The first fault of the wanted kind that strikes this call; counts it as played.
    pub fn force<T>(&mut self, call: &Call, wanted: impl Fn(&Force) -> Option<T>) -> Option<T> {
        let struck = self.forced.iter_mut().find_map(|(when, force)| {
            let found = wanted(force)?;
            when.strikes(&call.method, &call.uri).then_some(found)
        });
        self.forced.retain(|(when, _)| !when.is_spent());
        struck
    }
}
