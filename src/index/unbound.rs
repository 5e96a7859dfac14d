//! Verdicts for objects no worker owns: the Backend is missing or cannot be read, the object itself
//! cannot be decoded.
//!
//! A finalizer goes without a worker only where nothing has to be asked of a system: with
//! `releasePolicy: Orphan`, which never needs a call (R11). Whether anything was ever applied
//! cannot be known without the backend's memory, so all others wait and say both ways out.

use super::{
    desired::Input,
    entry::Assignment,
    tables::{Index, kind_of},
};
use crate::{
    api::{Mode, Reason, ReleasePolicy},
    model::{BackendId, ObjectName},
    report::facts::{AssignmentFacts, BackendFacts, BackendStanding, Fact, Standing, TargetCounts},
};

/// What is said of an assignment no worker owns.
#[derive(Debug, Clone, PartialEq)]
pub struct Unbound {
    /// For its status.
    pub facts: AssignmentFacts,
    /// Its finalizer may go now.
    pub let_go: bool,
}

impl Index {
    /// The verdict on an assignment; `None` where there is no such assignment, or a worker owns it.
    pub fn unbound_assignment(&self, name: &ObjectName) -> Option<Unbound> {
        let entry = self.assignments.get(name)?;
        if entry.backend.as_ref().is_some_and(|id| self.has_worker(id)) {
            return None;
        }
        let (reason, message) = match self.resolve(name, entry) {
            Input::Frozen { reason, message } => (reason, message),
            Input::Bound { .. } => (Reason::Pending, self.closed(entry)),
        };
        let (standing, let_go) = standing(name, entry, reason, &message);
        Some(Unbound { facts: facts(name, entry, reason, &message, standing), let_go })
    }

    /// The verdict on a backend; `None` where there is no such backend, or a worker owns it.
    pub fn unbound_backend(&self, id: &BackendId) -> Option<BackendFacts> {
        let slot = self.backends.get(id).filter(|_| !self.has_worker(id))?;
        let standing = match &slot.fault {
            Some(fault) if slot.body.is_none() => {
                BackendStanding::Stalled(fault.reason, fault.message.to_string())
            }
            _ => BackendStanding::Working(Reason::Pending, self.gate_message(id)),
        };
        Some(BackendFacts {
            id: id.clone(),
            uid: slot.head.uid.clone(),
            generation: slot.head.generation,
            handled_request: slot.head.requested_at.as_deref().map(str::to_owned),
            standing,
            pending_deployment: None,
            held: None,
            account: None,
            capabilities: std::collections::BTreeMap::new(),
            objects: [0; 5],
            memory_since: None,
            memory_lost: vec![],
        })
    }

    /// The verdicts on all assignments no worker owns.
    pub fn all_unbound(&self) -> impl Iterator<Item = Unbound> {
        self.assignments.keys().filter_map(|name| self.unbound_assignment(name))
    }

    fn closed(&self, entry: &Assignment) -> String {
        entry
            .backend
            .as_ref()
            .map_or_else(|| "spec.backendRef cannot be read".into(), |id| self.gate_message(id))
    }

    fn gate_message(&self, id: &BackendId) -> String {
        let missing: Vec<_> = self
            .feeds
            .missing()
            .map(|(feed, why)| why.map_or_else(|| format!("{feed} are being listed"), str::to_owned))
            .collect();
        let kind = kind_of(id);
        format!(
            "nothing is done for {kind} {} until everything that may name it is listed: {}",
            id.name,
            missing.join("; ")
        )
    }
}

fn standing(name: &ObjectName, entry: &Assignment, reason: Reason, message: &str) -> (Standing, bool) {
    let head = &entry.slot.head;
    if head.deleting {
        return terminating(name, entry, reason, message);
    }
    let standing = match reason {
        _ if entry.suspended => Standing::Suspended,
        Reason::Pending => Standing::Working(reason, message.into()),
        // What GitOps tools apply together arrives in any order: only what stays away is a human's task.
        Reason::BackendNotFound => Standing::Unresolved(reason, message.into(), head.created),
        _ => Standing::Stalled(reason, message.into()),
    };
    (standing, false)
}

fn terminating(name: &ObjectName, entry: &Assignment, reason: Reason, message: &str) -> (Standing, bool) {
    if !entry.slot.head.finalizer {
        let message = "nothing of Ordain holds it any more; other finalizers do".into();
        return (Standing::Terminating { reason: Reason::Terminating, message, stalled: false }, false);
    }
    if is_orphaned(entry) {
        let message = "what it put into the system stays as it is (releasePolicy: Orphan)".into();
        return (Standing::Terminating { reason: Reason::Releasing, message, stalled: false }, true);
    }
    if reason == Reason::Pending {
        return (Standing::Terminating { reason, message: message.into(), stalled: false }, false);
    }
    let message = format!(
        "{message}. Until that is mended, what this assignment put into the system cannot be released. To leave \
         everything as it is: kubectl patch policyassignment {} -n {} --type merge -p \
         '{{\"spec\":{{\"releasePolicy\":\"Orphan\"}}}}'",
        name.name, name.namespace
    );
    (Standing::Terminating { reason: Reason::ReleaseBlocked, message, stalled: true }, false)
}

/// Whether leaving everything as it is is what the spec says, or its default comes to.
fn is_orphaned(entry: &Assignment) -> bool {
    let adopts = entry.slot.body.as_ref().is_some_and(|spec| spec.adopt.is_some());
    match entry.release_policy {
        Some(policy) => policy == ReleasePolicy::Orphan,
        None => adopts,
    }
}

fn facts(
    name: &ObjectName,
    entry: &Assignment,
    reason: Reason,
    message: &str,
    standing: Standing,
) -> AssignmentFacts {
    let head = &entry.slot.head;
    let fact = |status| Fact { status, reason, message: message.to_owned() };
    let default = if is_orphaned(entry) { ReleasePolicy::Orphan } else { ReleasePolicy::Delete };
    AssignmentFacts {
        name: name.clone(),
        uid: head.uid.clone(),
        generation: head.generation,
        policy_generation: None,
        sources: entry.named,
        handled_request: head.requested_at.as_deref().map(str::to_owned),
        standing,
        targets_resolved: fact(None),
        accepted: fact(if reason == Reason::Pending { None } else { Some(false) }),
        in_sync: fact(None),
        overridden: vec![],
        targets: TargetCounts::default(),
        problems: vec![],
        objects: vec![],
        operations: None,
        plan: None,
        mode: if entry.observe_only { Mode::Observe } else { Mode::Apply },
        release_policy: entry.release_policy.unwrap_or(default),
    }
}
