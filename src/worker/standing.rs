//! Where assignments and the backend stand: the classes of product.md section 7.

use super::{Worker, kept::Kept, observers::Watching, recall::Forgotten, session::credentials_field};
use crate::{
    api::conditions::Reason,
    drivers::{Class, Finding, Severity},
    index::{AssignmentView, Desired, Input},
    model::{ItemKey, reckoned},
    plan::ItemVerdict,
    report::facts::{BackendFacts, BackendStanding, Standing},
};

/// What Git says now.
const NOT_LOOKED_AT: &str = "not looked at yet";

impl Worker {
    /// The first of these that holds is where it stands.
    pub(super) fn standing(
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
            return self.frozen(*reason, message.clone());
        }
        // Names that could not be listed say nothing of the assignment: why they could not is the Backend's trouble.
        let (unlisted, refused): (Vec<_>, Vec<_>) =
            kept.and_then(Kept::refused).into_iter().partition(|f| f.reason == Reason::CatalogueIncomplete);
        if let Some(refused) = refused.first() {
            return unresolved_or_stalled(refused, self.refusal(refused, items), view, self.now());
        }
        let is_compiled = kept.is_some_and(|kept| kept.is_of(view));
        let unwatched = view.observe_only && watching.is_none();
        let open = !is_compiled || unwatched || self.letting_go(view, kept).is_some();
        if let Some(standing) = self.out_of_reach(items, watching.is_some(), open) {
            return standing;
        }
        if let Some(unlisted) = unlisted.first() {
            return unresolved_or_stalled(unlisted, unlisted.sentence(), view, self.now());
        }
        if !is_compiled {
            return Standing::Working(Reason::NotObserved, NOT_LOOKED_AT.into());
        }
        if view.observe_only {
            return observing(watching);
        }
        self.working(view, kept, items)
    }

    /// What is applied together arrives in any order, and a Policy may be replaced: Flux and helm give up on what is
    /// Stalled, so a missing Policy is not, for a while.
    fn frozen(&self, reason: Reason, message: String) -> Standing {
        match reason {
            Reason::PolicyNotFound => Standing::Unresolved(reason, message, self.now()),
            _ => Standing::Stalled(reason, message),
        }
    }

    fn working(&self, view: &AssignmentView, kept: Option<&Kept>, items: &[&ItemKey]) -> Standing {
        if let Some(lost) =
            self.conflicts.get(&view.name).and_then(|lost| lost.iter().find(|l| items.contains(&&l.item)))
        {
            return Standing::Stalled(
                Reason::ConflictingValue,
                format!(
                    "another assignment of the same priority wants another value of {} in {}; give one of them a \
                     higher spec.priority",
                    lost.path, lost.item
                ),
            );
        }
        if let Some(behind) = &self.account.behind {
            return Standing::Stalled(Reason::OlderThanApplied, behind.message.clone());
        }
        if let Some((reason, message)) = self.blocked_release(view) {
            return Standing::Stalled(reason, message);
        }
        let verdicts = || items.iter().filter_map(|item| self.verdicts.get(*item));
        for verdict in verdicts() {
            if let ItemVerdict::Blocked(reason, message) = verdict {
                return Standing::Stalled(*reason, message.clone());
            }
        }
        if let Some(message) = self.unknown_seed(items) {
            return Standing::Stalled(Reason::SeedUnknown, message);
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
        if let Some(standing) = self.letting_go(view, kept) {
            return standing;
        }
        if let Some(left_out) = kept.and_then(Kept::left_out) {
            return unresolved_or_stalled(left_out, left_out.sentence(), view, self.now());
        }
        if self.has_open_work(items) {
            return Standing::Working(Reason::Applying, "changes are being sent and read back".into());
        }
        Standing::InStep
    }

    /// Something it let go of, which a human must decide on.
    fn blocked_release(&self, view: &AssignmentView) -> Option<(Reason, String)> {
        let lets_go = |item: &ItemKey| {
            let waiting = self.waiting_releases.get(item);
            waiting.is_some_and(|(releases, _)| releases.iter().any(|release| release.by == view.name))
        };
        let claimed = self.memory.claims.of(&view.name).map(|(item, _)| item);
        claimed.filter(|item| lets_go(item)).find_map(|item| match self.released.get(item)? {
            ItemVerdict::Blocked(reason, message) => Some((*reason, format!("{item}: {message}"))),
            _ => None,
        })
    }

    /// What it does not name any more and the system still holds: an edit that drops something is not in force before.
    fn letting_go(&self, view: &AssignmentView, kept: Option<&Kept>) -> Option<Standing> {
        let names = |item: &ItemKey| kept.is_some_and(|kept| kept.names(item));
        let item = self.memory.claims.of(&view.name).map(|(item, _)| item).find(|item| !names(item))?;
        Some(match self.released.get(item) {
            Some(ItemVerdict::Blocked(reason, message)) => {
                Standing::Stalled(*reason, format!("{item}: {message}"))
            }
            Some(ItemVerdict::Waiting(reason, message)) => Standing::Working(*reason, message.clone()),
            Some(ItemVerdict::Undeployed) => self.undeployed(),
            _ if self.account.held.is_some() && self.tally.is_waiting(item) => {
                Standing::Working(Reason::HeldByGuard, self.account.held.clone().unwrap_or_default())
            }
            _ => Standing::Working(
                Reason::Releasing,
                "what it does not name any more is being released".into(),
            ),
        })
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

    pub(super) fn has_open_work(&self, items: &[&ItemKey]) -> bool {
        items.iter().any(|item| !self.is_proven(item))
    }

    /// R21: the outage is written on the backend; an assignment in step keeps its Ready.
    fn out_of_reach(&self, items: &[&ItemKey], observing: bool, open: bool) -> Option<Standing> {
        let outage = self.outage.as_ref()?;
        let pending_work = !observing && (open || items.is_empty() || self.has_open_work(items));
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
            (_, Some(outage)) if self.memory.claims.holds(&view.name) => {
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
            (None, _) if self.may_have_forgotten(view) == Forgotten::Something => (
                Reason::ReleaseBlocked,
                "what was done for it before is not remembered (the store was lost, or its namespace was another \
                 operator's), and what it refers to is gone, so what it put into the system cannot be told. Re-create \
                 what is missing"
                    .into(),
                true,
            ),
            _ => (Reason::Releasing, "what it put into the system is being released".into(), false),
        };
        let message =
            if stalled { format!("{message}. To leave everything as it is: {unblock}") } else { message };
        Standing::Terminating { reason, message, stalled }
    }

    /// The facts of the backend.
    pub(super) fn backend_facts(&self, desired: &Desired) -> BackendFacts {
        let backend = &desired.backend;
        let account = self.memory.account.as_ref();
        let capabilities = account.map(|a| a.capabilities.clone()).unwrap_or_default();
        let managed = self.memory.items.values().filter(|record| !record.is_let_go()).count();
        let differing = self.verdicts.values().filter(|v| matches!(v, ItemVerdict::Differs(_))).count();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        BackendFacts {
            id: backend.id.clone(),
            uid: backend.uid.clone(),
            generation: backend.generation,
            handled_request: self.requests.handled(&self.id.to_string()).cloned(),
            standing: self.backend_standing(desired),
            pending_deployment: self.deployment_worth_telling(),
            held: self.account.held.clone(),
            account: account.map(|a| {
                let system =
                    self.session.as_ref().map(|s| s.driver.translate().facts().system).unwrap_or_default();
                [system.into(), a.api.clone(), a.version.clone(), a.fingerprint.clone(), a.tenant.clone()]
            }),
            capabilities,
            objects: [
                count(managed),
                count(differing),
                count(self.pending()),
                self.account.orphaned,
                self.leftovers(),
            ],
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
        if backend.deleting {
            let hanging = desired.assignments.values().filter(|view| view.finalizer).count();
            return BackendStanding::Terminating(format!(
                "still used by {}: delete what uses it, or let go of it with releasePolicy: Orphan",
                reckoned(hanging, "assignment")
            ));
        }
        if let Some(problem) = &backend.invalid {
            return BackendStanding::Stalled(Reason::Invalid, problem.clone());
        }
        if backend.settings.suspend {
            return BackendStanding::Suspended;
        }
        if let Some(trouble) = &self.account.store_trouble {
            return BackendStanding::Working(Reason::StoreUnavailable, trouble.clone());
        }
        if let Some(behind) = self.account.behind.as_ref().filter(|_| self.outage.is_none()) {
            return BackendStanding::Stalled(Reason::OlderThanApplied, behind.message.clone());
        }
        match &self.outage {
            Some(outage) => match outage.error.class {
                Class::Unauthorized => BackendStanding::Stalled(
                    outage.error.reason,
                    format!(
                        "{}. Correct the Secret {} named in {}; it is read again within a minute",
                        outage.error.message,
                        backend.settings.credentials,
                        credentials_field(backend.system.name())
                    ),
                ),
                Class::Rejected => {
                    BackendStanding::Stalled(outage.error.reason, outage.error.message.clone())
                }
                _ => BackendStanding::Working(outage.error.reason, outage.error.message.clone()),
            },
            None if self.memory.account.is_some() => BackendStanding::Ready,
            None => BackendStanding::Working(Reason::Probing, "connecting".into()),
        }
    }
}

/// What a listing may mend gets ten minutes of patience, then a human must act.
fn unresolved_or_stalled(
    finding: &Finding,
    message: String,
    view: &AssignmentView,
    now: jiff::Timestamp,
) -> Standing {
    match finding.reason {
        Reason::NoTargets => Standing::Unresolved(finding.reason, message, view.created),
        Reason::CatalogueIncomplete => Standing::Working(finding.reason, message),
        reason if finding.severity == Severity::LeftOut || finding.may_resolve() => {
            Standing::Unresolved(reason, message, now)
        }
        reason => Standing::Stalled(reason, message),
    }
}

fn observing(watching: Option<&Watching>) -> Standing {
    match watching {
        None => Standing::Working(Reason::NotObserved, NOT_LOOKED_AT.into()),
        Some(_) => Standing::Observing,
    }
}
