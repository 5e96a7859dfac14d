//! Where every assignment and the backend stand, from what the worker knows. Reads nothing, decides nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::{Worker, kept::Kept, observers::Watching};
use crate::{
    api::{Mode, conditions::Reason},
    drivers::{Finding, Severity},
    index::{AssignmentView, Desired, Input},
    model::{
        ExternalId, ItemKey, ObjectName,
        memory::{ObservedRecord, Origin},
        reckoned,
    },
    plan::{ItemVerdict, drift::Drift, merge::Lost, release::effective},
    report::facts::{AssignmentFacts, Fact, ObjectFact, OperationsFact, PlanFact, Problem, TargetCounts},
};

const PATHS: usize = 20;
const OBJECTS: usize = 16;
/// Items in a message whose author is told.
pub(super) const AUTHORS: usize = 5;

/// The cluster shows an older state than was applied (F11).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// Which, and what to do about it.
    pub message: String,
    /// The Backend's request when it was found: only another one is an answer to it.
    pub requested_then: Option<String>,
}

/// What is known of the account besides its items.
#[derive(Debug, Clone, Default)]
pub struct AccountState {
    /// The guard holds removals: both numbers and the ways on.
    pub held: Option<String>,
    /// A deploy is awaited or held.
    pub deployment: Option<(Reason, String)>,
    /// The cluster shows older assignments than were applied, and what to do about it.
    pub behind: Option<Behind>,
    /// The store cannot remember.
    pub store_trouble: Option<String>,
    /// Objects with our mark that nobody claims.
    pub orphaned: u32,
}

/// What a suspended assignment says of itself that never came to anything.
const UNAPPLIED: &str = "suspended before anything of it was applied, so the system holds nothing of it";

/// What is suspended keeps what it last held; one that never held anything has nothing to be in step with.
fn is_suspended_unapplied(view: &AssignmentView, items: &[&ItemKey]) -> bool {
    view.suspended && items.is_empty()
}

fn fact(status: Option<bool>, reason: Reason, message: impl Into<String>) -> Fact {
    Fact { status, reason, message: message.into() }
}

impl Worker {
    /// The facts of one assignment.
    pub(super) fn assignment_facts(&self, desired: &Desired, view: &AssignmentView) -> AssignmentFacts {
        let kept = self.stakes.get(&view.name);
        let binding = view.binding();
        let items: Vec<&ItemKey> =
            kept.map(|k| k.items.iter().map(|(item, _)| item).collect()).unwrap_or_default();
        let watching = self.watching.get(&view.name).filter(|seen| seen.is_of(view));
        let origin = items.first().and_then(|item| self.memory.items.get(*item)).map(|record| record.origin);
        let origin = origin.or(self.is_document_system().then_some(Origin::Document));
        // What is yet to be taken over stays, too: nobody shall read `Delete` where nothing would be deleted.
        let origin = origin.or(binding.is_some_and(|b| b.spec.adopt.is_some()).then_some(Origin::Adopted));
        AssignmentFacts {
            name: view.name.clone(),
            uid: view.uid.clone(),
            generation: view.generation,
            policy_generation: binding.map(|b| b.policy_generation),
            sources: view.named,
            handled_request: self.requests.handled(&view.name.to_string()).cloned(),
            standing: self.standing(desired, view, kept, &items, watching),
            targets_resolved: targets_resolved(view, kept),
            accepted: self.accepted(view, kept, &items),
            in_sync: self.in_sync(view, &items, watching),
            overridden: lost_leaves(&self.overridden, &view.name),
            targets: self.counts(kept, &items),
            problems: self.problems(kept, &items),
            objects: watching.map_or_else(|| self.objects(&items), |w| w.objects.clone()),
            operations: self.operations(&items),
            plan: self.plan(&items, watching),
            mode: if view.observe_only { Mode::Observe } else { Mode::Apply },
            release_policy: effective(view.release_policy, origin),
        }
    }

