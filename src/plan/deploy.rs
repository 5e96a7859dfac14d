//! R18: the account-wide deploy.
//!
//! ```text
//! pending and nothing of ours undeployed ─▶ foreign ─▶ Hold before the first write (unless Include)
//! ours pending ─▶ Automatic: Deploy ─▶ running ─▶ Settled
//!              │             ▲   └▶ refused: rests, longer each time
//!              │             └───── written again, or not seen finished for 5 minutes
//!              └▶ Manual: WaitForHuman (a human deploys in the console)
//! waiting for more than 15 minutes ─▶ Overdue
//! ```

use jiff::{SignedDuration, Timestamp};

use crate::{
    api::conditions::Reason,
    drivers::DeploySettings,
    model::{ExternalId, Observation, memory::DeployRecord, reckoned},
};

/// A wait longer than this is `DeploymentOverdue`.
pub const OVERDUE: SignedDuration = SignedDuration::from_mins(15);

/// A deploy not seen finished for this long is asked for again; asking twice is harmless.
pub const RETRY: SignedDuration = SignedDuration::from_mins(5);

/// What is pending in the account, as just read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pending {
    /// Managed objects changed and not deployed, or objects with any Ordain mark.
    pub ours: Vec<ExternalId>,
    /// Changes made by somebody else.
    pub foreign: Vec<ExternalId>,
    /// Something waits, and the system does not tell whose it is (tachyon sheet section 10): ours, if anything of ours
    /// may wait, else somebody else's.
    pub untold: bool,
}

impl Pending {
    fn has_ours(&self, record: &DeployRecord) -> bool {
        !self.ours.is_empty() || (self.untold && record.ours_since.is_some())
    }

    fn has_foreign(&self, record: &DeployRecord) -> bool {
        !self.foreign.is_empty() || (self.untold && record.ours_since.is_none())
    }
}

/// Splits pending objects; one with any installation's Ordain mark is not foreign (R18).
pub fn pending(observation: &Observation, is_ours: &dyn Fn(&ExternalId) -> bool) -> Pending {
    let mut pending = Pending { untold: observation.undeployed, ..Pending::default() };
    for item in observation.items.iter().filter(|item| item.pending) {
        let Some(id) = &item.id else { continue };
        let list = if item.mark.is_some() || is_ours(id) { &mut pending.ours } else { &mut pending.foreign };
        list.push(id.clone());
    }
    pending
}

/// What to do about the deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing of ours is pending; write freely.
    Settled,
    /// Hold before writing: somebody else's changes are pending (`ForeignPendingChanges`).
    HoldForeign(String),
    /// Deploy now.
    Deploy,
    /// Running or waiting for a human.
    Wait(Reason, String),
    /// Waited too long.
    Overdue(String),
}

/// Whether writes may begin.
///
/// # Errors
/// Why they are held, for people.
pub fn may_write(pending: &Pending, record: &DeployRecord, settings: DeploySettings) -> Result<(), String> {
    let ours_undeployed = !pending.ours.is_empty() || record.ours_since.is_some();
    if !settings.hold_foreign || ours_undeployed || !pending.has_foreign(record) {
        return Ok(());
    }
    Err(foreign_message(pending))
}

/// The last deploy that was asked for, if the system did not take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// In the words of the system.
    pub why: String,
    /// When it is asked for again.
    pub until: Timestamp,
}

