//! The asynchronous apply-changes task and what devices get from it (section 6).

use std::{collections::BTreeSet, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    evaluate::effective,
    options::Wso2Options,
    rows::{Delivered, Device, Moment},
    store::Store,
};

/// How the next runs of the task end (fault `taskOutcome`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Outcome {
    /// Flags cleared, devices evaluated.
    Done,
    /// The task vanishes: flags stay, nothing is delivered.
    Lost,
    /// The task never ends, and every further call is refused.
    Stuck,
    /// Flags are cleared, then the task dies before any device hears of it.
    Undelivered,
}

/// One scheduled task.
#[derive(Debug, Clone)]
pub(super) struct Run {
    clear_at: Duration,
    deliver_at: Duration,
    outcome: Outcome,
    /// Device types to evaluate; known once the flags are cleared.
    types: Option<BTreeSet<String>>,
}

/// A previous task is still scheduled.
pub(super) struct Busy;

impl Store {
    /// Schedules the task and returns at once.
    pub fn apply_changes(
        &mut self,
        options: &Wso2Options,
        outcome: Outcome,
        now: Moment,
    ) -> Result<(), Busy> {
        self.counters.apply_calls += 1;
        if self.busy(options) {
            self.counters.apply_refused += 1;
            return Err(Busy);
        }
        if let Some(unfinished) = self.run.take() {
            self.deliver(options, &unfinished, now);
        }
        let clear_at = now.mono + Duration::from_secs(options.apply_delay);
        let deliver_at = clear_at + Duration::from_secs(options.delivery_delay);
        self.run = Some(Run { clear_at, deliver_at, outcome, types: None });
        self.counters.apply_runs += 1;
        self.settle(options, now);
        Ok(())
    }

    /// Whether a further apply-changes is refused now.
    pub fn busy(&self, options: &Wso2Options) -> bool {
        self.run.as_ref().is_some_and(|run| options.apply_busy_until_delivered || run.types.is_none())
    }

    /// A run that never ends is given up, as by a restart of the server.
    pub fn drop_stuck_run(&mut self) {
        self.run = self.run.take().filter(|run| run.outcome != Outcome::Stuck);
    }

    /// Lets everything happen that is due.
    pub fn settle(&mut self, options: &Wso2Options, now: Moment) {
        self.reveal(now);
        let Some(mut run) = self.run.take() else { return };
        if run.outcome != Outcome::Stuck && run.types.is_none() && now.mono >= run.clear_at {
            run.types = Some(self.clear_flags(options, run.outcome));
        }
        if run.types.is_none() || now.mono < run.deliver_at {
            self.run = Some(run);
            return;
        }
        self.deliver(options, &run, now.back_to(run.deliver_at));
    }

    /// The flags go first: `updated` is false before any device has been told.
    fn clear_flags(&mut self, options: &Wso2Options, outcome: Outcome) -> BTreeSet<String> {
        if outcome == Outcome::Lost {
            return BTreeSet::new();
        }
        let mut types = BTreeSet::new();
        for policy in self.policies.values_mut().filter(|p| p.updated) {
            policy.updated = false;
            if let Some(profile) = self.profiles.get_mut(&policy.profile_id) {
                profile.features.retain(|feature| !options.apply_drops.contains(&feature.code));
                types.insert(profile.device_type.clone());
            }
        }
        types
    }

    fn deliver(&mut self, options: &Wso2Options, run: &Run, now: Moment) {
        if run.outcome != Outcome::Done {
            return;
        }
        let types = run.types.clone().unwrap_or_default();
        let mut devices = std::mem::take(&mut self.devices);
        for device in devices.iter_mut().filter(|d| types.iter().any(|t| t.eq_ignore_ascii_case(&d.id.kind)))
        {
            self.tell(options, device, now);
        }
        self.devices = devices;
    }

    /// Sends `device` its effective policy. B sends only what is new or changed and revokes when
    /// nothing applies; A sends always and never revokes.
    pub fn tell(&mut self, options: &Wso2Options, device: &mut Device, now: Moment) {
        let admin = options.dialect.is_admin();
        let Some((policy, profile)) = effective(self, options, device) else {
            if !admin && device.delivered.take().is_some() {
                self.counters.revocations += 1;
            }
            return;
        };
        let same = device.delivered.as_ref().is_some_and(|d| {
            d.policy.id == policy.id && d.profile == profile && d.policy.compliance == policy.compliance
        });
        if same && !admin {
            return;
        }
        if !admin && device.delivered.is_some() {
            self.counters.revocations += 1;
        }
        device.delivered = Some(Delivered { policy, profile, at: now });
        device.pushes += 1;
        self.counters.pushes += 1;
    }
}
