//! What can be changed by hand, as it is sent.
#![allow(missing_docs)] // Members are named after what they change.

use serde::Deserialize;
use serde_json::Value;

/// Every change there is; those of one request are made in this order. Everything goes by id, or by
/// name in any case.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Changes {
    pub by: Option<String>,
    pub options: Option<Value>,
    pub consumers: Vec<ConsumerChange>,
    pub principals: Vec<PrincipalChange>,
    /// From now on the principal holds these roles and no other.
    pub grants: Vec<Grants>,
    pub add_groups: Vec<NewGroup>,
    pub edit_groups: Vec<GroupEdit>,
    pub edit_fragments: Vec<FragmentEdit>,
    pub add_rules: Vec<NewRule>,
    pub edit_rules: Vec<RuleEdit>,
    pub add_policies: Vec<NewPolicy>,
    pub edit_policies: Vec<PolicyEdit>,
    /// Touched without a difference: they wait for a deployment all the same.
    pub touch_policies: Vec<String>,
    pub remove_policies: Vec<String>,
    /// Out of their policies too.
    pub remove_rules: Vec<String>,
    /// With the assignments and roles on them.
    pub remove_groups: Vec<String>,
    /// Ends every token.
    pub log_out_all: bool,
    pub deploy: bool,
}

/// A new name is registered.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConsumerChange {
    pub consumer: String,
    pub enabled: Option<bool>,
    pub licensed: Option<bool>,
}

/// A new name is registered.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PrincipalChange {
    pub principal: String,
    /// False: its tokens are worth nothing.
    pub enabled: Option<bool>,
    pub application_id: Option<String>,
    /// PEM, along with `thumbprint`.
    pub certificate: Option<String>,
    /// base64url of the SHA-1 of its DER.
    pub thumbprint: Option<String>,
}

/// What somebody holds.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Grants {
    pub principal: String,
    pub roles: Vec<GrantedRole>,
}

/// A role, and where.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GrantedRole {
    pub role: String,
    pub groups: Vec<String>,
}

/// A group that came into the inventory.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewGroup {
    pub name: String,
    #[serde(default)]
    pub devices: Vec<String>,
}

/// A change in the inventory.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GroupEdit {
    pub group: String,
    pub rename: Option<String>,
    pub devices: Option<Vec<String>>,
}

/// An upload, or a licence that came or went.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FragmentEdit {
    pub fragment: String,
    pub licensed: Option<bool>,
    /// A replacement: policies that use it wait for a deployment (8.5).
    pub version: Option<i32>,
}

/// An enabled rule without triggers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewRule {
    pub name: String,
    pub check: String,
    pub fix: Option<String>,
}

/// What is named is changed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuleEdit {
    pub rule: String,
    pub rename: Option<String>,
    pub description: Option<String>,
    pub enabled: Option<bool>,
}

/// A policy with rules and groups.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewPolicy {
    pub name: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub enabled: bool,
    #[serde(default)]
    pub rules: Vec<String>,
    #[serde(default)]
    pub groups: Vec<String>,
}

/// What is named is changed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyEdit {
    pub policy: String,
    pub rename: Option<String>,
    pub description: Option<String>,
    pub enabled: Option<bool>,
    pub notes: Option<String>,
    pub rules: Option<Vec<String>>,
    pub groups: Option<Vec<String>>,
    #[serde(default)]
    pub add_rules: Vec<String>,
    #[serde(default)]
    pub remove_rules: Vec<String>,
    #[serde(default)]
    pub add_groups: Vec<String>,
    #[serde(default)]
    pub remove_groups: Vec<String>,
}
