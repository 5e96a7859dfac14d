//! Assignments: what holds, for whom, since when, by which objects of Git.

use super::{
    Assignment, Cluster, Counts, Object, Plan, Problem, Seen, State,
    account::id,
    standing::{Standing, holding, standing},
    words::{line, name as plain, named},
};
use crate::{
    api::{
        Condition, ConditionStatus, ConditionType, ExternalObject, Mode, PolicyAssignmentSpec,
        PolicyAssignmentStatus, Reason, Selector, conditions::find,
    },
    model::{BackendId, ObjectName},
    report::aggregate,
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
    let stands = stands(status, seen, of_policy.map(|policy| policy.generation));
    let stands = match stands.state {
        State::InForce => behind(name, spec, cluster).unwrap_or(stands),
        _ => stands,
    };
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

/// As its conditions say, as long as they speak of the Policy that is there now.
fn stands(status: &PolicyAssignmentStatus, seen: &OfAssignment, policy: Option<i64>) -> Standing {
    let plain = standing(&status.conditions, seen.generation);
    let behind = policy.zip(status.policy_generation).filter(|(now, then)| now != then);
    match behind.filter(|_| matches!(plain.state, State::InForce | State::Drifting)) {
        Some((now, then)) => Standing {
            state: State::Working,
            reason: Reason::Pending,
            message: format!("generation {now} of the Policy is not proven yet; generation {then} is"),
            since: None,
        },
        None => plain,
    }
}

/// Its status names the generation of its Policy, but not which object bore it, nor that of a TargetGroup: what these say
/// of themselves tells who has proven them (R9).
fn behind(name: &ObjectName, spec: Option<&PolicyAssignmentSpec>, cluster: &Cluster) -> Option<Standing> {
    let beside = |other: &str| ObjectName::new(name.namespace.clone(), other);
    let policy = cluster.policies.get(&beside(&spec?.policy_ref.name)).and_then(|seen| {
        let conditions = seen.status.as_ref().map(|status| status.conditions.as_slice());
        unproven("the Policy", seen.generation, conditions, name)
    });
    let group = |group: &str| {
        let seen = cluster.groups.get(&beside(group))?;
        let conditions = seen.status.as_ref().map(|status| status.conditions.as_slice());
        unproven(&format!("TargetGroup {}", plain(group)), seen.generation, conditions, name)
    };
    policy.or_else(|| {
        let targets = spec?.targets.as_ref()?;
        let mut named = targets.include().iter().chain(&targets.exclude).filter_map(|one| match one {
            Selector::TargetGroupRef(of) => Some(of.name.as_str()),
            _ => None,
        });
        named.find_map(group)
    })
}

/// Whether an object of these conditions says that this assignment has not proven it yet.
fn unproven(
    what: &str,
    generation: i64,
    conditions: Option<&[Condition]>,
    assignment: &ObjectName,
) -> Option<Standing> {
    let ready = find(conditions.unwrap_or_default(), ConditionType::Ready)
        .filter(|ready| ready.observed_generation == Some(generation));
    let proven = ready.is_some_and(|ready| {
        ready.status == ConditionStatus::True || aggregate::is_proven_by(&ready.message, &assignment.name)
    });
    let more = ready.map(|ready| format!(": {}", line(&ready.message))).unwrap_or_default();
    (!proven).then(|| Standing {
        state: State::Working,
        reason: Reason::Pending,
        message: format!("generation {generation} of {what} is not proven yet{more}"),
        since: None,
    })
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
