//! Everything at a glance: accounts, what is in force, what is held, what drifts, and what to do. Pure.
//!
//! ```text
//! objects of the five kinds ─▶ Cluster ─▶ Overview ─▶ text (a terminal), JSON (machines), page (a browser)
//! ```
//!
//! It is made from what the operator says in statuses, and from nothing else: what a condition means is decided in
//! `overview/standing`, once for the terminal and the page. What others wrote is made plain here, so that nobody behind has to.

mod account;
mod assignment;
mod cluster;
mod held;
mod pick;
mod shape;
mod sources;
mod standing;
mod tally;
#[cfg(test)]
mod tests;
pub mod text;
mod words;

use jiff::Timestamp;

pub use cluster::{BackendGlance, Cluster, PolicyGlance, Seen, Unlisted};
pub use pick::Pick;
pub use shape::{
    Account, Assignment, Corrected, Counts, Held, HeldPart, Object, Other, Overview, Plan, Problem, schema,
};
pub use tally::{State, Summary, Tally};

use crate::api::EventReason;

impl Overview {
    /// What these objects come to, worst first.
    pub fn of(cluster: &Cluster, now: Timestamp) -> Self {
        let mut assignments: Vec<_> =
            cluster.assignments.iter().map(|(name, seen)| assignment::of(name, seen, cluster)).collect();
        assignments.sort_by(|a, b| a.order().cmp(&b.order()));
        let on_each = account::assignments(cluster);
        let on = |id| on_each.get(id).copied().unwrap_or_default();
        let mut accounts: Vec<_> =
            cluster.backends.iter().map(|(id, seen)| account::of(id, seen, on(id), cluster)).collect();
        accounts.sort_by(|a, b| a.order().cmp(&b.order()));
        let mut others = account::others(cluster);
        others.sort_by(|a, b| a.order().cmp(&b.order()));
        let held = held::of(cluster, &assignments);
        let corrected = account::corrected(cluster);
        let unlisted: Vec<_> = cluster.unlisted.values().cloned().collect();
        let summary = Summary::of(&accounts, &assignments, &others, &unlisted);
        Self { at: now, summary, accounts, held, assignments, others, corrected, unlisted }
    }

    /// The same with what was put back lately, as `aside` has it: that is not watched, but asked for now and then.
    #[must_use]
    pub fn and_corrections(mut self, aside: &Cluster) -> Self {
        self.corrected = account::corrected(aside);
        self.unlisted.extend(aside.unlisted.values().cloned());
        self
    }

    /// What lists all that was put back lately, as far as Events are kept.
    pub fn corrections_command(&self) -> String {
        let shared = |first: &&Corrected| self.corrected.iter().all(|one| one.namespace == first.namespace);
        let place = match self.corrected.first().filter(shared) {
            Some(first) => format!("-n {}", first.namespace),
            None => "-A".to_owned(),
        };
        format!("kubectl get events {place} --field-selector reason={}", EventReason::DriftCorrected.as_str())
    }

    /// Whether what is held on this backend is told, with what to do: not where its Backend cannot be read.
    pub fn tells_held(&self, backend: &str) -> bool {
        self.held.iter().any(|held| held.backend == backend)
    }

    /// Whether all that should be in force is, on accounts that answer, and nothing else is wrong. Where assignments,
    /// Policies or TargetGroups cannot be read that is not known, and so not so.
    pub fn all_in_force(&self) -> bool {
        let blind = self.unlisted.iter().any(|one| one.assignments || one.edits);
        let states = self.accounts.iter().map(|one| one.state);
        let states = states.chain(self.assignments.iter().map(|one| one.state));
        !blind && states.chain(self.others.iter().map(|one| one.state)).all(State::is_fine)
    }
}
