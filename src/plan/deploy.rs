//! R18: the account-wide deploy.
//!
//! ```text
//! pending and nothing of ours undeployed ─▶ foreign ─▶ Hold before the first write (unless Include)
//! ours pending ─▶ Automatic: Deploy ─▶ Running ─▶ Settled
//!              └▶ Manual: WaitForHuman (a human deploys in the console)
//! waiting for more than 15 minutes ─▶ Overdue
//! ```

use jiff::{SignedDuration, Timestamp};

use crate::{
    api::conditions::Reason,
    drivers::DeploySettings,
    model::{ExternalId, Observation, memory::DeployRecord},
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
}

/// Splits pending objects; one with any installation's Ordain mark is not foreign (R18).
pub fn pending(observation: &Observation, is_ours: &dyn Fn(&ExternalId) -> bool) -> Pending {
    let mut pending = Pending::default();
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
    if !settings.hold_foreign || ours_undeployed || pending.foreign.is_empty() {
        return Ok(());
    }
    Err(foreign_message(pending))
}

/// What to do once no write is left to make.
pub fn decide(
    pending: &Pending,
    record: &DeployRecord,
    settings: DeploySettings,
    now: Timestamp,
) -> Decision {
    if pending.ours.is_empty() {
        return Decision::Settled;
    }
    if record.ours_since.is_some_and(|since| now.duration_since(since) > OVERDUE) {
        return Decision::Overdue(format!(
            "{} changed objects are still not deployed after 15 minutes; deploy (apply changes) in the console, or \
             look there for what holds it",
            pending.ours.len()
        ));
    }
    if !settings.automatic {
        return Decision::Wait(
            Reason::WaitingForDeployment,
            "deploy.mode is Manual: deploy (apply changes) in the console to bring this to devices".into(),
        );
    }
    if settings.hold_foreign && !pending.foreign.is_empty() {
        return Decision::HoldForeign(foreign_message(pending));
    }
    match record.running_since {
        Some(since) if now.duration_since(since) < RETRY => {
            Decision::Wait(Reason::WaitingForDeployment, "the deployment is running".into())
        }
        _ => Decision::Deploy,
    }
}

fn foreign_message(pending: &Pending) -> String {
    let ids: Vec<_> = pending.foreign.iter().take(5).map(ToString::to_string).collect();
    format!(
        "{} objects that are not ours were changed and not deployed (ids {}); a deploy would publish them. Deploy or \
         undo them in the console, or set deploy.foreignChanges: Include",
        pending.foreign.len(),
        ids.join(", ")
    )
}
