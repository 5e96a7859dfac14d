//! `Policy`: what should hold, in one facet per kind of system.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Condition, FreeForm, Id, IdOrName, SecretKeyRef, SystemName, conditions, known, limits, schema};

/// What should hold, in one facet per kind of system. It acts only where a `PolicyAssignment` names it.
#[derive(CustomResource, Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "ordain.dev",
    version = "v1alpha1",
    kind = "Policy",
    plural = "policies",
    shortname = "orpol",
    category = "ordain",
    namespaced,
    status = "PolicyStatus",
    derive = "PartialEq",
    doc = "What should hold, in one facet per kind of system. It acts only where a PolicyAssignment names it. What it does not name is never changed.",
    validation = Rule::new("!has(self.spec.content.symphony) || has(self.spec.displayName) || size(self.metadata.name) <= 23")
        .message("a policy with a symphony facet needs a displayName of at most 23 characters, or a name that short"),
    printcolumn(name = "Facets", type_ = "string", json_path = ".status.facets"),
    printcolumn(name = "Assignments", type_ = "integer", json_path = ".status.assignments.total"),
    printcolumn(name = "InForce", type_ = "integer", json_path = ".status.assignments.ready"),
    printcolumn(name = "Stalled", type_ = "integer", json_path = ".status.assignments.stalled"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason"
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
#[schemars(extend("x-kubernetes-validations" = schema::rules(&[
    (
        "!has(self.content.symphony) || !has(self.displayName) || size(self.displayName) <= 23",
        "with a symphony facet displayName has at most 23 characters: the system allows 30, and 7 mark it as ours",
    ),
    (
        "!has(self.content.wfbss) || !has(self.enabled)",
        "with a wfbss facet there is no `enabled`: its documents hold settings that always apply",
    ),
])))]
pub struct PolicySpec {
    /// Name in the policy systems, at most 128 characters (23 with a symphony facet), without
    /// blanks at the ends. Absent: the name of this object, on a ClusterBackend
    /// `<namespace>-<name>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::display_name")]
    pub display_name: Option<String>,
    /// Description in the policy systems, at most 900 characters; a mark that tells our objects
    /// from others' is appended. Absent: on objects we create only the mark, on adopted ones not ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::description")]
    pub description: Option<String>,
    /// Whether the policy is in force, by the system's own enable and disable calls. Absent: true
    /// on objects we create, not ours on adopted ones. Not with a wfbss facet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// The facets, at least one. Facets are added, never removed.
    pub content: Content,
}

impl PolicySpec {
    /// The systems it has a facet for.
    pub fn facets(&self) -> Vec<SystemName> {
        let content = &self.content;
        [
            (content.wfbss.is_some(), SystemName::Wfbss),
            (content.symphony.is_some(), SystemName::Symphony),
            (content.app_shield.is_some(), SystemName::AppShield),
            (content.tachyon.is_some(), SystemName::Tachyon),
            (content.wso2.is_some(), SystemName::Wso2),
        ]
        .into_iter()
        .filter_map(|(there, system)| there.then_some(system))
        .collect()
    }
}

/// One facet per kind of system.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = schema::rules(&[
    (
        "has(self.wfbss) || has(self.symphony) || has(self.appShield) || has(self.tachyon) || has(self.wso2)",
        "at least one of wfbss, symphony, appShield, tachyon, wso2 is required",
    ),
    (
        "(!has(oldSelf.wfbss) || has(self.wfbss)) && (!has(oldSelf.symphony) || has(self.symphony)) && (!has(oldSelf.appShield) || has(self.appShield)) && (!has(oldSelf.tachyon) || has(self.tachyon)) && (!has(oldSelf.wso2) || has(self.wso2))",
        "facets are never removed: delete the assignments and the Policy instead",
    ),
])))]
pub struct Content {
    /// For Trend Micro WFBSS: settings of a group's documents. Absent: not for this system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wfbss: Option<WfbssFacet>,
    /// For Symphony DLP: what is looked for, and where. Absent: not for this system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symphony: Option<SymphonyFacet>,
    /// For Yurbi App Shield: constraints. Absent: not for this system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_shield: Option<AppShieldFacet>,
    /// For 1E Tachyon: rules. Absent: not for this system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tachyon: Option<TachyonFacet>,
    /// For WSO2 EMM, IoT Server and Entgra: features per platform. Absent: not for this system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wso2: Option<Wso2Facet>,
}

