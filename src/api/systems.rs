//! `spec.system` of a Backend: where a policy system is and how it wants to be treated.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{LocalRef, schema};

words! {
    /// The five kinds of system, spelt as in `spec.system`.
    pub enum SystemName {
        /// Trend Micro Worry-Free Business Security Services.
        Wfbss = "wfbss",
        /// Symphony DLP.
        Symphony = "symphony",
        /// Yurbi App Shield.
        AppShield = "appShield",
        /// 1E Tachyon.
        Tachyon = "tachyon",
        /// WSO2 EMM, IoT Server, Entgra.
        Wso2 = "wso2",
    }
}

impl SystemName {
    /// Whether one object in the system stands for a Policy, whichever assignments contribute to it (R5).
    pub const fn keys_by_policy(self) -> bool {
        matches!(self, Self::Symphony | Self::AppShield | Self::Tachyon)
    }
}

union! {
    rules = schema::exactly_one_immutable;

    /// The policy system behind a backend: exactly one member, and which one is immutable.
    pub enum SystemSpec {
        /// Trend Micro Worry-Free Business Security Services.
        Wfbss(Wfbss) = "wfbss",
        /// Symphony DLP (Expression Filter).
        Symphony(Symphony) = "symphony",
        /// Yurbi App Shield.
        AppShield(AppShield) = "appShield",
        /// 1E Tachyon, Endpoint Automation.
        Tachyon(Tachyon) = "tachyon",
        /// WSO2 EMM, WSO2 IoT Server, or Entgra.
        Wso2(Wso2) = "wso2",
    }
}

impl SystemSpec {
    /// Which of the five it is.
    pub const fn name(&self) -> SystemName {
        match self {
            Self::Wfbss(_) => SystemName::Wfbss,
            Self::Symphony(_) => SystemName::Symphony,
            Self::AppShield(_) => SystemName::AppShield,
            Self::Tachyon(_) => SystemName::Tachyon,
            Self::Wso2(_) => SystemName::Wso2,
        }
    }

    /// The Secret that logs in.
    pub const fn credentials(&self) -> &LocalRef {
        match self {
            Self::Wfbss(system) => &system.credentials_ref,
            Self::Symphony(system) => &system.credentials_ref,
            Self::AppShield(system) => &system.credentials_ref,
            Self::Tachyon(system) => &system.credentials_ref,
            Self::Wso2(system) => &system.credentials_ref,
        }
    }

    /// Every URL with its field below `spec.system`, the main one first.
    pub fn urls(&self) -> Vec<(&'static str, &str)> {
        let (main, more): ((&'static str, &str), Vec<(&'static str, Option<&String>)>) = match self {
            Self::Wfbss(s) => (("url", &s.url), vec![]),
            Self::Symphony(s) => (
                ("podUrl", &s.pod_url),
                vec![("agentUrl", Some(&s.agent_url)), ("keyManagerUrl", s.key_manager_url.as_ref())],
            ),
            Self::AppShield(s) => (("url", &s.url), vec![]),
            Self::Tachyon(s) => (("url", &s.url), vec![("portalUrl", s.portal_url.as_ref())]),
            Self::Wso2(s) => (
                ("url", &s.url),
                vec![("tokenUrl", s.token_url.as_ref()), ("registrationUrl", s.registration_url.as_ref())],
            ),
        };
        let more = more.into_iter().filter_map(|(field, url)| Some((field, url?.as_str())));
        std::iter::once(main).chain(more).collect()
    }
}

words! {
    /// Whether a write waits for the system.
    pub enum Execution {
        /// Synchronous where the system allows it for the call, else as a task.
        Auto = "Auto",
        /// Always synchronous.
        Sync = "Sync",
        /// Always as a task.
        Async = "Async",
    }
}

/// Trend Micro Worry-Free Business Security Services, the API for managed-service providers (SMPI).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Wfbss {
    /// Root of the host, such as `https://cspi.trendmicro.com`, without `/SMPI`.
    #[schemars(schema_with = "schema::url")]
    pub url: String,
    /// Version of the API, such as `v2.8`. Absent: `v2.8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::dotted_version")]
    pub version: Option<String>,
    /// Secret with the keys `accessToken` and `secretKey`, in the Backend's namespace (for a
    /// ClusterBackend: the operator's), labelled `ordain.dev/use: credentials`.
    pub credentials_ref: LocalRef,
    /// `Auto`, `Sync` or `Async`: whether a write waits until the system has done it. Absent: `Auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution: Option<Execution>,
    /// Most customers in one write, 1 to 10. Absent: 10. 1 never packs customers together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10))]
    pub customers_per_write: Option<i32>,
    /// Where the state of a task can be asked for: a path with `{id}`, relative to
    /// `/SMPI/{version}/service/wfbss/api`. Absent: a task is judged by reading the documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::path_with_id")]
    pub task_path: Option<String>,
}

