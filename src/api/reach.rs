//! Whom a selection names, in words a person reads: `role sales`, `customer Acme / Servers`.

use std::fmt;

use super::{AppShieldTargets, TachyonTargets, Wso2Targets};
use super::{AssignmentTargets, GroupScope, IdOrName, Selector, TargetSpec, WfbssTargets};

/// A target, as Git names it.
struct Target<'a> {
    word: &'static str,
    name: &'a str,
    part: Option<&'a str>,
}

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.word, self.name)?;
        self.part.map_or(Ok(()), |part| write!(f, " / {part}"))
    }
}

type Targets<'a> = Box<dyn Iterator<Item = Target<'a>> + 'a>;

impl AssignmentTargets {
    /// The first targets included, at most so many, in the order of the manifest, and how many there are; `group` gives
    /// the selection of a TargetGroup, if it is known.
    pub fn named<'a>(
        &'a self,
        most: usize,
        group: impl Fn(&str) -> Option<&'a TargetSpec>,
    ) -> (Vec<String>, usize) {
        if self.everyone() {
            return (vec!["everyone".to_owned()], 1);
        }
        let of = |one: &'a Selector| -> Targets<'a> {
            match one {
                Selector::TargetGroupRef(of) => match group(&of.name) {
                    Some(targets) => targets.each(),
                    None => Box::new(each("TargetGroup", std::iter::once(of.name.as_str()))),
                },
                Selector::Wfbss(targets) => customers(targets),
                Selector::AppShield(targets) => shielded(targets),
                Selector::Tachyon(targets) => managed(targets),
                Selector::Wso2(targets) => devices_of(targets),
            }
        };
        let (mut told, mut all) = (Vec::new(), 0);
        for target in self.include().iter().flat_map(of) {
            if all < most {
                told.push(target.to_string());
            }
            all += 1;
        }
        (told, all)
    }
}

impl TargetSpec {
    fn each(&self) -> Targets<'_> {
        match self {
            Self::Wfbss(targets) => customers(targets),
            Self::AppShield(targets) => shielded(targets),
            Self::Tachyon(targets) => managed(targets),
            Self::Wso2(targets) => devices_of(targets),
        }
    }
}

fn customers(targets: &WfbssTargets) -> Targets<'_> {
    Box::new(targets.customers.iter().flat_map(|one| {
        let name = one.customer.text();
        let (all, groups): (Option<&str>, &[_]) = match one.scope() {
            GroupScope::All => (Some("all groups"), &[]),
            GroupScope::Only(groups) => (None, groups),
        };
        let parts = all.into_iter().chain(groups.iter().map(IdOrName::text));
        parts.map(move |part| Target { word: "customer", name, part: Some(part) })
    }))
}

fn shielded(targets: &AppShieldTargets) -> Targets<'_> {
    let groups = each("group", targets.groups.iter().map(IdOrName::text));
    Box::new(groups.chain(each("user", targets.users.iter().map(IdOrName::text))))
}

fn managed(targets: &TachyonTargets) -> Targets<'_> {
    Box::new(each("management group", targets.management_groups.iter().map(IdOrName::text)))
}

fn devices_of(targets: &Wso2Targets) -> Targets<'_> {
    Box::new(
        each("role", targets.roles.iter().map(String::as_str))
            .chain(each("user", targets.users.iter().map(String::as_str)))
            .chain(each("group", targets.groups.iter().map(IdOrName::text)))
            .chain(each("device", targets.devices.iter().map(String::as_str))),
    )
}

fn each<'a>(word: &'static str, names: impl Iterator<Item = &'a str>) -> impl Iterator<Item = Target<'a>> {
    names.map(move |name| Target { word, name, part: None })
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
            let named = |most| targets.named(most, |name| (name == "known").then_some(&pilots));
            assert_eq!(named(usize::MAX), (own(&expected), expected.len()), "{why}");
            let first: Vec<_> = expected.iter().take(1).copied().collect();
            assert_eq!(named(1), (own(&first), expected.len()), "{why}: the first one, and how many");
        }
    }

    fn own(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }
}