words! {
    /// Operating system of a WFBSS document.
    pub enum Os {
        /// Windows.
        Win = "win",
        /// macOS.
        Mac = "mac",
        /// Android.
        Android = "android",
        /// iOS.
        Ios = "ios",
    }
}

/// Settings of a group's documents.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WfbssFacet {
    /// One document per operating system. Documents are added, never removed.
    #[schemars(length(min = 1, max = 4), extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["os"],
        "x-kubernetes-validations" = schema::rules(&[(
            "oldSelf.all(old, self.exists(new, new.os == old.os))",
            "documents are never removed: delete the assignments and the Policy instead",
        )]),
    ))]
    pub documents: Vec<Document>,
}

/// The part of one operating system's document that is ours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = schema::rules(&[(
    "has(self.settings) || has(self.secrets) || has(self.replicateFrom)",
    "name settings, secrets or replicateFrom",
)])))]
pub struct Document {
    /// Operating system: `win`, `mac`, `android` or `ios`.
    pub os: Os,
    /// The settings we own, spelt as in the vendor's API, at most 256 kB of JSON and 16 levels
    /// deep. A list is owned as a whole. What is not named here is never changed. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<FreeForm>,
    /// Leaves of `settings` whose value is kept in a Secret. Absent: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::SECRETS), extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["path"],
    ))]
    pub secrets: Vec<SecretLeaf>,
    /// Copies another group's document first, once per target and `revision`. Absent: no copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicate_from: Option<ReplicateFrom>,
}

/// A leaf whose value is kept in a Secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretLeaf {
    /// JSON pointer to the leaf, such as `/agent/password`. The free-form part must not name it too.
    #[schemars(schema_with = "schema::json_pointer")]
    pub path: String,
    /// Secret of the Policy's namespace that holds the value.
    pub secret_key_ref: SecretKeyRef,
}

/// A group whose document is copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplicateFrom {
    /// GUID of the customer.
    #[schemars(schema_with = "schema::guid")]
    pub customer: String,
    /// Id of the customer's group.
    pub group: Id,
    /// Raise it to copy once more; 0 or above.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub revision: i32,
}

words! {
    /// What a hit does.
    pub enum ViolationAction {
        /// The content is not sent.
        Block = "Block",
        /// The sender is warned and may go on.
        Warn = "Warn",
    }
}

words! {
    /// Kinds of content that are looked at.
    pub enum ContentType {
        /// Messages.
        Messages = "Messages",
        /// Names and descriptions of rooms.
        RoomMeta = "RoomMeta",
        /// Names and descriptions of signals.
        SignalMeta = "SignalMeta",
    }
}

words! {
    /// Directions of communication that are looked at.
    pub enum Scope {
        /// Within the company.
        Internal = "Internal",
        /// With other companies.
        External = "External",
    }
}

/// What is looked for, and where. Its reach is the scopes: assignments name no targets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = schema::rules(&[(
    "size(self.dictionaries) > 0 || (has(self.allowEmptyDictionaries) && self.allowEmptyDictionaries)",
    "without dictionaries the system disables the policy: name one, or say allowEmptyDictionaries: true",
)])))]
pub struct SymphonyFacet {
    /// `Block`: the content is not sent. `Warn`: the sender is warned and may go on.
    #[serde(rename = "type")]
    pub action: ViolationAction,
    /// Kinds of content that are looked at, at least one of `Messages`, `RoomMeta`, `SignalMeta`.
    #[schemars(length(min = 1, max = 3), extend("x-kubernetes-list-type" = "set"))]
    pub content_types: Vec<ContentType>,
    /// Directions that are looked at, at least one of `Internal`, `External`.
    #[schemars(length(min = 1, max = 2), extend("x-kubernetes-list-type" = "set"))]
    pub scopes: Vec<Scope>,
    /// Dictionaries whose terms are looked for, at most 100. They must exist.
    #[schemars(length(max = limits::DICTIONARIES), extend("x-kubernetes-list-type" = "atomic"))]
    pub dictionaries: Vec<IdOrName>,
    /// `true`: an empty list of dictionaries is meant, though the system disables such a policy.
    /// Absent: an empty list is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_empty_dictionaries: Option<bool>,
}

