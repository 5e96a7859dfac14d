//! Faults that only this double plays.

use std::collections::BTreeSet;

use http::{Method, Uri};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{changes::Changes, people::PERMISSIONS};
use crate::sandbox::faults::When;

/// What can be wrong with a page of a search (F23).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Anomaly {
    /// The page before it comes again.
    Repeat,
    /// Nothing on it.
    Empty,
    /// Its last item is missing.
    Short,
    /// `TotalCount` is one too low.
    CountLow,
    /// `TotalCount` is one too high.
    CountHigh,
}

/// A fault that only this double knows.
#[derive(Debug, Clone, PartialEq)]
pub enum Force {
    /// `revokeSession`: all tokens die just before the request.
    RevokeSession,
    /// `consumerDisabled`: the caller's consumer is not enabled.
    ConsumerDisabled,
    /// `permissionRemoved`: the caller lacks it.
    PermissionRemoved(String),
    /// `hideGroups`: the caller does not see them.
    HideGroups(BTreeSet<String>),
    /// `foreignEdit`: somebody else works in the console just before the request.
    ForeignEdit(Value),
    /// `partialWrite`: of several things to write the first is written, and 500 says so.
    PartialWrite,
    /// `deploymentLost`: a deployment is answered well, and does not happen.
    DeploymentLost,
    /// `pageAnomaly`: a page of a search is cut wrongly.
    PageAnomaly(Anomaly),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Permission {
    permission: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Groups {
    groups: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ForeignEdit {
    change: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PageAnomaly {
    anomaly: Anomaly,
}

impl Force {
    /// As spelled in `kind`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RevokeSession => "revokeSession",
            Self::ConsumerDisabled => "consumerDisabled",
            Self::PermissionRemoved(_) => "permissionRemoved",
            Self::HideGroups(_) => "hideGroups",
            Self::ForeignEdit(_) => "foreignEdit",
            Self::PartialWrite => "partialWrite",
            Self::DeploymentLost => "deploymentLost",
            Self::PageAnomaly(_) => "pageAnomaly",
        }
    }

    /// Reads a posted fault; `None`: not a kind of this double.
    pub fn parse(kind: &str, settings: Map<String, Value>) -> Option<Result<Self, String>> {
        let settings = Value::Object(settings);
        let bare = |force: Self, settings| serde_json::from_value(settings).map(|Nothing {}| force);
        let parsed = match kind {
            "revokeSession" => bare(Self::RevokeSession, settings),
            "consumerDisabled" => bare(Self::ConsumerDisabled, settings),
            "partialWrite" => bare(Self::PartialWrite, settings),
            "deploymentLost" => bare(Self::DeploymentLost, settings),
            "permissionRemoved" => match serde_json::from_value(settings) {
                Ok(Permission { permission }) => return Some(known(permission)),
                Err(error) => Err(error),
            },
            "hideGroups" => {
                serde_json::from_value(settings).map(|Groups { groups }| Self::HideGroups(groups))
            }
            "foreignEdit" => serde_json::from_value(settings).and_then(|ForeignEdit { change }| {
                // Said now, not when it strikes.
                serde_json::from_value::<Changes>(change.clone())?;
                Ok(Self::ForeignEdit(change))
            }),
            "pageAnomaly" => {
                serde_json::from_value(settings).map(|PageAnomaly { anomaly }| Self::PageAnomaly(anomaly))
            }
            _ => return None,
        };
        Some(parsed.map_err(|error| format!("fault {kind}: {error}")))
    }
}

fn known(permission: String) -> Result<Force, String> {
    if PERMISSIONS.contains(&permission.as_str()) {
        return Ok(Force::PermissionRemoved(permission));
    }
    Err(format!(
        "fault permissionRemoved: permission is {permission:?}, allowed are {}",
        PERMISSIONS.join(", ")
    ))
}

/// Takes what strikes this request, and counts it as played. A `partialWrite` and the like wait for
/// the requests their match names, so a fault without one is for every request.
pub fn strike(waiting: &mut Vec<(When, Force)>, method: &Method, uri: &Uri) -> Vec<Force> {
    let struck = waiting
        .iter_mut()
        .filter_map(|(when, force)| when.strikes(method, uri).then(|| force.clone()))
        .collect();
    waiting.retain(|(when, _)| !when.is_spent());
    struck
}

/// The waiting faults for `state()`.
pub fn show(waiting: &[(When, Force)]) -> Value {
    waiting.iter().map(|(when, force)| json!({"kind": force.name(), "when": when})).collect()
}
