//! Policies and `TargetGroups`: what all the assignments that name them come to (R9). Pure.

use jiff::{SignedDuration, Timestamp};

use super::{
    conditions::{Draft, Verdict},
    memo::Memo,
};
use crate::{
    api::{AssignmentCounts, ConditionStatus, ConditionType, PolicyStatus, Reason, TargetGroupStatus},
    model::{ObjectName, SourcesDigest, Uid},
};

/// Assignments named in a message.
const NAMED: usize = 5;

/// For how long an assignment that has become Stalled is still waited for. Flux looks at everything it applied every 5 s
/// and takes note of one object after the other: a Policy that were Ready at once would meet the assignment's Ready of
/// the look before, and both together would pass for a success.
pub const SETTLES: SignedDuration = SignedDuration::from_secs(15);

/// One assignment, as far as the objects it names are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignmentSummary {
    /// Which.
    pub name: ObjectName,
    /// `metadata.generation`.
    pub generation: i64,
    /// The Policy and the `TargetGroups` it names, as they are now.
    pub named: SourcesDigest,
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
    /// `status.observedSources`.
    pub sources: Option<SourcesDigest>,
    /// Ready is True.
    pub ready: bool,
    /// Since when Stalled is True, if it is.
    pub stalled: Option<Timestamp>,
}

impl From<&Memo> for Said {
    fn from(memo: &Memo) -> Self {
        let stalled = memo.find(ConditionType::Stalled).filter(|one| one.status == ConditionStatus::True);
        Self {
            generation: memo.observed_generation(),
            sources: memo.sources(),
            ready: memo.is_true(ConditionType::Ready),
            stalled: stalled.map(|stalled| stalled.since().unwrap_or(Timestamp::UNIX_EPOCH)),
        }
    }
}

/// Whether an assignment keeps what it names from being Ready (R9).
enum Part {
    /// It has proven it.
    Proven,
    /// It is yet to be proven.
    Waiting,
    /// A human must act on it first, who may need what is Ready here for that.
    Stalled {
        /// When it is not waited for any more.
        settled: Timestamp,
    },
    /// It is suspended, or observes: nothing is applied.
    Resting,
}

impl AssignmentSummary {
    /// Its status speaks of itself and of what it names as they are now.
    fn is_up_to_date(&self) -> bool {
        self.said.generation == Some(self.generation) && self.said.sources == Some(self.named)
    }

    fn part(&self) -> Part {
        match self.said.stalled {
            _ if self.suspended || self.observe => Part::Resting,
            _ if !self.is_up_to_date() => Part::Waiting,
            Some(since) => Part::Stalled { settled: since.saturating_add(SETTLES).unwrap_or(Timestamp::MAX) },
            None if self.said.ready => Part::Proven,
            None => Part::Waiting,
        }
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
    /// When the last of the stalled is not waited for any more.
    settled: Option<Timestamp>,
}

impl Tally {
    /// Counts the assignments of a Policy, or those that use a `TargetGroup`.
    pub fn of<'a>(all: impl IntoIterator<Item = &'a AssignmentSummary>) -> Self {
        let mut tally = Self::default();
        let mut waiting = Vec::new();
        for one in all {
            tally.total += 1;
            tally.ready += u32::from(one.said.ready && one.is_up_to_date());
            let part = one.part();
            tally.stalled += u32::from(one.said.stalled.is_some() && !matches!(part, Part::Waiting));
            match part {
                Part::Proven => {}
                Part::Waiting => waiting.push(&one.name.name),
                Part::Stalled { settled } => tally.settled = tally.settled.max(Some(settled)),
                Part::Resting => tally.resting += u32::from(one.said.stalled.is_none()),
            }
        }
        waiting.sort_unstable();
        tally.waiting = u32::try_from(waiting.len()).unwrap_or(u32::MAX);
        tally.named = waiting.into_iter().take(NAMED).map(ToString::to_string).collect();
        tally
    }

    /// When the same assignments come to another verdict by time alone.
    pub fn ripens_at(&self, now: Timestamp) -> Option<Timestamp> {
        // A clock that was ahead holds nobody up.
        let latest = now.saturating_add(SETTLES).unwrap_or(Timestamp::MAX);
        self.settled.filter(|settled| self.waiting == 0 && *settled > now && *settled <= latest)
    }

    fn verdict(&self, now: Timestamp) -> Verdict {
        if self.total == 0 {
            return Verdict::ready(Reason::NotAssigned);
        }
        if self.waiting > 0 {
            return Verdict::reconciling(Reason::AssignmentsNotReady, self.not_proven());
        }
        if self.ripens_at(now).is_some() {
            return Verdict::reconciling(Reason::AssignmentsNotReady, self.summary());
        }
        let reason = if self.stalled > 0 { Reason::StalledAssignments } else { Reason::AllAssignmentsReady };
        Verdict { message: self.summary(), ..Verdict::ready(reason) }
    }

    fn not_proven(&self) -> String {
        let more = self.waiting.saturating_sub(u32::try_from(self.named.len()).unwrap_or(u32::MAX));
        let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{}; not proven by {}{tail}", self.summary(), self.named.join(", "))
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
    draft.verdict(&verdict(&facts.validity, &facts.tally, now));
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
    draft.verdict(&verdict(&facts.validity, &facts.tally, now));
    TargetGroupStatus { observed_generation: Some(facts.generation), conditions: draft.finish() }
}

fn verdict(validity: &Validity, tally: &Tally, now: Timestamp) -> Verdict {
    match validity {
        Validity::Valid => tally.verdict(now),
        Validity::Invalid(message) => Verdict::stalled(Reason::Invalid, message.clone()),
    }
}

#[cfg(test)]
mod tests;
