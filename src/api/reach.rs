//! Whom a selection names, in words a person reads: `role sales`, `customer Acme / Servers`.

use super::{AppShieldTargets, TachyonTargets, Wso2Targets};
use super::{AssignmentTargets, GroupScope, IdOrName, Selector, TargetSpec, WfbssTargets};

impl TargetSpec {
    /// Each target named, in the order of the manifest.
    pub fn named(&self) -> Vec<String> {
        match self {
            Self::Wfbss(targets) => customers(targets),
            Self::AppShield(targets) => shielded(targets),
            Self::Tachyon(targets) => managed(targets),
            Self::Wso2(targets) => devices_of(targets),
        }
    }
}

impl AssignmentTargets {
    /// Each target included, in the order of the manifest; `group` gives the selection of a TargetGroup, if it is known.
    pub fn named<'a>(&self, group: impl Fn(&str) -> Option<&'a TargetSpec>) -> Vec<String> {
        if self.everyone() {
            return vec!["everyone".to_owned()];
        }
        let of = |one: &Selector| match one {
            Selector::TargetGroupRef(of) => match group(&of.name) {
                Some(targets) => targets.named(),
                None => vec![format!("TargetGroup {}", of.name)],
            },
            Selector::Wfbss(targets) => customers(targets),
            Selector::AppShield(targets) => shielded(targets),
            Selector::Tachyon(targets) => managed(targets),
            Selector::Wso2(targets) => devices_of(targets),
        };
        self.include().iter().flat_map(of).collect()
    }
}

fn customers(targets: &WfbssTargets) -> Vec<String> {
    let of = |one: &super::Customer| {
        let customer = one.customer.text();
        match one.scope() {
            GroupScope::All => vec![format!("customer {customer} / all groups")],
            GroupScope::Only(groups) => {
                groups.iter().map(|group| format!("customer {customer} / {}", group.text())).collect()
            }
        }
    };
    targets.customers.iter().flat_map(of).collect()
}

fn shielded(targets: &AppShieldTargets) -> Vec<String> {
    each("group", targets.groups.iter().map(IdOrName::text))
        .chain(each("user", targets.users.iter().map(IdOrName::text)))
        .collect()
}

fn managed(targets: &TachyonTargets) -> Vec<String> {
    each("management group", targets.management_groups.iter().map(IdOrName::text)).collect()
}

fn devices_of(targets: &Wso2Targets) -> Vec<String> {
    each("role", targets.roles.iter().map(String::as_str))
        .chain(each("user", targets.users.iter().map(String::as_str)))
        .chain(each("group", targets.groups.iter().map(IdOrName::text)))
        .chain(each("device", targets.devices.iter().map(String::as_str)))
        .collect()
}

fn each<'a>(word: &'a str, names: impl Iterator<Item = &'a str> + 'a) -> impl Iterator<Item = String> + 'a {
    names.map(move |name| format!("{word} {name}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn each_target_is_named_as_git_names_it() {
        let cases = [
            (json!({"everyone": true}), vec!["everyone"], "nobody is left out"),
            (json!({"include": []}), vec![], "nobody is meant"),
            (
                json!({"include": [{"wso2": {"roles": ["sales"], "users": ["jdoe"], "groups": [{"name": "Lab"}], "devices": ["android/7"]}}]}),
                vec!["role sales", "user jdoe", "group Lab", "device android/7"],
                "every dimension",
            ),
            (
                json!({"include": [{"wfbss": {"customers": [
                    {"name": "Acme", "groups": [{"name": "Servers"}, {"id": "7"}]},
                    {"id": "640FE47F-5118-4D79-8221-A35D0DE2EE2C", "allGroups": true},
                    {"name": "Empty", "groups": []},
                ]}}]}),
                vec![
                    "customer Acme / Servers",
                    "customer Acme / 7",
                    "customer 640FE47F-5118-4D79-8221-A35D0DE2EE2C / all groups",
                ],
                "groups of customers, and none of one",
            ),
            (
                json!({"include": [{"appShield": {"groups": [{"id": "16"}], "users": [{"name": "mara"}]}}, {"tachyon": {"managementGroups": [{"name": "Kiosks"}]}}]}),
                vec!["group 16", "user mara", "management group Kiosks"],
                "one selection after the other",
            ),
            (
                json!({"include": [{"targetGroupRef": {"name": "known"}}, {"targetGroupRef": {"name": "gone"}}]}),
                vec!["management group Pilots", "TargetGroup gone"],
                "a group of targets, and one that is not there",
            ),
        ];
        let pilots: TargetSpec =
            serde_json::from_value(json!({"tachyon": {"managementGroups": [{"name": "Pilots"}]}})).unwrap();
        for (targets, expected, why) in cases {
            let targets: AssignmentTargets = serde_json::from_value(targets).unwrap();
            assert_eq!(targets.named(|name| (name == "known").then_some(&pilots)), expected, "{why}");
        }
    }
}
