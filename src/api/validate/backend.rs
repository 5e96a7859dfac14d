//! Rules of backends.

use super::{Findings, targets, text};
use crate::api::{
    Access, AccessTargets, All, BackendSpec, LabelRequirement, LabelSelector, Namespaces, Operator,
    SystemSpec, limits,
};

pub(super) fn spec(spec: &BackendSpec, found: &mut Findings) {
    system(&spec.system, found);
    if let Some(ca) = &spec.ca_ref {
        text::object_name(&ca.name, "spec.caRef.name", found);
        text::data_key(ca.key(), "spec.caRef.key", found);
    }
    text::duration(spec.drift.as_ref().and_then(|d| d.interval.as_ref()), "spec.drift.interval", found);
    let limits = spec.limits.unwrap_or_default();
    found.range(limits.requests_per_minute, 1..=100_000, "spec.limits.requestsPerMinute");
    found.range(limits.burst, 1..=1000, "spec.limits.burst");
    found.range(limits.in_flight, 1..=64, "spec.limits.inFlight");
    if let Some(guard) = &spec.guard {
        found.range(guard.max_targets, 0..=1_000_000, "spec.guard.maxTargets");
        found.range(guard.max_removals, 0..=1_000_000, "spec.guard.maxRemovals");
        text::duration(guard.window.as_ref(), "spec.guard.window", found);
    }
}

fn system(system: &SystemSpec, found: &mut Findings) {
    let at = format!("spec.system.{}", system.member());
    text::object_name(&system.credentials().name, &format!("{at}.credentialsRef.name"), found);
    for (field, url) in system.urls() {
        text::url(url, &format!("{at}.{field}"), found);
    }
    match system {
        SystemSpec::Wfbss(system) => {
            let good = system.version.as_deref().is_none_or(is_version);
            found.require(good, &format!("{at}.version"), "is not a version", "write v2.8");
            found.range(system.customers_per_write, 1..=10, &format!("{at}.customersPerWrite"));
            if let Some(path) = &system.task_path {
                text::path(path, true, &format!("{at}.taskPath"), found);
            }
        }
        SystemSpec::AppShield(system) => {
            let paths = system.paths();
            for (field, path) in [("list", paths.list), ("get", paths.get), ("delete", paths.delete)] {
                if let Some(path) = path {
                    text::path(&path, false, &format!("{at}.paths.{field}"), found);
                }
            }
        }
        SystemSpec::Tachyon(system) => text::word(&system.consumer, &format!("{at}.consumer"), found),
        SystemSpec::Symphony(_) | SystemSpec::Wso2(_) => {}
    }
}

fn is_version(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit());
    let parts = text.strip_prefix('v').and_then(|rest| rest.split_once('.'));
    text.len() <= 16 && parts.is_some_and(|(major, minor)| digits(major) && digits(minor))
}

pub(super) fn access(entries: &[Access], found: &mut Findings) {
    let at = "spec.access";
    found.at_most(entries.len(), limits::ACCESS, at);
    found.unique(entries.iter().map(|entry| (&entry.name, entry.name.clone())), at);
    for (i, entry) in entries.iter().enumerate() {
        access_entry(entry, &format!("{at}[{i}]"), found);
    }
}

fn access_entry(entry: &Access, at: &str, found: &mut Findings) {
    text::namespace(&entry.name, &format!("{at}.name"), found);
    namespaces(&entry.namespaces, &format!("{at}.namespaces"), found);
    let field = format!("{at}.targets.{}", entry.targets.member());
    match &entry.targets {
        AccessTargets::All(All(all)) => found.require(*all, &field, "is false", "say true, or name targets"),
        AccessTargets::Wfbss(one) => targets::wfbss(one, &field, found),
        AccessTargets::AppShield(one) => targets::app_shield(one, &field, found),
        AccessTargets::Tachyon(one) => targets::tachyon(one, &field, found),
        AccessTargets::Wso2(one) => targets::wso2(one, &field, found),
    }
    if let Some(range) = entry.priority {
        let field = format!("{at}.priority");
        found.range(Some(range.min), -1000..=1000, &format!("{field}.min"));
        found.range(Some(range.max), -1000..=1000, &format!("{field}.max"));
        found.require(range.min <= range.max, &field, "has min above max", "min must not be above max");
    }
}

fn namespaces(spec: &Namespaces, at: &str, found: &mut Findings) {
    let requirements =
        spec.selector.as_ref().map_or(0, |one| one.match_labels.len() + one.match_expressions.len());
    found.require(
        !spec.names.is_empty() || requirements > 0,
        at,
        "names no namespace, and an empty selector would mean every namespace",
        "name namespaces or labels; for every namespace match kubernetes.io/metadata.name with operator Exists",
    );
    found.at_most(spec.names.len(), limits::NAMESPACES, &format!("{at}.names"));
    for (i, name) in spec.names.iter().enumerate() {
        text::namespace(name, &format!("{at}.names[{i}]"), found);
    }
    found.unique(spec.names.iter().map(|name| (name, name.clone())), &format!("{at}.names"));
    if let Some(one) = &spec.selector {
        selector(one, &format!("{at}.selector"), found);
    }
}

fn selector(spec: &LabelSelector, at: &str, found: &mut Findings) {
    found.at_most(spec.match_labels.len(), limits::SELECTOR, &format!("{at}.matchLabels"));
    found.at_most(spec.match_expressions.len(), limits::SELECTOR, &format!("{at}.matchExpressions"));
    let long = spec.match_labels.values().any(|value| value.chars().count() > 63);
    found.require(
        !long,
        &format!("{at}.matchLabels"),
        "has a value that is too long",
        "at most 63 characters are allowed",
    );
    for (i, one) in spec.match_expressions.iter().enumerate() {
        requirement(one, &format!("{at}.matchExpressions[{i}]"), found);
    }
}

fn requirement(spec: &LabelRequirement, at: &str, found: &mut Findings) {
    found.require(
        is_label_key(&spec.key),
        &format!("{at}.key"),
        "is not the key of a label",
        "write [domain/]name",
    );
    let needs_values = matches!(spec.operator, Operator::In | Operator::NotIn);
    found.require(
        needs_values != spec.values.is_empty(),
        at,
        "has values where its operator has none, or none where it needs some",
        "In and NotIn need values, Exists and DoesNotExist have none",
    );
    let field = format!("{at}.values");
    found.at_most(spec.values.len(), limits::SELECTOR, &field);
    found.unique(spec.values.iter().map(|value| (value, value.clone())), &field);
    let long = spec.values.iter().any(|value| value.chars().count() > 63);
    found.require(!long, &field, "has a value that is too long", "at most 63 characters are allowed");
}

fn is_label_key(text: &str) -> bool {
    let (domain, name) = text.split_once('/').map_or((None, text), |(domain, name)| (Some(domain), name));
    let plain = |c: u8| c.is_ascii_alphanumeric();
    let good_domain = domain.is_none_or(|domain| {
        let lower = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        domain.bytes().all(|c| lower(c) || matches!(c, b'-' | b'.'))
            && domain.bytes().next().is_some_and(lower)
            && domain.bytes().last().is_some_and(lower)
            && domain.len() <= 253
    });
    good_domain
        && (1..=63).contains(&name.len())
        && name.bytes().all(|c| plain(c) || matches!(c, b'-' | b'_' | b'.'))
        && name.bytes().next().is_some_and(plain)
        && name.bytes().last().is_some_and(plain)
}
