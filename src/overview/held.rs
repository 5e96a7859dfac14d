//! What the guard holds, and what an approval would let happen.

use super::{Assignment, Cluster, Held, HeldPart, Object, State, standing::holding, words};
use crate::{
    api::{ANNOTATION_APPROVE_REMOVALS, Condition, ConditionType},
    model::{BackendId, BackendKind},
    plan::guard,
};

/// Account by account.
pub(super) fn of(cluster: &Cluster, assignments: &[Assignment]) -> Vec<Held> {
    let held = cluster.backends.iter().filter_map(|(id, seen)| {
        let held = holding(&seen.status.as_ref()?.conditions, ConditionType::Held)?;
        Some(one(id, held, assignments))
    });
    held.collect()
}

fn one(id: &BackendId, held: &Condition, assignments: &[Assignment]) -> Held {
    let backend = id.to_string();
    let removals = guard::outstanding(&held.message);
    let waits = assignments.iter().filter(|one| one.backend == backend && one.state == State::Held);
    Held {
        namespace: id.namespace.to_string(),
        message: words::line(&held.message),
        removals,
        approve: removals.map(|count| approve(id, count)),
        since: Some(held.last_transition_time.0),
        parts: waits.map(part).collect(),
        backend,
    }
}

/// The command for exactly this number: R2 takes no other.
fn approve(id: &BackendId, count: u32) -> String {
    let (kind, namespace) = match id.kind {
        BackendKind::Backend => ("backend", format!(" -n {}", id.namespace)),
        BackendKind::ClusterBackend => ("clusterbackend", String::new()),
    };
    format!(
        "kubectl annotate {kind} {}{namespace} --overwrite {ANNOTATION_APPROVE_REMOVALS}={count}",
        id.name
    )
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
