//! What waits for a deployment, and what devices hold (4.3, section 8).

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    estate::{Estate, Hand},
    options::{PendingDuring, ScopedDeploy, TachyonOptions},
    people::Sight,
    render,
};

/// What happened to a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditKind {
    /// Made.
    Created,
    /// Changed: itself, a rule, an assignment.
    Modified,
    /// Gone.
    Deleted,
}

impl EditKind {
    /// As answers spell it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::Modified => "Modified",
            Self::Deleted => "Deleted",
        }
    }
}

/// A change that waits.
#[derive(Debug, Clone)]
pub struct Edit {
    /// What.
    pub kind: EditKind,
    /// Of which policy.
    pub name: String,
    /// Whose; the API does not tell.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// A policy as devices hold it.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// Its name then.
    pub name: String,
    /// Its enabled rules then.
    pub rules: BTreeMap<i32, Value>,
}

/// By group, by policy.
pub type Devices = BTreeMap<i32, BTreeMap<i32, Held>>;

#[derive(Debug, Clone)]
struct Running {
    id: i32,
    by: String,
    until: Duration,
    devices: Devices,
    edits: BTreeMap<i32, Edit>,
}

/// A deployment that is over.
#[derive(Debug, Clone)]
pub struct Done {
    /// As answered.
    pub id: i32,
    /// Who started it.
    pub by: String,
    /// Whose changes went with it.
    pub shipped: Vec<Edit>,
}

/// Deployments, and what devices hold.
#[derive(Debug, Clone, Default)]
pub struct Fleet {
    /// Anything was edited, whether a policy uses it or not (8.4).
    pub dirty: bool,
    /// By policy.
    pub edits: BTreeMap<i32, Edit>,
    /// By group, by policy.
    pub devices: Devices,
    /// The deployments so far.
    pub log: Vec<Done>,
    running: Option<Running>,
}

impl Fleet {
    /// Notes a change.
    pub fn edited(&mut self, policy: i32, edit: Edit) {
        self.dirty = true;
        let created = self.edits.get(&policy).is_some_and(|known| known.kind == EditKind::Created);
        match edit.kind {
            EditKind::Deleted if created => drop(self.edits.remove(&policy)),
            EditKind::Modified if created => {
                self.edits.insert(policy, Edit { kind: EditKind::Created, ..edit });
            }
            _ => drop(self.edits.insert(policy, edit)),
        }
    }

    /// Whether a deployment runs.
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// What `Pending/Changes` says.
    pub fn is_pending(&self, options: &TachyonOptions) -> bool {
        self.dirty || (self.is_running() && options.pending_during == PendingDuring::Pending)
    }

    /// Ends the running deployment when its time has come.
    pub fn settle(&mut self, elapsed: Duration) {
        if let Some(done) = self.running.take_if(|running| running.until <= elapsed) {
            self.devices = done.devices;
            let shipped = done.edits.into_values().collect();
            self.log.push(Done { id: done.id, by: done.by, shipped });
        }
    }

    /// For assertions.
    pub fn running(&self) -> Value {
        self.running.as_ref().map_or(Value::Null, |one| json!({"id": one.id, "by": one.by}))
    }
}

impl Estate {
    /// What devices would hold after a deployment of everything.
    fn wanted(&self) -> Devices {
        let mut devices = Devices::new();
        for row in self.assignments.values() {
            let Some(policy) = self.policies.get(&row.policy).filter(|policy| policy.enabled) else {
                continue;
            };
            let rules = policy.rules.iter().filter_map(|id| Some((*id, self.rules.get(id)?)));
            let enabled = rules.filter(|(_, rule)| rule.enabled);
            let held = Held {
                name: policy.name.clone(),
                rules: enabled.map(|(id, rule)| (id, render::snapshot(id, rule, self))).collect(),
            };
            devices.entry(row.group).or_default().insert(row.policy, held);
        }
        devices
    }

    /// Starts a deployment; it covers everything that is configured, whoever edited it (8.2).
    pub fn deploy(&mut self, hand: &Hand, sight: &Sight, options: &TachyonOptions) -> i32 {
        let mut devices = self.wanted();
        if options.scoped_deploy == ScopedDeploy::VisibleGroups {
            devices.retain(|group, _| sight.sees(*group));
            let hidden = self.fleet.devices.iter().filter(|(group, _)| !sight.sees(**group));
            devices.extend(hidden.map(|(group, held)| (*group, held.clone())));
        }
        let id = self.next_id();
        let mut edits = self.fleet.running.take().map(|one| one.edits).unwrap_or_default();
        edits.extend(std::mem::take(&mut self.fleet.edits));
        let until = hand.elapsed.saturating_add(Duration::from_millis(options.deploy_ms));
        self.fleet.dirty = false;
        self.fleet.running = Some(Running { id, by: hand.by.clone(), until, devices, edits });
        self.fleet.settle(hand.elapsed);
        id
    }

    /// What a deployment started now would change on devices: policy, name, what.
    pub fn differences(&self) -> BTreeMap<i32, (String, EditKind)> {
        let (wanted, held) = (by_policy(&self.wanted()), by_policy(&self.fleet.devices));
        let name = |side: &BTreeMap<i32, Held>| side.values().next().map(|one| one.name.clone());
        let mut found = BTreeMap::new();
        for (id, side) in &wanted {
            match held.get(id) {
                Some(known) if known == side => {}
                known => {
                    let kind = if known.is_some() { EditKind::Modified } else { EditKind::Created };
                    found.insert(*id, (name(side).unwrap_or_default(), kind));
                }
            }
        }
        let gone = held.iter().filter(|(id, _)| !wanted.contains_key(id));
        found.extend(gone.map(|(id, side)| (*id, (name(side).unwrap_or_default(), EditKind::Deleted))));
        found
    }
}

/// By policy, by group.
fn by_policy(devices: &Devices) -> BTreeMap<i32, BTreeMap<i32, Held>> {
    let mut turned: BTreeMap<i32, BTreeMap<i32, Held>> = BTreeMap::new();
    for (group, policies) in devices {
        for (policy, held) in policies {
            turned.entry(*policy).or_default().insert(*group, held.clone());
        }
    }
    turned
}