/// What to do once no write is left to make.
pub fn decide(
    pending: &Pending,
    record: &DeployRecord,
    refused: Option<&Refused>,
    settings: DeploySettings,
    now: Timestamp,
) -> Decision {
    if !pending.has_ours(record) {
        return Decision::Settled;
    }
    // A deploy was taken after our last write, and something waits all the same: it was lost, or somebody else wrote since.
    // Asking again might publish theirs.
    let doubtful =
        pending.untold && record.running_since.is_some_and(|since| now.duration_since(since) >= RETRY);
    let held = settings.hold_foreign && (pending.has_foreign(record) || doubtful);
    if settings.automatic && !held && is_due(record, refused, now) {
        return Decision::Deploy;
    }
    let cause = match (settings.automatic, refused) {
        (false, _) => MANUAL.to_owned(),
        (true, _) if held => foreign_message(pending),
        (true, Some(refused)) => format!("the deployment was refused and is tried again: {}", refused.why),
        (true, None) => "the deployment is running".into(),
    };
    if record.ours_since.is_some_and(|since| now.duration_since(since) > OVERDUE) {
        return Decision::Overdue(format!(
            "what was changed is still not deployed after 15 minutes: {cause}"
        ));
    }
    if held && settings.automatic {
        return Decision::HoldForeign(cause);
    }
    Decision::Wait(Reason::WaitingForDeployment, cause)
}

const MANUAL: &str = "deploy.mode is Manual: deploy (apply changes) in the console to bring this to devices";

/// What was written after a deploy was taken needs another one, which `DeployRecord::running_since` says; a running one
/// may answer the next with an error (wso2 sheet section 6), so a refused one rests.
fn is_due(record: &DeployRecord, refused: Option<&Refused>, now: Timestamp) -> bool {
    match (refused, record.running_since) {
        (Some(refused), _) => refused.until <= now,
        (None, Some(since)) => now.duration_since(since) >= RETRY,
        (None, None) => true,
    }
}

