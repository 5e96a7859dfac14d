//! Policies and `TargetGroups`: what all the assignments that name them come to (R9). Pure.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use super::{
    conditions::{Draft, Verdict},
    memo::Memo,
};
use crate::{
    api::{AssignmentCounts, ConditionType, PolicyStatus, Reason, TargetGroupStatus},
    model::{ObjectName, Uid},
};

/// Assignments named in a message.
const NAMED: usize = 5;

/// One assignment, as far as the objects it names are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignmentSummary {
    /// Which.
    pub name: ObjectName,
    /// `metadata.name` of its Policy.
    pub policy: Arc<str>,
    /// `TargetGroups` it includes or excludes, each with the generation its status has taken into
    /// account, where that is known.
    pub groups: BTreeMap<Arc<str>, Option<i64>>,
    /// `metadata.generation`.
    pub generation: i64,
    /// `spec.suspend`.
    pub suspended: bool,
    /// `spec.mode: Observe`.
    pub observe: bool,
    /// What its status says.
    pub said: Said,
}

/// What the status of an assignment says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Said {
    /// `status.observedGeneration`.
    pub generation: Option<i64>,
    /// `status.policyGeneration`.
    pub policy_generation: Option<i64>,
    /// Ready is True.
    pub ready: bool,
    /// Stalled is True.
    pub stalled: bool,
}

impl From<&Memo> for Said {
    fn from(memo: &Memo) -> Self {
        Self {
            generation: memo.observed_generation(),
            policy_generation: memo.policy_generation(),
            ready: memo.is_true(ConditionType::Ready),
            stalled: memo.is_true(ConditionType::Stalled),
        }
    }
}

impl AssignmentSummary {
    /// Ready at the present generation.
    fn ready(&self) -> bool {
        self.said.ready && self.said.generation == Some(self.generation)
    }

    /// Whether it has to prove what it names (R9).
    fn counts(&self) -> bool {
        !self.suspended && !self.observe && !self.said.stalled
    }
}

/// Whether the object itself stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Validity {
    /// It breaks no rule.
    Valid,
    /// It breaks a rule the API server would refuse today: which field, what is allowed.
    Invalid(String),
}

/// All assignments of one object, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    total: u32,
    ready: u32,
    stalled: u32,
    resting: u32,
    waiting: u32,
    named: Vec<String>,
}

impl Tally {
    /// Counts the assignments of a Policy at `generation`.
    pub fn of_policy<'a>(generation: i64, all: impl IntoIterator<Item = &'a AssignmentSummary>) -> Self {
        Self::of(all, |one| one.said.policy_generation == Some(generation))
    }

    /// Counts the assignments that use the `TargetGroup` `name`, which is at `generation`.
    pub fn of_group<'a>(
        name: &str,
        generation: i64,
        all: impl IntoIterator<Item = &'a AssignmentSummary>,
    ) -> Self {
        Self::of(all, |one| {
            one.groups.get(name).is_none_or(|seen| seen.is_none_or(|seen| seen == generation))
        })
    }

    fn of<'a>(
        all: impl IntoIterator<Item = &'a AssignmentSummary>,
        took_notice: impl Fn(&AssignmentSummary) -> bool,
    ) -> Self {
        let mut tally = Self::default();
        let mut waiting = Vec::new();
        for one in all {
            tally.total += 1;
            tally.ready += u32::from(one.ready());
            tally.stalled += u32::from(one.said.stalled);
            tally.resting += u32::from(!one.counts() && !one.said.stalled);
            if one.counts() && !(one.ready() && took_notice(one)) {
                waiting.push(&one.name.name);
            }
        }
        waiting.sort_unstable();
        tally.waiting = u32::try_from(waiting.len()).unwrap_or(u32::MAX);
        tally.named = waiting.into_iter().take(NAMED).map(ToString::to_string).collect();
        tally
    }

    fn verdict(&self) -> Verdict {
        if self.total == 0 {
            return Verdict::ready(Reason::NotAssigned);
        }
        if self.waiting == 0 {
            return Verdict { message: self.summary(), ..Verdict::ready(Reason::AllAssignmentsReady) };
        }
        let more = self.waiting.saturating_sub(u32::try_from(self.named.len()).unwrap_or(u32::MAX));
        let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
        let message = format!("{}{NOT_PROVEN_BY}{}{tail}", self.summary(), self.named.join(", "));
        Verdict::reconciling(Reason::AssignmentsNotReady, message)
    }

    /// `38 of 40 assignments are ready (1 stalled, 1 suspended or observing)`.
    fn summary(&self) -> String {
        let mut aside = Vec::new();
        if self.stalled > 0 {
            aside.push(format!("{} stalled", self.stalled));
        }
        if self.resting > 0 {
            aside.push(format!("{} suspended or observing", self.resting));
        }
        let aside = if aside.is_empty() { String::new() } else { format!(" ({})", aside.join(", ")) };
        format!("{} of {} assignments are ready{aside}", self.ready, self.total)
    }
}

