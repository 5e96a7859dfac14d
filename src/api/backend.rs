//! `Backend` and `ClusterBackend`: a policy system, and how carefully it is handled.

use std::{collections::BTreeMap, time::Duration};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AppShieldTargets, CaRef, Condition, GoDuration, System, SystemName, TachyonTargets, WfbssTargets,
    Wso2Targets, conditions, limits, schema,
};

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
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
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
    pub system: System,
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
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
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

words! {
    /// Whether existing objects may be taken over.
    pub enum Adoption {
        /// They may not.
        Deny = "Deny",
        /// They may.
        Allow = "Allow",
    }
}

/// Some namespaces, and what they may do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Access {
    /// Name of the entry, shown in messages.
    #[schemars(schema_with = "schema::namespace")]
    pub name: String,
    /// The namespaces.
    pub namespaces: Namespaces,
    /// The targets they may reach.
    pub targets: AccessTargets,
    /// `true`: assignments may say `everyone: true`. Absent: they may not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub everyone: Option<bool>,
    /// `Allow`: assignments may `adopt`. Absent: `Deny`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adoption: Option<Adoption>,
    /// The priorities they may use. Absent: only 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<PriorityRange>,
}

impl Access {
    /// Whether assignments may say `everyone: true`.
    pub fn everyone(&self) -> bool {
        self.everyone.unwrap_or(false)
    }

    /// Whether assignments may `adopt`.
    pub fn adoption(&self) -> Adoption {
        self.adoption.unwrap_or(Adoption::Deny)
    }

    /// Whether a priority may be used.
    pub fn allows_priority(&self, priority: i32) -> bool {
        self.priority.map_or(priority == 0, |range| (range.min..=range.max).contains(&priority))
    }
}

/// Namespaces by name or by label, a union.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-validations" = schema::rules(&[(
    "(has(self.names) && size(self.names) > 0) || (has(self.selector) && ((has(self.selector.matchLabels) && size(self.selector.matchLabels) > 0) || (has(self.selector.matchExpressions) && size(self.selector.matchExpressions) > 0)))",
    "name a namespace, or a label: an empty selector would mean every namespace (for that, match kubernetes.io/metadata.name with operator Exists)",
)])))]
pub struct Namespaces {
    /// Namespaces by name, at most 256. Absent or empty: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::namespaces")]
    pub names: Vec<String>,
    /// Namespaces by label. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
}

/// A label selector; all its requirements must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LabelSelector {
    /// Labels with exactly these values, at most 16.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "schema::labels")]
    pub match_labels: BTreeMap<String, String>,
    /// Further requirements, at most 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::SELECTOR), extend("x-kubernetes-list-type" = "atomic"))]
    pub match_expressions: Vec<LabelRequirement>,
}

impl LabelSelector {
    /// Whether the labels fulfil every requirement. A selector without any matches nothing.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let empty = self.match_labels.is_empty() && self.match_expressions.is_empty();
        !empty
            && self.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
            && self.match_expressions.iter().all(|requirement| requirement.holds(labels))
    }
}

words! {
    /// How a label's value is compared.
    pub enum Operator {
        /// It is one of the values.
        In = "In",
        /// It is absent or none of the values.
        NotIn = "NotIn",
        /// It is there.
        Exists = "Exists",
        /// It is absent.
        DoesNotExist = "DoesNotExist",
    }
}

/// One requirement of a label selector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-validations" = schema::rules(&[(
    "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
    "In and NotIn need values, Exists and DoesNotExist have none",
)])))]
pub struct LabelRequirement {
    /// Key of the label.
    #[schemars(schema_with = "schema::label_key")]
    pub key: String,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub operator: Operator,
    /// Values for `In` and `NotIn`, at most 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::label_values")]
    pub values: Vec<String>,
}

impl LabelRequirement {
    fn holds(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.key);
        let listed = value.is_some_and(|value| self.values.contains(value));
        match self.operator {
            Operator::In => listed,
            Operator::NotIn => !listed,
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

/// The only value `all` can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct All(pub bool);

impl JsonSchema for All {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "All".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "boolean", "enum": [true]})
    }
}

union! {
    rules = schema::exactly_one;

