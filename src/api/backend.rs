//! `Backend` and `ClusterBackend`: a policy system, and how carefully it is handled.

use std::time::Duration;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Access, BackendStatus, CaRef, GoDuration, SystemSpec, limits};

/// A policy system for the assignments of one namespace.
#[derive(CustomResource, Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "ordain.dev",
    version = "v1alpha1",
    kind = "Backend",
    plural = "backends",
    shortname = "orb",
    category = "ordain",
    namespaced,
    status = "BackendStatus",
    derive = "PartialEq",
    doc = "A policy system for the assignments of one namespace: where it is, who logs in, and how carefully it is handled.",
    printcolumn(name = "System", type_ = "string", json_path = ".status.account.system"),
    printcolumn(name = "Objects", type_ = "integer", json_path = ".status.objects.managed"),
    printcolumn(
        name = "Held",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Held\")].status"
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Drifted", type_ = "integer", json_path = ".status.objects.drifted", priority = 1),
    printcolumn(name = "Pending", type_ = "integer", json_path = ".status.objects.pending", priority = 1),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        priority = 1
    )
)]
#[serde(rename_all = "camelCase")]
pub struct BackendSpec {
    /// The policy system: exactly one of `wfbss`, `symphony`, `appShield`, `tachyon`, `wso2`.
    /// Which one is immutable.
    pub system: SystemSpec,
    /// Certificates the system's own certificate is checked against. Absent: the usual public ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_ref: Option<CaRef>,
    /// How changes made by others are found and met. Absent: corrected, looked for every 30 minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
    /// How much the system is asked. Absent: 300 requests a minute, bursts of 10, 4 at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// How far changes may go without a human. Absent: 500 targets and 10 removals an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<Guard>,
    /// `true`: no call at all is made to the system. Absent: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
}

impl BackendSpec {
    /// Whether no call at all is made.
    pub fn suspended(&self) -> bool {
        self.suspend.unwrap_or(false)
    }

    /// How often changes made by others are looked for.
    pub fn drift_interval(&self) -> Duration {
        self.drift.as_ref().and_then(|d| d.interval.as_ref()?.get()).unwrap_or(Drift::INTERVAL)
    }

    /// How changes made by others are met.
    pub fn correction(&self) -> Correction {
        self.drift.as_ref().and_then(|d| d.correction).unwrap_or(Correction::Correct)
    }

    /// How much the system is asked, defaults filled in.
    pub fn effective_limits(&self) -> EffectiveLimits {
        let limits = self.limits.unwrap_or_default();
        EffectiveLimits {
            requests_per_minute: number(limits.requests_per_minute, 300).max(1),
            burst: number(limits.burst, 10).max(1),
            in_flight: number(limits.in_flight, 4).max(1),
        }
    }

    /// How far changes may go, defaults filled in.
    pub fn effective_guard(&self) -> EffectiveGuard {
        let guard = self.guard.clone().unwrap_or_default();
        EffectiveGuard {
            max_targets: number(guard.max_targets, 500),
            max_removals: number(guard.max_removals, 10),
            window: guard.window.and_then(|window| window.get()).unwrap_or(Guard::WINDOW),
        }
    }
}

/// The number given, or the default; a negative one, which the schema refuses, counts as 0.
fn number(given: Option<i32>, default: u32) -> u32 {
    given.map_or(default, |n| u32::try_from(n).unwrap_or(0))
}

/// [`Limits`] with defaults filled in; each at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EffectiveLimits {
    /// Requests a minute.
    pub requests_per_minute: u32,
    /// Requests that may come at once after a pause.
    pub burst: u32,
    /// Requests under way at the same time.
    pub in_flight: u32,
}

/// [`Guard`] with defaults filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EffectiveGuard {
    /// Targets that may be touched within the window.
    pub max_targets: u32,
    /// Removals that may happen within the window.
    pub max_removals: u32,
    /// Length of the window.
    pub window: Duration,
}

/// A policy system for assignments of many namespaces.
#[derive(CustomResource, Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "ordain.dev",
    version = "v1alpha1",
    kind = "ClusterBackend",
    plural = "clusterbackends",
    shortname = "orcb",
    category = "ordain",
    status = "BackendStatus",
    derive = "PartialEq",
    doc = "A policy system for the assignments of many namespaces. Its Secrets live in the operator's namespace; `access` says who may do what, and without a matching entry nobody may do anything.",
    printcolumn(name = "System", type_ = "string", json_path = ".status.account.system"),
    printcolumn(name = "Objects", type_ = "integer", json_path = ".status.objects.managed"),
    printcolumn(
        name = "Held",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Held\")].status"
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Drifted", type_ = "integer", json_path = ".status.objects.drifted", priority = 1),
    printcolumn(name = "Pending", type_ = "integer", json_path = ".status.objects.pending", priority = 1),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        priority = 1
    )
)]
pub struct ClusterBackendSpec {
    /// All that a Backend has.
    #[serde(flatten)]
    pub backend: BackendSpec,
    /// Who may use it, and how far, at most 64 entries. Absent or empty: nobody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::ACCESS), extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["name"],
    ))]
    pub access: Vec<Access>,
}

words! {
    /// How changes made by others are met.
    pub enum Correction {
        /// They are undone.
        Correct = "Correct",
        /// They are shown.
        Report = "Report",
    }
}

/// How changes made by others are found and met.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Drift {
    /// How often they are looked for, 1m to 24h, in Go syntax. Absent: 30m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<GoDuration>,
    /// `Correct`: they are undone. `Report`: they are shown in `InSync` only. Absent: `Correct`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correction: Option<Correction>,
}

impl Drift {
    /// The interval where none is named.
    pub const INTERVAL: Duration = Duration::from_secs(30 * 60);
}

/// How much the system is asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Requests a minute, 1 to 100000. Absent: 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub requests_per_minute: Option<i32>,
    /// Requests that may come at once after a pause, 1 to 1000. Absent: 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub burst: Option<i32>,
    /// Requests under way at the same time, 1 to 64. Absent: 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 64))]
    pub in_flight: Option<i32>,
}

/// How far changes may go without a human. Over a limit removals wait, additions go on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Guard {
    /// Targets that may be touched within the window, 0 to 1000000. Absent: 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub max_targets: Option<i32>,
    /// Removals that may happen within the window, 0 to 1000000: an object deleted or disabled, a
    /// member or element removed, a value restored. Absent: 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub max_removals: Option<i32>,
    /// Length of the window, 1m to 24h, in Go syntax. Absent: 1h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<GoDuration>,
}

impl Guard {
    /// The window where none is named.
    pub const WINDOW: Duration = Duration::from_secs(60 * 60);
}
