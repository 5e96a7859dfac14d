//! Rules of selections.

use std::{borrow::Cow, collections::BTreeSet};

use super::{
    Field, Findings,
    text::{self, Quoted},
};
use crate::api::{
    AppShieldTargets, Customer, IdOrName, Selector, TachyonTargets, TargetSpec, WfbssTargets, Wso2Targets,
    limits,
};

pub(super) fn spec(targets: &TargetSpec, at: impl Field, found: &mut Findings) {
    let at = format_args!("{at}.{}", targets.member());
    match targets {
        TargetSpec::Wfbss(targets) => wfbss(targets, at, found),
        TargetSpec::AppShield(targets) => app_shield(targets, at, found),
        TargetSpec::Tachyon(targets) => tachyon(targets, at, found),
        TargetSpec::Wso2(targets) => wso2(targets, at, found),
    }
}

pub(super) fn selector(selector: &Selector, at: impl Field, found: &mut Findings) {
    let at = format_args!("{at}.{}", selector.member());
    match selector {
        Selector::TargetGroupRef(reference) => {
            text::object_name(&reference.name, format_args!("{at}.name"), found);
        }
        Selector::Wfbss(targets) => wfbss(targets, at, found),
        Selector::AppShield(targets) => app_shield(targets, at, found),
        Selector::Tachyon(targets) => tachyon(targets, at, found),
        Selector::Wso2(targets) => wso2(targets, at, found),
    }
}

pub(super) fn wfbss(targets: &WfbssTargets, at: impl Field, found: &mut Findings) {
    let field = format_args!("{at}.customers");
    found.at_most(targets.customers.len(), limits::CUSTOMERS, field);
    for (i, one) in targets.customers.iter().enumerate() {
        customer(one, format_args!("{field}[{i}]"), found);
    }
    let total: usize =
        targets.customers.iter().map(|c| c.groups.as_ref().map_or(1, |groups| groups.len())).sum();
    if total > limits::TARGETS {
        found.add(
            field,
            format!("comes to {total} targets"),
            "at most 2000 are allowed: split the selection",
        );
    }
    let keys = targets.customers.iter().map(|c| (customer_key(&c.customer), Quoted(c.customer.text())));
    found.unique(keys, field);
}

/// GUIDs are the same in upper and lower case.
fn customer_key(customer: &IdOrName) -> (bool, Cow<'_, str>) {
    match customer {
        IdOrName::Id(id) if id.as_str().bytes().any(|byte| byte.is_ascii_lowercase()) => {
            (true, id.as_str().to_ascii_uppercase().into())
        }
        IdOrName::Id(id) => (true, id.as_str().into()),
        IdOrName::Name(name) => (false, name.as_str().into()),
    }
}

fn customer(customer: &Customer, at: impl Field, found: &mut Findings) {
    match &customer.customer {
        IdOrName::Id(id) => text::guid(id.as_str(), format_args!("{at}.id"), found),
        IdOrName::Name(name) => text::name(name.as_str(), limits::NAME, format_args!("{at}.name"), found),
    }
    let all = customer.all_groups == Some(true);
    found.require(
        customer.groups.is_some() != all,
        at,
        "names groups and means all of them, or neither",
        "name groups, or say allGroups: true",
    );
    let groups = customer.groups.as_deref().unwrap_or_default();
    text::ids_or_names(groups, limits::GROUPS, format_args!("{at}.groups"), found);
}

pub(super) fn app_shield(targets: &AppShieldTargets, at: impl Field, found: &mut Findings) {
    text::ids_or_names(&targets.groups, limits::GROUPS, format_args!("{at}.groups"), found);
    text::ids_or_names(&targets.users, limits::USERS, format_args!("{at}.users"), found);
}

pub(super) fn tachyon(targets: &TachyonTargets, at: impl Field, found: &mut Findings) {
    let field = format_args!("{at}.managementGroups");
    text::ids_or_names(&targets.management_groups, limits::MANAGEMENT_GROUPS, field, found);
}

pub(super) fn wso2(targets: &Wso2Targets, at: impl Field, found: &mut Findings) {
    people(&targets.roles, limits::ROLES, format_args!("{at}.roles"), found);
    people(&targets.users, limits::USERS, format_args!("{at}.users"), found);
    text::ids_or_names(&targets.groups, limits::GROUPS, format_args!("{at}.groups"), found);
    let field = format_args!("{at}.devices");
    found.at_most(targets.devices.len(), limits::DEVICES, field);
    for (i, device) in targets.devices.iter().enumerate() {
        found.require(
            is_device(device),
            format_args!("{field}[{i}]"),
            "is not a device",
            "write type/id, such as android/4711",
        );
    }
    let distinct: BTreeSet<&String> = targets.devices.iter().collect();
    found.require(distinct.len() == targets.devices.len(), field, "names a device twice", "name each once");
}

/// Roles or users. The word ANY means everybody to the system (R1).
fn people(names: &[String], max: usize, field: impl Field, found: &mut Findings) {
    found.at_most(names.len(), max, field);
    for (i, name) in names.iter().enumerate() {
        let field = format_args!("{field}[{i}]");
        text::name(name, 100, field, found);
        found.require(
            !name.trim().eq_ignore_ascii_case("any"),
            field,
            "is the system's word for everybody",
            "say everyone: true in the assignment, if you mean it",
        );
    }
    found.unique(names.iter().map(|name| (name, Quoted(name))), field);
}

/// `type/id`, each of at most 45 characters (wso2-emm.md section 2.2).
fn is_device(text: &str) -> bool {
    let Some((kind, id)) = text.split_once('/') else { return false };
    let plain = |c: u8| c.is_ascii_alphanumeric() || b"._-".contains(&c);
    (1..=45).contains(&kind.len())
        && kind.bytes().all(plain)
        && (1..=45).contains(&id.chars().count())
        && !id.chars().any(|c| c == '/' || c.is_ascii_whitespace() || c.is_ascii_control())
}