impl Wfbss {
    /// The version of the API, `v2.8` where none is named.
    pub fn version(&self) -> &str {
        self.version.as_deref().unwrap_or("v2.8")
    }

    /// How writes are executed.
    pub fn execution(&self) -> Execution {
        self.execution.unwrap_or(Execution::Auto)
    }

    /// Most customers in one write, 1 to 10 whatever the object says.
    pub fn customers_per_write(&self) -> usize {
        usize::try_from(self.customers_per_write.unwrap_or(10)).map_or(1, |n| n.clamp(1, 10))
    }
}

words! {
    /// Generation of the Expression Filter.
    pub enum Generation {
        /// `/agent/v1/dlp`.
        V1 = "V1",
        /// `/agent/v3/dlp`.
        V3 = "V3",
    }
}

words! {
    /// How policies are named where there is no description to mark.
    pub enum Naming {
        /// `~` and six characters of the identity follow the name.
        Suffixed = "Suffixed",
        /// The name as it stands; after a lost store an existing name needs `adopt`.
        Exact = "Exact",
    }
}

/// Symphony DLP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Symphony {
    /// Root of the pod's host, where sessions are opened.
    #[schemars(schema_with = "schema::url")]
    pub pod_url: String,
    /// Root of the key manager's host. Absent: not asked for, for pods that do not need it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::url")]
    pub key_manager_url: Option<String>,
    /// Root of the agent's host, where policies are kept.
    #[schemars(schema_with = "schema::url")]
    pub agent_url: String,
    /// Generation of the Expression Filter: `V1` or `V3`.
    pub generation: Generation,
    /// `Suffixed`: names end with `~` and six characters that mark them as ours. `Exact`: names
    /// stand as written. Absent: `Suffixed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub naming: Option<Naming>,
    /// Secret with the keys `username` and `privateKey` (PEM), in the Backend's namespace (for a
    /// ClusterBackend: the operator's), labelled `ordain.dev/use: credentials`.
    pub credentials_ref: LocalRef,
}

impl Symphony {
    /// How policies are named.
    pub fn naming(&self) -> Naming {
        self.naming.unwrap_or(Naming::Suffixed)
    }
}

words! {
    /// Whether a policy that cannot be read is sent again.
    pub enum Resend {
        /// Only when it changes.
        Never = "Never",
        /// At every drift interval, where there is no path to read it.
        Interval = "Interval",
    }
}

/// Paths of calls whose names the vendor does not publish, relative to `url`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AppShieldPaths {
    /// Path that lists the policies. Absent: they are not listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::path")]
    pub list: Option<String>,
    /// Path that reads one policy. Absent: policies are not read, and `InSync` is `Unknown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::path")]
    pub get: Option<String>,
    /// Path that deletes one policy. Absent: a policy is emptied and made inactive instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::path")]
    pub delete: Option<String>,
}

/// Yurbi App Shield.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppShield {
    /// Base of the API, including its path (`/api`, `/yurbi/api`, ...).
    #[schemars(schema_with = "schema::url")]
    pub url: String,
    /// Paths of calls whose names the vendor does not publish. Absent: those calls are not made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths: Option<AppShieldPaths>,
    /// Whether a save also stores constraints, groups and users. Absent: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deep_save: Option<bool>,
    /// `Never`: a policy is sent only when it changes. `Interval`: where it cannot be read, it is
    /// sent again at every drift interval. Absent: `Never`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resend: Option<Resend>,
    /// Secret with the keys `username` and `password`, in the Backend's namespace (for a
    /// ClusterBackend: the operator's), labelled `ordain.dev/use: credentials`.
    pub credentials_ref: LocalRef,
}

impl AppShield {
    /// Whether a save also stores constraints, groups and users.
    pub fn deep_save(&self) -> bool {
        self.deep_save.unwrap_or(true)
    }

    /// Whether a policy that cannot be read is sent again.
    pub fn resend(&self) -> Resend {
        self.resend.unwrap_or(Resend::Never)
    }

    /// The configured paths, none where the section is absent.
    pub fn paths(&self) -> AppShieldPaths {
        self.paths.clone().unwrap_or_default()
    }
}

