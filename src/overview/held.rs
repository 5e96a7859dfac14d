//! What the guard holds, and what an approval would let happen.

use std::cmp::Reverse;

use super::{Assignment, Cluster, Held, HeldPart, Object, State, standing::holding, words};
use crate::{
    api::{ANNOTATION_APPROVE_REMOVALS, Condition, ConditionType},
    model::{BackendId, BackendKind, reckoned},
    plan::guard,
};

/// Account by account, the most removals first.
pub(super) fn of(cluster: &Cluster, assignments: &[Assignment]) -> Vec<Held> {
    let held = cluster.backends.iter().filter_map(|(id, seen)| {
        let held = holding(&seen.status.as_ref()?.conditions, ConditionType::Held)?;
        Some(one(id, held, assignments))
    });
    let mut held: Vec<_> = held.collect();
    // How many they are is not known where somebody else wrote the message: that may be more than any.
    held.sort_by_key(|one| Reverse(one.removals.unwrap_or(u32::MAX)));
    held
}

fn one(id: &BackendId, held: &Condition, assignments: &[Assignment]) -> Held {
    let backend = id.to_string();
    let removals = guard::outstanding(&held.message);
    let waits: Vec<_> =
        assignments.iter().filter(|one| one.backend == backend && one.state == State::Held).collect();
    Held {
        namespace: id.namespace.to_string(),
        message: words::line(&held.message),
        removals,
        approve: removals.map(|count| annotate(id, &format!("={count}"))),
        withdraw: removals.map(|_| annotate(id, "-")),
        beside: removals.and_then(|count| beside(count, &waits)),
        since: Some(held.last_transition_time.0),
        parts: waits.into_iter().map(part).collect(),
        backend,
    }
}

/// What an approval lets happen besides the parts that are told: it is of all removals on the account, whoever sees them.
fn beside(count: u32, waits: &[&Assignment]) -> Option<String> {
    let counted: Option<Vec<i64>> = waits.iter().map(|one| removals(one)).collect();
    match counted {
        Some(counted) => {
            let more = i64::from(count).saturating_sub(counted.iter().sum());
            let told = reckoned(usize::try_from(more).ok().filter(|more| *more > 0)?, "more removal");
            Some(format!(
                "and {told}: of assignments not shown here, or of what no assignment names any more"
            ))
        }
        None => Some(
            "and removals of assignments not shown here, or of what no assignment names any more, if there are any"
                .to_owned(),
        ),
    }
}

/// Removals of an assignment that are held, where they are counted.
fn removals(of: &Assignment) -> Option<i64> {
    of.plan.as_ref().filter(|_| !of.deleting).map(|plan| plan.remove)
}

/// The command that sets the approval (`=12`: R2 takes the exact number alone) or removes it (`-`). It overwrites none: one
/// that stands there is spent, and the same number again would change nothing.
fn annotate(id: &BackendId, change: &str) -> String {
    let (kind, namespace) = match id.kind {
        BackendKind::Backend => ("backend", format!(" -n {}", id.namespace)),
        BackendKind::ClusterBackend => ("clusterbackend", String::new()),
    };
    format!("kubectl annotate {kind} {}{namespace} {ANNOTATION_APPROVE_REMOVALS}{change}", id.name)
}

fn part(of: &Assignment) -> HeldPart {
    let release = of.release_policy.as_deref().unwrap_or("Delete");
    let would = match (&of.plan, of.deleting) {
        (Some(plan), false) => {
            format!("{} would be removed, {} changed, {} created", plan.remove, plan.update, plan.create)
        }
        (_, true) => format!("it is being deleted; what it put there would be let go of ({release})"),
        (None, false) => "removals of this assignment wait".to_owned(),
    };
    HeldPart {
        assignment: format!("{}/{}", of.namespace, of.name),
        would,
        objects: of.objects.iter().map(title).collect(),
    }
}

fn title(object: &Object) -> String {
    let name = object.name.as_ref().unwrap_or(&object.key);
    match &object.id {
        Some(id) => format!("{name} (id {id})"),
        None => name.clone(),
    }
}
