//! Every call this driver can make (vendor sheet sections 3 and 4).
//!
//! Three calls of the API are missing, and there is no other way to send an effect: removing all rules, replacing all
//! assignments and removing all assignments also strike what this account cannot see or did not put there (R30).

use http::Method;
use serde_json::{Value, json};

/// What a call needs, as securable and verb: a system without it answers 401 (sheet section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need(pub &'static str);

impl Need {
    /// Nothing but a registered consumer.
    pub const NOTHING: Self = Self("a role");
    /// Reading policies and rules.
    pub const READ: Self = Self("GuaranteedState/Read");
    /// Changing policies.
    pub const WRITE: Self = Self("GuaranteedState/Write");
    /// Removing policies, and rules from policies.
    pub const DELETE: Self = Self("GuaranteedState/Delete");
    /// Giving policies to groups; the second one from version 8.0.
    pub const ASSIGN: Self = Self("GuaranteedState/Write and PolicyAssignment/Assign");
    /// Taking policies from groups; the second one from version 8.0.
    pub const UNASSIGN: Self = Self("GuaranteedState/Delete and PolicyAssignment/Assign");
    /// Deploying, and seeing what waits for it.
    pub const DEPLOY: Self = Self("PolicyDeployment/Execute");
    /// Reading management groups.
    pub const GROUPS: Self = Self("Read on management groups");
}

/// An id of the system: a positive number, so that it is never missing from a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(u32);

impl Id {
    /// From the text of an id.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().filter(|id| *id > 0).map(Self)
    }

    /// From a JSON number, or a text that holds one (sheet section 1).
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => {
                number.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|id| *id > 0).map(Self)
            }
            Value::String(text) => Self::parse(text.trim()),
            _ => None,
        }
    }

    /// As a number.
    pub fn json(self) -> Value {
        self.0.into()
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A call that changes something. All that is ever sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Make a policy of a name and a description.
    Create(Value),
    /// Replace a policy by what was read of it, changed.
    Put(Value),
    /// Throw the switch.
    Enable(Id, bool),
    /// Add rules.
    AddRules(Id, Vec<Id>),
    /// Take one rule out.
    RemoveRule(Id, Id),
    /// Add management groups.
    Assign(Id, Vec<Id>),
    /// Take one management group out.
    Unassign(Id, Id),
    /// Remove a policy.
    Delete(Id),
    /// Deploy everything.
    Deploy,
}

impl Effect {
    /// The method.
    pub const fn method(&self) -> Method {
        match self {
            Self::Put(_) => Method::PUT,
            Self::RemoveRule(..) | Self::Unassign(..) | Self::Delete(_) => Method::DELETE,
            _ => Method::POST,
        }
    }

    /// Segments below `/Consumer`.
    pub fn path(&self) -> Vec<String> {
        let policy = |id: &Id, rest: &[&str]| {
            let rest = rest.iter().map(|segment| (*segment).to_owned());
            ["Policies".to_owned(), id.to_string()].into_iter().chain(rest).collect()
        };
        match self {
            Self::Create(_) | Self::Put(_) => vec!["Policies".to_owned()],
            Self::Enable(id, on) => policy(id, &["Enable", if *on { "true" } else { "false" }]),
            Self::AddRules(id, _) => policy(id, &["Rules"]),
            Self::RemoveRule(id, rule) => policy(id, &["Rules", &rule.to_string()]),
            Self::Assign(id, _) => policy(id, &["Assignments"]),
            Self::Unassign(id, group) => policy(id, &["Assignments", "ManagementGroups", &group.to_string()]),
            Self::Delete(id) => policy(id, &[]),
            Self::Deploy => vec!["Policy".to_owned()],
        }
    }

    /// The body, where the call has one.
    pub fn body(&self) -> Option<Value> {
        match self {
            Self::Create(policy) | Self::Put(policy) => Some(policy.clone()),
            Self::AddRules(_, ids) | Self::Assign(_, ids) => {
                Some(json!(ids.iter().map(|id| id.0).collect::<Vec<_>>()))
            }
            _ => None,
        }
    }

    /// The permission it needs.
    pub const fn need(&self) -> Need {
        match self {
            Self::Create(_) | Self::Put(_) | Self::Enable(..) | Self::AddRules(..) => Need::WRITE,
            Self::RemoveRule(..) | Self::Delete(_) => Need::DELETE,
            Self::Assign(..) => Need::ASSIGN,
            Self::Unassign(..) => Need::UNASSIGN,
            Self::Deploy => Need::DEPLOY,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn id(number: u32) -> Id {
        Id::parse(&number.to_string()).unwrap()
    }

    #[test]
    fn every_effect_is_the_call_of_the_sheet() {
        let cases = [
            (Effect::Create(json!({})), "POST Policies", Need::WRITE),
            (Effect::Put(json!({})), "PUT Policies", Need::WRITE),
            (Effect::Enable(id(41), true), "POST Policies/41/Enable/true", Need::WRITE),
            (Effect::Enable(id(41), false), "POST Policies/41/Enable/false", Need::WRITE),
            (Effect::AddRules(id(41), vec![id(310)]), "POST Policies/41/Rules", Need::WRITE),
            (Effect::RemoveRule(id(41), id(310)), "DELETE Policies/41/Rules/310", Need::DELETE),
            (Effect::Assign(id(41), vec![id(7)]), "POST Policies/41/Assignments", Need::ASSIGN),
            (
                Effect::Unassign(id(41), id(7)),
                "DELETE Policies/41/Assignments/ManagementGroups/7",
                Need::UNASSIGN,
            ),
            (Effect::Delete(id(41)), "DELETE Policies/41", Need::DELETE),
            (Effect::Deploy, "POST Policy", Need::DEPLOY),
        ];
        for (effect, line, need) in cases {
            assert_eq!(format!("{} {}", effect.method(), effect.path().join("/")), line);
            assert_eq!(effect.need(), need, "{line}");
        }
    }

    #[test]
    fn an_id_is_a_positive_number_in_either_spelling() {
        let cases = [
            (json!(41), Some(41)),
            (json!("41"), Some(41)),
            (json!(" 41 "), Some(41)),
            (json!(0), None),
            (json!(-1), None),
            (json!(""), None),
            (json!("41/Rules"), None),
            (json!(4.5), None),
            (json!(null), None),
        ];
        for (value, expected) in cases {
            assert_eq!(Id::of(&value), expected.map(id), "{value}");
        }
    }
}
