//! The status of a `PolicyAssignment`.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{Draft, Verdict, short, standing, whole_seconds};
use crate::{
    api::{
        self, ConditionStatus, ConditionType, ExternalObject, OldestOperation, Operations, PlanSummary,
        PolicyAssignmentStatus, Reason, limits,
    },
    model::memory::TaskState,
    report::{
        facts::{
            AssignmentFacts, Fact, ObjectFact, OperationsFact, PlanFact, Problem, Standing, TargetCounts,
        },
        memo::Memo,
    },
};

/// What the cluster should say of an assignment, given what it says now.
///
/// `before` is read for two things only: transition times, and Ready where the table says "as before".
pub fn assignment_status(
    facts: &AssignmentFacts,
    before: Option<&Memo>,
    now: Timestamp,
) -> PolicyAssignmentStatus {
    let counts = adding_up(facts.targets);
    let verdict = standing::verdict(facts, &counts, before, now);
    PolicyAssignmentStatus {
        observed_generation: Some(facts.generation),
        policy_generation: facts.policy_generation,
        observed_sources: Some(facts.sources.to_string()),
        last_handled_reconcile_at: facts.handled_request.as_deref().and_then(short),
        conditions: conditions(facts, &verdict, before, now),
        mode: Some(facts.mode),
        release_policy: Some(facts.release_policy),
        targets: Some(target_counts(&counts)),
        problems: problems(&facts.problems),
        objects: objects(&facts.objects),
        operations: facts.operations.as_ref().map(operations),
        plan: facts.plan.as_ref().map(plan),
    }
}

fn conditions(
    facts: &AssignmentFacts,
    verdict: &Verdict,
    before: Option<&Memo>,
    now: Timestamp,
) -> Vec<api::Condition> {
    let mut draft = Draft::new(facts.generation, before, now);
    draft.verdict(verdict);
    let remembered = before.filter(|before| stands_still(facts) && standing::speaks_of(before, facts));
    for (type_, fact) in [
        (ConditionType::TargetsResolved, &facts.targets_resolved),
        (ConditionType::Accepted, &facts.accepted),
        (ConditionType::InSync, &facts.in_sync),
    ] {
        add_fact(&mut draft, type_, fact, remembered);
    }
    if !facts.overridden.is_empty() {
        let message = overridden(&facts.overridden);
        draft.add(ConditionType::Overridden, ConditionStatus::True, Reason::Overridden, &message);
    }
    draft.finish()
}

/// Out of reach with nothing to push, or suspended: what was known stays known (R21).
fn stands_still(facts: &AssignmentFacts) -> bool {
    match facts.standing {
        Standing::Unavailable { pending_work, .. } => !pending_work,
        Standing::Suspended => standing::not_read(facts),
        _ => false,
    }
}

/// A fact that holds is said in the words of its reason, so that the same truth is the same status.
fn add_fact(draft: &mut Draft<'_>, type_: ConditionType, fact: &Fact, remembered: Option<&Memo>) {
    let known = remembered.and_then(|before| before.find(type_));
    match (fact.status, known.filter(|known| known.status == ConditionStatus::True)) {
        (None, Some(known)) => draft.add(type_, known.status, known.reason, ""),
        (Some(true), _) => draft.add(type_, ConditionStatus::True, fact.reason, ""),
        (Some(false), _) => draft.add(type_, ConditionStatus::False, fact.reason, &fact.message),
        (None, None) => draft.add(type_, ConditionStatus::Unknown, fact.reason, &fact.message),
    }
}

fn overridden(lines: &[String]) -> String {
    let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    lines.sort_unstable();
    lines.dedup();
    let more = lines.len().saturating_sub(limits::PATHS_IN_MESSAGE);
    lines.truncate(limits::PATHS_IN_MESSAGE);
    let tail = if more > 0 { format!(", and {more} more") } else { String::new() };
    format!("assignments of higher priority win {}{tail}", lines.join(", "))
}

/// Counts that add up to `desired`. What is too much was not proven; what is missing is unknown.
fn adding_up(mut counts: TargetCounts) -> TargetCounts {
    let sum = |c: &TargetCounts| {
        u64::from(c.accepted) + u64::from(c.pending) + u64::from(c.failed) + u64::from(c.unknown)
    };
    let desired = u64::from(counts.desired);
    let mut excess = sum(&counts).saturating_sub(desired);
    for part in [&mut counts.accepted, &mut counts.unknown, &mut counts.pending, &mut counts.failed] {
        let taken = u64::from(*part).min(excess);
        *part -= u32::try_from(taken).unwrap_or(*part);
        excess -= taken;
    }
    let missing = desired.saturating_sub(sum(&counts));
    counts.unknown = counts.unknown.saturating_add(u32::try_from(missing).unwrap_or(u32::MAX));
    counts
}

fn target_counts(counts: &TargetCounts) -> api::TargetCounts {
    api::TargetCounts {
        desired: counts.desired.into(),
        accepted: counts.accepted.into(),
        pending: counts.pending.into(),
        failed: counts.failed.into(),
        unknown: counts.unknown.into(),
        foreign: counts.foreign.into(),
    }
}

fn problems(facts: &[Problem]) -> Vec<api::Problem> {
    let mut problems: Vec<_> = facts
        .iter()
        .map(|problem| api::Problem {
            target: limits::clip(&problem.target, limits::STATUS_TEXT),
            reason: problem.reason,
            message: limits::clip(&problem.message, limits::MESSAGE),
        })
        .collect();
    problems.sort();
    problems.dedup();
    problems.truncate(limits::PROBLEMS);
    problems
}

/// Sorted by key, one per key: the list is a map to the API server.
fn objects(facts: &[ObjectFact]) -> Vec<ExternalObject> {
    let mut objects: Vec<_> = facts.iter().map(object).collect();
    objects.sort_by(|a, b| (&a.key, &a.id).cmp(&(&b.key, &b.id)));
    objects.dedup_by(|a, b| a.key == b.key);
    objects.truncate(limits::OBJECTS);
    objects
}

fn object(fact: &ObjectFact) -> ExternalObject {
    ExternalObject {
        key: limits::clip(&fact.key, limits::STATUS_TEXT),
        id: short(&fact.id),
        name: short(&fact.name),
        version: short(&fact.provenance.version),
        active: fact.active,
        created_at: short(&fact.provenance.created_at),
        created_by: short(&fact.provenance.created_by),
        modified_at: short(&fact.provenance.modified_at),
        modified_by: short(&fact.provenance.modified_by),
    }
}

fn operations(fact: &OperationsFact) -> Operations {
    let oldest = OldestOperation {
        id: limits::clip(&fact.id, limits::STATUS_TEXT),
        // One that has ended is open until reading has verified it.
        state: if fact.state == TaskState::Pending {
            api::TaskState::Pending
        } else {
            api::TaskState::Started
        },
        since: Time(whole_seconds(fact.since)),
        targets: fact.targets.into(),
    };
    Operations { in_flight: fact.in_flight.into(), oldest: Some(oldest) }
}

fn plan(fact: &PlanFact) -> PlanSummary {
    PlanSummary {
        create: fact.create.into(),
        update: fact.update.into(),
        remove: fact.remove.into(),
        summary: limits::clip(&fact.summary, limits::MESSAGE),
    }
}
