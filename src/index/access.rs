//! Who may use a ClusterBackend, and how far (R6).
//!
//! One entry must allow the whole assignment: entries are alternatives, what stands in one of them
//! holds together. Targets are compared as they are written: a name does not prove an id.

use std::collections::{BTreeMap, BTreeSet};

use super::entry::Fault;
use crate::{
    api::{
        Access, AccessTargets, Adoption, AppShieldTargets, Customer, GroupScope, IdOrName,
        PolicyAssignmentSpec, Reason, TachyonTargets, TargetSpec, WfbssTargets, Wso2Targets,
    },
    drivers::Reach,
};

/// Who asks.
pub(super) struct Tenant<'a> {
    pub namespace: &'a str,
    /// With the one every namespace bears; `None` where the namespace is not known yet.
    pub labels: Option<&'a BTreeMap<String, String>>,
}

/// What is asked for, without targets where the system has none.
pub(super) struct Request<'a> {
    pub spec: &'a PolicyAssignmentSpec,
    pub reach: Option<&'a Reach>,
}

/// Whether some entry allows everything asked for.
///
/// # Errors
/// What the entry that comes closest refuses, or why nothing can be said yet.
pub(super) fn check(entries: &[Access], tenant: &Tenant<'_>, request: &Request<'_>) -> Result<(), Fault> {
    let mut closest = None;
    let mut undecided = false;
    for entry in entries {
        match lets_in(entry, tenant) {
            None => undecided = true,
            Some(false) => {}
            Some(true) => match allows(entry, request) {
                Ok(()) => return Ok(()),
                Err(fault) => closest = closest.or(Some(fault)),
            },
        }
    }
    match closest {
        _ if undecided => Err(fault(
            Reason::Pending,
            format!("the labels of namespace {} are not known yet", tenant.namespace),
        )),
        Some(refused) => Err(refused),
        None => Err(fault(
            Reason::AccessDenied,
            format!(
                "no access entry of the ClusterBackend lets namespace {} in; its owner has to add one",
                tenant.namespace
            ),
        )),
    }
}

fn fault(reason: Reason, message: String) -> Fault {
    Fault { reason, message: message.into() }
}

/// `None` where it depends on labels that are not known.
fn lets_in(entry: &Access, tenant: &Tenant<'_>) -> Option<bool> {
    if entry.namespaces.names.iter().any(|name| name == tenant.namespace) {
        return Some(true);
    }
    let Some(selector) = &entry.namespaces.selector else { return Some(false) };
    Some(selector.matches(tenant.labels?))
}

fn allows(entry: &Access, request: &Request<'_>) -> Result<(), Fault> {
    let denied = |what: String| {
        let message =
            format!("access entry {} of the ClusterBackend does not allow {what}; ask its owner", entry.name);
        fault(Reason::AccessDenied, message)
    };
    let spec = request.spec;
    if !entry.allows_priority(spec.priority()) {
        let range = entry.priority.map_or((0, 0), |range| (range.min, range.max));
        return Err(denied(format!("spec.priority {}, only {} to {}", spec.priority(), range.0, range.1)));
    }
    if spec.adopt.is_some() && entry.adoption() == Adoption::Deny {
        let message = format!(
            "access entry {} of the ClusterBackend does not allow spec.adopt; ask its owner for `adoption: Allow`",
            entry.name
        );
        return Err(fault(Reason::AdoptionDenied, message));
    }
    let Some(reach) = request.reach else {
        let all = matches!(entry.targets, AccessTargets::All(all) if all.0);
        return if all {
            Ok(())
        } else {
            Err(denied("a policy without targets, only with `targets: {all: true}`".into()))
        };
    };
    if reach.everyone && !entry.everyone() {
        return Err(denied("spec.targets.everyone".into()));
    }
    for (field, targets) in &reach.include {
        covers(&entry.targets, targets).map_err(|what| denied(format!("{what} ({field})")))?;
    }
    Ok(())
}

/// # Errors
/// The first target that the entry does not name.
fn covers(open: &AccessTargets, asked: &TargetSpec) -> Result<(), String> {
    match (open, asked) {
        (AccessTargets::All(all), _) if all.0 => Ok(()),
        (AccessTargets::Wfbss(open), TargetSpec::Wfbss(asked)) => wfbss(open, asked),
        (AccessTargets::AppShield(open), TargetSpec::AppShield(asked)) => app_shield(open, asked),
        (AccessTargets::Tachyon(open), TargetSpec::Tachyon(asked)) => tachyon(open, asked),
        (AccessTargets::Wso2(open), TargetSpec::Wso2(asked)) => wso2(open, asked),
        _ => Err(format!("targets of {}", asked.member())),
    }
}

fn wfbss(open: &WfbssTargets, asked: &WfbssTargets) -> Result<(), String> {
    asked.customers.iter().try_for_each(|customer| {
        let mut same =
            open.customers.iter().filter(|one| same_customer(&one.customer, &customer.customer)).peekable();
        if same.peek().is_none() {
            return Err(format!("customer {}", customer.customer.text()));
        }
        let within = same.any(|one| groups_within(one, customer));
        if within { Ok(()) } else { Err(format!("these groups of customer {}", customer.customer.text())) }
    })
}

/// GUIDs are the same in upper and lower case.
fn same_customer(one: &IdOrName, other: &IdOrName) -> bool {
    match (one, other) {
        (IdOrName::Id(one), IdOrName::Id(other)) => one.as_str().eq_ignore_ascii_case(other.as_str()),
        _ => one == other,
    }
}

fn groups_within(open: &Customer, asked: &Customer) -> bool {
    match (open.scope(), asked.scope()) {
        (GroupScope::All, _) => true,
        (GroupScope::Only(_), GroupScope::All) => false,
        (GroupScope::Only(open), GroupScope::Only(asked)) => asked.iter().all(|group| open.contains(group)),
    }
}

fn app_shield(open: &AppShieldTargets, asked: &AppShieldTargets) -> Result<(), String> {
    subset("group", &open.groups, &asked.groups)?;
    subset("user", &open.users, &asked.users)
}

fn tachyon(open: &TachyonTargets, asked: &TachyonTargets) -> Result<(), String> {
    subset("management group", &open.management_groups, &asked.management_groups)
}

fn wso2(open: &Wso2Targets, asked: &Wso2Targets) -> Result<(), String> {
    words("role", &open.roles, &asked.roles)?;
    words("user", &open.users, &asked.users)?;
    subset("group", &open.groups, &asked.groups)?;
    words("device", &open.devices, &asked.devices)
}

fn subset(what: &str, open: &[IdOrName], asked: &[IdOrName]) -> Result<(), String> {
    let open: BTreeSet<_> = open.iter().collect();
    let beyond = asked.iter().find(|one| !open.contains(one));
    beyond.map_or(Ok(()), |one| Err(format!("{what} {}", one.text())))
}

fn words(what: &str, open: &[String], asked: &[String]) -> Result<(), String> {
    let open: BTreeSet<_> = open.iter().collect();
    let beyond = asked.iter().find(|one| !open.contains(one));
    beyond.map_or(Ok(()), |one| Err(format!("{what} {one}")))
}
