//! What the server configures: groups, fragments, rules, policies and assignments (section 6).

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    body::{Members, id},
    deploy::{Edit, EditKind, Fleet},
};

/// Who edits, and when.
#[derive(Debug, Clone)]
pub struct Hand {
    /// A principal, or somebody in the console.
    pub by: String,
    /// The server's wall clock.
    pub now: Timestamp,
    /// The monotonic clock.
    pub elapsed: Duration,
}

/// A management group, kept elsewhere (SLA): read-only here (4.7).
#[derive(Debug, Clone)]
pub struct Group {
    /// Unique, whatever its case.
    pub name: String,
    /// For people.
    pub description: String,
    /// `global` for All Devices.
    pub usable_id: String,
    /// All Devices, which lists leave out unless asked.
    pub system: bool,
    /// Its members; they change by themselves.
    pub devices: Vec<String>,
    /// When it came.
    pub created: Timestamp,
}

/// A check, a fix or a precondition that 1E ships.
#[derive(Debug, Clone)]
pub struct Fragment {
    /// As shipped.
    pub name: String,
    /// `Check`, `Fix` or `Precondition`.
    pub kind: &'static str,
    /// For people.
    pub readable: String,
    /// Raised by an upload.
    pub version: i32,
    /// Else the policies that use it are unlicensed.
    pub licensed: bool,
    /// Names of its parameters.
    pub parameters: &'static [&'static str],
}

/// A trigger template that 1E ships (6.4).
#[derive(Debug, Clone, Copy)]
pub struct Template {
    /// As shipped.
    pub name: &'static str,
    /// Names of its parameters.
    pub parameters: &'static [&'static str],
}

/// What a policy consists of; one rule may belong to several.
#[derive(Debug, Clone)]
pub struct Rule {
    /// As created.
    pub name: String,
    /// For people.
    pub description: String,
    /// `Check` or `Fix`.
    pub kind: String,
    /// Devices look at enabled rules only.
    pub enabled: bool,
    /// `Triggers`, `Preconditions`, `Check` and `Fix` as they were sent.
    pub uses: Map<String, Value>,
    /// When it came.
    pub created: Timestamp,
    /// Last change.
    pub modified: Timestamp,
    /// Lists show it from then on.
    pub visible_from: Duration,
}

/// A policy of the server's configuration; what devices hold is another matter.
#[derive(Debug, Clone)]
pub struct Policy {
    /// As created.
    pub name: String,
    /// For people.
    pub description: String,
    /// Only enabled policies are deployed.
    pub enabled: bool,
    /// In the order they were added.
    pub rules: Vec<i32>,
    /// A member the sheet does not know: clients must send it back (section 6).
    pub notes: Option<String>,
    /// When it came.
    pub created: Timestamp,
    /// Last change.
    pub modified: Timestamp,
    /// Lists show it from then on.
    pub visible_from: Duration,
}

/// A policy on a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assignment {
    /// What.
    pub policy: i32,
    /// Where.
    pub group: i32,
}

/// The whole configuration, and what devices hold of it.
#[derive(Debug, Clone, Default)]
pub struct Estate {
    /// By id.
    pub groups: BTreeMap<i32, Group>,
    /// By id.
    pub fragments: BTreeMap<i32, Fragment>,
    /// By id.
    pub templates: BTreeMap<i32, Template>,
    /// By id.
    pub rules: BTreeMap<i32, Rule>,
    /// By id.
    pub policies: BTreeMap<i32, Policy>,
    /// By the id of the row.
    pub assignments: BTreeMap<i32, Assignment>,
    /// Deployments and devices.
    pub fleet: Fleet,
    /// Repositories that were asked to synchronise.
    pub synchronised: Vec<String>,
    last: i32,
}

impl Estate {
    /// Ids never come again, whatever they name.
    pub fn next_id(&mut self) -> i32 {
        self.last += 1;
        self.last
    }