words! {
    /// Who deploys what was changed.
    pub enum DeployMode {
        /// Ordain, at the end of a round.
        Automatic = "Automatic",
        /// A person, in the vendor's console.
        Manual = "Manual",
    }
}

words! {
    /// What happens when somebody else's changes wait for the same deployment.
    pub enum ForeignChanges {
        /// Nothing is written until they are deployed or gone.
        Hold = "Hold",
        /// They are deployed along with ours.
        Include = "Include",
    }
}

/// Changes take effect only when the whole tenant is deployed, other people's changes included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Deploy {
    /// `Automatic`: Ordain deploys at the end of a round. `Manual`: a person does, and assignments
    /// stay `WaitingForDeployment` until then.
    pub mode: DeployMode,
    /// When somebody else's changes wait too: `Hold` writes nothing until they are deployed or
    /// gone, `Include` deploys them along with ours.
    pub foreign_changes: ForeignChanges,
}

/// 1E Tachyon, Consumer API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tachyon {
    /// Root of the host, without `/Consumer`.
    #[schemars(schema_with = "schema::url")]
    pub url: String,
    /// Root of the Portal API, which hands out tokens. Absent: the same host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::url")]
    pub portal_url: Option<String>,
    /// Name of the consumer registered for Ordain, sent with every call.
    #[schemars(schema_with = "schema::word")]
    pub consumer: String,
    /// How changes reach the devices. Required: a deployment concerns the whole server.
    pub deploy: Deploy,
    /// Secret with the keys `applicationId`, `certificate` and `privateKey` (PEM), or `token`, in
    /// the Backend's namespace (for a ClusterBackend: the operator's), labelled
    /// `ordain.dev/use: credentials`.
    pub credentials_ref: LocalRef,
}

words! {
    /// Which of the system's APIs is spoken.
    pub enum Wso2Api {
        /// EMM 2.0: `/mdm-admin`.
        MdmAdmin = "MdmAdmin",
        /// EMM 2.2 and IoT Server 3: `/api/device-mgt/v1.0`.
        DeviceMgtV1 = "DeviceMgtV1",
        /// Entgra.
        Entgra = "Entgra",
    }
}

words! {
    /// Whether a policy for groups may also reach devices that are in no group.
    pub enum UngroupedDevices {
        /// Groups are refused as targets.
        Refuse = "Refuse",
        /// They may.
        Accept = "Accept",
    }
}

words! {
    /// Whether the system evaluates links to single devices.
    pub enum DeviceLinks {
        /// It stores them and does not look at them.
        Ignored = "Ignored",
        /// It evaluates them.
        Evaluated = "Evaluated",
    }
}

/// WSO2 EMM, WSO2 IoT Server, or Entgra.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Wso2 {
    /// Root of the host, without `/api/device-mgt` or `/mdm-admin`.
    #[schemars(schema_with = "schema::url")]
    pub url: String,
    /// Where tokens are handed out. Absent: the product's own path under `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::url")]
    pub token_url: Option<String>,
    /// Where a client is registered. Absent: the product's own path under `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::url")]
    pub registration_url: Option<String>,
    /// Which API is spoken: `MdmAdmin` (EMM 2.0), `DeviceMgtV1` (EMM 2.2, IoT Server 3), `Entgra`.
    pub api: Wso2Api,
    /// How changes reach the devices. Required: applying changes concerns the whole tenant.
    pub deploy: Deploy,
    /// The system also gives a policy for groups to every device that is in no group. `Refuse`:
    /// groups are refused as targets. `Accept`: you know, and want it. Absent: `Refuse`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ungrouped_devices: Option<UngroupedDevices>,
    /// Whether your build evaluates links to single devices: `Ignored` or `Evaluated`. Absent: `Ignored`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_links: Option<DeviceLinks>,
    /// Secret with the keys `username` and `password`, optionally `clientId` and `clientSecret`, in
    /// the Backend's namespace (for a ClusterBackend: the operator's), labelled
    /// `ordain.dev/use: credentials`.
    pub credentials_ref: LocalRef,
}

impl Wso2 {
    /// Whether a policy for groups may also reach ungrouped devices.
    pub fn ungrouped_devices(&self) -> UngroupedDevices {
        self.ungrouped_devices.unwrap_or(UngroupedDevices::Refuse)
    }

    /// Whether the system evaluates links to single devices.
    pub fn device_links(&self) -> DeviceLinks {
        self.device_links.unwrap_or(DeviceLinks::Ignored)
    }
}
