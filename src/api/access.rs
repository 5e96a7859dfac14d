//! `access` of a `ClusterBackend`: which namespaces may do what (R6).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AppShieldTargets, TachyonTargets, WfbssTargets, Wso2Targets, limits, schema};

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
