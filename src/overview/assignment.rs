//! Assignments: what holds, for whom, since when, by which objects of Git.

use super::{
    Assignment, Cluster, Counts, Object, Plan, Problem, Seen, State,
    account::id,
    sources::Sources,
    standing::{Standing, holding, standing},
    words::{line, name as plain, named},
};
use crate::{
    api::{
        ConditionStatus, ConditionType, ExternalObject, Mode, PolicyAssignmentSpec, PolicyAssignmentStatus,
        Reason, conditions::find,
    },
    model::{BackendId, ObjectName},
};

/// Targets that are named before the rest is only counted.
const NAMED: usize = 50;

type OfAssignment = Seen<PolicyAssignmentSpec, PolicyAssignmentStatus>;

/// The backend it means, if its spec can be read.
pub(super) fn backend(name: &ObjectName, seen: &OfAssignment) -> Option<BackendId> {
    let of = &seen.spec.as_ref().ok()?.backend_ref;
    Some(id(of.kind(), &name.namespace, &of.name))
}

/// An assignment as it stands.
pub(super) fn of(name: &ObjectName, seen: &OfAssignment, cluster: &Cluster) -> Assignment {
    let nothing = PolicyAssignmentStatus::default();
    let status = seen.status.as_ref().unwrap_or(&nothing);
    let spec = seen.spec.as_ref().ok();
    let policy = spec.map(|spec| spec.policy_ref.name.as_str()).unwrap_or_default();
    let of_policy = cluster.policies.get(&ObjectName::new(name.namespace.clone(), policy));
    let stands = stands(name, status, seen, cluster);
    let in_sync = find(&status.conditions, ConditionType::InSync);
    let (named, more_named) = targets(name, spec, cluster);
    Assignment {
        namespace: name.namespace.to_string(),
        name: name.name.to_string(),
        state: stands.state,
        reason: stands.reason.to_string(),
        help: stands.help(),
        message: stands.message,
        since: stands.since,
        generation: seen.generation,
        observed_generation: status.observed_generation.filter(|seen| *seen >= 0),
        policy: plain(policy),
        policy_generation: status.policy_generation,
        display_name: of_policy
            .and_then(|of| super::words::named(of.spec.as_ref().ok()?.display_name.as_ref())),
        backend: backend(name, seen).map_or_else(|| "-".to_owned(), |id| id.to_string()),
        mode: mode(status, spec).to_string(),
        release_policy: status.release_policy.map(|policy| policy.to_string()),
        deleting: seen.deleting.is_some(),
        in_sync: in_sync.and_then(|in_sync| match in_sync.status {
            ConditionStatus::True => Some(true),
            ConditionStatus::False => Some(false),
            ConditionStatus::Unknown => None,
        }),
        differs: in_sync
            .filter(|one| one.status == ConditionStatus::False)
            .map(|one| line(&one.message))
            .filter(|said| !said.ends_with(':')),
        targets: status.targets.map(counts),
        named,
        more_named,
        problems: status.problems.iter().map(problem).collect(),
        objects: status.objects.iter().map(object).collect(),
        plan: status.plan.as_ref().map(|plan| Plan {
            create: plan.create,
            update: plan.update,
            remove: plan.remove,
            summary: line(&plan.summary),
        }),
        remarks: remarks(status),
    }
}

fn mode(status: &PolicyAssignmentStatus, spec: Option<&PolicyAssignmentSpec>) -> Mode {
    status.mode.or(spec.map(PolicyAssignmentSpec::mode)).unwrap_or(Mode::Apply)
}

/// As its conditions say, as long as they speak of the Policy and the TargetGroups that are there now (R9).
fn stands(
    name: &ObjectName,
    status: &PolicyAssignmentStatus,
    seen: &OfAssignment,
    cluster: &Cluster,
) -> Standing {
    let plain = standing(&status.conditions, seen.generation);
    let holds = matches!(plain.state, State::InForce | State::Drifting);
    let named = seen.spec.as_ref().ok().filter(|_| holds).map(|spec| Sources::of(name, spec, cluster));
    match named.and_then(|named| named.unproven(status)) {
        Some(message) => Standing { state: State::Working, reason: Reason::Pending, message, since: None },
        None => plain,
    }
}

fn targets(
    name: &ObjectName,
    spec: Option<&PolicyAssignmentSpec>,
    cluster: &Cluster,
) -> (Vec<String>, usize) {
    let group = |group: &str| {
        let found = cluster.groups.get(&ObjectName::new(name.namespace.clone(), group))?;
        found.spec.as_ref().ok().map(|spec| &spec.targets)
    };
    let Some(targets) = spec.and_then(|spec| spec.targets.as_ref()) else { return (Vec::new(), 0) };
    let (told, all) = targets.named(NAMED, group);
    let more = all - told.len();
    (told.iter().map(|target| plain(target)).collect(), more)
}

const fn counts(of: crate::api::TargetCounts) -> Counts {
    let crate::api::TargetCounts { desired, accepted, pending, failed, unknown, foreign } = of;
    Counts { desired, accepted, pending, failed, unknown, foreign }
}

fn problem(of: &crate::api::Problem) -> Problem {
    Problem {
        target: plain(&of.target),
        reason: of.reason.to_string(),
        message: line(&of.message),
        help: of.reason.help().to_owned(),
    }
}

fn object(of: &ExternalObject) -> Object {
    let (at, by) = (named(of.modified_at.as_ref()), named(of.modified_by.as_ref()));
    let modified = match (at, by) {
        (Some(at), Some(by)) => Some(format!("{at} by {by}")),
        (Some(at), None) => Some(at),
        (None, by) => by.map(|by| format!("by {by}")),
    };
    Object {
        key: plain(&of.key),
        name: named(of.name.as_ref()),
        id: named(of.id.as_ref()),
        version: named(of.version.as_ref()),
        active: of.active,
        modified,
    }
}

fn remarks(status: &PolicyAssignmentStatus) -> Vec<String> {
    let overridden = holding(&status.conditions, ConditionType::Overridden).map(|one| line(&one.message));
    let unreadable = find(&status.conditions, ConditionType::InSync)
        .filter(|one| one.reason == Reason::NotReadable)
        .map(|one| line(&one.message));
    let tasks = status.operations.as_ref().filter(|tasks| tasks.in_flight > 0).map(|tasks| {
        let oldest = tasks.oldest.as_ref().map(|oldest| {
            format!(", the oldest ({}) {} since {}", plain(&oldest.id), oldest.state, oldest.since.0)
        });
        format!("tasks under way in the system: {}{}", tasks.in_flight, oldest.unwrap_or_default())
    });
    overridden.into_iter().chain(unreadable).chain(tasks).collect()
}