    /// The group of all devices.
    pub fn all_devices(&self) -> Option<i32> {
        self.groups.iter().find(|(_, group)| group.system).map(|(id, _)| *id)
    }

    /// The groups of a policy, in the order of the rows.
    pub fn groups_of(&self, policy: i32) -> Vec<i32> {
        self.assignments.values().filter(|row| row.policy == policy).map(|row| row.group).collect()
    }

    /// The policies a rule belongs to.
    pub fn users_of(&self, rule: i32) -> Vec<i32> {
        let users = self.policies.iter().filter(|(_, policy)| policy.rules.contains(&rule));
        users.map(|(id, _)| *id).collect()
    }

    /// Whether a policy uses a fragment without a licence.
    pub fn is_unlicensed(&self, policy: &Policy) -> bool {
        let rules = policy.rules.iter().filter_map(|id| self.rules.get(id));
        let mut used = rules.flat_map(Rule::fragments).filter_map(|id| self.fragments.get(&id));
        used.any(|fragment| !fragment.licensed)
    }

    /// Puts a policy on a group; false if it is there.
    pub fn assign(&mut self, policy: i32, group: i32) -> bool {
        let row = Assignment { policy, group };
        if self.assignments.values().any(|known| *known == row) {
            return false;
        }
        let id = self.next_id();
        self.assignments.insert(id, row);
        true
    }

    /// Takes a policy off a group; false if it was not there.
    pub fn unassign(&mut self, policy: i32, group: i32) -> bool {
        let before = self.assignments.len();
        self.assignments.retain(|_, row| *row != Assignment { policy, group });
        self.assignments.len() < before
    }

    /// A change of a policy: it waits for a deployment from now on.
    pub fn edited(&mut self, policy: i32, kind: EditKind, hand: &Hand) {
        let Some(stored) = self.policies.get_mut(&policy) else { return };
        stored.modified = hand.now;
        let name = stored.name.clone();
        self.fleet.edited(policy, Edit { kind, name, by: hand.by.clone(), at: hand.now });
    }

    /// A change of a rule: all its policies wait, and the store is dirty even if there is none (8.4).
    pub fn rule_edited(&mut self, rule: i32, hand: &Hand) {
        if let Some(stored) = self.rules.get_mut(&rule) {
            stored.modified = hand.now;
        }
        self.fleet.dirty = true;
        for policy in self.users_of(rule) {
            self.edited(policy, EditKind::Modified, hand);
        }
    }

    /// Deletes a policy; its rules stay (section 10).
    pub fn remove_policy(&mut self, policy: i32, hand: &Hand) {
        self.edited(policy, EditKind::Deleted, hand);
        self.policies.remove(&policy);
        self.assignments.retain(|_, row| row.policy != policy);
    }

    /// Deletes a rule, out of its policies too.
    pub fn remove_rule(&mut self, rule: i32, hand: &Hand) {
        self.rule_edited(rule, hand);
        self.policies.values_mut().for_each(|policy| policy.rules.retain(|known| *known != rule));
        self.rules.remove(&rule);
    }
}

impl Rule {
    /// The fragments it uses.
    pub fn fragments(&self) -> Vec<i32> {
        let one = |value: &Value| Members(value.as_object()?).get("FragmentId").and_then(id);
        let single = ["Check", "Fix"].iter().filter_map(|name| self.uses.get(*name));
        let several = self.uses.get("Preconditions").and_then(Value::as_array).into_iter().flatten();
        single.chain(several).filter_map(one).collect()
    }

    /// The trigger templates it uses.
    pub fn templates(&self) -> Vec<i32> {
        let triggers = self.uses.get("Triggers").and_then(Value::as_array).into_iter().flatten();
        triggers
            .filter_map(Value::as_object)
            .filter_map(|it| Members(it).get("TriggerTemplateId"))
            .filter_map(id)
            .collect()
    }
}
