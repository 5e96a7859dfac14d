//! Backends, and the objects besides that something is wrong with.

use std::collections::BTreeMap;

use super::{
    Account, Cluster, Corrected, Other, Seen, State,
    cluster::BackendGlance,
    standing::{Standing, holding, standing},
    words,
};
use crate::{
    api::{self, BackendStatus, Condition, ConditionType, Reason},
    model::{BackendId, BackendKind, ObjectName},
};

/// How many assignments are on each.
pub(super) fn assignments(cluster: &Cluster) -> BTreeMap<BackendId, usize> {
    let mut counts = BTreeMap::new();
    let named = cluster.assignments.iter().filter_map(|(name, seen)| super::assignment::backend(name, seen));
    named.for_each(|backend| *counts.entry(backend).or_default() += 1);
    counts
}

/// An account as it stands, with so many assignments on it.
pub(super) fn of(
    id: &BackendId,
    seen: &Seen<BackendGlance, BackendStatus>,
    assignments: usize,
    cluster: &Cluster,
) -> Account {
    let nothing = BackendStatus::default();
    let status = seen.status.as_ref().unwrap_or(&nothing);
    let stands = stands(&status.conditions, seen);
    let objects = status.objects.unwrap_or_default();
    Account {
        proven: cluster.proven.get(&id.to_string()).copied(),
        backend: id.to_string(),
        namespace: id.namespace.to_string(),
        system: system(seen, status),
        state: stands.state,
        reason: stands.reason.to_string(),
        help: stands.help(),
        message: stands.message,
        since: stands.since,
        managed: objects.managed,
        drifted: objects.drifted,
        pending: objects.pending,
        orphaned: objects.orphaned,
        assignments,
        remarks: remarks(status),
    }
}

/// As its conditions say; Held comes first, since it names what a person is to decide.
fn stands(conditions: &[Condition], seen: &Seen<BackendGlance, BackendStatus>) -> Standing {
    let plain = standing(conditions, seen.generation);
    let current = !matches!(plain.state, State::Stalled | State::Unknown) && plain.reason != Reason::Pending;
    match holding(conditions, ConditionType::Held).filter(|_| current) {
        Some(held) => Standing {
            state: State::Held,
            reason: held.reason,
            message: words::line(&held.message),
            since: Some(held.last_transition_time.0),
        },
        None => waits_for_deployment(conditions, plain),
    }
}

fn waits_for_deployment(conditions: &[Condition], plain: Standing) -> Standing {
    match holding(conditions, ConditionType::PendingDeployment).filter(|_| plain.state == State::InForce) {
        Some(pending) => Standing {
            state: State::Working,
            reason: pending.reason,
            message: words::line(&pending.message),
            since: Some(pending.last_transition_time.0),
        },
        None => plain,
    }
}

/// `wso2 DeviceMgtV1 3.3, tenant -1234`.
fn system(seen: &Seen<BackendGlance, BackendStatus>, status: &BackendStatus) -> String {
    let account = status.account.as_ref();
    let system = account.map(|account| account.system).or(seen.spec.as_ref().ok().map(|spec| spec.system));
    let Some(system) = system else { return "-".to_owned() };
    let more = account.into_iter().flat_map(|account| [&account.api, &account.version]);
    let mut told = vec![system.to_string()];
    told.extend(more.filter_map(|part| words::named(part.as_ref())));
    let tenant = account.and_then(|account| words::named(account.tenant.as_ref()));
    let tenant = tenant.map(|tenant| format!(", tenant {tenant}")).unwrap_or_default();
    told.join(" ") + &tenant
}

fn remarks(status: &BackendStatus) -> Vec<String> {
    let lost =
        status.memory.iter().flat_map(|memory| &memory.lost).map(ToString::to_string).collect::<Vec<_>>();
    let lost = (!lost.is_empty()).then(|| format!("lost with an older store: {}", lost.join(", ")));
    let deployment = holding(&status.conditions, ConditionType::PendingDeployment);
    let deployment = deployment.map(|one| format!("{}: {}", one.reason, words::line(&one.message)));
    let orphaned = status.objects.map_or(0, |objects| objects.orphaned);
    let orphaned = (orphaned > 0).then(|| format!("{}: {orphaned}", Reason::Orphaned.meaning()));
    deployment.into_iter().chain(lost).chain(orphaned).collect()
}

/// What was put back, latest first.
pub(super) fn corrected(cluster: &Cluster) -> Vec<Corrected> {
    let told = cluster.corrections.iter().map(|one| Corrected {
        namespace: words::name(&one.assignment.namespace),
        assignment: words::name(&one.assignment.name),
        message: words::line(&one.note),
        at: one.at,
        times: one.times,
    });
    let mut all: Vec<_> = told.collect();
    all.sort_by(|a, b| (b.at, &a.namespace, &a.assignment).cmp(&(a.at, &b.namespace, &b.assignment)));
    all
}

/// Policies and TargetGroups whose own trouble it is; where only an assignment is behind, that one tells.
pub(super) fn others(cluster: &Cluster) -> Vec<Other> {
    let policies = cluster.policies.iter().filter_map(|(name, seen)| {
        other("Policy", name, seen.status.as_ref().map(|status| status.conditions.as_slice()), seen)
    });
    let groups = cluster.groups.iter().filter_map(|(name, seen)| {
        other("TargetGroup", name, seen.status.as_ref().map(|status| status.conditions.as_slice()), seen)
    });
    policies.chain(groups).collect()
}

fn other<S, T>(
    kind: &str,
    name: &ObjectName,
    conditions: Option<&[Condition]>,
    seen: &Seen<S, T>,
) -> Option<Other> {
    let stands = standing(conditions.unwrap_or_default(), seen.generation);
    let passing = matches!(stands.reason, Reason::AssignmentsNotReady | Reason::Pending);
    (!stands.state.is_fine() && !passing).then(|| Other {
        kind: kind.to_owned(),
        namespace: name.namespace.to_string(),
        name: name.name.to_string(),
        state: stands.state,
        reason: stands.reason.to_string(),
        help: stands.help(),
        message: stands.message,
    })
}

/// The name of a backend that an assignment of this namespace means.
pub(super) fn id(kind: api::BackendKind, namespace: &str, name: &str) -> BackendId {
    let kind = match kind {
        api::BackendKind::Backend => BackendKind::Backend,
        api::BackendKind::ClusterBackend => BackendKind::ClusterBackend,
    };
    BackendId::seen_from(namespace, kind, name)
}