    pub(super) fn is_document_system(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.driver.translate().facts().documents)
    }

    fn accepted(&self, view: &AssignmentView, kept: Option<&Kept>, items: &[&ItemKey]) -> Fact {
        if let Input::Frozen { reason, message } = &view.input {
            return fact(Some(false), *reason, message.clone());
        }
        if let Some(refused) = kept.and_then(Kept::refused) {
            return fact(Some(false), refused.reason, refused.sentence());
        }
        for item in items {
            if let Some(ItemVerdict::Blocked(reason, message)) = self.verdicts.get(*item) {
                return fact(Some(false), *reason, message.clone());
            }
        }
        if is_suspended_unapplied(view, items) {
            return fact(None, Reason::Suspended, UNAPPLIED);
        }
        let open = || items.iter().any(|item| !self.stands_as_wanted(kept, item));
        if kept.is_none() || self.outage.is_some() && open() {
            return fact(None, Reason::NotObserved, "not looked at yet");
        }
        // Nothing was sent that the system could have taken.
        if let Some(left_out) = kept.and_then(Kept::left_out).filter(|_| items.is_empty()) {
            return fact(None, left_out.reason, left_out.sentence());
        }
        fact(Some(true), Reason::Accepted, "")
    }

    fn in_sync(&self, view: &AssignmentView, items: &[&ItemKey], watching: Option<&Watching>) -> Fact {
        let blind = self.session.as_ref().is_some_and(|session| !session.driver.translate().facts().reads);
        if watching.is_some_and(|watching| watching.trouble.is_none()) && blind {
            return fact(None, Reason::NotReadable, "the system gives no way to read what it holds");
        }
        if let Some(watching) = watching {
            return observed(watching);
        }
        if view.observe_only {
            // What others have proven of the same items says nothing of it.
            return fact(None, Reason::NotObserved, "not looked at yet");
        }
        let unread =
            |item: &&&ItemKey| self.memory.items.get(**item).is_none_or(|record| record.observed.is_none());
        let kept = self.stakes.get(&view.name).filter(|kept| kept.is_of(view));
        let differing = self.differing(kept, items);
        if kept.is_none() || view.binding().is_none() || items.iter().any(|item| unread(&item)) {
            return fact(None, Reason::NotObserved, "what the system holds has not been read");
        }
        if is_suspended_unapplied(view, items) {
            return fact(None, Reason::Suspended, UNAPPLIED);
        }
        // Of what is refused, all that is looked at is whether it exists and is on: there is nothing to compare the rest with.
        if let Some(refused) = kept.and_then(Kept::refused).filter(|_| !view.suspended) {
            return fact(None, refused.reason, refused.sentence());
        }
        if differing.is_empty() && items.iter().any(|item| self.is_only_remembered(item)) {
            let message = "taken as sent; the system gives no way to read it, so a change made in the console is not seen";
            return fact(None, Reason::NotReadable, message);
        }
        if differing.is_empty() {
            // What does not resolve, or was refused, this generation says, and the system does not hold it.
            let unsent = kept.and_then(Kept::unsent);
            return unsent.map_or_else(
                || fact(Some(true), Reason::InStep, ""),
                |finding| fact(None, finding.reason, finding.sentence()),
            );
        }
        let authors = items.iter().filter_map(|item| match self.verdicts.get(*item) {
            Some(ItemVerdict::Differs(_)) => {
                Some(format!("; {item} was changed {}", self.drift_of(item)?.author))
            }
            _ => None,
        });
        let authors: String = authors.take(AUTHORS).collect();
        fact(Some(false), Reason::DriftDetected, format!("differs: {}{authors}", differing.join(", ")))
    }

    /// Where items stand differently, for people.
    fn differing(&self, kept: Option<&Kept>, items: &[&ItemKey]) -> Vec<String> {
        let places = |item: &&&ItemKey| match self.verdicts.get(**item) {
            Some(ItemVerdict::Differs(paths)) => paths.iter().map(|path| format!("{item} {path}")).collect(),
            Some(ItemVerdict::Blocked(Reason::DriftDetected, _)) => {
                let told = self.drift_of(item).map(|drift| format!("{item} {}", drift.sentence()));
                vec![told.unwrap_or_else(|| item.to_string())]
            }
            Some(ItemVerdict::Undeployed) => vec![format!("{item} (not deployed)")],
            _ => vec![item.to_string()],
        };
        let unproven = items.iter().filter(|item| !self.stands_as_wanted(kept, item));
        unproven.flat_map(|item| places(&item)).take(PATHS).collect()
    }

    /// The last read showed what is wanted now. What is suspended is not looked at, and stands as it was proven unless Git
    /// says something else since.
    fn stands_as_wanted(&self, kept: Option<&Kept>, item: &ItemKey) -> bool {
        let Some(suspended) = kept.filter(|kept| kept.view.suspended) else { return self.is_proven(item) };
        let observed = self.memory.items.get(item).and_then(|record| record.observed.as_ref());
        let stands = |read: &ObservedRecord| {
            read.proves.is_some() && (suspended.switch.is_none() || read.enabled == suspended.switch)
        };
        !suspended.edited.contains(item) && observed.is_some_and(stands)
    }

    fn drift_of(&self, item: &ItemKey) -> Option<&Drift> {
        self.drifting.get(item)?.told.as_ref()
    }

    fn counts(&self, kept: Option<&Kept>, items: &[&ItemKey]) -> TargetCounts {
        let mut counts = TargetCounts { desired: kept.map_or(0, |k| k.targets), ..TargetCounts::default() };
        if items.is_empty() {
            counts.unknown = counts.desired;
            return counts;
        }
        let mut of_items = TargetCounts::default();
        let read = items.iter().filter_map(|item| self.memory.items.get(*item)?.observed.as_ref());
        counts.foreign = read.map(|observed| observed.foreign).sum();
        for item in items {
            match self.verdicts.get(*item) {
                Some(ItemVerdict::Blocked(..)) => of_items.failed += 1,
                Some(_) => of_items.pending += 1,
                None if self.stands_as_wanted(kept, item) => of_items.accepted += 1,
                None => of_items.unknown += 1,
            }
        }
        spread(&mut counts, &of_items);
        counts
    }

    fn problems(&self, kept: Option<&Kept>, items: &[&ItemKey]) -> Vec<Problem> {
        let findings = kept.map(|k| k.findings.as_slice()).unwrap_or_default();
        let mut problems: Vec<_> = findings.iter().map(problem).collect();
        for item in items {
            if let Some(ItemVerdict::Blocked(reason, message)) = self.verdicts.get(*item) {
                problems.push(Problem {
                    target: self.title(item),
                    reason: *reason,
                    message: message.clone(),
                });
            }
            problems.extend(self.duplicates.get(*item).map(|others| self.duplicate(item, others)));
            problems.extend(self.shadows.get(*item).map(|above| self.shadowed(item, above)));
        }
        problems.sort();
        problems.dedup();
        problems.truncate(PATHS);
        problems
    }

    fn duplicate(&self, item: &ItemKey, others: &[ExternalId]) -> Problem {
        let ids: Vec<_> = others.iter().map(ToString::to_string).collect();
        let message = format!(
            "{} bears the same mark and is left alone; delete the copy in the console",
            ids.join(", ")
        );
        Problem { target: self.title(item), reason: Reason::DuplicateMark, message }
    }

    fn shadowed(&self, item: &ItemKey, above: &str) -> Problem {
        let message = format!(
            "{above}, which is not ours, is active, stands above and reaches everybody that this reaches, so this has no \
             effect there. Lower or deactivate the other one in the console"
        );
        Problem { target: self.title(item), reason: Reason::Shadowed, message }
    }

    fn title(&self, item: &ItemKey) -> String {
        self.memory.items.get(item).map_or_else(|| item.to_string(), |record| record.title.clone())
    }

    fn objects(&self, items: &[&ItemKey]) -> Vec<ObjectFact> {
        let mut objects: Vec<_> = items
            .iter()
            .filter_map(|item| {
                let record = self.memory.items.get(*item)?;
                let known = record.observed.as_ref().and_then(|o| o.enabled);
                Some(ObjectFact {
                    key: record.status_key.clone(),
                    id: record.id.as_ref().map(ToString::to_string).unwrap_or_default(),
                    name: record.title.clone(),
                    active: self.glances.get(*item).map_or(known, |glance| glance.enabled_or(known)),
                    provenance: record.observed.as_ref().map(|o| o.provenance.clone()).unwrap_or_default(),
                })
            })
            .collect();
        objects.sort_by(|a, b| a.key.cmp(&b.key));
        objects.truncate(OBJECTS);
        objects
    }

    fn operations(&self, items: &[&ItemKey]) -> Option<OperationsFact> {
        let mut open: Vec<_> = self
            .memory
            .operations
            .iter()
            .filter(|(_, task)| task.state.is_open() && task.items.keys().any(|item| items.contains(&item)))
            .collect();
        open.sort_by_key(|(id, task)| (task.since, (*id).clone()));
        let (id, oldest) = open.first()?;
        Some(OperationsFact {
            in_flight: u32::try_from(open.len()).unwrap_or(u32::MAX),
            id: (*id).clone(),
            state: oldest.state,
            since: oldest.since,
            targets: u32::try_from(oldest.items.len()).unwrap_or(u32::MAX),
        })
    }

    fn plan(&self, items: &[&ItemKey], watching: Option<&Watching>) -> Option<PlanFact> {
        if let Some(watching) = watching {
            return Some(watching.plan.clone());
        }
        let held = items.iter().filter(|item| self.verdicts.get(**item) == Some(&ItemVerdict::Held));
        let removals = held.map(|item| self.tally.removals(item).max(1)).fold(0, u32::saturating_add);
        (removals > 0).then(|| PlanFact {
            create: 0,
            update: 0,
            remove: removals,
            summary: format!("held by the guard: {}", reckoned(removals, "removal")),
        })
    }
}

