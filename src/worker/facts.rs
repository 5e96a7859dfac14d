//! Where every assignment and the backend stand, from what the worker knows. Reads nothing, decides nothing.

use super::{Worker, compile::Kept, observers::Watching, round::holds_anything};
use crate::{
    api::{Mode, conditions::Reason},
    drivers::{Class, Finding, Severity},
    index::{AssignmentView, Desired, Input},
    model::{ItemKey, ObjectName, memory::Origin},
    plan::{ItemVerdict, release::effective},
    report::facts::{
        AssignmentFacts, BackendFacts, BackendStanding, Fact, ObjectFact, OperationsFact, PlanFact, Problem,
        Standing, TargetCounts,
    },
};

/// Capability recorded once a packed write was verified for all its documents (R19).
pub const PACKED: &str = "PackedWrites";

const PATHS: usize = 20;
const OBJECTS: usize = 16;

/// What is known of the account besides its items.
#[derive(Debug, Clone, Default)]
pub struct AccountState {
    /// The guard holds removals: both numbers and the ways on.
    pub held: Option<String>,
    /// A deploy is awaited or held.
    pub deployment: Option<(Reason, String)>,
    /// The store cannot remember.
    pub store_trouble: Option<String>,
    /// Objects with our mark that nobody claims.
    pub orphaned: u32,
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
        let watching = self.watching.get(&view.name);
        let origin = items.first().and_then(|item| self.memory.items.get(*item)).map(|record| record.origin);
        let origin = origin.or(self.is_document_system().then_some(Origin::Document));
        AssignmentFacts {
            name: view.name.clone(),
            uid: view.uid.clone(),
            generation: view.generation,
            policy_generation: binding.map(|b| b.policy_generation),
            handled_request: self.handled.get(&view.name.to_string()).cloned(),
            standing: self.standing(desired, view, kept, &items, watching),
            targets_resolved: targets_resolved(view, kept),
            accepted: self.accepted(view, kept, &items),
            in_sync: self.in_sync(view, &items, watching),
            overridden: self.lost_leaves(&self.overridden, &view.name),
            targets: self.counts(kept, &items),
            problems: self.problems(kept, &items),
            objects: watching.map_or_else(|| self.objects(&items), |w| w.objects.clone()),
            operations: self.operations(&items),
            plan: self.plan(&items, watching),
            mode: if view.observe_only { Mode::Observe } else { Mode::Apply },
            release_policy: effective(view.release_policy, origin),
        }
    }

    fn is_document_system(&self) -> bool {
        self.session.as_ref().is_some_and(|session| !session.driver.facts().deletes)
    }

    /// The first of these that holds is where it stands.
    fn standing(
        &self,
        desired: &Desired,
        view: &AssignmentView,
        kept: Option<&Kept>,
        items: &[&ItemKey],
        watching: Option<&Watching>,
    ) -> Standing {
        if view.deleting {
            return self.terminating(view);
        }
        if desired.backend.settings.suspend || view.suspended {
            return Standing::Suspended;
        }
        if let Input::Frozen { reason, message } = &view.input {
            return Standing::Stalled(*reason, message.clone());
        }
        if let Some(refused) = kept.and_then(Kept::refused) {
            return unresolved_or_stalled(refused, view);
        }
        if let Some(standing) = self.out_of_reach(items, watching.is_some()) {
            return standing;
        }
        if view.observe_only {
            return observing(watching);
        }
        self.working(view, kept, items)
    }

    fn working(&self, view: &AssignmentView, kept: Option<&Kept>, items: &[&ItemKey]) -> Standing {
        if let Some(lost) = self.conflicts.get(&view.name).and_then(|lost| lost.first()) {
            return Standing::Stalled(
                Reason::ConflictingValue,
                format!(
                    "another assignment of the same priority wants another value of {} in {}; give one of them a \
                     higher spec.priority",
                    lost.path, lost.item
                ),
            );
        }
        let verdicts = || items.iter().filter_map(|item| self.verdicts.get(*item));
        for verdict in verdicts() {
            if let ItemVerdict::Blocked(reason, message) = verdict {
                return Standing::Stalled(*reason, message.clone());
            }
        }
        if let Some(message) = self.account.store_trouble.as_ref().filter(|_| self.has_open_work(items)) {
            return Standing::Working(Reason::StoreUnavailable, message.clone());
        }
        for verdict in verdicts() {
            match verdict {
                ItemVerdict::Held => {
                    return Standing::Working(
                        Reason::HeldByGuard,
                        self.account.held.clone().unwrap_or_default(),
                    );
                }
                ItemVerdict::Undeployed => return self.undeployed(),
                ItemVerdict::Waiting(reason, message) => return Standing::Working(*reason, message.clone()),
                _ => {}
            }
        }
        if let Some(left_out) = kept.and_then(Kept::left_out) {
            return Standing::Unresolved(left_out.reason, left_out.message.clone(), self.now());
        }
        if self.has_open_work(items) {
            return Standing::Working(Reason::Applying, "changes are being sent and read back".into());
        }
        Standing::InStep
    }

    fn undeployed(&self) -> Standing {
        match &self.account.deployment {
            Some((reason @ (Reason::DeploymentOverdue | Reason::ForeignPendingChanges), message)) => {
                Standing::Stalled(*reason, message.clone())
            }
            Some((reason, message)) => Standing::Working(*reason, message.clone()),
            None => Standing::Working(Reason::Deploying, "waiting for the deployment to finish".into()),
        }
    }

    fn has_open_work(&self, items: &[&ItemKey]) -> bool {
        items.iter().any(|item| !self.is_proven_or_blocked(item))
    }

    fn is_proven_or_blocked(&self, item: &ItemKey) -> bool {
        let observed = self.memory.items.get(item).and_then(|record| record.observed.as_ref());
        observed.is_some_and(|o| o.proves == Some(self.stakes.inputs(item, &self.digester)))
    }

    /// R21: the outage is written on the backend; an assignment in step keeps its Ready.
    fn out_of_reach(&self, items: &[&ItemKey], observing: bool) -> Option<Standing> {
        let outage = self.outage.as_ref()?;
        let pending_work = !observing && (items.is_empty() || self.has_open_work(items));
        Some(Standing::Unavailable { pending_work, message: outage.error.message.clone() })
    }

    /// Deleting: done, or exactly what is missing and the command that unblocks it (promise 8).
    fn terminating(&self, view: &AssignmentView) -> Standing {
        let unblock = format!(
            "kubectl patch policyassignment {} -n {} --type merge -p '{{\"spec\":{{\"releasePolicy\":\"Orphan\"}}}}'",
            view.name.name, view.name.namespace
        );
        let held = self.released.iter().find(|(item, verdict)| {
            self.memory.claims.contains_key(&((*item).clone(), view.name.clone()))
                && **verdict != ItemVerdict::InStep
        });
        let (reason, message, stalled) = match (held, &self.outage) {
            (_, Some(outage)) if holds_anything(&self.memory, &view.name) => {
                (Reason::ReleaseBlocked, format!("the system is out of reach: {}", outage.error.message), outage.error.class != Class::Transient)
            }
            (Some((item, ItemVerdict::Blocked(reason, message))), _) => (*reason, format!("{item}: {message}"), true),
            (Some((item, ItemVerdict::Waiting(reason, message))), _) => (*reason, format!("{item}: {message}"), false),
            (Some((_, ItemVerdict::Undeployed)), _) => match self.undeployed() {
                Standing::Stalled(reason, message) => (reason, message, true),
                Standing::Working(reason, message) => (reason, message, false),
                _ => (Reason::Releasing, "waiting for the deployment".into(), false),
            },
            (Some(_), _) if self.account.held.is_some() => {
                (Reason::HeldByGuard, self.account.held.clone().unwrap_or_default(), true)
            }
            (None, _) if self.may_have_forgotten(view) => (
                Reason::ReleaseBlocked,
                "the store was lost and what this assignment refers to is gone, so what it put into the system cannot \
                 be told. Re-create what is missing"
                    .into(),
                true,
            ),
            _ => (Reason::Releasing, "what it put into the system is being released".into(), false),
        };
        let message =
            if stalled { format!("{message}. To leave everything as it is: {unblock}") } else { message };
        Standing::Terminating { reason, message, stalled }
    }

    fn accepted(&self, view: &AssignmentView, kept: Option<&Kept>, items: &[&ItemKey]) -> Fact {
        if let Input::Frozen { reason, message } = &view.input {
            return fact(Some(false), *reason, message.clone());
        }
        if let Some(refused) = kept.and_then(Kept::refused) {
            return fact(Some(false), refused.reason, refused.message.clone());
        }
        for item in items {
            if let Some(ItemVerdict::Blocked(reason, message)) = self.verdicts.get(*item) {
                return fact(Some(false), *reason, message.clone());
            }
        }
        if kept.is_none() || self.outage.is_some() && self.has_open_work(items) {
            return fact(None, Reason::NotObserved, "not looked at yet");
        }
        fact(Some(true), Reason::Accepted, "")
    }

    fn in_sync(&self, view: &AssignmentView, items: &[&ItemKey], watching: Option<&Watching>) -> Fact {
        if let Some(watching) = watching {
            return match &watching.trouble {
                Some((reason, message)) => fact(Some(false), *reason, message.clone()),
                None if watching.plan.create + watching.plan.update == 0 => {
                    fact(Some(true), Reason::InStep, "")
                }
                None => fact(
                    Some(false),
                    Reason::DriftDetected,
                    format!("differs: {}", watching.paths.join(", ")),
                ),
            };
        }
        let unread =
            |item: &&&ItemKey| self.memory.items.get(**item).is_none_or(|record| record.observed.is_none());
        let differing: Vec<String> = items
            .iter()
            .filter(|item| !self.is_proven_or_blocked(item))
            .flat_map(|item| match self.verdicts.get(*item) {
                Some(ItemVerdict::Differs(paths)) => {
                    paths.iter().map(|path| format!("{item} {path}")).collect()
                }
                Some(ItemVerdict::Undeployed) => vec![format!("{item} (not deployed)")],
                _ => vec![item.to_string()],
            })
            .take(PATHS)
            .collect();
        let compiled = self.stakes.get(&view.name).is_some();
        if !compiled || view.binding().is_none() || items.iter().any(|item| unread(&item)) {
            return fact(None, Reason::NotObserved, "what the system holds has not been read");
        }
        if differing.is_empty() {
            return fact(Some(true), Reason::InStep, "");
        }
        fact(Some(false), Reason::DriftDetected, format!("differs: {}", differing.join(", ")))
    }

    fn lost_leaves(
        &self,
        all: &std::collections::BTreeMap<ObjectName, std::collections::BTreeSet<crate::plan::merge::Lost>>,
        name: &ObjectName,
    ) -> Vec<String> {
        let lost = all.get(name).into_iter().flatten().take(PATHS);
        // The winner is named only within the namespace (R12).
        lost.map(|lost| match lost.to.namespace == name.namespace {
            true => format!("{} {} (by {})", lost.item, lost.path, lost.to.name),
            false => format!("{} {}", lost.item, lost.path),
        })
        .collect()
    }

    fn counts(&self, kept: Option<&Kept>, items: &[&ItemKey]) -> TargetCounts {
        let mut counts = TargetCounts { desired: kept.map_or(0, |k| k.targets), ..TargetCounts::default() };
        if items.is_empty() {
            counts.unknown = counts.desired;
            return counts;
        }
        let mut of_items = TargetCounts::default();
        for item in items {
            match self.verdicts.get(*item) {
                Some(ItemVerdict::Blocked(..)) => of_items.failed += 1,
                Some(_) => of_items.pending += 1,
                None if self.is_proven_or_blocked(item) => of_items.accepted += 1,
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
        }
        problems.sort();
        problems.dedup();
        problems.truncate(PATHS);
        problems
    }

    fn title(&self, item: &ItemKey) -> String {
        self.memory.items.get(item).map_or_else(|| item.to_string(), |record| record.title.clone())
    }

    fn objects(&self, items: &[&ItemKey]) -> Vec<ObjectFact> {
        let mut objects: Vec<_> = items
            .iter()
            .filter_map(|item| {
                let record = self.memory.items.get(*item)?;
                Some(ObjectFact {
                    key: record.status_key.clone(),
                    id: record.id.as_ref().map(ToString::to_string).unwrap_or_default(),
                    name: record.title.clone(),
                    active: record.observed.as_ref().and_then(|o| o.enabled),
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
            .filter(|(_, task)| task.items.keys().any(|item| items.contains(&item)))
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
        let held = items.iter().filter(|item| self.verdicts.get(**item) == Some(&ItemVerdict::Held)).count();
        (held > 0).then(|| {
            let held = u32::try_from(held).unwrap_or(u32::MAX);
            PlanFact {
                create: 0,
                update: 0,
                remove: held,
                summary: format!("{held} removals are held by the guard"),
            }
        })
    }

    /// The facts of the backend.
    pub(super) fn backend_facts(&self, desired: &Desired) -> BackendFacts {
        let backend = &desired.backend;
        let account = self.memory.account.as_ref();
        let capabilities = account.map(|a| a.capabilities.clone()).unwrap_or_default();
        let managed = self.memory.items.len();
        let open = self.verdicts.values().filter(|v| !matches!(v, ItemVerdict::InStep)).count();
        let differing = self.verdicts.values().filter(|v| matches!(v, ItemVerdict::Differs(_))).count();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        BackendFacts {
            id: backend.id.clone(),
            uid: backend.uid.clone(),
            generation: backend.generation,
            handled_request: self.handled.get(&self.id.to_string()).cloned(),
            standing: self.backend_standing(desired),
            pending_deployment: self.deployment_worth_telling(),
            held: self.account.held.clone(),
            account: account.map(|a| {
                let system = self.session.as_ref().map(|s| s.driver.facts().system).unwrap_or_default();
                [system.into(), a.api.clone(), a.version.clone(), a.fingerprint.clone(), a.tenant.clone()]
            }),
            capabilities,
            objects: [count(managed), count(differing), count(open), self.account.orphaned, 0],
            memory_since: self.memory.since,
            memory_lost: self.memory.lost.iter().cloned().collect(),
        }
    }

    /// A deploy that runs by itself is not worth a status of its own for the first half minute (promise 7).
    fn deployment_worth_telling(&self) -> Option<(Reason, String)> {
        let (reason, message) = self.account.deployment.clone()?;
        let since = self.memory.deploy.running_since.map(|since| self.now().duration_since(since));
        let quiet = reason == Reason::WaitingForDeployment && since.is_some_and(|age| age.as_secs() < 30);
        (!quiet).then_some((reason, message))
    }

    fn backend_standing(&self, desired: &Desired) -> BackendStanding {
        let backend = &desired.backend;
        if let Some(problem) = &backend.invalid {
            return BackendStanding::Stalled(Reason::Invalid, problem.clone());
        }
        if backend.settings.suspend {
            return BackendStanding::Suspended;
        }
        if let Some(trouble) = &self.account.store_trouble {
            return BackendStanding::Working(Reason::StoreUnavailable, trouble.clone());
        }
        match &self.outage {
            Some(outage) => match outage.error.class {
                Class::Rejected | Class::Unauthorized => {
                    BackendStanding::Stalled(outage.error.reason, outage.error.message.clone())
                }
                _ => BackendStanding::Working(outage.error.reason, outage.error.message.clone()),
            },
            None if self.memory.account.is_some() => BackendStanding::Ready,
            None => BackendStanding::Working(Reason::Probing, "connecting".into()),
        }
    }
}

/// Names that do not resolve may appear by themselves: ten minutes of patience, then a human must act.
fn unresolved_or_stalled(finding: &Finding, view: &AssignmentView) -> Standing {
    match finding.reason {
        Reason::NoTargets => Standing::Unresolved(finding.reason, finding.message.clone(), view.created),
        reason => Standing::Stalled(reason, finding.message.clone()),
    }
}

fn observing(watching: Option<&Watching>) -> Standing {
    match watching {
        None => Standing::Working(Reason::NotObserved, "not looked at yet".into()),
        Some(_) => Standing::Observing,
    }
}

fn targets_resolved(view: &AssignmentView, kept: Option<&Kept>) -> Fact {
    if let Input::Frozen { reason, message } = &view.input {
        return fact(None, *reason, message.clone());
    }
    let Some(kept) = kept else { return fact(None, Reason::Resolving, "not looked up yet") };
    let first = kept.findings.iter().filter(|f| f.severity != Severity::Note).min();
    match first {
        Some(finding) => {
            fact(Some(false), finding.reason, format!("{}: {}", finding.subject, finding.message))
        }
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
        *counts = TargetCounts { desired: counts.desired, ..*items };
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