    /// Targets that an access entry opens up.
    pub enum AccessTargets {
        /// `true`: every target the system has, yet not `everyone: true` as one word.
        All(All) = "all",
        /// Customers and their groups, in Trend Micro WFBSS.
        Wfbss(WfbssTargets) = "wfbss",
        /// Groups and users, in Yurbi App Shield.
        AppShield(AppShieldTargets) = "appShield",
        /// Management groups, in 1E Tachyon.
        Tachyon(TachyonTargets) = "tachyon",
        /// Roles, users and groups, in WSO2 EMM, IoT Server or Entgra.
        Wso2(Wso2Targets) = "wso2",
    }
}

/// Priorities from `min` to `max`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-validations" = schema::rules(&[("self.min <= self.max", "min must not be above max")])))]
pub struct PriorityRange {
    /// Lowest priority allowed, -1000 to 1000.
    #[schemars(range(min = -1000, max = 1000))]
    pub min: i32,
    /// Highest priority allowed, -1000 to 1000.
    #[schemars(range(min = -1000, max = 1000))]
    pub max: i32,
}

/// What is known of a backend. Counts and conditions only; rates and times are metrics.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackendStatus {
    /// Generation of the spec that the conditions speak of; -1 before anything has looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::generation")]
    pub observed_generation: Option<i64>,
    /// `Ready`; `Reconciling`, `Stalled`, `PendingDeployment` and `Held` while `True`.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "conditions::known")]
    #[schemars(schema_with = "conditions::list")]
    pub conditions: Vec<Condition>,
    /// The last handled value of the annotation `ordain.dev/reconcile-requested-at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::status_text")]
    pub last_handled_reconcile_at: Option<String>,
    /// The account that was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// What the account may do, found out by trying.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::CAPABILITIES), extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["name"],
    ))]
    pub capabilities: Vec<Capability>,
    /// Objects in the system, counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objects: Option<ObjectCounts>,
    /// Since when the backing store remembers, and what was lost with an older one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
}

/// An account of a policy system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// Which kind of system.
    pub system: SystemName,
    /// Which of its APIs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::status_text")]
    pub api: Option<String>,
    /// Version of the system, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::status_text")]
    pub version: Option<String>,
    /// What tells this account from others; the value for the annotation `ordain.dev/accept-account`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::status_text")]
    pub fingerprint: Option<String>,
    /// Tenant, where the system has tenants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::status_text")]
    pub tenant: Option<String>,
}

words! {
    /// Whether the account may do something.
    pub enum CapabilityState {
        /// It may.
        Allowed = "Allowed",
        /// It may not.
        Denied = "Denied",
        /// Nothing has shown it yet.
        Unknown = "Unknown",
    }
}

/// Something the account may or may not do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Capability {
    /// What.
    #[schemars(schema_with = "schema::reason")]
    pub name: String,
    /// `Allowed`, `Denied` or `Unknown`.
    pub state: CapabilityState,
}

/// Objects in the system, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectCounts {
    /// Those we keep.
    #[serde(default)]
    #[schemars(schema_with = "schema::count")]
    pub managed: i64,
    /// Those that hold something else than Git says.
    #[serde(default)]
    #[schemars(schema_with = "schema::count")]
    pub drifted: i64,
    /// Those still being worked on.
    #[serde(default)]
    #[schemars(schema_with = "schema::count")]
    pub pending: i64,
    /// Those that bear our mark though nothing claims them; left alone.
    #[serde(default)]
    #[schemars(schema_with = "schema::count")]
    pub orphaned: i64,
    /// Inactive, empty twins that a lost answer may have left behind (AppShield).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::count")]
    pub inert_leftovers: Option<i64>,
}

words! {
    /// What cannot be found again in the systems after the store was lost.
    pub enum LostMemory {
        /// Values that stood before ours: `Restore` is incomplete.
        PreImages = "PreImages",
        /// Which management groups we added.
        GroupProvenance = "GroupProvenance",
        /// Whose changes wait for a deployment.
        DeployProvenance = "DeployProvenance",
        /// Which revision of `replicateFrom` was copied.
        SeedRevisions = "SeedRevisions",
    }
}

/// The backing store's memory of this account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Memory {
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub since: Option<Time>,
    /// What was lost with an older store: `PreImages`, `GroupProvenance`, `DeployProvenance`, `SeedRevisions`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 4), extend("x-kubernetes-list-type" = "set"))]
    pub lost: Vec<LostMemory>,
}
