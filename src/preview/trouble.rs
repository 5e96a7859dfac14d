//! What stands in the way of a plan, and how bad that is. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::report::{Problem, Severity};
use crate::{
    api::conditions::Reason,
    drivers::{self, Finding},
    index::{AssignmentView, Desired, Input},
    model::ObjectName,
    plan::{ItemVerdict, merge::Lost},
    worker::preview::{Known, Preview},
};

/// Everything that is refused, left out, blocked or waits.
pub(super) fn problems(
    now: Option<&Desired>,
    then: &Desired,
    known: &Known,
    preview: &Preview,
) -> Vec<Problem> {
    let concerned = known.concerned.iter().filter_map(|name| then.assignments.get(name));
    let frozen = concerned.filter_map(|view| frozen(view)).chain(other_account(now, then, known, preview));
    let findings = preview
        .findings
        .iter()
        .flat_map(|(name, findings)| findings.iter().map(move |finding| found(name, finding)));
    let standing = preview.standing.iter().filter_map(|stand| {
        let names: Vec<_> = stand.assignments.iter().map(ToString::to_string).collect();
        stood(&format!("{} ({})", stand.item, names.join(", ")), &stand.verdict)
    });
    let lost = |severity, reason: Reason, all: &BTreeMap<ObjectName, BTreeSet<Lost>>, words: &str| {
        let of = |(name, lost): (&ObjectName, &BTreeSet<Lost>)| {
            let places: Vec<_> = lost.iter().take(20).map(|l| format!("{} {}", l.item, l.path)).collect();
            let message = format!("{words}: {}", places.join(", "));
            problem(severity, reason, format!("PolicyAssignment {name}"), message)
        };
        all.iter().map(of).collect::<Vec<_>>()
    };
    let overridden = lost(
        Severity::Note,
        Reason::Overridden,
        &preview.overridden,
        "another assignment of higher priority decides on",
    );
    let conflicts = lost(
        Severity::Error,
        Reason::ConflictingValue,
        &preview.conflicts,
        "another assignment of the same priority wants another value; give one of them a higher spec.priority",
    );
    frozen.chain(findings).chain(standing).chain(overridden).chain(conflicts).collect()
}

/// R7: where `spec.system` changes, it may lead to another account; then the operator waits to be told that this is meant.
fn other_account(now: Option<&Desired>, then: &Desired, known: &Known, preview: &Preview) -> Option<Problem> {
    let changed = now.is_some_and(|now| now.backend.system != then.backend.system);
    let before = known.account.as_ref().filter(|before| changed && **before != preview.account)?;
    let accepted = then.backend.accept_account.as_deref() == Some(&preview.account);
    let message = format!(
        "spec.system changes, and leads to account {} (before: {before}). Where that is another account, the operator \
         writes nothing until annotation ordain.dev/accept-account: {} says that it is meant",
        preview.account, preview.account
    );
    let subject = then.backend.id.to_string();
    (!accepted).then(|| problem(Severity::Warning, Reason::AccountChanged, subject, message))
}

fn problem(severity: Severity, reason: Reason, subject: String, message: String) -> Problem {
    Problem { severity, reason: reason.as_str().to_owned(), subject, message }
}

/// What it refers to is missing or forbidden: nothing of it is sent, what was applied stays.
fn frozen(view: &AssignmentView) -> Option<Problem> {
    let Input::Frozen { reason, message } = &view.input else { return None };
    Some(problem(Severity::Error, *reason, format!("PolicyAssignment {}", view.name), message.clone()))
}

fn found(name: &ObjectName, finding: &Finding) -> Problem {
    let severity = match finding.severity {
        drivers::Severity::Refused => Severity::Error,
        drivers::Severity::LeftOut => Severity::Warning,
        drivers::Severity::Note => Severity::Note,
    };
    let subject = format!("PolicyAssignment {name}, {}", finding.subject);
    problem(severity, finding.reason, subject, finding.message.clone())
}

fn stood(subject: &str, verdict: &ItemVerdict) -> Option<Problem> {
    let (severity, reason, message) = match verdict {
        ItemVerdict::Blocked(reason, message) => (blocked(*reason), *reason, message.as_str()),
        ItemVerdict::Waiting(reason, message) => (Severity::Warning, *reason, message.as_str()),
        ItemVerdict::Undeployed => {
            (Severity::Note, Reason::WaitingForDeployment, "in place, and waits for a deploy")
        }
        ItemVerdict::InStep | ItemVerdict::Differs(_) | ItemVerdict::Held => return None,
    };
    Some(problem(severity, reason, subject.to_owned(), message.to_owned()))
}

/// What somebody else does to a value is not the fault of these manifests.
fn blocked(reason: Reason) -> Severity {
    match reason {
        Reason::DriftDetected | Reason::Contested => Severity::Warning,
        _ => Severity::Error,
    }
}
