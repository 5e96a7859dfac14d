//! States, and how many are in each.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Account, Assignment, Other, Unlisted};
use crate::model::reckoned;

/// Where something stands, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// Nothing goes on until somebody acts.
    Stalled,
    /// Removals wait for an approval.
    Held,
    /// The system holds something else than Git says, because somebody changed it there.
    Drifting,
    /// Work is under way, or waits for something that needs nobody.
    Working,
    /// Nothing is known.
    Unknown,
    /// Suspended, or only observing: on purpose.
    Resting,
    /// It holds, proven. Of an account: it answers, and is the known one.
    InForce,
}

impl State {
    /// Every state, worst first.
    pub const ALL: [Self; 7] = [
        Self::Stalled,
        Self::Held,
        Self::Drifting,
        Self::Working,
        Self::Unknown,
        Self::Resting,
        Self::InForce,
    ];

    /// Whether nothing is amiss.
    pub const fn is_fine(self) -> bool {
        matches!(self, Self::Resting | Self::InForce)
    }

    /// The word for an assignment, as in JSON and queries.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stalled => "stalled",
            Self::Held => "held",
            Self::Drifting => "drifting",
            Self::Working => "working",
            Self::Unknown => "unknown",
            Self::Resting => "resting",
            Self::InForce => "inForce",
        }
    }

    /// The words for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::InForce => "in force",
            other => other.as_str(),
        }
    }
}

/// Assignments by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// Nothing goes on until somebody acts.
    pub stalled: usize,
    /// Removals wait for an approval.
    pub held: usize,
    /// Somebody changed it in the system.
    pub drifting: usize,
    /// Work is under way.
    pub working: usize,
    /// Nothing is known.
    pub unknown: usize,
    /// Suspended, or only observing.
    pub resting: usize,
    /// In force, proven.
    pub in_force: usize,
}

impl Tally {
    /// How many are in this state.
    pub const fn of(&self, state: State) -> usize {
        match state {
            State::Stalled => self.stalled,
            State::Held => self.held,
            State::Drifting => self.drifting,
            State::Working => self.working,
            State::Unknown => self.unknown,
            State::Resting => self.resting,
            State::InForce => self.in_force,
        }
    }

    /// Counts one more.
    pub const fn add(&mut self, state: State) {
        let count = match state {
            State::Stalled => &mut self.stalled,
            State::Held => &mut self.held,
            State::Drifting => &mut self.drifting,
            State::Working => &mut self.working,
            State::Unknown => &mut self.unknown,
            State::Resting => &mut self.resting,
            State::InForce => &mut self.in_force,
        };
        *count += 1;
    }
}

/// Counts of an overview.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// All of it in one line.
    pub text: String,
    /// Accounts.
    pub accounts: usize,
    /// Accounts that answer and are not held.
    pub accounts_ready: usize,
    /// Assignments.
    pub assignments: usize,
    /// Assignments by state.
    pub states: Tally,
}

impl Summary {
    /// Where assignments are `unlisted`, having none of them, or these, proves nothing; where other kinds are, what they
    /// would tell may be missed, and that comes first: a narrow window cuts the end off.
    pub(super) fn of(
        accounts: &[Account],
        assignments: &[Assignment],
        others: &[Other],
        unlisted: &[Unlisted],
    ) -> Self {
        let blind = unlisted.iter().any(|one| one.assignments);
        let missed = [
            missed("edits", unlisted.iter().filter(|one| one.edits)),
            missed("accounts", unlisted.iter().filter(|one| one.accounts)),
        ];
        let missed = missed.into_iter().flatten().collect::<Vec<_>>().join(", ");
        let mut states = Tally::default();
        assignments.iter().for_each(|one| states.add(one.state));
        let ready = accounts.iter().filter(|one| one.state.is_fine()).count();
        let told = told(accounts.len() - ready, assignments.len(), &states, others.len());
        let text = match (blind, assignments.is_empty()) {
            (false, _) if missed.is_empty() => told,
            (false, _) => format!("{missed}; else {told}"),
            (true, true) => "the assignments cannot be read".to_owned(),
            (true, false) => format!("the assignments cannot be read anew; when last read {told}"),
        };
        Self { text, accounts: accounts.len(), accounts_ready: ready, assignments: assignments.len(), states }
    }
}

/// `accounts may be missed (clusterbackends cannot be listed)`.
fn missed<'a>(what: &str, unlisted: impl Iterator<Item = &'a Unlisted>) -> Option<String> {
    let kinds: Vec<&str> = unlisted.map(|one| one.what.as_str()).collect();
    (!kinds.is_empty()).then(|| format!("{what} may be missed ({} cannot be listed)", kinds.join(", ")))
}

fn told(accounts_amiss: usize, assignments: usize, states: &Tally, others: usize) -> String {
    let head = match (assignments, states.in_force) {
        (0, _) => "no assignments".to_owned(),
        (all, in_force) if all == in_force => format!("all {} in force", reckoned(all, "assignment")),
        (all, in_force) => format!("{in_force} of {} in force", reckoned(all, "assignment")),
    };
    let rest = State::ALL.iter().filter(|state| **state != State::InForce && states.of(**state) > 0);
    let rest = rest.map(|state| format!("{} {}", states.of(*state), state.words()));
    let accounts = (accounts_amiss > 0).then(|| format!("{} not ready", reckoned(accounts_amiss, "account")));
    let others = (others > 0).then(|| format!("{} amiss", reckoned(others, "other object")));
    std::iter::once(head).chain(rest).chain(accounts).chain(others).collect::<Vec<_>>().join(", ")
}