/// Before the names of those who have not proven it.
const NOT_PROVEN_BY: &str = "; not proven by ";

/// Whether a message of `Ready=False AssignmentsNotReady` says that others than this assignment are waited for: it names
/// them all, and not this one.
pub fn is_proven_by(message: &str, assignment: &str) -> bool {
    let Some((_, named)) = message.split_once(NOT_PROVEN_BY) else { return false };
    !named.contains(" and ") && named.split(", ").all(|name| name != assignment)
}

/// Everything the status of one Policy is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFacts {
    /// Which.
    pub name: ObjectName,
    /// Guards the write.
    pub uid: Uid,
    /// Generation these facts speak of.
    pub generation: i64,
    /// Whether the Policy itself stands.
    pub validity: Validity,
    /// Members of `spec.content`, in the order of the documentation.
    pub facets: Vec<&'static str>,
    /// Its assignments.
    pub tally: Tally,
}

/// Everything the status of one `TargetGroup` is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetGroupFacts {
    /// Which.
    pub name: ObjectName,
    /// Guards the write.
    pub uid: Uid,
    /// Generation these facts speak of.
    pub generation: i64,
    /// Whether the `TargetGroup` itself stands.
    pub validity: Validity,
    /// The assignments that use it.
    pub tally: Tally,
}

/// What the cluster should say of a Policy, given what it says now.
pub fn policy_status(facts: &PolicyFacts, before: Option<&Memo>, now: Timestamp) -> PolicyStatus {
    let mut draft = Draft::new(facts.generation, before, now);
    draft.verdict(&verdict(&facts.validity, &facts.tally));
    PolicyStatus {
        observed_generation: Some(facts.generation),
        conditions: draft.finish(),
        facets: (!facts.facets.is_empty()).then(|| facts.facets.join(",")),
        assignments: Some(AssignmentCounts {
            total: facts.tally.total.into(),
            ready: facts.tally.ready.into(),
            stalled: facts.tally.stalled.into(),
        }),
    }
}

/// What the cluster should say of a `TargetGroup`, given what it says now.
pub fn target_group_status(
    facts: &TargetGroupFacts,
    before: Option<&Memo>,
    now: Timestamp,
) -> TargetGroupStatus {
    let mut draft = Draft::new(facts.generation, before, now);
    draft.verdict(&verdict(&facts.validity, &facts.tally));
    TargetGroupStatus { observed_generation: Some(facts.generation), conditions: draft.finish() }
}

fn verdict(validity: &Validity, tally: &Tally) -> Verdict {
    match validity {
        Validity::Valid => tally.verdict(),
        Validity::Invalid(message) => Verdict::stalled(Reason::Invalid, message.clone()),
    }
}

#[cfg(test)]
mod tests;