/// Constraints of App Shield.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AppShieldFacet {
    /// The constraints, spelt as in the vendor's API, at most 256. Exact: others are removed.
    /// Absent: constraints are not ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::free_form_list")]
    pub constraints: Option<Vec<FreeForm>>,
}

/// Rules of Tachyon.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TachyonFacet {
    /// The rules, at most 256. They must exist. Exact: others are removed from the policy.
    /// Absent: rules are not ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::RULES), extend("x-kubernetes-list-type" = "atomic"))]
    pub rules: Option<Vec<IdOrName>>,
}

/// Features per platform; each profile becomes its own vendor policy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Wso2Facet {
    /// One profile per platform. Profiles are added, never removed.
    #[schemars(length(min = 1, max = limits::PROFILES), extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["platform"],
        "x-kubernetes-validations" = schema::rules(&[(
            "oldSelf.all(old, self.exists(new, new.platform == old.platform))",
            "profiles are never removed: delete the assignments and the Policy instead",
        )]),
    ))]
    pub profiles: Vec<Profile>,
}

/// What holds on one platform.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Profile {
    /// Platform (device type) as the system spells it, such as `android`, `ios`, `windows`.
    #[schemars(schema_with = "schema::word")]
    pub platform: String,
    /// The features, at least one and at most 64; their codes differ in more than upper and lower
    /// case. Exact: others are removed from the vendor policy.
    #[schemars(length(min = 1, max = limits::FEATURES), extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["code"],
        "x-kubernetes-validations" = schema::rules(&[(
            "self.all(one, self.exists_one(other, other.code.lowerAscii() == one.code.lowerAscii()))",
            "codes of features must differ, ignoring upper and lower case",
        )]),
    ))]
    pub features: Vec<Feature>,
}

/// One feature of a profile.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Feature {
    /// Code of the feature, such as `PASSCODE_POLICY`.
    #[schemars(schema_with = "schema::word")]
    pub code: String,
    /// Settings of the feature, spelt as in the vendor's API, at most 256 kB of JSON and 16 levels
    /// deep. Only named leaves are compared. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<FreeForm>,
    /// Leaves of `content` whose value is kept in a Secret. Absent: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::SECRETS), extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["path"],
    ))]
    pub secrets: Vec<SecretLeaf>,
}

/// What is known of a `Policy`.
#[derive(Debug, Clone, Default, PartialEq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyStatus {
    /// Generation of the spec that the conditions speak of; -1 before anything has looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::generation")]
    pub observed_generation: Option<i64>,
    /// `Ready` and `Reconciling`.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "known::conditions")]
    #[schemars(schema_with = "conditions::list")]
    pub conditions: Vec<Condition>,
    /// The facets, joined with commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::status_text")]
    pub facets: Option<String>,
    /// The assignments that name this policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignments: Option<AssignmentCounts>,
}

/// Assignments of a policy, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct AssignmentCounts {
    /// All of them.
    #[serde(default)]
    #[schemars(schema_with = "schema::count")]
    pub total: i64,
    /// Those that are Ready.
    #[serde(default)]
    #[schemars(schema_with = "schema::count")]
    pub ready: i64,
    /// Those that need a human.
    #[serde(default)]
    #[schemars(schema_with = "schema::count")]
    pub stalled: i64,
}