fn targets_resolved(view: &AssignmentView, kept: Option<&Kept>) -> Fact {
    if let Input::Frozen { reason, message } = &view.input {
        return fact(None, *reason, message.clone());
    }
    let Some(kept) = kept else { return fact(None, Reason::Resolving, "not looked up yet") };
    let first = kept.findings.iter().filter(|f| f.severity != Severity::Note && f.is_of_targets()).min();
    match first {
        Some(finding) => fact(Some(false), finding.reason, finding.sentence()),
        None => fact(Some(true), Reason::Resolved, ""),
    }
}

fn problem(finding: &Finding) -> Problem {
    Problem { target: finding.subject.clone(), reason: finding.reason, message: finding.message.clone() }
}

/// Targets and items need not be one to one (a role list is one object): the share of items is what targets get,
/// rounded so that nothing is claimed that is not proven.
fn spread(counts: &mut TargetCounts, items: &TargetCounts) {
    let total = items.accepted + items.pending + items.failed + items.unknown;
    if total == counts.desired {
        *counts = TargetCounts { desired: counts.desired, foreign: counts.foreign, ..*items };
        return;
    }
    let share = |n: u32| n.saturating_mul(counts.desired).checked_div(total).unwrap_or_default();
    counts.failed = share(items.failed);
    counts.unknown = share(items.unknown);
    counts.accepted = share(items.accepted);
    counts.pending = counts.desired.saturating_sub(counts.failed + counts.unknown + counts.accepted);
    if items.pending == 0 && counts.pending > 0 {
        let rest = counts.pending;
        counts.pending = 0;
        if items.accepted == total { counts.accepted += rest } else { counts.unknown += rest }
    }
}

/// Lines `item path`, at most 20. The winner is named only within the namespace (R12).
fn lost_leaves(all: &BTreeMap<ObjectName, BTreeSet<Lost>>, name: &ObjectName) -> Vec<String> {
    let lost = all.get(name).into_iter().flatten().take(PATHS);
    lost.map(|lost| match lost.to.namespace == name.namespace {
        true => format!("{} {} (by {})", lost.item, lost.path, lost.to.name),
        false => format!("{} {}", lost.item, lost.path),
    })
    .collect()
}

/// What Observe mode found.
fn observed(watching: &Watching) -> Fact {
    match &watching.trouble {
        Some((reason, message)) => fact(Some(false), *reason, message.clone()),
        None if watching.plan.create + watching.plan.update == 0 => fact(Some(true), Reason::InStep, ""),
        None => {
            let differs = format!("differs: {}{}", watching.paths.join(", "), watching.authors.concat());
            fact(Some(false), Reason::DriftDetected, differs)
        }
    }
}