fn foreign_message(pending: &Pending) -> String {
    if pending.untold {
        return "changes that are not ours, as far as can be told, wait for a deployment, which would publish them. Deploy \
                or undo them in the console, or set deploy.foreignChanges: Include"
            .into();
    }
    let ids: Vec<_> = pending.foreign.iter().take(5).map(ToString::to_string).collect();
    format!(
        "changes of others to {} (ids {}) are not deployed, and a deploy would publish them. Deploy or undo them in the \
         console, or set deploy.foreignChanges: Include",
        reckoned(pending.foreign.len(), "object"),
        ids.join(", ")
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn id(id: &str) -> ExternalId {
        ExternalId(id.into())
    }

    fn record(ours: i64, running: Option<i64>) -> DeployRecord {
        DeployRecord { ours_since: Some(at(ours)), running_since: running.map(at), ..DeployRecord::default() }
    }

    const AUTOMATIC: DeploySettings = DeploySettings { automatic: true, hold_foreign: true };
    const MANUALLY: DeploySettings = DeploySettings { automatic: false, hold_foreign: true };
    const INCLUDE: DeploySettings = DeploySettings { automatic: true, hold_foreign: false };

    /// A decision in a word.
    fn word(decision: &Decision) -> &'static str {
        match decision {
            Decision::Settled => "settled",
            Decision::HoldForeign(_) => "hold",
            Decision::Deploy => "deploy",
            Decision::Wait(..) => "wait",
            Decision::Overdue(_) => "overdue",
        }
    }

    #[test]
    fn every_case_is_decided_for_its_reason() {
        let ours = Pending { ours: vec![id("1")], ..Pending::default() };
        let both = Pending { foreign: vec![id("2")], ..ours.clone() };
        let theirs = Pending { foreign: vec![id("2")], ..Pending::default() };
        let untold = Pending { untold: true, ..Pending::default() };
        let nothing = Pending::default();
        let until = |seconds| Some(Refused { why: "a run is scheduled".into(), until: at(seconds) });
        let cases = [
            (&theirs, record(0, None), None, AUTOMATIC, 1, "settled", "nothing of ours waits"),
            (&untold, DeployRecord::default(), None, AUTOMATIC, 1, "settled", "what waits cannot be ours"),
            (&untold, record(0, None), None, AUTOMATIC, 1, "deploy", "what waits may be ours"),
            (&untold, record(0, None), None, MANUALLY, 1, "wait", "a human deploys, whosever it is"),
            (&nothing, record(0, Some(5)), None, AUTOMATIC, 6, "settled", "nothing waits any more"),
            (&untold, record(0, Some(5)), None, AUTOMATIC, 10, "wait", "taken, not finished"),
            (&untold, record(0, Some(5)), None, AUTOMATIC, 310, "hold", "lost, or theirs by now"),
            (&untold, record(0, Some(5)), None, INCLUDE, 310, "deploy", "theirs may go along"),
            (&ours, record(0, None), None, AUTOMATIC, 1, "deploy", "written, not deployed"),
            (&ours, record(0, Some(5)), None, AUTOMATIC, 10, "wait", "taken, not finished"),
            (&ours, record(0, Some(5)), None, AUTOMATIC, 310, "deploy", "not finished for five minutes"),
            (&ours, record(0, None), until(20), AUTOMATIC, 10, "wait", "refused, and rests"),
            (&ours, record(0, None), until(20), AUTOMATIC, 20, "deploy", "refused, and rested"),
            (&ours, record(0, Some(5)), until(20), AUTOMATIC, 20, "deploy", "the refusal is the later word"),
            (&ours, record(0, None), None, MANUALLY, 1, "wait", "a human deploys"),
            (&both, record(0, None), None, AUTOMATIC, 1, "hold", "a deploy would publish theirs"),
            (&both, record(0, None), None, INCLUDE, 1, "deploy", "theirs may go along"),
            (&both, record(0, None), None, MANUALLY, 1, "wait", "nothing is published by us"),
            (&ours, record(0, None), None, MANUALLY, 901, "overdue", "nobody deployed"),
            (&both, record(0, None), None, AUTOMATIC, 901, "overdue", "held for too long"),
            (&ours, record(0, Some(890)), None, AUTOMATIC, 901, "overdue", "runs for too long"),
            (&ours, record(0, None), until(1000), AUTOMATIC, 901, "overdue", "refused for too long"),
            (&ours, record(0, None), until(900), AUTOMATIC, 901, "deploy", "overdue is no reason to give up"),
        ];
        for (pending, record, refused, settings, now, wanted, reason) in cases {
            let decision = decide(pending, &record, refused.as_ref(), settings, at(now));
            assert_eq!(word(&decision), wanted, "{reason}: {decision:?}");
        }
    }

    #[test]
    fn writing_begins_only_where_nobody_elses_change_would_go_along() {
        let ours = Pending { ours: vec![id("1")], ..Pending::default() };
        let theirs = Pending { foreign: vec![id("2")], ..Pending::default() };
        let untold = Pending { untold: true, ..Pending::default() };
        let (new, open) = (DeployRecord::default(), record(0, None));
        let cases = [
            (&Pending::default(), &new, AUTOMATIC, true, "nothing waits"),
            (&theirs, &new, AUTOMATIC, false, "theirs would go along"),
            (&theirs, &new, INCLUDE, true, "theirs may go along"),
            (&theirs, &open, AUTOMATIC, true, "we began first: the deploy itself is held"),
            (&untold, &new, AUTOMATIC, false, "nothing of ours waits, so it is theirs"),
            (&untold, &open, AUTOMATIC, true, "what waits is ours, as far as can be told"),
            (&ours, &new, AUTOMATIC, true, "a lost store: the mark tells that it is ours"),
        ];
        for (pending, record, settings, may, reason) in cases {
            assert_eq!(may_write(pending, record, settings).is_ok(), may, "{reason}");
        }
    }

    #[test]
    fn what_holds_it_is_said_also_when_it_is_overdue() {
        let ours = Pending { ours: vec![id("1")], ..Pending::default() };
        let refused = Refused { why: "Error 500 while applying changes".into(), until: at(2000) };
        for now in [10, 1000] {
            match decide(&ours, &record(0, None), Some(&refused), AUTOMATIC, at(now)) {
                Decision::Wait(_, message) | Decision::Overdue(message) => {
                    assert!(message.contains("Error 500 while applying changes"), "{message}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
}
