//! Whom a policy reaches: selections in the words of each system.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Id, IdOrName, LocalRef, Name, SystemName, limits, schema};

union! {
    rules = schema::exactly_one;

    /// A selection in one system, a union of everything it names. What is larger than a list is boxed: thousands are
    /// kept.
    #[derive(Eq, Hash)]
    pub enum TargetSpec {
        /// Customers and their groups, in Trend Micro WFBSS.
        Wfbss(WfbssTargets) = "wfbss",
        /// Groups and users, in Yurbi App Shield.
        AppShield(Box<AppShieldTargets>) = "appShield",
        /// Management groups, in 1E Tachyon.
        Tachyon(Box<TachyonTargets>) = "tachyon",
        /// Roles, users and groups, in WSO2 EMM, IoT Server or Entgra.
        Wso2(Box<Wso2Targets>) = "wso2",
    }
}

union! {
    rules = schema::exactly_one;

    /// One entry of `include` or `exclude`: a `TargetGroup`, or a selection on the spot.
    #[derive(Eq, Hash)]
    pub enum Selector {
        /// A TargetGroup of the same namespace.
        TargetGroupRef(LocalRef) = "targetGroupRef",
        /// Customers and their groups, in Trend Micro WFBSS.
        Wfbss(WfbssTargets) = "wfbss",
        /// Groups and users, in Yurbi App Shield.
        AppShield(Box<AppShieldTargets>) = "appShield",
        /// Management groups, in 1E Tachyon.
        Tachyon(Box<TachyonTargets>) = "tachyon",
        /// Roles, users and groups, in WSO2 EMM, IoT Server or Entgra.
        Wso2(Box<Wso2Targets>) = "wso2",
    }
}

impl TargetSpec {
    /// The system in whose words the selection is made.
    pub const fn system(&self) -> SystemName {
        match self {
            Self::Wfbss(_) => SystemName::Wfbss,
            Self::AppShield(_) => SystemName::AppShield,
            Self::Tachyon(_) => SystemName::Tachyon,
            Self::Wso2(_) => SystemName::Wso2,
        }
    }
}

/// Customers of a managed-service provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-validations" = schema::rules(&[(
    "!has(self.customers) || self.customers.map(c, has(c.groups) ? c.groups.size() : 1).sum() <= 2000",
    "at most 2000 targets, a group of a customer counting as one: split the selection",
)])))]
pub struct WfbssTargets {
    /// The customers, at most 1000. Absent or empty: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::CUSTOMERS), extend("x-kubernetes-list-type" = "atomic"))]
    pub customers: Vec<Customer>,
}

/// A customer and what of it is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = schema::rules(&[(
    "has(self.groups) != (has(self.allGroups) && self.allGroups)",
    "name groups, or say allGroups: true, and not both",
)])))]
pub struct Customer {
    /// Which customer.
    #[serde(flatten)]
    #[schemars(schema_with = "schema::customer")]
    pub customer: IdOrName,
    /// Groups of this customer, at most 100. An empty list means none of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::GROUPS), extend("x-kubernetes-list-type" = "atomic"))]
    pub groups: Option<Arc<[IdOrName]>>,
    /// `true`: every group of this customer, also those made later. Instead of `groups`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all_groups: Option<bool>,
}

/// The groups that a [`Customer`] means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupScope<'a> {
    /// Every group, also those made later.
    All,
    /// Exactly these, possibly none.
    Only(&'a [IdOrName]),
}

/// By hand, since what is flattened is decoded twice, by way of a buffer.
impl<'de> Deserialize<'de> for Customer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase", rename = "Customer")]
        struct Wire {
            id: Option<Id>,
            name: Option<Name>,
            groups: Option<Arc<[IdOrName]>>,
            all_groups: Option<bool>,
        }
        let Wire { id, name, groups, all_groups } = Wire::deserialize(deserializer)?;
        let customer = IdOrName::only([id.map(IdOrName::Id), name.map(IdOrName::Name)])?;
        Ok(Self { customer, groups, all_groups })
    }
}

impl Customer {
    /// The groups meant. Never [`GroupScope::All`] unless `allGroups: true` says so.
    pub fn scope(&self) -> GroupScope<'_> {
        match (&self.groups, self.all_groups) {
            (None, Some(true)) => GroupScope::All,
            (groups, _) => GroupScope::Only(groups.as_deref().unwrap_or_default()),
        }
    }
}

/// Groups and users of App Shield, a union.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct AppShieldTargets {
    /// Groups, at most 100. Absent or empty: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::GROUPS), extend("x-kubernetes-list-type" = "atomic"))]
    pub groups: Vec<IdOrName>,
    /// Users (contacts), at most 500. Absent or empty: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::USERS), extend("x-kubernetes-list-type" = "atomic"))]
    pub users: Vec<IdOrName>,
}

/// Management groups of Tachyon.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TachyonTargets {
    /// Management groups, at most 500. Absent or empty: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::MANAGEMENT_GROUPS), extend("x-kubernetes-list-type" = "atomic"))]
    pub management_groups: Vec<IdOrName>,
}

/// Roles, users and groups of WSO2, a union: each dimension becomes a vendor policy of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Wso2Targets {
    /// Roles whose members' devices are meant, at most 500. Absent or empty: none. Not the word ANY.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::roles")]
    pub roles: Vec<String>,
    /// Users whose devices are meant, at most 500. Absent or empty: none. Not the word ANY.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::users")]
    pub users: Vec<String>,
    /// Device groups, at most 100. Absent or empty: none. Needs `ungroupedDevices: Accept` in the backend.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::GROUPS), extend("x-kubernetes-list-type" = "atomic"))]
    pub groups: Vec<IdOrName>,
    /// Single devices, as `type/id`, at most 500. Absent or empty: none. Needs `deviceLinks:
    /// Evaluated` in the backend, since most builds of the system do not look at them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::devices")]
    pub devices: Vec<String>,
}
