//! From a policy as listed to the words somebody would have written for it: the reverse of `translate`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{dialect::Rules, wire::ANY};
use crate::{
    api::{
        AssignmentTargets, Compliance, Content, Feature, IdOrName, Ownership, PolicySpec, Profile, Selector,
        Wso2Facet, Wso2Options, Wso2Targets,
    },
    drivers::{Described, only, telling},
    model::{LeafPath, MemberKind, ObservedItem},
};

/// Describes one policy.
///
/// # Errors
/// What of it our words cannot say.
pub fn describe(rules: Rules, observed: &ObservedItem) -> Result<Described, String> {
    let mut notes = Vec::new();
    let profile = Profile { platform: text(observed, "platform").to_owned(), features: features(observed)? };
    let targets = whom(rules, observed, &mut notes)?;
    let description = Some(text(observed, "description")).filter(|text| !text.is_empty());
    Ok(Described {
        policy: PolicySpec {
            display_name: Some(observed.name.clone()),
            description: description.map(str::to_owned),
            enabled: observed.enabled,
            content: Content { wso2: Some(Wso2Facet { profiles: vec![profile] }), ..Content::default() },
        },
        targets: Some(targets),
        wso2: Some(options(observed, &mut notes)),
        title: None,
        notes,
    })
}

fn text<'a>(observed: &'a ObservedItem, path: &str) -> &'a str {
    observed.leaves.get(&LeafPath(path.into())).and_then(Value::as_str).unwrap_or_default()
}

fn features(observed: &ObservedItem) -> Result<Vec<Feature>, String> {
    let mut features = Vec::new();
    for (path, content) in &observed.leaves {
        let Some(code) = path.0.strip_prefix("features/") else { continue };
        if !content.is_object() {
            return Err(format!("the content of feature {code} is not an object"));
        }
        let secrets = telling(content);
        if !secrets.is_empty() {
            return Err(format!(
                "feature {code} holds what may be a secret, at {}; write it by hand, with its value in a Secret that \
                 `secrets` of the feature names",
                secrets.join(", ")
            ));
        }
        let content = Some(content.clone().into());
        features.push(Feature { code: code.to_owned(), content, secrets: Vec::new() });
    }
    if features.is_empty() { Err("it has no features".to_owned()) } else { Ok(features) }
}

/// What is not said here is not ours on an adopted policy, so that an unknown word stays as it is.
fn options(observed: &ObservedItem, notes: &mut Vec<String>) -> Wso2Options {
    let compliance = match text(observed, "compliance") {
        "enforce" => Some(Compliance::Enforce),
        "warn" => Some(Compliance::Warning),
        "monitor" => Some(Compliance::Monitor),
        other => {
            notes.push(format!("compliance {other:?} is no word we know; it stays as it is"));
            None
        }
    };
    let ownership = match text(observed, "ownership") {
        ANY => Some(Ownership::Any),
        "BYOD" => Some(Ownership::Byod),
        "COPE" => Some(Ownership::Cope),
        other => {
            notes.push(format!("ownership {other:?} is no word we know; it stays as it is"));
            None
        }
    };
    Wso2Options { compliance, ownership }
}

/// The system restricts by roles *and* users *and* groups; a selection of ours is a union. So only one of them can be said
/// (sheet section 7).
fn whom(rules: Rules, observed: &ObservedItem, notes: &mut Vec<String>) -> Result<AssignmentTargets, String> {
    let of = |kind| observed.members.get(&kind).cloned().unwrap_or_default();
    let (roles, users, groups) = (of(MemberKind::Role), of(MemberKind::User), of(MemberKind::Group));
    let devices = of(MemberKind::Device);
    if !devices.is_empty() && rules.device_links {
        return Err(format!("{} single devices are linked to it, besides whom else it names", devices.len()));
    }
    if !devices.is_empty() {
        notes.push(format!(
            "{} single devices are linked to it, which the system does not look at",
            devices.len()
        ));
    }
    let everyone = roles == BTreeSet::from([ANY.to_owned()]);
    let names = [!roles.is_empty(), !users.is_empty(), !groups.is_empty()];
    if names.iter().filter(|named| **named).count() > 1 {
        return Err(
            "it reaches those whom its roles, users and groups all name; ours reach whom any of them \
                    names"
                .to_owned(),
        );
    }
    if everyone {
        return Ok(AssignmentTargets { everyone: Some(true), ..AssignmentTargets::default() });
    }
    if roles.contains(ANY) {
        return Err("it names everybody and somebody among its roles".to_owned());
    }
    if !groups.is_empty() && (!rules.accept_ungrouped || rules.dialect.is_a()) {
        return Err(
            "it names groups, and so reaches every device that is in no group, too; that can be said with \
                    ungroupedDevices: Accept in the backend"
                .to_owned(),
        );
    }
    Ok(only(Selector::Wso2(Box::new(Wso2Targets {
        roles: roles.into_iter().collect(),
        users: users.into_iter().collect(),
        groups: groups.into_iter().map(IdOrName::id).collect(),
        devices: Vec::new(),
    }))))
}

#[cfg(test)]
mod tests;
